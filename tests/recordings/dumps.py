"""mongodump archives made by hand, as its specification says (mongo-tools, common/archive/spec.md)."""

from __future__ import annotations

import struct

import bson

from jwo_cli.recordings.crc64 import crc64
from tests.recordings.cases import Files

END = b"\xff\xff\xff\xff"


def namespace(database: str, collection: str, *, crc: int | None = None) -> bytes:
    """A namespace header; the closing one carries the checksum."""
    signed = struct.unpack("<q", struct.pack("<Q", crc or 0))[0]
    header = {"db": database, "collection": collection, "EOF": crc is not None, "CRC": bson.Int64(signed)}
    return bytes(bson.encode(header))


def archive(databases: dict[str, Files], *, piece: int = 2, close: bool = True) -> bytes:
    """An archive as mongodump writes it, the collections of all databases interleaved in segments of `piece`."""
    prelude = {"concurrent_collections": 4, "version": "0.1", "server_version": "4.2.5", "tool_version": "r4.2.5"}
    out = [b"\x6d\xe2\x99\x81", bson.encode(prelude)]
    streams = {
        (database, name): [bytes(bson.encode(document)) for document in documents]
        for database, files in databases.items()
        for name, documents in files.items()
    }
    for database, name in streams:
        out.append(bson.encode({"db": database, "collection": name, "metadata": '{"indexes":[]}', "size": 0}))
    out.append(END)
    for start in range(0, max(map(len, streams.values())), piece):
        for (database, name), documents in streams.items():
            if documents[start : start + piece]:
                out += [namespace(database, name), *documents[start : start + piece], END]
    if close:
        for (database, name), documents in streams.items():
            out += [namespace(database, name, crc=crc64(b"".join(documents))), END]
    return b"".join(out)
