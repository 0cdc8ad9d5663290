"""The little server: what is no request, is too big or never ends does not reach its handler."""

from __future__ import annotations

import asyncio

import pytest

from jwo_cli.payments import wire
from jwo_cli.payments.wire import Request, Response, Server, json_response


def exchange(*sent: bytes) -> list[bytes]:
    """What comes back for bytes sent to a server that echoes path and body, connection by connection."""

    async def handle(request: Request) -> Response:
        return json_response(200, {"path": request.path, "query": request.query, "body": request.body.decode()})

    async def whole() -> list[bytes]:
        answers = []
        async with Server(handle) as server:
            host, port = server.url.removeprefix("http://").split(":")
            for data in sent:
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(data)
                writer.write_eof()
                answers.append(await reader.read())
                writer.close()
        return answers

    return asyncio.run(whole())


def test_requests_on_one_connection_are_answered_in_order() -> None:
    """Two posts in one go: two answers."""
    one = b"POST /a?x=1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
    two = b"GET /b HTTP/1.1\r\nConnection: close\r\n\r\n"
    (answer,) = exchange(one + two)
    assert answer.count(b"200 OK") == 2
    assert b'{"path": "/a", "query": "x=1", "body": "hi"}' in answer
    assert answer.index(b'"/a"') < answer.index(b'"/b"')


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (wire.HEAD_BYTES + 9) + b"\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: bytes) -> None:
    """Each with its status; the connection ends."""
    assert exchange(data)[0].split(b" ")[1] == status


def test_a_cut_request_is_dropped() -> None:
    """Half a head and half a body get no answer, and harm nobody after them."""
    cut = [b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhi"]
    assert exchange(*cut, b"GET /fine HTTP/1.1\r\n\r\n")[:2] == [b"", b""]
    assert b"/fine" in exchange(*cut, b"GET /fine HTTP/1.1\r\n\r\n")[2]
