"""The outbox: dues that the journal holds go to the provider, and its answers come back as observations, once each.

1. A due is in the journal before anybody calls. The call carries the due's key, and is repeated with it until there is
   an answer; then the answer is committed. A process that dies in between finds the due open, and asks again.
2. Whether an answer is new, and what is tried again, is decided under the journal's own write lock, after reading what
   others appended: a call, a webhook and a second process may all bring it, and one entry is made.
3. Only dues of a running store are carried (`paying.CHARGED_SOURCE`); those of replays and shadows never are.
4. What is refused is tried again as `shop.payments` says; each new try is a due of its own, in the journal first.
5. A charge waits for what lets go of money on its card. Where nobody answers about that for a while (`waits`), it is
   asked for once more right before the charge, and the charge is made where somebody answers, and not about that.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jwo_cli.drive.dues import follow, recall
from jwo_cli.drive.waits import Waits
from jwo_cli.journal import Intake
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entry import REPLAYED, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import (
    CHARGED_SOURCE,
    PaymentAnswered,
    PaymentDisputed,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
)
from jwo_cli.model.units import NS_PER_S
from jwo_cli.payments import gateway
from jwo_cli.payments.disputes import new_steps
from jwo_cli.payments.provider import Answer, DisputeNews, Event, Provider, UnavailableError
from jwo_cli.shop.bills import DueState
from jwo_cli.shop.payments import PaymentBook, RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings:
    """How patient the outbox is. Times are seconds; `return_url` is where the shopper comes back to from a link."""

    at_once: int = 8
    first_wait_s: float = 0.25
    longest_wait_s: float = 60.0
    poll_s: float = 60.0  # how often what is pending is asked about, for stores that no webhook reaches
    tail_s: float = 0.5
    look_s: float = 3_600.0  # how often the provider is asked for disputes
    closing_s: float = 5.0
    return_url: str = ""
    link_life_s: float = 23 * 3_600.0  # a page for the shopper closes after a day; then it is tried again
    policy: RetryPolicy = field(default_factory=RetryPolicy)


_Try = tuple[PaymentDue, DueState]  # another try, and the due that was refused

# A dispute is open for two to three months.
DISPUTES_S = 120 * 86_400
CHARGE_DISPUTED = "charge_disputed"
_CANCEL = "-cancel"  # ends the name of a call that gives a due up


class Outbox:
    """One store's outbox over one journal. Not for several threads; `intake` may be the running store's own handle."""

    name = "payments"

    def __init__(
        self,
        intake: Intake,
        provider: Provider,
        *,
        source: str = f"{CHARGED_SOURCE}payments",
        settings: OutboxSettings | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        jitter: random.Random | None = None,
        kept: int = 1_000,
    ) -> None:
        """`kept` receipts that are settled are remembered; the journal knows the others."""
        if not source.startswith(CHARGED_SOURCE):
            raise ValueError(f"{source!r} is not the source of a store that charges")
        self.book = PaymentBook((settings or OutboxSettings()).policy, recall=recall(intake), kept=kept)
        self._refused = ""  # why the journal takes nothing, for people
        self._intake = intake
        self._store_id = intake.journal_store_id
        self._provider = provider
        self._source = source
        self._settings = settings or OutboxSettings()
        self._now_ns = now_ns
        self._seen = 0
        self._waits = Waits(
            first_s=self._settings.first_wait_s,
            longest_s=self._settings.longest_wait_s,
            jitter=jitter or random.Random(),  # noqa: S311 - spreads calls, protects nothing
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._nudged = asyncio.Event()
        self._looked_s = -math.inf

    @property
    def trouble(self) -> str:
        """Why something is not carried, for people; empty while all goes well."""
        return self._refused or self._waits.trouble

    # -- what the driver calls -----------------------------------------------------------------------------------

    def nudge(self) -> None:
        """There may be something new in the journal."""
        self._nudged.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Carry dues until `stop`, then what is left for `closing_s`; what is open then is carried at a next start."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._nudged.clear()
                try:
                    self.catch_up()
                    self._start()
                    await self._look()
                    self._refused = ""
                except Exception as error:  # noqa: BLE001 - a full disk, a long lock: whatever it is, it may pass
                    self._refused = told(error)
                await self._rest(stopping)
            await self.settle(patience_s=self._settings.closing_s)
        finally:
            stopping.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def settle(self, *, patience_s: float = 60.0) -> bool:
        """Carry everything that can be carried now; whether nothing is left that only waits for another call.

        What waits for the shopper, for the bank or for a later try by the policy does not count.
        """
        end_s = time.monotonic() + patience_s
        while True:
            self.catch_up()
            self._start()
            if not self._tasks and not any(state.outcome is None for state in self.book.open()):
                return True
            if time.monotonic() >= end_s:
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                return False
            await self._rest(None)

    def webhook(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Take a webhook in: its answer becomes the due's. Raises SignatureError; anything else is fine to repeat."""
        event = self._provider.parse(body, headers, now_s=self._now_ns() / NS_PER_S)
        self.catch_up()
        if event.dispute is not None:
            self._dispute(event.dispute)
        state = self.book.state(event.key, event.receipt_id)
        if state is None or event.outcome is None or event.purpose is not state.due.purpose:
            return event
        if _waits_on(state, event.outcome):
            return event
        if event.outcome is PaymentOutcome.DONE and event.amount_minor > state.due.amount_minor:
            return event  # more than was asked for: the call's own answer and reconciling tell
        answer = Answer(
            outcome=event.outcome,
            reference=event.reference,
            code=event.code,
            amount_minor=event.amount_minor if event.outcome is PaymentOutcome.DONE else 0,
            payment=event.payment,
        )
        self._keep(state, answer)
        return event

    def catch_up(self) -> None:
        """Fold what the journal got since the last look; what a webhook or another process ended waits no more."""
        self._seen = follow(self.book, self._intake, self._seen)
        for slot in [slot for slot in self._waits.calls() if slot not in self._tasks]:
            state = self.book.by_key.get(slot.removesuffix(_CANCEL))
            if state is None or state.final:
                self._waits.forget(slot)

    def held(self) -> int:
        """Calls under way and calls that wait for their time: a measure of memory."""
        return len({*self._tasks, *self._waits.calls()})

    def try_again(self, receipt_id: str) -> PaymentDue | None:
        """A person wants what a receipt misses to be tried now; None when it misses nothing or is being carried."""

        def missing() -> Iterator[_Try]:
            due = self.book.missing(receipt_id, self._now_ns())
            if due is not None:
                yield due, self.book.bills[receipt_id].dues[-1]

        return next(iter(self._decide(missing)), None)

    def let_go(self) -> None:
        """A person wants to let go now of all that is held and that nobody is in the store for."""
        self._decide(lambda: ((hold.renewed(self._now_ns()), hold.asked) for hold in self.book.left()))

    # -- carrying ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Begin every call that may be made now."""
        if any(self._ripe()):
            self._decide(self._ripe)
        for state in self.book.open():
            if len(self._tasks) >= self._settings.at_once:
                return
            blocker = self.book.before(state)
            waits = not self._alone(state) if blocker is None else blocker.outcome is not PaymentOutcome.ACTION_NEEDED
            if waits:
                continue
            subject, give_up = blocker or state, blocker is not None or self._stale(state)
            slot = _slot(subject, give_up=give_up)
            if slot not in self._tasks and self._waits.ripe(slot):
                self._tasks[slot] = asyncio.create_task(self._carry(subject, slot, give_up=give_up))

    def _alone(self, state: DueState) -> bool:
        """Whether nothing lets go of money for a due, or nobody answers about that for a while."""
        going = self.book.frees(state)  # of nearly all nothing; in an outage there are thousands, and as many troubles
        silent = {slot.removesuffix(_CANCEL) for slot in self._waits.troubles()} if going else ()
        return not any({item.due.key, item.due.held_key}.isdisjoint(silent) for item in going)

    async def _freed(self, state: DueState) -> bool:
        """Whether a due is carried now: what lets go of money for it is done, or asked for again, and not answered.

        Somebody else has to be there: after an outage of everything the money is let go of first. Raises
        UnavailableError where nobody answers at all.
        """
        if not self.book.frees(state):
            return True
        await gateway.knock(self._provider, now_s=self._now_ns() // NS_PER_S)
        await asyncio.gather(*(self._again(self.book.before(item) or item) for item in self.book.frees(state)))
        return self._alone(state)

    async def _again(self, state: DueState) -> None:
        """Ask for a due now; a call that is under way began before it was known that anybody is there."""
        slot = _slot(state, give_up=(give_up := state.outcome is PaymentOutcome.ACTION_NEEDED))
        while (running := self._tasks.get(slot)) is not None:
            await asyncio.wait([running])
        if not state.final:
            self._tasks[slot] = asyncio.create_task(self._carry(state, slot, give_up=give_up))
            await asyncio.wait([self._tasks[slot]])

    def _ripe(self) -> Iterator[_Try]:
        now_ns = self._now_ns()
        yield from ((due, refused) for due, refused, at_ns in self.book.again(now_ns) if at_ns <= now_ns)

    def _stale(self, state: DueState) -> bool:
        """Whether a due waits for a shopper who cannot come any more: their page is closed."""
        waited_ns = self._now_ns() - state.answered_ns
        return state.outcome is PaymentOutcome.ACTION_NEEDED and waited_ns > self._settings.link_life_s * NS_PER_S

    async def _carry(self, state: DueState, slot: str, *, give_up: bool) -> None:
        try:
            if give_up:
                answer = await gateway.give_up(self._provider, self.book, state, store_id=self._store_id)
            elif await self._freed(state):
                now_s = self._now_ns() // NS_PER_S
                answer = await gateway.carry(self._provider, self.book, state, store_id=self._store_id, now_s=now_s)
            else:
                return
            back = self._settings.return_url
            link, trouble = await gateway.page(self._provider, state, answer, store_id=self._store_id, return_url=back)
            if give_up or not _waits_on(state, answer.outcome):
                self._keep(state, answer, link=link)
            self._waits.answered(slot, again_s=self._settings.poll_s, trouble=trouble)
        except UnavailableError as error:
            self._waits.unanswered(slot, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the due stays open
            # A key that is not accepted, a full disk, an answer without sense: nothing is lost, it is asked for again
            # with its key after a while, and a person is told.
            self._waits.failed(slot, told(error))
        finally:
            self._tasks.pop(slot, None)
            if state.final:
                self._waits.forget(slot)
            self._nudged.set()

    async def _look(self) -> None:
        """Once an hour, for stores that no webhook reaches, or that were down when it came."""
        if time.monotonic() - self._looked_s < self._settings.look_s:
            return
        try:
            await self.look_for_disputes()
        except Exception:  # noqa: BLE001 - an extra look must not stop what is due
            # Dues tell people of a provider that does not answer, or not with sense.
            self._looked_s = time.monotonic() - self._settings.look_s + self._settings.longest_wait_s

    async def _rest(self, stopping: asyncio.Task[bool] | None) -> None:
        """Until a call ends, somebody nudges, a wait is over or the journal may have grown."""
        nudge = asyncio.create_task(self._nudged.wait())
        waiting = {nudge, *self._tasks.values(), *([stopping] if stopping is not None else [])}
        timeout_s = max(0.005, min(self._waits.soonest_s(), self._settings.tail_s))
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        nudge.cancel()

    # -- keeping -------------------------------------------------------------------------------------------------

    def _keep(self, state: DueState, answer: Answer, *, link: str = "") -> None:
        """Commit an answer, unless the journal knows as much already."""
        due, outcome = state.due, answer.outcome
        if due.purpose is PaymentPurpose.REFUND and (state.outcome, outcome) == (
            PaymentOutcome.DONE,
            PaymentOutcome.FAILED,
        ):
            outcome = PaymentOutcome.RETURNED  # its bank sent it back, days after it was done
        observation = PaymentAnswered(
            at_ns=self._now_ns(),
            key=due.key,
            purpose=due.purpose,
            receipt_id=due.receipt_id,
            account=due.account,
            amount_minor=answer.amount_minor or state.moved_minor or due.amount_minor,
            currency=due.currency,
            outcome=outcome,
            provider=self._provider.name,
            reference=answer.reference,
            code=answer.code,
            link=link,
            payment=answer.payment,
            attempt=due.attempt,
        )
        with self._intake.transaction():
            self.catch_up()
            if self.book.adds(due.key, outcome):
                self._append(f"payment/{due.key}/{outcome.value}", observation, (state.seq,))
        self.catch_up()
        if answer.code == CHARGE_DISPUTED:
            self._looked_s = -math.inf  # the provider knows of a dispute that we have not heard of

    def _decide(self, wanted: Callable[[], Iterable[_Try]]) -> list[PaymentDue]:
        """Commit tries as dues of their own: those that are wanted by all that the journal says when it is ours.

        What others wrote while we waited for it may have made a try needless, or have been that very try.
        """
        with self._intake.transaction():
            self.catch_up()
            tries = list(wanted())
            for due, refused in tries:
                self._append(f"payment/{due.key}/due", due, (refused.seq,))
        self.catch_up()
        return [due for due, _ in tries]

    async def look_for_disputes(self) -> int:
        """Ask the provider for disputes that no webhook told of; how many steps were new."""
        self._looked_s = time.monotonic()
        now_s = self._now_ns() // NS_PER_S
        found = [item async for item in self._provider.disputes(max(now_s - DISPUTES_S, 0), now_s + 86_400)]
        return sum(self._dispute(news) for news in found)

    def _dispute(self, news: DisputeNews) -> int:
        """Commit what is new of a dispute about a payment of ours; how many entries that took."""
        paid = [
            (seq, answer)
            for seq, answer in self._intake.observed([PaymentAnswered], reference=news.payment, without_prefix=REPLAYED)
            if answer.outcome is PaymentOutcome.DONE and answer.receipt_id is not None
        ]
        if not news.payment or not paid:
            return 0
        with self._intake.transaction():
            self.catch_up()
            bill = self.book.bill(paid[0][1].receipt_id or "")
            if bill is None:
                return 0  # a replay's, or a shadow's: nobody took money for it
            steps = new_steps(news, bill.disputes.get(news.dispute), paid[0][1], self._now_ns())
            for step in steps:
                key = f"dispute/{step.dispute}/{step.state.value}/{news.fee_minor}"
                self._append(key, step, (paid[0][0],))
        self.catch_up()
        return len(steps)

    def _append(
        self, key: str, value: PaymentAnswered | PaymentDisputed | PaymentDue, caused_by: tuple[int, ...]
    ) -> None:
        entry = NewEntry(
            key=key,
            at_ns=value.at_ns,
            source=self._source,
            kind=kind_of(type(value)),
            payload=encode(value),
            caused_by=caused_by,
        )
        self._intake.append([entry])


def told(error: Exception) -> str:
    """What went wrong, for people."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"


def _slot(state: DueState, *, give_up: bool) -> str:
    """The name of a call."""
    return f"{state.due.key}{_CANCEL if give_up else ''}"


def _waits_on(state: DueState, outcome: PaymentOutcome) -> bool:
    """A charge that waits for its shopper fails when it is given up, not before: its page may be open."""
    waiting = state.outcome is PaymentOutcome.ACTION_NEEDED and state.due.purpose is PaymentPurpose.CHARGE
    return waiting and outcome is PaymentOutcome.FAILED
