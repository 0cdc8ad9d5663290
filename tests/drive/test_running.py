"""A run as its settings put it together: what it refuses before there is a journal, and what it takes up."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive import spoken
from jwo_cli.drive.accounts import entry_keys, rotate_entry_key
from jwo_cli.drive.chores import KEYS_S, follow_keys
from jwo_cli.drive.edge import MqttDoors, MqttSource
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.replay import replay
from jwo_cli.drive.running import Plan, _parts, _sources, run, run_at_edge
from jwo_cli.drive.sources import CodeSeen, Trouble
from jwo_cli.drive.spoken import Spoken
from jwo_cli.drive.supervise import Arrived, SourceState, keep_flowing
from jwo_cli.drive.wired import wired
from jwo_cli.estimate.signals import CodeRead
from jwo_cli.journal import Intake, verify
from jwo_cli.layouts.settings import Settings, read_settings
from jwo_cli.layouts.version import content_version
from jwo_cli.model.entering import AccountOpened, EntryRefused, EntryWay, PaymentMethodSet, Refusal, Role
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Antenna, Pose, Store
from jwo_cli.model.paying import CHARGED_SOURCE
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.recordings import open_recording
from jwo_cli.shop.gatekeeper import Gatekeeper
from tests.drive import scene
from tests.estimate.tracking.kiosk import kiosk

STORE = replace(
    scene.store(),
    antennas=(Antenna(antenna_id="aerial", pose=Pose(x_m=2.0, y_m=0.0), range_m=2.0),),
)
BROKER = '[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
SCANNER = '[[scanner]]\ngate = "door"\ndevice = "{device}"\nbaud = 9600\n'
READER = '[[rfid]]\nid = "r1"\nhost = "127.0.0.1"\nantennas = ["aerial"]\n'
PAYMENTS = '[payments]\nprovider = "fake"\nkey = "env:JWO_TEST_KEY"\nurl = "http://127.0.0.1:9"\n'


def settled(place: Path, *tables: str) -> Settings:
    """A store directory's settings with some tables."""
    (place / "entry.key").write_text("e" * 44)
    key = f'key = "file:{place / "entry.key"}"\n'
    (place / "jwo.toml").write_text(
        f'layout = "store.toml"\njournal = "journal"\n[mark]\nfile = "m.json"\n{key}[entry]\n{key}{"".join(tables)}'
    )
    return read_settings(place)


def nothing(_: LiveStore) -> None:
    """Nobody is told that the run began."""


def ends(_: LiveStore) -> None:
    """A run that began is terminated, whoever is inside."""
    asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)


def test_the_settings_devices_are_the_stores_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader, a scanner; a broker with doors behind it, and cameras where the layout has their addresses."""
    wires = settled(tmp_path, READER, SCANNER.format(device="/dev/x"))
    sources, doors = _sources(Plan(store=STORE, journal=tmp_path / "journal", settings=wires))
    assert ([source.kind for source in sources], doors) == (["rfid", "codes"], None)
    monkeypatch.setenv("JWO_TEST_CAMERA", "rtsp://127.0.0.1:9/one")
    seen = kiosk()
    seen = replace(seen, cameras=(replace(seen.cameras[0], url_ref="env:JWO_TEST_CAMERA"), *seen.cameras[1:]))
    broker = settled(tmp_path, BROKER.format(port=1883))
    sources, doors = _sources(Plan(store=seen, journal=tmp_path / "journal", settings=broker))
    assert [source.name for source in sources] == ["broker", "cameras c1"]
    assert isinstance(doors, MqttDoors)


def test_readers_of_one_kind_at_one_gate_are_sources_of_their_own(tmp_path: Path) -> None:
    """One that is unplugged must not look well because the other one reads: each has a name of its own."""
    devices = [SCANNER.format(device=f"/dev/{name}") for name in ("a", "b")]
    devices += [f'[[scanner]]\ngate = "door"\ncamera = "env:{name}"\n' for name in ("A", "B")]
    names = [source.name for source in wired(settled(tmp_path, *devices).devices)]
    assert names == ["scanner at door", "scanner 2 at door", "camera at door", "camera 2 at door"]


def test_a_recording_is_played_instead_of_the_devices(tmp_path: Path) -> None:
    """Its scales and cameras, each as a source of its own; the store's own devices are left alone."""
    settings = settled(tmp_path, BROKER.format(port=1883), READER)
    plan = Plan(store=STORE, journal=tmp_path / "journal", settings=settings, played=scene.recording())
    sources, doors = _sources(plan)
    assert {source.name for source in sources} == {"scales", "cameras"}
    assert doors is None


