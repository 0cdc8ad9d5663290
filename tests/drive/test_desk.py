"""A person decides about a receipt of any run: books and provider follow, once, whether or not a store runs."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.desk import Decided, Verdict, decide
from jwo_cli.drive.dues import follow
from jwo_cli.drive.outbox import Outbox
from jwo_cli.drive.paying import reconcile
from jwo_cli.drive.telling import Teller
from jwo_cli.insight.audit import audit
from jwo_cli.insight.reviews import reviews
from jwo_cli.journal import Intake, open_journal, verify
from jwo_cli.layouts.version import with_version
from jwo_cli.model.entering import AccountOpened, PaymentMethodSet, Role
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import ReviewDecided
from jwo_cli.model.paying import PaymentDue, PaymentPurpose, payment_due
from jwo_cli.model.staffing import CatalogueChanged
from jwo_cli.payments.fake.server import TEST_KEY, FakeProvider
from jwo_cli.payments.stripe import StripeProvider
from jwo_cli.shop.desk import Start
from jwo_cli.shop.payments import PaymentBook
from tests.drive import scene
from tests.drive.conftest import write_scene
from tests.drive.counter import Shop, identical, one_visit, up
from tests.drive.test_receipt_hook import keep
from tests.shop.test_receipts_text import bought, perhaps, reviewed, sure

BREAD_AND_COLA = replace(bought(sure("bread"), sure("cola")), account="ann")
BOB = AccountOpened(at_ns=1, account="a-bob", role=Role.SHOPPER, commitment="")
BREAD = Verdict(staff="ada", changes=(("bread", 0),), note="she had none")


def later(shop: Shop, place: Path) -> Shop:
    """The next run on the same journal."""
    shop.end()
    place.mkdir()
    (shop.place / "journal").rename(place / "journal")
    return Shop(place)


async def charged(shop: Shop, fake: FakeProvider, place: Path) -> None:
    """A run charges Ann's water; in a later run, while it goes, she gets her money back, and nobody pays twice."""
    provider = StripeProvider(TEST_KEY, base_url=fake.url, name="fake")
    customer = await provider.customer("acct-ann")
    method = await provider.attach(customer, "pm_card_visa")
    pays = PaymentMethodSet(
        at_ns=shop.clock(), account="acct-ann", provider="fake", customer_ref=customer, method_ref=method
    )
    shop.run.note(pays)
    one_visit(shop)
    assert await Outbox(shop.intake, provider).settle(patience_s=20)
    second = later(shop, place)
    up(second)
    outbox = Outbox(second.intake, provider)
    stop = asyncio.Event()
    carrying = asyncio.create_task(outbox.run(stop))
    decided = decide(place / "journal", "ann", Verdict(staff="ada", start=Start.NOTHING))
    again = decide(place / "journal", "ann", Verdict(staff="eve", changes=(("water", 0),)))
    assert decided.due is not None
    for _ in range(200):
        if outbox.book.settled(decided.receipt_id) and await balance_of(second, provider, outbox) == (0, 0):
            break
        await asyncio.sleep(0.05)
    second.run.commit()
    stop.set()
    await carrying
    assert await balance_of(second, provider, outbox) == (0, 0)
    await provider.aclose()
    assert (decided.new, decided.carried, decided.due.amount_minor) == (True, True, 100)
    assert (decided.due.purpose, decided.due.account) == (PaymentPurpose.REFUND, "acct-ann")
    assert (again.new, again.corrected.staff) == (False, "ada")
    second.end()
    identical(second)


async def balance_of(shop: Shop, provider: StripeProvider, outbox: Outbox) -> tuple[int, int]:
    """What books and provider say was taken, less what went back."""
    found = await reconcile(shop.intake, provider, outbox.book, since_s=0, until_s=1 << 40)
    assert found.differences == ()
    return sum(item.ledger_minor for item in found.totals), sum(item.provider_minor for item in found.totals)


def test_last_month_s_receipt_is_refunded_while_a_later_run_goes(tmp_path: Path) -> None:
    """Its outbox carries the refund; ledger and provider agree; the run's recording replays to the same hash."""

    async def act() -> None:
        async with FakeProvider() as fake:
            await charged(Shop(tmp_path / "first"), fake, tmp_path / "second")

    (tmp_path / "first").mkdir()
    asyncio.run(act())


