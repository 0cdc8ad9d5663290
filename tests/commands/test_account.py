"""`jwo account` in a store directory, as staff use it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from jwo_cli.journal import Intake
from jwo_cli.journal.mark import resolve_key
from jwo_cli.layouts.settings import read_settings
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entry import REPLAYED, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.staffing import EntryGranted
from jwo_cli.shop.entry_code import EntryCode, EntryKeys, read_code
from tests.shop.test_receipts_text import bought, sure

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
    drawn = jwo("account", "code", account)
    assert "▄" in drawn.stdout
    assert re.search(r"until \d\d:\d\d:\d\d CES?T\n$", drawn.stderr)
    written = jwo("account", "code", account, "--png", "code.png")
    assert (written.stdout, "wrote code.png\n" in written.stderr) == ("", True)
    assert "does not end in .png" in jwo("account", "code", account, "--png", "code.gif").stderr
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


def test_an_erasure_says_what_it_does_not_reach(jwo: Jwo, shop: Path) -> None:
    """A customer at a provider that the store does not name: rehearsed and done, it is said."""
    account = jwo("account", "new").stdout.strip()
    told(jwo, "account", "payment", account, "--provider", "stripe", "--customer", "cus_1", "--method", "pm_1")
    for how in ("--dry-run", "--yes"):
        assert "cus_1 at stripe stays" in jwo("account", "erase", account, how).stderr


def test_a_card_number_is_no_name(jwo: Jwo, shop: Path) -> None:
    """By its check digit: a long number that is none may be somebody's."""
    refused = jwo("account", "new", "--name", "Ada 4242 4242 4242 4242")
    assert (refused.returncode, "a card's number" in refused.stderr) == (2, True)
    assert jwo("account", "new", "--name", "Ada 4242 4242 4242 4243").returncode == 0


def test_card_numbers_are_refused(jwo: Jwo, shop: Path) -> None:
    """Sixteen digits never get into the journal."""
    account = jwo("account", "new").stdout.strip()
    done = jwo(
        "account", "payment", account, "--provider", "fake", "--customer", "4242 4242 4242 4242", "--method", "pm"
    )
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


def test_nobody_is_erased_between_their_entry_and_their_receipt(jwo: Jwo, shop: Path) -> None:
    """Nobody could be charged any more; what a replay tells again of an entry keeps nobody."""
    from jwo_cli.drive.state import unsettled

    journal = read_settings(shop).journal

    def told(source: str, value: EntryGranted | ReceiptIssued) -> None:
        kind = kind_of(type(value))
        entry = NewEntry(key=f"{source}/{kind}", at_ns=value.at_ns, source=source, kind=kind, payload=encode(value))
        with Intake.open(journal) as intake:
            intake.append([entry])

    ann = jwo("account", "new").stdout.strip()
    came = EntryGranted(at_ns=7, gate_id="door", account=ann)
    told(f"{REPLAYED}x", came)
    assert unsettled(journal, ann) is None
    told("run/1", came)
    told("run/2", replace(came, account="somebody"))
    assert unsettled(journal, ann) == 7
    refused = jwo("account", "erase", ann, "--yes")
    assert (refused.returncode, "have no receipt yet" in refused.stderr) == (1, True)
    told("run/1", replace(bought(sure("bread")), account=ann))
    assert unsettled(journal, ann) is None
    assert jwo("account", "erase", ann, "--yes").returncode == 0


def test_two_who_erase_an_account_at_once_both_succeed(jwo: Jwo, shop: Path) -> None:
    """One entry says so; the second finds it done."""
    from jwo_cli.drive.accounts import AccountBook

    settings = read_settings(shop)
    with AccountBook.open(settings, store_id="s") as one, AccountBook.open(settings, store_id="s") as two:
        seen = one.new()
        assert one.erase(seen).erased
        assert two.erase(seen).erased  # as it was before the first one erased it


def test_two_who_rotate_the_key_at_once_lose_no_key(shop: Path) -> None:
    """Who comes while another reads and replaces the file waits for it: each fresh key is kept, and the one before."""
    from jwo_cli.drive.accounts import rotate_entry_key

    keys, settings = shop / "keys" / "entry.key", read_settings(shop)
    first, held = keys.read_bytes(), os.open(keys.parent, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    turns = [threading.Thread(target=rotate_entry_key, args=(settings,)) for _ in range(3)]
    for turn in turns:
        turn.start()
    time.sleep(0.1)
    assert keys.read_bytes() == first
    os.close(held)
    for turn in turns:
        turn.join(10)
    found = keys.read_bytes().split()
    assert (len(set(found)), found[-1]) == (4, first.strip())


def test_a_wrong_key_for_personal_fields_is_told_before_it_does_harm(jwo: Jwo, shop: Path) -> None:
    """What needs no fields goes on; a name is not sealed under another key than the others."""
    account = jwo("account", "new", "--name", "Ada").stdout.strip()
    good = (shop / "keys" / "people.key").read_bytes()
    (shop / "keys" / "people.key").write_bytes(b"another key of more than sixteen bytes")
    listed = jwo("account", "list", "--json")
    assert (listed.returncode, "[people]" in listed.stderr, len(json.loads(listed.stdout))) == (0, True, 1)
    assert "[people]" in jwo("run", "--for", "0", "--quiet", "--no-recording").stderr
    refused = jwo("account", "new", "--name", "Bob")
    assert (refused.returncode, "[people]" in refused.stderr) == (1, True)
    (shop / "keys" / "people.key").write_bytes(good)
    assert told(jwo, "account", "show", account)["personal"] == {"name": "Ada"}  # type: ignore[index,call-overload]
    assert len(told(jwo, "account", "list")) == 1  # type: ignore[arg-type]


def test_only_a_provider_that_the_store_charges_through_is_taken(jwo: Jwo, shop: Path) -> None:
    """A word that is none is refused with those that are."""
    account = jwo("account", "new").stdout.strip()
    done = jwo("account", "payment", account, "--provider", "strpe", "--customer", "cus_1", "--method", "pm_1")
    assert (done.returncode, "--provider stripe or fake" in done.stderr) == (2, True)
    (shop / "jwo.toml").open("a").write('[payments]\nprovider = "fake"\nkey = "env:X"\n')
    done = jwo("account", "payment", account, "--provider", "stripe", "--customer", "cus_1", "--method", "pm_1")
    assert (done.returncode, "--provider fake" in done.stderr) == (2, True)
