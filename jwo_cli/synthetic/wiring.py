"""Which channels a device sends and where its plates are among them.

The nanostore's converters send more columns than there are plates: gondola 1 has 14 (two loose cells on shelf 4),
gondolas 2 and 4 have 12 for 9 plates (columns 10 and 12 stand at 6067 g, 11 copies 9), gondola 5 sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.layout import Store

from .draws import named

LSB_G = 0.241  # the converters' step: every difference in the real recording is a multiple of it
OVERLOAD_G = 6067.0  # where an open channel stands in the real recording
NANOSTORE = {"g1": (6, 14), "g2": (6, 12), "g3": (5, 12), "g4": (6, 12)}
SILENT = frozenset({"g5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One sender: its channels in order, and each one's column in the store's plate order (-1 for none)."""

    device_id: str
    channels: tuple[str, ...]
    columns: tuple[int, ...]

    def batch(self, grams: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        """float32 [samples, channels] from [samples, plates]; what has no plate is NaN, or what loose cells show."""
        out = np.full((len(grams), len(self.channels)), np.nan, dtype=np.float32)
        for i, (name, column) in enumerate(zip(self.channels, self.columns, strict=True)):
            if column >= 0:
                out[:, i] = grams[:, column]
            elif self.device_id in NANOSTORE:
                _, row, place = name.split(":")
                self._loose(out, i, int(row), int(place), seed, grams)
        return out

    def _loose(
        self, out: NDArray[np.float32], i: int, row: int, place: int, seed: int, grams: NDArray[np.float32]
    ) -> None:
        if self.device_id == "g1" and row == 4:
            base = named(seed, "loose", place).integers(400, 9000) * LSB_G
            noise = named(seed, "loose", place, int(float(grams[0, 0]) * 1000) % 100_000).standard_normal(len(out))
            out[:, i] = base + np.rint(noise * 3.0) * LSB_G
        elif self.device_id in {"g2", "g4"}:
            out[:, i] = out[:, i - 2] if place == 11 else OVERLOAD_G


def devices(store: Store) -> tuple[Device, ...]:
    """Every sender of a store in order of its first plate."""
    column = {plate_id: i for i, plate_id in enumerate(store.plates())}
    wired = {plate.channel: column[plate_id] for plate_id, (_, _, plate) in store.plates().items()}
    if store.store_id == "nanostore":
        made = []
        for device_id, (rows, places) in NANOSTORE.items():
            names = tuple(f"{device_id}:{row}:{place}" for row in range(1, rows + 1) for place in range(1, places + 1))
            made.append(Device(device_id=device_id, channels=names, columns=tuple(wired.get(n, -1) for n in names)))
        return tuple(made)
    groups: dict[str, list[str]] = {}
    silent = silent_fixtures(store)
    for channel in wired:
        if channel.rsplit(":", 2)[0] in silent:
            continue
        groups.setdefault(channel.rsplit(":", 2)[0], []).append(channel)
    return tuple(
        Device(device_id=device_id, channels=tuple(names), columns=tuple(wired[name] for name in names))
        for device_id, names in groups.items()
    )


def is_nanostore(store: Store) -> bool:
    """Whether a store is the nanostore, or the nanostore several times over (`scale`)."""
    return store.store_id == "nanostore" or store.store_id.startswith("nanostore-x")


def measured_name(store: Store, fixture_id: str) -> str:
    """The fixture of the real store that this one is, or a copy of; its own name elsewhere."""
    return fixture_id.rsplit("-", 1)[-1] if is_nanostore(store) else fixture_id


def silent_fixtures(store: Store) -> frozenset[str]:
    """Fixtures whose plates send nothing."""
    if not is_nanostore(store):
        return frozenset()
    return frozenset(f.fixture_id for f in store.fixtures if measured_name(store, f.fixture_id) in SILENT)
