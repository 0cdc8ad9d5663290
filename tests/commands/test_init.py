"""`jwo init`: a whole store directory or none."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from jwo_cli.layouts.settings import read_settings

Jwo = Callable[..., "CompletedProcess[str]"]


def test_a_store_directory_has_layout_settings_and_keys(jwo: Jwo, tmp_path: Path) -> None:
    """The layout is valid, the settings read, the keys are their owner's alone."""
    made = jwo("init", "shop", "--name", "My Shop")
    assert made.returncode == 0, made.stderr
    assert jwo("layout", "validate", "shop", "--strict").returncode == 0
    settings = read_settings(tmp_path / "shop")
    assert settings.layout == tmp_path / "shop" / "store.toml"
    keys = [Path(reference.removeprefix("file:")) for reference in (settings.mark_key, settings.entry_key)]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600, 0o600]
    assert stat.S_IMODE(keys[0].parent.stat().st_mode) == 0o700
    secrets = [key.read_text().strip() for key in keys]
    assert min(map(len, secrets)) >= 32
    assert secrets[0] != secrets[1]
    everything = made.stdout + made.stderr + (tmp_path / "shop" / "jwo.toml").read_text()
    assert not any(secret in everything for secret in secrets)
    assert "keys/" in (tmp_path / "shop" / ".gitignore").read_text().splitlines()


def test_an_occupied_directory_is_left_alone(jwo: Jwo, tmp_path: Path) -> None:
    """Neither overwritten nor added to; an empty one is filled."""
    (tmp_path / "shop").mkdir()
    assert json.loads(jwo("init", "shop", "--json").stdout)["files"][0] == "store.toml"
    before = sorted(tmp_path.rglob("*"))
    told = jwo("init", "shop")
    assert (told.returncode, "not empty" in told.stderr) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_leaves_nothing_behind(jwo: Jwo, tmp_path: Path) -> None:
    """An unknown template: no directory, no scraps beside it."""
    told = jwo("init", "shop", "--layout", "palace")
    assert (told.returncode, "corner_kiosk, l_market" in told.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
