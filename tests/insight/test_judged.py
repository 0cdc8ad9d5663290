"""Receipts to be scored are read whole, from a journal or a file, or refused in a sentence that says where."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli import journal
from jwo_cli.insight.judged import doubts, from_file, from_journal
from jwo_cli.insight.truth import TrueCase
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import Decision, VisitEnded, VisitStarted
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import Role

CASE = TrueCase("c", "k", Path(), (Counter(), Counter()), {"ann": 0, "bob": 1}, (), {}, {"tee": "tea"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n  oops", "line 2, column 3 is no JSON"),
        ("[]", "an object of cases is expected, not a list"),
        ('{"d": []}', "there is no truth for 'd'"),
        ('{"c": [{"products": []}]}', "c, receipt 1: not a receipt: 'target_id' is missing"),
        ('{"c": [{"target_id": 1}, {"target_id": 2, "products": [{"barcode": 1, "quantity": "x"}]}]}', "c, receipt 2"),
        ('{"c": 7}', "c: not a receipt: a value has another form"),
        ('{"c": [{"target_id": 1, "products": [{"barcode": 1, "quantity": 1e999}]}]}', "c, receipt 1: .*infinity"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_file_that_is_no_receipts_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    """Where, why and what to do; never a traceback or an exception's name."""
    file = tmp_path / "receipts.json"
    file.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        from_file(file, [CASE])
    assert str(file) in str(caught.value)
    assert "Error" not in str(caught.value)


def test_a_missing_or_foreign_file_is_a_sentence(tmp_path: Path) -> None:
    """No such file; bytes that are no text."""
    with pytest.raises(UserError, match="no such file"):
        from_file(tmp_path / "nothing", [CASE])
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UserError, match=r"byte 0 is no UTF-8"):
        from_file(tmp_path / "picture", [CASE])


def test_a_file_is_read_with_aliases(tmp_path: Path) -> None:
    """Quantities under the product's main identifier; what waits for a person is not charged."""
    file = tmp_path / "receipts.json"
    lines = [{"barcode": "tee", "quantity": 2}, {"barcode": "tea"}]
    file.write_text(json.dumps({"c": [{"target_id": "ann", "products": lines, "settled": "review"}]}))
    (only,) = from_file(file, [CASE])["c"]
    assert (only.bag, only.automatic, only.charged) == (Counter(tea=3), False, Counter())


def test_what_a_reader_should_know_is_said() -> None:
    """Cases of which nothing is there, by name; money in several currencies; nothing where all is well."""
    yen = [replace(CASE, name=f"y{n}", currency="JPY") for n in range(7)]
    assert doubts([CASE], {"c": []}) == []
    absent, mixed = doubts([replace(CASE, currency="EUR"), *yen], {"c": [], "y0": []})
    assert "6 of 8 cases" in absent
    assert absent.endswith("y1, y2, y3, y4, y5 and 1 more")
    assert "EUR, JPY" in mixed


def test_visits_without_a_receipt_are_read_with_their_odds(tmp_path: Path) -> None:
    """A shopper who took nothing is judged; a member of staff, who is never billed, is not."""
    said: list[Decision] = []
    for who, role in (("ann", Role.SHOPPER), ("sam", Role.STAFF)):
        said.append(VisitStarted(at_ns=1, visit_id=f"v-{who}", track_id=who, role=role))
        said.append(VisitEnded(at_ns=2, visit_id=f"v-{who}", track_id=who, probability=0.9375))
    entries = [
        NewEntry(
            key=str(n), at_ns=value.at_ns, source="recording/x", kind=kind_of(type(value)), payload=encode(value),
            caused_by=(),
        )
        for n, value in enumerate(said)
    ]  # fmt: skip
    with journal.Intake.open(tmp_path / "j", store_id="little", layout_version="1") as intake:
        intake.append(entries)
    with journal.open_journal(tmp_path / "j") as session:
        (only,) = from_journal(session, {"recording/x": CASE})["c"]
        with pytest.raises(UserError, match="none of these recordings"):
            from_journal(session, {"recording/y": CASE})
    assert (only.track_id, only.bag, only.automatic, only.probability) == ("ann", Counter(), True, 0.9375)
