"""Traces of one shelf with known truth, drawn from the physics of plates: what hands, goods, footsteps and drift do.

Shapes and sizes follow the real recording (press of 10-50 g before a fall of 60-150 ms, overshoot after a put that
dies within 0.5 s, bursts at 5-16 Hz per footstep with different gains per plate, swinging plates of 2-6 g near 1 Hz,
0.241 g converter steps, crosstalk of about 0.5 %). Everything comes from one seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.layout import Bay, Box, Fixture, Plate, Pose, Shelf, Store

RATE_HZ = 60.0
START_NS = 1_700_000_000_000_000_000
LSB_G = 0.241
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One thing that was done: when, where (plate indices), and what stayed changed in grams (0 for touches)."""

    kind: str
    at_s: float
    plates: tuple[int, ...]
    delta_g: float


def store_of(plates: int, shelves: int = 1, device: str = "d1") -> Store:
    """A store with one fixture of `shelves` boards of `plates` plates of 10 cm."""
    boards = tuple(
        Shelf(
            shelf_id=f"{device}.s{row}",
            box=Box(x_m=0, y_m=0, z_m=0.3 * row, dx_m=0.1 * plates, dy_m=0.4, dz_m=0.3),
            plates=tuple(
                Plate(
                    plate_id=f"{device}.s{row}.p{column}",
                    channel=f"{device}:{row}:{column}",
                    box=Box(x_m=0.1 * (column - 1), y_m=0, z_m=0.3 * row, dx_m=0.1, dy_m=0.4, dz_m=0.3),
                )
                for column in range(1, plates + 1)
            ),
        )
        for row in range(1, shelves + 1)
    )
    fixture = Fixture(
        fixture_id=device,
        kind="gondola",
        pose=Pose(x_m=0, y_m=0),
        dx_m=0.1 * plates,
        dy_m=0.4,
        dz_m=2.0,
        bays=(Bay(bay_id=f"{device}.b1", shelves=boards),),
    )
    return Store(
        store_id="test",
        name="test",
        version="1",
        timezone="UTC",
        floor=((0, 0), (4, 0), (4, 4), (0, 4)),
        zones=(),
        gates=(),
        fixtures=(fixture,),
        cameras=(),
        antennas=(),
        facings=(),
        catalogue=Catalogue(currency="EUR", products=()),
    )


