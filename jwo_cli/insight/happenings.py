"""What a journal believes of each event, held against what truly happened: found, right product, count and person.

Scored are picks, puts and restocks at the shelves, things that changed hands, and things that were left on the floor
or taken up from it. A true event is found when the journal's last word on an observation near it in time (and on the
same plates) is that something of its kind happened; goods that it believes to have moved beside that are invented.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from jwo_cli.journal import Session

from .truth import TrueCase, TrueEvent

# A true event and an observed one are the same when this close: traces of slow lifts take seconds.
MATCH_S = 2.5
# What the truth calls it -> what is scored; anything else (touches) moved nothing.
KINDS = {
    "pick": "pick",
    "put": "put",
    "restock": "restock",
    "handover": "hand over",
    "left_on_floor": "to the floor",
    "taken_from_floor": "from the floor",
}
_AT_SHELVES = ("pick", "put", "restock")
_FLOOR_ACTIONS = {"misplace": "to the floor", "pick": "from the floor"}
_SCALES = ("weight_changed", "hands_met", "floor_touched")
Rates = dict[str, float | int | None]


@dataclass(slots=True)
class EventTally:
    """Sums over events; add them up, then ask for `rates`. `told` are those whose true actor is known."""

    true: int = 0
    found: int = 0
    product: int = 0
    count: int = 0
    person: int = 0
    told: int = 0
    invented: int = 0

    def add(self, other: EventTally) -> None:
        """Add another tally to this one."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    def rates(self) -> Rates:
        """Shares of the true events; None where there is nothing to divide by."""
        return {
            "true": self.true,
            "found": _part(self.found, self.true),
            "right_product": _part(self.product, self.true),
            "right_count": _part(self.count, self.true),
            "right_person": _part(self.person, self.told),
            "invented": self.invented,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventScores:
    """Over all events, by class of case, and by what kind of event it was."""

    total: Rates
    classes: dict[str, Rates]
    kinds: dict[str, Rates]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    """An observation of which the journal believes that something happened: `tracks` (as they left) did or gave it.

    `what` is None for weight changes: what a load that came or went is called follows from the true event. `met` are
    the ids of then of two whose hands met: who received is the one that did not give.
    """

    begin_s: float
    end_s: float
    plates: frozenset[str]
    delta_g: float
    what: str | None
    items: Counter[str]
    tracks: tuple[str, ...]
    met: tuple[str, ...] = ()


def event_scores(session: Session, cases: Mapping[str, TrueCase]) -> EventScores:
    """Every true event of these cases (by the journal's source) against the journal's last word on it."""
    believed = _believed(session, cases)
    by_class: dict[str, dict[str, EventTally]] = {}
    for source, case in cases.items():
        tallies = by_class.setdefault(case.kind, {kind: EventTally() for kind in KINDS.values()})
        _score_case(case, believed.get(source, []), tallies)
    kinds = {kind: EventTally() for kind in KINDS.values()}
    classes = {name: EventTally() for name in sorted(by_class)}
    total = EventTally()
    for name, tallies in by_class.items():
        for kind, tally in tallies.items():
            for table in (kinds[kind], classes[name], total):
                table.add(tally)
    return EventScores(
        total=total.rates(),
        classes={name: tally.rates() for name, tally in classes.items()},
        kinds={name: tally.rates() for name, tally in kinds.items() if tally.true or tally.invented},
    )


def _score_case(case: TrueCase, believed: list[_Believed], tallies: Mapping[str, EventTally]) -> None:
    left = list(believed)
    for event in case.events:
        kind = KINDS.get(event.kind)
        if kind is None or (kind in _AT_SHELVES and not event.plates):
            continue
        tally = tallies[kind]
        tally.true += 1
        tally.told += bool(event.track_id)
        match = _closest(event, kind, left)
        if match is None:
            continue
        left.remove(match)
        want = Counter(event.products)
        tally.found += 1
        tally.product += set(want) == set(match.items)
        tally.count += want == match.items
        tally.person += bool(event.track_id) and _right_people(case, event, match)
    for item in left:
        if not item.items:
            continue  # a hand that leaned, a bag: nothing for sale is said to have moved
        tallies[item.what or ("pick" if item.delta_g < 0 else "put")].invented += 1


def _right_people(case: TrueCase, event: TrueEvent, match: _Believed) -> bool:
    """Whether the right shopper is named (of two who acted at once, one of them), or nobody's where it was staff."""
    # The truth and explanations name people by the ids they left with, an observation by those they carried then.
    did = [case.owner.get(track) for track in match.tracks]
    if case.owner.get(event.track_id) not in did:
        return False
    then = case.owner_at(event.at_s)
    received = [then.get(track) for track in match.met if then.get(track) not in did]
    return event.to_track_id is None or case.owner.get(event.to_track_id) in received


def _closest(event: TrueEvent, kind: str, candidates: list[_Believed]) -> _Believed | None:
    fitting = [item for item in candidates if _away_s(event, item) <= MATCH_S and _alike(event, kind, item)]
    return min(fitting, key=lambda item: _away_s(event, item), default=None)


def _alike(event: TrueEvent, kind: str, item: _Believed) -> bool:
    if kind not in _AT_SHELVES:
        return item.what == kind
    came = event.delta_g > 0 if event.delta_g else event.kind != "pick"
    return item.what is None and (item.delta_g > 0) == came and not item.plates.isdisjoint(event.plates)


def _away_s(event: TrueEvent, item: _Believed) -> float:
    return max(item.begin_s - event.at_s, event.at_s - item.end_s, 0.0)


def _part(count: int, whole: int) -> float | None:
    return round(count / whole, 4) if whole else None


def _believed(session: Session, cases: Mapping[str, TrueCase]) -> dict[str, list[_Believed]]:
    """The journal's last word on each observation of these sources, where that is that something happened."""
    tracks: dict[str, str] = dict(session.rows("SELECT visit_id, track_id FROM visit_started"))
    tracks |= dict(session.rows("SELECT visit_id, track_id FROM visit_ended"))
    last: dict[int, dict[str, Any]] = {}
    for payload in _payloads(session, ("event_explained",)):
        last[payload[2]["event_seq"]] = payload[2]["explanations"][0]
    found: dict[str, list[_Believed]] = {}
    for seq, (source, kind), observed in _payloads(session, _SCALES):
        best = last.get(seq)
        item = None if source not in cases or best is None else _belief(kind, observed, best, tracks)
        if item is not None:
            found.setdefault(source, []).append(item)
    return found


def _belief(kind: str, seen: dict[str, Any], best: dict[str, Any], tracks: Mapping[str, str]) -> _Believed | None:
    # `part`: the beginning of a slow lift is told with its end.
    if best["action"] in ("none", "part"):
        return None
    who = tuple(tracks.get(visit, visit) for visit in (best["visit_id"] or "").split(" & "))
    items = Counter({str(product): int(count) for product, count in best["items"]})
    begin_s, end_s = seen["at_ns"] / 1e9, seen["at_ns"] / 1e9
    plates: frozenset[str] = frozenset()
    delta_g, what = 0.0, None
    met: tuple[str, ...] = ()
    if kind == "weight_changed":
        plates = frozenset(plate["plate_id"] for plate in seen["plates"])
        delta_g = sum(plate["delta_g"] for plate in seen["plates"])
    elif kind == "hands_met":
        what, end_s = "hand over", seen["until_ns"] / 1e9
        met = (seen["a"], seen["b"])
    else:
        what = _FLOOR_ACTIONS.get(best["action"])
        if what is None:
            return None
    return _Believed(
        begin_s=begin_s, end_s=end_s, plates=plates, delta_g=delta_g, what=what, items=items, tracks=who, met=met
    )


def _payloads(session: Session, kinds: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, str], dict[str, Any]]]:
    """(seq, (source, kind), payload) of entries of these kinds, in journal order."""
    query = "SELECT seq, source, kind, payload FROM entries WHERE list_contains(?, kind) ORDER BY seq"
    for seq, source, kind, payload in session.rows(query, [list(kinds)]):
        yield seq, (source, kind), json.loads(payload)
