"""Frozen dataclasses to plain JSON values and back, and the canonical bytes that hashes are taken over.

`kind` is the class name in snake case. Decoding follows the type hints, so a payload that does not fit its class is
refused with the field's name. Canonical JSON: sorted keys, no spaces, UTF-8, no NaN.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, cast

from . import decisions, observations

T = TypeVar("T")
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def kind_of(cls: type) -> str:
    """`WeightChanged` -> 'weight_changed'."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def _members(union: object) -> dict[str, type]:
    return {kind_of(member): member for member in typing.get_args(union)}


OBSERVATIONS: dict[str, type] = _members(observations.Observation)
DECISIONS: dict[str, type] = _members(decisions.Decision)


def encode(value: object) -> JsonValue:
    """A frozen dataclass (or tuple, enum, scalar) as JSON values; fields at their default are kept, so payloads are whole."""
    if isinstance(value, Enum):
        return cast(JsonValue, value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _field_names(type(value))}
    raise TypeError(f"{type(value).__name__} has no JSON form")


@functools.cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def decode(cls: type[T], payload: JsonValue) -> T:
    """The dataclass `cls` from JSON values. Raises ValueError naming the field that does not fit."""
    return cast(T, _decode(cls, payload, cls.__name__))


def _decode(hint: Any, value: Any, where: str) -> object:
    if dataclasses.is_dataclass(hint):
        return _decode_class(cast(type, hint), value, where)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _decode(next(arg for arg in args if arg is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where}: expected a list, got {type(value).__name__}")
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_decode(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
        if len(args) != len(value):
            raise ValueError(f"{where}: expected {len(args)} values, got {len(value)}")
        return tuple(_decode(arg, item, where) for arg, item in zip(args, value, strict=True))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{where}: expected {hint.__name__}, got {type(value).__name__}")
    return cast(object, value)


def _decode_class(cls: type, value: Any, where: str) -> object:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object, got {type(value).__name__}")
    hints = _hints(cls)
    unknown = [key for key in value if key not in hints]
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}")
    try:
        return cls(**{key: _decode(hints[key], item, f"{where}.{key}") for key, item in value.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def canonical(value: JsonValue) -> bytes:
    """The one byte form of a JSON value. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
