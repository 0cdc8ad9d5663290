"""`jwo layout coverage` at the keyboard."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Jwo


def test_coverage_says_what_is_blind_and_draws_it(jwo: Jwo, tmp_path: Path) -> None:
    """Shares, blind spots in words, a picture; uncalibrated cameras are said to be assumed."""
    done = jwo("layout", "coverage", "corner_kiosk", "--plot", "seen.png")
    assert done.returncode == 0, done.stderr
    assert "no camera" in done.stdout
    assert "c1: not calibrated" in done.stderr
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")


def test_proposed_cameras_reach_what_was_wanted(jwo: Jwo) -> None:
    """Each further camera raises the shares; the last one reaches --share, or --propose ran out."""
    done = jwo("layout", "coverage", "corner_kiosk", "--propose", "6", "--share", "0.95", "--json")
    found = json.loads(done.stdout)
    shares = [(item["floor_share"], item["shelf_share"]) for item in found["proposed"]]
    assert shares == sorted(shares)
    assert min(shares[-1]) >= 0.95
    assert len(shares) < 6
    assert all(spot["cameras"] < 2 for spot in found["blind_spots"])
    again = jwo("layout", "coverage", "corner_kiosk", "--propose", "6", "--share", "0.95", "--json")
    assert again.stdout == done.stdout


def test_a_layout_without_cameras_is_blind_everywhere(jwo: Jwo, tmp_path: Path) -> None:
    """Nothing is seen; proposals start from nothing."""
    jwo("layout", "new", "Bare", "--out", "bare")
    file = tmp_path / "bare" / "store.toml"
    text = file.read_text()
    head, *cameras = text.split("[[camera]]")
    rest = cameras[-1]
    file.write_text(head + rest[rest.index("[[tax]]") :])
    found = json.loads(jwo("layout", "coverage", "bare", "--propose", "2", "--json").stdout)
    assert found["cameras"] == []
    assert found["parts"][0]["seen_by_at_least"] == [0.0, 0.0]
    assert len(found["proposed"]) == 2


def test_what_is_no_number_is_refused(jwo: Jwo) -> None:
    """NaN passes every bound."""
    for option in ("--height", "--lens", "--share"):
        done = jwo("layout", "coverage", "corner_kiosk", option, "nan")
        assert (done.returncode, "no number to go by" in done.stderr) == (2, True)
