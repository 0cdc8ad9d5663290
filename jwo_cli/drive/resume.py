"""A running store's beginning: what the journal already holds is folded in before the first signal.

A run that ended in order left nobody inside: the next one begins with a new engine, the layout's files as they are, and
what stays true of the house (doors that stand open, ages). A run that was cut off goes on: what its engine had handled
is handled again, in the journal's order, and what was decided then is not decided twice. The journal alone says it;
there is no other state that could disagree with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import get_args

from jwo_cli.drive.fold import HEARD, REPLAYED, as_overheard
from jwo_cli.estimate.signals import CodeRead, Overheard
from jwo_cli.journal import Intake
from jwo_cli.journal.upcast import current
from jwo_cli.model import codec, staffing
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import CodeScanned, Observation, StoreClosed
from jwo_cli.model.units import NS_PER_S

LIVE_SOURCES = ("run/", "shadow/")
Lasting = staffing.ModeChanged | staffing.GateReleased | staffing.GateRestored | staffing.AgeConfirmed
# What stays true of a house when everybody has left it.
LASTING: tuple[type[Lasting], ...] = get_args(Lasting)
OBSERVED = frozenset(codec.kind_of(kind) for kind in get_args(Observation))
# Somebody who was let in so shortly before a crash that the front end had not told it yet.
JUST_NS = 60 * NS_PER_S


@dataclass(slots=True)
class Past:
    """What a run begins with: entries to fold in, the journal's head, and entries granted but not seen through."""

    earlier: list[Overheard] = field(default_factory=list)
    head_seq: int = 0
    head_hash: str = ""
    granted: list[CodeRead] = field(default_factory=list)
    cut_off: bool = False


def past_of(intake: Intake) -> Past:
    """What a run on this journal begins with: what lasts from before its last orderly end, and all since then."""
    past = Past()
    past.head_seq, past.head_hash = intake.head()
    closed = [seq for source in LIVE_SOURCES for seq, _ in intake.observed([StoreClosed], source_prefix=source)]
    ended = max(closed, default=0)
    kept = [entry for entry in intake.entries(ended) if _concerns(entry)]
    past.cut_off = any(entry.kind == "store_opened" for entry in kept)
    past.earlier = [
        *(_lasting(seq, found) for seq, found in intake.observed(LASTING) if seq <= ended),
        *(as_overheard(entry, after=0, earlier=True) for entry in kept),
    ]
    if past.cut_off:
        past.granted = _unseen(kept)
    return past


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


def _unseen(kept: list[Entry]) -> list[CodeRead]:
    """Entries that were granted right before the end, without the scan that the front end makes of each."""
    latest_ns = max((entry.at_ns for entry in kept), default=0)
    scanned = {
        (found.at_ns, found.gate_id, found.account)
        for entry in kept
        if entry.kind == "code_scanned"
        for found in [codec.decode(CodeScanned, entry.payload)]
    }
    granted = [
        codec.decode(staffing.EntryGranted, entry.payload)
        for entry in kept
        if entry.kind == "entry_granted" and latest_ns - entry.at_ns <= JUST_NS
    ]
    return [code_read(item) for item in granted if (item.at_ns, item.gate_id, item.account) not in scanned]


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
