"""Cameras into the layout's frame: as drawn, as surveyed, one by one and as a rig."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.calibration.floor import Survey
from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rigid import Rigid, pose_of
from jwo_cli.estimate.calibration.verdict import Verdict
from jwo_cli.layouts import calibrated
from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, write_cameras
from jwo_cli.layouts.placing import drawn_alignment, place_as_drawn, place_cameras
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import LensKind, Store
from tests.layouts.conftest import Copy

LENS = Lens(kind=LensKind.RADTAN, values=np.array([1400.0, 1400, 1280, 720, -0.1, 0.02, 0, 0, 0]),
            width_px=2560, height_px=1440)  # fmt: skip
SPOTS = [(3.0, 3.4, 0.0), (3.8, 3.0, 0.0), (3.4, 4.4, 0.0), (4.2, 3.9, 0.0), (3.6, 3.6, 0.9), (3.2, 2.6, 1.0)]


def survey(poses: list[Rigid], spots: list[tuple[float, float, float]]) -> Survey:
    """Noiseless clicks, in a mixed order."""
    rows = [(index, spot) for spot in spots for index in range(len(poses))]
    px = np.array([LENS.project(poses[index].apply(np.array([spot])))[0] for index, spot in rows])
    good = np.isfinite(px).all(axis=1)
    names = tuple(f"{index}-{spot}" for (index, spot), kept in zip(rows, good, strict=True) if kept)
    places = np.array([spot for _, spot in rows])
    return Survey(names=names, camera=np.array([i for i, _ in rows])[good], places_m=places[good], px=px[good])


def moved(store: Store) -> list[Rigid]:
    """The first two cameras a little beside where they were drawn, both alike."""
    shift = np.array([0.15, -0.1, 0.05])
    drawn = [pose_of(camera) for camera in store.cameras[:2]]
    return [Rigid(turn=pose.turn, shift=pose.shift - pose.turn @ shift) for pose in drawn]


def test_a_rig_is_laid_onto_the_drawn_cameras(market: Copy) -> None:
    """Turned and moved as drawn, and how far off the drawing is."""
    store = calibrated.open_store(market.folder)
    drawn = [pose_of(camera) for camera in store.cameras]
    rig = [pose.after(drawn[0].inverse()) for pose in drawn]
    store_from_rig, off = drawn_alignment(store.cameras, rig)
    assert off == pytest.approx(0, abs=1e-9)
    assert np.allclose(rig[1].after(store_from_rig.inverse()).centre(), drawn[1].centre())


def test_cameras_are_placed_one_by_one(market: Copy) -> None:
    """Each from its own points, though the rows were mixed."""
    store = calibrated.open_store(market.folder)
    for name in ("c1", "c2"):
        store = calibrated.with_lens(store, name, LENS)
    true = moved(store)
    placing = place_cameras(store, ["c1", "c2"], survey(true, SPOTS), None)
    assert placing.judgement.verdict is not Verdict.REFUSED
    for name, pose in zip(("c1", "c2"), true, strict=True):
        assert np.allclose(pose_of(calibrated.camera_of(placing.store, name)).centre(), pose.centre(), atol=1e-4)


def test_a_rig_is_placed_as_one_body(market: Copy, tmp_path: Path) -> None:
    """Lenses and places of both from few points of either."""
    store = calibrated.open_store(market.folder)
    true = moved(store)
    rig = [CameraFile(name=f"c{n + 1}", lens=LENS, pose=pose.after(true[0].inverse())) for n, pose in enumerate(true)]
    write_cameras(rig, tmp_path / "rig", CameraFormat.OPENCV)
    placing = place_cameras(store, ["c2", "c1"], survey(true[::-1], SPOTS[:4]), tmp_path / "rig")
    assert placing.judgement.verdict is not Verdict.REFUSED
    for name, pose in zip(("c1", "c2"), true, strict=True):
        camera = calibrated.camera_of(placing.store, name)
        assert np.allclose(pose_of(camera).centre(), pose.centre(), atol=1e-4)
        assert camera.intrinsics[0] == 1400


def test_a_rig_as_drawn_says_how_far_off_it_is(market: Copy) -> None:
    """Cameras a decimetre apart from the drawing."""
    store = calibrated.open_store(market.folder)
    drawn = [pose_of(camera) for camera in store.cameras]
    off = Rigid(turn=drawn[1].turn, shift=drawn[1].shift - drawn[1].turn @ np.array([0.3, 0.0, 0.0]))
    poses = [drawn[0], off, *drawn[2:]]
    names = [camera.camera_id for camera in store.cameras]
    files = [CameraFile(name=name, lens=LENS, pose=pose) for name, pose in zip(names, poses, strict=True)]
    _, off_m = place_as_drawn(store, files)
    assert 0.05 < off_m < 0.3


def test_nothing_seen_is_a_sentence(market: Copy) -> None:
    """Before anything is fitted."""
    store = calibrated.open_store(market.folder)
    empty = Survey(names=(), camera=np.zeros(0, dtype=np.int64), places_m=np.zeros((0, 3)), px=np.zeros((0, 2)))
    with pytest.raises(UserError, match="none of the surveyed points"):
        place_cameras(store, ["c1"], empty, None)
