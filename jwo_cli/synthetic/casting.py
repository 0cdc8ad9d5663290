"""Draws who is in a case and what things they go for: near each other in place or in weight, as the class wants."""

from __future__ import annotations

from dataclasses import dataclass, field

from jwo_cli.model.layout import Facing, Store

from .draws import between, chance, named, pick_one, some_of
from .places import distance, somewhere, target
from .scripts import Actor, AnyAct, Fault, Leave, Pick, Put, Touch, Wait
from .stock import TYPICAL_PORTION_G, stockable
from .wiring import silent_fixtures

TOUCHES = ("tap", "push", "lean", "lift")


@dataclass(slots=True)
class Cast:
    """A case being written."""

    actors: list[Actor] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    swaps: list[tuple[str, str]] = field(default_factory=list)
    merges: list[tuple[str, str]] = field(default_factory=list)


class Writer:
    """Draws acts for one case of one store."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.rng = store, named(seed, "case")
        silent = silent_fixtures(store)
        plates = store.plates()
        products = {product.product_id: product for product in store.catalogue.products}
        self.facings = [
            facing
            for facing in store.facings
            if products.get(facing.product_id) is not None
            and stockable(products[facing.product_id])
            and all(plate in plates and plates[plate][0].fixture_id not in silent for plate in facing.plates)
        ]
        self.mass = {f.product_id: float(products[f.product_id].unit_mass_g or TYPICAL_PORTION_G) for f in self.facings}
        self.shelf = {f.product_id: plates[f.plates[0]][1].shelf_id for f in self.facings}
        self.here: tuple[float, float] | None = None
        self.fixture = {f.product_id: plates[f.plates[0]][0].fixture_id for f in self.facings}

    def facing(self, low_g: float = 12.0, high_g: float = 5000.0) -> Facing:
        """A facing whose units weigh between these: the nearest of a few to where the last one was, as people walk."""
        fitting = [f for f in self.facings if low_g <= self.mass[f.product_id] <= high_g] or self.facings
        some = some_of(self.rng, fitting, 3 if chance(self.rng, 0.6) else 1)
        here = self.here
        chosen = some[0] if here is None else min(some, key=lambda facing: distance(self.front(facing), here))
        self.here = self.front(chosen)
        return chosen

    def front(self, facing: Facing) -> tuple[float, float]:
        """A point on the floor before a facing."""
        return target(self.store, facing.plates[:1], (1.0,), named(0, "front", facing.plates[0])).stand(0.0)

    def product(self, low_g: float = 12.0, high_g: float = 5000.0) -> str:
        """A product whose units weigh between these."""
        return self.facing(low_g, high_g).product_id

    def beside(self, product: str) -> list[str]:
        """Other products of the same shelf, nearest names first."""
        return [
            f.product_id
            for f in self.facings
            if self.shelf[f.product_id] == self.shelf[product] and f.product_id != product
        ]

    def near(self, product: str) -> list[str]:
        """Products of the same fixture."""
        return [f.product_id for f in self.facings if self.fixture[f.product_id] == self.fixture[product]]

    def plate(self, product: str) -> str:
        """A plate of the product's facing."""
        return pick_one(self.rng, next(f for f in self.facings if f.product_id == product).plates)

    def onto(self, product: str) -> tuple[str, ...]:
        """All plates of the product's facing."""
        return next(f for f in self.facings if f.product_id == product).plates

    def another(self, product: str, low: float, high: float, *, same: str = "") -> str | None:
        """A product whose mass differs by a share between low and high; of the same shelf or fixture if asked."""
        found = []
        for facing in self.facings:
            other = facing.product_id
            if other == product or (same == "fixture" and self.fixture[other] != self.fixture[product]):
                continue
            if low <= abs(self.mass[other] - self.mass[product]) / self.mass[product] <= high:
                found.append(other)
        return pick_one(self.rng, found) if found else None

    def start(self, first: AnyAct | None = None) -> tuple[float, float]:
        """Somewhere in the aisles: the nearest of a few places to where the first thing is taken."""
        places = [somewhere(self.store, self.rng) for _ in range(3)]
        goal = getattr(first, "product", None) or getattr(first, "first", None)
        if goal is None or goal not in self.mass:
            return places[0]
        front = self.front(next(f for f in self.facings if f.product_id == goal))
        return min(places, key=lambda place: distance(place, front))

    def actor(
        self, key: str, *acts: AnyAct, staff: bool = False, hurry: float = 1.0, restart_id_at_s: float | None = None
    ) -> Actor:
        """Somebody who does these things and then leaves or stays."""
        start = self.start(acts[0] if acts else None)
        return Actor(
            key=key, acts=(*acts, *self.end()), start=start, staff=staff, hurry=hurry, restart_id_at_s=restart_id_at_s
        )

    def end(self) -> tuple[AnyAct, ...]:
        """Most people walk out, some are still there at the end."""
        return (Leave(),) if chance(self.rng, 0.75) else (Wait(seconds=between(self.rng, 1.0, 3.0)),)

    def touch(self) -> Touch:
        """A touch somewhere."""
        return Touch(plate=self.plate(self.product()), kind=pick_one(self.rng, TOUCHES))

    def wrong_place(self, product: str) -> str:
        """A facing of something clearly lighter or heavier, near if there is one."""
        other = self.another(product, 0.06, 9.0, same="fixture") if chance(self.rng, 0.75) else None
        return other or self.another(product, 0.06, 9.0) or pick_one(self.rng, self.beside(product) or [product])

    def mixed(self, count: int, *, troubles: float = 0.35) -> tuple[AnyAct, ...]:
        """A list of things to take, with put-backs, wrong plates and touches in between."""
        acts: list[AnyAct] = []
        carried: list[str] = []
        here = self.product()
        for _ in range(count):
            if not chance(self.rng, 0.45):
                here = self.product()
            product = pick_one(self.rng, self.near(here)) if chance(self.rng, 0.6) else here
            amount = int(self.rng.integers(2, 4)) if chance(self.rng, 0.12) and self.mass[product] < 300 else 1
            style = "fast" if chance(self.rng, 0.25) else "normal"
            acts.append(Pick(product=product, count=amount, style=style))
            carried.append(product)
            if chance(self.rng, troubles * 0.5):
                acts.append(self.touch())
            if chance(self.rng, troubles * 0.6):
                back = carried.pop(int(self.rng.integers(len(carried))))
                onto = self.onto(self.wrong_place(back)) if chance(self.rng, 0.25) else ()
                acts.append(Put(product=back, onto=onto))
        return tuple(acts)
