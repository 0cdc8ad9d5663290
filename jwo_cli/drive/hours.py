"""Closing time: a time of day in the store's zone, from which on nobody is let in; staff open the store again.

Opening hours have no other end: a store that closes at 22:00 or at 01:00 is shut for the night behind that moment, and
one that begins by then does not open by itself, neither at once nor when the night is over.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from jwo_cli.model.findings import UserError
from jwo_cli.model.units import NS_PER_S

NIGHT_MIN = 6 * 60
_DAY_MIN = 24 * 60


def closing(text: str, timezone: str) -> Callable[[int], bool]:
    """Whether a moment (ns) is in the six hours after a closing time (HH:MM, the store's zone). Raises UserError."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise UserError(f"{text!r} is no time of day", fix="Write it as 22:00, in the store's own zone.")
    at_min, zone = int(found[1]) * 60 + int(found[2]), ZoneInfo(timezone)

    def closed(now_ns: int) -> bool:
        now = dt.datetime.fromtimestamp(now_ns / NS_PER_S, zone)
        return (now.hour * 60 + now.minute - at_min) % _DAY_MIN < NIGHT_MIN

    return closed
