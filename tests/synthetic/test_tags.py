"""Goods with tags: what stands in a field, what a play takes out of it and brings back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.epc import gtin_of
from jwo_cli.model.gtin import check_digit
from jwo_cli.synthetic.sample import BEER, CHOCOLATE, GUM, START_NS
from jwo_cli.synthetic.scenes import SHELF_ANTENNA, tagged_store
from jwo_cli.synthetic.scripts import Actor, AnyAct, Leave, Pick, Put, Script
from jwo_cli.synthetic.simulate import Simulated, simulate
from jwo_cli.synthetic.tags import Moved, Place, moves, sgtin, tagged

STORE = tagged_store()
TAGS = tagged(STORE, seed=3, each=4)


def play(*acts: AnyAct) -> Simulated:
    """One shopper."""
    ann = Actor(key="ann", enter_s=0.5, acts=(*acts, Leave()))
    return simulate(STORE, Script(name="t", scenario="t", seed=5, start_ns=START_NS, actors=(ann,)))


def moved(*acts: AnyAct) -> tuple[Moved, ...]:
    """What one shopper does to the tags."""
    return moves(STORE, play(*acts).stage, TAGS)


def test_the_facings_in_the_field_have_tags_of_their_own_product() -> None:
    """Four units of each, all numbers different, all in the one antenna's field."""
    assert len({tag.tag_id for tag in TAGS}) == len(TAGS) == 12
    assert {gtin_of(tag.tag_id) for tag in TAGS} == {f"0{tag.product_id}" for tag in TAGS}
    assert {tag.antenna_id for tag in TAGS} == {SHELF_ANTENNA}


def test_a_tag_goes_with_the_hand_and_then_out_of_hearing() -> None:
    """Two bars are two tags; each is in the hand at the take, and away once its holder has walked off."""
    story = moved(Pick(product=CHOCOLATE, count=2))
    assert [one.place for one in story] == [Place.HAND, Place.HAND, Place.AWAY, Place.AWAY]
    assert len({one.tag_id for one in story}) == 2
    assert 0.5 < story[-1].at_s - story[0].at_s < 15


def test_goods_elsewhere_have_no_tags() -> None:
    """The fridge is in nobody's field."""
    assert moved(Pick(product=BEER)) == ()


def test_a_tag_that_is_put_back_stands_there_again() -> None:
    """It went away in between, as its holder went to the fridge."""
    story = moved(Pick(product=GUM), Pick(product=BEER), Put(product=GUM))
    assert [one.place for one in story] == [Place.HAND, Place.AWAY, Place.SHELF]
    assert len({one.tag_id for one in story}) == 1


def test_a_tag_that_is_put_back_at_once_never_left() -> None:
    """Its holder did not go out of the antenna's hearing, so it is in the hand and back, and not away after that."""
    story = moved(Pick(product=GUM), Put(product=GUM))
    assert [one.place for one in story] == [Place.HAND, Place.SHELF]


@given(st.integers(0, 10**12 - 1), st.integers(1, 2**38 - 1))
def test_a_tags_number_holds_its_gtin(body: int, serial: int) -> None:
    """As GS1's tag data standard writes it, read by the reader of such numbers."""
    digits = f"{body:012d}"
    gtin = digits + str(check_digit(digits))
    assert gtin_of(sgtin(gtin, serial)) == f"0{gtin}"


def test_what_is_no_gtin_gets_no_tag() -> None:
    """A wrong check digit."""
    with pytest.raises(ValueError, match="no GTIN"):
        sgtin("2000100000084", 1)