def journal_of(place: Path, *values: object, source: str = "run/x") -> Path:
    """A journal with a receipt, and what was due for it at the exit."""
    with Intake.open(place / "journal", store_id="kiosk", layout_version="l1") as intake:
        for value in values:
            keep(intake, value, source=source)
    return place / "journal"


def due_of(amount_minor: int) -> PaymentDue:
    return payment_due(
        at_ns=9,
        purpose=PaymentPurpose.CHARGE,
        visit_id="v1",
        receipt_id="r-v1",
        account="ann",
        amount_minor=amount_minor,
        currency="EUR",
    )


def owed(journal: Path) -> int | None:
    """What the outbox takes the receipt to owe; None where it knows nothing of it."""
    book = PaymentBook()
    with Intake.open(journal) as intake:
        follow(book, intake)
    return book.bills["r-v1"].owed_minor() if "r-v1" in book.bills else None


CHARGED = (BREAD_AND_COLA, due_of(BREAD_AND_COLA.charged_minor))


@pytest.mark.parametrize(("source", "carried"), [("run/x", True), ("shadow/x", False), ("recording/x", False)])
def test_only_a_store_that_charged_gives_money_back(tmp_path: Path, source: str, carried: bool) -> None:
    """The books are corrected wherever the receipt is from; the outbox hears of receipts of real runs alone."""
    journal = journal_of(tmp_path, *CHARGED, source=source)
    decided = decide(journal, "r-v1", BREAD)
    assert (decided.carried, owed(journal)) == (carried, decided.corrected.total_minor if carried else None)
    with open_journal(journal) as session:
        shown = audit(session, "r-v1").corrections
        assert [(item.corrected, item.note) for item in shown] == [(decided.corrected, "she had none")]
        receivable = "SELECT sum(amount) FROM postings WHERE account = 'receivable'"
        assert session.rows(receivable) == [(decided.corrected.total_minor,)]
        stock = (
            "SELECT commodity, sum(amount) FROM postings WHERE account = 'stock' GROUP BY ALL HAVING sum(amount) <> 0"
        )
        assert session.rows(stock) == [("unit:cola", -1)]
        causes = "SELECT kind, cause_kind FROM causes WHERE kind <> 'receipt_issued' ORDER BY seq"
        assert session.rows(causes) == [
            ("review_decided", "receipt_issued"),
            ("receipt_corrected", "review_decided"),
            ("payment_due", "review_decided"),
        ]
    assert not verify(journal)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """The same words; the journal's head stays."""
    journal = journal_of(tmp_path, *CHARGED)
    with Intake.open(journal) as intake:
        before = intake.head()
        tried = decide(journal, "r-v1", BREAD, dry_run=True)
        assert intake.head() == before
    done = decide(journal, "r-v1", BREAD)
    assert (tried.corrected.lines, tried.entries) == (done.corrected.lines, ())


def test_each_decision_replaces_the_one_before(tmp_path: Path) -> None:
    """Down, further down, and up again where somebody says so: asked for is what was decided last."""
    journal = journal_of(tmp_path, *CHARGED)
    for verdict, total in ((BREAD, 154), (Verdict(staff="eve", start=Start.NOTHING), 0)):
        assert decide(journal, "r-v1", verdict).corrected.total_minor == total == owed(journal)
    whole = Verdict(staff="eve", start=Start.ESTIMATED)
    with pytest.raises(UserError, match="deposits"):
        decide(journal, "r-v1", whole)
    assert decide(journal, "r-v1", replace(whole, charge_more=True)).new
    assert owed(journal) == BREAD_AND_COLA.charged_minor
    assert not verify(journal)


def _at_once(journal: Path, staff: str, product: str, barrier: object, done: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    done.put(decide(journal, "r-v1", Verdict(staff=staff, changes=((product, 0),))))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("first", "second", "refunds"), [("bread", "bread", 1), ("bread", "cola", 2)])
def test_two_people_at_the_same_moment_are_one_after_the_other(
    tmp_path: Path, first: str, second: str, refunds: int
) -> None:
    """In two processes: the same word is taken once, two words add up; nothing is given back twice."""
    journal = journal_of(tmp_path, *CHARGED)
    spawn = multiprocessing.get_context("spawn")
    barrier, done = spawn.Barrier(2), spawn.Queue()
    people = [
        spawn.Process(target=_at_once, args=(journal, staff, product, barrier, done))
        for staff, product in (("ada", first), ("eve", second))
    ]
    for person in people:
        person.start()
    found: list[Decided] = [done.get(timeout=60) for _ in people]
    for person in people:
        person.join()
    assert sum(decided.new for decided in found) == refunds
    left = BREAD_AND_COLA.charged_minor + sum(item.corrected.difference_minor for item in found if item.new)
    assert owed(journal) == left
    assert left == (0 if refunds == 2 else 154)
    assert not verify(journal)


