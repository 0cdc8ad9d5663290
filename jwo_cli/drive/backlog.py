"""What comes late after a break is put back in order before anybody looks at it.

A source whose devices keep what they measured (`Resending`) gives it again after its connection, or the store itself,
was away: each device's in order, but one device after the other. A front end that took it as it comes would have passed
by the first device's present before it heard of the second one's past. So while such a source may give something of the
past all signals wait here, for a while that is bounded, and go on in the order in which they were captured.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jwo_cli.estimate.signals import CodeRead, Signal
from jwo_cli.recordings import captured_ns

AWAY_S = 15.0  # a break that lasts longer costs evidence: the store goes on without
CATCH_UP_S = 6.0  # after a connection: a device that has not come up to the present by then is late
MOST = 200_000  # signals
MOST_S = 30.0  # nothing waits longer, whoever lags: a break with its connections twice over


@runtime_checkable
class Resending(Protocol):
    """A source that can give again what it is not told to be safe."""

    @property
    def name(self) -> str:
        """The source's name."""

    def begin(self, *, since_ns: int, resumed: bool) -> None:
        """A run begins: what was captured before `since_ns` is none of its business. Resumed: the past comes first."""

    def safe(self, taken: int, until_ns: int) -> None:
        """Of the first `taken` things that the source gave, all that was captured until then is safe."""


class Backlog:
    """Signals on their way to the front end; most of the time they pass through."""

    def __init__(self) -> None:
        self._held: list[Signal] = []
        self._until_s: float | None = None
        self._began_s = 0.0  # when the first of those that wait began to

    @property
    def holding(self) -> bool:
        """Whether signals wait."""
        return self._until_s is not None

    @property
    def entering(self) -> int:
        """How many entries at doors wait here: people whom the front end does not know yet."""
        return sum(isinstance(signal, CodeRead) for signal in self._held)

    def expect(self, seconds: float, now_s: float) -> None:
        """Something of the past may come for so long, but for MOST_S at most since it was expected first; 0 when it
        has come. `now_s` is monotonic.
        """
        if self._until_s is None:
            self._began_s = now_s
        self._until_s = min(now_s + seconds, self._began_s + MOST_S) if seconds > 0 or self._held else None

    def take(self, signal: Signal, now_s: float) -> list[Signal]:
        """One more signal; what may go on now, in order."""
        if self._until_s is None:
            return [signal]
        self._held.append(signal)
        return self.due(now_s)

    def due(self, now_s: float) -> list[Signal]:
        """What may go on now, in order of capture."""
        if self._until_s is None or (now_s < self._until_s and len(self._held) < MOST):
            return []
        self._until_s = None
        held, self._held = self._held, []
        return sorted(held, key=captured_ns)
