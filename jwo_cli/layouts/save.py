"""A store layout to files: `load(save(store)) == store`, and the text is one that people like to edit.

Equal plates in a row become one line again when that gives back exactly the same numbers. Nothing is written that
could not be read back: the files are made aside, read again, compared, and only then put in place.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

from jwo_cli.layouts.catalogue_csv import write_catalogue
from jwo_cli.layouts.load import STORE_FILE, read
from jwo_cli.layouts.money import from_minor
from jwo_cli.layouts.places import Places
from jwo_cli.layouts.planogram_csv import write_planogram
from jwo_cli.layouts.read_store import FORMAT
from jwo_cli.layouts.save_fixtures import array, fixture_lines, number, numbers, text
from jwo_cli.model.catalogue import Catalogue, Promotion, PromotionKind
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import LensKind, Polygon, Pose, Store
from jwo_cli.model.units import NS_PER_S


def save(store: Store, path: Path) -> tuple[Path, ...]:
    """Write `path` (a .toml file, or a folder for a store.toml) with its catalogue and planogram; the files written.

    Raises UserError when the place cannot be written, or when the store holds something the files cannot say
    (an id with blanks, say); then nothing was written.
    """
    file = path if path.suffix == ".toml" else path / STORE_FILE
    prefix = "" if file.name == STORE_FILE else f"{file.stem}."
    names = (file.name, f"{prefix}catalogue.csv", f"{prefix}planogram.csv")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".layout-") as aside:
            folder = Path(aside)
            (folder / names[0]).write_text(store_text(store, names[1], names[2]), encoding="utf-8", newline="\n")
            write_catalogue(folder / names[1], store.catalogue.products, store.catalogue.currency)
            write_planogram(folder / names[2], store.facings, store.fixtures)
            _read_back(store, folder / names[0])
            for name in reversed(names):  # the store file last: it names the others
                (folder / name).replace(file.parent / name)
    except OSError as error:
        problem = f"{file} cannot be written: {error.strerror}"
        raise UserError(problem, fix="Choose a folder that you may write to.") from None
    return tuple(file.parent / name for name in names)


def _read_back(store: Store, file: Path) -> None:
    again, _, findings = read(file, Places(file=str(file)))
    if findings or again is None:
        raise UserError(
            f"this layout cannot be written as a store file: {findings[0].problem}",
            fix="Rename or correct what the sentence names, then save again.",
            findings=[dataclasses.replace(finding, file=Path(finding.file).name) for finding in findings],
        )
    if dataclasses.replace(again, version=store.version) != store:
        fields = [field.name for field in dataclasses.fields(store)]
        differing = next(name for name in fields if name != "version" and getattr(again, name) != getattr(store, name))
        raise UserError(
            f"this layout cannot be written as a store file: {differing} would not come back as it is",
            fix="Look there for blanks around texts or empty texts.",
        )


def store_text(store: Store, catalogue_file: str, planogram_file: str) -> str:
    """The TOML of a store."""
    lines = [
        "# A store layout. Lengths in metres in one frame, z up; x and y as on the drawing (`jwo layout draw`).",
        f"format = {FORMAT}",
        f"catalogue = {text(catalogue_file)}",
        f"planogram = {text(planogram_file)}",
        "",
        "[store]",
        f"id = {text(store.store_id)}",
        f"name = {text(store.name)}",
        f"currency = {text(store.catalogue.currency)}",
        f"timezone = {text(store.timezone)}",
        f"prices_include_tax = {_flag(store.catalogue.prices_include_tax)}",
        f"floor_m = {_polygon(store.floor)}",
        *_areas(store),
        *(line for fixture in store.fixtures for line in fixture_lines(fixture)),
        *_devices(store),
        *_prices(store.catalogue),
    ]
    return "\n".join(lines) + "\n"


def _areas(store: Store) -> list[str]:
    lines = []
    for zone in store.zones:
        lines += ["", "[[zone]]", f"id = {text(zone.zone_id)}"]
        if zone.staff_only:
            lines.append("staff_only = true")
        lines.append(f"polygon_m = {_polygon(zone.polygon)}")
    for gate in store.gates:
        lines += ["", "[[gate]]", f"id = {text(gate.gate_id)}", f"kind = {text(gate.kind.value)}"]
        lines += [f"a_m = {numbers(gate.a)}", f"b_m = {numbers(gate.b)}"]
    return lines


def _devices(store: Store) -> list[str]:
    lines = []
    for camera in store.cameras:
        lines += ["", "[[camera]]", f"id = {text(camera.camera_id)}", *_pose(camera.pose)]
        lines.append(f"look_at_m = {numbers(camera.look_at)}")
        lines.append(f"image_px = [{camera.width_px}, {camera.height_px}]")
        if camera.intrinsics:
            lines.append(f"intrinsics = {numbers(camera.intrinsics)}")
        if camera.lens is not LensKind.RADTAN:
            lines.append(f"lens = {text(camera.lens.value)}")
        if camera.rotation_rad:
            lines.append(f"rotation_rad = {numbers(camera.rotation_rad)}")
        if camera.url_ref:
            lines.append(f"url = {text(camera.url_ref)}")
    for antenna in store.antennas:
        lines += ["", "[[antenna]]", f"id = {text(antenna.antenna_id)}", *_pose(antenna.pose)]
        lines.append(f"range_m = {number(antenna.range_m)}")
        if antenna.plates:
            lines.append(f"plates = {array(antenna.plates)}")
    for scale in store.scales:
        lines += ["", "[[scale]]", f"channel = {text(scale.channel)}", f"tare_g = {number(scale.tare_g)}"]
        lines += [f"span = {number(scale.span)}", f"noise_g = {number(scale.noise_g)}"]
    for clock in store.clocks:
        lines += ["", "[[clock]]", f"device = {text(clock.device_id)}", f"offset_ns = {clock.offset_ns}"]
    return lines


def _prices(catalogue: Catalogue) -> list[str]:
    lines = []
    for rate in catalogue.taxes:
        percent = f"{Decimal(rate.rate_bp) / 100:f}"
        lines += ["", "[[tax]]", f"class = {text(rate.tax_class)}", f"rate_percent = {percent}"]
    for promotion in catalogue.promotions:
        lines += _promotion(promotion, catalogue.currency)
    return lines


def _promotion(promotion: Promotion, currency: str) -> list[str]:
    money = promotion.kind in (PromotionKind.AMOUNT_OFF, PromotionKind.MULTI_BUY)
    value = text(from_minor(promotion.value, currency)) if money else str(promotion.value)
    lines = ["", "[[promotion]]", f"id = {text(promotion.promotion_id)}", f"name = {text(promotion.name)}"]
    lines += [f"kind = {text(promotion.kind.value)}", f"products = {array(promotion.products)}", f"value = {value}"]
    if promotion.quantity != 1:
        lines.append(f"quantity = {promotion.quantity}")
    for name, at_ns in (("from", promotion.from_ns), ("until", promotion.until_ns)):
        if at_ns is not None:
            lines.append(f"{name} = {_instant(at_ns)}")
    return lines


def _instant(at_ns: int) -> str:
    """A UTC date-time where it is whole microseconds of the years that TOML knows, else nanoseconds."""
    seconds, rest = divmod(at_ns, NS_PER_S)
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    except OverflowError:
        return str(at_ns)
    if rest % 1_000 or moment.year < 1000:
        return str(at_ns)
    return moment.replace(microsecond=rest // 1_000).isoformat().replace("+00:00", "Z")


def _pose(pose: Pose) -> list[str]:
    lines = [f"at_m = {numbers((pose.x_m, pose.y_m, pose.z_m))}"]
    return [*lines, f"rotation_deg = {number(pose.rotation_deg)}"] if pose.rotation_deg else lines


def _polygon(corners: Polygon) -> str:
    return "[" + ", ".join(numbers(corner) for corner in corners) + "]"


def _flag(value: bool) -> str:
    return "true" if value else "false"
