"""What one sender tells of one scale, on its way to weight changes: its grid and hops, and what was told of it."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.weight.device import Device, ShelfSlot, Times
from jwo_cli.estimate.weight.faults import Episodes
from jwo_cli.estimate.weight.grid import Grid
from jwo_cli.estimate.weight.shelf import Group
from jwo_cli.model.layout import Plate, Store
from jwo_cli.model.units import NS_PER_S


class Stream:
    """What one sender tells of one scale: its plates and, once it is heard, its grid and the hop that is being filled.

    `device_id` is what its faults are told of. `teller` is sender and scale, None while it is only missed.
    """

    def __init__(self, device_id: str, seen_ns: int, channels: Collection[str], store: Store, faults: Episodes) -> None:
        self.device_id, self._store, self._faults = device_id, store, faults
        self.channels = dict.fromkeys(channels)
        self.plate_ids = [plate.plate_id for plate in plates_on(store, channels)[0]]
        self.teller: tuple[str, str] | None = None
        self.grid: Grid | None = None
        self.device: Device | None = None
        self.columns: list[int] = []
        self.times = Times()
        self.others = 0  # messages of other senders when this one last spoke
        self.given_up = False
        self.seen_ns = seen_ns
        self.silent_ns = 0  # told to be silent up to here
        self.blind_ns: dict[str, int] = {}  # plate -> told to be blind up to here
        self._parts: list[NDArray[np.float32]] = []
        self._filled = 0

    def hear(self, rate_hz: float) -> Grid:
        """Its messages have this rate. A plate that they should tell of and do not is one without numbers."""
        if self.grid is None:
            self.grid = Grid(self.device_id, tuple(self.channels), rate_hz, self._faults)
            plates, slots = plates_on(self._store, self.channels)
            column_of = {name: column for column, name in enumerate(self.channels)}
            self.columns = [column_of[plate.channel] for plate in plates]
            self.device = Device(slots, rate_hz) if slots else None
        return self.grid

    @property
    def open_ns(self) -> int | None:
        """What happened at its plates since then may still be told; None where nothing will be, for now."""
        if self.given_up or not self.plate_ids:
            return None
        return self.seen_ns if self.device is None else math.floor(self.times.at(self.device.open_since()))

    def flush(self, until_ns: int | None = None) -> list[NDArray[np.float32]]:
        """Samples that wait no longer for what should have come a second before; all of them where None."""
        if self.grid is None:
            return []
        return self.grid.flush(self.grid.newest_ns + 10 * NS_PER_S if until_ns is None else until_ns)

    def take(self, parts: list[NDArray[np.float32]]) -> list[tuple[ShelfSlot, Group]]:
        """Samples in order; returns groups of the hops that they complete."""
        out: list[tuple[ShelfSlot, Group]] = []
        if self.device is None:
            return out
        for part in parts:
            self._parts.append(part[:, self.columns])
            self._filled += len(part)
        hop = self.device.hop
        if self._filled >= hop:
            whole = np.concatenate(self._parts)
            done = self._filled - self._filled % hop
            for start in range(0, done, hop):
                out += self.device.feed(whole[start : start + hop])
            self._parts, self._filled = [whole[done:]], self._filled - done
        return out

    def finish(self) -> list[tuple[ShelfSlot, Group]]:
        """Fill up the last hop with nothing and report everything."""
        if self.device is None or self.grid is None:
            return []
        out: list[tuple[ShelfSlot, Group]] = []
        if self._filled:
            rows = self.device.hop - self._filled
            out += self.take([np.full((rows, len(self.grid.channels)), np.nan, dtype=np.float32)])
        return out + self.device.finish()


def plates_on(store: Store, channels: Collection[str]) -> tuple[list[Plate], tuple[ShelfSlot, ...]]:
    """The layout's plates on these channels, shelf by shelf, and where each shelf's are among them."""
    plates: list[Plate] = []
    slots: list[ShelfSlot] = []
    for _, shelf in store.shelves():
        present = [plate for plate in shelf.plates if plate.channel in channels]
        if present:
            slots.append(ShelfSlot(shelf_id=shelf.shelf_id, first=len(plates), last=len(plates) + len(present) - 1))
            plates += present
    return plates, tuple(slots)
