"""Closing time, and what opens by itself after it: nothing."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.hours import closing
from jwo_cli.model.findings import UserError
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from tests.drive.counter import Shop

ZONE = "Europe/Berlin"


def at(text: str) -> int:
    """A moment of the store's days, in ns."""
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * NS_PER_S)


@pytest.mark.parametrize(
    ("closes", "moment", "closed"),
    [
        ("22:00", "2026-11-20 21:59:59", False),
        ("22:00", "2026-11-20 22:00:00", True),
        ("22:00", "2026-11-21 00:30:00", True),
        ("22:00", "2026-11-21 08:00:00", False),
        ("01:00", "2026-11-20 00:59:59", False),
        ("01:00", "2026-11-20 01:00:00", True),
        ("01:00", "2026-11-20 12:00:00", False),
        ("0:30", "2026-11-20 20:00:00", False),
        ("02:30", "2026-03-29 03:00:00", True),  # the clocks go from 02:00 to 03:00
    ],
)
def test_a_store_is_shut_for_the_night_behind_its_closing_time(closes: str, moment: str, closed: bool) -> None:
    """Also where that is after midnight, or in an hour that does not exist."""
    assert closing(closes, ZONE)(at(moment)) is closed


@pytest.mark.parametrize("text", ["22:00+01:00", "22", "24:00", "22:60", "2200", "22:00:30", "ten", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """Before anything runs, with how to write it."""
    with pytest.raises(UserError, match="no time of day"):
        closing(text, ZONE)


def test_a_store_that_begins_after_closing_time_does_not_open_by_itself(tmp_path: Path) -> None:
    """Not at midnight, and not when the night is over: staff open it."""
    shop = Shop(tmp_path, rules=Rules(open_when_well=True, closes=closing("22:00", ZONE)))
    shop.run.note(ModeChanged(at_ns=shop.clock(), mode=Mode.DOWN, staff="test"))
    shop.run.caretaker._opening = True
    for moment in ("2026-11-20 22:30", "2026-11-20 23:59", "2026-11-21 00:01", "2026-11-21 08:00"):
        shop.run.caretaker.look(now_ns=at(moment), monotonic_s=time.monotonic())
        assert shop.run.live.mode is Mode.DOWN
        assert "it is past closing time" in shop.run.caretaker.kept_shut
    shop.clock.ns = at("2026-11-21 08:01")
    shop.ask(Mode.UP)
    assert (shop.run.live.mode, shop.run.caretaker.kept_shut) == (Mode.UP, ())
    shop.run.caretaker.look(now_ns=at("2026-11-21 22:00"), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.DOWN
    shop.end()
