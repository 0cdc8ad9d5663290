"""A journal that cannot be used says why and what to do, with exit code 3, and loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from jwo_cli.journal import Intake, database, open_journal, publish
from jwo_cli.model.findings import UserError
from tests.journal.days import journal, note


def _refused(directory: Path, **options: object) -> UserError:
    with pytest.raises(UserError) as caught:
        Intake.open(directory, **{"store_id": "shop", **options}).close()  # type: ignore[arg-type]
    assert caught.value.exit_code == 3
    return caught.value


def test_a_journal_that_is_not_there(tmp_path: Path) -> None:
    """A reader makes no journal; neither does a writer that was told not to."""
    with pytest.raises(UserError, match="there is no journal in") as caught:
        open_journal(tmp_path / "nothing")
    assert caught.value.exit_code == 3
    assert "there is no journal in" in _refused(tmp_path / "nothing", create=False).problem
    assert not (tmp_path / "nothing").exists()


def test_a_directory_with_other_things_is_not_a_journal(tmp_path: Path) -> None:
    """Nobody's holiday pictures become a journal by a slip of --journal."""
    (tmp_path / "beach.jpg").write_bytes(b"sand")
    assert "beach.jpg" in _refused(tmp_path).problem
    assert [path.name for path in tmp_path.iterdir()] == ["beach.jpg"]


def test_a_file_is_not_a_journal(tmp_path: Path) -> None:
    """--journal FILE is a mistake."""
    (tmp_path / "file").write_bytes(b"x")
    assert "is not a jwo journal" in _refused(tmp_path / "file").problem


@pytest.mark.parametrize("content", [b"hello world" * 400, b"\x00" * 4096])
def test_an_intake_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """Whatever is called intake.sqlite must be one."""
    (tmp_path / "intake.sqlite").write_bytes(content)
    assert "is not a jwo journal" in _refused(tmp_path).problem
    assert (tmp_path / "intake.sqlite").read_bytes() == content


def test_somebody_elses_database(tmp_path: Path) -> None:
    """Another program's SQLite file is left as it is."""
    other = apsw.Connection(str(tmp_path / "intake.sqlite"))
    other.execute("CREATE TABLE photos (name)")
    other.close()
    assert "is not a jwo journal" in _refused(tmp_path).problem
    with pytest.raises(UserError, match="is not a jwo journal"):
        open_journal(tmp_path)


def test_a_newer_format(tmp_path: Path) -> None:
    """A journal of a later jwo is neither read nor written by this one."""
    directory = journal(tmp_path / "j", visits=1)
    newer = apsw.Connection(str(directory / "intake.sqlite"))
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    assert "written by a newer jwo (format 2" in _refused(directory).problem
    with pytest.raises(UserError, match="newer jwo"):
        open_journal(directory)


def test_a_journal_that_was_never_finished_being_made(tmp_path: Path) -> None:
    """A crash before the first commit leaves an empty file: the next writer makes the journal."""
    (tmp_path / "intake.sqlite").touch()
    with pytest.raises(UserError, match="there is no journal"):
        open_journal(tmp_path)
    with Intake.open(tmp_path, store_id="shop") as intake:
        assert intake.append([note("a")])[0].seq == 1


def test_locked_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the busy time-out the sentence says who to look for; the other writer is not disturbed, readers neither."""
    monkeypatch.setattr(database, "BUSY_MS", 50)
    directory = journal(tmp_path / "j", visits=1)
    holder = apsw.Connection(str(directory / "intake.sqlite"))
    holder.execute("BEGIN IMMEDIATE")
    with Intake.open(directory) as intake:
        with pytest.raises(UserError, match="locked by another process") as caught:
            intake.append([note("a")])
        assert caught.value.exit_code == 3
        assert "fuser" in caught.value.fix
        with open_journal(directory) as session:
            assert session.rows("SELECT count(*) FROM receipts") == [(1,)]
        holder.execute("COMMIT")
        holder.close()
        assert intake.append([note("a")])


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory that every user may enter (pytest's own are for one user)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


# Root may write anywhere, so the child becomes nobody once everything is imported.
_AS_NOBODY = """
import os, sys
from pathlib import Path
import duckdb, pyarrow.parquet
from jwo_cli.journal import Intake, SegmentWriter, open_journal, publish, verify
from jwo_cli.model.findings import UserError
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
place = Path(sys.argv[1])
def tell(what, act):
    try:
        print(what, act())
    except UserError as error:
        print(what, error.exit_code, error)
