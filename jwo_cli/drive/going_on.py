"""What a run begins with where the last one was cut off: the layout of that one, and nothing of the other kind.

1. Who is inside came under the prices, plates and doors of the layout that the cut-off run began with: the run that
   goes on has it, too, whatever the files say by now, and devices are held against it. They count again after the
   next orderly end.
2. A run charges, a shadow does not. Visits of a shadow are never charged: a run settles them in the shadow, and begins
   anew. A shadow does not go on with a run's visits: somebody would leave without paying.
"""

from __future__ import annotations

from pathlib import Path

from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.resume import SHADOW, unfinished
from jwo_cli.drive.state import kept_layout
from jwo_cli.journal import Intake, database
from jwo_cli.layouts.settings_devices import DeviceSettings, check_devices
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store


def going_on(journal: Path, store: Store, *, shadow: bool, devices: DeviceSettings | None = None) -> Store:
    """The layout that a run on this journal begins with: `store`, or that of a run that was cut off. Writes nothing.

    Raises UserError: a shadow would go on with visits that are to be charged, the layout that they began with is gone,
    they are another store's, or the devices are of another layout than this one.
    """
    source, begun = _cut_off(journal, store)
    if shadow and source not in {"", SHADOW}:
        raise UserError(
            "a run that charges was cut off on this journal, and somebody may be inside still",
            fix="Let the store run until everybody has left; or give the shadow a journal: --journal DIR.",
        )
    begins = store if source == SHADOW and not shadow else begun
    if devices is not None:
        _check_devices(devices, begins, kept=begins is not store)
    return begins


def settle_shadow(journal: Path, store: Store) -> None:
    """Close a shadow that was cut off over whoever is inside: before a run that charges, which can begin otherwise."""
    source, begun = _cut_off(journal, store)
    if source == SHADOW:
        with Intake.open(journal, create=False) as intake:
            LiveStore(begun, intake, sources=(), recording=None, shadow=True).end(settle=True)


def _cut_off(journal: Path, store: Store) -> tuple[str, Store]:
    """Of what kind a run that was cut off is, and its layout; of no kind, and `store`, where none was."""
    if not (journal / database.INTAKE).exists():
        return "", store
    with Intake.open(journal, create=False) as intake:
        opened = unfinished(intake)
    if opened is None:
        return "", store
    source, version = opened
    begun = store if version == store.version else kept_layout(journal, version)
    if begun is None:
        raise UserError(
            f"the run that was cut off began with the layout {version}, which is not beside the journal",
            fix="Put the layout's files back as they were then; change them after the next orderly end.",
        )
    if begun.store_id != store.store_id:
        raise UserError(
            f"a run of the store {begun.store_id!r} was cut off on the journal {journal}",
            fix="Let it end there; or name another journal with --journal.",
        )
    return source, begun


def _check_devices(devices: DeviceSettings, begins: Store, *, kept: bool) -> None:
    try:
        check_devices(devices, begins)
    except UserError as error:
        if not kept:
            raise
        raise UserError(
            "the last run was cut off, and the settings do not suit the layout that it goes on with",
            fix="Name the devices as they were then; change them after the next orderly end.",
            findings=error.findings,
        ) from None
