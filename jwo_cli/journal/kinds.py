"""One typed table per kind of entry, derived from its class: a new observation or decision has its table by itself.

Columns are the entry's `seq`, `source`, `store_id`, `layout_version`, `at_utc` (for people) and the class's fields with
their names and units (quoted, because a field may be called as a word of SQL is). A tuple of dataclasses is a list of
structs; `tables.py` unfolds those that people ask for.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from jwo_cli.model import codec

Shape = str | list["Shape"] | dict[str, "Shape"]

_SCALARS: dict[object, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
# Where every row comes from: column -> (type, its value in `chunk`).
_COMMON = {
    "seq": ("BIGINT", "seq"),
    "source": ("VARCHAR", "source"),
    "store_id": ("VARCHAR", "store_id"),
    "layout_version": ("VARCHAR", "layout_version"),
    "at_utc": ("TIMESTAMP_NS", "TRY(make_timestamp_ns(at_ns))"),
}


@functools.cache
def kinds() -> dict[str, type]:
    """Every kind that an entry may have -> its class, observations first."""
    return {**codec.OBSERVATIONS, **codec.DECISIONS}


def shape_of(hint: Any) -> Shape:
    """The JSON structure of a type, in the words of DuckDB's `from_json`.

    A tuple of fixed length (a pair of product and quantity) is a JSON list of mixed values: a list of VARCHAR.
    Raises TypeError for a type that has no column.
    """
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return {field: shape_of(inner) for field, inner in _fields(hint)}
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return shape_of(next(arg for arg in args if arg is not type(None)))
    if origin is tuple:
        return [shape_of(args[0])] if len(args) == 2 and args[1] is Ellipsis else ["VARCHAR"]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "VARCHAR"
    if hint not in _SCALARS:
        raise TypeError(f"{hint!r} has no column")
    return _SCALARS[hint]


def sql_type(shape: Shape) -> str:
    """A shape as a DuckDB column type."""
    if isinstance(shape, str):
        return shape
    if isinstance(shape, list):
        return f"{sql_type(shape[0])}[]"
    return "STRUCT(" + ", ".join(f'"{name}" {sql_type(inner)}' for name, inner in shape.items()) + ")"


@functools.cache
def create_sql(catalog: str, kind: str) -> str:
    """CREATE TABLE for a kind, empty, where it is not there."""
    columns = ", ".join(f'"{name}" {sql}' for name, sql, _ in _columns(kind))
    return f"CREATE TABLE IF NOT EXISTS {catalog}.{kind} ({columns})"


@functools.cache
def insert_sql(catalog: str, kind: str) -> str:
    """INSERT for a kind from the table `chunk` (the intake's columns, and `typed`: the payload in today's form)."""
    structure = json.dumps(shape_of(kinds()[kind])).replace("'", "''")
    return (
        f"INSERT INTO {catalog}.{kind} SELECT {', '.join(value for _, _, value in _columns(kind))} "  # noqa: S608
        f"FROM (SELECT *, from_json(typed, '{structure}') AS p FROM chunk WHERE kind = '{kind}' AND typed IS NOT NULL)"
    )


def _columns(kind: str) -> list[tuple[str, str, str]]:
    """(name, type, value in `chunk`) of a kind's columns; a field of the class beats a common column of its name."""
    absent = _defaults(kinds()[kind])
    fields = [
        (name, sql_type(shape_of(hint)), f'coalesce(p."{name}", {absent[name]})' if name in absent else f'p."{name}"')
        for name, hint in _fields(kinds()[kind])
    ]
    taken = {name for name, _, _ in fields}
    return [(name, *column) for name, column in _COMMON.items() if name not in taken] + fields


def _defaults(cls: type) -> dict[str, str]:
    """SQL of what a field means that the codec leaves out at its default; None is NULL by itself."""
    left_out = {
        field.name: codec.encode(field.default) for field in dataclasses.fields(cls) if field.metadata.get("later")
    }
    return {
        name: str(value) if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"
        for name, value in left_out.items()
        if isinstance(value, bool | int | float | str)
    }


def _fields(cls: type) -> Iterator[tuple[str, Any]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        yield field.name, hints[field.name]
