"""Where people were seen last is there for the next run, for a while, and never more than some seconds of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.drive.bodies import BEFORE, BODIES, SPAN_NS, Bodies
from jwo_cli.drive.sources import ListSource
from jwo_cli.estimate.people.identity import RESTART_NS
from jwo_cli.estimate.signals import ClockTick, IdentityTold, PoseFrame
from jwo_cli.model.units import NS_PER_S
from tests.drive import scene

FRAMES = [signal for signal in scene.signals() if isinstance(signal, PoseFrame)]
LAST_NS = FRAMES[-1].at_ns
INSIDE = {"ann"}


def seen(place: Path, frames: list[PoseFrame] = FRAMES) -> Bodies:
    """Written every third message, as a run does now and then."""
    bodies = Bodies(place)
    for number, frame in enumerate(frames, 1):
        bodies.saw(frame)
        if number % 3 == 0:
            bodies.write()
    bodies.write()
    return bodies


def test_the_last_seconds_are_there_for_whoever_goes_on(tmp_path: Path) -> None:
    """Every sighting of eight seconds, oldest first, to the millimetre."""
    seen(tmp_path)
    found = Bodies(tmp_path).read(INSIDE, now_ns=LAST_NS + NS_PER_S)
    wanted = [frame for frame in FRAMES if LAST_NS - frame.at_ns <= SPAN_NS]
    assert [frame.at_ns for frame in found] == [frame.at_ns for frame in wanted]
    assert len(wanted) > 50
    for frame, was in zip(found, wanted, strict=True):
        np.testing.assert_allclose(frame.people[0].joints_m, was.people[0].joints_m, atol=6e-4)


def test_a_long_day_keeps_no_more(tmp_path: Path) -> None:
    """The same minutes over and over: two files of a few seconds each, whatever was before."""
    sizes = []
    bodies = Bodies(tmp_path)
    for turn in range(6):
        for number, frame in enumerate(FRAMES):
            bodies.saw(replace(frame, at_ns=frame.at_ns + turn * 20 * NS_PER_S))
            if number % 3 == 0:
                bodies.write()
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes) < 2.5 * min(sizes)
    assert {path.name for path in tmp_path.iterdir()} == {BODIES, BEFORE}


def test_nobody_is_looked_for_who_left_or_too_late(tmp_path: Path) -> None:
    """Who is not inside any more, what is half a minute old, what is of the future, and files that are gone."""
    bodies = seen(tmp_path)
    assert bodies.read(set(), now_ns=LAST_NS) == []
    assert bodies.read(INSIDE, now_ns=LAST_NS + RESTART_NS + 1) == []
    assert bodies.read(INSIDE, now_ns=LAST_NS - 2 * NS_PER_S) == []
    bodies.forget()
    assert list(tmp_path.iterdir()) == []
    assert bodies.read(INSIDE, now_ns=LAST_NS) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """A kill in the middle of writing: all before it is there, and what the next run adds, but for its first word."""
    bodies = seen(tmp_path)
    whole = bodies.read(INSIDE, now_ns=LAST_NS)
    (tmp_path / BODIES).write_bytes((tmp_path / BODIES).read_bytes()[:-30])
    cut = bodies.read(INSIDE, now_ns=LAST_NS)
    assert [frame.at_ns for frame in cut][-3:] == [frame.at_ns for frame in whole][-4:-1]
    again = seen(tmp_path, [replace(FRAMES[-1], at_ns=LAST_NS + number * NS_PER_S // 10) for number in range(1, 4)])
    assert [frame.at_ns for frame in again.read(INSIDE, now_ns=LAST_NS + NS_PER_S)][-2:] == [
        LAST_NS + number * NS_PER_S // 10 for number in (2, 3)
    ]


def test_a_run_after_another_keeps_what_that_one_saw(tmp_path: Path) -> None:
    """Cut off twice within moments: what the first saw is not lost with the second's first words."""
    seen(tmp_path, FRAMES[:-1])
    second = Bodies(tmp_path)
    second.saw(FRAMES[-1])
    second.write()
    assert len(second.read(INSIDE, now_ns=LAST_NS)) > 50


class Again(ListSource):
    """A source that gives all of it again, and calls people of pictures by names of its own."""

    def __init__(self, name: str, names: str) -> None:
        super().__init__(name, "cameras", [])
        self.names = names

    def begin(self, *, since_ns: int, resumed: bool) -> None: ...

    def safe(self, taken: int, until_ns: int) -> None: ...


def test_only_what_is_named_anew_is_not_heard_twice(tmp_path: Path) -> None:
    """Past pictures under new names are known; a device's own names of then, all later ones, and scales are news."""
    seen(tmp_path)
    bodies = Bodies(tmp_path, [Again("broker", "an")])
    own = replace(FRAMES[-1], people=tuple(replace(one, track_id="own") for one in FRAMES[-1].people))
    tick = ClockTick(at_ns=LAST_NS)
    told = IdentityTold(at_ns=LAST_NS, since_ns=0, kind="swap", before="ann", after="anne", probability=0.5)
    assert bodies.news("broker", FRAMES[-1])  # nothing was read: nothing is known
    known_ns = bodies.read(INSIDE, now_ns=LAST_NS)[-1].at_ns
    past, later = replace(FRAMES[-1], at_ns=known_ns), replace(FRAMES[-1], at_ns=known_ns + 1)
    for one, news in ((past, False), (later, True), (own, True), (tick, True), (replace(told, at_ns=known_ns), False)):
        assert bodies.news("broker", one) == news
    assert bodies.news("cameras", past)


def test_what_a_device_gives_again_under_its_names_is_not_kept(tmp_path: Path) -> None:
    """What is named anew by the next run is, and what no source gives again."""
    for place, sources in (("a", [Again("broker", "")]), ("b", [Again("broker", "an")]), ("c", [])):
        (tmp_path / place).mkdir()
        bodies = Bodies(tmp_path / place, sources)
        for frame in FRAMES:
            assert bodies.news("broker", frame)
        bodies.write()
    assert [(tmp_path / place / BODIES).exists() for place in "abc"] == [False, True, True]


def test_a_clock_that_stands_still_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files take turns by our own clock, too."""
    now_s = time.monotonic()
    bodies = Bodies(tmp_path)
    sizes = []
    for second in range(120):
        monkeypatch.setattr(time, "monotonic", lambda second=second: now_s + second)
        for _ in range(10):
            bodies.saw(FRAMES[-1])
        bodies.write()
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes) < 40 * sizes[0]
