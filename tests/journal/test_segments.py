"""Telemetry in segments: whole files or none, the same bytes from the same input, small, and readable while written."""

from __future__ import annotations

import errno
import gc
import os
import re
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import Intake, SegmentWriter, open_journal, segments
from jwo_cli.model.findings import UserError
from tests.journal.days import T0, S, journal

CHANNELS = ("g1:1:1", "g1:1:2")


def _weights(samples: int, first: int = 0) -> WeightBatch:
    """50 Hz samples number `first`… of two plates: a few grams of noise, NaN now and then."""
    rng = np.random.default_rng(7)
    grams = (500 + rng.normal(0, 1.5, (first + samples, 2))).astype(np.float32)
    grams[::97, 1] = np.nan
    end_ns = T0 + (first + samples - 1) * 20_000_000
    return WeightBatch(device_id="g1", end_ns=end_ns, rate_hz=50.0, channels=CHANNELS, grams=grams[first:])


def _files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted((directory / "segments").rglob("*.*"))
    }


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Weights to 0.01 g with what was missing as null, positions to the millimetre, in order of time."""
    directory = journal(tmp_path / "j", visits=1)
    batch = _weights(1500)
    with SegmentWriter(directory, "weights", source="run 1/a") as writer:
        writer.weights(batch)
    with SegmentWriter(directory, "positions", source="run 1/a") as writer:
        writer.positions(T0 + 5, [("t2", 1.2344, -0.5), ("t1", 0.0, 3.25)])
        writer.positions(T0 + 25 * S, [("t1", 0.5, 3.0)])
        writer.positions(T0 + 26 * S, [])
    with open_journal(directory) as session:
        assert session.rows("SELECT at_ns, source, track_id, x_m, y_m FROM positions") == [
            (T0 + 5, "run 1/a", "t1", 0.0, 3.25),
            (T0 + 5, "run 1/a", "t2", 1.234, -0.5),
            (T0 + 25 * S, "run 1/a", "t1", 0.5, 3.0),
        ]
        rows = session.rows("SELECT at_ns, weight_g FROM weights WHERE channel = 'g1:1:2' ORDER BY at_ns")
        assert [at_ns for at_ns, _ in rows] == [batch.end_ns - (1499 - n) * 20_000_000 for n in range(1500)]
        read = np.array([np.nan if grams is None else grams for _, grams in rows])
        np.testing.assert_allclose(read, batch.grams[:, 1], atol=0.0051)
    assert len(segments.listing(directory, "weights")) == 3
    assert len(segments.listing(directory, "positions")) == 2


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 1500), max_size=6))
def test_how_the_input_was_cut_leaves_no_trace(cuts: list[int]) -> None:
    """Law: the same samples in any batches give the same files, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        borders = [0, *sorted(cuts), 1500]
        for name, edges in (("whole", [0, 1500]), ("cut", borders)):
            with SegmentWriter(Path(folder) / name, "weights", source="x") as writer:
                for start, stop in pairwise(edges):
                    if stop > start:
                        writer.weights(_weights(stop - start, first=start))
        assert _files(Path(folder) / "cut") == _files(Path(folder) / "whole")


def test_an_identical_replay_changes_nothing(tmp_path: Path) -> None:
    """Not even the files' times: what is there already is not written again."""
    for _ in range(2):
        with SegmentWriter(tmp_path, "weights", source="x") as writer:
            writer.weights(_weights(1500))
        stats = {path: path.stat().st_mtime_ns for path in (tmp_path / "segments").rglob("*.parquet")}
        for path in stats:
            os.utime(path, ns=(1, 1))
    assert set(stats.values()) == {1}


def test_another_replay_of_the_same_time_gives_way(tmp_path: Path) -> None:
    """The same source again with other values: the new files stand in place of the old, none is doubled."""
    for offset in (0, 1):
        batch = _weights(1500)
        moved = WeightBatch(
            device_id="g1", end_ns=batch.end_ns, rate_hz=50.0, channels=CHANNELS, grams=batch.grams + offset
        )
        with SegmentWriter(tmp_path, "weights", source="x") as writer:
            writer.weights(moved)
    assert len(segments.listing(tmp_path, "weights")) == 3


def test_a_writer_remembers_nothing_of_the_files_it_wrote(tmp_path: Path) -> None:
    """A store writes thousands a day: what is looked for in the folder leaves nothing behind, no compiled pattern."""

    def left_behind() -> int:
        gc.collect()
        return sum(isinstance(item, re.Pattern) for item in gc.get_objects())

    with SegmentWriter(tmp_path, "positions", source="x") as writer:
        for number in range(3):
            writer.positions(T0 + 10 * number * S, [("t1", 1.0, 2.0)])
        before = left_behind()
        for number in range(3, 40):
            writer.positions(T0 + 10 * number * S, [("t1", 1.0, 2.0)])
        assert left_behind() == before
    assert len(segments.listing(tmp_path, "positions")) == 40


