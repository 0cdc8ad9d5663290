"""Wiring: which channels are sent, and what loose ones show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jwo_cli.layouts import from_autocheckout
from jwo_cli.model.layout import Store
from jwo_cli.synthetic.scale import scaled
from jwo_cli.synthetic.wiring import OVERLOAD_G, devices, measured_name, silent_fixtures


def test_a_fixtures_plates_are_one_device(kiosk: Store) -> None:
    """Every wired channel once, with the column of its plate."""
    columns = [column for device in devices(kiosk) for column in device.columns]
    assert sorted(columns) == list(range(len(kiosk.plates())))
    assert [device.device_id for device in devices(kiosk)] == ["g1", "g2", "f1"]
    assert silent_fixtures(kiosk) == frozenset()


def test_the_nanostore_sends_more_columns_than_plates(shared_data: Path) -> None:
    """As in the real recording: open channels at 6067 g, one that copies the last but one, gondola 5 silent."""
    case = shared_data / "nanostore-dev" / "dev-01-single_simple"
    store, _ = from_autocheckout(case / "planogram.json", case / "products.json")
    sent = {device.device_id: device for device in devices(store)}
    assert {name: len(device.channels) for name, device in sent.items()} == {"g1": 84, "g2": 72, "g3": 60, "g4": 72}
    grams = np.random.default_rng(1).uniform(0, 900, (12, len(store.plates()))).astype(np.float32)
    g2, g1 = sent["g2"].batch(grams, 1), sent["g1"].batch(grams, 1)
    names = sent["g2"].channels
    assert (g2[:, names.index("g2:3:10")] == np.float32(OVERLOAD_G)).all()
    assert (g2[:, names.index("g2:3:11")] == g2[:, names.index("g2:3:9")]).all()
    assert np.isnan(g1[:, sent["g1"].channels.index("g1:1:13")]).all()
    assert np.isfinite(g1[:, sent["g1"].channels.index("g1:4:13")]).all()
    assert silent_fixtures(store) == {"g5"}
    twice = scaled(store, 2)
    assert silent_fixtures(twice) == {"c0-g5", "c1-g5"}
    assert measured_name(twice, "c1-g3") == "g3"
    assert len(devices(twice)) == 8
