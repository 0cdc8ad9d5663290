"""What hands held around a weight change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.perception import Perception
from jwo_cli.estimate.vision.appearance import Appearance
from jwo_cli.estimate.vision.sights import HandSight, Sights
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Facing
from jwo_cli.model.observations import Reach, WeightChanged
from tests.estimate.people import figures
from tests.estimate.test_perception import arriving, shopping
from tests.estimate.vision.test_appearance import PRODUCTS, gallery, like

SHOP = gallery()
SEEN = Appearance(SHOP)
AT = 10_000_000_000
ANN = Reach(track_id="ann", log_likelihood=5.0, hand_m=0.05, body_m=0.4)
BEN = Reach(track_id="ben", log_likelihood=-9.0, hand_m=1.5, body_m=1.8)


def sights(*held: tuple[str, int, int]) -> Sights:
    """Who held which product (row) so many milliseconds after AT."""
    kept = Sights(SEEN)
    for who, row, after_ms in held:
        at_ns = AT + after_ms * 1_000_000
        kept.see(HandSight(at_ns=at_ns, track_id=who, side=1, similarity=SEEN.similarity(like(SHOP, row, 0.3))[0]))
    return kept


def best(said: tuple[tuple[str, float], ...]) -> str:
    return max(said, key=lambda item: item[1])[0]


def test_what_left_is_in_the_hand_right_after() -> None:
    """Ann held a jar before and a cola after: a cola left."""
    kept = sights(("ann", 3, -600), ("ann", 3, -400), ("ann", 0, 400), ("ann", 0, 700))
    assert best(kept.appearance(AT, -1, [ANN, BEN], PRODUCTS)) == "cola"


def test_what_arrived_was_in_the_hand_right_before() -> None:
    """And as something put down it is the jar."""
    kept = sights(("ann", 3, -600), ("ann", 3, -400), ("ann", 0, 400))
    assert best(kept.appearance(AT, 1, [ANN, BEN], PRODUCTS[:2])) == "jar"


def test_a_bystanders_hand_says_next_to_nothing() -> None:
    """What Ben holds, who was not there, does not speak about what Ann took."""
    kept = sights(("ben", 2, 400))
    assert all(abs(nats) < 0.01 for _, nats in kept.appearance(AT, -1, [ANN, BEN], PRODUCTS))


@pytest.mark.parametrize("after_ms", [-5000, 5000])
def test_what_was_seen_long_before_or_after_does_not_count(after_ms: int) -> None:
    """Five seconds away it may be another thing."""
    assert sights(("ann", 0, after_ms)).appearance(AT, -1, [ANN], PRODUCTS) == ()


def test_goods_that_only_shifted_say_nothing() -> None:
    """Neither taken nor placed: no direction, no word."""
    assert sights(("ann", 0, 400)).appearance(AT, 0, [ANN], PRODUCTS) == ()


def test_memory_is_bounded() -> None:
    """Half a minute of pictures is all that is kept."""
    kept = Sights(SEEN)
    for second in range(300):
        similarity = np.zeros(len(PRODUCTS))
        kept.see(HandSight(at_ns=second * 1_000_000_000, track_id="ann", side=0, similarity=similarity))
    assert len(kept._kept) <= 31


def test_the_front_end_tells_what_the_taker_held() -> None:
    """Of two takes at one shelf each carries what its own taker held afterwards, among what stands there."""
    poses, weights = shopping()
    shop = replace(
        figures.store(),
        facings=tuple(Facing(product_id=name, plates=tuple(map(figures.plate, (3, 8)))) for name in PRODUCTS),
        catalogue=Catalogue(
            currency="EUR", products=tuple(Product(product_id=name, name=name, price_minor=1) for name in PRODUCTS)
        ),
    )
    kept = Sights(SEEN)
    for second, who, row in ((6.5, "a", 0), (8.6, "b", 2)):
        similarity = SEEN.similarity(like(SHOP, row, 0.3))[0]
        kept.see(HandSight(at_ns=figures.at_ns(second), track_id=who, side=1, similarity=similarity))
    perception = Perception(shop, recording_id="r", sights=kept)
    told = [item for signal in arriving(poses, weights) for item in perception.feed(signal)] + [*perception.close()]
    changes = [item for item in told if isinstance(item, WeightChanged)]
    assert [best(change.appearance) for change in changes] == ["cola", "tea"]
