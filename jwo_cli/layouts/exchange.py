"""A layout's calibrated cameras from and to other tools' files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jwo_cli.estimate.calibration.lens import lens_of
from jwo_cli.estimate.calibration.rigid import pose_of
from jwo_cli.layouts.calibrated import open_store, with_lens, with_pose, write_back
from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, read_cameras, write_cameras
from jwo_cli.model.findings import Finding, UserError


def import_into(layout: Path, source: Path, names: Sequence[str], *, poses: bool) -> tuple[Path, ...]:
    """Lenses (and, where `poses`, places in the store's frame) of a file into a layout; the files written.

    `names` say whose they are, in the file's order; without, the file's own names. Raises UserError before writing.
    """
    store = open_store(layout)
    cameras = read_cameras(source)
    if names and len(names) != len(cameras):
        fix = "Name each camera of the file, in its order."
        raise UserError(f"{source} holds {len(cameras)} cameras, {len(names)} were named", fix=fix)
    for camera, name in zip(cameras, names or [camera.name for camera in cameras], strict=True):
        store = with_lens(store, name, camera.lens)
        if poses:
            if camera.pose is None:
                raise UserError(
                    f"{source} has no pose of {camera.name}", fix="Leave --poses away, or give a file with."
                )
            store = with_pose(store, name, camera.pose)
    return write_back(store, layout)


def export_from(layout: Path, out: Path, form: str) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """The calibrated cameras of a layout, with their poses where they were placed; files, and what was lost."""
    known = {item.value: item for item in CameraFormat}
    if form not in known:
        raise UserError(f"{form!r} is no format of cameras", fix=f"Use one of {', '.join(known)}.")
    cameras = []
    for camera in open_store(layout).cameras:
        lens = lens_of(camera)
        if lens is not None:
            pose = pose_of(camera) if camera.rotation_rad else None
            cameras.append(CameraFile(name=camera.camera_id, lens=lens, pose=pose))
    if not cameras:
        raise UserError(f"{layout} has no calibrated camera", fix="Run `jwo calibrate camera` first.")
    return write_cameras(cameras, out, known[form])
