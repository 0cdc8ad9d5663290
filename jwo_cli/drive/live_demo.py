"""The demonstration of a running store: the corner kiosk, ten shoppers, real protocols, no hardware.

In real time, nothing compressed: simulated scales, cameras' tracker and door publish over MQTT to a broker on the
loopback; shoppers show entry codes that were made for their accounts; a provider that speaks like Stripe is charged
over HTTP. Then the day is closed, books and provider are compared, and the recording is replayed.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.drive.accounts import AccountBook, entry_keys
from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.edge import MqttDoors, MqttSource, run_edge
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import Reconciliation, reconcile
from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import CodeSeen, Inlet, ListSource
from jwo_cli.drive.staff import request_mode
from jwo_cli.estimate.signals import CodeRead, PoseFrame, WeightBatch
from jwo_cli.journal import Intake, verify
from jwo_cli.layouts.settings import Settings
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.layout import Store
from jwo_cli.model.staffing import Mode
from jwo_cli.model.units import NS_PER_S
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.recordings import captured_ns, open_recording
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.shop.gatekeeper import Gatekeeper
from jwo_cli.synthetic import sample
from jwo_cli.synthetic.scripts import Actor, Leave, Pick, Script
from jwo_cli.synthetic.simulate import Simulated, simulate

EVERY_S = 2.1  # a shopper comes in
SETTLED_S = 2.0  # devices run this long before the first one
OPEN_S = 15.0  # the store must be up by then
AT_ONCE_S = 30.0  # patience with the provider at the end
BASKETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ann", (sample.CHIPS, sample.COLA)),
    ("ben", (sample.SANDWICH,)),
    ("cem", (sample.COOKIES, sample.SOUP)),
    ("dana", (sample.BEER,)),
    ("eli", (sample.COFFEE, sample.OAT_BAR)),
    ("fay", (sample.JUICE,)),
    ("gus", (sample.SPAGHETTI,)),
    ("hana", (sample.YOGHURT, sample.BATTERIES)),
    ("ian", (sample.CHOCOLATE,)),
    ("jo", (sample.ICED_COFFEE,)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveShown:
    """What the demonstration came to; amounts in minor units, times in seconds.

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
    replay_identical: bool
    journal_sound: bool
    exit_to_receipt_p50_s: float
    exit_to_receipt_p95_s: float
    seconds: float
    entries: int
    final_hash: str


def script(seed: int, start_ns: int, accounts: dict[str, str]) -> Script:
    """Ten shoppers, one every few seconds, one or two things each; all at once in a small room."""
    return Script(
        name="live-demo",
        scenario="live-demo",
        seed=seed,
        start_ns=start_ns,
        actors=tuple(
            Actor(
                key=who,
                enter_s=SETTLED_S + EVERY_S * number,
                acts=(*(Pick(product=product) for product in basket), Leave()),
                account=accounts[who],
                hurry=1.25,
            )
            for number, (who, basket) in enumerate(BASKETS)
        ),
        description=(__doc__ or "").split("\n", maxsplit=1)[0],
    )


