"""A running store's cameras as one source: pictures in, pose messages and cameras' troubles out.

Each camera is read by a thread of its own that keeps the newest pictures only; one more thread looks at them, so that
the event loop never waits for a model. A machine that cannot look at every picture looks at fewer, of all cameras in
turn: people are followed at whatever rate comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from jwo_cli.drive.eyes import CameraEyes, Goods, Models, open_models, same_size
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_MS
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera, CameraBack, CameraLost, CameraSettings, CameraThread, Event
from jwo_cli.sensors.frames import Frame
from jwo_cli.sensors.mqtt.wire import CameraSaw

EVERY_NS = 100 * NS_PER_MS  # ten pictures a second show a hand's way in and out
WAIT_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How a store's cameras are looked at; `waiting` pictures are kept a camera while another is looked at."""

    every_ns: int = EVERY_NS
    waiting: int = 2
    camera: CameraSettings = field(default_factory=CameraSettings)


class CamerasSource:
    """The calibrated cameras of a layout whose addresses are known (a `Source`).

    `references` (camera -> address or reference) replaces the layout's own. Without `fuse` it gives what was found in
    each picture (`CameraSaw`), for a store that fuses the cameras of several machines. Raises UserError where there is
    no camera.
    """

    name, kind, critical, patience_s = "cameras", "cameras", True, 5.0

    def __init__(
        self, store: Store, models: Models | None = None, *, references: Mapping[str, str] | None = None,
        goods: Goods | None = None, settings: LookSettings | None = None, fuse: bool = True,
    ) -> None:  # fmt: skip
        self._fuse = fuse
        self._store, self._models, self._goods = store, models, goods
        self._settings = settings or LookSettings()
        known = {camera.camera_id: camera.url_ref for camera in store.cameras if camera.url_ref}
        named = known if references is None else dict(references)
        self.references = {name: named[name] for name in store_views(store) if name in named}
        if not self.references:
            fix = "Calibrate a camera, and give it a url_ref in the layout (env:NAME, file:PATH)."
            raise UserError(f"{store.name}: no calibrated camera has an address", fix=fix)

    async def stream(self) -> AsyncIterator[Inlet]:
        """Pose messages and troubles, as they become certain; ends when every camera is a file that ended."""
        eyes = CameraEyes(self._store, self._models or open_models(self._store), goods=self._goods)
        threads = [
            CameraThread(
                Camera(name, address_of(reference), self._settings.camera), waiting=self._settings.waiting
            )
            for name, reference in self.references.items()
        ]  # fmt: skip
        looked: dict[str, int] = {}
        for thread in threads:
            thread.start()
        try:
            while True:
                ended = all(thread.ended for thread in threads)
                events = await asyncio.to_thread(_taken, threads)
                for inlet in await asyncio.to_thread(self._look, eyes, events, looked):
                    yield inlet
                if ended and not events:
                    break
            for seen in await asyncio.to_thread(eyes.close):
                yield seen.poses
            error = next((thread.error for thread in threads if thread.error is not None), None)
            if error is not None:
                raise error
        finally:
            for thread in threads:
                await asyncio.to_thread(thread.stop, 1.0)

    def _look(self, eyes: CameraEyes, events: Sequence[Event], looked: dict[str, int]) -> list[Inlet]:
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
            # Half a picture's spacing of tolerance: stamps jitter.
            if (
                frame.capture_ns - looked.get(frame.camera_id, -self._settings.every_ns)
                < 0.75 * self._settings.every_ns
            ):
                continue
            looked[frame.camera_id] = frame.capture_ns
            image = frame.image()
            same_size(frame.camera_id, image, eyes.eyes.size_px(frame.camera_id))
            if self._fuse:
                out += [seen.poses for seen in eyes.show(frame.camera_id, frame.capture_ns, image)]
            else:
                found = eyes.look(frame.camera_id, image)
                out.append(CameraSaw(at_ns=frame.capture_ns, camera_id=frame.camera_id, found=found))
        return out


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
