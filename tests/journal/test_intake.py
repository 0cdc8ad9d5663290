"""The intake: appended once, in order, chained; the same content in any batching gives the same hash."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.journal import Intake, chain, database, open_journal, tables, verify
from jwo_cli.model import codec
from jwo_cli.model.codec import canonical
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entry import Entry, NewEntry
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import DeviceFaulted, FaultKind, Observation, TrackStarted
from jwo_cli.model.staffing import StockCounted, StockRestocked
from tests.journal.days import LAYOUT, T0, day, journal, note


def _open(directory: Path) -> Intake:
    return Intake.open(directory, store_id="shop", layout_version=LAYOUT)


def test_appended_entries_come_back_as_they_were(tmp_path: Path) -> None:
    """Seqs count from one, each entry names the hash before it, and reading gives what appending returned."""
    with _open(tmp_path / "j") as intake:
        genesis = intake.head()
        written = intake.append(day(3))
        assert tuple(intake.entries()) == written
        assert [entry.seq for entry in written] == list(range(1, len(written) + 1))
        assert [entry.prev_hash for entry in written] == [genesis[1], *(entry.hash for entry in written[:-1])]
        assert intake.head() == (written[-1].seq, written[-1].hash)
        assert tuple(intake.entries(after_seq=5)) == written[5:]


def test_the_hash_covers_everything_but_the_time_of_recording(tmp_path: Path) -> None:
    """SHA-256 over the previous hash and the canonical JSON of the content: anybody can compute it without our code."""
    with _open(tmp_path / "j") as intake:
        (entry,) = intake.append(
            [replace(note("k"), source='a "quoted" säule\n', payload={"ü": 1.5, "a": [None, True]})]
        )
    content = {
        name: getattr(entry, name) for name in Entry.__slots__ if name not in {"recorded_ns", "prev_hash", "hash"}
    }
    assert entry.hash == chain.link(entry.prev_hash, canonical({**content, "caused_by": list(entry.caused_by)}))


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 60), max_size=8))
def test_any_batching_gives_the_same_final_hash(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    """Law: how the input is cut into transactions leaves no trace in the chain."""
    entries, expected = day(4), None
    for splits in ([], cuts):
        with _open(tmp_path_factory.mktemp("j")) as intake:
            for start, stop in zip([0, *sorted(splits)], [*sorted(splits), len(entries)], strict=True):
                intake.append(entries[start:stop])
            expected = expected or intake.head()
            assert intake.head() == expected


@settings(max_examples=25, deadline=None)
@given(again=st.lists(st.integers(0, 54), max_size=30))
def test_appending_again_changes_nothing(tmp_path_factory: pytest.TempPathFactory, again: list[int]) -> None:
    """Law: a key that is there already gives its entry back, in whatever order and how often it is repeated."""
    entries = day(4)
    with _open(tmp_path_factory.mktemp("j")) as intake:
        first = intake.append(entries)
        head = intake.head()
        assert intake.append([entries[index] for index in again]) == tuple(first[index] for index in again)
        assert intake.head() == head


def test_a_key_twice_in_one_batch_is_one_entry(tmp_path: Path) -> None:
    """Idempotence holds inside a transaction too."""
    with _open(tmp_path / "j") as intake:
        first, second = intake.append([note("k"), note("k")])
        assert first == second
        assert intake.head()[0] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"at_ns": 5},
        {"payload": {"at_ns": 6}},
        {"source": "x"},
        {"kind": "other"},
        {"version": 2},
        {"caused_by": (1,)},
        {"layout_version": "another"},
    ],
)
def test_a_used_key_with_other_content_is_refused_whole(tmp_path: Path, changed: dict[str, object]) -> None:
    """Nothing of the batch is written, and the sentence says which entry it collides with."""
    with _open(tmp_path / "j") as intake:
        intake.append([note("first"), note("k")])
        with pytest.raises(UserError, match=r"holds 'k' \(entry 2\) already") as caught:
            intake.append([note("new"), replace(note("k"), **changed)])  # type: ignore[arg-type]
        assert "another journal" in caught.value.fix
        assert intake.head()[0] == 2


def test_a_cause_must_come_before_its_effect(tmp_path: Path) -> None:
    """An entry cannot be caused by itself or by the future, and the refused batch leaves nothing."""
    with _open(tmp_path / "j") as intake:
        with pytest.raises(ValueError, match="must come before it"):
            intake.append([note("a"), note("b", 0, 2)])
        assert intake.head()[0] == 0


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"payload": {"x": float("nan")}}, "JSON compliant"),
        ({"payload": {"x": [1, {"y": codec.MOST + 1}]}}, "a number of 19 digits is too large"),
        ({"payload": {"x": -(10**30)}}, "a number of 31 digits is too large"),
        ({"at_ns": -codec.MOST - 1}, "too large"),
        ({"payload": {"note": "a\udcff"}}, "no character of UTF-8"),
        ({"source": "staff/\udcff"}, "no character of UTF-8"),
        ({"key": "\udcff"}, "no character of UTF-8"),
    ],
)
def test_what_nobody_could_read_again_is_not_taken(tmp_path: Path, odd: dict[str, Any], words: str) -> None:
    """Of any kind, from anywhere: a sentence, and nothing of the batch is written."""
    with _open(tmp_path / "j") as intake:
        with pytest.raises(UserError, match=words):
            intake.append([note("a"), replace(note("b"), **odd)])
        assert intake.head()[0] == 0


def test_what_is_taken_can_be_read_by_everybody(tmp_path: Path) -> None:
    """The largest numbers there are, as far apart as they can be, in every table that reckons with them."""
    least, most = -codec.MOST, codec.MOST
    values: list[Observation] = [
        StockRestocked(at_ns=least, staff="ada", product_id="cola", quantity=most),
        StockCounted(at_ns=most, staff="ada", product_id="cola", found=most, booked=least),
        DeviceFaulted(at_ns=least, device_id="s1", kind=FaultKind.GAP, until_ns=most),
        TrackStarted(at_ns=0, track_id='[9223372036854775808,"', x_m=1e300, y_m=0.0001234567890123456),
    ]
    entries = [
        replace(note(f"k{n}"), at_ns=value.at_ns, kind=codec.kind_of(type(value)), payload=codec.encode(value))
        for n, value in enumerate(values)
    ]
    with _open(tmp_path / "j") as intake:
        intake.append(entries)
    with open_journal(tmp_path / "j") as session:
        for table in (*tables.base_tables(), *(view.name for view in tables.VIEWS)):
            session.rows(f"SELECT * FROM {table}")
        assert session.rows("SELECT quantity FROM stock_restocked") == [(most,)]
        assert session.rows("SELECT amount FROM postings WHERE account = 'shrink'") == [(-2 * most,)]
        assert session.rows("SELECT track_id FROM track_started") == [('[9223372036854775808,"',)]
    assert verify(tmp_path / "j") == ()


def test_entries_are_stamped_with_store_and_layout(tmp_path: Path) -> None:
    """One journal may hold several stores and layouts; an entry that names its own keeps it."""
    with _open(tmp_path / "j") as intake:
        intake.append([note("a"), replace(note("b"), store_id="kiosk", layout_version="l9")])
    with Intake.open(tmp_path / "j", store_id="other", layout_version="l2") as intake:
        intake.append([note("c")])
    with Intake.open(tmp_path / "j", create=False) as intake:
        places = [(entry.store_id, entry.layout_version) for entry in intake.entries()]
        assert places == [("shop", LAYOUT), ("kiosk", "l9"), ("other", "l2")]
        assert intake.store_id == "shop"


def test_a_transaction_makes_several_appends_one(tmp_path: Path) -> None:
    """What is appended inside becomes visible at its end, and not at all where it fails."""
    with _open(tmp_path / "j") as intake, _open(tmp_path / "j") as other:
        with intake.transaction():
            intake.append([note("a")])
            intake.append([note("b")])
            assert other.head()[0] == 0
        assert other.head()[0] == 2
        with pytest.raises(UserError), intake.transaction():
            intake.append([note("c"), replace(note("a"), at_ns=1)])
        assert other.head()[0] == 2


def test_a_refused_batch_inside_of_a_transaction_takes_back_only_itself(tmp_path: Path) -> None:
    """The rest of the transaction is kept by who catches the refusal."""
    with _open(tmp_path / "j") as intake:
        with intake.transaction():
            intake.append([note("a")])
            with pytest.raises(ValueError, match="must come before"):
                intake.append([note("b"), note("c", 0, 9)])
            intake.append([note("d")])
        assert [entry.key for entry in intake.entries()] == ["a", "d"]


_WRITER = """
import sys
import threading
import time
from pathlib import Path
from jwo_cli.journal import Intake
from jwo_cli.model.entry import NewEntry
name = sys.argv[2]
with Intake.open(Path(sys.argv[1]), store_id="shop") as intake:
    for n in range(60):
        key = f"{name}:{n}"
        both = (key, key + "b")
        intake.append([NewEntry(key=k, at_ns=n, source=name, kind="ticked", payload={"at_ns": n}) for k in both])
