"""The high-water mark: how far a journal was, signed and kept outside of it.

A hash chain cannot tell that its end was cut off, or that all of it was written anew. A mark can: seq and hash at some
moment, with an HMAC under a key that does not live in the directory. The key comes by reference, `env:NAME` or
`file:PATH`, never as a value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.journal import database, projection
from jwo_cli.model.codec import canonical, decode, encode
from jwo_cli.model.findings import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A journal of `store_id` had `hash` as its entry `seq`."""

    store_id: str
    seq: int
    hash: str


def resolve_key(reference: str) -> bytes:
    """The bytes behind `env:NAME` or `file:PATH` (stripped). Raises UserError, which never shows a value."""
    scheme, _, name = reference.partition(":")
    fix = "Name the key as env:NAME or file:PATH."
    if scheme == "env":
        value = os.environ.get(name, "").strip().encode()
    elif scheme == "file":
        try:
            value = Path(name).read_bytes().strip()
        except OSError as error:
            raise UserError(f"the key file {name} cannot be read ({error.strerror})", fix=fix) from error
    else:
        raise UserError("the key must be a reference, not the key itself", fix=fix)
    if len(value) < 16:
        raise UserError(f"the key {reference} is missing or shorter than 16 bytes", fix=fix)
    return value


def write_mark(directory: Path, path: Path, *, key: str) -> Mark:
    """Write the journal's present head to `path`, signed; atomic.

    Raises UserError where `path` is inside of the journal, or where the mark there is not in this journal any more
    (a mark never goes back).
    """
    directory, path = Path(directory), Path(path)
    if path.resolve().is_relative_to(directory.resolve()):
        raise UserError(
            f"the mark {path} would be inside of the journal, where whoever changes the one can change the other",
            fix="Name a place outside of the journal's directory.",
        )
    secret = resolve_key(key)
    intake = database.open_reader(directory)
    try:
        with database.failures(directory):
            seq, digest = projection.head_of(intake)
            mark = Mark(store_id=database.read_store_id(intake), seq=seq, hash=digest)
            if path.exists():
                before = read_mark(path, key=key)
                if before.store_id != mark.store_id or projection.hash_at(intake, before.seq) != before.hash:
                    raise UserError(
                        f"the mark {path} (entry {before.seq} of store {before.store_id}) is not in this journal",
                        fix="Run `jwo audit verify` with this mark before you trust the journal; keep the mark.",
                        exit_code=1,
                    )
    finally:
        intake.close()
    aside = path.with_name(path.name + ".writing")
    document = {"mark": encode(mark), "hmac": _sign(mark, secret)}
    with aside.open("wb") as file:
        file.write(json.dumps(document, indent=2).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    database.sync_directory(path.parent)
    return mark


def read_mark(path: Path, *, key: str) -> Mark:
    """The mark at `path`. Raises UserError: missing, not a mark, or not signed with this key."""
    secret = resolve_key(key)
    try:
        document = json.loads(Path(path).read_bytes())
        mark, signature = decode(Mark, document["mark"]), str(document["hmac"])
    except OSError as error:
        raise UserError(
            f"the mark {path} cannot be read ({error.strerror})", fix="Check --mark, or write a mark first."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a mark", fix="Name a file that `jwo` wrote as a mark.") from error
    if not hmac.compare_digest(signature, _sign(mark, secret)):
        raise UserError(
            f"the mark {path} is not signed with this key",
            fix="Check --key; if it is right, the mark was changed.",
            exit_code=1,
        )
    return mark


def _sign(mark: Mark, secret: bytes) -> str:
    return hmac.new(secret, b"jwo-mark-1\n" + canonical(encode(mark)), hashlib.sha256).hexdigest()
