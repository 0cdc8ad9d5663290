"""Which line a TOML value stands on: `tomllib` gives values without places, and a finding without a line helps nobody.

The text is scanned a second time, after tomllib has accepted it, so the scanner may trust it and only keeps track of
where tables, keys and array elements begin.
"""

from __future__ import annotations

import re
from bisect import bisect_left

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


def value_lines(text: str) -> dict[Path, int]:
    """Path of every table, key and array element -> its line, from 1: ('fixture', 0, 'at_m', 1) -> 17."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over a valid TOML text; `at` is the position, `lines` what was found."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.ends = [index for index, char in enumerate(self.text) if char == "\n"]
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # arrays of tables -> elements so far

    def scan(self) -> dict[Path, int]:
        prefix: Path = ()
        while self._skip(newlines=True):
            if self.text.startswith("[[", self.at):
                self.at += 2
                prefix = self._array_table()
            elif self._peek() == "[":
                self.at += 1
                prefix = self._table()
            else:
                self._pair(prefix)
        return self.lines

    def _array_table(self) -> Path:
        line = self._line()
        *outer, last = self._dotted()
        self.at += 2  # ]]
        array = (*self._resolve(tuple(outer)), last)
        index = self.counts.get(array, 0)
        self.counts[array] = index + 1
        self.lines.setdefault(array, line)
        self.lines[(*array, index)] = line
        return (*array, index)

    def _table(self) -> Path:
        line = self._line()
        path = self._resolve(tuple(self._dotted()))
        self.at += 1  # ]
        self.lines[path] = line
        return path

    def _resolve(self, keys: tuple[str, ...]) -> Path:
        """Dotted keys with the index of the current element behind each array of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _pair(self, prefix: Path) -> None:
        line = self._line()
        path = prefix
        for key in self._dotted():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._skip()
        self.at += 1  # =
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._peek()
        if start == "[":
            self._array(path)
        elif start == "{":
            self._inline(path)
        elif start in "\"'":
            self._string()
        else:
            found = _SCALAR.match(self.text, self.at)
            self.at = found.end() if found else self.at + 1

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip(newlines=True) and self._peek() != "]":
            self.lines[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1
            self._skip(newlines=True)
            if self._peek() == ",":
                self.at += 1
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        while self._skip(newlines=True) and self._peek() != "}":
            self._pair(path)
            self._skip(newlines=True)
            if self._peek() == ",":
                self.at += 1
        self.at += 1

    def _dotted(self) -> list[str]:
        keys = []
        while True:
            self._skip()
            if self._peek() in "\"'":
                keys.append(self._string())
            else:
                found = _BARE.match(self.text, self.at)
                if found is None:  # cannot be after tomllib accepted the text; do not loop for ever
                    self.at += 1
                    return keys or [""]
                keys.append(found.group())
                self.at = found.end()
            self._skip()
            if self._peek() != ".":
                return keys
            self.at += 1

    def _string(self) -> str:
        """Pass over a string of any of the four kinds; its raw content (keys with escapes are not worth more)."""
        quote = self._peek()
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        start = self.at
        while self.at < len(self.text) and not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self._peek() == "\\" else 1
        content = self.text[start : self.at]
        self.at += len(mark)
        while len(mark) == 3 and self._peek() == quote:  # up to two quotes may stand before the closing mark
            self.at += 1
        return content

    def _skip(self, *, newlines: bool = False) -> bool:
        """Pass over blanks and comments (and line ends); False at the end of the text."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in " \t" or (newlines and char == "\n"):
                self.at += 1
            else:
                return True
        return False

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _line(self) -> int:
        return bisect_left(self.ends, self.at) + 1
