"""[payments], [seller] and [receipts] of jwo.toml: references to keys, addresses that are safe, faults with a fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.layouts.settings import Settings, read_settings
from jwo_cli.layouts.settings_money import FAKE_URL
from jwo_cli.model.findings import UserError

HEAD = """\
layout = "store.toml"
journal = "journal"
[mark]
file = "marks/a.json"
key = "file:keys/mark.key"
[entry]
key = "env:ENTRY_KEY"
"""
MONEY = """\
[payments]
provider = "stripe"
key = "env:STRIPE_KEY"
webhook_key = "file:keys/hook.key"
listen = "127.0.0.1:8712"
return_url = "https://kiosk.example/paid"
hold = 20.0
[seller]
name = "Kiosk GmbH"
address = ["Hauptstrasse 1", "10115 Berlin"]
tax_number = "DE123456789"
[receipts]
webhook = "https://till.example/receipts"
webhook_key = "env:RECEIPTS_KEY"
"""


def read(folder: Path, money: str) -> Settings:
    (folder / "jwo.toml").write_text(HEAD + money)
    return read_settings(folder)


def test_a_store_without_money_charges_nobody(tmp_path: Path) -> None:
    """No table, no provider, no seller, no webhook."""
    money = read(tmp_path, "").money
    assert money.payments is None
    assert (money.seller.name, money.receipts_url) == ("", "")


def test_everything_is_read_and_paths_are_the_folders(tmp_path: Path) -> None:
    """Keys stay references."""
    money = read(tmp_path, MONEY).money
    assert money.payments is not None
    assert (money.payments.provider, money.payments.key, money.payments.url) == ("stripe", "env:STRIPE_KEY", "")
    assert money.payments.webhook_key == f"file:{tmp_path / 'keys' / 'hook.key'}"
    assert (money.payments.listen, money.payments.hold) == ("127.0.0.1:8712", 20.0)
    assert (money.payments.hold_wait_s, money.payments.open_unanswered) == (0.0, True)
    assert money.seller.address == ("Hauptstrasse 1", "10115 Berlin")
    assert money.receipts_key == "env:RECEIPTS_KEY"


def test_the_fake_provider_has_its_place(tmp_path: Path) -> None:
    """Where `jwo payments fake` listens, unless told otherwise."""
    money = read(tmp_path, '[payments]\nprovider = "fake"\nkey = "env:K"\n').money
    assert money.payments is not None
    assert money.payments.url == money.payments.return_url == FAKE_URL


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"stripe"', '"paypal"', "payments.provider"),
        ('"env:STRIPE_KEY"', '"sk_live_hunter2"', "payments.key"),
        ('"file:keys/hook.key"', '"whsec_hunter2"', "payments.webhook_key"),
        ('"127.0.0.1:8712"', '"8712"', "payments.listen"),
        ('"https://kiosk.example/paid"', '"kiosk.example"', "payments.return_url"),
        ('"https://kiosk.example/paid"', '"http://[::1"', "payments.return_url"),
        ('"https://kiosk.example/paid"', '"http://127.0.0.1:99999999/"', "payments.return_url"),
        ('"https://kiosk.example/paid"', '"http://kiosk.example/paid"', "payments.return_url"),
        ('return_url = "https://kiosk.example/paid"\n', "", "payments.return_url"),
        ('key = "env:STRIPE_KEY"', 'key = "env:STRIPE_KEY"\nurl = "http://proxy.example"', "payments.url"),
        ('webhook_key = "file:keys/hook.key"\n', "", "payments.webhook_key"),
        ("hold = 20.0", "hold = -1", "payments.hold"),
        ("hold = 20.0", "holds = 20", "payments.holds"),
        ("hold = 20.0", "hold = 0\nhold_wait = 3", "payments.hold_wait"),
        ("hold = 20.0", "hold = 20.0\nhold_wait = 99", "payments.hold_wait"),
        ("hold = 20.0", 'hold = 20.0\nhold_unanswered = "maybe"', "payments.hold_unanswered"),
        ('"https://till.example/receipts"', '"http://till.example/receipts"', "receipts.webhook"),
        ('"https://till.example/receipts"', '"https://me:hunter2@till.example/"', "receipts.webhook"),
        ('webhook_key = "env:RECEIPTS_KEY"\n', "", "receipts.webhook_key"),
        ('address = ["Hauptstrasse 1", "10115 Berlin"]', "address = [1]", "seller.address"),
    ],
)
def test_faults_are_named_and_secrets_are_not(tmp_path: Path, old: str, new: str, field: str) -> None:
    """The field, a fix, and nothing of what stood there."""
    with pytest.raises(UserError) as caught:
        read(tmp_path, MONEY.replace(old, new))
    assert field in [finding.field for finding in caught.value.findings]
    assert "hunter2" not in str(caught.value) + "".join(map(str, caught.value.findings))
