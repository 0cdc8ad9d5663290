"""Key points of people by a network: many at once, or one in each of the boxes that a detector found."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.pixels import Boxes, Detector, Image, Poses
from jwo_cli.sensors.models import keypoints
from jwo_cli.sensors.models.entry import Entry, Head
from jwo_cli.sensors.models.fitting import Floats, cut, fit, normalised
from jwo_cli.sensors.models.session import Session

# A raised arm reaches about a fifth of the body's height above the head.
WIDER, TALLER_UP = 1.25, 0.2


class ManyPoses:
    """A pose estimator that finds people by itself (MoveNet multi-pose: at most six)."""

    def __init__(self, session: Session, entry: Entry, *, score: float | None = None) -> None:
        self.entry = entry
        self.score = entry.score if score is None else score
        self._session = session

    def poses(self, image: Image) -> Poses:
        """Everybody in the image, best first."""
        canvas, where = fit(image, self.entry.form)
        high, wide = canvas.shape[:2]
        output = self._session.run_one(normalised(canvas, self.entry.form))[0]
        corners, scores, points = keypoints.movenet_many(output, high, wide)
        points[..., :2] = where.back(points[..., :2])
        return _best(where.back_boxes(corners), scores, points, self.score)


class CropPoses:
    """A pose estimator for boxes: the key points of the one person in each (MoveNet single-pose, RTMPose).

    With a `detector` it is a `estimate.pixels.PoseEstimator`; without, use `in_boxes`.
    """

    def __init__(
        self, session: Session, entry: Entry, *, detector: Detector | None = None, score: float | None = None
    ) -> None:
        self.entry = entry
        self.score = entry.score if score is None else score
        self.detector = detector
        self._session = session

    def poses(self, image: Image) -> Poses:
        """Everybody whom the detector finds, with key points. Raises ValueError without a detector."""
        if self.detector is None:
            raise ValueError("a pose network for crops needs a detector, or boxes (`in_boxes`)")
        return self.in_boxes(image, self.detector.detect(image))

    def in_boxes(self, image: Image, boxes: Boxes) -> Poses:
        """One pose for each box, in the boxes' order, with the boxes' corners and scores."""
        points = [self._one(image, corners) for corners in boxes.corners_px]
        found = np.stack(points) if points else np.zeros((0, keypoints.COUNT, 3), dtype=np.float32)
        return Poses(corners_px=boxes.corners_px, scores=boxes.scores, keypoints_px=found)

    def _one(self, image: Image, corners_px: Floats) -> Floats:
        form = self.entry.form
        aspect = form.width_px / form.height_px
        crop, where = cut(image, keypoints.crop_box(corners_px, wider=WIDER, taller_up=TALLER_UP, aspect=aspect), form)
        outputs = self._session.run_one(normalised(crop, form))
        if self.entry.head is Head.SIMCC:
            # The outputs are told apart by their lengths: the input is taller than wide.
            along_x, along_y = sorted(outputs[:2], key=lambda bins: int(bins.shape[-1]))
            points = keypoints.simcc(along_x, along_y)[0]
        else:
            points = keypoints.movenet_one(outputs[0], form.height_px, form.width_px)
        points[:, :2] = where.back(points[:, :2])
        return np.asarray(points, dtype=np.float32)


def _best(corners: Floats, scores: Floats, points: Floats, at_least: float) -> Poses:
    sound = (scores >= at_least) & np.all(corners[:, 2:] > corners[:, :2], axis=1)
    where = np.flatnonzero(sound)
    order = where[np.argsort(-scores[where], kind="stable")]
    return Poses(corners_px=corners[order], scores=scores[order], keypoints_px=points[order])
