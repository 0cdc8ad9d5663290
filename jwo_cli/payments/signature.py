"""Signed webhooks: `t=<seconds>,v1=<hex>` over `<seconds>.<raw body>`, HMAC-SHA256, as Stripe signs (and as we do).

Checked over the bytes that arrived, before anything parses them; several `v1` may stand there while secrets change.
Source: https://docs.stripe.com/webhooks#verify-manually.
"""

from __future__ import annotations

import hashlib
import hmac

from .provider import SignatureError

TOLERANCE_S = 300


def sign(body: bytes, secret: bytes, at_s: int) -> str:
    """The header's value for a body sent at `at_s`."""
    return f"t={at_s},v1={_digest(body, secret, at_s)}"


def verify(body: bytes, header: str, secrets: tuple[bytes, ...], *, now_s: float) -> int:
    """When the body was signed, seconds. Raises SignatureError: no, forged or more than 300 s old (or ahead)."""
    stamps: list[str] = []
    signatures: list[bytes] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1":
            signatures.append(value.encode())
    if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdigit() or len(stamps[0]) > 12 or not signatures:
        raise SignatureError("the webhook carries no signature")
    at_s = int(stamps[0])
    expected = [_digest(body, secret, at_s).encode() for secret in secrets]
    # Compared all with all, so that the time tells nothing.
    matches = [hmac.compare_digest(given, wanted) for given in signatures for wanted in expected]
    if True not in matches:
        raise SignatureError("the webhook is not signed with our secret")
    if abs(now_s - at_s) > TOLERANCE_S:
        raise SignatureError(f"the webhook was signed {now_s - at_s:.0f} s ago; {TOLERANCE_S} s are allowed")
    return at_s


def _digest(body: bytes, secret: bytes, at_s: int) -> str:
    return hmac.new(secret, str(at_s).encode() + b"." + body, hashlib.sha256).hexdigest()
