"""Tags that are there, and tags that are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jwo_cli.estimate.signals import TagRead
from jwo_cli.estimate.tags import TagPresence, gtin_of
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Antenna, Pose, Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagChanged, TagState
from tests.estimate.people import figures

EPC = "3034257BF7194E4000001A85"  # the example of the EPC Tag Data Standard: 0614141.812345.6789


def store() -> Store:
    """A store with one antenna, selling the thing that EPC is on."""
    product = Product(product_id="80614141123458", name="Example", price_minor=100)
    return replace(
        figures.store(),
        antennas=(Antenna(antenna_id="ant", pose=Pose(x_m=0.0, y_m=0.0), range_m=1.0),),
        catalogue=Catalogue(currency="EUR", products=(product,)),
    )


def read(seconds: float, tag: str = EPC, antenna: str = "ant") -> TagRead:
    """One read."""
    return TagRead(at_ns=figures.at_ns(seconds), antenna_id=antenna, tag_id=tag, rssi_dbm=-60.0)


def changes(reads: list[TagRead], until: float) -> list[TagChanged]:
    """What the reads come to."""
    presence = TagPresence(store())
    for one in reads:
        presence.feed(one)
    presence.advance(figures.at_ns(until))
    return [o for _, o in presence.take() if isinstance(o, TagChanged)]


def test_a_tag_that_is_read_again_and_again_is_present() -> None:
    """Three reads within two seconds, and its product is known by its number."""
    (change,) = changes([read(0.3 * i) for i in range(8)], 2.5)
    assert (change.state, change.product_id) == (TagState.PRESENT, "80614141123458")


def test_a_single_read_is_a_reflection() -> None:
    """One read in ten seconds means nothing."""
    assert changes([read(0.0), read(10.0)], 12.0) == []


def test_a_tag_that_falls_silent_while_others_are_heard_is_gone() -> None:
    """Gone since its last read."""
    reads = [read(0.2 * i) for i in range(20)] + [read(4.0 + 0.2 * i, "other") for i in range(40)]
    gone = [c for c in changes(reads, 12.0) if c.state is TagState.GONE and c.tag_id == EPC]
    assert [c.at_ns for c in gone] == [figures.at_ns(3.8)]


def test_a_deaf_antenna_says_nothing_about_absence() -> None:
    """When nothing is heard any more, tags are not gone."""
    assert [c.state for c in changes([read(0.2 * i) for i in range(20)], 60.0)] == [TagState.PRESENT]


def test_a_short_pause_is_no_absence() -> None:
    """A body between tag and antenna for two seconds."""
    reads = [read(0.2 * i) for i in range(10)] + [read(4.0 + 0.2 * i) for i in range(10)]
    assert [c.state for c in changes(reads, 6.5)] == [TagState.PRESENT]


def test_an_unknown_antenna_is_reported_once() -> None:
    """The layout should name it."""
    presence = TagPresence(store())
    for i in range(5):
        presence.feed(read(0.1 * i, antenna="nowhere"))
    faults = [o for _, o in presence.take() if isinstance(o, DeviceFaulted)]
    assert [fault.kind for fault in faults] == [FaultKind.UNKNOWN_CHANNEL]


@pytest.mark.parametrize(("tag", "gtin"), [(EPC, "80614141123458"), ("not a tag", None), ("E2" + "0" * 22, None)])
def test_the_number_inside_a_tag(tag: str, gtin: str | None) -> None:
    """SGTIN-96 gives a GTIN; other schemes and rubbish give none."""
    assert gtin_of(tag) == gtin
