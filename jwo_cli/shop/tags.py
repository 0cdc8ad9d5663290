"""What tags say about who holds what: the same units that scales show, counted once, or alone where no scale is.

A tag is one unit, and a lot remembers the tags that left with it. So a departure confirms a unit that a scale has
shown (whoever it was taken by: the scale's reaches said that already), is nothing new when the tag is known to be in
somebody's hands, and is a unit of its own where no scale could have shown it. A tag that comes back is a put-back,
unless a scale has shown that already or the tag is only carried past. At the end a unit of a tagged product whose tag
never left is doubted: the tags that are present are evidence too. Devices that were down are missing, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagChanged, TagState, WeightChanged
from jwo_cli.model.units import NS_PER_S

from .antennas import Outages, Stays
from .beliefs import Lot, Move, State, Story, lots_of, track_owner

_NOTHING: Story = (None, ActionKind.NONE, ())
# A unit that left without its scale noticing; without a scale the antenna is the only witness, and a good one.
_UNWEIGHED, _ALONE = 0.002, 0.9
# One of a product's plates was down, perhaps that one; or another unit came at the same time and hid it.
_BLIND = 0.5
# Between a unit that comes and one that leaves, where a scale shows neither.
_AT_ONCE_NS = 2 * NS_PER_S
# A unit in hand may be held before the antenna for a while before its tag leaves; e-folding time, and the least.
_LAG_S, _LAG_FLOOR = 10.0, 0.05
# A tag that is heard again where it belongs lies there, or its holder stands there; elsewhere the latter mostly.
_PUT_HOME, _PUT_ELSEWHERE, _CARRIED = 0.7, 0.05, 0.3
# A unit of a tagged product bears no tag, or one that the antenna never heard.
_UNHEARD = 0.2
# Until a departure is told: the window and hold of `estimate.tag_antenna`, and a little.
_TOLD_NS = 7 * NS_PER_S
_DOWN = frozenset({FaultKind.DEAD, FaultKind.STUCK, FaultKind.NAN, FaultKind.GAP})
# Tags that left and may come back, the latest.
_REMEMBERED = 5_000
# Log probability of somebody who was seen elsewhere.
_FAR = -8.0
# Never lost to a hard zero or one, whatever an antenna says.
_LEAST = 1e-4

Actors = Sequence[tuple[str | None, float]]
"""(track or nobody we know, log probability)."""


def _log(probability: float) -> float:
    return math.log(min(max(probability, _LEAST), 1.0 - _LEAST))


class TagBook:
    """Which tags are in the fields, which devices are down, and what a tag's change can mean."""

    def __init__(self, store: Store) -> None:
        self._homes: dict[str, dict[str, None]] = {}
        self.relaid(store)
        self.outages = Outages(store.antennas)
        self._alone: dict[str, bool] = {}  # antennas that told of tags -> whether also of goods that only they tell of
        self._fields = {antenna.antenna_id: antenna.plates for antenna in store.antennas}
        self._device_of = {plate.plate_id: plate.device_id for _, _, plate in store.plates().values()}
        self._present: dict[str, dict[str, str]] = {}  # tag -> antennas that have it -> product
        self._out: dict[str, None] = {}
        self._latest: dict[tuple[str, TagState], tuple[int, str]] = {}  # product and what -> when, and whose tag
        self._down: dict[tuple[str, FaultKind], int] = {}

    def relaid(self, store: Store) -> None:
        """What stands where, from now on."""
        products, self._homes, self._off_plates = store.catalogue.by_id(), {}, bool(store.off_plates())
        for facing in store.facings:
            known = products.get(facing.product_id)
            if known is not None:
                self._homes.setdefault(known.product_id, {}).update(dict.fromkeys(facing.plates))

    def held(self) -> int:
        """Tags in fields, tags that left, devices that are down: a measure of memory."""
        fields = sum(len(fields) for fields in self._present.values())
        return fields + len(self._out) + len(self._down) + len(self._latest) + self.outages.held()

    def faulted(self, fault: DeviceFaulted) -> None:
        """A device is down from a first report (which has no end) until a summary that has one, or until it speaks."""
        if fault.kind in _DOWN:
            self.outages.faulted(fault)
            if fault.until_ns > fault.at_ns:
                self._down.pop((fault.device_id, fault.kind), None)
            else:
                self._down[fault.device_id, fault.kind] = fault.at_ns

    def weighed(self, event: WeightChanged) -> None:
        """Plates that speak are not down."""
        for delta in event.plates:
            self._spoke(delta.plate_id)
            self._spoke(self._device_of.get(delta.plate_id, ""))

    def _spoke(self, device_id: str) -> None:
        for kind in _DOWN:
            self._down.pop((device_id, kind), None)

    def _is_down(self, device_id: str | None) -> bool:
        return device_id is not None and any((device_id, kind) in self._down for kind in _DOWN)

    def unread(self, stays: Stays, now_ns: int) -> Stays:
        """Stays in fields of antennas that were not heard, of which nobody knows what was taken there.

        Only where goods hang that nothing else tells of; an antenna that never told of any tag may be over some.
        """
        alone = {name: self._alone.get(name, self._off_plates and not self._fields.get(name)) for name, *_ in stays}
        return self.outages.doubted({stay: told for stay, told in stays.items() if alone[stay[0]]}, now_ns)

    def moves(self, event: TagChanged, seq: int, actors: Actors) -> Callable[[State], list[Move]] | None:
        """The moves of a state for one change of a tag, heaviest first; None for a tag that nobody can have in hand.

        `event.product_id` is the catalogue's.
        """
        fields = self._present.setdefault(event.tag_id, {})
        others = any(name != event.antenna_id for name in fields)
        carried = others or event.tag_id in self._out or bool(self._homes.get(event.product_id))
        self._alone[event.antenna_id] = self._alone.get(event.antenna_id, False) or not carried
        if event.state is TagState.GONE or event.tag_id in self._out:
            self._latest[event.product_id, event.state] = (event.at_ns, event.tag_id)
        if event.state is TagState.GONE:
            fields.pop(event.antenna_id, None)
            if not fields:
                del self._present[event.tag_id]
            self._out[event.tag_id] = None
            for old in list(self._out)[:-_REMEMBERED]:
                del self._out[old]
            return self._left(event, seq, actors)
        fields[event.antenna_id] = event.product_id
        return self._came(event, actors) if event.tag_id in self._out else None

    def _left(self, event: TagChanged, seq: int, actors: Actors) -> Callable[[State], list[Move]]:
        homes = self._homes.get(event.product_id, {})
        blind = any(self._is_down(plate) or self._is_down(self._device_of.get(plate)) for plate in homes)
        alone = math.log(_ALONE if not homes else _BLIND if blind else _UNWEIGHED)
        came = self._at_once(event, TagState.PRESENT)
        doubt, sure, log_unheard = _log(1.0 - event.probability), _log(event.probability), math.log(_UNHEARD)
        new = Lot(event.product_id, 1, 0.0, 1e4, seq, event.at_ns, (), (event.tag_id,))
        story = ((event.product_id, 1),)

        def for_state(state: State) -> list[Move]:
            if _holders(state, event.tag_id):
                return [Move(0.0, _NOTHING)]  # it left before, and leaves another antenna's field now
            moves = [Move(doubt, _NOTHING)]
            waiting: list[tuple[str, Lot, float]] = []
            for track_id, log_p in actors:
                if track_id is None:
                    moves.append(Move(sure + alone + log_p, (None, ActionKind.PICK, story)))
                    continue
                gives = ((track_owner(track_id), new),)
                moves.append(Move(sure + alone + log_p, (track_id, ActionKind.PICK, story), (), gives))
                lots = [lot for lot in lots_of(state, track_owner(track_id)) if _waits(lot, event.product_id)]
                if lots:
                    latest = max(lots, key=lambda lot: lot.at_ns)
                    lag_s = abs(event.at_ns - latest.at_ns) / NS_PER_S
                    waiting.append((track_id, latest, max(math.exp(-lag_s / _LAG_S), _LAG_FLOOR)))
            # One departure is one unit's, however many units wait for theirs.
            total = math.fsum(weight for _, _, weight in waiting)
            if waiting:  # unless the unit that waits for a tag has none that is heard
                moves = [
                    move._replace(log_weight=move.log_weight + log_unheard) if move.gives else move for move in moves
                ]
            elif came is not None and not _holders(state, came):  # put back, and hid from the scale what left
                more = max(math.log(_BLIND) - alone, 0.0)
                moves = [moves[0], *(move._replace(log_weight=move.log_weight + more) for move in moves[1:])]
            for track_id, lot, weight in waiting:
                owner, seen = track_owner(track_id), lot._replace(tags=(*lot.tags, event.tag_id))
                confirm = sure + math.log(weight * max(w for _, _, w in waiting) / total)
                takes = ((owner, lot, lot.units, lot.mass_g),)
                moves.append(Move(confirm, (track_id, ActionKind.PICK, story), takes, ((owner, seen),)))
            return sorted(moves, key=lambda move: -move.log_weight)

        return for_state

    def _came(self, event: TagChanged, actors: Actors) -> Callable[[State], list[Move]]:
        homes, field = self._homes.get(event.product_id, {}), self._fields.get(event.antenna_id, ())
        at_home = not homes or not field or any(plate in field for plate in homes)
        put = math.log(_PUT_HOME if at_home else _PUT_ELSEWHERE)
        sure = _log(event.probability)
        carried = math.log(max(1.0 - event.probability, _CARRIED if at_home else 1.0 - _PUT_ELSEWHERE))
        left = self._at_once(event, TagState.GONE)
        log_p = dict(actors)
        nearest = max(log_p.values(), default=0.0)
        story = ((event.product_id, 1),)

        def for_state(state: State) -> list[Move]:
            moves = []
            for owner, lot in _holders(state, event.tag_id):
                track_id = owner.removeprefix("t:")
                if track_id == owner:
                    continue  # on a plate or on the floor: that is where it is heard
                takes = ((owner, lot, lot.units, lot.mass_g),)
                rest = lot._replace(tags=tuple(tag for tag in lot.tags if tag != event.tag_id))
                if len(lot.tags) > lot.units:  # a scale has shown the put-back already
                    return [Move(sure, _NOTHING, takes, ((owner, rest),)), Move(carried, _NOTHING)]
                unit_g = lot.mass_g / lot.units
                fewer = rest._replace(units=lot.units - 1, mass_g=lot.mass_g - unit_g)
                gives = ((owner, fewer),) if fewer.units else ()
                weight = sure + put + log_p.get(track_id, _FAR) - nearest
                if left is not None and _alone(state, left):  # which is why no scale has shown that one leaving
                    weight += math.log(_BLIND / _UNWEIGHED)
                moves += [Move(carried, _NOTHING), Move(weight, (track_id, ActionKind.PUT, story), takes, gives)]
            return sorted(moves, key=lambda move: -move.log_weight) or [Move(0.0, _NOTHING)]

        return for_state

    def _at_once(self, event: TagChanged, state: TagState) -> str | None:
        """The other tag of the same product that came or left at the same time as this one went the other way."""
        at_ns, tag_id = self._latest.get((event.product_id, state), (0, event.tag_id))
        return tag_id if tag_id != event.tag_id and abs(at_ns - event.at_ns) <= _AT_ONCE_NS else None

    def unheard(self, owners: Sequence[str], now_ns: int) -> Callable[[State], list[Move]] | None:
        """Doubt about units of tagged products whose tags never left; None when no tag can say anything."""
        tagged = {
            product: None
            for fields in self._present.values()
            for antenna, product in fields.items()
            if not self._is_down(antenna)
        }
        if not tagged:
            return None

        def for_state(state: State) -> list[Move]:
            units = 0
            for owner in owners:
                for lot in lots_of(state, owner):
                    if lot.product_id in tagged and now_ns - lot.at_ns >= _TOLD_NS:
                        units += max(lot.units - len(lot.tags), 0)
            return [Move(units * math.log(_UNHEARD), _NOTHING)]

        return for_state


def _waits(lot: Lot, product_id: str) -> bool:
    """Whether a lot has units of the product whose tags have not been seen leaving."""
    return lot.product_id == product_id and len(lot.tags) < lot.units


def _holders(state: State, tag_id: str) -> list[tuple[str, Lot]]:
    """Owners and lots that a tag left with: one, or none."""
    return [(owner, lot) for owner, lots in state for lot in lots if tag_id in lot.tags]


def _alone(state: State, tag_id: str) -> bool:
    """Whether somebody holds a unit that nothing but this tag has shown."""
    return any(lot.mass_g == 0.0 for _, lot in _holders(state, tag_id))


def named(event: TagChanged, product_id: str) -> TagChanged:
    """The event under the catalogue's own name of its product."""
    return event if event.product_id == product_id else replace(event, product_id=product_id)
