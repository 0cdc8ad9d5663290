"""What the journal costs: a durable append against a bare fsync, the published copy, the door, the telemetry."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.__main__ import MISSED
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import Intake, SegmentWriter, open_journal, publish, segments, verify
from jwo_cli.model.entry import NewEntry
from tests.journal.days import T0, day

TITLE = "Journal"
ENTRIES = 100_000
APPEND_TARGET, DURABLE_TARGET, PUBLISH_TARGET_S, OPEN_TARGET_MS = 5_000, 3.0, 2.0, 150.0
STEP_TARGET_S = 1.0

_READER = """
import sys, time
from pathlib import Path
from jwo_cli.journal import open_journal
while True:
    with open_journal(Path(sys.argv[1])) as session:
        session.rows("SELECT settled, count(*), sum(charged_minor) FROM receipts GROUP BY settled")
"""


def run() -> str:
    """One table; times are medians, tails are 99th percentiles."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        entries = day(ENTRIES * 100 // 1354)
        rows = [*_appending(place, entries), *_publishing(place / "day"), *_telemetry(place / "telemetry")]
    head = (
        f"A made-up day of {len(entries):,} entries with a receipt of two lines in every fourteen, on one core. "
        "Durable means: `synchronous=FULL`, returned after the sync.\n\n"
        "| what | measured | target |\n|---|--:|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _row(what: str, measured: str, *, met: bool | None = None, target: str = "") -> str:
    verdict = "" if met is None else f"{target}: {'met' if met else MISSED}"
    return f"| {what} | {measured} | {verdict} |"


def _times_ms(act: Callable[[int], object], rounds: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    times = []
    for n in range(rounds):
        began = time.perf_counter()
        act(n)
        times.append((time.perf_counter() - began) * 1e3)
    return np.array(times)


def _fsync_ms(place: Path) -> float:
    """Median of appending one page to a file and syncing it: what this disk asks for any durability at all."""
    with (place / "page").open("ab", buffering=0) as file:

        def page(_: int) -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        return float(np.median(_times_ms(page, 300)))


def _receipts(entries: Sequence[NewEntry], name: str) -> Callable[[int], NewEntry]:
    """The n-th receipt of the day, as an entry that was not there before."""
    issued = [entry for entry in entries if entry.kind == "receipt_issued"]
    return lambda n: NewEntry(
        key=f"{name}:{n}", at_ns=T0 + n, source=name, kind="receipt_issued", payload=issued[n % len(issued)].payload
    )


def _appending(place: Path, entries: Sequence[NewEntry]) -> list[str]:
    sync_ms = _fsync_ms(place)
    rows = [_row("bare fsync of one page, p50", f"{sync_ms:.2f} ms")]
    with Intake.open(place / "day", store_id="shop", layout_version="l") as intake:
        for size in (1000, 100):
            part = entries[: len(entries) // 2] if size == 1000 else entries[len(entries) // 2 :]
            began = time.perf_counter()
            for start in range(0, len(part), size):
                intake.append(part[start : start + size])
            speed = len(part) / (time.perf_counter() - began)
            rows.append(
                _row(f"appending in batches of {size}", f"{speed:,.0f} entries/s", met=speed >= APPEND_TARGET,
                     target=f"≥ {APPEND_TARGET:,}")
            )  # fmt: skip
        began = time.perf_counter()
        intake.append(entries[:20_000])
        rows.append(_row("appending what is there already", f"{20_000 / (time.perf_counter() - began):,.0f} entries/s"))
    with Intake.open(place / "alone", store_id="shop") as intake:
        one = _receipts(entries, "alone")
        times = _times_ms(lambda n: intake.append([one(n)]), 1000)
        rows += _durable("one receipt, durable", times, sync_ms)
    with Intake.open(place / "busy", store_id="shop") as intake:
        busy = _receipts(entries, "busy")
        intake.append(entries[:2000])
        command = [sys.executable, "-c", _READER, str(place / "busy")]
        readers = [subprocess.Popen(command) for _ in range(2)]
        try:
            time.sleep(2)
            times = np.concatenate([_times_ms(_busily(intake, busy(k)), 1) for k in _paced(300)])
        finally:
            for reader in readers:
                reader.kill()
                reader.wait()
        rows.append(
            _row(
                "the same beside two readers in a loop, on the same core",
                f"p50 {np.median(times):.2f} ms, p99 {np.percentile(times, 99):.1f} ms",
            )
        )
    return rows


def _busily(intake: Intake, entry: NewEntry) -> Callable[[int], object]:
    return lambda _: intake.append([entry])


def _paced(rounds: int) -> Iterator[int]:
    """Numbers, 5 ms apart: charges come at a shop's pace, not in a loop."""
    for n in range(rounds):
        time.sleep(0.005)
        yield n


def _durable(what: str, times: np.ndarray[tuple[int], np.dtype[np.float64]], sync_ms: float) -> list[str]:
    p50, p99 = float(np.median(times)), float(np.percentile(times, 99))
    multiple = p50 / sync_ms
    return [
        _row(f"{what}, p50", f"{p50:.2f} ms = {multiple:.1f} fsyncs", met=multiple <= DURABLE_TARGET,
             target=f"≤ {DURABLE_TARGET:.0f} fsyncs"),
        _row(f"{what}, p99", f"{p99:.2f} ms = {p99 / sync_ms:.1f} fsyncs"),
    ]  # fmt: skip


def _publishing(place: Path) -> list[str]:
    def anew(_: int) -> None:
        (place / "store.duckdb").unlink(missing_ok=True)
        publish(place)

    publish_s = float(_times_ms(anew, 3).min()) / 1e3
    again_ms = float(np.median(_times_ms(lambda _: publish(place), 10)))
    open_ms = float(np.median(_times_ms(lambda _: open_journal(place).close(), 10)))
    size = (place / "store.duckdb").stat().st_size
    log = (place / "intake.sqlite").stat().st_size
    with Intake.open(place) as intake:
        intake.append(day(73, source="tail", first_seq=intake.head()[0] + 1))
    tail_ms = float(np.median(_times_ms(lambda _: open_journal(place).close(), 10)))
    began = time.perf_counter()
    publish(place)
    step_s = time.perf_counter() - began
    began = time.perf_counter()
    sound = verify(place) == ()
    verify_s = time.perf_counter() - began
    return [
        _row("publishing all of it (best of three)", f"{publish_s:.2f} s", met=publish_s <= PUBLISH_TARGET_S,
             target=f"≤ {PUBLISH_TARGET_S:.0f} s"),
        _row("publishing 1,000 entries more", f"{step_s:.2f} s", met=step_s <= STEP_TARGET_S,
             target=f"≤ {STEP_TARGET_S:.0f} s"),
        _row("publishing when nothing changed", f"{again_ms:.0f} ms"),
        _row("opening", f"{open_ms:.0f} ms"),
        _row("opening with a tail of 1,000 entries", f"{tail_ms:.0f} ms", met=tail_ms <= OPEN_TARGET_MS,
             target=f"≤ {OPEN_TARGET_MS:.0f} ms"),
        _row("verifying (chain, payloads, published copy, books)", f"{verify_s:.1f} s, {'sound' if sound else MISSED}"),
        _row("size of the log and of the published copy", f"{log / 1e6:.0f} MB, {size / 1e6:.0f} MB"),
    ]  # fmt: skip


def _telemetry(place: Path) -> list[str]:
    """Ten minutes of 96 plates at 60 Hz with half a gram of noise in steps of 0.1 g, and a pick now and then."""
    rng = np.random.default_rng(1)
    channels = tuple(f"g{n // 12}:{n % 12}:1" for n in range(96))
    batches = []
    level = np.full(96, 800.0)
    for n in range(3000):
        level[rng.integers(96)] -= 340 * (n % 100 == 0)
        grams = np.round(level + rng.normal(0, 0.5, (12, 96)), 1).astype(np.float32)
        batches.append(
            WeightBatch(device_id="g", end_ns=T0 + n * 200_000_000, rate_hz=60.0, channels=channels, grams=grams)
        )
    began = time.perf_counter()
    with SegmentWriter(place, "weights", source="run") as writer:
        for batch in batches:
            writer.weights(batch)
    spent = time.perf_counter() - began
    samples = 3000 * 12 * 96
    size = sum(one.path.stat().st_size for one in segments.listing(place, "weights"))
    return [
        _row("writing weight samples to segments", f"{samples / spent / 1e6:.1f} million/s"),
        _row("size of a weight sample", f"{size / samples:.2f} B"),
    ]
