"""Recordings on disk for tests of the drivers and of the command line."""

from __future__ import annotations

from pathlib import Path

from jwo_cli.recordings import write_recording
from tests.drive import scene


def write_scene(path: Path, *, version: str = "1", taken_g: float = 520.0, seed: int = 7) -> Path:
    """The scene as a recording folder named after its path."""
    write_recording(
        path,
        name=path.name,
        store=scene.store(version),
        start_ns=scene.START_NS,
        signals=scene.signals(taken_g=taken_g, seed=seed),
    )
    return path
