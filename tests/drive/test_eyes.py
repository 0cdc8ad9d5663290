"""Pictures through models and estimates to the front end, on made pictures and on real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import clip, eyes_receipts
from jwo_cli.drive.eyes import CameraEyes, Goods, Models, watch_videos
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.pixels import Boxes, Image, Poses
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.vision.appearance import Appearance, Gallery
from jwo_cli.estimate.vision.sights import Sights
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import Reach, TrackEnded, TrackStarted
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from jwo_cli.sensors.crops import looks_of
from jwo_cli.synthetic.simulate import simulate
from tests.estimate.tracking.kiosk import SIZE, kiosk
from tests.estimate.vision.puppets import VIEWS, Puppet, shown
from tests.sensors.footage import noisy, write_video
from tests.sensors.test_gallery import Blocks

STEP_NS = 100_000_000
STORE = kiosk()
FIXTURE = STORE.fixtures[0]
PLATE = next(plate for fixture, _, plate in STORE.plates().values() if fixture is FIXTURE and plate.box.z_m > 0.9)
TAKE = 30  # the step at which the hand is at the plate
COLOURS = {"cola": (40, 40, 200), "tea": (40, 180, 60)}


def shopper(step: int) -> Puppet:
    """Somebody before the first fixture: the hand goes to the plate, stays, and comes back."""
    box = PLATE.box
    x_m = box.x_m + box.dx_m / 2
    share = float(np.clip(min(step - (TAKE - 8), TAKE + 14 - step) / 6, 0, 1))  # 0 by the body, 1 at the plate
    depth = -0.28 + share * 0.24
    grip = FIXTURE.pose.apply(x_m, box.y_m + depth, box.z_m + 0.12)
    place = FIXTURE.pose.apply(x_m, box.y_m - 0.55)
    away = FIXTURE.pose.apply(x_m, box.y_m)
    return Puppet(place=place[:2], grip=grip, facing_rad=float(np.arctan2(away[1] - place[1], away[0] - place[0])))


@dataclass
class Looking:
    """A model that knows what each picture shows: the number is written into its first pixel."""

    steps: list[int] = field(default_factory=list)

    def poses(self, image: Image) -> Poses:
        step, camera = int(image[0, 0, 0]), int(image[0, 0, 1])
        return shown([shopper(step)], list(VIEWS)[camera])


def picture(step: int, camera: str) -> Image:
    """Grey, with the colour of what is in the hand around the wrist: a cola once it was taken."""
    image = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    if step >= TAKE:
        wrist = VIEWS[camera].project(shopper(step).joints()[[10]])[0].astype(int)
        x, y = np.clip(wrist, 60, np.array(SIZE) - 60)
        image[y - 60 : y + 60, x - 60 : x + 60] = COLOURS["cola"]
    image[0, 0] = (step, list(VIEWS).index(camera), 0)
    return image


def goods() -> Goods:
    """A gallery of plain colours."""
    looks = looks_of([np.full((64, 64, 3), colour, np.uint8) for colour in COLOURS.values()], Blocks())
    appearance = Appearance(Gallery(product_ids=tuple(COLOURS), looks=looks, model="blocks"))
    return Goods(embedder=Blocks(), appearance=appearance, sights=Sights(appearance))


def test_a_hand_at_a_plate_becomes_an_episode_and_what_it_took_is_seen() -> None:
    """One stay, at that fixture; the crops after it speak for the cola, and the front end would be told in time."""
    given = goods()
    eyes = CameraEyes(STORE, Models(poses=Looking()), goods=given)
    answer: tuple[tuple[str, float], ...] = ()
    reach = Reach(track_id="p1", log_likelihood=5.0, hand_m=0.02, body_m=0.5)
    for step in range(60):
        for camera in VIEWS:
            for seen in eyes.show(camera, step * STEP_NS, picture(step, camera)):
                if seen.at_ns >= TAKE * STEP_NS + 1_300_000_000 and not answer:
                    answer = given.sights.appearance(TAKE * STEP_NS, -1, [reach], tuple(COLOURS))
    eyes.close()
    assert [one.fixture_id for one in eyes.episodes] == [FIXTURE.fixture_id]
    assert eyes.episodes[0].plates[0][0] in {plate_id for plate_id in STORE.plates() if plate_id.startswith("g1")}
    assert dict(answer)["cola"] > 0.3 > dict(answer)["tea"]


def test_embedding_is_spent_where_hands_are_at_shelves() -> None:
    """A shopper whose hand never nears a shelf costs no embedding at all."""

    class Counting(Blocks):
        crops = 0

        def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
            Counting.crops += len(crops)
            return super().embed(crops)

    given = goods()
    counted = Goods(embedder=Counting(), appearance=given.appearance, sights=given.sights)
    eyes = CameraEyes(STORE, Models(poses=Looking()), goods=counted)
    for step in range(TAKE - 12):
        for camera in VIEWS:
            eyes.show(camera, step * STEP_NS, picture(step, camera))
    eyes.close()
    assert Counting.crops == 0
    assert not eyes.episodes


def test_videos_go_through_in_order_of_capture(tmp_path: Path) -> None:
    """Files of different lengths; nobody in them; each instant of the longest is told once."""
    files = {
        name: write_video(tmp_path / f"{name}.mp4", noisy(*SIZE[::-1], count))
        for name, count in (("c1", 12), ("c2", 7))
    }

    class Nobody:
        def detect(self, image: Image) -> Boxes:
            return Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))

    eyes = CameraEyes(STORE, Models(detector=Nobody()))
    times = [seen.at_ns for seen in watch_videos(eyes, files, start_ns=NS_PER_S)]
    assert times == [NS_PER_S + step * STEP_NS for step in range(12)]


def test_each_camera_may_have_a_detector_of_its_own() -> None:
    """A backdrop belongs to one camera's pictures."""

    class Mine:
        def __init__(self) -> None:
            self.pictures = 0

        def detect(self, image: Image) -> Boxes:
            self.pictures += 1
            return Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))

    own = {name: Mine() for name in ("c1", "c2")}
    eyes = CameraEyes(STORE, Models(by_camera=own))
    for step in range(3):
        eyes.show("c1", step * STEP_NS, np.zeros((72, 128, 3), np.uint8))
    assert (own["c1"].pictures, own["c2"].pictures) == (3, 0)


