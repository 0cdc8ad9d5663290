"""How a run ends: in order, at once, or because nobody carries its money any more."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import pytest

from jwo_cli.drive import stopping
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.sources import Inlet, ListSource, Source, shifted
from jwo_cli.drive.stopping import Carrier, until_stopped
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.journal import Intake
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import DeviceFaulted, Observation
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import STORE


class Works:
    """A carrier as it should be: it carries until it is told to stop."""

    name = "receipts"

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()


class Lingers:
    """A source that takes a while to leave: a broker's name is looked up, a camera's process ends."""

    name, kind, critical, patience_s = "lingers", "mqtt", True, 60.0

    def __init__(self) -> None:
        self.left = threading.Event()

    async def stream(self) -> AsyncGenerator[Inlet]:
        try:
            await asyncio.Event().wait()
            yield ClockTick(at_ns=0)
        finally:
            await asyncio.sleep(1.0)
            self.left.set()


class Dies:
    """A carrier that meets what nobody thought of."""

    name = "payments"

    async def run(self, stop: asyncio.Event) -> None:
        await asyncio.sleep(0.1)
        raise KeyError("sk_live_a_key")


def ended(
    place: Path,
    *,
    inside: bool,
    carriers: tuple[Carrier, ...] = (),
    seconds: float | None = None,
    meanwhile: Callable[[LiveStore], None] = lambda _: None,
    played: Sequence[Source] = (),
    sources: Sequence[Source] = (),
) -> LiveStore:
    """An open store with Ann inside, or empty, run until it stops; `meanwhile` is called ten times a second."""

    async def day() -> LiveStore:
        with Intake.open(place, store_id=STORE.store_id, layout_version=STORE.version) as intake:
            run = LiveStore(STORE, intake, sources=sources, recording=None)
            shift_ns = time.time_ns() - scene.START_NS - 8 * NS_PER_S
            for one in scene.signals():
                if inside and captured_ns(one) - scene.START_NS < 8 * NS_PER_S:
                    run.take(Arrived("test", shifted(one, shift_ns), time.monotonic_ns()))
            run.note(ModeChanged(at_ns=time.time_ns(), mode=Mode.UP, staff="test"))
            assert bool(run.inside) is inside

            async def acts() -> None:
                while True:
                    await asyncio.sleep(0.1)
                    meanwhile(run)

            acting = asyncio.create_task(acts())
            try:
                async with asyncio.timeout(20):
                    await until_stopped(run, carriers, seconds=seconds, played=played)
            finally:
                acting.cancel()
            return run

    return asyncio.run(day())


def modes(journal: Path) -> list[tuple[Mode, str]]:
    with Intake.open(journal) as intake:
        return [(change.mode, change.reason) for _, change in intake.observed([ModeChanged])][2:]


def kinds(journal: Path) -> list[str]:
    with Intake.open(journal) as intake:
        return [entry.kind for entry in intake.entries()]


def test_an_empty_store_closes_when_its_time_is_over(tmp_path: Path) -> None:
    """It drains, is down at once, and the day is closed."""
    ended(tmp_path, inside=False, seconds=0.2, carriers=(Works(),))
    assert modes(tmp_path) == [(Mode.DRAINING, "told to stop"), (Mode.DOWN, "nobody is inside any more")]


def test_one_interrupt_lets_nobody_in_and_a_second_one_stops(tmp_path: Path) -> None:
    """Ann is inside: the store drains for her until somebody has no more patience; she is inside at the next start."""
    sent: list[Mode] = []

    def interrupts(run: LiveStore) -> None:
        if len(sent) < 5:
            sent.append(run.live.mode)
            if len(sent) in {1, 5}:
                os.kill(os.getpid(), signal.SIGINT)

    run = ended(tmp_path, inside=True, meanwhile=interrupts)
    assert sent == [Mode.UP, *[Mode.DRAINING] * 4]
    assert (run.inside, run.live.mode) == (1, Mode.DRAINING)
    assert "store_closed" not in kinds(tmp_path)


def test_a_termination_stops_at_once(tmp_path: Path) -> None:
    """The mode stays what it was: the next start goes on."""
    ended(tmp_path, inside=True, meanwhile=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert modes(tmp_path) == []
    assert "store_closed" not in kinds(tmp_path)


def test_the_day_is_closed_before_a_source_that_takes_long_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever told it to stop may kill it after some seconds: by then all is written that is to be written."""
    source, left = Lingers(), list[bool]()

    def end(run: LiveStore, *, settle: bool = False) -> None:
        left.append(source.left.is_set())
        whole(run, settle=settle)

    whole = LiveStore.end
    monkeypatch.setattr(LiveStore, "end", end)
    ended(tmp_path, inside=False, seconds=0.2, sources=(source,))
    assert left == [False]
    assert source.left.is_set()


