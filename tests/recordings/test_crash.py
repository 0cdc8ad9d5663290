"""kill -9 in the middle of a live recording: what was reported as a whole segment is there afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jwo_cli.recordings import open_recording
from tests.recordings.cases import assert_same, some_signals

WRITE = """
import sys
from pathlib import Path
from jwo_cli.recordings import RecordingWriter
from tests.recordings.cases import little_store, some_signals

path = Path(sys.argv[1])
writer = RecordingWriter(path, name="live", store=little_store(), start_ns=0, segment_s=2.0)
for number, signal in enumerate(some_signals(100_000)):
    writer.append(signal)
    if number % 10 == 0 and number:  # segments hold ten signals: the one before is closed by now
        print(number, flush=True)
"""


@pytest.mark.parametrize("segments", [1, 3, 7, 20])
def test_a_killed_writer_loses_only_its_open_segment(tmp_path: Path, root: Path, segments: int) -> None:
    """Everything up to the last line that it printed is read back, in order; at most what came after is more."""
    path = tmp_path / "live"
    command = [sys.executable, "-c", WRITE, str(path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(segments)]
        process.kill()
    recording = open_recording(path)
    kept = list(recording.signals())
    assert len(kept) >= told[-1]
    assert len(kept) % 10 == 0
    assert_same(kept, some_signals(len(kept)))
    assert "cut off" in recording.findings[0].problem
