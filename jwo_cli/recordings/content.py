"""What a recording is, whatever form it is kept in: SHA-256 over layout, staff and signals in arrival order.

A raw folder, its import, and an import of its export have one id. Floats enter as their bits (a NaN is its bits too),
texts with their length, so that two different contents cannot run together to the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import assert_never

from jwo_cli.estimate.signals import (
    ClockTick,
    CodeRead,
    IdentityTold,
    Overheard,
    PoseFrame,
    Signal,
    TagRead,
    WeightBatch,
)
from jwo_cli.model import codec
from jwo_cli.model.layout import Store


class ContentHash:
    """Takes a recording piece by piece: the layout first, then every signal as it arrived, staff at the end."""

    def __init__(self, store: Store) -> None:
        layout = codec.canonical(codec.encode(store))
        self._sha = hashlib.sha256(b"jwo recording 1\n" + struct.pack("<q", len(layout)) + layout)

    def add(self, signal: Signal) -> None:
        """The next signal in order of arrival."""
        match signal:
            case WeightBatch():
                samples, channels = signal.grams.shape
                self._sha.update(b"W" + struct.pack("<qdqq", signal.end_ns, signal.rate_hz, samples, channels))
                self._sha.update(_text(signal.device_id) + _texts(signal.channels))
                self._sha.update(signal.grams.astype("<f4", copy=False).tobytes())
            case PoseFrame():
                self._sha.update(b"P" + struct.pack("<qq", signal.at_ns, len(signal.people)))
                for person in signal.people:
                    self._sha.update(_text(person.track_id) + _text(person.state))
                    self._sha.update(person.joints_m.astype("<f4", copy=False).tobytes())
                    self._sha.update(person.scores.astype("<f4", copy=False).tobytes())
            case IdentityTold():
                self._sha.update(b"I" + struct.pack("<qqd", signal.at_ns, signal.since_ns, signal.probability))
                self._sha.update(_text(signal.kind) + _text(signal.before) + _text(signal.after))
            case TagRead():
                phase = b"\0" if signal.phase_rad is None else b"\1" + struct.pack("<d", signal.phase_rad)
                self._sha.update(b"T" + struct.pack("<qd", signal.at_ns, signal.rssi_dbm) + phase)
                self._sha.update(_text(signal.antenna_id) + _text(signal.tag_id))
            case CodeRead():
                self._sha.update(b"C" + struct.pack("<qq", signal.at_ns, signal.party_size))
                self._sha.update(_text(signal.gate_id) + _text(signal.account) + _text(signal.role))
                if signal.code_id or signal.way != "code":
                    self._sha.update(b"E" + _text(signal.code_id) + _text(signal.way))
            case ClockTick():
                self._sha.update(b"K" + struct.pack("<q", signal.at_ns))
            case Overheard():
                self._sha.update(
                    b"O" + struct.pack("<qqqq?", signal.at_ns, signal.after, signal.version, signal.seq, signal.earlier)
                )
                parts = (signal.key, signal.source, signal.kind, signal.payload, signal.caused_by)
                self._sha.update(b"".join(map(_text, (*parts, signal.store_id, signal.layout_version))))
            case _:
                assert_never(signal)

    def recording_id(self, staff: Sequence[str]) -> str:
        """The id of everything added so far; the order in which staff are listed does not matter."""
        whole = self._sha.copy()
        whole.update(b"S" + struct.pack("<q", len(staff)) + b"".join(map(_text, sorted(staff))))
        return whole.hexdigest()


def recording_id(store: Store, staff: Sequence[str], signals: Iterable[Signal]) -> str:
    """The id of a whole recording."""
    content = ContentHash(store)
    for signal in signals:
        content.add(signal)
    return content.recording_id(staff)


@functools.lru_cache(maxsize=256)
def _texts(values: tuple[str, ...]) -> bytes:
    """A device sends the same channels in every batch."""
    return b"".join(map(_text, values))


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<q", len(raw)) + raw
