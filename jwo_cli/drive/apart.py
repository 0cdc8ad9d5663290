"""A source in a process of its own: decoding and detection beside the store, never in its way.

The child makes the source and sends what it gives through a pipe; when it ends or is killed, the stream ends with an
error and is begun again like any other. What a child had told of a camera is over when the next one shows it. A child
that is told to stop ends its source in order, so that what it keeps is whole, or is killed where that takes long; it
ends by itself when the store's process is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from jwo_cli.drive.clean_sheet import CleanSheet
from jwo_cli.drive.fusing import addresses
from jwo_cli.drive.sources import Inlet, Source, Trouble
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.sensors.addresses import absent
from jwo_cli.sensors.mqtt.wire import CameraSaw
from jwo_cli.sensors.own_thread import OwnThread

JOIN_S = 3.0  # a picture that is looked at, a word to the disk; who takes longer is killed


class ApartSource:
    """The source that `make(store)` builds, in another process; `make` is a function of a module."""

    def __init__(
        self, store: Store, make: Callable[[Store], Source], *, name: str, kind: str, critical: bool, patience_s: float
    ) -> None:
        self.name, self.kind, self.critical, self.patience_s = name, kind, critical, patience_s
        self._store, self._make = store, make
        self._sheet = CleanSheet()

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What the other process's source gives. Raises UserError where that fails or is gone."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs, self._store, self._make), name=self.name, daemon=True)
        thread = OwnThread(self.name)
        self._sheet.anew()
        try:
            await thread.do(_start, process)
            theirs.close()
            while True:
                given = await thread.do(_received, ours)
                if isinstance(given, str):
                    raise UserError(given, fix="It is begun again by itself; `jwo store status` shows its health.")
                if given is not None:
                    for inlet in self._with_what_is_over(given):
                        yield inlet
        finally:
            if process.pid is not None:
                process.terminate()
            await thread.closed(partial(_end, process, ours, theirs))

    def _with_what_is_over(self, given: Inlet) -> list[Inlet]:
        """What the process gave, after what it shows to be over."""
        if isinstance(given, Trouble):
            self._sheet.told(given)
        over = self._sheet.over(given.camera_id) if isinstance(given, CameraSaw) else []
        return [*over, given]


def _start(process: BaseProcess) -> None:
    """Start it deaf to Ctrl-C from its first moment: the terminal tells all of its processes.

    A child inherits what the thread that starts it blocks; this thread is the source's own. The tracker that
    multiprocessing begins beside its first process unblocks it, so that it is begun before.
    """
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process.start()


def _end(process: BaseProcess, *pipes: Connection) -> None:
    """Tell a process to end, also one that had just begun to start, and wait; no longer than it may take."""
    for pipe in pipes:
        pipe.close()
    if process.pid is None:
        return
    process.terminate()
    process.join(JOIN_S)
    if process.is_alive():
        process.kill()
        process.join()


def _received(pipe: Connection) -> Inlet | str | None:
    """The next thing, a sentence when there will be no other, None when nothing came for a moment."""
    try:
        if not pipe.poll(0.5):
            return None
        given: Inlet | str = pipe.recv()
    except (EOFError, OSError):
        return "its process ended"
    return given


def _work(pipe: Connection, store: Store, make: Callable[[Store], Source]) -> None:
    """The child: Ctrl-C is the store's business, to be told to stop its own, and without the store there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = multiprocessing.parent_process()  # as we were told: it may be gone by now, and another one have adopted us
    parent_id = os.getppid() if parent is None else parent.pid
    threading.Thread(target=_watch_parent, args=(parent_id,), daemon=True).start()
    try:
        asyncio.run(_send(pipe, make(store)))
        pipe.send("its stream ended")
    except UserError as error:
        with contextlib.suppress(OSError):
            pipe.send(error.problem)
    except (OSError, asyncio.CancelledError):
        return  # the store closed the pipe, or wants no more
    except Exception as error:  # noqa: BLE001 - the text of an unknown error may hold an address with a password
        with contextlib.suppress(OSError):
            pipe.send(type(error).__name__)


async def _send(pipe: Connection, source: Source) -> None:
    """What the source gives, until it ends or this process is told to stop: then it is ended in order.

    Whoever stops a whole group of processes (systemd) tells this one, too, before the store does: once is enough, and
    the second word does not break off what the first one began.
    """
    task, told = asyncio.current_task(), asyncio.Event()

    def stop() -> None:
        if task is not None and not told.is_set():
            told.set()
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    async with aclosing(source.stream()) as stream:
        async for inlet in stream:
            pipe.send(inlet)


def _watch_parent(parent: int | None) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def sights(store: Store, names: tuple[str, ...], video: Path | None = None) -> Source:
    """Some of a layout's calibrated cameras, for a process of their own: what is found in each picture.

    What they give is kept in the folder `video`, if any.
    """
    from jwo_cli.drive.looking import CamerasSource
    from jwo_cli.drive.run_video import Videos

    known = addresses(store)
    videos = None if video is None else Videos(video)
    return CamerasSource(store, references={name: known[name] for name in names}, videos=videos)


def camera_workers(store: Store, workers: int = 0, *, video: Path | None = None) -> list[Source]:
    """The layout's calibrated cameras whose addresses are known here, spread over processes of their own.

    A reference that leads nowhere on this machine is another one's to follow: machines share one layout.

    By default as many processes as this machine has cores beside the store's own, and no more than cameras.
    """
    names = tuple(name for name, reference in addresses(store).items() if not absent(reference))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(workers or max(1, cores - 1), len(names))
    return [
        ApartSource(
            store, partial(sights, names=some, video=video), name=f"cameras {', '.join(some)}", kind="cameras",
            critical=True, patience_s=5.0,
        )
        for some in (names[number::count] for number in range(count))
    ]  # fmt: skip
