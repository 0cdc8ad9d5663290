"""What is wrong with a device is told once when it begins and once when it is over."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from jwo_cli.drive.health import HealthBook, Needed
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S


def state(name: str = "scales", *, patience_s: float = 5.0) -> SourceState:
    return SourceState(name, "scales", critical=True, patience_s=patience_s, connected=True, heard_s=100.0, given=1)


def look(book: HealthBook, one: SourceState, at_s: float) -> list[tuple[FaultKind, bool]]:
    found = book.look([one], now_ns=round(at_s * NS_PER_S), monotonic_s=at_s)
    return [(fault.kind, fault.until_ns > fault.at_ns) for fault in found]


def test_a_silent_source_is_told_after_its_patience_and_again_when_it_speaks() -> None:
    """Five seconds of silence are one fault, however often one looks; the end of it is one, too."""
    book, scales = HealthBook(), state()
    book.heard("scales")
    assert look(book, scales, 104.9) == []
    assert look(book, scales, 105.1) == [(FaultKind.GAP, False)]
    assert look(book, scales, 106.0) == []
    assert "scales" in book.failing([scales])[0]
    scales.heard_s = 107.0
    assert look(book, scales, 107.1) == [(FaultKind.GAP, True)]
    assert book.failing([scales]) == ()


def test_a_fault_lasts_from_the_last_message_to_the_next() -> None:
    """Between the two entries the evidence is missing: from when it fell silent, not from when that was noticed."""
    book, scales = HealthBook(), state()
    (begun,) = book.look([scales], now_ns=106 * NS_PER_S, monotonic_s=106.0)
    scales.heard_s = 110.0
    (over,) = book.look([scales], now_ns=110 * NS_PER_S, monotonic_s=110.0)
    assert (begun.at_ns, begun.until_ns) == (100 * NS_PER_S, 100 * NS_PER_S)
    assert (over.at_ns, over.until_ns) == (100 * NS_PER_S, 110 * NS_PER_S)


def test_readers_that_nobody_comes_to_are_not_ill() -> None:
    """Infinite patience."""
    assert look(HealthBook(), state(patience_s=float("inf")), 9999.0) == []


def test_a_clock_is_off_when_a_second_s_worth_of_stamps_are() -> None:
    """Late messages in one burst are the network's doing; a second of them are the clock's, until it is right."""
    book, scales = HealthBook(), state()

    def stamped(at_s: float, off_s: float) -> None:
        book.clocks.stamped("scales", round((at_s + off_s) * NS_PER_S), round(at_s * NS_PER_S))

    for number in range(30):
        stamped(100.0 + number / 100, -3.0)
    assert look(book, scales, 100.5) == []
    stamped(101.0, -2.5)
    found = book.look([scales], now_ns=101 * NS_PER_S, monotonic_s=101.0)
    assert [(fault.kind, fault.at_ns, fault.note) for fault in found] == [
        (FaultKind.CLOCK, 100 * NS_PER_S, "its stamps are -2.5 s from the store's clock")
    ]
    stamped(101.5, 0.0)
    assert look(book, scales, 102.0) == [(FaultKind.CLOCK, True)]


def test_the_store_s_own_clock_that_is_set_back_is_told_until_it_is_where_it_was() -> None:
    """An hour of what comes is old to the run: nobody is to be let in, and what to do is said."""
    book, scales = HealthBook(), state(patience_s=float("inf"))
    book.heard("scales")
    assert look(book, scales, 8000.0) == []
    assert [fault for at_s in (8000, 7999) for fault in book.timed(at_s * NS_PER_S)] == []
    (begun,) = book.timed(4400 * NS_PER_S)
    assert (begun.device_id, begun.kind) == ("clock of the store", FaultKind.CLOCK)
    assert "set back by 3600 s" in begun.note
    assert "Begin it anew" in book.failing([scales])[0]
    assert book.timed(7990 * NS_PER_S) == []
    (over,) = book.timed(8001 * NS_PER_S)
    assert (over.at_ns, over.until_ns) == (4400 * NS_PER_S, 8001 * NS_PER_S)
    assert book.failing([scales]) == ()


def test_a_machine_at_the_edge_says_nothing_of_the_store_s_clock() -> None:
    """It has a clock of its own, which may be put right: looking at its devices is not looking at that."""
    book, reader = HealthBook(), state(patience_s=float("inf"))
    assert look(book, reader, 8000.0) == []
    assert look(book, reader, 4400.0) == []


def test_what_is_needed_must_have_been_heard() -> None:
    """A critical source of which nothing came yet keeps the store closed; another one does not."""
    silent = SourceState("cameras", "cameras", critical=True, patience_s=5.0)
    reader = SourceState("reader", "rfid", critical=False, patience_s=5.0)
    assert HealthBook().failing([silent, reader]) == ("cameras: nothing was heard of it yet",)


def test_word_of_a_device_s_troubles_is_no_measurement() -> None:
    """The broker is there and tells of a scale's last will: neither that scale nor the cameras were heard."""
    book = HealthBook(Needed(heard=("g1", "g2"), well=("door",)))
    broker = SourceState("broker", "mqtt", critical=True, patience_s=5.0, connected=True, heard_s=100.0, given=2)
    cameras = SourceState("cameras c1", "cameras", critical=True, patience_s=5.0, connected=True, given=1)
    for device in ("g1", "door"):
        book.told(Trouble(at_ns=1, device_id=device, kind=FaultKind.DEAD, note="it went away"))
    book.heard("g1")
    assert book.failing([broker, cameras]) == (
        "cameras c1: nothing was heard of it yet",
        "g2: nothing was heard of it yet",
        "g1: dead, it went away",
        "door: dead, it went away",
    )


