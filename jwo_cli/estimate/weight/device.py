"""One device from samples to steps, hop by hop (a second each), and from steps to changes, shelf by shelf.

A hop is a fixed stretch of the device's own sample grid, so that results do not depend on how samples arrived.
A change is reported when every plate near it has come to rest, at the latest `LONGEST_WAIT_S` after it.
"""

from __future__ import annotations

import bisect
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.weight.activity import ROW_TICKS, Activity, Closed
from jwo_cli.estimate.weight.health import FROZEN_S, LARGEST_G, Health, despiked, frozen
from jwo_cli.estimate.weight.levels import level
from jwo_cli.estimate.weight.noise import samples_per_tick, tick_noise, to_ticks
from jwo_cli.estimate.weight.segment import Rest, segment
from jwo_cli.estimate.weight.shelf import NEIGHBOURS, Group, group
from jwo_cli.estimate.weight.transitions import Look, Step, steps, still, trembling
from jwo_cli.model.observations import FaultKind

HOP_TICKS = 5 * ROW_TICKS
BEFORE_TICKS = 50  # a look starts this long before the plate left its level
SETTLED_TICKS = 12  # a look is closed when its last rest is at least this long
DOUBTFUL = 0.7
DOUBTFUL_TICKS = 44
OVERLAP_TICKS = 20  # of a look with the one before it
LONGEST_LOOK_TICKS = 500
LONGEST_WAIT_S = 12.0
KEEP_TICKS = LONGEST_LOOK_TICKS + 200
QUIET_WINDOW_S = 0.8
QUIET_SIGMAS = 4.0  # a neighbour that is less still than this was moved itself
REMEMBERED_TICKS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfSlot:
    """A shelf's plates as columns [first, last] of the device."""

    shelf_id: str
    first: int
    last: int


