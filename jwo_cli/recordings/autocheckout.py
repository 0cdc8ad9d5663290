"""One AutoCheckout document to one signal: plate batches and targets of the CPS-IoT Week 2020 competition.

Units are converted here and nowhere else: joints come in inches and leave in metres. `timestamp` is the time of capture
and of a batch's last sample. (In the real recording `header.t_origin` ticks exactly every 200 ms and lies 98 +- 3 ms
before `timestamp`, less than the 183 ms a batch spans, so it is no first sample; both streams agree on `timestamp` to
0.1 s, and `date_time` is when the database got the document, 2.3 s late for targets.) Dirt stays in: NaN samples,
loose channels, duplicates and disorder are passed on as they came. Only what cannot be read raises MalformedError.
"""

from __future__ import annotations

import base64
import binascii
import functools
import math

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import PersonPose, PoseFrame, WeightBatch
from jwo_cli.model.units import METRES_PER_INCH, seconds_to_ns

from .documents import Document, child, items, number, record, shown, text, type_name, whole
from .problems import MalformedError

# Years 1990 to 2200: a stamp outside is no capture time but seconds since boot, milliseconds or a default.
EARLIEST_S, LATEST_S = 631_152_000.0, 7_258_118_400.0
FARTHEST_IN = 1e6
_POINTS = ("head", "neck", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist")
_MISSING = (math.nan, math.nan, math.nan)
_AXES = ("x", "y", "z")
Point = tuple[float, float, float]
Joint = tuple[Point, float]


def moment_ns(value: object, path: str) -> int:
    """Seconds since the epoch as int nanoseconds, exact to the microsecond. Raises MalformedError."""
    seconds = number(value, path)
    if not EARLIEST_S <= seconds <= LATEST_S:
        fix = "Timestamps are seconds since 1970-01-01 UTC."
        raise MalformedError(path, f"{seconds} is no time between the years 1990 and 2200", fix)
    return seconds_to_ns(seconds)


@functools.cache
def grid_channels(gondola: int, rows: int, columns: int) -> tuple[str, ...]:
    """Channel names of a gondola's plate grid, row by row, without row and column 0 (which never carry a plate)."""
    return tuple(f"g{gondola}:{row}:{column}" for row in range(1, rows) for column in range(1, columns))


def weight_batch(document: Document) -> WeightBatch:
    """A `plate_data` document as a batch: float32 [samples, (rows - 1) * (columns - 1)], bits as they were sent."""
    end_ns = moment_ns(child(document, "timestamp", "timestamp"), "timestamp")
    path = "document.plate_data"
    data = child(child(document, "document", "document"), "plate_data", path)
    values = child(data, "values", f"{path}.values")
    shape = _shape(child(values, "shape", f"{path}.values.shape"), f"{path}.values.shape")
    kind = child(values, "type", f"{path}.values.type")
    if kind != "DATATYPE_FLOAT32":
        problem = f"expected 'DATATYPE_FLOAT32', got {shown(kind)}"
        raise MalformedError(f"{path}.values.type", problem, "Only float32 plates are known.")
    rate_hz = number(child(data, "freq_samp", f"{path}.freq_samp"), f"{path}.freq_samp")
    if rate_hz <= 0:
        fix = "Write the rate in Hz, 60 in the nanostore."
        raise MalformedError(f"{path}.freq_samp", f"{rate_hz} is no sampling rate", fix)
    gondola = _gondola(data, f"{path}.plate_id")
    samples, rows, columns = shape
    grid = _decode(child(values, "data", f"{path}.values.data"), shape, f"{path}.values")
    grams = grid[:, 1:, 1:].reshape(samples, (rows - 1) * (columns - 1))
    channels = grid_channels(gondola, rows, columns)
    return WeightBatch(device_id=f"g{gondola}", end_ns=end_ns, rate_hz=rate_hz, channels=channels, grams=grams)


def _gondola(data: object, path: str) -> int:
    """The gondola of a batch. protobuf's JSON leaves zeros out, so a missing id is gondola 0."""
    shelf = child(child(data, "plate_id", path), "shelf_id", f"{path}.shelf_id")
    inside = f"{path}.shelf_id.gondola_id"
    gondola = record(child(shelf, "gondola_id", inside), inside, 'Write {"id": 1}.')
    return whole(gondola.get("id", 0), f"{inside}.id")


def _shape(value: object, path: str) -> tuple[int, int, int]:
    axes = [whole(item, path) for item in items(value, path)]
    if len(axes) != 3:
        problem = f"expected [samples, shelves + 1, plates + 1], got {len(axes)} axes"
        raise MalformedError(path, problem, "Export the document again.")
    samples, rows, columns = axes
    if not (1 <= samples <= 100_000 and 2 <= rows <= 1_000 and 2 <= columns <= 1_000):
        fix = "A batch has samples, shelves + 1 rows and plates + 1 columns."
        raise MalformedError(path, f"{[samples, rows, columns]} is no grid of plates", fix)
    return samples, rows, columns


def _decode(value: object, shape: tuple[int, int, int], path: str) -> NDArray[np.float32]:
    """base64 (or BSON's bytes) little-endian float32 as an array of `shape`."""
    if isinstance(value, bytes):
        raw = value
    elif isinstance(value, str):
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedError(f"{path}.data", f"bad base64 ({error})", "Export the document again.") from None
    else:
        raise MalformedError(
            f"{path}.data", f"expected base64 text, got {type_name(value)}", "Export the document again."
        )
    needed = 4 * shape[0] * shape[1] * shape[2]
    if len(raw) != needed:
        problem = f"shape {list(shape)} needs {needed} bytes, data holds {len(raw)}"
        raise MalformedError(f"{path}.shape", problem, "Data and shape belong together; export the document again.")
    return np.frombuffer(raw, dtype="<f4").reshape(shape)


def pose_frame(document: Document) -> PoseFrame:
    """A `full_targets` document as a frame: everybody in view with ten joints in metres; `"targets": {}` is nobody."""
    at_ns = moment_ns(child(document, "timestamp", "timestamp"), "timestamp")
    path = "document.targets"
    inside = child(child(document, "document", "document"), "targets", path)
    targets = record(inside, path, 'Nobody in view is written {"targets": {}}.')
    people = items(targets.get("targets", []), f"{path}.targets")
    poses = tuple(_person(person, f"{path}.targets[{i}]") for i, person in enumerate(people))
    return PoseFrame(at_ns=at_ns, people=poses)


def _person(value: object, path: str) -> PersonPose:
    person = record(value, path)
    track = child(child(person, "target_id", f"{path}.target_id"), "id", f"{path}.target_id.id")
    state = person.get("target_state", "")
    if not isinstance(state, str):
        raise MalformedError(f"{path}.target_state", f"expected a text, got {type_name(state)}", "States are names.")
    joints = [_joint(person.get(name), f"{path}.{name}") for name in _POINTS]
    hands = items(person.get("hands", []), f"{path}.hands", "Hands are a list of points.")
    seen = [_joint(hand, f"{path}.hands[{i}]") for i, hand in enumerate(hands)]
    joints.extend(_sided(seen, joints[6], joints[7]))  # the ten of signals.JOINTS now, in its order
    inches = np.array([point for point, _ in joints], dtype=np.float64)
    if (np.abs(inches) > FARTHEST_IN).any():
        raise MalformedError(path, "a joint lies more than 25 km away", "Joints are in inches in the store's frame.")
    return PersonPose(
        track_id=text(track, f"{path}.target_id.id"),
        joints_m=(inches * METRES_PER_INCH).astype(np.float32),
        scores=np.array([score for _, score in joints], dtype=np.float32),
        state=state,
    )


def _joint(joint: object, path: str) -> Joint:
    """One joint in inches and its score. No point is NaN; a coordinate left out beside others is protobuf's zero."""
    if joint is None:
        return _MISSING, 0.0
    joint = record(joint, path, 'A missing joint is written {"point": {}}.')
    score = joint.get("score", 0.0)
    if not isinstance(score, float):
        score = _coordinate(score, f"{path}.score")
    point = joint.get("point")
    if not point:
        return _MISSING, score
    point = record(point, f"{path}.point", 'Write {"x": 1.0, "y": 2.0, "z": 3.0}.')
    x, y, z = point.get("x", 0.0), point.get("y", 0.0), point.get("z", 0.0)
    if not (type(x) is type(y) is type(z) is float):
        x, y, z = (_coordinate(point.get(axis, 0.0), f"{path}.point.{axis}") for axis in _AXES)
    return (x, y, z), score


def _coordinate(value: object, path: str) -> float:
    return math.nan if value == "NaN" else number(value, path)


def _sided(hands: list[Joint], left_wrist: Joint, right_wrist: Joint) -> tuple[Joint, Joint]:
    """The unnamed points of `hands` as (left, right): each goes to the nearer wrist, in the order that costs least.

    In the data a hand is the wrist's point again, right before left; without wrists that order decides. Points beyond
    the second belong to nobody and are left out.
    """
    nothing: Joint = (_MISSING, 0.0)
    pair = [*hands[:2], nothing, nothing][:2]
    straight = _apart(pair[0], right_wrist) + _apart(pair[1], left_wrist)
    crossed = _apart(pair[0], left_wrist) + _apart(pair[1], right_wrist)
    return (pair[0], pair[1]) if crossed < straight else (pair[1], pair[0])


def _apart(hand: Joint, wrist: Joint) -> float:
    """Distance in inches along the axes that both have; a hand without a wrist costs more than any that has one."""
    here, there = hand[0], wrist[0]
    if here == there:
        return 0.0
    known = [a - b for a, b in zip(here, there, strict=True) if not math.isnan(a - b)]
    if known:
        return math.hypot(*known)
    return 0.0 if all(map(math.isnan, here)) else 1e6
