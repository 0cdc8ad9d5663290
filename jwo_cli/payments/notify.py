"""Telling somebody's server: signed POSTs over one connection pool, and their status. Redirects are not followed."""

from __future__ import annotations

import httpx

from .signature import sign

HEADER = "Jwo-Signature"


class Notifier:
    """One address. Each POST is JSON with `Jwo-Signature: t=…,v1=…` and `Jwo-Delivery`."""

    def __init__(self, url: str, secret: bytes, *, timeout_s: float = 10.0) -> None:
        self._url, self._secret, self._timeout_s = url, secret, timeout_s
        self._client: httpx.AsyncClient | None = None

    async def post(self, body: bytes, *, delivery: str, at_s: int) -> int:
        """The status; 0 where nobody answered."""
        headers = {"Content-Type": "application/json", HEADER: sign(body, self._secret, at_s), "Jwo-Delivery": delivery}
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False)
        try:
            return (await self._client.post(self._url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0

    async def aclose(self) -> None:
        """Let go of connections; the next POST opens others."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
