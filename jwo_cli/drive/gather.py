"""From the paths of a command line to the folders of recordings, in a fixed order, each once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jwo_cli.model.findings import UserError

# What makes a folder a recording of ours, or a case of the competition's.
MARKS = ("manifest.json", "plate_data.json", "plate_data.json.gz", "full_targets.json", "full_targets.json.gz")


def is_recording(path: Path) -> bool:
    """Whether a folder looks like something that can be replayed."""
    return path.is_dir() and any((path / mark).exists() for mark in MARKS)


def expand(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Each path that is a recording, and in place of a folder of recordings its recordings by name.

    A path that is neither is kept, so that opening it says what is wrong with it. A folder named twice is taken once.
    Raises UserError where two different folders have one name: receipts are told apart by it.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [] if is_recording(path) or not path.is_dir() else sorted(filter(is_recording, path.iterdir()))
        for item in inside or [path]:
            found.setdefault(item.resolve(), item)
    named: dict[str, Path] = {}
    for place in found:
        if named.setdefault(place.name, place) is not place:
            raise UserError(
                f"two different recordings are called {place.name}: {named[place.name]} and {place}",
                fix="Rename one of the folders, or replay them one after the other.",
            )
    return tuple(found.values())
