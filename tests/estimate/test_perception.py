"""Signals in, observations out: completeness, order, and what is missing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.signals import CodeRead, PoseFrame, Signal, WeightBatch
from jwo_cli.model.codec import canonical, encode
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import (
    CodeScanned,
    Observation,
    ShelfTouched,
    StoreClosed,
    StoreOpened,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from jwo_cli.recordings import open_recording
from tests.estimate.people import figures

SECONDS = 14.0


def perceive(signals: Iterable[Signal], store: Store | None = None) -> list[Observation]:
    """Everything one stream of signals comes to."""
    perception = Perception(store or figures.store(gates=(figures.DOOR,)), recording_id="r", staff=())
    out = [observation for signal in signals for observation in perception.feed(signal)]
    return [*out, *perception.close()]


def captured(signal: Signal) -> int:
    """Time of capture."""
    return signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns


def arriving(*streams: Iterable[Signal], late_s: tuple[float, ...] = ()) -> list[Signal]:
    """Streams merged in order of arrival, each late by its own constant delay."""
    delays = (*late_s, *(0.0,) * len(streams))
    keyed = [
        [(captured(signal) + figures.at_ns(delay) - figures.START_NS, i, n, signal) for n, signal in enumerate(stream)]
        for i, (stream, delay) in enumerate(zip(streams, delays, strict=False))
    ]
    return [item[-1] for item in heapq.merge(*keyed, key=lambda item: item[:3])]


def shopping() -> tuple[list[PoseFrame], list[WeightBatch]]:
    """Two people at one shelf: a takes 300 g from plate 3 at 6 s, b takes 500 g from plate 8 at 8 s."""
    poses = figures.frames({"a": figures.taker(3, 6.0), "b": figures.taker(8, 8.0)}, SECONDS)
    return poses, figures.weights(SECONDS, {3: (6.0, -300.0), 8: (8.0, -500.0)})


def bytes_of(observations: Iterable[Observation]) -> list[bytes]:
    """Canonical payloads with their kinds."""
    return [type(o).__name__.encode() + canonical(encode(o)) for o in observations]


def test_a_day_begins_with_its_opening_and_ends_with_its_closing() -> None:
    """First StoreOpened at the first signal's time, last StoreClosed."""
    out = perceive(arriving(*shopping()))
    assert isinstance(out[0], StoreOpened)
    assert out[0].at_ns == figures.at_ns(0.0)
    assert isinstance(out[-1], StoreClosed)
    assert [type(o) for o in out].count(StoreOpened) == 1


def test_no_signal_is_no_day() -> None:
    """Nothing in, nothing out."""
    assert perceive([]) == []


def test_changes_name_who_made_them() -> None:
    """Each take with its taker first."""
    changes = [o for o in perceive(arriving(*shopping())) if isinstance(o, WeightChanged)]
    assert [(c.plates[0].plate_id, c.reaches[0].track_id) for c in changes] == [
        (figures.plate(3), "a"),
        (figures.plate(8), "b"),
    ]
    assert all(c.poses_known for c in changes)
    assert changes[0].reaches[0].log_likelihood > 2 > changes[0].reaches[1].log_likelihood


def test_scales_alone_still_tell_what_changed() -> None:
    """Without cameras nobody is named, and that is said."""
    changes = [o for o in perceive(shopping()[1]) if isinstance(o, WeightChanged)]
    assert len(changes) == 2
    assert all(c.reaches == () and not c.poses_known for c in changes)


def test_poses_alone_still_tell_who_was_there() -> None:
    """Without scales there are tracks and no changes."""
    out = perceive(shopping()[0])
    assert {o.track_id for o in out if isinstance(o, TrackStarted)} == {"a", "b"}
    assert not [o for o in out if isinstance(o, WeightChanged | ShelfTouched)]


def test_cameras_that_fail_make_evidence_missing() -> None:
    """No frames from 7 s on: the second take happened unseen."""
    poses, weights = shopping()
    changes = [
        o
        for o in perceive(arriving([p for p in poses if p.at_ns < figures.at_ns(7.0)], weights))
        if isinstance(o, WeightChanged)
    ]
    assert [c.poses_known for c in changes] == [True, False]


def test_observations_leave_in_the_order_of_what_they_tell() -> None:
    """Tracks start before what they do, changes come in the order of their time, people end after."""
    out = perceive(arriving(*shopping()))
    changes = [o.at_ns for o in out if isinstance(o, WeightChanged)]
    assert changes == sorted(changes)
    kinds = [type(o) for o in out]
    assert kinds.index(TrackStarted) < kinds.index(WeightChanged)
    assert max(i for i, k in enumerate(kinds) if k is WeightChanged) < kinds.index(TrackEnded)


