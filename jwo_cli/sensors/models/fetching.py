"""Bytes from an address into a file: what was cut off goes on, and nothing is believed before its checksum.

A download grows in a `.part` file beside its goal. After a broken connection, or when the command is called again, it
asks for the rest (`Range`); a server that does not know ranges sends all of it again. A `.part` whose checksum turns
out wrong after a resumption is thrown away and fetched once more from its beginning.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from typing import IO

from jwo_cli import __version__
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.registry import safe

PIECE = 1 << 18
WAIT_S = 30.0
TRIES = 4  # broken connections in a row without a single new byte
MOST = 2 << 30  # no model of ours is larger than 2 GiB
Told = Callable[[int, int], None]  # bytes so far, bytes in all (0 unknown)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never to an address that somebody on the way could answer for."""

    def redirect_request(  # six parameters are the library's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The next request. Raises UserError where it would not be safe."""
        if not safe(newurl):
            raise UserError(f"it leads to {newurl}, which is not https", fix="Tell the model's publisher.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(address: str, goal: Path, *, sha256: str = "", most: int = MOST, told: Told = lambda *_: None) -> None:
    """The file at `address` as `goal`, whole. Raises UserError (exit code 3) where it cannot be had, or is another."""
    if not safe(address):
        raise UserError(f"{address} is not https", fix="Weights come over https only.")
    part = goal.with_name(f"{goal.name}.part")
    with _alone(part):
        resumed = part.stat().st_size > 0
        _fill(address, part, most, told)
        if sha256 and _digest(part) != sha256 and resumed:
            os.truncate(part, 0)
            _fill(address, part, most, told)
        digest = _digest(part)
        if sha256 and digest != sha256:
            part.unlink()
            problem = f"it gave a file with SHA-256 {digest[:16]}…, not {sha256[:16]}…"
            raise UserError(problem, fix="It was thrown away. Try another source, or tell the publisher.", exit_code=1)
        part.replace(goal)


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """The `.part` file, there, and no other process writing it."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{part.name} is being fetched by another `jwo`", fix="Wait for it, then ask again."
            ) from None
        yield


def _fill(address: str, part: Path, most: int, told: Told) -> None:
    """All bytes of the address in `part`, going on where it stops as long as each try brings something."""
    tries, before = 0, -1
    while True:
        have = part.stat().st_size
        tries = 0 if have > before else tries + 1
        before = max(before, have)
        try:
            if _once(address, part, have, most, told):
                return
            problem = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise UserError(f"it answers {error.code} {error.reason}", fix=_ELSEWHERE, exit_code=3) from None
            problem = f"{error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        if tries >= TRIES:
            raise UserError(f"it cannot be fetched: {problem}", fix=_ELSEWHERE, exit_code=3)


_ELSEWHERE = (
    "Ask again (it goes on where it stopped), or get the file by other means: `jwo models pull NAME --from FILE`."
)


def _once(address: str, part: Path, have: int, most: int, told: Told) -> bool:
    """One request for what is missing; whether all of it is there now."""
    headers = {"User-Agent": f"jwo/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - `safe` let it pass
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(request, timeout=WAIT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        size = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        if size == str(have):
            return True
        os.truncate(part, 0)  # what is here is no beginning of what is there
        return False
    with answer, part.open("r+b") as file:
        begin = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT and _from(answer) == have else 0
        length = answer.headers.get("Content-Length") or ""
        total = begin + int(length) if length.isdigit() else 0
        file.seek(begin)
        file.truncate()
        so_far = _copy(answer, file, begin, max(total, begin), most, told)
        file.flush()
        os.fsync(file.fileno())
    return so_far == total if total else True


def _from(answer: http.client.HTTPResponse) -> int:
    span = (answer.headers.get("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
    return int(span) if span.isdigit() else -1


def _copy(answer: IO[bytes], file: IO[bytes], begin: int, total: int, most: int, told: Told) -> int:
    so_far = begin
    if total > most:
        raise UserError(f"the file has {total} bytes, more than a model may have", fix="Check its address.")
    if total - begin > shutil.disk_usage(Path(file.name).parent).free:
        raise UserError("the disk has no room for it", fix="Free some space, or set JWO_MODELS.", exit_code=3)
    try:
        while piece := answer.read(PIECE):
            file.write(piece)
            so_far += len(piece)
            if so_far > most:
                raise UserError(f"more than {most} bytes came", fix="Check the model's address.")
            told(so_far, total)
    except (http.client.HTTPException, TimeoutError, ConnectionError):
        return so_far  # what came is kept; the caller asks for the rest
    return so_far


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
