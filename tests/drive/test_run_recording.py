"""What was before a run is in its recording before anything of the run is."""

from __future__ import annotations

from pathlib import Path

from jwo_cli.drive.run_recording import AT_ONCE, RunRecording
from jwo_cli.estimate.signals import ClockTick, Overheard
from jwo_cli.recordings import LiveRun, open_recording
from tests.drive import scene

RUN = LiveRun(run_id="r", source="run/r", base_seq=9, base_hash="h", prompt=True, hold_minor=0)


def before(number: int) -> Overheard:
    return Overheard(
        at_ns=scene.START_NS - 1_000 + number, after=0, key=f"k{number}", source="run/q", kind="ticked", version=1,
        payload="{}", caused_by="[]", store_id="s", layout_version="v", earlier=True, seq=number + 1,
    )  # fmt: skip


def test_a_recording_that_is_cut_off_has_all_of_the_past(tmp_path: Path) -> None:
    """A little of it is recorded in each turn, the rest before the first seconds of the run become durable."""
    past = iter([before(number) for number in range(3 * AT_ONCE)])
    kept = RunRecording(tmp_path / "r", RUN, scene.store(), start_ns=scene.START_NS, past=past)
    kept.append(ClockTick(at_ns=scene.START_NS))
    kept.recall()
    assert next(past).key == f"k{AT_ONCE}"
    kept.rotate()
    kept.append(ClockTick(at_ns=scene.START_NS + 1))  # lost with the cut
    found = open_recording(tmp_path / "r")
    assert [item.seq for item in found.office()] == [n + 1 for n in range(3 * AT_ONCE) if n != AT_ONCE]
    assert [one for one in found.signals() if isinstance(one, ClockTick)] == [ClockTick(at_ns=scene.START_NS)]


def test_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    """Not even the past is read."""
    past = iter([before(1)])
    kept = RunRecording(None, RUN, scene.store(), start_ns=0, past=past)
    kept.append(ClockTick(at_ns=0))
    kept.recall()
    kept.rotate()
    kept.close(run_closed=True)
    assert next(past, None) is not None
    assert list(tmp_path.iterdir()) == []
