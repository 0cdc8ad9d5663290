"""Scales from two known weights, put on one plate after the other: tare, span, noise, drift, and swapped wires.

The order in which plates were loaded is the order in which their channels must answer; where another channel answers,
the wire is on the wrong plate. Span: true grams = span · (read − tare).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Scale

from .loads import Load, Still, Trace, loads, still_stretches
from .verdict import Judgement, Reason, Verdict, below, judge

Floats = NDArray[np.float64]
SPANS = (0.5, 2.0)  # beyond, the weights are not those that were said, or the channel does not speak grams


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One channel: its scale, what is left over (RMS, g), drift of the empty plate (g an hour), and a verdict."""

    scale: Scale
    off_g: float
    drift_g_h: float
    reads_g: tuple[float, ...]
    trues_g: tuple[float, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """A whole procedure: `weighed` channels, `rewired` plate -> channel where wires are swapped, and a verdict."""

    weighed: tuple[Weighed, ...]
    rewired: Mapping[str, str]
    answered: tuple[str, ...]
    judgement: Judgement


def weigh(traces: Sequence[Trace], order: Sequence[tuple[str, str]], weights_g: Sequence[float]) -> Weighing:
    """Calibrate the channels of plates in `order` [(plate, channel)], loaded one after the other with each weight."""
    step = 0.25 * float(np.diff(sorted([0.0, *weights_g])).min())
    found: dict[str, tuple[tuple[Still, ...], tuple[Load, ...]]] = {}
    for trace in traces:
        found[trace.channel] = loads(still_stretches(trace, step_g=step), step_g=step)
    answered = _answered(found, min(weights_g))
    wired, told = wiring(order, answered)
    lost = [(plate, channel) for plate, channel in order if channel not in answered]
    out = []
    for channel in answered:
        empty, own = found[channel]
        others = [load for name in answered if name != channel for load in found[name][1]]
        # While a neighbour is loaded, this plate is not empty either: crosstalk.
        alone = [item for item in empty if not any(_overlap(item, load) for load in others)]
        out.append(_weighed(channel, alone or list(empty), own, weights_g))
    reasons = [*told]
    for item in out:
        bad = item.judgement.reasons[0]
        if bad.verdict is not Verdict.PASS:
            reasons.append(bad)
    for plate, channel in lost:
        if not wired:
            text = f"{plate}: channel {channel} never answered"
            fix = "Look for a loose plug, then load this plate again."
            reasons.append(Reason(verdict=Verdict.REFUSED, text=text, fix=fix))
    if out and all(reason.verdict is Verdict.PASS for reason in reasons):
        reasons.append(Reason(verdict=Verdict.PASS, text=f"{len(out)} channels answered in order, each to its weights"))
    if not out:
        text = "no channel showed the weights"
        fix = "Put each weight on each plate for at least three seconds, and take it off for as long."
        reasons.append(Reason(verdict=Verdict.REFUSED, text=text, fix=fix))
    return Weighing(weighed=tuple(out), rewired=wired, answered=answered, judgement=judge(reasons))


def _overlap(one: Still | Load, other: Still | Load) -> bool:
    return one.start_s < other.end_s and one.end_s > other.start_s


def _answered(found: Mapping[str, tuple[tuple[Still, ...], tuple[Load, ...]]], least_g: float) -> tuple[str, ...]:
    """Channels that were loaded, in the order of their first load; a load that a neighbour feels more is crosstalk."""
    every = [(load, channel) for channel, (_, own) in found.items() for load in own]
    first: dict[str, float] = {}
    for load, channel in every:
        over = [abs(other.rise_g) for other, name in every if name != channel and _overlap(load, other)]
        if abs(load.rise_g) >= SPANS[0] * least_g and all(abs(load.rise_g) > rise for rise in over):
            first[channel] = min(first.get(channel, np.inf), load.start_s)
    return tuple(sorted(first, key=lambda channel: (first[channel], channel)))


def wiring(order: Sequence[tuple[str, str]], answered: Sequence[str]) -> tuple[dict[str, str], list[Reason]]:
    """Plate -> channel where another channel answered in its turn; only when the count says whose turn it was."""
    if len(answered) != len(order):
        text = f"{len(answered)} channels answered for {len(order)} plates: whose turn it was is not sure"
        fix = "Load (or touch) every plate of the list in its order, and nothing else; --plates names fewer."
        return {}, [Reason(verdict=Verdict.REFUSED, text=text, fix=fix)]
    swapped = {plate: channel for (plate, said), channel in zip(order, answered, strict=True) if said != channel}
    reasons = [
        Reason(
            verdict=Verdict.MARGINAL,
            text=f"{plate} should answer on {dict(order)[plate]}, but {channel} did",
            fix="Swap the wires, or write the channels as they answered (--rewire), and check that the order was kept.",
        )
        for plate, channel in swapped.items()
    ]
    return swapped, reasons


def _weighed(channel: str, empty: Sequence[Still], own: Sequence[Load], weights_g: Sequence[float]) -> Weighed:
    rises = np.array([load.rise_g for load in own])
    targets = np.sort(np.array(weights_g, dtype=np.float64))
    # Which load was which weight: by the size of the largest, then by the nearest.
    factor = targets[-1] / rises[int(np.argmax(np.abs(rises)))]
    which = np.argmin(np.abs(rises[:, None] * factor - targets), axis=1)
    trues = np.concatenate([[0.0], targets[which]])
    reads = np.concatenate([[0.0], rises])
    # Through the empty plate: rises are against it, so the line has no free end.
    span = float((trues @ reads) / (reads @ reads))
    off = span * reads - trues
    noise = float(np.median([item.noise_g for item in empty]))
    tare, drift, unsure = _drift(empty, noise)
    scale = Scale(channel=channel, tare_g=tare, span=span, noise_g=noise)
    off_g = float(np.sqrt((off**2).mean()))
    missing = [float(weight) for weight in targets if weight not in set(trues.tolist())]
    reasons = _reasons(channel, scale, off_g, max(0.0, abs(drift) - 2 * unsure), float(targets[-1]), missing)
    return Weighed(
        scale=scale,
        off_g=off_g,
        drift_g_h=drift,
        reads_g=tuple(reads.tolist()),
        trues_g=tuple(trues.tolist()),
        judgement=judge(reasons),
    )


def _drift(empty: Sequence[Still], noise_g: float) -> tuple[float, float, float]:
    """The empty plate's level at the end, how it moved over the recording, and how unsure that is (σ), g an hour."""
    at = np.array([(item.start_s + item.end_s) / 2 for item in empty])
    level = np.array([item.level_g for item in empty])
    tare = float(np.median(level[-3:]))
    if len(at) < 3:
        return tare, 0.0, 0.0
    middle = at - at.mean()
    slope = float(middle @ level / (middle @ middle))
    rest = level - level.mean() - slope * middle
    sigma = np.hypot(np.sqrt((rest**2).sum() / (len(at) - 2)), noise_g / 4) / np.sqrt(middle @ middle)
    return tare, slope * 3600, float(sigma) * 3600


def _reasons(
    channel: str, scale: Scale, off_g: float, drift: float, heaviest_g: float, missing: list[float]
) -> list[Reason]:
    if missing:
        text = f"{channel}: the weight of {missing[0]:g} g was never seen on it"
        return [Reason(verdict=Verdict.REFUSED, text=text, fix="Put every weight on every plate.")]
    if not SPANS[0] <= scale.span <= SPANS[1]:
        text = f"{channel}: a span of {scale.span:.3f} is not that of a scale in grams with these weights"
        return [Reason(verdict=Verdict.REFUSED, text=text, fix="Check --weights, and that the device speaks grams.")]
    fine = max(1.0, 0.002 * heaviest_g)
    return [
        below(off_g, good=fine, usable=5 * fine, text=f"{channel}: weights and zero lie {off_g:.1f} g off a line",
              fix="Look for a plate that touches its neighbour or a load cell that was overloaded."),
        below(scale.noise_g, good=5.0, usable=30.0, text=f"{channel}: still samples vary by {scale.noise_g:.1f} g (σ)",
              fix="Look for a loose cable, a fan, or a shelf that shakes."),
        below(abs(drift), good=30.0, usable=200.0,
              text=f"{channel}: the empty plate surely drifts by {drift:.0f} g an hour",
              fix="Let the device warm up for half an hour; look for a plate that sticks."),
    ]  # fmt: skip