@settings(max_examples=12, deadline=None)
@given(st.floats(0.0, 2.3), st.floats(0.0, 1.0))
def test_how_late_a_stream_arrives_changes_nothing(poses_late_s: float, weights_late_s: float) -> None:
    """Poses up to 2.3 s behind the scales, as in the real store, give the same bytes."""
    poses, weights = shopping()
    late = arriving(poses, weights, late_s=(poses_late_s, weights_late_s))
    opened, *rest = bytes_of(perceive(late))
    reference_opened, *reference = bytes_of(perceive(arriving(poses, weights)))
    assert rest == reference
    assert opened.split(b"recording_id")[1] == reference_opened.split(b"recording_id")[1]


@pytest.mark.parametrize("size", [6, 24, 60])
def test_how_the_scales_batch_changes_nothing(size: int) -> None:
    """The same samples in other messages are the same observations."""
    poses, weights = shopping()
    other = figures.weights(SECONDS, {3: (6.0, -300.0), 8: (8.0, -500.0)}, size=size)
    assert bytes_of(perceive(arriving(poses, other))) == bytes_of(perceive(arriving(poses, weights)))


def test_the_delay_is_bounded() -> None:
    """A take is told within five seconds, whatever else is going on."""
    perception = Perception(figures.store(), recording_id="r")
    told_ns = {}
    for signal in arriving(*shopping()):
        for observation in perception.feed(signal):
            if isinstance(observation, WeightChanged):
                told_ns[observation.at_ns] = captured(signal)
    assert len(told_ns) == 2
    assert all(told - at < 5e9 for at, told in told_ns.items())


def test_one_absurd_stamp_does_not_flush_everything() -> None:
    """A frame from next year between the others leaves the rest as it was."""
    poses, weights = shopping()
    absurd = PoseFrame(at_ns=poses[50].at_ns + 10**16, people=())
    signals = arriving(poses, weights)
    signals.insert(signals.index(poses[50]), absurd)
    out = perceive(signals)
    assert [o.plates[0].plate_id for o in out if isinstance(o, WeightChanged)] == [figures.plate(3), figures.plate(8)]
    assert out[-1].at_ns < figures.at_ns(SECONDS + 1)


def test_a_code_belongs_to_who_stands_at_the_reader() -> None:
    """The track nearest the gate when it was read; nobody when no camera saw anybody."""
    door = ((figures.DOOR.a[0] + figures.DOOR.b[0]) / 2, figures.DOOR.a[1] + 0.4)
    poses = figures.frames({"far": lambda _: figures.figure(0.0, -1.0), "near": lambda _: figures.figure(*door)}, 8.0)
    code = CodeRead(at_ns=figures.at_ns(3.0), gate_id="door", account="acc", party_size=2)
    (scanned,) = [o for o in perceive(arriving(poses, [code])) if isinstance(o, CodeScanned)]
    assert (scanned.track_id, scanned.account, scanned.party_size) == ("near", "acc", 2)
    (alone,) = [o for o in perceive([code]) if isinstance(o, CodeScanned)]
    assert alone.track_id is None


def test_goods_shifted_along_the_shelf_have_no_direction() -> None:
    """What leaves one plate and arrives on the next was neither taken nor put; both hands' movements are open."""
    poses = figures.frames({"a": figures.taker(3, 6.0)}, SECONDS)
    weights = figures.weights(SECONDS, {3: (6.0, -300.0), 4: (6.0, 300.0)})
    out = perceive(arriving(poses, weights))
    found = [o for o in out if isinstance(o, WeightChanged | ShelfTouched)]
    assert found
    assert all(o.reaches[0].track_id == "a" for o in found)


@pytest.mark.parametrize("case", ["nanostore-real/BENCHMARK-1", "nanostore-dev/dev-11-close_crossing"])
def test_real_streams_are_the_same_twice(shared_data: Path, case: str) -> None:
    """A recording gives the same bytes again, and joints that jitter by a tenth of a millimetre the same people."""
    recording = open_recording(shared_data / case)
    signals = list(recording.signals())
    once, again = (bytes_of(perceive(signals, recording.store)) for _ in range(2))
    assert once == again
    moved = [
        replace(s, people=tuple(replace(p, joints_m=p.joints_m + np.float32(1e-4)) for p in s.people))
        if isinstance(s, PoseFrame)
        else s
        for s in signals
    ]

    def actors(observations: list[Observation]) -> list[str]:
        return [o.reaches[0].track_id for o in observations if isinstance(o, WeightChanged)]

    assert actors(perceive(signals, recording.store)) == actors(perceive(moved, recording.store))
