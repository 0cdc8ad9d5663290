"""The tracker: messages ten times a second, errors of a centimetre, gaps, and the ids that people carry."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.synthetic.bodies import new_motion
from jwo_cli.synthetic.draws import named
from jwo_cli.synthetic.tracker import FrameClock, Seen, Tracker, closest

START = 1_700_000_000_000_000_000


def _standing(key: str, x: float = 0.0, **more: object) -> Seen:
    motion = new_motion(named(1, key), 0.0, (x, 0.0), 0.0)
    motion.wait(60.0)
    return Seen(key=key, motion=motion, ids=[(-1e9, f"id-{key}")], **more)  # type: ignore[arg-type]


def test_messages_come_as_in_the_recordings() -> None:
    """13.5 to 15 a second, about half of them a pair 5-9 ms apart, in rising order."""
    apart = np.diff(FrameClock(0.0, named(1, "f")).until(100.0))
    assert 13.0 < 1.0 / apart.mean() < 15.5
    assert apart.min() > 0
    pairs = (apart > 0.0045) & (apart < 0.0095)
    assert 0.25 < pairs.mean() < 0.42


def test_a_still_person_scatters_by_a_centimetre() -> None:
    """7 mm for the torso, about 10 mm for wrists; two messages 7 ms apart differ by 1-2 mm."""
    frames = Tracker(seed=1).frames([_standing("a")], 60.0, start_ns=START)
    joints = np.array([frame.people[0].joints_m for frame in frames if frame.people])
    scatter = np.nanstd(joints[:, :, :2], axis=0).mean(axis=1)
    assert 0.005 < scatter[1] < 0.014
    assert 0.007 < scatter[6] < 0.03
    lost = np.isnan(joints[:, :, 0]).mean(axis=0)
    assert 0.002 < lost[:6].mean() < 0.03
    assert (np.isnan(joints[:, 6, 0]) == np.isnan(joints[:, 8, 0])).all()


def test_ids_are_those_carried_then_and_gaps_hide() -> None:
    """A new id from its time on; nobody in a gap; an empty message says so."""
    seen = _standing("a", gaps=[(20.0, 22.0)])
    seen.ids.append((40.0, "new"))
    frames = Tracker(seed=1).frames([seen], 60.0, start_ns=START)
    for frame in frames:
        at = (frame.at_ns - START) / 1e9
        names = [person.track_id for person in frame.people]
        if 20.01 < at < 21.99:
            assert names == []
        elif not 19.99 < at < 22.01:
            assert names == (["new"] if at > 40.01 else ["id-a"] if at < 39.99 else names)


def test_pieces_join_without_seams() -> None:
    """Frames of two pieces together cover the time, each once."""
    tracker = Tracker(seed=1)
    people = [_standing("a"), _standing("b", 1.0)]
    stamps = [frame.at_ns for until in (7.0, 15.0) for frame in tracker.frames(people, until, start_ns=START)]
    assert stamps == sorted(set(stamps))
    assert 195 < len(stamps) < 245


def test_the_nearest_moment_of_two_people() -> None:
    """Where one passes the other."""
    a, b = new_motion(named(1, "a"), 0.0, (0.0, 0.0), 0.0), new_motion(named(1, "b"), 0.0, (2.0, 0.5), 0.0)
    a.place(10.0, (4.0, 0.0), 0.0)
    b.wait(10.0)
    at, apart = closest(a, b, 0.0, 10.0)
    assert at == pytest.approx(5.0, abs=0.06)
    assert apart == pytest.approx(0.5, abs=0.01)
