"""The front door: nothing heavy for help, plain sentences for everything that goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jwo_cli.lazy import PACKAGE, TABLE, load
from tests.conftest import Jwo

HEAVY = (
    "duckdb",
    "polars",
    "pyarrow",
    "numpy",
    "scipy",
    "cv2",
    "av",
    "onnxruntime",
    "httpx",
    "apsw",
    "matplotlib",
    "rich",
)


def _modules_after(*args: str) -> set[str]:
    """The top-level names in sys.modules after `jwo ARGS…` ran in a process of its own."""
    script = (
        "import sys, json, contextlib, io\n"
        "from jwo_cli.app import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: main(sys.argv[1:])\n"
        "    except SystemExit as stop: code = stop.code\n"
        "print(json.dumps([code or 0, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True, timeout=60)
    code, names = json.loads(done.stdout)
    assert code == 0
    return set(names)


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["import", "autocheckout", "--help"]])
def test_help_and_version_import_nothing_heavy(args: list[str]) -> None:
    """What `jwo --help` needs is typer and the standard library."""
    loaded = _modules_after(*args)
    assert "jwo_cli" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "name", [name for name, (module, _) in TABLE.items() if (Path("commands") / f"{module}.py").exists()]
)
def test_a_commands_help_imports_no_engine(name: str) -> None:
    """A command's own help needs its module and the console, none of the libraries that do the work."""
    assert not _modules_after(name, "--help") & (set(HEAVY) - {"rich"})


def test_help_names_every_command_of_the_table(jwo: Jwo) -> None:
    """The table and the help agree."""
    shown = jwo("--help").stdout
    assert all(f"\n  {name} " in shown for name in TABLE)


def test_every_command_module_is_in_the_table(root: Path) -> None:
    """A module nobody can call would be dead; the package is named by the loader alone."""
    modules = {path.stem for path in (root / "commands").glob("[!_]*.py")}
    assert modules <= {module for module, _ in TABLE.values()}
    assert PACKAGE == "jwo_cli.commands"


def test_a_mistyped_command_is_met_with_the_right_one(jwo: Jwo) -> None:
    """Usage errors exit 2 and suggest."""
    done = jwo("repaly")
    assert done.returncode == 2
    assert "Did you mean 'replay'?" in done.stderr
    assert not done.stdout


def test_a_module_that_is_not_installed_is_a_sentence_when_called(jwo: Jwo, tmp_path: Path) -> None:
    """A missing command breaks nothing but itself."""
    script = (
        "import jwo_cli.lazy as l; l.TABLE['gone'] = ('gone', 'Gone.'); from jwo_cli.app import main; main(['gone'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not part of this installation" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`jwo … | head -1` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "jwo_cli", "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


# It serves until it is stopped, and has nothing to tell but its address.
WITHOUT_JSON = {"payments fake"}


def _verbs(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    """Each verb at or below a command, with its options."""
    below = getattr(command, "commands", {})
    for inner, found in below.items():
        yield from _verbs(found, f"{name} {inner}")
    if not below:
        yield name, {option for parameter in command.params for option in parameter.opts}


def test_every_command_speaks_json() -> None:
    """`--json` is a promise of all of them."""
    verbs = {verb: options for name, (module, _) in TABLE.items() for verb, options in _verbs(load(name, module), name)}
    assert {verb for verb, options in verbs.items() if "--json" not in options} == WITHOUT_JSON