@pytest.mark.parametrize(
    ("tables", "plan", "problem"),
    [
        ((), {}, "no device"),
        ((READER,), {"closes": "22:00+01:00"}, "no time of day"),
        ((READER, PAYMENTS), {}, "JWO_TEST_KEY"),
        ((SCANNER.format(device="/dev/x").replace("door", "attic"),), {}, "what the layout does not have"),
    ],
)
def test_what_cannot_run_leaves_nothing_behind(
    tmp_path: Path, tables: tuple[str, ...], plan: dict[str, object], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No device, no such time, or no key: no journal is made."""
    monkeypatch.delenv("JWO_TEST_KEY", raising=False)
    settings = settled(tmp_path, *tables)
    with pytest.raises(UserError, match=problem):
        run(Plan(store=STORE, journal=tmp_path / "journal", settings=settings, **plan), began=nothing)  # type: ignore[arg-type]
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize(("tables", "refusal"), [((), None), ((PAYMENTS,), Refusal.NO_PAYMENT)])
def test_a_card_at_another_provider_than_the_stores_opens_no_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: tuple[str, ...], refusal: Refusal | None
) -> None:
    """Paid at another provider's before: whoever charges here could not charge it. Where nobody charges, it will do."""
    monkeypatch.setenv("JWO_TEST_KEY", "sk_test_of_nobody")
    settings = settled(tmp_path, SCANNER.format(device="/dev/x"), *tables)
    gatekeeper = _parts(Plan(store=STORE, journal=tmp_path / "journal", settings=settings)).gatekeeper
    assert gatekeeper is not None
    gatekeeper.saw(AccountOpened(at_ns=1, account="ann", role=Role.SHOPPER, commitment=""))
    gatekeeper.saw(PaymentMethodSet(at_ns=2, account="ann", provider="stripe", customer_ref="cus_1", method_ref="pm_1"))
    decided = gatekeeper.admit("ann", at_ns=3, gate_id="door", way=EntryWay.CARD)
    assert (decided.refusal if isinstance(decided, EntryRefused) else None) is refusal


def test_a_store_that_never_opened_says_what_kept_it_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker, so no scale: said while it runs, once, and part of what the run came to; nobody asked the second."""
    settings, said = settled(tmp_path, BROKER.format(port=9)), list[str]()
    monkeypatch.setattr(spoken, "PATIENCE_S", 0.3)
    plan = Plan(store=STORE, journal=tmp_path / "journal", settings=settings, up=True, seconds=2.0)
    ran = run(plan, began=Spoken(said.append).attach)
    assert len(said) == len(set(said)) <= 2  # once more where the broker's refusal took its time
    for reasons in (said[-1], "; ".join(ran.kept_shut)):
        assert "a: nothing was heard of it yet" in reasons
        assert "broker: " in reasons
        assert "told to stop" not in reasons
    assert not run(replace(plan, up=False, seconds=0.1), began=nothing).kept_shut


def test_recordings_that_cannot_be_kept_are_told_first(tmp_path: Path) -> None:
    """A file stands where their folder would be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="cannot be kept"):
        run(
            Plan(store=STORE, journal=tmp_path / "journal", played=scene.recording(), recordings=tmp_path / "taken"),
            began=nothing,
        )
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("tables", [(), (PAYMENTS,)])
def test_what_is_played_is_a_shadow(tmp_path: Path, tables: tuple[str, ...]) -> None:
    """Its dues are nobody's, also for payments that come later; no key is needed, and its recording replays."""
    plan = Plan(
        store=STORE,
        journal=tmp_path / "journal",
        settings=settled(tmp_path, *tables),
        played=scene.recording(),
        recordings=tmp_path / "recordings",
        seconds=3.0,
    )
    ran = run(plan, began=nothing)
    assert (ran.mode, ran.inside, ran.resumed) == (Mode.DOWN, 0, False)
    assert ran.recording is not None
    again = replay(open_recording(Path(ran.recording)))
    assert (again.head_seq, again.head_hash) == (ran.head_seq, ran.head_hash)
    assert not verify(plan.journal)
    with Intake.open(plan.journal) as intake:
        assert ran.shadow
        assert not [entry for entry in intake.entries() if entry.source.startswith(CHARGED_SOURCE)]


def cut_off(journal: Path, store: Store, *, shadow: bool) -> tuple[int, str]:
    """A run of before that was killed; the journal's head."""
    with Intake.open(journal, store_id=store.store_id, layout_version=store.version) as intake:
        live = LiveStore(store, intake, sources=(), recording=None, shadow=shadow)
        live.note(ModeChanged(at_ns=live.start_ns, mode=Mode.UP, staff="test"))
        live.take(Arrived("test", CodeRead(at_ns=live.start_ns, gate_id="door", account="ann"), time.monotonic_ns()))
        live.commit()
        return intake.head()


def test_what_cannot_run_settles_nothing_either(tmp_path: Path) -> None:
    """A shadow was cut off: its visits are settled by a run that can, and by none that is told a wrong closing time."""
    journal = tmp_path / "journal"
    head = cut_off(journal, STORE, shadow=True)
    device = tmp_path / "scanner"
    os.mkfifo(device)
    settings = settled(tmp_path, SCANNER.format(device=device))
    plan = Plan(store=STORE, journal=journal, settings=settings, seconds=0.1)
    with pytest.raises(UserError, match="no time of day"):
        run(replace(plan, closes="25:00"), began=nothing)
    with Intake.open(journal) as intake:
        assert intake.head() == head
    assert not run(plan, began=nothing).resumed
    with Intake.open(journal) as intake:
        settling = {entry.kind for entry in intake.entries(head[0]) if entry.source.startswith("shadow/")}
    assert {"store_closed"} <= settling


