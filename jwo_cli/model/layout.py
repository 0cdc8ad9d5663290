"""Where things stand: one store's floor, fixtures, plates and planogram, in metres in one right-handed frame, z up.

Shelves carry their pose in the store frame already (the loader composes fixture, bay and shelf), so that nobody
downstream does frame arithmetic twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from .catalogue import Catalogue

# Marks a field that came after layouts were hashed: `codec.encode` leaves it out at its default.
LATER = MappingProxyType({"later": True})

Point2 = tuple[float, float]
Polygon = tuple[Point2, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """A frame in the store: origin in metres, rotation about z counter-clockwise in degrees (`store_from_local`)."""

    x_m: float
    y_m: float
    z_m: float = 0.0
    rotation_deg: float = 0.0

    def apply(self, x_m: float, y_m: float, z_m: float = 0.0) -> tuple[float, float, float]:
        """A local point in the store frame, metres."""
        turn = math.radians(self.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        return (self.x_m + cos * x_m - sin * y_m, self.y_m + sin * x_m + cos * y_m, self.z_m + z_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An axis-aligned box in a local frame: corner (x, y, z) nearest the origin, and its size, all metres."""

    x_m: float
    y_m: float
    z_m: float
    dx_m: float
    dy_m: float
    dz_m: float

    def centre(self) -> tuple[float, float, float]:
        """Middle of the box in its own frame, metres."""
        return (self.x_m + self.dx_m / 2, self.y_m + self.dy_m / 2, self.z_m + self.dz_m / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A plate: `channel` is its wire ('device:row:column'), `box` footprint and reach height in the fixture's frame."""

    plate_id: str
    channel: str
    box: Box

    @property
    def device_id(self) -> str:
        """The device that weighs it."""
        return self.channel.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A board with plates side by side; vibration and crosstalk stay within it. `box` in the fixture's frame."""

    shelf_id: str
    box: Box
    plates: tuple[Plate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bay:
    """One upright section of a fixture."""

    bay_id: str
    shelves: tuple[Shelf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """A gondola, fridge, table or counter. Local x runs along the front, y is depth (front at the smaller y), z up."""

    fixture_id: str
    kind: str
    pose: Pose
    dx_m: float
    dy_m: float
    dz_m: float
    bays: tuple[Bay, ...]


class GateKind(StrEnum):
    """What a door is for."""

    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A door in the floor's edge, from a to b (metres)."""

    gate_id: str
    kind: GateKind
    a: Point2
    b: Point2

    def middle(self) -> Point2:
        """Between a and b, metres."""
        return ((self.a[0] + self.b[0]) / 2, (self.a[1] + self.b[1]) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named part of the floor; `staff_only` areas are where shoppers do not go."""

    zone_id: str
    polygon: Polygon
    staff_only: bool = False


class LensKind(StrEnum):
    """How a lens bends rays: OpenCV's (k1, k2, p1, p2, k3) on a pinhole, or Kannala–Brandt's (k1…k4) of fisheyes."""

    RADTAN = "radtan"
    EQUIDISTANT = "equidistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera's place, look-at point and image size; intrinsics (fx, fy, cx, cy, distortion…) once calibrated.

    `rotation_rad` is the rotation vector of `camera_from_store` (x right, y down, z into the scene) once it is
    calibrated in the store frame; without it, look_at and an upright image say where the camera turns.
    """

    camera_id: str
    pose: Pose
    look_at: tuple[float, float, float]
    width_px: int
    height_px: int
    intrinsics: tuple[float, ...] = ()
    url_ref: str = ""
    lens: LensKind = field(default=LensKind.RADTAN, metadata=LATER)
    rotation_rad: tuple[float, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What two known weights told of one channel: true grams = span · (read − tare_g), sample noise σ in grams."""

    channel: str
    tare_g: float
    span: float
    noise_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How far a device's stamps are ahead of the scales' (negative: behind); subtract to compare."""

    device_id: str
    offset_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Antenna:
    """An RFID antenna; `plates` are those in its field (all of its fixture's when empty)."""

    antenna_id: str
    pose: Pose
    range_m: float
    plates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facing:
    """A front of one product: the plates it stands on, in order, and how many units a full facing holds."""

    product_id: str
    plates: tuple[str, ...]
    capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One shop as laid out: everything a replay needs besides the sensors' data. `version` is a content hash."""

    store_id: str
    name: str
    version: str
    timezone: str
    floor: Polygon
    zones: tuple[Zone, ...]
    gates: tuple[Gate, ...]
    fixtures: tuple[Fixture, ...]
    cameras: tuple[Camera, ...]
    antennas: tuple[Antenna, ...]
    facings: tuple[Facing, ...]
    catalogue: Catalogue
    scales: tuple[Scale, ...] = field(default=(), metadata=LATER)
    clocks: tuple[Clock, ...] = field(default=(), metadata=LATER)

    def shelves(self) -> tuple[tuple[Fixture, Shelf], ...]:
        """Every shelf with its fixture, in file order."""
        return tuple((fixture, shelf) for fixture in self.fixtures for bay in fixture.bays for shelf in bay.shelves)

    def plates(self) -> dict[str, tuple[Fixture, Shelf, Plate]]:
        """plate_id -> (fixture, shelf, plate), in file order."""
        return {plate.plate_id: (fixture, shelf, plate) for fixture, shelf in self.shelves() for plate in shelf.plates}

    def off_plates(self) -> tuple[str, ...]:
        """Products that stand on no plate: only antennas tell of them."""
        products = self.catalogue.by_id()
        placed = [one.product_id for one in self.facings if one.plates]
        standing = {products[ident].product_id for ident in placed if ident in products}
        return tuple(one.product_id for one in self.catalogue.products if one.product_id not in standing)

    def weighing(self) -> tuple[str, ...]:
        """The devices that weigh, in file order."""
        return tuple(dict.fromkeys(plate.device_id for _, shelf in self.shelves() for plate in shelf.plates))

    def plate_centre(self, plate_id: str) -> tuple[float, float, float]:
        """Middle of a plate's reach volume in the store frame, metres."""
        fixture, _, plate = self.plates()[plate_id]
        return fixture.pose.apply(*plate.box.centre())
