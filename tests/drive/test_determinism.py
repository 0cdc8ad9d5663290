"""A recording through every form that it can have, every cut and every hash seed: one hash."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.long_day import long_day
from jwo_cli.drive.replay import ReplayResult, replay
from jwo_cli.estimate.signals import Signal, WeightBatch
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording, export_autocheckout, open_recording, write_recording


def _copy(recording: Recording, path: Path) -> Recording:
    write_recording(
        path,
        name=recording.name,
        store=recording.store,
        start_ns=recording.start_ns,
        staff=recording.staff,
        signals=recording.signals(),
        source=recording.source,
    )
    return open_recording(path)


def test_import_and_export_change_no_hash(shared_data: Path, tmp_path: Path) -> None:
    """Raw folder, our recording of it, and a raw folder written from that: the same entries to the last bit."""
    raw = open_recording(shared_data / "nanostore-real" / "BENCHMARK-1")
    ours = _copy(raw, tmp_path / "BENCHMARK-1")
    export_autocheckout(ours, tmp_path / "again")
    again = open_recording(tmp_path / "again")
    assert raw.recording_id == ours.recording_id == again.recording_id
    hashes = {replay(recording).head_hash for recording in (raw, ours, again)}
    assert len(hashes) == 1


def test_every_development_case_gives_its_hash_again_after_an_import(shared_data: Path, tmp_path: Path) -> None:
    """Four of them, with the sensors' faults, several shoppers and staff."""
    for name in ("dev-12-handover", "dev-14-id_switch", "dev-15-fault_drop", "dev-16-restock"):
        raw = open_recording(shared_data / "nanostore-dev" / name)
        assert replay(_copy(raw, tmp_path / name)).head_hash == replay(raw).head_hash, name


def test_messages_cut_in_two_give_the_same_receipts(shared_data: Path) -> None:
    """Every batch of twelve samples as two of five and seven, at the place of the whole; with faults and a crowd.

    Real stamps jitter by 15 ms against the converter's clock, and the second half's is all that a cut knows: times move
    by a microsecond, which a rounding to milliseconds may show. On exact stamps the hash is equal (test_replay.py).
    """
    for name in ("dev-13-busy_3_4", "dev-15-fault_drop"):
        whole = open_recording(shared_data / "nanostore-dev" / name)
        pieces = tuple(piece for signal in whole.signals() for piece in _halved(signal))
        cut = dataclasses.replace(whole, read_signals=pieces.__iter__)
        assert _bought(replay(cut)) == _bought(replay(whole)), name


def test_a_crowd_cut_in_two_gives_the_same_hash() -> None:
    """Four minutes of synthetic traffic on exact stamps, staff inside: every batch whole, or as five and the rest."""
    crowd = long_day(0.07)
    signals = tuple(crowd.signals())
    pieces = tuple(piece for signal in signals for piece in _halved(signal))
    assert len(pieces) > len(signals)
    whole, cut = (replay(dataclasses.replace(crowd, read_signals=some.__iter__)) for some in (signals, pieces))
    assert len(whole.receipts) > 1
    assert cut.head_hash == whole.head_hash


def test_two_hash_seeds_give_one_hash_where_people_meet(shared_data: Path) -> None:
    """Put-backs beside look-alikes, a hand-over, three at once, swapped ids: no set order reaches a result."""
    numbers = ("07", "12", "13", "14")
    folders = [str(next((shared_data / "nanostore-dev").glob(f"dev-{number}-*"))) for number in numbers]
    script = (
        "import sys; from jwo_cli.drive.replay import replay; from jwo_cli.recordings import open_recording; "
        "print([replay(open_recording(Path(name))).head_hash for name in sys.argv[1:]])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", f"from pathlib import Path; {script}", *folders],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    }
    assert len(found) == 1


def _bought(result: ReplayResult) -> list[tuple[str, str, list[tuple[str, int, float]]]]:
    return [
        (
            receipt.track_id,
            receipt.settled.value,
            [(line.product_id, line.quantity, round(line.probability, 2)) for line in receipt.lines],
        )
        for receipt in result.receipts
    ]


def _halved(signal: Signal) -> Iterator[Signal]:
    if not isinstance(signal, WeightBatch) or len(signal.grams) < 12:
        yield signal
        return
    later_ns = round((len(signal.grams) - 5) / signal.rate_hz * NS_PER_S)
    yield dataclasses.replace(signal, grams=signal.grams[:5], end_ns=signal.end_ns - later_ns)
    yield dataclasses.replace(signal, grams=signal.grams[5:])