class Device:
    """Looks and steps of all plates of one device; indices are samples on the device's grid."""

    def __init__(self, shelves: tuple[ShelfSlot, ...], rate_hz: float) -> None:
        self.shelves = shelves
        self.rate_hz = rate_hz
        self.per_tick = samples_per_tick(rate_hz)
        self.hop = HOP_TICKS * self.per_tick
        plates = max(shelf.last for shelf in shelves) + 1
        self.activity = Activity(plates)
        self._samples: NDArray[np.float32] = np.full((2 * KEEP_TICKS * self.per_tick, plates), np.nan, dtype=np.float32)
        self._ticks: NDArray[np.float64] = np.full((2 * KEEP_TICKS, plates), np.nan)
        self._start_tick = 0  # grid tick of row 0 of the two stores
        self._stored = 0  # ticks stored
        self.health = Health(np.array([i for i, s in enumerate(shelves) for _ in range(s.first, s.last + 1)]))
        self.faults: list[
            tuple[FaultKind, int, int, int]
        ] = []  # kind, plate, first sample, how many; taken by the owner
        self._floor = np.zeros(plates, dtype=np.int64)  # looks may not reach before this tick
        self._pending: list[list[Step]] = [[] for _ in shelves]
        self._told: list[list[Group]] = [[] for _ in shelves]
        self._slot = [index for index, shelf in enumerate(shelves) for _ in range(shelf.first, shelf.last + 1)]

    @property
    def now_tick(self) -> int:
        """First tick that has not been seen."""
        return self._start_tick + self._stored

    def feed(self, samples_g: NDArray[np.float32]) -> list[tuple[ShelfSlot, Group]]:
        """One hop [hop, plates]; returns the groups that are complete now."""
        samples_g = np.where(np.abs(samples_g) < LARGEST_G, samples_g, np.float32(np.nan))
        first = self.now_tick
        ticks = to_ticks(samples_g, self.per_tick)
        for kind, (plates, counts) in self.health.feed(samples_g, ticks).items():
            self.faults += [(kind, int(p), first * self.per_tick, int(counts[p])) for p in np.flatnonzero(plates)]
        if self.health.faulty.any():
            samples_g[:, self.health.faulty] = np.nan
            ticks[:, self.health.faulty] = np.nan
        self._store(samples_g, ticks)
        for closed in self.activity.feed(ticks, first):
            self._look(closed, final=True)
        now = self.now_tick
        for plate in np.flatnonzero(self.activity.active & (now - self.activity.begin_tick > LONGEST_LOOK_TICKS)):
            self._look(Closed(int(plate), int(self.activity.begin_tick[plate])), final=False)
        return self._ready(everything=False)

    def finish(self) -> list[tuple[ShelfSlot, Group]]:
        """No more samples for now: close every look and report everything."""
        for closed in self.activity.close_all():
            self._look(closed, final=True, ended=True)
        return self._ready(everything=True)

    def open_since(self) -> int:
        """Earliest sample that a later report may still be about."""
        active = self.activity.begin_tick[self.activity.active]
        oldest = min([self.now_tick, *(int(tick) for tick in active)]) - OVERLAP_TICKS
        waiting = [int(step.begin) for steps_ in self._pending for step in steps_]
        return min([oldest * self.per_tick, *waiting])

    def _store(self, samples_g: NDArray[np.float32], ticks: NDArray[np.float64]) -> None:
        n = len(ticks)
        if self._stored + n > len(self._ticks):
            drop = self._stored - KEEP_TICKS
            self._ticks[:KEEP_TICKS] = self._ticks[drop : self._stored]
            k = self.per_tick
            self._samples[: KEEP_TICKS * k] = self._samples[drop * k : self._stored * k]
            self._stored, self._start_tick = KEEP_TICKS, self._start_tick + drop
        self._ticks[self._stored : self._stored + n] = ticks
        self._samples[self._stored * self.per_tick : (self._stored + n) * self.per_tick] = samples_g
        self._stored += n

    def _look(self, closed: Closed, *, final: bool, ended: bool = False) -> None:
        """Cut one plate's trace and keep what happened; a plate that only seemed at rest stays active.

        Not `final`: the look grew too long and is cut at its last rest. `ended`: there will be no more samples.
        """
        plate = closed.plate
        begin = max(closed.begin_tick - BEFORE_TICKS, int(self._floor[plate]), self._start_tick)
        begin = self._with_rest_before(plate, begin)
        row = begin - self._start_tick
        low = float(self.activity.low_g[plate])
        look = Look(
            plate=plate,
            first=begin * self.per_tick,
            per_tick=self.per_tick,
            rate_hz=self.rate_hz,
            samples_g=self._trace(plate, row),
            low_g=low,
        )
        ticks = to_ticks(look.samples_g[:, None], self.per_tick)[:, 0]
        rests = segment(ticks, tick_noise(ticks, low))
        quiet = still(look, rests)
        if final and not ended and not _settled(look, quiet, len(ticks)):
            self.activity.restart(plate, closed.begin_tick)
            return
        if not final:
            cut = next((rest for rest in reversed(rests) if rest.end - rest.begin >= ROW_TICKS * 2), None)
            restart = begin + cut.begin if cut is not None else self.now_tick - 5 * OVERLAP_TICKS
            rests = [rest for rest in rests if cut is not None and rest.begin <= cut.begin]
            self.activity.restart(plate, restart)
            self.activity.wanders(plate, ticks)
            self._floor[plate] = restart
        else:
            rests = quiet
            if rests:  # what came after the last of them is not told: a later look begins in it
                last = rests[-1]
                self._floor[plate] = begin + max(last.begin, last.end - OVERLAP_TICKS)
                if ended:
                    self.activity.level_g[plate] = last.level_g
        self._pending[self._slot[plate]] += steps(look, rests)

    def _with_rest_before(self, plate: int, begin: int) -> int:
        """An earlier begin for a look that would start in a hole: the level before it is wanted."""
        row = begin - self._start_tick
        known = ~np.isnan(self._ticks[: row + BEFORE_TICKS, plate])
        if known[row:].sum() >= OVERLAP_TICKS or not known[:row].any():
            return begin
        last = int(np.flatnonzero(known[:row])[-1])
        return max(self._start_tick + max(0, last - BEFORE_TICKS), int(self._floor[plate]))

    def _trace(self, plate: int, row: int) -> NDArray[np.float64]:
        """Samples of one plate from a stored tick on, wild ones mended and frozen ones masked."""
        raw = self._samples[row * self.per_tick : self._stored * self.per_tick, plate]
        trace = despiked(raw.astype(np.float64))
        if self.health.lively[plate]:
            trace[frozen(raw, round(FROZEN_S * self.rate_hz))] = np.nan
        return trace

    def _ready(self, *, everything: bool) -> list[tuple[ShelfSlot, Group]]:
        out: list[tuple[ShelfSlot, Group]] = []
        for index, waiting in enumerate(self._pending):
            if not waiting:
                continue
            shelf = self.shelves[index]
            kept: list[Step] = []
            for bundle in _bundles(waiting, 0.15 * self.rate_hz):
                if not everything and not self._complete(shelf, bundle):
                    kept += bundle
                    continue
                told = self._told[index]
                fresh = group(bundle, told, self.rate_hz, shelf.first, shelf.last, self._measure)
                out += [(shelf, g) for g in fresh]
                horizon = (self.now_tick - REMEMBERED_TICKS) * self.per_tick
                self._told[index] = [g for g in told if g.end > horizon] + fresh
            self._pending[index] = kept
        return out

    def _complete(self, shelf: ShelfSlot, bundle: list[Step]) -> bool:
        end = max(step.end for step in bundle)
        if self.now_tick * self.per_tick - end > LONGEST_WAIT_S * self.rate_hz:
            return True
        near = {plate for step in bundle for plate in range(step.plate - NEIGHBOURS, step.plate + NEIGHBOURS + 1)}
        limit = end + 0.2 * self.rate_hz
        return not any(
            self.activity.active[plate] and self.activity.begin_tick[plate] * self.per_tick <= limit
            for plate in range(shelf.first, shelf.last + 1)
            if plate in near
        )

    def _measure(self, plate: int, begin: float, end: float) -> tuple[float, float] | None:
        """Delta and sigma of a quiet plate across [begin, end] samples."""
        window = round(QUIET_WINDOW_S * self.rate_hz)
        first = self._start_tick * self.per_tick
        a, b = int(begin) - first, int(end) + 1 - first
        before = self._samples[max(0, a - window) : max(0, a), plate].astype(np.float64)
        after = self._samples[b : min(b + window, self._stored * self.per_tick), plate].astype(np.float64)
        if min(len(before), len(after)) < window // 4:
            return None
        low = float(self.activity.low_g[plate])
        (x, sigma_x), (y, sigma_y) = level(before, low, self.rate_hz), level(after, low, self.rate_hz)
        sigma = float(np.hypot(sigma_x, sigma_y))
        if np.isnan(x) or np.isnan(y) or sigma > max(QUIET_SIGMAS * low, 2.0):
            return None
        return y - x, sigma


