"""The one place for output: data to stdout, talk to stderr, the same flags on every command.

Rich is imported inside the functions, so that `jwo --help` and completion do not pay for it. Colours follow the
terminal and NO_COLOR. Through a pipe, tables are as wide as they need to be and progress bars are silent.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Protocol

import typer

from jwo_cli.model.findings import Finding, Severity, UserError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from jwo_cli.layouts.settings import Settings

FINE, FINDINGS, USAGE, UNAVAILABLE, INTERRUPTED = 0, 1, 2, 3, 130

# Through a pipe there is no terminal to fit: wide enough that no table is cut.
PIPE_COLUMNS = 220

# A century: what is longer ago than the clock can say is meant by nobody.
MOST_DAYS = 36_525

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of tables.")]
JournalDir = Annotated[
    Path | None,
    typer.Option("--journal", envvar="JWO_JOURNAL", metavar="DIR", help="The journal's directory."),
]
Rehearsals = Annotated[
    bool, typer.Option("--rehearsals", help="Also what shadows and replayed recordings came to, where a store ran.")
]

Cell = str | int | float | None


class Bar(Protocol):
    """A progress bar."""

    def advance(self, units: float) -> None:
        """Move on."""

    def describe(self, text: str) -> None:
        """Say what is being done now."""

    def restart(self, text: str, total: float) -> None:
        """Begin at nothing again, with another amount to do."""


def rich_console(*, stderr: bool = False) -> Console:
    """A Rich console on stdout or stderr, without markup surprises in product names."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_COLUMNS
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def out(text: str = "") -> None:
    """A line of data on stdout."""
    typer.echo(text)


def say(text: str) -> None:
    """A line of talk on stderr."""
    typer.echo(text, err=True)


def show(renderable: RenderableType) -> None:
    """A Rich renderable on stdout."""
    rich_console().print(renderable)


def print_json(value: object) -> None:
    """A value as JSON on stdout: dataclasses, enums, tuples and paths by the codec's rules; keys keep their order."""
    from jwo_cli.model.codec import encode

    out(json.dumps(encode(value), ensure_ascii=False, indent=2, allow_nan=False))


def print_json_line(value: object) -> None:
    """A value as one line of JSON on stdout, at once: for what goes on, a line for each."""
    from jwo_cli.model.codec import encode

    out(json.dumps(encode(value), ensure_ascii=False, allow_nan=False))
    sys.stdout.flush()


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    title: str = "",
    as_json: bool = False,
    footer: Sequence[Cell] = (),
    right: Sequence[str] = (),
) -> None:
    """Rows under headings on stdout; with `as_json` a list of objects keyed by the headings.

    Columns of numbers stand to the right, and those that `right` names. None is shown as nothing (null in JSON).
    Raises ValueError where a row has another length than the headings.
    """
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    from rich import box
    from rich.table import Table

    grid = Table(
        title=title or None, title_justify="left", show_footer=bool(footer), pad_edge=False, box=box.SIMPLE_HEAD
    )
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], int | float) or row[place] is None for row in rows) and bool(rows)
        foot = _cell(footer[place]) if footer else ""
        grid.add_column(column, foot, justify="right" if numeric or column in right else "left", overflow="fold")
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells under {len(columns)} headings")
        grid.add_row(*(_cell(cell) for cell in row))
    show(grid)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def findings(found: Sequence[Finding], *, as_json: bool = False) -> int:
    """Findings as lines on stderr, or as a JSON list on stdout; returns 1 if any is an error, else 0."""
    if as_json:
        print_json(list(found))
    else:
        console = rich_console(stderr=True)
        for finding in found:
            style = "red" if finding.severity is Severity.ERROR else "yellow"
            console.print(f"{finding.severity.value}: ", style=style, end="")
            console.print(str(finding), soft_wrap=True)
    return FINDINGS if any(finding.severity is Severity.ERROR for finding in found) else FINE


def error(problem: UserError) -> None:
    """What went wrong and what to do, on stderr."""
    if problem.findings:
        findings(problem.findings)
    rich_console(stderr=True).print("error: ", style="red", end="")
    said = str(problem).rstrip(".")
    say(f"{said}{'' if said.endswith('?') else '.'} {problem.fix}")


def finish(code: int) -> NoReturn:
    """End the command with an exit code."""
    raise typer.Exit(code)


@contextmanager
def progress(description: str, total: float | None = None, *, quiet: bool = False) -> Iterator[Bar]:
    """A progress bar on stderr while the block runs; silent when `quiet` or when stderr is no terminal."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = rich_console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(description, total=total)

        class Handle:
            def advance(self, units: float) -> None:
                bar.advance(task, units)

            def describe(self, text: str) -> None:
                bar.update(task, description=text)

            def restart(self, text: str, total: float) -> None:
                bar.reset(task, description=text, total=total)

        yield Handle()


def finite(value: float | None) -> float | None:
    """A number option as it is; the callback of options for which NaN and infinity mean nothing."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to go by")
    return value


def store_settings() -> Settings | None:
    """The settings of the store directory that the command runs in (its jwo.toml); None elsewhere."""
    from jwo_cli.layouts.settings import SETTINGS_FILE, read_settings

    return read_settings(Path.cwd()) if (Path.cwd() / SETTINGS_FILE).is_file() else None


def named_journal(journal: Path | None) -> Path | None:
    """The journal by flag or JWO_JOURNAL, else the one that the store's jwo.toml names, else None."""
    if journal is not None:
        return journal
    settings = store_settings()
    return settings.journal if settings is not None else None


def journal_or_fail(journal: Path | None) -> Path:
    """The journal's directory. Raises UserError where neither flag, environment nor store names one."""
    place = named_journal(journal)
    if place is None:
        raise UserError(
            "no journal is named", fix="Say --journal DIR, set JWO_JOURNAL, or go to a store directory (`jwo init`)."
        )
    return place