"""


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    """Three writers that also race to make the journal: every entry is there, in each writer's order, in one chain."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "j")]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    with Intake.open(tmp_path / "j", create=False) as intake:
        entries = tuple(intake.entries())
    assert [entry.seq for entry in entries] == list(range(1, 361))
    assert all(a.hash == b.prev_hash for a, b in pairwise(entries))
    for name in "abc":
        assert [entry.at_ns for entry in entries if entry.source == name] == [n for n in range(60) for _ in "ab"]


def test_reading_goes_on_to_what_was_appended_meanwhile(tmp_path: Path) -> None:
    """The running engine tails what others append: an iterator that reached the end may be followed by another."""
    with _open(tmp_path / "j") as intake, _open(tmp_path / "j") as staff:
        intake.append([note("a")])
        seen = [entry.seq for entry in intake.entries()]
        staff.append([note("b")])
        assert [entry.key for entry in intake.entries(after_seq=seen[-1])] == ["b"]


def test_the_log_refuses_to_be_changed(tmp_path: Path) -> None:
    """Also for who opens the file by hand: entries are neither changed nor deleted by accident."""
    directory = journal(tmp_path / "j", visits=1)
    connection = apsw.Connection(str(directory / "intake.sqlite"))
    with pytest.raises(apsw.ConstraintError, match="never changed"):
        connection.execute("UPDATE entries SET at_ns = 0")
    with pytest.raises(apsw.ConstraintError, match="never deleted"):
        connection.execute("DELETE FROM entries")
    connection.close()


