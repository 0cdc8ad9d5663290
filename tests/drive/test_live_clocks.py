"""Devices whose clock is off, in a store that runs: their evidence is missing, and nobody is charged by it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.sources import shifted
from jwo_cli.estimate.signals import Signal, WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import STORE, Shop, enters, identical, up


def off_clock(shop: Shop, off_s: float, from_s: float, until_s: float) -> None:
    """Ann's visit, while the scale's clock is off for a time and somebody looks after the store."""
    up(shop)
    entered = False
    for signal in scene.signals():
        shop.clock.ns = captured_ns(signal)
        at_s = (shop.clock.ns - scene.START_NS) / NS_PER_S
        if at_s > 1.0 and not entered:
            entered = True
            enters(shop, at_s)
        off = isinstance(signal, WeightBatch) and from_s <= at_s < until_s
        shop.give(shifted(signal, round(off_s * NS_PER_S)) if off else signal)
        shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=time.monotonic())
    shop._nobody(25.0)
    shop.run.commit()


def clock_faults(shop: Shop) -> list[tuple[str, bool]]:
    """Devices whose clocks were told to be off, and to be right again."""
    with Intake.open(shop.place / "journal") as intake:
        faults = [entry.payload for entry in intake.entries() if entry.kind == "device_faulted"]
    clocks = [fault for fault in faults if fault["kind"] == FaultKind.CLOCK]
    return [(str(fault["device_id"]), fault["until_ns"] != fault["at_ns"]) for fault in clocks]


@pytest.mark.parametrize(("off_s", "from_s"), [(-5.0, 0.0), (-5.0, 6.0), (-3.0, 9.0), (3.0, 6.0), (-40.0, 6.0)])
def test_what_a_scale_says_by_a_clock_that_is_off_charges_nobody(tmp_path: Path, off_s: float, from_s: float) -> None:
    """It may name whoever stood there before: its evidence is missing, and a person decides about who reached there."""
    shop = Shop(tmp_path)
    off_clock(shop, off_s, from_s, 99.0)
    assert [(receipt.settled.value, receipt.charged_minor) for receipt in shop.run.live.receipts] == [("review", 0)]
    assert clock_faults(shop) == [("a", False)]
    assert ("a", FaultKind.CLOCK) in shop.run.health.ill
    shop.end()
    identical(shop)


def test_a_clock_that_is_right_again_is_told_and_believed(tmp_path: Path) -> None:
    """What was taken meanwhile shows in the levels before and after; when it was, and by whom, a person decides."""
    shop = Shop(tmp_path)
    off_clock(shop, -5.0, 6.0, 15.0)
    (receipt,) = shop.run.live.receipts
    assert (receipt.settled.value, receipt.charged_minor) == ("review", 100)
    assert clock_faults(shop) == [("a", False), ("a", True)]
    assert ("a", FaultKind.CLOCK) not in shop.run.health.ill
    shop.end()
    identical(shop)


def test_messages_that_the_network_held_up_are_used_all_the_same(tmp_path: Path) -> None:
    """Three seconds of a scale's messages come in one burst: late they are, and true."""
    shop = Shop(tmp_path)
    up(shop)
    enters(shop, 0.6)
    held: list[Signal] = []
    for signal in scene.signals():
        shop.clock.ns = captured_ns(signal)
        at_s = (shop.clock.ns - scene.START_NS) / NS_PER_S
        if isinstance(signal, WeightBatch) and 8.5 <= at_s < 11.5:
            held.append(signal)
            continue
        for late in held if at_s >= 11.5 else ():
            shop.give(late)
        held = [] if at_s >= 11.5 else held
        shop.give(signal)
    shop._nobody(25.0)
    shop.run.commit()
    assert [(receipt.settled.value, receipt.charged_minor) for receipt in shop.run.live.receipts] == [
        ("automatic", 100)
    ]
    assert clock_faults(shop) == []
    shop.end()
    identical(shop)


def test_a_store_whose_own_clock_is_set_back_says_so_and_is_right_in_its_next_run(tmp_path: Path) -> None:
    """An hour: what comes is old to this run, nobody is to be let in; the next one goes on, and one visit is one."""
    shop = Shop(tmp_path)
    shop.clock.ns += 3600 * NS_PER_S
    up(shop)
    shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=time.monotonic())
    shop.clock.ns -= 3600 * NS_PER_S
    shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=time.monotonic())
    assert "set back by 3600 s" in " ".join(shop.run.caretaker.hindrances(shop.clock.ns))
    shop.run.commit()
    shop.intake.close()
    following = Intake.open(tmp_path / "journal", store_id=STORE.store_id, layout_version=STORE.version)
    shop.run = LiveStore(STORE, following, sources=[], recording=None, now_ns=shop.clock)
    entered: list[float] = []

    def scan(at_s: float) -> None:
        if at_s > 1.0 and not entered:
            entered.append(at_s)
            enters(shop, at_s)

    shop.play(meanwhile=scan)
    assert [(receipt.settled.value, receipt.charged_minor) for receipt in shop.run.live.receipts] == [
        ("automatic", 100)
    ]
    assert ("clock of the store", FaultKind.CLOCK) not in shop.run.health.ill
    shop.run.end()
    following.close()
