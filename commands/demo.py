"""`jwo demo`: the tour, offline, without hardware, in a journal that is thrown away; `--live` runs a whole store."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.drive.film import FilmShown
    from jwo_cli.drive.live_demo import LiveShown


def main(
    live: Annotated[
        bool, typer.Option("--live", help="Run a store for less than a minute: devices, codes, payment, replay.")
    ] = False,
    video: Annotated[
        bool, typer.Option("--video", help="Film invented shoppers; see, scan and weigh them; receipts from pixels.")
    ] = False,
    network: Annotated[
        bool, typer.Option("--network", help="With --video: look with the pulled models instead of the backdrop.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --live or --video: other noise and bodies, the same shoppers.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="With --live or --video: keep all of it there.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --live or --video: print one JSON object on stdout.")
    ] = False,
) -> None:
    """Take the tour: the bundled sample through replay, audit, report and verify. Needs nothing, keeps nothing.

    With --live ten simulated shoppers visit the sample store in real time. Scales speak MQTT, and so does the machine
    that tells where the floor's cameras see people; the codes on the shoppers' phones are read from the video of the
    door's camera, an RFID reader speaks LLRP, a fake payment provider is charged over HTTP. Then books and provider are
    compared, and the recording is replayed: it must give identical receipts. Exit code 1 when anything is not right.

    With --video five simulated shoppers are filmed by four cameras. Who is where comes from the video files alone, who
    they are from the codes on their phones, what they took from the plates. Takes a minute or two. Exit code 1 when a
    receipt that was settled without asking anybody is wrong.
    """
    if live and video:
        raise UserError("--live and --video are two demonstrations", fix="Say one of them.")
    if live:
        _live(2 if seed is None else seed, keep, as_json=as_json)
        return
    if video:
        _video(6 if seed is None else seed, keep, network=network, as_json=as_json)
        return
    from jwo_cli.drive.tour import sample, tour

    with tempfile.TemporaryDirectory(prefix="jwo-demo-") as folder:
        tour(Path(folder) / "journal", sample())


def _live(seed: int, keep: Path | None, *, as_json: bool) -> None:
    import asyncio

    from jwo_cli.drive.live import LiveStore
    from jwo_cli.drive.live_demo import show
    from jwo_cli.drive.watch_live import LiveWatch
    from jwo_cli.model.layout import Store

    if keep is not None and keep.exists():
        raise UserError(f"{keep} is there already", fix="Name a new directory with --keep.")
    views: list[LiveWatch] = []
    shown: LiveShown | None = None

    def watcher(store: Store) -> LiveWatch | None:
        if as_json:
            return None
        views.append(LiveWatch(store))
        views[0].start()
        return views[0]

    def began(live: LiveStore) -> None:
        for view in views:
            view.attach(live)

    with tempfile.TemporaryDirectory(prefix="jwo-live-") as folder:
        try:
            place = keep or Path(folder) / "store"
            shown = asyncio.run(show(place, seed=seed, watcher=watcher, began=began, say=console.say))
        except (asyncio.CancelledError, KeyboardInterrupt):
            pass  # all of it is down by now
        finally:
            for view in views:
                view.stop()
    if shown is None:
        console.say("stopped")
        console.finish(console.INTERRUPTED)
    if as_json:
        console.print_json(shown)
    else:
        _tell(shown, keep)
    right = shown.receipts_right == shown.visits and shown.reconciled and shown.replay_identical
    console.finish(console.FINE if right and shown.journal_sound else console.FINDINGS)


def _video(seed: int, keep: Path | None, *, network: bool, as_json: bool) -> None:
    from jwo_cli.drive.film import film_demo

    if keep is not None and keep.exists():
        raise UserError(f"{keep} is there already", fix="Name a new directory with --keep.")
    with (
        tempfile.TemporaryDirectory(prefix="jwo-film-") as folder,
        console.progress("filming and looking", total=1.0, quiet=as_json) as bar,
    ):
        shown = film_demo(
            keep or Path(folder) / "film", seed=seed, say=console.say, network=network, progress=bar.advance
        )
    if as_json:
        console.print_json(shown)
    else:
        _tell_film(shown, keep)
    console.finish(console.FINE if shown.settled == shown.settled_right else console.FINDINGS)


def _tell_film(shown: FilmShown, keep: Path | None) -> None:
    from jwo_cli import printing

    for receipt in shown.receipts:
        if receipt.lines:
            console.show(printing.receipt(receipt))
    rows: list[tuple[str, str]] = [
        ("film", f"{shown.film_s:.0f} s, {shown.frames} frames, made in {shown.filming_s:.0f} s"),
        ("looked at", f"in {shown.looking_s:.0f} s, by {shown.eyes}"),
        ("entry codes read", f"{shown.codes_read} of {shown.codes_shown}"),
        ("people followed", f"{shown.people_seen} ids for {shown.visits} people"),
        ("receipts right", f"{shown.receipts_right} of {shown.visits} visits"),
        ("settled by itself", f"{shown.settled}, {shown.settled_right} of them right"),
    ]
    console.table(("from pixels to receipts", ""), rows)
    if keep is not None:
        console.say(f"Kept: the films and the recording in {keep}; `jwo replay {keep / 'recording'} --watch`.")


def _tell(shown: LiveShown, keep: Path | None) -> None:
    from jwo_cli.model.units import format_minor

    def money(amount: int) -> str:
        return format_minor(amount, shown.currency)

    rows = [
        ("visits", f"{shown.visits}; {shown.gates_opened} times the door opened"),
        (
            "codes read from the door's video",
            f"{shown.codes_from_video} good, {shown.codes_refused} too old",
        ),
        (
            "tags read over LLRP",
            f"{shown.tag_reads} times; {shown.tags_gone} left the shelf, {shown.tags_back} came back",
        ),
        ("receipts that are exactly right", f"{shown.receipts_right} of {shown.visits}"),
        ("settled without a person", f"{shown.settled} of {shown.receipts}"),
        ("charged, by the books", money(shown.ledger_minor)),
        ("charged, by the provider", f"{money(shown.provider_minor)}{'' if shown.reconciled else ': NOT RECONCILED'}"),
        (
            "from the exit to the receipt",
            f"median {shown.exit_to_receipt_p50_s} s, p95 {shown.exit_to_receipt_p95_s} s",
        ),
        ("replay of the recording", "identical" if shown.replay_identical else "DIFFERENT"),
        ("journal", f"{shown.entries} entries, {'sound' if shown.journal_sound else 'NOT SOUND'}"),
    ]
    console.table(("the store ran", ""), rows)
    console.say(f"{shown.seconds} s, in real time.")
    if keep is not None:
        there = f"jwo audit reviews --journal {keep / 'journal'}`, `jwo replay {keep / 'recording'} --watch"
        console.say(f"Kept in {keep}. Look at it: `{there}`.")