def test_who_decides_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one decision is worked out another is taken, and the first is worked out again, knowing it."""
    journal, real, others = journal_of(tmp_path, *CHARGED), time.time_ns, [Verdict(staff="eve", changes=(("cola", 0),))]

    def meanwhile() -> int:
        if others:
            assert decide(journal, "r-v1", others.pop()).new
        return real()

    monkeypatch.setattr("jwo_cli.drive.desk.time.time_ns", meanwhile)
    decided = decide(journal, "r-v1", BREAD)
    assert (decided.before_minor, decided.corrected.total_minor) == (206, 0)
    assert owed(journal) == 0
    assert not verify(journal)


def test_a_clock_that_goes_back_leaves_two_decisions_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The books tell corrections by their time: the later one is later, whatever the clock says."""
    journal = journal_of(tmp_path, *CHARGED)
    for at_ns in (2_000_000_000, 2_000_000_000, 1):
        monkeypatch.setattr("jwo_cli.drive.desk.time.time_ns", lambda now=at_ns: now)
        assert decide(journal, "r-v1", BREAD).new
        assert decide(journal, "r-v1", Verdict(staff="eve", start=Start.ESTIMATED, charge_more=True)).new
    with open_journal(journal) as session:
        names = session.rows("SELECT transaction_id, at_ns FROM postings WHERE purpose = 'correction' GROUP BY ALL")
    assert sorted(at_ns for _, at_ns in names) == [2_000_000_000 + n for n in range(6)]
    assert owed(journal) == BREAD_AND_COLA.charged_minor
    assert not verify(journal)


def test_what_a_replay_asked_for_is_not_asked_twice(tmp_path: Path) -> None:
    """A run's recording was played into its own journal: due is what the run's receipt comes to, less what it asked."""
    journal = journal_of(tmp_path, *CHARGED)
    journal_of(tmp_path, *CHARGED, source="recording/x")
    decided = decide(journal, "r-v1", BREAD)
    assert decided.due is not None
    assert (decided.due.purpose, decided.due.amount_minor) == (PaymentPurpose.REFUND, 206)
    assert owed(journal) == decided.corrected.total_minor == 154


def test_the_decision_of_a_former_engine_counts(tmp_path: Path) -> None:
    """A correction with its due, as runs wrote them once: the next one begins there."""
    before = reviewed(BREAD_AND_COLA, ("cola", 1))
    back = payment_due(
        at_ns=9,
        purpose=PaymentPurpose.REFUND,
        visit_id="v1",
        receipt_id="r-v1",
        account="ann",
        amount_minor=-before.difference_minor,
        currency="EUR",
        decision=1,
    )
    journal = journal_of(tmp_path, *CHARGED, before, back)
    assert not decide(journal, "r-v1", BREAD).new
    decided = decide(journal, "r-v1", Verdict(staff="ada", start=Start.NOTHING))
    assert decided.due is not None
    assert (decided.due.amount_minor, decided.due.decision) == (154, 2)


def test_somebody_is_found_who_pays(tmp_path: Path) -> None:
    """A receipt of nobody: an account is named by the beginning of its reference, and is asked for all of it, once."""
    journal = journal_of(tmp_path, replace(BREAD_AND_COLA, account=None), BOB)
    with pytest.raises(UserError, match="there is no account 'eve'"):
        decide(journal, "r-v1", Verdict(staff="ada", account="eve"))
    decided = decide(journal, "r-v1", Verdict(staff="ada", account="a-b"))
    assert decided.due is not None
    assert (decided.due.account, decided.due.amount_minor) == ("a-bob", BREAD_AND_COLA.charged_minor)
    assert owed(journal) == BREAD_AND_COLA.charged_minor
    assert not decide(journal, "r-v1", Verdict(staff="ada")).new


