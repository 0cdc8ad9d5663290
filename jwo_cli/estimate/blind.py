"""Weights that are missing: what hands did meanwhile, and when what was found afterwards may have happened.

A plate that does not weigh leaves only the hands. A dwell at one is told once, and only where no scale felt what it
did: a healthy plate beside it, or the same plate after all. Across a gap of a whole device the levels before and after
tell what changed but not when: any moment of the gap may have been it. Memory is bounded to a minute.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.layout import Facing, Store
from jwo_cli.model.observations import DeviceFaulted, UnweighedReach, WeightChanged
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .people.front import PeopleFront
from .people.unweighed import WORTH_TELLING, Dwell
from .weight import Blind, Change

AFTER_NS = 4 * NS_PER_S  # what a dwell did elsewhere is known by then, and its hand has retreated
SLACK_NS = 400 * NS_PER_MS
BESIDE_M = 0.25  # along the shelf and upwards: farther off it was the other hand
WHOLE_G, WHOLE_SIGMAS, WHOLE_UNITS = 5.0, 4.0, 5
LEAST_REAL = 0.5
LEAST_SHARE = 0.3  # a change that was this probably the same person's explains the dwell
UNKNOWN = 0.1  # weight of somebody whom nobody saw
KEEP_NS = 60 * NS_PER_S
HOLE_NS = 400 * NS_PER_MS  # messages missing for less do not hide when something happened


class Gaps:
    """Stretches in which a device sent nothing: a change across one may have come about at any moment of it."""

    def __init__(self) -> None:
        self._gaps: deque[tuple[int, int, frozenset[str]]] = deque()

    def add(self, fault: DeviceFaulted, plates: Sequence[str]) -> None:
        """A gap of the device of these plates."""
        if fault.until_ns - fault.at_ns >= HOLE_NS:
            self._gaps.append((fault.at_ns, fault.until_ns, frozenset(plates)))
        while self._gaps and fault.at_ns - self._gaps[0][1] > KEEP_NS:
            self._gaps.popleft()

    def across(self, change: Change) -> tuple[int, int] | None:
        """The gap within a change, None when the change was watched."""
        plate = change.plates[0].plate_id
        for from_ns, until_ns, plates in self._gaps:
            if plate in plates and min(until_ns, change.end_ns) - max(from_ns, change.begin_ns) >= HOLE_NS:
                return from_ns, until_ns
        return None


@dataclass(frozen=True, slots=True)
class _Felt:
    """A change that a scale felt: when, on which plates, and whose it may have been."""

    at_ns: int
    plates: frozenset[str]
    shares: dict[str, float]
    grams: float


class BlindSpots:
    """Blind stretches in, UnweighedReach out. Changes must be given as they are told."""

    def __init__(self, store: Store, people: PeopleFront) -> None:
        self._people = people
        self._products = store.catalogue.by_id()
        self._facings: dict[str, list[Facing]] = {}
        for facing in store.facings:
            for plate_id in facing.plates:
                self._facings.setdefault(plate_id, []).append(facing)
        self._place = {
            plate_id: (fixture.fixture_id, plate.box.x_m + plate.box.dx_m / 2, plate.box.z_m)
            for plate_id, (fixture, _, plate) in store.plates().items()
        }
        self._felt: deque[_Felt] = deque()
        self._told: dict[str, int] = {}  # track -> end of the last dwell that was told

    def felt(self, change: WeightChanged) -> None:
        """A change was told."""
        while self._felt and change.at_ns - self._felt[0].at_ns > KEEP_NS:
            self._felt.popleft()
        if change.real < LEAST_REAL:
            return
        nats = {reach.track_id: math.exp(reach.log_likelihood) for reach in change.reaches}
        total = UNKNOWN + sum(nats.values())
        shares = {track_id: value / total for track_id, value in nats.items()}
        grams = abs(sum(plate.delta_g for plate in change.plates))
        self._felt.append(_Felt(change.at_ns, frozenset(plate.plate_id for plate in change.plates), shares, grams))

    def reaches(self, blind: Blind) -> tuple[UnweighedReach, ...]:
        """Everybody's dwells at the blind plates in that stretch, in order of time."""
        plates = [plate for plate in blind.plates if plate in self._facings]
        if not plates:
            return ()
        out = []
        for dwell in self._people.dwells(blind.at_ns, blind.until_ns, plates):
            probability = round(dwell.probability, 4)
            if probability < WORTH_TELLING or dwell.begin_ns <= self._told.get(dwell.track_id, -1):
                continue
            if any(self._explains(felt, dwell) for felt in self._felt):
                continue
            self._told[dwell.track_id] = dwell.end_ns
            out.append(
                UnweighedReach(
                    at_ns=dwell.at_ns, begin_ns=dwell.begin_ns, end_ns=dwell.end_ns, plates=dwell.plates,
                    track_id=dwell.track_id, probability=probability,
                )
            )  # fmt: skip
        self._told = {track: end for track, end in self._told.items() if blind.until_ns - end < KEEP_NS}
        return tuple(out)

    def _explains(self, felt: _Felt, dwell: Dwell) -> bool:
        """Whether a change is what the dwell did."""
        if not dwell.begin_ns - SLACK_NS <= felt.at_ns <= dwell.end_ns + SLACK_NS:
            return False
        theirs = felt.shares.get(dwell.track_id, 0.0) >= LEAST_SHARE
        return theirs and self._beside(felt.plates, dwell.plates) and not self._part(felt, dwell.plates[0])

    def _part(self, felt: _Felt, blind: str) -> bool:
        """Whether a change may be what one plate felt of a thing that stood half on the blind one beside it."""
        shared = [facing for facing in self._facings.get(blind, ()) if felt.plates.intersection(facing.plates)]
        if not shared or blind in felt.plates:
            return False
        for facing in shared:
            product = self._products.get(facing.product_id)
            unit_g = product.unit_mass_g if product is not None else None
            if product is None or unit_g is None:
                return False
            count = min(max(round(felt.grams / unit_g), 1), WHOLE_UNITS)
            sigma_g = WHOLE_SIGMAS * product.mass_cv * unit_g * count
            if abs(felt.grams - count * unit_g) <= max(WHOLE_G, sigma_g):
                return False
        return True

    def _beside(self, some: frozenset[str], others: Sequence[str]) -> bool:
        for plate in some:
            for other in others:
                (fixture, x_m, z_m), (other_fixture, other_x_m, other_z_m) = self._place[plate], self._place[other]
                near = max(abs(x_m - other_x_m), abs(z_m - other_z_m)) <= BESIDE_M
                if fixture == other_fixture and near:
                    return True
        return False
