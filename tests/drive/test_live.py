"""A store that runs: it decides live what the replay of its own recording decides, to the journal's last hash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.door_wait import WaitRules
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import DoorReport, Inlet, ListSource, Trouble, shifted
from jwo_cli.drive.staff import tell
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.signals import CodeRead, PoseFrame, Signal, WeightBatch
from jwo_cli.journal import Intake, verify
from jwo_cli.model.codec import kind_of
from jwo_cli.model.entering import Refusal, Role
from jwo_cli.model.observations import FaultKind, Observation
from jwo_cli.model.staffing import CatalogueChanged, Mode, ModeChanged, ModeRequested
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording
from jwo_cli.shop.settings import EngineSettings
from tests.drive import scene

STORE = scene.store()
COLA = STORE.catalogue.products[0]


class Clock:
    """The store's clock, moved by the signals: a run as fast as the machine goes, the same every time."""

    def __init__(self) -> None:
        self.ns = scene.START_NS

    def __call__(self) -> int:
        return self.ns


class Shop:
    """A run driven by hand: each signal at its time, whatever staff do in between, from another handle."""

    def __init__(
        self,
        place: Path,
        *,
        rules: Rules | None = None,
        sources: Sequence[ListSource] = (),
        settings: EngineSettings | None = None,
        wait: WaitRules | None = None,
        begins_s: float = 0.0,
    ) -> None:
        self.place, self.clock = place, Clock()
        self.clock.ns += round(begins_s * NS_PER_S)
        self.intake = Intake.open(place / "journal", store_id=STORE.store_id, layout_version=STORE.version)
        kept = place / "recording"
        self.run = LiveStore(
            STORE,
            self.intake,
            sources=sources,
            recording=kept,
            rules=rules or Rules(),
            now_ns=self.clock,
            settings=settings,
            wait=wait,
        )
        self.ask(Mode.STAFF_ONLY)

    def ask(self, mode: Mode) -> None:
        """Staff ask for a mode, from another process."""
        self.staff(ModeRequested(at_ns=self.clock(), mode=mode, staff="ann"))
        self.run.commit()

    def staff(self, observation: Observation) -> None:
        with Intake.open(self.place / "journal") as other:
            tell(other, observation, staff="ann")

    def give(self, what: Inlet) -> None:
        self.run.take(Arrived("test", what, time.monotonic_ns()))

    def play(
        self,
        *,
        until_s: float = 99.0,
        from_s: float = 0.0,
        meanwhile: Callable[[float], None] = lambda _: None,
        called: str = "ann",
    ) -> None:
        for signal in scene.signals():
            at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
            if not from_s <= at_s < until_s:
                continue
            self.clock.ns = captured_ns(signal)
            meanwhile(at_s)
            self.give(renamed(signal, called))
        if until_s > scene.SECONDS:
            self._nobody(12.0)

    def _nobody(self, seconds: float) -> None:
        """Cameras look on, and nobody is there."""
        for _ in range(round(seconds * 10)):
            self.clock.ns += NS_PER_S // 10
            self.give(PoseFrame(at_ns=self.clock.ns, people=()))

    def end(self) -> None:
        self.run.end()
        self.intake.close()

    def kinds(self) -> list[str]:
        with Intake.open(self.place / "journal") as intake:
            return [entry.kind for entry in intake.entries()]


def renamed(signal: Signal, called: str) -> Signal:
    """The same, as a tracker says it that calls her otherwise."""
    if not isinstance(signal, PoseFrame):
        return signal
    return replace(signal, people=tuple(replace(one, track_id=called) for one in signal.people))


def enters(shop: Shop, at_s: float, account: str = "acct-ann") -> None:
    at_ns = scene.START_NS + round(at_s * NS_PER_S)
    shop.give(
        CodeRead(at_ns=at_ns, gate_id="door", account=account, role="tester" if account == "tester" else "shopper")
    )


def up(shop: Shop) -> None:
    shop.run.note(ModeChanged(at_ns=shop.clock(), mode=Mode.UP, staff="test"))


def identical(shop: Shop) -> None:
    """The law: the recording's replay ends in the live journal's own hash, with the same receipts."""
    again = replay(open_recording(shop.place / "recording"))
    assert (again.head_seq, again.head_hash) == shop.run.head
    assert again.receipts == tuple(shop.run.live.receipts)
    assert not verify(shop.place / "journal")


def test_a_run_and_the_replay_of_its_recording_are_one_story(tmp_path: Path) -> None:
    """Ann scans, takes a water and leaves; the recording alone gives the same entries with the same hashes."""
    shop = Shop(tmp_path)
    up(shop)
    scanned = False

    def scan(at_s: float) -> None:
        nonlocal scanned
        if at_s > 1.0 and not scanned:
            scanned = True
            enters(shop, at_s)

    shop.play(meanwhile=scan)
    shop.end()
    (receipt,) = shop.run.live.receipts
    assert (receipt.account, receipt.charged_minor, shop.run.live.opened) == ("acct-ann", 100, 1)
    identical(shop)


