"""Steps of single plates put together per shelf: one thing on two plates, crosstalk, goods pushed along the shelf.

* Crosstalk: a plate beside a much larger step moves along by up to about 1.5 % of it (measured); it is left out.
* A unit may stand on two plates: neighbours that step at the same moment in the same direction are one change, and
  a neighbour too quiet to be noticed by itself is measured over the same time.
* Push: neighbours that step against each other with nothing left over are a touch.
* Neighbours that step at different moments or in different ways are different changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jwo_cli.estimate.weight.levels import WINDOW_S
from jwo_cli.estimate.weight.transitions import Step

CROSSTALK = 0.03  # of the neighbour's step: beyond every crosstalk measured (0.1-1.5 %)
CROSSTALK_MEAN = 0.005  # what two plates of one change gain from each other, and how much that varies
CROSSTALK_SIGMA = 0.004
PRESS_CROSSTALK = 0.06  # a lean of 1.5 kg lifts its neighbours by 4.2 %
NEIGHBOURS = 2  # crosstalk reaches this far
EDGE_S = 0.4
ALIKE_S = 0.035  # two samples: plates of one converter are read together
ALIKE_SHARE = 0.08  # of the time that the move takes
ALIKE_SIGMAS = 10.0  # a sample is this much noisier than a level
TOUCHED_S = 1.0
APART_S = 0.8  # a plate that moved by itself within this of a change is not measured as its silent partner
PUSH_S = 0.4
PUSH_ALIKE_S = 0.12  # two plates pass half way within this and a part of the time that the push takes
PUSH_SHARE = 0.3
PUSH_QUICK_S = 0.15  # 20 to 80 % of a push takes longer than this
PUSH_G = 40.0

Measure = Callable[[int, float, float], tuple[float, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Steps of one shelf that belong together, with the deltas (plate, grams, sigma) that make up the change."""

    steps: tuple[Step, ...]
    deltas: tuple[tuple[int, float, float], ...]
    touch: bool

    @property
    def begin(self) -> float:
        """First contact, samples."""
        return min(step.begin for step in self.steps)

    @property
    def end(self) -> float:
        """Settled again, samples."""
        return max(step.end for step in self.steps)


def group(
    found: list[Step], told: Sequence[Group], rate_hz: float, first: int, last: int, measure: Measure
) -> list[Group]:
    """Groups among steps of one shelf whose plates are the columns [first, last] of the device.

    `told` are the shelf's groups reported before: what they made their neighbours do is not told again.
    """
    fresh = sorted((step for step in found if not _counted(step, told)), key=lambda s: (s.main, s.plate))
    pushed, left = _pushes([step for step in fresh if not step.touch], rate_hz)
    groups = [Group(steps=pair, deltas=(), touch=True) for pair in pushed]
    left += [step for step in fresh if step.touch]
    rest = _without_crosstalk(left, [*told, *groups], rate_hz)
    changes = [step for step in rest if not step.touch]
    touches = [step for step in rest if step.touch]
    for cluster in _clusters(changes, rate_hz, _moved_alike):
        near = [step for step in [*fresh, *(s for g in told for s in g.steps)] if step not in cluster]
        groups.append(Group(steps=cluster, deltas=_deltas(cluster, near, rate_hz, (first, last), measure), touch=False))
    clusters = _clusters(touches, rate_hz, _touched_together)
    groups += [Group(steps=cluster, deltas=(), touch=True) for cluster in clusters]
    return sorted(groups, key=lambda g: (g.begin, g.steps[0].plate))


def _overlap(a: Step, b: Step, slack: float) -> bool:
    return a.begin < b.end + slack and b.begin < a.end + slack


def _counted(step: Step, told: Sequence[Group]) -> bool:
    """A neighbour's share that was measured with its change already."""
    return any(
        any(plate == step.plate for plate, _, _ in earlier.deltas)
        and earlier.begin < step.end
        and step.begin < earlier.end
        for earlier in told
        if all(other.plate != step.plate for other in earlier.steps)
    )


def _without_crosstalk(found: list[Step], told: Sequence[Group], rate_hz: float) -> list[Step]:
    others = [*found, *(step for earlier in told for step in earlier.steps)]
    return [
        step
        for step in found
        if not any(
            other.plate != step.plate
            and abs(other.plate - step.plate) <= NEIGHBOURS
            and _overlap(step, other, 0.1 * rate_hz)
            and _echoes(step, other, EDGE_S * rate_hz)
            for other in others
        )
    ]


def _echoes(step: Step, other: Step, edge: float) -> bool:
    """True when a step is what its neighbour's step or press does to it."""
    if step.touch:
        return abs(step.peak_g) < PRESS_CROSSTALK * 2 * max(abs(other.peak_g), abs(other.delta_g))
    # A long lean lifts or lowers its neighbours while it lasts: steps at its two ends, or where it changes.
    at_edge = other.begin - edge < step.main < other.end + edge
    pressed = PRESS_CROSSTALK * other.press_g if at_edge else 0.0
    return abs(step.delta_g) < max(CROSSTALK * abs(other.delta_g), pressed)


