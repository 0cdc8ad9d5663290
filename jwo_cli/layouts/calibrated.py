"""Calibrations into a layout: the store that knows them, written back with the file as it was beside it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jwo_cli.estimate.calibration.lens import Lens, lens_of
from jwo_cli.estimate.calibration.rigid import Rigid, log
from jwo_cli.layouts.cameras_io import CameraFile, read_cameras
from jwo_cli.layouts.load import load, store_file
from jwo_cli.layouts.save import save
from jwo_cli.layouts.version import with_version
from jwo_cli.model.findings import Severity, UserError
from jwo_cli.model.layout import Camera, Clock, Pose, Scale, Store

BEFORE = ".before-calibration"
AHEAD_M = 2.0  # where a camera that sees no floor along its axis "looks at"


def open_store(path: Path) -> Store:
    """A layout to calibrate. Raises UserError with its findings where it has errors."""
    store, findings = load(path)
    if store is None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        fix = "Correct them; `jwo layout validate` lists them."
        raise UserError(f"the layout {path} has {len(errors)} errors", fix=fix, findings=errors)
    return store


def camera_of(store: Store, camera_id: str) -> Camera:
    """A camera by its id. Raises UserError that names those there are."""
    found = next((camera for camera in store.cameras if camera.camera_id == camera_id), None)
    if found is None:
        known = ", ".join(camera.camera_id for camera in store.cameras) or "none"
        raise UserError(
            f"the layout has no camera {camera_id!r}", fix=f"It has {known}; add a [[camera]] with this id."
        )
    return found


def with_lens(store: Store, camera_id: str, lens: Lens) -> Store:
    """The store with a camera's lens calibrated."""
    camera = camera_of(store, camera_id)
    numbers = tuple(float(value) for value in lens.values)
    size = replace(camera, width_px=lens.width_px, height_px=lens.height_px)
    return _with_camera(store, replace(size, intrinsics=numbers, lens=lens.kind))


def with_pose(store: Store, camera_id: str, camera_from_store: Rigid) -> Store:
    """The store with a camera placed; its look-at point becomes where its axis meets the floor."""
    camera = camera_of(store, camera_id)
    place, ahead = camera_from_store.centre(), camera_from_store.turn[2]
    along = -place[2] / ahead[2] if ahead[2] < -0.05 and place[2] > 0 else AHEAD_M
    spot = place + ahead * min(along, 20.0)
    x, y, z = (round(float(value), 6) for value in place)
    pose = Pose(x_m=x, y_m=y, z_m=z, rotation_deg=camera.pose.rotation_deg)
    turn = tuple(float(value) for value in log(camera_from_store.turn))
    look_at = (round(float(spot[0]), 4), round(float(spot[1]), 4), round(float(spot[2]), 4))
    return _with_camera(store, replace(camera, pose=pose, look_at=look_at, rotation_rad=turn))


def _with_camera(store: Store, changed: Camera) -> Store:
    cameras = tuple(changed if camera.camera_id == changed.camera_id else camera for camera in store.cameras)
    return with_version(replace(store, cameras=cameras))


def with_scales(store: Store, scales: Sequence[Scale]) -> Store:
    """The store with these scales' figures; others keep theirs."""
    fresh = {scale.channel: scale for scale in scales}
    kept = [scale for scale in store.scales if scale.channel not in fresh]
    return with_version(replace(store, scales=(*kept, *scales)))


def with_channels(store: Store, channels: Mapping[str, str]) -> Store:
    """The store with plates (by id) on other channels."""
    fixtures = tuple(
        replace(fixture, bays=tuple(
            replace(bay, shelves=tuple(
                replace(shelf, plates=tuple(
                    replace(plate, channel=channels.get(plate.plate_id, plate.channel)) for plate in shelf.plates
                )) for shelf in bay.shelves
            )) for bay in fixture.bays
        )) for fixture in store.fixtures
    )  # fmt: skip
    return with_version(replace(store, fixtures=fixtures))


def with_clock(store: Store, clock: Clock) -> Store:
    """The store with one device's clock measured."""
    kept = [item for item in store.clocks if item.device_id != clock.device_id]
    return with_version(replace(store, clocks=(*kept, clock)))


def write_back(store: Store, path: Path) -> tuple[Path, ...]:
    """Write the layout over the files it came from; the store file as it was stays beside it, with its comments."""
    file = store_file(path)
    try:
        shutil.copyfile(file, file.with_name(file.name + BEFORE))
    except OSError as error:
        raise UserError(f"{file.parent} cannot be written: {error.strerror}", fix="Check its permissions.") from None
    return save(store, file)


def known_cameras(names: Sequence[str], files: Sequence[Path], store: Store | None) -> list[CameraFile]:
    """Each camera's lens (and pose): from files by name, or in order where the count agrees; else the layout's lens.

    Raises UserError that names the cameras whose lens is not known.
    """
    read = [camera for file in files for camera in read_cameras(file)]
    by_name = {camera.name: camera for camera in read}
    if read and len(read) == len(names) and not set(names) <= set(by_name):
        by_name = dict(zip(names, read, strict=True))
    for camera in store.cameras if store is not None else ():
        lens = lens_of(camera)
        if lens is not None and camera.camera_id not in by_name:
            by_name[camera.camera_id] = CameraFile(name=camera.camera_id, lens=lens)
    lost = [name for name in names if name not in by_name]
    if lost:
        fix = "Calibrate them first (`jwo calibrate camera`), or say --intrinsics FILE."
        raise UserError(f"the lens of {', '.join(lost)} is not known", fix=fix)
    return [by_name[name] for name in names]


def plate_order(store: Store, text: str) -> list[tuple[str, str]]:
    """[(plate, channel)] in the order that was said (all of them for ""). Raises UserError on unknown plates."""
    plates = store.plates()
    wanted = [name.strip() for name in text.split(",") if name.strip()] or list(plates)
    lost = [name for name in wanted if name not in plates]
    if lost:
        known = ", ".join(list(plates)[:6])
        raise UserError(f"the layout has no plate {', '.join(lost)}", fix=f"Its plates are {known} …")
    return [(name, plates[name][2].channel) for name in wanted]


def two_weights(text: str) -> list[float]:
    """'500,1000' as grams. Raises UserError unless they are two different weights."""
    try:
        values = sorted(float(part) for part in text.split(","))
    except ValueError:
        values = []
    if len(values) != 2 or not 0 < values[0] < values[1] <= 1e6 or values[1] < 1.2 * values[0]:
        fix = "Say the two in grams, the heavier at least a fifth heavier: --weights 500,1000."
        raise UserError(f"--weights {text!r} are not two known weights", fix=fix)
    return values
