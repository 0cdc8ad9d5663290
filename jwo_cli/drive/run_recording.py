"""The recording of a run: what reached its front end and its engine, from where the journal stood when it began.

What was before the run is recorded, too, as its replay must be told the same. That may be a day's worth: it is not
written at the start, where it would keep the store from opening, but a little in each turn, and all of it before
anything of the run is durable. So a recording that was cut off is whole up to where it ends. Where its folder is gone
or the disk is full it ends, and the store sells on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from jwo_cli.estimate.signals import Overheard, Signal
from jwo_cli.model.layout import Store
from jwo_cli.recordings import LiveRun, RecordingWriter

AT_ONCE = 200  # entries of before the run that are recorded in one turn


class RunRecording:
    """One run's recording at `place`; without a place nothing is kept. `past` is what was before the run."""

    def __init__(
        self, place: Path | None, run: LiveRun, store: Store, *, start_ns: int, past: Iterator[Overheard]
    ) -> None:
        self.trouble = ""  # why the run is recorded no longer, for people
        self._past = past
        self._writer: RecordingWriter | None = None
        if place is not None:
            with self._giving_up():
                self._writer = RecordingWriter(
                    place, name=place.name, store=store, start_ns=start_ns, run=run, segment_s=float("inf")
                )

    def append(self, signal: Signal) -> None:
        """The next that reached the run."""
        if self._writer is not None:
            with self._giving_up():
                self._writer.append(signal)

    def overheard(self, items: Sequence[Overheard]) -> None:
        """What the engine was told beside the sensors."""
        for item in items:
            self.append(item)

    def recall(self, most: int | None = AT_ONCE) -> None:
        """Some more of what was before the run; None is all of it."""
        if self._writer is not None:
            self.overheard(tuple(islice(self._past, most)))

    def rotate(self) -> None:
        """What was recorded so far becomes durable."""
        self.recall(None)
        if self._writer is not None:
            with self._giving_up():
                self._writer.rotate()

    def close(self, *, run_closed: bool) -> None:
        """Complete it; once is enough."""
        self.recall(None)
        if self._writer is not None:
            with self._giving_up():
                self._writer.close(run_closed=run_closed)
            self._writer = None

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.trouble = f"the run is recorded no longer: {error.strerror or type(error).__name__}"
            self._writer = None
