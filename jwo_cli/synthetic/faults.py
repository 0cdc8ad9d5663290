"""Broken things: messages lost, doubled, disordered or misdated; plates dead, stuck, spiking or silent.

Faults of plates work on samples before they are cut into batches; faults of messages work on the finished signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.model.units import NS_PER_S

from .draws import Floats, between, chance, named
from .loads import RATE_HZ
from .scripts import Fault
from .wiring import LSB_G

PLATE_KINDS = ("dead", "zero", "nan", "stuck", "spikes")
MESSAGE_KINDS = ("drop", "drop_poses", "duplicate", "disorder", "jump")


def break_plates(
    grams: NDArray[np.float32], begin: int, column: dict[str, int], faults: Sequence[Fault], seed: int
) -> NDArray[np.float32]:
    """Samples [n, plates] from sample `begin` on, with the faults of single plates; the array is changed in place."""
    for fault in faults:
        if fault.kind not in PLATE_KINDS:
            continue
        low = max(round(fault.begin_s * RATE_HZ) - begin, 0)
        high = min(round(fault.end_s * RATE_HZ) - begin, len(grams))
        if high <= low:
            continue
        i = column[fault.plate]
        rng = named(seed, "fault", fault.kind, fault.plate, begin)
        match fault.kind:
            case "dead" | "nan":
                grams[low:high, i] = np.nan
            case "zero":
                grams[low:high, i] = 0.0
            case "stuck":
                # in a later chunk it sticks at a value of its own, which nobody can tell from the first
                held = (
                    named(seed, "stuck", fault.plate).integers(600, 16_000) * LSB_G
                    if low == 0 and begin
                    else grams[low, i]
                )
                grams[low:high, i] = held
            case _:
                hits = rng.random(high - low) < (fault.amount or 0.01)
                grams[low:high, i] += np.where(hits, rng.normal(0.0, 2500.0, high - low), 0.0).astype(np.float32)
    return grams


def break_messages(signals: list[Signal], faults: Sequence[Fault], start_ns: int, seed: int) -> list[Signal]:
    """The signals in order of arrival with lost, doubled, late and misdated ones."""
    for fault in faults:
        if fault.kind not in MESSAGE_KINDS:
            continue
        rng = named(seed, "fault", fault.kind, fault.device)
        kept: list[Signal] = []
        late: list[tuple[int, Signal]] = []
        for index, signal in enumerate(signals):
            kept.extend(item for due, item in late if due <= index)
            late = [(due, item) for due, item in late if due > index]
            at_s = (_stamp(signal) - start_ns) / NS_PER_S
            if not (_meant(signal, fault) and fault.begin_s <= at_s < fault.end_s):
                kept.append(signal)
                continue
            match fault.kind:
                case "drop" | "drop_poses":
                    pass
                case "duplicate":
                    kept.extend([signal, signal] if chance(rng, fault.amount or 0.1) else [signal])
                case "disorder":
                    if chance(rng, fault.amount or 0.15):
                        late.append((index + int(rng.integers(2, 9)), signal))
                    else:
                        kept.append(signal)
                case _:
                    kept.append(_moved(signal, round((fault.amount or 0.2) * NS_PER_S)))
        kept.extend(item for _, item in late)
        signals = kept
    return signals


def _stamp(signal: Signal) -> int:
    return signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns


def _meant(signal: Signal, fault: Fault) -> bool:
    match signal:
        case WeightBatch():
            return fault.kind != "drop_poses" and fault.device in {"", "plates", signal.device_id}
        case PoseFrame():
            return fault.kind != "drop" and fault.device in {"", "poses"}
        case _:
            return False


def _moved(signal: Signal, by_ns: int) -> Signal:
    if isinstance(signal, WeightBatch):
        return replace(signal, end_ns=signal.end_ns + by_ns)
    return replace(signal, at_ns=signal.at_ns + by_ns)


def jitter_ns(rng: np.random.Generator) -> int:
    """Scatter of a batch's stamp: 4 ms (two batches of a gondola are 192-208 ms apart, 5th to 95th percentile)."""
    return round(float(np.clip(rng.normal(0.0, 0.0038), -0.012, 0.014)) * 1e6) * 1_000


def phase_s(index: int, count: int, seed: int) -> float:
    """When in its 200 ms a device sends: devices are spread, in an order drawn once."""
    order: Floats = named(seed, "phases").permutation(count).astype(np.float64)
    return 0.2 * (float(order[index]) + between(named(seed, "phase", index), 0.2, 0.8)) / count
