"""A store of one shelf with six plates, and a shorthand to tell what happened there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jwo_cli.model.catalogue import Catalogue, Product, SoldBy
from jwo_cli.model.decisions import Decision, ReceiptIssued
from jwo_cli.model.layout import Bay, Box, Facing, Fixture, Plate, Pose, Shelf, Store
from jwo_cli.model.observations import (
    IdentityDoubted,
    Observation,
    PlateDelta,
    Reach,
    Role,
    StoreClosed,
    StoreOpened,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings

S = 1_000_000_000
NEAR, FAR = 5.0, -9.0

PRODUCTS = (
    Product(product_id="cola", name="Cola", price_minor=150, unit_mass_g=350.0),
    Product(product_id="soda", name="Soda", price_minor=140, unit_mass_g=352.0),
    Product(product_id="tea", name="Tea", price_minor=320, unit_mass_g=120.0),
    Product(product_id="jar", name="Jar listed wrongly", price_minor=500, unit_mass_g=60.0),
    Product(product_id="honey", name="Honey, never weighed", price_minor=480),
    Product(product_id="nuts", name="Nuts", price_minor=1990, sold_by=SoldBy.WEIGHT),
)
# plate -> product, one facing a plate
PLAN = {"s.p1": "cola", "s.p2": "tea", "s.p3": "soda", "s.p4": "jar", "s.p5": "nuts"}


def little_store() -> Store:
    """One shelf, plates s.p1 to s.p6 from left to right, 10 cm each."""
    plates = tuple(
        Plate(plate_id=f"s.p{n}", channel=f"d:1:{n}", box=Box(x_m=0.1 * n, y_m=0, z_m=1, dx_m=0.1, dy_m=0.4, dz_m=0.3))
        for n in range(1, 7)
    )
    shelf = Shelf(shelf_id="s", box=Box(x_m=0, y_m=0, z_m=1, dx_m=1, dy_m=0.4, dz_m=0.3), plates=plates)
    fixture = Fixture(
        fixture_id="f",
        kind="gondola",
        pose=Pose(x_m=0, y_m=0),
        dx_m=1,
        dy_m=0.4,
        dz_m=2,
        bays=(Bay(bay_id="b", shelves=(shelf,)),),
    )
    return Store(
        store_id="little",
        name="Little store",
        version="1",
        timezone="UTC",
        floor=((-3, -3), (3, -3), (3, 3), (-3, 3)),
        zones=(),
        gates=(),
        fixtures=(fixture,),
        cameras=(),
        antennas=(),
        facings=tuple(Facing(product_id=product, plates=(plate,)) for plate, product in PLAN.items()),
        catalogue=Catalogue(currency="EUR", products=PRODUCTS),
    )


@dataclass
class Day:
    """Tells the engine what happens, second by second, and remembers what it decided."""

    people: Sequence[str]
    staff: Sequence[str] = ()
    settings: EngineSettings = field(default_factory=EngineSettings)
    store: Store = field(default_factory=little_store)

    def __post_init__(self) -> None:
        self.engine = Engine(self.store, settings=self.settings)
        self.seq = 0
        self.now = 0
        self.decided: list[tuple[Decision, tuple[int, ...]]] = []
        self.say(StoreOpened(at_ns=0, recording_id="day", layout_version="1"))
        for name in self.people:
            role = Role.STAFF if name in self.staff else Role.SHOPPER
            self.say(TrackStarted(at_ns=self.tick(), track_id=name, x_m=0, y_m=0, role=role))

    def tick(self) -> int:
        """The next second."""
        self.now += S
        return self.now

    def say(self, observation: Observation) -> int:
        """Feed one observation; returns its sequence number."""
        self.seq += 1
        self.decided += [(c.decision, c.caused_by) for c in self.engine.handle(self.seq, observation).decisions]
        return self.seq

    def weigh(
        self, plate: str, delta_g: float, *who: str, sigma_g: float = 0.8, real: float = 0.999, poses_known: bool = True
    ) -> int:
        """The plate changed by `delta_g` while `who` had a hand there (several: equally)."""
        at = self.tick()
        reaches = (
            ()
            if not poses_known
            else tuple(
                Reach(track_id=name, log_likelihood=NEAR if name in who else FAR, hand_m=0.05, body_m=0.5)
                for name in self.people
            )
        )
        delta = PlateDelta(plate_id=plate, delta_g=delta_g, sigma_g=sigma_g)
        return self.say(
            WeightChanged(
                at_ns=at,
                begin_ns=at - S // 5,
                end_ns=at + S // 5,
                shelf_id="s",
                plates=(delta,),
                real=real,
                reaches=reaches,
                poses_known=poses_known,
            )
        )

    def swap(self, a: str, b: str, probability: float) -> None:
        """The tracker may have confused two people."""
        self.say(IdentityDoubted(at_ns=self.tick(), kind="swap", before=a, after=b, probability=probability))

    def leave(self, name: str) -> None:
        """Somebody walks out."""
        self.say(TrackEnded(at_ns=self.tick(), track_id=name, x_m=0, y_m=0))

    def close(self) -> dict[str, ReceiptIssued]:
        """The store closes; every receipt by the tracker id it was issued to."""
        self.say(StoreClosed(at_ns=self.tick()))
        return {d.track_id: d for d, _ in self.decided if isinstance(d, ReceiptIssued)}


def items(receipt: ReceiptIssued) -> dict[str, int]:
    """Product -> units on a receipt, charged or not."""
    counts: dict[str, int] = {}
    for line in receipt.lines:
        counts[line.product_id] = counts.get(line.product_id, 0) + line.quantity
    return counts
