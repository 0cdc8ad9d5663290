"""Joint beliefs: weighted hypotheses about who holds what, kept per group of visits that interact.

A hypothesis is one consistent story of everything that happened in its group: which lots every shopper holds, what
stands misplaced on which plate, what lies on the floor. Every explanation of every event is a `Move`: lots taken from
owners and lots given to owners, with a log weight. Swapped identities, hand-overs and things left on the floor are
moves like picks and puts, so one mechanism weighs them all. Nothing is decided before a visit is settled.

Stories that agree on the state are merged, the rest is pruned to a fixed number of hypotheses: bounded work an event.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from jwo_cli.model.decisions import ActionKind


class Lot(NamedTuple):
    """Units of one product that were picked together: `mass_g` is their measured sum with variance `var_g2`.

    `profile` is the share of the mass on each plate where the lot stands misplaced; `origin` is the sequence number of
    the entry it came from, `at_ns` when it last moved. `tags` are RFID tags seen leaving with it; more tags than units
    say that some have gone back, and their antenna will tell which.
    """

    product_id: str
    units: int
    mass_g: float
    var_g2: float
    origin: int
    at_ns: int
    profile: tuple[tuple[str, float], ...] = ()
    tags: tuple[str, ...] = ()


_AND = " & "
# How many events before the present one may turn out to have been parts of it.
_TRAIL = 2

State = tuple[tuple[str, tuple[Lot, ...]], ...]
"""(owner, lots) for every owner that has some, sorted by owner. Owners: 't:<track>', 'p:<plate>', 'floor'."""

Story = tuple[str | None, ActionKind, tuple[tuple[str, int], ...]]
"""What an explanation says: track (None: nobody we know), action, items (product, count)."""

History = tuple[tuple[int, Story], ...]
"""(seq, story) of the open events in order; tracks are the ids that those people carry now, not those of then."""


class Move(NamedTuple):
    """One explanation of an event: its log weight, what it says, lots it takes (owner, lot, count, mass) and gives.

    `exchange` is of all that two owners held at `until_ns`: what came to them later is theirs.
    """

    log_weight: float
    story: Story
    takes: tuple[tuple[str, Lot, int, float], ...] = ()
    gives: tuple[tuple[str, Lot], ...] = ()
    exchange: tuple[str, str] | None = None
    until_ns: int | None = None
    rename: tuple[str, str] | None = None


class Hypothesis(NamedTuple):
    """A story with its normalised log probability, its state and what it says about each open event (seq, story)."""

    log_p: float
    state: State
    history: History


@dataclass(frozen=True, slots=True)
class Last:
    """One of a group's last events: its number, the hypotheses before it, the log weight of all explanations of it."""

    seq: int
    before: tuple[Hypothesis, ...]
    log_evidence: float


@dataclass(slots=True)
class Group:
    """Visits whose stories depend on each other, and their joint hypotheses, most probable first."""

    owners: dict[str, None]
    hypotheses: list[Hypothesis]
    trail: tuple[Last, ...] = ()


def track_owner(track_id: str) -> str:
    """The owner key of a tracker id."""
    return "t:" + track_id


def together(first: str, second: str) -> str:
    """The name in a story of two people who acted at once."""
    return first + _AND + second


def tracks_of(story: Story) -> tuple[str, ...]:
    """The tracker ids that a story names: none, one, or two who acted at once."""
    return tuple(story[0].split(_AND)) if story[0] is not None else ()


def plate_owner(plate_id: str) -> str:
    """The owner key of a plate where something stands misplaced."""
    return "p:" + plate_id


FLOOR = "floor"


def fresh_group(owner: str) -> Group:
    """A group of one owner who holds nothing."""
    return Group(owners={owner: None}, hypotheses=[Hypothesis(0.0, (), ())])


def lots_of(state: State, owner: str) -> tuple[Lot, ...]:
    """The lots of one owner; empty when none."""
    for key, lots in state:
        if key == owner:
            return lots
    return ()


def _with_owner(state: State, owner: str, lots: tuple[Lot, ...]) -> State:
    kept = [item for item in state if item[0] != owner]
    if lots:
        kept.append((owner, lots))
        kept.sort(key=lambda item: item[0])
    return tuple(kept)


def remaining_lot(lot: Lot, count: int, mass_g: float, var_g2: float) -> Lot | None:
    """What is left of a lot after `count` units of measured mass `mass_g` left it; None when nothing is."""
    if count >= lot.units:
        return None
    return lot._replace(units=lot.units - count, mass_g=max(lot.mass_g - mass_g, 0.0), var_g2=lot.var_g2 + var_g2)