async def show(
    place: Path,
    *,
    seed: int = 2,
    watcher: Callable[[Store], Watcher | None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> LiveShown:
    """The whole demonstration, with everything it keeps below `place`."""
    began_s = time.monotonic()
    store, settings = sample.layout(), _settings(place)
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeProvider())
        broker = await stack.enter_async_context(loopback_broker())
        provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
        stack.push_async_callback(provider.aclose)
        with AccountBook.open(settings, store_id=store.store_id) as book:
            accounts = await _accounts(book, provider)
            say(f"{len(accounts)} accounts, each with an entry code and a way to pay")
            start_ns = time.time_ns() + NS_PER_S * 2
            made = simulate(store, script(seed, start_ns, accounts))
            devices = _devices(made, book)
        intake = stack.enter_context(
            Intake.open(settings.journal, store_id=store.store_id, layout_version=store.version)
        )
        outbox = Outbox(intake, provider)
        source = MqttSource(broker, store_id=store.store_id)
        live = LiveStore(
            store,
            intake,
            sources=[source],
            recording=place / "recording",
            gatekeeper=Gatekeeper(store.store_id, entry_keys(settings)),
            doors=MqttDoors(source.inbox),
            outbox=outbox,
            watcher=watcher(store),
            rules=Rules(open_when_well=True),
        )
        say("the store runs: devices speak over MQTT, the provider listens on HTTP")
        await _day(live, devices, broker, store, outbox, settings.journal)
        paid = await outbox.settle(patience_s=AT_ONCE_S)
        around_s = (start_ns // NS_PER_S - 60, time.time_ns() // NS_PER_S + 60)
        said = await reconcile(intake, provider, outbox.book, since_s=around_s[0], until_s=around_s[1])
        entries, _ = intake.head()
    say("closed; books and provider are compared, the recording is replayed")
    again = replay(open_recording(place / "recording"))
    same = (again.head_seq, again.head_hash) == live.head and again.receipts == tuple(live.live.receipts)
    return _shown(
        live, made, said, paid=paid, same=same, sound=not verify(settings.journal), began_s=began_s, entries=entries
    )


async def _accounts(book: AccountBook, provider: StripeProvider) -> dict[str, str]:
    """An account for each shopper, with a way to pay at the provider."""
    accounts = {}
    for who, _ in BASKETS:
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
    paid: bool,
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
        reconciled=paid and said.agrees and not said.owed,
        gates_opened=live.live.opened,
        replay_identical=same,
        journal_sound=sound,
        exit_to_receipt_p50_s=round(_quantile(late, 0.5), 3),
        exit_to_receipt_p95_s=round(_quantile(late, 0.95), 3),
        seconds=round(time.monotonic() - began_s, 1),
        entries=entries,
        final_hash=live.head[1],
    )


async def _day(
    live: LiveStore,
    devices: dict[str, list[ListSource]],
    broker: Broker,
    store: Store,
    outbox: Outbox,
    journal: Path,
) -> None:
    """Devices, store and outbox beside each other, until everybody has left and the store was closed by staff."""
    stop, gone = asyncio.Event(), asyncio.Event()
    edges = [
        asyncio.create_task(
            run_edge(
                sources,
                Publisher(broker, store_id=store.store_id, device_id=name, boot=secrets.token_hex(4)),
                gone,
            )
        )
        for name, sources in devices.items()
    ]
    paying = asyncio.create_task(outbox.run(stop))
    running = asyncio.create_task(live.run(stop))
    try:
        await asyncio.gather(*(source.done.wait() for sources in devices.values() for source in sources))
        await asyncio.sleep(0.5)
        # As another process would, through the journal.
        await asyncio.to_thread(request_mode, journal, Mode.DOWN, staff="demo", patience_s=OPEN_S)
        closed = asyncio.create_task(live.down.wait())
        await asyncio.wait([closed, running], timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        gone.set()
        await asyncio.gather(running, paying)
        await asyncio.gather(*edges, return_exceptions=True)


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


def _devices(made: Simulated, book: AccountBook) -> dict[str, list[ListSource]]:
    """The simulated signals by the device that sends them; a code is a text that the account's phone would show."""
    sent: dict[str, list[tuple[int, Inlet]]] = {}
    for signal in made.signals:
        at_ns = captured_ns(signal)
        match signal:
            case WeightBatch():
                sent.setdefault(f"scales-{signal.device_id}", []).append((at_ns, signal))
            case PoseFrame():
                sent.setdefault("cameras", []).append((at_ns, signal))
            case CodeRead():
                text = book.code(book.account(signal.account), at_ns=at_ns).text
                sent.setdefault("door", []).append((at_ns, CodeSeen(at_ns=at_ns, gate_id=signal.gate_id, text=text)))
            case _:
                continue
    return {
        name: [ListSource(name, name.partition("-")[0], sorted(inlets, key=lambda item: item[0]))]
        for name, inlets in sent.items()
    }


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
