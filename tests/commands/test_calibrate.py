"""`jwo calibrate`, as people type it: on the published recordings, into a layout, and with wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.layouts import load
from tests.conftest import Jwo

cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the extra `cameras`")

CHARUCO = "charuco:4x5:0.054:0.75:DICT_4X4_1000:inverted"


def test_the_published_chessboards_give_the_published_focal_length(jwo: Jwo, shared_data: Path, tmp_path: Path) -> None:
    """OpenCV's left camera: fx within 0.1 % of 535.92, RMS at most 0.41 px, and a picture."""
    folder = shared_data / "calibration" / "opencv-chessboards"
    done = jwo("calibrate", "camera", f"{folder}/left[01]*.jpg", "--board", "chessboard:9x6:0.025", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert told["fx"] == pytest.approx(535.92, rel=1e-3)
    assert told["rms_px"] <= 0.41
    assert (tmp_path / told["picture"]).read_bytes().startswith(b"\x89PNG")


def test_the_published_rig_gives_the_published_distances(jwo: Jwo, shared_data: Path, tmp_path: Path) -> None:
    """Caliscope's four cameras within 1 %, and the pair that pairwise stereo gets wrong agrees with the others."""
    folder = shared_data / "calibration" / "caliscope-4cam"
    videos = [f"cam_{n}={folder}/calibration/extrinsic/cam_{n}.mp4" for n in range(4)]
    array = folder / "camera_array.toml"
    done = jwo("calibrate", "rig", *videos, "--board", CHARUCO, "--intrinsics", array, "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    published = {"cam_0 cam_1": 1.149, "cam_1 cam_2": 0.953, "cam_1 cam_3": 1.438, "cam_0 cam_3": 0.417}
    for pair, metres in published.items():
        assert told[f"distance {pair}"] == pytest.approx(metres, rel=0.01)
    assert told["distance cam_0 cam_2"] == pytest.approx(0.533, rel=0.01)
    assert (tmp_path / "rig.yaml").read_text().count("T_cn_cnm1") == 3


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A board, photographed by a camera with a known lens: plane by plane through its homography."""
    from jwo_cli.sensors.boards import draw_board, parse_board

    flat = draw_board(parse_board("chessboard:7x5:0.05"), 40)
    folder = tmp_path / "photos"
    folder.mkdir()
    k = np.array([[700.0, 0, 319.5], [0, 700.0, 239.5], [0, 0, 1]])
    rng = np.random.default_rng(5)
    number = 0
    while number < 10:
        turn, _ = cv2.Rodrigues(rng.uniform(-0.6, 0.6, 3))
        spot = np.array([*rng.uniform(-0.12, 0.12, 2), rng.uniform(0.55, 0.8)])
        to_metres = np.array([[0.05 / 40, 0, -0.25], [0, 0.05 / 40, -0.2], [0, 0, 1]])
        h = k @ np.column_stack([turn[:, 0], turn[:, 1], spot]) @ to_metres
        picture = cv2.warpPerspective(flat, h, (640, 480), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
        cv2.imwrite(str(folder / f"p{number}.png"), cv2.GaussianBlur(picture, (3, 3), 0.8))
        number += 1
    return folder


def test_a_camera_is_calibrated_into_its_layout(jwo: Jwo, tmp_path: Path, photographs: Path) -> None:
    """The layout has the lens and loads; twice the same input gives the same bytes; --dry-run writes no layout."""
    jwo("layout", "new", "shop")
    words = ("calibrate", "camera", photographs, "--board", "chessboard:7x5:0.05", "--layout", "shop", "--camera", "c2")
    dry = jwo(*words, "--dry-run")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert not (tmp_path / "shop" / "store.toml.before-calibration").exists()
    assert jwo(*words, "--export", "out").returncode == 0
    store, findings = load(tmp_path / "shop")
    assert store is not None, findings
    camera = next(item for item in store.cameras if item.camera_id == "c2")
    assert camera.intrinsics[0] == pytest.approx(700, rel=0.01)
    assert (camera.width_px, camera.height_px) == (640, 480)
    assert "camera_matrix" in (tmp_path / "out" / "c2.yaml").read_text()
    first = (tmp_path / "shop" / "store.toml").read_bytes(), (tmp_path / "c2-lens.png").read_bytes()
    assert jwo(*words).returncode == 0
    assert first == ((tmp_path / "shop" / "store.toml").read_bytes(), (tmp_path / "c2-lens.png").read_bytes())


def test_too_few_views_are_refused_and_write_nothing(jwo: Jwo, tmp_path: Path, photographs: Path) -> None:
    """Exit code 1, the reason and what to do."""
    done = jwo("calibrate", "camera", photographs / "p1.png", "--board", "chessboard:7x5:0.05", "--export", "out")
    assert done.returncode == 1
    assert "refused" in done.stdout
    assert "at least 3" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("camera", "nowhere", "--board", "chessboard:7x5:0.05"), "no pictures"),
        (("camera", "photos", "--board", "chessboard:7x5"), "is no board"),
        (("camera", "photos", "--board", "chessboard:7x5:0.05", "--layout", "nowhere", "--camera", "c1"), "not exist"),
        (("camera", "photos", "--board", "chessboard:7x5:0.05", "--window", "huge"), "is no size"),
        (("rig", "photos", "--board", "chessboard:7x5:0.05"), "names no camera"),
        (("rig", "a=photos", "--board", "chessboard:7x5:0.05"), "lens of a is not known"),
        (("rig", "a=photos", "--board", "chessboard:7x5:0.05", "--intrinsics", "no.yaml"), "does not exist"),
    ],
)
def test_wrong_input_is_a_sentence(jwo: Jwo, photographs: Path, words: tuple[str, ...], problem: str) -> None:
    """Exit code 2, never a traceback."""
    done = jwo("calibrate", *words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