@pytest.mark.parametrize("when_s", [0.5, 9.9, 10.5, 13.0, 18.5])
def test_what_staff_do_meanwhile_is_replayed_at_its_moment(tmp_path: Path, when_s: float) -> None:
    """A price falls at some moment of Ann's visit, or before or after it: the replay hears it at the same moment."""
    shop = Shop(tmp_path)
    up(shop)
    told = False

    def cheaper(at_s: float) -> None:
        nonlocal told
        if at_s >= when_s and not told:
            told = True
            shop.staff(CatalogueChanged(at_ns=shop.clock(), staff="eve", products=(replace(COLA, price_minor=80),)))
            shop.staff(CatalogueChanged(at_ns=shop.clock(), staff="eve", products=(replace(COLA, price_minor=70),)))

    shop.play(meanwhile=cheaper)
    shop.run.commit()
    shop.end()
    assert told
    (receipt,) = shop.run.live.receipts
    assert receipt.total_minor == 70
    identical(shop)


@pytest.mark.parametrize("kept_s", [None, 3.0, 6.0])
def test_a_run_that_is_cut_off_goes_on(tmp_path: Path, kept_s: float | None) -> None:
    """Killed while Ann is inside: the next run knows her account, its recording replays, and she is charged once.

    Whether a snapshot saves it handling some of it again, or all, makes no difference.
    """
    first = Shop(tmp_path / "a")
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.play(from_s=1.5, until_s=kept_s or 6.0)
    if kept_s is not None:
        first.run.keep()
        first.play(from_s=kept_s, until_s=6.0)
    # A kill: nothing is closed in order; SQLite lets go of its file.
    first.intake.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b")
    assert second.run.cut_off
    assert [visit.account for visit in second.run.engine.roster.visits.values()] == ["acct-ann"]
    second.play(from_s=6.0)
    second.end()
    (receipt,) = second.run.live.receipts
    assert receipt.account == "acct-ann"
    identical(second)


@pytest.mark.parametrize("gap_s", [0.6, 1.2])
def test_who_stands_where_somebody_stood_is_that_person(tmp_path: Path, gap_s: float) -> None:
    """The cameras call Ann by another name after a kill: she is Ann, and pays for what she took before it."""
    first = Shop(tmp_path / "a")
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.play(from_s=1.5, until_s=14.2)
    first.run.commit()
    first.run._bodies.write()
    first.intake.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b", begins_s=14.1 + gap_s)
    second.play(from_s=14.2 + gap_s, called="x-1")
    second.end()
    (receipt,) = second.run.live.receipts
    assert (receipt.account, receipt.charged_minor) == ("acct-ann", 100)
    assert second.kinds().count("visit_joined") == 1
    identical(second)


def test_who_was_let_in_right_before_a_kill_is_not_lost(tmp_path: Path) -> None:
    """The door had opened, the front end had not told it yet: the next run tells it who it was."""
    first = Shop(tmp_path / "a")
    up(first)
    first.play(until_s=1.5)
    enters(first, 1.5)
    first.intake.close()
    assert "entry_granted" in first.kinds()
    assert "code_scanned" not in first.kinds()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b")
    second.play(from_s=1.5)
    second.end()
    (receipt,) = second.run.live.receipts
    assert receipt.account == "acct-ann"


def test_a_closed_day_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """After an end in order the next run begins empty and closed, with the layout as its files have it now."""
    first = Shop(tmp_path / "a")
    first.staff(CatalogueChanged(at_ns=first.clock(), staff="eve", products=(replace(COLA, price_minor=77),)))
    first.run.commit()
    assert first.run.engine.store.catalogue.by_id()[COLA.product_id].price_minor == 77
    first.play()
    first.end()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    with Intake.open(tmp_path / "b" / "journal") as intake:
        second = LiveStore(STORE, intake, sources=(), recording=tmp_path / "b" / "recording", now_ns=Clock())
        assert second.engine.store.catalogue == STORE.catalogue
        assert (second.cut_off, second.live.mode) == (False, Mode.DOWN)
        second.end()
    again = replay(open_recording(tmp_path / "b" / "recording"))
    assert (again.head_seq, again.head_hash) == second.head


def test_the_mode_decides_at_the_door(tmp_path: Path) -> None:
    """Staff only: a shopper is refused as closed, a tester comes in."""
    shop = Shop(tmp_path)
    shop.play(until_s=1.0)
    enters(shop, 1.0)
    enters(shop, 1.1, "tester")
    assert shop.run.live.refused == {Refusal.CLOSED: 1}
    assert shop.run.live.opened == 1
    assert not shop.run.engine.house.admits(Role.SHOPPER)
    shop.end()