def test_appending_nothing_is_nothing(tmp_path: Path) -> None:
    """An empty batch has no entries and takes no lock."""
    entries: list[NewEntry] = []
    with _open(tmp_path / "j") as intake:
        assert intake.append(entries) == ()


def test_what_others_appended_is_heard_before_what_we_append(tmp_path: Path) -> None:
    """Inside of a transaction the tail is final: whoever appends meanwhile waits, and comes behind our decisions."""
    others = threading.Event()
    with Intake.open(tmp_path / "j", store_id="shop") as ours, Intake.open(tmp_path / "j") as theirs:
        (first,) = ours.append([note("ours 1")])
        theirs.append([note("theirs 1")])

        def late() -> None:
            with Intake.open(tmp_path / "j") as handle:
                others.set()
                handle.append([note("theirs 2")])

        with ours.transaction():
            heard = [entry.key for entry in ours.entries(first.seq)]
            writer = threading.Thread(target=late)
            writer.start()
            others.wait()
            time.sleep(0.05)
            (seen,) = ours.append([note("ours 2")])
            assert [entry.key for entry in ours.entries(seen.seq)] == []
            (decided,) = ours.append([note("ours 3", T0, seen.seq)])
        writer.join()
        assert heard == ["theirs 1"]
        assert [entry.key for entry in ours.entries(decided.seq)] == ["theirs 2"]
        assert [entry.seq for entry in ours.entries()] == [1, 2, 3, 4, 5]


