"""A camera tried for some seconds: what it sends, how often, by which clock, how late, and what went wrong."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jwo_cli.model.units import NS_PER_S

from .addresses import address_of
from .cameras import Camera, CameraLost, CameraSettings
from .frames import Clock, Frame
from .keeping import Keeper, parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was found. `late_ms` is from capture to here, known where the camera tells its own clock."""

    address: str
    width_px: int
    height_px: int
    frames: int
    rate_hz: float | None
    first_s: float | None
    clock: Clock | None
    late_ms: float | None
    clock_off_s: float
    clock_believed: bool
    brightness: float | None
    troubles: tuple[CameraLost, ...]
    kept: tuple[str, ...]


def try_camera(
    reference: str, seconds: float, *, keep: Path | None = None, settings: CameraSettings | None = None
) -> Trial:
    """Reads a camera or video for so long, into the folder `keep` if given.

    Raises UserError where the reference leads nowhere or a file is no video; a camera's troubles are in the result.
    """
    address = address_of(reference)
    recorder = Keeper(keep, "camera").keep if keep is not None else None
    before = () if keep is None else parts(keep, "camera")
    camera = Camera("under test", address, settings, recorder=recorder)
    ends = threading.Timer(seconds, camera.stop)
    ends.daemon = True
    begun = time.monotonic()
    first_s: float | None = None
    captured: list[int] = []
    late_ms: list[float] = []
    light: list[float] = []
    troubles: list[CameraLost] = []
    last: Frame | None = None
    ends.start()
    try:
        for event in camera.events():
            if isinstance(event, CameraLost):
                troubles.append(event)
            elif isinstance(event, Frame):
                first_s = time.monotonic() - begun if first_s is None else first_s
                last = event
                captured.append(event.capture_ns)
                light.append(float(event.grey()[::16, ::16].mean()))
                if event.clock in {Clock.RTCP, Clock.DEVICE}:
                    late_ms.append((time.time_ns() - event.capture_ns) / 1e6)
    finally:
        ends.cancel()
    spacing = float(np.median(np.diff(captured))) if len(captured) > 2 else 0.0
    return Trial(
        address=str(address),
        width_px=last.width_px if last else 0,
        height_px=last.height_px if last else 0,
        frames=len(captured),
        rate_hz=NS_PER_S / spacing if spacing > 0 else None,
        first_s=first_s,
        clock=last.clock if last else None,
        late_ms=float(np.median(late_ms)) if late_ms else None,
        clock_off_s=camera.own_clock.off_ns / NS_PER_S,
        clock_believed=camera.own_clock.believed,
        brightness=float(np.median(light)) if light else None,
        troubles=tuple(troubles),
        kept=() if keep is None else tuple(part.video.name for part in parts(keep, "camera")[len(before) :]),
    )
