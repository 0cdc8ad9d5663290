"""Pass, marginal or refused: the worst of several measured findings, each with its reason and what to do.

A limit is given in what it means for the store (pixels of the corner detector, centimetres on the floor), never as a
number that happened to work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """May this calibration be used? Marginal ones are written, refused ones are not."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    MARGINAL = "marginal"
    REFUSED = "refused"


_RANK = {Verdict.PASS: 0, Verdict.MARGINAL: 1, Verdict.REFUSED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that was judged: how, in a sentence, and what to do about it."""

    verdict: Verdict
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with all its reasons, the worst first."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge(reasons: Iterable[Reason]) -> Judgement:
    """The worst reason decides; with none, it passes."""
    ordered = sorted(reasons, key=lambda reason: -_RANK[reason.verdict])
    verdict = ordered[0].verdict if ordered else Verdict.PASS
    return Judgement(verdict=verdict, reasons=tuple(ordered))


def below(value: float, *, good: float, usable: float, text: str, fix: str) -> Reason:
    """Small is good: pass up to `good`, marginal up to `usable`, refused beyond (and for NaN)."""
    if value <= good:
        return Reason(verdict=Verdict.PASS, text=text)
    return Reason(verdict=Verdict.MARGINAL if value <= usable else Verdict.REFUSED, text=text, fix=fix)


def above(value: float, *, good: float, usable: float, text: str, fix: str) -> Reason:
    """Large is good: pass from `good` on, marginal from `usable`, refused below (and for NaN)."""
    if value >= good:
        return Reason(verdict=Verdict.PASS, text=text)
    return Reason(verdict=Verdict.MARGINAL if value >= usable else Verdict.REFUSED, text=text, fix=fix)
