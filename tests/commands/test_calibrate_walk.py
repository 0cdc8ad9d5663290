"""`jwo calibrate rig --walker`, as people type it: on published boxes and cameras, into a layout, with wrong input."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rigid import Rigid, angle_deg, exp, pose_of
from jwo_cli.layouts import calibrated
from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, read_cameras, write_cameras
from jwo_cli.model.layout import LensKind
from tests.conftest import Jwo
from tests.estimate.calibration.test_walk import TALL, walk
from tests.estimate.calibration.worlds import lens, rig

NAMES = ("CVLab1", "CVLab2", "CVLab3", "CVLab4", "IDIAP1", "IDIAP2", "IDIAP3")


def _tables(folder: Path, cameras: list[Rigid], which: Lens) -> list[str]:
    """CAMERA=TABLE for a walk before these cameras, and their lenses as files."""
    named = []
    for index, bodies in enumerate(walk(cameras, which, instants=120, noise_px=1.0)):
        rows = ["frame,head_x,head_y,foot_x,foot_y"]
        points = np.concatenate([bodies.head_px, bodies.foot_px], axis=1)
        for frame, point in zip(bodies.instant, points, strict=True):
            rows.append(",".join([str(frame), *(f"{value:.2f}" for value in point)]))
        (folder / f"c{index + 1}.csv").write_text("\n".join(rows) + "\n")
        named.append(f"c{index + 1}={folder / f'c{index + 1}.csv'}")
    lenses = [CameraFile(name=f"c{index + 1}", lens=which) for index in range(len(cameras))]
    write_cameras(lenses, folder / "lenses", CameraFormat.OPENCV)
    return named


def test_a_walk_places_the_cameras_of_a_layout(jwo: Jwo, tmp_path: Path) -> None:
    """The kiosk's two cameras stand on the floor at their true heights; the rig's files and a picture are written."""
    jwo("layout", "new", "Shop", "--out", "shop")
    store = calibrated.open_store(tmp_path / "shop")
    drawn = [pose_of(camera) for camera in store.cameras]
    which = lens(width=1920, height=1080)
    tables = _tables(tmp_path, drawn, which)
    lenses = ["--intrinsics", "lenses"]
    done = jwo("calibrate", "rig", *tables, "--walker", str(TALL), *lenses, "--layout", "shop", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert told["height_m c1"] == pytest.approx(2.7, abs=0.03)
    assert (tmp_path / told["picture"]).read_bytes().startswith(b"\x89PNG")
    placed = calibrated.open_store(tmp_path / "shop")
    for camera, true in zip(placed.cameras, drawn, strict=True):
        here = pose_of(camera)
        assert here.centre()[2] == pytest.approx(2.7, abs=0.03)
        assert np.linalg.norm(here.centre() - true.centre()) < 0.1
        assert angle_deg(here.turn @ true.turn.T) < 3


@pytest.mark.slow
def test_wildtracks_seven_cameras_come_back_from_the_people_in_them(
    jwo: Jwo, shared_data: Path, tmp_path: Path
) -> None:
    """Published boxes with their ids: camera places over 31 m to 2.5 % of the distance, turns to half a degree.

    An easy input: the boxes are the annotation, drawn around cylinders of 1.80 m.
    """
    true = _wildtrack(shared_data, tmp_path)
    named = [f"{name}={name}.txt" for name in NAMES]
    done = jwo("calibrate", "rig", *named, "--walker", "1.8", "--intrinsics", "lenses", "--json", timeout=300)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["verdict"] == "marginal"  # boxes are never more
    found = {camera.name: camera.pose for camera in read_cameras(tmp_path / "rig")}
    first = found[NAMES[0]]
    assert first is not None
    for name, here in zip(NAMES[1:], true[1:], strict=True):
        pose = found[name]
        assert pose is not None
        expected, got = here.after(true[0].inverse()), pose.after(first.inverse())
        away = float(np.linalg.norm(expected.centre()))
        assert np.linalg.norm(expected.centre() - got.centre()) < max(0.025 * away, 0.1)
        assert angle_deg(expected.turn @ got.turn.T) < 0.5


def _wildtrack(shared_data: Path, folder: Path) -> list[Rigid]:
    """Every fourth annotated frame as MOT rows a camera, the lenses as files; the published poses."""
    kept = shared_data / "wildtrack" / "wildtrack-annotations-calibrations.tar.gz"
    if not kept.is_file():
        pytest.skip(f"{kept} is not here")
    rows: list[list[str]] = [[] for _ in NAMES]
    lenses, poses = [], []
    with tarfile.open(kept) as archive:
        texts = {item.name: archive.extractfile(item) or io.BytesIO() for item in archive.getmembers() if item.isfile()}
        for path in sorted(path for path in texts if path.endswith(".json"))[::4]:
            for person in json.load(texts[path]):
                for view in person["views"]:
                    if view["xmin"] >= 0:
                        x, y = view["xmin"], view["ymin"]
                        size = (view["xmax"] - x, view["ymax"] - y)
                        row = (int(Path(path).stem), person["personID"], x, y, *size, 1, -1, -1, -1)
                        rows[view["viewNum"]].append(",".join(map(str, row)))
        for name in NAMES:
            inner = texts[f"Wild-Track/calibrations/intrinsic_zero/intr_{name}.xml"].read().decode()
            outer = texts[f"Wild-Track/calibrations/extrinsic/extr_{name}.xml"].read().decode()
            matrix = _numbers(inner, "data").reshape(3, 3)
            values = np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], 0, 0, 0, 0, 0])
            made = Lens(kind=LensKind.RADTAN, values=values, width_px=1920, height_px=1080)
            lenses.append(CameraFile(name=name, lens=made))
            poses.append(Rigid(turn=exp(_numbers(outer, "rvec")), shift=_numbers(outer, "tvec") / 100))
    for name, own in zip(NAMES, rows, strict=True):
        (folder / f"{name}.txt").write_text("\n".join(own) + "\n")
    write_cameras(lenses, folder / "lenses", CameraFormat.OPENCV)
    return poses


def _numbers(text: str, tag: str) -> np.ndarray:  # type: ignore[type-arg]
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    assert found is not None
    return np.array(found[1].split(), dtype=np.float64)


def test_what_is_wrong_is_said_with_what_to_do(jwo: Jwo, tmp_path: Path) -> None:
    """Neither board nor walker, both, an impossible height, several people, a broken table: one sentence each."""
    tables = _tables(tmp_path, rig(2), lens())
    crowd = "".join(f"{frame},-1,{10 + 100 * who},10,40,90,1,-1,-1,-1\n" for frame in range(9) for who in range(2))
    (tmp_path / "crowd.txt").write_text(crowd)
    (tmp_path / "broken.csv").write_text("frame,head_x,head_y,foot_x,foot_y\n1,2,3,4,none\n")
    lenses = ("--intrinsics", "lenses")
    board = ("--board", "chessboard:9x6:0.025")
    for args, said in (
        ((*tables, *lenses), "from a board or from a walker"),
        ((*tables, *lenses, *board, "--walker", "1.7"), "from a board or from a walker"),
        ((*tables, *lenses, "--walker", "17"), "nobody is 17 m tall"),
        ((tables[0], "c2=crowd.txt", *lenses, "--walker", "1.7"), "several people in 100%"),
        ((tables[0], "c2=broken.csv", *lenses, "--walker", "1.7"), "broken.csv:2: this is no head and foot"),
        ((tables[0], "c2=absent.csv", *lenses, "--walker", "1.7"), "absent.csv does not exist"),
    ):
        done = jwo("calibrate", "rig", *args)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
