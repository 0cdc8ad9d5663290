"""What is charged, what waits for a person, and what a person's decision costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jwo_cli.model.catalogue import Promotion, PromotionKind
from jwo_cli.model.decisions import CartLine, Settlement
from jwo_cli.model.observations import ReviewDecided, Role
from jwo_cli.shop.receipts import Thresholds, certain_units, correct_receipt
from tests.shop.basket import CRISPS, PRODUCTS, SHOP, believed, charged, decide, issue

# -- settling -------------------------------------------------------------------------------------------------------


def test_a_certain_basket_is_charged_by_itself() -> None:
    """Whole receipt and every line above their thresholds: all charged, nobody asked, id made of the visit's."""
    issued = issue(believed("a", 2, 0.98), believed("b", 1, 0.97))
    receipt = issued.receipt
    assert (receipt.settled, receipt.charged_minor, receipt.total_minor) == (Settlement.AUTOMATIC, 450, 450)
    assert (issued.reviews, receipt.reasons) == ((), ())
    assert (receipt.receipt_id, receipt.track_id, receipt.account) == ("r-rec.t1", "t1", "acc")
    assert receipt.lines[0].caused_by == (3, 4)


def test_a_doubtful_whole_goes_to_review_though_every_line_is_sure() -> None:
    """Ten sure lines may make one doubtful receipt: a review without a product, and the sure lines are charged."""
    issued = issue(believed("a", 1, 0.93), probability=0.85)
    assert issued.receipt.settled is Settlement.REVIEW
    assert [(r.product_id, r.reason) for r in issued.reviews] == [
        (None, "the whole receipt is right with probability 0.85, below 0.90")
    ]
    assert charged(issued.receipt) == [("a", 1)]


def test_a_doubtful_line_names_its_alternatives() -> None:
    """The reason says how sure, below what, and the likeliest two others, in words."""
    issued = issue(believed("a", 1, 0.6, ("b", 1, 0.25), ("a", 0, 0.1), ("c", 1, 0.05)), probability=0.95)
    (review,) = issued.reviews
    assert review.reason == (
        "1 × Apple juice is right with probability 0.60, below 0.90; "
        "it may be 1 × Bread (0.25) or no Apple juice (0.10)"
    )
    assert (review.product_id, charged(issued.receipt)) == ("a", [])
    assert issued.receipt.lines[0].reason == review.reason


def test_the_units_beyond_doubt_are_charged() -> None:
    """Three are likeliest, two are certain: a charged line of two, sure to 0.95, and an uncharged one of the third."""
    receipt = issue(believed("a", 3, 0.6, ("a", 2, 0.35), ("a", 1, 0.04)), probability=0.6).receipt
    assert [(line.quantity, line.charged, line.probability) for line in receipt.lines] == [
        (2, True, pytest.approx(0.95)),
        (1, False, 0.6),
    ]
    assert (receipt.charged_minor, receipt.total_minor) == (250, 375)


@pytest.mark.parametrize(
    ("line", "units"),
    [
        (believed("a", 2, 0.95), 2),
        (believed("a", 2, 0.5, ("a", 3, 0.45)), 2),  # two or three: two are certain
        (believed("a", 2, 0.5, ("a", 1, 0.45)), 1),
        (believed("a", 2, 0.5, ("a", 1, 0.3)), 0),
        (believed("a", 1, 0.8, ("b", 1, 0.2)), 0),  # another product in its place is none of it
        (believed("b", 2, 0.6, ("0012", 1, 0.35)), 1),  # an alias is the same product
        (believed("a", 0, 0.95), 0),
        (believed("a", 0, 0.05, ("a", 1, 0.94)), 0),  # never more than the best estimate
        (believed("a", 2, 0.5, ("a", 2, 0.5)), 0),  # the line itself among its alternatives counts once
    ],
)
def test_how_many_units_are_beyond_doubt(line: CartLine, units: int) -> None:
    """The largest q with P(at least q) ≥ 0.9, at most the line's own quantity."""
    assert certain_units(line, SHOP.by_id(), 0.9)[0] == units


def test_certain_items_alone_never_cost_more_than_all() -> None:
    """Two crisps cost 3.98, "3 for 3.50" less: only 3.50 and two deposits are charged, the third adds its deposit."""
    catalogue = replace(SHOP, products=(replace(PRODUCTS[2], deposit_minor=25),))
    receipt = issue(believed("c", 3, 0.6, ("c", 2, 0.4)), probability=0.6, catalogue=catalogue).receipt
    assert [(line.total_minor, line.charged) for line in receipt.lines] == [(400, True), (25, False)]
    assert receipt.lines[0].reason.startswith("lowered")


