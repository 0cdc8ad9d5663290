"""The tracker by itself on other people's detections: PETS2009, CMC and WILDTRACK, with one default set of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.__main__ import MISSED
from benchmarks.tracking_data import Scene, cmc, detections, folder, pets_truth, wildtrack
from jwo_cli.estimate.metrics.clear import clear
from jwo_cli.estimate.metrics.floor import Points, floor_score
from jwo_cli.estimate.metrics.hota import hota
from jwo_cli.estimate.metrics.identity import identity
from jwo_cli.estimate.metrics.pairing import Rows, iou, nearness, pair
from jwo_cli.estimate.tracking.runs import Tracked, join_image, track_floor, track_image
from jwo_cli.estimate.tracking.settings import TrackSettings

TITLE = "Tracking accuracy"
GATE_M = 0.5
WILDTRACK_HZ = 10.0  # the clock that its frame numbers count; every fifth is annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is reached: MOTA, IDF1, HOTA, and on the floor MODA; shares of one."""

    mota: float
    idf1: float
    hota: float
    moda: float | None = None


def run() -> str:
    """A table of what is asked and what is reached."""
    if not folder().is_dir():
        return "The real data is not here; JWO_SHARED_DATA names its place.\n"
    rows = [
        _row("PETS2009, FairMOT boxes", pets("fairmot-x1y1x2y2.txt"), mota=0.90, idf1=0.90),
        _row("PETS2009, Faster-RCNN boxes", pets("fasterrcnn-mot.txt"), mota=0.66, idf1=0.60),
    ]
    rows += [
        _row("PETS2009, FairMOT boxes, only joined (`--quick`)", pets("fairmot-x1y1x2y2.txt", quick=True)),
        _row("PETS2009, Faster-RCNN boxes, only joined (`--quick`)", pets("fasterrcnn-mot.txt", quick=True)),
    ]
    for name, mota, idf1 in (("CMC1", 0.99, 0.99), ("CMC2", 0.95, 0.97)):
        scene = cmc(name)
        whole = on_floor(scene)
        rows.append(_row(name, whole, mota=mota, idf1=idf1))
        for off in range(4):
            title = f"{name} without camera {off + 1}"
            rows.append(_row(title, on_floor(scene, off=off), mota=whole.mota - 0.03))
        rows.append(_row(f"{name}, the floor's polygon not told", on_floor(scene, bounded=False)))
        rows.append(_row(f"{name}, appearance too", on_floor(cmc(name, looks=True))))
    rows.append(_row("WILDTRACK, annotated boxes", on_floor(wildtrack(), rate_hz=WILDTRACK_HZ), moda=0.97, idf1=0.95))
    for seed in range(2):
        scene = wildtrack(dropped=0.3, blur_px=5.0, seed=seed)
        title = f"WILDTRACK, 30 % dropped, 5 px blur, draw {seed}"
        rows.append(_row(title, on_floor(scene, rate_hz=WILDTRACK_HZ), idf1=0.90))
    head = (
        "One default set of settings for all. PETS2009 and CMC are told no frame rate; it is found from how people "
        "walk. The floor plane's gate is 0.5 m. WILDTRACK's boxes are its annotation without identities: an easy "
        "input, not comparable with published detectors.\n\n"
        "| data | MOTA | IDF1 | HOTA | MODA | asked | |\n|---|--:|--:|--:|--:|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def pets(name: str, *, quick: bool = False) -> Figures:
    """PETS2009 S2L1 in the image; FairMOT's file counts frames from 0, Faster-RCNN's from 1."""
    truth = pets_truth(0 if name.startswith("fairmot") else 1)
    found = (join_image if quick else track_image)(detections(folder() / "pets2009" / name), TrackSettings())
    return _figures(truth, found, iou)


def pets_boxes(name: str) -> NDArray[np.float64] | None:
    """Rows frame, x1, y1, x2, y2, score; None where the data is not here."""
    path = folder() / "pets2009" / name
    if not path.is_file():
        return None
    seen = detections(path)
    high = seen.box_px[:, :2] + seen.box_px[:, 2:]
    return np.column_stack((seen.frame, seen.box_px[:, :2], high, seen.score)).astype(np.float64)


def on_floor(scene: Scene, *, off: int | None = None, rate_hz: float | None = None, bounded: bool = True) -> Figures:
    """A scene on the floor plane, with one camera switched off if asked; `bounded` tells where the floor ends."""
    kept = [number for number in range(len(scene.views)) if number != off]
    found = track_floor(
        [scene.views[number] for number in kept],
        [scene.seen[number] for number in kept],
        TrackSettings(),
        rate_hz=rate_hz,
        area=scene.floor if bounded else None,
    )
    return _figures(scene.truth, found, nearness(GATE_M), floor=True)


def _figures(
    truth: Rows,
    found: Tracked,
    alike: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    floor: bool = False,
) -> Figures:
    pairing = pair(truth, Rows(frame=found.frame, id=found.id, place=found.place), alike)
    moda = None
    if floor:
        sides = Points(frame=truth.frame, xy_m=truth.place), Points(frame=found.frame, xy_m=found.place)
        moda = floor_score(*sides, gate_m=GATE_M).moda
    return Figures(mota=clear(pairing).mota, idf1=identity(pairing).idf1, hota=hota(pairing).hota, moda=moda)


def _row(title: str, reached: Figures, **asked: float) -> str:
    met = all(float(getattr(reached, name)) >= value for name, value in asked.items())
    wanted = ", ".join(f"{name.upper()} ≥ {value:.3f}" for name, value in asked.items())
    moda = "" if reached.moda is None else f"{reached.moda:.3f}"
    verdict = ("met" if met else MISSED) if asked else ""
    return f"| {title} | {reached.mota:.3f} | {reached.idf1:.3f} | {reached.hota:.3f} | {moda} | {wanted} | {verdict} |"
