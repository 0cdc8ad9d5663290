"""The real tracking data, read in place: PETS2009 boxes, CMC's four ceiling cameras, WILDTRACK's seven.

WILDTRACK's boxes are its annotation with the identities taken away: an easy input, not to be compared with what
detectors give from the pictures.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import tarfile
import xml.etree.ElementTree as ET  # our own data folder, nothing that a stranger sent
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.rigid import exp
from jwo_cli.estimate.camera import View
from jwo_cli.estimate.metrics.pairing import Rows
from jwo_cli.estimate.tracking.runs import Detections
from jwo_cli.recordings.mot import place_rows, read_detections

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parent.parent
# The authors' bounds of the room that their truth covers (x and y, metres).
CMC_FLOOR = np.array([[2.03, 0.0], [6.3, 0.0], [6.3, 3.41], [2.03, 3.41]])
WILDTRACK_FLOOR = np.array([[-3.0, -9.0], [9.0, -9.0], [9.0, 27.0], [-3.0, 27.0]])
_MATRIX_AT = 1436  # where the twelve numbers lie in each of CMC's four .mat files (HDF5, contiguous)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Several cameras, what each gave, the true places, and the floor that the truth covers."""

    views: list[View]
    seen: list[Detections]
    truth: Rows
    floor: Floats


def folder() -> Path:
    """Where the real data lies."""
    return Path(os.environ.get("JWO_SHARED_DATA") or ROOT.parent / "shared" / "data")


def detections(path: Path, *, looks: bool = True) -> Detections:
    """A camera's detections; without appearance where `looks` is off."""
    rows = read_detections(path)
    look = rows.look if looks else np.zeros((len(rows), 0))
    return Detections(frame=rows.frame, box_px=rows.box_px, score=rows.score, look=look)


def pets_truth(first_frame: int) -> Rows:
    """PETS2009 S2L1, view 1: true boxes; the file counts frames from 0."""
    packed = (folder() / "pets2009" / "PETS2009-S2L1-gt.xml.gz").read_bytes()
    rows = []
    for frame in ET.fromstring(gzip.decompress(packed)).iter("frame"):  # noqa: S314
        for person in frame.iter("object"):
            box = {name: float(value) for name, value in person.find("box").attrib.items()}  # type: ignore[union-attr]
            corner = (box["xc"] - box["w"] / 2, box["yc"] - box["h"] / 2)
            number = int(frame.attrib["number"]) + first_frame
            rows.append((number, int(person.attrib["id"]), *corner, box["w"], box["h"]))
    return _rows(np.array(rows))


def cmc(name: str, *, looks: bool = False) -> Scene:
    """CMC1 (3 people) or CMC2 (10): FairMOT boxes of four ceiling cameras, true places by identity."""
    base = folder() / "cmc"
    views, seen = [], []
    for camera in range(1, 5):
        raw = (base / f"cam{camera}_cam_mat.mat").read_bytes()
        matrix = np.frombuffer(raw, "<f8", 12, _MATRIX_AT).reshape(4, 3).T.copy()
        views.append(View(projection=matrix, size_px=(1920.0, 1024.0)))
        found = detections(base / name / f"fairmot-cam{camera}.npz", looks=looks)
        # The arrays count frames from 0, the truth from 1.
        seen.append(Detections(frame=found.frame + 1, box_px=found.box_px, score=found.score, look=found.look))
    return Scene(views=views, seen=seen, truth=place_rows(base / name / "gt-world-centroid.txt"), floor=CMC_FLOOR)


def wildtrack(*, dropped: float = 0.0, blur_px: float = 0.0, seed: int = 0) -> Scene:
    """All 400 annotated frames (every fifth of a 10 Hz clock): boxes of seven cameras without identities."""
    names = ("CVLab1", "CVLab2", "CVLab3", "CVLab4", "IDIAP1", "IDIAP2", "IDIAP3")
    truth: list[tuple[float, ...]] = []
    boxes: list[list[tuple[int, ...]]] = [[] for _ in names]
    views = []
    with tarfile.open(folder() / "wildtrack" / "wildtrack-annotations-calibrations.tar.gz") as kept:
        texts = {member.name: kept.extractfile(member) for member in kept.getmembers() if member.isfile()}
        for path in sorted(path for path in texts if path.endswith(".json")):
            frame = int(Path(path).stem)
            for person in json.load(texts[path] or io.BytesIO()):
                place = person["positionID"]
                truth.append((frame, person["personID"], -3 + 0.025 * (place % 480), -9 + 0.025 * (place // 480)))
                for view in person["views"]:
                    if view["xmin"] >= 0:
                        box = (view["xmin"], view["ymin"], view["xmax"], view["ymax"])
                        boxes[view["viewNum"]].append((frame, *box))
        for name in names:
            inner = (texts[f"Wild-Track/calibrations/intrinsic_zero/intr_{name}.xml"] or io.BytesIO()).read().decode()
            outer = (texts[f"Wild-Track/calibrations/extrinsic/extr_{name}.xml"] or io.BytesIO()).read().decode()
            views.append(_wildtrack_view(inner, outer))
    draw = np.random.default_rng(seed)
    seen = [_blurred(np.array(rows, np.float64), dropped, blur_px, draw) for rows in boxes]
    return Scene(views=views, seen=seen, truth=_rows(np.array(truth)), floor=WILDTRACK_FLOOR)


def _wildtrack_view(inner: str, outer: str) -> View:
    lens = re.search(r"<data>(.*?)</data>", inner, re.DOTALL)
    turn, shift = (re.search(rf"<{name}>(.*?)</{name}>", outer, re.DOTALL) for name in ("rvec", "tvec"))
    if lens is None or turn is None or shift is None:
        raise ValueError("the calibration holds no matrix, rvec or tvec")
    matrix, vector, moved = (np.array(each[1].split(), np.float64) for each in (lens, turn, shift))
    pose = np.column_stack((exp(vector), moved / 100))  # centimetres
    return View(projection=matrix.reshape(3, 3) @ pose, size_px=(1920.0, 1080.0))


def _blurred(rows: Floats, dropped: float, blur_px: float, draw: np.random.Generator) -> Detections:
    """Boxes (frame, x1, y1, x2, y2) with some left out and every edge moved."""
    rows = rows[draw.random(len(rows)) >= dropped]
    edges = rows[:, 1:] + blur_px * draw.normal(0, 1, (len(rows), 4))
    size = np.maximum(edges[:, 2:] - edges[:, :2], 2.0)
    count = len(rows)
    return Detections(
        frame=rows[:, 0].astype(np.int64),
        box_px=np.column_stack((edges[:, :2], size)),
        score=np.ones(count),
        look=np.zeros((count, 0)),
    )


def _rows(table: Floats) -> Rows:
    return Rows(frame=table[:, 0].astype(np.int64), id=table[:, 1].astype(np.int64), place=table[:, 2:])
