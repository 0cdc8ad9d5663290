"""A bad network between a store and its provider: requests that vanish, wait, arrive late or lose their answers.

The worst is `late`: the client gave up and asked again, and the first request still arrives after that.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Self

import httpx

from jwo_cli.payments.wire import Request, Response, Server


class NetworkFault(StrEnum):
    """What happens to an exchange on its way."""

    DROP = "drop"  # the connection breaks, nothing arrived
    CUT = "cut"  # it arrived, and the connection breaks before the answer
    DELAY = "delay"  # it arrived, and the answer takes longer than anybody waits
    LATE = "late"  # nobody waits any more when it arrives
    ERROR_BEFORE = "error_before"  # a gateway says 502, nothing arrived
    ERROR_AFTER = "error_after"  # it arrived, and a gateway says 502


class FaultProxy:
    """Forwards to `upstream`; `rates` is the share of exchanges that each fault hits. An async context manager."""

    def __init__(
        self, upstream: str, rates: Mapping[NetworkFault, float], *, seed: int = 0, delay_s: float = 0.5
    ) -> None:
        self.hits: Counter[str] = Counter()
        self._upstream = upstream
        self._rates = dict(rates)
        self._random = random.Random(seed)  # noqa: S311 - a script of faults, not a secret
        self._delay_s = delay_s
        self._server = Server(self._handle)
        self._client = httpx.AsyncClient(timeout=30.0, limits=httpx.Limits(max_connections=None))
        self._late: set[asyncio.Task[Response]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the last requests arrive, and stop."""
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._server.__aexit__(kind, value, trace)
        await self._client.aclose()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    async def _handle(self, request: Request) -> Response:
        fault = self._draw()
        self.hits[fault.value if fault else "fine"] += 1
        match fault:
            case None:
                return await self._forward(request)
            case NetworkFault.DROP:
                return Response(status=500, drop=True)
            case NetworkFault.ERROR_BEFORE:
                return Response(status=502, body=b"bad gateway", kind="text/plain")
            case NetworkFault.LATE:
                task = asyncio.create_task(self._forward_late(request))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                return Response(status=500, drop=True, delay_s=self._delay_s)
            case NetworkFault.CUT:
                await self._forward(request)
                return Response(status=500, drop=True)
            case NetworkFault.ERROR_AFTER:
                await self._forward(request)
                return Response(status=502, body=b"bad gateway", kind="text/plain")
            case NetworkFault.DELAY:
                answer = await self._forward(request)
                return Response(status=answer.status, body=answer.body, delay_s=self._delay_s)

    def _draw(self) -> NetworkFault | None:
        draw = self._random.random()
        for fault, share in self._rates.items():
            if draw < share:
                return fault
            draw -= share
        return None

    async def _forward_late(self, request: Request) -> Response:
        await asyncio.sleep(self._delay_s)
        return await self._forward(request)

    async def _forward(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        url = f"{self._upstream}{request.path}{'?' + request.query if request.query else ''}"
        try:
            answer = await self._client.request(request.method, url, content=request.body, headers=headers)
        except httpx.HTTPError:
            return Response(status=502, drop=True)
        kept = {name: answer.headers[name] for name in ("idempotent-replayed",) if name in answer.headers}
        return Response(status=answer.status_code, body=answer.content, headers=kept)
