"""Who is inside: tracker ids, the visits they belong to, accounts and parties.

A visit is one entry to one exit of a party; a tracker id is how the cameras call a body for a while. Holdings follow
tracker ids (see `beliefs`); the roster only says which ids pay together and under which account.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import CartLine
from jwo_cli.model.layout import Point2
from jwo_cli.model.observations import CodeScanned, IdentityDoubted, Role, TrackEnded, TrackStarted, UnreadStay
from jwo_cli.model.paying import PaymentDue
from jwo_cli.model.staffing import Stray, VisitUnclaimed
from jwo_cli.model.units import NS_PER_S

from .antennas import Stays
from .visits import VisitEvent, VisitState, next_visit_state

# A party comes through the gate together: members follow the code within this time.
PARTY_NS = 15_000_000_000
# Who shows a code is in the door within this time; later it is the next one.
ARRIVES_NS = 5_000_000_000
# Who turns round in the exit is let in again without a code, under the account they left with.
TURN_NS = 60_000_000_000
# How far from a door one stands who shows a code there, and how fast people walk in a shop at most.
READER_M = 1.5
WALK_M_PER_S = 1.6
# Somebody lost inside goes on at a gate just when a code is shown there: so much rarer than a newcomer with a code.
_CODE_ODDS = 30.0
# Where cameras see bodies, a code that nobody followed for so long let nobody in.
UNSEEN_NS = 180_000_000_000
# Explanations still name visits that closed a moment ago.
_REMEMBERED = 500


@dataclass(slots=True)
class Visit:
    """One visit while it is open: the tracker ids it owns, oldest first."""

    visit_id: str
    started_ns: int
    role: Role
    tracks: list[str] = field(default_factory=list)
    account: str | None = None
    state: VisitState = VisitState.OUTSIDE
    shown: tuple[CartLine, ...] = ()
    away: dict[str, int] = field(default_factory=dict)  # ids that ended, or go on under another id, and when
    named: float = 1.0  # the probability that the account is that of the person
    replaced: dict[str, None] = field(default_factory=dict)  # ids whose person goes on under another one
    held: PaymentDue | None = None  # what was asked to be held on the shopper's card
    gate_id: str | None = None  # where its first body came in, None when it was first seen inside
    came: Catalogue | None = None  # the prices in force when it began
    notes: dict[str, None] = field(default_factory=dict)  # what a person should know who looks at its receipt
    unweighed: dict[str, None] = field(default_factory=dict)  # plates that were reached to while they did not weigh
    unread: Stays = field(default_factory=dict)  # stays in fields of antennas that were not heard

    def step(self, event: VisitEvent) -> None:
        """Move on in the table of `visits`; an illegal step is a fault of ours and raises LocalError."""
        self.state = next_visit_state(self.state, event)

    def nobody_left(self) -> bool:
        """Whether none of its ids is seen inside any more: a party's visit ends with its last body."""
        return all(track in self.away for track in self.tracks)

    @property
    def track_id(self) -> str:
        """The id carried last, by which the receipt is known."""
        return self.tracks[-1] if self.tracks else self.visit_id


@dataclass(frozen=True, slots=True)
class _Gone:
    """Who left a moment ago, under which id, account and role."""

    account: str
    role: Role
    at_ns: int


@dataclass(slots=True)
class _Code:
    """A code that still waits for people: how many of its party have not been seen yet.

    `presumed` are ids that it was given for want of anybody at its gate: who is seen there takes their place.
    """

    scan: CodeScanned
    visit: Visit
    missing: int
    presumed: list[str] = field(default_factory=list)


