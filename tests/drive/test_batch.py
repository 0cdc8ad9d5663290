"""Several recordings into one journal: what cannot be read is told and left out, the rest is kept and published."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.drive import live
from jwo_cli.drive.accounts import known_accounts
from jwo_cli.drive.batch import is_own, replay_all
from jwo_cli.drive.dues import follow
from jwo_cli.drive.fold import Watcher, earlier
from jwo_cli.drive.paying import _ours
from jwo_cli.drive.replay import ReplayResult, replay
from jwo_cli.drive.resume import Past, known_at_gates, past_of
from jwo_cli.drive.snapshot import Snapshots
from jwo_cli.drive.staff import tell
from jwo_cli.drive.state import state_of
from jwo_cli.estimate.signals import ClockTick
from jwo_cli.journal import Intake, open_journal
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.entering import AccountBlocked, AccountOpened, PaymentMethodSet, Role
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import Observation
from jwo_cli.model.paying import DisputeState, PaymentAnswered, PaymentDisputed, PaymentDue, PaymentOutcome
from jwo_cli.model.staffing import GateReleased, GateRestored
from jwo_cli.recordings import Recording, open_recording
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.payments import PaymentBook
from tests.drive import scene
from tests.drive.conftest import write_scene
from tests.drive.counter import STORE, Shop, enters, identical, up


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def opening(self, path: Path) -> None:
        self.lines.append(f"opening {path.name}")

    def begins(self, recording: Recording) -> Watcher | None:
        self.lines.append(f"begins {recording.name}")
        return None

    def advance(self, seconds: float) -> None:
        pass

    def finished(self, recording: Recording, result: ReplayResult) -> None:
        self.lines.append(f"finished {recording.name}: {len(result.receipts)}")

    def refused(self, path: Path, error: UserError) -> None:
        self.lines.append(f"refused {path.name}")


def test_a_recording_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is told, nothing of it is kept, and the next one is replayed."""
    good, broken = write_scene(tmp_path / "good"), tmp_path / "broken"
    broken.mkdir()
    told = Told()
    batch = replay_all([broken, good], tmp_path / "journal", told)
    assert told.lines == ["opening broken", "refused broken", "opening good", "begins good", "finished good: 1"]
    assert [path for path, _ in batch.refused] == [broken]
    assert [result.name for result in batch.results] == ["good"]


def test_the_journal_is_published_with_receipts_and_the_weights_around_changes(tmp_path: Path) -> None:
    """A reader finds both right after the replay."""
    batch = replay_all([write_scene(tmp_path / "good")], tmp_path / "journal", Told())
    with open_journal(tmp_path / "journal") as session:
        assert session.rows("SELECT track_id, charged_minor FROM receipts") == [("ann", 100)]
        ((channel, count),) = session.rows("SELECT channel, count(*) FROM weights GROUP BY channel")
        assert (session.head_seq, session.head_hash) == (batch.head_seq, batch.head_hash)
    assert channel == "a.s1.p1"
    assert 55 <= count <= 70


def test_replaying_twice_leaves_every_file_of_the_telemetry_as_it_was(tmp_path: Path) -> None:
    """Segments are named by their content: nothing is written beside them."""
    folder, place = write_scene(tmp_path / "good"), tmp_path / "journal"
    replay_all([folder], place, Told())
    before = {path: path.stat().st_mtime_ns for path in (place / "segments").rglob("*.parquet")}
    replay_all([folder], place, Told())
    assert before
    assert {path: path.stat().st_mtime_ns for path in (place / "segments").rglob("*.parquet")} == before


def test_a_recording_of_another_layout_may_share_the_journal(tmp_path: Path) -> None:
    """Entries carry their store and layout."""
    first, second = write_scene(tmp_path / "old"), write_scene(tmp_path / "new", version="2")
    replay_all([first, second], tmp_path / "journal", Told())
    with open_journal(tmp_path / "journal") as session:
        assert len(session.rows("SELECT layout_version FROM layouts")) == 2


