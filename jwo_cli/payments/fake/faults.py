"""What can go wrong at a provider, scripted: one fault for the next call, or rates by a seed.

A fault hits calls that change something; lists are always true. `error_kept` is Stripe's own behaviour: a 500 is kept
under the idempotency key and comes again, whether the money moved (`error_kept_after`) or not (`error_kept_before`).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum

from jwo_cli.model.findings import UserError


class Fault(StrEnum):
    """What happens to a call."""

    DECLINE = "decline"  # the bank says no
    TIMEOUT = "timeout"  # done, but nothing is answered in time
    DROP_BEFORE = "drop_before"  # the connection breaks, nothing was done
    DROP_AFTER = "drop_after"  # done, and the connection breaks
    ERROR_BEFORE = "error_before"  # 500, nothing was done, not kept
    ERROR_AFTER = "error_after"  # done, answered 500; the same key then brings the true answer
    ERROR_KEPT_BEFORE = "error_kept_before"  # 500 for ever under this key, nothing was done
    ERROR_KEPT_AFTER = "error_kept_after"  # done, but 500 for ever under this key


class Faults:
    """The script: `queue` first, then `rates` (fault -> share of calls) drawn by `seed`."""

    def __init__(self, rates: Mapping[Fault, float] | None = None, *, seed: int = 0) -> None:
        self.rates = dict(rates or {})
        self.queue: deque[Fault] = deque()
        self._random = random.Random(seed)  # noqa: S311 - a script of faults, not a secret

    def next(self) -> Fault | None:
        """The fault that hits this call, None for none."""
        if self.queue:
            return self.queue.popleft()
        draw = self._random.random()
        for fault, share in self.rates.items():
            if draw < share:
                return fault
            draw -= share
        return None


def read_rates(texts: Sequence[str]) -> dict[Fault, float]:
    """`decline=0.1` as a share of calls. Raises UserError for an unknown fault, or shares above 1 together."""
    rates: dict[Fault, float] = {}
    for text in texts:
        name, _, share = text.partition("=")
        try:
            rates[Fault(name)] = float(share)
        except ValueError:
            known = ", ".join(fault.value for fault in Fault)
            raise UserError(f"{text!r} is no fault and its share", fix=f"Write NAME=SHARE; faults: {known}.") from None
    if any(share < 0 for share in rates.values()) or sum(rates.values()) > 1:
        raise UserError("the faults' shares are not from 0 to 1 together", fix="Lower them.")
    return rates
