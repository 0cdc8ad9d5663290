"""Which owners' stories depend on each other: groups grow when an event ties them and fall apart when visits settle.

Events whose explanation is still open are remembered with what the scale said, so that they can be weighed again when
a mass turns out to be different from the catalogue's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from jwo_cli.model.decisions import ActionKind
from jwo_cli.model.observations import WeightChanged

from .beliefs import (
    Group,
    Hypothesis,
    Lot,
    Move,
    State,
    apply,
    expand,
    fresh_group,
    joined,
    lots_of,
    merged,
    normalised,
    released,
    retold,
    split,
    track_owner,
    tracks_of,
    whole_stories,
)
from .masses import MassBelief
from .settings import EngineSettings

_TINY = 1e-250


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """An event whose explanation is still open: when it was and what the scale said."""

    at_ns: int
    weight: WeightChanged | None


class Groups:
    """The store's belief: every owner's group of joint hypotheses, and the events that are still open."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._by_owner: dict[str, Group] = {}
        self._events: dict[int, OpenEvent] = {}

    def __contains__(self, owner: str) -> bool:
        return owner in self._by_owner

    def size(self) -> int:
        """Owners and open events."""
        return len(self._by_owner) + len(self._events)

    def add(self, owner: str) -> None:
        """A new owner who holds nothing; one that is known keeps what it holds."""
        self._by_owner.setdefault(owner, fresh_group(owner))

    def bearing(self, tag_id: str) -> list[str]:
        """Owners who in some hypothesis hold a unit that this tag left with."""
        return [
            owner
            for owner, group in self._by_owner.items()
            if any(tag_id in lot.tags for item in group.hypotheses for lot in lots_of(item.state, owner))
        ]

    def event(self, seq: int) -> OpenEvent:
        """An open event by its sequence number."""
        return self._events[seq]

    def join(self, owners: Sequence[str]) -> Group:
        """The one group of these owners; groups that an event ties together become one."""
        groups: list[Group] = []
        for owner in owners:
            group = self._by_owner.setdefault(owner, fresh_group(owner))
            if not any(group is other for other in groups):
                groups.append(group)
        if len(groups) == 1:
            return groups[0]
        whole = joined(groups, self._settings.beam)
        for owner in whole.owners:
            self._by_owner[owner] = whole
        return whole

    def expand(
        self,
        group: Group,
        seq: int,
        at_ns: int,
        moves: Callable[[State], Sequence[Move]],
        *,
        weight: WeightChanged | None = None,
        instead: Sequence[tuple[int, Callable[[State], Sequence[Move]]]] = (),
    ) -> None:
        """Let every hypothesis of a group explain an event, `instead` together with some of those before it."""
        if not any(owner.startswith("t:") for owner in group.owners):
            self._forget_before(group)
        expand(group, seq, moves, beam=self._settings.beam, floor=self._settings.beam_floor, instead=instead)
        self._events[seq] = OpenEvent(at_ns, weight)
        for hypothesis in group.hypotheses:
            for owner, _ in hypothesis.state:
                if owner not in group.owners:
                    group.owners[owner] = None
                    self._by_owner[owner] = group

    def _forget_before(self, group: Group) -> None:
        """Nobody inside has a part in this: only the events that the next may end are remembered (nights are long)."""
        recent = {item.seq for item in group.trail}
        if all(seq in recent for item in group.hypotheses for seq, _ in item.history):
            return
        group.hypotheses = [
            item._replace(history=tuple(event for event in item.history if event[0] in recent))
            for item in group.hypotheses
        ]
        self._drop_closed()

    def _drop_closed(self) -> None:
        live = {seq for part in self._by_owner.values() for item in part.hypotheses for seq, _ in item.history}
        self._events = {seq: event for seq, event in self._events.items() if seq in live}

    def rename(self, before: str, after: str) -> None:
        """What one owner holds belongs to another from now on; the first is forgotten."""
        group = self.join([before, after])
        move = Move(0.0, (None, ActionKind.NONE, ()), rename=(before, after))
        group.hypotheses = merged(
            item._replace(state=apply(item.state, move), history=retold(item.history, move))
            for item in group.hypotheses
        )
        group.trail = ()  # what was held before was held under the other name
        del group.owners[before], self._by_owner[before]

    def release(self, owner: str) -> None:
        """Forget a settled owner; what no longer depends on each other falls apart; closed events are dropped."""
        group = self._by_owner.pop(owner)
        # An event stays open while somebody who may have done it is still inside.
        still_open = {
            seq
            for item in group.hypotheses
            for seq, story in item.history
            if any(track_owner(track) in self._by_owner for track in tracks_of(story))
        }
        for part in released(group, owner, frozenset(still_open)):
            for name in part.owners:
                self._by_owner[name] = part
        for name in [name for name in self._by_owner if not name.startswith("t:")]:
            # Plates and floor where nothing is misplaced any more.
            part = self._by_owner[name]
            if all(not lots_of(item.state, name) for item in part.hypotheses):
                part.owners.pop(name, None)
                del self._by_owner[name]
        self._drop_closed()

    def aged(self, before_ns: int, shoppers: Collection[str]) -> list[tuple[Group, int]]:
        """Events before a time in which none of these tracks may have had a part, with the groups that know them.

        Staff are inside all day: what they did is not kept open for the receipt that they never get.
        """
        if not any(event.at_ns < before_ns for event in self._events.values()):
            return []
        return [
            (group, seq)
            for group in self._each()
            for seq in sorted({seq for item in group.hypotheses for seq, _ in item.history})
            if self._events[seq].at_ns < before_ns
            and not any(
                track in shoppers
                for item in group.hypotheses
                for event, story in item.history
                if event == seq
                for track in tracks_of(story)
            )
        ]

    def forget(self, seqs: Collection[int], before_ns: int, shoppers: Collection[str]) -> None:
        """Close these events, and forget what anybody but these tracks has held since before then."""
        kept = {track_owner(track) for track in shoppers}

        def fresh(owner: str, lots: tuple[Lot, ...]) -> tuple[Lot, ...]:
            if owner in kept or not owner.startswith("t:"):
                return lots
            return tuple(lot for lot in lots if lot.at_ns >= before_ns)

        for group in self._each():
            if not any(seq in seqs for item in group.hypotheses for seq, _ in item.history):
                continue
            group.hypotheses = normalised(
                merged(
                    item._replace(
                        state=tuple((owner, left) for owner, lots in item.state if (left := fresh(owner, lots))),
                        history=tuple(event for event in item.history if event[0] not in seqs),
                    )
                    for item in group.hypotheses
                )
            )
            group.trail = ()
            for part in split(group):
                for name in part.owners:
                    self._by_owner[name] = part
        self._drop_closed()

    def _each(self) -> list[Group]:
        """Every group once."""
        found: dict[int, Group] = {id(group): group for group in self._by_owner.values()}
        return list(found.values())

    def weigh_again(self, product_id: str, before: MassBelief, now: MassBelief) -> None:
        """Past picks of a product whose mass is seen differently now: every story is judged by the new mass."""
        gains: dict[tuple[int, int], float] = {}

        def gain_of(seq: int, count: int) -> float:
            event = self._events[seq].weight
            if event is None:
                return 0.0
            if (seq, count) not in gains:
                mass = abs(math.fsum(item.delta_g for item in event.plates))
                sigma = math.sqrt(math.fsum(item.sigma_g**2 for item in event.plates) + 0.5)
                new, old = now.density(mass, sigma, count), before.density(mass, sigma, count)
                gains[seq, count] = math.log(max(new, _TINY)) - math.log(max(old, _TINY))
            return gains[seq, count]

        done: list[Group] = []
        for group in self._by_owner.values():
            if any(group is other for other in done):
                continue
            done.append(group)
            changed: list[Hypothesis] = []
            for hypothesis in group.hypotheses:
                picks = [
                    (seq, items[0][1])
                    for seq, (_, action, items) in whole_stories(hypothesis.history)
                    if action is ActionKind.PICK and len(items) == 1 and items[0][0] == product_id
                ]
                gain = math.fsum(gain_of(seq, count) for seq, count in picks)
                changed.append(hypothesis._replace(log_p=hypothesis.log_p + gain))
            group.hypotheses = normalised(merged(changed))
            group.trail = ()
