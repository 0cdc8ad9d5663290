"""Everything wrong at once: malformed places are collected as findings, and the input is refused as a whole.

A document that does not fit raises `MalformedError` where it is read; the reader that knows file and line turns it into
a finding and goes on to the next one. Only the first `LIMIT` findings are kept, the rest are counted.
"""

from __future__ import annotations

from jwo_cli.model.findings import Finding, Severity, UserError

LIMIT = 50


class MalformedError(Exception):
    """One value that does not fit: `field` is its dotted path in the document."""

    def __init__(self, field: str | None, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem
        self.fix = fix


class Problems:
    """Collects findings while some input is read; errors refuse it, warnings go along with it."""

    def __init__(self) -> None:
        self._errors: list[Finding] = []
        self._warnings: list[Finding] = []
        self._uncounted = 0

    def error(self, file: str, problem: str, fix: str, *, line: int | None = None, field: str | None = None) -> None:
        """Notes one thing that makes the input unusable."""
        if len(self._errors) < LIMIT:
            self._errors.append(Finding(file=file, problem=problem, fix=fix, line=line, field=field))
        else:
            self._uncounted += 1

    def malformed(self, file: str, line: int | None, reason: MalformedError) -> None:
        """Notes a document that did not fit."""
        self.error(file, reason.problem, reason.fix, line=line, field=reason.field)

    def warn(self, file: str, problem: str, fix: str, *, line: int | None = None, field: str | None = None) -> None:
        """Notes something odd that is kept as it is."""
        found = Finding(file=file, problem=problem, fix=fix, line=line, field=field, severity=Severity.WARNING)
        self._warnings.append(found)

    def adopt(self, findings: tuple[Finding, ...]) -> None:
        """Takes over what another reader found."""
        for found in findings:
            (self._errors if found.severity is Severity.ERROR else self._warnings).append(found)

    @property
    def failed(self) -> bool:
        """Whether anything so far refuses the input."""
        return bool(self._errors)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What goes along with an accepted input."""
        return tuple(self._warnings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything noted, errors first."""
        return (*self._errors, *self._warnings)

    def refusal(self, what: str) -> UserError:
        """The error that refuses the input with all findings; `what` names the input in the sentence."""
        count = len(self._errors) + self._uncounted
        shown = f" (the first {LIMIT} are shown)" if self._uncounted else ""
        noun = "problem" if count == 1 else "problems"
        return UserError(
            f"{what} cannot be used: {count} {noun}{shown}",
            fix="Mend the places that are named, or leave this input out; nothing of it was loaded.",
            findings=tuple(self._errors),
        )