@pytest.mark.parametrize("files_know", [True, False])
def test_devices_suit_the_layout_that_the_run_goes_on_with(tmp_path: Path, files_know: bool) -> None:
    """A gate was added, or taken away, while the store was cut off: it goes on with the gates of before."""
    wide = replace(STORE, gates=(*STORE.gates, replace(STORE.gates[0], gate_id="attic")))
    wide, narrow = (replace(one, version=content_version(one)) for one in (wide, STORE))
    begun, files = (narrow, wide) if files_know else (wide, narrow)
    cut_off(tmp_path / "journal", begun, shadow=False)
    device = tmp_path / "scanner"
    os.mkfifo(device)
    settings = settled(tmp_path, SCANNER.format(device=device).replace("door", "attic"))
    plan = Plan(store=files, journal=tmp_path / "journal", settings=settings, seconds=0.1)
    if files_know:
        with pytest.raises(UserError, match="the layout that it goes on with") as told:
            run(plan, began=ends)
        assert [finding.field for finding in told.value.findings] == ["scanner[0].gate"]
    else:
        assert run(plan, began=ends).resumed


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ((READER,), "no broker"),
        ((BROKER.format(port=1),), "no device"),
        ((BROKER.format(port=1), SCANNER.format(device="/dev/x").replace("door", "attic")), "the layout does not have"),
    ],
)
def test_an_edge_needs_a_broker_and_a_device(tmp_path: Path, tables: tuple[str, ...], problem: str) -> None:
    """Said before anything is connected."""
    with pytest.raises(UserError, match=problem):
        run_at_edge(settled(tmp_path, *tables), STORE, "edge-1", seconds=0.1)


def test_an_edge_publishes_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """A code at its scanner is at the store's broker; SIGTERM ends it, and it says what each device gave."""
    pytest.importorskip("amqtt")
    pytest.importorskip("serial")
    from jwo_cli.sensors.mqtt.loopback import loopback_broker

    wire, device = os.openpty()
    ports, heard = [], []
    ready = threading.Event()

    async def shown() -> None:
        while True:  # a scanner that is being opened throws away what came before
            os.write(wire, b"A CODE\r\n")
            await asyncio.sleep(0.2)

    async def store() -> None:
        async with loopback_broker() as broker:
            ports.append(broker.port)
            ready.set()
            showing = asyncio.create_task(shown())
            async with asyncio.timeout(30):
                async for inlet in MqttSource(broker, store_id=STORE.store_id).stream():
                    if isinstance(inlet, CodeSeen):
                        heard.append((inlet.gate_id, inlet.text))
                        break
            showing.cancel()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=lambda: asyncio.run(store()))
    thread.start()
    assert ready.wait(20)
    settings = settled(tmp_path, BROKER.format(port=ports[0]), SCANNER.format(device=os.ttyname(device)))
    gave = run_at_edge(settings, STORE, "edge-1")
    thread.join(20)
    assert heard == [("door", "A CODE")]
    assert next(iter(gave.values())) >= 1


def test_a_rotated_key_is_taken_up_while_the_store_runs(tmp_path: Path) -> None:
    """Codes of the new key are good within a second; a key file that is spoiled then is told, and changes nothing."""
    file = tmp_path / "entry.key"
    file.write_text("e" * 44)
    (tmp_path / "jwo.toml").write_text(
        f'layout = "store.toml"\njournal = "journal"\n[mark]\nfile = "m.json"\nkey = "file:{file}"\n'
        f'[entry]\nkey = "file:{file}"\n'
    )
    settings = read_settings(tmp_path)
    gatekeeper = Gatekeeper("shop", entry_keys(settings))

    async def followed() -> tuple[bytes, int, list[tuple[bool, bool]]]:
        told: list[tuple[bool, bool]] = []

        async def put(arrived: Arrived) -> None:
            if isinstance(arrived.what, Trouble):
                told.append((arrived.what.over, "the key of before" in arrived.what.note))

        chore = follow_keys(settings, gatekeeper)
        state = SourceState(chore.name, chore.kind, chore.critical, chore.patience_s)
        following = asyncio.create_task(keep_flowing(chore, state, put))
        rotate_entry_key(settings)
        wanted = entry_keys(settings)
        for _ in range(200):
            if gatekeeper.keys == wanted:
                break
            await asyncio.sleep(KEYS_S / 10)
        file.write_text("short")
        await asyncio.sleep(2 * KEYS_S)
        following.cancel()
        return wanted.current, len(wanted.older), told

    current, older, told = asyncio.run(followed())
    assert (gatekeeper.keys.current, len(gatekeeper.keys.older), older) == (current, 1, 1)
    assert told == [(True, False), (False, True)]