def apply(state: State, move: Move) -> State:
    """The state after a move. Lots that a move takes must be there; `exchange` and `rename` concern whole owners."""
    if move.exchange is not None:
        a, b = move.exchange
        lots_a, lots_b = lots_of(state, a), lots_of(state, b)
        until_ns = move.until_ns
        if until_ns is None:
            return _with_owner(_with_owner(state, a, lots_b), b, lots_a)
        now_a = (*_since(lots_a, until_ns), *_before(lots_b, until_ns))
        now_b = (*_since(lots_b, until_ns), *_before(lots_a, until_ns))
        return _with_owner(_with_owner(state, a, now_a), b, now_b)
    if move.rename is not None:
        before, after = move.rename
        moved = lots_of(state, after) + lots_of(state, before)
        return _with_owner(_with_owner(state, before, ()), after, moved)
    for owner, lot, count, mass_g in move.takes:
        lots = list(lots_of(state, owner))
        place = lots.index(lot)
        rest = remaining_lot(lot, count, mass_g, lot.var_g2)
        lots[place : place + 1] = [] if rest is None else [rest]
        state = _with_owner(state, owner, tuple(lots))
    for owner, lot in move.gives:
        state = _with_owner(state, owner, (*lots_of(state, owner), lot))
    return state


def _before(lots: tuple[Lot, ...], until_ns: int) -> tuple[Lot, ...]:
    return tuple(lot for lot in lots if lot.at_ns <= until_ns)


def _since(lots: tuple[Lot, ...], until_ns: int) -> tuple[Lot, ...]:
    return tuple(lot for lot in lots if lot.at_ns > until_ns)


def retold(history: History, move: Move) -> History:
    """The history under the ids that people carry after a move: who did something is a person, not an id."""
    if move.exchange is not None:
        a, b = (owner.removeprefix("t:") for owner in move.exchange)
        now = {a: b, b: a}
    elif move.rename is not None:
        before, after = (owner.removeprefix("t:") for owner in move.rename)
        now = {before: after}
    else:
        return history
    return tuple(
        (seq, (_AND.join(now.get(track, track) for track in tracks_of(story)), *story[1:]))
        if any(track in now for track in tracks_of(story))
        else (seq, story)
        for seq, story in history
    )


def expand(
    group: Group,
    seq: int,
    moves_for: Callable[[State], Sequence[Move]],
    *,
    beam: int,
    floor: float,
    instead: Sequence[tuple[int, Callable[[State], Sequence[Move]]]] = (),
) -> None:
    """Every hypothesis continued by every move that it allows; pruned to `beam` within `floor` nats of the best.

    `moves_for` gives the moves that a state allows, heaviest first; at least one must be allowed by some state.
    `instead` lists (n, moves) that explain this event and the group's n events before it together, as one.
    """
    before = tuple(group.hypotheses)
    children = _children(before, (seq,), moves_for, beam, floor)
    # Together-explanations start before earlier events: all weights are brought to the footing of the present.
    for count, moves in instead:
        joined_events = group.trail[-count:]
        past = math.fsum(item.log_evidence for item in joined_events)
        seqs = (*(item.seq for item in joined_events), seq)
        whole = _children(joined_events[0].before, seqs, moves, beam, floor)
        children += [item._replace(log_p=item.log_p - past) for item in whole]
    evidence = log_sum([item.log_p for item in children])
    group.hypotheses = normalised(merged(children)[:beam])
    group.trail = (*group.trail[-_TRAIL:], Last(seq, before, evidence))


def _children(
    parents: Sequence[Hypothesis],
    seqs: tuple[int, ...],
    moves_for: Callable[[State], Sequence[Move]],
    beam: int,
    floor: float,
) -> list[Hypothesis]:
    scored: list[tuple[float, int, Move]] = []
    best = -math.inf
    for index, hypothesis in enumerate(parents):
        for move in moves_for(hypothesis.state):
            score = hypothesis.log_p + move.log_weight
            if score < best - floor:
                break
            best = max(best, score)
            scored.append((score, index, move))
    scored = [item for item in scored if item[0] >= best - floor]
    scored.sort(key=lambda item: (-item[0], item[1]))
    children: list[Hypothesis] = []
    # More are kept before merging than after it: stories that differ only in the past fall together.
    for score, index, move in scored[: beam * 2]:
        parent = parents[index]
        plain = not (move.takes or move.gives or move.exchange or move.rename)
        state = parent.state if plain else apply(parent.state, move)
        parts = tuple((seq, (move.story[0], ActionKind.PART, ())) for seq in seqs[:-1])
        past = parent.history if plain else retold(parent.history, move)
        children.append(Hypothesis(score, state, (*past, *parts, (seqs[-1], move.story))))
    return children


