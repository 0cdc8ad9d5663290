"""A source in a process of its own gives what it would give here, and its death is a failure like any other."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.drive.apart import ApartSource, camera_workers
from jwo_cli.drive.health import HealthBook
from jwo_cli.drive.sources import Inlet, Source, Trouble
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from jwo_cli.sensors.mqtt.wire import CameraSaw
from tests.drive import scene


class Three:
    """Three ticks, and the end that its store's name asks for."""

    name, kind, critical, patience_s = "three", "test", False, 5.0

    def __init__(self, store: Store) -> None:
        self.end = store.name

    async def stream(self) -> AsyncGenerator[Inlet]:
        for number in range(3):
            yield ClockTick(at_ns=number)
        if self.end == "silent":
            await asyncio.Event().wait()
        if self.end == "broken":
            raise ValueError("rtsp://user:secret@camera")


def three(store: Store) -> Source:
    return Three(store)


def given(name: str, *, kill: bool = False) -> tuple[list[Inlet], str]:
    """What comes from the other process, and how it ended."""
    store = replace(scene.store(), name=name)
    source = ApartSource(store, three, name="three", kind="test", critical=False, patience_s=5.0)
    kept: list[Inlet] = []

    async def main() -> str:
        try:
            async for inlet in source.stream():
                kept.append(inlet)
                if kill and len(kept) == 3:
                    (child,) = multiprocessing.active_children()
                    assert child.pid is not None
                    os.kill(child.pid, signal.SIGKILL)
        except UserError as error:
            return error.problem
        return ""

    return kept, asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "ended"), [("whole", "its stream ended"), ("broken", "ValueError"), ("silent", "its process ended")]
)
def test_what_it_gives_comes_and_its_end_is_told(name: str, ended: str) -> None:
    """All three ticks in order; an end, an error (by its name: no secret), and a kill are failures of the source."""
    kept, problem = given(name, kill=name == "silent")
    assert kept == [ClockTick(at_ns=number) for number in range(3)]
    assert problem == ended
    assert not multiprocessing.active_children()


class Ticking:
    """Ticks for ever, each with the number of its process."""

    name, kind, critical, patience_s = "ticking", "test", False, 5.0

    async def stream(self) -> AsyncGenerator[Inlet]:
        while True:
            yield ClockTick(at_ns=os.getpid())
            await asyncio.sleep(0.02)


def ticking(_: Store) -> Source:
    return Ticking()


def test_a_worker_that_dies_begins_anew_alone() -> None:
    """Of two workers one is killed: it comes back as another process, the other one goes on as the same."""
    heard: dict[str, Counter[int]] = {"one": Counter(), "other": Counter()}

    async def main() -> tuple[int, int]:
        news = asyncio.Condition()

        async def put(arrived: Arrived) -> None:
            assert isinstance(arrived.what, ClockTick)
            async with news:
                heard[arrived.source][arrived.what.at_ns] += 1
                news.notify_all()

        async def until(name: str, processes: int) -> None:
            async with news:
                await news.wait_for(lambda: len(heard[name]) >= processes)

        sources = [
            ApartSource(scene.store(), ticking, name=name, kind="test", critical=True, patience_s=5.0) for name in heard
        ]
        states = {item.name: SourceState(item.name, item.kind, item.critical, item.patience_s) for item in sources}
        flows = [asyncio.create_task(keep_flowing(item, states[item.name], put)) for item in sources]
        await asyncio.gather(until("one", 1), until("other", 1))
        os.kill(next(iter(heard["one"])), signal.SIGKILL)
        before = heard["other"].total()
        await until("one", 2)
        meanwhile = heard["other"].total() - before
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)
        return meanwhile, states["other"].failures

    meanwhile, failures = asyncio.run(asyncio.wait_for(main(), 30))
    assert (len(heard["one"]), len(heard["other"]), failures) == (2, 1, 0)
    assert meanwhile > 5
    assert not multiprocessing.active_children()


