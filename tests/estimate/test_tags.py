"""Tagged goods that come and go, by product."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.signals import TagRead
from jwo_cli.estimate.tags import TagPresence, tag_plates
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Antenna, Pose, Store
from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagChanged, TagState
from jwo_cli.model.units import NS_PER_S
from tests.estimate.people import figures
from tests.estimate.radio import mixed, reads, shelf

EPC = "3034257BF7194E4000001A85"  # the example of the EPC Tag Data Standard: 0614141.812345.6789
ANTENNA = Antenna(antenna_id="ant", pose=Pose(x_m=0.0, y_m=0.0), range_m=1.0)


def store(*products: Product) -> Store:
    """A store with one antenna, selling the thing that EPC is on."""
    known = products or (Product(product_id="80614141123458", name="Example", price_minor=100),)
    return replace(figures.store(), antennas=(ANTENNA,), catalogue=Catalogue(currency="EUR", products=known))


def observed(stream: list[TagRead], until: float, shop: Store | None = None) -> list[TagChanged | DeviceFaulted]:
    """What the reads come to, in order of due time."""
    presence = TagPresence(shop or store())
    for one in stream:
        presence.feed(one)
    presence.close(figures.at_ns(until))
    return [observation for _, observation in sorted(presence.take(), key=lambda item: item[0])]


def changes(stream: list[TagRead], until: float, shop: Store | None = None) -> list[TagChanged]:
    """The changes among them."""
    return [one for one in observed(stream, until, shop) if isinstance(one, TagChanged)]


def test_a_tag_comes_and_goes_under_its_products_number() -> None:
    """Taken at 20 s from beside five tags of nobody's."""
    found = changes(mixed(shelf(5, 0, 30), reads(EPC, 0, 20)), 30)
    assert [(c.state, c.product_id) for c in found] == [
        (TagState.PRESENT, "80614141123458"),
        (TagState.GONE, "80614141123458"),
    ]


@pytest.mark.parametrize(
    ("product_id", "aliases"),
    [("cola", ("80614141123458",)), ("cola", (EPC,)), ("80614141123458", ())],
)
def test_a_tag_finds_its_product_by_number_or_by_name(product_id: str, aliases: tuple[str, ...]) -> None:
    """The GTIN may be the identifier or an alias, and an alias may be the tag itself."""
    presence = TagPresence(store(Product(product_id=product_id, name="Cola", price_minor=1, aliases=aliases)))
    assert presence.product_of(EPC) == product_id


def test_shorter_numbers_are_the_same_product() -> None:
    """A catalogue with a UPC of twelve digits, a tag with its fourteen."""
    tag = "urn:epc:id:sgtin:0012000.017174.1"
    for identifier in ("012000171741", "12000171741", "0012000171741"):
        presence = TagPresence(store(Product(product_id=identifier, name="Cola", price_minor=1)))
        assert presence.product_of(tag) == identifier


def test_in_house_numbers_are_not_taken_for_gtins() -> None:
    """1234 in the catalogue is no GTIN, whatever a tag says."""
    assert TagPresence(store(Product(product_id="1234", name="Bun", price_minor=1))).product_of(EPC) is None


def test_tags_of_no_product_are_counted_once_each() -> None:
    """They are not told as goods; the end of the day tells how many there were."""
    out = observed(shelf(5, 0, 20), 20)
    assert [type(one) for one in out] == [DeviceFaulted]
    assert isinstance(out[0], DeviceFaulted)
    assert (out[0].device_id, out[0].kind, out[0].count) == ("ant", FaultKind.UNKNOWN_CHANNEL, 5)


def test_an_unknown_antenna_is_reported_once() -> None:
    """The layout should name it."""
    out = observed(reads(EPC, 0, 5, antenna="nowhere"), 5)
    assert [one.kind for one in out if isinstance(one, DeviceFaulted)] == [FaultKind.UNKNOWN_CHANNEL]


def test_impossible_reads_are_counted_and_change_nothing() -> None:
    """No strength, or no number."""
    good = mixed(shelf(5, 0, 30), reads(EPC, 0, 20))
    bad = [replace(good[0], rssi_dbm=float("nan")), replace(good[1], tag_id="")]
    out = observed(good + bad, 30)
    assert [one for one in out if isinstance(one, TagChanged)] == changes(good, 30)
    assert [one.count for one in out if isinstance(one, DeviceFaulted) and one.kind is FaultKind.NAN] == [2]


def test_two_antennas_do_not_know_of_each_other() -> None:
    """Taken from one field and carried into the other."""
    stream = mixed(
        shelf(5, 0, 60), reads(EPC, 0, 20), reads(EPC, 40, 60, antenna="b"),
        mixed(*(reads(f"u{i}", 0, 60, antenna="b") for i in range(4))),
    )  # fmt: skip
    shop = replace(store(), antennas=(ANTENNA, replace(ANTENNA, antenna_id="b")))
    assert [(c.antenna_id, c.state) for c in changes(stream, 60, shop)] == [
        ("ant", TagState.PRESENT), ("ant", TagState.GONE), ("b", TagState.PRESENT),
    ]  # fmt: skip


@given(st.lists(st.integers(1, 400), max_size=12), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_when_it_is_asked_to_judge_does_not_matter(cuts: list[int], seed: int) -> None:
    """Settled after every read, now and then, or at the end: the same changes with the same due times."""
    stream = mixed(shelf(4, 0, 25, seed=seed), reads(EPC, 0, 12, seed=seed))
    whole, parts = TagPresence(store()), TagPresence(store())
    for i, one in enumerate(stream):
        whole.feed(one)
        parts.feed(one)
        if i in cuts:
            parts.settle(one.at_ns - NS_PER_S)
    whole.close(figures.at_ns(25))
    parts.close(figures.at_ns(25))
    assert whole.take() == parts.take()


def test_a_change_is_never_due_before_it_was_judged() -> None:
    """Whoever settles up to a time has everything that is due by it."""
    presence = TagPresence(store())
    for one in mixed(shelf(5, 0, 30), reads(EPC, 0, 20)):
        presence.feed(one)
    for half in range(60):
        now = figures.at_ns(0.5 * half)
        presence.settle(now)
        assert all(now - NS_PER_S // 2 < due <= now for due, _ in presence.take())


def test_a_weekend_of_silence_costs_nothing() -> None:
    """Closed for two days between reads: no step is made for it, and what stays is still there."""
    presence = TagPresence(store())
    for begin in (0.0, 200_000.0):
        for one in mixed(shelf(5, begin, begin + 30), reads(EPC, begin, begin + 30)):
            presence.feed(one)
        presence.settle(figures.at_ns(begin + 30))
    presence.settle(figures.at_ns(10_000_000.0))
    told = [one for _, one in presence.take()]
    assert [one.state for one in told if isinstance(one, TagChanged)] == [TagState.PRESENT]
    assert presence.held() < 20


def test_where_a_tag_was_is_its_facing_in_the_antennas_field() -> None:
    """Its own facings in the field; without a facing there, anywhere in the field; without plates, unknown."""
    field = replace(ANTENNA, plates=("p1", "p2"))
    assert tag_plates(("p2", "p7"), field) == ("p2",)
    assert tag_plates((), field) == ("p1", "p2")
    assert tag_plates(("p7",), field) == ()
    assert tag_plates(("p7",), ANTENNA) == ("p7",)
    assert tag_plates((), None) == ()
