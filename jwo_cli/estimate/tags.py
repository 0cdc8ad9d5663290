"""Tagged goods that come and go: reads of all antennas in, changes of known products out.

Which tags are in a field is `tag_antenna`'s business; here tags get their products. A tag belongs to the product whose
GTIN is in its number, or to one that names the tag itself among its aliases. Tags of nobody's product help to judge
the antenna like any other, are never told, and are counted. Everything is told with the time by which it is certain.
"""

from __future__ import annotations

import math

from jwo_cli.estimate.signals import TagRead
from jwo_cli.model.epc import gtin14_of, gtin_of
from jwo_cli.model.layout import Antenna, Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagChanged, TagState
from jwo_cli.model.units import NS_PER_MS

from .people.unread import Silence
from .tag_antenna import STEP_NS, AntennaField, FieldChange
from .tag_field import PRESENCE, TagFieldModel

# How long a reader may gather reads before it reports them.
REPORT_NS = 250 * NS_PER_MS


class TagPresence:
    """Reads in; `take` gives (due_ns, TagChanged without reaches | DeviceFaulted). Due is the step that decided.

    With `prompt` an antenna is judged up to what it was heard to say, as a reader tells its reads in order, instead of
    up to what nothing at all is expected from any more.
    """

    def __init__(self, store: Store, *, model: TagFieldModel = PRESENCE, prompt: bool = False) -> None:
        self._products = _products(store)
        self._model = model
        self._prompt = prompt
        self._known = {antenna.antenna_id for antenna in store.antennas}
        self._off_plates = frozenset(store.off_plates())
        self.silences: list[Silence] = []  # until they are taken
        self._fields: dict[str, AntennaField] = {}
        self._next_ns: dict[str, int] = {}
        self._unknown: dict[str, int] = {}
        self._impossible = 0
        self._told: list[tuple[int, TagChanged | DeviceFaulted]] = []

    @property
    def heard(self) -> bool:
        """Whether any tag was ever read: only then is there something to wait for."""
        return bool(self._next_ns)

    @property
    def unknown(self) -> dict[str, int]:
        """Antenna -> how often a tag of no known product came into its field."""
        return dict(self._unknown)

    def feed(self, read: TagRead) -> None:
        """Take one read."""
        if not (math.isfinite(read.rssi_dbm) and read.tag_id):
            self._impossible += 1
            return
        antenna_id = read.antenna_id
        if antenna_id not in self._fields:
            self._fields[antenna_id] = AntennaField(antenna_id, model=self._model)
            self._fields = dict(sorted(self._fields.items()))
            self.silences.append(_ended(antenna_id, read.at_ns))
            if self._known and antenna_id not in self._known:
                self._tell_unknown(read)
        self._fields[antenna_id].take(read.at_ns, read.tag_id, read.rssi_dbm)
        self._next_ns.setdefault(antenna_id, (read.at_ns // STEP_NS + 1) * STEP_NS)
        if self._prompt:
            self._judge(self._fields[antenna_id], read.at_ns - REPORT_NS)

    def settle(self, now_ns: int) -> None:
        """Judge everything up to `now_ns`; no read is expected from before it."""
        for field in self._fields.values():
            self._judge(field, now_ns)

    def hushed(self) -> list[Silence]:
        """What may become silences of antennas that read seldom: too late for somebody who leaves now."""
        since = ((field.antenna_id, field.hushed_ns()) for field in self._fields.values())
        return [
            Silence(antenna_id=antenna_id, from_ns=from_ns, until_ns=None, noticed_ns=from_ns)
            for antenna_id, from_ns in since
            if from_ns is not None
        ]

    def settled_ns(self) -> dict[str, int]:
        """Antennas that were ever heard -> up to when all that came or left there is told."""
        return {antenna_id: field.settled_ns for antenna_id, field in self._fields.items()}

    def _judge(self, field: AntennaField, now_ns: int) -> None:
        while (next_ns := self._next_ns[field.antenna_id]) <= now_ns:
            wakes_ns = field.wakes_ns()
            # A field that hears nothing is not stepped through the night.
            idle_ns = now_ns if wakes_ns is None else min(wakes_ns, now_ns)
            at_ns = max(next_ns, (idle_ns // STEP_NS + 1) * STEP_NS)
            if at_ns > now_ns:
                self._next_ns[field.antenna_id] = at_ns
                return
            self._next_ns[field.antenna_id] = at_ns + STEP_NS
            for change in field.step(at_ns):
                self._tell(at_ns, field.antenna_id, change)
            self._told += [(at_ns, fault) for fault in field.faults]
            field.faults.clear()
            self.silences += [self._silence(field, from_ns, until_ns, at_ns) for from_ns, until_ns in field.silences]
            field.silences.clear()

    def close(self, now_ns: int) -> None:
        """The stream ended: judge what is left, and tell once what could not be used."""
        self.settle(now_ns)
        for antenna_id, field in self._fields.items():
            if field.late:
                note = "reads that came after their time was judged"
                self._told_fault(now_ns, antenna_id, FaultKind.DISORDER, field.late, note)
            if antenna_id in self._unknown:
                note = "tags in the field that belong to no product of the catalogue"
                self._told_fault(now_ns, antenna_id, FaultKind.UNKNOWN_CHANNEL, self._unknown[antenna_id], note)
        if self._impossible:
            self._told_fault(now_ns, "tags", FaultKind.NAN, self._impossible, "reads without a number or a strength")

    def take(self) -> list[tuple[int, TagChanged | DeviceFaulted]]:
        """What was told since the last call."""
        told, self._told = self._told, []
        return told

    def held(self) -> int:
        """Reads and tags kept: a measure of memory."""
        return sum(field.held() for field in self._fields.values())

    def product_of(self, tag_id: str) -> str | None:
        """The product a tag is on; None for a tag of nobody's."""
        product_id = self._products.get(tag_id)
        if product_id is None and (gtin := gtin_of(tag_id)) is not None:
            product_id = self._products.get(gtin)
        return product_id

    def _tell(self, due_ns: int, antenna_id: str, change: FieldChange) -> None:
        product_id = self.product_of(change.tag_id)
        if product_id is None:
            if change.state is TagState.PRESENT:
                self._unknown[antenna_id] = self._unknown.get(antenna_id, 0) + 1
            return
        told = TagChanged(
            at_ns=change.at_ns, antenna_id=antenna_id, tag_id=change.tag_id, product_id=product_id,
            state=change.state, probability=change.probability, until_ns=change.until_ns,
        )  # fmt: skip
        self._told.append((due_ns, told))

    def _silence(self, field: AntennaField, from_ns: int, until_ns: int, noticed_ns: int) -> Silence:
        known = any(self.product_of(tag_id) in self._off_plates for tag_id in field.lasting())
        return Silence(
            antenna_id=field.antenna_id, from_ns=from_ns, until_ns=until_ns or None, noticed_ns=noticed_ns,
            tags_known=known,
        )  # fmt: skip

    def _tell_unknown(self, read: TagRead) -> None:
        note = "the layout has no such antenna"
        self._told_fault(read.at_ns, read.antenna_id, FaultKind.UNKNOWN_CHANNEL, 1, note)

    def _told_fault(self, at_ns: int, device_id: str, kind: FaultKind, count: int, note: str) -> None:
        fault = DeviceFaulted(at_ns=at_ns, device_id=device_id, kind=kind, until_ns=at_ns, count=count, note=note)
        self._told.append((at_ns, fault))


def _ended(antenna_id: str, at_ns: int) -> Silence:
    """An antenna is heard for the first time."""
    return Silence(antenna_id=antenna_id, from_ns=at_ns, until_ns=at_ns, noticed_ns=at_ns)


def tag_plates(homes: tuple[str, ...], antenna: Antenna | None) -> tuple[str, ...]:
    """Where a tag of a product with facings on `homes` was when an antenna saw it: those of them in its field, if any.

    A product without plates was somewhere in the field; an antenna that names no plates may see any.
    """
    if antenna is None or not antenna.plates:
        return homes
    return tuple(plate for plate in homes if plate in antenna.plates) or (() if homes else antenna.plates)


def _products(store: Store) -> dict[str, str]:
    """Tag numbers that are aliases, and GTIN-14s -> product id. Numbers written out come before numbers derived."""
    names = [(name, product.product_id) for product in store.catalogue.products
             for name in (product.product_id, *product.aliases)]  # fmt: skip
    table: dict[str, str] = {}
    for name, product_id in names:
        table.setdefault(name, product_id)
    for name, product_id in names:
        gtin = gtin14_of(name)
        if gtin is not None:
            table.setdefault(gtin, product_id)
    return table
