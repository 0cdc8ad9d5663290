"""What a hash covers: the canonical content of an entry after the hash of the entry before it.

`recorded_ns` is outside, so that replays agree. This is the one place that decides what enters the chain: a personal
field, once there is one, is given to `content` as a commitment (a salted hash whose salt can be erased), never as
plain text or ciphertext. Account references are opaque already.
"""

from __future__ import annotations

import hashlib
import json

from jwo_cli.model.codec import canonical
from jwo_cli.model.entry import NewEntry


def genesis(store_id: str) -> str:
    """The `prev_hash` of the first entry: it binds the chain to the store that the journal was made for."""
    return hashlib.sha256(canonical({"journal": "jwo", "store_id": store_id})).hexdigest()


def content(seq: int, entry: NewEntry, payload: str) -> bytes:
    """The canonical JSON of an entry's content; `payload` is its payload in canonical JSON already.

    Equal to `canonical` of the whole object (keys stand in sorted order), without serialising the payload twice.
    """
    return (
        f'{{"at_ns":{entry.at_ns},"caused_by":{causes_text(entry.caused_by)},"key":{_text(entry.key)},'
        f'"kind":{_text(entry.kind)},"layout_version":{_text(entry.layout_version)},"payload":{payload},"seq":{seq},'
        f'"source":{_text(entry.source)},"store_id":{_text(entry.store_id)},"version":{entry.version}}}'
    ).encode()


def link(prev_hash: str, body: bytes) -> str:
    """SHA-256 over the previous hash (32 bytes) and the content, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(prev_hash) + body).hexdigest()


def causes_text(causes: tuple[int, ...]) -> str:
    """Causes as a JSON list without spaces."""
    return f"[{','.join(map(str, causes))}]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