def test_cameras_are_spread_over_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as were asked for and no more than cameras; every camera once; the workers are known by theirs."""
    from tests.estimate.tracking.kiosk import kiosk  # not for the children of this module

    monkeypatch.setenv("C", "rtsp://127.0.0.1:9/none")
    kiosk_with = kiosk()
    store = replace(kiosk_with, cameras=tuple(replace(one, url_ref="env:C") for one in kiosk_with.cameras))
    names = {camera.camera_id for camera in store.cameras}
    assert len(names) > 2
    for wanted, count in ((1, 1), (2, 2), (100, len(names))):
        told = [source.name.removeprefix("cameras ").split(", ") for source in camera_workers(store, wanted)]
        assert len(told) == count
        assert sorted(name for some in told for name in some) == sorted(names)
        assert max(map(len, told)) - min(map(len, told)) <= 1
    assert 1 <= len(camera_workers(store)) <= len(names)
    assert camera_workers(replace(store, cameras=())) == []


SAW = CameraSaw(at_ns=1, camera_id="c1", found=Boxes(corners_px=np.zeros((0, 4), np.float32), scores=np.zeros(0)))
ILL = (("c1", FaultKind.DEAD), ("video of c1", FaultKind.GAP), ("c2", FaultKind.DEAD), ("c3", FaultKind.DEAD))


class Dying:
    """The first process tells what is wrong and is gone; the next one shows c1, then tells of c2 again."""

    name, kind, critical, patience_s = "dying", "cameras", True, 5.0

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    async def stream(self) -> AsyncGenerator[Inlet]:
        if not self.mark.exists():
            self.mark.touch()
            for device_id, kind in ILL:
                yield Trouble(at_ns=1, device_id=device_id, kind=kind)
            await asyncio.sleep(0.3)
            os._exit(9)
        yield SAW
        yield Trouble(at_ns=2, device_id="c2", kind=FaultKind.DEAD)
        yield replace(SAW, camera_id="c2")
        yield replace(SAW, at_ns=9)
        await asyncio.Event().wait()


def dying(store: Store) -> Source:
    return Dying(Path(store.name))


def test_what_a_worker_told_before_it_died_is_over_when_the_next_one_shows_it(tmp_path: Path) -> None:
    """Of the camera that gives pictures again, and of its video; what is told again lasts, and so does the rest."""
    source = ApartSource(
        replace(scene.store(), name=str(tmp_path / "mark")), dying, name="dying", kind="cameras", critical=True,
        patience_s=5.0,
    )  # fmt: skip
    book, done = HealthBook(), asyncio.Event()
    ill: list[set[tuple[str, FaultKind]]] = []

    async def put(arrived: Arrived) -> None:
        if isinstance(arrived.what, Trouble):
            book.told(arrived.what)
        ill.append(set(book.ill))
        if isinstance(arrived.what, CameraSaw) and arrived.what.at_ns == 9:
            done.set()

    async def main() -> None:
        flow = asyncio.create_task(keep_flowing(source, SourceState("dying", "cameras", True, 5.0), put))
        async with asyncio.timeout(30):
            await done.wait()
        flow.cancel()
        await asyncio.gather(flow, return_exceptions=True)

    asyncio.run(main())
    assert set(ILL) in ill
    assert set(book.ill) == {("c2", FaultKind.DEAD), ("c3", FaultKind.DEAD)}


class Tidy:
    """Takes a while to end, and leaves word when it has."""

    name, kind, critical, patience_s = "tidy", "test", False, 5.0

    def __init__(self, word: Path) -> None:
        self.word = word

    async def stream(self) -> AsyncGenerator[Inlet]:
        try:
            while True:
                yield ClockTick(at_ns=1)
                await asyncio.sleep(0.02)
        finally:
            await asyncio.sleep(0.5 if self.word.suffix == ".soon" else 60.0)
            self.word.touch()


def tidy(store: Store) -> Source:
    return Tidy(Path(store.name))


@pytest.mark.parametrize(
    ("name", "whole", "grouped"),
    [("word.soon", True, False), ("word.soon", True, True), ("word.never", False, False)],
)
def test_a_worker_is_ended_in_order_or_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, whole: bool, grouped: bool
) -> None:
    """What its source does at its end is done, where that takes a moment; no process stays behind.

    Also where the whole group of processes was told to stop before the store tells its own.
    """
    monkeypatch.setattr("jwo_cli.drive.apart.JOIN_S", 1.5)
    word = tmp_path / name
    source = ApartSource(
        replace(scene.store(), name=str(word)), tidy, name="tidy", kind="test", critical=False, patience_s=5.0
    )

    async def main() -> None:
        async with aclosing(source.stream()) as stream:
            async for _ in stream:
                break
            for child in multiprocessing.active_children() if grouped else ():
                assert child.pid is not None
                os.kill(child.pid, signal.SIGTERM)
                await asyncio.sleep(0.2)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert word.exists() == whole
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.01])
def test_a_worker_that_is_not_wanted_any_more_while_it_starts_is_ended(after_s: float) -> None:
    """The store is stopped at the moment at which it began a worker."""
    source = ApartSource(scene.store(), three, name="three", kind="test", critical=False, patience_s=5.0)

    async def main() -> None:
        waiting = asyncio.ensure_future(anext(source.stream()))
        await asyncio.sleep(after_s)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert not multiprocessing.active_children()


INTERRUPTED = """
import asyncio, os, signal, sys
from jwo_cli.drive.apart import ApartSource
from tests.drive import scene
from tests.drive.test_apart import three
from dataclasses import replace