@dataclass
class ShelfTrace:
    """One shelf's samples [n, plates] in the making; `load` adds what hands and goods do, `noise` what shakes it."""

    seconds: float
    plates: int = 8
    seed: int = 1
    crosstalk: float = 0.005
    truth: list[Truth] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.time_s: Floats = np.arange(round(self.seconds * RATE_HZ)) / RATE_HZ
        self.grams: Floats = np.zeros((len(self.time_s), self.plates)) + self.rng.uniform(200, 6000, self.plates)

    # What hands do. `shares` maps plate index to its share of the load.

    def load(self, shares: dict[int, float], course_g: Floats) -> None:
        """Add a course [n] in grams to plates by their shares, and its echo on their neighbours."""
        for plate, share in shares.items():
            self.grams[:, plate] += share * course_g
            for other in (plate - 1, plate + 1):
                if 0 <= other < self.plates:
                    echo = self.crosstalk * self.rng.uniform(0, 2)
                    self.grams[:, other] += echo * share * course_g

    def _note(self, kind: str, at_s: float, shares: dict[int, float], delta_g: float) -> None:
        self.truth.append(Truth(kind=kind, at_s=at_s, plates=tuple(sorted(shares)), delta_g=delta_g))

    def pick(self, at_s: float, shares: dict[int, float], mass_g: float, style: str = "normal", units: int = 1) -> None:
        """Take `units` of `mass_g` each; the last one has left at `at_s`."""
        t, rng = self.time_s, self.rng
        fall = {"fast": 0.04, "normal": rng.uniform(0.06, 0.15), "slow": rng.uniform(0.5, 1.2)}.get(style, 0.1)
        spacing = 0.11
        first = at_s - fall - spacing * (units - 1)
        course = np.zeros(len(t))
        if style == "float":
            length = rng.uniform(3.0, 5.0)
            x = np.clip((t - (at_s - length)) / length, 0, 1)
            x = x + 0.04 * np.sin(2 * np.pi * x * length / 0.75) * (x > 0) * (x < 1)
            course -= mass_g * units * x
            first = at_s - length
        else:
            quick = fall if units == 1 else min(fall, 0.07)
            for unit in range(units):
                course -= mass_g * np.clip((t - (first + spacing * unit)) / quick, 0, 1)
        press = min(max(8.0, 0.1 * mass_g), 45.0) * rng.uniform(0.6, 1.2)
        lead = 0.18 if style == "fast" else rng.uniform(0.25, 0.4)
        course += press * bump(t, first - lead, first + 0.01, 0.5)
        self.load(shares, course)
        self._note(f"pick-{style}" + (f"x{units}" if units > 1 else ""), at_s, shares, -mass_g * units)

    def put(self, at_s: float, shares: dict[int, float], mass_g: float) -> None:
        """Put a thing down: first contact at `at_s`, overshoot, settled about half a second later."""
        t, rng = self.time_s, self.rng
        rise, tail, over = rng.uniform(0.05, 0.1), rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.9)
        course = mass_g * np.clip((t - at_s) / rise, 0, 1)
        course += over * mass_g * np.clip((t - at_s) / rise, 0, 1) * np.clip(1 - (t - at_s - rise) / tail, 0, 1)
        self.load(shares, course)
        self._note("put", at_s, shares, mass_g)

    def hold(self, at_s: float, shares: dict[int, float], mass_g: float, *, for_s: float, press_g: float) -> None:
        """A hand rests on a thing (press_g > 0) or half lifts it (< 0) for a while, then takes it at `at_s`."""
        t, rng = self.time_s, self.rng
        begin = at_s - for_s
        wobble = 1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.5, 1.1) * t + rng.uniform(0, 6))
        wobble += 0.05 * np.sin(2 * np.pi * rng.uniform(1.2, 2.5) * t + rng.uniform(0, 6))
        held = press_g * wobble * ramp(t, begin, 0.2) * (1 - ramp(t, at_s - 0.1, 0.1))
        self.load(shares, held - mass_g * ramp(t, at_s - 0.1, 0.1))
        self._note("hold" if press_g > 0 else "halflift", at_s, shares, -mass_g)

    def tap(self, at_s: float, plate: int, force_g: float) -> None:
        """A short touch."""
        self.load({plate: 1.0}, force_g * bump(self.time_s, at_s, at_s + 0.5, 1.0))
        self._note("tap", at_s, {plate: 1.0}, 0.0)

    def lean(self, at_s: float, plate: int, force_g: float, for_s: float) -> None:
        """Somebody leans on a plate."""
        t = self.time_s
        wobble = 1 + 0.08 * np.sin(2 * np.pi * 0.8 * t) + 0.05 * np.sin(2 * np.pi * 1.7 * t + 1)
        self.load({plate: 1.0}, force_g * wobble * ramp(t, at_s, 0.15) * (1 - ramp(t, at_s + for_s, 0.15)))
        self._note("lean", at_s, {plate: 1.0}, 0.0)

    def push(self, at_s: float, plate: int, force_g: float, shifted_g: float) -> None:
        """Goods pushed from a plate to the next: some grams move over."""
        t = self.time_s
        self.load({plate: 1.0}, force_g * bump(t, at_s, at_s + 1.0, 1.0) - shifted_g * ramp(t, at_s + 0.3, 0.6))
        self.load({plate + 1: 1.0}, shifted_g * ramp(t, at_s + 0.3, 0.6))
        self._note("push", at_s, {plate: 1.0, plate + 1: 1.0}, 0.0)

    # What shakes the shelf.

    def noise(
        self, *, scale: float = 1.0, shaking_g: float = 5.0, steps_per_s: float = 1.5, swinging: float = 0.15
    ) -> None:
        """White noise, footsteps (bursts of about `shaking_g` peak), and some swinging plates; all times `scale`."""
        rng, t = self.rng, self.time_s
        self.grams += scale * 0.4 * rng.standard_normal(self.grams.shape)
        gains = rng.lognormal(0.0, 0.6, self.plates) * rng.choice((-1.0, 1.0), self.plates)
        tunes = rng.uniform(5, 9), rng.uniform(10, 16), rng.uniform(18, 26)
        at = 0.0
        while at < self.seconds:
            at += float(rng.exponential(1 / steps_per_s))
            decay = np.where(t >= at, np.exp(-np.maximum(t - at, 0.0) / rng.uniform(0.15, 0.5)), 0.0)
            size = shaking_g * rng.lognormal(-0.5, 0.7)
            for tune, part in zip(tunes, (0.5, 0.35, 0.25), strict=True):
                phases = rng.uniform(0, 2 * np.pi, self.plates)
                waves = np.sin(2 * np.pi * tune * (t - at)[:, None] + phases)
                own = 0.6 * gains + 0.4 * np.abs(gains) * rng.standard_normal(self.plates)
                self.grams += scale * size * part * decay[:, None] * waves * own
            self.grams += scale * size * 0.12 * (decay * np.sin(2 * np.pi * 1.2 * (t - at)))[:, None] * gains
        for plate in np.flatnonzero(rng.random(self.plates) < swinging):
            self.grams[:, plate] += scale * rng.uniform(2, 5) * np.sin(2 * np.pi * rng.uniform(0.7, 1.4) * t)

    def batches(self, device: str = "d1", per_message: int = 12) -> list[WeightBatch]:
        """Messages as a converter sends them: quantised, time stamps jittered by a few ms."""
        grams = (np.round(self.grams / LSB_G) * LSB_G).astype(np.float32)
        channels = tuple(f"{device}:1:{column}" for column in range(1, self.plates + 1))
        out = []
        for first in range(0, len(grams) - per_message + 1, per_message):
            end_s = (first + per_message - 1) / RATE_HZ
            jitter = round(float(self.rng.normal(0, 0.004)) * 1e9)
            out.append(
                WeightBatch(
                    device_id=device,
                    end_ns=START_NS + round(end_s * 1e9) + jitter,
                    rate_hz=RATE_HZ,
                    channels=channels,
                    grams=grams[first : first + per_message],
                )
            )
        return out


def ramp(t: Floats, at_s: float, for_s: float) -> Floats:
    """0 before, 1 after, smooth between."""
    x = np.clip((t - at_s) / for_s, 0, 1)
    return x * x * (3 - 2 * x)


def bump(t: Floats, begin_s: float, end_s: float, roundness: float) -> Floats:
    """0 to 1 to 0: a half sine (roundness 1) or flatter."""
    x = np.clip((t - begin_s) / (end_s - begin_s), 0, 1)
    return np.sin(np.pi * x) ** roundness