def test_a_journal_that_is_not_ours_stops_everything(tmp_path: Path) -> None:
    """A folder with somebody's files is not written into."""
    place = tmp_path / "photos"
    place.mkdir()
    (place / "holiday.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(UserError) as problem:
        replay_all([write_scene(tmp_path / "good")], place, Told())
    assert problem.value.exit_code == 3
    assert [path.name for path in place.iterdir()] == ["holiday.jpg"]
    assert scene.store().store_id not in str(problem.value.fix)


def pays_with(method: str) -> PaymentMethodSet:
    """Ann's word on how she pays."""
    return PaymentMethodSet(
        at_ns=scene.START_NS, account="acct-ann", provider="fake", customer_ref="cus_1", method_ref=method
    )


def beside(journal: Path, *told: Observation, source: str = "") -> None:
    """What others write: staff, or the outbox under its source."""
    with Intake.open(journal) as intake:
        for value in told:
            kind = kind_of(type(value))
            if not source:
                tell(intake, value, staff="eve")
                continue
            intake.append(
                [NewEntry(key=f"{source}/{kind}", at_ns=value.at_ns, source=source, kind=kind, payload=encode(value))]
            )


def paid_and_disputed(due: PaymentDue) -> tuple[PaymentAnswered, PaymentDisputed]:
    """A receipt's money was taken, and the bank took it back."""
    answer = PaymentAnswered(
        at_ns=due.at_ns, key=due.key, purpose=due.purpose, receipt_id=due.receipt_id, account=due.account,
        amount_minor=due.amount_minor, currency="EUR", outcome=PaymentOutcome.DONE, provider="fake", reference="pi_1",
    )  # fmt: skip
    dispute = PaymentDisputed(
        at_ns=due.at_ns, dispute="dp_1", payment="pi_1", receipt_id=due.receipt_id or "", account=due.account,
        state=DisputeState.OPEN, amount_minor=100, currency="EUR", taken_minor=100, fee_minor=15, lost_minor=0,
        provider="fake", reason="fraudulent",
    )  # fmt: skip
    return answer, dispute


def an_eventful_day(place: Path) -> Shop:
    """Ann is charged and disputes it, and the door stood open. Then she sets another card and is blocked."""
    shop, asked = Shop(place), list[float]()
    up(shop)
    opened = AccountOpened(at_ns=scene.START_NS, account="acct-ann", role=Role.SHOPPER, commitment="")
    beside(place / "journal", opened, pays_with("pm_old"))

    def comes(at_s: float) -> None:
        if at_s > 0.5 and not asked:
            asked.append(at_s)
            enters(shop, at_s)

    shop.play(meanwhile=comes)
    ((_, due),) = shop.intake.observed([PaymentDue])
    beside(place / "journal", *paid_and_disputed(due), source="run/payments")
    shop.run.note(GateReleased(at_ns=shop.clock(), gate_id="door", reason="fire"))
    shop.run.commit()
    shop.end()
    beside(
        place / "journal",
        pays_with("pm_new"),
        AccountBlocked(at_ns=shop.clock(), account="acct-ann", blocked=True, reason="", staff="eve"),
        GateRestored(at_ns=shop.clock(), gate_id="door"),
    )
    return shop


def known(place: Path) -> dict[str, object]:
    """What holds for a run that begins here, after a day on which nothing happens."""
    days = len(list(place.glob("recording*")))
    empty = Shop(place, begins_s=3600.0 * days, kept=f"recording{days}")
    empty.give(ClockTick(at_ns=empty.clock()))
    empty.end()
    with Intake.open(place / "journal") as intake:
        book, engine = PaymentBook(), Engine(STORE)
        follow(book, intake)
        for item in past_of(intake).earlier:
            earlier(engine, item)
        return {
            "accounts": known_accounts(intake).by_reference,
            "at gates": [
                item for item in known_at_gates(intake) if isinstance(item, AccountBlocked | PaymentMethodSet)
            ],
            "wallet": book.wallets["acct-ann"].method_ref,
            "disputed": [item.taken_minor for item in book.disputes()],
            "books": _ours(intake),
            "released": (engine.house.released(), state_of(place / "journal").released),
        }


def test_what_a_replay_tells_again_is_no_word_of_the_store(tmp_path: Path) -> None:
    """Cards, blocks, disputes, books and doors stay as they were said last, also when the day is replayed there."""
    an_eventful_day(tmp_path)
    before = known(tmp_path)
    assert (before["wallet"], before["disputed"], before["released"]) == ("pm_new", [100], ((), ()))
    with Intake.open(tmp_path / "journal") as intake:
        assert replay(open_recording(tmp_path / "recording"), intake=intake).added > 20
    assert known(tmp_path) == before


def test_a_runs_own_journal_is_known_whoever_wrote_while_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recording adds nothing, also where staff wrote between its look at the journal and its own first word."""

    def slowly(intake: Intake, snapshots: Snapshots | None = None) -> Past:
        past = past_of(intake, snapshots)
        beside(tmp_path / "journal", AccountOpened(at_ns=1, account="acct-bob", role=Role.SHOPPER, commitment=""))
        return past

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(live, "past_of", slowly)
        shop = Shop(tmp_path)
    shop.play()
    shop.end()
    identical(shop)
    with Intake.open(tmp_path / "journal") as intake:
        assert is_own(open_recording(tmp_path / "recording"), intake)
    (result,) = replay_all([tmp_path / "recording"], tmp_path / "journal", Told()).results
    assert result.added == 0
