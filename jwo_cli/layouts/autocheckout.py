"""A store from AutoCheckout's planogram and products: the planogram's frame is the store's, metres, z up.

Checked against the recordings: at the 69 true picks and puts of the development cases the taker's wrist is within
1.4 cm (median, along the shelf) of the plate that the planogram gives, at its front edge, 12 cm above the board; so the
frame of the targets (inches) coincides with the planogram's (metres) and needs no offset. The separately published
geometry has the same places along the shelves, but boards 6-16 cm higher, where no wrist goes: it only fills what the
planogram leaves out.
"""

from __future__ import annotations

from pathlib import Path

from jwo_cli.layouts import products as product_rows
from jwo_cli.layouts.documents import FacingDocument, Key, ProductDocument, read_documents, read_facings, read_products
from jwo_cli.layouts.gondolas import Gondola, measure
from jwo_cli.layouts.places import Place, Places
from jwo_cli.layouts.published_geometry import add_published, read_published
from jwo_cli.layouts.relevance import by_relevance, standing_lines
from jwo_cli.layouts.repeats import without_repeats
from jwo_cli.layouts.version import with_version
from jwo_cli.model.catalogue import Catalogue, TaxRate
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.model.layout import Bay, Box, Facing, Fixture, Plate, Polygon, Pose, Shelf, Store

AISLE_M = 2.5  # floor kept open in front of each gondola: the planogram says nothing about the floor
MARGIN_M = 0.5  # floor beyond the gondolas' backs and ends


def plate_id(key: Key) -> str:
    """(1, 5, 11) -> 'g1.s5.p11'."""
    return f"g{key[0]}.s{key[1]}.p{key[2]}"


def channel(key: Key) -> str:
    """(1, 5, 11) -> 'g1:5:11', the wire as 'device:row:column' of the plate messages."""
    return f"g{key[0]}:{key[1]}:{key[2]}"


def from_autocheckout(
    planogram: Path,
    products: Path,
    geometry: Path | None = None,
    *,
    store_id: str = "nanostore",
    name: str = "Nanostore (AutoCheckout documents)",
    currency: str = "USD",
    timezone: str = "America/Los_Angeles",
    places: Places | None = None,
) -> tuple[Store, tuple[Finding, ...]]:
    """The store of a planogram and a product table (JSON lines, plain or .gz), and what was doubtful in them.

    Plates that no facing names are placed by interpolation within their shelf; `geometry` adds shelves and plates that
    the planogram does not know; `places` is filled with the lines of facings and products. Findings come by severity,
    then relevance. Raises UserError carrying all of them when a document is malformed.
    """
    planogram_lines, bad_lines = read_documents(planogram)
    product_lines, more_bad_lines = read_documents(products)
    facings, bad_facings = read_facings(planogram_lines)
    rows, bad_rows = read_products(product_lines)
    errors = [*bad_lines, *more_bad_lines, *bad_facings, *bad_rows]
    store, findings = from_documents(
        facings, rows, errors, planogram=planogram, products=products, geometry=geometry,
        store_id=store_id, name=name, currency=currency, timezone=timezone, places=places,
    )  # fmt: skip
    return store, tuple(findings)


def from_documents(
    facings: list[FacingDocument],
    rows: list[ProductDocument],
    errors: list[Finding],
    *,
    planogram: Path,
    products: Path,
    geometry: Path | None = None,
    store_id: str = "nanostore",
    name: str = "Nanostore (AutoCheckout documents)",
    currency: str = "USD",
    timezone: str = "America/Los_Angeles",
    places: Places | None = None,
) -> tuple[Store, list[Finding]]:
    """As `from_autocheckout`, for documents read already (from another container); `errors` are faults found so far."""
    findings = list(errors)
    if not facings and not errors:
        findings.append(_error(planogram, "the planogram holds no facing", "Name the store's planogram file."))
    gondolas, more = measure(facings)
    findings += more
    facings, more = without_repeats(facings)
    told = {item.line for item in findings if item.file == str(planogram) and item.severity is Severity.ERROR}
    findings += [item for item in more if item.line not in told]  # one fault is one finding
    catalogue, more = product_rows.catalogue_rows(rows, currency)
    findings += more
    kept, unknown, more = _facings(facings, {identifier for product in catalogue for identifier in
                                             (product.product_id, *product.aliases)})  # fmt: skip
    findings += more
    if geometry is not None:
        published, more = read_published(geometry)
        findings += more
        findings += add_published(gondolas, published, str(geometry))
    standing = standing_lines(rows, catalogue, {row.product_id for row in facings if row.product_id is not None})
    findings = by_relevance([*findings, _floor_is_assumed(planogram)], products, standing)
    _refuse(findings, planogram, products)
    if places is not None:
        _remember(places, facings, rows)
    fixtures = tuple(_fixture(gondola) for gondola in gondolas)
    store = Store(
        store_id=store_id,
        name=name,
        version="",
        timezone=timezone,
        floor=_floor(fixtures),
        zones=(),
        gates=(),
        fixtures=fixtures,
        cameras=(),
        antennas=(),
        facings=kept,
        catalogue=Catalogue(
            currency=currency,
            products=(*catalogue, *(product_rows.placeholder(identifier) for identifier in unknown)),
            taxes=(TaxRate(tax_class="standard", rate_bp=0),),
        ),
    )
    return with_version(store), findings


