"""A disk that loses power: the order in which SQLite wrote and synced, and what may be left of it at any moment.

`python -m tests.journal.power PLACE OUT` runs a writer on the journal at PLACE and keeps, with what it acknowledged,
every write, truncation and sync of its files. `Disk` plays such a log up to a moment and gives what a disk may hold
after a power cut there: what was synced for sure, of the rest any sectors, in any order, a file's new end perhaps with
anything in it.
"""

from __future__ import annotations

import itertools
import pickle
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from jwo_cli.journal import Intake, chain, database
from jwo_cli.journal.intake import new_of
from jwo_cli.model.codec import canonical
from jwo_cli.model.entry import NewEntry

SECTOR = 512
BATCH = 3
BASE = "unix"  # SQLite's own door, which ours stands before
# What was done, to which file, the offset or size, and the bytes.
Op = tuple[str, str, int, bytes]


class _Recorded(apsw.VFSFile):
    """A file that does what it should, and writes it down."""

    def __init__(self, log: list[Op], name: Any, flags: Any) -> None:
        self._log = log
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name)).name
        super().__init__(BASE, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's names
        self._log.append(("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._log.append(("truncate", self._name, newsize, b""))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._log.append(("sync", self._name, 0, b""))


class _Recorder(apsw.VFS):
    """SQLite's door to the files, with its log."""

    def __init__(self, log: list[Op]) -> None:
        self._log = log
        super().__init__("recorder", BASE, makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        return _Recorded(self._log, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._log.append(("delete", Path(filename).name, 0, b""))


def _simple(connection: apsw.Connection) -> None:
    """The recorder has no shared memory, so the writer is alone; small checkpoints, so that there are many."""
    connection.pragma("locking_mode", "exclusive")
    connection.execute("PRAGMA wal_autocheckpoint = 12")


def record(place: Path, *, batches: int) -> list[Op]:
    """What a writer of so many batches did to its files; `ack` where it told somebody that an entry is durable."""
    log: list[Op] = []
    vfs = _Recorder(log)
    apsw.connection_hooks.append(_simple)
    try:
        with Intake.open(place, store_id="shop", layout_version="1") as intake:
            for batch in range(batches):
                size = 400 * (batch % 5) ** 2
                entries = [
                    NewEntry(
                        key=f"{batch}:{n}",
                        at_ns=batch,
                        source="s" * (1 + size),
                        kind="ticked",
                        payload={"at_ns": batch},
                    )
                    for n in range(BATCH)
                ]
                log.append(("ack", "", intake.append(entries)[-1].seq, b""))
    finally:
        apsw.connection_hooks.remove(_simple)
        vfs.unregister()
    return log


def survives(directory: Path, files: dict[str, bytes], acknowledged: int) -> int:
    """Opens what was left, as the store does when it starts again; returns how many entries there are.

    Raises AssertionError: a chain that does not hold, half a transaction, something acknowledged that is lost.
    """
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    with Intake.open(directory, store_id="shop", layout_version="1") as intake:
        prev, count = chain.genesis("shop"), 0
        for count, entry in enumerate(intake.entries(), start=1):
            body = chain.content(entry.seq, new_of(entry), canonical(entry.payload).decode())
            assert (entry.seq, entry.hash) == (count, chain.link(prev, body)), f"entry {count} does not follow"
            prev = entry.hash
        assert count % BATCH == 0, "half a transaction"
        assert count >= acknowledged, "what was acknowledged is lost"
        goes_on = NewEntry(key="after the cut", at_ns=0, source="t", kind="ticked", payload={"at_ns": 0})
        assert intake.append([goes_on])[0].seq == count + 1
    reader = database.open_reader(directory)
    assert database.first(reader, "PRAGMA integrity_check")[0] == "ok"
    reader.close()
    return count


@dataclass(slots=True)
class _File:
    synced: bytearray = field(default_factory=bytearray)
    waiting: list[Op] = field(default_factory=list)


@dataclass(slots=True)
class Disk:
    """Files as far as they are synced, what waits to be, and what was acknowledged."""

    files: dict[str, _File] = field(default_factory=dict)
    acknowledged: int = 0

    def play(self, op: Op) -> None:
        """The next thing that happened."""
        what, name, number, _ = op
        if what == "ack":
            self.acknowledged = number
        elif what == "delete":
            self.files.pop(name, None)
        else:
            file = self.files.setdefault(name, _File())
            if what == "sync":
                file.synced, file.waiting = _applied(file.synced, file.waiting), []
            else:
                file.waiting.append(op)

    def after_cut(self, rng: random.Random | None, *, all_arrived: bool = False) -> dict[str, bytes]:
        """What may be there: nothing that was not synced, all of it, or (`rng`) some sectors of it in some order."""
        found = {}
        for name, file in self.files.items():
            content = bytearray(file.synced)
            if all_arrived:
                content = _applied(content, file.waiting)
            elif rng is not None:
                content = _some(content, file.waiting, rng)
            found[name] = bytes(content)
        return found


def _applied(content: bytearray, ops: list[Op]) -> bytearray:
    content = bytearray(content)
    for what, _, number, data in ops:
        if what == "truncate":
            del content[number:]
        else:
            if len(content) < number:
                content.extend(bytes(number - len(content)))
            content[number : number + len(data)] = data
    return content


def _some(content: bytearray, ops: list[Op], rng: random.Random) -> bytearray:
    """Any sectors of the writes, later ones perhaps before earlier ones; a new end may hold junk where none came."""
    before = len(content)
    pieces: list[Op] = []
    for op in ops:
        what, name, number, data = op
        if what == "truncate":
            pieces.append(op)
            continue
        edges = sorted({0, len(data), *range(-number % SECTOR, len(data), SECTOR)})
        pieces += [(what, name, number + a, data[a:b]) for a, b in itertools.pairwise(edges)]
    share = rng.choice((0.1, 0.5, 0.9, 1.0))
    kept = [piece for piece in pieces if rng.random() < share]
    if rng.random() < 0.5:
        # A cut in the middle of a run of writes rather than holes in it.
        kept = pieces[: rng.randrange(len(pieces) + 1)]
    grown = _applied(content, kept)
    if len(grown) > before and rng.random() < 0.5:
        covered = {
            place for _, _, number, data in kept for place in range(number // SECTOR, (number + len(data)) // SECTOR)
        }
        for sector in range(before // SECTOR + 1, len(grown) // SECTOR):
            if sector not in covered:
                grown[sector * SECTOR : (sector + 1) * SECTOR] = rng.randbytes(SECTOR)
    return grown


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(pickle.dumps(record(Path(sys.argv[1]), batches=int(sys.argv[3]))))
