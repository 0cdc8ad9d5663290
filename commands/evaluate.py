"""`jwo evaluate`: how right receipts, tracks and detections were, where the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.insight.scoring import Bin, Score

app = typer.Typer(no_args_is_help=True, help="Score receipts, tracks and detections against the truth.")


@app.callback()
def group() -> None:
    """Score receipts, tracks and detections against the truth."""


@app.command()
def receipts(
    truth: Annotated[
        list[Path],
        typer.Option("--truth", metavar="DIR", help="Cases with truth.json, or folders of such; repeatable."),
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]…", help="More folders with truth.")] = None,
    journal: console.JournalDir = None,
    receipts_file: Annotated[
        Path | None,
        typer.Option("--receipts", metavar="FILE", help="Receipts in the competition's form, instead of a journal."),
    ] = None,
    reliability: Annotated[
        bool, typer.Option("--reliability", help="Also show stated against true probabilities, and risk by coverage.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Item precision, recall and F1, exact receipts, money, the share settled by itself and how honest its odds are."""
    from jwo_cli.insight.happenings import event_scores
    from jwo_cli.insight.judged import doubts, from_file, from_journal, sources
    from jwo_cli.insight.scoring import score
    from jwo_cli.insight.truth import find_truths
    from jwo_cli.journal import open_journal

    cases = find_truths([*truth, *(more or [])])
    if receipts_file is not None:
        given = from_file(receipts_file, cases)
        result = score(cases, given)
    elif (place := console.named_journal(journal)) is not None:
        by_source = sources(cases)
        with open_journal(place) as session:
            given = from_journal(session, by_source)
            result = score(cases, given, event_scores(session, by_source))
    else:
        raise UserError("nothing to score", fix="Say --journal DIR or --receipts FILE.")
    for doubt in doubts(cases, given):
        console.say(f"warning: {doubt}")
    if as_json:
        console.print_json(result.document())
        return
    _show(result, reliability=reliability)


@app.command()
def tracks(
    truth: Annotated[Path, typer.Option("--truth", metavar="FILE", help="True tracks: MOTChallenge rows.")],
    tracks_file: Annotated[Path, typer.Option("--tracks", metavar="FILE", help="Tracks to score, in the same form.")],
    floor_plane: Annotated[
        bool, typer.Option("--floor", help="Compare places on the floor: `frame id x y [z]`, or MOT rows with X Y Z.")
    ] = False,
    gate: Annotated[
        float,
        typer.Option(
            "--gate",
            min=1e-6,
            metavar="M",
            callback=console.finite,
            help="With --floor: how near a place must be, metres.",
        ),
    ] = 0.5,
    as_json: console.AsJson = False,
) -> None:
    """MOTA, MOTP, IDF1 and HOTA. Boxes match from an IoU of 0.5, places within the gate."""
    from jwo_cli.estimate.metrics.clear import clear
    from jwo_cli.estimate.metrics.hota import hota
    from jwo_cli.estimate.metrics.identity import identity
    from jwo_cli.estimate.metrics.pairing import iou, nearness, pair
    from jwo_cli.recordings.mot import box_rows, place_rows

    if floor_plane:
        pairing = pair(place_rows(truth), place_rows(tracks_file), nearness(gate))
    else:
        pairing = pair(box_rows(truth, considered=True), box_rows(tracks_file), iou)
    events, people, whole = clear(pairing), identity(pairing), hota(pairing)
    found: dict[str, float | int] = {
        "mota": events.mota,
        # 1 - IoU for boxes, metres on the floor: as a distance it is smaller where it is better.
        "motp": events.motp * (2 * gate if floor_plane else 1),
        "idf1": people.idf1,
        "hota": whole.hota,
        "det_a": whole.det_a,
        "ass_a": whole.ass_a,
        "loc_a": whole.loc_a,
        "id_precision": people.precision,
        "id_recall": people.recall,
        "precision": events.precision,
        "recall": events.recall,
        "matches": events.matches,
        "misses": events.misses,
        "false_positives": events.false_positives,
        "switches": events.switches,
        "fragments": events.fragments,
        "mostly_tracked": events.mostly_tracked,
        "mostly_lost": events.mostly_lost,
        "true_tracks": pairing.truths,
        "tracks": pairing.tracks,
    }
    _figures(found, as_json=as_json, title="Tracks against the truth")


