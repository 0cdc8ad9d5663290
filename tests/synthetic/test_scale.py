"""A store several times over."""

from __future__ import annotations

import pytest

from jwo_cli import layouts
from jwo_cli.model.layout import Store
from jwo_cli.synthetic.places import inside
from jwo_cli.synthetic.scale import scaled


@pytest.mark.parametrize("times", [2, 4, 5])
def test_copies_multiply_what_stands_there(kiosk: Store, times: int) -> None:
    """Plates, facings and channels k times, none twice; everything on the floor; no error of the layout's rules."""
    big = scaled(kiosk, times)
    assert len(big.plates()) == times * len(kiosk.plates())
    assert len({plate.channel for _, _, plate in big.plates().values()}) == len(big.plates())
    assert len(big.facings) == times * len(kiosk.facings)
    assert all(plate in big.plates() for facing in big.facings for plate in facing.plates)
    assert all(inside(big.plate_centre(plate)[:2], big.floor) for plate in big.plates())
    assert big.version != kiosk.version
    assert not [finding for finding in layouts.check(big) if finding.severity == "error"]


def test_once_is_itself(kiosk: Store) -> None:
    """No copy for 1, an error below."""
    assert scaled(kiosk, 1) is kiosk
    with pytest.raises(ValueError, match="0 times"):
        scaled(kiosk, 0)
