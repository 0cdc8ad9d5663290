"""How a store is, from its journal alone."""

from __future__ import annotations

import json
from pathlib import Path

from jwo_cli.drive.state import state_of
from tests.conftest import Jwo
from tests.drive.counter import Shop, enters, up


def visited(place: Path, until_s: float) -> Shop:
    """Ann comes in with a code at 1.5 s, takes a water, and leaves."""
    shop = Shop(place)
    up(shop)
    shop.play(until_s=1.5)
    enters(shop, 1.5)
    shop.play(from_s=1.5, until_s=until_s)
    shop.run.commit()
    return shop


def test_who_is_inside_is_named_with_the_time(tmp_path: Path, jwo: Jwo) -> None:
    """For people in the table, for programs in JSON; nothing was sold yet."""
    shop = visited(tmp_path, 8.0)
    (visit,) = shop.run.engine.roster.visits
    (ann,) = state_of(tmp_path / "journal").inside
    assert ann.visit_id == visit
    journal = ("--journal", tmp_path / "journal")
    told = jwo("store", "status", *journal).stdout
    assert f"{visit} since 2023-11-14 22:13 UTC" in told
    assert "nothing" in told
    assert json.loads(jwo("store", "status", *journal, "--json").stdout)["inside"][0]["visit_id"] == visit
    shop.end()


def test_what_was_sold_is_a_sum_of_money(tmp_path: Path, jwo: Jwo) -> None:
    """Her receipt, as it was charged; nobody is inside any more."""
    shop = visited(tmp_path, 99.0)
    shop.end()
    state, (receipt,) = state_of(tmp_path / "journal"), shop.run.live.receipts
    assert (state.inside, state.receipts, state.charged_minor) == ((), 1, receipt.charged_minor)
    told = jwo("store", "status", "--journal", tmp_path / "journal").stdout
    assert "1 receipt, 1.00 EUR would have been charged" in told
    assert "without [payments]: nobody is charged" in told
    assert "shadow" not in told
