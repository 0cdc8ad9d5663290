"""The real recording and the development cases: read, kept, read back, quickly."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.signals import JOINTS, PoseFrame, WeightBatch
from jwo_cli.model.findings import Severity
from jwo_cli.recordings import open_recording
from jwo_cli.recordings.importing import import_recording
from tests.recordings.cases import assert_same


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Path:
    return shared_data / "nanostore-real" / "BENCHMARK-1"


def test_the_real_recording_is_what_its_readme_says(real: Path) -> None:
    """344 batches of 12 samples from four gondolas, 291 messages of targets of which 15 show nobody, one shopper."""
    recording = open_recording(real)
    signals = list(recording.signals())
    batches = [signal for signal in signals if isinstance(signal, WeightBatch)]
    frames = [signal for signal in signals if isinstance(signal, PoseFrame)]
    assert (len(batches), len(frames), sum(not frame.people for frame in frames)) == (344, 291, 15)
    assert {(batch.device_id, batch.grams.shape) for batch in batches} == {
        ("g1", (12, 84)),
        ("g2", (12, 72)),
        ("g3", (12, 60)),
        ("g4", (12, 72)),
    }
    assert {person.track_id for frame in frames for person in frame.people} == {"3325379692103139202"}
    assert recording.start_ns == 1_587_531_996_955_000_000
    assert all(finding.severity is Severity.WARNING for finding in recording.findings)


def test_the_real_take_happens_where_the_wrist_is(real: Path) -> None:
    """The bottle's plate loses 623 g, and half a second around that a wrist is within 0.4 m of the plate: one frame,
    one clock, metres.
    """
    recording = open_recording(real)
    plate = recording.store.plate_centre("g1.s5.p11")
    batches = [s for s in recording.signals() if isinstance(s, WeightBatch) and s.device_id == "g1"]
    grams = np.concatenate([batch.grams[:, batch.channels.index("g1:5:11")] for batch in batches])
    level = np.median(grams[:60]), np.median(grams[-60:])
    assert level[1] - level[0] == pytest.approx(-623, abs=5)
    lifted = batches[int(np.argmax(grams < np.mean(level))) // 12].end_ns
    wrists = [JOINTS.index("l_wrist"), JOINTS.index("r_wrist")]
    near = [
        np.nanmin(np.linalg.norm(person.joints_m[wrists] - np.array(plate), axis=1))
        for frame in recording.signals()
        if isinstance(frame, PoseFrame) and abs(frame.at_ns - lifted) < 500_000_000
        for person in frame.people
    ]
    assert min(near) < 0.4


def test_every_development_case_survives_its_import(shared_data: Path, tmp_path: Path) -> None:
    """All of them are accepted with their faults, and come back bit for bit with truth and id."""
    cases = sorted((shared_data / "nanostore-dev").glob("dev-*"))
    assert len(cases) == 17
    for case in cases:
        raw = open_recording(case)
        import_recording(raw, tmp_path / raw.name)
        kept = open_recording(tmp_path / raw.name)
        assert_same(kept.signals(), raw.signals())
        assert (kept.recording_id, kept.store, kept.truth()) == (raw.recording_id, raw.store, raw.truth())


def test_loading_is_at_least_twenty_times_faster_than_life(real: Path, tmp_path: Path) -> None:
    """Raw folders (measured 300 times) and imports (600 times): the best of three, for other work may run beside."""

    def best(path: Path) -> float:
        speeds = []
        for _ in range(3):
            before = time.perf_counter()
            recording = open_recording(path)
            assert sum(1 for _ in recording.signals()) == 635
            speeds.append(recording.duration_s / (time.perf_counter() - before))
        return max(speeds)

    assert best(real) > 20
    import_recording(open_recording(real), tmp_path / "recording")
    assert best(tmp_path / "recording") > 20
