"""Errors are values when the data is wrong, exceptions when the caller is.

A `Finding` says where, what is wrong and how to mend it. A `UserError` stops a command with exit code 2 (or the
code it names) and a sentence, never with a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: an error refuses the input, a warning is shown and kept."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with some input. `line` counts from 1; `field` is a dotted path or column name."""

    file: str
    problem: str
    fix: str
    line: int | None = None
    field: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = self.file + (f":{self.line}" if self.line is not None else "")
        field = f" {self.field}:" if self.field else ""
        return f"{where}:{field} {self.problem}. {self.fix}"


class UserError(Exception):
    """Something the person at the keyboard can mend. `fix` says how; `exit_code` is 2 (usage) or 3 (unavailable)."""

    def __init__(self, problem: str, *, fix: str, exit_code: int = 2, findings: Sequence[Finding] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.exit_code = exit_code
        self.findings = tuple(findings)
