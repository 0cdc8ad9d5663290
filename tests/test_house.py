"""The house rules that no linter knows: file and function length, docstrings of files, tests that mirror the tree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted([*(ROOT / "jwo_cli").rglob("*.py"), *(ROOT / "commands").glob("*.py")])
MAX_FILE, MAX_FUNCTION, MAX_COMMAND = 400, 60, 80


def _functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(n.name, (n.end_lineno or n.lineno) - n.lineno + 1) for n in ast.walk(tree) if isinstance(n, kinds)]


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    """Longer files hold more than one thought."""
    long = {
        str(path.relative_to(ROOT)): lines for path in CODE if (lines := len(path.read_text().splitlines())) > MAX_FILE
    }
    assert long == {}


def test_no_function_is_longer_than_its_limit() -> None:
    """Sixty lines; eighty for a verb, whose parameters are its documentation."""
    long = {}
    for path in CODE:
        limit = MAX_COMMAND if path.parent.name == "commands" else MAX_FUNCTION
        long.update({f"{path.relative_to(ROOT)}:{name}": n for name, n in _functions(path) if n > limit})
    assert long == {}


def test_every_file_states_its_rule() -> None:
    """The module docstring is the rule of the file."""
    assert [str(path.relative_to(ROOT)) for path in CODE if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_nobody_imports_a_command() -> None:
    """Commands are found by the loader, by string."""
    importing = re.compile(r"^\s*(from|import)\s+(jwo_cli\.)?commands\b", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in CODE if importing.search(path.read_text())] == []


def test_every_room_with_behaviour_has_its_tests() -> None:
    """tests/ mirrors the tree: a room (or a room's part) that defines a function has tests under its own name."""
    tested = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    rooms = {path.relative_to(ROOT).parent for path in CODE if _functions(path)}
    names = {Path(*room.parts[1:]) if room.parts[0] == "jwo_cli" else room for room in rooms}
    assert {str(name) for name in names if not {name, *name.parents} & tested - {Path()} and name != Path()} == set()


def test_no_room_keeps_unfinished_work() -> None:
    """No TODO, no NotImplementedError outside protocols."""
    unfinished = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    assert [str(path.relative_to(ROOT)) for path in CODE if unfinished.search(path.read_text())] == []
