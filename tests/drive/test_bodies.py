"""Where people were seen last is there for the next run, for a while, and never more than a second of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from jwo_cli.drive.bodies import BODIES, Bodies
from jwo_cli.estimate.people.identity import RESTART_NS
from jwo_cli.estimate.signals import PoseFrame
from jwo_cli.model.units import NS_PER_S
from tests.drive import scene

FRAMES = [signal for signal in scene.signals() if isinstance(signal, PoseFrame)]
LAST_NS = FRAMES[-1].at_ns
INSIDE = {"ann"}


def seen(place: Path, frames: list[PoseFrame] = FRAMES) -> Bodies:
    bodies = Bodies(place)
    for frame in frames:
        bodies.saw(frame)
    bodies.write()
    return bodies


def test_the_last_second_is_there_for_whoever_goes_on(tmp_path: Path) -> None:
    """The latest sightings, oldest first, to the millimetre."""
    seen(tmp_path)
    found = Bodies(tmp_path).read(INSIDE, now_ns=LAST_NS + NS_PER_S)
    assert 4 <= len(found) <= 8
    assert [frame.at_ns for frame in found] == sorted(frame.at_ns for frame in found)
    assert LAST_NS - found[0].at_ns <= NS_PER_S
    by_time = {frame.at_ns: frame for frame in FRAMES}
    for frame in found:
        np.testing.assert_allclose(frame.people[0].joints_m, by_time[frame.at_ns].people[0].joints_m, atol=6e-4)


def test_nobody_is_looked_for_who_left_or_too_late(tmp_path: Path) -> None:
    """Who is not inside any more, what is half a minute old, what is of the future, and a file that is none."""
    bodies = seen(tmp_path)
    assert bodies.read(set(), now_ns=LAST_NS) == []
    assert bodies.read(INSIDE, now_ns=LAST_NS + RESTART_NS + 2 * NS_PER_S) == []
    assert bodies.read(INSIDE, now_ns=LAST_NS - 2 * NS_PER_S) == []
    (tmp_path / BODIES).write_bytes((tmp_path / BODIES).read_bytes()[:-30])
    assert bodies.read(INSIDE, now_ns=LAST_NS) == []
    (tmp_path / BODIES).unlink()
    assert bodies.read(INSIDE, now_ns=LAST_NS) == []


def test_who_has_gone_is_forgotten(tmp_path: Path) -> None:
    """Nobody was seen for a second: nobody is kept, however long the store stays empty."""
    empty = [replace(FRAMES[-1], at_ns=LAST_NS + number * NS_PER_S // 5, people=()) for number in range(1, 10)]
    found = seen(tmp_path, [*FRAMES, *empty]).read(INSIDE, now_ns=LAST_NS + 2 * NS_PER_S)
    assert found == []
