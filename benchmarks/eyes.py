"""From pixels to hands at shelves: four clips of one real shopper, with two models of key points and with boxes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import clip
from jwo_cli.drive.eyes import CameraEyes, Models, watch_videos
from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.pixels import Image, PoseEstimator, Poses
from jwo_cli.estimate.vision.episodes import Episode
from jwo_cli.estimate.vision.eyes import Seen
from jwo_cli.estimate.vision.hands import EITHER
from jwo_cli.model.observations import Observation, TrackEnded, TrackStarted
from jwo_cli.model.units import NS_PER_S

TITLE = "Eyes: from pixels to hands at shelves"
ASKED = "1 shopper, one start and one end; g2, then g1, 6 ± 1.5 s later"
APART_S, GIVE_S = 6.0, 1.5


@dataclass(slots=True)
class Timed:
    """A model of key points that notes the time it takes."""

    inner: PoseEstimator
    spent_s: float = 0.0
    pictures: int = 0

    def poses(self, image: Image) -> Poses:
        """As the model."""
        start = time.process_time()
        found = self.inner.poses(image)
        self.spent_s += time.process_time() - start
        self.pictures += 1
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a run came to."""

    ids: tuple[str, ...]
    from_s: float
    until_s: float
    instants: int
    with_hands: float
    started: int
    ended: int
    episodes: tuple[Episode, ...]
    wrist_sigma_m: float = field(default=float("nan"))

    def good(self) -> bool:
        """Whether it is what happened."""
        one = len(self.ids) == self.started == self.ended == 1
        places = tuple(one.fixture_id for one in self.episodes)
        return one and places == ("g2", "g1") and abs(self.apart_s() - APART_S) <= GIVE_S

    def apart_s(self) -> float:
        """Seconds between the first two episodes' deepest moments."""
        return (self.episodes[1].at_ns - self.episodes[0].at_ns) / NS_PER_S if len(self.episodes) > 1 else float("nan")


def watch(eyes: CameraEyes, files: Mapping[str, Path], *, every_ns: int = 0) -> Watched:
    """The clips through the eyes and the front end."""
    store_front = Perception(clip.clip_store(clip.data()), recording_id="clip")
    seen: list[Seen] = []
    told: list[Observation] = []
    for one in watch_videos(eyes, files, every_ns=every_ns):
        seen.append(one)
        told += store_front.feed(one.poses)
    told += store_front.close()
    times = [one.at_ns / NS_PER_S for one in seen if one.people]
    people = [person for one in seen for person in one.people]
    sigma = [float(np.sqrt(np.linalg.eigvalsh(hand.covariance)[-1])) for person in people for hand in person.hands]
    return Watched(
        ids=tuple(dict.fromkeys(person.track_id for person in people)),
        from_s=min(times, default=float("nan")),
        until_s=max(times, default=float("nan")),
        instants=len(times),
        with_hands=float(np.mean([person.hands != () and person.hands[0].side != EITHER for person in people]))
        if people
        else 0.0,
        started=sum(isinstance(item, TrackStarted) for item in told),
        ended=sum(isinstance(item, TrackEnded) for item in told),
        episodes=tuple(eyes.episodes),
        wrist_sigma_m=float(np.median(sigma)) if sigma else float("nan"),
    )


def run() -> str:
    """The tables, or why they are not there."""
    root = clip.data()
    if not (root / "nanostore-video").is_dir():
        return f"Skipped: the real data is not here ({root}).\n"
    os.environ.setdefault("JWO_MODELS", str(root / "models"))
    store, files = clip.clip_store(root), clip.files(root)
    rows = [
        _calibrated(clip.agreement_cm(store)),
        "",
        "| models | asked | shoppers | episodes | apart | model ms/picture | all else ms/instant | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    details = []
    for name, model in _models().items():
        timed = None if model.poses is None else Timed(model.poses)
        eyes = CameraEyes(store, model if timed is None else Models(poses=timed))
        start = time.process_time()
        found = watch(eyes, files)
        spent = time.process_time() - start
        rest = (spent - timed.spent_s) / max(timed.pictures / len(files), 1) * 1e3 if timed else float("nan")
        cost = timed.spent_s / max(timed.pictures, 1) * 1e3 if timed else float("nan")
        told = ", ".join(_episode(one) for one in found.episodes) or "none"
        verdict = ("reached" if found.good() else "**missed**") if timed else "bodies only"
        rows.append(
            f"| {name} | {ASKED} | {len(found.ids)} | {told} | {found.apart_s():.1f} s | {cost:.0f} | {rest:.0f} | "
            f"{verdict} |"
        )
        details.append(
            f"{name}: seen from {found.from_s:.1f} to {found.until_s:.1f} s in {found.instants} instants, with a hand "
            f"in {found.with_hands:.0%}; a hand's deviation {100 * found.wrist_sigma_m:.0f} cm (median); the front end "
            f"told {found.started} start and {found.ended} end."
        )
    return "\n".join([*rows, "", *details, ""])


def _calibrated(off_cm: clip.Floats) -> str:
    text = f"{len(off_cm)} marks on the floor lie {np.median(off_cm):.1f} cm (median) and at most {off_cm.max():.1f} cm"
    return f"Calibration from the scene (`benchmarks/clip.py`): {text} from the middle of the cameras that see them."


def _episode(one: Episode) -> str:
    shelf = one.plates[0][0].rsplit(".", 1)[0] if one.plates else one.fixture_id
    span = f"{one.begin_ns / NS_PER_S:.1f}–{one.end_ns / NS_PER_S:.1f} s"
    return f"{shelf} {span} (p {one.probability:.2f})"


def _models() -> dict[str, Models]:
    from jwo_cli.sensors.models import open_crop_poses, open_detector, open_poses

    detector = open_detector(threads=1)
    return {
        "YOLOX nano, MoveNet in each box": Models(poses=open_crop_poses(detector=detector, threads=1)),
        "MoveNet multi-pose": Models(poses=open_poses(threads=1)),
        "YOLOX nano alone": Models(detector=detector),
    }
