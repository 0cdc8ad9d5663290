"""The live picture: what stands in it after a visit."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import Trouble
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.drive.watch_live import LiveWatch
from jwo_cli.estimate.signals import ClockTick, Signal
from jwo_cli.model.decisions import CartChanged, CartLine, Decision, VisitEnded, VisitStarted
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import FaultKind, FloorTouched, Observation, Role, Ticked
from jwo_cli.model.staffing import GateReleased, VisitJoined
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Caused, Step
from tests.drive import scene
from tests.drive.counter import STORE, Shop


class Screen(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class StopAt(Exception):  # noqa: N818
    """The moment at which the test looks."""


def _terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 120, rows: int = 40) -> Screen:
    """A terminal; pytest puts its own stderr back before each test, so a fixture would come too early."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", str(columns)), ("LINES", str(rows))):
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


def _step(watch: FloorWatch, observation: Observation, *decisions: Decision) -> None:
    entry = Entry(
        seq=1, key="k", at_ns=observation.at_ns, recorded_ns=2, source="s", kind="k", version=1, payload={},
        caused_by=(), prev_hash="", hash="",
    )  # fmt: skip
    watch.step(entry, observation, Step(tuple(Caused(one, (1,)) for one in decisions)))


def _shown(watch: FloorWatch, screen: Screen) -> list[str]:
    """The rows of the last picture."""
    watch.start()
    watch.stop()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    return plain.rstrip().splitlines()[-watch.rows :]


def _busy_store(shop: Shop) -> LiveWatch:
    """Nine shoppers inside, three of them with a thing; half a dozen devices in trouble, staff are asked, a fire."""
    watch = LiveWatch(STORE)
    watch.attach(shop.run)
    line = CartLine(product_id="4006381333931", quantity=1, probability=0.9, caused_by=())
    for number in range(9):
        name = f"v{number}"
        _step(
            watch,
            Ticked(at_ns=1),
            VisitStarted(at_ns=1, visit_id=name, track_id=name, role=Role.SHOPPER),
            *([CartChanged(at_ns=2, visit_id=name, lines=(line,))] if number < 3 else []),
        )
    for number in range(6):
        for fault in shop.run.health.told(Trouble(at_ns=1, device_id=f"camera-{number}", kind=FaultKind.GAP)):
            shop.run.note(fault)
    shop.run.note(GateReleased(at_ns=shop.clock(), gate_id="door", reason="fire"))
    shop.run.live.asked.append("the whole receipt is only 61 % sure: a shopper may have put the bottle back elsewhere")
    return watch


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (80, 20), (100, 30), (120, 40)])
def test_carts_doors_and_staff_have_their_place_in_a_small_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int, rows: int
) -> None:
    """However much there is to be said: who has what, which door stands open, the whole sentence to staff."""
    screen, shop = _terminal(monkeypatch, columns, rows), Shop(tmp_path)
    picture = _shown(_busy_store(shop), screen)
    shop.end()
    assert len(picture) <= rows - 1
    assert all(len(row) == columns for row in picture)
    side = " ".join(" ".join(row[:-1].rpartition("│")[2].split()) for row in picture)
    assert "A 90% 1 × Spring water" in side
    assert "stands open: door" in side
    assert "for staff: the whole receipt is only 61 % sure: a shopper may have put the bottle back elsewhere" in side
    assert "more: jwo store status" in side or all(f"camera-{number}" in side for number in range(6))
    assert any("what happened" in row for row in picture)


def test_a_shadow_says_so_in_a_small_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody reads "shadow: no" where the rest has no room."""
    screen, shop = _terminal(monkeypatch, 80, 24), Shop(tmp_path)
    watch = LiveWatch(STORE, shadow=True)
    watch.attach(shop.run)
    picture = _shown(watch, screen)
    shop.end()
    assert f" {STORE.name}  staff only, shadow ─" in picture[0]
    assert any("a shadow: nothing is charged" in row for row in picture)


@pytest.mark.parametrize(
    ("columns", "rows", "sentence"),
    [
        (120, 40, "D, E, F, G, H, I: nothing so far"),
        (80, 24, "D, E, F, G, H, I: nothing so far"),
        (80, 20, "and 7 more inside"),
    ],
)
def test_nobody_inside_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int, rows: int, sentence: str
) -> None:
    """Nine are: three have something, six have nothing; who has no row is counted."""
    screen, shop = _terminal(monkeypatch, columns, rows), Shop(tmp_path)
    picture = _shown(_busy_store(shop), screen)
    shop.end()
    assert any(sentence in row for row in picture)


def test_what_happened_is_told_in_the_order_of_its_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known late only is the newest: it has the time at which it became known."""
    screen = _terminal(monkeypatch)
    watch = FloorWatch(scene.store(), name="shop")
    for told_s, at_s in ((0.0, 0.0), (1.0, 1.0), (5.0, 0.5), (6.0, 5.5)):
        watch.signal(ClockTick(at_ns=round(told_s * NS_PER_S) + 1))
        _step(watch, FloorTouched(at_ns=round(at_s * NS_PER_S) + 1, track_id="a", x_m=1.0, y_m=1.0, probability=1.0))
    times = [row.split()[1] for row in _shown(watch, screen) if "reaches to the floor" in row]
    assert times == ["0.0", "1.0", "5.0", "6.0"]


def test_a_long_sentence_is_told_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones make room for it."""
    screen = _terminal(monkeypatch, 80, 24)
    watch = FloorWatch(scene.store(), name="shop")
    for number in range(9):
        _step(watch, GateReleased(at_ns=1, gate_id="door", reason=f"fire {number} {'far too long ' * 9}ends"))
    told = " ".join(row.strip("│ ") for row in _shown(watch, screen)[-6:-1])
    assert f"fire 8 {'far too long ' * 9}ends" in told


def test_the_carts_are_those_of_open_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit that ended, and one that went up in another, are shown no more."""
    _terminal(monkeypatch)
    watch = FloorWatch(scene.store(), name="shop")
    line = CartLine(product_id="water", quantity=1, probability=0.9, caused_by=())
    carts = [CartChanged(at_ns=1, visit_id=f"v{number}", lines=(line,)) for number in range(3)]
    ended = VisitEnded(at_ns=2, visit_id="v0", track_id="a", probability=1.0)
    ends = (ended, VisitJoined(at_ns=2, visit_id="v1", into="v2"))
    _step(watch, Ticked(at_ns=2), *carts, *ends)
    assert list(watch._carts) == ["v2"]
