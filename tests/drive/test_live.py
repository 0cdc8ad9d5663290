"""A store that runs: it decides live what the replay of its own recording decides, to the journal's last hash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import DoorReport, ListSource, Trouble, shifted
from jwo_cli.estimate.signals import Signal
from jwo_cli.journal import Intake
from jwo_cli.model.codec import kind_of
from jwo_cli.model.entering import Refusal, Role
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.staffing import CatalogueChanged, Mode, ModeChanged, ModeRefused
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording
from tests.drive import scene
from tests.drive.counter import COLA, STORE, Clock, Shop, enters, identical, one_visit, up


def test_a_run_and_the_replay_of_its_recording_are_one_story(tmp_path: Path) -> None:
    """Ann scans, takes a water and leaves; the recording alone gives the same entries with the same hashes."""
    shop = Shop(tmp_path)
    one_visit(shop)
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


def test_after_closing_time_staff_come_in_to_restock(tmp_path: Path) -> None:
    """Closing time ends the sale, not their work: they stay; shoppers are refused by name of the hour."""
    shop = Shop(tmp_path, rules=Rules(closes=lambda _: True))
    for _ in range(2):
        shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.STAFF_ONLY
    shop.ask(Mode.UP)
    assert (shop.run.live.mode, shop.kinds()[-1]) == (Mode.STAFF_ONLY, "mode_refused")
    up(shop)
    for _ in range(2):
        shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.DOWN
    shop.ask(Mode.STAFF_ONLY)
    shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.STAFF_ONLY
    shop.end()


def test_with_a_full_disk_nobody_is_promised_to_come_in(tmp_path: Path) -> None:
    """What would be closed again in the same second is refused at once, staff too; ill devices are none of theirs."""
    shop = Shop(tmp_path, rules=Rules(low_bytes=1 << 60), sources=[ListSource("scales", "scales", [])])
    assert shop.run.live.mode is Mode.DOWN
    with Intake.open(tmp_path / "journal") as intake:
        (refused,) = [found for _, found in intake.observed([ModeRefused])]
    assert [reason.partition(" has")[0] for reason in refused.reasons] == ["the disk"]
    shop.end()


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
