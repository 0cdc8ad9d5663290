"""A store's version is the hash of what it says, so that equal layouts are the same layout wherever they were read."""

from __future__ import annotations

import dataclasses
import hashlib

from jwo_cli.model.codec import JsonValue, canonical, decode, encode
from jwo_cli.model.layout import Store

LENGTH = 16


def content_version(store: Store) -> str:
    """The first 16 hex digits of SHA-256 over the canonical JSON of everything but the version itself.

    Numbers that compare equal count as equal: 0, 0.0 and -0.0 are one length.
    """
    bare = encode(dataclasses.replace(store, version=""))
    floats = encode(decode(Store, bare))
    return hashlib.sha256(canonical(_unsigned_zeros(floats))).hexdigest()[:LENGTH]


def with_version(store: Store) -> Store:
    """The same store, carrying the version of its content."""
    return dataclasses.replace(store, version=content_version(store))


def _unsigned_zeros(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, list):
        return [_unsigned_zeros(item) for item in value]
    if isinstance(value, dict):
        return {key: _unsigned_zeros(item) for key, item in value.items()}
    return value
