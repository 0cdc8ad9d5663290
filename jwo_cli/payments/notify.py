"""Telling somebody's server: a signed POST, its status, and nothing else. Redirects are not followed."""

from __future__ import annotations

import httpx

from .signature import sign

HEADER = "Jwo-Signature"


async def post(url: str, body: bytes, secret: bytes, *, delivery: str, at_s: int, timeout_s: float = 10.0) -> int:
    """POST JSON with `Jwo-Signature: t=…,v1=…` and `Jwo-Delivery`; the status, 0 where nobody answered."""
    headers = {"Content-Type": "application/json", HEADER: sign(body, secret, at_s), "Jwo-Delivery": delivery}
    try:
        async with httpx.AsyncClient(timeout=timeout_s, follow_redirects=False) as client:
            return (await client.post(url, content=body, headers=headers)).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return 0
