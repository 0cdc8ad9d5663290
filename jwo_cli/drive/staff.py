"""What staff do beside a running store: their word goes into the journal, where the store hears it, and answers there.

Works from any process on the machine. The mode and the door need a store that runs: it alone answers, and opens. Keys
are made of content and time, so that nothing is written twice.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.drive.accounts import AccountBook, check_party, entry_keys
from jwo_cli.drive.state import is_running, state_of
from jwo_cli.journal import Intake
from jwo_cli.layouts.settings import Settings
from jwo_cli.model import codec
from jwo_cli.model.entering import AccountOpened, EntryRefused, EntryWay
from jwo_cli.model.entry import REPLAYED, Entry, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import GateKind
from jwo_cli.model.observations import Observation
from jwo_cli.model.staffing import AgeConfirmed, EntryGranted, Mode, ModeChanged, ModeRefused, ModeRequested
from jwo_cli.shop.gatekeeper import Gatekeeper
from jwo_cli.shop.house import House
from jwo_cli.synthetic.made import find_store

POLL_S = 0.05
UNAVAILABLE = 3
SOURCE = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeAnswer:
    """What the running store made of a request: the mode it is in now, and why not in the one that was asked for."""

    mode: Mode
    asked: Mode
    refused: tuple[str, ...] = ()


def who() -> str:
    """The name that a command acts under when none is said: the user's."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "staff"


def tell(intake: Intake, observation: Observation, *, staff: str) -> Entry:
    """Append what somebody of the staff did or saw; on return it is durable, and a running store hears it."""
    kind = codec.kind_of(type(observation))
    entry = NewEntry(
        key=f"{SOURCE}/{staff}/{kind}/{time.time_ns()}",
        at_ns=observation.at_ns,
        source=f"{SOURCE}/{staff}",
        kind=kind,
        payload=codec.encode(observation),
    )
    return intake.append([entry])[0]


def request_mode(journal: Path, mode: Mode, *, staff: str, reason: str = "", patience_s: float = 5.0) -> ModeAnswer:
    """Ask the running store for a mode and wait for its answer.

    Raises UserError (exit code 3) where no store answers: none runs on this journal.
    """
    with Intake.open(journal, create=False) as intake:
        asked = tell(intake, ModeRequested(at_ns=time.time_ns(), mode=mode, staff=staff, reason=reason), staff=staff)
        end_s = time.monotonic() + patience_s
        after = asked.seq
        while time.monotonic() < end_s:
            for entry in intake.entries(after):
                after = entry.seq
                if asked.seq not in entry.caused_by:
                    continue
                if entry.kind == codec.kind_of(ModeRefused):
                    refused = codec.decode(ModeRefused, entry.payload)
                    return ModeAnswer(mode=_mode(intake), asked=mode, refused=refused.reasons)
                if entry.kind == codec.kind_of(ModeChanged):
                    return ModeAnswer(mode=codec.decode(ModeChanged, entry.payload).mode, asked=mode)
            time.sleep(POLL_S)
    raise _nobody(journal)


def _mode(intake: Intake) -> Mode:
    """The mode that the store was in last."""
    modes = [change.mode for _, change in intake.observed([ModeChanged], without_prefix=REPLAYED)]
    return modes[-1] if modes else Mode.DOWN


def _nobody(journal: Path) -> UserError:
    return UserError(
        f"no store runs on the journal {journal}",
        fix="Start one with `jwo run`, then ask again.",
        exit_code=UNAVAILABLE,
    )


def confirm_age(journal: Path, *, age: int, account: str = "", visit: str = "", staff: str) -> Entry:
    """Somebody of the staff saw an age: of an account that is known, or of an open visit; durable on return.

    Either may be said by its beginning. Raises UserError where none fits, or several do.
    """
    if bool(account) == bool(visit):
        raise UserError("whose age is it?", fix="Name either --account or --visit.")
    with Intake.open(journal, create=False) as intake:
        if account:
            kinds: tuple[type[AccountOpened | EntryGranted], ...] = (AccountOpened, EntryGranted)
            known = dict.fromkeys(found.account for _, found in intake.observed(kinds, without_prefix=REPLAYED))
            account = _meant("account", account, known, fix="`jwo account list` shows all of them.")
        else:
            inside = [one.visit_id for one in state_of(journal).inside]
            visit = _meant("open visit", visit, inside, fix="`jwo store status --json` names who is inside.")
        seen = AgeConfirmed(at_ns=time.time_ns(), staff=staff, age=age, account=account or None, visit_id=visit or None)
        return tell(intake, seen, staff=staff)


def _meant(what: str, beginning: str, known: Collection[str], *, fix: str) -> str:
    """The one that is meant."""
    found = [beginning] if beginning in known else [name for name in known if name.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    problem = f"{len(found)} {what}s begin with {beginning!r}" if found else f"there is no {what} {beginning!r}"
    raise UserError(problem, fix=fix)


def admit(
    settings: Settings, account: str, *, gate_id: str, party_size: int, staff: str
) -> EntryGranted | EntryRefused:
    """Let an account in without a code, or refuse it, as the gatekeeper would; durable on return.

    Raises UserError: no such account, no such gate, too large a party, or (exit code 3) no store that would open it.
    """
    check_party(party_size)
    if not is_running(settings.journal):
        raise _nobody(settings.journal)
    store = find_store(str(settings.layout))
    entries = [gate.gate_id for gate in store.gates if gate.kind is not GateKind.EXIT]
    if gate_id not in entries and (gate_id or len(entries) != 1):
        raise UserError(f"{gate_id or 'the gate'} is not clear", fix=f"Name one: --gate {' or '.join(entries)}.")
    gate = gate_id or entries[0]
    with AccountBook.open(settings, store_id=store.store_id) as book, Intake.open(settings.journal) as intake:
        known = book.account(account)
        keeper = Gatekeeper(
            store.store_id,
            entry_keys(settings),
            needs_payment=settings.needs_payment,
            provider=settings.money.provider,
        )
        keeper.accounts = book.all()
        house = House(store)
        house.mode = _mode(intake)
        keeper.admits = house.admits
        decided = keeper.admit(
            known.account, at_ns=time.time_ns(), gate_id=gate, way=EntryWay.STAFF, party_size=party_size
        )
        if isinstance(decided, EntryRefused):
            tell(intake, decided, staff=staff)
            return decided
        granted = EntryGranted(
            at_ns=decided.at_ns,
            gate_id=gate,
            account=decided.account,
            party_size=party_size,
            role=decided.role,
            way=EntryWay.STAFF,
            staff=staff,
        )
        tell(intake, granted, staff=staff)
        return granted
