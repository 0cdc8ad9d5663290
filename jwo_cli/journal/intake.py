"""The intake: entries are appended in one transaction, and an acknowledgement means that they are on the disk.

Any process may append; SQLite's write lock orders them. The engine's driver, a member of staff who decides a review
and the payment outbox therefore share one log and one chain of hashes. Readers go through `open_journal`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import apsw

from jwo_cli.journal import chain, database
from jwo_cli.journal.upcast import lift
from jwo_cli.model.codec import canonical, decode, kind_of
from jwo_cli.model.entry import Entry, NewEntry
from jwo_cli.model.findings import UserError

T = TypeVar("T")

# What must stay free on the disk, so that SQLite can always checkpoint and the store can close in order.
RESERVE_BYTES = 16 << 20
PAGE = 1_000
_END = (1 << 63) - 1

_INSERT = f"INSERT INTO entries ({database.COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_BY_KEY = f"SELECT {database.COLUMNS} FROM entries WHERE key = ?"  # noqa: S608
_RECORDED = "SELECT min(seq) FROM entries INDEXED BY entries_recorded WHERE recorded_ns >= ?"
_FROM_KEY = "SELECT key FROM entries WHERE key >= ? ORDER BY key LIMIT 1"
_AFTER = f"SELECT {database.COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT {PAGE}"  # noqa: S608


class Intake:
    """One process's handle on a journal's log; one thread at a time. Use as a context manager."""

    def __init__(
        self, connection: apsw.Connection, directory: Path, *, store_id: str, layout_version: str, reserve_bytes: int
    ) -> None:
        self._connection = connection
        self.directory = directory
        self.store_id = store_id
        self.layout_version = layout_version
        self.reserve_bytes = reserve_bytes
        self.journal_store_id = database.read_store_id(connection)  # whose journal this is, whoever writes to it
        self._genesis = chain.genesis(self.journal_store_id)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        store_id: str | None = None,
        layout_version: str = "",
        create: bool = True,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> Self:
        """Open a journal to append to it; `create` makes it (for `store_id`) where there is none.

        `store_id` and `layout_version` are written to the entries that do not name their own; without a `store_id`
        it is the journal's own. Raises UserError with exit code 3: no journal, not a journal, from a newer version,
        read-only, locked, or a disk with less than `reserve_bytes` left.
        """
        directory = Path(directory)
        connection = database.open_writer(directory, store_id=store_id, create=create)
        with database.failures(directory):
            return cls(
                connection,
                directory,
                store_id=store_id or database.read_store_id(connection),
                layout_version=layout_version,
                reserve_bytes=reserve_bytes,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; closing twice is fine."""
        self._connection.close()

    def append(self, entries: Sequence[NewEntry]) -> tuple[Entry, ...]:
        """Append in one transaction; on return all are durable, in order, and the result has one entry for each.

        An entry whose key is there already with the same content is not written again: the existing one is returned.
        Raises UserError where the content differs (nothing of the batch is written), where the journal cannot take it
        (locked, read-only, full disk), or where no reader could read it (`payload_text`), and ValueError for a cause
        that does not come before its effect.
        """
        if not entries:
            return ()
        with self.transaction():
            return self._append(entries, recorded_ns=time.time_ns())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Several appends as one: durable together when the block ends, and none of them made where it raises.

        A driver appends an observation, handles it under the seq it got, and appends what was decided, with one sync
        for a second's worth of them. Keep it short: nobody else can append meanwhile. A block inside of a block is
        part of the outer one, except that its failure takes back only what itself appended.
        """
        with database.failures(self.directory):
            if self._connection.in_transaction:
                with database.savepoint(self._connection):
                    yield
                return
            if database.free_bytes(self.directory) < self.reserve_bytes:
                raise database.disk_full(self.directory)
            with database.transaction(self._connection):
                yield

    def _append(self, entries: Sequence[NewEntry], *, recorded_ns: int) -> tuple[Entry, ...]:
        cursor = self._connection.cursor()
        seq, head = self._head()
        done: list[Entry] = []
        for entry in entries:
            new = self._placed(entry)
            payload = payload_text(new)
            found = cursor.execute(_BY_KEY, (new.key,)).fetchone()
            if found is not None:
                done.append(self._existing(tuple(found), new, payload))
                continue
            seq += 1
            if any(not 0 < cause < seq for cause in new.caused_by):
                raise ValueError(f"entry {new.key!r} would be {seq}: its causes {new.caused_by} must come before it")
            prev, head = head, chain.link(head, chain.content(seq, new, payload))
            row = (seq, new.key, new.at_ns, recorded_ns, new.source, new.store_id, new.layout_version, new.kind)
            cursor.execute(_INSERT, (*row, new.version, payload, chain.causes_text(new.caused_by), head))
            done.append(_entry(new, seq=seq, recorded_ns=recorded_ns, prev_hash=prev, digest=head))
        return tuple(done)

    def _placed(self, entry: NewEntry) -> NewEntry:
        """The entry with its store and layout; those of this handle where it names none."""
        if entry.store_id and entry.layout_version:
            return entry
        return NewEntry(
            key=entry.key,
            at_ns=entry.at_ns,
            source=entry.source,
            kind=entry.kind,
            payload=entry.payload,
            caused_by=entry.caused_by,
            version=entry.version,
            store_id=entry.store_id or self.store_id,
            layout_version=entry.layout_version or self.layout_version,
        )

    def _existing(self, row: tuple[Any, ...], new: NewEntry, payload: str) -> Entry:
        kept = entry_of(row, prev_hash=self._hash_of(row[0] - 1))
        if chain.content(kept.seq, new_of(kept), row[9]) != chain.content(kept.seq, new, payload):
            raise UserError(
                f"the journal {self.directory} holds {new.key!r} (entry {kept.seq}) already, with other content",
                fix="This input was changed since it was journalled, or another layout or version read it: "
                "use another journal for it.",
            )
        return kept

    def head(self) -> tuple[int, str]:
        """The last entry's seq and hash; (0, the genesis hash) of an empty journal."""
        with database.failures(self.directory):
            return self._head()

    def _head(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, self._genesis) if row is None else (row[0], row[1])

    def holds(self, key_prefix: str) -> bool:
        """Whether an entry's key begins so; found by an index."""
        with database.failures(self.directory):
            row = self._connection.execute(_FROM_KEY, (key_prefix,)).fetchone()
            return row is not None and str(row[0]).startswith(key_prefix)

    def hash_at(self, seq: int) -> str:
        """An entry's hash; that of the journal's beginning where there is no such entry."""
        with database.failures(self.directory):
            return self._hash_of(seq)

    def recorded_before(self, recorded_ns: int) -> int:
        """The last entry up to which all were recorded before a time of this machine's clock; 0 where there is none.

        The clock may have been set back: what was recorded before that is later than what came after.
        """
        with database.failures(self.directory):
            found = self._connection.execute(_RECORDED, (recorded_ns,)).fetchone()
            return self._head()[0] if found is None or found[0] is None else int(str(found[0])) - 1

    def _hash_of(self, seq: int) -> str:
        row = self._connection.execute("SELECT hash FROM entries WHERE seq = ?", (seq,)).fetchone()
        return self._genesis if row is None else str(row[0])

    def entries(self, after_seq: int = 0) -> Iterator[Entry]:
        """Entries after `after_seq` in order, to the end as it is when it is reached; others may append meanwhile.

        Read a thousand at a time, so that a slow reader does not keep SQLite from resetting its WAL.
        """
        prev = self._hash_of(after_seq) if after_seq else self._genesis
        while True:
            with database.failures(self.directory):
                rows = self._connection.execute(_AFTER, (after_seq,)).fetchall()
            for row in rows:
                yield entry_of(tuple(row), prev_hash=prev)
                after_seq, prev = int(str(row[0])), str(row[11])
            if len(rows) < PAGE:
                return

    def observed(
        self,
        kinds: Sequence[type[T]],
        after_seq: int = 0,
        *,
        until_seq: int = _END,
        source_prefix: str = "",
        without_prefix: str = "",
        about: str = "",
        reference: str = "",
    ) -> Iterator[tuple[int, T]]:
        """(seq, value) of all entries of some observation or decision classes, in order, in today's form.

        With `source_prefix` only of those whose source begins so, with `without_prefix` only of those whose does not,
        with `until_seq` only up to that one. `about` a receipt (or a payment's key, where there is no receipt) and of a
        provider's `reference`: found by an index.
        Raises UserError where a payload does not fit its class: the journal is damaged or from a newer version.
        """
        classes = {kind_of(kind): kind for kind in kinds}
        marks = ", ".join("?" * len(classes))
        values: list[str | int] = [after_seq, until_seq, *classes, len(source_prefix), source_prefix]
        only = ""
        if without_prefix:
            only += " AND substr(source, 1, ?) <> ?"
            values += [len(without_prefix), without_prefix]
        for wanted, name in ((about, database.SUBJECT), (reference, database.REFERENCE)):
            if wanted:
                only += f" AND {name} = ?"
                values.append(wanted)
        query = (
            "SELECT seq, kind, version, payload FROM entries WHERE seq > ? AND seq <= ? "  # noqa: S608
            f"AND kind IN ({marks}) AND substr(source, 1, ?) = ?{only} ORDER BY seq"
        )
        with database.failures(self.directory):
            rows = self._connection.execute(query, values).fetchall()
        for seq, kind, version, payload in rows:
            try:
                yield (
                    int(str(seq)),
                    decode(classes[str(kind)], lift(str(kind), int(str(version)), json.loads(str(payload)))),
                )
            except ValueError as error:
                raise UserError(
                    f"entry {seq} of the journal {self.directory} cannot be read: {error}",
                    fix="Run `jwo audit verify`; if the journal is whole, a newer jwo wrote it: update this one.",
                    exit_code=database.UNAVAILABLE,
                ) from error

    def texts(
        self,
        kind: type[object],
        field: str,
        *,
        source_prefix: str = "",
        without_prefix: str = "",
        about: Sequence[str] | None = None,
    ) -> list[str]:
        """One text of each entry of a class, in order, as it was written: for who needs little of very many entries.

        Sources and `about` (several, found by the index) as `observed` has them; an entry without the text is left out.
        """
        values: list[str | int] = [len(source_prefix), source_prefix, len(without_prefix), without_prefix]
        # The plus keeps SQLite from reading all entries of the class where an index knows the few that are wanted.
        those = "" if about is None else f"AND {database.SUBJECT} IN (SELECT value FROM json_each(?)) "  # noqa: S608
        query = (
            f"SELECT json_extract(payload, '$.{field}') FROM entries WHERE substr(source, 1, ?) = ? "  # noqa: S608
            f"AND (substr(source, 1, ?) <> ? OR ?) AND {'+' if those else ''}kind = ? {those}ORDER BY seq"
        )
        values += [not without_prefix, kind_of(kind)]
        values += [] if about is None else [json.dumps(list(about))]
        with database.failures(self.directory):
            rows = self._connection.execute(query, values).fetchall()
        return [str(text) for (text,) in rows if text is not None]


