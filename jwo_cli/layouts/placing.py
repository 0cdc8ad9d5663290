"""Cameras of a layout into its frame: as they were drawn, or as surveyed points say; one by one, or as a rig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.floor import Placed, Survey, place
from jwo_cli.estimate.calibration.rigid import Rigid, align, identity, pose_of
from jwo_cli.estimate.calibration.verdict import Judgement, judge
from jwo_cli.layouts.calibrated import camera_of, known_cameras, with_lens, with_pose
from jwo_cli.layouts.cameras_io import CameraFile, read_cameras
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Camera, Store

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """The store with its cameras placed, and how well; `placed` is None where nothing could be: see `judgement`."""

    store: Store
    names: tuple[str, ...]
    cameras: tuple[CameraFile, ...]
    survey: Survey
    placed: Placed | None
    judgement: Judgement


def place_cameras(store: Store, names: Sequence[str], survey: Survey, rig: Path | None) -> Placing:
    """Place the cameras of a survey, each by its own points, or with all of a rig's cameras as one body."""
    if not len(survey.px):
        raise UserError("none of the surveyed points was seen", fix="Check names, marker numbers and the dictionary.")
    if rig is not None:
        return _as_rig(store, names, survey, rig)
    cameras = known_cameras(names, [], store)
    parts: list[Placed] = []
    for index, camera in enumerate(cameras):
        own = survey.take(survey.camera == index)
        alone = Survey(names=own.names, camera=np.zeros(len(own.px), dtype=np.int64), places_m=own.places_m, px=own.px)
        guess = pose_of(camera_of(store, camera.name))
        found = place([identity()], [camera.lens], alone, guess=guess)
        if isinstance(found, Judgement):
            return Placing(
                store=store, names=tuple(names), cameras=tuple(cameras), survey=survey, placed=None, judgement=found
            )
        parts.append(found)
        store = with_pose(store, camera.name, found.cameras[0])
    ordered = np.argsort(survey.camera, kind="stable")
    survey = Survey(
        names=tuple(survey.names[index] for index in ordered),
        camera=survey.camera[ordered],
        places_m=survey.places_m[ordered],
        px=survey.px[ordered],
    )
    residuals = np.concatenate([part.residuals_px for part in parts])
    placed = Placed(
        cameras=tuple(part.cameras[0] for part in parts),
        residuals_px=residuals,
        rms_px=float(np.sqrt((residuals**2).sum(axis=1).mean())),
        floor_cm=np.concatenate([part.floor_cm for part in parts]),
        unseen_cm=np.concatenate([part.unseen_cm for part in parts]),
        judgement=judge([reason for part in parts for reason in part.judgement.reasons]),
    )
    return Placing(
        store=store,
        names=tuple(names),
        cameras=tuple(cameras),
        survey=survey,
        placed=placed,
        judgement=placed.judgement,
    )


def _as_rig(store: Store, names: Sequence[str], survey: Survey, rig: Path) -> Placing:
    cameras = read_cameras(rig)
    rigged = [camera.name for camera in cameras]
    body = [camera.pose for camera in cameras if camera.pose is not None]
    lost = [name for name in names if name not in rigged]
    if lost or len(body) != len(cameras):
        problem = f"{rig} has no pose of {', '.join(lost) or 'every camera'}"
        raise UserError(problem, fix="Name what `jwo calibrate rig` wrote for these cameras.")
    index = np.array([rigged.index(name) for name in names], dtype=np.int64)
    survey = Survey(names=survey.names, camera=index[survey.camera], places_m=survey.places_m, px=survey.px)
    drawn = [camera_of(store, name) for name in rigged]
    guess = drawn_alignment(drawn, body)[0].inverse()
    found = place(body, [camera.lens for camera in cameras], survey, guess=guess)
    placed = None if isinstance(found, Judgement) else found
    for camera, pose in zip(cameras, placed.cameras if placed else (), strict=False):
        store = with_pose(with_lens(store, camera.name, camera.lens), camera.name, pose)
    judgement = found if isinstance(found, Judgement) else found.judgement
    return Placing(store=store, names=tuple(rigged), cameras=cameras, survey=survey, placed=placed, judgement=judgement)


def drawn_alignment(cameras: Sequence[Camera], rig: Sequence[Rigid]) -> tuple[Rigid, float]:
    """`store_from_rig` by where the layout draws the cameras and where they look, and how far off it is (RMS, m).

    A start only: people draw cameras to a decimetre. Raises ValueError where the places do not fix it.
    """
    drawn: list[Floats] = []
    found: list[Floats] = []
    for camera, pose in zip(cameras, rig, strict=True):
        there = pose_of(camera)
        # A point ahead of each camera and one below it carry the turn; the centres alone may lie on a line.
        for item, out in ((there, drawn), (pose, found)):
            out += [item.centre(), item.centre() + item.turn[2], item.centre() + item.turn[1]]
    store_from_rig, _ = align(np.array(drawn), np.array(found))
    off = store_from_rig.apply(np.array(found[::3])) - np.array(drawn[::3])
    return store_from_rig, float(np.sqrt((off**2).sum(axis=1).mean()))


def place_as_drawn(store: Store, cameras: Sequence[CameraFile], *, upright: bool = False) -> tuple[Store, float]:
    """A rig into the layout, turned onto where its cameras were drawn (to a decimetre); and how far off (RMS, m).

    An `upright` rig knows the floor already: it is only turned and moved on it.
    """
    poses = [camera.pose for camera in cameras if camera.pose is not None]
    drawn = [camera_of(store, camera.name) for camera in cameras]
    store_from_rig, off_m = drawn_alignment(drawn, poses)
    if upright:
        store_from_rig, off_m = _on_floor(drawn, poses)
    for camera, pose in zip(cameras, poses, strict=True):
        store = with_lens(store, camera.name, camera.lens)
        store = with_pose(store, camera.name, pose.after(store_from_rig.inverse()))
    return store, off_m


def _on_floor(cameras: Sequence[Camera], rig: Sequence[Rigid]) -> tuple[Rigid, float]:
    """`store_from_rig` as `drawn_alignment`, about the vertical and along the floor only."""
    there = [pose_of(camera) for camera in cameras]
    ends = [
        np.concatenate([np.stack([item.centre(), item.centre() + item.turn[2]])[:, :2] for item in items])
        for items in (there, rig)
    ]
    middle_a, middle_b = ends[0].mean(axis=0), ends[1].mean(axis=0)
    spread = (ends[1] - middle_b).T @ (ends[0] - middle_a)
    angle = float(np.arctan2(spread[0, 1] - spread[1, 0], spread[0, 0] + spread[1, 1]))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    shift = middle_a - turn[:2, :2] @ middle_b
    store_from_rig = Rigid(turn=turn, shift=np.array([shift[0], shift[1], 0.0]))
    off = store_from_rig.apply(np.stack([item.centre() for item in rig])) - np.stack([item.centre() for item in there])
    return store_from_rig, float(np.sqrt((off**2).sum(axis=1).mean()))