async def main():
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, told.set)
    store = replace(scene.store(), name="silent")
    source = ApartSource(store, three, name="t", kind="test", critical=True, patience_s=5.0)
    stream = source.stream()
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(float(sys.argv[1]))
    os.killpg(0, signal.SIGINT)
    print(await first, told.is_set())
    await stream.aclose()


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.4])
def test_an_interrupt_while_a_worker_starts_is_the_store_s_business(tmp_path: Path, after_s: float) -> None:
    """A terminal tells all of its processes: the worker goes on, and nothing is said."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, script, str(after_s)], cwd=root, start_new_session=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{ClockTick(at_ns=0)} True\n"


KILLED = """
import asyncio
from dataclasses import replace
from jwo_cli.drive.apart import ApartSource
from tests.drive import scene
from tests.drive.test_apart import mute


async def main():
    source = ApartSource(scene.store(), mute, name="mute", kind="test", critical=True, patience_s=5.0)
    print("begins", flush=True)
    await anext(source.stream())


if __name__ == "__main__":
    asyncio.run(main())
"""


class Mute:
    """Gives nothing, so that it meets no closed pipe."""

    name, kind, critical, patience_s = "mute", "test", False, 5.0

    async def stream(self) -> AsyncGenerator[Inlet]:
        await asyncio.Event().wait()
        yield ClockTick(at_ns=1)


def mute(_: Store) -> Source:
    return Mute()


def group(number: int) -> list[int]:
    """Processes of a group that live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = stat.read_text().rpartition(")")[2].split()
            found += [int(stat.parent.name)] if int(of) == number and state != "Z" else []
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc only")
def test_a_worker_ends_where_the_store_is_killed_while_it_starts(tmp_path: Path) -> None:
    """It asks for the store that began it, not for whoever adopted it by the time at which it could ask."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen([sys.executable, script], cwd=root, start_new_session=True, stdout=-1, env=env) as store:
        assert store.stdout is not None
        store.stdout.readline()
        while len(group(store.pid)) < 3:  # the store, multiprocessing's tracker, the worker
            time.sleep(0.01)
        store.kill()
        store.wait()
        until_s = time.monotonic() + 15
        while group(store.pid) and time.monotonic() < until_s:
            time.sleep(0.1)
        left = group(store.pid)
        for number in left:
            os.kill(number, signal.SIGKILL)
    assert not left