def test_a_certain_item_alone_never_bears_more_tax_than_all() -> None:
    """Bundled for 1.00, juice and bread are 1.36 with tax on top; the juice alone, taxed higher, would be 1.44."""
    both = Promotion(
        promotion_id="d", name="Deal", kind=PromotionKind.MULTI_BUY, products=("a", "b"), value=100, quantity=2
    )
    catalogue = replace(SHOP, promotions=(both,), prices_include_tax=False)
    receipt = issue(believed("a", 1, 0.95), believed("b", 1, 0.5), probability=0.5, catalogue=catalogue).receipt
    assert (charged(receipt), receipt.charged_minor) == ([("a", 1)], 136)


def test_goods_by_weight_are_charged_whole_or_not() -> None:
    """Nobody weighed a half of what was taken."""
    sure = issue(believed("w", 1, 0.95, mass_g=123.0), believed("a", 1, 0.5), probability=0.5).receipt
    assert charged(sure) == [("w", 1)]
    doubtful = issue(believed("w", 2, 0.6, ("w", 1, 0.4), mass_g=246.0), probability=0.6).receipt
    assert [(line.charged, line.total_minor, line.mass_g) for line in doubtful.lines] == [(False, 246, 246.0)]


def test_a_product_that_may_have_been_taken_asks_for_a_review_without_a_line() -> None:
    """The best estimate is empty but not sure: a review, a receipt of nothing."""
    issued = issue(believed("a", 0, 0.6, ("a", 1, 0.4)), probability=0.6)
    assert issued.receipt.lines == ()
    assert [review.product_id for review in issued.reviews] == ["a", None]
    assert issued.reviews[0].reason.startswith("no Apple juice is right with probability 0.60")


def test_what_cannot_be_priced_goes_to_review() -> None:
    """An unknown product is certain but has no price; what is known is charged."""
    issued = issue(believed("ghost", 1, 0.99), believed("a", 1, 0.99))
    assert issued.receipt.settled is Settlement.REVIEW
    assert charged(issued.receipt) == [("a", 1)]
    assert "'ghost' is not in the catalogue" in issued.reviews[0].reason


def test_ages_are_left_to_the_door_unless_the_store_says_otherwise() -> None:
    """Flagged always, held back only by `age_review`."""
    catalogue = replace(SHOP, products=(replace(PRODUCTS[0], age_min=16),))
    assert issue(believed("a", 1, 0.99), catalogue=catalogue).receipt.lines[0].age_min == 16
    held = issue(believed("a", 1, 0.99), catalogue=catalogue, thresholds=Thresholds(age_review=True))
    assert charged(held.receipt) == []
    assert held.reviews[0].reason == "Apple juice is sold from 16 years on: check the age"


@pytest.mark.parametrize("role", [Role.STAFF, Role.TESTER, Role.UNTRACKED])
def test_only_shoppers_are_billed(role: Role) -> None:
    """A receipt for anybody else is a fault of the caller."""
    with pytest.raises(ValueError, match="never billed"):
        issue(believed("a", 1, 1.0), role=role)


def test_a_belief_has_one_line_a_product() -> None:
    """Two lines of one product, or less than none of it, are faults of the caller."""
    with pytest.raises(ValueError, match="two cart lines of 'b'"):
        issue(believed("b", 1, 1.0), believed("0012", 1, 1.0))
    with pytest.raises(ValueError, match="cannot hold -1"):
        issue(believed("b", -1, 1.0))


@pytest.mark.parametrize(("receipt", "line"), [(0.0, 0.9), (0.9, 0.0), (1.1, 0.9), (0.9, 2.0)])
def test_thresholds_are_probabilities(receipt: float, line: float) -> None:
    """A threshold of nothing would charge anything."""
    with pytest.raises(ValueError, match="probabilities"):
        Thresholds(receipt=receipt, line=line)


# -- reviewing ------------------------------------------------------------------------------------------------------

DOUBTFUL = issue(believed("a", 2, 0.6, ("a", 1, 0.39)), believed("b", 1, 0.97), probability=0.6).receipt
DECIDED = ReviewDecided(at_ns=99, receipt_id=DOUBTFUL.receipt_id, staff="Ada", lines=())


@pytest.mark.parametrize(
    ("lines", "total", "difference"),
    [
        ((("a", 2), ("b", 1)), 450, 125),  # confirmed: what was waiting
        ((("a", 1), ("b", 1)), 325, 0),  # only what was charged
        ((("a", 1),), 125, -200),  # the bread was somebody else's
        ((), 0, -325),
        ((("a", 2), ("b", 3)), 450, 125),  # a person saw more: nobody pays more than they were told
        ((("b", 1), ("a", 0), ("c", -1)), 200, -125),  # less than none is none
    ],
)
def test_a_review_ends_where_the_evidence_does(lines: tuple[tuple[str, int], ...], total: int, difference: int) -> None:
    """The difference to what was charged may be to pay or to refund."""
    corrected = decide(DOUBTFUL, *lines)
    assert (corrected.total_minor, corrected.difference_minor) == (total, difference)
    assert all(line.charged and line.probability == 1.0 for line in corrected.lines)
    assert corrected.replaces == DOUBTFUL.lines