def test_a_store_opens_when_each_of_its_devices_was_heard_and_is_well() -> None:
    """Also after trouble; what is wrong with one plate of a scale keeps nobody out."""
    book = HealthBook(Needed(heard=("g1",), well=("door",)))
    broker = SourceState("broker", "mqtt", critical=True, patience_s=5.0, connected=True, heard_s=100.0, given=2)
    gone = Trouble(at_ns=1, device_id="g1", kind=FaultKind.DEAD)
    book.told(gone)
    book.told(Trouble(at_ns=1, device_id="g1.s1.p3", kind=FaultKind.STUCK))
    book.heard("g1")
    assert book.failing([broker]) == ("g1: dead",)
    book.told(replace(gone, at_ns=2, over=True))
    assert book.failing([broker]) == ()


def test_a_needed_device_that_is_heard_no_longer_is_in_trouble_whoever_brought_it() -> None:
    """A camera's edge machine may go: then it is not the camera that tells."""
    book = HealthBook(Needed(heard=("c1",)))
    book.heard("c1")
    for at_s in (100.0, 109.0):
        book.look([], now_ns=round(at_s * NS_PER_S), monotonic_s=at_s)
    assert book.failing([]) == ()
    book.look([], now_ns=112 * NS_PER_S, monotonic_s=112.0)
    assert book.failing([]) == ("c1: nothing was heard of it for 12 s",)


@pytest.mark.parametrize("heard_s", [None, 100.0])
def test_a_camera_that_is_not_heard_is_told_whether_it_ever_was_or_not(heard_s: float | None) -> None:
    """Nobody brings what it sees: told after ten seconds, and over when it sees again; it is named once."""
    book = HealthBook(Needed(heard=("c1", "g1"), scales=("g1",)))  # the front end tells of scales
    told = []
    for at_s in (100.0, 105.0, 109.0, 111.0, 115.0, 120.0):
        if at_s in {heard_s, 115.0}:
            book.heard("c1")
        told += [
            (at_s, fault.device_id, fault.kind, fault.until_ns > fault.at_ns)
            for fault in book.look([], now_ns=round(at_s * NS_PER_S), monotonic_s=at_s)
        ]
        if at_s == 111.0:
            when = "yet" if heard_s is None else "for 11 s"
            assert book.failing([])[0] == f"c1: nothing was heard of it {when}"
            assert not [one for one in book.failing([]) if one.startswith("c1: gap")]
    assert told == [(111.0, "c1", FaultKind.GAP, False), (115.0, "c1", FaultKind.GAP, True)]


def test_a_camera_that_is_known_to_be_dead_is_not_told_to_be_silent() -> None:
    """Whoever reads it said so already."""
    book = HealthBook(Needed(heard=("c1",)))
    book.told(Trouble(at_ns=NS_PER_S, device_id="c1", kind=FaultKind.DEAD, note="no frames"))
    assert [book.look([], now_ns=round(at_s * NS_PER_S), monotonic_s=at_s) for at_s in (1.0, 20.0)] == [[], []]


def test_what_a_source_tells_of_itself_it_also_ends() -> None:
    """The broker says that it is gone: looking again half a second later does not call it well."""
    book, broker = HealthBook(), state("broker")
    gone = Trouble(at_ns=100 * NS_PER_S, device_id="broker", kind=FaultKind.GAP, note="gone")
    assert len(book.told(gone)) == 1
    assert look(book, broker, 100.5) == []
    assert look(book, broker, 106.0) == []
    broker.heard_s = 107.0
    assert look(book, broker, 107.0) == []
    (over,) = book.told(replace(gone, at_ns=107 * NS_PER_S, over=True))
    assert (over.at_ns, over.until_ns) == (100 * NS_PER_S, 107 * NS_PER_S)


