"""Facings named twice: one is a slip and counted once, most of them are two planograms, two places contradict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jwo_cli import layouts
from jwo_cli.model.findings import Severity, UserError
from tests.layouts.conftest import Case, Doc, facing, product

Write = Callable[[list[Doc], list[Doc]], Case]
A, B, C = "012000181139", "90162909", "04963406"
SHELF = [facing(1, [1, 2], A, x=0.0), facing(1, [3], B, x=0.2), facing(2, [1], C, x=0.0), facing(2, [3], None, x=0.2)]
GOODS = [product(A), product(B), product(C)]


def test_a_repeated_facing_is_told_and_counted_once(case: Write) -> None:
    """Line 5 is line 2 again."""
    store, findings = case([*SHELF, SHELF[1]], GOODS).build()
    assert len(store.facings) == 3
    told = [item for item in findings if "already" in item.problem]
    assert [(item.line, item.severity) for item in told] == [(5, Severity.WARNING)]
    assert told[0].problem == f"{B} stands on g1.s1.p3 as in line 2 already; taken once"


@pytest.mark.parametrize("second", [SHELF, SHELF[:3], [*SHELF[:3], facing(2, [3], A, x=0.2)]])
def test_two_planograms_in_one_file_are_refused(case: Write, second: list[Doc]) -> None:
    """The same again, or again with one facing changed: one error with both lines."""
    with pytest.raises(UserError, match="stands here twice") as caught:
        case([*SHELF, *second], GOODS).build()
    (error,) = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert error.line == 5
    assert "line 5 is line 1" in error.problem


def test_the_real_planogram_twice_is_refused(shared_data: Path, tmp_path: Path) -> None:
    """`cat planogram.json >> planogram.json` once gave 226 facings without a word."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    twice = tmp_path / "planogram.json"
    twice.write_bytes((folder / "planogram.json").read_bytes() * 2)
    with pytest.raises(UserError, match="114 of its 114 facings come again"):
        layouts.from_autocheckout(twice, folder / "products.json")


def test_one_facing_at_two_heights_is_refused(case: Write) -> None:
    """The same product on the same plates, 20 cm higher: a contradiction that names both lines."""
    higher = facing(1, [3], B, x=0.2)
    higher["global_coordinates"]["transform"]["translation"]["z"] = 0.5  # type: ignore[index]
    with pytest.raises(UserError) as caught:
        case([*SHELF, higher], GOODS).build()
    errors = [(item.line, item.problem) for item in caught.value.findings if item.severity is Severity.ERROR]
    assert errors == [(5, f"{B} stands on g1.s1.p3 as in line 2, but at another place or of another size")]


def test_overlapping_facings_of_one_product_are_doubted(case: Write) -> None:
    """Plates 2 and 3 after 1 and 2: kept, and told with both lines. Two products may share a plate."""
    _, findings = case([*SHELF, facing(1, [2, 3], A, x=0.1)], GOODS).build()
    assert [item.line for item in findings if "line 1 has some" in item.problem] == [5]
