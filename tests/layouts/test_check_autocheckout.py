"""AutoCheckout folders judged as layouts: every finding has its place, and what matters comes first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jwo_cli import layouts
from tests.layouts.conftest import Case, Doc, facing, product

Write = Callable[[list[Doc], list[Doc]], Case]
A, B = "012000181139", "90162909"


def test_rules_of_layouts_name_the_planograms_line(case: Write) -> None:
    """Two neighbours of one mass are told at the second one's line; the empty facing before them shifts nothing."""
    made = case(
        [facing(2, [1], None, x=0.0), facing(1, [1], A, x=0.0), facing(1, [2], B, x=0.1)], [product(A), product(B)]
    )
    _, findings = layouts.check_autocheckout(made.planogram, made.products)
    (told,) = [item for item in findings if "are neighbours" in item.problem]
    assert (told.file, told.line, told.field) == (str(made.planogram), 3, "plate_ids")
    assert {item.file for item in findings} == {str(made.planogram)}


def test_what_matters_comes_first(case: Write) -> None:
    """Planogram, masses of products on a shelf, the floor, other doubts about them; products without a facing last."""
    rows = [product("01", weight=None), product("02", price=None, weight=None), product(A)]
    made = case([facing(1, [1], "02", x=0.0), facing(1, [2], A, x=0.1), facing(2, [1], None, x=0.0)], rows)
    told = [(Path(item.file).stem, item.line, item.field) for item in made.build()[1]]
    assert told == [
        ("planogram", 3, "planogram_product_id"),
        ("products", 2, "metadata.weight"),
        ("planogram", None, None),
        ("products", 2, "product_id.id"),
        ("products", 2, "metadata.price"),
        ("products", 1, "product_id.id"),
        ("products", 1, "metadata.weight"),
    ]


def test_the_real_folder_has_no_finding_without_its_file(shared_data: Path) -> None:
    """No 'store: facing 49.plates'; the one mass that is missing on a shelf is the second finding, not the 32nd."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    _, findings = layouts.check_autocheckout(folder / "planogram.json", folder / "products.json")
    assert {Path(item.file).name for item in findings} == {"planogram.json", "products.json"}
    assert all(item.line for item in findings if "neighbours" in item.problem)
    assert [(item.line, item.field) for item in findings[:2]] == [(3, "planogram_product_id"), (58, "metadata.weight")]


@pytest.mark.parametrize(("mass", "word"), [(1.6, "1.6 g, too light"), (2.5e5, "250000 g (250 kg), too heavy")])
def test_masses_beyond_a_scale_say_on_which_side(case: Write, mass: float, word: str) -> None:
    """1.6 g is too light, 250 kg too heavy, both in the unit they were read in."""
    _, findings = case([facing(1, [1], A, x=0.0)], [product(A, weight=mass)]).build()
    assert [word in item.problem for item in findings if item.field == "metadata.weight"] == [True]
