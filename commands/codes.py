"""`jwo codes`: read QR codes and barcodes in pictures and videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console

if TYPE_CHECKING:
    from jwo_cli.sensors.codes_files import Seen

app = typer.Typer(no_args_is_help=True, help="Read QR codes and GTIN barcodes.")


@app.callback()
def group() -> None:
    """Read QR codes and GTIN barcodes."""


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Pictures, or videos (two frames a second).")],
    as_json: console.AsJson = False,
) -> None:
    """What QR codes and barcodes show, where, and why it is believed; exit code 1 where nothing was read."""
    from jwo_cli.sensors.codes_files import read_files
    from jwo_cli.sensors.decoders import has_zbar

    with console.progress("reading", len(files), quiet=as_json) as bar:
        seen: list[Seen] = []
        for each in read_files(files):
            seen.append(each)
            bar.advance(1)
    rows = [(each, code) for each in seen for code in each.codes]
    if as_json:
        console.print_json(
            {
                "second_decoder": has_zbar(),
                "codes": [
                    {
                        "file": str(each.file),
                        "at_s": each.at_s,
                        "symbology": code.symbology,
                        "text": code.text,
                        "gtin": code.gtin,
                        "corners_px": code.corners_px,
                        "readers": code.readers,
                        "settled": code.settled,
                    }
                    for each, code in rows
                ],
            }
        )
    else:
        table: list[list[console.Cell]] = [
            [each.file.name, each.at_s, code.symbology.value, code.gtin or code.text, code.settled.value]
            + [round(sum(value) / len(code.corners_px)) for value in zip(*code.corners_px, strict=True)]
            for each, code in rows
        ]
        timed = any(each.at_s is not None for each in seen)
        heads = ("file", "at s", "kind", "GTIN or text", "because", "x px", "y px")
        kept = [place for place, head in enumerate(heads) if timed or head != "at s"]
        if table:
            console.table(tuple(heads[place] for place in kept), [[row[place] for place in kept] for row in table])
        bare = [str(path) for path in files if not any(each.file == path and each.codes for each in seen)]
        if bare:
            console.say(f"no code in {', '.join(bare)}")
        if not has_zbar():
            console.say("zbar is not installed: barcodes are read by zxing-cpp alone, and fewer of them")
    console.finish(console.FINE if rows else console.FINDINGS)
