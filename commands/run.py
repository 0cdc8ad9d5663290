"""`jwo run`: a store that is open: devices in, doors, receipts and payments out, everything in the journal."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.drive.live import LiveStore
    from jwo_cli.drive.running import Plan, Ran
    from jwo_cli.layouts.settings import Settings
    from jwo_cli.model.layout import Store


class MachineRole(StrEnum):
    """What this machine is."""

    STORE = "store"
    EDGE = "edge"


def main(
    place: Annotated[
        str, typer.Argument(metavar="STORE", help="A store directory, its store.toml or jwo.toml, or a bundled layout.")
    ] = ".",
    shadow: Annotated[bool, typer.Option("--shadow", help="Decide everything, charge nothing.")] = False,
    role: Annotated[
        MachineRole, typer.Option("--role", help="store: engine and journal; edge: publish this machine's devices.")
    ] = MachineRole.STORE,
    name: Annotated[
        str, typer.Option("--name", help="With --role edge: this machine's name on the broker, by default its host's.")
    ] = "",
    played: Annotated[
        Path | None,
        typer.Option("--from", metavar="RECORDING", help="Play a recording as live devices, in real time; a --shadow."),
    ] = None,
    journal: console.JournalDir = None,
    up: Annotated[bool, typer.Option("--up", help="Open as soon as every device that is needed is well.")] = False,
    close_at: Annotated[
        str,
        typer.Option("--close-at", metavar="HH:MM", help="Closing time, in the store's zone; then shut for the night."),
    ] = "",
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, metavar="S", help="Close after so many seconds.")
    ] = None,
    recordings: Annotated[
        Path | None, typer.Option("--recordings", metavar="DIR", help="Where the run is recorded: beside the journal.")
    ] = None,
    no_recording: Annotated[bool, typer.Option("--no-recording", help="Keep the journal only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live view.")] = False,
    charge_earlier: Annotated[
        bool, typer.Option("--charge-earlier", help="Also charge what is due from runs without [payments].")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Run a store until Ctrl-C: it then lets nobody in, waits for those inside, and stops; twice stops at once.

    It begins closed: open it with --up, or from another terminal with `jwo store up`. A run that was cut off goes on
    where it stood, with everybody who was inside. Nothing is charged in a --shadow, nor where a recording is played
    with --from, nor while there is no [payments] in jwo.toml: a run with it asks about what is due from before.
    """
    from jwo_cli.drive.accounts import vault_trouble
    from jwo_cli.drive.running import Plan, edge_name, run_at_edge
    from jwo_cli.recordings import open_recording

    settings, store = _store(place)
    if role is MachineRole.EDGE:
        if settings is None:
            raise UserError("an edge machine needs a jwo.toml", fix="Run it in a store directory: `jwo init`.")
        taken = {"--shadow": shadow, "--from": played, "--up": up, "--close-at": close_at}
        if useless := [option for option, value in taken.items() if value]:
            raise UserError(f"{', '.join(useless)}: for the store, not for its edge", fix="Leave it out.")
        given = run_at_edge(settings, store, name or edge_name(), seconds=seconds, say=console.say)
        console.print_json(given)
        return
    where = journal or (settings.journal if settings is not None else None)
    if where is None:
        raise UserError("no journal is named", fix="Say --journal DIR, or make a store directory: `jwo init DIR`.")
    if settings is not None and (trouble := vault_trouble(settings)) is not None:
        console.say(f"{trouble.problem}. {trouble.fix}")  # the store runs without people's names
    usual = where.parent / "recordings"
    plan = Plan(
        store=store,
        journal=where,
        settings=settings,
        recordings=None if no_recording else recordings or usual,
        videos=tuple(dict.fromkeys((usual, recordings or usual))),
        played=None if played is None else open_recording(played),
        shadow=shadow or played is not None,
        up=up,
        closes=close_at,
        seconds=seconds,
        charge_earlier=charge_earlier,
    )
    ran = _watched(plan, quiet=quiet or as_json)
    if as_json:
        console.print_json(ran)
    else:
        _tell(ran)
    if ran.kept_shut:
        console.say(f"the store was never opened: {'; '.join(ran.kept_shut)}")


def _watched(plan: Plan, *, quiet: bool) -> Ran:
    """Run the plan, with the live view on a terminal."""
    from jwo_cli.drive.running import run
    from jwo_cli.drive.spoken import Spoken
    from jwo_cli.drive.watch_live import LiveWatch

    views: list[LiveWatch] = []

    def watcher(store: Store) -> LiveWatch | None:
        if quiet:
            return None
        views.append(LiveWatch(store, shadow=plan.shadow))
        views[0].start()
        return views[0]

    def began(live: LiveStore) -> None:
        for view in views:
            view.attach(live)
        if not any(view.drawn for view in views):
            Spoken(console.say).attach(live)
        console.say(f"run {live.run_id[:16]}{', going on where the last one was cut off' if live.cut_off else ''}")
        if plan.played is not None:
            console.say("a recording is played: a shadow, which charges nobody and sends nobody a receipt")
        if live.store.version != plan.store.version:
            console.say("it keeps the layout it began with; what the files say now counts after the next orderly end")
        if plan.up and live.caretaker.shut(live.start_ns):
            console.say("it is past closing time: open it with `jwo store up`, later")

    try:
        return run(plan, watcher=watcher, began=began)
    finally:
        for view in views:
            view.stop()


def _store(place: str) -> tuple[Settings | None, Store]:
    from jwo_cli.layouts.settings import SETTINGS_FILE, read_settings
    from jwo_cli.synthetic.made import find_store

    path = Path(place)
    beside = path.parent / SETTINGS_FILE
    if path.name == SETTINGS_FILE or (path / SETTINGS_FILE).is_file():
        settings = read_settings(path)
    elif (
        path.suffix == ".toml"
        and beside.is_file()
        and (own := read_settings(beside)).layout.resolve() == path.resolve()
    ):
        settings = own
    else:
        return None, find_store(place)
    return settings, find_store(str(settings.layout))


def _tell(ran: Ran) -> None:
    from jwo_cli.model.units import format_minor

    came = "charged by the books" if ran.charges else "would have been charged"
    rows = [
        ("receipts", f"{ran.receipts}, {format_minor(ran.charged_minor, ran.currency)} {came}"),
        ("let in", f"{ran.let_in}"),
        ("refused", ", ".join(f"{count} {reason}" for reason, count in ran.refused.items()) or "nobody"),
        ("still inside", f"{ran.inside}"),
        ("journal", f"{ran.head_seq} entries, {ran.head_hash[:16]}"),
        ("recording", ran.recording or "none"),
    ]
    if ran.exit_to_receipt_p95_s is not None:
        rows.insert(1, ("from the exit to the receipt", f"p95 {ran.exit_to_receipt_p95_s} s"))
    console.table((f"run {ran.run_id[:16]}", ""), rows)
