"""A store that runs while something around it breaks: nobody is lost, nobody's clock is believed too far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.drive.live import STILL_NS, STILL_S, LiveStore
from jwo_cli.drive.sources import Behind, CodeSeen, DoorReport, ListSource, Source, Trouble
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.signals import PoseFrame, WeightBatch
from jwo_cli.journal import Intake, verify
from jwo_cli.model.entry import Entry, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.staffing import Mode
from jwo_cli.model.units import NS_PER_S
from tests.drive import scene
from tests.drive.counter import STORE, Clock, Shop, enters, identical, up

HOUR_NS = 3600 * NS_PER_S


def again(shop: Shop, sources: Sequence[Source] = ()) -> LiveStore:
    """The next run on the shop's journal."""
    intake = Intake.open(shop.place / "journal", store_id=STORE.store_id, layout_version=STORE.version)
    clock = Clock()
    clock.ns = shop.clock.ns
    return LiveStore(STORE, intake, sources=sources, recording=None, now_ns=clock)


def test_a_commit_that_fails_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails when Ann's receipt is written: the day is not closed over her, and her visit is still open."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=0.5)
    enters(shop, 0.4)
    append = shop.intake.append

    def failing(entries: Sequence[NewEntry]) -> tuple[Entry, ...]:
        if any(entry.kind == "receipt_issued" for entry in entries):
            raise UserError("the journal takes nothing", fix="Look at the disk.", exit_code=3)
        return append(entries)

    monkeypatch.setattr(shop.intake, "append", failing)
    with pytest.raises(UserError, match="takes nothing"):
        shop.play(from_s=0.5)
    monkeypatch.undo()
    with pytest.raises(UserError, match="not in the journal"):
        shop.ask(Mode.DOWN)  # the engine knows what the journal does not
    shop.end()
    assert not {"receipt_issued", "store_closed"} & set(shop.kinds())
    following = again(shop)
    assert following.cut_off
    assert [visit.account for visit in following.engine.roster.visits.values()] == ["acct-ann"]
    assert not verify(tmp_path / "journal")


def test_whatever_ends_the_loop_leaves_the_day_open(tmp_path: Path) -> None:
    """An error that nobody expected comes out of the run, and the next one resumes; also where nobody is inside."""
    shop = Shop(tmp_path)
    shop.play(until_s=0.4)
    shop.run.commit()
    assert not shop.run.inside

    def breaks(**_: object) -> None:
        raise ZeroDivisionError

    shop.run.caretaker.look = breaks  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(shop.run.run(asyncio.Event()))
    shop.intake.close()
    assert "store_closed" not in shop.kinds()
    assert again(shop).cut_off


def test_who_was_let_in_right_before_the_end_is_inside(tmp_path: Path) -> None:
    """Stopped between the door and the first look at who came in: the run is not over, and they are not lost."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=0.4)
    enters(shop, 0.3)
    assert (len(shop.run.engine.roster.visits), shop.run.inside) == (0, 1)
    shop.ask(Mode.DOWN)
    assert shop.run.live.mode is Mode.DRAINING
    shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert shop.run.live.mode is Mode.DRAINING
    shop.end()
    assert "store_closed" not in shop.kinds()
    following = again(shop)
    assert (following.cut_off, following.inside) == (True, 1)


def test_who_was_let_in_while_the_past_is_awaited_is_inside(tmp_path: Path) -> None:
    """After a break the front end hears of them when it has heard the past: until then the store does not close."""
    shop = Shop(tmp_path)
    up(shop)
    shop.clock.ns += NS_PER_S
    shop.give(Behind(seconds=15.0))
    enters(shop, 1.0)
    assert ("entry_granted" in shop.kinds(), shop.run.inside) == (True, 1)
    shop.ask(Mode.DOWN)
    shop.run.caretaker.look(now_ns=shop.clock(), monotonic_s=time.monotonic())
    assert (shop.run.live.mode, shop.run.down.is_set()) == (Mode.DRAINING, False)
    shop.give(Behind(seconds=0.0))
    shop.run._look_at(shop.run._again.signals())
    assert shop.run.inside == 1  # and is counted once
    shop.end()


@pytest.mark.parametrize("between_s", [0, 120])
def test_who_was_let_in_is_inside_however_often_the_store_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between_s: int
) -> None:
    """Two cuts, minutes apart, between the door and the first look at who came in: the third run knows of them."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=0.4)
    enters(shop, 0.3)
    shop.run.commit()
    assert ("entry_granted" in shop.kinds(), "code_scanned" in shop.kinds()) == (True, False)
    shop.intake.close()
    real = time.time_ns
    for cuts in (1, 2):
        off_ns = cuts * between_s * NS_PER_S
        monkeypatch.setattr(time, "time_ns", lambda off_ns=off_ns: real() + off_ns)
        shop.clock.ns = time.time_ns()
        following = again(shop, sources=[ListSource("cameras", "cameras", [])])
        assert (following.cut_off, following.inside) == (True, 1)


