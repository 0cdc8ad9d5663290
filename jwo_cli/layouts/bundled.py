"""The layouts that come with jwo: each a folder with a store.toml, its catalogue and its planogram."""

from __future__ import annotations

from pathlib import Path

from jwo_cli.layouts.load import STORE_FILE


def bundled() -> dict[str, Path]:
    """Name -> TOML file, by name: inside the package when installed, at the top of the tree in the source."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "store_layouts", package.parent / "store_layouts"):
        files = sorted(folder.glob(f"*/{STORE_FILE}"))
        if files:
            return {file.parent.name: file for file in files}
    return {}
