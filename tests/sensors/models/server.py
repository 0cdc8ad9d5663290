"""A small HTTP server on this machine that serves files, in good and in bad moods."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Place:
    """What is served: path -> content, path -> another address; `ranges` whether it knows them.

    `breaks` cuts so many answers off after `after` bytes; `log` keeps (path, Range header).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    breaks: int = 0
    after: int = 1000
    address: str = ""
    log: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Place]:
    """The server, until the block ends."""
    place = Place()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            place.log.append((self.path, self.headers.get("Range", "")))
            if self.path in place.moved:
                self.send_response(302)
                self.send_header("Location", place.moved[self.path])
                self.end_headers()
                return
            content = place.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self._answer(content)

        def _answer(self, content: bytes) -> None:
            begin = int(self.headers["Range"][6:].rstrip("-")) if self.headers.get("Range") and place.ranges else 0
            if begin and begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - begin))
            self.send_header("Content-Type", place.kinds.get(self.path, "application/octet-stream"))
            self.end_headers()
            rest = content[begin:]
            if place.breaks:
                place.breaks -= 1
                rest = rest[: place.after]
            self.wfile.write(rest)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
