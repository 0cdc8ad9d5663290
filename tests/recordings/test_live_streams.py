"""What a live store keeps beside its sensors' data: the clock's ticks and what the engine overheard."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pyarrow as pa

from jwo_cli.estimate.signals import ClockTick, CodeRead, IdentityTold, Overheard
from jwo_cli.recordings import LiveRun, RecordingWriter, open_recording
from jwo_cli.recordings.tables import from_table, to_table
from tests.drive import scene

OPENED = Overheard(
    at_ns=scene.START_NS, after=0, key="k", source="staff/ann", kind="mode_changed", version=1,
    payload='{"mode":"up"}', caused_by="[]", store_id="corner", layout_version="1", earlier=True, seq=7,
)  # fmt: skip


def test_ticks_and_overheard_entries_come_back_in_their_place(tmp_path: Path) -> None:
    """Signals and office entries share one order of arrival; the office alone can be asked for without the sensors."""
    sent = [OPENED, *scene.signals(), ClockTick(at_ns=scene.START_NS + 10**9)]
    run = LiveRun(run_id="ab", source="run/ab", base_seq=7, base_hash="00")
    with RecordingWriter(tmp_path / "r", name="r", store=scene.store(), start_ns=scene.START_NS, run=run) as writer:
        for signal in sent:
            writer.append(signal)
    recording = open_recording(tmp_path / "r")
    kept = list(recording.signals())
    assert [type(signal) for signal in kept] == [type(signal) for signal in sent]
    assert kept[0] == OPENED
    assert kept[-1] == sent[-1]
    assert recording.office() == (OPENED,)
    assert recording.run == run


def test_what_a_tracker_doubts_is_kept() -> None:
    """As it was said, to the last bit."""
    said = IdentityTold(at_ns=9, since_ns=5, kind="swap", before="p1", after="p2", probability=0.1 + 0.2)
    assert list(from_table("identities", to_table("identities", [(3, said)]))) == [(3, said)]


def test_a_column_that_came_later_has_its_default() -> None:
    """A file from before entry codes had numbers is read as if it named none."""
    old = pa.table(
        {"arrival": [0], "at_ns": [5], "gate_id": ["g"], "account": ["a"], "party_size": [1], "role": ["staff"]}
    )
    assert list(from_table("codes", old)) == [(0, CodeRead(at_ns=5, gate_id="g", account="a", role="staff"))]


def test_a_recording_of_days_holds_little_of_what_it_wrote(tmp_path: Path) -> None:
    """A segment that was written costs its line in the manifest, packed, and a signal nothing: 8640 segments a day."""
    ticks, segments = 200, 60

    def write(first: int) -> int:
        for number in range(first, first + segments):
            for tick in range(ticks):
                writer.append(ClockTick(at_ns=scene.START_NS + (number * ticks + tick) * 10**6))
            writer.rotate()
        return tracemalloc.get_traced_memory()[0]

    with RecordingWriter(tmp_path / "r", name="r", store=scene.store(), start_ns=scene.START_NS) as writer:
        tracemalloc.start()
        try:
            before = write(0)
            grown = write(segments) - before
        finally:
            tracemalloc.stop()
    assert grown / segments < 200
    assert open_recording(tmp_path / "r").duration_s == (2 * segments * ticks - 1) / 1000
