"""A store's version is the hash of what it says, so that equal layouts are the same layout wherever they were read."""

from __future__ import annotations

import dataclasses
import hashlib

from jwo_cli.model.codec import canonical, encode
from jwo_cli.model.layout import Store

LENGTH = 16


def content_version(store: Store) -> str:
    """The first 16 hex digits of SHA-256 over the canonical JSON of everything but the version itself."""
    bare = encode(dataclasses.replace(store, version=""))
    return hashlib.sha256(canonical(bare)).hexdigest()[:LENGTH]


def with_version(store: Store) -> Store:
    """The same store, carrying the version of its content."""
    return dataclasses.replace(store, version=content_version(store))
