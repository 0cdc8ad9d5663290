"""What devices publish: topics and payloads, as JSON that a microcontroller can write.

Topics, all below `jwo/<store_id>/<device_id>/`:

    data/<kind>   measurements: weights, poses, seen, tags, text, gate
    status        retained: {"online": true, "boot": …}, and as the last will {"online": false, "boot": …}
    ack           from the store: {"boot": …, "seq": n, "arrived": m}, everything up to m is here, up to n it is safe
    command       from the store, to gates: {"open": true, …}

Every measurement carries `boot` (which run of the device) and `seq` (0, 1, 2 … within that run, over all kinds), so
that what is missing is known and what comes twice is dropped; `base`, if the device keeps measurements until they are
acknowledged, is the oldest one that it could send again. A device whose counter goes round after 2^16 or 2^32 says so
(`bits`). Times are nanoseconds since 1970, UTC, of the capture.
null is a value that the device could not give. Payloads are never trusted: what does not fit is refused whole.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import KEYPOINTS, Boxes, Poses
from jwo_cli.estimate.signals import JOINTS, PersonPose, PoseFrame, TagRead, WeightBatch
from jwo_cli.model.codec import MOST
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.sequence import WHOLE_BITS

MAX_BYTES = 1 << 20
MAX_SAMPLES = 100_000
_LEVEL_FORBIDDEN = set("/+#\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeText:
    """A text that a gate's reader saw (QR code, card number, keyboard wedge); nothing about it is verified."""

    at_ns: int
    gate_id: str
    text: str
    way: str = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """A door's own word: opened, closed, released (stands open: fire, power, fault) or restored."""

    at_ns: int
    gate_id: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSaw:
    """People in one camera's image, pixels, with key points or without: what an edge machine makes of its cameras.

    `sent_ns` is when that was made, by the clock that stamped it: looking takes its time. 0 where nobody says.
    """

    at_ns: int
    camera_id: str
    found: Poses | Boxes
    sent_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTrouble:
    """Something is wrong with a device that its edge machine looks after, or is no longer (`over`)."""

    at_ns: int
    device_id: str
    kind: FaultKind
    over: bool = False
    note: str = ""


