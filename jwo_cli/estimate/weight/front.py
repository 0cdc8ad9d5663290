"""The weight half of the front end: batches of samples in, settled changes, touches and faults out.

`feed` returns what is known now; `advance` lets devices that fell silent be given up by the other streams' time;
`close` ends everything. What is returned together is in order of time. `settled_ns` is the time before which nothing
more will be reported. A device that is `awaited` is missed from when it was heard last, also where that was never; any
other one is unknown until it speaks.

Whoever sends it, what is told of one scale's plates is a stream of its own, and a plate belongs to one stream: that of
whoever told of it first and did not fall silent. So a gateway may speak for scales, and what two tell counts once.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import Awaited, WeightBatch
from jwo_cli.estimate.weight.device import Device, ShelfSlot
from jwo_cli.estimate.weight.events import Change, Event, Touch, order
from jwo_cli.estimate.weight.faults import Episodes
from jwo_cli.estimate.weight.shelf import Group
from jwo_cli.estimate.weight.stream import Stream, plates_on
from jwo_cli.model.layout import Store
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


class WeightFront:
    """Weight changes of a whole store from its devices' batches, as they come."""

    def __init__(self, store: Store, *, awaited: Sequence[Awaited] = ()) -> None:
        self._store = store
        self._faults = Episodes()
        self._scale_of = {plate.channel: plate.device_id for _, _, plate in store.plates().values()}
        self._streams: dict[str, Stream] = {}
        for item in awaited:
            channels = [channel for channel, scale in self._scale_of.items() if scale == item.device_id]
            self._streams[item.device_id] = self._missed(item.device_id, item.heard_ns, channels)
        self._told: dict[tuple[str, str], list[Stream]] = {}  # (sender, scale) -> its messages, by what they tell of
        self._sent: Counter[str] = Counter()  # sender -> its messages, one for each stream that is in them
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
        """Take one message of one device: of its own plates, or of those that it speaks for."""
        if len(batch.grams) == 0:
            return ()
        self._now_ns = max(self._now_ns, batch.end_ns)
        scales: dict[str, list[str]] = {}
        for channel in batch.channels:
            scales.setdefault(self._scale_of.get(channel, batch.device_id), []).append(channel)
        out: list[Event] = []
        for scale, channels in scales.items():
            for stream in self._tellers(batch, scale, channels, out):
                if stream.given_up:
                    self._faults.end(stream.device_id, FaultKind.GAP, until_ns=batch.end_ns)
                stream.given_up = False
                stream.seen_ns = max(stream.seen_ns, batch.end_ns)
                rounds = self._rounds(stream, batch.device_id)
                out += self._events(stream, self._take(stream, stream.hear(batch.rate_hz).push(batch, rounds=rounds)))
        return tuple(sorted([*out, *self._faults.take(self._now_ns)], key=order))

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

    def _rounds(self, stream: Stream, sender: str) -> float:
        """How often others spoke on average since a stream's last message; infinite where there are none.

        What is lost on the way is lost for all that one sender speaks for: its own messages tell nothing of that.
        """
        others = sum(one.teller is not None and one.teller[0] != sender for one in self._streams.values())
        heard, self._sent[sender] = self._sent.total() - self._sent[sender], self._sent[sender] + 1
        since, stream.others = heard - stream.others, heard
        return since / others if others else math.inf

    def _tellers(self, batch: WeightBatch, scale: str, channels: Sequence[str], out: list[Event]) -> list[Stream]:
        """The streams to which these channels of a message belong, that which begins with it included."""
        told = self._told.setdefault((batch.device_id, scale), [])
        new = [name for name in channels if name in self._scale_of and not any(name in one.channels for one in told)]
        if new or not told:
            free = self._free(batch, new or channels, out)
            if free:
                told.append(self._began(batch, scale, free))
        return [stream for stream in told if any(name in stream.channels for name in channels)]

    def _free(self, batch: WeightBatch, channels: Sequence[str], out: list[Event]) -> list[str]:
        """Of these channels those of which nobody else tells; who fell silent does not, and is told to the end (`out`).

        Levels of another sender are other numbers: what happened between the two is missing evidence.
        """
        free = [channel for channel in channels if channel in self._scale_of]
        if not free:  # of no plate: they are whoever's that sends them
            return list(channels)
        for name, stream in list(self._streams.items()):
            if stream.teller is None or stream.channels.keys().isdisjoint(free):
                continue
            if batch.end_ns - stream.seen_ns > SILENT_NS:
                out += self._events(stream, self._take(stream, stream.flush()) + stream.finish())
                self._told[stream.teller].remove(stream)
                missed = self._streams[name] = self._missed(name, stream.seen_ns, stream.channels)
                missed.given_up, missed.silent_ns = stream.given_up, stream.silent_ns
                continue
            free = [channel for channel in free if channel not in stream.channels]
            first, scale = stream.teller
            other = first if batch.device_id == scale else batch.device_id  # a scale is not to blame for its own word
            note = f"{first} and {batch.device_id} tell of the same plates of {scale}: {first} is heard"
            self._faults.add(batch.end_ns, other, FaultKind.DUPLICATE, note=note, goes_on=True)
        return [channel for channel in channels if channel in free or channel not in self._scale_of] if free else []

    def _began(self, batch: WeightBatch, scale: str, channels: Sequence[str]) -> Stream:
        """Somebody begins to tell of these channels of a scale: they are missed no more, the rest is plate by plate."""
        begin_ns = batch.end_ns - round(len(batch.grams) * NS_PER_S / batch.rate_hz)
        for name, stream in list(self._streams.items()):
            if stream.teller is None and not stream.channels.keys().isdisjoint(channels):
                self._silent(stream, begin_ns, last=True)
                del self._streams[name]
                if stream.given_up:
                    self._faults.end(name, FaultKind.GAP, until_ns=batch.end_ns)
                for plate in plates_on(self._store, stream.channels.keys() - set(channels))[0]:
                    alone = self._missed(plate.plate_id, stream.seen_ns, [plate.channel])
                    alone.silent_ns = stream.silent_ns
                    self._streams[plate.plate_id] = alone
        names = itertools.chain((scale, batch.device_id), (f"{scale} {number}" for number in itertools.count(2)))
        name = next(name for name in names if name not in self._streams)
        stream = self._streams[name] = self._missed(name, batch.end_ns, channels)
        stream.teller = (batch.device_id, scale)
        return stream

    def _missed(self, device_id: str, seen_ns: int, channels: Collection[str]) -> Stream:
        return Stream(device_id, seen_ns, channels, self._store, self._faults)

    def _take(self, stream: Stream, parts: list[NDArray[np.float32]]) -> list[tuple[ShelfSlot, Group]]:
        if parts and stream.grid is not None:
            stream.times.add(stream.grid.count - 1, stream.grid.time_ns(stream.grid.count - 1))
        return stream.take(parts)

    def _events(self, stream: Stream, found: list[tuple[ShelfSlot, Group]]) -> tuple[Event, ...]:
        if stream.device is not None:
            self._plate_faults(stream, stream.device)
        events: list[Event] = [event for slot, group in found if (event := _event(stream, slot, group)) is not None]
        events += self._faults.take(self._now_ns)
        return tuple(sorted(events, key=order))

    def _silent(self, stream: Stream, now_ns: int, *, last: bool = False) -> None:
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

    def _plate_faults(self, stream: Stream, device: Device) -> None:
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

    def _blinded(self, stream: Stream, plate_id: str, begin_ns: int, end_ns: int) -> None:
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


def _ms(ns: float) -> int:
    return round(ns / NS_PER_MS) * NS_PER_MS


def _event(stream: Stream, slot: ShelfSlot, group: Group) -> Change | Touch | None:
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
