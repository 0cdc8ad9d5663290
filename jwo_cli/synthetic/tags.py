"""Goods with tags in the fields of a store's antennas: what stands there, and how a play takes it and brings it back.

A tag is well heard where it stands. In the hand of somebody who is still near it is heard weakly and seldom, as a body
and a changed angle leave it, and farther away not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from jwo_cli.model.gtin import check_digit
from jwo_cli.model.layout import Antenna, Store

from .draws import named
from .stage import Happened, Person, Stage

EACH = 6  # tagged units of a facing, where it does not hold fewer
NEAR_M = 1.2  # a tag in a hand is heard this far from where it was
LEVEL_DBM, SPREAD_DB = -55.0, 3.0  # tags on a shelf, 0.5 to 1 m before an antenna
_COMPANY_DIGITS, _COMPANY_BITS, _ITEM_BITS, _PARTITION = 7, 24, 20, 5  # GS1 EPC Tag Data Standard 2.0, table 14-2


class Place(StrEnum):
    """Where a tag is, as far as antennas can tell."""

    SHELF = "shelf"
    HAND = "hand"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag (EPC in hexadecimal) on a unit that stands in an antenna's field at the beginning, and how it is heard."""

    tag_id: str
    product_id: str
    antenna_id: str
    rssi_dbm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A tag is there from `at_s` on."""

    at_s: float
    tag_id: str
    place: Place


def tagged(store: Store, *, seed: int, each: int = EACH) -> tuple[Tag, ...]:
    """The tagged units of all facings in the fields of antennas that name their plates."""
    return tuple(
        Tag(
            tag_id=sgtin(facing.product_id, number),
            product_id=facing.product_id,
            antenna_id=antenna.antenna_id,
            rssi_dbm=round(float(named(seed, "tag", facing.product_id, number).normal(LEVEL_DBM, SPREAD_DB)), 1),
        )
        for antenna in store.antennas
        for facing in store.facings
        if set(facing.plates) <= set(antenna.plates)
        for number in range(1, min(each, facing.capacity or each) + 1)
    )


def moves(store: Store, stage: Stage, tags: Sequence[Tag]) -> tuple[Moved, ...]:
    """What a play does to the tags, in order of time; units without a tag are taken when those with one are out."""
    fields = {antenna.antenna_id: antenna for antenna in store.antennas}
    standing = {tag.tag_id: tag for tag in tags}
    carried: dict[tuple[str, str], list[Tag]] = {}
    out: list[Moved] = []
    for event in sorted(stage.events, key=lambda event: event.at_s):
        for product in event.products if event.kind in {"pick", "put"} else ():
            hand = carried.setdefault((event.actor, product), [])
            if event.kind == "pick":
                tag = next((tag for tag in standing.values() if _may_be(tag, product, event, fields)), None)
                if tag is not None:
                    hand.append(standing.pop(tag.tag_id))
                    out.append(Moved(at_s=event.at_s, tag_id=tag.tag_id, place=Place.HAND))
                    gone_s = _away_s(store, stage.people[event.actor], event)
                    out.append(Moved(at_s=gone_s, tag_id=tag.tag_id, place=Place.AWAY))
            elif hand and set(event.plates) <= set(fields[hand[-1].antenna_id].plates):
                tag = hand.pop()
                standing[tag.tag_id] = tag
                out = [moved for moved in out if moved.tag_id != tag.tag_id or moved.at_s < event.at_s]
                out.append(Moved(at_s=event.at_s, tag_id=tag.tag_id, place=Place.SHELF))
    return tuple(sorted(out, key=lambda moved: moved.at_s))


def sgtin(gtin: str, serial: int) -> str:
    """SGTIN-96 of a GTIN-13 with a company prefix of seven digits and a serial number, in hexadecimal.

    Raises ValueError for anything else.
    """
    if not (len(gtin) == 13 and gtin.isdecimal() and check_digit(gtin[:-1]) == int(gtin[-1])):
        raise ValueError(f"{gtin} is no GTIN-13")
    company, item = int(gtin[:_COMPANY_DIGITS]), int(gtin[_COMPANY_DIGITS:-1])  # indicator 0 before the item
    front = (0x30 << 6 | 1 << 3 | _PARTITION) << _COMPANY_BITS | company
    return f"{(front << _ITEM_BITS | item) << 38 | serial:024x}"


def _may_be(tag: Tag, product_id: str, event: Happened, fields: dict[str, Antenna]) -> bool:
    return tag.product_id == product_id and not set(event.plates).isdisjoint(fields[tag.antenna_id].plates)


def _away_s(store: Store, person: Person, event: Happened) -> float:
    """When somebody is out of an antenna's hearing with what they took; at the latest when they are gone."""
    spot, at_s = np.array(store.plate_centre(event.plates[0])[:2]), event.at_s
    while at_s < person.motion.end_s and np.hypot(*(np.array(person.motion.position(at_s)) - spot)) < NEAR_M:
        at_s += 0.1
    return at_s
