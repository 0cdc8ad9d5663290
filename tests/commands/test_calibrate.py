"""`jwo calibrate`, as people type it: on the published recordings, into a layout, and with wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rigid import Rigid, exp, pose_of
from jwo_cli.estimate.signals import JOINTS, PersonPose, PoseFrame, WeightBatch
from jwo_cli.layouts import calibrated, load, save
from jwo_cli.model.layout import LensKind
from jwo_cli.recordings import write_recording
from tests.conftest import Jwo
from tests.drive import scene

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
    assert sorted(file.name for file in (tmp_path / "rig").iterdir()) == [f"cam_{n}.yaml" for n in range(4)]


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
    none = jwo("calibrate", "camera", photographs / "p1.png", "--board", "chessboard:3x3:0.05", "--dry-run")
    assert "found in 0 of 1 pictures" in none.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("camera", "nowhere", "--board", "chessboard:7x5:0.05"), "no pictures"),
        (("camera", "photos", "--board", "chessboard:7x5"), "is no board"),
        (("camera", "photos", "--board", "chessboard:7x5:0.05", "--layout", "nowhere", "--camera", "c1"), "not exist"),
        (("camera", "photos", "--board", "chessboard:7x5:0.05", "--window", "huge"), "is no size"),
        (("camera", "photos", "--board", "chessboard:7x5:0.05", "--window", "²"), "is no size"),
        (("floor", "corner_kiosk", "--markers", "m.csv", "--side", "nan"), "no number to go by"),
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


def _lens_into(layout: Path, camera_id: str) -> tuple[Lens, Rigid]:
    """Give a layout's camera a lens; it and the camera's drawn pose."""
    store = calibrated.open_store(layout)
    values = np.array([1100.0, 1100, 960, 540, -0.1, 0.02, 0, 0, 0])
    lens = Lens(kind=LensKind.RADTAN, values=values, width_px=1920, height_px=1080)
    store = calibrated.with_lens(store, camera_id, lens)
    calibrated.write_back(store, layout)
    return lens, pose_of(calibrated.camera_of(store, camera_id))


def test_floor_places_a_camera_from_surveyed_points(jwo: Jwo, tmp_path: Path) -> None:
    """Twenty centimetres beside where it was drawn; the layout says so afterwards, and a mistaken row is named."""
    jwo("layout", "new", "shop")
    lens, drawn = _lens_into(tmp_path / "shop", "c1")
    true = Rigid(turn=drawn.turn, shift=drawn.shift - drawn.turn @ np.array([0.2, 0.1, -0.05]))
    spots = [
        (2.0, 2.5, 0),
        (2.6, 3.4, 0),
        (1.6, 3.2, 0),
        (2.2, 3.0, 0.9),
        (3.0, 3.0, 0),
        (1.8, 2.2, 1.0),
        (2.8, 2.4, 0),
    ]
    px = lens.project(true.apply(np.array(spots)))
    lines = [f"c1,{x:.2f},{y:.2f},{a},{b},{c}" for (x, y), (a, b, c) in zip(px, spots, strict=True)]
    file = tmp_path / "points.csv"
    file.write_text("camera,x_px,y_px,x_m,y_m,z_m\n" + "\n".join(lines))
    done = jwo("calibrate", "floor", "shop", "--points", file, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "pass"
    assert told["rms_cm"] < 0.5
    store, findings = load(tmp_path / "shop")
    assert store is not None, findings
    pose = pose_of(calibrated.camera_of(store, "c1"))
    assert np.linalg.norm(pose.centre() - true.centre()) < 0.01
    file.write_text("camera,x_px,y_px,x_m,y_m,z_m\nc1,a,2,3,4,5\n")
    wrong = jwo("calibrate", "floor", "shop", "--points", file)
    assert (wrong.returncode, "points.csv:2: x_px: 'a' is no number" in wrong.stderr) == (2, True)


def test_floor_places_a_camera_from_markers(jwo: Jwo, tmp_path: Path) -> None:
    """Markers on the floor, rendered through the camera's homography."""
    jwo("layout", "new", "shop")
    lens, drawn = _lens_into(tmp_path / "shop", "c1")
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    page = np.full((1000, 1000), 255, np.uint8)  # the floor from (1.0, 1.8) on, 2.5 mm a pixel, y upwards
    rows = ["marker,x_m,y_m,z_m,rotation_deg"]
    for number, (left, top) in enumerate([(200, 250), (600, 300), (300, 650), (650, 700)]):
        page[top : top + 160, left : left + 160] = cv2.aruco.generateImageMarker(dictionary, number, 160)
        rows.append(f"{number},{1.0 + (left + 79.5) * 0.0025:.5f},{4.3 - (top + 79.5) * 0.0025:.5f},0,0")
    (tmp_path / "markers.csv").write_text("\n".join(rows))
    to_floor = np.array([[0.0025, 0, 1.0], [0, -0.0025, 4.3], [0, 0, 1]])
    flat = Lens(kind=LensKind.RADTAN, values=lens.values * ([1] * 4 + [0] * 5), width_px=1920, height_px=1080)
    store = calibrated.with_lens(calibrated.open_store(tmp_path / "shop"), "c1", flat)
    calibrated.write_back(store, tmp_path / "shop")
    h = flat.matrix() @ np.column_stack([drawn.turn[:, 0], drawn.turn[:, 1], drawn.shift]) @ to_floor
    picture = cv2.warpPerspective(page, h, (1920, 1080), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
    cv2.imwrite(str(tmp_path / "c1.png"), cv2.GaussianBlur(picture, (3, 3), 0.8))
    done = jwo(
        "calibrate", "floor", "shop", "--markers", "markers.csv", "--image", "c1=c1.png", "--side", "0.4", "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    store_now, _ = load(tmp_path / "shop")
    assert store_now is not None
    assert np.linalg.norm(pose_of(calibrated.camera_of(store_now, "c1")).centre() - drawn.centre()) < 0.05


def test_check_notices_a_camera_that_was_nudged(jwo: Jwo, tmp_path: Path) -> None:
    """The same scene, a turn of two degrees: refused with the centimetres; the same picture passes."""
    jwo("layout", "new", "shop")
    lens, _ = _lens_into(tmp_path / "shop", "c1")
    rng = np.random.default_rng(1)
    wall = np.full((1080, 1920), 200, np.uint8)
    for _ in range(300):
        x, y, size = rng.integers(0, 1850), rng.integers(0, 1030), rng.integers(10, 70)
        cv2.rectangle(wall, (int(x), int(y)), (int(x + size), int(y + size)), int(rng.integers(0, 255)), -1)
    k = lens.matrix()
    nudged = cv2.warpPerspective(wall, k @ exp(np.radians([1.2, 1.6, 0.0])) @ np.linalg.inv(k), (1920, 1080))
    cv2.imwrite(str(tmp_path / "then.png"), wall)
    cv2.imwrite(str(tmp_path / "now.png"), nudged)
    words = ("calibrate", "check", "shop", "--camera", "c1", "--then", "then.png", "--json", "--now")
    same, moved = jwo(*words, "then.png"), jwo(*words, "now.png")
    assert (same.returncode, json.loads(same.stdout)["verdict"]) == (0, "pass")
    told = json.loads(moved.stdout)
    assert (moved.returncode, told["verdict"]) == (1, "refused")
    assert told["turned_deg"] == pytest.approx(2.0, abs=0.2)
    assert told["floor_cm"] > 5


def _weighed(path: Path, channels: tuple[str, ...]) -> Path:
    """A recording of 500 g and 1 kg on each plate, the plates answering on `channels` in their turns; span 1.02."""
    store, rate = scene.store(), 30.0
    at = np.arange(0, 28.0 * 3 + 6, 1 / rate)
    grams = np.random.default_rng(2).normal(0, 1.0, (len(at), 3)) + np.array((15, 25, 35))
    for turn, channel in enumerate(channels):
        for start, weight in ((4.0, 500.0), (16.0, 1000.0)):
            on = (at >= 28 * turn + start) & (at < 28 * turn + start + 6)
            grams[on, scene.CHANNELS.index(channel)] += weight / 1.02
    ends = range(30, len(at) + 1, 30)
    batches = [
        WeightBatch(device_id="a", end_ns=scene.START_NS + round(at[end - 1] * 1e9), rate_hz=rate,
                    channels=scene.CHANNELS, grams=grams[end - 30 : end].astype(np.float32))
        for end in ends
    ]  # fmt: skip
    write_recording(path, name=path.name, store=store, start_ns=scene.START_NS, signals=batches)
    return path


def test_scales_are_calibrated_into_the_layout(jwo: Jwo, tmp_path: Path) -> None:
    """Span and tare of every channel, written."""
    save(scene.store(), tmp_path / "shop")
    recording = _weighed(tmp_path / "weights", scene.CHANNELS)
    done = jwo("calibrate", "scale", recording, "--weights", "500,1000", "--layout", "shop", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == "pass"
    store, findings = load(tmp_path / "shop")
    assert store is not None, findings
    assert [scale.channel for scale in store.scales] == list(scene.CHANNELS)
    assert all(scale.span == pytest.approx(1.02, abs=0.002) for scale in store.scales)
    assert jwo("calibrate", "scale", recording, "--weights", "500").returncode == 2


def test_swapped_wires_are_written_only_when_asked(jwo: Jwo, tmp_path: Path) -> None:
    """First a sentence, then --rewire."""
    save(scene.store(), tmp_path / "shop")
    one, two, three = scene.CHANNELS
    recording = _weighed(tmp_path / "weights", (two, one, three))
    words = ("calibrate", "scale", recording, "--weights", "500,1000", "--layout", "shop")
    asked = jwo(*words)
    assert (asked.returncode, "swapped" in asked.stderr) == (2, True)
    assert jwo(*words, "--rewire").returncode == 0
    store, _ = load(tmp_path / "shop")
    assert store is not None
    assert [plate.channel for _, _, plate in store.plates().values()] == [two, one, three]


def test_the_clock_is_measured_from_takes(jwo: Jwo, tmp_path: Path) -> None:
    """Nine bottles taken one after the other, the cameras 1.4 s ahead."""
    rng = np.random.default_rng(6)
    rate, when = 60.0, np.cumsum(rng.uniform(5.0, 9.0, 9)) + 4
    at = np.arange(0, when[-1] + 12, 1 / rate)
    grams = np.array([9200.0, 8400.0, 7200.0]) + rng.normal(0, 1.5, (len(at), 3))
    places = np.tile((2.0, 2.4, 1.1), (int((when[-1] + 11) * 10), 1))
    pose_at = np.arange(len(places)) / 10
    for number, moment in enumerate(when):
        plate = number % 3
        grams[at >= moment, plate] -= 520
        near = np.clip(1 - np.abs(pose_at - moment) / 0.8, 0, 1)[:, None]
        places = places * (1 - near) + np.array((1.2 + 0.4 * plate, 3.2, 1.15)) * near
    signals: list[WeightBatch | PoseFrame] = [
        WeightBatch(device_id="a", end_ns=scene.START_NS + round(at[end - 1] * 1e9), rate_hz=rate,
                    channels=scene.CHANNELS, grams=grams[end - 60 : end].astype(np.float32))
        for end in range(60, len(at) + 1, 60)
    ]  # fmt: skip
    for moment, place in zip(pose_at, places, strict=True):
        joints = np.full((len(JOINTS), 3), np.nan, np.float32)
        joints[JOINTS.index("r_hand")] = place
        person = PersonPose(track_id="ann", joints_m=joints, scores=np.ones(len(JOINTS), np.float32))
        signals.append(PoseFrame(at_ns=scene.START_NS + round((moment + 1.4) * 1e9), people=(person,)))
    signals.sort(key=lambda item: item.end_ns if isinstance(item, WeightBatch) else item.at_ns)
    write_recording(tmp_path / "takes", name="takes", store=scene.store(), start_ns=scene.START_NS, signals=signals)
    save(scene.store(), tmp_path / "shop")
    done = jwo("calibrate", "clock", "takes", "--layout", "shop", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["offset_ms"] == pytest.approx(1400, abs=150)
    store, _ = load(tmp_path / "shop")
    assert store is not None
    assert store.clocks[0].offset_ns == pytest.approx(1.4e9, abs=1.5e8)


def test_cameras_travel_through_other_formats(jwo: Jwo, tmp_path: Path) -> None:
    """Export, import into another layout: the same lens and place."""
    jwo("layout", "new", "shop")
    jwo("layout", "new", "other")
    _, drawn = _lens_into(tmp_path / "shop", "c1")
    store = calibrated.with_pose(calibrated.open_store(tmp_path / "shop"), "c1", drawn)
    calibrated.write_back(store, tmp_path / "shop")
    for form, out in (("opencv", "yaml"), ("ros", "ros"), ("kalibr", "chain.yaml")):
        assert jwo("calibrate", "export", "shop", "--format", form, "--out", out).returncode == 0
    assert jwo("calibrate", "import", "other", "yaml", "--poses").returncode == 0
    again, _ = load(tmp_path / "other")
    assert again is not None
    there, here = (calibrated.camera_of(item, "c1") for item in (again, store))
    assert there.intrinsics == here.intrinsics
    assert there.pose == here.pose
    assert there.rotation_rad == pytest.approx(here.rotation_rad, abs=1e-12)
    assert jwo("calibrate", "import", "other", "chain.yaml", "--cameras", "c2").returncode == 0
    assert jwo("calibrate", "import", "other", "ros", "--cameras", "c1,c2").returncode == 2
    assert jwo("calibrate", "export", "shop", "--format", "kodak", "--out", "x").returncode == 2
