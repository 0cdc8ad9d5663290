"""A single load cell done right: real still weights and two real birds, against the published method.

python -m benchmarks loadcell_perch
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import ROOT
from jwo_cli.estimate.weight.loadcell import DailyWeight, cell_changes, daily_weights, rests
from jwo_cli.model.units import NS_PER_S

TITLE = "A single load cell"
STILL_G = (5, 15, 17, 26, 30, 40)
BIRDS = ("1", "6")
LEAST_G = 5.0  # smaller changes are no bird
PUBLISHED_MAE_G = 0.465


def run() -> str:
    """Events in the still days, and the daily weights of the birds beside the published and the manual ones."""
    folder = Path(os.environ.get("JWO_SHARED_DATA") or ROOT.parent / "shared" / "data") / "loadcell-perch"
    if not folder.is_dir():
        return f"## {TITLE}\n\nThe real data is not here; nothing was measured.\n"
    events = sum(len(cell_changes(rests(*trace(folder / "controls" / _name("control", grams))))) for grams in STILL_G)
    rows = [
        f"## {TITLE}\n",
        f"{events} events in {len(STILL_G)} days of still weights.\n",
        "| bird | day | by hand | ours (weighings) | published |",
        "|---|---|---|---|---|",
    ]
    with (folder / "metadata" / "all_birds_summary.csv").open() as lines:
        summary = [row for row in csv.DictReader(lines) if row["bird_id"] in BIRDS]
    ours: list[float] = []
    theirs: list[float] = []
    for bird in BIRDS:
        weights = _by_date(
            daily_weights(cell_changes(rests(*trace(folder / "birds" / _name("bird", bird)))), least_g=LEAST_G)
        )
        for row in (row for row in summary if row["bird_id"] == bird):
            true_g, published_g = float(row["true_weight"]), float(row["stable_mean"])
            day = weights[row["date"]]
            ours.append(abs(day.mass_g - true_g))
            theirs.append(abs(published_g - true_g))
            rows.append(
                f"| {bird} | {row['date']} | {true_g:.2f} g | {day.mass_g:.2f} ± {day.sigma_g:.2f} g ({day.weighings}) "
                f"| {published_g:.2f} g |"
            )
    missed = " **missed**" if events or float(np.mean(ours)) > PUBLISHED_MAE_G else ""
    rows.append(f"\nMAE over {len(ours)} days: {np.mean(ours):.3f} g, published {np.mean(theirs):.3f} g{missed}.\n")
    return "\n".join(rows)


def trace(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times (ns) and grams of one recording; an empty weight is NaN."""
    with gzip.open(path, "rt") as lines:
        rows = [row.rstrip("\n").split(",") for row in lines][1:]
    at_ns = np.array([row[0] for row in rows], dtype="datetime64[ns]").astype(np.int64)
    return at_ns, np.array([float(row[1] or "nan") for row in rows])


def _name(kind: str, which: str | int) -> str:
    return f"{kind}_{which}_weight_report.csv.gz"


def _by_date(days: list[DailyWeight]) -> dict[str, DailyWeight]:
    return {dt.datetime.fromtimestamp(day.day_ns / NS_PER_S, dt.UTC).date().isoformat(): day for day in days}
