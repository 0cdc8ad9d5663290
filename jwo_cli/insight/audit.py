"""Why a receipt says what it says: every line back to the entries that caused it, and what else they may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.insight.receipts import Kept, find, issued, kept, product_names
from jwo_cli.journal import Session
from jwo_cli.model.decisions import EventExplained, Explanation, ReceiptCorrected, ReceiptIssued, ReceiptLine
from jwo_cli.model.observations import (
    IdentityDoubted,
    PlateDelta,
    Reach,
    ShelfTouched,
    TagChanged,
    UnreadStay,
    WeightChanged,
)
from jwo_cli.model.units import NS_PER_S

AROUND_NS = 3 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateTrace:
    """A plate's weight around an event: `at_s` seconds after the event began, `grams` None where it gave nothing."""

    plate_id: str
    at_s: tuple[float, ...]
    grams: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAudit:
    """One event behind a line: what was measured, who was near, and every way to explain it with its probability.

    `after_s` is when it happened, seconds into the visit; `track_id` the id that the shopper probably carried then.
    """

    seq: int
    kind: str
    at_ns: int
    after_s: float
    track_id: str
    place: str
    length_s: float
    plates: tuple[PlateDelta, ...]
    real: float | None
    steps: int | None
    poses_known: bool
    reaches: tuple[Reach, ...]
    explanations: tuple[Explanation, ...]
    traces: tuple[PlateTrace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAudit:
    """A line of the receipt and the events that caused it, in journal order."""

    line: ReceiptLine
    events: tuple[EventAudit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionAudit:
    """What somebody decided about a receipt, and when and why."""

    seq: int
    note: str
    corrected: ReceiptCorrected


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptAudit:
    """A receipt explained. `others` are events of the visit that led to no line: put back, or somebody else's.

    `tracks` are tracker ids by visit, `names` products by id, for showing.
    """

    seq: int
    source: str
    layout_version: str
    receipt: ReceiptIssued
    began_ns: int
    lines: tuple[LineAudit, ...]
    others: tuple[EventAudit, ...]
    corrections: tuple[CorrectionAudit, ...]
    tracks: dict[str, str]
    names: dict[str, str]


def audit(session: Session, wanted: str) -> ReceiptAudit:
    """Explain the receipt that `wanted` names. Raises UserError where none or several fit."""
    entry = find(session, wanted)
    receipt = issued(entry)
    began_ns = _began(session, receipt)
    explained = _explained(session, entry, receipt)
    causes = {seq for line in receipt.lines for seq in line.caused_by}
    found = kept(session, {*causes, *explained, *_unread(session, entry)})
    ids = _carried(session, entry, receipt, [event.seq for event in found])
    events = {event.seq: _event(session, event, explained, began_ns, ids[event.seq]) for event in found}
    return ReceiptAudit(
        seq=entry.seq,
        source=entry.source,
        layout_version=entry.layout_version,
        receipt=receipt,
        began_ns=began_ns,
        lines=tuple(_line(line, events) for line in receipt.lines),
        others=tuple(event for seq, event in events.items() if seq not in causes),
        corrections=_corrections(session, entry, receipt),
        tracks=dict(session.rows("SELECT visit_id, track_id FROM visits WHERE source = ?", [entry.source])),
        names=product_names(session),
    )


def _corrections(session: Session, entry: Kept, receipt: ReceiptIssued) -> tuple[CorrectionAudit, ...]:
    """What people decided since, oldest first, with what they noted."""
    rows = session.rows(
        "SELECT seq, note FROM corrections WHERE receipt_id = ? AND starts_with(source, ?) ORDER BY seq",
        [receipt.receipt_id, entry.source.partition("/")[0] + "/"],
    )
    notes = {int(seq): str(note) for seq, note in rows}
    return tuple(
        CorrectionAudit(seq=item.seq, note=notes[item.seq], corrected=item.value)
        for item in kept(session, notes)
        if isinstance(item.value, ReceiptCorrected)
    )


def _line(line: ReceiptLine, events: dict[int, EventAudit]) -> LineAudit:
    return LineAudit(line=line, events=tuple(events[seq] for seq in line.caused_by if seq in events))


def _began(session: Session, receipt: ReceiptIssued) -> int:
    rows = session.rows("SELECT min(started_ns) FROM visits WHERE visit_id = ?", [receipt.visit_id])
    return int(rows[0][0]) if rows and rows[0][0] is not None else receipt.at_ns


def _carried(session: Session, entry: Kept, receipt: ReceiptIssued, seqs: Sequence[int]) -> dict[int, str]:
    """The id that the shopper probably carried at each of these entries: back over every exchange since."""
    rows = session.rows(
        "SELECT seq FROM entries WHERE kind = 'identity_doubted' AND source = ? AND seq < ? ORDER BY seq",
        [entry.source, entry.seq],
    )
    track_id, doubts = receipt.track_id, list(kept(session, [seq for (seq,) in rows]))
    found = {}
    for seq in sorted(seqs, reverse=True):
        while doubts and doubts[-1].seq > seq:
            doubt = doubts.pop().value
            if isinstance(doubt, IdentityDoubted) and doubt.probability >= 0.5:
                was = {doubt.after: doubt.before}
                if doubt.kind != "restart":
                    was[doubt.before] = doubt.after
                track_id = was.get(track_id, track_id)
        found[seq] = track_id
    return found


def _explained(session: Session, entry: Kept, receipt: ReceiptIssued) -> dict[int, tuple[Explanation, ...]]:
    """What is believed of each event that this visit may have had a part in: the last word on it."""
    rows = session.rows(
        "SELECT event_seq, max(seq) FROM event_explained WHERE source = ? AND event_seq IN "
        "(SELECT event_seq FROM explanations WHERE list_contains(string_split(visit_id, ' & '), ?) AND source = ?) "
        "GROUP BY event_seq ORDER BY event_seq",
        [entry.source, receipt.visit_id, entry.source],
    )
    believed = {found.seq: found.value for found in kept(session, [seq for _, seq in rows])}
    result: dict[int, tuple[Explanation, ...]] = {}
    for event_seq, seq in rows:
        value = believed[seq]
        if isinstance(value, EventExplained):
            result[int(event_seq)] = value.explanations
    return result


def _unread(session: Session, entry: Kept) -> tuple[int, ...]:
    """Stays at antennas that were not heard, for which the receipt waits for a person."""
    rows = session.rows(
        "SELECT seq FROM entries WHERE kind = 'unread_stay' AND list_contains("
        "(SELECT caused_by FROM entries WHERE seq = ?), seq)",
        [entry.seq],
    )
    return tuple(int(seq) for (seq,) in rows)


def _event(
    session: Session, found: Kept, explained: dict[int, tuple[Explanation, ...]], visit_ns: int, track_id: str
) -> EventAudit:
    value = found.value
    weight = value if isinstance(value, WeightChanged) else None
    begin_ns, end_ns = found.at_ns, found.at_ns
    if isinstance(value, WeightChanged | ShelfTouched):
        begin_ns, end_ns = value.begin_ns, value.end_ns
    elif isinstance(value, UnreadStay):
        begin_ns, end_ns = value.at_ns, value.until_ns
    reaches = value.reaches if isinstance(value, WeightChanged | ShelfTouched | TagChanged) else ()
    return EventAudit(
        seq=found.seq,
        kind=found.kind,
        at_ns=found.at_ns,
        after_s=round((begin_ns - visit_ns) / NS_PER_S, 2),
        track_id=track_id,
        place=_place(value),
        length_s=round((end_ns - begin_ns) / NS_PER_S, 2),
        plates=weight.plates if weight else (),
        real=weight.real if weight else None,
        steps=weight.steps if weight else None,
        poses_known=weight.poses_known if weight else True,
        reaches=tuple(sorted(reaches, key=lambda reach: -reach.log_likelihood)),
        explanations=explained.get(found.seq, ()),
        traces=_traces(session, found.source, weight.plates, begin_ns, end_ns) if weight else (),
    )


def _place(value: object) -> str:
    match value:
        case WeightChanged() | ShelfTouched():
            return value.shelf_id
        case TagChanged() | UnreadStay():
            return value.antenna_id
        case _:
            return ""


def _traces(
    session: Session, source: str, plates: Sequence[PlateDelta], begin_ns: int, end_ns: int
) -> tuple[PlateTrace, ...]:
    """The kept weights around a change; no trace for a plate whose weights were not kept."""
    rows = session.rows(
        "SELECT channel, at_ns, weight_g FROM weights WHERE source = ? AND at_ns BETWEEN ? AND ? "
        "AND list_contains(?, channel) ORDER BY channel, at_ns",
        [source, begin_ns - AROUND_NS, end_ns + AROUND_NS, [plate.plate_id for plate in plates]],
    )
    traces = []
    for plate in plates:
        mine = [(at_ns, grams) for channel, at_ns, grams in rows if channel == plate.plate_id]
        if mine:
            at_s = tuple(round((at_ns - begin_ns) / NS_PER_S, 2) for at_ns, _ in mine)
            traces.append(PlateTrace(plate_id=plate.plate_id, at_s=at_s, grams=tuple(grams for _, grams in mine)))
    return tuple(traces)
