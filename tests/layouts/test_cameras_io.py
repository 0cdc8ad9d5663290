"""Calibrations in other tools' files: written ones read back, OpenCV agrees, losses are told, dirt is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rigid import Rigid, exp
from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, read_cameras, write_cameras
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import LensKind

pytest.importorskip("yaml", reason="PyYAML comes with the extra `cameras`")


def _cameras(k3: float = 0.0) -> list[CameraFile]:
    radtan = Lens(kind=LensKind.RADTAN, values=np.array([900.0, 905, 650, 350, -0.28, 0.09, 0.0008, -0.0005, k3]),
                  width_px=1280, height_px=720)  # fmt: skip
    fisheye = Lens(kind=LensKind.EQUIDISTANT, values=np.array([420.0, 421, 630, 365, 0.02, -0.006, 0.001, -0.0002]),
                   width_px=1280, height_px=720)  # fmt: skip
    poses = [Rigid(turn=exp(np.array([0.1 * n, -0.7, 0.2])), shift=np.array([n, 0.5, 2.0])) for n in (1, 2)]
    return [
        CameraFile(name="door", lens=radtan, pose=poses[0]),
        CameraFile(name="ceiling", lens=fisheye, pose=poses[1]),
    ]


@pytest.mark.parametrize("kind", [CameraFormat.OPENCV, CameraFormat.ROS])
def test_single_camera_files_read_back_bit_by_bit(tmp_path: Path, kind: CameraFormat) -> None:
    """Lens, size, name; OpenCV files of ours keep the pose, camera_info says that it cannot."""
    cameras = _cameras(k3=-0.01)
    files, lost = write_cameras(cameras, tmp_path / "out", kind)
    for camera, file in zip(cameras, files, strict=True):
        (again,) = read_cameras(file)
        assert (again.name, again.lens.kind) == (camera.name, camera.lens.kind)
        assert again.lens.values.tobytes() == camera.lens.values.tobytes()
        assert (again.pose is None) == (kind is CameraFormat.ROS)
    assert bool(lost) == (kind is CameraFormat.ROS)


def test_a_kalibr_chain_keeps_lenses_and_relative_poses(tmp_path: Path) -> None:
    """The first camera becomes the frame."""
    cameras = _cameras()
    (file,), lost = write_cameras(cameras, tmp_path / "chain.yaml", CameraFormat.KALIBR)
    first, second = read_cameras(file)
    assert lost == ()
    assert [first.name, second.name] == ["door", "ceiling"]
    assert first.lens.values.tobytes() == cameras[0].lens.values.tobytes()
    assert cameras[0].pose is not None
    assert cameras[1].pose is not None
    assert second.pose is not None
    expected = cameras[1].pose.after(cameras[0].pose.inverse())
    assert np.allclose(second.pose.turn, expected.turn)
    assert np.allclose(second.pose.shift, expected.shift)


def test_what_kalibr_cannot_say_is_fitted_and_told(tmp_path: Path) -> None:
    """K3 has no place: the nearest lens without it, and by how much it is off."""
    cameras = _cameras(k3=0.2)[:1]
    (file,), (lost,) = write_cameras(cameras, tmp_path / "chain.yaml", CameraFormat.KALIBR)
    off = float(lost.problem.split(" px off")[0].split()[-1])
    (again,) = read_cameras(file)
    px = np.array([[640.0, 360.0], [900.0, 500.0], [300.0, 200.0]])
    moved = again.lens.project(cameras[0].lens.rays(px)) - px
    assert 0.05 < np.abs(moved).max() <= off + 0.01


def test_opencv_reads_our_file_and_we_read_its(tmp_path: Path) -> None:
    """cv2.FileStorage as the oracle."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra `cameras`")
    camera = _cameras(k3=-0.01)[0]
    (file,), _ = write_cameras([camera], tmp_path, CameraFormat.OPENCV)
    storage = cv2.FileStorage(str(file), cv2.FILE_STORAGE_READ)
    assert np.array_equal(storage.getNode("camera_matrix").mat(), camera.lens.matrix())
    assert np.array_equal(storage.getNode("distortion_coefficients").mat().ravel(), camera.lens.values[4:])
    storage.release()
    theirs = tmp_path / "theirs.yml"
    storage = cv2.FileStorage(str(theirs), cv2.FILE_STORAGE_WRITE)
    for name, value in (("image_width", 1280), ("image_height", 720), ("camera_matrix", camera.lens.matrix()),
                        ("distortion_coefficients", camera.lens.values[4:, None])):  # fmt: skip
        storage.write(name, value)
    storage.release()
    (again,) = read_cameras(theirs)
    assert again.name == "theirs"
    assert np.allclose(again.lens.values, camera.lens.values, rtol=1e-14)


def test_the_published_files_are_read(shared_data: Path) -> None:
    """OpenCV's own intrinsics, and caliscope's array with its poses."""
    folder = shared_data / "calibration"
    (left,) = read_cameras(folder / "opencv-chessboards" / "left_intrinsics.yml")
    assert left.lens.values[0] == pytest.approx(535.9157, abs=1e-3)
    array = read_cameras(folder / "caliscope-4cam" / "camera_array.toml")
    assert [camera.name for camera in array] == ["cam_0", "cam_1", "cam_2", "cam_3"]
    centres = [camera.pose.centre() for camera in array if camera.pose is not None]
    assert np.linalg.norm(centres[0] - centres[1]) == pytest.approx(1.149, abs=1e-3)


@pytest.mark.parametrize(
    "text",
    ["", "[1, 2]", "cam0: {camera_model: omni, intrinsics: [1,2,3,4,5]}", "camera_matrix: [1, 2]",
     "camera_matrix: {data: [1,0,0,0,1,0,0,0,1]}", "a: [1", "cam0: 5", "camera_matrix: {data: [x,0,0,0,1,0,0,0,1]}",
     "cam0: {intrinsics: [1,1,1,1], distortion_model: fov, distortion_coeffs: [1], resolution: [4, 4]}",
     "cam0: {intrinsics: [-1,1,1,1], distortion_model: none, distortion_coeffs: [], resolution: [4, 4]}"],
)  # fmt: skip
def test_a_file_that_is_none_is_a_sentence(tmp_path: Path, text: str) -> None:
    """Never a traceback."""
    file = tmp_path / "camera.yaml"
    file.write_text(text)
    with pytest.raises(UserError):
        read_cameras(file)


def test_a_lens_of_more_coefficients_is_refused(tmp_path: Path) -> None:
    """A rational model is not cut down silently."""
    file = tmp_path / "rational.yaml"
    file.write_text(
        "image_width: 640\nimage_height: 480\ncamera_matrix: {data: [500,0,320,0,500,240,0,0,1]}\n"
        "distortion_coefficients: {data: [0.1,0.1,0,0,0.1,0.3,0.1,0.1]}\n"
    )
    with pytest.raises(UserError, match="8 coefficients"):
        read_cameras(file)
