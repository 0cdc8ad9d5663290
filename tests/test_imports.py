"""Any module may be the first that a command imports: what modules import at their top goes round in no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _modules() -> dict[str, Path]:
    """Every module of the package by its name; `commands` is `jwo_cli.commands` when installed."""
    found = {}
    for top, name in ((ROOT / "jwo_cli", "jwo_cli"), (ROOT / "commands", "jwo_cli.commands")):
        for path in sorted(top.rglob("*.py")):
            parts = (name, *path.relative_to(top).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _at_the_top(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run when the module does: not those inside of functions, nor those for the type checker."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.dump(statement.test):
            yield from _at_the_top([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _at_the_top([*statement.body, *statement.orelse, *statement.finalbody])


def _imported(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that this one names at its top."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for statement in _at_the_top(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        base = package.split(".")[: len(package.split(".")) - statement.level + 1] if statement.level else []
        source = ".".join([*base, *([statement.module] if statement.module else [])])
        for alias in statement.names:
            whole = f"{source}.{alias.name}"
            found.add(whole if whole in known else source)
    return {one for one in found if one in known}


def test_no_module_imports_itself_round_a_corner() -> None:
    """Such a circle works from one end and fails from the other: it depends on which command came first."""
    known = _modules()
    order = tuple(
        TopologicalSorter({name: _imported(name, path, known) for name, path in known.items()}).static_order()
    )
    assert set(order) == set(known)
    assert len(known) > 300
