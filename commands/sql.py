"""`jwo sql`: anybody's question to the journal, in SQL, read-only, also while the store runs."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError


def main(
    question: Annotated[
        str,
        typer.Argument(metavar="QUESTION", help="One SELECT; `-` reads it from stdin.", show_default=False),
    ] = "",
    journal: console.JournalDir = None,
    as_json: console.AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout instead of a table.")] = False,
    list_tables: Annotated[bool, typer.Option("--tables", help="List the tables and their columns.")] = False,
) -> None:
    """Ask the journal anything: `jwo sql "SELECT name, sum(quantity) FROM lines GROUP BY name"`.

    Times are nanoseconds (`_ns`) and UTC timestamps (`at_utc`), money is in minor units (`_minor`), mass in grams.
    Entries that were appended a moment ago are there; nothing can be written.
    """
    if as_json and as_csv:
        raise UserError("--json and --csv exclude each other", fix="Choose one of them.")
    if not question and not list_tables:
        raise UserError("there is no question", fix="Give one SELECT in quotes, or --tables to see what can be asked.")
    place = console.journal_or_fail(journal)
    from jwo_cli.journal import open_journal

    with open_journal(place) as session:
        if list_tables:
            _list(session.tables(), as_json=as_json, as_csv=as_csv)
            return
        answer = session.answer(sys.stdin.read() if question == "-" else question)
        _print(_unique(answer.columns), answer.rows, as_json=as_json, as_csv=as_csv)
        for finding in session.findings:
            console.say(str(finding))


def _list(tables: Sequence[Any], *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        described = [
            {
                "table": table.name,
                "holds": table.holds,
                "columns": [{"column": column, "type": kind} for column, kind in table.columns],
            }
            for table in tables
        ]
        console.print_json(described)
        return
    rows = [(table.name, table.holds, ", ".join(column for column, _ in table.columns)) for table in tables]
    _print(("table", "holds", "columns"), rows, as_json=False, as_csv=as_csv)


def _print(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool, as_csv: bool) -> None:
    plain = [[_plain(value) for value in row] for row in rows]
    if as_json:
        console.print_json([dict(zip(columns, row, strict=True)) for row in plain])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in plain)
    elif rows:
        console.table(columns, [[_cell(value) for value in row] for row in plain])
    else:
        console.say("no rows")


def _plain(value: Any) -> Any:
    """A value of DuckDB as JSON has it: numbers, text, lists and objects; times and decimals as text or numbers."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        # NaN and infinities have no JSON form.
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _cell(value: Any) -> str | int | float | None:
    """Lists and objects as JSON in one cell, true and false as SQL writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _unique(columns: Sequence[str]) -> list[str]:
    """`SELECT a, a` has two columns of one name; JSON objects need two names."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names
