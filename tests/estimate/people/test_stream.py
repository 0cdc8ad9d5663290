"""Pose messages with the trouble that real streams have."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.estimate.people.stream import PoseStream
from jwo_cli.estimate.signals import PersonPose, PoseFrame
from jwo_cli.model.observations import FaultKind
from tests.estimate.people import figures


def frame(seconds: float, *names: str) -> PoseFrame:
    """A frame with some people at the origin."""
    joints = np.zeros((10, 3), np.float32)
    people = tuple(PersonPose(track_id=name, joints_m=joints, scores=np.ones(10, np.float32)) for name in names)
    return PoseFrame(at_ns=figures.at_ns(seconds), people=people)


def ordered(frames: list[PoseFrame]) -> tuple[list[PoseFrame], PoseStream]:
    """What comes out of a stream, and the stream."""
    stream = PoseStream()
    out = [released for given_frame in frames for released in stream.feed(given_frame)]
    return out + stream.close(), stream


@given(st.permutations(range(3)), st.integers(1, 9))
def test_disorder_within_the_bound_is_mended(order: list[int], groups: int) -> None:
    """Any order of neighbours 0.1 s apart gives the frames in order of capture."""
    frames = [frame(0.1 * (3 * group + place), "a") for group in range(groups) for place in order]
    out, _ = ordered(frames)
    assert [f.at_ns for f in out] == sorted(f.at_ns for f in frames)


def test_disorder_is_reported_once_an_episode() -> None:
    """Five late frames in a row are one fault with a count."""
    frames = [f for i in range(5) for f in (frame(0.2 * i + 0.2, "a"), frame(0.2 * i + 0.1, "a"))]
    _, stream = ordered(frames)
    ((_, fault),) = stream.faults
    assert (fault.kind, fault.count, fault.device_id) == (FaultKind.DISORDER, 5, "poses")


def test_a_repeated_message_is_dropped_and_counted() -> None:
    """The same moment and the same people twice."""
    out, stream = ordered([frame(0.0, "a"), frame(0.1, "a"), frame(0.1, "a"), frame(0.2, "a")])
    assert len(out) == 3
    assert [fault.kind for _, fault in stream.faults] == [FaultKind.DUPLICATE]


def test_one_moment_in_two_messages_keeps_everybody() -> None:
    """Two cameras' groups may report the same moment with different people."""
    out, stream = ordered([frame(0.0, "a"), frame(0.0, "a", "b"), frame(0.1, "a")])
    assert [[p.track_id for p in f.people] for f in out] == [["a"], ["b"], ["a"]]
    assert stream.faults == []


def test_too_late_is_dropped() -> None:
    """A frame from a second ago cannot be told any more."""
    out, stream = ordered([frame(0.0, "a"), frame(1.0, "a"), frame(1.4, "a"), frame(0.5, "a"), frame(1.5, "a")])
    assert figures.at_ns(0.5) not in [f.at_ns for f in out]
    assert FaultKind.DISORDER in [fault.kind for _, fault in stream.faults]


def test_a_gap_is_reported_with_its_ends() -> None:
    """No message for three seconds: nobody could have been seen."""
    _, stream = ordered([frame(0.0, "a"), frame(3.0, "a"), frame(3.1, "a")])
    ((_, fault),) = stream.faults
    assert (fault.kind, fault.at_ns, fault.until_ns) == (FaultKind.GAP, figures.at_ns(0.0), figures.at_ns(3.0))


def test_one_absurd_stamp_does_not_end_the_stream() -> None:
    """A frame from next year is ignored; what follows it is used."""
    out, stream = ordered([frame(0.0, "a"), frame(3e7, "a"), *(frame(0.1 * i, "a") for i in range(1, 9))])
    assert [f.at_ns for f in out] == [figures.at_ns(0.1 * i) for i in range(9)]
    assert [fault.kind for _, fault in stream.faults] == [FaultKind.CLOCK]


def test_a_night_without_poses_is_believed_when_it_goes_on() -> None:
    """Two frames in a row an hour later are the next morning."""
    out, _ = ordered([frame(0.0, "a"), frame(3600.0, "a"), frame(3600.1, "a"), frame(3600.2, "a")])
    assert figures.at_ns(3600.2) in [f.at_ns for f in out]
