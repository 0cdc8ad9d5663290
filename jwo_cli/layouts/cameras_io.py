"""Calibrations as other tools write them: OpenCV YAML, ROS camera_info, Kalibr camchain; caliscope's TOML is read.

Poses are `camera_from_…`: Kalibr's chain is relative to its first camera, OpenCV files of ours carry R and T from the
store's frame. What a format cannot say is fitted as well as it can and told, never dropped silently.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.calibration.lens import COEFFICIENTS, Lens
from jwo_cli.estimate.calibration.rigid import Rigid, identity, nearest_turn
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.model.layout import LensKind

Floats = NDArray[np.float64]


class CameraFormat(StrEnum):
    """What `write_cameras` knows."""

    OPENCV = "opencv"
    ROS = "ros"
    KALIBR = "kalibr"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFile:
    """One camera of a file: its name there, its lens, and `camera_from_rig` (or from the store) where it is known."""

    name: str
    lens: Lens
    pose: Rigid | None = None


def read_cameras(path: Path) -> tuple[CameraFile, ...]:
    """Every camera of a file, or of a folder's YAML files in order of their names; the format is told by the content.

    Raises UserError naming the field that is wrong.
    """
    if path.is_dir():
        files = sorted(item for item in path.iterdir() if item.suffix in {".yaml", ".yml"})
        if not files:
            raise UserError(f"{path} holds no YAML files", fix="Name the folder that `jwo calibrate rig` wrote.")
        return tuple(camera for file in files for camera in read_cameras(file))
    if not path.is_file():
        raise UserError(f"{path} does not exist", fix="Check the path.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix == ".toml" else _yaml(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", fix="Give OpenCV, ROS or Kalibr YAML.") from None
    try:
        return _told_apart(values, path.stem)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        problem = f"{path}: {error.args[0]!r} is missing" if isinstance(error, KeyError) else f"{path}: {error}"
        fix = "OpenCV and ROS files hold camera_matrix and distortion_coefficients, Kalibr's cam0, cam1, …"
        raise UserError(problem, fix=fix) from None


def _told_apart(values: Any, stem: str) -> tuple[CameraFile, ...]:
    if not isinstance(values, dict):
        raise ValueError("there are no fields")  # noqa: TRY004 - becomes a UserError
    if "cam0" in values:
        return _kalibr(values)
    if "cameras" in values:
        return tuple(_caliscope(name, item) for name, item in values["cameras"].items() if not item.get("ignore"))
    if "camera_matrix" in values:
        return (_single(values, stem),)
    raise ValueError("this is none of the known formats")


def _yaml(text: str) -> Any:
    """YAML with OpenCV's two oddities: its header and its tag for matrices."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def matrix(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", matrix)
    try:
        return yaml.load(re.sub(r"\A%YAML:1\.0\s*(---)?", "", text), Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _lens(kind: LensKind, focal: Sequence[float], bends: Sequence[float], size: Sequence[Any]) -> Lens:
    room = COEFFICIENTS[kind]
    bends = [float(item) for item in bends]
    if any(abs(item) > 1e-12 for item in bends[room:]):
        raise ValueError(f"a lens with {len(bends)} coefficients is not known here; calibrate it with {room}")
    values = np.array([*map(float, focal), *bends[:room], *[0.0] * (room - len(bends))])
    width, height = (int(item) for item in size)
    if not np.isfinite(values).all() or values[0] <= 0 or values[1] <= 0 or min(width, height) <= 0:
        raise ValueError("focal lengths and image sizes are positive numbers")
    return Lens(kind=kind, values=values, width_px=width, height_px=height)


def _matrix(value: Any, shape: tuple[int, ...]) -> Floats:
    data = value["data"] if isinstance(value, dict) else value
    found = np.array(data, dtype=np.float64)
    if found.size != int(np.prod(shape)):
        raise ValueError(f"expected {shape} numbers, got {found.size}")
    return found.reshape(shape)


def _single(values: dict[str, Any], stem: str) -> CameraFile:
    k = _matrix(values["camera_matrix"], (3, 3))
    bends = values["distortion_coefficients"]
    bends = np.array(bends["data"] if isinstance(bends, dict) else bends, dtype=np.float64).ravel().tolist()
    fisheye = values.get("distortion_model") in {"equidistant", "fisheye"}
    kind = LensKind.EQUIDISTANT if fisheye else LensKind.RADTAN
    size = (values["image_width"], values["image_height"])
    pose = None
    if "R" in values and "T" in values:
        pose = Rigid(turn=nearest_turn(_matrix(values["R"], (3, 3))), shift=_matrix(values["T"], (3,)))
    lens = _lens(kind, (k[0, 0], k[1, 1], k[0, 2], k[1, 2]), bends, size)
    return CameraFile(name=str(values.get("camera_name") or stem), lens=lens, pose=pose)


def _kalibr(values: dict[str, Any]) -> tuple[CameraFile, ...]:
    out: list[CameraFile] = []
    pose = identity()
    for number in range(len(values)):
        if f"cam{number}" not in values:
            break
        item = values[f"cam{number}"]
        if item.get("camera_model", "pinhole") != "pinhole":
            raise ValueError(f"cam{number} is {item['camera_model']!r}; pinhole cameras are known here")
        model = item["distortion_model"]
        if model not in {"radtan", "equidistant", "none"}:
            raise ValueError(f"cam{number} is bent as {model!r}; radtan and equidistant are known here")
        kind = LensKind.EQUIDISTANT if model == "equidistant" else LensKind.RADTAN
        if number:
            step = _matrix(item["T_cn_cnm1"], (4, 4))
            pose = Rigid(turn=nearest_turn(step[:3, :3]), shift=step[:3, 3]).after(pose)
        lens = _lens(kind, item["intrinsics"], item["distortion_coeffs"], item["resolution"])
        topic = str(item.get("rostopic") or f"cam{number}").strip("/")
        out.append(CameraFile(name=topic.removesuffix("/image_raw"), lens=lens, pose=pose))
    return tuple(out)


def _caliscope(name: str, item: dict[str, Any]) -> CameraFile:
    k = _matrix(item["matrix"], (3, 3))
    lens = _lens(LensKind.RADTAN, (k[0, 0], k[1, 1], k[0, 2], k[1, 2]), item["distortions"], item["size"])
    pose = None
    if item.get("rotation") is not None and item.get("translation") is not None:
        pose = Rigid(turn=nearest_turn(_matrix(item["rotation"], (3, 3))), shift=_matrix(item["translation"], (3,)))
    return CameraFile(name=f"cam_{name}", lens=lens, pose=pose)


def write_cameras(
    cameras: Sequence[CameraFile], path: Path, kind: CameraFormat
) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """Write cameras: one file for Kalibr, `path` as a folder with one file each for the others; and what was lost."""
    findings: list[Finding] = []
    if kind is CameraFormat.KALIBR:
        texts = {path: _kalibr_text(cameras, path, findings)}
    else:
        write = _opencv_text if kind is CameraFormat.OPENCV else _ros_text
        texts = {path / f"{camera.name}.yaml": write(camera) for camera in cameras}
        if kind is CameraFormat.ROS and any(camera.pose is not None for camera in cameras):
            findings.append(_loss(path, "camera_info has no place for poses", "Keep the layout, or write opencv."))
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", fix="Choose another place.") from None
    return tuple(texts), tuple(findings)


def _loss(path: Path, problem: str, fix: str) -> Finding:
    return Finding(file=str(path), problem=problem, fix=fix, severity=Severity.WARNING)


def _listed(values: Floats) -> str:
    return "[" + ", ".join(repr(float(value)) for value in values.ravel()) + "]"


def _opencv_matrix(name: str, values: Floats) -> str:
    rows, columns = values.shape
    return f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: {_listed(values)}\n"


def _opencv_text(camera: CameraFile) -> str:
    lens = camera.lens
    text = f'%YAML:1.0\n---\ncamera_name: "{camera.name}"\n'
    text += f"image_width: {lens.width_px}\nimage_height: {lens.height_px}\n"
    text += f'distortion_model: "{"equidistant" if lens.kind is LensKind.EQUIDISTANT else "plumb_bob"}"\n'
    text += _opencv_matrix("camera_matrix", lens.matrix())
    text += _opencv_matrix("distortion_coefficients", lens.values[4:, None])
    if camera.pose is not None:
        text += _opencv_matrix("R", camera.pose.turn) + _opencv_matrix("T", camera.pose.shift[:, None])
    return text


def _ros_text(camera: CameraFile) -> str:
    lens = camera.lens
    parts: Mapping[str, Floats] = {
        "camera_matrix": lens.matrix(),
        "distortion_coefficients": lens.values[None, 4:],
        "rectification_matrix": np.eye(3),
        "projection_matrix": np.column_stack([lens.matrix(), np.zeros(3)]),
    }
    model = "equidistant" if lens.kind is LensKind.EQUIDISTANT else "plumb_bob"
    text = f"image_width: {lens.width_px}\nimage_height: {lens.height_px}\ncamera_name: {camera.name}\n"
    text += f"distortion_model: {model}\n"
    for name, values in parts.items():
        text += f"{name}:\n  rows: {values.shape[0]}\n  cols: {values.shape[1]}\n  data: {_listed(values)}\n"
    return text


def _kalibr_text(cameras: Sequence[CameraFile], path: Path, findings: list[Finding]) -> str:
    text = ""
    before: Rigid | None = None
    for number, camera in enumerate(cameras):
        lens, bends = camera.lens, camera.lens.values[4:]
        if lens.kind is LensKind.RADTAN:
            bends, off_px = _four(lens)
            if off_px > 0.05:
                problem = (
                    f"{camera.name}: Kalibr has no k3; the nearest lens without it is {off_px:.2f} px off at worst"
                )
                findings.append(_loss(path, problem, "Write opencv or ros to keep it."))
        text += f"cam{number}:\n  camera_model: pinhole\n  intrinsics: {_listed(lens.values[:4])}\n"
        text += f"  distortion_model: {lens.kind.value}\n  distortion_coeffs: {_listed(bends)}\n"
        text += f"  resolution: [{lens.width_px}, {lens.height_px}]\n  rostopic: /{camera.name}/image_raw\n"
        pose = camera.pose or identity()
        if before is not None:
            step = pose.after(before.inverse())
            rows = np.vstack([np.column_stack([step.turn, step.shift]), [0.0, 0.0, 0.0, 1.0]])
            text += "  T_cn_cnm1:\n" + "".join(f"  - {_listed(row)}\n" for row in rows)
        before = pose
    return text


def _four(lens: Lens) -> tuple[Floats, float]:
    """(k1, k2, p1, p2) that bend rays most like all five do, over the image, and how far off they are at worst, px."""
    if abs(lens.values[8]) < 1e-15:
        return lens.values[4:8], 0.0
    u, v = np.meshgrid(np.linspace(0, lens.width_px - 1, 24), np.linspace(0, lens.height_px - 1, 18))
    px = np.column_stack([u.ravel(), v.ravel()])
    plane = lens.normalised(px)
    good = np.asarray(np.isfinite(plane).all(axis=1), dtype=np.bool_)
    (x, y), px = plane[good].T, px[good]
    r2 = x * x + y * y
    fx, fy, cx, cy = lens.values[:4]
    rows = np.vstack(
        [
            fx * np.column_stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x * x]),
            fy * np.column_stack([y * r2, y * r2**2, r2 + 2 * y * y, 2 * x * y]),
        ]
    )
    right = np.concatenate([px[:, 0] - cx - fx * x, px[:, 1] - cy - fy * y])
    found, *_ = np.linalg.lstsq(rows, right, rcond=None)
    off = (rows @ found - right).reshape(2, -1)
    return found, float(np.sqrt((off**2).sum(axis=0)).max())
