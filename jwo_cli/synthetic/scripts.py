"""What somebody does, as a list of acts; `stage` plays them. Times are seconds since the recording's start.

`at_s` is the earliest time of the act's own moment (the load leaves or arrives). `after` names another's act by its
label: this act's moment comes no earlier than that one's, plus `lag_s`. `aside_m` says how far along the front the
body stands from the plate (drawn where None).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What all acts share."""

    at_s: float | None = None
    after: str | None = None
    lag_s: float = 0.0
    label: str | None = None
    aside_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Act):
    """Take `count` units of a product: from a facing, or from where somebody misplaced one."""

    product: str
    count: int = 1
    style: str = "normal"  # normal | fast | float | slow
    misplaced: bool = False
    plates: tuple[str, ...] = ()  # of one facing, where a product has several


@dataclass(frozen=True, slots=True, kw_only=True)
class PickBoth(Act):
    """Two products of one shelf, one in each hand, `apart_s` after each other."""

    first: str
    second: str
    apart_s: float = 0.15
    second_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Act):
    """Put one carried unit back: home, or on the plates of another facing."""

    product: str
    onto: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch(Act):
    """A hand on a plate and nothing taken: tap, lean, lift or push."""

    plate: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Act):
    """Meet another shopper and give one carried unit."""

    product: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive(Act):
    """Meet another shopper who hands something over."""

    giver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOnFloor(Act):
    """Put one carried unit on the floor where one stands."""

    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFromFloor(Act):
    """Take a unit of this product off the floor, wherever one lies."""

    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restock(Act):
    """Staff add units to a facing (from a box), or take them away when `count` is negative."""

    product: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Go(Act):
    """Walk to a point; `at_s` is the earliest departure."""

    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Act):
    """Stand still for a while."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Act):
    """Walk out."""


AnyAct = Pick | PickBoth | Put | Touch | HandOver | Receive | LeaveOnFloor | TakeFromFloor | Restock | Go | Wait | Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person: where and when they appear (through the entry when `start` is None), and what they do."""

    key: str
    acts: tuple[AnyAct, ...]
    start: tuple[float, float] | None = None
    enter_s: float = -2.3
    staff: bool = False
    account: str | None = None
    hurry: float = 1.0  # speed of everything relative to the normal
    restart_id_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Trouble, 1 as measured. `clock_offset_s` is the scatter of the tracker's clock against the plates'."""

    noise: float = 1.0
    kp_noise: float = 1.0
    weight_cv: float | None = None
    db_bias: float = 0.004
    dropouts: float = 1.0
    crosstalk: float = 1.0
    clock_offset_s: float = 0.03
    straddle: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something broken, of a device, plate or stream (kinds: `faults`), seconds and strength."""

    kind: str
    begin_s: float
    end_s: float
    device: str = ""
    plate: str = ""
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A recording to be made: people, faults, trouble; `swaps` are pairs whose ids change places when they meet.

    `merges` are pairs (a, b) who come under one id when they meet: b's id is lost, a's goes on as b, and a is out of
    sight for a while and then has a new id.
    """

    name: str
    scenario: str
    seed: int
    actors: tuple[Actor, ...]
    duration_s: float | None = None
    start_ns: int = 1_588_000_000_000_000_000
    knobs: Knobs = field(default_factory=Knobs)
    faults: tuple[Fault, ...] = ()
    swaps: tuple[tuple[str, str], ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    wrong_mass_g: dict[str, float] = field(default_factory=dict)  # the catalogue's wrong masses; the store's are true
    description: str = ""
