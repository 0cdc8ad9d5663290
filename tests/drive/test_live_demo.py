"""The demonstration of a running store: everything that it promises, in real time."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Jwo


@pytest.mark.slow
def test_ten_shoppers_are_charged_exactly_and_replayed_identically(jwo: Jwo) -> None:
    """Over MQTT and HTTP, with real entry codes: one JSON object on stdout, all of it as promised."""
    done = jwo("demo", "--live", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["visits"], shown["receipts_right"], shown["gates_opened"]) == (10, 10, 10)
    assert shown["ledger_minor"] == shown["provider_minor"] > 0
    assert (shown["reconciled"], shown["replay_identical"], shown["journal_sound"]) == (True, True, True)
    assert shown["exit_to_receipt_p95_s"] < shown["seconds"] / 10