tell("append", lambda: Intake.open(place, store_id="shop"))
tell("publish", lambda: publish(place))
tell("read", lambda: open_journal(place).rows("SELECT count(*) FROM receipts"))
tell("verify", lambda: verify(place))
"""


@pytest.mark.parametrize("published", [True, False])
def test_read_only(elsewhere: Path, published: bool) -> None:
    """Without the right to write, appending says so, and reading still works, with and without a published copy."""
    directory = journal(elsewhere / "j", visits=3)
    if published:
        publish(directory)
    for path in directory.iterdir():
        path.chmod(0o444)
    directory.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(directory)], capture_output=True, text=True, check=True, timeout=60
    )
    directory.chmod(0o755)
    assert done.stdout.splitlines() == [
        f"append 3 the journal {directory} is read-only for this user",
        f"publish {'None' if published else f'3 the journal {directory} is read-only for this user'}",
        "read [(3,)]",
        "verify ()",
    ]


def test_below_the_reserve_nothing_is_appended(tmp_path: Path) -> None:
    """Before the disk is really full, so that the store can still close in order."""
    with Intake.open(tmp_path / "j", store_id="shop", reserve_bytes=1 << 62) as intake:
        with pytest.raises(UserError, match="is full") as caught:
            intake.append([note("a")])
        assert caught.value.exit_code == 3
        assert intake.head()[0] == 0


class _FullDisk(apsw.VFS):
    """A disk that takes so many bytes more, then answers ENOSPC as SQLite reports it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.base = apsw.vfs_names()[0]
        super().__init__("full-disk", self.base, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _FullFile:  # noqa: N802
        return _FullFile(self, name, flags)


class _FullFile(apsw.VFSFile):
    def __init__(self, disk: _FullDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        super().__init__(disk.base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.disk.room -= len(data)
        if self.disk.room < 0:
            raise apsw.FullError
        super().xWrite(data, offset)


@pytest.fixture
def full_disk() -> Iterator[_FullDisk]:
    disk = _FullDisk(200_000)
    yield disk
    disk.unregister()


def _append_one_by_one(intake: Intake, entries: int) -> None:
    for n in range(entries):
        assert intake.append([note(f"entry {n}")])[0].seq == n + 1


def test_a_full_disk_loses_nothing_acknowledged(tmp_path: Path, full_disk: _FullDisk) -> None:
    """SQLITE_FULL at any write: the refused entries are not there, the acknowledged ones are, and it goes on later."""
    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        with pytest.raises(UserError, match="is full") as caught:
            _append_one_by_one(intake, 10_000)
        assert caught.value.exit_code == 3
        kept = intake.head()[0]
        assert 0 < kept < 10_000
        full_disk.room = 1 << 30
        assert intake.append([note("later")])[0].seq == kept + 1
        assert [entry.key for entry in intake.entries()] == [*(f"entry {n}" for n in range(kept)), "later"]


_FILL = """
import sys
from pathlib import Path
from jwo_cli.journal import Intake, publish, verify
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
place, done = Path(sys.argv[1]), 0
intake = Intake.open(place / "j", store_id="shop", reserve_bytes=0)
try:
    for batch in range(100_000):
        keys = [f"{batch}:{n}" for n in range(20)]
        intake.append([NewEntry(key=k, at_ns=0, source="x" * 200, kind="ticked", payload={"at_ns": 0}) for k in keys])
        done += 20
except UserError as error:
    print(error.exit_code, error)
try:
    publish(place / "j", reserve_bytes=0)
except UserError as error:
    print(error.exit_code, error)
(place / "ballast").unlink()
intake.append([NewEntry(key="later", at_ns=0, source="x", kind="ticked", payload={"at_ns": 0})])
publish(place / "j", reserve_bytes=0)
print(done, intake.head()[0], verify(place / "j"))
"""


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 4 MB fills up under the writer: one sentence, nothing lost; it goes on once there is room."""
    script = (
        'mount -t tmpfs -o size=4m tmpfs "$1" && head -c 1500000 /dev/zero > "$1/ballast" && exec "$2" -c "$3" "$1"'
    )
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, _FILL]
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "mount:" in done.stderr:
        pytest.skip(f"needs the right to mount a small file system ({done.stderr.strip()})")
    full, copy, end = done.stdout.splitlines()
    assert full.startswith("3 the disk under the journal")
    assert copy.startswith("3 the disk under the journal")
    acknowledged, _, rest = end.partition(" ")
    assert int(acknowledged) > 0
    assert rest == f"{int(acknowledged) + 1} ()"