def test_what_is_said_of_a_device_can_be_written_down() -> None:
    """A path that is no text, in a device's trouble and in why the store does not open."""
    book, broken = HealthBook(), replace(state(), connected=False, given=0, problem="/dev/\udcff is gone", failures=1)
    told = [fault.note for fault in book.look([broken], now_ns=100 * NS_PER_S, monotonic_s=100.0)]
    assert told == ["/dev/\\udcff is gone"]
    said = "".join([*book.failing([broken]), *HealthBook().failing([broken])])
    assert said.encode().count(rb"/dev/\udcff is gone") == 3


class Shaky:
    """A source that fails twice with a secret in its error, then works."""

    name, kind, critical, patience_s = "shaky", "test", False, 5.0

    def __init__(self, error: Exception) -> None:
        self.turn, self.error = 0, error

    async def stream(self) -> AsyncGenerator[Inlet]:
        self.turn += 1
        if self.turn < 3:
            raise self.error
        yield ClockTick(at_ns=self.turn)
        await asyncio.Event().wait()


class NoPause(random.Random):
    """Pauses of no length: the test need not wait for them."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


async def _nowhere(_: Arrived) -> None:
    """Whoever takes it does nothing with it."""


def flows(error: Exception) -> tuple[SourceState, list[Arrived], list[str]]:
    """Keep a shaky source flowing until it gave something."""
    source, kept, problems = Shaky(error), list[Arrived](), list[str]()
    one = SourceState("shaky", "test", critical=False, patience_s=5.0)

    async def main() -> None:
        came = asyncio.Event()

        async def put(arrived: Arrived) -> None:
            problems.append(one.problem)
            kept.append(arrived)
            came.set()

        task = asyncio.create_task(keep_flowing(source, one, put, jitter=NoPause()))
        await asyncio.wait_for(came.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    return one, kept, problems


def test_a_source_that_fails_is_begun_again() -> None:
    """Twice it failed, the third time it gave: connected, and no problem is left."""
    one, kept, problems = flows(ValueError("rtsp://user:secret@camera"))
    assert (one.connected, one.failures, len(kept), problems) == (True, 2, 1, [""])


class BadEnd:
    """A source whose device cannot be closed."""

    name, kind, critical, patience_s = "shaky", "test", False, 5.0

    async def stream(self) -> AsyncGenerator[Inlet]:
        try:
            while True:
                yield ClockTick(at_ns=1)
        finally:
            raise OSError("closing the device failed")


def test_a_source_that_cannot_end_in_order_ends_all_the_same() -> None:
    """Its fault is not taken for a reason to begin it again where it was told to end."""

    async def main() -> bool:
        state = SourceState("shaky", "test", critical=False, patience_s=5.0)
        task = asyncio.create_task(keep_flowing(BadEnd(), state, _nowhere))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        return task.cancelled()

    assert asyncio.run(main())


def test_an_unexpected_error_is_told_by_its_name_alone() -> None:
    """Its text may hold an address with a password; our own errors are told in their words."""

    async def first_problem(error: Exception) -> str:
        one = SourceState("shaky", "test", critical=False, patience_s=5.0)
        task = asyncio.create_task(keep_flowing(Shaky(error), one, _nowhere))
        while not one.failures:  # noqa: ASYNC110 - a state is watched, not an event
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return one.problem

    errors = (ValueError("rtsp://user:secret@camera"), UserError("the broker is gone", fix="Start it."))
    seen = [asyncio.run(first_problem(error)) for error in errors]
    assert seen == ["ValueError", "the broker is gone"]


class Fast:
    """A source that always has something."""

    name, kind, critical, patience_s = "fast", "test", False, 5.0

    async def stream(self) -> AsyncGenerator[Inlet]:
        number = 0
        while True:
            number += 1
            yield ClockTick(at_ns=number)


def test_a_source_waits_for_who_takes_and_nothing_is_lost_meanwhile() -> None:
    """A full queue: nothing more is asked of it, and it is not silent; then all comes, in order."""

    async def main() -> tuple[int, list[int], float]:
        queue: asyncio.Queue[Arrived] = asyncio.Queue(10)
        one = SourceState("fast", "test", critical=False, patience_s=5.0)
        task = asyncio.create_task(keep_flowing(Fast(), one, queue.put))
        await asyncio.sleep(0.1)
        stood_at = one.given
        await asyncio.sleep(0.1)
        assert one.given == stood_at
        before_s = one.heard_s
        taken = [(await queue.get()).what for _ in range(100)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return stood_at, [what.at_ns for what in taken if isinstance(what, ClockTick)], one.heard_s - before_s

    stood_at, taken, waited_s = asyncio.run(main())
    assert stood_at == 11
    assert taken == list(range(1, 101))
    assert waited_s > 0.05
