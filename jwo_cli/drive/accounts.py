"""What one does with accounts: open, list, show, block, pay with, erase, and make entry codes for.

The functions behind `jwo account`, and behind any app: they take and give values and print nothing. Personal fields go
to the vault, everything else to the journal, where a running store finds it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from jwo_cli.journal.intake import Intake
from jwo_cli.journal.mark import resolve_key
from jwo_cli.journal.vault import Vault
from jwo_cli.layouts.settings import Settings
from jwo_cli.layouts.settings_money import PROVIDERS
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entering import (
    AccountBlocked,
    AccountErased,
    AccountOpened,
    Entering,
    PaymentMethodSet,
    Role,
)
from jwo_cli.model.entry import REPLAYED, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.paying import PaymentAnswered
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.accounts import Account, Accounts
from jwo_cli.shop.entry_code import ACCOUNT_MAX, PARTY_MAX, EntryKeys, account_key, account_reference, make_code
from jwo_cli.shop.gatekeeper import LIFE_S, ROTATE_S

SOURCE = "office"
FOLDED: tuple[type[Entering | PaymentAnswered], ...] = (
    AccountOpened,
    AccountBlocked,
    AccountErased,
    PaymentMethodSet,
    PaymentAnswered,
)
KEYS_KEPT = 4
_REFERENCE = re.compile(r"[!-~]{1,255}")
_DIGITS = re.compile(r"[0-9](?:[ .-]?[0-9]){12,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """An entry code to show: its text, until when a gate takes it, and when to show the next one (unix seconds)."""

    account: str
    text: str
    party_size: int
    issued_s: int
    expires_s: int
    next_s: int


def check_party(party_size: int) -> None:
    """Raises UserError for a party that does not come in together."""
    if not 1 <= party_size <= PARTY_MAX:
        raise UserError(f"a party of {party_size} cannot enter together", fix=f"Say 1 to {PARTY_MAX}.")


class AccountBook:
    """A store's accounts: its journal, its vault and its keys. Use as a context manager."""

    def __init__(self, intake: Intake, settings: Settings) -> None:
        self._intake = intake
        self._settings = settings
        self._stack = ExitStack()
        self._vault: Vault | None = None

    @classmethod
    def open(cls, settings: Settings, *, store_id: str) -> Self:
        """The accounts of a store directory; makes the journal where there is none. Raises UserError."""
        intake = Intake.open(settings.journal, store_id=store_id)
        book = cls(intake, settings)
        book._stack.push(intake)
        return book

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def all(self) -> Accounts:
        """All accounts, folded from the journal."""
        return known_accounts(self._intake)

    def account(self, reference: str) -> Account:
        """One account, by its reference or a beginning of it. Raises UserError for none and for several."""
        return find_account(self.all(), reference)

    def new(self, *, role: Role = Role.SHOPPER, fields: Mapping[str, str] | None = None) -> Account:
        """Open an account. Its number is random: nobody can tell from one account that another exists.

        Raises UserError for a field with a card's number in it: those never come here, sealed or not.
        """
        if any(_has_card(value) for value in (fields or {}).values()):
            raise UserError(
                "this looks like a card's number, which must never be kept here",
                fix="Leave it out; the provider keeps the card: `jwo payments enrol`.",
            )
        taken = self.all().by_reference
        reference = account_reference(secrets.randbelow(ACCOUNT_MAX))
        while reference in taken:
            reference = account_reference(secrets.randbelow(ACCOUNT_MAX))
        sealing = self._checked_vault().sealing(reference, fields) if fields else nullcontext("")
        with sealing as commitment:
            self._append(
                AccountOpened(at_ns=time.time_ns(), account=reference, role=role, commitment=commitment), reference
            )
        return self.account(reference)

    def personal(self, account: Account) -> dict[str, str] | None:
        """The personal fields of an account, opened; None where there are none (any more)."""
        if not account.commitment or account.erased:
            return None
        return self._checked_vault().open_fields(account.account, commitment=account.commitment)

    def block(self, account: Account, *, blocked: bool, reason: str, staff: str) -> Account:
        """Keep an account out, or let it in again."""
        if account.blocked != blocked:
            now = time.time_ns()
            self._append(
                AccountBlocked(at_ns=now, account=account.account, blocked=blocked, reason=reason, staff=staff),
                f"{account.account}/{now}",
            )
        return self.account(account.account)

    def pay_with(self, account: Account, *, provider: str, customer_ref: str, method_ref: str) -> Account:
        """Set how an account pays. Raises UserError for what looks like a card's number: those never come here."""
        fix = "Give the provider's references (such as cus_… and pm_…); the provider keeps the card."
        for reference in (customer_ref, method_ref):
            if _like_a_card(reference):
                raise UserError("this looks like a card's number, which must never be kept here", fix=fix)
            if not _REFERENCE.fullmatch(reference):
                raise UserError("this is no reference of a provider", fix=fix)
        if account.erased:
            raise UserError(f"account {account.account} was erased", fix="Open a new one: `jwo account new`.")
        named = self._settings.money.payments
        known = PROVIDERS if named is None else (named.provider,)
        if provider not in known:
            raise UserError(
                f"{provider!r} is no provider that this store charges through",
                fix=f"Say --provider {' or '.join(known)}.",
            )
        now = time.time_ns()
        method = PaymentMethodSet(
            at_ns=now,
            account=account.account,
            provider=provider,
            customer_ref=customer_ref,
            method_ref=method_ref,
        )
        self._append(method, f"{account.account}/{now}")
        return self.account(account.account)

    def customers(self, account: Account) -> tuple[tuple[str, str], ...]:
        """All (provider, customer there) that an account ever paid as."""
        found = self._intake.observed([PaymentMethodSet])
        mine = (one for _, one in found if one.account == account.account)
        return tuple(dict.fromkeys((one.provider, one.customer_ref) for one in mine))

    def erase(self, account: Account) -> Account:
        """Destroy the key of an account's personal fields, then say so. Doing it again changes nothing."""
        if account.commitment:
            self._open_vault().erase(account.account)
        with self._intake.transaction():  # somebody else may erase it at this moment
            if not self.account(account.account).erased:
                self._append(AccountErased(at_ns=time.time_ns(), account=account.account), account.account)
        return self.account(account.account)

    def code(self, account: Account, *, party_size: int = 1, at_ns: int | None = None) -> ShownCode:
        """An entry code of an account, made now. Raises UserError for a party that is too large."""
        check_party(party_size)
        now_ns = time.time_ns() if at_ns is None else at_ns
        key = account_key(entry_keys(self._settings).current, self._intake.store_id, account.account)
        text = make_code(
            key,
            store_id=self._intake.store_id,
            account=account.account,
            at_ns=now_ns,
            party_size=party_size,
            number=secrets.randbelow(1 << 16),
        )
        issued_s = now_ns // NS_PER_S
        return ShownCode(
            account=account.account,
            text=text,
            party_size=party_size,
            issued_s=issued_s,
            expires_s=issued_s + LIFE_S,
            next_s=issued_s + ROTATE_S,
        )

    def _checked_vault(self) -> Vault:
        vault = self._open_vault()
        vault.check()
        return vault

    def _open_vault(self) -> Vault:
        if self._vault is None:
            place, key = self._settings.vault, self._settings.vault_key
            if place is None or not key:
                raise UserError(
                    "this store has no vault for personal fields",
                    fix='Add to jwo.toml: [people], vault = "people.sqlite", key = "file:keys/people.key".',
                )
            self._vault = self._stack.enter_context(Vault.open(place, key=key))
        return self._vault

    def _append(self, observation: Entering, content: str) -> None:
        kind = kind_of(type(observation))
        self._intake.append(
            [
                NewEntry(
                    key=f"{SOURCE}/{kind}/{content}",
                    at_ns=observation.at_ns,
                    source=SOURCE,
                    kind=kind,
                    payload=encode(observation),
                )
            ]
        )


