"""The live picture: what stands in it after a visit."""

from __future__ import annotations

import io
import sys

import pytest

from jwo_cli.drive.replay import replay
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.estimate.signals import Signal
from jwo_cli.model.decisions import CartChanged, CartLine, VisitEnded
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import Observation, Ticked
from jwo_cli.model.staffing import VisitJoined
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Caused, Step
from tests.drive import scene


class Screen(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class StopAt(Exception):  # noqa: N818
    """The moment at which the test looks."""


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal of 120 by 40; pytest puts its own stderr back before each test, so a fixture would come too early."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "120"), ("LINES", "40")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return screen


def _until(watch: FloorWatch, seconds: float) -> None:
    class Until:
        def signal(self, signal: Signal) -> None:
            watch.signal(signal)

        def step(self, entry: Entry, observation: Observation, step: Step) -> None:
            watch.step(entry, observation, step)
            if entry.at_ns >= scene.START_NS + seconds * NS_PER_S:
                raise StopAt

    watch.start()
    try:
        replay(scene.recording(), watcher=Until())
    except StopAt:
        pass
    finally:
        watch.stop()


def test_the_picture_shows_floor_cart_and_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the bottle was taken: the shopper's letter, the cart with its probability, the weight."""
    screen = _terminal(monkeypatch)
    _until(FloorWatch(scene.store(), name="corner"), scene.TAKEN_S)
    text = screen.getvalue()
    last = text[text.rfind("corner") :]
    assert "1 × Spring water" in last
    assert "a.s1: -520 g" in last
    assert "100%" in last


def test_the_terminal_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor is shown again, whatever happened."""
    screen = _terminal(monkeypatch)
    _until(FloorWatch(scene.store(), name="corner"), 0.0)
    text = screen.getvalue()
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")


def test_the_carts_are_those_of_open_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit that ended, and one that went up in another, are shown no more."""
    _terminal(monkeypatch)
    watch = FloorWatch(scene.store(), name="shop")
    line = CartLine(product_id="water", quantity=1, probability=0.9, caused_by=())
    carts = [CartChanged(at_ns=1, visit_id=f"v{number}", lines=(line,)) for number in range(3)]
    ended = VisitEnded(at_ns=2, visit_id="v0", track_id="a", probability=1.0)
    ends = (ended, VisitJoined(at_ns=2, visit_id="v1", into="v2"))
    entry = Entry(
        seq=1, key="k", at_ns=2, recorded_ns=2, source="s", kind="ticked", version=1, payload={}, caused_by=(),
        prev_hash="", hash="",
    )  # fmt: skip
    watch.step(entry, Ticked(at_ns=2), Step(tuple(Caused(one, (1,)) for one in (*carts, *ends))))
    assert list(watch._carts) == ["v2"]
