"""What is held on cards: a hold that was neither taken nor let go of once its visit is over is let go of again.

What takes or lets go of a hold may fail where the provider fails, or come too early for a hold that is done late. Money
that nobody asks for must not stay held, so such a hold is due to be let go of until it is, or a person has to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jwo_cli.model.paying import MethodProblem, PaymentDue, PaymentOutcome, PaymentPurpose
from jwo_cli.model.units import NS_PER_S

from .bills import DueState
from .door_holds import let_go


@dataclass(slots=True)
class Hold:
    """An authorisation and what was to end it, in order. `over` says that something was, also where it is forgotten."""

    asked: DueState
    ends: list[DueState] = field(default_factory=list)
    over: bool = False

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return not self.asked.final or any(not item.final for item in self.ends)

    @property
    def endless(self) -> bool:
        """Whether it is held, and nothing was to end it yet: the shopper is inside, or was forgotten there."""
        return self.asked.outcome is PaymentOutcome.DONE and not self.over and not self.ends

    @property
    def left(self) -> bool:
        """Whether the money is still held although all that was to end that has its answer."""
        held = self.asked.outcome is PaymentOutcome.DONE and bool(self.over or self.ends)
        return held and not any(not item.final or item.outcome is PaymentOutcome.DONE for item in self.ends)

    def renewed(self, now_ns: int) -> PaymentDue:
        """The next try to let go of it."""
        tried = [item.due.attempt for item in self._tries()]
        return let_go(self.asked.due, now_ns, attempt=1 + max(tried, default=0))

    def next_ns(self, delays_s: tuple[int, ...]) -> int | None:
        """When that is due: at once, after a failure of the provider's by its policy; None: a person has to do it."""
        last_ns = max(item.answered_ns for item in (self.asked, *self.ends))
        failed = [item for item in self._tries() if item.code != MethodProblem.NOT_AUTHORISED]
        if not failed:
            return last_ns
        return last_ns + delays_s[len(failed) - 1] * NS_PER_S if len(failed) <= len(delays_s) else None

    def _tries(self) -> list[DueState]:
        return [item for item in self.ends if item.due.purpose is PaymentPurpose.CANCEL]
