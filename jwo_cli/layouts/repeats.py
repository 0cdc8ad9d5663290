"""Facings that a planogram names twice: a slip is told and counted once, two planograms in one file are refused.

Two exports in one file share most of their facings; so a file of which more than half of the facings stand again is
taken for two, even when a product moved between them. The nanostore's planograms repeat no facing at all.
"""

from __future__ import annotations

from jwo_cli.layouts.documents import FacingDocument, Key
from jwo_cli.layouts.gondolas import TOLERANCE_M
from jwo_cli.model.findings import Finding, Severity

_KEEP_ONE = "Keep one of the two lines."


def without_repeats(facings: list[FacingDocument]) -> tuple[list[FacingDocument], list[Finding]]:
    """The facings, each once, in file order, and what stands twice: word for word, contradicting or overlapping."""
    kept: list[FacingDocument] = []
    repeats: list[tuple[FacingDocument, FacingDocument]] = []
    findings: list[Finding] = []
    standing: dict[tuple[str | None, Key], FacingDocument] = {}
    for row in facings:
        earlier = next((found for key in row.plates if (found := standing.get((row.product_id, key)))), None)
        if earlier is not None and set(earlier.plates) == set(row.plates):
            if _same_place(earlier, row):
                repeats.append((earlier, row))
            else:
                problem = f"{_what(row)} as in line {earlier.line}, but at another place or of another size"
                findings.append(_finding(row, "global_coordinates", problem, _KEEP_ONE, Severity.ERROR))
            continue
        if earlier is not None:
            problem = f"{_what(row)}, of which line {earlier.line} has some for it already"
            findings.append(_finding(row, "plate_ids", problem, "Write one facing with all its plates."))
        kept.append(row)
        for key in row.plates:
            standing.setdefault((row.product_id, key), row)
    return kept, [*findings, *_told(repeats, kept)]


def _told(repeats: list[tuple[FacingDocument, FacingDocument]], kept: list[FacingDocument]) -> list[Finding]:
    """One error when the planogram stands there twice, else a warning for each repeated facing."""
    again = {earlier.line for earlier, _ in repeats}
    if 2 * len(again) > len(kept):
        (earlier, row), (last_earlier, last) = repeats[0], repeats[-1]
        problem = (
            f"the planogram stands here twice: {len(again)} of its {len(kept)} facings come again"
            f" (line {row.line} is line {earlier.line}, … line {last.line} is line {last_earlier.line})"
        )
        fix = "Keep the one planogram that belongs to the store; nothing says which of two is meant."
        return [_finding(row, "plate_ids", problem, fix, Severity.ERROR)]
    return [
        _finding(row, "plate_ids", f"{_what(row)} as in line {earlier.line} already; taken once", _KEEP_ONE)
        for earlier, row in repeats
    ]


def _same_place(one: FacingDocument, two: FacingDocument) -> bool:
    numbers = zip((*one.corner, *one.size), (*two.corner, *two.size), strict=True)
    return abs(one.rotation_rad - two.rotation_rad) <= 0.01 and all(abs(a - b) <= TOLERANCE_M for a, b in numbers)


def _what(row: FacingDocument) -> str:
    keys = [f"g{gondola}.s{shelf}.p{plate}" for gondola, shelf, plate in sorted(row.plates)]
    plates = keys[0] if len(keys) == 1 else f"{keys[0]}–{keys[-1]}"
    return f"{row.product_id or 'an empty facing'} stands on {plates}"


def _finding(row: FacingDocument, field: str, problem: str, fix: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(file=row.file, line=row.line, field=field, problem=problem, fix=fix, severity=severity)
