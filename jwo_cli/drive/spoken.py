"""What a running store says by itself where nobody looks at it: that it cannot open and why, and that it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from jwo_cli.drive.live import LiveStore
from jwo_cli.model.staffing import Mode

LOOK_S = 0.5
PATIENCE_S = 3.0  # devices that are well were heard by then


class Spoken:
    """Says a sentence where something is new with a run; `attach` tells it of which, in the loop that runs it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._against: tuple[str, ...] = ()
        self._stopping = False

    def attach(self, run: LiveStore) -> None:
        """Look at this run from now on, for as long as its loop runs."""
        asyncio.get_running_loop().call_later(PATIENCE_S, self._look, run)

    def _look(self, run: LiveStore) -> None:
        asyncio.get_running_loop().call_later(LOOK_S, self._look, run)
        up, caretaker = run.live.mode is Mode.UP, run.caretaker
        if caretaker.stopping:
            if not self._stopping and run.live.mode is not Mode.DOWN:
                self._say(f"closing: nobody comes in, {run.inside} inside; Ctrl-C stops it at once")
            self._stopping = True
            return
        against = _names(caretaker.kept_shut)
        if against and against != self._against:
            self._say(f"the store stays shut until this is over: {'; '.join(caretaker.kept_shut)}")
        elif self._against and up:
            self._say("the store is up")
        self._against = against


def _names(sentences: Sequence[str]) -> tuple[str, ...]:
    """What the sentences are about: for how long it has been so is no news."""
    return tuple(dict.fromkeys(sentence.partition(":")[0] for sentence in sentences))
