"""One device's messages put on its own sample grid: reordered within a second, doubles dropped, holes left as holes.

The grid counts samples, it does not trust single time stamps (they jitter by +-15 ms against the converter's clock):
a message that continues its predecessor within half a message is contiguous, whatever its stamp says. The grid's clock
follows the stamps slowly. A stamp that falls on samples that exist already with other content is a clock set back; the
grid then goes on counting. A message that is early waits up to a second for those before it, then the hole is real.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.estimate.weight.faults import Episodes
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S

Grams = NDArray[np.float32]

HOLD_NS = NS_PER_S  # how long a message waits for its predecessors
REMEMBERED = 16  # messages kept to recognise doubles
FOLLOW = 0.02  # share of a stamp's error that the grid's clock takes over: time constant 50 messages
LONGEST_HOLE_S = 20.0  # a longer hole is laid out as this long: levels before it say little anyway
LEAP_NS = 30 * NS_PER_S
FEW_ROUNDS = 1.5  # fewer messages than this from each other device: nothing can have been lost in between
LARGEST_JUMP_NS = 350_000_000  # stamps that go further ahead than this are a hole in any case


class Grid:
    """Samples [n, channels] of one device in order, and the capture time of each."""

    def __init__(self, device_id: str, channels: tuple[str, ...], rate_hz: float, faults: Episodes) -> None:
        self.device_id = device_id
        self.channels = channels
        self.rate_hz = rate_hz
        self.period_ns = NS_PER_S / rate_hz
        self.count = 0  # samples laid out so far
        self.newest_ns = 0  # newest stamp seen, corrected
        self._faults = faults
        self._last_ns = 0.0  # capture time of sample count - 1
        self._shift_ns = 0  # added to stamps since the device's clock jumped
        self._waiting: list[tuple[int, float, Grams]] = []  # (corrected stamp, rounds, samples) of early messages
        self._holes: list[tuple[float, float]] = []  # holes that were given up
        self._seen: list[tuple[int, bytes]] = []  # (stamp, content) of the last messages
        self._leapt: tuple[int, Grams] | None = None  # a message whose stamp is far off

    def time_ns(self, index: float) -> float:
        """Capture time of a sample by its index (fractions allowed)."""
        return self._last_ns + (index - (self.count - 1)) * self.period_ns

    def push(self, batch: WeightBatch, *, rounds: float) -> list[Grams]:
        """Take one message; return what is now in order, holes as NaN rows.

        `rounds` is how many messages the other devices sent on average since this device's last one: about one, and
        one more per message lost on the way. It tells a hole from a clock set forward (infinite for a lone device).
        """
        grams = self._columns(batch)
        key = (batch.end_ns, grams.tobytes())
        if key in self._seen:
            self._faults.add(batch.end_ns, self.device_id, FaultKind.DUPLICATE)
            return []
        if self.count == 0 and not self._seen:
            self._last_ns = batch.end_ns - len(grams) * self.period_ns
        self._seen = [*self._seen[1 - REMEMBERED :], key]
        out: list[Grams] = []
        for stamp_ns, samples in self._believed(batch.end_ns, grams):
            out += self._take(stamp_ns, rounds, samples)
        return out

    def flush(self, now_ns: int) -> list[Grams]:
        """Stop waiting for messages that should have come a second before `now_ns`."""
        return self._drain(now_ns)

    def _believed(self, end_ns: int, grams: Grams) -> list[tuple[int, Grams]]:
        """The message, if its stamp can be true: a leap is believed when the next message makes it too."""
        leapt, self._leapt = self._leapt, None
        if abs(end_ns + self._shift_ns - self._expected(grams)) <= LEAP_NS:
            if leapt is not None:
                self._faults.add(leapt[0], self.device_id, FaultKind.DISORDER, note="stamp far off")
            return [(end_ns, grams)]
        if leapt is not None and abs(end_ns - leapt[0]) <= LEAP_NS:
            return [leapt, (end_ns, grams)]
        self._leapt = (end_ns, grams)
        return []

    def _take(self, stamp_ns: int, rounds: float, grams: Grams) -> list[Grams]:
        end_ns = stamp_ns + self._shift_ns
        if end_ns - self._expected(grams) < -self._half_ns(grams):
            return self._past(stamp_ns, grams)
        if self._waiting and end_ns < self._waiting[-1][0]:
            self._faults.add(stamp_ns, self.device_id, FaultKind.DISORDER)
        self._waiting.append((end_ns, rounds, grams))
        self._waiting.sort(key=lambda item: item[0])
        self.newest_ns = max(self.newest_ns, end_ns)
        return self._drain(self.newest_ns)

    def _columns(self, batch: WeightBatch) -> Grams:
        grams = np.ascontiguousarray(batch.grams, dtype=np.float32)
        if batch.channels == self.channels:
            return grams
        known = {name: column for column, name in enumerate(batch.channels)}
        out = np.full((len(grams), len(self.channels)), np.nan, dtype=np.float32)
        for column, name in enumerate(self.channels):
            if name in known:
                out[:, column] = grams[:, known[name]]
        return out

    def _expected(self, grams: Grams) -> float:
        return self._last_ns + len(grams) * self.period_ns

    def _half_ns(self, grams: Grams) -> float:
        return max(0.5 * len(grams), 1.0) * self.period_ns

    def _past(self, stamp_ns: int, grams: Grams) -> list[Grams]:
        """A stamp on samples that are laid out already: a repeat, a message that came too late, or a clock set back."""
        if any(content == grams.tobytes() for _, content in self._seen[:-1]):
            self._faults.add(stamp_ns, self.device_id, FaultKind.DUPLICATE)
            return []
        middle_ns = stamp_ns + self._shift_ns - 0.5 * len(grams) * self.period_ns
        if self._waiting or any(begin <= middle_ns <= end for begin, end in self._holes):
            self._faults.add(stamp_ns, self.device_id, FaultKind.DISORDER, note="too late to be used")
            return []
        back_ns = round(self._expected(grams)) - stamp_ns - self._shift_ns
        self._clock(stamp_ns, back_ns)
        if any(abs(end - begin - back_ns) < self._half_ns(grams) for begin, end in self._holes):
            # The hole was no hole: the clock had gone ahead by as much and is right again now.
            self._shift_ns -= back_ns
            self._last_ns -= back_ns
        return self._place(stamp_ns + self._shift_ns, grams)

    def _clock(self, at_ns: int, by_ns: int) -> None:
        self._shift_ns += by_ns
        self._faults.add(at_ns, self.device_id, FaultKind.CLOCK, note=f"stamps jumped by {-by_ns / 1e6:+.0f} ms")

    def _drain(self, now_ns: int) -> list[Grams]:
        out: list[Grams] = []
        while self._waiting:
            end_ns, rounds, grams = self._waiting[0]
            ahead_ns = end_ns - self._expected(grams)
            if ahead_ns > self._half_ns(grams):
                if now_ns - end_ns < HOLD_NS:
                    break
                if rounds < FEW_ROUNDS and ahead_ns < LARGEST_JUMP_NS:
                    by_ns = -round(ahead_ns)
                    self._clock(end_ns - self._shift_ns, by_ns)
                    self._waiting = [(stamp + by_ns, more, samples) for stamp, more, samples in self._waiting]
                    continue
                out += self._hole(ahead_ns, end_ns - len(grams) * self.period_ns)
            out += self._place(end_ns, grams)
            del self._waiting[0]
        return out

    def _hole(self, ahead_ns: float, until_ns: float) -> list[Grams]:
        missing = round(ahead_ns / self.period_ns)
        begin_ns = self._last_ns
        self._faults.add(
            round(begin_ns), self.device_id, FaultKind.GAP, until_ns=round(until_ns), count=missing, at_once=True
        )
        self._holes = [*self._holes[1 - REMEMBERED :], (begin_ns, until_ns)]
        missing = min(missing, round(LONGEST_HOLE_S * self.rate_hz))
        self._last_ns = until_ns
        self.count += missing
        return [np.full((missing, len(self.channels)), np.nan, dtype=np.float32)]

    def _place(self, end_ns: int, grams: Grams) -> list[Grams]:
        self._last_ns += len(grams) * self.period_ns
        self._last_ns += FOLLOW * len(grams) / 12 * (end_ns - self._last_ns)
        self.count += len(grams)
        return [grams]
