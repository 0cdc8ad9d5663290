"""A journal entry: one observation or decision, in order, with its causes, in a hash chain."""

from __future__ import annotations

from dataclasses import dataclass

from .codec import JsonValue

# What a replay writes into a journal has a source that begins so: it is no word of the store whose journal it is.
REPLAYED = "recording/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What a writer hands to the journal. `key` makes appending idempotent: the same key is never written twice.

    `store_id` and `layout_version` say where it happened; left empty, the journal fills in those it was opened with.
    """

    key: str
    at_ns: int
    source: str
    kind: str
    payload: JsonValue
    caused_by: tuple[int, ...] = ()
    version: int = 1
    store_id: str = ""
    layout_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as kept: `seq` orders, times only explain. `hash` covers content and `prev_hash`, not `recorded_ns`."""

    seq: int
    key: str
    at_ns: int
    recorded_ns: int
    source: str
    kind: str
    version: int
    payload: JsonValue
    caused_by: tuple[int, ...]
    prev_hash: str
    hash: str
    store_id: str = ""
    layout_version: str = ""
