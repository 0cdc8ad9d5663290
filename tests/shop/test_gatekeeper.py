"""The gatekeeper: who is let in, who is not, and why."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from jwo_cli.drive.state import NOWHERE
from jwo_cli.model.entering import (
    AccountBlocked,
    AccountErased,
    AccountOpened,
    EntryRefused,
    EntryWay,
    PaymentMethodSet,
    Refusal,
    Role,
)
from jwo_cli.model.observations import CodeScanned, Observation
from jwo_cli.model.paying import MethodProblem, PaymentAnswered, PaymentOutcome, PaymentPurpose
from jwo_cli.model.staffing import EntryPending, Mode
from jwo_cli.shop.entry_code import ACCOUNT_MAX, EntryKeys, account_key, account_reference, make_code
from jwo_cli.shop.gatekeeper import (
    AHEAD_S,
    LIFE_S,
    SET_BACK_S,
    SHOWING_NS,
    SHOWINGS_MOST,
    Admitted,
    Gatekeeper,
)
from jwo_cli.shop.house import House

S = 1_000_000_000
NOW = 1_790_000_000 * S
KEY = b"k" * 32
ANNA, STAFF = account_reference(7), account_reference(8)


def opened(account: str = ANNA, role: Role = Role.SHOPPER) -> AccountOpened:
    return AccountOpened(at_ns=NOW - 9 * S, account=account, role=role, commitment="")


def pays(account: str = ANNA, method: str = "pm_1") -> PaymentMethodSet:
    return PaymentMethodSet(
        at_ns=NOW - 8 * S, account=account, provider="fake", customer_ref="cus_1", method_ref=method
    )


def answered(outcome: PaymentOutcome, receipt: str = "r-1") -> PaymentAnswered:
    return PaymentAnswered(
        at_ns=NOW, key="k", purpose=PaymentPurpose.CHARGE, receipt_id=receipt, account=ANNA, amount_minor=100,
        currency="EUR", outcome=outcome, provider="fake", reference="pi_1",
    )  # fmt: skip


def keeper(*seen: Observation) -> Gatekeeper:
    made = Gatekeeper("shop", EntryKeys(current=KEY))
    for observation in seen or (opened(), pays()):
        made.saw(observation)
    return made


def code(
    at_ns: int = NOW, *, account: str = ANNA, key: bytes = KEY, store: str = "shop", number: int = 0, party: int = 1
) -> str:
    own = account_key(key, store, account)
    return make_code(own, store_id=store, account=account, at_ns=at_ns, party_size=party, number=number)


def why(gate: Gatekeeper, text: str, at_ns: int = NOW) -> Refusal | None:
    decided = gate.decide(text, at_ns=at_ns, gate_id="in")
    assert decided is not None
    return decided.refusal if isinstance(decided, EntryRefused) else None


def test_a_fresh_code_opens_the_gate() -> None:
    """With the account, its role and the party's size; the use has a name."""
    admitted = keeper().decide(code(party=3), at_ns=NOW + S, gate_id="in")
    assert isinstance(admitted, Admitted)
    assert (admitted.account, admitted.role, admitted.party_size, admitted.way) == (
        ANNA,
        Role.SHOPPER,
        3,
        EntryWay.CODE,
    )
    assert len(admitted.code_id) == 16


