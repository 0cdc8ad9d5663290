"""`jwo run`: a store put together from its settings, run until it is told to stop (`stopping`), and left in order.

Whatever can be wrong with what it is told is found before a journal is made, and before anything is written to one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import platform
import re
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from itertools import starmap
from pathlib import Path
from zoneinfo import ZoneInfo

from jwo_cli.drive.accounts import entry_keys
from jwo_cli.drive.apart import camera_workers
from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.carriers import CarrierSource
from jwo_cli.drive.chores import follow_keys
from jwo_cli.drive.door_wait import WaitRules
from jwo_cli.drive.doors import Doors
from jwo_cli.drive.dues import not_behind_their_backs
from jwo_cli.drive.edge import MqttDoors, MqttSource, run_edge
from jwo_cli.drive.edge_antennas import EdgeAntennas
from jwo_cli.drive.fold import Watcher
from jwo_cli.drive.fusing import FusedSource, Fusion, addresses
from jwo_cli.drive.going_on import going_on, settle_shadow
from jwo_cli.drive.health import Needed
from jwo_cli.drive.hours import closing
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.needed import needed
from jwo_cli.drive.outbox import Outbox, OutboxSettings
from jwo_cli.drive.paying import hold_minor, provider_of, webhooks
from jwo_cli.drive.receipt_hook import HookSettings, ReceiptHook, hook_settings
from jwo_cli.drive.receipts import Store as ReceiptStore
from jwo_cli.drive.run_video import FOLDER, old_video
from jwo_cli.drive.sources import Source, by_device, recorded
from jwo_cli.drive.state import alone
from jwo_cli.drive.stopping import until_stopped
from jwo_cli.drive.wired import wired
from jwo_cli.journal import Intake, Keeper, database
from jwo_cli.journal.keeper import Sealed
from jwo_cli.journal.mark import resolve_key
from jwo_cli.layouts.settings import Settings
from jwo_cli.layouts.settings_devices import BrokerSettings, DeviceSettings, check_devices
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.paying import charges
from jwo_cli.model.staffing import Mode
from jwo_cli.model.units import NS_PER_S
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.recordings import Recording
from jwo_cli.sensors.addresses import absent
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.configuration import check_name, speaking_for_itself
from jwo_cli.shop.gatekeeper import Gatekeeper
from jwo_cli.shop.settings import EngineSettings

LEAD_S = 2.0  # a played recording begins this long after the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run. Without `settings` only what `played` gives; what is played is a shadow, always."""

    store: Store
    journal: Path
    settings: Settings | None = None
    recordings: Path | None = None  # where recordings of runs are kept; None keeps none
    videos: tuple[Path, ...] = ()  # where those of other runs may be, whose video is deleted when its time has come
    played: Recording | None = None
    shadow: bool = False
    up: bool = False
    closes: str = ""  # HH:MM, the store's time
    seconds: float | None = None
    charge_earlier: bool = False  # also what is due from runs without payments


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run came to. `kept_shut`: why it never opened, where it was to open by itself."""

    run_id: str
    recording: str | None
    receipts: int
    charged_minor: int
    currency: str
    let_in: int
    refused: dict[str, int]
    mode: Mode
    inside: int
    shadow: bool
    charges: bool
    head_seq: int
    head_hash: str
    exit_to_receipt_p95_s: float | None
    resumed: bool
    kept_shut: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a run is put together from, apart from its journal."""

    sources: list[Source]
    doors: Doors | None
    provider: StripeProvider | None
    wait: WaitRules
    gatekeeper: Gatekeeper | None
    hook: HookSettings | None
    rules: Rules
    recording: Path | None


def run(
    plan: Plan, *, watcher: Callable[[Store], Watcher | None] = lambda _: None, began: Callable[[LiveStore], None]
) -> Ran:
    """Run the plan. Raises UserError: another run on this journal, a key that cannot be read, no device at all.

    Who is in a recording has paid: their dues are a shadow's, which nobody carries, now or when payments are set up.
    """
    plan = replace(plan, shadow=plan.shadow or plan.played is not None)
    with ExitStack() as held:
        there = plan.journal.is_dir()
        if there:
            held.enter_context(alone(plan.journal))
        devices = None if plan.settings is None else plan.settings.devices
        plan = replace(plan, store=going_on(plan.journal, plan.store, shadow=plan.shadow, devices=devices))
        _ask_first(plan)
        parts = _parts(plan)
        if not there:
            plan.journal.mkdir(parents=True)
            held.enter_context(alone(plan.journal))
        elif not plan.shadow:
            settle_shadow(plan.journal, plan.store)
        return asyncio.run(_run(plan, parts, watcher(plan.store), began))


