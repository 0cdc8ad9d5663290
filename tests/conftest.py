"""Fixtures for every room: where the real data lies, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import forked

# A busy machine is no bug: no deadlines. In CI the same examples every time, so that a red run can be repeated.
settings.register_profile("jwo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("jwo"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "jwo")

ROOT = Path(__file__).resolve().parent.parent
Jwo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real third-party data, read in place; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("JWO_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real data is not here ({folder}); JWO_SHARED_DATA names another place")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def jwo(tmp_path: Path) -> Jwo:
    """`jwo ARGS…` in a fresh process and an empty folder, without colours and without the user's journal."""

    def run(
        *args: str | Path, env: dict[str, str] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        return forked.run([str(arg) for arg in args], cwd=tmp_path, env=env or {}, timeout=timeout)

    return run
