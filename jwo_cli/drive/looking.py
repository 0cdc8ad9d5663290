"""Some of a store's cameras as one source: pictures in, what was found in each and cameras' troubles out.

Each camera is read by a thread of its own that keeps the newest pictures only; one more thread looks at them, so that
the event loop never waits for a model. A machine that cannot look at every picture looks at fewer, of all cameras in
turn: people are followed at whatever rate comes. Who stands where is found out by whoever has all of them (`fusing`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from jwo_cli.drive.clean_sheet import of_camera
from jwo_cli.drive.eyes import Models, open_models, same_size
from jwo_cli.drive.fusing import addresses
from jwo_cli.drive.run_video import Videos
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_MS, NS_PER_S
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera, CameraBack, CameraLost, CameraSettings, CameraThread, Event
from jwo_cli.sensors.frames import BACK_NS, Frame, OwnClock
from jwo_cli.sensors.mqtt.wire import CameraSaw

EVERY_NS = 100 * NS_PER_MS  # ten pictures a second show a hand's way in and out
WAIT_S = 0.1
CLOCK_S = 2.0  # a camera's clock is off for so long before that is told: a connection's first pictures may be late
LEAVE_S = 1.0  # so long all cameras that are left may take to end: a silent one takes its time
AGAIN_S = 4.0  # a camera whose reading ended in an error is read again so much later


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How a store's cameras are looked at; `waiting` pictures are kept a camera while another is looked at."""

    every_ns: int = EVERY_NS
    waiting: int = 2
    camera: CameraSettings = field(default_factory=CameraSettings)


