"""`jwo cameras`: try a camera before a store relies on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jwo_cli import console

app = typer.Typer(no_args_is_help=True, help="Try cameras before a store relies on them.")


@app.callback()
def group() -> None:
    """Try cameras before a store relies on them."""


@app.command("test")
def check(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS", help="env:NAME or file:PATH that holds the address, a URL, usb:0, or a video file."
        ),
    ],
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.5, metavar="S", callback=console.finite, help="How long.")
    ] = 10.0,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep what it sends there, with capture times beside.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """What a camera sends, how often, by which clock and how late; exit code 1 where something is wrong with it."""
    from jwo_cli.sensors.addresses import address_of
    from jwo_cli.sensors.camera_trial import try_camera

    if address_of(address).live and not as_json:
        console.say(f"watching for {seconds:g} s …")
    trial = try_camera(address, seconds, keep=keep)
    wrong = bool(trial.troubles) or not trial.frames or not trial.clock_believed
    if as_json:
        console.print_json(trial)
        console.finish(console.FINDINGS if wrong else console.FINE)
    rows: list[list[console.Cell]] = [["camera", trial.address], ["frames", trial.frames]]
    if trial.frames:
        rows += [
            ["size", f"{trial.width_px} × {trial.height_px}"],
            ["frames a second", "unknown" if trial.rate_hz is None else f"{trial.rate_hz:.1f}"],
            ["first frame after", f"{trial.first_s:.1f} s"],
            ["capture times by", trial.clock.value if trial.clock else ""],
            ["from capture to here", "not told by it" if trial.late_ms is None else f"{trial.late_ms:.0f} ms"],
            ["brightness", f"{trial.brightness:.0f} of 255"],
        ]
    if trial.kept:
        rows.append(["kept", ", ".join(str((keep or Path()) / name) for name in trial.kept)])
    console.table(("", "found"), rows)
    for lost in trial.troubles:
        console.say(f"{lost.problem} ({lost.kind.value}). {lost.fix}")
    if trial.clock_off_s:
        way = ", or its pictures take so long to come" if trial.clock_off_s < 0 else ""
        what = "is believed" if trial.clock_believed else "is not believed"
        console.say(f"its clock {what}; it is {trial.clock_off_s:+.1f} s off{way}: set an NTP server in it")
    console.finish(console.FINDINGS if wrong else console.FINE)
