"""`jwo eyes`: who stands where and reaches into which shelf, from videos of calibrated cameras; pictures of goods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.estimate.signals import IdentityTold, PoseFrame
    from jwo_cli.estimate.vision.episodes import Episode
    from jwo_cli.estimate.vision.eyes import Seen

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Hands at shelves, and goods in hands."
)

Layout = Annotated[Path, typer.Argument(metavar="LAYOUT", help="A layout with calibrated cameras.")]


@app.callback()
def group() -> None:
    """Hands at shelves, and goods in hands."""


@app.command()
def watch(
    layout: Layout,
    sources: Annotated[
        list[str], typer.Argument(metavar="CAMERA=VIDEO…", help="A video of each camera, all begun at one time.")
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="A model of key points; else the best that is here.")
    ] = "",
    every: Annotated[
        float, typer.Option("--every", min=0.0, callback=console.finite, help="Seconds between pictures looked at.")
    ] = 0.1,
    begin: Annotated[
        float, typer.Option("--from", min=0.0, callback=console.finite, help="Seconds into the videos to begin at.")
    ] = 0.0,
    until: Annotated[
        float | None, typer.Option("--until", min=0.0, callback=console.finite, help="Seconds to end at.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="RECORDING", help="Also write the pose messages as a recording.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Follow everybody through videos; tell who reached into which shelf when, and how sure that is."""
    from jwo_cli.drive.eyes import CameraEyes, open_models, watch_videos
    from jwo_cli.estimate.camera import store_views
    from jwo_cli.layouts.calibrated import open_store
    from jwo_cli.model.units import NS_PER_S
    from jwo_cli.recordings.writer import write_recording
    from jwo_cli.sensors.views import named_sources

    files = {name: _file(name, path) for name, path in named_sources(sources).items()}
    store = open_store(layout)
    _known(list(files), list(store_views(store)), layout)
    models = open_models(store, model)
    eyes = CameraEyes(store, models)
    if models.poses is None:
        console.say("No model of key points is here (`jwo models pull`): bodies are told, hands are not.")
    ids: dict[str, list[int]] = {}
    with console.progress("looking", quiet=as_json) as bar:
        seen = watch_videos(
            eyes, files, from_ns=round(begin * NS_PER_S), every_ns=round(every * NS_PER_S),
            until_ns=None if until is None else round(until * NS_PER_S),
        )  # fmt: skip
        told = _noted(seen, ids, bar)
        if out is None:
            for _ in told:
                pass
        else:
            write_recording(out, name=out.name, store=store, start_ns=0, signals=told)
    for trouble in eyes.troubles:
        console.say(str(trouble))
    people = [(name, span[0] / NS_PER_S, span[1] / NS_PER_S) for name, span in ids.items()]
    _told(people, list(eyes.episodes), [str(trouble) for trouble in eyes.troubles], as_json=as_json)


@app.command()
def goods(
    layout: Layout,
    pictures: Annotated[
        Path, typer.Argument(metavar="PICTURES", help="A folder: PRODUCT.jpg, PRODUCT_2.jpg, or a folder a product.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; else looks.npz beside the layout.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Learn what the store's goods look like, from its own clean pictures of them."""
    from jwo_cli.layouts.calibrated import open_store
    from jwo_cli.layouts.load import store_file
    from jwo_cli.sensors.gallery import FILE, embed_pictures, write_gallery
    from jwo_cli.sensors.models import open_embedder
    from jwo_cli.sensors.models.entry import Role
    from jwo_cli.sensors.redaction import redact

    if not pictures.is_dir():
        raise UserError(f"{redact(str(pictures))} is no folder", fix="Name the folder with the pictures.")
    store = open_store(layout)
    embedder = open_embedder(role=Role.PRODUCT)
    model = f"{embedder.entry.name} {embedder.entry.sha256[:12]}"
    with console.progress("looking at the goods", quiet=as_json) as bar:
        gallery, found = embed_pictures(pictures, store.catalogue, embedder, model, seen=bar.describe)
    file = out or store_file(layout).with_name(FILE)
    write_gallery(gallery, file)
    products = len(dict.fromkeys(gallery.product_ids))
    if as_json:
        told = [str(item) for item in found]
        console.print_json({"file": str(file), "pictures": len(gallery.looks), "products": products, "findings": told})
        console.finish(1 if found else 0)
    code = console.findings(found)
    console.out(f"{file}: {len(gallery.looks)} pictures of {products} products")
    console.finish(code)


def _told(people: list[tuple[str, float, float]], episodes: list[Episode], broken: list[str], *, as_json: bool) -> None:
    hands, ns = ("left", "right", "either"), 1e9
    if as_json:
        reaches = [
            {
                "track": one.track_id, "hand": hands[one.side], "fixture": one.fixture_id, "begin_s": one.begin_ns / ns,
                "at_s": one.at_ns / ns, "end_s": one.end_ns / ns, "probability": one.probability,
                "plates": [{"plate": name, "share": share} for name, share in one.plates],
            }
            for one in episodes
        ]  # fmt: skip
        seen = [{"track": name, "from_s": first, "until_s": last} for name, first, last in people]
        console.print_json({"people": seen, "reaches": reaches, "broken": broken})
        return
    console.table(("person", "from s", "until s"), people, title="People")
    rows = [
        (
            one.track_id, hands[one.side], one.fixture_id,
            ", ".join(f"{name} {share:.0%}" for name, share in one.plates[:3]),
            one.begin_ns / ns, one.end_ns / ns, one.probability,
        )
        for one in episodes
    ]  # fmt: skip
    headings = ("person", "hand", "fixture", "likeliest plates", "from s", "until s", "probability")
    console.table(headings, rows, title="Hands at shelves")


def _file(name: str, source: str) -> Path:
    from jwo_cli.sensors.addresses import address_of

    if (address := address_of(source)).live:
        raise UserError(
            f"{name}: {address} is a camera, no video file", fix="Keep it first: `jwo cameras test … --keep`."
        )
    return Path(address.reveal())


def _known(named: list[str], calibrated: list[str], layout: Path) -> None:
    strange = [name for name in named if name not in calibrated]
    if strange:
        problem = f"{layout} has no calibrated camera {', '.join(strange)}"
        known = f"Calibrated are {', '.join(calibrated)}" if calibrated else "None is calibrated"
        raise UserError(problem, fix=f"{known}; `jwo calibrate` adds others.")


def _noted(seen: Iterator[Seen], ids: dict[str, list[int]], bar: console.Bar) -> Iterator[PoseFrame | IdentityTold]:
    """What is told, with everybody's first and last sight noted on the way."""
    for one in seen:
        bar.describe(f"looking, {one.at_ns / 1e9:.1f} s")
        for person in one.people:
            ids.setdefault(person.track_id, [one.at_ns, one.at_ns])[1] = one.at_ns
        yield from one.signals()
