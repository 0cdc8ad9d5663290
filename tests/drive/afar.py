"""Somebody in the middle of a store, seen by cameras of machines elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jwo_cli.drive.fusing import Fusion
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import PoseFrame, WeightBatch
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt.wire import CameraSaw
from tests.estimate.tracking.kiosk import kiosk

KIOSK = kiosk()
AT = 1_790_000_000_000_000_000
HERE = np.array(KIOSK.floor).mean(axis=0)


def saw(camera_id: str, at_ns: int, xy_m: NDArray[np.float64] = HERE) -> CameraSaw:
    """The box of somebody of 1.7 m who stands in the middle of the floor, or there."""
    view = store_views(KIOSK)[camera_id]
    foot, head = view.project(np.array([[*xy_m, 0.0], [*xy_m, 1.7]]))
    half = 0.19 * abs(foot[1] - head[1])
    middle = (foot[0] + head[0]) / 2
    box = np.array([[middle - half, head[1], middle + half, foot[1]]], dtype=np.float32)
    return CameraSaw(
        at_ns=at_ns, camera_id=camera_id, found=Boxes(corners_px=box, scores=np.full(1, 0.9, dtype=np.float32))
    )


class Afar:
    """Three cameras of machines elsewhere see somebody who walks in a circle; one of them has a clock of its own.

    Each picture takes as long as `jitter_s` says to come (0 to twice as long at random, each by itself), and all of
    them `lag_s` more. Where not `sent`, nobody says when the last camera's pictures were sent,
    and only that looks for long.
    """

    def __init__(self, *, jitter_s: float = 0.2, looking_s: float = 0.1, sent: bool = True) -> None:
        self.now_ns, self.random = AT, np.random.default_rng(7)
        self.fusion = Fusion(KIOSK, now_ns=lambda: self.now_ns)
        self.names = sorted(store_views(KIOSK))[:3]
        self.jitter_s, self.looking_s, self.sent = jitter_s, looking_s, sent
        self.troubles: list[tuple[float, str, bool]] = []
        self.bodies: list[tuple[float, int]] = []
        self.stamps_ms: set[int] = set()  # within a tenth of a second, of what was seen

    def walk(
        self,
        begin_s: float,
        end_s: float,
        off_s: float,
        *,
        late: bool = False,
        lag_s: float = 0.0,
        stall_s: float = 0.0,
    ) -> None:
        """Ten pictures a second, in order of arrival, the last camera's clock off by so much.

        What the last camera sends in the first `stall_s` comes in one burst when they are over.
        """
        reach = 0.3 * np.ptp(np.array(KIOSK.floor), axis=0)
        came: list[tuple[float, CameraSaw]] = []
        for at_s in np.arange(begin_s, end_s, 0.1):
            place = HERE + np.array([np.cos(at_s * 0.8), np.sin(at_s * 0.8)]) * reach
            for name in self.names:
                last = name == self.names[-1]
                by_s = off_s if last else 0.0
                sent_s = at_s + (self.looking_s if last or self.sent else 0.1) + self.random.uniform(0, 0.01)
                seen = saw(name, AT + round((at_s + by_s) * NS_PER_S), place)
                way_s = max(
                    self.random.uniform(0, 2 * self.jitter_s) + lag_s, stall_s - (sent_s - begin_s) if last else 0
                )
                sent_ns = AT + round((sent_s + by_s) * NS_PER_S) if self.sent or not last else 0
                came.append((sent_s + way_s, replace(seen, sent_ns=sent_ns)))
        for come_s, seen in sorted(came, key=lambda one: one[0]):
            self.now_ns = AT + round(come_s * NS_PER_S)
            for inlet in self.fusion.heard(seen, late=late):
                if isinstance(inlet, Trouble):
                    assert (inlet.device_id, inlet.kind) == (self.names[-1], FaultKind.CLOCK)
                    self.troubles.append((come_s, inlet.note, inlet.over))
                elif isinstance(inlet, PoseFrame):
                    self.bodies.append((come_s, len(inlet.people)))
                    self.stamps_ms.add(round((inlet.at_ns - AT) / 1e6) % 100)

    def most(self, from_s: float) -> int:
        """How many bodies were seen at once from a time on."""
        return max(count for at_s, count in self.bodies if at_s >= from_s)


def alone(scales_s: dict[str, float], *, off_s: float, lag_s: float = 0.0, every_s: float = 0.2) -> list[Trouble]:
    """Troubles of one machine's camera whose stamps are off, beside scales that are late by so much; all lag more."""
    now_ns = AT
    fusion = Fusion(KIOSK, now_ns=lambda: now_ns)
    (camera_id,) = sorted(store_views(KIOSK))[:1]
    came: list[tuple[float, Inlet]] = []
    for at_s in np.arange(0.0, 8.0, 0.1):
        seen = saw(camera_id, AT + round((at_s + off_s) * NS_PER_S))
        came.append((at_s + 0.05, replace(seen, sent_ns=seen.at_ns)))
    for name, late_s in scales_s.items():
        for at_s in np.arange(0.0, 8.0, every_s):
            end_ns, grams = AT + round(at_s * NS_PER_S), np.zeros((round(60 * every_s), 1), np.float32)
            batch = WeightBatch(device_id=name, end_ns=end_ns, rate_hz=60.0, channels=(f"{name}:1:1",), grams=grams)
            came.append((at_s + late_s, batch))
    told: list[Inlet] = []
    for come_s, inlet in sorted(came, key=lambda one: one[0]):
        now_ns = AT + round((come_s + lag_s) * NS_PER_S)
        told += fusion.heard(inlet, late=False)
    return [one for one in told if isinstance(one, Trouble)]
