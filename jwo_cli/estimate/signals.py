"""Raw sensor data on its way into the front end: numpy arrays with shapes and units, in arrival order.

Nothing here is journalled entry by entry; recordings keep it in streams. Order of arrival is kept as it was, with
its duplicates and disorder, because a replay must meet the same trouble that the live run met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Order of the joints in PoseFrame.joints_m; a missing joint is a row of NaN.
JOINTS = ("head", "neck", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist", "l_hand", "r_hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBatch:
    """Consecutive samples that one device sent (a fixture's or shelf's converter, or a machine that speaks for some).

    `end_ns` is the capture time of the last sample; samples are `1/rate_hz` apart. `grams` is float32
    [samples, channels], NaN where a channel gave nothing; `channels` names the columns ('device:row:column').
    """

    device_id: str
    end_ns: int
    rate_hz: float
    channels: tuple[str, ...]
    grams: NDArray[np.float32]

    @property
    def scales(self) -> tuple[str, ...]:
        """Whose plates it tells of, by the channels' names, whoever sent it."""
        return tuple(dict.fromkeys(channel.partition(":")[0] for channel in self.channels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A device that weighs, and that a front end is to hear from its first moment on.

    It was heard up to `heard_ns`, as far as anything came of it; where it was never heard that is when the run began.
    While it says nothing it is missed since then, like any that fell silent.
    """

    device_id: str
    heard_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPose:
    """One person in one pose message: joints float32 [10, 3] in metres, store frame (NaN = not seen), scores [10].

    `state` is the tracker's own word for the person ('TARGETSTATE_VALID_ENTRANCE' throughout the known recordings).
    """

    track_id: str
    joints_m: NDArray[np.float32]
    scores: NDArray[np.float32]
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseFrame:
    """Everybody the cameras saw at `at_ns` (capture time); an empty tuple says that nobody was in view."""

    at_ns: int
    people: tuple[PersonPose, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTold:
    """What the tracker behind the pose messages says of its own ids: `kind`, `before`, `after` and `probability` as in
    `observations.IdentityDoubted`. The ids may have changed their meaning at `since_ns`; it was said at `at_ns`, after
    all poses up to then.
    """

    at_ns: int
    since_ns: int
    kind: str
    before: str
    after: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRead:
    """One RFID read: antenna, tag, received strength in dBm and, where the reader tells, phase in radians."""

    at_ns: int
    antenna_id: str
    tag_id: str
    rssi_dbm: float
    phase_rad: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRead:
    """Somebody admitted at a gate, already verified: opaque account reference, party size and role.

    `code_id` names the single use of an entry code, empty where none was shown; `way` is code, card or staff.
    """

    at_ns: int
    gate_id: str
    account: str
    party_size: int = 1
    role: str = "shopper"
    code_id: str = ""
    way: str = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTick:
    """The store's own clock: time went on although no device said so. A live store notes it while all are silent."""

    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """What reached a live store's engine beside the sensors: staff, doors, payments; a replay hears it again.

    It is a whole journal entry (`payload` and `caused_by` as canonical JSON), and `after` is how many observations of
    the sensors' front end the engine had handled before it. `earlier` marks what was in the journal before the run
    began and went into its engine's first state, under the sequence number `seq`.
    """

    at_ns: int
    after: int
    key: str
    source: str
    kind: str
    version: int
    payload: str
    caused_by: str
    store_id: str
    layout_version: str
    earlier: bool = False
    seq: int = 0


Signal = WeightBatch | PoseFrame | IdentityTold | TagRead | CodeRead | ClockTick | Overheard
