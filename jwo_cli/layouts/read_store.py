"""A store file's tables as model types. What is wrong is reported and left out; one reading finds all."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass, field
from decimal import Decimal

from jwo_cli.layouts.fields import Table, numeric
from jwo_cli.layouts.money import to_minor
from jwo_cli.layouts.places import Places
from jwo_cli.layouts.read_fixtures import read_fixture
from jwo_cli.model.catalogue import Promotion, PromotionKind, TaxRate
from jwo_cli.model.layout import (
    Antenna,
    Camera,
    Clock,
    Facing,
    Fixture,
    Gate,
    GateKind,
    LensKind,
    Point2,
    Polygon,
    Pose,
    Scale,
    Zone,
)
from jwo_cli.model.units import NS_PER_S, Money

FORMAT = 1


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a store file gave so far; `whole` is False as soon as something had to be left out."""

    store_id: str = ""
    name: str = ""
    currency: str = "EUR"
    timezone: str = "UTC"
    prices_include_tax: bool = True
    floor: Polygon = ()
    catalogue_file: str = ""
    planogram_file: str = ""
    zones: list[Zone] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    fixtures: list[Fixture] = field(default_factory=list)
    cameras: list[Camera] = field(default_factory=list)
    antennas: list[Antenna] = field(default_factory=list)
    scales: list[Scale] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    facings: list[Facing] = field(default_factory=list)
    taxes: list[TaxRate] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    whole: bool = True


def read_store(root: Table, places: Places) -> Draft:
    """Everything a store file says; findings go to the table's source."""
    draft = Draft()
    number = root.integer("format", FORMAT)
    if number != FORMAT:
        root.bad(
            "format", f"this file is in format {number}", f"This version of jwo reads format {FORMAT}; update jwo."
        )
    draft.catalogue_file = root.text("catalogue", "catalogue.csv")
    draft.planogram_file = root.text("planogram", "")
    head = root.table("store")
    if head is not None:
        _head(head, draft)
        places.put("store", "", head.place())
    _floor_parts(root, draft, places)
    _devices(root, draft, places)
    _calibration(root, draft)
    _prices(root, draft, places)
    root.done()
    draft.whole = not root.source.findings
    return draft


def _head(table: Table, draft: Draft) -> None:
    draft.store_id = table.ident()
    draft.name = table.text("name", draft.store_id)
    draft.currency = table.text("currency")
    if draft.currency:
        table.build("currency", lambda: Money(amount_minor=0, currency=draft.currency))
    draft.timezone = table.text("timezone")
    if draft.timezone and not _known_zone(draft.timezone):
        table.bad("timezone", f"{draft.timezone!r} is no time zone", "Use a name such as Europe/Berlin.")
    draft.prices_include_tax = table.flag("prices_include_tax", default=True)
    draft.floor = table.polygon("floor_m")
    table.done()


def _known_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return not zoneinfo.available_timezones()  # a machine without the tz database cannot judge
    return True


def _floor_parts(root: Table, draft: Draft, places: Places) -> None:
    for table in root.tables("zone"):
        zone_id = table.ident()
        places.put("zone", zone_id, table.place())
        zone = Zone(
            zone_id=zone_id, polygon=table.polygon("polygon_m"), staff_only=table.flag("staff_only", default=False)
        )
        if _finished(table):
            draft.zones.append(zone)
    for table in root.tables("gate"):
        gate_id = table.ident()
        places.put("gate", gate_id, table.place())
        kind = table.choice("kind", GateKind)
        a, b = _point(table, "a_m"), _point(table, "b_m")
        if _finished(table) and kind is not None:
            draft.gates.append(Gate(gate_id=gate_id, kind=kind, a=a, b=b))
    for table in root.tables("fixture"):
        fixture = read_fixture(table, places)
        if fixture is not None:
            draft.fixtures.append(fixture)


def _devices(root: Table, draft: Draft, places: Places) -> None:
    for table in root.tables("camera"):
        camera_id = table.ident()
        places.put("camera", camera_id, table.place())
        pose = _pose(table)
        look_at = table.numbers("look_at_m", (3,))
        image = table.numbers("image_px", (2,), (1920.0, 1080.0))
        if any(value <= 0 or value != int(value) for value in image):
            table.bad("image_px", "an image has whole, positive sizes", "Write [width, height] in pixels.")
        camera = Camera(
            camera_id=camera_id,
            pose=pose,
            look_at=(look_at[0], look_at[1], look_at[2]),
            width_px=int(image[0]),
            height_px=int(image[1]),
            intrinsics=table.numbers("intrinsics", (), ()),
            url_ref=_reference(table, "url"),
            lens=table.choice("lens", LensKind, LensKind.RADTAN) or LensKind.RADTAN,
            rotation_rad=table.numbers("rotation_rad", (0, 3), ()),
        )
        if _finished(table):
            draft.cameras.append(camera)
    for table in root.tables("antenna"):
        antenna_id = table.ident()
        places.put("antenna", antenna_id, table.place())
        antenna = Antenna(
            antenna_id=antenna_id,
            pose=_pose(table),
            range_m=table.positive("range_m"),
            plates=table.texts("plates"),
        )
        if _finished(table):
            draft.antennas.append(antenna)