def test_no_video_and_no_model_are_said(tmp_path: Path) -> None:
    """A missing file, no file, no model: what is wrong and what to do."""
    with pytest.raises(ValueError, match="something has to look"):
        Models()
    eyes = CameraEyes(STORE, Models(poses=Looking()))
    with pytest.raises(UserError, match="no video was named"):
        list(watch_videos(eyes, {}))
    with pytest.raises(UserError, match="c1"):
        list(watch_videos(eyes, {"c1": tmp_path / "absent.mp4"}))


@pytest.mark.slow
def test_receipts_by_cameras_are_those_of_a_keypoint_tracker() -> None:
    """Two shoppers of a play, their key points seen badly by three cameras, beside the play's weights: both baskets."""
    store, script = eyes_receipts.shop(), eyes_receipts.morning(2)
    play = simulate(store, replace(script, actors=script.actors[:2]))
    told = list(eyes_receipts.seen_by_cameras(store, play, 2))
    weights = [signal for signal in play.signals if isinstance(signal, WeightBatch)]
    receipts = eyes_receipts.receipts_of(store, sorted([*weights, *told], key=captured_ns))
    assert eyes_receipts.right(receipts, sorted(visit.items for visit in play.visits)) == 2


@pytest.mark.slow
def test_the_real_shopper_reaches_twice(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels of four real cameras, at half their rate: one shopper, gondola 2 and about six seconds later gondola 1."""
    if not (shared_data / "nanostore-video").is_dir() or not (shared_data / "models").is_dir():
        pytest.skip("the real clips or models are not here")
    monkeypatch.setenv("JWO_MODELS", str(shared_data / "models"))
    from jwo_cli.sensors.models import open_crop_poses, open_detector

    store = clip.clip_store(shared_data)
    eyes = CameraEyes(store, Models(poses=open_crop_poses(detector=open_detector())))
    perception = Perception(store, recording_id="clip")
    told = []
    window = {"from_ns": 9 * NS_PER_S, "until_ns": 18 * NS_PER_S, "every_ns": 2 * STEP_NS}
    for seen in watch_videos(eyes, clip.files(shared_data), **window):
        told += [found for signal in seen.signals() for found in perception.feed(signal)]
    told += perception.close()
    assert len([item for item in told if isinstance(item, TrackStarted)]) == 1
    assert len([item for item in told if isinstance(item, TrackEnded)]) == 1
    assert [one.fixture_id for one in eyes.episodes] == ["g2", "g1"]
    assert 4.5 <= (eyes.episodes[1].at_ns - eyes.episodes[0].at_ns) / NS_PER_S <= 7.5


def test_the_clips_cameras_agree_about_the_floor(shared_data: Path) -> None:
    """The calibration derived from the scene: a mark on the floor is one place to all cameras that see it."""
    off = clip.agreement_cm(clip.clip_store(shared_data))
    assert np.median(off) < 3
    assert off.max() < 10
