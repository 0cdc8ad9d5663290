"""Typed reading of TOML tables: every wrong, missing or unknown field becomes a finding and reading goes on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from jwo_cli.layouts.places import Place, dotted
from jwo_cli.layouts.toml_lines import Path as KeyPath
from jwo_cli.model.codec import MOST
from jwo_cli.model.findings import Finding, Severity

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# Ids are typed into commands and stand in CSV cells and ranges ('g1.s1.p1..g1.s1.p4'): no blanks and no '..' in them.
LARGEST = 1e15  # no length, count or amount of a shop; whole numbers beyond floats end here as well
IDENT = re.compile(r"(?!.*\.\.)[^\W_][\w.\-]*")


@dataclass(slots=True)
class Source:
    """One TOML file being read: its name, its lines, and what was found wrong."""

    file: str
    lines: dict[KeyPath, int]
    findings: list[Finding] = field(default_factory=list)

    def add(self, path: KeyPath, problem: str, fix: str, severity: Severity = Severity.ERROR) -> None:
        """Report something at `path`, or at the nearest table around it that has a line."""
        probe = path
        while probe and probe not in self.lines:
            probe = probe[:-1]
        line = self.lines.get(probe, 1)
        self.findings.append(
            Finding(file=self.file, line=line, field=dotted(path), problem=problem, fix=fix, severity=severity)
        )


class Table:
    """One TOML table. Getters return the value or, when it is wrong, report it and return the fallback.

    `done()` reports keys that nobody asked for; `good` tells whether anything was wrong so far.
    """

    def __init__(self, source: Source, path: KeyPath, values: dict[str, object]) -> None:
        self.source, self.path, self.values = source, path, values
        self.asked: list[str] = []
        self.good = True

    def place(self) -> Place:
        """Where this table begins."""
        return Place(file=self.source.file, line=self.source.lines.get(self.path), path=self.path)

    def bad(self, name: str, problem: str, fix: str) -> None:
        """Report a field of this table."""
        self.good = False
        self.source.add((*self.path, name) if name else self.path, problem, fix)

    def has(self, name: str) -> bool:
        """Whether the key is there."""
        self._ask(name)
        return name in self.values

    def done(self) -> None:
        """Report unknown keys, with the nearest known one."""
        for name in self.values:
            if name not in self.asked:
                near = difflib.get_close_matches(name, self.asked, 1)
                fix = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(self.asked)}."
                self.bad(name, f"{name!r} means nothing here", fix)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required when there is no default."""
        value = self._get(name, default is None, 'Write it in quotes: name = "…".')
        if value is None:
            return default or ""
        if not isinstance(value, str):
            self.bad(name, f"expected text, got {_show(value)}", 'Write it in quotes: "…".')
            return default or ""
        return value

    def ident(self, name: str = "id", default: str | None = None) -> str:
        """An id: letters, digits, '.', '_' and '-'."""
        value = self.text(name, default)
        if value and not IDENT.fullmatch(value):
            self.bad(name, f"{value!r} is no id", "Use letters, digits, '.', '_' and '-', without '..'.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(name, False, "")
        if value is None:
            return default
        if not isinstance(value, bool):
            self.bad(name, f"expected true or false, got {_show(value)}", "Write true or false, without quotes.")
            return default
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._get(name, default is None, "Write a plain number.")
        if value is None:
            return default if default is not None else 0.0
        if not numeric(value):
            self.bad(name, f"expected a number, got {_show(value)}", "Write a plain number, without quotes or unit.")
            return default if default is not None else 0.0
        return _float(value)

    def positive(self, name: str, default: float | None = None) -> float:
        """A number above zero."""
        value = self.number(name, default)
        if value <= 0 and name in self.values and numeric(self.values[name]):
            self.bad(name, f"{value:g} is not above zero", "Give a positive number.")
            return default or 1.0
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._get(name, default is None, "Write a whole number.")
        if value is None:
            return default if default is not None else 0
        if isinstance(value, bool) or not isinstance(value, int):
            self.bad(name, f"expected a whole number, got {_show(value)}", "Write a whole number, without quotes.")
        elif abs(value) > MOST:
            self.bad(name, "this number is too large", "Write what it is in a shop.")
        else:
            return value
        return default if default is not None else 0

    def numbers(self, name: str, sizes: tuple[int, ...], default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """A list of numbers with one of the given lengths (none given: any length)."""
        wanted = " or ".join(str(size) for size in sizes)
        fix = f"Write {wanted} numbers in brackets." if sizes else "Write numbers in brackets."
        value = self._get(name, default is None, fix)
        fallback = default if default is not None else (0.0,) * (sizes[0] if sizes else 0)
        if value is None:
            return fallback
        if not isinstance(value, list) or (sizes and len(value) not in sizes) or not all(map(numeric, value)):
            self.bad(name, f"expected {wanted or 'a list of'} numbers, got {_show(value)}", fix)
            return fallback
        return tuple(_float(item) for item in value)

    def polygon(self, name: str) -> tuple[tuple[float, float], ...]:
        """Corners [[x, y], …], at least three."""
        fix = "Write corners as [[x, y], [x, y], …] in metres, in order around the area."
        value = self._get(name, True, fix)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) < 3:
            self.bad(name, f"expected at least three corners, got {_show(value)}", fix)
            return ()
        corners = []
        for index, item in enumerate(value):
            if not isinstance(item, list) or len(item) != 2 or not all(map(numeric, item)):
                self.good = False
                self.source.add((*self.path, name, index), f"corner {_show(item)} is not [x, y]", fix)
            else:
                corners.append((_float(item[0]), _float(item[1])))
        return tuple(corners) if len(corners) == len(value) else ()

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty when left out."""
        value = self._get(name, False, "")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.bad(name, f"expected a list of texts, got {_show(value)}", 'Write ["…", "…"].')
            return ()
        return tuple(value)

    def choice(self, name: str, kinds: type[E], default: E | None = None) -> E | None:
        """One of an enumeration's words; None (and a finding) when it is none of them."""
        value = self.text(name, None if default is None else default.value)
        found = next((kind for kind in kinds if kind.value == value), None)
        if found is None and value:
            self.bad(name, f"{value!r} is none of the known kinds", f"Use one of {', '.join(kinds)}.")
        return found

    def tables(self, name: str) -> Iterator[Table]:
        """The elements of an array of tables [[name]]."""
        value = self._get(name, False, "")
        if value is None:
            return
        if isinstance(value, dict):
            self.bad(name, f"[{name}] is one table, several are possible", f"Write [[{name}]] with two brackets.")
            return
        if not isinstance(value, list):
            self.bad(name, f"expected tables, got {_show(value)}", f"Write [[{name}]].")
            return
        for index, item in enumerate(value):
            path = (*self.path, name, index)
            if isinstance(item, dict):
                yield Table(self.source, path, item)
            else:
                self.good = False
                self.source.add(path, f"expected a table, got {_show(item)}", f"Write [[{name}]].")

    def table(self, name: str, *, required: bool = True) -> Table | None:
        """A sub-table, or None when it is not there."""
        value = self._get(name, required, f"Add a table [{name}].")
        if value is None:
            return None
        if not isinstance(value, dict):
            self.bad(name, f"expected a table, got {_show(value)}", f"Write [{name}] with one pair of brackets.")
            return None
        return Table(self.source, (*self.path, name), value)

    def build(self, name: str, make: Callable[[], T]) -> T | None:
        """A value from `make`, or a finding with what it refuses (ValueError)."""
        try:
            return make()
        except ValueError as error:
            self.bad(name, str(error), "Correct the value.")
            return None

    def raw(self, name: str) -> object | None:
        """Whatever stands there, or None; for fields with several forms."""
        return self._get(name, False, "")

    def _ask(self, name: str) -> None:
        if name not in self.asked:
            self.asked.append(name)

    def _get(self, name: str, required: bool, fix: str) -> object | None:
        self._ask(name)
        value = self.values.get(name)
        if value is None and required:
            self.bad(name, f"{name!r} is missing", fix)
        return value


def numeric(value: object) -> bool:
    """Whether a TOML value is a number that a layout can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    if isinstance(value, Decimal):  # a Decimal NaN does not compare, it raises
        return value.is_finite() and abs(value) < LARGEST
    return abs(value) < LARGEST


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def _show(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