def told_of(shop: Shop, device_id: str) -> list[tuple[FaultKind, bool]]:
    """What was journalled of a device's troubles: the kind, and whether it is over."""
    found = [fault for _, fault in shop.intake.observed([DeviceFaulted]) if fault.device_id == device_id]
    return [(fault.kind, fault.until_ns > fault.at_ns) for fault in found]


def test_a_doors_clock_is_believed_a_few_seconds_far(tmp_path: Path) -> None:
    """The fire alarm's clock is an hour ahead: the door stands open from now on, and whose clock it is, is told."""
    shop = Shop(tmp_path, well=("door",))
    up(shop)
    shop.play(until_s=3.0)
    off_ns = HOUR_NS
    now_ns = shop.clock()
    shop.give(DoorReport(at_ns=now_ns + off_ns, gate_id="door", released=True, reason="fire alarm"))
    assert shop.run.engine.house.stood_open(now_ns)
    assert not shop.run.engine.house.stood_open(now_ns - 1)
    assert ("door", FaultKind.CLOCK) in shop.run.health.ill
    assert shop.run.caretaker.hindrances(now_ns) == ()  # it may have nothing more to say for months
    shop.give(DoorReport(at_ns=now_ns + 1, gate_id="door", released=False))
    assert not shop.run.health.ill
    shop.end()
    identical(shop)


def test_what_a_door_said_while_the_store_was_away_keeps_nobody_out(tmp_path: Path) -> None:
    """No power at night: what the door kept of it comes in the morning, is of now, is told, and is no trouble."""
    shop = Shop(tmp_path, well=("door",))
    shop.play(until_s=3.0)
    night_ns = shop.clock() - 5 * HOUR_NS
    shop.give(DoorReport(at_ns=night_ns, gate_id="door", released=True, reason="power"))
    assert shop.run.engine.house.stood_open(shop.clock())
    shop.give(DoorReport(at_ns=night_ns + HOUR_NS, gate_id="door", released=False))
    assert shop.run.engine.house.released() == ()
    assert shop.run.caretaker.hindrances(shop.clock()) == ()
    assert told_of(shop, "door") == [(FaultKind.CLOCK, False), (FaultKind.CLOCK, True)]
    shop.ask(Mode.UP)
    assert shop.run.live.mode is Mode.UP
    shop.end()
    identical(shop)


def test_a_code_at_a_door_that_is_not_there_is_told_and_over(tmp_path: Path) -> None:
    """However often in one minute; after it once more. Nothing of it lasts."""
    shop = Shop(tmp_path)
    up(shop)
    for step in range(62):
        shop.clock.ns += NS_PER_S
        shop.give(CodeSeen(at_ns=shop.clock(), gate_id="side door", text="a code"))
        assert not shop.run.health.ill
        assert len(told_of(shop, "doors")) == (2 if step < 60 else 4)
    assert told_of(shop, "doors")[:2] == [(FaultKind.UNKNOWN_CHANNEL, False), (FaultKind.UNKNOWN_CHANNEL, True)]
    shop.end()
    identical(shop)


def test_a_door_that_was_heard_late_stood_open_from_when_it_says(tmp_path: Path) -> None:
    """The broker was away: what its devices kept is of then, not of now."""
    shop = Shop(tmp_path)
    shop.play(until_s=3.0)
    begun_ns = shop.clock()
    shop.clock.ns += 10 * NS_PER_S
    shop.run.take(Arrived("broker", Behind(seconds=6.0), time.monotonic_ns()))
    shop.give(DoorReport(at_ns=begun_ns, gate_id="door", released=True, reason="fire alarm"))
    assert shop.run.engine.house.stood_open(begun_ns)
    assert not shop.run.health.ill
    shop.end()


