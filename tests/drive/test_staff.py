"""What staff say beside a store: only of whom there is, and only where a store hears it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jwo_cli.drive.sources import ListSource
from jwo_cli.drive.staff import admit, confirm_age, request_mode, tell
from jwo_cli.drive.state import alone
from jwo_cli.journal import Intake
from jwo_cli.layouts.settings import Settings, read_settings
from jwo_cli.model.entering import AccountOpened, EntryRefused, Role
from jwo_cli.model.findings import UserError
from jwo_cli.model.staffing import AgeConfirmed, EntryGranted, Mode, ModeChanged
from jwo_cli.synthetic.made import find_store
from tests.conftest import Jwo
from tests.drive.counter import Shop, enters, up

ANN, BEN = "k0ann", "k0ben"


@pytest.fixture
def settings(jwo: Jwo, tmp_path: Path) -> Settings:
    """A store directory with two testers' accounts, open when it was last seen."""
    assert jwo("init", "made").returncode == 0
    settings = read_settings(tmp_path / "made")
    store = find_store(str(settings.layout))
    with Intake.open(settings.journal, store_id=store.store_id) as intake:
        for account in (ANN, BEN):
            tell(intake, AccountOpened(at_ns=1, account=account, role=Role.TESTER, commitment=""), staff="eve")
        tell(intake, ModeChanged(at_ns=2, mode=Mode.UP, staff="eve"), staff="eve")
    return settings


def gate(settings: Settings) -> str:
    return find_store(str(settings.layout)).gates[0].gate_id


def test_nobody_is_let_in_where_no_store_runs(settings: Settings) -> None:
    """The last run was killed in `up`: nothing would open the door, and nothing is written."""
    with pytest.raises(UserError, match="no store runs") as refused:
        admit(settings, ANN, gate_id=gate(settings), party_size=1, staff="eve")
    assert refused.value.exit_code == 3
    with Intake.open(settings.journal) as intake:
        assert not list(intake.observed([EntryGranted, EntryRefused]))


@pytest.mark.parametrize(
    ("sources", "wanted", "now"),
    [((ListSource("scales", "scales", []),), Mode.UP, Mode.STAFF_ONLY), ((), Mode.DOWN, Mode.DOWN)],
)
def test_an_answer_says_how_the_store_is_now(
    tmp_path: Path, sources: tuple[ListSource, ...], wanted: Mode, now: Mode
) -> None:
    """Not how it was asked to be: nothing was heard of the scales, so it stays for staff only."""
    shop = Shop(tmp_path, sources=sources)
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(request_mode, tmp_path / "journal", wanted, staff="eve")
        while not asked.done():
            shop.run.commit()
            time.sleep(0.02)
    shop.end()
    answer = asked.result()
    assert (answer.mode, answer.asked, bool(answer.refused)) == (now, wanted, now is not wanted)


def test_a_running_store_is_asked_to_open(settings: Settings) -> None:
    """A party of fifteen comes in; more do not come in together."""
    with alone(settings.journal):
        decided = admit(settings, ANN, gate_id=gate(settings), party_size=15, staff="eve")
        with pytest.raises(UserError, match="500") as refused:
            admit(settings, ANN, gate_id=gate(settings), party_size=500, staff="eve")
    assert "1 to 15" in refused.value.fix
    assert (decided.account, getattr(decided, "party_size", None)) == (ANN, 15)


@pytest.mark.parametrize(("account", "problem"), [("nobody", "no account"), ("k0", "2 accounts begin with 'k0'")])
def test_an_age_is_of_an_account_that_there_is(settings: Settings, account: str, problem: str) -> None:
    """A slip of the hand confirms nobody's age."""
    with pytest.raises(UserError, match=problem):
        confirm_age(settings.journal, age=18, account=account, staff="eve")
    with pytest.raises(UserError, match="whose age"):
        confirm_age(settings.journal, age=18, staff="eve")
    with Intake.open(settings.journal) as intake:
        assert not list(intake.observed([AgeConfirmed]))


def test_a_beginning_is_enough(settings: Settings) -> None:
    """What is kept is the account's whole name."""
    confirm_age(settings.journal, age=18, account="k0a", staff="eve")
    with Intake.open(settings.journal) as intake:
        ((_, seen),) = intake.observed([AgeConfirmed])
    assert (seen.account, seen.age) == (ANN, 18)


def test_an_age_is_of_a_visit_that_is_open(tmp_path: Path) -> None:
    """Ann is inside: her visit is known by its beginning, also to the engine; nonsense is refused."""
    shop = Shop(tmp_path)
    up(shop)
    shop.play(until_s=1.5)
    enters(shop, 1.5)
    shop.play(from_s=1.5, until_s=6.0)
    shop.run.commit()
    (visit,) = shop.run.engine.roster.visits
    with pytest.raises(UserError, match="no open visit"):
        confirm_age(tmp_path / "journal", age=18, visit="nonsense", staff="eve")
    confirm_age(tmp_path / "journal", age=18, visit=visit[:-1], staff="eve")
    confirm_age(tmp_path / "journal", age=21, account="acct-ann", staff="eve")
    shop.run.commit()
    assert shop.run.engine.house.age_of(visit, None) == 18
    assert shop.run.engine.house.age_of("", "acct-ann") == 21
    shop.end()
