"""CSV tables with a heading: rows as text by column, each with its line; faults are findings, not exceptions.

UTF-8 with or without a byte-order mark (spreadsheets write one), comma or semicolon (German spreadsheets write those).
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jwo_cli.model.findings import Finding, Severity


class _Reader(Protocol):
    """What `csv.reader` gives."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: its cells by column, without blanks around them."""

    file: str
    line: int
    cells: dict[str, str]

    def finding(self, column: str, problem: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
        """Something about one cell."""
        return Finding(file=self.file, line=self.line, field=column, problem=problem, fix=fix, severity=severity)


def read_table(path: Path, columns: Sequence[str], required: Sequence[str]) -> tuple[list[Row], list[Finding]]:
    """All rows of a CSV file, and what is wrong with the file as such. A faulty heading gives no rows."""
    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return [], [
            Finding(
                file=file, problem="the file does not exist", fix="Create it, or correct its name in the store file."
            )
        ]
    except OSError as error:
        return [], [
            Finding(file=file, problem=f"cannot be read: {error.strerror}", fix="Check the path and its permissions.")
        ]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return [], [Finding(file=file, line=line, problem="this is not UTF-8 text", fix="Save the file as UTF-8.")]
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    try:
        heading = [name.strip() for name in next(reader, [])]
        findings = _heading(file, heading, columns, required)
        if findings:
            return [], findings
        return _rows(file, reader, heading)
    except csv.Error as error:
        return [], [
            Finding(file=file, line=reader.line_num, problem=f"this is not CSV: {error}", fix="Check the quotes.")
        ]


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A CSV file with heading, comma-separated, UTF-8, Unix line ends: the same rows give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _heading(file: str, heading: list[str], columns: Sequence[str], required: Sequence[str]) -> list[Finding]:
    findings = []
    for name in dict.fromkeys(heading):
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1)
            fix = f"Did you mean {near[0]!r}?" if near else f"Known columns: {', '.join(columns)}."
            findings.append(Finding(file=file, line=1, field=name or None, problem=f"unknown column {name!r}", fix=fix))
        elif heading.count(name) > 1:
            findings.append(
                Finding(file=file, line=1, field=name, problem=f"column {name!r} stands twice", fix="Keep one.")
            )
    for name in required:
        if name not in heading:
            fix = f"The heading needs {', '.join(required)}."
            findings.append(Finding(file=file, line=1, field=name, problem=f"column {name!r} is missing", fix=fix))
    return findings


def _rows(file: str, reader: _Reader, heading: list[str]) -> tuple[list[Row], list[Finding]]:
    rows: list[Row] = []
    findings: list[Finding] = []
    before = reader.line_num
    for cells in reader:
        line, before = before + 1, reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            problem = f"{len(cells)} cells under {len(heading)} headings"
            findings.append(Finding(file=file, line=line, problem=problem, fix="Check commas and quotes in this row."))
            continue
        rows.append(
            Row(file=file, line=line, cells={name: cell.strip() for name, cell in zip(heading, cells, strict=True)})
        )
    return rows, findings
