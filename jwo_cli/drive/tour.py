"""The guided tour: the bundled sample through replay, audit, report and verify, in words for a shopkeeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jwo_cli import console, journal, printing
from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.gather import expand
from jwo_cli.drive.replay import ReplayResult
from jwo_cli.drive.telling import Teller
from jwo_cli.insight.audit import ReceiptAudit, audit
from jwo_cli.insight.sales import by_product
from jwo_cli.insight.telling import event_text, line_title
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.units import format_minor
from jwo_cli.recordings import Truth, open_recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Against the truth: shoppers with goods, exactly right receipts, and how many were settled by themselves."""

    shoppers: int
    right: int
    settled: int
    settled_right: int


def sample() -> Path:
    """The bundled recording's folder. Raises UserError where the installation lacks it."""
    root = Path(str(resources.files("jwo_cli.sample_data")))
    folders = [folder for folder in expand([root]) if folder != root]
    if not folders:
        raise UserError("the sample recording is not part of this installation", fix="Install jwo again, as a whole.")
    return folders[0]


def tour(place: Path, folder: Path) -> Score | None:
    """Show a recording through everything once, with the journal at `place`.

    Returns the score where the recording knows the truth. Raises UserError where it gives no receipt.
    """
    recording = open_recording(folder)
    _say("1. A store", _about(recording.store, recording.duration_s))
    _say(
        "2. Replay: what the sensors saw becomes receipts",
        "Nobody was asked and no till was used. Every line says how sure the store is; what is not sure enough is not "
        "charged by itself but waits for a person.",
    )
    with Teller(receipts=True) as teller:
        batch = replay_all([folder], place, teller)
    result = batch.results[0]
    score = _compare(result, recording.truth())
    with journal.open_journal(place) as session:
        _explain(audit(session, _telling(result.receipts).receipt_id))
        _say(
            "4. Report: what was sold",
            "Totals are made from what was charged. The journal answers any question in SQL.",
        )
        sold = [
            (row.name, row.units, row.waiting_units, format_minor(row.total_minor, row.currency))
            for row in by_product(session)
        ]
    console.table(("product", "sold", "waiting", "charged"), sold)
    _verify(place, folder, result)
    return score


def _say(title: str, text: str) -> None:
    from rich.text import Text

    console.show(Text(f"\n{title}", style="bold"))
    console.show(Text(text + "\n"))


def _about(store: Store, duration_s: float) -> str:
    plates, products = len(store.plates()), len(store.catalogue.products)
    return (
        f"{store.name}: fixtures {len(store.fixtures)}, scale plates {plates}, products {products}. The sample is "
        f"{duration_s / 60:.1f} minutes of its sensors: weights sixty times a second, people's heads and hands ten "
        "times a second. No camera picture is kept, and no face is known."
    )


def _telling(receipts: Sequence[ReceiptIssued]) -> ReceiptIssued:
    """The receipt that teaches most: one with a line in doubt, and of these the one with the fewest lines."""
    if not receipts:
        raise UserError("nobody took anything in this recording", fix="Tour another one.")
    return min(receipts, key=lambda item: (all(line.charged for line in item.lines), not item.lines, len(item.lines)))


def _explain(found: ReceiptAudit) -> None:
    _say(
        "3. Audit: why does a receipt say what it says?",
        f"jwo audit show {found.receipt.receipt_id} leads every line back to what was measured, who was near, and what "
        "else it may have been. One line of it:",
    )
    ranked = sorted(enumerate(found.lines, start=1), key=lambda item: item[1].line.probability)
    for number, line in ranked[:1]:
        console.out(line_title(number, line, found))
        for event in line.events[:2]:
            console.out(event_text(event, found))
    for event in found.others[:2]:
        console.out(event_text(event, found, plots=False))


def _compare(result: ReplayResult, truth: Truth | None) -> Score | None:
    if truth is None:
        return None
    receipts = {receipt.track_id: receipt for receipt in result.receipts}
    right = settled = settled_right = 0
    shoppers = [shopper for shopper in truth.receipts if shopper.items]
    for shopper in shoppers:
        own = [receipts[track_id] for track_id in shopper.all_ids if track_id in receipts]
        lines = [(line.product_id, line.quantity) for receipt in own for line in receipt.lines]
        exact = _sum(lines) == _sum([(item.product_id, item.quantity) for item in shopper.items])
        alone = bool(own) and all(receipt.settled is Settlement.AUTOMATIC for receipt in own)
        right, settled, settled_right = right + exact, settled + alone, settled_right + (exact and alone)
    console.out(
        f"The sample knows what really happened. {len(shoppers)} shoppers left with goods. {settled} receipts "
        f"were settled by themselves: {settled_right} of them are exactly right. {len(shoppers) - settled} wait for a "
        "person."
    )
    return Score(shoppers=len(shoppers), right=right, settled=settled, settled_right=settled_right)


def _sum(items: Sequence[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for product_id, quantity in items:
        total[product_id] = total.get(product_id, 0) + quantity
    return total


def _verify(place: Path, folder: Path, result: ReplayResult) -> None:
    _say(
        "5. Proof: the journal can be checked, and replayed to the same hash",
        "Every entry is chained to the one before. Replaying the sample again must add nothing and give the same hash.",
    )
    with Teller(receipts=False) as teller:
        again = replay_all([folder], place, teller).results[0]
    same = again.head_hash == result.head_hash and again.added == 0
    troubles = len(journal.verify(place))
    console.out(f"first  {result.head_hash}")
    console.out(f"again  {again.head_hash}  {'the same, nothing added' if same else 'NOT the same'}")
    console.out(f"verify {'the journal is whole' if not troubles else f'{troubles} findings'}")
    console.out(f"\n{printing.NEXT_STEPS}")
