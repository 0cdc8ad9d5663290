"""What one observation leads to: decisions with their causes, and effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from jwo_cli.model.decisions import Decision
from jwo_cli.model.effects import Effect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caused(Generic[T]):
    """Something decided, with the sequence numbers of the entries that caused it."""

    decision: T
    caused_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What one observation led to."""

    decisions: tuple[Caused[Decision], ...] = ()
    effects: tuple[Effect, ...] = ()
