"""Cameras' pictures to pose messages, hands at shelves and what hands hold: models above, estimates below.

Every picture goes through the models once; `Eyes` says who and where, about a second later. Crops of hands wait in
memory meanwhile. Only around a hand's stay at a shelf are they embedded: some before (what was brought), some after
(what was taken). What they show goes to `Sights`, before the pose message of its instant is given away, so that a front
end that is fed in this order has it when it asks.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.pixels import Boxes, Detector, Embedder, Image, PoseEstimator, Poses
from jwo_cli.estimate.vision.appearance import Appearance
from jwo_cli.estimate.vision.episodes import Episode, Episodes
from jwo_cli.estimate.vision.eyes import Eyes, Seen, Sighted
from jwo_cli.estimate.vision.hands import Hand
from jwo_cli.estimate.vision.shelves import Shelves
from jwo_cli.estimate.vision.sights import AFTER_NS, HandSight, Sights
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.units import NS_PER_MS, NS_PER_S
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.crops import hand_crops, looks_of
from jwo_cli.sensors.frames import Frame
from jwo_cli.sensors.trouble import CameraError
from jwo_cli.sensors.video import Video

IN_BOXES = "movenet_lightning"  # best wrists for its time of the models at hand (benchmarks/eyes.py)
NEAR = 0.25  # a hand that is at a shelf with this probability may take or place something
OFTEN_NS = 250 * NS_PER_MS  # pictures of a hand nearer in time show the same
REMEMBERED = 10_000  # episodes: a store that runs for months forgets the oldest
KEEP_NS = 5 * NS_PER_S  # crops wait for the tracker, which is about a second late


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What looks at pictures: key points if there are such models, else boxes.

    `by_camera` are detectors that remember their camera's pictures (a backdrop, furniture); `detector` serves the rest.
    """

    poses: PoseEstimator | None = None
    detector: Detector | None = None
    by_camera: Mapping[str, Detector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.poses is None and self.detector is None and not self.by_camera:
            raise ValueError("something has to look at the pictures: key points, or boxes")

    def look(self, camera_id: str, image: Image) -> Poses | Boxes:
        """What is found in a picture. Raises KeyError for a camera that nothing looks at."""
        if self.poses is not None:
            return self.poses.poses(image)
        detector = self.by_camera.get(camera_id, self.detector)
        if detector is None:
            raise KeyError(camera_id)
        return detector.detect(image)

    @property
    def words(self) -> str:
        """What looks, for people."""
        return "key points" if self.poses is not None else "boxes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What tells goods in hands: an embedder, the store's gallery behind `appearance`, and where it is told to."""

    embedder: Embedder
    appearance: Appearance
    sights: Sights


@dataclass(slots=True)
class _HandPast:
    """One hand lately: its best crop of each instant, when one was last embedded, until when it is watched."""

    crops: deque[tuple[int, Image]] = field(default_factory=deque)
    until_ns: int = -1
    embedded_ns: int = -NS_PER_S
    inside: bool = False


class CameraEyes:
    """A store's cameras at work. Show it pictures as they come.

    `episodes` collects the hands at shelves, `troubles` the files that broke off.
    """

    def __init__(
        self, store: Store, models: Models, *, views: Mapping[str, View] | None = None, goods: Goods | None = None
    ) -> None:
        self._models, self._goods = models, goods
        self.eyes = Eyes(store, views)
        self._shelves = Shelves(store)
        self._watch = Episodes(self._shelves)
        self._crops: dict[tuple[str, int, int, int], Image] = {}
        self._hands: dict[tuple[str, int], _HandPast] = {}
        self.episodes: deque[Episode] = deque(maxlen=REMEMBERED)
        self.troubles: list[CameraError] = []

    def show(self, camera_id: str, at_ns: int, image: Image) -> tuple[Seen, ...]:
        """One picture; returns what became certain. Raises KeyError for a camera that is not calibrated."""
        found = self._models.look(camera_id, image)
        if isinstance(found, Poses):
            self._keep(camera_id, at_ns, image, found)
        return self._told(self.eyes.feed(camera_id, at_ns, found))

    def close(self) -> tuple[Seen, ...]:
        """The rest, when no picture will come."""
        seen = self._told(self.eyes.close())
        self.episodes += self._watch.close()
        return seen

    def _keep(self, camera_id: str, at_ns: int, image: Image, found: Poses) -> None:
        if self._goods is None:
            return
        for crop in hand_crops(image, found):
            self._crops[camera_id, at_ns, crop.row, crop.side] = crop.image
        if len(self._crops) > 64:
            self._crops = {key: kept for key, kept in self._crops.items() if key[1] > at_ns - KEEP_NS}

    def _told(self, seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
        for one in seen:
            self.episodes += self._watch.feed(one.at_ns, [(person.track_id, person.hands) for person in one.people])
            if self._goods is not None:
                for person in one.people:
                    self._look(one, person, self._goods)
                self._forget(one.at_ns - KEEP_NS)
        return seen

    def _forget(self, before_ns: int) -> None:
        """Hands that were not seen for long."""
        kept = ((key, past) for key, past in self._hands.items() if past.crops and past.crops[-1][0] >= before_ns)
        self._hands = dict(kept)

    def _look(self, seen: Seen, person: Sighted, goods: Goods) -> None:
        """Embeds what a person's hands hold where it matters."""
        times = {frame.camera_id: frame.at_ns for frame in seen.frames}
        hands: dict[int, Hand] = {hand.side: hand for hand in person.hands}
        for side in (0, 1):
            past = self._hands.setdefault((person.track_id, side), _HandPast())
            cut = [self._crops.get((name, times[name], row, side)) for name, row in person.shown]
            best = max((one for one in cut if one is not None), key=lambda one: one.shape[0], default=None)
            if best is not None:
                past.crops.append((seen.at_ns, best))
            while past.crops and past.crops[0][0] < seen.at_ns - AFTER_NS:
                past.crops.popleft()
            there = 0.0
            if side in hands:
                there = float(self._shelves.at_fixture(self._shelves.inside(hands[side])).max(initial=0.0))
            arrived, past.inside = there >= NEAR and not past.inside, there >= NEAR
            if past.inside:
                past.until_ns = seen.at_ns + AFTER_NS
            if arrived or (not past.inside and seen.at_ns <= past.until_ns):
                self._embed(person.track_id, side, past, goods)

    def _embed(self, track_id: str, side: int, past: _HandPast, goods: Goods) -> None:
        """The crops of a hand that were not embedded yet, some of them."""
        chosen: list[tuple[int, Image]] = []
        for at_ns, crop in past.crops:
            if at_ns - past.embedded_ns >= OFTEN_NS:
                chosen.append((at_ns, crop))
                past.embedded_ns = at_ns
        if not chosen:
            return
        similarity = goods.appearance.similarity(looks_of([crop for _, crop in chosen], goods.embedder))
        for (at_ns, _), row in zip(chosen, similarity, strict=True):
            goods.sights.see(HandSight(at_ns=at_ns, track_id=track_id, side=side, similarity=np.asarray(row)))


def open_models(store: Store, poses: str = "") -> Models:
    """The named model of key points, else the best that this machine has weights for.

    In this order: key points in each detected box, key points of everybody at once, boxes of a network, and without any
    weights what moves before each camera's backdrop. Raises UserError where the named model's weights are not here.
    """
    from jwo_cli.sensors.models import has_weights, open_crop_poses, open_detector, open_poses
    from jwo_cli.sensors.models.entry import Role
    from jwo_cli.sensors.people import people_detector

    if poses:
        return Models(poses=open_poses(poses))
    if has_weights() and has_weights(IN_BOXES, role=Role.POSE):
        return Models(poses=open_crop_poses(IN_BOXES, detector=open_detector()))
    if has_weights(role=Role.POSE):
        return Models(poses=open_poses())
    return Models(by_camera={name: people_detector(view) for name, view in store_views(store).items()})


def watch_videos(
    eyes: CameraEyes, files: Mapping[str, Path], *, start_ns: int = 0, from_ns: int = 0, until_ns: int | None = None,
    every_ns: int = 0,
) -> Iterator[Seen]:  # fmt: skip
    """Video files (camera -> file, all begun at `start_ns`) through the eyes, in order of capture.

    Looks at pictures between `from_ns` and `until_ns`, of each camera at one in `every_ns` (all when 0). A file that
    breaks off ends its camera (`eyes.troubles`), the others go on. Raises UserError where one cannot be opened, or its
    pictures are of another size than the camera was calibrated with.
    """
    if not files:
        raise UserError("no video was named", fix="Write CAMERA=FILE, such as c1=c1.mp4.")
    with ExitStack() as opened:
        videos = [
            opened.enter_context(Video(name, address_of(str(path)), start_ns=start_ns)) for name, path in files.items()
        ]
        streams = [_whole(video, eyes.troubles) for video in videos]
        looked: dict[str, int] = {}
        for frame in heapq.merge(*streams, key=lambda one: one.capture_ns):
            if until_ns is not None and frame.capture_ns > until_ns:
                break
            if frame.capture_ns >= max(from_ns, looked.get(frame.camera_id, from_ns)):
                # Counted from the start, so that cameras of one rate keep looking at the same instants.
                steps = (frame.capture_ns - start_ns) // every_ns + 1 if every_ns else 0
                looked[frame.camera_id] = start_ns + steps * every_ns
                image = frame.image()
                same_size(frame.camera_id, image, eyes.eyes.size_px(frame.camera_id))
                yield from eyes.show(frame.camera_id, frame.capture_ns, image)
    yield from eyes.close()


def same_size(camera_id: str, image: Image, calibrated_px: tuple[float, float] | None) -> None:
    """Raises UserError for a picture of another size than its camera was calibrated with: places would be wrong."""
    height, width = image.shape[:2]
    if calibrated_px is not None and (width, height) != calibrated_px:
        there = f"{calibrated_px[0]:.0f}x{calibrated_px[1]:.0f}"
        problem = f"{camera_id}'s pictures are {width}x{height}, its lens was calibrated at {there}"
        raise UserError(problem, fix="Record at the resolution of the calibration, or calibrate the lens again.")


def _whole(video: Video, troubles: list[CameraError]) -> Iterator[Frame]:
    """The frames of a video up to where it can be read."""
    try:
        yield from video.frames()
    except CameraError as error:
        troubles.append(error)
