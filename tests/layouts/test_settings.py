"""jwo.toml: places and references, never keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.layouts.settings import read_settings
from jwo_cli.model.findings import UserError

GOOD = """\
layout = "store.toml"
journal = "journal"
[mark]
file = "marks/a.json"
key = "file:keys/mark.key"
[entry]
key = "env:ENTRY_KEY"
"""


def test_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    """Wherever the command runs."""
    (tmp_path / "jwo.toml").write_text(GOOD)
    settings = read_settings(tmp_path)
    assert settings.journal == tmp_path / "journal"
    assert (settings.mark_key, settings.entry_key) == (f"file:{tmp_path / 'keys' / 'mark.key'}", "env:ENTRY_KEY")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"env:ENTRY_KEY"', '"hunter2hunter2"', "entry.key"),
        ('journal = "journal"\n', "", "journal"),
        ("[entry]", "[entri]", "entri"),
        ('"marks/a.json"', '"journal/a.json"', "mark.file"),
    ],
)
def test_faults_are_named_and_keys_are_not(tmp_path: Path, old: str, new: str, field: str) -> None:
    """A key that stands in the file does not get into the message."""
    (tmp_path / "jwo.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_settings(tmp_path)
    assert field in [finding.field for finding in caught.value.findings]
    assert "hunter2" not in str(caught.value) + "".join(map(str, caught.value.findings))


def test_a_missing_or_broken_file_is_a_sentence(tmp_path: Path) -> None:
    """With a way on."""
    with pytest.raises(UserError, match="does not exist"):
        read_settings(tmp_path)
    (tmp_path / "jwo.toml").write_text("journal = \n")
    with pytest.raises(UserError, match="not TOML"):
        read_settings(tmp_path)


def test_how_long_telemetry_is_kept(tmp_path: Path) -> None:
    """For ever where nothing is said; nothing and less are no days."""
    (tmp_path / "jwo.toml").write_text(GOOD)
    assert read_settings(tmp_path).keep_days is None
    (tmp_path / "jwo.toml").write_text("keep_days = 30\n" + GOOD)
    assert read_settings(tmp_path).keep_days == 30
    (tmp_path / "jwo.toml").write_text("keep_days = 0\n" + GOOD)
    with pytest.raises(UserError) as caught:
        read_settings(tmp_path)
    assert [found.field for found in caught.value.findings] == ["keep_days"]


def test_video_is_kept_only_where_it_is_said_and_never_for_ever(tmp_path: Path) -> None:
    """Off; a week where nothing else is said; what was kept before it was switched off still ends."""
    found = []
    for text in ("", "[recordings]\nvideo = true\n", "[recordings]\nvideo = false\nkeep_days = 2\n"):
        (tmp_path / "jwo.toml").write_text(GOOD + text)
        settings = read_settings(tmp_path)
        found.append((settings.video, settings.video_days))
    assert found == [(False, 7), (True, 7), (False, 2)]
    (tmp_path / "jwo.toml").write_text(GOOD + "[recordings]\nvideo = true\nkeep_days = 0\n")
    with pytest.raises(UserError) as caught:
        read_settings(tmp_path)
    assert [found.field for found in caught.value.findings] == ["recordings.keep_days"]