def test_nothing_is_noted_any_more_once_it_ends(tmp_path: Path) -> None:
    """Somebody interrupts while a source still leaves: the mode of the next run is what it was, and no recording lacks
    an entry.
    """
    source, sent = Lingers(), list[int]()

    def stops(_: LiveStore) -> None:
        sent.append(signal.SIGINT if sent else signal.SIGTERM)
        os.kill(os.getpid(), sent[-1])

    ended(tmp_path, inside=True, sources=(source,), meanwhile=stops)
    assert sent.count(signal.SIGINT) > 1
    assert modes(tmp_path) == []


def test_who_is_inside_when_what_is_played_is_over_is_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing will be heard of Ann any more: the day is closed over her instead of waiting for an hour."""
    monkeypatch.setattr(stopping, "LEFT_S", 0.3)
    monkeypatch.setattr(stopping, "PLAYED_S", 0.1)
    over = ListSource("played", "recording", ())
    over.done.set()
    run = ended(tmp_path, inside=True, played=(over,))
    assert (run.inside, modes(tmp_path)) == (0, [(Mode.DRAINING, "told to stop")])
    assert kinds(tmp_path).count("visit_ended") == kinds(tmp_path).count("store_closed") == 1


def test_a_store_whose_payments_are_not_carried_sells_no_more(tmp_path: Path) -> None:
    """It says so in the journal, drains, ends in order, and says so again; never with the error's own text."""
    with pytest.raises(UserError, match=r"payments were carried no longer: KeyError in test_stopping\.py") as told:
        ended(tmp_path, inside=False, carriers=(Works(), Dies()))
    assert told.value.exit_code == 3
    assert modes(tmp_path)[0] == (Mode.DRAINING, "payments are carried no longer")
    with Intake.open(tmp_path) as intake:
        (fault,) = [fault for _, fault in intake.observed([DeviceFaulted]) if fault.device_id == "payments"]
    assert fault.note.startswith("KeyError in ")
    assert "sk_live" not in f"{fault.note}{told.value}"


def test_a_run_that_cannot_be_closed_ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over, and what should close it meets what nobody thought of: it stops, and says so."""
    note = LiveStore.note

    def odd(run: LiveStore, observation: Observation, caused_by: tuple[int, ...] = ()) -> None:
        if isinstance(observation, ModeChanged) and observation.mode is Mode.DRAINING:
            raise ZeroDivisionError
        note(run, observation, caused_by)

    monkeypatch.setattr(LiveStore, "note", odd)
    with pytest.raises(ZeroDivisionError):
        ended(tmp_path, inside=True, seconds=0.2, carriers=(Works(),))
    assert "store_closed" not in kinds(tmp_path)


def test_who_is_inside_then_finishes_first(tmp_path: Path) -> None:
    """Nobody comes in, Ann goes on; the run does not end over her."""
    seen: list[Mode] = []

    def watches(run: LiveStore) -> None:
        seen.append(run.live.mode)
        if len(seen) == 10:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(UserError, match="payments"):
        ended(tmp_path, inside=True, carriers=(Dies(),), meanwhile=watches)
    assert seen[-5:] == [Mode.DRAINING] * 5
