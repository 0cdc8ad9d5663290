"""What a calibration tells: residuals in pixels (or grams, milliseconds) and centimetres, figures, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from .verdict import Judgement, Reason, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a report."""

    name: str
    value: float
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One calibration, ready to be shown or to become JSON. `files` were written (none when refused)."""

    what: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    figures: tuple[Figure, ...] = ()
    picture: str = ""
    files: tuple[str, ...] = ()

    def figure(self, name: str) -> float:
        """A number by its name. Raises KeyError."""
        return {figure.name: figure.value for figure in self.figures}[name]


def report(
    what: str,
    judgement: Judgement,
    figures: tuple[Figure, ...] = (),
    *,
    picture: str = "",
    files: tuple[str, ...] = (),
) -> Report:
    """A report of a judgement."""
    return Report(
        what=what, verdict=judgement.verdict, reasons=judgement.reasons, figures=figures, picture=picture, files=files
    )
