"""Old payloads are lifted when they are read; the log keeps what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.journal import Intake, open_journal, projection, publish, upcast, verify
from jwo_cli.journal.upcast import Payload
from tests.journal.days import T0, note

# An invented past: ticks had their time in seconds (version 1), then in milliseconds under another name (version 2).
INVENTED = {
    ("ticked", 1): lambda payload: {"ms": payload["s"] * 1000},  # type: ignore[operator]
    ("ticked", 2): lambda payload: {"at_ns": payload["ms"] * 1_000_000},  # type: ignore[operator]
}


@pytest.fixture
def _invented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for key, lift in INVENTED.items():
        monkeypatch.setitem(upcast.LIFTS, key, lift)
    projection.fingerprint.cache_clear()
    yield
    projection.fingerprint.cache_clear()


def test_each_version_is_lifted_step_by_step() -> None:
    """From any version to today's, and today's is left as it is."""
    seconds: Payload = {"s": 3}
    assert upcast.current("ticked", INVENTED) == 3
    assert upcast.lift("ticked", 1, seconds, INVENTED) == {"at_ns": 3_000_000_000}
    assert upcast.lift("ticked", 2, {"ms": 5}, INVENTED) == {"at_ns": 5_000_000}
    assert upcast.lift("ticked", 3, {"at_ns": 7}, INVENTED) == {"at_ns": 7}
    assert upcast.lift("other", 1, {"x": 1}, INVENTED) == {"x": 1}


def test_an_unknown_version_is_not_guessed() -> None:
    """Neither one from the future nor one whose lift is lost."""
    with pytest.raises(ValueError, match="newer than the version 3"):
        upcast.lift("ticked", 4, {}, INVENTED)
    with pytest.raises(ValueError, match="cannot be lifted to version 2"):
        upcast.lift("ticked", 1, {}, {("ticked", 2): INVENTED["ticked", 2]})


@pytest.mark.usefixtures("_invented")
def test_readers_see_todays_form_of_all_versions(tmp_path: Path) -> None:
    """In the published copy and in the tail; `entries` shows what was written, and all of it verifies."""
    directory = tmp_path / "j"
    with Intake.open(directory, store_id="shop") as intake:
        intake.append([replace(note("a"), payload={"s": 3}), replace(note("b"), payload={"ms": 5}, version=2)])
        publish(directory)
        intake.append([replace(note("c"), payload={"at_ns": T0}, version=3), replace(note("d"), payload={"s": 4})])
    with open_journal(directory) as session:
        assert session.rows("SELECT seq, at_ns FROM ticked ORDER BY seq") == [
            (1, 3_000_000_000),
            (2, 5_000_000),
            (3, T0),
            (4, 4_000_000_000),
        ]
        assert session.rows("SELECT payload FROM entries WHERE seq = 1") == [('{"s":3}',)]
    assert verify(directory) == ()


def test_an_entry_from_the_future_is_kept_and_named(tmp_path: Path) -> None:
    """It stays in the log and in `entries`, out of the typed tables, and `verify` says so."""
    directory = tmp_path / "j"
    with Intake.open(directory, store_id="shop") as intake:
        intake.append([note("a"), replace(note("b"), version=2, payload={"new": 1})])
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*) FROM entries") == [(2,)]
        assert session.rows("SELECT seq FROM ticked") == [(1,)]
    (finding,) = verify(directory)
    assert finding.field == "entry 2"
    assert "newer than the version 1" in finding.problem
