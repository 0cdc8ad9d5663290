"""Which detector finds people when nobody says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.background import BackgroundDetector
from jwo_cli.sensors.models.cache import PLACE
from jwo_cli.sensors.people import people_detector


def test_without_weights_people_are_told_from_the_backdrop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that pulled nothing works, too."""
    monkeypatch.setenv(PLACE, str(tmp_path))
    assert isinstance(people_detector(), BackgroundDetector)


def test_spoiled_weights_are_said_and_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who pulled a network expects it to look: a torn file is no reason to look worse in silence."""
    monkeypatch.setenv(PLACE, str(tmp_path))
    (tmp_path / "yolox_nano_416.onnx").write_bytes(b"torn")
    with pytest.raises(UserError, match="is not yolox_nano_416") as caught:
        people_detector()
    assert "--again" in str(caught.value.fix)
