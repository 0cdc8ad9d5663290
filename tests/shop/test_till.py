"""What the till asks for is what the books say is owed, to the penny, whichever way the store's prices are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy, TaxRate
from jwo_cli.model.decisions import CartLine, LineAlternative, ReceiptIssued, VisitEnded
from jwo_cli.model.effects import AskStaff
from jwo_cli.model.observations import Role
from jwo_cli.model.paying import (
    MethodProblem,
    PaymentAnswered,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
)
from jwo_cli.shop.ledger import RECEIVABLE, balance, paid, postings_for
from jwo_cli.shop.roster import Visit
from jwo_cli.shop.settings import EngineSettings
from jwo_cli.shop.settle import Basket
from jwo_cli.shop.step import Step
from jwo_cli.shop.till import Till

Purpose = PaymentPurpose
NAMES = ("cola", "bread", "nuts", "gum")


def catalogue(rates: tuple[int, int], prices: Sequence[int], *, inside: bool, deposits_taxed: bool) -> Catalogue:
    """Units and goods by weight, two tax classes, a deposit, a promotion."""
    cola, bread, nuts, gum = prices
    return Catalogue(
        currency="EUR",
        products=(
            Product(product_id="cola", name="Cola", price_minor=cola, deposit_minor=25),
            Product(product_id="bread", name="Bread", price_minor=bread, tax_class="reduced"),
            Product(product_id="nuts", name="Nuts", price_minor=nuts, tax_class="reduced", sold_by=SoldBy.WEIGHT),
            Product(product_id="gum", name="Gum", price_minor=gum),
        ),
        taxes=(TaxRate(tax_class="standard", rate_bp=rates[0]), TaxRate(tax_class="reduced", rate_bp=rates[1])),
        promotions=(
            Promotion(
                promotion_id="3gum",
                name="3 for 2",
                kind=PromotionKind.BUY_N_PAY_M,
                products=("gum",),
                value=2,
                quantity=3,
            ),
        ),
        prices_include_tax=inside,
        deposits_taxed=deposits_taxed,
    )


def line(product_id: str, quantity: int, probability: float) -> CartLine:
    fewer = LineAlternative(product_id=product_id, quantity=quantity - 1, probability=round(1 - probability, 4))
    return CartLine(
        product_id=product_id,
        quantity=1 if product_id == "nuts" else quantity,
        probability=probability,
        caused_by=(),
        alternatives=(fewer,) if probability < 1 and product_id != "nuts" else (),
        mass_g=100.0 * quantity + 0.4 if product_id == "nuts" else None,
    )


@st.composite
def baskets(draw: st.DrawFn) -> tuple[CartLine, ...]:
    """Any goods, sure or doubtful."""
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    return tuple(line(name, draw(st.integers(1, 7)), draw(st.sampled_from([1.0, 0.95, 0.6]))) for name in chosen)


def visit(account: str | None = "ann") -> Visit:
    return Visit(visit_id="v1", started_ns=0, role=Role.SHOPPER, account=account)


def dues(step: Step) -> list[PaymentDue]:
    return [caused.decision for caused in step.decisions if isinstance(caused.decision, PaymentDue)]


def done(due: PaymentDue) -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=9,
        key=due.key,
        purpose=due.purpose,
        receipt_id=due.receipt_id,
        account=due.account,
        amount_minor=due.amount_minor,
        currency=due.currency,
        outcome=PaymentOutcome.DONE,
        provider="fake",
        reference="pi_1",
    )


def exit_of(till: Till, shopper: Visit, lines: tuple[CartLine, ...]) -> Step:
    sure = min((item.probability for item in lines), default=1.0)
    ended = VisitEnded(at_ns=5, visit_id="v1", track_id="t1")
    return till.issue(ended, shopper, Basket(lines=lines, probability=sure), (1,))


@given(
    lines=baskets(),
    prices=st.lists(st.integers(1, 4_000), min_size=4, max_size=4),
    rates=st.tuples(st.integers(0, 2_700), st.integers(0, 1_200)),
    inside=st.booleans(),
    deposits_taxed=st.booleans(),
    hold=st.sampled_from([0, 500, 2_000, 50_000]),
)
def test_when_everything_due_is_done_nobody_owes_anything(
    lines: tuple[CartLine, ...],
    prices: list[int],
    rates: tuple[int, int],
    inside: bool,
    deposits_taxed: bool,
    hold: int,
) -> None:
    """A hold, a receipt, and their dues carried out: receivable is zero after each step, taxes on top or inside."""
    till = Till(
        catalogue(rates, prices, inside=inside, deposits_taxed=deposits_taxed), EngineSettings(authorise_minor=hold)
    )
    shopper = visit()
    steps = [till.entered(shopper, 1, 1), exit_of(till, shopper, lines)]
    entries = []
    for step in steps:
        for caused in step.decisions:
            entries += postings_for(caused.decision)
        for due in dues(step):
            entries += paid(done(due))
        assert (RECEIVABLE, "EUR") not in balance(entries)
    taken = [due for step in steps for due in dues(step)]
    assert len({due.key for due in taken}) == len(taken)
    held = sum(due.amount_minor for due in taken if due.purpose is Purpose.AUTHORISE)
    ended = [due for due in taken if due.purpose in (Purpose.CAPTURE, Purpose.CANCEL)]
    assert held == (hold or 0)
    assert len(ended) == (1 if hold else 0)
    assert all(due.amount_minor <= held for due in ended)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("hold", "purposes"),
    [
        (0, [Purpose.CHARGE]),
        (100, [Purpose.AUTHORISE, Purpose.CAPTURE, Purpose.CHARGE]),
        (9_000, [Purpose.AUTHORISE, Purpose.CAPTURE]),
    ],
)
def test_the_exit_asks_for_what_is_charged(hold: int, purposes: list[Purpose], *, inside: bool) -> None:
    """Nothing held: a charge; less held than due: both; more held: a capture. Together what the receipt charges."""
    till = Till(
        catalogue((1_900, 700), (129, 249, 990, 99), inside=inside, deposits_taxed=False),
        EngineSettings(authorise_minor=hold),
    )
    shopper = visit()
    steps = [till.entered(shopper, 1, 1), exit_of(till, shopper, (line("cola", 2, 1.0),))]
    found = [due for step in steps for due in dues(step)]
    assert [due.purpose for due in found] == purposes
    (receipt,) = [caused.decision for caused in steps[1].decisions if isinstance(caused.decision, ReceiptIssued)]
    assert sum(due.amount_minor for due in found if due.purpose is not Purpose.AUTHORISE) == receipt.charged_minor


@pytest.mark.parametrize(
    ("hold", "asked"),
    [
        (308, {"capture": 308}),
        (307, {"cancel": 307, "charge": 308}),
        (259, {"cancel": 259, "charge": 308}),
        (258, {"capture": 258, "charge": 50}),
    ],
)
def test_no_rest_is_split_off_that_no_provider_takes(hold: int, asked: dict[str, int]) -> None:
    """3.08 are due: what is held is captured, unless less than half a euro would be left over to charge."""
    till = Till(
        catalogue((0, 0), (129, 249, 990, 99), inside=True, deposits_taxed=False), EngineSettings(authorise_minor=hold)
    )
    shopper = visit()
    till.entered(shopper, 1, 1)
    found = dues(exit_of(till, shopper, (line("cola", 2, 1.0),)))
    assert {due.purpose.value: due.amount_minor for due in found} == asked


def test_who_has_no_account_is_asked_for_nothing() -> None:
    """The receipt stands; there is nobody to charge."""
    till = Till(
        catalogue((1_900, 700), (129, 249, 990, 99), inside=True, deposits_taxed=False),
        EngineSettings(authorise_minor=900),
    )
    shopper = visit(account=None)
    assert dues(till.entered(shopper, 1, 1)) == []
    assert dues(exit_of(till, shopper, (line("cola", 2, 1.0),))) == []
    assert dues(till.left_with_nothing(VisitEnded(at_ns=5, visit_id="v1", track_id="t1"), shopper, 1)) == []


def test_staff_hear_of_refusals_and_of_nothing_else() -> None:
    """What went wrong asks staff, with amount and reason; what another due took the place of does not."""
    till = Till(catalogue((0, 0), (129, 249, 990, 99), inside=True, deposits_taxed=False), EngineSettings())
    (due,) = dues(exit_of(till, visit(), (line("cola", 2, 1.0),)))

    def heard(outcome: PaymentOutcome, code: str = "") -> list[str]:
        effects = till.answered(replace(done(due), outcome=outcome, code=code)).effects
        return [effect.reason for effect in effects if isinstance(effect, AskStaff)]

    assert heard(PaymentOutcome.DECLINED, "lost_card") == ["charge of 3.08 EUR for ann: declined (lost_card)"]
    assert heard(PaymentOutcome.DONE) == heard(PaymentOutcome.PENDING) == []
    assert heard(PaymentOutcome.ACTION_NEEDED) == [
        "charge of 3.08 EUR for ann: action_needed; there is no page for them: look at return_url in jwo.toml"
    ]
    assert heard(PaymentOutcome.RETURNED) == ["charge of 3.08 EUR for ann: returned"]
    assert heard(PaymentOutcome.FAILED, MethodProblem.SUPERSEDED.value) == []