Body = WeightBatch | PoseFrame | CameraSaw | TagRead | CodeText | GateState | DeviceTrouble
GATE_STATES = ("opened", "closed", "released", "restored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A measurement's place in its device's run; `base` is the oldest one that the device could send again, if any.

    Both are modulo 2 to the power of `bits`.
    """

    boot: str
    seq: int
    base: int | None
    bits: int = WHOLE_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Head):
    """One measurement with its place in the device's run."""

    body: Body


class WireError(ValueError):
    """A payload or topic that is not one of ours; the message says what is wrong with it, not what it held.

    `head` is its place in its device's run, where that could still be read.
    """

    def __init__(self, problem: str, head: Head | None = None) -> None:
        super().__init__(problem)
        self.head = head


def topic(store_id: str, device_id: str, *rest: str) -> str:
    """A topic. Raises WireError for names that MQTT gives a meaning of their own."""
    for level in (store_id, device_id):
        _check_level(level)
    return "/".join(("jwo", store_id, device_id, *rest))


def device_of(name: str, store_id: str) -> tuple[str, str]:
    """(device id, the rest) of a topic of this store. Raises WireError."""
    levels = name.split("/", 3)
    if len(levels) != 4 or levels[0] != "jwo" or levels[1] != store_id or not levels[2]:
        raise WireError(f"{name[:200]!r} is no topic of store {store_id!r}")
    _check_level(levels[2])
    return levels[2], levels[3]


def _check_level(level: str) -> None:
    if not 0 < len(level) <= 200 or _LEVEL_FORBIDDEN & set(level) or level.startswith("$"):
        raise WireError(f"{level[:200]!r} cannot be a level of a topic")


def kind_of(body: Body) -> str:
    """The last level of its topic."""
    match body:
        case WeightBatch():
            return "weights"
        case PoseFrame():
            return "poses"
        case CameraSaw():
            return "seen"
        case TagRead():
            return "tags"
        case CodeText():
            return "text"
        case GateState():
            return "gate"
        case DeviceTrouble():
            return "trouble"
        case _:
            assert_never(body)


def pack(boot: str, seq: int, body: Body) -> bytes:
    """The payload of a measurement, without a base. Grams keep 0.01, metres 0.001, pixels 0.01, scores 0.0001."""
    return json.dumps({"boot": boot, "seq": seq, **_fields(body)}, separators=(",", ":"), allow_nan=False).encode()


def with_base(payload: bytes, base: int) -> bytes:
    """A packed payload with its base, which moves while it waits to be sent again."""
    return b'{"base":%d,%s' % (base, payload[1:])


def unpack(kind: str, payload: bytes, *, sender: str = "") -> Message:
    """A measurement from its payload. Raises WireError for whatever is not one, wholly and in range.

    Weights that do not say which device they are of are `sender`'s, as far as that is known.
    """
    if len(payload) > MAX_BYTES:
        raise WireError(f"a payload of {len(payload)} bytes is longer than {MAX_BYTES}")
    head: Head | None = None
    try:
        fields = json.loads(payload)
        head = _head(fields)
        return Message(boot=head.boot, seq=head.seq, base=head.base, bits=head.bits, body=_body(kind, fields, sender))
    except WireError as error:
        raise WireError(str(error), head) from None
    except KeyError as error:
        raise WireError(f"{kind}: field {error.args[0]!r} is missing", head) from None
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise WireError(f"{kind}: {type(error).__name__} in the payload", head) from None


def _head(fields: dict[str, Any]) -> Head:
    bits = _whole(fields.get("bits", WHOLE_BITS), most=WHOLE_BITS)
    if bits < 8:
        raise WireError("a counter has at least 8 bits")
    seq = _whole(fields["seq"], most=(1 << bits) - 1)
    base = None
    if "base" in fields:
        base = _whole(fields["base"], most=seq if bits == WHOLE_BITS else (1 << bits) - 1)
        if (seq - base) % (1 << bits) >= 1 << (bits - 1):
            raise WireError("base lies more than half a round behind seq")
    return Head(boot=_text(fields["boot"]), seq=seq, base=base, bits=bits)


def _fields(body: Body) -> dict[str, Any]:
    match body:
        case WeightBatch():
            return {
                "device": body.device_id,
                "end_ns": body.end_ns,
                "rate_hz": body.rate_hz,
                "channels": list(body.channels),
                "grams": _rows(body.grams, 2),
            }
        case PoseFrame():
            people = [
                {
                    "id": person.track_id,
                    "joints_m": _rows(person.joints_m, 3),
                    "scores": _row(person.scores, 4),
                    "state": person.state,
                }
                for person in body.people
            ]
            return {"at_ns": body.at_ns, "people": people}
        case CameraSaw():
            found = body.found
            seen: list[dict[str, Any]] = [
                {"box_px": _row(box, 2), "score": round(float(score), 4)}
                for box, score in zip(found.corners_px, found.scores, strict=True)
            ]
            if isinstance(found, Poses):
                for person, points in zip(seen, found.keypoints_px, strict=True):
                    person["keypoints_px"] = _rows(points, 4)
            sent = {"sent_ns": body.sent_ns} if body.sent_ns else {}
            return {"at_ns": body.at_ns, **sent, "camera": body.camera_id, "people": seen}
        case TagRead():
            return {
                "at_ns": body.at_ns,
                "antenna": body.antenna_id,
                "tag": body.tag_id,
                "rssi_dbm": body.rssi_dbm,
                "phase_rad": body.phase_rad,
            }
        case CodeText():
            return {"at_ns": body.at_ns, "gate": body.gate_id, "text": body.text, "way": body.way}
        case GateState():
            return {"at_ns": body.at_ns, "gate": body.gate_id, "state": body.state, "reason": body.reason}
        case DeviceTrouble():
            fields = {"at_ns": body.at_ns, "device": body.device_id, "fault": body.kind.value}
            return {**fields, "over": body.over, "note": body.note[:1_000]}
        case _:
            assert_never(body)


def _body(kind: str, fields: dict[str, Any], sender: str) -> Body:
    match kind:
        case "weights":
            return _weights(fields, sender)
        case "poses":
            return PoseFrame(at_ns=_whole(fields["at_ns"]), people=tuple(map(_person, fields["people"])))
        case "seen":
            return _seen(fields)
        case "tags":
            phase = fields.get("phase_rad")
            return TagRead(
                at_ns=_whole(fields["at_ns"]),
                antenna_id=_text(fields["antenna"]),
                tag_id=_text(fields["tag"]),
                rssi_dbm=_number(fields["rssi_dbm"]),
                phase_rad=None if phase is None else _number(phase),
            )
        case "text":
            return CodeText(
                at_ns=_whole(fields["at_ns"]),
                gate_id=_text(fields["gate"]),
                text=_text(fields["text"], empty=True),
                way=_text(fields.get("way", "code")),
            )
        case "gate":
            state = _text(fields["state"])
            if state not in GATE_STATES:
                raise WireError(f"gate: a state is one of {', '.join(GATE_STATES)}")
            return GateState(
                at_ns=_whole(fields["at_ns"]),
                gate_id=_text(fields["gate"]),
                state=state,
                reason=_text(fields.get("reason", ""), empty=True),
            )
        case "trouble":
            fault, over = _text(fields["fault"]), fields.get("over", False)
            if fault not in tuple(FaultKind) or not isinstance(over, bool):
                raise WireError(f"trouble: a fault is one of {', '.join(FaultKind)}; over is true or false")
            return DeviceTrouble(
                at_ns=_whole(fields["at_ns"]),
                device_id=_text(fields["device"]),
                kind=FaultKind(fault),
                over=over,
                note=_text(fields.get("note", ""), empty=True),
            )
        case _:
            raise WireError(f"{kind!r} is no kind of measurement")


def _weights(fields: dict[str, Any], sender: str) -> WeightBatch:
    channels = tuple(map(_text, fields["channels"]))
    grams = _array(fields["grams"])
    rate_hz = _number(fields["rate_hz"])
    if grams.ndim != 2 or grams.shape[1] != len(channels) or not 0 < grams.size <= MAX_SAMPLES:
        raise WireError(f"weights: grams must be rows of {len(channels)} values")
    if len(set(channels)) != len(channels):
        raise WireError("weights: a channel stands twice")
    if not 0 < rate_hz <= 10_000:
        raise WireError("weights: the rate must be above 0 and at most 10,000 Hz")
    device = sender or channels[0].split(":", 1)[0]
    return WeightBatch(
        device_id=_text(fields.get("device", device)),
        end_ns=_whole(fields["end_ns"]),
        rate_hz=rate_hz,
        channels=channels,
        grams=grams,
    )


def _person(fields: dict[str, Any]) -> PersonPose:
    joints, scores = _array(fields["joints_m"]), _array(fields["scores"])
    if joints.shape != (len(JOINTS), 3) or scores.shape != (len(JOINTS),):
        raise WireError(f"poses: a person has {len(JOINTS)} joints of x, y, z and as many scores")
    return PersonPose(
        track_id=_text(fields["id"]), joints_m=joints, scores=scores, state=_text(fields.get("state", ""), empty=True)
    )


def _seen(fields: dict[str, Any]) -> CameraSaw:
    people = fields["people"]
    boxes = _array([person["box_px"] for person in people]).reshape(-1, 4)
    scores = _array([person["score"] for person in people]).reshape(-1)
    if not len(boxes) == len(scores) == len(people):
        raise WireError("seen: boxes and scores must be as many as people")
    found: Poses | Boxes = Boxes(corners_px=boxes, scores=scores)
    if any("keypoints_px" in person for person in people):
        points = _array([person["keypoints_px"] for person in people]).reshape(-1, len(KEYPOINTS), 3)
        if len(points) != len(people):
            raise WireError("seen: key points must be as many as people")
        found = Poses(corners_px=boxes, scores=scores, keypoints_px=points)
    at_ns, sent_ns = _whole(fields["at_ns"]), _whole(fields.get("sent_ns", 0))
    return CameraSaw(at_ns=at_ns, camera_id=_text(fields["camera"]), found=found, sent_ns=sent_ns)


def _array(values: Any) -> NDArray[np.float32]:
    """Float32 from nested lists of numbers; null is NaN. Text, too large numbers and ragged rows are refused."""
    raw = np.array(values, dtype=object)
    if any(isinstance(value, str | bool | list | dict) for value in raw.ravel()):
        raise WireError("numbers are expected, in rows of one length")
    found = raw.astype(np.float64)
    if np.isinf(found).any() or (np.abs(found) > 1e7).any():
        raise WireError("a number is out of range")
    return found.astype(np.float32)


def _rows(values: NDArray[np.float32], digits: int) -> list[list[float | None]]:
    return [_row(row, digits) for row in values]


def _row(values: NDArray[np.float32], digits: int) -> list[float | None]:
    rounded = np.round(values.astype(np.float64), digits)
    return [value if math.isfinite(value) else None for value in rounded.tolist()]


def _text(value: object, *, empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > 1_000 or (not value and not empty):
        raise WireError("a short text is expected")
    value.encode()  # JSON can spell what is no text, and no journal holds it
    return value


def _whole(value: object, *, most: int = MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise WireError(f"a whole number from 0 is expected{'' if most >= MOST else f', at most {most}'}")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(float(str(value))):
        raise WireError("a number is expected")
    return float(str(value))