def merged(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """Equal states added up (the heavier story's history stays), most probable first."""
    table: dict[State, Hypothesis] = {}
    for hypothesis in hypotheses:
        twin = table.get(hypothesis.state)
        if twin is None:
            table[hypothesis.state] = hypothesis
        else:
            table[hypothesis.state] = twin._replace(log_p=log_add(twin.log_p, hypothesis.log_p))
    return sorted(table.values(), key=lambda item: -item.log_p)


def normalised(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """Log probabilities that add up to one."""
    if not hypotheses:
        raise ValueError("no hypothesis is left: every event needs an explanation")
    total = log_sum([item.log_p for item in hypotheses])
    return [item._replace(log_p=item.log_p - total) for item in hypotheses]


def log_add(a: float, b: float) -> float:
    """log(exp a + exp b)."""
    high, low = (a, b) if a >= b else (b, a)
    return high + math.log1p(math.exp(low - high))


def log_sum(values: Sequence[float]) -> float:
    """Log of the sum of exponentials; -inf for none."""
    high = max(values, default=-math.inf)
    if high == -math.inf:
        return high
    return high + math.log(math.fsum(math.exp(value - high) for value in values))


def joined(groups: Sequence[Group], beam: int) -> Group:
    """Independent groups as one: the product of their hypotheses, pruned to the `beam` most probable.

    Both sides are sorted: at least (i + 1)(j + 1) - 1 pairs go before pair (i, j), so most need not be built.
    """
    whole = groups[0]
    for other in groups[1:]:
        pairs = [
            Hypothesis(a.log_p + b.log_p, tuple(sorted(a.state + b.state)), _interleave(a.history, b.history))
            for i, a in enumerate(whole.hypotheses[:beam])
            for b in other.hypotheses[: beam // (i + 1)]
        ]
        pairs.sort(key=lambda item: -item.log_p)
        whole = Group(owners={**whole.owners, **other.owners}, hypotheses=normalised(pairs[:beam]))
    return whole


def _interleave(a: History, b: History) -> History:
    if not (a and b):
        return a or b
    known = {seq for seq, _ in a}
    return tuple(sorted(a + tuple(item for item in b if item[0] not in known), key=lambda item: item[0]))


def released(group: Group, owner: str, keep_events: frozenset[int]) -> list[Group]:
    """The group without one owner (a settled visit), split into the parts that no longer depend on each other.

    Histories keep only `keep_events`. An owner whose lots are the same in every hypothesis is independent of the rest.
    """
    owners = {name: None for name in group.owners if name != owner}
    rest = [
        Hypothesis(
            item.log_p,
            tuple(part for part in item.state if part[0] != owner),
            tuple(event for event in item.history if event[0] in keep_events),
        )
        for item in group.hypotheses
    ]
    return split(Group(owners=owners, hypotheses=normalised(merged(rest))))


def split(group: Group) -> list[Group]:
    """Owners whose lots no hypothesis disputes get groups of their own, with the events that are theirs."""
    parts: list[Group] = []
    disputed: dict[str, None] = {}
    first = group.hypotheses[0]
    for owner in group.owners:
        lots = lots_of(first.state, owner)
        if all(lots_of(item.state, owner) == lots for item in group.hypotheses):
            state: State = ((owner, lots),) if lots else ()
            own = tuple(e for e in first.history if owner in map(track_owner, tracks_of(e[1])))
            parts.append(Group(owners={owner: None}, hypotheses=[Hypothesis(0.0, state, own)]))
        else:
            disputed[owner] = None
    if disputed:
        kept = [
            item._replace(state=tuple(part for part in item.state if part[0] in disputed)) for item in group.hypotheses
        ]
        parts.append(Group(owners=disputed, hypotheses=normalised(merged(kept))))
    return parts


def story_odds(group: Group, seq: int) -> list[tuple[Story, float]]:
    """What the hypotheses say about an event, with probabilities, most probable first."""
    table: dict[Story, float] = {}
    for hypothesis in group.hypotheses:
        for event, story in hypothesis.history:
            if event == seq:
                table[story] = table.get(story, 0.0) + math.exp(hypothesis.log_p)
    return sorted(table.items(), key=lambda item: -item[1])


def whole_stories(history: History) -> list[tuple[int, Story]]:
    """The events of a history that stand for themselves: neither a part of a later one nor the end of such parts."""
    whole = []
    in_parts = False
    for seq, story in history:
        part = story[1] is ActionKind.PART
        if not part and not in_parts:
            whole.append((seq, story))
        in_parts = part
    return whole


def basket_odds(group: Group, owners: Sequence[str]) -> list[tuple[tuple[tuple[str, int], ...], float]]:
    """Baskets (product, count) that the owners together may hold, with probabilities, most probable first."""
    table: dict[tuple[tuple[str, int], ...], float] = {}
    for hypothesis in group.hypotheses:
        counts: dict[str, int] = {}
        for owner in owners:
            for lot in lots_of(hypothesis.state, owner):
                counts[lot.product_id] = counts.get(lot.product_id, 0) + lot.units
        basket = tuple(sorted(counts.items()))
        table[basket] = table.get(basket, 0.0) + math.exp(hypothesis.log_p)
    return sorted(table.items(), key=lambda item: (-item[1], item[0]))
