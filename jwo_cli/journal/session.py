"""The one door: a DuckDB session over the published generation, the intake's tail and the telemetry's segments.

Works while the store runs and takes no lock that a writer would meet. A generation that is damaged, missing or of other
definitions is built again by itself; where that cannot be written (a read-only disk), it is built in memory. Results
are fetched whole: an unfinished one would block the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import duckdb
import pyarrow as pa

from jwo_cli.journal import database, kinds, projection, publication, segments, tables
from jwo_cli.model.findings import Finding, UserError

T = TypeVar("T")

# A tail up to this many entries is read from the log in some tens of milliseconds; a longer one is published first,
# unless it is small against what is published already: a step copies the whole file.
TAIL_ENTRIES = 1_000
TAIL_SHARE = 0.01

# How DuckDB fails on a damaged block (checksum, impossible structure) and on a torn Parquet file.
_DAMAGE = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
_PIVOT = re.compile(r"\s*(PIVOT|FROM|WITH|SELECT)\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?(\s*\([^)]*\))?\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A result: column names, and all rows in the order of the query."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that can be asked: its name, one sentence, and (column, type) in order."""

    name: str
    holds: str
    columns: tuple[tuple[str, str], ...]


def open_journal(directory: Path) -> Session:
    """Open a journal to read it, as it is now. Use as a context manager.

    Raises UserError (exit code 3): no journal, not a journal, from a newer version.
    """
    return Session(Path(directory))


