"""`jwo account` in a store directory, as staff use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from jwo_cli.journal.mark import resolve_key
from jwo_cli.layouts.settings import read_settings
from jwo_cli.model.findings import UserError
from jwo_cli.shop.entry_code import EntryCode, EntryKeys, read_code

Jwo = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def shop(jwo: Jwo, tmp_path: Path) -> Path:
    """A store directory, in which the commands run."""
    assert jwo("init", "made").returncode == 0
    for item in (tmp_path / "made").iterdir():
        item.rename(tmp_path / item.name)
    (tmp_path / "made").rmdir()
    return tmp_path


def told(jwo: Jwo, *words: str) -> object:
    done = jwo(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_account_from_opening_to_erasing(jwo: Jwo, shop: Path) -> None:
    """Open, pay with, show, block, erase; names are in no file but the vault, and sealed there."""
    pytest.importorskip("cryptography")
    made = told(jwo, "account", "new", "--name", "Ada Lovelace", "--email", "ada@example.org")
    assert isinstance(made, dict)
    account = made["account"]
    told(jwo, "account", "payment", account, "--provider", "fake", "--customer", "cus_1", "--method", "pm_1")
    shown = told(jwo, "account", "show", account[:5])
    assert isinstance(shown, dict)
    assert (shown["personal"], shown["state"]) == ({"name": "Ada Lovelace", "email": "ada@example.org"}, "open")
    blocked = told(jwo, "account", "block", account, "--reason", "dispute")
    assert isinstance(blocked, dict)
    assert (blocked["state"], blocked["reason"]) == ("blocked", "dispute")
    undone = told(jwo, "account", "block", account, "--undo")
    assert isinstance(undone, dict)
    assert undone["state"] == "open"
    assert jwo("account", "erase", account).returncode == 2
    told(jwo, "account", "erase", account, "--dry-run")
    told(jwo, "account", "erase", account, "--yes")
    gone = told(jwo, "account", "show", account)
    assert isinstance(gone, dict)
    assert (gone["personal"], gone["state"], gone["method"]) == (None, "erased", None)
    everything = b"".join(file.read_bytes() for file in shop.rglob("*") if file.is_file())
    assert b"Lovelace" not in everything
    assert b"ada@example.org" not in everything


def test_codes_are_good_at_this_store(jwo: Jwo, shop: Path) -> None:
    """As JSON, as a terminal's QR and as a picture that a reader reads; also after the key was rotated."""
    account = jwo("account", "new").stdout.strip()
    shown = told(jwo, "account", "code", account, "--party", "2", "--png", "code.png")
    assert isinstance(shown, dict)
    told(jwo, "account", "key")
    keys = resolve_key(read_settings(shop).entry_key).split()
    read = read_code(shown["text"], store_id="made", keys=EntryKeys(current=keys[0], older=tuple(keys[1:])))
    assert isinstance(read, EntryCode)
    assert (read.account, read.party_size, shown["expires_s"] - read.issued_s) == (account, 2, 60)
    picture = (shop / "code.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert "▄" in jwo("account", "code", account).stdout
    assert told(jwo, "account", "key", "--retire") == {"keys_accepted": 1}
    assert (shop / "keys" / "entry.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("account", "show", "nobody"), "there is no account 'nobody'"),
        (("account", "new", "--email", "not an address"), "no e-mail address"),
        (("account", "code", "a-", "--party", "99"), "there is no account"),
    ],
)
def test_mistakes_are_told_with_what_to_do(jwo: Jwo, shop: Path, words: tuple[str, ...], says: str) -> None:
    """Exit code 2, a sentence, no traceback."""
    done = jwo(*words)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_card_numbers_are_refused(jwo: Jwo, shop: Path) -> None:
    """Sixteen digits never get into the journal."""
    account = jwo("account", "new").stdout.strip()
    done = jwo("account", "payment", account, "--provider", "x", "--customer", "4242 4242 4242 4242", "--method", "pm")
    assert (done.returncode, "card" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("card:4242424242424242", "card's number"),
        ("pm_4242 4242 4242 4242", "card's number"),
        ("x3782-822463-10005", "card's number"),
        ("", "no reference"),
        ("pm 1", "no reference"),
        ("pm_1NXWPnLkdIwHu7ixl1234567", ""),
    ],
)
def test_only_references_are_kept(shop: Path, reference: str, says: str) -> None:
    """A card's number is found wherever it stands, and is not repeated in the answer."""
    from jwo_cli.drive.accounts import AccountBook

    with AccountBook.open(read_settings(shop), store_id="s") as book:
        account = book.new()
        with pytest.raises(UserError, match=says) if says else nullcontext() as told:
            book.pay_with(account, provider="fake", customer_ref="cus_1", method_ref=reference)
    assert "4242" not in str(told)


def test_outside_of_a_store_it_says_so(jwo: Jwo) -> None:
    """The way on is named."""
    done = jwo("account", "list")
    assert (done.returncode, "jwo init" in done.stderr) == (2, True)


def test_two_who_erase_an_account_at_once_both_succeed(jwo: Jwo, shop: Path) -> None:
    """One entry says so; the second finds it done."""
    from jwo_cli.drive.accounts import AccountBook

    settings = read_settings(shop)
    with AccountBook.open(settings, store_id="s") as one, AccountBook.open(settings, store_id="s") as two:
        seen = one.new()
        assert one.erase(seen).erased
        assert two.erase(seen).erased  # as it was before the first one erased it
