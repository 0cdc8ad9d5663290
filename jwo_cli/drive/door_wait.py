"""At the door, while the bank is asked: who waits for which hold, and what the provider's word, or its silence, means.

The decision that a code is good takes no network and no time; only then is the bank asked, and the door waits so long
as the settings say and no longer. A bank that says no, or wants its customer, keeps the door shut. A provider that
says nothing in time decides nothing: the settings do (by default the door opens, as it would without holding money).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jwo_cli.drive.arrival import granted
from jwo_cli.drive.fold import Done
from jwo_cli.model.entering import EntryRefused, Refusal, Role
from jwo_cli.model.paying import MethodProblem, PaymentAnswered, PaymentDue, PaymentOutcome
from jwo_cli.model.staffing import BankWord, EntryGranted, EntryPending
from jwo_cli.shop.gatekeeper import Admitted

# The provider failed, or we did: nothing about the shopper.
_NOT_THEIRS = (MethodProblem.PROVIDER_ERROR, MethodProblem.KEY_REUSED)
Word = EntryGranted | EntryRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRules:
    """How long a door waits for the bank (0: it does not), and whether it opens when nobody answers."""

    wait_s: float = 0.0
    open_unanswered: bool = True


@dataclass(slots=True)
class _Waiting:
    pending: EntryPending
    key: str  # of the hold
    until_s: float


class DoorWait:
    """Whoever waits. `admits` is the house's mode: a store that closes meanwhile lets nobody in."""

    def __init__(self, rules: WaitRules, admits: Callable[[Role], bool]) -> None:
        self._rules, self._admits = rules, admits
        self._waiting: list[_Waiting] = []

    def word(self, admitted: Admitted) -> EntryGranted | EntryPending:
        """What the journal is told of somebody whose code is good: the door opens now, or the bank is asked first."""
        if self._rules.wait_s <= 0 or admitted.role is not Role.SHOPPER:
            return granted(admitted)
        return EntryPending(
            at_ns=admitted.at_ns,
            gate_id=admitted.gate_id,
            account=admitted.account,
            party_size=admitted.party_size,
            code_id=admitted.code_id,
            way=admitted.way,
        )

    def saw(self, done: Done, *, now_ns: int, monotonic_s: float) -> list[Word]:
        """What follows at the door from an observation that was handled."""
        match done.observation:
            case EntryPending():
                return self._begin(done, done.observation, monotonic_s)
            case PaymentAnswered() if done.observation.outcome is not PaymentOutcome.PENDING:
                answer = done.observation
                theirs = [item for item in self._waiting if item.key == answer.key]
                self._waiting = [item for item in self._waiting if item.key != answer.key]
                return [self._answered(item.pending, answer, now_ns) for item in theirs]
            case _:
                return []

    def overdue(self, *, now_ns: int, monotonic_s: float) -> list[Word]:
        """Those who waited long enough."""
        late = [item for item in self._waiting if item.until_s <= monotonic_s]
        self._waiting = [item for item in self._waiting if item.until_s > monotonic_s]
        return [self._unanswered(item.pending, now_ns) for item in late]

    def end(self, *, now_ns: int) -> list[Word]:
        """The store stops: nobody waits any more."""
        waiting, self._waiting = self._waiting, []
        return [refused(item.pending, Refusal.CLOSED, now_ns) for item in waiting]

    def _begin(self, done: Done, pending: EntryPending, monotonic_s: float) -> list[Word]:
        """Somebody waits for the hold that was decided for them, or for the one that their friend waits for.

        Where there is none, money is held for their visit already.
        """
        decided = [caused.decision.key for caused in done.step.decisions if isinstance(caused.decision, PaymentDue)]
        keys = decided or [item.key for item in self._waiting if item.pending.account == pending.account]
        if not keys:
            return [self._open(pending, pending.at_ns, BankWord.NOT_ASKED)]
        self._waiting.append(_Waiting(pending, keys[0], monotonic_s + self._rules.wait_s))
        return []

    def _answered(self, pending: EntryPending, answer: PaymentAnswered, now_ns: int) -> Word:
        if answer.outcome is PaymentOutcome.DONE:
            return self._open(pending, now_ns, BankWord.HELD)
        if answer.code in _NOT_THEIRS:
            return self._unanswered(pending, now_ns)
        if answer.code == MethodProblem.NO_METHOD:  # a store that lets people in without a way to pay
            return self._open(pending, now_ns, BankWord.NOT_ASKED)
        return refused(pending, Refusal.DECLINED, now_ns)

    def _unanswered(self, pending: EntryPending, now_ns: int) -> Word:
        if self._rules.open_unanswered:
            return self._open(pending, now_ns, BankWord.NO_ANSWER)
        return refused(pending, Refusal.NO_ANSWER, now_ns)

    def _open(self, pending: EntryPending, now_ns: int, bank: BankWord) -> Word:
        if not self._admits(Role.SHOPPER):
            return refused(pending, Refusal.CLOSED, now_ns)
        return EntryGranted(
            at_ns=now_ns,
            gate_id=pending.gate_id,
            account=pending.account,
            party_size=pending.party_size,
            code_id=pending.code_id,
            way=pending.way,
            bank=bank,
        )


def refused(pending: EntryPending, refusal: Refusal, now_ns: int) -> EntryRefused:
    """Somebody who waited is not let in; what was held for them is let go of."""
    return EntryRefused(
        at_ns=now_ns, gate_id=pending.gate_id, refusal=refusal, account=pending.account, code_id=pending.code_id
    )
