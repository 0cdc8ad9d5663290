"""The housekeeper: publishes, compacts, lets old telemetry go, signs the mark; a process of its own beside the store.

It never holds the engine up: another process, at low priority, that takes no lock a writer waits for. It ends when the
process that started it does (its standard input closes), and what it fails at it says and tries again later.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from jwo_cli.journal import compaction, database, mark, projection, publication, session
from jwo_cli.model.findings import UserError

EVERY_S = 5.0
PATIENCE_S = 2.0
# Published long before a reader has to: a step costs a fifth of a second of one core, at low priority.
TAIL_ENTRIES = session.TAIL_ENTRIES // 2
TAIL_SHARE = session.TAIL_SHARE / 2
HOUR_S, DAY_S = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Where the journal's signed high-water mark is kept, and the reference of its key."""

    file: Path
    key: str


class Keeper:
    """The housekeeper's process while the block runs. It may die at any moment; nobody misses it but the disk.

    The mark is signed hourly and where the block ends in order.
    """

    def __init__(self, directory: Path, *, keep_days: float | None = None, sealed: Sealed | None = None) -> None:
        command = [sys.executable, "-m", "jwo_cli.journal.keeper", str(directory)]
        if keep_days is not None:
            command += ["--keep-days", str(keep_days)]
        if sealed is not None:
            command += ["--mark", str(sealed.file), "--key", sealed.key]
        self._directory, self._command, self._sealed = directory, command, sealed
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:  # in the middle of something, which a kill cannot harm
            self._process.kill()
            self._process.wait()
        if self._sealed is not None and kind is None:
            try:
                mark.write_mark(self._directory, self._sealed.file, key=self._sealed.key)
            except UserError as error:
                _say(f"{error}. {error.fix}")
            except OSError as error:
                _say(f"the mark {self._sealed.file} cannot be written: {error.strerror}")

    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None


def tend(
    directory: Path,
    *,
    keep_days: float | None,
    ended: Callable[[float], bool],
    say: Callable[[str], None],
    sealed: Sealed | None = None,
) -> None:
    """Keep house until `ended(seconds)`, which waits at most so long, is true."""
    hourly = daily = -DAY_S
    while True:
        now_s = time.monotonic()
        try:
            if _long_tail(directory):
                publication.publish(directory)
            if now_s - hourly >= HOUR_S:
                hourly = now_s
                compaction.compact(directory, now_ns=time.time_ns())
                if sealed is not None:
                    mark.write_mark(directory, sealed.file, key=sealed.key)
            if keep_days is not None and now_s - daily >= DAY_S:
                daily = now_s
                before_ns = time.time_ns() - round(keep_days * compaction.DAY_NS)
                compaction.retain(directory, before_ns=before_ns)
        except UserError as error:
            say(f"{error}. {error.fix}")
        except OSError as error:
            say(f"housekeeping in {directory}: {error}")
        if ended(EVERY_S):
            return


def _long_tail(directory: Path) -> bool:
    """Whether much is not in the published copy, against what is; all is where there is none that can be trusted."""
    intake = database.open_reader(directory)
    try:
        with database.failures(directory):
            published = publication.published_seq(directory, intake)
            return projection.head_of(intake)[0] - published > max(TAIL_ENTRIES, TAIL_SHARE * published)
    finally:
        intake.close()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--keep-days", type=float, default=None)
    parser.add_argument("--mark", type=Path, default=None)
    parser.add_argument("--key", default="")
    asked = parser.parse_args()
    os.nice(10)

    def ended(seconds: float) -> bool:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and not os.read(sys.stdin.fileno(), 4096)

    sealed = None if asked.mark is None else Sealed(file=asked.mark, key=asked.key)
    # The terminal's interrupt reaches everybody, and a store that closes in order still wants its house kept.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not ended(EVERY_S):  # what ends at once needs no housekeeping
        tend(asked.directory, keep_days=asked.keep_days, ended=ended, say=_say, sealed=sealed)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    _main()
