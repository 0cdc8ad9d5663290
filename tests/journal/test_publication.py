"""The published copy is disposable: whole or built anew, never changed in place, never in anybody's way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from jwo_cli.journal import Intake, open_journal, projection, publication, publish, verify
from jwo_cli.model.findings import UserError
from tests.journal.days import day, journal, note

COUNT = "SELECT count(*) FROM receipts"


def _inode(directory: Path) -> int:
    return (directory / "store.duckdb").stat().st_ino


def test_publishing_twice_is_publishing_once(tmp_path: Path) -> None:
    """A copy that holds everything is left as it is; one entry more makes a new generation."""
    directory = journal(tmp_path / "j")
    publish(directory)
    first = _inode(directory)
    publish(directory)
    assert _inode(directory) == first
    with Intake.open(directory) as intake:
        intake.append([note("a")])
    publish(directory)
    assert _inode(directory) != first


def test_the_next_generation_is_the_last_one_and_what_came_after(tmp_path: Path) -> None:
    """Step by step or at once, the tables are the same; a step reads what was appended, not the whole log."""
    directory = journal(tmp_path / "j", visits=40)
    publish(directory)
    for step in range(5):
        journal(directory, visits=3, source=f"later {step}")
        publish(directory)
        assert verify(directory) == ()
    assert publication.is_whole(directory)
    with open_journal(directory) as session:
        assert session.rows(COUNT) == [(55,)]


def test_a_damaged_generation_harms_no_answer(tmp_path: Path) -> None:
    """Whatever a step took over from a damaged file, readers get what the log says and leave a whole file behind."""
    directory = journal(tmp_path / "j", visits=300)
    publish(directory)
    path = directory / "store.duckdb"
    data = bytearray(path.read_bytes())
    for place in range(12288 + 4096, len(data), 65536):
        data[place] ^= 0xFF
    path.write_bytes(data)
    journal(directory, visits=3, source="later")
    publish(directory)
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*), sum(hash(e)) IS NOT NULL FROM entries e")[0][1]
        assert session.rows(COUNT) == [(303,)]
    assert publication.is_whole(directory)


def test_publishing_what_is_not_there(tmp_path: Path) -> None:
    """No journal, no copy."""
    with pytest.raises(UserError, match="there is no journal"):
        publish(tmp_path / "j")


def test_anybody_may_open_the_copy_with_duckdb_alone(tmp_path: Path) -> None:
    """Tables and views are in the file, without our code and without extensions."""
    directory = journal(tmp_path / "j", visits=8)
    publish(directory)
    connection = duckdb.connect(str(directory / "store.duckdb"), read_only=True)
    assert connection.execute("SELECT count(*), sum(charged_minor) > 0 FROM receipts").fetchall() == [(8, True)]
    assert connection.execute("SELECT count(*) FROM lines JOIN visits USING (visit_id)").fetchall() == [(16,)]
    connection.close()


@pytest.mark.parametrize("damage", ["missing", "empty", "junk", "half", "last block", "header", "another file"])
def test_a_damaged_copy_is_built_anew(tmp_path: Path, damage: str) -> None:
    """Whatever happened to store.duckdb, the next reader gets the right answer and leaves a whole file behind."""
    directory = journal(tmp_path / "j", visits=100)
    publish(directory)
    path = directory / "store.duckdb"
    data = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "junk":
            path.write_bytes(b"not a database" * 1000)
        case "half":
            path.write_bytes(data[: len(data) // 2])
        case "last block":
            path.write_bytes(data[:-4096])
        case "header":
            path.write_bytes(b"\xff" * 12288 + data[12288:])
        case _:
            path.unlink()
            duckdb.connect(str(path)).execute("CREATE TABLE receipts (x INTEGER)").close()
    with open_journal(directory) as session:
        assert session.rows(COUNT) == [(100,)]
        assert session.rows("SELECT sum(hash(e)) IS NOT NULL FROM entries e") == [(True,)]
    assert publication.is_whole(directory)


def test_a_block_that_is_damaged_inside_is_found_when_it_is_read(tmp_path: Path) -> None:
    """The file opens, a checksum fails in the middle of a question: the answer comes all the same."""
    directory = journal(tmp_path / "j", visits=100)
    publish(directory)
    path = directory / "store.duckdb"
    data, block = bytearray(path.read_bytes()), 262_144
    for start in range(12_288 + 100, len(data) - block, block):
        data[start + 50_000 : start + 50_008] = b"\xde\xad\xbe\xef" * 2
    path.write_bytes(data)
    assert not publication.is_whole(directory)
    with open_journal(directory) as session:
        for table in ("entries", "weight_changed", "receipt_issued", "postings"):
            assert session.rows(f"SELECT count(DISTINCT seq) > 0, count(hash(t)) > 0 FROM {table} t") == [(True, True)]
        assert session.rows("SELECT count(*), count(payload) FROM entries")[0][0] == session.head_seq
    assert publication.is_whole(directory)


def test_a_copy_by_other_definitions_is_built_anew(tmp_path: Path) -> None:
    """A new version of jwo does not read old tables: the projection is rebuilt, never migrated."""
    directory = journal(tmp_path / "j")
    publish(directory)
    copy = duckdb.connect(str(directory / "store.duckdb"))
    copy.execute("UPDATE generation SET fingerprint = 'of an older jwo'")
    copy.execute("DROP VIEW lines")
    copy.close()
    with open_journal(directory) as session:
        assert session.rows("SELECT count(*) FROM lines") == [(16,)]
    assert publication.is_whole(directory)


def test_a_copy_of_another_log_is_not_believed(tmp_path: Path) -> None:
    """A directory restored in parts: the copy knows entries that the log does not have."""
    ours, other = journal(tmp_path / "ours", visits=2), journal(tmp_path / "other", visits=5, source="other")
    publish(other)
    (ours / "store.duckdb").write_bytes((other / "store.duckdb").read_bytes())
    with open_journal(ours) as session:
        assert session.rows(COUNT) == [(2,)]


def test_what_a_killed_publisher_left_is_swept_away(tmp_path: Path) -> None:
    """A half-built generation is nobody's and does not stand in the way."""
    directory = journal(tmp_path / "j")
    (directory / "store.duckdb.building").write_bytes(b"half")
    (directory / "store.duckdb.building.wal").write_bytes(b"half")
    publish(directory)
    assert [path.name for path in directory.glob("store*")] == ["store.duckdb"]
    assert publication.is_whole(directory)


