"""The weight half of the front end: batches of samples in, settled changes, touches and faults out.

`feed` returns what is known now; `advance` lets devices that fell silent be given up by the other streams' time;
`close` ends everything. What is returned together is in order of time. `settled_ns` is the time before which nothing
more will be reported. A device that is `awaited` is missed from when it was heard last, also where that was never; any
other one is unknown until it speaks. Whoever speaks for an awaited one that was never heard, as an edge machine may,
takes its plates over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import Awaited, WeightBatch
from jwo_cli.estimate.weight.device import Device, ShelfSlot, Times
from jwo_cli.estimate.weight.events import Change, Event, Touch, order
from jwo_cli.estimate.weight.faults import Episodes
from jwo_cli.estimate.weight.grid import Grid
from jwo_cli.estimate.weight.shelf import Group
from jwo_cli.model.layout import Plate, Store
from jwo_cli.model.observations import FaultKind, PlateDelta
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

SILENT_NS = 5 * NS_PER_S  # a device that sent nothing for this long is given up until it speaks again
LEAP_NS = 60 * NS_PER_S  # of a silence, what is longer ago than this is told in one piece
LEAST_REAL = 0.02  # changes less likely than this are not worth reporting
REAL_HALF_SIGMAS = 6.5  # this many sigmas are real with even odds: vibration reaches them now and then
REAL_HALF_G = 6.0  # and so is this much, whatever sigma says: slow drift and creep reach a few grams
_BLINDING = (FaultKind.DEAD, FaultKind.STUCK, FaultKind.NAN)  # single spikes are mended, the plate weighs
_SAME_NS = 100 * NS_PER_MS  # blind stretches closer than this follow each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Plates that gave no usable weight from `at_ns` to `until_ns`: what left or arrived then went unfelt."""

    at_ns: int
    until_ns: int
    plates: tuple[str, ...]


class _Stream:
    """One device: its plates and, once it is heard, its grid and the hop that is being filled.

    `channels` are those that it is known to have before it says so.
    """

    def __init__(self, device_id: str, seen_ns: int, channels: Sequence[str], store: Store, faults: Episodes) -> None:
        self.device_id, self._store, self._faults = device_id, store, faults
        self._channels = tuple(channels)
        self.plate_ids = [plate.plate_id for plate in _plates(store, self._channels)[0]]
        self.grid: Grid | None = None
        self.device: Device | None = None
        self.columns: list[int] = []
        self.times = Times()
        self.others = 0  # of all devices when this one last sent
        self.given_up = False
        self.seen_ns = seen_ns
        self.silent_ns = 0  # told to be silent up to here
        self.blind_ns: dict[str, int] = {}  # plate -> told to be blind up to here
        self._parts: list[NDArray[np.float32]] = []
        self._filled = 0

    def hear(self, batch: WeightBatch) -> Grid:
        """Its messages look like this one. A plate that it should have told of and does not is one without numbers."""
        if self.grid is None:
            channels = (*batch.channels, *(name for name in self._channels if name not in batch.channels))
            self.grid = Grid(self.device_id, channels, batch.rate_hz, self._faults)
            plates, slots = _plates(self._store, channels)
            column_of = {name: column for column, name in enumerate(channels)}
            self.plate_ids = [plate.plate_id for plate in plates]
            self.columns = [column_of[plate.channel] for plate in plates]
            self.device = Device(slots, batch.rate_hz) if slots else None
        return self.grid

    def leave(self, channels: Sequence[str]) -> None:
        """Another device tells of these: the rest of what it is known to have stays its own."""
        self._channels = tuple(name for name in self._channels if name not in channels)
        self.plate_ids = [plate.plate_id for plate in _plates(self._store, self._channels)[0]]

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


