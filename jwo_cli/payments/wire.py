"""The least HTTP/1.1 server that our own endpoints need: requests with a length, JSON back, connections kept alive.

It serves the fake provider and the listener for webhooks, both on loopback or behind a proxy that speaks TLS. It never
trusts a length: heads end after 16 KiB, bodies after 1 MiB, and a silent client is let go after 30 s.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

HEAD_BYTES, BODY_BYTES, PATIENCE_S = 16 << 10, 1 << 20, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it arrived; header names in lower case, `path` without the query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A reply. `drop` says to break the connection instead of sending it, `delay_s` to wait before."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False


def json_response(status: int, value: object) -> Response:
    """A reply with a JSON body."""
    return Response(status=status, body=json.dumps(value).encode())


Handler = Callable[[Request], Awaitable[Response]]


class _BadRequestError(Exception):
    """What arrived is no request that we take; the text is the status line's reason."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Server:
    """One listening socket and its handler. Use as an async context manager; `port` 0 takes a free one."""

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=HEAD_BYTES)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, and let go of everybody who is connected."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it listens, `http://host:port`."""
        if self._server is None:
            raise RuntimeError("the server does not listen yet")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except asyncio.CancelledError:
            return
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; False when the connection ends."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                request = await _read(reader)
        except _BadRequestError as bad:
            writer.write(_bytes(Response(status=bad.status, body=b"{}"), close=True))
            await writer.drain()
            return False
        if request is None:
            return False
        response = await self._handler(request)
        if response.delay_s:
            await asyncio.sleep(response.delay_s)
        if response.drop:
            return False
        close = request.headers.get("connection", "").lower() == "close"
        writer.write(_bytes(response, close=close))
        await writer.drain()
        return not close


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            raise
        return None
    except asyncio.LimitOverrunError:
        raise _BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    length = headers.get("content-length", "0")
    countable = length.isascii() and length.isdigit() and len(length) < 19
    if len(parts) != 3 or not countable or "transfer-encoding" in headers:
        raise _BadRequestError(HTTPStatus.BAD_REQUEST)
    if int(length) > BODY_BYTES:
        raise _BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    path, _, query = parts[1].partition("?")
    body = await reader.readexactly(int(length))
    return Request(method=parts[0], path=path, query=query, headers=headers, body=body)


def _bytes(response: Response, *, close: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {int(response.status)} {HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.kind}",
        f"Content-Length: {len(response.body)}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        f"Connection: {'close' if close else 'keep-alive'}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body
