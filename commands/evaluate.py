"""`jwo evaluate`: how right the store was, where the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.insight.scoring import Score

app = typer.Typer(no_args_is_help=True, help="Score receipts against the truth.")


@app.callback()
def group() -> None:
    """Score receipts against the truth."""


@app.command()
def receipts(
    truth: Annotated[
        list[Path],
        typer.Option("--truth", metavar="DIR", help="Cases with truth.json, or folders of such; repeatable."),
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]…", help="More folders with truth.")] = None,
    journal: console.JournalDir = None,
    receipts_file: Annotated[
        Path | None, typer.Option("--receipts", metavar="FILE", help="Receipts in the competition's form.")
    ] = None,
    reliability: Annotated[
        bool, typer.Option("--reliability", help="Also show stated against true probabilities, and risk by coverage.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Item precision, recall and F1, exact receipts, money, the share settled by itself and how honest its odds are."""
    from jwo_cli.insight.judged import event_scores, from_file, from_journal, sources
    from jwo_cli.insight.scoring import score
    from jwo_cli.insight.truth import find_truths
    from jwo_cli.journal import open_journal

    cases = find_truths([*truth, *(more or [])])
    if receipts_file is not None:
        result = score(cases, from_file(receipts_file, cases))
    elif journal is not None:
        by_source = sources(cases)
        with open_journal(journal) as session:
            result = score(cases, from_journal(session, by_source), event_scores(session, by_source))
    else:
        raise UserError("nothing to score", fix="Say --journal DIR or --receipts FILE.")
    if as_json:
        console.print_json(result.document())
        return
    _show(result, reliability=reliability)


def _show(result: Score, *, reliability: bool) -> None:
    heads = {
        "visits": "visits",
        "items": "items",
        "precision": "prec",
        "recall": "recall",
        "f1": "F1",
        "receipt_exact": "exact",
        "automatic_share": "auto",
        "automatic_exact": "auto exact",
        "over_charged": "over",
        "under_charged": "under",
        "actually_over_charged": "charged over",
        "line_calibration_error": "calib. err",
    }
    rows: list[list[console.Cell]] = [
        [name, *(rates[key] for key in heads)] for name, rates in [*result.classes.items(), ("TOTAL", result.total)]
    ]
    console.table(("class", *heads.values()), rows, title="Receipts against the truth (money as a share of sales)")
    if result.events is not None:
        console.table(tuple(result.events), [list(result.events.values())], title="Events (shares of the true ones)")
    if reliability and result.reliability:
        shown: list[list[console.Cell]] = [
            [f"{row.low:g}–{row.high:g}", row.count, row.stated, row.true] for row in result.reliability
        ]
        console.table(("stated", "lines", "mean stated", "came true"), shown, title="Reliability of line probabilities")
        curve: list[list[console.Cell]] = [
            [point.threshold, point.coverage, point.exact] for point in result.risk_coverage
        ]
        console.table(("settle from", "share settled", "exact"), curve, title="Risk by coverage")
    elif reliability:
        console.say("a receipts file holds no probabilities: score a --journal for the reliability table")
