"""How a store is, from its journal alone: for whoever asks beside the running store, or after it.

Runs and replays leave their layouts beside the journal's log, each under its version, which every entry names: so what
is in force can be told, and what was when a receipt was made. A version is a hash of what the layout says.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from jwo_cli.drive.resume import LIVE_SOURCES, SHADOW, last_end, past_of
from jwo_cli.journal import Intake, database, open_journal
from jwo_cli.layouts.version import content_version
from jwo_cli.model import codec, staffing
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import ReceiptIssued, VisitEnded, VisitStarted
from jwo_cli.model.entry import REPLAYED
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import DeviceFaulted, Observation, StoreOpened
from jwo_cli.model.paying import charges
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings.aside import write_durably
from jwo_cli.shop.house import House

LAYOUT = ".layout"  # the version that the latest run began with
# Modes and doors are told without any layout.
NOWHERE = Store(
    store_id="", name="", version="", timezone="UTC", floor=(), zones=(), gates=(), fixtures=(), cameras=(),
    antennas=(), facings=(), catalogue=Catalogue(currency="EUR", products=()),
)  # fmt: skip
LOCK = ".run.lock"
ASKING_S = 0.5  # a start waits so long for others to let go of the lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """An open visit, and since when."""

    visit_id: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """What `jwo store status` says.

    `inside` are open visits, `receipts` those since it opened, which came to `charged_minor` (would have, in a run
    that does not charge, as a `shadow` never does), `ill` a sentence for each device in trouble.
    """

    running: bool
    mode: staffing.Mode
    shadow: bool
    charges: bool
    inside: tuple[Inside, ...]
    receipts: int
    charged_minor: int
    currency: str
    catalogue_at: str
    released: tuple[str, ...]
    ill: tuple[str, ...]
    head_seq: int
    head_hash: str


def state_of(journal: Path) -> StoreState:
    """Read the journal once. Raises UserError (exit code 3): no journal."""
    with Intake.open(journal, create=False) as intake:
        head_seq, head_hash = intake.head()
        since = max(
            (seq for source in LIVE_SOURCES for seq, _ in intake.observed([StoreOpened], source_prefix=source)),
            default=0,
        )
        house, priced = _house(intake, since)
        newest = _newest(intake)
        inside, ill = _inside(intake), _ill(intake, newest)
        receipts = [
            one for source in LIVE_SOURCES for _, one in intake.observed([ReceiptIssued], since, source_prefix=source)
        ]
    running = is_running(journal)
    return StoreState(
        running=running,
        mode=house.mode if running else staffing.Mode.DOWN,
        shadow=newest.startswith(SHADOW),
        charges=charges(newest),
        inside=inside,
        receipts=len(receipts),
        charged_minor=sum(one.charged_minor for one in receipts),
        currency=receipts[-1].currency if receipts else "",
        catalogue_at=priced,
        released=house.released(),
        ill=ill if running else (),
        head_seq=head_seq,
        head_hash=head_hash,
    )


def _house(intake: Intake, since: int) -> tuple[House, str]:
    """The house's mode and doors, and when prices were changed last in this run."""
    house, priced = House(NOWHERE), ""
    kinds = [staffing.ModeChanged, staffing.GateReleased, staffing.GateRestored, staffing.CatalogueChanged]
    found: Iterator[tuple[int, Observation]] = intake.observed(
        cast("list[type[Observation]]", kinds), without_prefix=REPLAYED
    )
    for seq, change in found:
        if isinstance(change, staffing.CatalogueChanged) and seq > since:
            priced = dt.datetime.fromtimestamp(change.at_ns / NS_PER_S, dt.UTC).isoformat(timespec="seconds")
        elif isinstance(change, staffing.ModeChanged | staffing.GateReleased | staffing.GateRestored):
            house.handle(change)
    return house, priced


def _inside(intake: Intake) -> tuple[Inside, ...]:
    """Visits that began and did not end."""
    inside: dict[str, Inside] = {}
    ended = last_end(intake)
    kinds = cast("list[type[VisitStarted | VisitEnded]]", [VisitStarted, VisitEnded, staffing.VisitJoined])
    for source in LIVE_SOURCES:
        for _, visit in intake.observed(kinds, ended, source_prefix=source):
            if isinstance(visit, VisitStarted):
                inside[visit.visit_id] = Inside(visit_id=visit.visit_id, at_ns=visit.at_ns)
            else:
                inside.pop(visit.visit_id, None)
    return tuple(inside.values())


