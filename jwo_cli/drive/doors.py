"""What a running store does to its doors; whoever drives them does it, and no door keeps the store waiting."""

from __future__ import annotations

from typing import Protocol

from jwo_cli.model.entering import Refusal


class Doors(Protocol):
    """The doors of one store."""

    def open(self, gate_id: str, account: str) -> None:
        """Let one person or party through. Must not block; a door that does not answer is its source's trouble."""

    def refuse(self, gate_id: str, refusal: Refusal) -> None:
        """Stay shut, and show why."""


class NoDoors:
    """A store whose doors nobody drives: a replayed recording, or doors that stand open."""

    def open(self, gate_id: str, account: str) -> None:
        """Nothing to do."""

    def refuse(self, gate_id: str, refusal: Refusal) -> None:
        """Nothing to do."""