def payload_text(new: NewEntry) -> str:
    """An entry's payload in canonical JSON. Raises UserError for an entry that has no such form.

    Whatever is in a journal stays there, and everybody must be able to read it.
    """
    try:
        canonical([new.at_ns, new.key, new.source, new.store_id, new.layout_version])
        return canonical(new.payload).decode()
    except ValueError as error:
        raise UserError(
            f"no journal can hold this {new.kind.replace('_', ' ')}: {error}",
            fix="Look at what it was made of: a number or a text in it cannot be meant.",
        ) from error


def entry_of(row: tuple[Any, ...], *, prev_hash: str) -> Entry:
    """A row of the intake (`database.COLUMNS`) as an entry."""
    seq, key, at_ns, recorded_ns, source, store_id, layout_version, kind, version, payload, caused_by, digest = row
    return Entry(
        seq=seq,
        key=key,
        at_ns=at_ns,
        recorded_ns=recorded_ns,
        source=source,
        kind=kind,
        version=version,
        payload=json.loads(payload),
        caused_by=tuple(json.loads(caused_by)),
        prev_hash=prev_hash,
        hash=digest,
        store_id=store_id,
        layout_version=layout_version,
    )


def _entry(new: NewEntry, *, seq: int, recorded_ns: int, prev_hash: str, digest: str) -> Entry:
    return Entry(
        seq=seq,
        key=new.key,
        at_ns=new.at_ns,
        recorded_ns=recorded_ns,
        source=new.source,
        kind=new.kind,
        version=new.version,
        payload=new.payload,
        caused_by=new.caused_by,
        prev_hash=prev_hash,
        hash=digest,
        store_id=new.store_id,
        layout_version=new.layout_version,
    )


def new_of(kept: Entry) -> NewEntry:
    """An entry as it was handed in, with its store and layout: what its hash covers besides its seq."""
    return NewEntry(
        key=kept.key,
        at_ns=kept.at_ns,
        source=kept.source,
        kind=kept.kind,
        payload=kept.payload,
        caused_by=kept.caused_by,
        version=kept.version,
        store_id=kept.store_id,
        layout_version=kept.layout_version,
    )
