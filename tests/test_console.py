"""Output: data on stdout, talk on stderr, the same forms everywhere."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from jwo_cli import app, console
from jwo_cli.lazy import missing_library
from jwo_cli.model.findings import Finding, Severity, UserError


def test_a_table_is_also_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The headings are the keys; nothing is null."""
    rows = [("water", 2, None), ("bar", 1, 0.25)]
    console.table(("name", "count", "share"), rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"name": "water", "count": 2, "share": None},
        {"name": "bar", "count": 1, "share": 0.25},
    ]
    console.table(("name", "count", "share"), rows, title="Goods")
    shown = capsys.readouterr()
    assert "Goods" in shown.out
    assert "water" in shown.out
    assert shown.err == ""


def test_a_row_that_does_not_fit_its_headings_is_our_bug() -> None:
    """Told by name, before anything is printed crooked."""
    with pytest.raises(ValueError, match="2 cells under 1"):
        console.table(("name",), [("water", 2)])


def test_wide_tables_are_not_cut_through_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program reads every character."""
    monkeypatch.delenv("COLUMNS", raising=False)
    console.table(("name",), [("x" * 150,)])
    assert "x" * 150 in capsys.readouterr().out


def test_names_with_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Product names are no markup."""
    console.table(("name",), [("[bold]Crisps[/bold] :smile:",)])
    assert "[bold]Crisps[/bold] :smile:" in capsys.readouterr().out


def test_findings_go_to_stderr_and_errors_make_the_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings alone are fine."""
    warning = Finding(file="a.csv", line=3, field="mass", problem="is odd", fix="Look.", severity=Severity.WARNING)
    error = Finding(file="a.csv", line=4, problem="is wrong", fix="Mend it.")
    assert console.findings([warning]) == console.FINE
    assert console.findings([warning, error]) == console.FINDINGS
    shown = capsys.readouterr()
    assert "warning: a.csv:3: mass: is odd. Look." in shown.err
    assert "error: a.csv:4: is wrong. Mend it." in shown.err
    assert shown.out == ""
    console.findings([error], as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["line"] == 4


def test_a_user_error_says_problem_and_fix(capsys: pytest.CaptureFixture[str]) -> None:
    """With one full stop between them."""
    console.error(UserError("the shelf is empty.", fix="Fill it."))
    assert capsys.readouterr().err == "error: the shelf is empty. Fill it.\n"


def test_no_colour_is_asked_for_and_given() -> None:
    """NO_COLOR holds even where colour is forced by the terminal."""
    script = "from jwo_cli import console; console.table(('a',), [('b',)], title='T')"
    env = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout


def test_progress_is_silent_through_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Log files want no bars."""
    with console.progress("working", total=10) as bar:
        bar.advance(5)
        bar.restart("again", 3)
        bar.describe("still")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "Free some space"), (errno.EACCES, "rights"), (errno.EIO, "the disk")]
)
def test_the_machines_state_is_a_sentence_and_exit_code_three(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk is no bug of ours."""

    def fail(*args: object, **more: object) -> None:
        raise OSError(number, os.strerror(number), "/some/place")

    monkeypatch.setattr("jwo_cli.console.out", fail)
    with pytest.raises(SystemExit) as stop:
        app.main(["--version"])
    assert stop.value.code == console.UNAVAILABLE
    shown = capsys.readouterr().err
    assert "/some/place" in shown
    assert words in shown


def test_the_keyboard_stops_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C, exit code 130."""

    def interrupted(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jwo_cli.console.out", interrupted)
    with pytest.raises(SystemExit) as stop:
        app.main(["--version"])
    assert stop.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_library_of_an_extra_is_named_with_its_extra() -> None:
    """Nobody has to guess that cv2 comes with cameras."""
    assert "'jwo-cli[cameras]'" in missing_library(ModuleNotFoundError("no", name="onnxruntime.capi")).fix
    assert "jwo-cli;" in missing_library(ModuleNotFoundError("no", name="polars")).fix


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A half installation says what to install."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "jwo_cli.journal.session", raising=False)
    monkeypatch.delitem(sys.modules, "jwo_cli.journal.projection", raising=False)
    import jwo_cli.journal

    monkeypatch.delitem(vars(jwo_cli.journal), "open_journal", raising=False)
    with pytest.raises(SystemExit) as stop:
        app.main(["report", "sales", "--journal", "somewhere"])
    assert stop.value.code == console.USAGE
    assert "duckdb" in capsys.readouterr().err
