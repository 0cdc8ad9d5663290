"""A safe configuration of mosquitto for one store: nothing acknowledged is thrown away, nobody speaks for another.

mosquitto's defaults drop messages beyond a thousand queued ones after having acknowledged them, and let anybody say
anything. Here queues are unlimited (the devices keep what the store has not confirmed in any case), everybody has a
name and password over TLS, and a device's name is the only level of the topics that it may write to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from jwo_cli.estimate.signals import PoseFrame, TagRead, WeightBatch
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store

from . import wire

STORE_USER = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """Contents of the files, and the fresh passwords by user (to be hashed by mosquitto_passwd, then handed out)."""

    conf: str
    acl: str
    passwords: dict[str, str]


def devices_of(store: Store) -> tuple[str, ...]:
    """Who publishes in this store: its scales' converters, cameras, gates and antennas, in file order, once each."""
    found: dict[str, None] = {}
    for _, _, plate in store.plates().values():
        found[plate.channel.split(":", 1)[0]] = None
    for name in (
        *(camera.camera_id for camera in store.cameras),
        *(gate.gate_id for gate in store.gates),
        *(antenna.antenna_id for antenna in store.antennas),
    ):
        found[name] = None
    return tuple(found)


def check_name(name: str, store: Store) -> None:
    """Whether an edge machine may be called so. Raises UserError: no level of a topic, or a device of the layout."""
    try:
        wire.topic(store.store_id, name)
    except wire.WireError as error:
        raise UserError(str(error), fix="Give this machine a name of letters and digits: --name till-2.") from None
    if name == STORE_USER or name in devices_of(store):
        raise UserError(
            f"{name!r} is the name of {'the store' if name == STORE_USER else 'a device of the layout'} on the broker",
            fix="Give this machine a name of its own: --name till-2.",
        )


def speaking_for_itself(store: Store) -> Callable[[str, wire.Body], bool]:
    """Whether a device may say something: one of the layout's about itself, any other (an edge machine) about all.

    The broker lets nobody write below another's name; this keeps a scale's password from opening a door. A camera may
    tell what it reads at a gate, but no cards.
    """
    devices = frozenset(devices_of(store))
    cameras = frozenset(camera.camera_id for camera in store.cameras)

    def may(device_id: str, body: wire.Body) -> bool:
        if device_id not in devices:
            return True
        match body:
            case WeightBatch():
                return all(channel.split(":", 1)[0] == device_id for channel in body.channels)
            case TagRead():
                return body.antenna_id == device_id
            case PoseFrame():
                return device_id in cameras
            case wire.CameraSaw():
                return body.camera_id == device_id
            case wire.CodeText():
                return body.gate_id == device_id or (device_id in cameras and body.way == "code")
            case wire.GateState():
                return body.gate_id == device_id
            case wire.DeviceTrouble():
                return body.device_id == device_id
            case _:
                assert_never(body)

    return may


def broker_files(
    store: Store, *, folder: str, port: int = 8883, tls: bool = True, edges: Sequence[str] = ()
) -> BrokerFiles:
    """The files for a store, to stand in `folder` on the broker's machine; `edges` are its edge machines' names.

    Raises UserError for a device whose id cannot be a level of a topic or is the store's own user.
    """
    if taken := [name for name in edges if name in devices_of(store)]:
        raise UserError(f"{taken[0]!r} is a device of the layout", fix="Give the machine a name of its own.")
    devices = tuple(dict.fromkeys([*devices_of(store), *edges]))
    for device in devices:
        try:
            wire.topic(store.store_id, device)
        except wire.WireError as error:
            raise UserError(str(error), fix="Give the device another id in the layout.") from None
        if device == STORE_USER or any(character in device for character in ": \t\n"):
            raise UserError(f"{device!r} cannot be a user of the broker", fix="Give the device another id.")
    listener = [f"listener {port}" if tls else f"listener {port} 127.0.0.1"]
    if tls:
        listener += [
            f"cafile {folder}/ca.crt",
            f"certfile {folder}/broker.crt",
            f"keyfile {folder}/broker.key",
            "tls_version tlsv1.2",
        ]
    conf = [
        f"# mosquitto for the store {store.store_id}",
        *listener,
        "",
        "# Everybody has a name; a device's name is the only place it may write to.",
        "allow_anonymous false",
        f"password_file {folder}/passwords",
        f"acl_file {folder}/acl",
        "",
        "# What was acknowledged is kept until the store has read it, also over the broker's restart.",
        "persistence true",
        f"persistence_location {folder}/data/",
        "autosave_interval 5",
        "max_queued_messages 0",
        "max_queued_bytes 0",
        "max_inflight_messages 1000",
        "persistent_client_expiration 14d",
        f"max_packet_size {wire.MAX_BYTES + 1024}",
        "",
    ]
    base = f"jwo/{store.store_id}"
    acl = [
        f"# Users are the store ({STORE_USER}) and its devices by their ids.",
        f"user {STORE_USER}",
        f"topic readwrite {base}/#",
        "",
        "# %u is the user's own name.",
        f"pattern write {base}/%u/data/+",
        f"pattern write {base}/%u/status",
        f"pattern read {base}/%u/ack",
        f"pattern read {base}/%u/command",
        "",
    ]
    passwords = {user: secrets.token_urlsafe(24) for user in (STORE_USER, *devices)}
    return BrokerFiles(conf="\n".join(conf), acl="\n".join(acl), passwords=passwords)