def test_who_cannot_pay_is_not_billed(tmp_path: Path) -> None:
    """Staff are never billed; an account that only a replayed recording knows is one in a replay alone."""
    receipt = replace(BREAD_AND_COLA, account=None)
    journal = journal_of(tmp_path, receipt, replace(BOB, account="sam", role=Role.STAFF))
    journal_of(tmp_path, replace(BOB, account="zoe"), replace(receipt, receipt_id="r-v2"), source="recording/x")
    for account, words in (("sa", "sam is staff, and is never billed"), ("zoe", "no account 'zoe'")):
        with pytest.raises(UserError, match=words):
            decide(journal, "r-v1", Verdict(staff="ada", account=account))
    decided = decide(journal, "r-v2", Verdict(staff="ada", account="zoe"))
    assert (decided.corrected.account, decided.carried) == ("zoe", False)


def test_what_waits_is_listed_until_somebody_decides(tmp_path: Path) -> None:
    """With what is charged meanwhile and why; afterwards only with those that are decided, disputes among them."""
    doubt = replace(bought(perhaps("cola", 2, 0.70, ("cola", 1, 0.29)), probability=0.70), account="ann")
    journal = journal_of(tmp_path, doubt)
    with open_journal(journal) as session:
        (waiting,) = reviews(session)
    assert (waiting.shopper, waiting.of, waiting.charged_minor, waiting.estimated_minor) == ("ann", "run", 154, 308)
    assert waiting.doubts[0].startswith("2 × Cola 0.33 l is right with probability 0.70")
    decide(journal, "r-v1", Verdict(staff="ada", note="one was put back"))
    with open_journal(journal) as session:
        assert reviews(session) == ()
        (decided,) = reviews(session, decided=True)
    assert (decided.staff, decided.note, decided.final_minor) == ("ada", "one was put back", 154)


def test_what_is_added_costs_what_it_cost_then(tmp_path: Path) -> None:
    """Juice falls while Ann is inside, and rises when she is gone: one that was overlooked costs the price of then."""
    store = with_version(scene.store())
    juice = store.catalogue.products[1]
    shop = Shop(tmp_path, store=store)
    one_visit_with(shop, CatalogueChanged(at_ns=1, staff="eve", products=(replace(juice, price_minor=200),)))
    shop.run.commit()
    shop.staff(CatalogueChanged(at_ns=2, staff="eve", products=(replace(juice, price_minor=300),)))
    shop.run.commit()
    more = Verdict(staff="ada", changes=(("juice", 1),), charge_more=True)
    decided = decide(tmp_path / "journal", "ann", more)
    shop.run.commit()
    assert [(line.product_id, line.total_minor) for line in decided.corrected.lines][1:] == [(juice.product_id, 200)]
    assert decided.corrected.difference_minor == 200
    shop.end()
    identical(shop)


def one_visit_with(shop: Shop, change: CatalogueChanged) -> None:
    """Ann's visit, with a change of prices while she is inside."""
    up(shop)
    told = False

    def tell(at_s: float) -> None:
        nonlocal told
        if at_s > 9.9 and not told:
            told = True
            shop.staff(change)

    shop.play(meanwhile=tell)


def test_a_recording_is_decided_with_the_prices_of_its_layout(tmp_path: Path) -> None:
    """Kept beside the journal under the version that its entries name; told again, the recording adds nothing."""
    version = with_version(scene.store()).version
    write_scene(tmp_path / "one", version=version)
    journal = tmp_path / "journal"
    with Teller(receipts=False) as teller:
        replay_all([tmp_path / "one"], journal, teller)
    more = Verdict(staff="ada", changes=(("oat bar", 2),), charge_more=True)
    assert decide(journal, "ann", more).corrected.total_minor == 100 + 2 * 180
    kept_at = journal / "layouts" / f"{version}.json"
    kept_at.write_text(kept_at.read_text(encoding="utf-8").replace("180", "999"), encoding="utf-8")
    with pytest.raises(UserError, match="no product fits 'juice'") as refused:
        decide(journal, "ann", Verdict(staff="ada", changes=(("juice", 1),)))
    assert "--layout" in refused.value.fix
    named = decide(
        journal, "ann", Verdict(staff="ada", changes=(("juice", 1),), charge_more=True), layout=scene.store()
    )
    assert named.corrected.total_minor == 100 + 2 * 180 + 250
    assert decide(journal, "ann", Verdict(staff="ada", changes=(("juice", 0),))).corrected.difference_minor == -250
    with Teller(receipts=False) as teller:
        assert replay_all([tmp_path / "one"], journal, teller).results[0].added == 0
    with Intake.open(journal) as intake:
        assert [decided.staff for _, decided in intake.observed([ReviewDecided])] == ["ada"] * 3
    assert not verify(journal)
