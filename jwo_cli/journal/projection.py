"""From the log to typed tables: rows of the intake go into DuckDB by Arrow, a chunk at a time, never row by row.

The same functions build the published generation (a file), the tail (in memory) and verify's second opinion, so the
three cannot disagree. Everything is derived from the entries alone; nothing here reads a clock.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import apsw
import duckdb
import pyarrow as pa

from jwo_cli.journal import chain, database, kinds, postings, tables, upcast
from jwo_cli.model import codec

CHUNK = 50_000

ENTRIES = (
    "seq BIGINT, key VARCHAR, at_ns BIGINT, at_utc TIMESTAMP_NS, recorded_ns BIGINT, source VARCHAR, store_id VARCHAR, "
    "layout_version VARCHAR, kind VARCHAR, version BIGINT, payload VARCHAR, caused_by BIGINT[], prev_hash VARCHAR, "
    "hash VARCHAR"
)
_INSERT_ENTRIES = """
INSERT INTO {catalog}.entries
SELECT seq, key, at_ns, TRY(make_timestamp_ns(at_ns)), recorded_ns, source, store_id, layout_version, kind,
       version, payload, from_json(caused_by, '["BIGINT"]'), prev_hash, hash FROM chunk"""

_ARROW = {
    "seq": pa.int64(),
    "key": pa.string(),
    "at_ns": pa.int64(),
    "recorded_ns": pa.int64(),
    "source": pa.string(),
    "store_id": pa.string(),
    "layout_version": pa.string(),
    "kind": pa.string(),
    "version": pa.int64(),
    "payload": pa.string(),
    "caused_by": pa.string(),
    "hash": pa.string(),
}


@functools.cache
def fingerprint() -> str:
    """Changes whenever the tables' definitions change: a generation with another one is outdated, and is rebuilt."""
    parts = [ENTRIES, _INSERT_ENTRIES, postings.rules(), *(f"{view.name}:{view.sql}" for view in tables.VIEWS)]
    for kind in kinds.kinds():
        parts += [kinds.create_sql("x", kind), kinds.insert_sql("x", kind), str(upcast.current(kind))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that loads nothing from anywhere and draws no progress bar over anybody's output."""
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET enable_progress_bar = false")
    return connection


def create(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Make the empty tables, and the views over them, in an attached, empty catalog."""
    connection.execute(
        f"CREATE TABLE {catalog}.generation (head_seq BIGINT, head_hash VARCHAR, store_id VARCHAR, fingerprint VARCHAR)"
    )
    for name in tables.base_tables():
        connection.execute(_create_sql(catalog, name))
    connection.execute(f"USE {catalog}")
    for view in tables.VIEWS:
        connection.execute(f"CREATE VIEW {view.name} AS {view.sql}")
    connection.execute("USE memory")


def _create_sql(catalog: str, name: str) -> str:
    if name == "entries":
        return f"CREATE TABLE IF NOT EXISTS {catalog}.entries ({ENTRIES})"
    return postings.create_sql(catalog) if name == postings.NAME else kinds.create_sql(catalog, name)


def fill(
    connection: duckdb.DuckDBPyConnection, catalog: str, intake: apsw.Connection, *, after_seq: int, to_seq: int
) -> tuple[str, ...]:
    """Copy the entries in (after_seq, to_seq] into a catalog; returns the tables that have got rows.

    Tables that are not there are made when their first row comes.
    """
    seen: set[str] = set()
    for chunk in _chunks(intake, after_seq, to_seq):
        connection.register("chunk_arrow", chunk)
        connection.execute("CREATE OR REPLACE TEMP TABLE chunk AS SELECT *, payload AS typed FROM chunk_arrow")
        connection.unregister("chunk_arrow")
        versions = connection.execute("SELECT DISTINCT kind, version FROM chunk").fetchall()
        _lift(connection, [kind for kind, version in versions if version != upcast.current(kind)])
        here = {kind for kind, _ in versions} | {"entries"}
        if here & set(postings.POSTING_KINDS):
            here.add(postings.NAME)
        for name in tables.base_tables():
            if name in here:
                if name not in seen:
                    connection.execute(_create_sql(catalog, name))
                _insert(connection, catalog, name)
        seen |= here
        connection.execute("DROP TABLE chunk")
    return tuple(name for name in tables.base_tables() if name in seen)


def _insert(connection: duckdb.DuckDBPyConnection, catalog: str, name: str) -> None:
    """Rows of one table from the table `chunk`."""
    if name == "entries":
        connection.execute(_INSERT_ENTRIES.format(catalog=catalog))
    elif name == postings.NAME:
        postings.fill(connection, catalog)
    else:
        connection.execute(kinds.insert_sql(catalog, name))


def stamp(connection: duckdb.DuckDBPyConnection, catalog: str, *, head_seq: int, head_hash: str, store_id: str) -> None:
    """Write down which entries a catalog holds and by which definitions."""
    connection.execute(f"DELETE FROM {catalog}.generation")  # noqa: S608
    row = [head_seq, head_hash, store_id, fingerprint()]
    connection.execute(f"INSERT INTO {catalog}.generation VALUES (?, ?, ?, ?)", row)  # noqa: S608


def head_of(intake: apsw.Connection) -> tuple[int, str]:
    """The last entry's seq and hash."""
    row = intake.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, chain.genesis(database.read_store_id(intake)))


def hash_at(intake: apsw.Connection, seq: int) -> str:
    """The hash of entry `seq`, the genesis hash for 0, empty where there is none."""
    if seq == 0:
        return chain.genesis(database.read_store_id(intake))
    row = intake.execute("SELECT hash FROM entries WHERE seq = ?", (seq,)).fetchone()
    return str(row[0]) if row else ""


def _chunks(intake: apsw.Connection, after_seq: int, to_seq: int) -> Iterator[pa.Table]:
    prev = hash_at(intake, after_seq)
    sql = f"SELECT {database.COLUMNS} FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {CHUNK}"  # noqa: S608
    names = database.COLUMNS.split(", ")
    while rows := intake.execute(sql, (after_seq, to_seq)).fetchall():
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        hashes = columns["hash"]
        arrays = {name: pa.array(columns[name], _ARROW[name]) for name in names}
        arrays["prev_hash"] = pa.array((prev, *hashes[:-1]), pa.string())
        yield pa.table(arrays)
        after_seq, prev = columns["seq"][-1], hashes[-1]


def _lift(connection: duckdb.DuckDBPyConnection, old: list[str]) -> None:
    """Payloads of these kinds, and those with a very long number in them, in today's form: the column `typed`.

    DuckDB looks for them: PyArrow's functions would cost everybody who opens a journal their import (50 ms).
    """
    sql = "SELECT seq, kind, version, payload FROM chunk WHERE list_contains(?, kind) OR regexp_matches(payload, ?)"
    rows = connection.execute(sql, [old, codec.LONG]).fetchall()
    if rows:
        lifted = pa.table(
            {
                "seq": pa.array([seq for seq, *_ in rows], pa.int64()),
                "typed": pa.array([_lifted(kind, version, text) for _, kind, version, text in rows], pa.string()),
            }
        )
        connection.register("lifted", lifted)
        connection.execute("UPDATE chunk SET typed = lifted.typed FROM lifted WHERE chunk.seq = lifted.seq")
        connection.unregister("lifted")


def _lifted(kind: str, version: int, text: str) -> str | None:
    """None leaves an entry that this program cannot read out of the typed tables; `verify` reports it."""
    try:
        return codec.canonical(upcast.lift(kind, version, json.loads(text))).decode()
    except ValueError:
        return None
