"""Personal fields, sealed: each account's under a key of its own, and that key under the store's.

They stand beside the journal and never in it. The journal's chain holds a commitment to them (an HMAC under the
account's key): it proves that fields were not exchanged, and tells nothing once the key is destroyed. Erasing a person
is destroying that key; totals, receipts and the chain stay as they are. Copies of this file keep what they held:
backups of it are to be as short-lived as the law asks of an erasure.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jwo_cli.journal import database
from jwo_cli.journal.mark import resolve_key
from jwo_cli.model.codec import canonical
from jwo_cli.model.findings import UserError

APPLICATION_ID = 0x6A776F70  # "jwop"
_NONCE = 12
_SCHEMA = """
CREATE TABLE people (account TEXT PRIMARY KEY, wrapped BLOB NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""


class Vault:
    """A store's personal fields. Use as a context manager; one thread at a time."""

    def __init__(self, connection: apsw.Connection, path: Path, secret: bytes) -> None:
        self._connection = connection
        self._path = path
        self._master = AESGCM(hmac.digest(secret, b"jwo-people-1\n", "sha256"))

    @classmethod
    def open(cls, path: Path, *, key: str) -> Self:
        """Open, or make, the vault at `path`; `key` is a reference to the store's key for it.

        Raises UserError: no key, not a vault, locked, read-only.
        """
        secret = resolve_key(key)
        path = Path(path)
        with database.failures(path):
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            connection = apsw.Connection(str(path))
            connection.set_busy_timeout(database.BUSY_MS)
            # No write-ahead log and zeroed pages: what was erased is not to be found in the file any more.
            for pragma in ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            cls._claim(connection, path)
        return cls(connection, path, secret)

    def check(self) -> None:
        """Raises UserError where what is kept here was not sealed with this key: nothing more may be sealed with it.

        Opening does not ask for it: whoever wants to be erased is erased with any key.
        """
        with database.failures(self._path):
            row = self._connection.execute("SELECT account, wrapped FROM people LIMIT 1").fetchone()
        if row is not None:
            try:
                _unsealed(self._master, bytes(row[1]), str(row[0]))
            except InvalidTag:
                raise UserError(
                    f"the key for personal fields is not the one that {self._path} was sealed with",
                    fix="Bring back that key to where [people] in jwo.toml points; nothing was changed.",
                    exit_code=1,
                ) from None

    @staticmethod
    def _claim(connection: apsw.Connection, path: Path) -> None:
        with database.transaction(connection):
            found = connection.execute("PRAGMA application_id").fetchone()
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if found == (0,) and tables == (0,):
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(_SCHEMA)
            elif found != (APPLICATION_ID,):
                raise UserError(f"{path} is not a vault of personal fields", fix="Name another file for it.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._connection.close()

    def seal(self, account: str, fields: Mapping[str, str]) -> str:
        """Keep the fields of a new account, durable on return; gives the commitment to them, 64 hex digits.

        Raises UserError where the account has fields already.
        """
        with self.sealing(account, fields) as commitment:
            return commitment

    @contextmanager
    def sealing(self, account: str, fields: Mapping[str, str]) -> Iterator[str]:
        """As `seal`, durable when the block ends; nothing is kept where it raises or its process dies.

        Whoever journals the account inside of it leaves no fields behind that no account leads to: those could never
        be erased.
        """
        own = secrets.token_bytes(32)
        content = canonical(dict(fields))
        row = (account, _sealed(self._master, own, account), _sealed(AESGCM(own), content, account))
        with database.failures(self._path), database.transaction(self._connection):
            if self._row(account) is not None:
                raise UserError(f"account {account} has personal fields already", fix="Erase it, or open another one.")
            self._connection.execute("INSERT INTO people VALUES (?, ?, ?)", row)
            yield _commitment(own, content)

    def open_fields(self, account: str, *, commitment: str) -> dict[str, str] | None:
        """The fields of an account, None where they were erased or there never were any.

        Raises UserError where they do not open with the store's key or are not those that were committed to.
        """
        with database.failures(self._path):
            row = self._row(account)
        if row is None:
            return None
        try:
            own = _unsealed(self._master, row[0], account)
            content = _unsealed(AESGCM(own), row[1], account)
        except InvalidTag:
            raise UserError(
                f"the personal fields of account {account} do not open with the store's key",
                fix="Check the key that [people] names in jwo.toml; if it is right, the vault was changed.",
                exit_code=1,
            ) from None
        if not hmac.compare_digest(_commitment(own, content), commitment):
            raise UserError(
                f"the personal fields of account {account} are not those that the journal vouches for",
                fix="Bring back a vault and a journal that belong together.",
                exit_code=1,
            )
        return {str(name): str(value) for name, value in json.loads(content).items()}

    def erase(self, account: str) -> bool:
        """Destroy the account's key and fields, durable on return. Whether there were any."""
        with database.failures(self._path), database.transaction(self._connection):
            there = self._row(account) is not None
            self._connection.execute("DELETE FROM people WHERE account = ?", (account,))
        return there

    def _row(self, account: str) -> tuple[bytes, bytes] | None:
        row = self._connection.execute("SELECT wrapped, sealed FROM people WHERE account = ?", (account,)).fetchone()
        return None if row is None else (bytes(row[0]), bytes(row[1]))


def _sealed(cipher: AESGCM, content: bytes, account: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, content, account.encode())


def _unsealed(cipher: AESGCM, sealed: bytes, account: str) -> bytes:
    return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], account.encode())


def _commitment(own: bytes, content: bytes) -> str:
    return hmac.digest(own, b"jwo-person-1\n" + content, "sha256").hex()
