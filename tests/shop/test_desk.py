"""What people decide about a receipt: the money asked for is what was decided last, whoever decides how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import PaymentDue, PaymentPurpose
from jwo_cli.shop.desk import Case, Prices, Ruling, Start, decide, find_product, meant, own_prices
from jwo_cli.shop.ledger import RECEIVABLE, balance, paid, postings_for
from jwo_cli.shop.pricing import price_basket
from jwo_cli.shop.receipts import decided_items
from jwo_cli.shop.settings import EngineSettings
from jwo_cli.shop.till import Till
from tests.shop.test_till import NAMES, CartLine, baskets, catalogue, done, dues, exit_of, line, visit

SHOP = catalogue((1_900, 700), (129, 249, 990, 99), inside=True, deposits_taxed=False)


def prices_of(sold: Catalogue) -> Prices:
    return Prices(came=sold, left=sold, started_ns=0)


def case_of(*lines: CartLine, sold: Catalogue = SHOP, account: str | None = "ann", hold: int = 0) -> Case:
    """A receipt as the till issued it, with what the till asked for."""
    till, shopper = Till(sold, EngineSettings(authorise_minor=hold)), visit(account)
    till.entered(shopper, 1, 1)
    step = exit_of(till, shopper, lines)
    (receipt,) = [caused.decision for caused in step.decisions if isinstance(caused.decision, ReceiptIssued)]
    return Case(receipt=receipt, asked_minor=sum(signed(due) for due in dues(step)))


def signed(due: PaymentDue) -> int:
    if due.purpose is PaymentPurpose.CANCEL:
        return 0
    return -due.amount_minor if due.purpose is PaymentPurpose.REFUND else due.amount_minor


def after(case: Case, ruling: Ruling) -> Case:
    """The case once a ruling is in the journal."""
    asked = 0 if ruling.due is None else signed(ruling.due)
    corrections = (*case.corrections, ruling.corrected)
    return replace(case, corrections=corrections, asked_minor=case.asked_minor + asked)


def said(
    case: Case,
    changes: Mapping[str, int],
    *,
    start: Start = Start.CHARGED,
    sold: Catalogue = SHOP,
    charge_more: bool = False,
    account: str | None = None,
) -> ReviewDecided:
    return ReviewDecided(
        at_ns=10 + len(case.corrections),
        receipt_id=case.receipt.receipt_id,
        staff="Ada",
        lines=meant(case, start, changes, sold),
        charge_more=charge_more,
        account=account,
    )


verdicts = st.tuples(
    st.sampled_from(Start), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 7), max_size=4), st.booleans()
)


@given(
    lines=baskets(),
    prices=st.lists(st.integers(1, 4_000), min_size=4, max_size=4),
    rates=st.tuples(st.integers(0, 2_700), st.integers(0, 1_200)),
    inside=st.booleans(),
    deposits_taxed=st.booleans(),
    account=st.sampled_from(["ann", None]),
    hold=st.sampled_from([0, 500, 50_000]),
    said_then=st.lists(verdicts, max_size=4),
    known=st.booleans(),
)
def test_the_money_asked_for_is_what_was_decided_last(
    lines: tuple[CartLine, ...],
    prices: list[int],
    rates: tuple[int, int],
    inside: bool,
    deposits_taxed: bool,
    account: str | None,
    hold: int,
    said_then: list[tuple[Start, dict[str, int], bool]],
    known: bool,
) -> None:
    """Any decisions, prices known or only the receipt's own: the books owe nothing; what is said twice is said once.

    Never negative, never above what the decided goods cost, above what was told only where somebody says so.
    """
    sold = catalogue(rates, prices, inside=inside, deposits_taxed=deposits_taxed)
    case = case_of(*lines, sold=sold, account=account, hold=hold)
    then = prices_of(sold) if known else own_prices(case)
    entries, keys = [*postings_for(case.receipt)], []
    owed_minor = case.receipt.charged_minor - case.asked_minor
    for start, changes, charge_more in said_then:
        wanted = said(case, changes, start=start, sold=then.everything(), charge_more=charge_more)
        before = sum(item.total_minor for item in case.lines if item.charged)
        told = case.receipt.total_minor if case.previous is None else before
        ruling = possible(case, wanted, then)
        if ruling is None:
            continue
        total = ruling.corrected.total_minor
        assert 0 <= total <= max(cost(wanted, case, then), before if wanted.lines else 0)
        assert charge_more or total <= told
        if not ruling.new:
            assert total == before
            continue
        case = after(case, ruling)
        assert case.asked_minor == (total if account else 0)
        assert not decide(case, wanted, then).new
        entries += postings_for(ruling.corrected)
        if ruling.due is not None:
            keys.append(ruling.due.key)
            entries += paid(done(ruling.due))
        owed_minor = total - case.asked_minor
        at_exit = case.receipt.charged_minor if account else 0
        assert balance(entries).get((RECEIVABLE, "EUR"), 0) - at_exit == owed_minor
    assert len(set(keys)) == len(keys)
    assert owed_minor == 0 or account is None


def possible(case: Case, wanted: ReviewDecided, prices: Prices) -> Ruling | None:
    """The ruling; None for what deposits make impossible."""
    try:
        return decide(case, wanted, prices)
    except UserError:
        return None


def cost(wanted: ReviewDecided, case: Case, prices: Prices) -> int:
    """What the decided goods cost on the shelf."""
    fair = prices.fair(case.receipt, wanted)
    return price_basket(fair, decided_items(fair.by_id(), case.receipt, wanted), case.receipt.at_ns).total_minor


def test_what_is_not_named_stays_as_it_is_charged() -> None:
    """Bread off a settled receipt: its price goes back, the cola stays to the penny; said again, nothing happens."""
    case = case_of(line("cola", 2, 1.0), line("bread", 1, 1.0))
    ruling = decide(case, said(case, {"bread": 0}), prices_of(SHOP))
    assert (ruling.corrected.total_minor, ruling.corrected.difference_minor) == (308, -249)
    assert ruling.due is not None
    assert (ruling.due.purpose, ruling.due.amount_minor, ruling.due.account) == (PaymentPurpose.REFUND, 249, "ann")
    again = after(case, ruling)
    same = decide(again, said(again, {"bread": 0}), prices_of(SHOP))
    assert (same.new, same.due) == (False, None)


def test_a_doubt_is_settled_as_charged_or_as_estimated() -> None:
    """Two colas, of which one is sure: the other is charged when somebody confirms it, and not when nobody does."""
    case = case_of(line("cola", 2, 0.6))
    charged, shown = case.receipt.charged_minor, case.receipt.total_minor
    assert charged < shown
    kept = decide(case, said(case, {}), prices_of(SHOP))
    assert (kept.new, kept.due, kept.corrected.total_minor) == (True, None, charged)
    whole = decide(case, said(case, {}, start=Start.ESTIMATED), prices_of(SHOP))
    assert whole.due is not None
    assert (whole.due.purpose, whole.due.amount_minor) == (PaymentPurpose.CHARGE, shown - charged)


def test_who_had_no_account_is_charged_when_one_is_named() -> None:
    """Nobody was asked before, so all of it is asked for; whoever pays already is not replaced."""
    case = case_of(line("cola", 2, 1.0), account=None)
    ruling = decide(case, said(case, {}, account="bob"), prices_of(SHOP))
    assert ruling.due is not None
    assert (ruling.due.account, ruling.due.amount_minor) == ("bob", 308)
    paid_by_bob = after(case, ruling)
    assert paid_by_bob.account == "bob"
    with pytest.raises(UserError, match="is paid by bob already"):
        decide(paid_by_bob, said(paid_by_bob, {}, account="eve"), prices_of(SHOP))
    refund = decide(paid_by_bob, said(paid_by_bob, {"cola": 1}), prices_of(SHOP)).due
    assert refund is not None
    assert (refund.account, refund.amount_minor) == ("bob", 154)


def test_deposits_alone_above_what_was_told_are_refused() -> None:
    """Goods can be given away, deposits cannot: it says so, and what to do."""
    case = case_of(line("bread", 1, 1.0))
    with pytest.raises(UserError, match=r"deposits of these goods alone are more than the 2\.49 EUR"):
        decide(case, said(case, {"cola": 20}), prices_of(SHOP))
    assert decide(case, said(case, {"cola": 20}, charge_more=True), prices_of(SHOP)).corrected.total_minor == 3_329


def test_without_the_prices_of_then_the_receipt_s_own_have_to_do() -> None:
    """Three gums for the price of two: one given back refunds a third of what was paid, rounded to the shopper."""
    case = case_of(line("gum", 3, 1.0), line("nuts", 2, 1.0))
    own = own_prices(case)
    assert not own.adds
    ruling = decide(case, said(case, {"gum": 2}, sold=own.everything()), own)
    assert ruling.corrected.difference_minor == -66
    assert prices_of(SHOP).agree(case.receipt)
    dearer = replace(SHOP, products=tuple(replace(item, price_minor=item.price_minor + 1) for item in SHOP.products))
    assert not prices_of(dearer).agree(case.receipt)


@pytest.mark.parametrize(
    ("text", "found"), [("cola", "cola"), ("CO", "cola"), ("gum", "gum"), ("read", "bread"), ("Bre", "bread")]
)
def test_products_are_found_as_people_name_them(text: str, found: str) -> None:
    """A number, a word, the beginning of one, any part: what is on the receipt first."""
    assert find_product(text, case_of(line("cola", 1, 1.0)), SHOP) == found


def test_numbers_are_found_in_any_length() -> None:
    """A GTIN with zeros before it is the same number."""
    water = replace(SHOP.products[0], product_id="4006381333931", name="Water")
    sold = replace(SHOP, products=(water, *SHOP.products))
    case = case_of(line("bread", 1, 1.0))
    assert find_product("04006381333931", case, sold) == "4006381333931"
    with pytest.raises(UserError, match="no product fits '4006381333932'"):
        find_product("4006381333932", case, sold)
    still = replace(water, product_id="4006381333948", name="Still water")
    with pytest.raises(UserError, match="2 products fit 'wat'"):
        find_product("wat", case, replace(sold, products=(still, *sold.products)))


def test_what_is_in_doubt_is_on_the_receipt_for_whoever_decides() -> None:
    """Also what was probably not taken, of which there is no line: it is found first, and named where nothing fits."""
    diet = replace(SHOP.products[0], product_id="diet", name=f"{SHOP.products[0].name} Diet")
    sold = replace(SHOP, products=(*SHOP.products, diet))
    case = case_of(line("bread", 1, 1.0))
    case = replace(case, receipt=replace(case.receipt, reasons=(f"no {diet.name} is right with probability 0.55",)))
    assert find_product("diet", case, sold) == "diet"
    with pytest.raises(UserError) as refused:
        find_product("nosuch", case, sold)
    named = refused.value.fix
    assert f"{diet.name} (diet)" in named
    assert f"{SHOP.products[0].name} ({SHOP.products[0].product_id})" not in named
