"""A camera that is kept alive: frames while it gives them, a trouble the moment it does not, back again when it does.

One connection follows another with growing pauses. What is told is a stream of events, so that nobody waits for a
camera that is gone: `Frame`, `CameraLost` (at once, and again whenever the reason changes), `CameraBack`.
A frozen picture counts as lost; after it a camera is back when its picture has been watched and is alive.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S

from .addresses import Address
from .frames import Frame, OwnClock
from .frozen import FreezeWatch
from .trouble import CameraError, Trouble
from .video import PacketSink, Video, VideoSettings

# Called for each connection: where its packets go (a recording), until the connection ends.
Recorder = Callable[[Video], AbstractContextManager[PacketSink]]

TELLS_S = 30.0  # a camera that tells the time has told it by then
_FAULTS = {Trouble.FROZEN: FaultKind.STUCK}


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLost:
    """No pictures that mean anything since `since_ns`; noticed at `at_ns`, tried again after `retry_s`."""

    camera_id: str
    at_ns: int
    since_ns: int
    kind: Trouble
    problem: str
    fix: str
    retry_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBack:
    """Pictures again, after none from `since_ns` to `at_ns`; `kind` is what it was at last."""

    camera_id: str
    at_ns: int
    since_ns: int
    kind: Trouble

    def observation(self) -> DeviceFaulted:
        """What the store is told: evidence of this camera is missing for that time."""
        fault = _FAULTS.get(self.kind, FaultKind.DEAD)
        return DeviceFaulted(
            at_ns=self.since_ns, device_id=self.camera_id, kind=fault, until_ns=self.at_ns, note=self.kind.value
        )


Event = Frame | CameraLost | CameraBack


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """How a camera is kept alive. Pauses double from `first_pause_s` to `longest_pause_s`; `frozen_s` 0 is never."""

    video: VideoSettings = field(default_factory=VideoSettings)
    first_pause_s: float = 0.5
    # A camera that works again is used again within fifteen seconds: this, then connecting, then watching its picture.
    longest_pause_s: float = 4.0
    refused_pause_s: float = 10.0  # a password that was put right; who locks after seven tries does so at any pace
    steady_s: float = 10.0  # a connection that held that long starts the pauses anew
    frozen_s: float = 8.0


class Camera:
    """One camera or video file. `events()` runs until `stop()` is called (by any thread) or a file ends."""

    def __init__(
        self,
        camera_id: str,
        address: Address,
        settings: CameraSettings | None = None,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.address = address
        self._settings = settings or CameraSettings()
        self._recorder = recorder
        self._stopped = threading.Event()
        self._wall_ns = self._settings.video.wall_ns
        self._watch = FreezeWatch(self._settings.frozen_s)
        self._frozen_ns = round(self._settings.frozen_s * NS_PER_S)
        self._lost: CameraLost | None = None
        self._last_ns = 0  # when the last picture that meant something came
        self._opened_ns = 0
        self.own_clock = OwnClock()

    def stop(self) -> None:
        """Ends `events()` after the present frame or pause."""
        self._stopped.set()

    def events(self) -> Iterator[Event]:
        """Frames and troubles as they come. Raises CameraError for a file that cannot be read, never for a camera."""
        pause_s = self._settings.first_pause_s
        self._last_ns = self._wall_ns()
        while not self._stopped.is_set():
            begun = time.monotonic()
            try:
                yield from self._connection()
                return
            except CameraError as error:
                if not self.address.live:
                    raise
                if time.monotonic() - begun >= self._settings.steady_s and error.kind is not Trouble.FROZEN:
                    pause_s = self._settings.first_pause_s
                refused = error.kind is Trouble.REFUSED
                retry_s = self._settings.refused_pause_s if refused else pause_s
                yield from self._told(error, retry_s)
            self._stopped.wait(retry_s)
            pause_s = min(2 * pause_s, self._settings.longest_pause_s)

    def _connection(self) -> Iterator[Event]:
        """Events of one connection; returns when stopped or when a file ends."""
        with Video(self.camera_id, self.address, self._settings.video) as video:
            self._opened_ns, begun_s = self._wall_ns(), time.monotonic()
            recording = self._recorder(video) if self._recorder is not None else nullcontext(None)
            with recording as sink:
                for frame in video.frames(sink):
                    known = video.own_clock  # a new connection knows nothing at first
                    if known is not None or time.monotonic() - begun_s > TELLS_S:
                        self.own_clock = known or OwnClock()
                    yield from self._shown(frame)
                    if self._stopped.is_set():
                        return

    def _shown(self, frame: Frame) -> Iterator[Event]:
        """The frame, if it means something. Raises CameraError when the picture has been frozen for too long."""
        now_ns = self._wall_ns()
        if self.address.live and self._settings.frozen_s > 0:
            self._watch.feed(frame.grey(), now_ns)
            since_ns = self._watch.frozen_since(now_ns)
            if since_ns is not None:
                self._watch.forget(since_ns)
                raise self._frozen(now_ns - since_ns)
            # Whether it still is frozen shows only after a while: an encoder that begins anew draws anew.
            watched_ns = now_ns - self._opened_ns
            if self._lost is not None and self._lost.kind is Trouble.FROZEN and watched_ns < self._frozen_ns:
                return
        self._last_ns = now_ns
        if self._lost is not None:
            yield CameraBack(camera_id=self.camera_id, at_ns=now_ns, since_ns=self._lost.since_ns, kind=self._lost.kind)
            self._lost = None
        yield frame

    def _frozen(self, span_ns: int) -> CameraError:
        self._last_ns -= min(span_ns, self._frozen_ns) if self._lost is None else 0
        problem = f"it has sent the same picture for {span_ns / NS_PER_S:.0f} s"
        return CameraError(self.camera_id, Trouble.FROZEN, problem, address=self.address.reveal())

    def _told(self, error: CameraError, retry_s: float) -> Iterator[CameraLost]:
        """The trouble, where it is new or another than before."""
        before = self._lost
        self._lost = CameraLost(
            camera_id=self.camera_id,
            at_ns=self._wall_ns(),
            since_ns=before.since_ns if before is not None else self._last_ns,
            kind=error.kind,
            problem=error.problem,
            fix=error.fix,
            retry_s=retry_s,
        )
        if before is None or before.kind is not error.kind:
            yield self._lost


class CameraThread:
    """A camera read by a thread of its own, so that whoever is slow gets the newest frames and the camera never waits.

    At most `waiting` frames are kept, older ones are dropped and counted; troubles are never dropped.
    """

    def __init__(self, camera: Camera, *, waiting: int = 4, heard: Callable[[], None] | None = None) -> None:
        self.camera = camera
        self.dropped = 0
        self.ended = False
        self.error: Exception | None = None
        self._waiting = waiting
        self._heard = heard
        self._events: deque[Event] = deque()
        self._lock = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"camera {camera.camera_id}", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ends reading and waits for the thread, at most so long (a silent camera is noticed after its own time)."""
        self.camera.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def take(self, timeout_s: float = 0.0) -> list[Event]:
        """Everything that came since the last call; waits for something to come, at most so long."""
        with self._lock:
            if not self._events and not self.ended and timeout_s > 0:
                self._lock.wait(timeout_s)
            taken = list(self._events)
            self._events.clear()
        return taken

    def _run(self) -> None:
        try:
            for event in self.camera.events():
                self._put(event)
        except Exception as error:  # noqa: BLE001 - whoever takes the events decides what it means
            self.error = error
        finally:
            with self._lock:
                self.ended = True
                self._lock.notify_all()
            if self._heard is not None:
                self._heard()

    def _put(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)
            frames = [place for place, kept in enumerate(self._events) if isinstance(kept, Frame)]
            if len(frames) > self._waiting:
                del self._events[frames[0]]
                self.dropped += 1
            self._lock.notify_all()
        if self._heard is not None:
            self._heard()
