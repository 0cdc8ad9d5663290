"""Some seconds of a scale's messages are lost on their way: what it told before is charged no second time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.observations import WeightChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import Shop, enters, identical, up

REACHES_S, BACK_S, TURNS_S = 10.5, 14.3, 15.3


def visit(lost_s: tuple[float, float]) -> Iterator[tuple[float, Signal]]:
    """Ann takes a bottle in the tenth second and puts it back; what the scale said in `lost_s` never comes."""
    signals = [((captured_ns(signal) - scene.START_NS) / NS_PER_S, signal) for signal in scene.signals()]
    poses = [(at_s, signal) for at_s, signal in signals if isinstance(signal, PoseFrame)]
    for at_s, signal in signals:
        if isinstance(signal, PoseFrame):  # her hand stays at the plate, then she goes twice as fast
            like_s = min(at_s, REACHES_S) + 2 * max(0.0, at_s - TURNS_S)
            like = next((pose for pose_s, pose in poses if pose_s >= like_s), None)
            yield at_s, PoseFrame(at_ns=signal.at_ns, people=like.people if like else ())
        elif isinstance(signal, WeightBatch) and not lost_s[0] < at_s < lost_s[1]:
            grams = signal.grams.copy()
            grams[:, 0] += 520.0 * (at_s > BACK_S)
            yield at_s, replace(signal, grams=grams)


@pytest.mark.parametrize("lost_s", [(12.0, 12.0), (12.0, 14.0), (10.2, 14.0)])
def test_what_is_put_back_right_after_messages_were_lost_is_not_charged(
    tmp_path: Path, lost_s: tuple[float, float]
) -> None:
    """The pick is told once, as without the loss: her basket is empty, and the replay says the same."""
    shop = Shop(tmp_path)
    up(shop)
    for at_s, signal in visit(lost_s):
        shop.clock.ns = captured_ns(signal)
        if at_s > 1.0 and not shop.run.live.opened:
            enters(shop, at_s)
        shop.give(signal)
    shop._nobody(12.0)
    shop.run.commit()
    with Intake.open(tmp_path / "journal") as intake:
        told = [one for _, one in intake.observed([WeightChanged])]
    assert [100 * round(sum(plate.delta_g for plate in one.plates) / 100) for one in told] == [-500, 500]
    assert [line for receipt in shop.run.live.receipts for line in receipt.lines] == []
    assert shop.run.live.opened
    assert not shop.run.inside
    shop.end()
    identical(shop)