def test_two_sources_keep_apart(tmp_path: Path) -> None:
    """Two recordings of the same minute do not overwrite each other, whatever they are called."""
    directory = journal(tmp_path / "j", visits=1)
    for source in ("a", "../a", "", "b c"):
        with SegmentWriter(directory, "positions", source=source) as writer:
            writer.positions(T0, [("t", 0.0, 0.0)])
    with open_journal(directory) as session:
        assert session.rows("SELECT source FROM positions ORDER BY source") == [("",), ("../a",), ("a",), ("b c",)]
    assert {path.name for path in directory.iterdir()} <= {
        "intake.sqlite",
        "intake.sqlite-shm",
        "intake.sqlite-wal",
        "publish.lock",
        "segments",
        "store.duckdb",
    }


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("damage", ["half", "empty", "middle", "swapped", "magic"])
def test_a_torn_file_is_left_out_and_reported(tmp_path: Path, damage: str, place: int) -> None:
    """One bad file does not fail the question; the others answer, and a finding names it."""
    directory = journal(tmp_path / "j", visits=1)
    with SegmentWriter(directory, "weights", source="x") as writer:
        writer.weights(_weights(1500))
    path = segments.listing(directory, "weights")[place].path
    data = bytearray(path.read_bytes())
    if damage == "half":
        data = data[: len(data) // 2]
    elif damage == "empty":
        data = bytearray()
    elif damage == "middle":
        data[40 : len(data) // 2] = b"\x00" * (len(data) // 2 - 40)
    elif damage == "magic":
        data = bytearray(b"PAR1" + bytes(40) + b"\x05\x00\x00\x00PAR1")
    else:
        data[-8:-4] = b"\xff\xff\xff\x7f"
    path.write_bytes(data)
    with open_journal(directory) as session:
        assert session.rows("SELECT count(weight_g) > 500 FROM weights") == [(True,)]
        assert session.rows("SELECT count(*) > 500 FROM weights") == [(True,)]
        (finding,) = session.findings
    assert finding.file == str(path)
    assert "torn" in finding.problem


def test_unfinished_files_are_not_read(tmp_path: Path) -> None:
    """What a killed writer left aside is nobody's."""
    directory = journal(tmp_path / "j", visits=1)
    with SegmentWriter(directory, "weights", source="x") as writer:
        writer.weights(_weights(60))
    folder = segments.folder_of(directory, "weights", "x")
    (folder / "00000000000000000001-00000000-0123456789abcdef.writing").write_bytes(b"half")
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*) FROM weights") == [(120,)]
        assert session.findings == ()


def test_segments_are_small(tmp_path: Path) -> None:
    """About a byte a weight sample and less than nine a position (DESIGN §5), by ten seconds a file."""
    rng = np.random.default_rng(1)
    channels = tuple(f"g{n // 12}:{n % 12}:1" for n in range(96))
    steps = rng.integers(0, 2, 96) * 340
    with SegmentWriter(tmp_path, "weights", source="x") as writer:
        for batch in range(50):
            # Noise as on the real plates: about half a gram, in steps of 0.1 g or so.
            grams = (800 - steps * (batch > 25) + np.round(rng.normal(0, 0.3, (12, 96)), 1)).astype(np.float32)
            end_ns = T0 + round((batch * 12 + 11) * 1e9 / 60)
            writer.weights(WeightBatch(device_id="g", end_ns=end_ns, rate_hz=60.0, channels=channels, grams=grams))
    with SegmentWriter(tmp_path, "positions", source="x") as writer:
        walk = np.cumsum(rng.normal(0, 0.05, (100, 10, 2)), axis=0)
        for n in range(100):
            writer.positions(T0 + n * S // 10, [(f"t{k}", x, y) for k, (x, y) in enumerate(walk[n].tolist())])
    sizes = {
        name: sum(one.path.stat().st_size for one in segments.listing(tmp_path, name)) for name in segments.STREAMS
    }
    assert sizes["weights"] / (50 * 12 * 96) < 1.2
    assert sizes["positions"] / 1000 < 9


def test_an_empty_stream_is_an_empty_table(tmp_path: Path) -> None:
    """A journal without telemetry can be asked for it."""
    Intake.open(tmp_path / "j", store_id="shop").close()
    with open_journal(tmp_path / "j") as session:
        assert session.table("SELECT * FROM weights").schema.names == [
            "at_utc",
            "at_ns",
            "source",
            "channel",
            "weight_g",
        ]
        assert session.rows("SELECT count(*) FROM positions") == [(0,)]


def test_a_segment_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence of a full disk, and no torn file is left under a final name."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="is full"), SegmentWriter(tmp_path, "weights", source="x") as writer:
        writer.weights(_weights(60))
    assert segments.listing(tmp_path, "weights") == ()
