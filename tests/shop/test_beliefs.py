"""Joint hypotheses: probability is neither made nor lost, and what one story says stays consistent."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.decisions import ActionKind
from jwo_cli.shop.beliefs import (
    Group,
    Hypothesis,
    Lot,
    Move,
    apply,
    basket_odds,
    expand,
    fresh_group,
    joined,
    lots_of,
    normalised,
    released,
    split,
    story_odds,
    track_owner,
)

ANN, BOB = track_owner("ann"), track_owner("bob")
COLA = Lot("cola", 2, 700.0, 1.0, 1, 0)
TEA = Lot("tea", 1, 120.0, 1.0, 2, 0)
NOTHING = (None, ActionKind.NONE, ())


def pick(weight: float, owner: str, lot: Lot) -> Move:
    return Move(weight, (owner[2:], ActionKind.PICK, ((lot.product_id, lot.units),)), (), ((owner, lot),))


def total(group: Group) -> float:
    return math.fsum(math.exp(item.log_p) for item in group.hypotheses)


def test_taking_part_of_a_lot_leaves_the_rest_with_its_mass() -> None:
    """Two colas of 700 g less one of 352 g leave one of 348 g."""
    state = apply((), pick(0.0, ANN, COLA))
    state = apply(state, Move(0.0, NOTHING, ((ANN, COLA, 1, 352.0),)))
    (rest,) = lots_of(state, ANN)
    assert (rest.units, rest.mass_g) == (1, 348.0)


def test_swapped_identities_exchange_everything_and_only_that() -> None:
    """After a swap Bob's id holds what Ann's held; swapping again restores the state."""
    state = apply(apply((), pick(0.0, ANN, COLA)), pick(0.0, BOB, TEA))
    swap = Move(0.0, NOTHING, exchange=(ANN, BOB))
    swapped = apply(state, swap)
    assert lots_of(swapped, BOB) == (COLA,)
    assert lots_of(swapped, ANN) == (TEA,)
    assert apply(swapped, swap) == state


def test_what_was_taken_after_a_swap_is_not_exchanged() -> None:
    """The doubt comes late: what Bob's id took since then is with the body that carries it now."""
    late = TEA._replace(at_ns=COLA.at_ns + 5)
    state = apply(apply(apply((), pick(0.0, ANN, COLA)), pick(0.0, BOB, TEA)), pick(0.0, BOB, late))
    swapped = apply(state, Move(0.0, NOTHING, exchange=(ANN, BOB), until_ns=COLA.at_ns))
    assert lots_of(swapped, ANN) == (TEA,)
    assert lots_of(swapped, BOB) == (late, COLA)


def test_a_put_back_refutes_the_story_in_which_the_other_one_took_it() -> None:
    """Ann or Bob took the cola (60:40); then Bob, beyond doubt, puts one back: Bob had it."""
    group = joined([fresh_group(ANN), fresh_group(BOB)], 50)
    moves = [pick(math.log(0.6), ANN, COLA), pick(math.log(0.4), BOB, COLA)]
    expand(group, 1, lambda _state: moves, beam=50, floor=20.0)

    def put(state: tuple) -> list[Move]:
        held = lots_of(state, BOB)
        give = (
            [Move(math.log(0.99), ("bob", ActionKind.PUT, (("cola", 1),)), ((BOB, held[0], 1, 350.0),))] if held else []
        )
        return [*give, Move(math.log(0.01), NOTHING)]

    expand(group, 2, put, beam=50, floor=20.0)
    story, probability = story_odds(group, 1)[0]
    assert story[0] == "bob"
    assert probability > 0.97
    assert basket_odds(group, [BOB])[0][0] == (("cola", 1),)


def test_what_nobody_disputes_becomes_independent_again() -> None:
    """Ann's tea is certain, the cola is disputed between Bob and Cem: releasing Bob leaves Ann on her own."""
    cem = track_owner("cem")
    group = joined([fresh_group(ANN), fresh_group(BOB), fresh_group(cem)], 50)
    expand(group, 1, lambda _state: [pick(0.0, ANN, TEA)], beam=50, floor=20.0)
    dispute = [pick(math.log(0.5), BOB, COLA), pick(math.log(0.5), cem, COLA)]
    expand(group, 2, lambda _state: dispute, beam=50, floor=20.0)
    parts = released(group, BOB, frozenset({1, 2}))
    assert sorted(sorted(part.owners) for part in parts) == [[ANN], [cem]]
    assert basket_odds(parts[-1], [cem])[0][1] == 0.5


@given(st.lists(st.tuples(st.booleans(), st.floats(-3, 0)), min_size=1, max_size=8), st.integers(4, 60))
def test_probability_is_kept_by_expanding_joining_and_splitting(events: list[tuple[bool, float]], beam: int) -> None:
    """However many events: hypotheses add up to one, none is lost to a cut below the beam, the order is by weight."""
    group = joined([fresh_group(ANN), fresh_group(BOB)], beam)
    for seq, (ann_first, doubt) in enumerate(events, 1):
        first, second = (ANN, BOB) if ann_first else (BOB, ANN)
        lot = Lot(f"p{seq % 3}", 1, 100.0, 1.0, seq, seq)
        moves = [pick(0.0, first, lot), pick(doubt - 0.01, second, lot)]
        expand(group, seq, lambda _state, moves=moves: moves, beam=beam, floor=30.0)
        assert math.isclose(total(group), 1.0, rel_tol=1e-9)
        assert len(group.hypotheses) <= beam
        assert [item.log_p for item in group.hypotheses] == sorted((i.log_p for i in group.hypotheses), reverse=True)
    for part in split(group):
        assert math.isclose(total(part), 1.0, rel_tol=1e-9)
    assert math.isclose(math.fsum(p for _, p in basket_odds(group, [ANN, BOB])), 1.0, rel_tol=1e-9)


def test_equal_states_are_one_hypothesis() -> None:
    """Two ways to the same state add up instead of filling the beam."""
    group = Group(owners={ANN: None}, hypotheses=[Hypothesis(0.0, (), ())])
    ways = [Move(math.log(0.7), NOTHING), Move(math.log(0.3), ("ann", ActionKind.NONE, ()))]
    expand(group, 1, lambda _state: ways, beam=10, floor=20.0)
    assert len(group.hypotheses) == 1


@given(st.lists(st.floats(-6, 0), min_size=1, max_size=12), st.lists(st.floats(-6, 0), min_size=1, max_size=12))
def test_joining_keeps_exactly_the_most_probable_pairs(ours: list[float], theirs: list[float]) -> None:
    """The pairs that are never built would not have been kept."""
    sides = []
    for owner, weights in ((ANN, ours), (BOB, theirs)):
        lots = [Lot("tea", 1, 120.0, 1.0, n, 0) for n in range(len(weights))]
        found = [Hypothesis(w, ((owner, (lot,)),), ()) for w, lot in zip(weights, lots, strict=True)]
        sides.append(Group(owners={owner: None}, hypotheses=normalised(sorted(found, key=lambda item: -item.log_p))))
    both = joined(sides, 10)
    every = sorted((a.log_p + b.log_p for a in sides[0].hypotheses for b in sides[1].hypotheses), reverse=True)[:10]
    kept = [item.log_p for item in both.hypotheses]
    assert len(kept) == len(every)
    assert all(math.isclose(a - kept[0], b - every[0], abs_tol=1e-9) for a, b in zip(kept, every, strict=True))
