"""Breaks: what devices give again comes before the present, is told once, and is kept until it is safe."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.backlog import MOST, MOST_S, Backlog
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.retold import LATEST, Retold
from jwo_cli.drive.sources import Behind, CodeSeen, DoorReport, ListSource, Source
from jwo_cli.drive.staff import tell
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.layout import Antenna, Pose
from jwo_cli.model.observations import DeviceFaulted, FaultKind, Ticked
from jwo_cli.model.staffing import AgeConfirmed
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import COLA, STORE, Shop, enters, identical, up

LAG_S = 20.0  # somebody may hold on to a shelf


class Keeping(ListSource):
    """Devices that keep what they measured until it is safe."""

    def __init__(self) -> None:
        super().__init__("test", "scales", [])
        self.resumed = False
        self.safe_ns = self.told = 0

    def begin(self, *, since_ns: int, resumed: bool) -> None:
        self.resumed = resumed

    def safe(self, taken: int, until_ns: int) -> None:
        self.safe_ns, self.told = until_ns, self.told + 1


def moved_on(before: Path, after: Path) -> None:
    after.mkdir()
    (before / "journal").rename(after / "journal")


@pytest.mark.parametrize("cut_s", [9.8, 10.4, 10.9, 12.3, 13.5, 17.0])
def test_killed_at_any_moment_of_a_pick_it_is_charged_once(tmp_path: Path, cut_s: float) -> None:
    """Ann's hand is at the shelf, the plate swings, the change is told or not: the next run charges one water."""
    devices = Keeping()
    first = Shop(tmp_path / "a", sources=[devices])
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.play(from_s=1.5, until_s=cut_s)
    first.intake.close()  # a kill: nothing is closed in order
    assert not devices.resumed
    safe_s = max(0.0, (devices.safe_ns - scene.START_NS) / NS_PER_S)
    assert cut_s - LAG_S < safe_s < cut_s - 3.0
    moved_on(tmp_path / "a", tmp_path / "b")
    second = Shop(tmp_path / "b", sources=[devices])
    assert devices.resumed
    second.play(from_s=safe_s, until_s=cut_s + 0.5)
    assert not second.run.live.receipts  # all of it waits: more of the past may come
    second.give(Behind(seconds=0.0))
    second.play(from_s=cut_s + 0.5)
    second.end()
    (receipt,) = second.run.live.receipts
    assert [(line.product_id, line.quantity) for line in receipt.lines] == [(COLA.product_id, 1)]
    identical(second)


@pytest.mark.parametrize("others", [0, 2 * LATEST])
def test_whatever_others_write_after_a_cut_a_pick_is_charged_once(tmp_path: Path, others: int) -> None:
    """Thousands of entries of a replay into the journal do not make the next run forget what was told."""
    devices = Keeping()
    first = Shop(tmp_path / "a", sources=[devices])
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.play(from_s=1.5, until_s=13.5)
    first.run.commit()
    assert first.kinds().count("weight_changed") == 1
    with Intake.open(tmp_path / "a" / "journal") as other:
        other.append(
            [
                NewEntry(key=f"o/{n}", at_ns=n, source="recording/o", kind="ticked", payload=encode(Ticked(at_ns=n)))
                for n in range(others)
            ]
        )
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    second = Shop(tmp_path / "b", sources=[devices])
    second.play(from_s=8.0, until_s=14.0)
    second.give(Behind(seconds=0.0))
    second.play(from_s=14.0)
    second.end()
    assert second.kinds().count("weight_changed") == 1
    (receipt,) = second.run.live.receipts
    assert [(line.product_id, line.quantity) for line in receipt.lines] == [(COLA.product_id, 1)]
    identical(second)


class NamingAnew(Keeping):
    """Cameras whose pictures are given again, and whose people are named anew by each run."""

    def __init__(self, names: str) -> None:
        super().__init__()
        self.names = names


@pytest.mark.parametrize("cut_s", [6.0, 9.0, 12.0, 14.0])
def test_whoever_is_named_anew_of_pictures_that_come_again_is_the_same(tmp_path: Path, cut_s: float) -> None:
    """Ann is inside at a cut, and pays for her water: seconds of the past under a new name make nobody of her."""
    devices = NamingAnew("p1-")
    first = Shop(tmp_path / "a", sources=[devices])
    up(first)
    first.play(until_s=1.5, called="p1-1")
    enters(first, 1.5)
    first.play(from_s=1.5, until_s=cut_s, called="p1-1")
    first.run.commit()
    first.run._bodies.write()
    first.intake.close()
    safe_s = max(0.0, (devices.safe_ns - scene.START_NS) / NS_PER_S)
    moved_on(tmp_path / "a", tmp_path / "b")
    second = Shop(tmp_path / "b", sources=[NamingAnew("p2-")], begins_s=cut_s + 0.5)
    second.play(from_s=safe_s, until_s=cut_s + 0.5, called="p2-1")
    second.give(Behind(seconds=0.0))
    second.play(from_s=cut_s + 0.5, called="p2-1")
    second.end()
    (receipt,) = second.run.live.receipts
    assert (receipt.account, receipt.charged_minor) == ("acct-ann", 100)
    assert "visit_unclaimed" not in second.kinds()
    identical(second)


