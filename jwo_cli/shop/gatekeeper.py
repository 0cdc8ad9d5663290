"""Who is let in: a scanned text, a card or a member of staff in, an admission or a refusal with its reason out.

Nothing is asked of a network. What must not be forgotten over a restart (accounts, blocks, codes that were used) is
folded from the journal like everything else: `saw` every observation, then `decide`.

A camera sees one showing of a code in many frames: they are one decision, also where two phones are in view. A code
that was admitted is used up from that moment, at every gate; a re-scan for a friend takes the phone's next code. Times
are the gates' own: their clocks may differ, and be set back by up to an hour, without a used code being good again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jwo_cli.model.entering import EntryRefused, EntryWay, Refusal, Role
from jwo_cli.model.observations import CodeScanned, Observation
from jwo_cli.model.staffing import EntryGranted, EntryPending
from jwo_cli.model.units import NS_PER_S

from .accounts import Account, Accounts
from .entry_code import EntryKeys, NoEntryCode, read_code

# A phone shows a new code every half minute; a code lives twice that, so that one read at its change is still good.
ROTATE_S = 30
LIFE_S = 60
# Phones keep network time; a few seconds ahead is a phone's clock, more is a code saved for later.
AHEAD_S = 10
# Frames of one showing follow each other; after this pause it is shown anew.
SHOWING_NS = 1_500_000_000
SHOWINGS_MOST = 4  # phones in view of one gate
# A used code is remembered for an hour beyond its life: a clock that is set back does not make it good again.
SET_BACK_S = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody may come in: what `CodeRead` and `CodeScanned` will say of them."""

    at_ns: int
    gate_id: str
    account: str
    party_size: int
    role: Role
    code_id: str
    way: EntryWay


