"""A kept journal of two visits, for commands that read; made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.telling import Teller
from tests.drive.conftest import write_scene


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two recordings: one bottle, and two of them."""
    folder = tmp_path_factory.mktemp("scenes")
    write_scene(folder / "one")
    write_scene(folder / "two", taken_g=1040.0, seed=8)
    return folder


@pytest.fixture(scope="session")
def kept(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of both."""
    place = tmp_path_factory.mktemp("kept") / "journal"
    with Teller(receipts=False) as teller:
        replay_all([scenes / "one", scenes / "two"], place, teller)
    return place