def _settled(look: Look, rests: list[Rest], ticks: int) -> bool:
    """The look ends with a rest that is long enough, longer where it wanders suspiciously."""
    if not rests or rests[-1].end < ticks - 2:
        return False
    length = rests[-1].end - rests[-1].begin
    doubtful = len(rests) > 1 and trembling(look, rests[-1]) > DOUBTFUL
    return length >= (DOUBTFUL_TICKS if doubtful else SETTLED_TICKS)


def _bundles(waiting: list[Step], slack: float) -> list[list[Step]]:
    """Steps of one shelf that overlap in time on plates near each other, transitively."""
    bundles: list[list[Step]] = []
    for step in sorted(waiting, key=lambda s: (s.begin, s.plate)):
        touching = [
            b
            for b in bundles
            if any(
                abs(s.plate - step.plate) <= NEIGHBOURS and s.begin < step.end + slack and step.begin < s.end + slack
                for s in b
            )
        ]
        merged = [s for b in touching for s in b] + [step]
        bundles = [b for b in bundles if b not in touching] + [merged]
    return [sorted(b, key=lambda s: (s.begin, s.plate)) for b in bundles]


class Times:
    """Capture times of samples by index, from the grid's own record: linear between records."""

    def __init__(self, keep: int = 4096) -> None:
        self._index = array("q")  # numbers, not objects: each of a store's devices has thousands
        self._ns = array("d")
        self._keep = keep

    def add(self, index: int, ns: float) -> None:
        """Sample `index` was captured at `ns`."""
        self._index.append(index)
        self._ns.append(ns)
        if len(self._index) > 2 * self._keep:
            del self._index[: -self._keep], self._ns[: -self._keep]

    def at(self, index: float) -> float:
        """Capture time in ns, extrapolated at the ends."""
        k = min(max(bisect.bisect_right(self._index, index), 1), len(self._index) - 1)
        if len(self._index) == 1:
            return self._ns[0]
        i0, i1 = self._index[k - 1], self._index[k]
        return self._ns[k - 1] + (index - i0) * (self._ns[k] - self._ns[k - 1]) / (i1 - i0)
