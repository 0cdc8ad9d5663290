"""What `jwo.toml` says about devices that are not in the layout: the broker, RFID readers, code scanners.

[mqtt]                                    # scales, gates and edge machines publish here
host = "broker.local"
port = 8883
user = "store"
password = "file:keys/mqtt.password"
ca = "ca.crt"                             # switches TLS on; without it the broker must be on this machine
[[rfid]]
id = "r1"
host = "192.168.1.40"
antennas = ["door", "shelf-3"]            # the layout's antenna at port 1, 2, …; "" where none is plugged in
session = 1                               # Gen2 session
[[scanner]]
gate = "entry"                            # the gate it stands at
device = "/dev/ttyUSB0"
baud = 9600                               # a serial line; left out: a scanner that types like a keyboard (/dev/input/…)
[[scanner]]
gate = "entry"
camera = "env:JWO_GATE_CAMERA"            # phones are held before this camera: an address, or where it is kept
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jwo_cli.layouts.fields import Table
from jwo_cli.layouts.settings_money import reference

_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How to reach the broker; `password` is a reference, `ca` None means no TLS."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """An RFID reader; `antennas` are the layout's ids by port, from 1."""

    reader_id: str
    host: str
    port: int
    antennas: tuple[tuple[int, str], ...]
    session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerSettings:
    """What reads codes at a gate: a device on a wire (`baud` None for one that types like a keyboard), or a camera.

    `camera` is an address or a reference to it; empty for a device.
    """

    gate_id: str
    device: str
    baud: int | None
    camera: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """The broker, if there is one, readers and scanners."""

    broker: BrokerSettings | None = None
    readers: tuple[ReaderSettings, ...] = ()
    scanners: tuple[ScannerSettings, ...] = ()


def read_devices(root: Table, folder: Path) -> DeviceSettings:
    """The tables as far as they are there; what is wrong becomes findings of the root's source."""
    mqtt = root.table("mqtt", required=False)
    broker = None
    if mqtt is not None:
        broker = _broker(mqtt, folder)
        mqtt.done()
    readers, scanners = [], []
    if root.has("rfid"):
        for table in root.tables("rfid"):
            readers.append(_reader(table))
            table.done()
    if root.has("scanner"):
        for table in root.tables("scanner"):
            scanners.append(_scanner(table))
            table.done()
    return DeviceSettings(broker=broker, readers=tuple(readers), scanners=tuple(scanners))


def _broker(mqtt: Table, folder: Path) -> BrokerSettings:
    ca = mqtt.text("ca", "")
    host = mqtt.text("host")
    if not ca and host not in _LOCAL:
        mqtt.bad("ca", "a broker on another machine needs TLS", 'Name the CA of its certificate: ca = "ca.crt".')
    return BrokerSettings(
        host=host,
        port=_port(mqtt, 8883 if ca else 1883),
        user=mqtt.text("user", ""),
        password=reference(mqtt, "password", folder) if mqtt.has("password") else "",
        ca=folder / ca if ca else None,
    )


def _reader(table: Table) -> ReaderSettings:
    session = table.integer("session", 1)
    if not 0 <= session <= 3:
        table.bad("session", f"{session} is no Gen2 session", "Write 0, 1, 2 or 3; 1 suits shelves.")
    antennas = tuple((port, name) for port, name in enumerate(table.texts("antennas"), start=1) if name)
    if not antennas:
        table.bad("antennas", "no antenna is named", 'List the layout\'s antennas by port: antennas = ["door"].')
    return ReaderSettings(
        reader_id=table.ident("id"),
        host=table.text("host"),
        port=_port(table, 5084),
        antennas=antennas,
        session=session,
    )


def _scanner(table: Table) -> ScannerSettings:
    baud, device, camera = table.integer("baud", 0), table.text("device", ""), table.text("camera", "")
    if baud < 0:
        table.bad("baud", f"{baud} is no speed", "Write the scanner's speed, such as 9600.")
    if bool(device) == bool(camera):
        table.bad("device", "a scanner is a device or a camera", 'Write device = "/dev/…" or camera = "env:…".')
    if "://" in camera and "@" in camera:
        table.bad("camera", "an address with a password must not stand here", "Write env:NAME or file:PATH for it.")
    return ScannerSettings(gate_id=table.ident("gate"), device=device, baud=baud or None, camera=camera)


def _port(table: Table, default: int) -> int:
    port = table.integer("port", default)
    if not 0 < port < 65_536:
        table.bad("port", f"{port} is no port", "Write a number from 1 to 65535.")
        return default
    return port
