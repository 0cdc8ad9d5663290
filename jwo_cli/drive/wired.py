"""Devices on a machine's own network and wires, by its settings: each a source with a name of its own."""

from __future__ import annotations

from collections import Counter

from jwo_cli.drive.edge import ReaderSource, ScannerSource
from jwo_cli.drive.gate_camera import GateCameraSource
from jwo_cli.drive.sources import Source
from jwo_cli.layouts.settings_devices import DeviceSettings
from jwo_cli.sensors.llrp import ReaderAddress
from jwo_cli.sensors.scanners import Scanner


def wired(devices: DeviceSettings) -> list[Source]:
    """Readers, scanners and gates' cameras on this machine's network and wires."""
    readers: list[Source] = [
        ReaderSource(
            ReaderAddress(
                reader_id=item.reader_id,
                host=item.host,
                port=item.port,
                antennas=dict(item.antennas),
                session=item.session,
            )
        )
        for item in devices.readers
    ]
    gates: list[Source] = []
    count: Counter[tuple[str, bool]] = Counter()
    for item in devices.scanners:
        count[key := (item.gate_id, bool(item.camera))] += 1
        if item.camera:
            gates.append(GateCameraSource(item.camera, gate_id=item.gate_id, number=count[key]))
        else:
            scanner = Scanner(device=item.device, baud=item.baud)
            gates.append(ScannerSource(scanner, gate_id=item.gate_id, number=count[key]))
    return readers + gates