def test_opening_is_refused_while_a_critical_device_fails(tmp_path: Path) -> None:
    """Nothing was heard of the scales: the answer names them, in the journal, where whoever asked finds it."""
    scales = ListSource("scales", "scales", [])
    shop = Shop(tmp_path, sources=[scales])
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.STAFF_ONLY
    shop.end()
    with Intake.open(tmp_path / "journal") as intake:
        asked, refused = [entry for entry in intake.entries() if entry.kind in {"mode_requested", "mode_refused"}][-2:]
    assert refused.caused_by == (asked.seq,)
    assert "scales" in str(refused.payload)


def test_down_drains_first(tmp_path: Path) -> None:
    """Asked to close while Ann is inside, the store drains; she is charged, then it is down by itself."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=8.0)
    shop.ask(Mode.DOWN)
    assert shop.run.live.mode is Mode.DRAINING
    shop.play(from_s=8.0)
    shop.run.commit()
    shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.DOWN
    assert len(shop.run.live.receipts) == 1
    shop.end()
    identical(shop)


def test_a_run_that_was_told_to_stop_is_not_opened_again(tmp_path: Path) -> None:
    """It ends when everybody has left; who asks for it is told so."""
    shop = Shop(tmp_path)
    shop.run.caretaker.stopping = True
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.STAFF_ONLY
    shop.end()
    assert "mode_refused" in shop.kinds()


def test_a_full_disk_lets_nobody_in_and_closes_in_order(tmp_path: Path) -> None:
    """Less room than the store wants: it drains, who is inside finishes, and it cannot be opened."""
    shop = Shop(tmp_path, rules=Rules(low_bytes=1 << 60))
    up(shop)
    shop.play(until_s=8.0)
    shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.DRAINING
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.DRAINING
    shop.play(from_s=8.0)
    shop.end()
    assert len(shop.run.live.receipts) == 1
    identical(shop)


def test_a_door_that_stands_open_is_recorded_once(tmp_path: Path) -> None:
    """The fire alarm repeats itself; the journal says it once, and once that the door locks again."""
    shop = Shop(tmp_path)
    for released in (True, True, False, False):
        shop.give(DoorReport(at_ns=shop.clock(), gate_id="door", released=released, reason="fire alarm"))
    shop.end()
    assert [kind for kind in shop.kinds() if kind.startswith("gate_")] == ["gate_released", "gate_restored"]


def test_a_devices_trouble_is_journalled_when_it_begins_and_when_it_is_over(tmp_path: Path) -> None:
    """Said twice, told once; the second entry says until when."""
    shop = Shop(tmp_path)
    begun = Trouble(at_ns=shop.clock(), device_id="cam1", kind=FaultKind.STUCK, note="the picture stands still")
    for trouble in (begun, begun, replace(begun, at_ns=shop.clock() + 5, over=True)):
        shop.give(trouble)
    shop.end()
    assert shop.kinds().count("device_faulted") == 2


def test_signals_flow_from_sources_in_real_time(tmp_path: Path) -> None:
    """Two devices beside each other, at their own pace: the run takes both, opens when both were heard, and closes."""
    start_ns = time.time_ns() + NS_PER_S // 2
    moved = [shifted(signal, start_ns - scene.START_NS) for signal in scene.signals()]
    early = [signal for signal in moved if captured_ns(signal) - start_ns < 1.5 * NS_PER_S]
    sources = [_source("scales", early, "WeightBatch"), _source("cameras", early, "PoseFrame")]

    async def day() -> LiveStore:
        with Intake.open(tmp_path / "journal", store_id=STORE.store_id, layout_version=STORE.version) as intake:
            run = LiveStore(
                STORE, intake, sources=sources, recording=tmp_path / "recording", rules=Rules(open_when_well=True)
            )
            stop = asyncio.Event()
            task = asyncio.create_task(run.run(stop))
            await asyncio.gather(*(source.done.wait() for source in sources))
            await asyncio.sleep(0.6)
            stop.set()
            await task
            return run

    run = asyncio.run(day())
    with Intake.open(tmp_path / "journal") as intake:
        modes = [entry.payload for entry in intake.entries() if entry.kind == kind_of(ModeChanged)]
    assert [mode["mode"] for mode in modes if isinstance(mode, dict)] == ["down", "up"]
    again = replay(open_recording(tmp_path / "recording"))
    assert (again.head_seq, again.head_hash) == run.head


def _source(name: str, signals: Sequence[Signal], kind: str) -> ListSource:
    mine = [(captured_ns(signal), signal) for signal in signals if type(signal).__name__ == kind]
    return ListSource(name, name, mine)


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