def test_more_than_was_told_is_charged_where_a_person_says_so() -> None:
    """The bread that nobody saw is paid when staff say so, also after an earlier word; else it is not."""
    more = replace(DECIDED, lines=(("a", 2), ("b", 3)), charge_more=True)
    assert correct_receipt(DOUBTFUL, more, SHOP).difference_minor == 525
    capped = decide(DOUBTFUL, ("a", 2), ("b", 3))
    assert correct_receipt(DOUBTFUL, more, SHOP, previous=capped).difference_minor == 400
    nothing = decide(DOUBTFUL)
    assert decide(DOUBTFUL, ("b", 1), previous=nothing).total_minor == 0
    again = replace(DECIDED, lines=(("b", 1),), charge_more=True)
    assert correct_receipt(DOUBTFUL, again, SHOP, previous=nothing).total_minor == 200


def test_what_is_taken_off_never_costs_anything() -> None:
    """Two bags alone are dearer than the third made them; who gives one back pays no more for it."""
    sign = replace(CRISPS, value=100, quantity=3)
    catalogue = replace(SHOP, promotions=(sign,))
    receipt = issue(believed("c", 3, 0.99), catalogue=catalogue).receipt
    two = replace(DECIDED, lines=(("c", 2),))
    assert correct_receipt(receipt, two, catalogue).total_minor == receipt.total_minor == 100


def test_a_settled_receipt_only_goes_down() -> None:
    """After an automatic settlement a dearer finding lowers its lines to what was paid; a cheaper one refunds."""
    receipt = issue(believed("a", 1, 0.99)).receipt
    dearer = decide(receipt, ("b", 2))
    assert (dearer.difference_minor, dearer.total_minor, dearer.lines[0].product_id) == (0, 125, "b")
    assert dearer.lines[0].reason.startswith("lowered")
    assert decide(receipt).difference_minor == -125


def test_a_second_review_only_goes_down_too() -> None:
    """The first review's word stands; only in the shopper's favour is it changed again."""
    first = decide(DOUBTFUL, ("a", 2))
    assert first.total_minor == 250
    assert decide(DOUBTFUL, ("b", 3), previous=first).difference_minor == 0
    again = decide(DOUBTFUL, ("a", 1), previous=first)
    assert (again.total_minor, again.difference_minor, again.replaces) == (125, -125, first.lines)


def test_deposits_above_what_was_settled_leave_the_receipt_as_it_is() -> None:
    """Goods can be given away, deposits cannot: where they alone exceed what was paid, nothing changes."""
    receipt = issue(believed("a", 1, 0.99)).receipt
    corrected = decide(receipt, ("a", 6))
    assert (corrected.lines, corrected.difference_minor) == (receipt.lines, 0)


def test_a_review_takes_masses_from_the_receipt() -> None:
    """Walnuts on the receipt keep their mass, half of them weigh half; walnuts out of nowhere cannot be priced."""
    receipt = issue(believed("w", 2, 0.5, ("w", 1, 0.5), mass_g=250.0), probability=0.5).receipt
    assert decide(receipt, ("w", 2)).total_minor == 250
    assert decide(receipt, ("w", 1)).total_minor == 125
    nowhere = decide(DOUBTFUL, ("w", 1))
    assert (nowhere.total_minor, nowhere.lines[0].charged) == (0, False)
    assert "was not weighed" in nowhere.lines[0].reason


def test_a_review_is_priced_as_of_the_visit() -> None:
    """A promotion that ended between visit and review still counts."""
    offer = replace(CRISPS, value=100, quantity=1, until_ns=50)
    catalogue = replace(SHOP, promotions=(offer,))
    receipt = issue(believed("c", 1, 0.5), probability=0.5, catalogue=catalogue).receipt
    decided = ReviewDecided(at_ns=99, receipt_id=receipt.receipt_id, staff="Ada", lines=(("c", 1),))
    assert correct_receipt(receipt, decided, catalogue).total_minor == 100


def test_a_decision_about_another_receipt_is_refused() -> None:
    """The caller mixed two visits up."""
    decided = ReviewDecided(at_ns=99, receipt_id="r-other", staff="Ada", lines=())
    with pytest.raises(ValueError, match="about 'r-other'"):
        correct_receipt(DOUBTFUL, decided, SHOP)
