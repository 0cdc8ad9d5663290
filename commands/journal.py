"""`jwo journal`: how the journal is, its backups, its housekeeping; all while the store runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.journal.backups import Copied

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The journal: state, backup, restore, housekeeping."
)
MarkKey = Annotated[
    str | None,
    typer.Option("--key", metavar="REF", envvar="JWO_MARK_KEY_REF", help="The mark's key: env:NAME, file:PATH."),
]


@app.callback()
def journal() -> None:
    """The journal: state, backup, restore, housekeeping."""


@app.command()
def status(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """What the journal holds, how much of it is published, and how much room there is."""
    from jwo_cli.journal.state import state

    found = state(console.journal_or_fail(journal))
    if as_json:
        console.print_json(found)
        return
    rows: list[tuple[console.Cell, ...]] = [
        ("store", found.store_id),
        ("entries", found.seq),
        ("last entry written", _ago(found.recorded_ns)),
        ("published", f"{found.published_seq} entries; {found.seq - found.published_seq} in the tail"),
        ("log", _size(found.log_bytes)),
        ("published copy", _size(found.published_bytes)),
    ]
    rows += [(stream, f"{part.files} files, {_size(part.size_bytes)}") for stream, part in found.telemetry.items()]
    rows += [("evidence", f"{found.evidence.files} files, {_size(found.evidence.size_bytes)}")]
    rows += [("free on the disk", _size(found.free_bytes))]
    console.table(("what", "state"), rows)
    console.out(f"head {found.hash}")


@app.command()
def publish(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """Bring the published copy up to date, so that the next reader need not."""
    from jwo_cli.journal import publish as renew
    from jwo_cli.journal.state import state

    place = console.journal_or_fail(journal)
    began = time.monotonic()
    renew(place)
    seq = state(place).published_seq
    if as_json:
        console.print_json({"published_seq": seq, "seconds": round(time.monotonic() - began, 3)})
    else:
        console.say(f"{place}: {seq} entries are published")


@app.command()
def compact(journal: console.JournalDir = None, as_json: console.AsJson = False) -> None:
    """Make one file of each past hour's telemetry. A running store does it by itself."""
    from jwo_cli.journal import compact as compacted

    done = compacted(console.journal_or_fail(journal), now_ns=time.time_ns())
    if as_json:
        console.print_json(done)
    else:
        console.say(f"{done.hours} hours made of {done.files} files; {done.removed} files of earlier ones removed")


@app.command()
def retain(
    keep_days: Annotated[
        float,
        typer.Option("--keep-days", min=0, max=console.MOST_DAYS, callback=console.finite, help="How long to keep."),
    ],
    journal: console.JournalDir = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Delete telemetry and evidence that was captured longer ago. Entries, receipts and books are never deleted."""
    from jwo_cli.journal import retain as retained
    from jwo_cli.journal.compaction import DAY_NS

    place = console.journal_or_fail(journal)
    done = retained(place, before_ns=time.time_ns() - round(keep_days * DAY_NS), dry_run=dry_run)
    if as_json:
        said = {"files": [str(path) for path in done.files], "size_bytes": done.size_bytes}
        console.print_json({**said, "before_ns": done.before_ns, "dry_run": done.dry_run})
        return
    for path in done.files if dry_run else ():
        console.out(str(path))
    verb = "would be deleted" if dry_run else "deleted"
    console.say(f"{place}: {len(done.files)} files, {_size(done.size_bytes)}, {verb}; all entries stay")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DEST", help="A directory that does not exist yet.")],
    journal: console.JournalDir = None,
    key: MarkKey = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy telemetry also where links would do.")] = False,
    people: Annotated[bool, typer.Option("--people", help="Also the store's personal fields, to DEST.people.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Copy the journal while the store runs, and verify the copy. With a key a signed mark of it stands beside it."""
    from jwo_cli.journal import backup as back_up
    from jwo_cli.journal.backups import copy_people

    place = console.journal_or_fail(journal)
    settings = console.store_settings()
    if key is None and settings is not None:
        key = settings.mark_key or None
    if people and (settings is None or settings.vault is None):
        raise UserError("no vault of personal fields is named", fix="Run this in the store directory; see [people].")
    done = back_up(place, target, key=key, link=not copy)
    if people and settings is not None and settings.vault is not None:
        copy_people(settings.vault, target.with_name(f"{target.name}.people"))
    _tell(done, "backed up", as_json=as_json)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A directory that `jwo journal backup` made.")],
    journal: console.JournalDir = None,
    mark: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The store's mark: nothing after it is lost.")
    ] = None,
    key: MarkKey = None,
    without_mark: Annotated[
        bool, typer.Option("--without-mark", help="Also if the mark has seen entries that the backup lacks.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Copy a backup to where the journal is wanted; there must be none. It is verified before it counts."""
    from jwo_cli.journal import restore as bring_back

    settings = console.store_settings()
    if mark is None and settings is not None and settings.mark.is_file():
        mark, key = settings.mark, key or settings.mark_key
    if mark is not None and key is None and not without_mark:
        raise UserError("a mark is signed, and no key was named", fix="Name its key with --key env:NAME or file:PATH.")
    place = console.journal_or_fail(journal)
    done = bring_back(source, place, mark=None if without_mark else mark, key=key)
    _tell(done, "restored", as_json=as_json)
    if without_mark and mark is not None:
        console.say(f"the mark {mark} may be ahead of it: remove it, then `jwo audit verify --renew-mark`")


def _tell(done: Copied, verb: str, *, as_json: bool) -> None:
    if as_json:
        said = {"path": str(done.path), "mark": None if done.mark is None else str(done.mark)}
        head = {"store_id": done.store_id, "seq": done.seq, "hash": done.hash}
        console.print_json({**said, **head, "linked": done.linked, "copied": done.copied})
        return
    beside = f"; mark {done.mark}" if done.mark is not None else ""
    console.say(
        f"{done.path}: {verb} and verified, {done.seq} entries of {done.store_id}, "
        f"{done.linked} files linked, {done.copied} copied{beside}"
    )
    console.out(f"head {done.hash}")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


def _ago(recorded_ns: int | None) -> str:
    if recorded_ns is None:
        return "never"
    seconds = (time.time_ns() - recorded_ns) / 1e9
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} seconds ago"
