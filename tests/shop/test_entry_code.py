"""Entry codes: what is made with a store's key is read there, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.model.entering import Refusal
from jwo_cli.shop.entry_code import (
    ACCOUNT_MAX,
    TOKEN_CHARACTERS,
    EntryCode,
    EntryKeys,
    NoEntryCode,
    account_key,
    account_reference,
    is_account_reference,
    make_code,
    read_code,
)

S = 1_000_000_000
NOW = 1_790_000_000 * S
KEY, OLD = b"k" * 32, b"o" * 32
ANNA = account_reference(7)

accounts = st.integers(0, ACCOUNT_MAX - 1).map(account_reference)
keys = st.binary(min_size=16, max_size=48)


def code(key: bytes = KEY, store: str = "shop", account: str = ANNA, **more: int) -> str:
    return make_code(account_key(key, store, account), store_id=store, account=account, **{"at_ns": NOW, **more})


@given(
    key=keys,
    account=accounts,
    store=st.text(min_size=1, max_size=30),
    party=st.integers(1, 15),
    number=st.integers(0, 65535),
)
def test_what_was_made_is_read(key: bytes, account: str, store: str, party: int, number: int) -> None:
    """Account, time and party come back whole; the text is 38 characters that a QR code holds as alphanumeric."""
    text = code(key, store, account, party_size=party, number=number)
    assert len(text) == TOKEN_CHARACTERS
    read = read_code(text, store_id=store, keys=EntryKeys(current=key))
    assert isinstance(read, EntryCode)
    assert (read.account, read.issued_s, read.party_size) == (account, NOW // S, party)


@given(
    place=st.integers(0, TOKEN_CHARACTERS - 1), other=st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
)
def test_a_changed_character_is_never_accepted(place: int, other: str) -> None:
    """Whatever was changed: unreadable, foreign or forged, but not a code."""
    good = code()
    text = good[:place] + other + good[place + 1 :]
    read = read_code(text, store_id="shop", keys=EntryKeys(current=KEY))
    assert isinstance(read, NoEntryCode) == (text != good)


@given(st.text(max_size=100))
def test_any_text_is_judged(text: str) -> None:
    """What stands on posters, packages and screens raises nothing and is no entry code."""
    assert isinstance(read_code(text, store_id="shop", keys=EntryKeys(current=KEY)), NoEntryCode)


def test_keys_rotate() -> None:
    """A code made with an older key is read as long as the gate still holds that key."""
    assert isinstance(read_code(code(OLD), store_id="shop", keys=EntryKeys(current=KEY, older=(OLD,))), EntryCode)
    retired = read_code(code(OLD), store_id="shop", keys=EntryKeys(current=KEY))
    assert retired == NoEntryCode(refusal=Refusal.FORGED, account=ANNA)


def test_a_code_of_another_store_is_told_from_a_forgery() -> None:
    """Also where both stores share a key."""
    read = read_code(code(store="other"), store_id="shop", keys=EntryKeys(current=KEY))
    assert read == NoEntryCode(refusal=Refusal.FOREIGN, account=None)


def test_one_account_cannot_make_codes_of_another() -> None:
    """A phone has its own account's key only."""
    stolen = account_key(KEY, "shop", ANNA)
    text = make_code(stolen, store_id="shop", account=account_reference(8), at_ns=NOW)
    read = read_code(text, store_id="shop", keys=EntryKeys(current=KEY))
    assert read == NoEntryCode(refusal=Refusal.FORGED, account=account_reference(8))


@given(st.integers(0, ACCOUNT_MAX - 1))
def test_references_are_accounts_of_their_own(number: int) -> None:
    """Twelve characters that stand for one number, and are known as such."""
    reference = account_reference(number)
    assert len(reference) == 12
    assert is_account_reference(reference)
    assert not is_account_reference(reference.upper())


@pytest.mark.parametrize("wrong", ["", "a-", "a-0000000000x", "b-0000000000", "a-zzzzzzzzzz", "a-000000000u"])
def test_other_texts_are_no_references(wrong: str) -> None:
    """Length, prefix, digits and range are all looked at."""
    assert not is_account_reference(wrong)


@pytest.mark.parametrize(
    "more", [{"party_size": 0}, {"party_size": 16}, {"number": -1}, {"number": 65536}, {"at_ns": -S}]
)
def test_what_does_not_fit_is_refused(more: dict[str, int]) -> None:
    """A code never says something else than was asked for."""
    with pytest.raises(ValueError, match="does not fit"):
        code(**more)


def test_keys_are_never_shown() -> None:
    """Not even by a debugger's repr."""
    assert "kkk" not in repr(EntryKeys(current=KEY, older=(OLD,)))