def test_nothing_is_safe_before_it_is_told(tmp_path: Path) -> None:
    """While a plate is moving, what was measured since it began, and some seconds before, is kept."""
    devices = Keeping()
    shop = Shop(tmp_path, sources=[devices])
    shop.play(until_s=10.8)
    shop.run.commit()
    assert devices.safe_ns <= scene.START_NS + round((scene.TAKEN_S - 3.0) * NS_PER_S)
    assert "weight_changed" not in shop.kinds()
    shop.play(from_s=10.8, until_s=18.5)
    shop.run.commit()
    assert "weight_changed" in shop.kinds()
    assert devices.safe_ns > scene.START_NS + round((scene.TAKEN_S - 1.0) * NS_PER_S)
    shop.end()


def test_nothing_is_safe_while_something_waits(tmp_path: Path) -> None:
    """After a break it is not known yet what comes first: devices are told nothing until all has gone on in order."""
    devices = Keeping()
    shop = Shop(tmp_path, sources=[devices])
    shop.play(until_s=9.0)
    shop.run.commit()
    safe_ns, told = devices.safe_ns, devices.told
    shop.give(Behind(seconds=60.0))
    shop.play(from_s=9.0, until_s=18.5)
    shop.run.commit()
    assert (devices.safe_ns, devices.told) == (safe_ns, told)
    shop.give(Behind(seconds=0.0))
    shop.run._look_at(shop.run._again.signals())
    shop.run.commit()
    assert devices.safe_ns > safe_ns
    shop.end()


def test_a_broken_connections_past_comes_first(tmp_path: Path) -> None:
    """The scales' messages of six seconds come in one go, after the cameras': nothing is late, nothing is a gap."""
    shop = Shop(tmp_path)
    up(shop)
    enters(shop, 0.5)
    late = []
    for signal in scene.signals():
        at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
        shop.clock.ns = max(shop.clock.ns, captured_ns(signal))
        if 8.0 < at_s < 14.0 and type(signal).__name__ == "WeightBatch":
            if not late:
                shop.give(Behind(seconds=60.0))
            late.append(signal)
            continue
        if late and at_s >= 14.0:
            for one in late:
                shop.give(one)
            late.clear()
            shop.give(Behind(seconds=0.0))
        shop.give(signal)
    shop._nobody(12.0)
    shop.end()
    (receipt,) = shop.run.live.receipts
    assert receipt.total_minor == 100
    with Intake.open(tmp_path / "journal") as intake:
        faults = [found.at_ns for _, found in intake.observed([DeviceFaulted])]
    assert all(at_ns > scene.START_NS + 15 * NS_PER_S for at_ns in faults)  # the scales' end, and nothing before
    identical(shop)


def test_a_code_that_was_answered_is_not_answered_again(tmp_path: Path) -> None:
    """A reader that gives it again after a kill shows nobody at the door; a new one does."""
    first = Shop(tmp_path / "a")
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    report = DoorReport(at_ns=first.clock(), gate_id="door", released=True, reason="fire")
    first.give(report)
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    second = Shop(tmp_path / "b")
    at_ns = scene.START_NS + round(1.5 * NS_PER_S)
    assert second.run._again.answered(CodeSeen(at_ns=at_ns, gate_id="door", text="it"))
    assert not second.run._again.answered(CodeSeen(at_ns=report.at_ns, gate_id="door", text="it"))
    second.give(report)
    assert second.kinds().count("gate_released") == 1  # the house knows that it stands open
    assert not second.run._again.answered(CodeSeen(at_ns=at_ns + 1, gate_id="door", text="it"))
    second.end()


def test_a_door_that_is_released_in_the_second_of_a_code_stands_open_after_a_cut(tmp_path: Path) -> None:
    """Its reader and its lock have one clock of whole seconds: the fire alarm is not taken for the code's answer."""
    first = Shop(tmp_path / "a")
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    second = Shop(tmp_path / "b", begins_s=2.0)
    at_ns = scene.START_NS + round(1.5 * NS_PER_S)
    second.give(DoorReport(at_ns=at_ns, gate_id="door", released=True, reason="fire"))
    assert second.run.engine.house.released() == ("door",)
    second.end()


