"""jwo.toml's devices against the layout: every name that is not there is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.layouts.settings import read_settings
from jwo_cli.layouts.settings_devices import check_devices
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.mqtt.configuration import check_name
from tests.estimate.tracking.kiosk import kiosk
from tests.layouts.test_settings import GOOD

KIOSK = kiosk()
GATE = KIOSK.gates[0].gate_id
CAMERA = KIOSK.cameras[0].camera_id


def settings_with(tmp_path: Path, lines: str) -> None:
    (tmp_path / "jwo.toml").write_text(GOOD + lines)
    check_devices(read_settings(tmp_path).devices, KIOSK)


@pytest.mark.parametrize(
    ("lines", "field", "says", "fix"),
    [
        ('[[scanner]]\ngate = "attic"\ndevice = "/dev/ttyUSB0"\n', "scanner[0].gate", "'attic'", GATE),
        (f'[[scanner]]\ngate = "{GATE}"\ncamera = "attic"\n', "scanner[0].camera", "'attic'", CAMERA),
        (f'[[scanner]]\ngate = "{GATE}"\ncamera = "{CAMERA}"\n', "scanner[0].camera", "not its address", "camera ="),
        ('[[rfid]]\nid = "r"\nhost = "h"\nantennas = ["", "attic"]\n', "rfid[0].antennas", "'attic'", "antenna"),
        (
            f'[[scanner]]\ngate = "{GATE}"\ndevice = "/dev/a"\n[[scanner]]\ngate = "{GATE}"\ndevice = "/dev/a"\n',
            "scanner[1].device",
            "two gates",
            "one gate",
        ),
    ],
)
def test_what_the_layout_does_not_have_is_refused(tmp_path: Path, lines: str, field: str, says: str, fix: str) -> None:
    """File, line, table and field; what is known; what to do."""
    with pytest.raises(UserError) as caught:
        settings_with(tmp_path, lines)
    (found,) = caught.value.findings
    assert (found.field, found.file) == (field, str(tmp_path / "jwo.toml"))
    assert (found.line or 0) > len(GOOD.splitlines())
    assert says in found.problem
    assert fix in found.fix


def test_addresses_of_gate_cameras_are_no_names(tmp_path: Path) -> None:
    """References, files, USB cameras and streams."""
    for address in ("env:GATE", "file:keys/gate", "usb:0", "/dev/video0", "gate.mp4", "rtsp://10.0.0.7/1"):
        settings_with(tmp_path, f'[[scanner]]\ngate = "{GATE}"\ncamera = "{address}"\n')


@pytest.mark.parametrize("table", ["[mqtt]\nhost", "[[rfid]]\nid", "[[scanner]]\ngate"])
def test_unknown_keys_are_refused(tmp_path: Path, table: str) -> None:
    """A slip of the pen is no setting."""
    with pytest.raises(UserError) as caught:
        settings_with(tmp_path, f'{table} = "localhost"\nhots = 3\n')
    assert any("'hots' means nothing here" in found.problem for found in caught.value.findings)


@pytest.mark.parametrize("name", [GATE, CAMERA, "store", "a/b", "", "$x"])
def test_an_edge_machine_has_a_name_of_its_own(name: str) -> None:
    """A device's name would be heard about that device alone, the store's would cut the store off."""
    with pytest.raises(UserError):
        check_name(name, KIOSK)
    check_name("till-2", KIOSK)
