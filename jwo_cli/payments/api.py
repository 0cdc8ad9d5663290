"""One HTTP API that speaks forms in and JSON out, with a secret key and idempotency keys; the owner of the connection.

Nothing here knows what a payment is. What can be uncertain is uncertain: a timeout, a broken connection, a 5xx, a 429
and a 409 (the same key is being worked on) all become `UnavailableError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .provider import RefusedError, UnavailableError

Form = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    """A status below 500 that is certain, and the JSON object that came with it."""

    status: int
    body: dict[str, Any]

    @property
    def fine(self) -> bool:
        """Whether it was done."""
        return self.status < 300


class Api:
    """A connection pool to one API. `timeout_s` is for each of connecting, sending and receiving."""

    def __init__(self, base_url: str, secret: str, *, headers: Mapping[str, str], timeout_s: float = 20.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {**headers, "Authorization": f"Bearer {secret}"}
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Api({self._base_url!r})"

    async def post(self, path: str, form: Form, *, key: str = "") -> Reply:
        """POST a form under an idempotency key; safe to repeat with the same."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._send("POST", path, data=encode_form(form), headers=headers)

    async def get(self, path: str, query: Form | None = None) -> Reply:
        """GET, with a query."""
        return await self._send("GET", path, params=encode_form(query or {}))

    async def delete(self, path: str) -> Reply:
        """DELETE; safe to repeat."""
        return await self._send("DELETE", path)

    async def aclose(self) -> None:
        """Close the pool; the next call opens another."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _send(self, method: str, path: str, **content: Any) -> Reply:
        try:
            if self._client is None:
                limits = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30.0)
                self._client = httpx.AsyncClient(timeout=self._timeout_s, limits=limits, headers=self._headers)
            response = await self._client.request(method, self._base_url + path, **content)
        except httpx.HTTPError as error:
            raise UnavailableError(f"{self._base_url} {_silence(error)}") from error
        status = response.status_code
        if status >= 500 or status in (409, 429):
            kept = response.headers.get("idempotent-replayed") == "true"
            stuck = status >= 500 and (kept or response.headers.get("stripe-should-retry") == "false")
            raise UnavailableError(f"{method} {path}: HTTP {status}", stuck=stuck)
        if status in (401, 403):
            raise RefusedError(f"{method} {path}: HTTP {status}, the provider does not accept the key")
        try:
            body = response.json()
        except ValueError as error:
            raise UnavailableError(f"{method} {path}: HTTP {status} without JSON") from error
        if not isinstance(body, dict):
            raise UnavailableError(f"{method} {path}: HTTP {status} without a JSON object")
        return Reply(status, body)


def _silence(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "cannot be reached"
    return "did not answer in time" if isinstance(error, httpx.TimeoutException) else "broke the connection"


def encode_form(form: Form) -> dict[str, str]:
    """`{"metadata": {"a": 1}, "confirm": True, "x": None}` -> `{"metadata[a]": "1", "confirm": "true"}`, flat."""
    flat: dict[str, str] = {}

    def put(name: str, value: object) -> None:
        if isinstance(value, Mapping):
            for inner, item in value.items():
                put(f"{name}[{inner}]", item)
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                put(f"{name}[{place}]", item)
        elif isinstance(value, bool):
            flat[name] = "true" if value else "false"
        elif value is not None:
            flat[name] = str(value)

    for name, value in form.items():
        put(name, value)
    return flat