def test_an_old_clock_does_not_stop_the_stores_time(tmp_path: Path) -> None:
    """The cameras are gone, one scale's clock is an hour behind: the code at the door is told all the same."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=1.0)
    enters(shop, 1.0)
    told = shop.kinds().count("code_scanned")
    for step in range(60):
        shop.clock.ns += NS_PER_S // 5
        shop.give(
            WeightBatch(
                device_id="a", end_ns=shop.clock.ns - HOUR_NS, rate_hz=60.0, channels=scene.CHANNELS,
                grams=np.full((12, 3), 5200.0, np.float32),
            )
        )  # fmt: skip
        shop.run.tick(time.monotonic() + step / 5)
    heard_ns = shop.run._perception.now_ns
    assert heard_ns is not None
    assert shop.clock.ns - heard_ns <= STILL_NS + (STILL_S + 1) * NS_PER_S
    shop.run.commit()
    assert (told, shop.kinds().count("code_scanned")) == (0, 1)
    shop.end()
    identical(shop)


def test_a_store_sells_on_without_its_recording(tmp_path: Path) -> None:
    """The recording's folder is gone: it is told once, as a device in trouble, and Ann's receipt is made."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=5.0)
    (tmp_path / "recording").rename(tmp_path / "elsewhere")
    shop.run.rotate()
    shop.play(from_s=5.0)
    shop.run.rotate()
    shop.end()
    assert len(shop.run.live.receipts) == 1
    with Intake.open(tmp_path / "journal") as intake:
        faults = [fault for _, fault in intake.observed([DeviceFaulted]) if fault.device_id == "recording"]
    assert len(faults) == 1
    assert "recorded no longer" in shop.run.recording.trouble


def test_a_disk_that_is_full_from_the_start_costs_the_recording_only(tmp_path: Path) -> None:
    """The recording cannot even begin; the run does."""
    (tmp_path / "recording").write_text("in the way")
    shop = Shop(tmp_path)
    shop.play()
    shop.run.rotate()
    assert ("recording", FaultKind.DEAD) in shop.run.health.ill
    shop.end()
    assert "store_closed" in shop.kinds()


def test_a_trouble_from_before_a_cut_is_over_with_the_next_run(tmp_path: Path) -> None:
    """The reader was gone at the crash: the engine of the next run counts on it again, unless it is told anew."""
    shop = Shop(tmp_path)
    shop.play(until_s=3.0)
    for device in ("r1", "r2"):
        shop.give(Trouble(at_ns=shop.clock(), device_id=device, kind=FaultKind.GAP, note="gone"))
    shop.give(Trouble(at_ns=shop.clock() + 1, device_id="r2", kind=FaultKind.GAP, over=True))
    begun_ns = shop.clock()
    shop.intake.close()
    shop.clock.ns += 5 * NS_PER_S
    following = again(shop)
    told = [fault for _, fault in following._intake.observed([DeviceFaulted]) if fault.device_id == "r1"]
    assert [(fault.at_ns, fault.until_ns) for fault in told] == [
        (begun_ns, begun_ns),
        (begun_ns, following.start_ns),
    ]
    assert not following.health.ill
    following.take(
        Arrived("rfid", Trouble(at_ns=shop.clock(), device_id="r1", kind=FaultKind.GAP), time.monotonic_ns())
    )
    assert ("r1", FaultKind.GAP) in following.health.ill


def test_what_is_old_because_the_store_is_slow_is_not_passed_by(tmp_path: Path) -> None:
    """Signals waited for their turn: the front end's time is theirs, however far behind."""
    shop = Shop(tmp_path)
    shop.play(until_s=5.0)
    begun_ns = shop.clock.ns
    shop.clock.ns += 10 * NS_PER_S
    for step in range(40):
        waited_ns = (100 - step) * NS_PER_S // 10
        frame = PoseFrame(at_ns=begun_ns + step * NS_PER_S // 10, people=())
        shop.run.take(Arrived("cameras", frame, time.monotonic_ns() - waited_ns))
        shop.run.tick(time.monotonic() + step / 10)
    assert shop.run._perception.now_ns == begun_ns + 39 * NS_PER_S // 10
    shop.end()


def test_a_run_that_ends_troubles_of_before_replays(tmp_path: Path) -> None:
    """Its recording has the word that they are over, in its place."""
    first = Shop(tmp_path / "a")
    first.play(until_s=6.0)
    first.give(Trouble(at_ns=first.clock(), device_id="r1", kind=FaultKind.GAP, note="gone"))
    first.intake.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b")
    second.play(from_s=6.0)
    second.end()
    assert second.run.cut_off
    assert not second.run.health.ill
    identical(second)
