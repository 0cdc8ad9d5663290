"""Every observation and decision has a typed table by itself, with every field."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, kinds, open_journal, projection
from jwo_cli.model import codec
from tests.journal.days import journal


def test_a_table_for_every_kind_with_every_field(tmp_path: Path) -> None:
    """Add a class to the model and its table is there."""
    with open_journal(journal(tmp_path / "j", visits=1)) as session:
        columns = {table.name: {column for column, _ in table.columns} for table in session.tables()}
    for kind, cls in {**codec.OBSERVATIONS, **codec.DECISIONS}.items():
        fields = {field.name for field in dataclasses.fields(cls)}
        assert fields | {"seq", "source", "store_id", "layout_version", "at_utc"} == columns[kind]


def test_nested_values_keep_their_types(tmp_path: Path) -> None:
    """Tuples of dataclasses are lists of structs; what is absent is null; pairs stay pairs."""
    directory = journal(tmp_path / "j", visits=1)
    with Intake.open(directory) as intake, open_journal(directory) as session:
        by_seq = {entry.seq: entry.payload for entry in intake.entries()}
        for kind in ("weight_changed", "receipt_issued", "event_explained"):
            columns = tuple(field.name for field in dataclasses.fields(kinds.kinds()[kind]))
            for seq, *values in session.rows(f'SELECT seq, {", ".join(f""""{c}" """ for c in columns)} FROM {kind}'):
                expected = by_seq[seq]
                assert isinstance(expected, dict)
                assert _words(dict(zip(columns, values, strict=True))) == _words(expected)


def _words(value: object) -> object:
    """Pairs of mixed values come as text, what was left out is null; everything else must be equal as it is."""
    if isinstance(value, dict):
        return {key: _words(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [str(item) if isinstance(item, int) else _words(item) for item in value]
    return value


def test_a_type_without_a_column_is_refused() -> None:
    """A class that cannot be a table is found by its author, not by a reader."""
    with pytest.raises(TypeError, match="has no column"):
        kinds.shape_of(complex)


def test_a_changed_definition_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how an outdated generation is known."""
    before = projection.fingerprint()
    projection.fingerprint.cache_clear()
    monkeypatch.setattr(projection, "ENTRIES", projection.ENTRIES + ", more INTEGER")
    assert projection.fingerprint() != before
    projection.fingerprint.cache_clear()
