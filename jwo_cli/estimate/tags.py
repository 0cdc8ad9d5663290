"""Presence of tagged goods from reads of their antennas, with hysteresis: read is present, unread for long is gone.

A tag is read many times a second while it is in the field; single reads come from reflections. Presence takes
PRESENT_READS within WINDOW_NS, absence takes silence for several times the tag's own usual pause, and only while the
antenna itself was heard.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from jwo_cli.estimate.signals import TagRead
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagChanged, TagState
from jwo_cli.model.units import NS_PER_S

PRESENT_READS = 3
WINDOW_NS = 2 * NS_PER_S
GONE_NS = 3 * NS_PER_S  # at least this long unread
PAUSES = 6.0  # and this many times the tag's usual pause
LOOK_NS = NS_PER_S // 2  # all tags are looked through this often
FORGET_NS = 60 * NS_PER_S
DEAF_NS = 2 * NS_PER_S  # an antenna that hears nothing for longer says nothing about absence


@dataclass(slots=True)
class _Tag:
    reads: deque[int] = field(default_factory=lambda: deque(maxlen=16))
    present: bool = False


class TagPresence:
    """Reads in; `told` collects (due_ns, at_ns, TagChanged without reaches | DeviceFaulted)."""

    def __init__(self, store: Store) -> None:
        self._products = _by_gtin(store)
        self._tags: dict[tuple[str, str], _Tag] = {}
        self._heard_ns: dict[str, int] = {}
        self._looked_ns = 0
        self._known = {antenna.antenna_id for antenna in store.antennas}
        self._reported: set[str] = set()
        self.told: list[tuple[int, TagChanged | DeviceFaulted]] = []

    def feed(self, read: TagRead) -> None:
        """Take one read."""
        if self._known and read.antenna_id not in self._known and read.antenna_id not in self._reported:
            self._reported.add(read.antenna_id)
            fault = DeviceFaulted(
                at_ns=read.at_ns, device_id=read.antenna_id, kind=FaultKind.UNKNOWN_CHANNEL, until_ns=read.at_ns,
                note="the layout has no such antenna",
            )  # fmt: skip
            self.told.append((read.at_ns, fault))
        if read.at_ns - self._looked_ns >= LOOK_NS:
            self.advance(read.at_ns)
        self._heard_ns[read.antenna_id] = max(read.at_ns, self._heard_ns.get(read.antenna_id, read.at_ns))
        tag = self._tags.setdefault((read.antenna_id, read.tag_id), _Tag())
        self._look(read.at_ns, read.antenna_id, read.tag_id, tag)
        tag.reads.append(read.at_ns)
        if not tag.present and len(tag.reads) >= PRESENT_READS and read.at_ns - tag.reads[-PRESENT_READS] <= WINDOW_NS:
            tag.present = True
            self._tell(read.at_ns, read.at_ns, read.antenna_id, read.tag_id, TagState.PRESENT, 0.95)

    def take(self) -> list[tuple[int, TagChanged | DeviceFaulted]]:
        """What was told since the last call."""
        told, self.told = self.told, []
        return told

    def settle(self, now_ns: int) -> None:
        """As `advance`, for callers that do not know whether there is anything to look at."""
        if self._tags and now_ns - self._looked_ns >= LOOK_NS:
            self.advance(now_ns)

    def advance(self, now_ns: int) -> None:
        """Find tags that have gone by `now_ns`."""
        self._looked_ns = max(self._looked_ns, now_ns)
        forgotten = []
        for (antenna_id, tag_id), tag in self._tags.items():
            self._look(now_ns, antenna_id, tag_id, tag)
            if not tag.present and now_ns - tag.reads[-1] > FORGET_NS:
                forgotten.append((antenna_id, tag_id))
        for key in forgotten:
            del self._tags[key]

    def _look(self, now_ns: int, antenna_id: str, tag_id: str, tag: _Tag) -> None:
        """Whether one tag has gone by `now_ns`."""
        if not tag.present:
            return
        last = tag.reads[-1]
        limit = max(GONE_NS, int(PAUSES * _pause_ns(tag.reads)))
        if now_ns - last > limit and self._heard_ns[antenna_id] - last > limit - DEAF_NS:
            tag.present = False
            self._tell(last + limit, last, antenna_id, tag_id, TagState.GONE, 0.9)
            tag.reads.clear()
            tag.reads.append(last)

    def _tell(self, due_ns: int, at_ns: int, antenna: str, tag: str, state: TagState, probability: float) -> None:
        changed = TagChanged(
            at_ns=at_ns, antenna_id=antenna, tag_id=tag,
            product_id=self._products.get(gtin_of(tag) or "", tag),
            state=state, probability=probability,
        )  # fmt: skip
        self.told.append((due_ns, changed))


# SGTIN-96 (GS1 EPC Tag Data Standard, table 14-2): partition -> bits, digits of the company, bits of the item.
_PARTITIONS = ((40, 12, 4), (37, 11, 7), (34, 10, 10), (30, 9, 14), (27, 8, 17), (24, 7, 20), (20, 6, 24))
_SGTIN_96 = 0x30


def gtin_of(tag_id: str) -> str | None:
    """The GTIN-14 inside a tag's SGTIN-96 (24 hex digits), None for any other number."""
    try:
        epc = int(tag_id, 16) if len(tag_id) == 24 else -1
    except ValueError:
        return None
    if epc >> 88 != _SGTIN_96 or (epc >> 82) & 7 >= len(_PARTITIONS):
        return None
    prefix_bits, digits, item_bits = _PARTITIONS[(epc >> 82) & 7]
    prefix = (epc >> (82 - prefix_bits)) & ((1 << prefix_bits) - 1)
    item = (epc >> 38) & ((1 << item_bits) - 1)
    if prefix >= 10**digits or item >= 10 ** (13 - digits):
        return None
    company, reference = f"{prefix:0{digits}d}", f"{item:0{13 - digits}d}"
    body = reference[0] + company + reference[1:]
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(body))
    return body + str(-total % 10)


def _by_gtin(store: Store) -> dict[str, str]:
    """GTIN-14 -> product id, for every identifier and alias that is a number of at most 14 digits."""
    out: dict[str, str] = {}
    for product in store.catalogue.products:
        for identifier in (product.product_id, *product.aliases):
            if identifier.isascii() and identifier.isdigit() and len(identifier) <= 14:
                out.setdefault(identifier.zfill(14), product.product_id)
    return out


def _pause_ns(reads: deque[int]) -> float:
    """The tag's usual pause between reads, ns."""
    if len(reads) < 2:
        return 0.0
    return (reads[-1] - reads[0]) / (len(reads) - 1)
