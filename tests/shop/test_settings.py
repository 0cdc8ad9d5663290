"""Switches for ablations: each is listed where they are measured, and switching it off is felt."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from benchmarks.ablations import FULL, VARIANTS
from jwo_cli.model.observations import IdentityDoubted, TrackStarted
from jwo_cli.shop.settings import EngineSettings
from tests.shop.little_store import Day, items
from tests.shop.test_combined import exchange
from tests.shop.test_looks import STORE, took

SWITCHES = [field.name for field in fields(EngineSettings) if field.name.startswith("use_")]


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_is_one_ablation(name: str) -> None:
    """Exactly one row of the table has everything on but this."""
    assert list(VARIANTS.values()).count(replace(FULL, **{name: False})) == 1


def seen(settings: EngineSettings) -> float:
    """How sure the engine is of the one of two equal drinks that a camera saw in the hand."""
    day = Day(people=("ann",), store=STORE, settings=settings)
    day.now = 6_000_000_000
    day.say(took(-351.0, ("cola", 3.0), ("soda", -3.0)))
    return day.close()["ann"].lines[0].probability


def test_without_looks_a_sight_says_nothing() -> None:
    """The twins are a toss-up again."""
    assert seen(EngineSettings()) > 0.95
    assert seen(EngineSettings(use_looks=False)) < 0.7


def merged(settings: EngineSettings) -> dict[str, dict[str, int]]:
    """Ann has a cola, Bob a tea; her id goes on as him, and she comes back as Cem."""
    day = Day(people=["ann", "bob"], settings=settings)
    day.weigh("s.p1", -351.0, "ann")
    day.weigh("s.p2", -120.0, "bob")
    day.say(IdentityDoubted(at_ns=day.tick(), kind="merge", before="bob", after="ann", probability=0.999))
    day.say(TrackStarted(at_ns=day.tick(), track_id="cem", x_m=0, y_m=0))
    day.say(IdentityDoubted(at_ns=day.now, kind="restart", before="bob", after="cem", probability=0.999))
    return {name: items(receipt) for name, receipt in day.close().items()}


def test_without_merges_an_id_stays_whose_it_was() -> None:
    """Each pays what the other took."""
    assert merged(EngineSettings()) == {"ann": {"tea": 1}, "cem": {"cola": 1}}
    assert merged(EngineSettings(use_merges=False)) == {"ann": {"cola": 1}, "cem": {"tea": 1}}


def test_without_overlaps_a_put_and_a_pick_are_not_read_together() -> None:
    """Lifts in parts are still read together, an exchange is not: the tea stays with who had it first."""
    assert "tea" not in exchange(EngineSettings())["ann"]
    assert exchange(EngineSettings(use_overlaps=False))["ann"].get("tea") == 1
