"""`jwo import`: other people's recordings into ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.recordings.importing import Imported

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Turn foreign recordings into ours.")


@app.callback()
def group() -> None:
    """Turn foreign recordings into ours."""


@app.command()
def autocheckout(
    paths: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="AutoCheckout cases, folders of such, or mongodumps of them.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="REC", help="The recording's folder; with several cases, REC/<name> each.")
    ],
    warnings: Annotated[bool, typer.Option("--warnings", help="Show every oddity that was kept.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Turn AutoCheckout's documents (JSON lines, plain or .gz, or a mongodump) into recordings.

    A case is imported whole or not at all: malformed documents are named with file, line and field, dirt (gaps,
    duplicates, disorder, missing joints) is kept. Exit code 1 when some of several cases were refused.
    """
    from jwo_cli.drive.gather import expand
    from jwo_cli.recordings.importing import foreign_recordings, import_recording

    cases = expand(paths)
    several = len(cases) > 1
    done: list[Imported] = []
    refused: list[UserError] = []
    with console.progress("importing", len(cases), quiet=as_json) as bar:
        for case in cases:
            bar.describe(case.name)
            try:
                found = list(foreign_recordings(case, progress=lambda _: bar.advance(0)))
                for recording in found:
                    target = out / recording.name if several or len(found) > 1 else out
                    done.append(import_recording(recording, target))
            except UserError as problem:
                refused.append(problem)
            bar.advance(1)
    if not done:
        raise refused[0]
    _print(done, warnings=warnings, as_json=as_json)
    for refusal in refused:
        console.error(refusal)
    console.finish(console.FINDINGS if refused else console.FINE)


def _print(done: Sequence[Imported], *, warnings: bool, as_json: bool) -> None:
    if as_json:
        console.print_json(list(done))
        return
    oddities = [finding for item in done for finding in item.findings]
    if warnings:
        console.findings(oddities)
    headings = ("recording", "outcome", "seconds", "oddities", "id")
    rows = [
        (item.path, item.outcome.value, round(item.duration_s, 1), len(item.findings), item.recording_id[:12])
        for item in done
    ]
    console.table(headings, rows)
    if oddities and not warnings:
        console.say("Oddities are kept as they are; --warnings shows them.")
