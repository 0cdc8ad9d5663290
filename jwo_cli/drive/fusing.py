"""One floor for all cameras of a store: those of worker processes here, and those of machines at the edge.

Whoever looks at pictures gives what was found in each (`CameraSaw`); who stands where is found out here, once, so that
people keep their names wherever they walk and whichever worker begins anew.

Another machine's clock is held against the store's (`clocks`), by when it sent a picture: where it is off, its cameras
are left out until it is right, as they would show everybody a second time, where they were or will be, and hands apart
from what they did at the scales. What all cameras are behind, the store's own among them, and the scales as well, is
the store's lag and is taken off, up to 1.25 s; a machine that is alone in a store without scales may be two seconds
behind. A camera's own clock is held against the clock of the machine that reads it, there (`sensors.frames`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from jwo_cli.drive.clocks import CAMERA_OFF_NS, CAMERA_ROW_NS, CLOCK_OFF_NS, Clocks, Lag
from jwo_cli.drive.sources import Inlet, Source, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.vision.eyes import Eyes
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.frames import BACK_NS
from jwo_cli.sensors.mqtt.wire import CameraSaw

IN_A_ROW = 20  # pictures of a camera that are of no use are its trouble, not an accident on the way


def addresses(store: Store) -> dict[str, str]:
    """The calibrated cameras of a layout whose addresses are known, with the references to those."""
    known = {camera.camera_id: camera.url_ref for camera in store.cameras if camera.url_ref}
    return {name: known[name] for name in store_views(store) if name in known}


class Fusion:
    """What all cameras of a store saw, as pose messages.

    People are called `names` and a number: another run must use another, or it would take new bodies for those of then.
    """

    def __init__(self, store: Store, *, names: str = "p", now_ns: Callable[[], int] = time.time_ns) -> None:
        self._store, self._eyes = store, Eyes(store, names=names) if store_views(store) else None
        self.names = "" if self._eyes is None else names
        self._latest_ns = self._turns = 0  # the store's clock, and how often it was set back
        self._useless: dict[str, int] = {}  # camera -> pictures in a row that came too late; below zero: that did not
        self._useless_told: set[str] = set()
        self._now_ns, self._clocks = now_ns, Clocks(CAMERA_OFF_NS, CAMERA_ROW_NS)
        self._lag, self._scales_lag = Lag(), Lag()
        self._right: set[str] = set()  # cameras whose clock was right once: until then none is believed
        self._clock_told: set[str] = set()  # cameras whose clock is off

    def heard(self, inlet: Inlet, *, late: bool) -> Sequence[Inlet]:
        """What another machine gave, and what follows from it; `late` says that it comes late for a known reason."""
        if isinstance(inlet, WeightBatch) and not late:
            self._scales_lag.heard(inlet.device_id, inlet.end_ns, self._now())
        if self._eyes is None or not isinstance(inlet, CameraSaw) or inlet.camera_id not in self._eyes.cameras:
            return self.take(inlet)
        camera_id, stamp_ns, now_ns = inlet.camera_id, _sent_ns(inlet), self._now()
        if late and stamp_ns <= now_ns:
            return (inlet,) if camera_id in self._clock_told else self.take(inlet)
        self._lag.heard(camera_id, stamp_ns, now_ns)
        lag_ns, most_ns = self._shared_ns(now_ns), CLOCK_OFF_NS - CAMERA_OFF_NS
        # Who does not say when a picture was sent may have looked at it for long.
        more_ns = 0 if inlet.sent_ns else most_ns - lag_ns
        off = self._clocks.stamped(camera_id, stamp_ns, now_ns, lag_ns=lag_ns, more_ns=more_ns)
        if not off:
            self._right.add(camera_id)
        told = self._of_clock(camera_id, now_ns)
        left_out = camera_id in self._clock_told or (off and camera_id not in self._right)
        return (*told, *((inlet,) if left_out or _ahead(inlet, now_ns) else self.take(inlet)))

    def ours(self, inlet: Inlet) -> Sequence[Inlet]:
        """What a camera of this machine gave, and what follows from it: what it is behind is the store's own lag."""
        if isinstance(inlet, CameraSaw):
            now_ns = self._now()
            self._lag.heard(inlet.camera_id, _sent_ns(inlet), now_ns)
            if _ahead(inlet, now_ns):
                return (inlet,)
        return self.take(inlet)

    def _shared_ns(self, now_ns: int) -> int:
        """What cameras and scales are behind, all of them; that is nobody's clock."""
        # Whose clock is off is no measure for the others: the lag of all would be what makes one that is ahead right.
        cameras_ns = self._lag.shared_ns(now_ns, but=self._clock_told)
        scales_ns = self._scales_lag.usual_ns(now_ns)
        return min(cameras_ns, cameras_ns if scales_ns is None else scales_ns, CLOCK_OFF_NS - CAMERA_OFF_NS)

    def _now(self) -> int:
        """The store's clock. Where it was set back, all that is followed lies ahead: people are followed anew."""
        now_ns = self._now_ns()
        if self._eyes is not None and now_ns < self._latest_ns - BACK_NS:
            self._turns += 1
            self._eyes, self._latest_ns = Eyes(self._store, names=f"{self.names}{self._turns}-"), 0
        self._latest_ns = max(self._latest_ns, now_ns)
        return now_ns

    def _of_clock(self, camera_id: str, now_ns: int) -> Sequence[Trouble]:
        """A clock that is off is told once, and once when it is right again: as long as it takes to find it off.

        Not at once, as the lag of all makes one that is ahead look right while it begins, and so does a stall.
        """
        by_ns = self._clocks.off_by(camera_id)
        if by_ns is not None and camera_id not in self._clock_told:
            self._clock_told.add(camera_id)
            note = f"its stamps are {by_ns / NS_PER_S:+.1f} s from the store's clock"
            return (_clock(camera_id, note + (", or take so long to come" if by_ns < 0 else ""), over=False),)
        if camera_id in self._clock_told and self._clocks.steady(camera_id, now_ns):
            self._clock_told.remove(camera_id)
            return (_clock(camera_id, "", over=True),)
        return ()

    def take(self, inlet: Inlet) -> Sequence[Inlet]:
        """An inlet and what follows from it; places need a camera that is calibrated.

        What a camera saw stays among it: its source gives something, also while that waits for other cameras.
        """
        if self._eyes is None or not isinstance(inlet, CameraSaw):
            return (inlet,)
        before = self._eyes.refused.get(inlet.camera_id, 0)
        try:
            seen = self._eyes.feed(inlet.camera_id, inlet.at_ns, inlet.found)
        except KeyError:
            note = "the layout has no calibration of this camera"
            kind = FaultKind.UNKNOWN_CHANNEL
            return (Trouble(at_ns=time.time_ns(), device_id=inlet.camera_id, kind=kind, note=note),)
        told = (signal for one in seen for signal in one.signals())
        return (inlet, *told, *self._timely(inlet.camera_id, useless=self._eyes.refused[inlet.camera_id] > before))

    def _timely(self, camera_id: str, *, useless: bool) -> Sequence[Trouble]:
        """A camera whose pictures are all late, or stamped by another clock, is in trouble: it shows nobody."""
        row = self._useless.get(camera_id, 0)
        self._useless[camera_id] = max(row, 0) + 1 if useless else min(row, 0) - 1
        if abs(self._useless[camera_id]) < IN_A_ROW or useless == (camera_id in self._useless_told):
            return ()
        (self._useless_told.add if useless else self._useless_told.discard)(camera_id)
        note = "its pictures come too late, or its clock is off: the floor goes without them"
        return (_clock(camera_id, note, over=not useless),)


def _ahead(saw: CameraSaw, now_ns: int) -> bool:
    """Whether a picture was taken in the future: by another clock, or by the store's before it was set back."""
    return saw.at_ns > now_ns + BACK_NS


def _sent_ns(saw: CameraSaw) -> int:
    return saw.sent_ns or saw.at_ns


def _clock(camera_id: str, note: str, *, over: bool) -> Trouble:
    return Trouble(at_ns=time.time_ns(), device_id=camera_id, kind=FaultKind.CLOCK, over=over, note=note)


class FusedSource:
    """A source of what this machine's cameras saw, fused with all others of the same `Fusion`."""

    def __init__(self, source: Source, fusion: Fusion) -> None:
        self.name, self.kind, self.critical = source.name, source.kind, source.critical
        self.patience_s = source.patience_s
        self._source, self._fusion = source, fusion

    async def stream(self) -> AsyncGenerator[Inlet]:
        """What the source gives, and what follows from it."""
        async with aclosing(self._source.stream()) as stream:
            async for inlet in stream:
                for known in self._fusion.ours(inlet):
                    yield known
