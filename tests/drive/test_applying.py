"""What staff do to a store that runs: edited files become entries, and what needs a closed store is refused by name."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.applying import apply_layout, tell_applied
from jwo_cli.drive.staff import request_mode, tell
from jwo_cli.drive.state import alone, in_force, is_running, keep_layout, state_of
from jwo_cli.journal import Intake, open_journal, verify
from jwo_cli.layouts import bundled, load
from jwo_cli.layouts.template import write_template
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.staffing import CatalogueChanged, GateReleased, Mode, PlanogramChanged, StockCounted, StockRestocked
from jwo_cli.synthetic.sample import BATTERIES


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The corner kiosk's files, to edit."""
    folder = tmp_path / "layout"
    folder.mkdir()
    write_template("corner_kiosk", folder, store_id="corner-kiosk", name="Corner Kiosk")
    return folder


def store_of(files: Path) -> Store:
    store, _ = load(files)
    assert store is not None
    return store


def journal_of(tmp_path: Path, files: Path) -> Path:
    """A journal on which a run has begun."""
    store, journal = store_of(files), tmp_path / "journal"
    Intake.open(journal, store_id=store.store_id, layout_version=store.version).close()
    keep_layout(journal, store)
    return journal


def cheaper(files: Path, name: str = "Cola 0.5 l") -> None:
    table = files / "catalogue.csv"
    text, edited = re.subn(rf"({re.escape(name)},[^,]*,[^,]*,)[^,]*,", r"\g<1>0.49,", table.read_text(encoding="utf-8"))
    assert edited == 1
    table.write_text(text, encoding="utf-8")


def test_an_edited_price_is_an_entry_once(tmp_path: Path, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Applied, the price is in force; applied again, nothing changes."""
    journal = journal_of(tmp_path, files)
    cheaper(files)
    with alone(journal):
        first = apply_layout(journal, files, staff="eve", planogram=True, catalogue=True)
        again = apply_layout(journal, files, staff="eve", planogram=True, catalogue=True)
        with Intake.open(journal) as intake:
            ((_, change),) = intake.observed([CatalogueChanged])
            assert in_force(journal, intake).catalogue == store_of(files).catalogue
    assert (len(first.entries), again.entries) == (1, ())
    assert [product.price_minor for product in change.products] == [49]
    tell_applied(first, as_json=False)
    assert capsys.readouterr().err == f"In force now: entry {first.entries[0]}.\n"
    assert "Cola 0.5 l: 1.49 EUR → 0.49 EUR" in first.changes[0]


def test_a_dry_run_says_it_and_does_nothing(tmp_path: Path, files: Path) -> None:
    """The same words, no entry."""
    journal = journal_of(tmp_path, files)
    cheaper(files)
    with alone(journal):
        said = apply_layout(journal, files, staff="eve", planogram=True, catalogue=True, dry_run=True)
    assert (len(said.changes), said.entries) == (1, ())


def test_goods_that_leave_the_file_keep_their_price(tmp_path: Path, files: Path) -> None:
    """A unit may be in a basket: it is said, and what is in force stays."""
    journal = journal_of(tmp_path, files)
    gone = BATTERIES  # in no promotion
    for name in ("catalogue.csv", "planogram.csv"):
        lines = (files / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (files / name).write_text("".join(line for line in lines if gone not in line), encoding="utf-8")
    with alone(journal):
        applied = apply_layout(journal, files, staff="eve", planogram=False, catalogue=True)
        with Intake.open(journal) as intake:
            products = in_force(journal, intake).catalogue.by_id()
    assert [line.startswith(gone) and "keeps its price" in line for line in applied.changes] == [True]
    assert applied.entries == ()
    assert gone in products


def test_a_facing_that_moved_is_an_entry(tmp_path: Path, files: Path) -> None:
    """A line of the planogram goes; the running store hears of the whole planogram."""
    journal = journal_of(tmp_path, files)
    lines = (files / "planogram.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (files / "planogram.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    with alone(journal):
        apply_layout(journal, files, staff="eve", planogram=True, catalogue=True)
        with Intake.open(journal) as intake:
            ((_, change),) = intake.observed([PlanogramChanged])
    assert change.facings == store_of(files).facings


def test_what_needs_a_closed_store_is_refused_by_name(tmp_path: Path, files: Path) -> None:
    """A door was moved in the file: nothing is applied, also not the price that changed with it."""
    journal = journal_of(tmp_path, files)
    cheaper(files)
    toml = files / "store.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("b_m = [5.3, 0.0]", "b_m = [5.4, 0.0]"), encoding="utf-8")
    with alone(journal), pytest.raises(UserError, match="gates"):
        apply_layout(journal, files, staff="eve", planogram=True, catalogue=True)
    with Intake.open(journal) as intake:
        assert intake.head()[0] == 0


def test_without_a_running_store_there_is_nothing_to_apply(tmp_path: Path, files: Path) -> None:
    """The next run begins with the files anyway."""
    journal = journal_of(tmp_path, files)
    with pytest.raises(UserError, match="no store runs") as refused:
        apply_layout(journal, files, staff="eve", planogram=True, catalogue=True)
    assert refused.value.exit_code == 3


def test_a_mode_that_nobody_answers_is_told(tmp_path: Path, files: Path) -> None:
    """The request stays in the journal; whoever asked hears that no store runs."""
    journal = journal_of(tmp_path, files)
    with pytest.raises(UserError, match="no store runs"):
        request_mode(journal, Mode.UP, staff="eve", patience_s=0.2)


def test_one_store_runs_on_a_journal(tmp_path: Path, files: Path) -> None:
    """A second run is refused; afterwards the journal is free again."""
    journal = journal_of(tmp_path, files)
    with alone(journal):
        assert is_running(journal)
        with pytest.raises(UserError, match="already"), alone(journal):
            pass
    assert not is_running(journal)


def test_a_start_does_not_meet_whoever_asks_for_the_status(tmp_path: Path, files: Path) -> None:
    """Two who ask all the time, a hundred starts: none is refused."""
    journal, done, asked = journal_of(tmp_path, files), threading.Event(), list[bool]()

    def asks() -> None:
        while not done.is_set():
            asked.append(is_running(journal))

    threads = [threading.Thread(target=asks) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            with alone(journal):
                pass
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert False in asked


def test_the_books_know_the_stock(tmp_path: Path, files: Path) -> None:
    """Twelve in, eleven counted: eleven in stock, one is shrink; the state tells of the door that stands open."""
    journal = journal_of(tmp_path, files)
    cola = StockRestocked(at_ns=1, staff="eve", product_id="cola", quantity=12)
    with Intake.open(journal) as intake:
        for observation in (
            cola,
            StockCounted(at_ns=2, staff="eve", product_id="cola", found=11, booked=12),
            GateReleased(at_ns=3, gate_id="exit", reason="fire alarm"),
        ):
            tell(intake, observation, staff="eve")
        tell(intake, replace(cola, product_id="tea"), staff="eve")
    with open_journal(journal) as session:
        rows = session.rows(
            "SELECT account, commodity, sum(amount) FROM postings GROUP BY ALL HAVING account IN ('stock', 'shrink')"
        )
    assert sorted(rows) == [("shrink", "unit:cola", 1), ("stock", "unit:cola", 11), ("stock", "unit:tea", 12)]
    assert not verify(journal)
    state = state_of(journal)
    assert (state.running, state.mode, state.released) == (False, Mode.DOWN, ("exit",))


def test_the_bundled_layout_is_what_these_files_are() -> None:
    """The fixture's edits are of the kiosk that comes with jwo."""
    assert "corner_kiosk" in bundled()