def unsettled(journal: Path, account: str) -> int | None:
    """When an account came in whose receipt is not issued yet, nanoseconds; None for whoever is not inside."""
    came: int | None = None
    kinds: list[type[staffing.EntryGranted | ReceiptIssued]] = [staffing.EntryGranted, ReceiptIssued]
    with Intake.open(journal, create=False) as intake:
        for _, told in intake.observed(kinds, last_end(intake), without_prefix=REPLAYED):
            if told.account == account:
                came = told.at_ns if isinstance(told, staffing.EntryGranted) else None
    return came


def _ill(intake: Intake, newest: str) -> tuple[str, ...]:
    """A sentence for each device whose trouble began in the newest run and is not over."""
    ill: dict[tuple[str, str], tuple[int, str]] = {}
    for _, fault in intake.observed([DeviceFaulted], source_prefix=newest):
        key = (fault.device_id, fault.kind.value)
        if fault.until_ns == fault.at_ns:
            ill[key] = (fault.at_ns, f"{fault.device_id}: {fault.kind.value}{f', {fault.note}' if fault.note else ''}")
        elif key in ill and ill[key][0] == fault.at_ns:  # else it tells of another time that is over
            del ill[key]
    return tuple(sentence for _, sentence in ill.values())


def _newest(intake: Intake) -> str:
    """The source of the run that wrote last; a run writes something as soon as it begins."""
    head_seq, _ = intake.head()
    for back in (100, 10_000, head_seq):
        sources = [entry.source for entry in intake.entries(max(0, head_seq - back))]
        own = next((source for source in reversed(sources) if source.startswith(LIVE_SOURCES)), "")
        if own:
            return own
    return LIVE_SOURCES[0]


def keep_layout(journal: Path, store: Store, *, run: bool = True) -> None:
    """Leave a layout beside the log, once; that of a run is the one in force."""
    place = _layout_file(journal, store.version)
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        write_durably(place, codec.canonical(codec.encode(store)) + b"\n")
    if run:
        write_durably(journal / LAYOUT, store.version.encode())


def kept_layout(journal: Path, version: str) -> Store | None:
    """The layout of a version; None where none was kept, or where it is not what its version says."""
    place = _layout_file(journal, version)
    if not place.is_file():
        return None
    try:
        store = codec.decode(Store, json.loads(place.read_bytes()))
    except ValueError:
        return None
    return store if content_version(store) == version else None


def latest_layout(journal: Path, store_id: str) -> Store | None:
    """The layout of a store's newest entries that names one which was kept; None where there is none."""
    query = "SELECT layout_version FROM entries GROUP BY layout_version ORDER BY max(seq) DESC"
    with open_journal(journal) as session:
        kept = (kept_layout(journal, version) for (version,) in session.rows(query) if version)
        return next((layout for layout in kept if layout is not None and layout.store_id == store_id), None)


def _layout_file(journal: Path, version: str) -> Path:
    return journal / database.LAYOUTS / f"{version.replace('/', '_')}.json"


def in_force(journal: Path, intake: Intake) -> Store:
    """The layout of the running store with all that was applied to it. Raises UserError: no store runs."""
    begun = (journal / LAYOUT).read_text() if (journal / LAYOUT).is_file() else ""
    layout = kept_layout(journal, begun) if is_running(journal) else None
    if layout is None:
        raise UserError(
            f"no store runs on the journal {journal}",
            fix="Start one with `jwo run`: it begins with the layout's files as they are then.",
            exit_code=3,
        )
    house = House(layout)
    for item in past_of(intake).earlier:
        change = json.loads(item.payload)
        if item.kind == codec.kind_of(staffing.CatalogueChanged):
            house.relaid(codec.decode(staffing.CatalogueChanged, change))
        elif item.kind == codec.kind_of(staffing.PlanogramChanged):
            house.relaid(codec.decode(staffing.PlanogramChanged, change))
    return house.store


@contextmanager
def alone(journal: Path) -> Iterator[None]:
    """One run at a time on a journal. Raises UserError where another one holds it.

    Whoever asks whether a store runs holds the lock for a moment (`is_running`): that is waited for.
    """
    with (journal / LOCK).open("a", encoding="ascii") as held:
        end_s = time.monotonic() + ASKING_S
        while not _locked(held, fcntl.LOCK_EX):
            if time.monotonic() >= end_s:
                raise UserError(
                    f"a store runs on the journal {journal} already",
                    fix="Stop it first, or name another journal with --journal.",
                    exit_code=3,
                )
            time.sleep(ASKING_S / 100)
        yield


def is_running(journal: Path) -> bool:
    """Whether a store runs on this journal now."""
    try:
        with (journal / LOCK).open("a", encoding="ascii") as held:
            return not _locked(held, fcntl.LOCK_SH)
    except OSError:
        return False


def _locked(held: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(held, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
