"""A trouble of a device is journalled when it begins and when it is over, in that order, and shown in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.text import Text

from jwo_cli.drive.edge import inlets
from jwo_cli.drive.state import alone, state_of
from jwo_cli.drive.watch_live import LiveWatch
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt.inbox import BrokerState, DeviceSilent, DeviceState, Item, Overrun, Spoiled
from jwo_cli.sensors.mqtt.sequence import Missing
from tests.drive import scene
from tests.drive.counter import STORE, Shop

BATCH = 12
Change = Callable[[np.ndarray], None]


def weigh(shop: Shop, seconds: float, change: Change = lambda _: None, *, off_s: float = 0.0, seed: int = 1) -> None:
    """The scales of the shop for a while, with something wrong."""
    rng = np.random.default_rng(seed)
    for _ in range(round(seconds * scene.RATE_HZ / BATCH)):
        shop.clock.ns += round(BATCH / scene.RATE_HZ * NS_PER_S)
        grams = (np.array([5200.0, 8400.0, 1200.0]) + rng.normal(0, 1.5, (BATCH, 3))).astype(np.float32)
        change(grams)
        end_ns = shop.clock.ns + round(off_s * NS_PER_S)
        shop.give(
            WeightBatch(device_id="a", end_ns=end_ns, rate_hz=scene.RATE_HZ, channels=scene.CHANNELS, grams=grams)
        )
    shop.run.commit()
    shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=0.0)


def stuck(grams: np.ndarray) -> None:
    grams[:, 1] = 8400.0


def mute(grams: np.ndarray) -> None:
    grams[:, 1] = np.nan


def faults(shop: Shop, device_id: str, kind: FaultKind) -> list[tuple[int, int]]:
    with Intake.open(shop.place / "journal") as intake:
        found = [one for _, one in intake.observed([DeviceFaulted])]
    # The front end tells of a clock's jumps besides, which are moments.
    return [
        (one.at_ns, one.until_ns)
        for one in found
        if (one.device_id, one.kind) == (device_id, kind) and "jumped" not in one.note
    ]


def shown(shop: Shop) -> tuple[tuple[str, ...], str]:
    """What `jwo store status` and the live view say is in trouble."""
    view = LiveWatch(STORE)
    view.attach(shop.run)
    text = view.state_text()
    assert isinstance(text, Text)
    with alone(shop.place / "journal"):
        return state_of(shop.place / "journal").ill, text.plain


@pytest.mark.parametrize(
    ("change", "off_s", "device_id", "kind"),
    [
        (stuck, 0.0, "a.s1.p2", FaultKind.STUCK),
        (mute, 0.0, "a.s1.p2", FaultKind.NAN),
        (lambda _: None, -3.0, "a", FaultKind.CLOCK),
    ],
)
def test_begun_shown_over(tmp_path: Path, change: Change, off_s: float, device_id: str, kind: FaultKind) -> None:
    """Ten seconds of trouble: one entry without an end, shown while it lasts; one entry with both, shown no more."""
    shop = Shop(tmp_path)
    weigh(shop, 8.0)
    assert faults(shop, device_id, kind) == []
    began_ns = shop.clock.ns
    weigh(shop, 10.0, change, off_s=off_s, seed=2)
    ((at_ns, until_ns),) = faults(shop, device_id, kind)
    assert at_ns == until_ns
    assert began_ns - 2 * NS_PER_S <= at_ns <= began_ns + 10 * NS_PER_S
    status, view = shown(shop)
    assert [sentence for sentence in status if sentence.startswith(f"{device_id}: {kind.value}")]
    assert f"{device_id}: {kind.value}" in view
    weigh(shop, 20.0, seed=3)
    begun, over = faults(shop, device_id, kind)[:2]
    assert begun == (at_ns, until_ns)
    assert over[0] == at_ns < over[1]
    status, view = shown(shop)
    assert not [sentence for sentence in status if sentence.startswith(f"{device_id}: {kind.value}")]
    assert f"{device_id}: {kind.value}" not in view
    shop.end()


@pytest.mark.parametrize(
    ("began", "ended"),
    [
        (BrokerState(connected=False, problem="gone"), BrokerState(connected=True)),
        (DeviceState(device_id="a", online=False), DeviceState(device_id="a", online=True)),
        (DeviceSilent(device_id="a", silent=True, for_s=4.0), DeviceSilent(device_id="a", silent=False)),
    ],
)
def test_what_a_source_tells_lasts_until_it_is_over(tmp_path: Path, began: Item, ended: Item) -> None:
    """Said again it is one trouble; another message's gap meanwhile does not end it."""
    shop = Shop(tmp_path)
    weigh(shop, 1.0)
    for item in (began, began):
        for inlet in inlets(item, broker="broker"):
            shop.give(inlet)
    status, view = shown(shop)
    assert len(status) == 1
    assert status[0].split(",")[0] in view
    for inlet in inlets(ended, broker="broker"):
        shop.give(inlet)
    assert shown(shop)[0] == ()
    shop.end()


@pytest.mark.parametrize(
    ("item", "note"),
    [
        (Missing(device_id="a", boot="b", first_seq=3, count=7), "7 messages are missing"),
        (Spoiled(device_id="a", problem="no weights"), "no weights"),
        (Overrun(count=9), "9 messages"),
    ],
)
def test_what_is_over_when_it_is_told_is_two_entries(tmp_path: Path, item: Item, note: str) -> None:
    """It stands in the journal with its words, and nowhere as a trouble that lasts."""
    shop = Shop(tmp_path)
    weigh(shop, 1.0)
    for inlet in inlets(item, broker="broker"):
        shop.give(inlet)
    assert shown(shop)[0] == ()
    with Intake.open(tmp_path / "journal") as intake:
        told = [one for _, one in intake.observed([DeviceFaulted])]
    assert [note in one.note for one in told] == [True, True]
    assert told[0].at_ns == told[0].until_ns == told[1].at_ns < told[1].until_ns
    shop.end()
