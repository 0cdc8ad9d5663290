"""What each kind of evidence and each kind of hypothesis is worth: switched off one at a time, on cases with truth.

    python -m benchmarks.ablations [CASES…] [--json]

CASES are folders with truth.json, or folders of such; by default the seventeen development cases. What these have no
signal for (tags, looks: they hold scales and poses) costs nothing there. The second table narrows the beam: how many
joint hypotheses are needed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from jwo_cli.drive.replay import ReplayResult, replay
from jwo_cli.insight.scoring import Judged, score
from jwo_cli.insight.truth import TrueCase, find_truths
from jwo_cli.model.decisions import Settlement
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import open_recording
from jwo_cli.shop.settings import EngineSettings

DEV = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "nanostore-dev"
FULL = EngineSettings()
VARIANTS: dict[str, EngineSettings] = {
    "everything on": FULL,
    "no mass (count and product by place)": replace(FULL, use_mass=False),
    "no reach (anybody may have done it)": replace(FULL, use_reach=False),
    "no place (planogram by shelf only)": replace(FULL, use_place=False),
    "no holdings (put-backs come from nowhere)": replace(FULL, use_holdings=False),
    "no dynamic planogram": replace(FULL, use_misplaced=False),
    "no hand-overs": replace(FULL, use_handover=False),
    "no doubt about identity": replace(FULL, use_identity=False),
    "no two people under one id": replace(FULL, use_merges=False),
    "no learnt masses": replace(FULL, use_learning=False),
    "no two products at once": replace(FULL, use_pairs=False),
    "nothing left on the floor": replace(FULL, use_floor=False),
    "no changes read together": replace(FULL, use_parts=False),
    "no ups and downs read together": replace(FULL, use_overlaps=False),
    "no two people at once": replace(FULL, use_together=False),
    "no foreign things on plates": replace(FULL, use_foreign=False),
    "no exchange under a touch": replace(FULL, use_exchange=False),
    "no hands at plates that do not weigh": replace(FULL, use_unweighed=False),
    "no tags": replace(FULL, use_tags=False),
    "no looks at what a hand holds": replace(FULL, use_looks=False),
}
BEAMS = (1, 4, 16, 60, 240)
COLUMNS = ("f1", "f1_any_customer", "receipt_exact", "over_charged", "automatic_share", "automatic_exact")


def judged(case: TrueCase, result: ReplayResult) -> list[Judged]:
    """The receipts of a replay, to be scored."""
    receipts = []
    for receipt in result.receipts:
        bag: Counter[str] = Counter()
        charged: Counter[str] = Counter()
        odds: dict[str, float] = {}
        for line in receipt.lines:
            bag[line.product_id] += line.quantity
            charged[line.product_id] += line.quantity if line.charged else 0
            odds[line.product_id] = min(odds.get(line.product_id, 1.0), line.probability)
        lines = tuple((product, bag[product], odds[product]) for product in bag)
        automatic = receipt.settled is Settlement.AUTOMATIC
        receipts.append(Judged(case.name, receipt.track_id, bag, automatic, receipt.probability, lines, +charged))
    return receipts


def rates(cases: list[TrueCase], settings: EngineSettings) -> dict[str, float | int | None]:
    """The totals over all cases with these settings."""
    receipts = {}
    for case in cases:
        receipts[case.name] = judged(case, replay(open_recording(case.folder), settings=settings))
    return score(cases, receipts).total


def table(title: str, rows: dict[str, dict[str, float | int | None]]) -> None:
    """Print rows of rates as a Markdown table."""
    print(f"\n| {title} | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * len(COLUMNS))
    for name, row in rows.items():
        cells = ["" if row[column] is None else f"{row[column]:.3f}" for column in COLUMNS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    """Run every variant and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", type=Path, default=[DEV])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        cases = find_truths(options.cases)
    except UserError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 0
    evidence = {name: rates(cases, settings) for name, settings in VARIANTS.items()}
    beams = {f"beam {beam}": rates(cases, replace(FULL, beam=beam)) for beam in BEAMS}
    if options.json:
        print(json.dumps({"evidence": evidence, "beams": beams}, indent=1))
        return 0
    print(f"{len(cases)} cases")
    table("switched off", evidence)
    table("joint hypotheses kept", beams)
    return 0


if __name__ == "__main__":
    sys.exit(main())