def test_readers_keep_their_generation(tmp_path: Path) -> None:
    """A session that is open while a new generation is published answers from its own, until it is refreshed."""
    directory = journal(tmp_path / "j", visits=3)
    publish(directory)
    with open_journal(directory) as old, open_journal(directory) as second:
        journal(directory, visits=2, source="later")
        publish(directory)
        with open_journal(directory) as new:
            assert [session.rows(COUNT)[0][0] for session in (old, second, new)] == [3, 3, 5]
        old.refresh()
        assert old.rows(COUNT) == [(5,)]


def test_publishers_do_not_meet(tmp_path: Path) -> None:
    """Several threads at once: one builds, the others wait and find it done."""
    directory = journal(tmp_path / "j", visits=20)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            publish(directory)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert publication.is_whole(directory)


def test_the_copy_is_built_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk borders leave no trace: previous hashes, causes and rows are as in one piece."""
    directory = journal(tmp_path / "j", visits=30)
    with open_journal(directory) as session:
        whole = [session.rows(f"SELECT * FROM {name} ORDER BY ALL") for name in ("entries", "postings", "lines")]
    monkeypatch.setattr(projection, "CHUNK", 50)
    (directory / "store.duckdb").unlink()
    with open_journal(directory) as session:
        again = [session.rows(f"SELECT * FROM {name} ORDER BY ALL") for name in ("entries", "postings", "lines")]
    assert again == whole


_READER = """
import sys
from pathlib import Path
from jwo_cli.journal import open_journal
seen = 0
for _ in range(8):
    with open_journal(Path(sys.argv[1])) as session:
        (receipts, exact), (entries, last) = session.rows(
            "SELECT count(*), coalesce(bool_and(r.total_minor = l.total), true) FROM receipts r JOIN "
            "(SELECT receipt_id, sum(total_minor) AS total FROM lines GROUP BY receipt_id) l USING (receipt_id)"
        )[0], session.rows("SELECT count(*), max(seq) FROM entries")[0]
        assert exact and entries == last == session.head_seq and entries >= seen, (exact, entries, last, seen)
        seen = entries
print(seen)
"""


def test_two_readers_while_a_writer_writes_and_publishes(tmp_path: Path) -> None:
    """Each answer is whole (receipts equal their lines, no entry missing), and time only goes forward."""
    directory = journal(tmp_path / "j", visits=5)
    readers = [
        subprocess.Popen([sys.executable, "-c", _READER, str(directory)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    batches = 0
    with Intake.open(directory) as intake:
        while any(reader.poll() is None for reader in readers):
            intake.append(day(2, source=f"batch{batches}", first_seq=intake.head()[0] + 1))
            batches += 1
            time.sleep(0.05)
            if batches % 20 == 0:
                publish(directory)
    told = [reader.communicate()[0] for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0]
    assert all(int(seen) > 70 for seen in told)
    assert batches > 3


def test_the_last_free_space_is_the_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With little room nothing is published, and readers get their answer from memory."""
    directory = journal(tmp_path / "j", visits=8)
    room = publication.RESERVE_BYTES + (directory / "intake.sqlite").stat().st_size - 1
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((1, 1, room, room, room, 0, 0, 0, 0, 255)))
    with pytest.raises(UserError, match="is full"):
        publish(directory)
    with open_journal(directory) as session:
        assert session.rows(COUNT) == [(8,)]
    assert not (directory / "store.duckdb").exists()
