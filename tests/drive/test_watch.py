"""The live picture: what stands in it after a visit."""

from __future__ import annotations

import io
import sys

import pytest

from jwo_cli.drive.replay import replay
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.estimate.signals import Signal
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import Observation
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Step
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
