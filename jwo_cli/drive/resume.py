"""A running store's beginning: what the journal already holds is folded in before the first signal.

A run that ended in order left nobody inside: the next one begins with a new engine, the layout's files as they are, and
what stays true of the house (doors that stand open, ages). A run that was cut off goes on: what its engine had handled
is handled again, in the journal's order, and what was decided then is not decided twice. The journal alone says it;
a snapshot (`snapshot`) only saves handling again what it knows. Of a run that was cut off after a long day a second's
worth is handled again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import get_args

from jwo_cli.drive.accounts import FOLDED
from jwo_cli.drive.fold import HEARD, as_overheard
from jwo_cli.drive.snapshot import Snapshots
from jwo_cli.estimate.signals import Awaited, CodeRead, Overheard
from jwo_cli.journal import Intake
from jwo_cli.journal.upcast import current
from jwo_cli.model import codec, staffing
from jwo_cli.model.entry import REPLAYED, Entry
from jwo_cli.model.observations import CodeScanned, DeviceFaulted, FaultKind, Observation, StoreClosed, StoreOpened
from jwo_cli.model.paying import CHARGED_SOURCE, UNCHARGED_SOURCE
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import LiveRun
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.gatekeeper import AHEAD_S, LIFE_S, SET_BACK_S

RUN, SHADOW = LIVE_SOURCES = (CHARGED_SOURCE, "shadow/")
Lasting = staffing.ModeChanged | staffing.GateReleased | staffing.GateRestored | staffing.AgeConfirmed
# What stays true of a house when everybody has left it.
LASTING: tuple[type[Lasting], ...] = get_args(Lasting)
OBSERVED = frozenset(codec.kind_of(kind) for kind in get_args(Observation))
# A used code is remembered for so long; twice, as gates' clocks are not ours.
CODES_NS = 2 * (SET_BACK_S + LIFE_S + AHEAD_S) * NS_PER_S


@dataclass(slots=True)
class Past:
    """What a run begins with: the journal's head, entries to fold in, and entries granted but not seen through.

    `engine` is one that knows what came before `earlier` already, None where there is none: then `earlier` is all of
    it. The last orderly end was entry `ended`.
    """

    ended: int = 0
    head_seq: int = 0
    head_hash: str = ""
    engine: Engine | None = None
    earlier: list[Overheard] = field(default_factory=list)
    granted: list[CodeRead] = field(default_factory=list)
    faults: list[DeviceFaulted] = field(default_factory=list)  # that began, and were not over at the cut
    cut_off: bool = False

    def goes_on(self, run_id: str, source: str, *, hold_minor: int, awaited: tuple[Awaited, ...] = ()) -> LiveRun:
        """A run that begins here, as its recording tells of it."""
        return LiveRun(
            run_id=run_id, source=source, base_seq=self.head_seq, base_hash=self.head_hash, prompt=True,
            hold_minor=hold_minor, awaited=awaited,
        )  # fmt: skip


def past_of(intake: Intake, snapshots: Snapshots | None = None) -> Past:
    """What a run on this journal begins with: what lasts from before its last orderly end, and all since then."""
    past = Past()
    past.head_seq, past.head_hash = intake.head()
    past.ended = last_end(intake)
    past.cut_off = any(seq <= past.head_seq for seq in _own(intake, StoreOpened, past.ended))
    kept = None if snapshots is None else snapshots.read(intake, past.ended)
    if kept is not None:
        past.engine, known = kept
        past.earlier = list(_since(intake, known, past.head_seq))
    else:
        past.earlier = list(all_before(intake, past))
    if past.cut_off:
        past.granted = _unseen(intake, past)
        past.faults = _begun(intake, past.ended)
    return past


def last_end(intake: Intake) -> int:
    """The entry with which a live store closed in order last; 0 where none did. Nobody was inside then."""
    return max(_own(intake, StoreClosed), default=0)


def unfinished(intake: Intake) -> tuple[str, str] | None:
    """Of a run that was cut off the kind (a source's beginning) and its layout's version; None after an orderly end."""
    ended = last_end(intake)
    opened = [
        (seq, source, found.layout_version)
        for source in LIVE_SOURCES
        for seq, found in intake.observed([StoreOpened], ended, source_prefix=source)
    ]
    return max(opened)[1:] if opened else None


def all_before(intake: Intake, past: Past) -> Iterator[Overheard]:
    """All that an engine must be told that begins where the journal stands: what a recording keeps of the past."""
    for seq, found in intake.observed(LASTING, without_prefix=REPLAYED):
        if seq <= past.ended:
            yield _lasting(seq, found)
    yield from _since(intake, past.ended, past.head_seq)


def _own(intake: Intake, kind: type[Observation], after: int = 0) -> list[int]:
    """Where live stores wrote entries of a kind."""
    return [seq for source in LIVE_SOURCES for seq, _ in intake.observed([kind], after, source_prefix=source)]


def _since(intake: Intake, after: int, until: int) -> Iterator[Overheard]:
    for entry in intake.entries(after):
        if entry.seq > until:
            return
        if _concerns(entry):
            yield as_overheard(entry, after=0, earlier=True)


def _concerns(entry: Entry) -> bool:
    """Whether a live store's engine handled this entry."""
    if entry.kind not in OBSERVED or entry.source.startswith(REPLAYED):
        return False
    return entry.source.startswith(LIVE_SOURCES) or entry.kind in HEARD


def _lasting(seq: int, found: Lasting) -> Overheard:
    """Something from before the last end: only what it says still matters."""
    kind = codec.kind_of(type(found))
    return Overheard(
        at_ns=found.at_ns, after=0, key="", source="", kind=kind, version=current(kind),
        payload=codec.canonical(codec.encode(found)).decode(), caused_by="[]", store_id="", layout_version="",
        earlier=True, seq=seq,
    )  # fmt: skip


def _unseen(intake: Intake, past: Past) -> list[CodeRead]:
    """Entries that were granted before the end, without the scan that the front end makes of each.

    However long ago that was: between it and the journal's head may lie runs that were cut off before they told it.
    """
    kinds: tuple[type[Observation], ...] = (CodeScanned, staffing.EntryGranted)
    others = {seq for seq, _ in intake.observed(kinds, past.ended, source_prefix=REPLAYED)}
    late = [one for seq, one in intake.observed(kinds, past.ended, until_seq=past.head_seq) if seq not in others]
    scanned = {(one.at_ns, one.gate_id, one.account) for one in late if isinstance(one, CodeScanned)}
    granted = [one for one in late if isinstance(one, staffing.EntryGranted)]
    return [code_read(one) for one in granted if (one.at_ns, one.gate_id, one.account) not in scanned]


def _begun(intake: Intake, after: int) -> list[DeviceFaulted]:
    """Troubles that are not over, in order; what began twice is one."""
    begun: dict[tuple[str, FaultKind], DeviceFaulted] = {}
    told = [pair for source in LIVE_SOURCES for pair in intake.observed([DeviceFaulted], after, source_prefix=source)]
    for _, fault in sorted(told, key=lambda pair: pair[0]):
        key = (fault.device_id, fault.kind)
        if fault.until_ns == fault.at_ns:
            begun.setdefault(key, fault)
        elif key in begun and begun[key].at_ns == fault.at_ns:  # else it tells of another time that is over
            del begun[key]
    return list(begun.values())


def over(faults: Iterable[DeviceFaulted], until_ns: int) -> list[DeviceFaulted]:
    """A run's word on what ailed the one before: it is over, as nobody here would end it; what still ails is told."""
    return [replace(fault, until_ns=max(until_ns, fault.at_ns + 1)) for fault in faults]


def known_at_gates(intake: Intake) -> Iterator[Observation]:
    """What a gatekeeper must not forget over a restart: accounts, and codes that were used lately."""
    kinds: tuple[type[Observation], ...] = FOLDED
    yield from (found for _, found in intake.observed(kinds, without_prefix=REPLAYED))
    head_seq, _ = intake.head()
    if head_seq:
        last = next(intake.entries(head_seq - 1))
        since = intake.recorded_before(last.recorded_ns - CODES_NS)
        used: tuple[type[Observation], ...] = (staffing.EntryGranted, staffing.EntryPending, CodeScanned)
        yield from (found for _, found in intake.observed(used, since))


def code_read(granted: staffing.EntryGranted) -> CodeRead:
    """What the front end is told of somebody who was let in, so that it can say who of the people there it was."""
    return CodeRead(
        at_ns=granted.at_ns,
        gate_id=granted.gate_id,
        account=granted.account,
        party_size=granted.party_size,
        role=granted.role.value,
        code_id=granted.code_id,
        way=granted.way.value,
    )


def run_id(store_id: str, start_ns: int, head_hash: str) -> str:
    """A run's name, of what it begins with."""
    return hashlib.sha256(f"{store_id}|{start_ns}|{head_hash}".encode()).hexdigest()[:32]


def source_of(run_id: str, *, shadow: bool, charges: bool) -> str:
    """The source of a run's entries: whether it is a shadow, and else whether anybody carries its dues."""
    kind = SHADOW if shadow else CHARGED_SOURCE if charges else UNCHARGED_SOURCE
    return f"{kind}{run_id[:16]}"
