"""`jwo layout`: make, check, show, draw and import store layouts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import Finding, Severity, UserError

if TYPE_CHECKING:
    from jwo_cli.model.layout import Store

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Make, check, show, draw and import store layouts.",
)
imports = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Build a layout from other systems' files.")
app.add_typer(imports, name="import")

LayoutPath = Annotated[
    Path,
    typer.Argument(
        metavar="LAYOUT", help="A store.toml, its folder, an AutoCheckout folder, or a bundled layout's name."
    ),
]


@app.callback()
def group() -> None:
    """Make, check, show, draw and import store layouts."""


@imports.callback()
def import_group() -> None:
    """Build a layout from other systems' files."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new store's name.")],
    template: Annotated[
        str, typer.Option("--from", metavar="NAME", help="The bundled layout to begin with.")
    ] = "corner_kiosk",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Its folder; named after the store when left out.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Make a layout to edit: a store.toml with a catalogue and a planogram, from a bundled one."""
    from jwo_cli.layouts.template import slug, write_template

    store_id = slug(name)
    folder = out or Path(store_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = write_template(template, folder, store_id=store_id, name=name)
    except OSError as error:
        problem = f"{folder} cannot be written: {error.strerror}"
        raise UserError(problem, fix="Choose a folder that you may write to.") from None
    if as_json:
        console.print_json([str(file) for file in files])
        return
    for file in files:
        console.out(str(file))
    console.say(f"Edit these, then `jwo layout validate {folder}` and `jwo layout draw {folder}`.")


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="LAYOUT…", help="Layouts, as for `jwo layout show`.")],
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail, too.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Report everything wrong at once, each with file, line, field and fix. Exit code 1 when there is an error."""
    found: list[Finding] = []
    for path in paths:
        store, findings = _open(path)
        found += findings
        if not as_json and store is not None:
            console.say(f"{path}: {_size(store)}")
    code = console.findings(found, as_json=as_json)
    if not as_json:
        errors = sum(finding.severity is Severity.ERROR for finding in found)
        console.say(f"{errors} errors, {len(found) - errors} warnings")
    console.finish(console.FINDINGS if strict and found else code)


