"""`jwo replay`: recordings through the store's engine, receipts out."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.drive.batch import BatchResult


class Form(StrEnum):
    """Forms of other people in which receipts can be written."""

    AUTOCHECKOUT = "autocheckout"


def main(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Recordings, AutoCheckout folders, or folders of such.")
    ],
    journal: console.JournalDir = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show the floor, carts and events as they happen.")] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="X",
            callback=console.finite,
            help="X times recorded time; 0 as fast as it goes (8 with --watch, else 0).",
        ),
    ] = None,
    as_json: console.AsJson = False,
    export: Annotated[Form | None, typer.Option(help="Write the receipts in another form.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where --export writes; stdout if absent.")
    ] = None,
) -> None:
    """Replay recordings through the store's engine and print each receipt with the probability of every line.

    With --journal (or JWO_JOURNAL) everything is kept there, and the same recording twice changes nothing. Exit code
    1 when some recordings could not be read and the others were replayed.
    """
    from jwo_cli.drive.batch import replay_all
    from jwo_cli.drive.gather import expand
    from jwo_cli.drive.telling import Teller

    if output is not None and export is None:
        raise UserError("--output says where, but not what to write", fix="Add --export autocheckout.")
    if as_json and export is not None and output is None:
        raise UserError("--json and --export would both write to stdout", fix="Name a file with --output FILE.")
    receipts = not as_json and (export is None or output is not None)
    pace = speed if speed is not None else (8.0 if watch else None)
    journal = console.named_journal(journal)
    with ExitStack() as stack:
        place = journal or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jwo-journal-")))
        folders = expand(paths)
        teller = stack.enter_context(Teller(receipts=receipts, watch=watch, several=len(folders) > 1))
        batch = replay_all(folders, place, teller, speed=pace, publish=journal is not None)
    if not batch.results:  # why was said as each was refused
        console.finish(batch.refused[0][1].exit_code)
    _deliver(batch, export, output)
    if as_json:
        console.print_json(_document(batch, journal))
    console.say(_closing(batch, journal))
    console.finish(console.FINDINGS if batch.refused else console.FINE)


def _deliver(batch: BatchResult, export: Form | None, output: Path | None) -> None:
    from jwo_cli.drive.export import autocheckout, write_json

    if export is None:
        return
    receipts = autocheckout(batch.results)
    if output is None:
        console.print_json(receipts)
    else:
        write_json(output, receipts)
        console.say(f"wrote {sum(map(len, receipts.values()))} receipts of {len(receipts)} recordings to {output}")


def _document(batch: BatchResult, journal: Path | None) -> dict[str, object]:
    refused = [{"path": str(path), "problem": str(error), "fix": error.fix} for path, error in batch.refused]
    return {
        "journal": str(journal) if journal is not None else None,
        "head_seq": batch.head_seq,
        "head_hash": batch.head_hash,
        "recordings": list(batch.results),
        "refused": refused,
    }


def _closing(batch: BatchResult, journal: Path | None) -> str:
    recorded, spent = sum(r.duration_s for r in batch.results), sum(r.wall_s for r in batch.results)
    words = f"{recorded:.0f} s of recording in {spent:.1f} s; final hash {batch.head_hash[:16]}"
    if journal is None:
        return f"{words}. Nothing was kept: name --journal DIR to ask for reasons and reports later."
    added = sum(result.added for result in batch.results)
    news = f"{added} new entries" if added else "nothing new: these recordings were here already"
    return f"{words}. Journal {journal}: {news}."
