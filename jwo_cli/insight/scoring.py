"""Receipts against the truth, the way the field counts: units, whole receipts, money, and how much runs by itself.

An item is right when the right product is on the right shopper's receipt; quantities count one by one. A receipt under
an id that belongs to no shopper of the case (staff included) is wrong in every unit. Money over- and under-charged is
told twice: for the best estimate, and for what was actually charged (doubtful lines are not). A visit that ends
without a receipt states that nothing was taken, with a probability: it is settled by itself, and scored like any other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from .truth import Bag, TrueCase

if TYPE_CHECKING:
    from .happenings import EventScores

# Bins of stated probability; finer where the store decides whether to charge.
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One receipt to be scored: `lines` are (product, quantity, probability), `charged` what was charged of `bag`.

    A visit without a receipt has an empty bag. `probability` is that of the whole bag, None where none was told.
    """

    case: str
    track_id: str
    bag: Bag
    automatic: bool
    probability: float | None = None
    lines: tuple[tuple[str, int, float], ...] = ()
    charged: Bag | None = None


@dataclass(slots=True)
class Tally:
    """Sums over cases; add them up, then ask for `rates`."""

    cases: int = 0
    exact_cases: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    tp_any_customer: int = 0
    visits: int = 0
    exact: int = 0
    automatic: int = 0
    automatic_exact: int = 0
    sales: float = 0.0
    over: float = 0.0
    under: float = 0.0
    charged_over: float = 0.0
    charged_under: float = 0.0
    over_where_nothing_taken: float = 0.0
    estimated_over_where_nothing_taken: float = 0.0
    lines: list[tuple[float, bool]] = field(default_factory=list)
    # One a visit: the least probability that was told of it (None: nobody noticed it), and whether it came out right.
    odds: list[tuple[float | None, bool]] = field(default_factory=list)

    def stated(self) -> list[tuple[float, bool]]:
        """Visits of which a probability was told."""
        return [(stated, right) for stated, right in self.odds if stated is not None]

    def settleable(self) -> list[tuple[float, bool]]:
        """Visits in order to choose a threshold: one that nobody noticed passes any; none where nothing was told."""
        return [(1.0 if stated is None else stated, right) for stated, right in self.odds] if self.stated() else []

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            setattr(self, item.name, [*mine, *theirs] if isinstance(mine, list) else mine + theirs)

    def rates(self) -> dict[str, float | int | None]:
        """The figures of a report; None where there is nothing to divide by."""
        return {
            "cases": self.cases,
            "visits": self.visits,
            "items": self.tp + self.fn,
            "precision": _share(self.tp, self.tp + self.fp, 1.0),
            "recall": _share(self.tp, self.tp + self.fn, 1.0),
            "f1": _share(2 * self.tp, 2 * self.tp + self.fp + self.fn, 1.0),
            "f1_any_customer": _share(2 * self.tp_any_customer, 2 * self.tp + self.fp + self.fn, 1.0),
            "receipt_exact": _share(self.exact, self.visits, 1.0),
            "case_exact": _share(self.exact_cases, self.cases, 1.0),
            "over_charged": _share(self.over, self.sales),
            "under_charged": _share(self.under, self.sales),
            "actually_over_charged": _share(self.charged_over, self.sales),
            "actually_under_charged": _share(self.charged_under, self.sales),
            "over_where_nothing_taken": round(self.over_where_nothing_taken, 2),
            "estimated_over_where_nothing_taken": round(self.estimated_over_where_nothing_taken, 2),
            "automatic_share": _share(self.automatic, self.visits),
            "automatic_exact": _share(self.automatic_exact, self.automatic),
            "line_calibration_error": calibration_error(self.lines),
            "visit_calibration_error": calibration_error(self.stated()),
        }


def _share(part: float, whole: float, empty: float | None = None) -> float | None:
    return round(part / whole, 6) if whole else empty


def score_case(case: TrueCase, receipts: Sequence[Judged]) -> Tally:
    """Score the receipts of one case. Visits are the true shoppers, and whoever else was given a receipt."""
    tally = Tally(cases=1)
    mine: list[list[Judged]] = [[] for _ in case.bags]
    strays: list[Judged] = []
    for receipt in receipts:
        place = case.owner.get(receipt.track_id)
        (strays if place is None else mine[place]).append(receipt)
    for want, given in zip(case.bags, mine, strict=True):
        _score_visit(tally, case.prices, want, given)
    for stray in strays:
        if stray.bag:
            _score_visit(tally, case.prices, Counter(), [stray])
    wanted = sum(case.bags, Counter[str]())
    got = sum((receipt.bag for receipt in receipts), Counter[str]())
    tally.tp_any_customer = sum((wanted & got).values())
    tally.exact_cases = int(tally.fp == 0 and tally.fn == 0)
    return tally


