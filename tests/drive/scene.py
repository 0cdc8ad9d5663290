"""A shop of one shelf and a person who takes one bottle: the smallest recording that has a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jwo_cli.estimate.signals import JOINTS, PersonPose, PoseFrame, Signal, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product, TaxRate
from jwo_cli.model.layout import Bay, Box, Facing, Fixture, Gate, GateKind, Plate, Pose, Shelf, Store
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording
from jwo_cli.recordings.content import recording_id

START_NS = 1_700_000_000 * NS_PER_S
RATE_HZ = 60.0
SECONDS = 20.0
TAKEN_S = 10.0
CHANNELS = ("a:1:1", "a:1:2", "a:1:3")


def store(version: str = "1") -> Store:
    """Three plates side by side, a different drink on each; the door is three metres away."""
    plates = tuple(
        Plate(
            plate_id=f"a.s1.p{i + 1}",
            channel=CHANNELS[i],
            box=Box(x_m=0.4 * i, y_m=0.0, z_m=1.0, dx_m=0.4, dy_m=0.4, dz_m=0.3),
        )
        for i in range(3)
    )
    shelf = Shelf(shelf_id="a.s1", box=Box(x_m=0, y_m=0, z_m=1.0, dx_m=1.2, dy_m=0.4, dz_m=0.3), plates=plates)
    fixture = Fixture(
        fixture_id="a",
        kind="gondola",
        pose=Pose(x_m=1.0, y_m=3.0),
        dx_m=1.2,
        dy_m=0.4,
        dz_m=1.8,
        bays=(Bay(bay_id="a.b1", shelves=(shelf,)),),
    )
    products = (
        Product(product_id="4006381333931", name="Spring water", price_minor=100, unit_mass_g=520.0),
        Product(product_id="4012345678901", name="Orange juice", price_minor=250, unit_mass_g=1050.0),
        Product(product_id="4000417025005", name="Oat bar", price_minor=180, unit_mass_g=60.0),
    )
    return Store(
        store_id="corner",
        name="Corner shop",
        version=version,
        timezone="Europe/Berlin",
        floor=((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)),
        zones=(),
        gates=(Gate(gate_id="door", kind=GateKind.BOTH, a=(1.5, 0.0), b=(2.5, 0.0)),),
        fixtures=(fixture,),
        cameras=(),
        antennas=(),
        facings=tuple(
            Facing(product_id=product.product_id, plates=(plate.plate_id,))
            for product, plate in zip(products, plates, strict=True)
        ),
        catalogue=Catalogue(currency="EUR", products=products, taxes=(TaxRate(tax_class="standard", rate_bp=1900),)),
    )


def signals(*, samples: int = 12, seed: int = 7, taken_g: float = 520.0) -> Iterator[Signal]:
    """What the sensors sent, in order of time; `samples` a batch, the same weights however they are cut."""
    rng = np.random.default_rng(seed)
    count = int(SECONDS * RATE_HZ)
    grams = (np.array([5200.0, 8400.0, 1200.0]) + rng.normal(0, 1.5, (count, 3))).astype(np.float32)
    grams[int(TAKEN_S * RATE_HZ) :, 0] -= taken_g
    batches = [
        WeightBatch(
            device_id="a",
            end_ns=START_NS + round((end - 1) / RATE_HZ * NS_PER_S),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            grams=grams[end - samples : end],
        )
        for end in range(samples, count + 1, samples)
    ]
    poses = [_pose(step / 10) for step in range(5, int(SECONDS * 10) - 10)]
    both: list[WeightBatch | PoseFrame] = [*batches, *poses]
    yield from sorted(both, key=lambda item: item.end_ns if isinstance(item, WeightBatch) else item.at_ns)


def _pose(at_s: float) -> PoseFrame:
    """In by the door, to the shelf by second 8, a hand on the first plate around second 10, out again."""
    near = float(np.clip(min(at_s / 8, (SECONDS - 1 - at_s) / 7), 0, 1))
    x_m, y_m = 2.0 - 0.8 * near, 0.1 + 2.4 * near
    joints = np.full((len(JOINTS), 3), np.nan, np.float32)
    joints[:] = (x_m, y_m, 1.3)
    joints[0, 2] = 1.7
    reach = float(np.clip(1 - abs(at_s - TAKEN_S) / 1.0, 0, 1))
    joints[JOINTS.index("r_wrist")] = joints[JOINTS.index("r_hand")] = (
        x_m + reach * (1.2 - x_m),
        y_m + reach * (3.1 - y_m),
        1.1,
    )
    person = PersonPose(track_id="ann", joints_m=joints, scores=np.ones(len(JOINTS), np.float32))
    return PoseFrame(at_ns=START_NS + round(at_s * NS_PER_S), people=(person,))


def recording(
    *, name: str = "one-bottle", samples: int = 12, seed: int = 7, taken_g: float = 520.0, staff: tuple[str, ...] = ()
) -> Recording:
    """The recording, in memory; its id is that of twelve samples a batch, so that other cuts are the same recording."""
    shop = store()
    whole = tuple(signals(samples=samples, seed=seed, taken_g=taken_g))
    return Recording(
        name=name,
        recording_id=recording_id(shop, staff, signals(seed=seed, taken_g=taken_g)),
        store=shop,
        start_ns=START_NS,
        duration_s=SECONDS,
        staff=staff,
        findings=(),
        path=Path(name),
        source={},
        read_signals=lambda: iter(whole),
        read_truth=lambda: None,
    )
