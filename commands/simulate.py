"""`jwo simulate`: a recording with shoppers who never were, and the truth of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jwo_cli import console


class Trouble(StrEnum):
    """What may break."""

    DROP = "drop"
    DROP_POSES = "drop_poses"
    DEAD = "dead"
    STUCK = "stuck"
    SPIKES = "spikes"
    DUPLICATE = "duplicate"
    DISORDER = "disorder"
    JUMP = "jump"


def main(
    layout: Annotated[str, typer.Argument(metavar="STORE", help="A store.toml, its folder, or a bundled layout.")],
    out: Annotated[Path, typer.Option("--out", metavar="REC", help="The recording's folder, which must not exist.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same recording.")] = 1,
    shoppers: Annotated[int, typer.Option(min=0, max=10_000, help="How many come in.")] = 5,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=1_440, callback=console.finite, help="How long the recording is.")
    ] = 2.0,
    noise: Annotated[
        float, typer.Option(min=0, max=10, callback=console.finite, help="Noise of the plates; 1 is as measured.")
    ] = 1.0,
    faults: Annotated[
        list[Trouble] | None, typer.Option("--fault", help="Something that breaks on the way; repeatable.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Make a recording of a store with walking, reaching, changing shoppers, and with its truth.

    What the sensors show is noisy, shaken and gappy as measured in a real store. `jwo replay REC` makes receipts of
    it, `jwo evaluate receipts --truth REC` says how right they are.
    """
    from jwo_cli.synthetic.made import find_store, simulate_to

    store = find_store(layout)
    made = simulate_to(
        out,
        store,
        seed=seed,
        shoppers=shoppers,
        minutes=minutes,
        noise=noise,
        faults=[kind.value for kind in faults or ()],
    )
    if as_json:
        items = sum(count for visit in made.visits for _, count in visit.items)
        found = {"recording": str(made.path), "seconds": round(made.seconds, 1), "events": made.events}
        console.print_json({**found, "visits": len(made.visits), "items": items})
        return
    names = {product.product_id: product.name for product in store.catalogue.products}
    rows = [
        (visit.ids[-1], ", ".join(f"{count} × {names[product]}" for product, count in visit.items) or "nothing")
        for visit in made.visits
    ]
    console.table(("shopper", "leaves with"), rows)
    console.say(f"{made.path}: {made.seconds:.0f} s of {store.name}. Now: jwo replay {made.path}")
