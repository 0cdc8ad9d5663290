"""A backup is the journal of one moment, whole, made while others write; restoring is copying it back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from jwo_cli.journal import Intake, compact, open_journal, verify, write_mark
from jwo_cli.journal.backups import backup, copy_people, restore
from jwo_cli.journal.compaction import HOUR_NS
from jwo_cli.journal.vault import Vault
from jwo_cli.model.findings import UserError
from tests.journal.days import journal, note
from tests.journal.test_compaction import BEGIN, files, weights

KEY = "env:JWO_TEST_MARK_KEY"

_WRITER = """
import sys, itertools
from pathlib import Path
from jwo_cli.journal import Intake
from jwo_cli.model.entry import NewEntry
with Intake.open(Path(sys.argv[1])) as intake:
    for batch in itertools.count():
        keys = [f"w:{batch}:{n}" for n in range(3)]
        done = intake.append([NewEntry(key=k, at_ns=0, source="w", kind="ticked", payload={"at_ns": 0}) for k in keys])
        print(done[-1].seq, flush=True)
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWO_TEST_MARK_KEY", "correct horse battery staple")


def answers(directory: Path) -> list[tuple[object, ...]]:
    with open_journal(directory) as session:
        return session.rows(
            "SELECT (SELECT count(*) FROM entries), (SELECT sum(charged_minor) FROM receipts), "
            "(SELECT count(*) FROM weights)"
        )


def test_a_copy_answers_as_the_journal_did(tmp_path: Path) -> None:
    """Linked on one disk, copied when asked; signed beside it; what comes later is not in it."""
    directory = journal(tmp_path / "j", visits=5)
    weights(directory, hours=1)
    before = answers(directory)
    linked = backup(directory, tmp_path / "a", key=KEY)
    copied = backup(directory, tmp_path / "b", link=False)
    assert (linked.linked, linked.copied, copied.linked, copied.copied) == (12, 0, 0, 12)
    journal(directory, visits=2, source="later")
    assert answers(tmp_path / "a") == answers(tmp_path / "b") == before
    assert linked.mark is not None
    assert verify(tmp_path / "a", mark=linked.mark, key=KEY) == ()
    assert backup(directory, tmp_path / "c").seq > linked.seq


def test_a_backup_while_somebody_writes_is_of_one_moment(tmp_path: Path) -> None:
    """Whole batches, all that was acknowledged before it began; and the writer never notices."""
    directory = journal(tmp_path / "j", visits=1)
    first = len(answers(directory)) and answers(directory)[0][0]
    assert isinstance(first, int)
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(directory)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        for number in range(2):
            acknowledged = int(writer.stdout.readline())
            done = backup(directory, tmp_path / f"b{number}")
            assert done.seq >= acknowledged
            assert (done.seq - first) % 3 == 0
            assert verify(done.path) == ()
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    assert verify(directory) == ()


def test_a_backup_survives_what_the_journal_does_with_its_files(tmp_path: Path) -> None:
    """Telemetry made into hours and removed in the journal is still in the backup."""
    directory = journal(tmp_path / "j", visits=1)
    weights(directory, hours=2)
    before = answers(directory)
    backup(directory, tmp_path / "b")
    for _ in range(2):
        compact(directory, now_ns=BEGIN + 100 * HOUR_NS, quiet_ns=-(BEGIN + 100 * HOUR_NS))
    assert len(files(directory)) == 2
    assert len(files(tmp_path / "b")) == 24
    assert answers(tmp_path / "b") == before == answers(directory)


def test_restored_is_as_backed_up_and_goes_on(tmp_path: Path) -> None:
    """Into a place that is not there or empty; the chain goes on from the last entry."""
    directory = journal(tmp_path / "j", visits=5)
    weights(directory, hours=1)
    backup(directory, tmp_path / "b")
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "new", tmp_path / "empty"):
        assert restore(tmp_path / "b", place).hash == backup(directory, tmp_path / f"{place.name} again").hash
        with Intake.open(place, create=False) as intake:
            intake.append([note("on")])
        assert verify(place) == ()
        assert not (place / "backup.json").exists()


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    """A backup of that name, a journal in that place, a place inside of the journal."""
    directory = journal(tmp_path / "j", visits=1)
    backup(directory, tmp_path / "b")
    for source, target in ((directory, tmp_path / "b"), (tmp_path / "b", directory)):
        with pytest.raises(UserError, match="is there already"):
            restore(source, target)
    with pytest.raises(UserError, match="inside of the journal"):
        backup(directory, directory / "b")
    (tmp_path / "key").write_text("sixteen bytes or more")
    (tmp_path / "d.mark").write_text("of another backup")
    with pytest.raises(UserError, match=r"d\.mark is there already"):
        backup(directory, tmp_path / "d", key=f"file:{tmp_path / 'key'}")
    assert ((tmp_path / "d.mark").read_text(), (tmp_path / "d").exists()) == ("of another backup", False)
    with pytest.raises(UserError, match="there is no journal"):
        backup(tmp_path / "nothing", tmp_path / "c")


def test_a_damaged_journal_gives_no_backup(tmp_path: Path) -> None:
    """Neither one that looks like one, nor half of one."""
    directory = journal(tmp_path / "j", visits=1)
    connection = apsw.Connection(str(directory / "intake.sqlite"))
    connection.execute("DROP TRIGGER entries_stay; UPDATE entries SET at_ns = 7 WHERE seq = 5")
    connection.close()
    with pytest.raises(UserError, match="is not whole, and was not kept") as caught:
        backup(directory, tmp_path / "b")
    assert any(finding.field == "entry 5" for finding in caught.value.findings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j"]


def test_a_backup_that_lacks_what_the_mark_has_seen_is_not_restored(tmp_path: Path) -> None:
    """How many entries would be lost is said; without the mark it can be had all the same."""
    directory = journal(tmp_path / "j", visits=1)
    backup(directory, tmp_path / "b")
    with Intake.open(directory) as intake:
        intake.append([note("one"), note("two")])
    write_mark(directory, tmp_path / "mark", key=KEY)
    with pytest.raises(UserError, match="2 would be lost"):
        restore(tmp_path / "b", tmp_path / "new", mark=tmp_path / "mark", key=KEY)
    assert not (tmp_path / "new").exists()
    assert verify(restore(tmp_path / "b", tmp_path / "new").path) == ()


def test_personal_fields_are_copied_sealed_and_for_their_owner_only(tmp_path: Path) -> None:
    """The copy opens with the same key, and with no other rights than the owner's."""
    with Vault.open(tmp_path / "people", key=KEY) as vault:
        promise = vault.seal("acct-1", {"name": "Ann"})
    copy_people(tmp_path / "people", tmp_path / "copy")
    with Vault.open(tmp_path / "copy", key=KEY) as vault:
        assert vault.open_fields("acct-1", commitment=promise) == {"name": "Ann"}
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="no vault of personal fields"):
        copy_people(tmp_path / "none", tmp_path / "other")