class WeightFront:
    """Weight changes of a whole store from its devices' batches, as they come."""

    def __init__(self, store: Store, *, awaited: Sequence[Awaited] = ()) -> None:
        self._store = store
        self._faults = Episodes()
        self._streams = {item.device_id: self._stream(item.device_id, item.heard_ns, known=True) for item in awaited}
        self._heard = 0  # devices
        self._messages = 0
        self._now_ns = 0
        self._settled_ns = 0
        self._blind: list[Blind] = []

    @property
    def settled_ns(self) -> int:
        """Nothing before this time will be reported any more (faults excepted); it never falls back."""
        open_ns = [stream.open_ns for stream in self._streams.values()]
        self._settled_ns = max(self._settled_ns, min((ns for ns in open_ns if ns is not None), default=self._now_ns))
        return self._settled_ns

    def settled_of(self, plate_ids: frozenset[str]) -> int | None:
        """Nothing before this time will be reported of these plates any more; None where nothing is awaited."""
        open_ns = [s.open_ns for s in self._streams.values() if not plate_ids.isdisjoint(s.plate_ids)]
        return min((ns for ns in open_ns if ns is not None), default=None)

    def silent_of(self, plate_ids: frozenset[str]) -> int | None:
        """Up to where it is told that devices of these plates were silent; None where all of them are heard."""
        gone = [s for s in self._streams.values() if s.given_up and not plate_ids.isdisjoint(s.plate_ids)]
        return min((max(s.silent_ns, s.seen_ns) for s in gone), default=None)

    def plates_of(self, device_id: str) -> tuple[str, ...]:
        """The plates that a device weighs, as far as that is known."""
        stream = self._streams.get(device_id)
        return () if stream is None else tuple(stream.plate_ids)

    def take_blind(self) -> list[Blind]:
        """Stretches in which plates did not weigh, as far as they were recognised since the last call.

        Gaps after which a device speaks again are not among them: its levels before and after tell. Before its first
        message there are none.
        """
        blind, self._blind = self._blind, []
        return blind

    def feed(self, batch: WeightBatch) -> tuple[Event, ...]:
        """Take one message of one device."""
        if len(batch.grams) == 0:
            return ()
        stream = self._streams.get(batch.device_id)
        if stream is None:
            stream = self._streams[batch.device_id] = self._stream(batch.device_id, batch.end_ns)
        if stream.grid is None:
            self._heard += 1
            begin_ns = batch.end_ns - round(len(batch.grams) * NS_PER_S / batch.rate_hz)
            self._silent(stream, begin_ns, last=True)
            self._spoken_for(batch, begin_ns)
        others = self._heard - 1
        rounds = (self._messages - stream.others) / others if others else math.inf
        self._messages += 1
        stream.others = self._messages
        if stream.given_up:
            self._faults.end(batch.device_id, FaultKind.GAP, until_ns=batch.end_ns)
        stream.given_up = False
        stream.seen_ns = max(stream.seen_ns, batch.end_ns)
        self._now_ns = max(self._now_ns, batch.end_ns)
        return self._events(stream, self._take(stream, stream.hear(batch).push(batch, rounds=rounds)))

    def advance(self, now_ns: int) -> tuple[Event, ...]:
        """The other streams have come to `now_ns`: stop waiting for what should have come long before."""
        self._now_ns = max(self._now_ns, now_ns)
        out: list[Event] = []
        for stream in self._streams.values():
            if stream.given_up:
                self._silent(stream, now_ns)
                continue
            found = self._take(stream, stream.flush(now_ns))
            if now_ns - stream.seen_ns > SILENT_NS:
                found += stream.finish()
                stream.given_up = True
                self._faults.begin(stream.seen_ns, stream.device_id, FaultKind.GAP, note="silent")
                self._silent(stream, now_ns)
            out += self._events(stream, found)
        return tuple(sorted(out, key=order))

    def close(self) -> tuple[Event, ...]:
        """The stream ended."""
        out: list[Event] = []
        for stream in self._streams.values():
            found = self._take(stream, stream.flush())
            out += self._events(stream, found + stream.finish())
        out += self._faults.take(self._now_ns, all_of_them=True)
        return tuple(sorted(out, key=order))

    def _stream(self, device_id: str, seen_ns: int, *, known: bool = False) -> _Stream:
        plates = (plate for _, _, plate in self._store.plates().values()) if known else ()
        channels = [plate.channel for plate in plates if plate.device_id == device_id]
        return _Stream(device_id, seen_ns, channels, self._store, self._faults)

    def _spoken_for(self, batch: WeightBatch, begin_ns: int) -> None:
        """Plates of awaited scales that were never heard, and of which another device tells, are missed no more."""
        told = {plate.plate_id for plate in _plates(self._store, batch.channels)[0]}
        for stream in list(self._streams.values()):
            if stream.grid is not None or stream.device_id == batch.device_id or told.isdisjoint(stream.plate_ids):
                continue
            self._silent(stream, begin_ns, last=True)
            stream.leave(batch.channels)
            if not stream.plate_ids:
                del self._streams[stream.device_id]
                if stream.given_up:
                    self._faults.end(stream.device_id, FaultKind.GAP, until_ns=batch.end_ns)

    def _take(self, stream: _Stream, parts: list[NDArray[np.float32]]) -> list[tuple[ShelfSlot, Group]]:
        if parts and stream.grid is not None:
            stream.times.add(stream.grid.count - 1, stream.grid.time_ns(stream.grid.count - 1))
        return stream.take(parts)

    def _events(self, stream: _Stream, found: list[tuple[ShelfSlot, Group]]) -> tuple[Event, ...]:
        if stream.device is not None:
            self._plate_faults(stream, stream.device)
        events: list[Event] = [event for slot, group in found if (event := _event(stream, slot, group)) is not None]
        events += self._faults.take(self._now_ns)
        return tuple(sorted(events, key=order))

    def _silent(self, stream: _Stream, now_ns: int, *, last: bool = False) -> None:
        """All plates of a silent device are blind; second by second, however often this is asked, or up to its end."""
        while stream.plate_ids:
            begin_ns = max(stream.silent_ns, stream.seen_ns)
            end_ns = stream.seen_ns + SILENT_NS if begin_ns == stream.seen_ns else begin_ns + NS_PER_S
            end_ns = max(end_ns, now_ns - LEAP_NS)  # time leaps where a clock is set
            end_ns = min(end_ns, now_ns) if last else end_ns
            if end_ns > now_ns or end_ns <= begin_ns:
                return
            self._blind.append(Blind(at_ns=begin_ns, until_ns=end_ns, plates=tuple(stream.plate_ids)))
            stream.silent_ns = end_ns

    def _plate_faults(self, stream: _Stream, device: Device) -> None:
        for kind, plate, first, count in device.faults:
            end = first + device.hop
            begin = min(first, end - count)
            if kind in _BLINDING and 2 * count >= device.hop:
                self._blinded(
                    stream, stream.plate_ids[plate], _ms(stream.times.at(begin)), _ms(stream.times.at(end - 1))
                )
            self._faults.add(
                _ms(stream.times.at(begin)),
                stream.plate_ids[plate],
                kind,
                until_ns=_ms(stream.times.at(end - 1)),
                count=min(count, device.hop) if kind is not FaultKind.SPIKING else count,
                goes_on=True,
            )
        device.faults.clear()

    def _blinded(self, stream: _Stream, plate_id: str, begin_ns: int, end_ns: int) -> None:
        """One plate's stretch; what was told of it already is left out, stretches of one hop are one."""
        told_ns = stream.blind_ns.get(plate_id)
        if told_ns is not None and begin_ns < told_ns + _SAME_NS:
            begin_ns = told_ns
        if begin_ns >= end_ns:
            return
        stream.blind_ns[plate_id] = end_ns
        last = self._blind[-1] if self._blind else None
        if last is not None and (last.at_ns, last.until_ns) == (begin_ns, end_ns):
            self._blind[-1] = Blind(at_ns=begin_ns, until_ns=end_ns, plates=(*last.plates, plate_id))
        else:
            self._blind.append(Blind(at_ns=begin_ns, until_ns=end_ns, plates=(plate_id,)))


