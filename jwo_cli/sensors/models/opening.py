"""Models by name, checked and ready to run: what other rooms call.

    detector = open_detector()                      # the default one
    poses = open_poses("movenet_multipose_lightning")
    people = open_embedder("intel_person_reid_retail_0287")

Each raises UserError where the weights are absent or their checksum is wrong; `has_weights` asks without raising.
"""

from __future__ import annotations

from jwo_cli.estimate.pixels import Detector, PoseEstimator
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import cache, registry
from jwo_cli.sensors.models.detectors import NetworkDetector
from jwo_cli.sensors.models.embedding import NetworkEmbedder
from jwo_cli.sensors.models.entry import Entry, Head, Role
from jwo_cli.sensors.models.fitting import Floats
from jwo_cli.sensors.models.posing import CropPoses, ManyPoses
from jwo_cli.sensors.models.session import THREADS, Session


def has_weights(name: str = "", *, role: Role = Role.DETECTOR) -> bool:
    """Whether a model's file (the default when none is named) is in the cache; opening it says if it is wrong."""
    return cache.path_of(_entry(name, role)).is_file()


def open_detector(
    name: str = "", *, score: float | None = None, tiles: int = 1, threads: int = THREADS
) -> NetworkDetector:
    """A detector of people; `tiles` as in `NetworkDetector`."""
    entry = _entry(name, Role.DETECTOR)
    return NetworkDetector(open_session(entry, threads=threads), entry, score=score, tiles=tiles)


def open_poses(
    name: str = "", *, detector: Detector | None = None, score: float | None = None, threads: int = THREADS
) -> PoseEstimator:
    """A pose estimator for whole images: one for crops gets its boxes from `detector`, or the default detector."""
    entry = _entry(name, Role.POSE)
    if entry.head is Head.MOVENET_MANY:
        return ManyPoses(open_session(entry, threads=threads), entry, score=score)
    return open_crop_poses(entry.name, detector=detector or open_detector(threads=threads), threads=threads)


def open_crop_poses(
    name: str = "movenet_lightning", *, detector: Detector | None = None, threads: int = THREADS
) -> CropPoses:
    """A pose estimator for boxes that are known already (`in_boxes`)."""
    entry = _entry(name, Role.POSE)
    if entry.head is Head.MOVENET_MANY:
        raise UserError(f"{entry.name} looks at whole images", fix="Name a model for crops, such as movenet_lightning.")
    return CropPoses(open_session(entry, threads=threads), entry, detector=detector)


def open_embedder(
    name: str = "", *, role: Role = Role.PERSON, mean: Floats | None = None, threads: int = THREADS
) -> NetworkEmbedder:
    """Appearance of people (or, with `role`, of products; `mean` as in `NetworkEmbedder`)."""
    entry = registry.find(name) if name else registry.default(role)
    if entry.head is not Head.EMBEDDING:
        raise UserError(f"{entry.name} is a {entry.role.value}, no embedder", fix="`jwo models list` shows the roles.")
    return NetworkEmbedder(open_session(entry, threads=threads), entry, mean=mean)


def open_session(entry: Entry, *, threads: int = THREADS) -> Session:
    """A network from the cache, its checksum found right."""
    return Session(cache.checked(entry), name=entry.name, threads=threads)


def _entry(name: str, role: Role) -> Entry:
    entry = registry.find(name) if name else registry.default(role)
    if entry.role is not role:
        raise UserError(f"{entry.name} is a {entry.role.value}, no {role.value}", fix="`jwo models list` shows roles.")
    return entry
