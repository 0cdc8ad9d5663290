"""What is asked of the tracker on the real data, with its default settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tracking import WILDTRACK_HZ, on_floor, pets
from benchmarks.tracking_data import cmc, wildtrack

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "mota", "idf1"), [("fairmot-x1y1x2y2.txt", 0.90, 0.90), ("fasterrcnn-mot.txt", 0.66, 0.60)]
)
def test_pets_in_the_image(shared_data: Path, name: str, mota: float, idf1: float) -> None:
    """Without being told the frame rate."""
    reached = pets(name)
    assert reached.mota >= mota
    assert reached.idf1 >= idf1


@pytest.mark.parametrize(("name", "mota", "idf1"), [("CMC1", 0.99, 0.99), ("CMC2", 0.95, 0.97)])
def test_cmc_on_the_floor(shared_data: Path, name: str, mota: float, idf1: float) -> None:
    """Four ceiling cameras in a small room, boxes only; with one of them off at most 3 points of MOTA less."""
    scene = cmc(name)
    reached = on_floor(scene)
    assert reached.mota >= mota
    assert reached.idf1 >= idf1
    for off in (0, 3):
        assert on_floor(scene, off=off).mota >= reached.mota - 0.03


def test_wildtrack_on_the_floor(shared_data: Path) -> None:
    """Seven cameras, 2 frames a second, annotated boxes without identities."""
    reached = on_floor(wildtrack(), rate_hz=WILDTRACK_HZ)
    assert reached.moda is not None
    assert reached.moda >= 0.97
    assert reached.idf1 >= 0.95