def known_accounts(intake: Intake) -> Accounts:
    """All accounts, folded from a journal; what a replay tells again of them is old, or of another store."""
    accounts = Accounts()
    for _, observation in intake.observed(FOLDED, without_prefix=REPLAYED):
        accounts.saw(observation)
    return accounts


def find_account(accounts: Accounts, reference: str) -> Account:
    """One account, by its reference or a beginning of it. Raises UserError for none and for several."""
    known = accounts.by_reference
    if reference in known:
        return known[reference]
    found = [account for name, account in known.items() if name.startswith(reference)] if reference else []
    if len(found) == 1:
        return found[0]
    fix = "`jwo account list` shows all of them." if known else "Open one: `jwo account new`."
    problem = f"{len(found)} accounts begin with {reference!r}" if found else f"there is no account {reference!r}"
    raise UserError(problem, fix=fix)


def _like_a_card(text: str) -> bool:
    """Whether it is mostly a number, or has a card's number in it."""
    return (sum(character.isdigit() for character in text) >= 12 and not text[:1].isalpha()) or _has_card(text)


def _has_card(text: str) -> bool:
    """Whether 13 to 19 digits stand together with a card's check digit (ISO/IEC 7812)."""
    for found in _DIGITS.findall(text):
        digits = [int(digit) for digit in found if digit.isdigit()][::-1]
        doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
        if sum(doubled) % 10 == 0:
            return True
    return False


def entry_keys(settings: Settings) -> EntryKeys:
    """The store's keys for entry codes: one a line, the first is current. Raises UserError, which shows none."""
    keys = resolve_key(settings.entry_key).split()
    if any(len(key) < 16 for key in keys):
        raise UserError(f"a key in {settings.entry_key} is shorter than 16 bytes", fix="Rotate it: `jwo account key`.")
    return EntryKeys(current=keys[0], older=tuple(keys[1:]))


def rotate_entry_key(settings: Settings, *, retire: bool = False) -> int:
    """A fresh key becomes current; those before it are still accepted, or with `retire` not. Gives how many are.

    The file is replaced at once or not at all. Raises UserError where the key does not come from a file.
    """
    scheme, _, name = settings.entry_key.partition(":")
    if scheme != "file":
        raise UserError("the key for entry codes does not come from a file", fix="Rotate it where it is kept.")
    path = Path(name)
    try:
        with _one_at_a_time(path.parent):
            older = [] if retire else resolve_key(settings.entry_key).split()[: KEYS_KEPT - 1]
            keys = [secrets.token_urlsafe(32).encode(), *older]
            handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".entry-")  # readable by its owner alone
            with os.fdopen(handle, "wb") as stream:
                stream.write(b"\n".join(keys) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            Path(aside).replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})", fix="Check its folder's permissions.") from None
    return len(keys)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Who reads and replaces a file here waits for whoever does so now; a process that dies lets go by itself."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def vault_trouble(settings: Settings) -> UserError | None:
    """Why the personal fields of this store cannot be opened; None where they can, or there are none."""
    if settings.vault is None or not settings.vault.exists():
        return None
    try:
        with Vault.open(settings.vault, key=settings.vault_key) as vault:
            vault.check()
    except UserError as error:
        return error
    return None
