"""What `jwo.toml` says about devices that are not in the layout, and how this machine looks at those that are.

[mqtt]                                    # scales, gates and edge machines publish here
host = "broker.local"
port = 8883
user = "store"
password = "file:keys/mqtt.password"
ca = "ca.crt"                             # switches TLS on; without it the broker must be on this machine
[cameras]
workers = 4                               # processes that look at pictures; left out: a core each, one core stays free
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

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jwo_cli.layouts.fields import Table
from jwo_cli.layouts.places import Place, dotted
from jwo_cli.layouts.settings_money import reference
from jwo_cli.model.findings import Finding, UserError
from jwo_cli.model.layout import Store

_NAME = re.compile(r"[\w-]+")  # of a camera: an address has colons, slashes or dots
_NOWHERE = Place(file="jwo.toml", line=None)
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
    place: Place = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerSettings:
    """What reads codes at a gate: a device on a wire (`baud` None for one that types like a keyboard), or a camera.

    `camera` is an address or a reference to it; empty for a device.
    """

    gate_id: str
    device: str
    baud: int | None
    camera: str = ""
    place: Place = field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """The broker, if there is one, readers and scanners; `camera_workers` 0 is as many as suit the machine."""

    broker: BrokerSettings | None = None
    readers: tuple[ReaderSettings, ...] = ()
    scanners: tuple[ScannerSettings, ...] = ()
    camera_workers: int = 0


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
    return DeviceSettings(
        broker=broker, readers=tuple(readers), scanners=tuple(scanners), camera_workers=_workers(root)
    )


def _workers(root: Table) -> int:
    cameras = root.table("cameras", required=False)
    if cameras is None:
        return 0
    workers = cameras.integer("workers", 0)
    if workers < 0:
        cameras.bad("workers", f"{workers} is no number of processes", "Leave it out, or write 1 or more.")
    cameras.done()
    return max(workers, 0)


def check_devices(devices: DeviceSettings, store: Store) -> None:
    """Hold the names in the settings against the layout. Raises UserError with a finding for each that is not there."""
    found = [*_strange_readers(devices.readers, store), *_strange_scanners(devices.scanners, store)]
    if found:
        file = found[0].file
        raise UserError(f"{file} names what the layout does not have", fix="Correct it, or the layout.", findings=found)


def _strange_readers(readers: Iterable[ReaderSettings], store: Store) -> Iterator[Finding]:
    antennas = [antenna.antenna_id for antenna in store.antennas]
    ids: set[str] = set()
    taken: dict[str, str] = {}
    for reader in readers:
        if reader.reader_id in ids:
            yield _finding(reader.place, "id", f"there are two readers {reader.reader_id!r}", "Give it another id.")
        ids.add(reader.reader_id)
        for port, name in reader.antennas:
            if name not in antennas:
                yield _unknown(reader.place, "antennas", "antenna", name, antennas)
            elif name in taken:
                problem = f"{name!r} is at port {port} here and {taken[name]} as well"
                yield _finding(reader.place, "antennas", problem, 'Name each antenna once; "" is a port without one.')
            taken.setdefault(name, f"at port {port} of {reader.reader_id}")


def _strange_scanners(scanners: Iterable[ScannerSettings], store: Store) -> Iterator[Finding]:
    gates = [gate.gate_id for gate in store.gates]
    cameras = {camera.camera_id: camera.url_ref for camera in store.cameras}
    devices: set[str] = set()
    for scanner in scanners:
        if scanner.gate_id not in gates:
            yield _unknown(scanner.place, "gate", "gate", scanner.gate_id, gates)
        if scanner.device and scanner.device in devices:
            fix = "A scanner stands at one gate; name the other's device."
            yield _finding(scanner.place, "device", f"{scanner.device} is read for two gates", fix)
        devices.add(scanner.device)
        if scanner.camera in cameras:
            fix = f'Write where its address is kept: camera = "{cameras[scanner.camera] or "env:NAME"}".'
            yield _finding(scanner.place, "camera", f"{scanner.camera!r} is a camera's name, not its address", fix)
        elif _NAME.fullmatch(scanner.camera):
            yield _unknown(scanner.place, "camera", "camera", scanner.camera, list(cameras))


def _unknown(place: Place, name: str, kind: str, value: str, known: list[str]) -> Finding:
    fix = f"Known are {', '.join(known)}." if known else f"The layout has no {kind}; add [[{kind}]] to it."
    return _finding(place, name, f"the layout has no {kind} {value!r}", fix)


def _finding(place: Place, name: str, problem: str, fix: str) -> Finding:
    return Finding(file=place.file, line=place.line, field=dotted((*place.path, name)), problem=problem, fix=fix)


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
        place=table.place(),
    )


def _scanner(table: Table) -> ScannerSettings:
    baud, device, camera = table.integer("baud", 0), table.text("device", ""), table.text("camera", "")
    if baud < 0:
        table.bad("baud", f"{baud} is no speed", "Write the scanner's speed, such as 9600.")
    if bool(device) == bool(camera):
        table.bad("device", "a scanner is a device or a camera", 'Write device = "/dev/…" or camera = "env:…".')
    if "://" in camera and "@" in camera:
        table.bad("camera", "an address with a password must not stand here", "Write env:NAME or file:PATH for it.")
    gate = table.ident("gate")
    return ScannerSettings(gate_id=gate, device=device, baud=baud or None, camera=camera, place=table.place())


def _port(table: Table, default: int) -> int:
    port = table.integer("port", default)
    if not 0 < port < 65_536:
        table.bad("port", f"{port} is no port", "Write a number from 1 to 65535.")
        return default
    return port
