"""`jwo eyes`: from videos to hands at shelves, and from pictures to what goods look like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import clip
from jwo_cli.layouts.save import save
from tests.conftest import Jwo
from tests.estimate.tracking.kiosk import kiosk
from tests.sensors.footage import noisy, write_video
from tests.sensors.test_gallery import package


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A kiosk with four calibrated cameras."""
    save(kiosk(), tmp_path / "shop")
    return tmp_path / "shop"


def test_a_camera_that_is_not_calibrated_is_refused(jwo: Jwo, shop: Path, shared_data: Path) -> None:
    """The message names those that are."""
    done = jwo("eyes", "watch", shop, "door=door.mp4", env={"JWO_MODELS": str(shared_data / "models")})
    assert done.returncode == 2
    assert "no calibrated camera door" in done.stderr
    assert "c1, c2, c3, c4" in done.stderr


def test_a_layout_without_calibrated_cameras_is_refused_without_weights_too(jwo: Jwo, tmp_path: Path) -> None:
    """There is no backdrop to watch; what is missing is said before anything is opened."""
    assert jwo("layout", "new", "Bare", "--out", "bare").returncode == 0
    done = jwo("eyes", "watch", "bare", "c1=c1.mp4", env={"JWO_MODELS": str(tmp_path / "none")})
    assert done.returncode == 2
    assert "None is calibrated; `jwo calibrate`" in done.stderr


def test_a_camera_where_a_video_belongs_is_refused_without_its_password(jwo: Jwo, shop: Path) -> None:
    """Nothing is opened."""
    done = jwo("eyes", "watch", shop, "c1=rtsp://admin:hunter2@camera.example/1")
    assert done.returncode == 2
    assert "is a camera, no video file" in done.stderr
    assert "hunter2" not in done.stderr


def test_without_weights_bodies_are_told_and_hands_are_not(jwo: Jwo, shop: Path, tmp_path: Path) -> None:
    """The backdrop serves, and it is said what is missing; a model that was asked for is not replaced by another."""
    write_video(tmp_path / "c1.mp4", noisy(720, 1280, 3))
    none = {"JWO_MODELS": str(tmp_path / "none")}
    done = jwo("eyes", "watch", shop, "c1=c1.mp4", env=none)
    assert done.returncode == 0
    assert "hands are not" in done.stderr
    asked = jwo("eyes", "watch", shop, "c1=c1.mp4", "--model", "movenet_multipose_lightning", "--out", "rec", env=none)
    assert asked.returncode == 3
    assert "jwo models pull" in asked.stderr
    assert not (tmp_path / "rec").exists()


def test_an_empty_store_is_watched_and_kept(jwo: Jwo, shop: Path, tmp_path: Path, shared_data: Path) -> None:
    """Nobody in the pictures: no people, no reaches, and a recording that replays."""
    write_video(tmp_path / "c1.mp4", noisy(720, 1280, 4))
    models = {"JWO_MODELS": str(shared_data / "models")}
    done = jwo("eyes", "watch", shop, "c1=c1.mp4", "--out", "rec", "--json", env=models)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"people": [], "reaches": [], "broken": []}
    assert jwo("replay", tmp_path / "rec").returncode == 0


def test_pictures_of_another_size_than_the_calibration_are_refused(jwo: Jwo, shop: Path, tmp_path: Path) -> None:
    """Every place would be wrong; nothing is kept."""
    write_video(tmp_path / "c1.mp4", noisy(360, 640, 3))
    done = jwo("eyes", "watch", shop, "c1=c1.mp4", "--out", "rec", env={"JWO_MODELS": str(tmp_path / "none")})
    assert done.returncode == 2
    assert "640x360, its lens was calibrated at 1280x720" in done.stderr
    assert not (tmp_path / "rec").exists()


def test_a_missing_video_leaves_no_recording(jwo: Jwo, shop: Path, tmp_path: Path, shared_data: Path) -> None:
    """It is there whole, or not at all."""
    models = {"JWO_MODELS": str(shared_data / "models")}
    done = jwo("eyes", "watch", shop, "c1=absent.mp4", "--out", "rec", env=models)
    assert done.returncode == 2
    assert "absent.mp4" in done.stderr
    assert not (tmp_path / "rec").exists()


def test_goods_are_learnt_from_pictures(jwo: Jwo, shop: Path, tmp_path: Path, shared_data: Path) -> None:
    """A file beside the layout; products without a picture are findings."""
    import cv2

    first = kiosk().catalogue.products[0].product_id
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / f"{first}.png"), package("cola"))
    models = {"JWO_MODELS": str(shared_data / "models")}
    done = jwo("eyes", "goods", shop, "pictures", "--json", env=models)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["pictures"], told["products"]) == (1, 1)
    assert "have no picture" in " ".join(told["findings"])
    assert (shop / "looks.npz").is_file()


@pytest.mark.slow
def test_the_real_shopper_is_told(jwo: Jwo, tmp_path: Path, shared_data: Path) -> None:
    """Four real videos: one person, the second reach at gondola 1, shelf 5."""
    if not (shared_data / "nanostore-video").is_dir():
        pytest.skip("the real clips are not here")
    save(clip.clip_store(shared_data), tmp_path / "shop")
    named = [f"{name}={path}" for name, path in clip.files(shared_data).items()]
    models = {"JWO_MODELS": str(shared_data / "models")}
    done = jwo(
        "eyes", "watch", "shop", *named, "--from", "14.4", "--until", "18", "--every", "0.2", "--json", env=models
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert len(told["people"]) == 1
    assert [one["fixture"] for one in told["reaches"]] == ["g1"]
    assert told["reaches"][0]["plates"][0]["plate"].startswith("g1.s5")