def _calibration(root: Table, draft: Draft) -> None:
    """What `jwo calibrate scale` and `clock` wrote."""
    for table in root.tables("scale"):
        scale = Scale(
            channel=table.text("channel"),
            tare_g=table.number("tare_g"),
            span=table.number("span"),
            noise_g=table.number("noise_g", 0.0),
        )
        if scale.span <= 0:
            table.bad("span", f"a scale's span is positive, not {scale.span:g}", "Run `jwo calibrate scale` again.")
        if _finished(table):
            draft.scales.append(scale)
    for table in root.tables("clock"):
        clock = Clock(device_id=table.text("device"), offset_ns=table.integer("offset_ns"))
        if _finished(table):
            draft.clocks.append(clock)


def _prices(root: Table, draft: Draft, places: Places) -> None:
    for index, table in enumerate(root.tables("facing")):
        places.put("facing", str(index), table.place())
        capacity = table.integer("capacity") if table.has("capacity") else None
        facing = Facing(product_id=table.text("product"), plates=table.texts("plates"), capacity=capacity)
        if _finished(table):
            draft.facings.append(facing)
    for table in root.tables("tax"):
        tax_class = table.ident("class")
        places.put("tax", tax_class, table.place())
        rate = _percent(table, "rate_percent")
        if _finished(table):
            draft.taxes.append(TaxRate(tax_class=tax_class, rate_bp=rate))
    for table in root.tables("promotion"):
        promotion_id = table.ident()
        places.put("promotion", promotion_id, table.place())
        promotion = _promotion(table, promotion_id, draft)
        if promotion is not None:
            draft.promotions.append(promotion)


def _promotion(table: Table, promotion_id: str, draft: Draft) -> Promotion | None:
    name = table.text("name", promotion_id)
    kind = table.choice("kind", PromotionKind)
    products = table.texts("products")
    money = kind in (PromotionKind.AMOUNT_OFF, PromotionKind.MULTI_BUY)
    value = _amount(table, "value", draft.currency) if money else table.integer("value")
    quantity = table.integer("quantity", 1)
    from_ns, until_ns = _instant(table, "from", draft.timezone), _instant(table, "until", draft.timezone)
    if not _finished(table) or kind is None:
        return None
    return Promotion(
        promotion_id=promotion_id,
        name=name,
        kind=kind,
        products=products,
        value=value,
        quantity=quantity,
        from_ns=from_ns,
        until_ns=until_ns,
    )


def _finished(table: Table) -> bool:
    table.done()
    return table.good


def _point(table: Table, name: str) -> Point2:
    x, y = table.numbers(name, (2,))
    return (x, y)


def _pose(table: Table) -> Pose:
    x, y, z = table.numbers("at_m", (3,))
    return Pose(x_m=x, y_m=y, z_m=z, rotation_deg=table.number("rotation_deg", 0.0))


def _reference(table: Table, name: str) -> str:
    """A secret by reference: a camera's URL holds a password and never stands in a layout."""
    value = table.text(name, "")
    if value and not value.startswith(("env:", "file:")):
        table.bad(
            name, "a camera's address stands here in plain", "Write env:NAME or file:PATH and keep the address there."
        )
    return value


def _percent(table: Table, name: str) -> int:
    """A percentage as basis points; hundredths of a percent are the finest step."""
    table.number(name)
    value = table.values.get(name, 0)
    points = Decimal(str(value)) * 100 if numeric(value) else Decimal(0)
    if points != points.to_integral_value() or not 0 <= points <= 10_000:
        table.bad(name, f"{value} is no tax rate", "Write a percentage from 0 to 100 with at most two decimals.")
        return 0
    return int(points)


def _amount(table: Table, name: str, currency: str) -> int:
    value = table.raw(name)
    if isinstance(value, str | Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return table.build(name, lambda: to_minor(value, currency)) or 0
    table.bad(name, f"expected an amount of money, got {value!r}", "Write it as 2.49.")
    return 0


def _instant(table: Table, name: str, timezone: str) -> int | None:
    """A date or date-time, in the store's time zone when it has no offset; or nanoseconds as a whole number."""
    value = table.raw(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if not isinstance(value, dt.datetime):
        table.bad(name, f"expected a date, got {value!r}", "Write 2026-05-01 or 2026-05-01T08:00:00Z, without quotes.")
        return None
    if value.tzinfo is None:
        try:
            value = value.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            table.bad(name, "the time zone is not known here", "Write the date-time with an offset: …T00:00:00+02:00.")
            return None
    since = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000
