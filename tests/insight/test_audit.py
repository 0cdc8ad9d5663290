"""An audit speaks of people: who did what is told rightly across ids that changed."""

from __future__ import annotations

from pathlib import Path

from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.telling import Teller
from jwo_cli.insight.audit import audit
from jwo_cli.insight.telling import event_text
from jwo_cli.journal import open_journal


def test_ids_that_swap_do_not_swap_the_people_of_an_audit(shared_data: Path, tmp_path: Path) -> None:
    """Two shoppers exchange ids half-way: each line's taker is the shopper who pays and whose hand was nearest."""
    with Teller(receipts=False) as teller:
        replay_all([shared_data / "nanostore-dev" / "dev-14-id_switch"], tmp_path / "j", teller)
    with open_journal(tmp_path / "j") as session:
        receipts = [row[0] for row in session.rows("SELECT receipt_id FROM receipts ORDER BY seq")]
        audits = [audit(session, receipt_id) for receipt_id in receipts]
    carried = set()
    for found in audits:
        for line in found.lines:
            (event,) = line.events
            assert event.explanations[0].visit_id == found.receipt.visit_id
            assert event.reaches[0].track_id == event.track_id
            first, *others = [row for row in event_text(event, found, plots=False).split("\n") if "near:" in row]
            assert first.endswith("(this shopper)")
            assert not any("this shopper" in row for row in others)
            carried.add((found.receipt.visit_id, event.track_id))
        assert all(event.explanations[0].visit_id != found.receipt.visit_id for event in found.others if event.plates)
    assert len(carried) == 4
