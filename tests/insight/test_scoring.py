"""Receipts are scored as the field does; the published scorer of the cases is the oracle."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.insight.judged import from_file
from jwo_cli.insight.scoring import Judged, calibration_error, reliability, risk_coverage, score, score_case
from jwo_cli.insight.truth import TrueCase, find_truths
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import write_recording
from tests.drive import scene


def oracle_of(root: Path) -> ModuleType:
    """The scorer published with the cases, as a module."""
    spec = importlib.util.spec_from_file_location("oracle", root / "score.py")
    assert spec is not None
    assert spec.loader is not None
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    return oracle


def case(*bags: dict[str, int]) -> TrueCase:
    """A case whose shoppers are called '0', '1', …"""
    owner = {str(n): n for n in range(len(bags))}
    prices = {"cola": 1.5, "tea": 3.0}
    return TrueCase("c", "k", Path(), tuple(Counter(b) for b in bags), owner, (), prices, {})


def receipt(who: str, *, automatic: bool = True, charged: Counter[str] | None = None, **bag: int) -> Judged:
    return Judged("c", who, Counter(bag), automatic, charged=charged)


def test_a_right_receipt_is_right() -> None:
    """All items, the exact receipt, no money wrong, settled by itself."""
    rates = score_case(case({"cola": 2}), [receipt("0", cola=2)]).rates()
    assert (rates["f1"], rates["receipt_exact"], rates["over_charged"], rates["automatic_share"]) == (
        1.0,
        1.0,
        0.0,
        1.0,
    )


def test_the_right_item_on_the_wrong_receipt_is_wrong_twice() -> None:
    """Given to the other shopper: one invented, one missing; without looking at customers all is right."""
    rates = score_case(case({"cola": 1}, {}), [receipt("1", cola=1)]).rates()
    assert (rates["f1"], rates["f1_any_customer"], rates["receipt_exact"]) == (0.0, 1.0, 0.0)
    assert rates["over_where_nothing_taken"] == 1.5


def test_a_doubtful_line_is_an_estimate_but_no_overcharge() -> None:
    """Under review nothing was charged: over-charged as an estimate, not in money that moved."""
    rates = score_case(case({"tea": 1}), [receipt("0", automatic=False, charged=Counter(), cola=1, tea=1)]).rates()
    assert rates["over_charged"] == 0.5
    assert rates["actually_over_charged"] == 0.0
    assert rates["actually_under_charged"] == 1.0


def test_an_estimate_where_nothing_was_taken_is_told_beside_what_was_charged() -> None:
    """Under review the shopper with empty hands pays nothing, but the estimate was wrong by a tea."""
    rates = score_case(case({}), [receipt("0", automatic=False, charged=Counter(), tea=1)]).rates()
    assert rates["estimated_over_where_nothing_taken"] == 3.0
    assert rates["over_where_nothing_taken"] == 0.0


def test_a_receipt_for_nobody_counts_as_wrong() -> None:
    """A member of staff who was billed is a visit of its own, and not exact."""
    rates = score_case(case({"cola": 1}), [receipt("0", cola=1), receipt("sam", tea=1)]).rates()
    assert (rates["visits"], rates["receipt_exact"], rates["precision"]) == (2, 0.5, 0.5)


def test_nothing_taken_is_a_statement_that_is_scored() -> None:
    """Two visits end without a receipt, one of them wrongly: both are settled, and their odds count."""
    without = [Judged("c", who, Counter(), automatic=True, probability=p) for who, p in (("0", 0.9), ("1", 0.6))]
    tally = score_case(case({}, {"tea": 1}), without)
    assert tally.rates()["automatic_share"] == 1.0
    assert tally.rates()["automatic_exact"] == 0.5
    assert tally.settleable() == [(0.9, True), (0.6, False)]
    assert tally.rates()["visit_calibration_error"] == pytest.approx((0.1 + 0.6) / 2)


def test_a_visit_is_as_sure_as_the_least_sure_part_of_it() -> None:
    """Two ids of one shopper: both must pass the threshold; one that nobody noticed passes any."""
    parts = [Judged("c", "0", Counter(tea=1), automatic=True, probability=p) for p in (0.9, 0.7)]
    tally = score_case(case({"tea": 2}, {"cola": 1}), parts)
    assert tally.settleable() == [(0.7, True), (1.0, False)]
    assert tally.stated() == [(0.7, True)]


def test_reliability_shows_what_was_stated_and_what_came_true() -> None:
    """Eight of ten lines stated with 0.75 came true: an error of five points."""
    pairs = [(0.75, n < 8) for n in range(10)]
    (row,) = reliability(pairs)
    assert (row.count, row.stated, row.true) == (10, 0.75, 0.8)
    assert calibration_error(pairs) == pytest.approx(0.05)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_coverage_falls_as_the_threshold_rises(pairs: list[tuple[float, bool]]) -> None:
    """The more is demanded, the fewer are settled; every line is in exactly one bin."""
    shares = [point.coverage for point in risk_coverage(pairs)]
    assert shares == sorted(shares, reverse=True)
    assert sum(row.count for row in reliability(pairs)) == len(pairs)


def test_truth_that_is_none_is_refused(tmp_path: Path) -> None:
    """An empty folder and a broken truth file are sentences, not tracebacks."""
    with pytest.raises(UserError, match=r"no truth\.json"):
        find_truths([tmp_path])
    for text in ("{}", "[" * 100_000, _bought('"quantity": 1e999'), _bought('"price": NaN'), _bought('"price": -1')):
        (tmp_path / "truth.json").write_text(text)
        with pytest.raises(UserError, match="not a truth file"):
            find_truths([tmp_path])


def _bought(figure: str) -> str:
    """A truth of one shopper with one product."""
    return f'{{"receipts": [{{"target_id": "0", "products": [{{"barcode": "x", {figure}}}]}}]}}'


def test_a_path_without_truth_is_not_passed_over(tmp_path: Path) -> None:
    """One of two folders is misspelt: it is named, the other alone is not scored."""
    (tmp_path / "truth.json").write_text(_bought('"quantity": 1'))
    with pytest.raises(UserError, match=r"misspelt: no truth\.json"):
        find_truths([tmp_path, tmp_path / "misspelt"])


@pytest.mark.parametrize(("currency", "minor_units"), [("EUR", 100), ("JPY", 1), ("KWD", 1000)])
def test_prices_are_in_major_units_of_their_currency(tmp_path: Path, currency: str, minor_units: int) -> None:
    """129 cents are 1.29 euros; 129 yen are 129 yen."""
    store = scene.store()
    store = replace(store, catalogue=replace(store.catalogue, currency=currency))
    write_recording(tmp_path / "c", name="c", store=store, start_ns=scene.START_NS, signals=scene.signals())
    (tmp_path / "c" / "truth.json").write_text(_bought('"quantity": 1'))
    (case,) = find_truths([tmp_path])
    assert case.currency == currency
    for product in store.catalogue.products:
        assert case.prices[product.product_id] == product.price_minor / minor_units


def test_equal_to_the_published_scorer(shared_data: Path, tmp_path: Path) -> None:
    """On the seventeen development cases, with receipts that are wrong in many ways, every shared figure is equal."""
    root = shared_data / "nanostore-dev"
    oracle = oracle_of(root)
    predicted = {}
    for number, file in enumerate(sorted(root.glob("*/truth.json"))):
        truth = json.loads(file.read_text())
        receipts = truth["receipts"]
        for place, entry in enumerate(receipts):
            if (number + place) % 3 == 0:
                entry["products"] = [*entry["products"][1:], {"barcode": "028400040037", "quantity": 1}]
            if (number + place) % 5 == 0:
                entry["target_id"] = receipts[-1]["target_id"]
            if number % 7 == 3:
                entry["target_id"] = "nobody"
        predicted[truth["case"]] = receipts
    file = tmp_path / "pred.json"
    file.write_text(json.dumps(predicted))
    cases = find_truths([root])
    ours = score(cases, from_file(file, cases)).total
    theirs = oracle.evaluate(str(root), oracle.load_pred(str(file)))["total"]
    for name in ("precision", "recall", "f1", "f1_any_customer", "receipt_exact", "case_exact"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6), name
    assert ours["over_charged"] == pytest.approx(theirs["overcharged_pct"] / 100, abs=1e-6)
    assert ours["under_charged"] == pytest.approx(theirs["undercharged_pct"] / 100, abs=1e-6)