def test_asking_for_the_tail_reads_the_tail_only(tmp_path: Path) -> None:
    """Twenty times a second for ever: what it costs does not grow with the log."""

    def poll_s(handle: Intake) -> float:
        seq, _ = handle.head()
        times = []
        for _ in range(200):
            began = time.perf_counter()
            assert list(handle.entries(seq)) == []
            times.append(time.perf_counter() - began)
        return sorted(times)[100]

    with Intake.open(tmp_path / "j", store_id="shop") as intake:
        intake.append([note("a")])
        short = poll_s(intake)
        intake.append([note(f"b{n}") for n in range(20_000)])
        assert poll_s(intake) < 5 * short + 1e-4


@pytest.mark.parametrize("missing", ["subject", "reference", "kind", "recorded"])
def test_a_journal_from_before_there_were_all_indexes_gets_them(tmp_path: Path, missing: str) -> None:
    """Whichever it lacks: what is asked by it is answered."""
    with _open(tmp_path / "j") as intake:
        intake.append(day(2))
    raw = apsw.Connection(str(tmp_path / "j" / "intake.sqlite"))
    raw.execute(f"DROP INDEX entries_{missing}")
    raw.close()
    with _open(tmp_path / "j") as intake:
        assert intake.recorded_before(0) == 0
        assert f"entries_{missing}" in {
            name for (name,) in intake._connection.execute("SELECT name FROM sqlite_schema")
        }


def test_one_receipts_story_is_found_without_reading_the_others(tmp_path: Path) -> None:
    """By its id, or by a provider's reference; also in a journal that was made before there was an index."""
    with _open(tmp_path / "j") as intake:
        intake.append(day(8))
    raw = apsw.Connection(str(tmp_path / "j" / "intake.sqlite"))
    raw.execute("DROP INDEX entries_subject; DROP INDEX entries_reference; DROP INDEX entries_kind")
    raw.close()
    with _open(tmp_path / "j") as intake:
        receipts = list(intake.observed([ReceiptIssued]))
        for seq, receipt in receipts:
            assert list(intake.observed([ReceiptIssued], about=receipt.receipt_id)) == [(seq, receipt)]
            assert list(intake.observed([ReceiptIssued], about=receipt.receipt_id, until_seq=seq - 1)) == []
        assert list(intake.observed([ReceiptIssued], reference="pi_1")) == []
        plan = [
            str(row[3])
            for name in (database.SUBJECT, database.REFERENCE, "kind")
            for row in intake._connection.execute(
                f"EXPLAIN QUERY PLAN SELECT seq FROM entries WHERE seq > 0 AND {name} = ?",
                ("x",),
            )
        ]
    assert len(receipts) > 3
    assert all("INDEX entries_" in step for step in plan)


def test_the_last_entry_before_a_time_is_found(tmp_path: Path) -> None:
    """Entries are recorded in the order of their numbers, while nobody sets the clock."""
    with _open(tmp_path / "j") as intake:
        assert intake.recorded_before(time.time_ns()) == 0
        kept = [intake.append([note(f"n{number}")])[0] for number in range(7)]
        for entry in kept:
            assert intake.recorded_before(entry.recorded_ns) == entry.seq - 1
            assert intake.recorded_before(entry.recorded_ns + 1) == entry.seq
            assert intake.hash_at(entry.seq) == entry.hash
        assert intake.recorded_before(kept[-1].recorded_ns + 1_000) == 7


def test_what_was_recorded_before_a_clock_was_set_back_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice back, and on to where it was: what came after the first of that time is looked at, all of it."""
    with _open(tmp_path / "j") as intake:
        for minute in (0, 60, 61, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 62):
            monkeypatch.setattr("jwo_cli.journal.intake.time.time_ns", lambda at=minute: at)
            intake.append([note(f"n{minute}/{intake.head()[0]}")])
        assert intake.recorded_before(0) == 0
        assert intake.recorded_before(5) == 1
        assert intake.recorded_before(61) == 2
        assert intake.recorded_before(62) == 13
        assert intake.recorded_before(63) == 14
