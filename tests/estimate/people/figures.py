"""Stick figures with known places of every joint, and a small store for them to shop in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import PersonPose, PoseFrame, WeightBatch
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.layout import Bay, Box, Fixture, Gate, GateKind, Plate, Pose, Shelf, Store

START_NS = 1_700_000_000_000_000_000
Joints = NDArray[np.float32]
Point = tuple[float, float, float]
PLATE_M = 0.1
RATE_HZ = 60.0


def at_ns(seconds: float) -> int:
    """Seconds after the start of the recording."""
    return START_NS + round(seconds * 1e9)


def figure(
    x: float, y: float, *, facing_deg: float = 90.0, height_m: float = 1.75, left: Point | None = None,
    right: Point | None = None,
) -> Joints:  # fmt: skip
    """Joints [10, 3] of somebody at (x, y) who looks along `facing_deg` (90: towards the shelves), hands where told."""
    turn = math.radians(facing_deg)
    across = np.array([-math.sin(turn), math.cos(turn), 0.0])  # from the middle to the left shoulder
    neck = np.array([x, y, 0.87 * height_m])
    shoulders = [neck + side * 0.105 * height_m * across - [0, 0, 0.05] for side in (1, -1)]
    hands = []
    for shoulder, goal in zip(shoulders, (left, right), strict=True):
        hands.append(np.array(goal) if goal is not None else shoulder - [0, 0, 0.32 * height_m])
    elbows = [(s + h) / 2 - [0, 0, 0.05] for s, h in zip(shoulders, hands, strict=True)]
    head = np.array([x, y, height_m])
    return np.array([head, neck, *shoulders, *elbows, *hands, *hands], dtype=np.float32)


def without(joints: Joints, *rows: int) -> Joints:
    """The same figure with joints missing."""
    out = joints.copy()
    out[list(rows)] = np.nan
    return out


def frames(
    people: Mapping[str, Callable[[float], Joints | None]], seconds: float, *, hz: float = 10.0, begin: float = 0.0
) -> list[PoseFrame]:
    """A pose stream of people given as functions of time; None is not in view."""
    out = []
    for i in range(round(seconds * hz) + 1):
        t = begin + i / hz
        seen = [(name, joints) for name, where in people.items() if (joints := where(t)) is not None]
        poses = tuple(PersonPose(track_id=name, joints_m=j, scores=np.ones(10, np.float32)) for name, j in seen)
        out.append(PoseFrame(at_ns=at_ns(t), people=poses))
    return out


def plate(number: int) -> str:
    """Id of the nth plate (from 0) of the little store's only shelf."""
    return f"f.s.p{number}"


def grip(number: int) -> Point:
    """Where a wrist is that takes from the nth plate of the unturned store."""
    return (PLATE_M * (number + 0.5), 0.02, 1.12)


def store(*, rotation_deg: float = 0.0, x_m: float = 0.0, y_m: float = 0.0, gates: tuple[Gate, ...] = ()) -> Store:
    """One fixture with one shelf of twelve plates at 1 m, people before it at negative y (when unturned)."""
    plates = tuple(
        Plate(
            plate_id=plate(i), channel=f"f:1:{i + 1}",
            box=Box(x_m=PLATE_M * i, y_m=0.0, z_m=1.0, dx_m=PLATE_M, dy_m=0.4, dz_m=0.3),
        )
        for i in range(12)
    )  # fmt: skip
    board = Box(x_m=0.0, y_m=0.0, z_m=1.0, dx_m=1.2, dy_m=0.4, dz_m=0.3)
    fixture = Fixture(
        fixture_id="f", kind="gondola", pose=Pose(x_m=x_m, y_m=y_m, rotation_deg=rotation_deg), dx_m=1.2, dy_m=0.4,
        dz_m=2.0, bays=(Bay(bay_id="b", shelves=(Shelf(shelf_id="f.s", box=board, plates=plates),)),),
    )  # fmt: skip
    return Store(
        store_id="little", name="Little", version="v1", timezone="UTC",
        floor=((-2.0, -3.0), (4.0, -3.0), (4.0, 1.0), (-2.0, 1.0)), zones=(), gates=gates, fixtures=(fixture,),
        cameras=(), antennas=(), facings=(), catalogue=Catalogue(currency="EUR", products=()),
    )  # fmt: skip


DOOR = Gate(gate_id="door", kind=GateKind.BOTH, a=(3.0, -3.0), b=(4.0, -3.0))


def taker(number: int, when: float, *, x: float | None = None) -> Callable[[float], Joints]:
    """Somebody who reaches for a plate, is there for half a second, and leaves with the hand at `when`."""
    home = grip(number)[0] if x is None else x

    def where(t: float) -> Joints:
        reach = float(np.clip(min((t - when + 1.0) / 0.4, (when + 0.45 - t) / 0.35), 0.0, 1.0))
        rest = np.array([home + 0.2, -0.5, 0.95])
        right = rest + reach * (np.array(grip(number)) - rest)
        return figure(home, -0.5, right=(float(right[0]), float(right[1]), float(right[2])))

    return where


def weights(
    seconds: float, steps: Mapping[int, tuple[float, float]], *, size: int = 12, begin: float = 0.0
) -> list[WeightBatch]:
    """Batches of the shelf's twelve channels; `steps` gives plate -> (when, grams added)."""
    rng = np.random.default_rng(3)
    times = begin + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    grams = 1000.0 + rng.normal(0, 0.3, (len(times), 12))
    for number, (when, delta) in steps.items():
        grams[:, number] += delta * (times >= when)
    channels = tuple(f"f:1:{i + 1}" for i in range(12))
    return [
        WeightBatch(
            device_id="f", end_ns=at_ns(float(times[i + size - 1])), rate_hz=RATE_HZ, channels=channels,
            grams=grams[i : i + size].astype(np.float32),
        )
        for i in range(0, len(times) - size + 1, size)
    ]  # fmt: skip
