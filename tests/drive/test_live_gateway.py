"""Whoever sends what a scale weighs: the store opens, charges once, and goes on after a cut as if the scale did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.needed import needed
from jwo_cli.drive.sources import Trouble
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.observations import DeviceFaulted, FaultKind, UnweighedReach
from jwo_cli.model.staffing import Mode
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import STORE, Shop, enters, identical, up

Sent = Callable[[WeightBatch, float], Iterable[WeightBatch]]


def own(batch: WeightBatch, _: float) -> list[WeightBatch]:
    """By the scale itself."""
    return [batch]


def edge(batch: WeightBatch, _: float) -> list[WeightBatch]:
    """By a gateway."""
    return [replace(batch, device_id="edge")]


def both(batch: WeightBatch, at_s: float) -> list[WeightBatch]:
    """By both."""
    return [*own(batch, at_s), *edge(batch, at_s)]


def gateway_first(batch: WeightBatch, at_s: float) -> list[WeightBatch]:
    """By both, the gateway from the beginning."""
    return edge(batch, at_s) if at_s < 5.0 else [*edge(batch, at_s), *own(batch, at_s)]


def plays(shop: Shop, sent: Sent, *, taken_g: float = 520.0, from_s: float = 0.0, until_s: float = 99.0) -> None:
    """Ann's visit, with what her shelf weighs as it is sent; the store looks after itself twice a second."""
    looked_s = time.monotonic() - 1000.0
    for signal in scene.signals(taken_g=taken_g):
        at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
        if not from_s <= at_s < until_s:
            continue
        shop.clock.ns = captured_ns(signal)
        if from_s <= 1.5 <= at_s and shop.run.live.mode is Mode.UP and not shop.run.live.opened:
            enters(shop, at_s)
        for one in sent(signal, at_s) if isinstance(signal, WeightBatch) else [signal]:
            shop.give(one)
        shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=looked_s + at_s)
    if until_s > scene.SECONDS:
        shop._nobody(25.0)
    shop.run.commit()


def charged(shop: Shop) -> list[tuple[str, int, list[int]]]:
    """How each receipt was settled, what was charged, and how many of each thing stand on it."""
    found = shop.run.live.receipts
    return [(one.settled.value, one.charged_minor, [line.quantity for line in one.lines]) for one in found]


def told(shop: Shop, kind: FaultKind) -> list[str]:
    """Of whom a fault was told to begin during her visit."""
    with Intake.open(shop.place / "journal") as intake:
        found = [one for _, one in intake.observed([DeviceFaulted]) if one.kind is kind]
    last_ns = scene.START_NS + round((scene.SECONDS - 2) * NS_PER_S)
    return [one.device_id for one in found if one.until_ns == one.at_ns < last_ns]


@pytest.mark.parametrize("sent", [edge, both])
def test_a_store_opens_whoever_sends_what_its_scales_weigh(tmp_path: Path, sent: Sent) -> None:
    """The layout says that it needs scale `a`: a gateway by its own name is heard as that."""
    shop = Shop(tmp_path, needs=needed(STORE, broker=True))
    plays(shop, sent, until_s=5.0)
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.UP
    shop.end()


@pytest.mark.parametrize("kind", [FaultKind.DEAD, FaultKind.GAP])
@pytest.mark.parametrize(("after", "mode"), [(edge, Mode.UP), (lambda _, __: [], Mode.STAFF_ONLY)])
def test_a_scale_that_went_away_keeps_nobody_out_whose_plates_a_gateway_weighs(
    tmp_path: Path, kind: FaultKind, after: Sent, mode: Mode
) -> None:
    """The broker tells that it is gone, or silent, and nobody that it came back: its plates weigh, or they do not."""
    shop = Shop(tmp_path, needs=needed(STORE, broker=True))
    plays(shop, own, until_s=3.0)
    shop.give(Trouble(at_ns=shop.clock.ns, device_id="a", kind=kind, note="it went away"))
    plays(shop, after, from_s=3.0, until_s=17.0)
    assert ("a", kind) in shop.run.health.ill
    shop.ask(Mode.UP)
    assert shop.run.live.mode is mode
    shop.end()


def test_a_gateway_whose_clock_is_off_speaks_for_nobody(tmp_path: Path) -> None:
    """What it sends is left out: its scales were not heard, and keep the store shut."""
    shop = Shop(tmp_path, needs=needed(STORE, broker=True))
    plays(shop, lambda batch, _: [replace(batch, device_id="edge", end_ns=batch.end_ns - 60 * NS_PER_S)], until_s=5.0)
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.STAFF_ONLY
    assert ("edge", FaultKind.CLOCK) in shop.run.health.ill
    shop.end()


@pytest.mark.parametrize("sent", [own, edge, both, gateway_first])
def test_a_pick_of_which_two_devices_tell_is_charged_once(tmp_path: Path, sent: Sent) -> None:
    """One water, one price, whoever told of it; that two tell of the same plates is told, and keeps nobody out."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, sent)
    assert charged(shop) == [("automatic", 100, [1])]
    assert told(shop, FaultKind.DUPLICATE) == (["edge"] if sent in {both, gateway_first} else [])
    assert told(shop, FaultKind.GAP) == []
    shop.end()
    identical(shop)


@pytest.mark.parametrize(("before", "after"), [(own, edge), (edge, own)])
@pytest.mark.parametrize("taken_g", [0.0, 520.0])
def test_a_scale_whose_plates_somebody_else_goes_on_weighing_is_not_silent(
    tmp_path: Path, before: Sent, after: Sent, taken_g: float
) -> None:
    """Replaced at the third second: whoever touches at the tenth owes nothing, whoever takes something owes that."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, lambda batch, at_s: (before if at_s < 3.0 else after)(batch, at_s), taken_g=taken_g)
    assert charged(shop) == ([("automatic", 100, [1])] if taken_g else [])
    assert told(shop, FaultKind.GAP) == []
    shop.end()
    identical(shop)


@pytest.mark.parametrize("sent", [own, edge])
@pytest.mark.parametrize("cut_s", [15.0, 16.0])
def test_whoever_sends_it_is_heard_up_to_a_cut(tmp_path: Path, sent: Sent, cut_s: float) -> None:
    """Ann touches the shelf and takes nothing, the store is killed after that and goes on: nobody doubts her."""
    first = Shop(tmp_path / "a")
    up(first)
    plays(first, sent, taken_g=0.0, until_s=cut_s)
    second = first.goes_on(tmp_path / "b", begins_s=cut_s + 0.5)
    plays(second, sent, taken_g=0.0, from_s=cut_s + 0.5)
    with Intake.open(second.place / "journal") as intake:
        assert list(intake.observed([UnweighedReach])) == []
    assert (charged(second), told(second, FaultKind.GAP)) == ([], [])
    second.end()
    identical(second)


def test_what_is_heard_of_a_scale_is_heard_of_it_whoever_sends_it() -> None:
    """A message of two scales' plates, and of a loose cell."""
    batch = next(one for one in scene.signals() if isinstance(one, WeightBatch))
    assert replace(batch, device_id="edge", channels=("a:1:1", "b:1:1", "a:1:2")).scales == ("a", "b")
