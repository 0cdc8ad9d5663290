"""Some of a store's cameras as one source: pictures in, what was found in each and cameras' troubles out.

Each camera is read by a thread of its own that keeps the newest pictures only; one more thread looks at them, so that
the event loop never waits for a model. A machine that cannot look at every picture looks at fewer, of all cameras in
turn: people are followed at whatever rate comes. Who stands where is found out by whoever has all of them (`fusing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from jwo_cli.drive.eyes import Models, open_models, same_size
from jwo_cli.drive.fusing import addresses
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
    """The calibrated cameras of a layout whose addresses are known (a `Source`): `CameraSaw` for each picture.

    `references` (camera -> address or reference) replaces the layout's own. Raises UserError where there is no camera.
    """

    name, kind, critical, patience_s = "cameras", "cameras", True, 5.0

    def __init__(
        self, store: Store, models: Models | None = None, *, references: Mapping[str, str] | None = None,
        settings: LookSettings | None = None,
    ) -> None:  # fmt: skip
        self._store, self._models = store, models
        self._settings = settings or LookSettings()
        self._views = store_views(store)
        named = addresses(store) if references is None else references
        self.references = {name: named[name] for name in self._views if name in named}
        if not self.references:
            fix = "Calibrate a camera, and give it a url_ref in the layout (env:NAME, file:PATH)."
            raise UserError(f"{store.name}: no calibrated camera has an address", fix=fix)

    async def stream(self) -> AsyncIterator[Inlet]:
        """What is seen, and troubles, as they come; ends when every camera is a file that ended."""
        models = self._models or open_models(self._store)
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
                for inlet in await asyncio.to_thread(self._look, models, events, looked):
                    yield inlet
                if ended and not events:
                    break
            error = next((thread.error for thread in threads if thread.error is not None), None)
            if error is not None:
                raise error
        finally:
            for thread in threads:
                await asyncio.to_thread(thread.stop, 1.0)

    def _look(self, models: Models, events: Sequence[Event], looked: dict[str, int]) -> list[Inlet]:
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
            same_size(frame.camera_id, image, self._views[frame.camera_id].size_px)
            found = models.look(frame.camera_id, image)
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