def test_nobody_measured_since_the_store_wrote_last_whoever_wrote_after_it(tmp_path: Path) -> None:
    """The office opens an account half an hour after the cut: evidence is missing since the cut."""
    first = Shop(tmp_path / "a")
    first.play(until_s=3.0)
    first.run.commit()
    cut_ns = time.time_ns()
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    time.sleep(0.2)
    with Intake.open(tmp_path / "b" / "journal") as office:
        tell(office, AgeConfirmed(at_ns=cut_ns, staff="eve", age=18, account="acct-ann"), staff="eve")
    with Intake.open(tmp_path / "b" / "journal") as intake:
        LiveStore(STORE, intake, sources=[ListSource("cameras", "cameras", [])], recording=None)
        (fault,) = [found for _, found in intake.observed([DeviceFaulted])]
    assert fault.at_ns <= cut_ns


def test_what_nobody_measured_while_no_store_ran_is_missing_evidence(tmp_path: Path) -> None:
    """The next run says so, for each source that matters, from the last entry to its own beginning."""
    first = Shop(tmp_path / "a")
    first.play(until_s=3.0)
    first.run.commit()
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    lost = ListSource("cameras", "cameras", [])
    later_ns = time.time_ns() + 5 * NS_PER_S
    with Intake.open(tmp_path / "b" / "journal") as intake:
        LiveStore(STORE, intake, sources=[lost], recording=None, now_ns=lambda: later_ns)
        (fault,) = [found for _, found in intake.observed([DeviceFaulted])]
    assert (fault.device_id, fault.kind, fault.until_ns, fault.note) == ("cameras", "gap", later_ns, "no store ran")
    assert later_ns - 60 * NS_PER_S < fault.at_ns < later_ns - 4 * NS_PER_S


@pytest.mark.parametrize("sources", [[], [Keeping()]])
def test_the_antennas_were_not_heard_while_no_store_ran(tmp_path: Path, sources: list[Source]) -> None:
    """All of the layout, whoever brings their reads; a store that begins anew missed none."""
    names = ("rail", "door")
    hears = replace(
        STORE, antennas=tuple(Antenna(antenna_id=name, pose=Pose(x_m=1.0, y_m=1.0), range_m=1.0) for name in names)
    )
    new = Shop(tmp_path / "new", sources=sources, store=hears)
    assert "device_faulted" not in new.kinds()
    new.intake.close()
    first = Shop(tmp_path / "a", store=hears)
    first.play(until_s=3.0)
    first.run.commit()
    first.intake.close()
    moved_on(tmp_path / "a", tmp_path / "b")
    later_ns = time.time_ns() + 5 * NS_PER_S
    with Intake.open(tmp_path / "b" / "journal") as intake:
        LiveStore(hears, intake, sources=sources, recording=None, now_ns=lambda: later_ns)
        faults = [found for _, found in intake.observed([DeviceFaulted]) if found.kind is FaultKind.DEAD]
    assert [(one.device_id, one.until_ns, one.note) for one in faults] == [
        (name, later_ns, "no store ran") for name in names
    ]
    assert all(later_ns - 60 * NS_PER_S < one.at_ns < later_ns - 4 * NS_PER_S for one in faults)


def test_the_wait_for_the_past_is_bounded() -> None:
    """In time and in number; what waited goes on in order of capture."""
    backlog = Backlog()
    assert backlog.take(ClockTick(at_ns=5), 0.0) == [ClockTick(at_ns=5)]
    backlog.expect(6.0, 0.0)
    assert backlog.take(ClockTick(at_ns=9), 1.0) == []
    assert backlog.take(ClockTick(at_ns=7), 2.0) == []
    assert backlog.due(5.9) == []
    assert backlog.due(6.0) == [ClockTick(at_ns=7), ClockTick(at_ns=9)]
    assert not backlog.holding
    backlog.expect(6.0, 10.0)
    out = [backlog.take(ClockTick(at_ns=number), 10.0) for number in range(MOST)]
    assert [len(one) for one in out if one] == [MOST]


def test_who_lags_again_and_again_is_not_waited_for() -> None:
    """However often more of the past is announced, nothing waits longer than MOST_S; a later break counts anew."""
    backlog = Backlog()
    for now_s in range(0, 300, 3):
        backlog.expect(6.0, float(now_s))
        backlog.take(ClockTick(at_ns=now_s), float(now_s))
        waits = [captured_ns(signal) for signal in backlog._held]
        assert not waits or now_s - min(waits) < MOST_S
    backlog.due(1000.0)
    backlog.expect(6.0, 2000.0)
    assert backlog.take(ClockTick(at_ns=1), 2005.0) == []


def test_a_store_that_was_closed_in_order_retells_nothing() -> None:
    """No entries of before: everything is news."""
    tick = Retold(())
    assert tick.fresh([]) == []
    assert not tick.at_door("door", 1)
