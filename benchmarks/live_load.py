"""What one core carries in real time: plates, shoppers and detection streams of a store that runs.

A market of 204 plates and twenty shoppers at once stands once, twice, … side by side on one floor. Its signals go into
a running store's own loop (`LiveStore.take`: recording, front end, engine, journal with every sync) as they would
arrive, without waiting for them; the cameras' boxes go into the tracker that makes pose messages of them (`LiveFloor`).
What is counted is seconds of one core for a second of the store.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.__main__ import MISSED
from benchmarks.material import APART_M, side_by_side
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import PoseFrame, Signal
from jwo_cli.estimate.tracking.doorways import Doorways
from jwo_cli.estimate.tracking.live import LiveFloor
from jwo_cli.journal import Intake
from jwo_cli.model.layout import Store
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording, captured_ns
from jwo_cli.synthetic.day import START_NS, Day
from jwo_cli.synthetic.made import find_store

TITLE = "Live load"
SECONDS, INSIDE = 40.0, 20
ASKED = {"plates": 500, "shoppers": 60, "streams": 16}
COPIES = (1, 3, 6, 12)
STREAMS = {1: 6, 3: 16}  # cameras of so many copies; larger floors have their trackers in processes of their own
HEIGHT_M, FOCAL_PX, SIZE_PX = 4.5, 640.0, (1280.0, 960.0)  # 90 degrees wide
PERSON_M = (0.25, 1.7)  # half as wide, as high


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Seconds of one core for a second of the store."""

    plates: int
    shoppers: int
    streams: int
    store: float
    boxes: float  # in a stream's frame, on average
    tracking: float | None
    receipts: int

    @property
    def whole(self) -> float:
        """Store and tracking on the same core."""
        return self.store + (self.tracking or 0.0)


def run() -> str:
    """A table over the number of copies, and whether one core carries what is asked."""
    market = _market()
    loads = [_load(market, copies) for copies in COPIES]
    enough = [load for load in loads if load.plates >= ASKED["plates"] and load.shoppers >= ASKED["shoppers"]]
    met = "met" if enough and enough[0].whole <= 1.0 else MISSED
    head = (
        f"Asked: {ASKED['plates']} plates at 60 Hz, {ASKED['shoppers']} shoppers, {ASKED['streams']} detection streams "
        f"at 10 Hz in real time on one core: {met} ({enough[0].whole:.2f} seconds of it a second, "
        f"{enough[0].store:.2f} of them the store's own).\n\n"
        "*Store* is the running store with its recording and its journal; *tracking* makes pose messages of the "
        "cameras' boxes, at the store or in a process beside it.\n\n"
        "| plates at 60 Hz | shoppers at once | detection streams at 10 Hz (boxes in each) | store, s/s | "
        "tracking, s/s | both, s/s |\n|--:|--:|--:|--:|--:|--:|\n"
    )
    rows = [
        f"| {load.plates} | {load.shoppers} | {_streams(load)} | {load.store:.3f} | "
        f"{' | ' if load.tracking is None else f'{load.tracking:.3f} | {load.whole:.3f}'} |"
        for load in loads
    ]
    return head + "\n".join(rows) + "\n"


def _market() -> Recording:
    """A minute of the bundled market, twenty shoppers inside nearly throughout."""
    store = find_store("l_market")
    arrivals = iter(np.arange(0.3, SECONDS, 0.7).tolist())
    signals = tuple(Day(store, seed=3, end_s=SECONDS, arrivals=arrivals, most_inside=INSIDE))
    return Recording(
        name="market", recording_id="market", store=store, start_ns=START_NS, duration_s=SECONDS, staff=(), findings=(),
        path=Path("market"), source={}, read_signals=lambda: iter(signals), read_truth=lambda: None,
    )  # fmt: skip


