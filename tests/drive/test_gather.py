"""Which folders a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.drive.gather import expand
from jwo_cli.model.findings import UserError


def _case(folder: Path, mark: str = "manifest.json") -> Path:
    folder.mkdir(parents=True)
    (folder / mark).touch()
    return folder


def test_a_folder_of_recordings_stands_for_them_by_name(tmp_path: Path) -> None:
    """Order of the names, not of the disk; other folders beside them are passed over."""
    second, first = _case(tmp_path / "b"), _case(tmp_path / "a", "plate_data.json.gz")
    (tmp_path / "notes").mkdir()
    assert expand([tmp_path]) == (first, second)


def test_a_recording_named_twice_is_taken_once(tmp_path: Path) -> None:
    """By itself and within its folder, or through a link."""
    case = _case(tmp_path / "a")
    (tmp_path / "link").symlink_to(case)
    assert expand([case, tmp_path, tmp_path / "link"]) == (case,)


def test_what_is_no_recording_is_kept_for_opening_to_say_so(tmp_path: Path) -> None:
    """A wrong path must not vanish."""
    assert expand([tmp_path / "nothing"]) == (tmp_path / "nothing",)
    assert expand([tmp_path]) == (tmp_path,)


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    """Exported receipts are told apart by the folder's name."""
    paths = [_case(tmp_path / "x" / "case"), _case(tmp_path / "y" / "case")]
    with pytest.raises(UserError, match="two different recordings are called case"):
        expand(paths)
