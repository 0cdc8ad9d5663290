"""The books as a table: `shop.ledger` says what a decision posts, and nothing here knows better.

A receipt whose postings cannot be built (they would not sum to zero) has no rows; `verify` names it.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from jwo_cli.model import codec
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed
from jwo_cli.model.staffing import StockCounted, StockRestocked
from jwo_cli.shop import ledger

NAME = "all_postings"
HOLDS = "Double-entry postings of receipts, payments, disputes and stock; each transaction sums to zero."
# What the ledger posts; the other kinds are too many to be decoded for nothing.
POSTING_KINDS = (
    "receipt_issued",
    "receipt_corrected",
    "payment_answered",
    "payment_disputed",
    "stock_counted",
    "stock_restocked",
)

_COLUMNS = {
    "seq": ("BIGINT", pa.int64()),
    "transaction_id": ("VARCHAR", pa.string()),
    "receipt_id": ("VARCHAR", pa.string()),
    "purpose": ("VARCHAR", pa.string()),
    "at_ns": ("BIGINT", pa.int64()),
    "account": ("VARCHAR", pa.string()),
    "amount": ("BIGINT", pa.int64()),
    "commodity": ("VARCHAR", pa.string()),
    "source": ("VARCHAR", pa.string()),
}
_SELECT = (
    "SELECT seq, kind, typed, source FROM chunk WHERE typed IS NOT NULL AND kind IN (SELECT unnest(?)) ORDER BY seq"
)


def create_sql(catalog: str) -> str:
    """CREATE TABLE for the postings, empty, where it is not there."""
    columns = ", ".join(f"{name} {sql}" for name, (sql, _) in _COLUMNS.items())
    return f"CREATE TABLE IF NOT EXISTS {catalog}.{NAME} ({columns})"


@functools.cache
def rules() -> str:
    """The rules' own text: books that were built by other rules are outdated."""
    return inspect.getsource(ledger)


def transactions(kind: str, payload: codec.JsonValue) -> tuple[ledger.Transaction, ...]:
    """What an entry posts. Raises ValueError for a payload that does not fit, does not sum to zero or is too large."""
    found = _transactions(kind, payload) if kind in POSTING_KINDS else ()
    if any(abs(part.amount) >> 63 for whole in found for part in whole.postings):
        raise ValueError("what it posts is too large a number")
    return found


def _transactions(kind: str, payload: codec.JsonValue) -> tuple[ledger.Transaction, ...]:
    if kind == "payment_answered":
        return ledger.paid(codec.decode(PaymentAnswered, payload))
    if kind == "payment_disputed":
        return ledger.disputed(codec.decode(PaymentDisputed, payload))
    if kind == "stock_counted":
        return ledger.counted(codec.decode(StockCounted, payload))
    if kind == "stock_restocked":
        return ledger.restocked(codec.decode(StockRestocked, payload))
    return ledger.postings_for(codec.decode(codec.DECISIONS[kind], payload))


def fill(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Add the postings of the entries in the table `chunk` to a catalog."""
    rows = list(_rows(connection.execute(_SELECT, [list(POSTING_KINDS)]).fetchall()))
    if rows:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, _COLUMNS.values(), strict=True)]
        connection.register("postings_arrow", pa.table(dict(zip(_COLUMNS, arrays, strict=True))))
        connection.execute(f"INSERT INTO {catalog}.{NAME} SELECT * FROM postings_arrow")  # noqa: S608
        connection.unregister("postings_arrow")


def _rows(entries: list[tuple[int, str, str, str]]) -> Iterator[tuple[object, ...]]:
    for seq, kind, text, source in entries:
        try:
            found = transactions(kind, json.loads(text))
        except ValueError:
            continue
        for whole in found:
            for part in whole.postings:
                place = (seq, whole.transaction_id, whole.receipt_id, whole.purpose, whole.at_ns)
                yield (*place, part.account, part.amount, part.commodity, source)
