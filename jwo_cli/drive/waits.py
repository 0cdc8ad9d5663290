"""When a call that was not answered is made again, and what of that people are told.

Waits double, with jitter, so that a provider that comes back is not met by everybody at once. Who keeps silent for a
while is told, and what cannot be carried at all at once.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

TOLD_AFTER = 8  # so often in a row nobody answered before people are told


@dataclass(slots=True)
class _Wait:
    at_s: float = 0.0
    failures: int = 0
    trouble: str = ""  # why it cannot be carried, for people


class Waits:
    """The waits of calls, by names that their caller gives them. Times are seconds of the monotonic clock."""

    def __init__(self, *, first_s: float, longest_s: float, jitter: random.Random) -> None:
        self._first_s, self._longest_s, self._jitter = first_s, longest_s, jitter
        self._of: dict[str, _Wait] = {}

    @property
    def trouble(self) -> str:
        """Why one of them is not carried, for people; empty while all goes well."""
        return next(iter(self.troubles().values()), "")

    def troubles(self) -> dict[str, str]:
        """Call -> why it is not carried."""
        return {call: wait.trouble for call, wait in self._of.items() if wait.trouble}

    def calls(self) -> list[str]:
        """All that were made and are not forgotten."""
        return list(self._of)

    def ripe(self, call: str) -> bool:
        """Whether it may be made now."""
        return self._wait(call).at_s <= time.monotonic()

    def soonest_s(self) -> float:
        """In how many seconds the next is ripe; at most a minute."""
        now_s = time.monotonic()
        return min((wait.at_s - now_s for wait in self._of.values() if wait.at_s > now_s), default=60.0)

    def answered(self, call: str, *, again_s: float, trouble: str = "") -> None:
        """There was an answer; it is asked about again in a while."""
        wait = self._wait(call)
        wait.failures, wait.at_s, wait.trouble = 0, time.monotonic() + again_s, trouble

    def unanswered(self, call: str, error: Exception) -> None:
        """Full jitter: anything up to a bound that doubles (https://aws.amazon.com/builders-library, back-off)."""
        wait = self._wait(call)
        bound = min(self._first_s * 2**wait.failures, self._longest_s)
        wait.failures = min(wait.failures + 1, 30)
        wait.at_s = time.monotonic() + self._jitter.uniform(0.1, 1.0) * bound
        if wait.failures >= TOLD_AFTER:
            wait.trouble = f"the provider does not answer: {error}"

    def failed(self, call: str, trouble: str) -> None:
        """It cannot be carried, for a reason that a person has to mend."""
        wait = self._wait(call)
        wait.at_s, wait.trouble = time.monotonic() + self._longest_s, trouble

    def forget(self, call: str) -> None:
        """It is made no more."""
        self._of.pop(call, None)

    def _wait(self, call: str) -> _Wait:
        return self._of.setdefault(call, _Wait())
