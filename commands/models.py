"""`jwo models`: the networks that look at images, their weights, licences and speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.sensors.models.entry import Entry

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Models for cameras: list, pull, verify and time them.",
)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Models, as `jwo models list` names them.")]


@app.callback()
def group() -> None:
    """Models for cameras: list, pull, verify and time them."""


@app.command("list")
def list_models(as_json: console.AsJson = False) -> None:
    """What models there are, whether their weights are here, under which licence, and how each loader was checked."""
    from jwo_cli.sensors.models import cache
    from jwo_cli.sensors.models.entry import Head
    from jwo_cli.sensors.models.registry import LOADERS, checked_on, registry

    entries = registry()
    if as_json:
        console.print_json(
            {
                "cache": str(cache.folder()),
                "fallback": cache.FALLBACK,
                "models": [_document(entry) for entry in entries],
                "loaders": [{"head": head, "reads": LOADERS[head], "checked_on": checked_on(head)} for head in Head],
            }
        )
        return
    rows = [
        (
            f"{entry.name}{' *' if entry.default else ''}",
            entry.role.value,
            entry.head.value,
            cache.state(entry).value,
            entry.size // 1000,
            entry.licence + (" (see below)" if entry.doubt else ""),
        )
        for entry in entries
    ]
    console.table(("model", "role", "loader", "weights", "kB", "licence"), rows, title="Models (* default of its role)")
    loaders = [(head.value, LOADERS[head], checked_on(head)) for head in Head]
    console.table(("loader", "reads", "checked on"), loaders, title="Loaders")
    for entry in entries:
        if entry.doubt:
            console.out(f"{entry.name}: {entry.doubt}.")
    console.say(f"Weights live in {cache.folder()} (JWO_MODELS names another folder).")
    console.say(f"Without weights people are found by the model-free detector ({cache.FALLBACK}).")


@app.command()
def pull(
    names: Names = None,
    given: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take this file instead of following the sources.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch also what is here already.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Fetch weights into the cache, checked; the default detector when none is named. A broken pull goes on."""
    from jwo_cli.sensors.models.entry import Role
    from jwo_cli.sensors.models.pulling import Pulled, take
    from jwo_cli.sensors.models.pulling import pull as fetch_model
    from jwo_cli.sensors.models.registry import default, find

    entries = [find(name) for name in names or []] or [default(Role.DETECTOR)]
    if given is not None and len(entries) != 1:
        raise UserError("--from FILE is one model's", fix="Name one model with it.")
    done: list[Pulled] = []
    with console.progress("fetching", quiet=as_json) as bar:
        shown = [0]

        def told(so_far: int, total: int) -> None:
            if so_far < shown[0] or shown[0] == 0:
                bar.restart("fetching", float(total) if total else float(so_far + 1))
                shown[0] = 0
            bar.advance(so_far - shown[0])
            shown[0] = so_far

        say = (lambda _: None) if as_json else console.say
        for entry in entries:
            shown[0] = 0
            done.append(
                take(entry, given) if given is not None else fetch_model(entry, again=again, told=told, say=say)
            )
    if as_json:
        console.print_json(done)
        return
    for item in done:
        console.out(f"{item.file}  {item.size} bytes, {'checked' if item.source else 'was here, checked'}")


@app.command()
def verify(names: Names = None, as_json: console.AsJson = False) -> None:
    """Hash the weights in the cache. Exit code 1 where one is wrong, or a named one is absent."""
    from jwo_cli.sensors.models import cache
    from jwo_cli.sensors.models.registry import find, registry

    entries = [find(name) for name in names or []] or list(registry())
    states = [(entry, cache.state(entry)) for entry in entries]
    bad = [
        entry.name
        for entry, state in states
        if state is cache.State.WRONG or (state is cache.State.ABSENT and entry.name in (names or []))
    ]
    if as_json:
        console.print_json(
            [{"name": entry.name, "state": state, "file": str(cache.path_of(entry))} for entry, state in states]
        )
    else:
        console.table(
            ("model", "weights", "file"), [(entry.name, state.value, entry.file) for entry, state in states],
            title=str(cache.folder()),
        )  # fmt: skip
        for name in bad:
            console.say(f"{name}: `jwo models pull {name} --again` fetches it. It is never run as it is.")
    console.finish(console.FINDINGS if bad else console.FINE)


@app.command("bench")
def time_models(
    names: Names = None,
    image: Annotated[Path | None, typer.Option("--image", metavar="FILE", help="Time with this picture.")] = None,
    frames: Annotated[int, typer.Option("--frames", min=1, help="How often each model runs.")] = 50,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads inside each model.")] = 1,
    as_json: console.AsJson = False,
) -> None:
    """Milliseconds of processor time a frame for each model whose weights are here (or that is named)."""
    from jwo_cli.sensors.models import cache
    from jwo_cli.sensors.models.bench import bench, made_image
    from jwo_cli.sensors.models.registry import find, registry
    from jwo_cli.sensors.pictures import read_colours

    entries = [find(name) for name in names or []]
    entries = entries or [entry for entry in registry() if cache.state(entry) is cache.State.READY]
    if not entries:
        problem = f"there are no weights in {cache.folder()}"
        raise UserError(problem, fix="`jwo models pull` fetches the default detector's.", exit_code=3)
    picture = read_colours(image) if image is not None else made_image()
    with console.progress("timing", total=float(len(entries)), quiet=as_json) as bar:
        timings = []
        for entry in entries:
            bar.describe(entry.name)
            timings.append(bench(entry, picture, frames=frames, threads=threads))
            bar.advance(1)
    if as_json:
        console.print_json({"image": [picture.shape[1], picture.shape[0]], "threads": threads, "models": timings})
        return
    rows = [(item.name, item.unit, item.cpu_ms, item.slow_ms, item.wall_ms) for item in timings]
    title = f"{picture.shape[1]}×{picture.shape[0]}, {threads} thread{'s' if threads > 1 else ''}, {frames} runs"
    console.table(("model", "one", "CPU ms", "slowest tenth", "wall ms"), rows, title=title)


def _document(entry: Entry) -> dict[str, object]:
    from jwo_cli.sensors.models import cache
    from jwo_cli.sensors.models.registry import checked_on

    sources = [
        {"source": str(item), "kind": item.kind, "checked": item.checked, "convert": item.convert}
        for item in entry.sources
    ]
    return {
        "name": entry.name,
        "role": entry.role,
        "default": entry.default,
        "head": entry.head,
        "loader_checked_on": checked_on(entry.head),
        "state": cache.state(entry),
        "file": str(cache.path_of(entry)),
        "size": entry.size,
        "sha256": entry.accepted,
        "licence": entry.licence,
        "doubt": entry.doubt,
        "origin": entry.origin,
        "input": entry.form,
        "sources": sources,
        "registry": entry.where,
    }
