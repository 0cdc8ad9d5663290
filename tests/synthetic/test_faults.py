"""Faults: each kind breaks what it says and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.synthetic.faults import break_messages, break_plates
from jwo_cli.synthetic.scripts import Fault

START = 1_700_000_000_000_000_000


def _signals() -> list[Signal]:
    """Ten seconds: batches of two devices and poses, five a second each."""
    out: list[Signal] = []
    for k in range(50):
        at_ns = START + k * 200_000_000
        for device in ("g1", "g2"):
            grams = np.full((12, 1), float(k), np.float32)
            batch = WeightBatch(device_id=device, end_ns=at_ns, rate_hz=60.0, channels=(f"{device}:1:1",), grams=grams)
            out.append(batch)
        out.append(PoseFrame(at_ns=at_ns + 1_000, people=()))
    return out


def _broken(kind: str, **more: object) -> list[Signal]:
    fault = Fault(kind=kind, begin_s=2.0, end_s=6.0, **more)  # type: ignore[arg-type]
    return break_messages(_signals(), [fault], START, seed=1)


def test_a_gap_swallows_one_devices_messages() -> None:
    """Only that device, only then."""
    left = _broken("drop", device="g2")
    stamps = [s.end_ns - START for s in left if isinstance(s, WeightBatch) and s.device_id == "g2"]
    assert not any(2e9 <= stamp < 6e9 for stamp in stamps)
    assert len(left) == 150 - 20
    assert len(_broken("drop_poses")) == 150 - 20


def test_messages_come_twice() -> None:
    """A copy right behind the first."""
    left = _broken("duplicate", amount=0.5)
    assert 150 + 15 < len(left) < 150 + 45
    assert len({id(signal) for signal in left}) == 150


def test_messages_come_late_and_none_is_lost() -> None:
    """Disorder by a few places."""
    left = _broken("disorder", amount=0.3)
    stamps = [s.end_ns if isinstance(s, WeightBatch) else s.at_ns for s in left]
    assert stamps != sorted(stamps)
    assert sorted(stamps) == sorted(s.end_ns if isinstance(s, WeightBatch) else s.at_ns for s in _signals())


def test_a_clock_jumps() -> None:
    """One stream's stamps move by 200 ms while it lasts, the other's stay."""
    left = _broken("jump", device="poses", amount=0.2)
    moved = [
        b.at_ns - a.at_ns
        for a, b in zip(_signals(), left, strict=True)
        if isinstance(a, PoseFrame) and isinstance(b, PoseFrame)
    ]
    assert sorted(set(moved)) == [0, 200_000_000]
    assert moved.count(200_000_000) == 20


@pytest.mark.parametrize("kind", ["dead", "zero", "stuck", "spikes"])
def test_a_plate_breaks_alone(kind: str) -> None:
    """From its time on; its neighbours go on."""
    grams = np.cumsum(np.ones((600, 3), np.float32), axis=0)
    fault = Fault(kind=kind, plate="b", begin_s=5.0, end_s=1e9, amount=0.1)
    broken = break_plates(grams.copy(), 0, {"a": 0, "b": 1, "c": 2}, [fault], seed=1)
    assert (broken[:, [0, 2]] == grams[:, [0, 2]]).all()
    assert (broken[:300, 1] == grams[:300, 1]).all()
    after = broken[300:, 1]
    match kind:
        case "dead":
            assert np.isnan(after).all()
        case "zero":
            assert (after == 0).all()
        case "stuck":
            assert (after == after[0]).all()
        case _:
            assert 10 < (np.abs(after - grams[300:, 1]) > 100).sum() < 60