class Gatekeeper:
    """Decides at the gates of one store. One for each run; the same input gives the same decisions."""

    def __init__(
        self,
        store_id: str,
        keys: EntryKeys,
        *,
        needs_payment: bool = True,
        asks_bank: bool = False,
        provider: str = "",
    ) -> None:
        """`asks_bank`: the door waits for the bank's word, so that a card that it refused may be shown again.

        `provider` is whom the store charges through: a card elsewhere is no way to pay. Empty: none, any will do.
        """
        self.accounts = Accounts()
        self.admits: Callable[[Role], bool] = lambda _: True  # whom the mode of the house lets in (`House.admits`)
        self.exits: frozenset[str] = frozenset()  # gates that only lead out
        self.keys = keys  # exchanged when they are rotated while the store runs
        self._store_id = store_id
        self._needs_payment, self._asks_bank, self._provider = needs_payment, asks_bank, provider
        self._used: dict[str, int] = {}  # code -> until when its text could still be valid, seconds
        self._showing: dict[str, dict[str, int]] = {}  # gate -> text -> when it was last seen

    def saw(self, observation: Observation) -> None:
        """Fold an observation in: accounts, and codes that were used (before a restart, or at another gate)."""
        if isinstance(observation, (CodeScanned, EntryGranted, EntryPending)) and observation.code_id:
            self._forget(observation.at_ns // NS_PER_S)  # readers that verify codes themselves ask for no decision
            self._used.setdefault(observation.code_id, observation.at_ns // NS_PER_S + LIFE_S + AHEAD_S)
        self.accounts.saw(observation)

    def decide(
        self, text: str, *, at_ns: int, gate_id: str, heard_ns: int | None = None
    ) -> Admitted | EntryRefused | None:
        """The decision on a text that a gate's reader saw; None while it is the same showing as before.

        `heard_ns` is when that came here, by a clock that is the same for all; without it the gate's own tells.
        """
        if self._still_shown(text, at_ns if heard_ns is None else heard_ns, gate_id):
            return None
        self._forget(at_ns // NS_PER_S)
        code = read_code(text, store_id=self._store_id, keys=self.keys)
        if isinstance(code, NoEntryCode):
            return EntryRefused(at_ns=at_ns, gate_id=gate_id, refusal=code.refusal, account=code.account)
        refusal = self._untimely(code.issued_s, code.code_id, at_ns // NS_PER_S)
        if refusal is not None:
            return EntryRefused(
                at_ns=at_ns, gate_id=gate_id, refusal=refusal, account=code.account, code_id=code.code_id
            )
        decided = self._admit(
            code.account,
            at_ns=at_ns,
            gate_id=gate_id,
            party_size=code.party_size,
            code_id=code.code_id,
            way=EntryWay.CODE,
        )
        if isinstance(decided, Admitted):
            self._used[code.code_id] = code.issued_s + LIFE_S
        return decided

    def tap(
        self, account: str, *, at_ns: int, gate_id: str, heard_ns: int | None = None
    ) -> Admitted | EntryRefused | None:
        """The decision on a card that is held to a gate's reader; None while it is held there."""
        if self._still_shown(account, at_ns if heard_ns is None else heard_ns, gate_id):
            return None
        return self.admit(account, at_ns=at_ns, gate_id=gate_id, way=EntryWay.CARD)

    def admit(
        self, account: str, *, at_ns: int, gate_id: str, way: EntryWay, party_size: int = 1
    ) -> Admitted | EntryRefused:
        """The decision on an account that a card reader or a member of staff names; blocks hold for these too."""
        return self._admit(account, at_ns=at_ns, gate_id=gate_id, party_size=party_size, code_id="", way=way)

    def held(self) -> int:
        """How many codes and showings are remembered: a measure of memory."""
        return len(self._used) + sum(map(len, self._showing.values()))

    def _refusal(self, known: Account) -> Refusal | None:
        return known.refusal(needs_payment=self._needs_payment, asks_bank=self._asks_bank, provider=self._provider)

    def _admit(
        self, account: str, *, at_ns: int, gate_id: str, party_size: int, code_id: str, way: EntryWay
    ) -> Admitted | EntryRefused:
        known = self.accounts.by_reference.get(account)
        refusal = Refusal.UNKNOWN if known is None else self._refusal(known)
        if known is not None and gate_id in self.exits:
            refusal = None  # nobody is kept inside: not by a block or a debt, and not because the store closes
        elif refusal is None and known is not None and not self.admits(known.role):
            refusal = Refusal.CLOSED
        if known is None or refusal is not None:
            refusal = refusal or Refusal.UNKNOWN
            return EntryRefused(at_ns=at_ns, gate_id=gate_id, refusal=refusal, account=account, code_id=code_id)
        return Admitted(
            at_ns=at_ns,
            gate_id=gate_id,
            account=account,
            party_size=party_size,
            role=known.role,
            code_id=code_id,
            way=way,
        )

    def _still_shown(self, text: str, at_ns: int, gate_id: str) -> bool:
        """Whether this gate is being shown the text already; notes that it is now."""
        shown = self._showing.setdefault(gate_id, {})
        for old in [name for name, seen_ns in shown.items() if abs(at_ns - seen_ns) > SHOWING_NS]:
            del shown[old]
        still = shown.pop(text, None) is not None
        shown[text] = at_ns
        while len(shown) > SHOWINGS_MOST:
            del shown[next(iter(shown))]
        return still

    def _untimely(self, issued_s: int, code_id: str, now_s: int) -> Refusal | None:
        if issued_s > now_s + AHEAD_S:
            return Refusal.NOT_YET
        if now_s - issued_s > LIFE_S:
            return Refusal.EXPIRED
        return Refusal.USED if code_id in self._used else None

    def _forget(self, now_s: int) -> None:
        """Drop codes that have long been refused as expired; they stand in the order in which they were used."""
        while self._used:
            code_id, until_s = next(iter(self._used.items()))
            if until_s + SET_BACK_S >= now_s:
                return
            del self._used[code_id]
