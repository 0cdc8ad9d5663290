"""In a store directory the commands find the store's journal, mark and key by themselves."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Jwo


def test_commands_use_the_journal_that_the_store_names(jwo: Jwo, tmp_path: Path) -> None:
    """`jwo init` here, then replay, report and verify without naming anything; the mark is written and checked."""
    assert jwo("init", ".").returncode == 0
    sample = Path(__file__).parents[2] / "sample_data" / "corner_kiosk_morning"
    assert jwo("replay", sample).returncode == 0
    assert (tmp_path / "journal").is_dir()
    sales = jwo("report", "sales")
    assert sales.returncode == 0
    assert "Oat bar" in sales.stdout
    assert jwo("audit", "verify", "--renew-mark").returncode == 0
    assert list((tmp_path / "marks").iterdir())
    assert jwo("audit", "verify").returncode == 0


def test_elsewhere_a_journal_must_be_named(jwo: Jwo) -> None:
    """Outside of a store directory the sentence says all three ways."""
    told = jwo("report", "sales")
    assert told.returncode == 2
    assert "--journal" in told.stderr
    assert "jwo init" in told.stderr
