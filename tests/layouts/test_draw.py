"""Drawings: true to scale, with everything on them, and the same bytes for the same store."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from jwo_cli import layouts
from jwo_cli.layouts.draw_elevation import draw_elevation, elevation_sheet
from jwo_cli.layouts.draw_plan import draw_plan, plan_sheet
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store


def _store(name: str) -> Store:
    store, _ = layouts.load(layouts.bundled()[name])
    assert store is not None
    return store


def _words(path: Path) -> str:
    root = ET.fromstring(path.read_text())  # noqa: S314 - our own file
    return " ".join(part for item in root.iter() if item.text for part in [item.text.strip()] if part)


def test_the_plan_names_everything(tmp_path: Path) -> None:
    """Fixtures, gates, cameras, antennas, zones, dimensions, scale, north, version."""
    store = _store("l_market")
    draw_plan(store, tmp_path / "plan.svg")
    words = _words(tmp_path / "plan.svg")
    named = [item.fixture_id for item in store.fixtures] + [item.gate_id for item in store.gates]
    named += [item.camera_id for item in store.cameras] + [item.antenna_id for item in store.antennas]
    named += [item.zone_id for item in store.zones]
    assert [name for name in named if name not in words] == []
    for said in (store.version, "Scale 1:50", "14.00", "11.50", "6.50", "N", "ENTRY", "EXIT", "Legend", "(staff only)"):
        assert said in words


def test_the_plan_is_true_to_scale() -> None:
    """A metre on the page is as long as the title says, in x and y, on A3."""
    for name in layouts.bundled():
        sheet = plan_sheet(_store(name))
        width, height = (size * 25.4 for size in sheet.figure.get_size_inches())
        assert sorted((round(width), round(height))) == [297, 420]
        area = sheet.plan.get_position()
        x_low, x_high = sheet.plan.get_xlim()
        y_low, y_high = sheet.plan.get_ylim()
        assert (x_high - x_low) * 1000 / sheet.scale == pytest.approx(area.width * width)
        assert (y_high - y_low) * 1000 / sheet.scale == pytest.approx(area.height * height)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_store_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    """No date, no random ids."""
    for name in ("a", "b"):
        draw_plan(_store("corner_kiosk"), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_png_is_large_enough_to_print(tmp_path: Path) -> None:
    """A3 at 150 dots an inch."""
    draw_plan(_store("corner_kiosk"), tmp_path / "plan.png")
    size = struct.unpack(">II", (tmp_path / "plan.png").read_bytes()[16:24])
    assert size[0] >= 2400


def test_the_elevation_shows_what_stands_where(tmp_path: Path) -> None:
    """Products with price and mass, channels, board heights."""
    draw_elevation(_store("corner_kiosk"), "g1", tmp_path / "g1.svg")
    words = re.sub(r"\s+", " ", _words(tmp_path / "g1.svg"))
    for said in ("Oat bar", "1.09 EUR", "46 g", "g1:3:6", "g1.s2", "0.750", "1.750"):
        assert said in words


def test_every_fixture_has_an_elevation() -> None:
    """Counters without boards, tables with two rows, fixtures with two bays."""
    for name in layouts.bundled():
        store = _store(name)
        for fixture in store.fixtures:
            assert elevation_sheet(store, fixture.fixture_id).scale >= 10


def test_what_cannot_be_drawn_is_a_sentence(tmp_path: Path) -> None:
    """An unknown fixture, an unknown ending, a folder that is not there."""
    store = _store("corner_kiosk")
    with pytest.raises(UserError, match="no fixture 'g9'"):
        draw_elevation(store, "g9", tmp_path / "x.svg")
    with pytest.raises(UserError, match="neither SVG nor PNG"):
        draw_plan(store, tmp_path / "x.pdf")
    with pytest.raises(UserError, match="cannot be written"):
        draw_plan(store, tmp_path / "no" / "x.svg")


def test_a_store_without_gates_or_sensors_can_be_drawn(shared_data: Path, tmp_path: Path) -> None:
    """The nanostore from its planogram."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    store, _ = layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")
    draw_plan(store, tmp_path / "nano.svg")
    assert "g5" in _words(tmp_path / "nano.svg")
