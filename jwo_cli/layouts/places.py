"""Where in which file a thing was said: rules look at finished types and can still name file, line and field."""

from __future__ import annotations

from dataclasses import dataclass, field

from jwo_cli.layouts.toml_lines import Path as KeyPath
from jwo_cli.model.findings import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A thing's origin: its line and the path of its table (TOML), or its line alone (a CSV row)."""

    file: str
    line: int | None
    path: KeyPath = ()


@dataclass(slots=True)
class Places:
    """Origins by ('plate', 'g1.s1.p1'); a store that came from no file has none and findings name the thing instead."""

    file: str = "store"
    origins: dict[tuple[str, str], Place] = field(default_factory=dict)
    lines: dict[str, dict[KeyPath, int]] = field(default_factory=dict)

    def put(self, kind: str, ident: str, place: Place) -> None:
        """Remember where a thing was said first."""
        self.origins.setdefault((kind, ident), place)

    def line(self, kind: str, ident: str) -> int | None:
        """The line a thing stands on, if it came from a file."""
        place = self.origins.get((kind, ident))
        return place.line if place else None

    def finding(
        self, kind: str, ident: str, name: str, problem: str, fix: str, *, severity: Severity = Severity.ERROR
    ) -> Finding:
        """A finding about field `name` of a thing, on the field's own line where it has one."""
        place = self.origins.get((kind, ident))
        if place is None:
            where = f"{kind} {ident}.{name}".rstrip(".") if ident else name
            return Finding(file=self.file, field=where, problem=problem, fix=fix, severity=severity)
        path = (*place.path, name) if name else place.path
        line = self.lines.get(place.file, {}).get(path, place.line)
        return Finding(file=place.file, line=line, field=dotted(path), problem=problem, fix=fix, severity=severity)


def dotted(path: KeyPath) -> str | None:
    """('fixture', 0, 'at_m') -> 'fixture[0].at_m'; None for nothing."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or None
