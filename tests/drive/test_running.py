"""What a run takes up beside its devices."""

from __future__ import annotations

import asyncio
from pathlib import Path

from jwo_cli.drive.accounts import entry_keys, rotate_entry_key
from jwo_cli.drive.running import KEYS_S, _follow_keys
from jwo_cli.layouts.settings import read_settings
from jwo_cli.shop.gatekeeper import Gatekeeper


def test_a_rotated_key_is_taken_up_while_the_store_runs(tmp_path: Path) -> None:
    """Codes of the new key are good within a second; a key file that is spoiled meanwhile changes nothing."""
    file = tmp_path / "entry.key"
    file.write_text("e" * 44)
    (tmp_path / "jwo.toml").write_text(
        f'layout = "store.toml"\njournal = "journal"\n[mark]\nfile = "m.json"\nkey = "file:{file}"\n'
        f'[entry]\nkey = "file:{file}"\n'
    )
    settings = read_settings(tmp_path)
    gatekeeper = Gatekeeper("shop", entry_keys(settings))

    async def followed() -> tuple[bytes, int]:
        following = asyncio.create_task(_follow_keys(settings, gatekeeper))
        rotate_entry_key(settings)
        wanted = entry_keys(settings)
        for _ in range(200):
            if gatekeeper.keys == wanted:
                break
            await asyncio.sleep(KEYS_S / 10)
        file.write_text("short")
        await asyncio.sleep(2 * KEYS_S)
        assert not following.done()
        following.cancel()
        return wanted.current, len(wanted.older)

    current, older = asyncio.run(followed())
    assert (gatekeeper.keys.current, len(gatekeeper.keys.older), older) == (current, 1, 1)
