"""What a run begins with where the last one was cut off: the layout of that one, and nothing of the other kind.

1. Who is inside came under the prices, plates and doors of the layout that the cut-off run began with: the run that
   goes on has it, too, whatever the files say by now. They count again after the next orderly end.
2. A run charges, a shadow does not. Visits of a shadow are never charged: a run settles them in the shadow, and begins
   anew. A shadow does not go on with a run's visits: somebody would leave without paying.
"""

from __future__ import annotations

from pathlib import Path

from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.resume import SHADOW, unfinished
from jwo_cli.drive.state import kept_layout
from jwo_cli.journal import Intake, database
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store


def going_on(journal: Path, store: Store, *, shadow: bool) -> Store:
    """The layout that a run on this journal begins with: `store`, or that of a run that was cut off.

    Raises UserError: a shadow would go on with visits that are to be charged, the layout that they began with is gone,
    or they are another store's.
    """
    if not (journal / database.INTAKE).exists():
        return store
    with Intake.open(journal, create=False) as intake:
        opened = unfinished(intake)
        if opened is None:
            return store
        source, version = opened
        if shadow and source != SHADOW:
            raise UserError(
                "a run that charges was cut off on this journal, and somebody may be inside still",
                fix="Let the store run until everybody has left; or give the shadow a journal: --journal DIR.",
            )
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
        if shadow or source != SHADOW:
            return begun
        LiveStore(begun, intake, sources=(), recording=None, shadow=True).end(settle=True)
    return store
