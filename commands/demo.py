"""`jwo demo`: the tour, offline, without hardware, in a journal that is thrown away."""

from __future__ import annotations

import tempfile
from pathlib import Path


def main() -> None:
    """Take the tour: the bundled sample through replay, audit, report and verify. Needs nothing, keeps nothing."""
    from jwo_cli.drive.tour import sample, tour

    with tempfile.TemporaryDirectory(prefix="jwo-demo-") as folder:
        tour(Path(folder) / "journal", sample())
