"""`jwo calibrate scale` without weights: plates that were touched in order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from jwo_cli.estimate.signals import WeightBatch
from jwo_cli.layouts import load, save
from jwo_cli.recordings import write_recording
from tests.conftest import Jwo
from tests.drive import scene


def _touched(path: Path, channels: tuple[str, ...]) -> Path:
    """A recording of one press on each plate in turn, the plates answering on `channels`."""
    rate = 30.0
    at = np.arange(0, 6 + 4.0 * len(channels), 1 / rate)
    grams = np.random.default_rng(2).normal(0, 1.0, (len(at), 3)) + np.array((1500, 2500, 3500))
    for turn, channel in enumerate(channels):
        on = (at >= 4 + 4 * turn) & (at < 5 + 4 * turn)
        grams[on, scene.CHANNELS.index(channel)] += 700 * np.sin(np.pi * (at[on] - 4 - 4 * turn))
    batches = [
        WeightBatch(
            device_id="a", end_ns=scene.START_NS + round(at[end - 1] * 1e9), rate_hz=rate, channels=scene.CHANNELS,
            grams=grams[end - 30 : end].astype(np.float32),
        ) for end in range(30, len(at) + 1, 30)
    ]  # fmt: skip
    write_recording(path, name=path.name, store=scene.store(), start_ns=scene.START_NS, signals=batches)
    return path


def test_touching_plates_in_order_tells_swapped_wires(jwo: Jwo, tmp_path: Path) -> None:
    """In order it passes; swapped it says so, and writes the channels as they answered when asked."""
    save(scene.store(), tmp_path / "shop")
    one, two, three = scene.CHANNELS
    good = jwo("calibrate", "scale", _touched(tmp_path / "good", scene.CHANNELS), "--json")
    told = json.loads(good.stdout)
    assert (good.returncode, told["verdict"]) == (0, "pass"), good.stdout
    assert (tmp_path / told["picture"]).read_bytes().startswith(b"\x89PNG")
    words = ("calibrate", "scale", _touched(tmp_path / "swapped", (two, one, three)), "--layout", "shop")
    asked = jwo(*words)
    assert (asked.returncode, "swapped" in asked.stderr) == (2, True)
    assert jwo(*words, "--rewire").returncode == 0
    store, _ = load(tmp_path / "shop")
    assert store is not None
    assert [plate.channel for _, _, plate in store.plates().values()] == [two, one, three]
    assert store.scales == ()
