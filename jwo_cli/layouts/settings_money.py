"""What `jwo.toml` says about money: the payment provider, who sells, and where receipts go.

[payments]
provider = "stripe"                       # or "fake": `jwo payments fake`
key = "env:STRIPE_KEY"
webhook_key = "env:STRIPE_WEBHOOK_KEY"    # what the provider signs its webhooks with
listen = "127.0.0.1:8712"                 # where its webhooks arrive, behind a proxy that speaks TLS
url = "http://127.0.0.1:12111"            # only where it is not the provider's own
return_url = "https://kiosk.example/paid" # where shoppers come back to from the provider's pages
hold = 20.00                              # held at the entry, in the store's currency; 0: charged at the exit only
hold_wait = 3.0                           # the door waits so many seconds for the bank's word; 0: it opens at once
hold_unanswered = "open"                  # what it does when none came: "open" or "refuse"
[seller]                                  # the head of every receipt
name = "Corner Kiosk GmbH"
address = ["Hauptstrasse 1", "10115 Berlin"]
tax_number = "DE123456789"
[receipts]
webhook = "https://till.example/receipts" # every receipt is posted there, signed
webhook_key = "file:keys/receipts.key"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from jwo_cli.layouts.fields import Table

PROVIDERS = ("stripe", "fake")
LONGEST_WAIT_S = 30.0
FAKE_URL = "http://127.0.0.1:12111"
_REFERENCE_FIX = "Write env:NAME or file:PATH; the key itself never stands here."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettings:
    """How the store reaches its provider; keys are references. `url` is empty for the provider's own."""

    provider: str
    key: str
    webhook_key: str = ""
    listen: str = ""
    url: str = ""
    return_url: str = ""
    hold: float = 0.0
    hold_wait_s: float = 0.0
    open_unanswered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerSettings:
    """Who sells, as receipts have to say it."""

    name: str = ""
    address: tuple[str, ...] = ()
    tax_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneySettings:
    """The three tables; `payments` is None in a store that charges nobody."""

    payments: PaymentSettings | None = None
    seller: SellerSettings = field(default_factory=SellerSettings)
    receipts_url: str = ""
    receipts_key: str = ""

    @property
    def provider(self) -> str:
        """Whom the store charges through; empty in a store that charges nobody."""
        return "" if self.payments is None else self.payments.provider


def read_money(root: Table, folder: Path) -> MoneySettings:
    """The tables as far as they are there; what is wrong becomes findings of the root's source."""
    payments = root.table("payments", required=False)
    seller = root.table("seller", required=False)
    receipts = root.table("receipts", required=False)
    settings = MoneySettings(
        payments=_payments(payments, folder) if payments else None,
        seller=SellerSettings(
            name=seller.text("name", ""), address=_lines(seller, "address"), tax_number=seller.text("tax_number", "")
        )
        if seller
        else SellerSettings(),
        receipts_url=_url(receipts, "webhook", what="receipts") if receipts else "",
        receipts_key=reference(receipts, "webhook_key", folder) if receipts else "",
    )
    for table in (payments, seller, receipts):
        if table is not None:
            table.done()
    return settings


def reference(table: Table, name: str, folder: Path, *, required: bool = True) -> str:
    """A reference to a secret, its path absolute; anything else is reported without being shown."""
    table.has(name)
    value = table.values.get(name)
    if value is None and not required:
        return ""
    scheme, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    if scheme == "env" and rest:
        return f"env:{rest}"
    if scheme == "file" and rest:
        return f"file:{folder / rest}"
    table.bad(name, "the key is missing" if value is None else "this is no reference to a key", _REFERENCE_FIX)
    return ""


def _payments(table: Table, folder: Path) -> PaymentSettings:
    provider = table.text("provider")
    if provider and provider not in PROVIDERS:
        table.bad("provider", f"{provider!r} is no provider that this program speaks to", "Write stripe, or fake.")
    hold = table.number("hold", 0.0)
    if hold < 0:
        table.bad("hold", f"{hold:g} cannot be held", "Give an amount, or leave it out.")
    wait_s = table.number("hold_wait", 0.0)
    if not 0 <= wait_s <= LONGEST_WAIT_S or (wait_s and not hold):
        problem = "nothing is held that a door could wait for" if not hold else f"nobody waits {wait_s:g} s at a door"
        table.bad("hold_wait", problem, f"Give hold an amount, and hold_wait 0 to {LONGEST_WAIT_S:g} seconds.")
    unanswered = table.text("hold_unanswered", "open")
    if unanswered not in ("open", "refuse"):
        table.bad("hold_unanswered", f"{unanswered!r} is nothing that a door does", "Write open, or refuse.")
    url = _url(table, "url", what="the key and all payments")
    fake = provider == "fake"
    back = _url(table, "return_url", what="who pays")
    if not back and not fake and not table.values.get("return_url"):
        problem = "whoever is asked for by their bank would have no page to answer it on"
        table.bad("return_url", problem, "Name where shoppers come back to from that page: https://host/path.")
    listen, webhook_key = _listen(table), reference(table, "webhook_key", folder, required=False)
    if listen and table.values.get("webhook_key") is None:
        table.bad("webhook_key", "webhooks that nobody signed would not be listened to", _REFERENCE_FIX)
    return PaymentSettings(
        provider=provider,
        key=reference(table, "key", folder),
        webhook_key=webhook_key,
        listen=listen,
        url=url or (FAKE_URL if fake else ""),
        return_url=back or (url or FAKE_URL if fake else ""),
        hold=hold,
        hold_wait_s=wait_s,
        open_unanswered=unanswered == "open",
    )


def _url(table: Table, name: str, *, what: str) -> str:
    """A web address without user or password; https, except on this machine, because of `what` goes there."""
    value = table.text(name, "")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        table.bad(name, "this is no web address (or one with a password in it)", "Write https://host/path.")
        return ""
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        table.bad(name, f"{what} would go over the network in plain", "Write https://.")
        return ""
    return value


def _listen(table: Table) -> str:
    value = table.text("listen", "")
    host, _, port = value.rpartition(":")
    if value and not (host and port.isascii() and port.isdigit() and int(port) < 65_536):
        table.bad("listen", f"{value!r} is no address and port", "Write host:port, such as 127.0.0.1:8712.")
        return ""
    return value


def _lines(table: Table, name: str) -> tuple[str, ...]:
    table.has(name)
    value = table.values.get(name, [])
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        table.bad(name, "the address is no list of lines", 'Write ["street", "town"].')
        return ()
    return tuple(str(line) for line in value)