def _pushes(changes: list[Step], rate_hz: float) -> tuple[list[tuple[Step, ...]], list[Step]]:
    """Goods shifted to a neighbouring plate: what one plate lost the other gained, while a hand was on them."""
    pushed: list[tuple[Step, ...]] = []
    left = list(changes)
    for a in changes:
        for side in (-2, -1, 1, 2):
            # a hand's press on top hides when little goods moved
            moved = tuple(
                b
                for b in left
                if b.plate == a.plate + side
                and a.begin - 0.1 * rate_hz < b.main < a.end + 0.3 * rate_hz
                and (_mirrored(a, b, rate_hz) or abs(b.delta_g) < PUSH_G)
            )
            total = sum(b.delta_g for b in moved)
            slack = 5 * math.hypot(a.sigma_g, *(b.sigma_g for b in moved)) + 0.03 * abs(a.delta_g) + 1.5
            if a in left and moved and total * a.delta_g < 0 and abs(a.delta_g + total) < slack:
                pushed.append(tuple(sorted((a, *moved), key=lambda s: s.plate)))
                left = [step for step in left if step is not a and step not in moved]
    return pushed, left


def _mirrored(a: Step, b: Step, rate_hz: float) -> bool:
    """What is pushed presses on the one plate as much less as on the other more, all the way: both move at one time.

    A put and a pick that cancel out have each a quick step of their own; nothing slides to the next plate that fast.
    """
    longest = max(step.course[2] - step.course[0] for step in (a, b))
    if longest < PUSH_QUICK_S * rate_hz:
        return False
    return abs(a.main - b.main) <= min(PUSH_S * rate_hz, PUSH_ALIKE_S * rate_hz + PUSH_SHARE * longest)


def _clusters(
    found: list[Step], rate_hz: float, together: Callable[[Step, Step, float], bool]
) -> list[tuple[Step, ...]]:
    clusters: list[list[Step]] = []
    for step in found:
        home = next((c for c in clusters if any(together(step, s, rate_hz) for s in c)), None)
        if home is None:
            clusters.append([step])
        else:
            home.append(step)
    return [tuple(sorted(c, key=lambda s: s.plate)) for c in clusters]


def _moved_alike(a: Step, b: Step, rate_hz: float) -> bool:
    """One thing on two plates leaves both alike: their traces pass 20, 50 and 80 % of the way at the same times."""
    if abs(a.plate - b.plate) != 1 or a.delta_g * b.delta_g <= 0:
        return False
    slack = ALIKE_S * rate_hz + sum(
        (step.course[2] - step.course[0]) * (ALIKE_SHARE + ALIKE_SIGMAS * step.sigma_g / abs(step.delta_g))
        for step in (a, b)
    )
    return all(abs(x - y) <= slack for x, y in zip(a.course, b.course, strict=True))


def _touched_together(a: Step, b: Step, rate_hz: float) -> bool:
    return abs(a.plate - b.plate) == 1 and abs(a.main - b.main) <= TOUCHED_S * rate_hz


def _deltas(
    cluster: tuple[Step, ...], near: list[Step], rate_hz: float, columns: tuple[int, int], measure: Measure
) -> tuple[tuple[int, float, float], ...]:
    """Each plate's delta, corrected for what its neighbours leak into it, with neighbours that carry a small share."""
    own = {step.plate: (step.delta_g, step.sigma_g) for step in cluster}
    main = max(cluster, key=lambda s: abs(s.delta_g))
    apart, window = APART_S * rate_hz, WINDOW_S * rate_hz
    begin, end = min(s.begin for s in cluster), max(s.end for s in cluster)
    for plate in (min(own) - 1, max(own) + 1):
        moved = any(step.plate == plate and step.begin < end + apart and begin - apart < step.end for step in near)
        if columns[0] <= plate <= columns[1] and not moved and (quiet := measure(plate, begin, end)) is not None:
            delta, sigma = quiet
            share = abs(delta) - 5 * sigma - 1.0
            if delta * main.delta_g > 0 and CROSSTALK * abs(main.delta_g) < share and abs(delta) < abs(main.delta_g):
                own[plate] = quiet
    deltas: list[tuple[int, float, float]] = []
    for plate in sorted(own):
        delta, sigma = own[plate]
        leaked = sum(own[other][0] for other in own if abs(other - plate) == 1)
        leaked += sum(
            step.delta_g * _between_levels(step.main, begin, end, window)
            for step in near
            if abs(step.plate - plate) == 1 and not step.touch
        )
        deltas.append((plate, delta - CROSSTALK_MEAN * leaked, math.hypot(sigma, CROSSTALK_SIGMA * leaked)))
    return tuple(deltas)


def _between_levels(at: float, begin: float, end: float, window: float) -> float:
    """Share of a neighbour's step that falls between the two levels of a change, which are means over `window`."""
    outside = max(begin - at, at - end, 0.0)
    return max(0.0, 1.0 - outside / window)
