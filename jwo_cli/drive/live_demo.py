"""The demonstration of a running store: the corner kiosk, ten shoppers, real protocols, no hardware.

In real time, nothing compressed. Simulated scales publish over MQTT to a broker on the loopback, and so does a machine
with the floor's cameras, which tells where people are and what their hands do (`film` has the way there from pixels).
The codes that shoppers hold before the door's camera are read out of its video, tags leave the field of an RFID reader
that speaks LLRP, a provider that speaks like Stripe is charged over HTTP. Then the day is closed, books and provider
are compared, and the recording is replayed.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

from jwo_cli.drive.accounts import AccountBook, entry_keys
from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.edge import MqttDoors, MqttSource
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.live_devices import SHOWN_NS, Served, served
from jwo_cli.drive.needed import needed
from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import Reconciliation, reconcile
from jwo_cli.drive.replay import replay
from jwo_cli.drive.staff import request_mode
from jwo_cli.drive.wired import wired
from jwo_cli.estimate.signals import CodeRead, Signal, TagRead
from jwo_cli.journal import Intake, verify
from jwo_cli.layouts.settings import Settings
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entering import EntryRefused
from jwo_cli.model.entry import Entry
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import Observation, TagChanged, TagState
from jwo_cli.model.staffing import EntryGranted, Mode
from jwo_cli.model.units import NS_PER_S
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.recordings import open_recording
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.sensors.qr import modules
from jwo_cli.shop.gatekeeper import LIFE_S, Gatekeeper
from jwo_cli.shop.step import Step
from jwo_cli.synthetic import sample
from jwo_cli.synthetic.film.phones import Showing
from jwo_cli.synthetic.scenes import tagged_store
from jwo_cli.synthetic.scripts import Actor, AnyAct, Leave, Pick, Put, Script
from jwo_cli.synthetic.simulate import Simulated, simulate

EVERY_S = 2.1  # a shopper comes in
SETTLED_S = 2.0  # devices run this long before the first one
OPEN_S = 15.0  # the store must be up by then
AT_ONCE_S = 30.0  # patience with the provider at the end
STALE = "fay"  # shows a picture of an old code first
STALE_S = 1.2  # which takes that much longer
PLANS: tuple[tuple[str, tuple[AnyAct, ...]], ...] = (
    ("ann", (Pick(product=sample.GUM), Pick(product=sample.COLA), Put(product=sample.GUM))),
    ("ben", (Pick(product=sample.CHIPS), Pick(product=sample.SANDWICH))),
    ("cem", (Pick(product=sample.COOKIES), Pick(product=sample.SOUP))),
    ("dana", (Pick(product=sample.CHOCOLATE), Pick(product=sample.BEER))),
    ("eli", (Pick(product=sample.OAT_BAR),)),
    ("fay", (Pick(product=sample.JUICE),)),
    ("gus", (Pick(product=sample.SPAGHETTI),)),
    ("hana", (Pick(product=sample.YOGHURT), Pick(product=sample.BATTERIES))),
    ("ian", (Pick(product=sample.CHOCOLATE),)),
    ("jo", (Pick(product=sample.ICED_COFFEE),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveShown:
    """What the demonstration came to; amounts in minor units, times in seconds.

    `codes_from_video` were read out of the door's video and let somebody in, `codes_refused` were read and did not.
    `tag_reads` came from the RFID reader; of the `tag_changes` `tags_gone` are tags that left its field
    and `tags_back` such that came again.
    `exit_to_receipt_*` are from the moment at which a camera saw a shopper last, outside, to the durable receipt.
    """

    visits: int
    receipts: int
    receipts_right: int
    settled: int
    currency: str
    ledger_minor: int
    provider_minor: int
    reconciled: bool
    gates_opened: int
    codes_from_video: int
    codes_refused: int
    tag_reads: int
    tag_changes: int
    tags_gone: int
    tags_back: int
    replay_identical: bool
    journal_sound: bool
    exit_to_receipt_p50_s: float
    exit_to_receipt_p95_s: float
    seconds: float
    entries: int
    final_hash: str


class _Counts:
    """Counts what reached the store by each way, and lets another watcher see it."""

    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher
        self.granted = self.refused = self.tag_reads = 0
        self.tags_gone: list[str] = []
        self.tag_changes = self.tags_back = 0

    def signal(self, signal: Signal) -> None:
        """A signal arrived."""
        self.tag_reads += isinstance(signal, TagRead)
        if self._watcher is not None:
            self._watcher.signal(signal)

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        """An observation was handled and kept."""
        match observation:
            case EntryGranted():
                self.granted += 1
            case EntryRefused():
                self.refused += 1
            case TagChanged():
                self.tag_changes += 1
                if observation.state is TagState.GONE:
                    self.tags_gone.append(observation.tag_id)
                else:
                    self.tags_back += observation.tag_id in self.tags_gone
        if self._watcher is not None:
            self._watcher.step(entry, observation, step)


def script(seed: int, start_ns: int, accounts: dict[str, str]) -> Script:
    """Ten shoppers, one every few seconds, one or two things each; all at once in a small room."""
    names = [who for who, _ in PLANS]
    return Script(
        name="live-demo",
        scenario="live-demo",
        seed=seed,
        start_ns=start_ns,
        actors=tuple(
            Actor(
                key=who,
                enter_s=SETTLED_S + EVERY_S * number + (STALE_S if number >= names.index(STALE) else 0.0),
                acts=(*acts, Leave()),
                account=accounts[who],
                hurry=1.25,
            )
            for number, (who, acts) in enumerate(PLANS)
        ),
        description=(__doc__ or "").split("\n", maxsplit=1)[0],
    )


async def show(
    place: Path,
    *,
    seed: int = 2,
    watcher: Callable[[Store], Watcher | None] = lambda _: None,
    began: Callable[[LiveStore], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> LiveShown:
    """The whole demonstration, with everything it keeps below `place`. Raises CancelledError after a SIGINT."""
    began_s = time.monotonic()
    store, settings = tagged_store(), _settings(place)
    counts = _Counts(watcher(store))
    async with AsyncExitStack() as stack:
        stack.enter_context(_ended_by_ctrl_c(say))
        fake = await stack.enter_async_context(FakeProvider())
        broker = await stack.enter_async_context(loopback_broker())
        provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
        stack.push_async_callback(provider.aclose)
        with AccountBook.open(settings, store_id=store.store_id) as book:
            accounts = await _accounts(book, provider)
            say(f"{len(accounts)} accounts, each with an entry code and a way to pay")
            start_ns = time.time_ns() + NS_PER_S * 2
            made = simulate(store, script(seed, start_ns, accounts))
            showings = _showings(made, book, accounts[STALE])
        devices = await stack.enter_async_context(served(store, made, broker, showings))
        intake = stack.enter_context(
            Intake.open(settings.journal, store_id=store.store_id, layout_version=store.version)
        )
        outbox = Outbox(intake, provider)
        source = MqttSource(broker, store_id=store.store_id)
        live = LiveStore(
            store,
            intake,
            sources=[source, *wired(devices.settings)],
            recording=place / "recording",
            gatekeeper=Gatekeeper(store.store_id, entry_keys(settings)),
            doors=MqttDoors(source.inbox),
            outbox=outbox,
            watcher=counts,
            rules=Rules(open_when_well=True),
            needed=needed(store, broker=True),
        )
        began(live)
        say(
            "the store runs: scales and an edge machine's key points of people over MQTT, tags over LLRP, "
            "the door's camera and the provider over HTTP"
        )
        await _day(live, devices, outbox, settings.journal)
        paid = await outbox.settle(patience_s=AT_ONCE_S)
        around_s = (start_ns // NS_PER_S - 60, time.time_ns() // NS_PER_S + 60)
        said = await reconcile(intake, provider, outbox.book, since_s=around_s[0], until_s=around_s[1])
        entries, _ = intake.head()
    say("closed; books and provider are compared, the recording is replayed")
    again = replay(open_recording(place / "recording"))
    same = (again.head_seq, again.head_hash) == live.head and again.receipts == tuple(live.live.receipts)
    return _shown(
        live, made, said, counts=counts, reconciled=paid and said.agrees and not said.owed, same=same,
        sound=not verify(settings.journal), began_s=began_s, entries=entries,
    )  # fmt: skip


@contextmanager
def _ended_by_ctrl_c(say: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C ends in order what runs in here; that takes a moment, and is not broken off by a second one."""
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    said: list[str] = []

    def interrupted() -> None:
        if not said and running is not None:
            said.append("stopping: devices first, then the store")
            say(said[0])
            running.cancel()

    loop.add_signal_handler(SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(SIGINT)


async def _accounts(book: AccountBook, provider: StripeProvider) -> dict[str, str]:
    """An account for each shopper, with a way to pay at the provider."""
    accounts = {}
    for who, _ in PLANS:
        account = book.new()
        customer = await provider.customer(account.account)
        method = await provider.attach(customer, "pm_card_visa")
        book.pay_with(account, provider=provider.name, customer_ref=customer, method_ref=method)
        accounts[who] = account.account
    return accounts


def _shown(
    live: LiveStore,
    made: Simulated,
    said: Reconciliation,
    *,
    counts: _Counts,
    reconciled: bool,
    same: bool,
    sound: bool,
    began_s: float,
    entries: int,
) -> LiveShown:
    """The sums of it."""
    receipts, late = live.live.receipts, sorted(live.live.latencies_s)
    currency = live.store.catalogue.currency
    total = next((item for item in said.totals if item.currency == currency), None)
    return LiveShown(
        visits=len(made.visits),
        receipts=len(receipts),
        receipts_right=_right(receipts, {visit.account: dict(visit.items) for visit in made.visits}),
        settled=sum(receipt.settled.value == "automatic" for receipt in receipts),
        currency=currency,
        ledger_minor=total.ledger_minor if total else 0,
        provider_minor=total.provider_minor if total else 0,
        reconciled=reconciled,
        gates_opened=live.live.opened,
        codes_from_video=counts.granted,
        codes_refused=counts.refused,
        tag_reads=counts.tag_reads,
        tag_changes=counts.tag_changes,
        tags_gone=len(counts.tags_gone),
        tags_back=counts.tags_back,
        replay_identical=same,
        journal_sound=sound,
        exit_to_receipt_p50_s=round(_quantile(late, 0.5), 3),
        exit_to_receipt_p95_s=round(_quantile(late, 0.95), 3),
        seconds=round(time.monotonic() - began_s, 1),
        entries=entries,
        final_hash=live.head[1],
    )


async def _day(live: LiveStore, devices: Served, outbox: Outbox, journal: Path) -> None:
    """Store and outbox beside each other, until everybody has left and the store was closed by staff."""
    stop = asyncio.Event()
    paying = asyncio.create_task(outbox.run(stop))
    running = asyncio.create_task(live.run(stop))
    try:
        await devices.done()
        await asyncio.sleep(0.5)
        # As another process would, through the journal.
        await asyncio.to_thread(request_mode, journal, Mode.DOWN, staff="demo", patience_s=OPEN_S)
        closed = asyncio.create_task(live.down.wait())
        await asyncio.wait([closed, running], timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        await devices.stop()  # before the store: each would wait for its word that all has arrived
        raise
    finally:
        stop.set()
        await asyncio.gather(running, paying)


def _settings(place: Path) -> Settings:
    """A store directory's settings, with a fresh key for entry codes."""
    place.mkdir(parents=True, exist_ok=True)
    key = place / "entry.key"
    key.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
    key.chmod(0o600)
    return Settings(
        layout=place / "store.toml",
        journal=place / "journal",
        mark=place / "mark.json",
        mark_key="",
        entry_key=f"file:{key}",
    )


def _showings(made: Simulated, book: AccountBook, stale: str) -> list[Showing]:
    """What is held before the door's camera: each shopper's code; one shows a picture of an old code first."""
    shown = []
    for signal in made.signals:
        if isinstance(signal, CodeRead):
            account, (begin_ns, end_ns) = book.account(signal.account), SHOWN_NS
            if signal.account == stale:
                old = book.code(account, at_ns=signal.at_ns - 2 * LIFE_S * NS_PER_S)
                first_ns = signal.at_ns + begin_ns - round(STALE_S * NS_PER_S)
                shown.append(Showing(begin_ns=first_ns, end_ns=first_ns + NS_PER_S // 2, modules=modules(old.text)))
            code = book.code(account, at_ns=signal.at_ns)
            shown.append(
                Showing(begin_ns=signal.at_ns + begin_ns, end_ns=signal.at_ns + end_ns, modules=modules(code.text))
            )
    return shown


def _right(receipts: Sequence[ReceiptIssued], wanted: dict[str | None, dict[str, int]]) -> int:
    """How many shoppers' receipts say exactly what they left with; one without goods needs none."""
    got: dict[str | None, dict[str, int]] = {}
    for receipt in receipts:
        lines = got.setdefault(receipt.account, {})
        for line in receipt.lines:
            lines[line.product_id] = lines.get(line.product_id, 0) + line.quantity
    return sum(got.get(account, {}) == items for account, items in wanted.items())


def _quantile(rising: Sequence[float], share: float) -> float:
    """The smallest value that this share of all is not above; 0 of none."""
    return rising[max(0, math.ceil(share * len(rising)) - 1)] if rising else 0.0
