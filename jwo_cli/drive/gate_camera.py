"""A camera over a gate's reader: phones are held before it, codes come out. Its pictures are not kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from jwo_cli.drive.clean_sheet import CleanSheet
from jwo_cli.drive.looking import back, lost
from jwo_cli.drive.sources import CodeSeen, Inlet, at_gate
from jwo_cli.sensors.addresses import address_of
from jwo_cli.sensors.cameras import Camera, CameraBack, CameraLost, CameraSettings, CameraThread, Event
from jwo_cli.sensors.frames import Frame
from jwo_cli.sensors.gate_codes import GateReader
from jwo_cli.sensors.own_thread import OwnThread

WAIT_S = 0.05


class GateCameraSource:
    """The codes that a gate's camera sees (a `Source`); nobody coming is no fault, a camera that is gone is.

    `reference` is its address, or env:NAME or file:PATH that holds it.
    """

    kind = "codes"
    critical = False
    patience_s = float("inf")

    def __init__(
        self, reference: str, *, gate_id: str, number: int = 1, settings: CameraSettings | None = None
    ) -> None:
        self.name = at_gate("camera", gate_id, number)
        self._reference, self._gate_id = reference, gate_id
        self._settings = settings or CameraSettings()
        self._sheet = CleanSheet()

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What is shown, frame by frame; ends when a file ends."""
        thread = CameraThread(Camera(self.name, address_of(self._reference), self._settings), waiting=2)
        reader, own = GateReader(), OwnThread(self.name)
        thread.start()
        self._sheet.anew()
        try:
            while True:
                ended = thread.ended
                events = await own.do(thread.take, WAIT_S)
                for inlet in await own.do(self._read, reader, events):
                    yield inlet
                if ended and not events:
                    break
            if thread.error is not None:
                raise thread.error
        finally:
            own.close(lambda: thread.stop(1.0))

    def _read(self, reader: GateReader, events: Sequence[Event]) -> list[Inlet]:
        out: list[Inlet] = []
        for event in events:
            match event:
                case Frame():
                    out += self._sheet.over(self.name)
                    out += [
                        CodeSeen(at_ns=event.capture_ns, gate_id=self._gate_id, text=code.text)
                        for code in reader.read(event.image())
                    ]
                case CameraLost() | CameraBack():
                    trouble = lost(event) if isinstance(event, CameraLost) else back(event)
                    self._sheet.told(trouble)
                    out.append(trouble)
        return out
