"""The stores that synthetic people walk in."""

from __future__ import annotations

import pytest

from jwo_cli.model.layout import Store
from jwo_cli.synthetic.paths import Floor
from jwo_cli.synthetic.sample import layout


@pytest.fixture(scope="session")
def kiosk() -> Store:
    """The corner kiosk."""
    return layout()


@pytest.fixture(scope="session")
def kiosk_floor(kiosk: Store) -> Floor:
    """Its floor, for finding ways."""
    return Floor(kiosk)
