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
from dataclasses import replace
from pathlib import Path

from jwo_cli.drive.replay import replay
from jwo_cli.insight.judged import from_receipts
from jwo_cli.insight.scoring import score
from jwo_cli.insight.truth import TrueCase, find_truths
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import open_recording
from jwo_cli.shop.settings import EngineSettings

TITLE = "What each kind of evidence is worth"
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


def rates(cases: list[TrueCase], settings: EngineSettings) -> dict[str, float | int | None]:
    """The totals over all cases with these settings."""
    receipts = {}
    for case in cases:
        receipts[case.name] = from_receipts(case, replay(open_recording(case.folder), settings=settings).receipts)
    return score(cases, receipts).total


def table(title: str, rows: dict[str, dict[str, float | int | None]]) -> str:
    """Rows of rates as a Markdown table."""
    lines = [f"| {title} | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for name, row in rows.items():
        cells = ["" if row[column] is None else f"{row[column]:.3f}" for column in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def told(places: list[Path], *, as_json: bool = False) -> str:
    """Every variant on these cases, as text. Raises UserError where there are none."""
    cases = find_truths(places)
    evidence = {name: rates(cases, settings) for name, settings in VARIANTS.items()}
    beams = {f"beam {beam}": rates(cases, replace(FULL, beam=beam)) for beam in BEAMS}
    if as_json:
        return json.dumps({"evidence": evidence, "beams": beams}, indent=1)
    tables = (table("switched off", evidence), table("joint hypotheses kept", beams))
    return "\n".join([f"{len(cases)} cases.\n", *tables])


def run() -> str:
    """For `make bench`: the development cases."""
    try:
        return told([DEV])
    except UserError as error:
        return f"Skipped: {error}\n"


def main() -> int:
    """Run every variant on the named cases and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", type=Path, default=[DEV])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        print(told(options.cases, as_json=options.json))
    except UserError as error:
        print(f"skipped: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