@app.command()
def floor(
    truth: Annotated[Path, typer.Option("--truth", metavar="FILE", help="True places: rows `frame x y`.")],
    detections: Annotated[Path, typer.Option("--detections", metavar="FILE", help="Detected places: `frame x y`.")],
    units: Annotated[
        str, typer.Option("--units", metavar="UNIT", help="Unit of both files: m, cm, mm, or cells as in 2.5cm.")
    ] = "m",
    gate: Annotated[
        float, typer.Option("--gate", min=1e-6, metavar="M", callback=console.finite, help="How near is found, metres.")
    ] = 0.5,
    frames: Annotated[
        str | None, typer.Option("--frames", metavar="A:B", help="Only frames A to B, both included.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """MODA, MODP, precision and recall of places on the floor, in percent; undetected truth counts as missed."""
    from jwo_cli.estimate.metrics.floor import Points, floor_score
    from jwo_cli.recordings.mot import length_m, read_points

    scale = length_m(units)
    sides = []
    for path in (truth, detections):
        rows = read_points(path)
        points = Points(frame=rows.frame, xy_m=rows.xy * scale)
        sides.append(points if frames is None else points.within(*_span(frames)))
    score = floor_score(sides[0], sides[1], gate_m=gate)
    found: dict[str, float | int] = {
        "moda": 100 * score.moda,
        "modp": 100 * score.modp,
        "precision": 100 * score.precision,
        "recall": 100 * score.recall,
        "matches": score.matches,
        "misses": score.misses,
        "false_positives": score.false_positives,
    }
    _figures(found, as_json=as_json, title="Places on the floor against the truth (shares in percent)")


def _span(frames: str) -> tuple[int, int]:
    first, mark, last = frames.partition(":")
    if not mark or not first.isdecimal() or not last.isdecimal() or int(first) > int(last):
        raise UserError(f"{frames!r} is no range of frames", fix="Write --frames A:B, for example 1800:1995.")
    return int(first), int(last)


def _figures(found: dict[str, float | int], *, as_json: bool, title: str) -> None:
    """Figures as a table or JSON; what cannot be told (nothing to divide by) is null."""
    import math

    told = {name: value if math.isfinite(value) else None for name, value in found.items()}
    if as_json:
        console.print_json(told)
    else:
        rows: list[list[console.Cell]] = [[name.replace("_", " "), value] for name, value in told.items()]
        console.table(("figure", "value"), rows, title=title)


# Tables of `receipts`: their title, and figure -> heading.
_TABLES = {
    "Receipts against the truth": {
        "visits": "visits",
        "items": "items",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "f1_any_customer": "F1, any customer",
        "receipt_exact": "exact",
        "automatic_share": "automatic",
        "automatic_exact": "exact of these",
        "line_calibration_error": "calibration error, lines",
        "visit_calibration_error": "visits",
    },
    "Money as a share of sales": {
        "over_charged": "estimate over",
        "under_charged": "estimate under",
        "actually_over_charged": "charged over",
        "actually_under_charged": "charged under",
        "estimated_over_where_nothing_taken": "where nothing was taken (money): estimate",
        "over_where_nothing_taken": "charged",
    },
    "Picks, puts, restocks, hand-overs, goods on the floor (shares of the true ones)": {
        "true": "true",
        "found": "found",
        "right_product": "right product",
        "right_count": "right count",
        "right_person": "right person",
        "invented": "invented",
    },
}


def _show(result: Score, *, reliability: bool) -> None:
    (receipts, heads), (money, parts), (happened, shares) = _TABLES.items()
    every = [*result.classes.items(), ("TOTAL", result.total)]
    _rates("class", heads, every, receipts)
    _rates("class", parts, every, money)
    if result.events is not None:
        _rates("class", shares, [*result.events.classes.items(), ("TOTAL", result.events.total)], happened)
        _rates("event", shares, list(result.events.kinds.items()), "The same by what happened")
    if reliability and result.visit_reliability:
        _honesty("lines", result.reliability, "Reliability of line probabilities")
        _honesty("visits", result.visit_reliability, "Reliability of whole visits")
        curve: list[list[console.Cell]] = [
            [point.threshold, point.coverage, point.exact] for point in result.risk_coverage
        ]
        console.table(("settle from", "share of visits settled", "exact"), curve, title="Risk by coverage")
    elif reliability:
        console.say("a receipts file holds no probabilities: score a --journal for the reliability table")


def _honesty(what: str, bins: list[Bin], title: str) -> None:
    cells: list[list[console.Cell]] = [[f"{row.low:g}–{row.high:g}", row.count, row.stated, row.true] for row in bins]
    console.table(("stated", what, "mean stated", "came true"), cells, title=title)


def _rates(
    first: str, heads: dict[str, str], rows: list[tuple[str, dict[str, float | int | None]]], title: str
) -> None:
    cells: list[list[console.Cell]] = [[name, *(rates[key] for key in heads)] for name, rates in rows]
    console.table((first, *heads.values()), cells, title=title)