def _refuse(findings: list[Finding], planogram: Path, products: Path) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise UserError(
            f"{planogram} and {products} do not make a store: {len(errors)} errors, the first is {errors[0]}",
            fix="Mend what the findings name and import again; nothing was imported.",
            findings=findings,
        )


def _facings(facings: list[FacingDocument], known: set[str]) -> tuple[tuple[Facing, ...], list[str], list[Finding]]:
    """Facings that hold a product, products that the table lacks, and findings about both, in file order."""
    kept: list[Facing] = []
    unknown: list[str] = []
    findings: list[Finding] = []
    for row in facings:
        plates = tuple(plate_id(key) for key in sorted(row.plates))
        if row.product_id is None:
            problem = f"the facing on {plates[0]}–{plates[-1]} has no product; its plates stand without one"
            findings.append(
                _warning(row, "planogram_product_id", problem, "Name its product if something stands there.")
            )
            continue
        if row.product_id not in known and row.product_id not in unknown:
            problem = (
                f"{row.product_id} stands on {plates[0]} but is not in the product table; kept without mass and price"
            )
            findings.append(_warning(row, "planogram_product_id.id", problem, "Add the product to the table."))
            unknown.append(row.product_id)
        kept.append(Facing(product_id=row.product_id, plates=plates))
    return tuple(kept), unknown, findings


def _remember(places: Places, facings: list[FacingDocument], rows: list[ProductDocument]) -> None:
    """Write the lines of facings (by their index in the store), of plates and of products into `places`."""
    stocked = [row for row in facings if row.product_id is not None]
    for index, row in enumerate(stocked):
        places.put("facing", str(index), Place(file=row.file, line=row.line))
    for row in facings:
        for key in row.plates:
            places.put("plate", plate_id(key), Place(file=row.file, line=row.line))
    for item in rows:
        places.put("product", item.product_id, Place(file=item.file, line=item.line))


def _fixture(gondola: Gondola) -> Fixture:
    name = f"g{gondola.number}"
    tops = [z for _, z in gondola.boards()]
    shelves = []
    for index, (number, z) in enumerate(gondola.boards()):
        height = (tops[index + 1] if index + 1 < len(tops) else gondola.top_m) - z
        plates = tuple(
            Plate(
                plate_id=plate_id((gondola.number, number, column)),
                channel=channel((gondola.number, number, column)),
                box=_box(x, z, gondola.pitch_m, gondola.depth_m, height),
            )
            for column, x in gondola.columns(number)
        )
        width = max(gondola.width_m, *(plate.box.x_m + plate.box.dx_m for plate in plates))
        shelves.append(
            Shelf(shelf_id=f"{name}.s{number}", box=_box(0.0, z, width, gondola.depth_m, height), plates=plates)
        )
    return Fixture(
        fixture_id=name,
        kind="gondola",
        pose=Pose(x_m=gondola.x_m, y_m=gondola.y_m, rotation_deg=gondola.rotation_deg),
        dx_m=max(shelf.box.dx_m for shelf in shelves),
        dy_m=round(gondola.depth_m, 4),
        dz_m=round(gondola.top_m, 4),
        bays=(Bay(bay_id=f"{name}.b1", shelves=tuple(shelves)),),
    )


def _box(x_m: float, z_m: float, dx_m: float, dy_m: float, dz_m: float) -> Box:
    return Box(
        x_m=round(x_m, 4), y_m=0.0, z_m=round(z_m, 4), dx_m=round(dx_m, 4), dy_m=round(dy_m, 4), dz_m=round(dz_m, 4)
    )


def _floor(fixtures: tuple[Fixture, ...]) -> Polygon:
    """A rectangle around all gondolas with an aisle in front of each."""
    corners = [
        fixture.pose.apply(x, y)
        for fixture in fixtures
        for x in (0.0, fixture.dx_m)
        for y in (-AISLE_M + MARGIN_M, fixture.dy_m)
    ]
    west, east = min(x for x, _, _ in corners) - MARGIN_M, max(x for x, _, _ in corners) + MARGIN_M
    south, north = min(y for _, y, _ in corners) - MARGIN_M, max(y for _, y, _ in corners) + MARGIN_M
    west, east, south, north = (round(value, 3) for value in (west, east, south, north))
    return ((west, south), (east, south), (east, north), (west, north))


def _floor_is_assumed(planogram: Path) -> Finding:
    return Finding(
        file=str(planogram),
        problem=f"a planogram has no floor and no gates; the floor is taken as {AISLE_M} m in front of each gondola",
        fix="Save the import as a layout and draw floor, zones and gates in its TOML file.",
        severity=Severity.WARNING,
    )


def _warning(row: FacingDocument, field: str, problem: str, fix: str) -> Finding:
    return Finding(file=row.file, line=row.line, field=field, problem=problem, fix=fix, severity=Severity.WARNING)


def _error(path: Path, problem: str, fix: str) -> Finding:
    return Finding(file=str(path), problem=problem, fix=fix)