def _plates(store: Store, channels: Sequence[str]) -> tuple[list[Plate], tuple[ShelfSlot, ...]]:
    """The layout's plates on these channels, shelf by shelf, and where each shelf's are among them."""
    plates: list[Plate] = []
    slots: list[ShelfSlot] = []
    for _, shelf in store.shelves():
        present = [plate for plate in shelf.plates if plate.channel in channels]
        if present:
            slots.append(ShelfSlot(shelf_id=shelf.shelf_id, first=len(plates), last=len(plates) + len(present) - 1))
            plates += present
    return plates, tuple(slots)


def _ms(ns: float) -> int:
    return round(ns / NS_PER_MS) * NS_PER_MS


def _event(stream: _Stream, slot: ShelfSlot, group: Group) -> Change | Touch | None:
    begin, end = _ms(stream.times.at(group.begin)), _ms(stream.times.at(group.end))
    if group.touch:
        main = max(group.steps, key=lambda s: abs(s.peak_g))
        return Touch(
            at_ns=_ms(stream.times.at(main.main)),
            begin_ns=begin,
            end_ns=end,
            shelf_id=slot.shelf_id,
            plates=tuple(stream.plate_ids[plate] for plate in sorted({step.plate for step in group.steps})),
            peak_g=round(main.peak_g, 2),
        )
    # A rest without one good sample has no level: its plate says nothing about this change.
    deltas = tuple(item for item in group.deltas if math.isfinite(item[1]) and math.isfinite(item[2]))
    if not deltas:
        return None
    real = probability_real(deltas)
    if real < LEAST_REAL:
        return None
    main = max(group.steps, key=lambda s: abs(s.delta_g))
    # Goods are in the hand when a slow lift ends, not half way.
    moment = main.course[2] if main.delta_g < 0 else main.main
    return Change(
        at_ns=min(max(_ms(stream.times.at(moment)), begin), end),
        begin_ns=begin,
        end_ns=end,
        shelf_id=slot.shelf_id,
        plates=tuple(
            PlateDelta(plate_id=stream.plate_ids[plate], delta_g=round(delta, 2), sigma_g=max(0.01, round(sigma, 2)))
            for plate, delta, sigma in deltas
        ),
        real=real,
        steps=max(1, *(step.lifts for step in group.steps)),
    )


def probability_real(deltas: tuple[tuple[int, float, float], ...]) -> float:
    """Probability that a change of these (plate, grams, sigma) is more than noise, drift or goods nudged along."""
    total = abs(sum(delta for _, delta, _ in deltas))
    sigma = math.sqrt(sum(sigma * sigma for _, _, sigma in deltas))
    by_noise = 1.0 * (total / max(sigma, 1e-6) - REAL_HALF_SIGMAS)
    by_size = 0.8 * (total - REAL_HALF_G)
    return round(1 / (1 + math.exp(-max(min(by_noise, by_size), -50.0))), 4)
