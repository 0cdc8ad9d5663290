"""The entry code: 25 bytes that a phone makes and a gate checks, both without a network.

    byte 0       form (high half, 1) and party size (low half, 1 to 15)
    bytes 1-2    which store it is for: told apart from a forgery, so that the gate can say "not this store"
    bytes 3-8    the account's number
    bytes 9-12   when it was made, unix seconds
    bytes 13-14  which code of that second
    bytes 15-24  HMAC-SHA256 of all before it, first ten bytes

The key of the HMAC is the account's own, derived from the store's: a phone that is lost gives away one account's key,
which a block stops, and never the store's. Written in base 45 (RFC 9285) it is 38 characters, which a version-2 QR code
holds at level M: modules large enough to be read from 100 pixels. Nothing in it tells who somebody is.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from jwo_cli.model.entering import Refusal
from jwo_cli.model.units import NS_PER_S

TOKEN_BYTES = 25
TOKEN_CHARACTERS = 38
PARTY_MAX = 15
ACCOUNT_MAX = 1 << 48

_FORM = 1
_MAC_BYTES = 10
_HEAD = struct.Struct(">B2s6sIH")
_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_BASE45)}
# Crockford's digits: account references can be read out over a counter (no i, l, o, u).
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryKeys:
    """The store's keys for entry codes: codes are made with `current`, those of `older` are still accepted."""

    current: bytes
    older: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Keys are never shown."""
        return f"EntryKeys({1 + len(self.older)} keys)"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCode:
    """What an authentic code says. `code_id` names its single use."""

    code_id: str
    account: str
    issued_s: int
    party_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEntryCode:
    """A text that is no authentic code of this store: why, and the account it claims where there is one."""

    refusal: Refusal
    account: str | None = None


def account_key(store_key: bytes, store_id: str, account: str) -> bytes:
    """The key, 32 bytes, with which the account's phone makes its codes. Raises ValueError for no account reference."""
    content = b"jwo-entry-account-1\n" + store_id.encode() + b"\n" + _number_of(account)
    return hmac.digest(store_key, content, "sha256")


def make_code(key: bytes, *, store_id: str, account: str, at_ns: int, party_size: int = 1, number: int = 0) -> str:
    """The text of a code: `key` is `account_key`'s, `number` tells codes of one second apart (0 to 65535).

    Raises ValueError where the account, party size, time or number does not fit.
    """
    if not 1 <= party_size <= PARTY_MAX:
        raise ValueError(f"a party of {party_size} does not fit: 1 to {PARTY_MAX}")
    if not 0 <= number < 1 << 16:
        raise ValueError(f"number {number} does not fit: 0 to 65535")
    issued_s = at_ns // NS_PER_S
    if not 0 <= issued_s < 1 << 32:
        raise ValueError(f"the time {issued_s} s does not fit")
    head = _HEAD.pack(_FORM << 4 | party_size, _store_tag(store_id), _number_of(account), issued_s, number)
    return _to_base45(head + _mac(key, head))


def read_code(text: str, *, store_id: str, keys: EntryKeys) -> EntryCode | NoEntryCode:
    """What a scanned text says, if it was made for this store with one of its keys. Does not judge its time."""
    token = _from_base45(text)
    if token is None or len(token) != TOKEN_BYTES:
        return NoEntryCode(refusal=Refusal.UNREADABLE)
    head, mac = token[:-_MAC_BYTES], token[-_MAC_BYTES:]
    form, store_tag, number, issued_s, _ = _HEAD.unpack(head)
    party_size = form & 0x0F
    if form >> 4 != _FORM or not party_size:
        return NoEntryCode(refusal=Refusal.UNREADABLE)
    account = _account_of(number)
    if store_tag != _store_tag(store_id):
        return NoEntryCode(refusal=Refusal.FOREIGN)
    # Every key is tried, so that the time taken tells nothing about which one fits.
    authentic = False
    for store_key in (keys.current, *keys.older):
        authentic |= hmac.compare_digest(mac, _mac(account_key(store_key, store_id, account), head))
    if not authentic:
        return NoEntryCode(refusal=Refusal.FORGED, account=account)
    code_id = hashlib.sha256(token).hexdigest()[:16]
    return EntryCode(code_id=code_id, account=account, issued_s=issued_s, party_size=party_size)


def account_reference(number: int) -> str:
    """The reference of the account with this number: `a-` and ten characters. Raises ValueError beyond 48 bits."""
    if not 0 <= number < ACCOUNT_MAX:
        raise ValueError(f"account number {number} does not fit into 48 bits")
    return _account_of(number.to_bytes(6, "big"))


def is_account_reference(text: str) -> bool:
    """Whether a text has the form of an account reference."""
    try:
        _number_of(text)
    except ValueError:
        return False
    return True


def _account_of(number: bytes) -> str:
    value = int.from_bytes(number, "big")
    return "a-" + "".join(_BASE32[value >> shift & 31] for shift in range(45, -1, -5))


def _number_of(account: str) -> bytes:
    digits = [_BASE32.find(character) for character in account[2:]]
    value = 0
    for digit in digits:
        value = value << 5 | digit
    if not account.startswith("a-") or len(digits) != 10 or min(digits) < 0 or value >= ACCOUNT_MAX:
        raise ValueError(f"{account!r} is no account reference")
    return value.to_bytes(6, "big")


def _store_tag(store_id: str) -> bytes:
    return hashlib.sha256(b"jwo-entry-store-1\n" + store_id.encode()).digest()[:2]


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.digest(key, b"jwo-entry-code-1\n" + head, "sha256")[:_MAC_BYTES]


def _to_base45(data: bytes) -> str:
    out = []
    for place in range(0, len(data) - 1, 2):
        value = data[place] << 8 | data[place + 1]
        out += [_BASE45[value % 45], _BASE45[value // 45 % 45], _BASE45[value // 2025]]
    if len(data) % 2:
        out += [_BASE45[data[-1] % 45], _BASE45[data[-1] // 45]]
    return "".join(out)


def _from_base45(text: str) -> bytes | None:
    """The bytes, or None for a text that is not base 45; longer than any code of ours is not even looked at."""
    if len(text) > 2 * TOKEN_CHARACTERS or len(text) % 3 == 1:
        return None
    values = [_VALUES.get(character, -1) for character in text]
    if not values or min(values) < 0:
        return None
    out = bytearray()
    for place in range(0, len(values), 3):
        triple = values[place : place + 3]
        value = sum(digit * 45**power for power, digit in enumerate(triple))
        size = 2 if len(triple) == 3 else 1
        if value >> (8 * size):
            return None
        out += value.to_bytes(size, "big")
    return bytes(out)