def _ask_first(plan: Plan) -> None:
    """Raises UserError where this run would charge what is due from runs that had no payments."""
    charges = not plan.shadow and plan.settings is not None and plan.settings.money.payments is not None
    if charges and not plan.charge_earlier and (plan.journal / database.INTAKE).exists():
        with Intake.open(plan.journal, create=False) as intake:
            not_behind_their_backs(intake, goes_on=True)


def _parts(plan: Plan) -> _Parts:
    """Everything that the settings name. Raises UserError for what is not there."""
    settings, provider, wait, gatekeeper, hook = plan.settings, None, WaitRules(), None, None
    payments = settings.money.payments if settings is not None and not plan.shadow else None
    sends = settings is not None and bool(settings.money.receipts_url) and not plan.shadow
    rules = Rules(
        open_when_well=plan.up, closes=closing(plan.closes, plan.store.timezone) if plan.closes else None
    )  # fmt: skip
    recording = None if plan.recordings is None else _folder(plan.recordings, plan.store)
    keeps = settings is not None and settings.video
    sources, doors = _sources(plan, recording / FOLDER if recording is not None and keeps else None)
    if payments is not None:
        provider = provider_of(payments)
        wait = WaitRules(wait_s=payments.hold_wait_s, open_unanswered=payments.open_unanswered)
    if settings is not None and settings.entry_key:
        gatekeeper = Gatekeeper(
            plan.store.store_id,
            entry_keys(settings),
            needs_payment=settings.needs_payment,
            asks_bank=wait.wait_s > 0,
            provider=settings.money.provider,
        )
    if settings is not None and sends:
        hook = hook_settings(settings.money)
    return _Parts(
        sources=sources,
        doors=doors,
        provider=provider,
        wait=wait,
        gatekeeper=gatekeeper,
        hook=hook,
        rules=rules,
        recording=recording,
    )


async def _run(plan: Plan, parts: _Parts, watcher: Watcher | None, began: Callable[[LiveStore], None]) -> Ran:
    store, settings = plan.store, plan.settings
    payments = settings.money.payments if settings is not None else None
    async with AsyncExitStack() as stack:
        carriers: dict[str, Outbox | ReceiptHook] = {}
        chores: list[Source] = []
        if parts.provider is not None:
            stack.push_async_callback(parts.provider.aclose)
        intake = stack.enter_context(Intake.open(plan.journal, store_id=store.store_id, layout_version=store.version))
        stack.enter_context(_keeper(plan))
        if plan.videos and settings is not None:
            chores.append(old_video(plan.videos, store.store_id, settings.video_days))
        outbox = None
        if parts.provider is not None and payments is not None:
            outbox = Outbox(intake, parts.provider, settings=OutboxSettings(return_url=payments.return_url))
            carriers["payments"] = outbox
            if payments.listen and payments.webhook_key:
                await stack.enter_async_context(webhooks(outbox, payments.listen))
        if parts.hook is not None and settings is not None:
            seller = ReceiptStore(
                store_id=store.store_id, name=store.name, timezone=store.timezone, seller=settings.money.seller
            )
            carriers["receipts"] = ReceiptHook(intake, seller, parts.hook)
        if parts.gatekeeper is not None and settings is not None:
            chores.append(follow_keys(settings, parts.gatekeeper))
        live = LiveStore(
            store,
            intake,
            sources=[*parts.sources, *starmap(CarrierSource, carriers.items()), *chores],
            recording=parts.recording,
            gatekeeper=parts.gatekeeper,
            doors=parts.doors,
            outbox=outbox,
            watcher=watcher,
            settings=EngineSettings(authorise_minor=hold_minor(payments, store.catalogue.currency)),
            shadow=plan.shadow,
            wait=parts.wait,
            needed=_needed(plan),
            rules=parts.rules,
        )
        began(live)
        played = parts.sources if plan.played is not None else []
        await until_stopped(live, list(carriers.values()), seconds=plan.seconds, played=played)
    return _ran(live, None if live.recording.trouble else parts.recording, shadow=plan.shadow)