class Session:
    """Questions to one journal; a snapshot of the moment it was opened or last refreshed. One thread at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.findings: tuple[Finding, ...] = ()
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()

    def refresh(self) -> None:
        """Look again: what was appended since becomes visible."""
        self.close()
        self._open()

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a question. Raises UserError for SQL that is wrong or that would write."""
        return self.answer(sql, params).rows

    def table(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """A question's result as an Arrow table."""
        return self._ask(sql, lambda: self._connection.sql(sql, params=list(params)).to_arrow_table())

    def answer(self, sql: str, params: Sequence[object] = ()) -> Answer:
        """A question's result with its column names."""

        def fetch() -> Answer:
            done = self._connection.execute(sql, list(params))
            return Answer(columns=tuple(column[0] for column in done.description or ()), rows=done.fetchall())

        return self._ask(sql, fetch)

    def tables(self) -> tuple[Table, ...]:
        """What can be asked: the log, the views for people, the telemetry, then one table per kind of entry."""
        self._telemetry()
        columns: dict[str, list[tuple[str, str]]] = {}
        for name, column, kind in self._connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal AND database_name IN "
            "('memory', 'published') ORDER BY database_name, table_name, column_index"
        ).fetchall():
            if (column, kind) not in columns.setdefault(name, []):
                columns[name].append((column, kind))
        views = [(view.name, view.holds) for view in tables.VIEWS]
        streams = [(stream.name, stream.holds) for stream in segments.STREAMS.values()]
        names = [(name, tables.describe(name)) for name in tables.base_tables()[:2]]
        names += [*views, *streams, *((kind, tables.describe(kind)) for kind in kinds.kinds())]
        return tuple(Table(name=name, holds=holds, columns=tuple(columns[name])) for name, holds in names)

    def _open(self) -> None:
        intake = database.open_reader(self.directory)
        self._connection = projection.connect()
        self._streams_known = False
        try:
            with database.failures(self.directory):
                self._attach(intake)
        except BaseException:
            self._connection.close()
            raise
        finally:
            intake.close()

    def _attach(self, intake: Any) -> None:
        generation = publication.attach(self._connection, self.directory, intake)
        head_seq, head_hash = projection.head_of(intake)
        published = generation.head_seq if generation else 0
        if generation is None or head_seq - published > max(TAIL_ENTRIES, TAIL_SHARE * published):
            generation = self._renew(intake, attached=generation is not None)
            published = generation.head_seq
            head_seq, head_hash = projection.head_of(intake)
        self.head_seq, self.head_hash, self.store_id = head_seq, head_hash, generation.store_id
        self._connection.execute("SET search_path = 'memory.main,published.main'")
        if head_seq > published:
            self._show_tail(intake, published, head_seq)

    def _renew(self, intake: Any, *, attached: bool) -> publication.Generation:
        """Publish and attach the new generation; where the directory takes no file, build it in memory."""
        if attached:
            self._connection.execute("DETACH published")
        try:
            publication.publish(self.directory)
            found = publication.attach(self._connection, self.directory, intake)
        except UserError:
            found = None
        if found is None:
            self._connection.execute("ATTACH ':memory:' AS published")
            found = publication.build_into(self._connection, "published", intake)
        return found

    def _show_tail(self, intake: Any, published: int, head_seq: int) -> None:
        """Entries that are not published yet: their kinds' tables become the union of both, and all views follow."""
        self._connection.execute("ATTACH ':memory:' AS tail")
        seen = projection.fill(self._connection, "tail", intake, after_seq=published, to_seq=head_seq)
        self._connection.execute("USE memory")
        for name in seen:
            self._connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM published.{name} UNION ALL SELECT * FROM tail.{name}"  # noqa: S608
            )
        self._connection.execute("SET search_path = 'memory.main,published.main'")
        for view in tables.VIEWS:
            self._connection.execute(f"CREATE VIEW memory.main.{view.name} AS {view.sql}")

    def _telemetry(self, *, thorough: bool = False) -> None:
        """Views over the segments; files that are torn are left out and reported in `findings`."""
        self.findings = segments.create_views(self._connection, self.directory, thorough=thorough)
        self._streams_known = True

    def _ask(self, sql: str, fetch: Callable[[], T]) -> T:
        self._refuse_writing(sql)
        if not self._streams_known and _mentions_telemetry(sql):
            self._telemetry()
        try:
            return fetch()
        except duckdb.Error as error:
            # Thrift, inside of a torn Parquet file, comes as the bare base class.
            if not isinstance(error, _DAMAGE) and type(error) is not duckdb.Error:
                raise _wrong(error) from error
            self._mend(sql, error)
        try:
            return fetch()
        except duckdb.Error as error:
            raise _wrong(error) from error

    def _mend(self, sql: str, error: duckdb.Error) -> None:
        """What was read may be damaged inside, or gone: build the generation anew, look for the segments anew.

        Raises UserError where all is whole, so that the question itself is wrong (it names a file that is not there).
        """
        self.close()
        whole = publication.is_whole(self.directory)
        if not whole:
            publication.discard(self.directory)
        self._open()
        if _mentions_telemetry(sql):
            # Segments that were made into one, or deleted, since this session began are no fault of the question.
            self._telemetry(thorough=True)
        elif whole:
            raise _wrong(error) from error

    def _refuse_writing(self, sql: str) -> None:
        try:
            statements = self._connection.extract_statements(_EXPLAIN.sub("", sql, count=1))
        except duckdb.Error as error:
            raise _wrong(error) from error
        if len(statements) != 1:
            raise UserError("one question at a time", fix="Give a single SELECT statement.")
        kind = statements[0].type
        if kind not in _READING and not (kind is duckdb.StatementType.MULTI and _PIVOT.match(sql)):
            raise UserError(
                f"the journal is read-only, and {kind.name} is not a question",
                fix="Ask with SELECT (or FROM, WITH, DESCRIBE, SUMMARIZE, EXPLAIN); entries are only ever appended, by "
                "the store itself.",
            )


def _mentions_telemetry(sql: str) -> bool:
    return any(re.search(rf"\b{name}\b", sql, re.IGNORECASE) for name in segments.STREAMS)


def _wrong(error: duckdb.Error) -> UserError:
    """DuckDB's own words say where; the fix says where the names are."""
    return UserError(str(error).strip(), fix="`jwo sql --tables` lists the tables and their columns.")
