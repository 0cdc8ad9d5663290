"""A little store with antennas, and days told there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Product
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.layout import Antenna, Facing, Pose, Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FaultKind,
    Reach,
    TagChanged,
    TagState,
    UnreadStay,
)
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import Day, S, little_store


def radio_store(*, extra: Sequence[Facing] = ()) -> Store:
    """The little store, shirts on no plate, an antenna over all of it (a) and one at the door (b)."""
    plain = little_store()
    shirt = Product(product_id="shirt", name="Shirt", price_minor=2500)
    above = Antenna(
        antenna_id="a", pose=Pose(x_m=0.5, y_m=0.2), range_m=1.5, plates=tuple(f"s.p{n}" for n in range(1, 7))
    )
    return replace(
        plain,
        antennas=(above, replace(above, antenna_id="b", plates=("none",))),
        facings=(*plain.facings, *extra),
        catalogue=replace(plain.catalogue, products=(*plain.catalogue.products, shirt)),
    )


@dataclass
class RadioDay(Day):
    """A day in the store with antennas."""

    def tag(
        self, state: TagState, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97
    ) -> int:
        """A tag came or left while `who` stood there; nobody named: no camera looked."""
        reaches = tuple(
            Reach(track_id=name, log_likelihood=3.0 if name in who else -7.0, hand_m=None, body_m=None)
            for name in self.people
        )
        return self.say(
            TagChanged(
                at_ns=self.tick(), antenna_id=antenna, tag_id=tag, product_id=product, state=state,
                probability=probability, reaches=reaches if who else (),
            )
        )  # fmt: skip

    def gone(self, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97) -> int:
        """A tag left."""
        return self.tag(TagState.GONE, tag, product, *who, antenna=antenna, probability=probability)

    def there(self, tag: str, product: str, *who: str, antenna: str = "a", probability: float = 0.97) -> int:
        """A tag came."""
        return self.tag(TagState.PRESENT, tag, product, *who, antenna=antenna, probability=probability)

    def fault(self, device: str, kind: FaultKind) -> None:
        """A device is down from now on."""
        at = self.tick()
        self.say(DeviceFaulted(at_ns=at, device_id=device, kind=kind, until_ns=at))

    def silent(self, antenna: str = "a", kind: FaultKind = FaultKind.GAP) -> DeviceFaulted:
        """An antenna is not heard from now on, in its own word or (dead) its reader's."""
        at = self.tick()
        fault = DeviceFaulted(at_ns=at, device_id=antenna, kind=kind, until_ns=at)
        self.say(fault)
        return fault

    def heard(self, fault: DeviceFaulted) -> None:
        """It is heard again."""
        self.say(replace(fault, until_ns=self.tick()))

    def near(self, who: str, antenna: str = "a", *, known: bool = True) -> None:
        """Somebody was in the field of an antenna that is not heard, in the last two seconds."""
        at = self.tick()
        self.say(UnreadStay(at_ns=at - 2 * S, until_ns=at, antenna_id=antenna, track_id=who, tags_known=known))

    def wait(self, seconds: int = 10) -> None:
        """Nothing happens."""
        self.now += seconds * S


def day(*people: str, extra: Sequence[Facing] = (), settings: EngineSettings | None = None) -> RadioDay:
    """A day with these people inside."""
    return RadioDay(people=people, store=radio_store(extra=extra), settings=settings or EngineSettings())


def by_account(*accounts: str, store: Store | None = None) -> RadioDay:
    """A day without cameras: codes open visits."""
    today = RadioDay(people=(), store=store or radio_store())
    for account in accounts:
        today.say(CodeScanned(at_ns=today.tick(), gate_id="in", account=account))
    return today


def only(receipts: dict[str, ReceiptIssued]) -> ReceiptIssued:
    """The one receipt there is."""
    (receipt,) = receipts.values()
    return receipt