@app.command()
def show(
    path: LayoutPath,
    facings: Annotated[bool, typer.Option("--facings", help="List what stands where.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Tables of a layout: fixtures and shelves, or with --facings what stands where; --json gives all of it."""
    store = _sound(path)
    if as_json:
        console.print_json(store)
        return
    console.out(f"{store.name} ({store.store_id}), layout {store.version}: {_size(store)}")
    if facings:
        console.table(("product", "name", "plates", "capacity", "price", "mass g", "tax", "notes"), _facing_rows(store))
        return
    headings = ("fixture", "kind", "x m", "y m", "turned °", "shelf", "board m", "clear m", "plates", "products")
    console.table(headings, _shelf_rows(store), title="Fixtures")
    gates = [(gate.gate_id, gate.kind.value, *map(_point, (gate.a, gate.b))) for gate in store.gates]
    console.table(("gate", "kind", "from", "to"), gates, title="Gates")
    sensors = [
        (item.camera_id, "camera", _point((item.pose.x_m, item.pose.y_m)), item.pose.z_m) for item in store.cameras
    ]
    sensors += [
        (item.antenna_id, "RFID", _point((item.pose.x_m, item.pose.y_m)), item.pose.z_m) for item in store.antennas
    ]
    if sensors:
        console.table(("sensor", "kind", "place", "height m"), sensors, title="Sensors")


@app.command()
def draw(
    path: LayoutPath,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="An .svg or .png file.")] = None,
    elevation: Annotated[
        str, typer.Option("--elevation", metavar="FIXTURE", help="Draw this fixture's front instead.")
    ] = "",
    as_json: console.AsJson = False,
) -> None:
    """Draw the floor plan true to scale on A3, or a fixture's front with what stands on it."""
    from jwo_cli.layouts.draw_elevation import draw_elevation
    from jwo_cli.layouts.draw_plan import draw_plan

    store = _sound(path)
    file = output or Path(f"{store.store_id}{'-' + elevation if elevation else ''}.svg")
    if elevation:
        draw_elevation(store, elevation, file)
    else:
        draw_plan(store, file)
    if as_json:
        console.print_json({"file": str(file), "layout": store.version})
    else:
        console.out(str(file))


@app.command()
def coverage(
    path: LayoutPath,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it as a PNG.")] = None,
    want: Annotated[int, typer.Option("--want", min=1, max=6, help="How many cameras should see each place.")] = 2,
    propose: Annotated[
        int, typer.Option("--propose", min=0, max=40, metavar="N", help="Propose up to so many further cameras.")
    ] = 0,
    share: Annotated[
        float,
        typer.Option(
            "--share",
            min=0.1,
            max=1.0,
            callback=console.finite,
            help="Stop proposing when so much of floor and shelves has it.",
        ),
    ] = 0.98,
    height: Annotated[
        float | None,
        typer.Option(
            "--height",
            min=1.0,
            max=12.0,
            callback=console.finite,
            help="Where new cameras hang, m; else as the others.",
        ),
    ] = None,
    lens: Annotated[
        float,
        typer.Option(
            "--lens",
            min=30.0,
            max=140.0,
            callback=console.finite,
            help="How wide new cameras see, degrees left to right.",
        ),
    ] = 90.0,
    walls: Annotated[bool, typer.Option("--walls", help="Propose cameras on walls only, not on the ceiling.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """How many cameras see each part of floor and shelves, what is blind, and where further cameras would help."""
    from jwo_cli.estimate.coverage_mounts import Mount
    from jwo_cli.layouts.coverage import coverage_of
    from jwo_cli.layouts.draw_coverage import draw_coverage

    store = _sound(path)
    with console.progress("looking around", quiet=as_json):
        hung = height or (max(item.pose.z_m for item in store.cameras) if store.cameras else 2.7)
        mount = Mount(height_m=hung, view_deg=lens, wall_only=walls)
        found = coverage_of(store, mount, want=want, most=propose, share=share)
        drawn = str(draw_coverage(store, found.wanted, found.after, found.watchers, found.new, plot)) if plot else ""
    if as_json:
        console.print_json({**found.document(), "plot": drawn})
        return
    for line in found.doubts:
        console.say(line)
    console.table(("part", "m² or m", *(f"≥ {n}" for n in range(1, want + 1))), found.rows(), title=f"{store.name}")
    for spot in found.spots:
        console.out(str(spot))
    if found.new:
        head = ("camera", "at x, y, z", "look at", f"floor ≥ {want}", f"shelves ≥ {want}")
        console.table(head, found.proposals(), title="Proposed, the most useful first")
    if propose and not found.new:
        console.say("no further camera helps, or enough is seen already")
    if drawn:
        console.say(f"wrote {drawn}")


@app.command()
def apply(
    layout: Annotated[
        Path | None, typer.Argument(metavar="LAYOUT", help="The edited layout; the store directory's when left out.")
    ] = None,
    journal: console.JournalDir = None,
    staff: Annotated[str, typer.Option("--staff", metavar="NAME", help="Who says so.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Bring edited prices and facings into a store that runs; walls, fixtures and devices wait for its next run."""
    from jwo_cli.drive.applying import apply_files, tell_applied

    tell_applied(apply_files(layout, journal, staff, planogram=True, catalogue=True, dry_run=dry_run), as_json=as_json)


@imports.command()
def autocheckout(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder with planogram.json and products.json (or .gz).")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the layout is written; a new folder.")],
    geometry: Annotated[
        Path | None,
        typer.Option("--geometry", metavar="FILE", help="A geometry.json for plates that the planogram lacks."),
    ] = None,
    store_id: Annotated[str, typer.Option("--id", help="The store's id.")] = "nanostore",
    name: Annotated[str, typer.Option("--name", help="The store's name.")] = "Nanostore (AutoCheckout documents)",
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217 code of the prices.")] = "USD",
    timezone: Annotated[str, typer.Option("--timezone", help="The store's time zone.")] = "America/Los_Angeles",
    as_json: console.AsJson = False,
) -> None:
    """Build a layout from AutoCheckout's planogram and products; what was doubtful is reported and kept."""
    from jwo_cli.layouts import find_document, from_autocheckout, save
    from jwo_cli.layouts.load import STORE_FILE

    if (out / STORE_FILE).exists():
        raise UserError(f"{out / STORE_FILE} is there already", fix="Choose another --out.")
    planogram, products = find_document(folder, "planogram"), find_document(folder, "products")
    store, findings = from_autocheckout(
        planogram, products, geometry, store_id=store_id, name=name, currency=currency, timezone=timezone
    )
    files = save(store, out)
    if as_json:
        console.print_json(
            {"files": [str(file) for file in files], "layout": store.version, "findings": list(findings)}
        )
        return
    console.findings(findings)
    for file in files:
        console.out(str(file))
    console.say(f"{_size(store)}; {len(findings)} doubts, kept and listed above")


def _open(path: Path) -> tuple[Store | None, tuple[Finding, ...]]:
    """A layout by path or bundled name, or an AutoCheckout folder built in place."""
    from jwo_cli import layouts

    if not path.exists() and str(path) in layouts.bundled():
        path = layouts.bundled()[str(path)]
    if path.is_dir() and any((path / name).is_file() for name in ("planogram.json", "planogram.json.gz")):
        planogram, products = (layouts.find_document(path, name) for name in ("planogram", "products"))
        return layouts.check_autocheckout(planogram, products)
    return layouts.load(path)


def _sound(path: Path) -> Store:
    """A layout without errors. Raises UserError with the findings otherwise."""
    store, findings = _open(path)
    if store is None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        raise UserError(
            f"the layout {path} has {len(errors)} errors", fix="Correct them; `jwo layout validate` lists them.",
            exit_code=console.FINDINGS, findings=errors,
        )  # fmt: skip
    return store


def _size(store: Store) -> str:
    counts = (
        (len(store.fixtures), "fixtures"),
        (len(store.shelves()), "shelves"),
        (len(store.plates()), "plates"),
        (len(store.facings), "facings"),
        (len(store.catalogue.products), "products"),
    )
    return ", ".join(f"{count} {what}" for count, what in counts)


def _point(point: tuple[float, float]) -> str:
    return f"{point[0]:.2f}, {point[1]:.2f}"


def _shelf_rows(store: Store) -> list[tuple[console.Cell, ...]]:
    standing: dict[str, list[str]] = {}
    for facing in store.facings:
        for plate in facing.plates:
            standing.setdefault(plate, []).append(facing.product_id)
    rows: list[tuple[console.Cell, ...]] = []
    for fixture in store.fixtures:
        place = (fixture.fixture_id, fixture.kind, fixture.pose.x_m, fixture.pose.y_m, fixture.pose.rotation_deg)
        shelves = [shelf for bay in fixture.bays for shelf in bay.shelves]
        for number, shelf in enumerate(shelves):
            products = dict.fromkeys(item for plate in shelf.plates for item in standing.get(plate.plate_id, []))
            head = place if number == 0 else ("", "", None, None, None)
            rows.append((*head, shelf.shelf_id, shelf.box.z_m, shelf.box.dz_m, len(shelf.plates), len(products)))
        if not shelves:
            rows.append((*place, "", None, None, None, None))
    return rows


def _facing_rows(store: Store) -> list[tuple[console.Cell, ...]]:
    from jwo_cli.model.catalogue import SoldBy
    from jwo_cli.model.units import format_minor

    products, currency = store.catalogue.by_id(), store.catalogue.currency
    rows: list[tuple[console.Cell, ...]] = []
    for facing in store.facings:
        item = products[facing.product_id]
        plates = facing.plates[0] if len(facing.plates) == 1 else f"{facing.plates[0]} … {facing.plates[-1]}"
        notes = [f"from {item.age_min}"] if item.age_min is not None else []
        notes += [f"deposit {format_minor(item.deposit_minor, currency)}"] if item.deposit_minor else []
        notes += ["per kg"] if item.sold_by is SoldBy.WEIGHT else []
        price = format_minor(item.price_minor, currency)
        rows.append(
            (
                item.product_id,
                item.name,
                plates,
                facing.capacity,
                price,
                item.unit_mass_g,
                item.tax_class,
                ", ".join(notes),
            )
        )
    return rows