def _load(market: Recording, copies: int) -> Load:
    recording = side_by_side(market, copies)
    signals = [signal for signal in recording.signals() if captured_ns(signal) <= START_NS + SECONDS * NS_PER_S]
    frames = [signal for signal in signals if isinstance(signal, PoseFrame)]
    busy = sorted(len(frame.people) for frame in frames)[len(frames) // 2 :]
    store_s, receipts = _store_s(recording.store, signals)
    tracking_s, boxes = _tracking_s(recording.store, frames, copies) if copies in STREAMS else (None, 0.0)
    return Load(
        plates=len(recording.store.plates()),
        shoppers=int(np.median(busy)),
        streams=STREAMS.get(copies, 0),
        store=store_s / SECONDS,
        boxes=boxes,
        tracking=None if tracking_s is None else tracking_s / SECONDS,
        receipts=receipts,
    )


def _store_s(store: Store, signals: list[Signal]) -> tuple[float, int]:
    """Seconds of this core for all signals, and how many receipts they came to."""
    now = [START_NS]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with Intake.open(place / "journal", store_id=store.store_id, layout_version=store.version) as intake:
            run = LiveStore(store, intake, sources=(), recording=place / "recording", now_ns=lambda: now[0])
            run.note(ModeChanged(at_ns=now[0], mode=Mode.UP, staff="benchmark"))
            began, committed_ns, rotated_ns = time.process_time(), START_NS, START_NS
            for signal in signals:
                now[0] = max(now[0], captured_ns(signal))
                run.take(Arrived("load", signal, time.monotonic_ns()))
                if now[0] - committed_ns >= NS_PER_S // 5:
                    run.commit()
                    committed_ns = now[0]
                if now[0] - rotated_ns >= 10 * NS_PER_S:
                    run.rotate()
                    rotated_ns = now[0]
            took = time.process_time() - began
            receipts = len(run.live.receipts)
            run.end()
    return took, receipts


def _streams(load: Load) -> str:
    return f"{load.streams} ({load.boxes:.1f})" if load.streams else ""


def _tracking_s(store: Store, frames: list[PoseFrame], copies: int) -> tuple[float, float]:
    """Seconds of this core for the boxes that the cameras would have made of everybody; how many boxes a frame."""
    views = _views(store, copies)
    floor = LiveFloor(views, Doorways(gates=store.gates, edge=np.array(store.floor, np.float64)))
    shown = [
        (frame.at_ns, {name: _boxes(view, _places(frame)) for name, view in views.items()})
        for frame in _ten_a_second(frames)
    ]
    began = time.process_time()
    for at_ns, boxes in shown:
        for name, found in boxes.items():
            floor.feed(name, at_ns, found)
    took = time.process_time() - began
    counts = [len(found.scores) for _, boxes in shown for found in boxes.values()]
    return took, sum(counts) / max(len(counts), 1)


def _ten_a_second(frames: list[PoseFrame]) -> list[PoseFrame]:
    kept: list[PoseFrame] = []
    for frame in frames:
        if not kept or frame.at_ns - kept[-1].at_ns >= 0.09 * NS_PER_S:
            kept.append(frame)
    return kept


def _views(store: Store, copies: int) -> dict[str, View]:
    """Cameras under the ceiling, looking straight down, spread over the copies' floors."""
    xs, ys = zip(*store.floor, strict=True)
    width, deep = max(xs) - (copies - 1) * APART_M - min(xs), max(ys) - min(ys)
    views = {}
    for number in range(STREAMS[copies]):
        copy, place = number % copies, number // copies
        columns = 3
        x_m = min(xs) + copy * APART_M + width * (place % columns + 0.5) / columns
        y_m = min(ys) + deep * (place // columns + 0.5) / 2
        turn = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
        shift = -turn @ np.array([x_m, y_m, HEIGHT_M])
        lens = np.array([[FOCAL_PX, 0.0, SIZE_PX[0] / 2], [0.0, FOCAL_PX, SIZE_PX[1] / 2], [0.0, 0.0, 1.0]])
        views[f"c{number}"] = View(projection=lens @ np.column_stack((turn, shift)), size_px=SIZE_PX)
    return views


def _places(frame: PoseFrame) -> NDArray[np.float64]:
    """Where everybody stands, [n, 2] metres."""
    middles = [np.nanmedian(person.joints_m[:, :2], axis=0) for person in frame.people]
    places = np.array(middles, np.float64).reshape(-1, 2)
    return places[np.isfinite(places).all(axis=1)]


def _boxes(view: View, places: NDArray[np.float64]) -> Boxes:
    """The boxes of bodies around these places, as far as their middle is in the image."""
    half, high = PERSON_M
    corners = []
    for x_m, y_m in places:
        body = np.array([(x_m + dx, y_m + dy, z) for dx in (-half, half) for dy in (-half, half) for z in (0.0, high)])
        image = view.project(body)
        low, top = image.min(axis=0), image.max(axis=0)
        middle = (low + top) / 2
        if 0 <= middle[0] < SIZE_PX[0] and 0 <= middle[1] < SIZE_PX[1]:
            corners.append((*low, *top))
    found = np.array(corners, np.float32).reshape(-1, 4)
    return Boxes(corners_px=found, scores=np.full(len(found), 0.9, np.float32))
