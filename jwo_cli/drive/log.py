"""Where a replay writes: the journal's intake, or the same chain in memory for those who keep nothing.

Both give an entry its place and hash by the journal's own rules, so that the final hash is the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from jwo_cli.journal import chain
from jwo_cli.journal.intake import payload_text
from jwo_cli.model.entry import Entry, NewEntry


class Log(Protocol):
    """What a driver needs of a log: order, durability, idempotence."""

    def append(self, entries: Sequence[NewEntry]) -> tuple[Entry, ...]:
        """Append, or return the existing entries of the same keys."""

    def head(self) -> tuple[int, str]:
        """The last entry's seq and hash."""

    def transaction(self) -> AbstractContextManager[object]:
        """Appends inside become durable together at the end of the block."""


class MemoryLog:
    """A log that lives as long as the process: for benchmarks, tests and a replay whose reader wants receipts only."""

    def __init__(self, *, store_id: str, after: tuple[int, str] | None = None) -> None:
        """`after` is the (seq, hash) of the entry that it goes on from; the journal's beginning when None."""
        self._by_key: dict[str, Entry] = {}
        self._seq, self._hash = after or (0, chain.genesis(store_id))

    def append(self, entries: Sequence[NewEntry]) -> tuple[Entry, ...]:
        """Append; an existing key gives its entry. Raises ValueError where that one has other content."""
        return tuple(self._append(entry) for entry in entries)

    def _append(self, new: NewEntry) -> Entry:
        kept = self._by_key.get(new.key)
        if kept is not None:
            if (kept.kind, kept.payload, kept.caused_by) != (new.kind, new.payload, new.caused_by):
                raise ValueError(f"{new.key} was appended before with other content")
            return kept
        self._seq += 1
        before, body = self._hash, chain.content(self._seq, new, payload_text(new))
        self._hash = chain.link(before, body)
        entry = Entry(
            seq=self._seq,
            key=new.key,
            at_ns=new.at_ns,
            recorded_ns=new.at_ns,
            source=new.source,
            kind=new.kind,
            version=new.version,
            payload=new.payload,
            caused_by=new.caused_by,
            prev_hash=before,
            hash=self._hash,
            store_id=new.store_id,
            layout_version=new.layout_version,
        )
        self._by_key[new.key] = entry
        return entry

    def head(self) -> tuple[int, str]:
        """The last entry's seq and hash; (0, the genesis hash) before the first."""
        return self._seq, self._hash

    def transaction(self) -> AbstractContextManager[object]:
        """Memory has nothing to commit."""
        return contextlib.nullcontext()
