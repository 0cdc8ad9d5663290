"""Calibrations into layouts: they come back from the files, layouts without any keep their version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jwo_cli import layouts
from jwo_cli.estimate.calibration.lens import Lens, lens_of
from jwo_cli.estimate.calibration.rigid import Rigid, exp, pose_of
from jwo_cli.layouts import calibrated
from jwo_cli.layouts.version import content_version
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Clock, LensKind, Scale
from tests.layouts.conftest import Copy

LENS = Lens(kind=LensKind.EQUIDISTANT, values=np.array([420.0, 421, 630, 365, 0.02, -0.006, 0.001, -0.0002]),
            width_px=1280, height_px=720)  # fmt: skip


def test_lens_pose_scales_and_clock_come_back_from_the_files(kiosk: Copy) -> None:
    """Written, loaded, the same to the last bit; the file as it was stays beside it."""
    store = calibrated.open_store(kiosk.folder)
    before = (kiosk.folder / "store.toml").read_text()
    place = np.array([1.0, 0.5, 2.4])
    turn = exp(np.array([1.9, 0.3, -0.4]))
    changed = calibrated.with_lens(store, "c1", LENS)
    changed = calibrated.with_pose(changed, "c1", Rigid(turn=turn, shift=-turn @ place))
    channel = next(iter(store.plates().values()))[2].channel
    changed = calibrated.with_scales(changed, [Scale(channel=channel, tare_g=12.5, span=1.0021, noise_g=0.8)])
    changed = calibrated.with_clock(changed, Clock(device_id="poses", offset_ns=-120_000_000))
    calibrated.write_back(changed, kiosk.folder)
    again, findings = kiosk.load()
    assert again == changed, findings
    camera = calibrated.camera_of(changed, "c1")
    lens = lens_of(camera)
    assert lens is not None
    assert lens.values.tobytes() == LENS.values.tobytes()
    assert np.allclose(pose_of(camera).turn, turn)
    assert np.allclose(pose_of(camera).centre(), place)
    assert (kiosk.folder / f"store.toml{calibrated.BEFORE}").read_text() == before


def test_a_layout_without_calibration_keeps_its_version() -> None:
    """What was recorded with it stays its recording."""
    for path in layouts.bundled().values():
        store, _ = layouts.load(path)
        assert store is not None
        assert content_version(replace(store, scales=(), clocks=())) == store.version
        assert content_version(replace(store, clocks=(Clock(device_id="c1", offset_ns=1),))) != store.version


def test_plates_can_change_channels(kiosk: Copy) -> None:
    """Two wires that were swapped."""
    store = calibrated.open_store(kiosk.folder)
    one, two = list(store.plates().values())[:2]
    swapped = calibrated.with_channels(store, {one[2].plate_id: two[2].channel, two[2].plate_id: one[2].channel})
    assert swapped.plates()[one[2].plate_id][2].channel == two[2].channel
    assert layouts.check(swapped) == layouts.check(store)


def test_an_unknown_camera_names_the_known_ones(kiosk: Copy) -> None:
    """Before any work is done."""
    with pytest.raises(UserError, match="no camera 'c9'") as told:
        calibrated.camera_of(calibrated.open_store(kiosk.folder), "c9")
    assert "c1, c2" in told.value.fix


@pytest.mark.parametrize(
    "line", ['[[scale]]\nchannel = "g1:1:1"\ntare_g = 0.0\nspan = -1.0\n', "[[clock]]\ndevice = 5\n"]
)
def test_malformed_calibrations_are_findings(kiosk: Copy, line: str) -> None:
    """With their line."""
    file = kiosk.folder / "store.toml"
    file.write_text(file.read_text() + "\n" + line)
    assert kiosk.errors()