def test_many_frames_of_one_showing_are_one_decision() -> None:
    """Ten frames a second of a phone before the reader: admitted once, refused never."""
    gate = keeper()
    decisions = [gate.decide(code(), at_ns=NOW + n * S // 10, gate_id="in") for n in range(30)]
    assert [type(decision) for decision in decisions if decision is not None] == [Admitted]


def test_a_code_is_good_once() -> None:
    """Shown again after a moment, or at another gate, it is used; the phone's next code brings a friend in."""
    gate = keeper()
    assert why(gate, code()) is None
    assert why(gate, code(), NOW + SHOWING_NS + S) is Refusal.USED
    other = gate.decide(code(), at_ns=NOW + S, gate_id="out")
    assert isinstance(other, EntryRefused)
    assert other.refusal is Refusal.USED
    assert why(gate, code(number=1), NOW + 4 * S) is None


def test_a_used_code_stays_used_over_a_restart() -> None:
    """The journal remembers it."""
    first = keeper()
    admitted = first.decide(code(), at_ns=NOW, gate_id="in")
    assert isinstance(admitted, Admitted)
    scanned = CodeScanned(at_ns=NOW, gate_id="in", account=ANNA, code_id=admitted.code_id)
    waited = EntryPending(at_ns=NOW, gate_id="in", account=ANNA, code_id=admitted.code_id)
    for used in (scanned, waited):
        assert why(keeper(opened(), pays(), used), code(), NOW + 5 * S) is Refusal.USED


def test_whose_bank_held_nothing_is_refused_until_something_works() -> None:
    """Another way to pay, or anything paid or held; a door that asks the bank asks again, but not for a lost card."""
    unheld = replace(answered(PaymentOutcome.DECLINED), purpose=PaymentPurpose.AUTHORISE, receipt_id=None, code="x")
    assert why(keeper(opened(), pays(), unheld), code()) is Refusal.DECLINED
    assert why(keeper(opened(), pays(), unheld, pays()), code()) is None
    for purpose in (PaymentPurpose.AUTHORISE, PaymentPurpose.CAPTURE, PaymentPurpose.CHARGE):
        works = replace(unheld, purpose=purpose, key=purpose.value, outcome=PaymentOutcome.DONE)
        assert why(keeper(opened(), pays(), unheld, works), code()) is None
    for reason, refusal in (("insufficient_funds", None), ("lost_card", Refusal.DECLINED)):
        asks = Gatekeeper("shop", EntryKeys(current=KEY), asks_bank=True)
        for seen in (opened(), pays(), replace(unheld, code=reason)):
            asks.saw(seen)
        assert why(asks, code()) is refusal


@pytest.mark.parametrize(
    ("later_s", "refusal"),
    [(0, None), (LIFE_S, None), (LIFE_S + 1, Refusal.EXPIRED), (-AHEAD_S, None), (-AHEAD_S - 1, Refusal.NOT_YET)],
)
def test_a_code_lives_a_minute(later_s: int, refusal: Refusal | None) -> None:
    """And a phone's clock may be a few seconds ahead."""
    assert why(keeper(), code(), NOW + later_s * S) is refusal


@pytest.mark.parametrize(
    ("seen", "refusal"),
    [
        ((pays(),), Refusal.UNKNOWN),
        ((opened(),), Refusal.NO_PAYMENT),
        ((opened(), pays(), AccountErased(at_ns=NOW, account=ANNA)), Refusal.UNKNOWN),
        ((opened(), pays(), answered(PaymentOutcome.DECLINED)), Refusal.DECLINED),
        ((opened(), pays(), answered(PaymentOutcome.ACTION_NEEDED)), Refusal.DECLINED),
        ((opened(), pays(), answered(PaymentOutcome.DECLINED), answered(PaymentOutcome.DONE)), None),
        ((opened(), pays(), answered(PaymentOutcome.DECLINED), answered(PaymentOutcome.DONE, "r-2")), Refusal.DECLINED),
        ((opened(), pays(), answered(PaymentOutcome.DECLINED), pays()), Refusal.DECLINED),
        ((opened(), pays(), answered(PaymentOutcome.DECLINED), pays(method="pm_2")), None),
    ],
)
def test_an_account_in_order_is_let_in(seen: tuple[Observation, ...], refusal: Refusal | None) -> None:
    """Known, not erased, with a way to pay, and nothing owed; a new way to pay may settle what is owed."""
    assert why(keeper(*seen), code()) is refusal


def test_a_card_at_another_provider_is_no_way_to_pay() -> None:
    """The store charges through another one since: they name a card there first. Who charges nobody asks for any."""
    for provider, refusal in (("fake", None), ("stripe", Refusal.NO_PAYMENT), ("", None)):
        gate = Gatekeeper("shop", EntryKeys(current=KEY), provider=provider)
        for seen in (opened(), pays()):
            gate.saw(seen)
        assert why(gate, code()) is refusal


def test_a_block_holds_at_once_and_until_it_is_lifted() -> None:
    """For codes, cards and staff's own entries alike."""
    gate = keeper()
    block = AccountBlocked(at_ns=NOW, account=ANNA, blocked=True, reason="dispute", staff="bo")
    gate.saw(block)
    assert why(gate, code()) is Refusal.BLOCKED
    card = gate.admit(ANNA, at_ns=NOW, gate_id="in", way=EntryWay.CARD)
    assert isinstance(card, EntryRefused)
    gate.saw(AccountBlocked(at_ns=NOW + S, account=ANNA, blocked=False, reason="", staff="bo"))
    assert isinstance(gate.admit(ANNA, at_ns=NOW + S, gate_id="in", way=EntryWay.CARD), Admitted)


@pytest.mark.parametrize("role", [Role.STAFF, Role.TESTER])
def test_a_store_for_staff_only_lets_staff_and_testers_in(role: Role) -> None:
    """Neither needs a way to pay; a code that was refused as closed is still good when the store opens."""
    gate, house = keeper(opened(), pays(), opened(STAFF, role)), House(NOWHERE)
    gate.admits = house.admits
    house.mode = Mode.STAFF_ONLY
    assert why(gate, code()) is Refusal.CLOSED
    assert why(gate, code(account=STAFF)) is None
    house.mode = Mode.DOWN
    assert why(gate, code(account=STAFF, number=1), NOW + 2 * S) is Refusal.CLOSED
    house.mode = Mode.UP
    assert why(gate, code(), NOW + 4 * S) is None


def test_what_is_no_code_of_this_store_is_refused_by_what_it_is() -> None:
    """A poster, another store's code, a forgery."""
    gate = keeper()
    texts = {
        "https://example.org/menu": Refusal.UNREADABLE,
        code(store="other"): Refusal.FOREIGN,
        code(key=b"x" * 32): Refusal.FORGED,
    }
    for text, refusal in texts.items():
        assert why(gate, text) is refusal


def test_none_of_a_hundred_thousand_bad_codes_is_accepted() -> None:
    """Forged, bent, expired, from the future, replayed, foreign, unknown: 0 accepted, whatever the order."""
    rng = random.Random(7)
    gate = keeper()
    assert why(gate, code()) is None
    own = account_key(KEY, "shop", ANNA)
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    accepted = 0
    for attempt in range(100_000):
        match attempt % 7:
            case 0:
                text = "".join(rng.choices(alphabet, k=38))
            case 1:
                good = make_code(own, store_id="shop", account=ANNA, at_ns=NOW, number=1 + attempt % 60_000)
                place = rng.randrange(38)
                text = good[:place] + rng.choice(alphabet.replace(good[place], "")) + good[place + 1 :]
            case 2:
                text = make_code(own, store_id="shop", account=ANNA, at_ns=NOW - rng.randint(LIFE_S + 1, 10**6) * S)
            case 3:
                text = make_code(own, store_id="shop", account=ANNA, at_ns=NOW + rng.randint(AHEAD_S + 1, 10**6) * S)
            case 4:
                text = code()
            case 5:
                text = code(store=f"other-{rng.randrange(50)}")
            case _:
                text = code(account=account_reference(rng.randrange(9, ACCOUNT_MAX)))
        decided = gate.decide(text, at_ns=NOW + 3 * S, gate_id=f"gate-{attempt % 3}")
        accepted += isinstance(decided, Admitted)
    assert accepted == 0
    assert gate.held() <= 3 * SHOWINGS_MOST + 2


def test_memory_of_used_codes_ends_with_their_lives() -> None:
    """A day of a thousand entries leaves no more behind than an hour of it."""
    gate = keeper()
    for number in range(1_000):
        at_ns = NOW + number * 86 * S
        assert why(gate, code(at_ns, number=number), at_ns) is None
    assert gate.held() <= SET_BACK_S / 86 + 3


def test_codes_of_a_whole_journal_are_not_remembered_at_a_start() -> None:
    """What was used long before the latest entry is expired anyway; nobody has to show a code for it to be dropped."""
    scans = [
        CodeScanned(at_ns=NOW + number * 86 * S, gate_id="in", account=ANNA, code_id=f"code-{number}")
        for number in range(1_000)
    ]
    assert keeper(opened(), pays(), *scans).held() <= SET_BACK_S / 86 + 3


def test_two_phones_in_view_are_two_showings() -> None:
    """A reader that sees both in turn, frame by frame: each is admitted once, and nobody is told that it is used."""
    gate = keeper()
    decisions = [gate.decide(code(number=n % 2), at_ns=NOW + n * S // 10, gate_id="in") for n in range(30)]
    assert [type(decision) for decision in decisions if decision is not None] == [Admitted, Admitted]


@pytest.mark.parametrize("ahead_s", [LIFE_S + AHEAD_S + 1, 300, SET_BACK_S - 1])
def test_a_gate_whose_clock_is_ahead_does_not_free_used_codes(ahead_s: int) -> None:
    """What another gate believes the time to be makes no code good again; nor does a clock that is set back."""
    gate = keeper()
    assert why(gate, code()) is None
    assert gate.decide("nonsense", at_ns=NOW + ahead_s * S, gate_id="out") is not None
    assert why(gate, code(), NOW + 5 * S) is Refusal.USED


def test_rotated_keys_are_taken_up_while_it_decides() -> None:
    """Codes of the new key and of the one before it are good; once that is retired, no longer."""
    gate = keeper()
    new = b"n" * 32
    assert why(gate, code(key=new)) is Refusal.FORGED
    gate.keys = EntryKeys(current=new, older=(KEY,))
    assert why(gate, code(key=new), NOW + 3 * S) is None
    assert why(gate, code(number=1), NOW + 6 * S) is None
    gate.keys = EntryKeys(current=new)
    assert why(gate, code(number=2), NOW + 9 * S) is Refusal.FORGED


def test_nobody_is_kept_inside() -> None:
    """At a gate that only leads out neither a block nor a debt nor the closing store holds; a forgery still does."""
    gate = keeper(
        opened(), pays(), answered(PaymentOutcome.DECLINED),
        AccountBlocked(at_ns=NOW, account=ANNA, blocked=True, reason="", staff="s"),
    )  # fmt: skip
    gate.admits, gate.exits = (lambda _: False), frozenset({"out"})
    assert isinstance(gate.decide(code(), at_ns=NOW, gate_id="in"), EntryRefused)
    assert isinstance(gate.decide(code(), at_ns=NOW, gate_id="out"), Admitted)
    forged = gate.decide(code(key=b"x" * 32, number=1), at_ns=NOW, gate_id="out")
    assert isinstance(forged, EntryRefused)


@pytest.mark.parametrize(("corrected", "refusal"), [((40,), Refusal.DECLINED), ((100,), None), ((40, 60), None)])
def test_a_declined_charge_that_staff_correct_away_is_owed_no_longer(
    corrected: tuple[int, ...], refusal: Refusal | None
) -> None:
    """Nothing was paid, so the refund is not asked for; what is left of the receipt is what is owed."""
    refunds = [
        replace(
            answered(PaymentOutcome.FAILED), key=f"k{amount}", purpose=PaymentPurpose.REFUND, amount_minor=amount,
            code=MethodProblem.SUPERSEDED.value,
        )
        for amount in corrected
    ]  # fmt: skip
    assert why(keeper(opened(), pays(), answered(PaymentOutcome.DECLINED), *refunds), code()) is refusal
