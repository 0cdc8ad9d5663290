"""Small rooms for tests of what cameras see."""

from __future__ import annotations

from jwo_cli.estimate.calibration.rigid import pose_of
from jwo_cli.estimate.coverage_sight import Watcher, nominal_lens
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.layout import Bay, Box, Camera, Fixture, Plate, Point2, Pose, Shelf, Store, Zone

SQUARE = ((0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0))
ELL = ((0.0, 0.0), (6.0, 0.0), (6.0, 2.0), (2.0, 2.0), (2.0, 6.0), (0.0, 6.0))


def gondola(name: str, x_m: float, y_m: float, *, turn: float = 0.0, high: float = 1.6, shelves: int = 2) -> Fixture:
    """A gondola 1.2 m wide and 0.5 m deep, its front at smaller y before it is turned."""
    boards = tuple(
        Shelf(
            shelf_id=f"{name}.s{number + 1}",
            box=Box(x_m=0.0, y_m=0.0, z_m=0.3 + 0.5 * number, dx_m=1.2, dy_m=0.5, dz_m=0.4),
            plates=(
                Plate(
                    plate_id=f"{name}.p{number}",
                    channel=f"{name}:{number}:1",
                    box=Box(x_m=0.0, y_m=0.0, z_m=0.3 + 0.5 * number, dx_m=1.2, dy_m=0.5, dz_m=0.4),
                ),
            ),
        )
        for number in range(shelves)
    )
    return Fixture(
        fixture_id=name, kind="gondola", pose=Pose(x_m=x_m, y_m=y_m, rotation_deg=turn), dx_m=1.2, dy_m=0.5, dz_m=high,
        bays=(Bay(bay_id=f"{name}.b", shelves=boards),),
    )  # fmt: skip


def room(*fixtures: Fixture, floor: tuple[Point2, ...] = SQUARE, zones: tuple[Zone, ...] = ()) -> Store:
    """A store of one room."""
    return Store(
        store_id="room", name="Room", version="", timezone="UTC", floor=floor, zones=zones, gates=(), fixtures=fixtures,
        cameras=(), antennas=(), facings=(), catalogue=Catalogue(currency="EUR", products=()),
    )  # fmt: skip


def watcher(
    at: tuple[float, float, float], look_at: tuple[float, float, float], *, view: float = 90.0, name: str = "c"
) -> Watcher:
    """A camera with a straight lens and an upright image."""
    pose = Pose(x_m=at[0], y_m=at[1], z_m=at[2])
    camera = Camera(camera_id=name, pose=pose, look_at=look_at, width_px=1280, height_px=720)
    return Watcher(name=name, lens=nominal_lens(1280, 720, view), pose=pose_of(camera))
