"""How restless each shelf is: white noise, answer to footsteps, slow wander, in grams.

Measured on nanostore-real/BENCHMARK-1 and the cases of nanostore-dev (which agree within 0.2 in log for each plate):
white noise is the 5th percentile of the scatter of second differences in windows of a third of a second; the answer is
the root mean square over a shelf's plates above 3.5 Hz while somebody walks (90th percentile over time, noise knob 1);
bands come from averaged spectra of 2.1 s windows. A shelf of another store draws from the same distributions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jwo_cli.model.layout import Store

from .draws import Floats, between, log_normal, named
from .wiring import is_nanostore, measured_name

# shelf by shelf from the bottom: white noise (g), answer to steps (g)
MEASURED: dict[str, tuple[tuple[float, float], ...]] = {
    "g1": ((0.29, 4.5), (0.28, 4.5), (0.85, 17.0), (0.95, 20.0), (1.4, 28.0), (1.35, 30.0)),
    "g2": ((0.28, 1.8), (0.42, 1.6), (0.48, 1.7), (0.32, 2.0), (0.28, 1.6), (0.60, 1.7)),
    "g3": ((0.38, 3.5), (0.47, 7.2), (0.28, 2.7), (0.50, 6.6), (0.58, 7.2)),
    "g4": ((0.95, 8.4), (0.90, 9.0), (0.50, 2.2), (0.60, 2.2), (0.50, 2.8), (0.50, 4.5)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A resonance: Hz, ringing time (s), weight among the shelf's modes."""

    hz: float
    ring_s: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfProfile:
    """A shelf: columns of its plates in the store's plate order, white noise, answer and wander [plates] (g), modes."""

    shelf_id: str
    fixture_id: str
    columns: tuple[int, ...]
    centre: tuple[float, float]
    white_g: Floats
    answer_g: Floats
    wander_g: Floats
    wander_hz: float
    modes: tuple[Mode, ...]


def profiles(store: Store, seed: int) -> tuple[ShelfProfile, ...]:
    """Every shelf of a store: what stays for years comes from its name, the day's scatter from the seed."""
    column = {plate_id: i for i, plate_id in enumerate(store.plates())}
    measured = MEASURED if is_nanostore(store) else {}
    made = []
    for fixture, shelf in store.shelves():
        if not shelf.plates:
            continue
        built = named(0, "shelf", store.store_id, shelf.shelf_id)
        today = named(seed, "shelf", shelf.shelf_id)
        level = [item.shelf_id for _, item in store.shelves() if item.shelf_id.startswith(f"{fixture.fixture_id}.")]
        row = measured.get(measured_name(store, fixture.fixture_id), ())
        index = level.index(shelf.shelf_id) if shelf.shelf_id in level else 0
        if index < len(row):
            white, answer = row[index]
        else:
            answer = min(log_normal(built, 3.8, 0.9), 28.0)
            white = min(0.22 + 0.045 * answer * log_normal(built, 1.0, 0.3), 1.6)
        n = len(shelf.plates)
        middle = shelf.plates[n // 2].box
        x, y, _ = fixture.pose.apply(middle.x_m, middle.y_m)
        made.append(
            ShelfProfile(
                shelf_id=shelf.shelf_id,
                fixture_id=fixture.fixture_id,
                columns=tuple(column[plate.plate_id] for plate in shelf.plates),
                centre=(x, y),
                white_g=white * np.exp(0.35 * built.standard_normal(n) + 0.18 * today.standard_normal(n)),
                answer_g=answer * np.exp(0.45 * built.standard_normal(n) + 0.25 * float(today.standard_normal())),
                wander_g=_wander(built, today, n),
                wander_hz=between(today, 0.12, 1.5),
                modes=_modes(built),
            )
        )
    return tuple(made)


def _wander(built: np.random.Generator, today: np.random.Generator, n: int) -> Floats:
    """Slow swaying of a few plates (up to 3 g at about 1 Hz, in one shelf in four), almost none elsewhere."""
    swaying = built.random() < 0.25
    gain = np.where(today.random(n) < 0.5, 1.0, 0.1) if swaying else np.full(n, 0.1)
    return gain * np.exp(math.log(0.9) + 0.5 * today.standard_normal(n))


def _modes(built: np.random.Generator) -> tuple[Mode, ...]:
    """A strong one at 5-9 Hz, a second at 10-16 Hz, a weaker third at 17-26 Hz; ringing decays within 0.1-0.25 s."""
    ranges = ((4.8, 9.0, 0.2, 1.0), (9.5, 16.0, 0.14, 1.15), (17.0, 26.0, 0.1, 0.35))
    return tuple(
        Mode(hz=between(built, low, high), ring_s=ring * log_normal(built, 1.0, 0.2), weight=log_normal(built, w, 0.4))
        for low, high, ring, w in ranges
    )