def _ran(live: LiveStore, recording: Path | None, *, shadow: bool) -> Ran:
    late = sorted(live.live.latencies_s)
    return Ran(
        run_id=live.run_id,
        recording=str(recording) if recording is not None else None,
        receipts=live.live.issued,
        charged_minor=live.live.charged_minor,
        currency=live.store.catalogue.currency,
        let_in=live.live.opened,
        refused={reason.value: count for reason, count in live.live.refused.items()},
        mode=live.live.mode,
        inside=live.inside,
        shadow=shadow,
        charges=charges(live.source),
        head_seq=live.head[0],
        head_hash=live.head[1],
        exit_to_receipt_p95_s=round(late[max(0, -(-95 * len(late) // 100) - 1)], 3) if late else None,
        resumed=live.cut_off,
        kept_shut=live.caretaker.kept_shut,
    )


def _keeper(plan: Plan) -> Keeper:
    """Whoever keeps the journal's house as the settings say, and signs its mark."""
    settings = plan.settings
    if settings is None:
        return Keeper(plan.journal)
    sealed = Sealed(file=settings.mark, key=settings.mark_key) if settings.mark_key else None
    return Keeper(plan.journal, keep_days=settings.keep_days, sealed=sealed)


def _sources(plan: Plan, video: Path | None = None) -> tuple[list[Source], Doors | None]:
    """The devices that the settings name, and those of a recording that is played."""
    sources: list[Source] = []
    doors: Doors | None = None
    if plan.settings is not None and plan.played is None:
        devices, fusion = plan.settings.devices, Fusion(plan.store, names=f"p{time.time_ns() // NS_PER_S:x}-")
        if devices.broker is not None:
            source = MqttSource(
                broker_of(devices.broker),
                store_id=plan.store.store_id,
                may=speaking_for_itself(plan.store),
                fusion=fusion,
                antennas=_at_edges(plan, devices),
            )
            sources.append(source)
            doors = MqttDoors(source.inbox)
        sources += wired(plan.settings.devices)
        sources += [
            FusedSource(worker, fusion) for worker in camera_workers(plan.store, devices.camera_workers, video=video)
        ]
    if plan.played is not None:
        sources += by_device(recorded(plan.played, start_ns=time.time_ns() + round(LEAD_S * NS_PER_S)))
    if not sources:
        raise UserError(
            "there is no device to listen to",
            fix="Name the broker of your devices in jwo.toml ([mqtt], see docs/devices.md), give calibrated cameras "
            "their addresses (url_ref in store.toml), or play a recording as if it were live: --from RECORDING.",
        )
    return sources, doors


def _at_edges(plan: Plan, devices: DeviceSettings) -> EdgeAntennas:
    """Antennas that no reader on the store's own network has: machines behind the broker bring what they read."""
    ours = {name for reader in devices.readers for _, name in reader.antennas}
    names = [antenna.antenna_id for antenna in plan.store.antennas if antenna.antenna_id not in ours]
    return EdgeAntennas(names, plan.journal)


def _needed(plan: Plan) -> Needed | None:
    """What must be heard before the store opens; what is played is as it is: the scales that its run was to hear."""
    if plan.played is not None:
        return Needed(scales=tuple(one.device_id for one in plan.played.run.awaited)) if plan.played.run else None
    return None if plan.settings is None else needed(plan.store, broker=plan.settings.devices.broker is not None)


def broker_of(settings: BrokerSettings) -> Broker:
    """The broker by its settings; the password is read here and shown nowhere."""
    return Broker(
        host=settings.host,
        port=settings.port,
        username=settings.user or None,
        password=resolve_key(settings.password).decode() if settings.password else None,
        ca_file=str(settings.ca) if settings.ca is not None else None,
    )


def edge_name() -> str:
    """What an edge machine is called on the broker if nobody says: two of one name would throw each other out."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node().partition(".")[0]).strip("-") or "edge"


def run_at_edge(
    settings: Settings,
    store: Store,
    name: str,
    *,
    seconds: float | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:
    """Publish this machine's devices to the store's broker until told to stop, or so long; what each gave.

    What is absent, or no longer, is said as it comes.
    """
    if settings.devices.broker is None:
        raise UserError("no broker is named", fix="Add [mqtt] to jwo.toml; see docs/devices.md.")
    check_devices(settings.devices, store)
    check_name(name, store)
    sources = wired(settings.devices) + camera_workers(store, settings.devices.camera_workers)
    for camera_id, reference in addresses(store).items():
        if problem := absent(reference):
            say(f"camera {camera_id} is not read here: {problem}")
    if not sources:
        raise UserError(
            "this machine has no device",
            fix="Name its readers and scanners in jwo.toml ([[rfid]], [[scanner]]), or set its cameras' addresses.",
        )
    publisher = Publisher(
        broker_of(settings.devices.broker), store_id=store.store_id, device_id=name, boot=f"{time.time_ns():x}"
    )

    async def publish() -> dict[str, int]:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stop.set)
        states = await run_edge(sources, publisher, stop, say=say)
        return {state.name: state.given for state in states}

    return asyncio.run(publish())


def _folder(place: Path, store: Store) -> Path:
    """Where there is no folder yet, for a run's recording: named after the store and the time."""
    stamp = dt.datetime.now(ZoneInfo("UTC")).strftime("%Y%m%d-%H%M%S")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"recordings cannot be kept in {place}: {error.strerror}", fix="Name another folder, or say --no-recording."
        ) from None
    folder = place / f"{store.store_id}-{stamp}"
    number = 1
    while folder.exists():
        number += 1
        folder = place / f"{store.store_id}-{stamp}-{number}"
    return folder
