"""The configuration we ship: mosquitto takes it, and with it nobody speaks for another."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("aiomqtt")

import aiomqtt
import numpy as np

from jwo_cli.estimate.signals import PoseFrame, WeightBatch
from jwo_cli.layouts import bundled, load
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.sensors.mqtt.configuration import BrokerFiles, broker_files, devices_of, speaking_for_itself
from jwo_cli.sensors.mqtt.wire import Body, CodeText, GateState

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


@pytest.fixture(scope="module")
def store() -> Store:
    found, _ = load(bundled()["corner_kiosk"])
    assert found is not None
    return found


def test_every_device_of_the_layout_has_a_user(store: Store) -> None:
    """Scales, cameras and gates, each with a password of its own, and the store."""
    files = broker_files(store, folder="/etc/mosquitto/jwo")
    assert set(files.passwords) == {"store", *devices_of(store)}
    assert len(set(files.passwords.values())) == len(files.passwords)
    assert {gate.gate_id for gate in store.gates} <= set(files.passwords)
    assert not any(password in files.conf + files.acl for password in files.passwords.values())


def test_edge_machines_have_users_of_their_own(store: Store) -> None:
    """By name, beside the devices; one that is called like a device would speak for that alone."""
    usual, with_edges = broker_files(store, folder="/x"), broker_files(store, folder="/x", edges=("kitchen", "bar"))
    assert set(with_edges.passwords) == {*usual.passwords, "kitchen", "bar"}
    with pytest.raises(UserError, match="is a device of the layout"):
        broker_files(store, folder="/x", edges=(store.gates[0].gate_id,))


def test_it_is_closed_by_default(store: Store) -> None:
    """TLS, no anonymous users, unlimited queues."""
    lines = broker_files(store, folder="/etc/mosquitto/jwo").conf.splitlines()
    wanted = {"allow_anonymous false", "max_queued_messages 0", "max_queued_bytes 0", "persistence true"}
    assert wanted <= set(lines)
    assert "certfile /etc/mosquitto/jwo/broker.crt" in lines


def _weights(channel: str) -> WeightBatch:
    grams = np.zeros((1, 1), np.float32)
    return WeightBatch(device_id="scale", end_ns=1, rate_hz=60.0, channels=(channel,), grams=grams)


@pytest.mark.parametrize(
    ("device", "body", "may"),
    [
        ("g1", _weights("g1:1:1"), True),
        ("g1", _weights("g2:1:1"), False),
        ("g1", CodeText(at_ns=1, gate_id="entry", text="a-0000000007", way="card"), False),
        ("exit", CodeText(at_ns=1, gate_id="entry", text="A CODE"), False),
        ("entry", CodeText(at_ns=1, gate_id="entry", text="a-0000000007", way="card"), True),
        ("g1", GateState(at_ns=1, gate_id="exit", state="released", reason="fire"), False),
        ("g1", PoseFrame(at_ns=1, people=()), False),
        ("edge-1", CodeText(at_ns=1, gate_id="entry", text="a-0000000007", way="card"), True),
        ("edge-1", _weights("g2:1:1"), True),
    ],
)
def test_a_scales_password_opens_no_door(store: Store, device: str, body: Body, may: bool) -> None:
    """One of the layout's devices is heard about itself; an edge machine about everything."""
    assert speaking_for_itself(store)(device, body) is may


@pytest.fixture(scope="module")
def broker(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, BrokerFiles]]:
    if MOSQUITTO is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto is not installed (Debian: apt install mosquitto)")
    folder = tmp_path_factory.mktemp("mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    files = broker_files(store, folder=str(folder), port=port, tls=False)
    (folder / "data").mkdir()
    (folder / "acl").write_text(files.acl)
    (folder / "acl").chmod(0o600)
    (folder / "mosquitto.conf").write_text(files.conf + "user root\n")
    (folder / "passwords").write_text("".join(f"{user}:{word}\n" for user, word in files.passwords.items()))
    (folder / "passwords").chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(folder / "passwords")], check=True, capture_output=True)
    process = subprocess.Popen([MOSQUITTO, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
            break
        time.sleep(0.02)
    yield port, files
    process.kill()
    process.wait()


def test_a_device_speaks_for_itself_alone(store: Store, broker: tuple[int, BrokerFiles]) -> None:
    """Its own measurements arrive; what it says under another's name, or commands to a gate, do not."""
    port, files = broker
    device, other = devices_of(store)[0], store.gates[0].gate_id
    base = f"jwo/{store.store_id}"

    def client(user: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", port, username=user, password=files.passwords[user])

    async def story() -> list[str]:
        heard: list[str] = []
        async with client("store") as listening:
            await listening.subscribe(f"{base}/#", qos=1)
            for name in (f"{other}/data/gate", f"{other}/command", f"{device}/command", f"{device}/data/weights"):
                # mosquitto shows the door to who says what it may not
                with contextlib.suppress(aiomqtt.MqttError):
                    async with client(device) as talking:
                        await talking.publish(f"{base}/{name}", b"{}", qos=1)
            async with asyncio.timeout(5):
                async for message in listening.messages:
                    heard.append(str(message.topic))
                    if heard[-1].endswith("weights"):
                        break
        return heard

    assert asyncio.run(story()) == [f"{base}/{device}/data/weights"]


def test_strangers_stay_outside(broker: tuple[int, BrokerFiles]) -> None:
    """Without a name, or with a wrong password."""
    port, _ = broker

    async def connect(user: str | None) -> None:
        async with aiomqtt.Client("127.0.0.1", port, username=user, password="guess" if user else None):
            pass

    for user in (None, "store"):
        with pytest.raises(aiomqtt.MqttError):
            asyncio.run(connect(user))