def _score_visit(tally: Tally, prices: Mapping[str, float], want: Bag, given: Sequence[Judged]) -> None:
    got = sum((receipt.bag for receipt in given), Counter[str]())
    charged = sum(((r.bag if r.charged is None else r.charged) for r in given), Counter[str]())
    right = got == want
    tally.visits += 1
    tally.exact += right
    automatic = all(receipt.automatic for receipt in given)
    tally.automatic += automatic
    tally.automatic_exact += automatic and right
    tally.tp += sum((want & got).values())
    tally.fp += sum((got - want).values())
    tally.fn += sum((want - got).values())
    tally.sales += _worth(want, prices)
    tally.over += _worth(got - want, prices)
    tally.under += _worth(want - got, prices)
    tally.charged_over += _worth(charged - want, prices)
    tally.charged_under += _worth(want - charged, prices)
    if not want:
        tally.over_where_nothing_taken += _worth(charged, prices)
        tally.estimated_over_where_nothing_taken += _worth(got, prices)
    for receipt in given:
        tally.lines += [(p, want[product] == quantity) for product, quantity, p in receipt.lines]
    told = [receipt.probability for receipt in given if receipt.probability is not None]
    tally.odds.append((min(told, default=None), right))


def _worth(bag: Bag, prices: Mapping[str, float]) -> float:
    return math.fsum(count * prices.get(product, 1.0) for product, count in bag.items())


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: what was stated there, what came true, how often."""

    low: float
    high: float
    count: int
    stated: float
    true: float


def reliability(pairs: Iterable[tuple[float, bool]]) -> list[Bin]:
    """Stated probability against the share that was right, bin by bin; empty bins are left out."""
    rows: list[list[tuple[float, bool]]] = [[] for _ in BINS[1:]]
    for stated, right in pairs:
        place = next((i for i, high in enumerate(BINS[1:]) if stated <= high), len(rows) - 1)
        rows[place].append((stated, right))
    return [
        Bin(
            low=BINS[place],
            high=BINS[place + 1],
            count=len(row),
            stated=round(math.fsum(p for p, _ in row) / len(row), 4),
            true=round(sum(ok for _, ok in row) / len(row), 4),
        )
        for place, row in enumerate(rows)
        if row
    ]


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Expected calibration error: the mean gap between stated and true over the bins, weighted by count."""
    if not pairs:
        return None
    return round(math.fsum(row.count * abs(row.stated - row.true) for row in reliability(pairs)) / len(pairs), 6)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A point of the risk-coverage curve: settling everything at least this sure covers a share, exact so often."""

    threshold: float
    coverage: float
    exact: float


def risk_coverage(
    pairs: Sequence[tuple[float, bool]], thresholds: Sequence[float] = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
) -> list[Coverage]:
    """What share of visits could be settled by itself, how exactly, for each threshold that lets any through."""
    points = []
    for threshold in thresholds:
        kept = [right for stated, right in pairs if stated >= threshold]
        if kept:
            points.append(Coverage(threshold, round(len(kept) / len(pairs), 4), round(sum(kept) / len(kept), 4)))
    return points


@dataclass(frozen=True, slots=True)
class Score:
    """Everything `jwo evaluate receipts` tells: totals, classes, tables and, from a journal, events."""

    total: dict[str, float | int | None]
    classes: dict[str, dict[str, float | int | None]]
    cases: dict[str, dict[str, float | int | None]]
    reliability: list[Bin]
    visit_reliability: list[Bin]
    risk_coverage: list[Coverage]
    events: EventScores | None = None

    def document(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def score(
    cases: Sequence[TrueCase],
    receipts: Mapping[str, Sequence[Judged]],
    events: EventScores | None = None,
) -> Score:
    """Score every case; a case without receipts counts as if everybody had been let go for nothing."""
    total = Tally()
    classes: dict[str, Tally] = {}
    each: dict[str, dict[str, float | int | None]] = {}
    for case in cases:
        tally = score_case(case, receipts.get(case.name, ()))
        each[case.name] = {"class": case.kind, **tally.rates()}  # type: ignore[dict-item]
        classes.setdefault(case.kind, Tally()).add(tally)
        total.add(tally)
    return Score(
        total=total.rates(),
        classes={name: classes[name].rates() for name in sorted(classes)},
        cases=each,
        reliability=reliability(total.lines),
        visit_reliability=reliability(total.stated()),
        risk_coverage=risk_coverage(total.settleable()),
        events=events,
    )