class Roster:
    """Open visits by tracker id. Ids of visits come from content: recording, first id and time."""

    def __init__(self, gates: Mapping[str, Point2] = MappingProxyType({})) -> None:
        """`gates` are the middles of the doors, metres; without them a code's people may appear anywhere."""
        self.recording_id = ""
        self._gates = gates
        self.visits: dict[str, Visit] = {}
        self.by_track: dict[str, Visit] = {}
        self._closed: dict[str, str] = {}
        self._codes: list[_Code] = []
        self._gone: dict[str, _Gone] = {}
        self._codes_heard = self._bodies_heard = False

    def scanned(self, scan: CodeScanned) -> tuple[Visit, Visit | None]:
        """A code opens a visit, or gives its account to the one of the person who stood there.

        Where the account is on a visit already (a re-scan for a friend), that one grows: returned is also the visit
        of its own that the friend had begun, if any, which ends without a receipt.
        """
        self._codes_heard = True
        standing = self._standing(scan)
        inside = next((visit for visit in self.visits.values() if self._shops(visit, scan)), None)
        if inside is not None:
            return self._friend(scan, inside, standing)
        visit = standing or self._open(scan.account, scan.at_ns, scan.role)
        visit.account = scan.account
        if scan.role is not Role.SHOPPER:
            visit.role = scan.role
        missing = scan.party_size - len(visit.tracks)
        if missing > 0:
            self._codes.append(_Code(scan, visit, missing))
        return visit, None

    def leaves(self, scan: CodeScanned) -> Visit | None:
        """Whose visit a code at a gate that only leads out is about: no code opens one there.

        The account's own, first one of which no camera saw anybody; else that of whoever stands there and has no
        account yet, who thereby says who pays.
        """
        own = [visit for visit in self.visits.values() if visit.account == scan.account]
        if own:
            return min(own, key=lambda visit: bool(visit.tracks))
        standing = self.by_track.get(scan.track_id) if scan.track_id is not None else None
        if standing is None or standing.account is not None:
            return None
        standing.account = scan.account
        if scan.role is not Role.SHOPPER:
            standing.role = scan.role
        return standing

    def _standing(self, scan: CodeScanned) -> Visit | None:
        """Whose code it is of those who are there: who stood at the reader, unless they came in with another account.

        In a queue the one before may still be nearest to the reader; then it is the latest who came through this gate
        and has no account yet.
        """
        nearest = self.by_track.get(scan.track_id) if scan.track_id is not None else None
        if nearest is None or nearest.account in {None, scan.account}:
            return nearest
        newcomers = [
            visit
            for visit in self.visits.values()
            if visit.account is None and visit.gate_id == scan.gate_id and scan.at_ns - visit.started_ns <= PARTY_NS
        ]
        return max(newcomers, key=lambda visit: visit.started_ns, default=None)

    def _shops(self, visit: Visit, scan: CodeScanned) -> bool:
        """Whether this visit is of the account that was scanned, with somebody of it plainly inside."""
        return visit.account == scan.account and bool(visit.tracks) and not visit.nobody_left()

    def _friend(self, scan: CodeScanned, inside: Visit, standing: Visit | None) -> tuple[Visit, Visit | None]:
        """Somebody inside lets a friend in on their account."""
        theirs = standing is not None and standing is not inside and standing.account is None
        missing = scan.party_size - (len(standing.tracks) if standing is not None and theirs else 0)
        if missing > 0:
            self._codes.append(_Code(scan, inside, missing))
        if standing is None or not theirs:
            return inside, None
        for track_id in standing.tracks:
            self.by_track[track_id] = inside
        inside.tracks = standing.tracks + inside.tracks
        inside.away = {**standing.away, **inside.away}
        inside.unweighed = {**standing.unweighed, **inside.unweighed}
        inside.unread = {**standing.unread, **inside.unread}
        self.visits.pop(standing.visit_id, None)
        return inside, standing

    def started(self, track: TrackStarted) -> tuple[Visit, tuple[Visit, ...]]:
        """The visit of a new id, and what visits that makes: a waiting code's party first, else a visit of its own.

        Somebody at a code's gate takes it from a body that was lost and found inside meanwhile, which gets a visit of
        its own.
        """
        self._bodies_heard = True
        known = self.by_track.get(track.track_id)
        if known is not None:  # seen again after it was lost inside
            known.away.pop(track.track_id, None)
            known.replaced.pop(track.track_id, None)
            return known, ()
        self._codes = [code for code in self._codes if track.at_ns - code.scan.at_ns <= PARTY_NS]
        if track.role is Role.SHOPPER:
            for code in self._codes:
                if code.missing > 0 and self._may_be(track, code.scan):
                    code.missing -= 1
                    if track.gate_id is None:
                        code.presumed.append(track.track_id)
                    self._joins(code.visit, track.track_id)
                    return code.visit, ()
            for code in self._codes:
                stranger = next((name for name in code.presumed if name in code.visit.tracks), None)
                soon = track.at_ns - code.scan.at_ns <= ARRIVES_NS
                if stranger is not None and soon and track.gate_id == code.scan.gate_id:
                    self._joins(code.visit, track.track_id)
                    return code.visit, (self._apart(code, stranger, track.at_ns),)
        visit = self._open(track.track_id, track.at_ns, track.role)
        visit.gate_id = track.gate_id
        gone = self._gone.pop(track.track_id, None)
        if gone is not None and track.at_ns - gone.at_ns <= TURN_NS:
            visit.account, visit.role = gone.account, gone.role
        self._joins(visit, track.track_id)
        return visit, (visit,)

    def _apart(self, code: _Code, track_id: str, at_ns: int) -> Visit:
        """A visit of its own for an id that a code was given wrongly."""
        code.presumed.remove(track_id)
        code.visit.tracks.remove(track_id)
        visit = self._open(track_id, at_ns, Role.SHOPPER)
        if (since_ns := code.visit.away.pop(track_id, None)) is not None:
            visit.away[track_id] = since_ns
        self._joins(visit, track_id)
        return visit

    def _may_be(self, track: TrackStarted, scan: CodeScanned) -> bool:
        """Whether a new id can be somebody of a code: at its gate, or no farther from it than one walks meanwhile."""
        if track.gate_id is not None:
            return track.gate_id == scan.gate_id
        gate = self._gates.get(scan.gate_id)
        if gate is None:
            return True
        away_m = math.dist((track.x_m, track.y_m), gate)
        return away_m <= READER_M + WALK_M_PER_S * max(track.at_ns - scan.at_ns, 0) / NS_PER_S

    def ended(self, track: TrackEnded) -> Visit | None:
        """An id was seen for the last time: the open visit it belongs to."""
        visit = self.by_track.get(track.track_id)
        if visit is not None:
            visit.away[track.track_id] = track.at_ns
        return visit

    def overdue(self, now_ns: int, lost_ns: int, visit_ns: int) -> list[Visit]:
        """Open visits of which nothing was seen for `lost_ns`, or that last longer than `visit_ns`; oldest first."""
        late = [visit for visit in self.visits.values() if self._due_ns(visit, lost_ns, visit_ns) < now_ns]
        return sorted(late, key=lambda visit: visit.started_ns)

    def due_ns(self, lost_ns: int, visit_ns: int) -> int | None:
        """When the next open visit is overdue; None when nobody is inside."""
        return min((self._due_ns(visit, lost_ns, visit_ns) + 1 for visit in self.visits.values()), default=None)

    def _due_ns(self, visit: Visit, lost_ns: int, visit_ns: int) -> int:
        """Until when a visit may stay open if nothing is seen of it any more; who shows a code may turn away."""
        if self._bodies_heard and not visit.tracks:
            lost_ns = min(lost_ns, UNSEEN_NS)
        latest_ns = visit.started_ns + visit_ns
        if not visit.nobody_left():
            return latest_ns
        return min(latest_ns, max([visit.started_ns, *visit.away.values()]) + lost_ns)

    def _joins(self, visit: Visit, track_id: str) -> None:
        visit.tracks.append(track_id)
        self.by_track[track_id] = visit
        self.by_track.pop(visit.visit_id, None)  # a body now stands for the visit itself
        if visit.state is VisitState.ENTERING:
            visit.step(VisitEvent.ENTER)

    def confused(self, a: str, b: str, probability: float) -> None:
        """Two ids may name each other's people: whose account pays is as doubtful as that, even for empty hands."""
        visits = [visit for visit in (self.by_track.get(a), self.by_track.get(b)) if visit is not None]
        if len({visit.account for visit in visits}) == len({visit.visit_id for visit in visits}) == 2:
            for visit in visits:
                visit.named *= max(probability, 1.0 - probability)
        if probability >= 0.5:
            self.exchanged(a, b)

    def exchanged(self, a: str, b: str) -> None:
        """Two ids probably name each other's people now: visits and accounts stay with the people.

        Whose role is another than the other's is known by id (staff are listed): they stay who they are.
        """
        first, second = self.by_track.get(a), self.by_track.get(b)
        if first is None or second is None or first is second or first.role is not second.role:
            return
        away = {a: first.away.pop(a, None), b: second.away.pop(b, None)}
        for visit, old, new in ((first, a, b), (second, b, a)):
            visit.tracks[visit.tracks.index(old)] = new
            if (since_ns := away[new]) is not None:
                visit.away[new] = since_ns
            self.by_track[new] = visit

    def linked(self, before: str, after: str) -> Visit | None:
        """`after` is probably the person that was `before`: one visit, one account. The visit that went up in it."""
        old, new = self.by_track.get(before), self.by_track.get(after)
        if old is None or new is None or old is new:
            return None
        waiting = next((code for code in self._codes if code.visit is new), None)
        if waiting is not None and new.account is not None:
            # Somebody already inside took the place of a newcomer: the code waits on for its own people.
            waiting.missing += 1
            new.tracks.remove(after)
            new.away.pop(after, None)
            old.tracks.append(after)
            self.by_track[after] = old
            return None
        new.started_ns = min(old.started_ns, new.started_ns)
        new.account = new.account or old.account
        new.held = new.held or old.held
        new.gate_id, new.came = old.gate_id or new.gate_id, old.came or new.came
        new.notes = {**old.notes, **new.notes}
        new.role = old.role if new.role is Role.SHOPPER else new.role
        new.tracks = old.tracks + new.tracks
        new.away = {**old.away, before: new.started_ns, **new.away}
        new.named *= old.named
        new.replaced = {**old.replaced, before: None, **new.replaced}
        new.unweighed = {**old.unweighed, **new.unweighed}
        new.unread = {**old.unread, **new.unread}
        for code in self._codes:
            if code.visit is old:
                code.visit = new
        for track_id in old.tracks:
            self.by_track[track_id] = new
        return self.visits.pop(old.visit_id, None)

    def stayed(self, stay: UnreadStay, seq: int) -> None:
        """A shopper was in the field of an antenna that was not heard."""
        visit = self.by_track.get(stay.track_id)
        if visit is not None and visit.role is Role.SHOPPER:
            visit.unread[stay.antenna_id, stay.tags_known, stay.at_ns] = (stay.until_ns, seq)

    def weighed(self, doubt: IdentityDoubted) -> IdentityDoubted:
        """The doubt, knowing who came by a code: somebody lost who goes on inside hardly shows one at the gate then."""
        by_code = (code for code in self._codes if doubt.after in code.visit.tracks)
        if doubt.kind != "restart" or all(doubt.after in code.presumed for code in by_code):
            return doubt
        odds = _CODE_ODDS * (1.0 - doubt.probability)
        return replace(doubt, probability=doubt.probability / (doubt.probability + odds))

    def close(self, visit: Visit, at_ns: int) -> VisitUnclaimed | None:
        """Forget a settled visit; what is to be told of one that has no account, in a store where codes are scanned."""
        if visit.state is VisitState.ENTERING:  # a code that only scales followed: nobody was tracked
            visit.step(VisitEvent.ENTER)
        visit.step(VisitEvent.LEAVE)
        visit.step(VisitEvent.SETTLE)
        self.visits.pop(visit.visit_id, None)
        self._codes = [code for code in self._codes if code.visit is not visit]
        for track_id in visit.tracks or [visit.visit_id]:
            self.by_track.pop(track_id, None)
            self._closed[track_id] = visit.visit_id
            if visit.account is not None:
                self._gone[track_id] = _Gone(visit.account, visit.role, at_ns)
        for memory in (self._closed, self._gone):
            for track_id in list(memory)[:-_REMEMBERED]:
                del memory[track_id]
        if visit.account is not None or visit.role is not Role.SHOPPER or not self._codes_heard:
            return None
        stray = Stray.APPEARED if visit.gate_id is None else Stray.TAILGATED
        return VisitUnclaimed(at_ns=at_ns, visit_id=visit.visit_id, track_id=visit.track_id, stray=stray)

    def visit_id_of(self, track_id: str) -> str | None:
        """The visit that a tracker id belongs or lately belonged to."""
        visit = self.by_track.get(track_id)
        return visit.visit_id if visit is not None else self._closed.get(track_id)

    def role_of(self, track_id: str) -> Role:
        """The role of the person behind a tracker id; a shopper when we know nothing."""
        visit = self.by_track.get(track_id)
        return visit.role if visit is not None else Role.SHOPPER

    def _open(self, name: str, at_ns: int, role: Role) -> Visit:
        content = f"{self.recording_id}|{name}|{at_ns}".encode()
        visit = Visit(visit_id="v-" + hashlib.sha256(content).hexdigest()[:16], started_ns=at_ns, role=role)
        visit.step(VisitEvent.ARRIVE)
        self.visits[visit.visit_id] = visit
        return visit
