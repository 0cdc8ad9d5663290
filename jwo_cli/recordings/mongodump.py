"""mongodump's two forms, an archive and a folder of .bson files, plain or gzip-compressed, read without a database.

An archive is the magic number, a header, one document of metadata for each collection, a terminator, and then
segments: a namespace header {db, collection, EOF, CRC}, documents, a terminator. Segments of different collections
interleave; the header with EOF true closes a collection and carries its CRC-64. (mongo-tools, common/archive/spec.md.)
Collections nobody wants (camera frames: most of a dump) are passed over unread.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from .crc64 import crc64
from .documents import Document
from .problems import MalformedError, Problems

MAGIC = b"\x6d\xe2\x99\x81"
TERMINATOR = b"\xff\xff\xff\xff"
_GZIP = b"\x1f\x8b"
_SMALLEST, _LARGEST = 5, 16 * 1024 * 1024 + 16 * 1024  # MongoDB's limit, and its own slack
_OPTIONS: CodecOptions[Document] = CodecOptions(document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS)
_CUT = "The dump is cut off; make or copy it again."
_DAMAGED = "The dump is damaged; make or copy it again."


@dataclass(slots=True)
class Collection:
    """One collection of a dump: its raw documents in order, and whether its end was seen."""

    file: str
    documents: list[bytes] = field(default_factory=list)
    closed: bool = False

    def decoded(self, problems: Problems) -> Iterator[tuple[int, Document]]:
        """Documents with their numbers from 1; those that are no BSON become findings."""
        for number, raw in enumerate(self.documents, start=1):
            try:
                yield number, bson.decode(raw, _OPTIONS)
            except (BSONError, ValueError, RecursionError) as error:
                problems.error(self.file, f"document {number} is no BSON ({error})", _DAMAGED, line=number)


Database = dict[str, Collection]


def is_archive(path: Path) -> bool:
    """Whether a file begins as an archive does, after decompression if need be."""
    try:
        with opened(path) as stream:
            return stream.read(4) == MAGIC
    except (OSError, EOFError, zlib.error):
        return False


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file for reading, decompressed where it begins as gzip does (mongodump --gzip names archives as one likes)."""
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
        plain.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=plain) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield plain


def read_archive(path: Path, wanted: tuple[str, ...], problems: Problems) -> dict[str, Database]:
    """Databases of an archive by name, with the wanted collections. What breaks off or does not check is a finding."""
    databases: dict[str, Database] = {}
    try:
        with opened(path) as stream:
            _read_prelude(stream)
            while (header := _read_header(stream)) is not None:
                _read_segment(stream, header, path, wanted, databases)
    except EOFError:
        problems.error(str(path), "truncated: it ends in the middle of a document", _CUT)
    except (OSError, zlib.error) as error:
        problems.error(str(path), f"cannot be read: {error}", _DAMAGED)
    except MalformedError as reason:
        problems.malformed(str(path), None, reason)
    else:
        for database in databases.values():
            for collection in database.values():
                if not collection.closed:
                    problems.error(collection.file, "truncated: the end of this collection is missing", _CUT)
    return databases


def read_bson_file(path: Path, problems: Problems) -> Collection:
    """A .bson or .bson.gz file of a dump folder: documents one after the other."""
    collection = Collection(file=str(path))
    try:
        with opened(path) as stream:
            while (raw := _read_document(stream)) is not None:
                collection.documents.append(raw)
    except EOFError:
        number = len(collection.documents) + 1
        problems.error(str(path), "truncated: it ends in the middle of a document", _CUT, line=number)
    except (OSError, zlib.error) as error:
        problems.error(str(path), f"cannot be read: {error}", _DAMAGED)
    except MalformedError as reason:
        problems.malformed(str(path), len(collection.documents) + 1, reason)
    return collection


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    database: str
    collection: str
    ends: bool
    crc: int


def _read_prelude(stream: IO[bytes]) -> None:
    if stream.read(4) != MAGIC:
        raise MalformedError(
            None, "not a mongodump archive (another magic number)", "Make one with mongodump --archive."
        )
    header = _read_document(stream)
    version = None if header is None else _fields(header).get("version")
    if version != "0.1":
        raise MalformedError("version", f"archive format {version!r}, known is '0.1'", "Make the dump with mongodump.")
    while _read_document(stream) is not None:  # metadata of the collections: options and indexes
        pass


def _read_header(stream: IO[bytes]) -> _Header | None:
    """The next namespace header; None at the archive's end."""
    raw = _read_document(stream)
    if raw is None:
        return None
    fields = _fields(raw)
    database, collection, ends, crc = (fields.get(name) for name in ("db", "collection", "EOF", "CRC"))
    if not (
        isinstance(database, str) and isinstance(collection, str) and isinstance(ends, bool) and isinstance(crc, int)
    ):
        raise MalformedError(None, "a namespace header lacks db, collection, EOF or CRC", _DAMAGED)
    return _Header(database=database, collection=collection, ends=ends, crc=crc)


def _read_segment(
    stream: IO[bytes], header: _Header, path: Path, wanted: tuple[str, ...], databases: dict[str, Database]
) -> None:
    name = f"{header.database}.{header.collection}"
    if header.collection not in wanted:
        while _read_document(stream, keep=False) is not None:
            pass
        return
    database = databases.setdefault(header.database, {})
    collection = database.setdefault(header.collection, Collection(file=f"{path}:{name}"))
    if collection.closed:
        raise MalformedError(None, f"{name} goes on after its end", _DAMAGED)
    while (raw := _read_document(stream)) is not None:
        collection.documents.append(raw)
    if header.ends:
        if crc64(b"".join(collection.documents)) != header.crc & 0xFFFF_FFFF_FFFF_FFFF:
            raise MalformedError(None, f"{name} does not have the checksum that it was dumped with", _DAMAGED)
        collection.closed = True


def _read_document(stream: IO[bytes], *, keep: bool = True) -> bytes | None:
    """The next raw document; None at a terminator or at the end of the file. Raises EOFError in a document's middle."""
    head = stream.read(4)
    if head == TERMINATOR or not head:
        return None
    if len(head) < 4:
        raise EOFError
    size: int = struct.unpack("<i", head)[0]
    if not _SMALLEST <= size <= _LARGEST:
        raise MalformedError(None, f"{size} is no size of a document", _DAMAGED)
    body = stream.read(size - 4)
    if len(body) < size - 4:
        raise EOFError
    return head + body if keep else b""


def _fields(raw: bytes) -> Document:
    try:
        return bson.decode(raw, _OPTIONS)
    except (BSONError, ValueError) as error:
        raise MalformedError(None, f"a header is no BSON ({error})", _DAMAGED) from None