class CamerasSource:
    """The calibrated cameras of a layout whose addresses are known (a `Source`): `CameraSaw` for each picture.

    `references` (camera -> address or reference) replaces the layout's own, `videos` keeps what they give.
    Raises UserError where there is no camera.
    """

    name, kind, critical, patience_s = "cameras", "cameras", True, 5.0

    def __init__(
        self, store: Store, models: Models | None = None, *, references: Mapping[str, str] | None = None,
        settings: LookSettings | None = None, videos: Videos | None = None,
    ) -> None:  # fmt: skip
        self._store, self._models = store, models
        self._settings = settings or LookSettings()
        self._videos = videos
        self._views = store_views(store)
        named = addresses(store) if references is None else references
        self.references = {name: named[name] for name in self._views if name in named}
        if not self.references:
            fix = "Calibrate a camera, and give it a url_ref in the layout (env:NAME, file:PATH)."
            raise UserError(f"{store.name}: no calibrated camera has an address", fix=fix)

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What is seen, and troubles, as they come; ends when every camera is a file that ended."""
        models = self._models or open_models(self._store)
        threads = {name: self._begun(name) for name in self.references}
        state = _State()
        try:
            while True:
                ended = all(thread.ended for thread in threads.values())
                events = await asyncio.to_thread(_taken, tuple(threads.values()))
                for inlet in await asyncio.to_thread(self._look, models, events, state):
                    yield inlet
                for trouble in () if self._videos is None else self._videos.troubles():
                    yield trouble
                if ended and not events:
                    break
                for trouble in state.clocks({name: thread.camera.own_clock for name, thread in threads.items()}):
                    yield trouble
                for name, thread in threads.items():
                    if thread.error is not None and name not in state.died_s:
                        state.died_s[name] = time.monotonic()
                        yield _trouble(name, FaultKind.DEAD, note=_said(thread.error))
                    elif thread.ended and thread.camera.address.live and state.rested(name):
                        threads[name] = self._begun(name)
            error = next((thread.error for thread in threads.values() if thread.error is not None), None)
            if error is not None:
                raise error
        finally:
            for thread in threads.values():
                thread.camera.stop()  # all at once: what each keeps is whole when it has ended
            until_s = time.monotonic() + LEAVE_S
            for thread in threads.values():
                await asyncio.to_thread(thread.stop, max(0.0, until_s - time.monotonic()))

    def _begun(self, name: str) -> CameraThread:
        """A camera that is read from now on."""
        recorder = None if self._videos is None else self._videos.recorder(name)
        camera = Camera(name, address_of(self.references[name]), self._settings.camera, recorder=recorder)
        thread = CameraThread(camera, waiting=self._settings.waiting)
        thread.start()
        return thread

    def _look(self, models: Models, events: Sequence[Event], state: _State) -> list[Inlet]:
        """What the events come to, pictures in order of capture."""
        out: list[Inlet] = []
        frames = [event for event in events if isinstance(event, Frame)]
        for event in events:
            match event:
                case CameraLost():
                    out.append(lost(event))
                case CameraBack():
                    out.append(back(event))
                case Frame():
                    pass
                case _:
                    assert_never(event)
        for frame in sorted(frames, key=lambda one: (one.capture_ns, one.camera_id)):
            if state.died_s.pop(frame.camera_id, None) is not None:
                out.append(_trouble(frame.camera_id, FaultKind.DEAD, over=True))
            # Half a picture's spacing of tolerance: stamps jitter.
            since_ns = frame.capture_ns - state.looked_ns.get(frame.camera_id, -self._settings.every_ns)
            if -BACK_NS < since_ns < 0.75 * self._settings.every_ns:
                continue
            state.looked_ns[frame.camera_id] = frame.capture_ns
            image = frame.image()
            try:
                same_size(frame.camera_id, image, self._views[frame.camera_id].size_px)
            except UserError as error:  # one camera's matter: the others go on
                if frame.camera_id not in state.unfit:
                    state.unfit.add(frame.camera_id)
                    out.append(_trouble(frame.camera_id, FaultKind.UNKNOWN_CHANNEL, note=_said(error)))
                continue
            if frame.camera_id in state.unfit:
                state.unfit.remove(frame.camera_id)
                out.append(_trouble(frame.camera_id, FaultKind.UNKNOWN_CHANNEL, over=True))
            found = models.look(frame.camera_id, image)
            at_ns, sent_ns = frame.capture_ns, time.time_ns()
            out.append(CameraSaw(at_ns=at_ns, camera_id=frame.camera_id, found=found, sent_ns=sent_ns))
        return out


@dataclass(slots=True)
class _State:
    """What is known of each camera while it is looked at."""

    looked_ns: dict[str, int] = field(default_factory=dict)  # the latest picture that was
    unfit: set[str] = field(default_factory=set)  # whose pictures are of another size than they were calibrated with
    died_s: dict[str, float] = field(default_factory=dict)  # whose reading ended in an error, and when

    off_s: dict[str, float] = field(default_factory=dict)  # whose own clock is off, and since when
    off_told: set[str] = field(default_factory=set)

    def clocks(self, own: Mapping[str, OwnClock]) -> list[Trouble]:
        """Cameras' own clocks that seem off for a while, or no longer; pictures are used, whether or not believed."""
        out, now_s = [], time.monotonic()
        for name, clock in own.items():
            by_ns = clock.off_ns
            since_s = self.off_s.setdefault(name, now_s) if by_ns else self.off_s.pop(name, now_s)
            if by_ns and name not in self.off_told and now_s - since_s >= CLOCK_S:
                self.off_told.add(name)
                way = ", or its pictures take so long to come" if by_ns < 0 else ""
                note = f"it is {by_ns / NS_PER_S:+.1f} s off{way}. Set its NTP server"
                out.append(_trouble(of_camera("clock", name), FaultKind.CLOCK, note=note))
            elif not by_ns and name in self.off_told:
                self.off_told.remove(name)
                out.append(_trouble(of_camera("clock", name), FaultKind.CLOCK, over=True))
        return out

    def rested(self, name: str) -> bool:
        """Whether a camera's reading that ended in an error is to be begun again; asked once a pause."""
        now_s = time.monotonic()
        if now_s - self.died_s.get(name, now_s) < AGAIN_S:
            return False
        self.died_s[name] = now_s
        return True


def _said(error: Exception) -> str:
    """Our own errors in their words; another one's text may hold an address with a password."""
    return f"{error.problem}. {error.fix}" if isinstance(error, UserError) else type(error).__name__


def _trouble(camera_id: str, kind: FaultKind, *, over: bool = False, note: str = "") -> Trouble:
    return Trouble(at_ns=time.time_ns(), device_id=camera_id, kind=kind, over=over, note=note)


def _taken(threads: Sequence[CameraThread]) -> list[Event]:
    """Everything that came; waits a moment for the first camera where nothing did."""
    events = [event for thread in threads for event in thread.take()]
    return events or [event for number, thread in enumerate(threads) for event in thread.take(0 if number else WAIT_S)]


def lost(event: CameraLost) -> Trouble:
    """A camera is gone, as its source tells it."""
    # One kind whatever the reason, which may change while it is gone: what began is what ends.
    return Trouble(
        at_ns=event.since_ns, device_id=event.camera_id, kind=FaultKind.DEAD,
        note=f"{event.problem} {event.fix}",
    )  # fmt: skip


def back(event: CameraBack) -> Trouble:
    """A camera is there again."""
    return Trouble(at_ns=event.at_ns, device_id=event.camera_id, kind=FaultKind.DEAD, over=True)
