"""Camera addresses hold passwords: nothing that leaves this room may show one.

FFmpeg's messages repeat the address, so every text about a camera goes through `redact` before it becomes an error, a
log line or JSON. Rather too much is hidden than too little: everything up to the last @ counts as the password.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"

# scheme://user:password@host; a password may itself hold @, : and /. One slash where somebody took it for a path.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*:/{1,2})(?P<user>[^\s:@/'\"<>]*)(?P<rest>[^\s'\"<>]*)@")
# …?user=admin&password=secret, as many cameras take it in the path too.
_NAMED = re.compile(
    r"(?P<name>(?:^|(?<=[?&;/_\s]))(?:pass(?:word|wd|phrase)?|pwd|token|secret|auth|api_?key|access_?key|sig(?:nature)?)=)"
    r"[^&\s'\"<>]*",
    re.IGNORECASE,
)
_SHORTEST = 3  # shorter secrets are not looked for by themselves: they would tear words apart


def redact(text: str, *addresses: str) -> str:
    """The text without passwords: those of any URL in it, and those of `addresses` wherever they stand."""
    for secret in _secrets(addresses):
        text = text.replace(secret, HIDDEN)
    text = _USERINFO.sub(_without_password, text)
    return _NAMED.sub(lambda found: found["name"] + HIDDEN, text)


def _without_password(found: re.Match[str]) -> str:
    return found["scheme"] + found["user"] + (f":{HIDDEN}" if found["rest"] else "") + "@"


def _secrets(addresses: tuple[str, ...]) -> list[str]:
    """Passwords of addresses as written and as they read without percent signs, longest first."""
    found: dict[str, None] = {}
    for address in addresses:
        for match in _USERINFO.finditer(address):
            found[match["rest"].removeprefix(":")] = None
        for named in _NAMED.finditer(address):
            found[named[0].partition("=")[2]] = None
    spelled = {spelling: None for secret in found for spelling in (secret, unquote(secret))}
    return sorted((secret for secret in spelled if len(secret) >= _SHORTEST), key=lambda secret: (-len(secret), secret))
