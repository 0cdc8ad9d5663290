"""Frozen dataclasses to plain JSON values and back, and the canonical bytes that hashes are taken over.

`kind` is the class name in snake case. Decoding follows the type hints, so a payload that does not fit its class is
refused with the field's name. Canonical JSON: sorted keys, no spaces, UTF-8, no NaN, no whole number beyond `MOST`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar, cast

from . import decisions, observations

T = TypeVar("T")
# What is further from zero is in no journal: tables hold 64 bits, and the difference of two numbers has to fit as well.
MOST = (1 << 62) - 1
# Canonical JSON with a number in it that may be beyond (Python's and RE2's syntax); `canonical` then looks closer.
LONG = r"(?:^|[\[:,-])(?:[4-9]\d{18}|[1-9]\d{19})"
_LONG = re.compile(LONG, re.ASCII)
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def kind_of(cls: type) -> str:
    """`WeightChanged` -> 'weight_changed'."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def _members(union: object) -> dict[str, type]:
    return {kind_of(member): member for member in typing.get_args(union)}


OBSERVATIONS: dict[str, type] = _members(observations.Observation)
DECISIONS: dict[str, type] = _members(decisions.Decision)


def encode(value: object) -> JsonValue:
    """A frozen dataclass (or tuple, enum, scalar) as JSON values; fields at their default are kept: payloads are whole.

    A field that a type was given later (`metadata=LATER`) is left out at its default: what was hashed before it
    existed has the same hash today.
    """
    if isinstance(value, Enum):
        return cast("JsonValue", value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((name, getattr(value, name), absent) for name, absent in _fields(type(value)))
        return {name: encode(item) for name, item, absent in fields if absent is _KEPT or item != absent}
    raise TypeError(f"{type(value).__name__} has no JSON form")


_KEPT = object()


@functools.cache
def _fields(cls: type) -> tuple[tuple[str, object], ...]:
    """Names, each with the value at which it is left out (`_KEPT` where it never is)."""
    fields = dataclasses.fields(cls)
    return tuple((field.name, field.default if field.metadata.get("later") else _KEPT) for field in fields)


def decode(cls: type[T], payload: JsonValue) -> T:
    """The dataclass `cls` from JSON values. Raises ValueError naming the field that does not fit."""
    try:
        return cast("T", _decoder(cast("Any", cls))(payload))
    except _MisfitError as misfit:
        raise ValueError(f"{cls.__name__}{misfit.path}: {misfit.problem}") from misfit.__cause__


class _MisfitError(Exception):
    """A value that does not fit; the path grows on the way out, so that fitting values pay nothing for it."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


_Decoder = Callable[[Any], object]


@functools.cache
def _decoder(hint: Any) -> _Decoder:
    """How a value of a type is decoded, worked out once per type: journals hold many values of few types."""
    if dataclasses.is_dataclass(hint):
        return _class_decoder(cast("type", hint))
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _decoder(next(arg for arg in args if arg is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _tuple_decoder(args)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return functools.partial(_enum, hint)
    return functools.partial(_scalar, hint)


def _enum(hint: type[Enum], value: Any) -> object:
    try:
        return hint(value)
    except ValueError as error:
        raise _MisfitError(str(error)) from error


def _scalar(hint: type, value: Any) -> object:
    found = type(value)
    if found is hint or (isinstance(value, hint) and found is not bool):
        return cast("object", value)
    if hint is float and found is int and abs(value) <= MOST:
        return float(value)
    raise _MisfitError(f"expected {hint.__name__}, got {found.__name__}")


def _tuple_decoder(args: tuple[Any, ...]) -> _Decoder:
    endless = len(args) == 2 and args[1] is Ellipsis
    decoders = tuple(_decoder(arg) for arg in args if arg is not Ellipsis)

    def decode_tuple(value: Any) -> object:
        if not isinstance(value, list):
            raise _MisfitError(f"expected a list, got {type(value).__name__}")
        if not endless and len(decoders) != len(value):
            raise _MisfitError(f"expected {len(decoders)} values, got {len(value)}")
        items = []
        for place, item in enumerate(value):
            try:
                items.append(decoders[0 if endless else place](item))
            except _MisfitError as misfit:
                misfit.path = f"[{place}]{misfit.path}"
                raise
        return tuple(items)

    return decode_tuple


def _class_decoder(cls: type) -> _Decoder:
    hints = typing.get_type_hints(cls)
    decoders: dict[str, _Decoder] = {}

    def decode_class(value: Any) -> object:
        if not decoders:
            # Filled on first use, so that a class may hold others of itself.
            decoders.update({field.name: _decoder(hints[field.name]) for field in dataclasses.fields(cls)})
        if not isinstance(value, dict):
            raise _MisfitError(f"expected an object, got {type(value).__name__}")
        fields = {}
        for key, item in value.items():
            decoder = decoders.get(key)
            if decoder is None:
                raise _MisfitError(f"unknown field {key!r}")
            try:
                fields[key] = decoder(item)
            except _MisfitError as misfit:
                misfit.path = f".{key}{misfit.path}"
                raise
        try:
            return cls(**fields)
        except TypeError as error:
            raise _MisfitError(str(error)) from error

    return decode_class


def canonical(value: JsonValue) -> bytes:
    """The one byte form of a JSON value. Raises ValueError for what it does not have: see above."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if _LONG.search(text) and (number := _beyond(value)) is not None:
        raise ValueError(f"a number of {len(str(abs(number)))} digits is too large")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{text[error.start]!r} is no character of UTF-8") from None


def _beyond(value: JsonValue) -> int | None:
    """The first whole number in a value that is further from zero than `MOST`."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := _beyond(item)) is not None), None)
    return value if isinstance(value, int) and abs(value) > MOST else None
