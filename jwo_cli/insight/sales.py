"""What was sold: totals by product and by day, from what was charged; what waits for a person stands beside it.

Where a store ran that charges, what shadows and replayed recordings came to was not sold. A receipt that is there more
than once (of a shadow, and of its recording that was replayed) was sold once: as the run has it, else as it came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jwo_cli.journal import Session

if TYPE_CHECKING:
    import polars as pl

# $1: rehearsals as well.
_COUNTS = """($1 OR starts_with(source, 'run/')
       OR NOT EXISTS (SELECT 1 FROM store_opened WHERE starts_with(source, 'run/')))"""
_ISSUED = f"""
WITH issued AS (SELECT *, CAST(at_utc AS DATE) AS day FROM receipts WHERE {_COUNTS}
     QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY NOT starts_with(source, 'run/'), seq) = 1)
"""  # noqa: S608
# A corrected receipt counts with its corrected lines, on the day of its visit, any other with the lines as issued. What
# was decided about a receipt that is not here (the recording of a later run heard of it) is no sale of this journal's.
_LINES = f"""
{_ISSUED}
SELECT line.store_id, line.currency, receipt_id, day, product_id, name, quantity, mass_g, discount_minor,
       line.tax_minor, line.total_minor, charged
FROM (FROM lines UNION ALL BY NAME FROM corrected_lines) line
JOIN (SELECT coalesce(corrected_seq, seq) AS seq, day FROM issued) USING (seq)
ORDER BY line.store_id, line.currency, product_id, receipt_id
"""  # noqa: S608
_RECEIPTS = f"""
{_ISSUED}
SELECT store_id, currency, day, count(*) AS receipts,
       count(*) FILTER (settled = 'review' AND corrected_seq IS NULL) AS waiting
FROM issued GROUP BY ALL ORDER BY store_id, currency, day
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSales:
    """A product's sales in one store and currency: charged units (or grams), their money, and units that wait."""

    store_id: str
    product_id: str
    name: str
    units: int
    mass_g: float
    currency: str
    discount_minor: int
    tax_minor: int
    total_minor: int
    waiting_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySales:
    """A day's sales (UTC) in one store and currency. `waiting` are receipts that a person has yet to settle."""

    store_id: str
    day: str
    receipts: int
    waiting: int
    units: int
    currency: str
    discount_minor: int
    tax_minor: int
    total_minor: int


def has_charged(session: Session) -> bool:
    """Whether a store ran here that charges: else all of it was rehearsed."""
    return bool(session.rows("SELECT 1 FROM store_opened WHERE starts_with(source, 'run/') LIMIT 1"))


def by_product(session: Session, *, rehearsals: bool = False) -> tuple[ProductSales, ...]:
    """Sales by product, most money first."""
    import polars as pl

    charged = pl.col("charged")
    frame = (
        _lines(session, rehearsals=rehearsals)
        .group_by("store_id", "currency", "product_id", maintain_order=True)
        .agg(
            pl.col("name").first(),
            pl.col("quantity").filter(charged).sum().alias("units"),
            pl.col("mass_g").filter(charged).sum().fill_null(0.0),
            *(pl.col(name).filter(charged).sum() for name in ("discount_minor", "tax_minor", "total_minor")),
            pl.col("quantity").filter(~charged).sum().alias("waiting_units"),
        )
        .sort("store_id", "currency", "total_minor", "product_id", descending=[False, False, True, False])
    )
    return tuple(ProductSales(**row) for row in frame.to_dicts())


def by_day(session: Session, *, rehearsals: bool = False) -> tuple[DaySales, ...]:
    """Sales by day, in order."""
    import polars as pl

    charged = pl.col("charged")
    place = ("store_id", "currency", "day")
    sold = (
        _lines(session, rehearsals=rehearsals)
        .group_by(*place)
        .agg(
            pl.col("quantity").filter(charged).sum().alias("units"),
            *(pl.col(name).filter(charged).sum() for name in ("discount_minor", "tax_minor", "total_minor")),
        )
    )
    schema = {"store_id": pl.String, "currency": pl.String, "day": pl.Date, "receipts": pl.Int64, "waiting": pl.Int64}
    receipts = pl.DataFrame(session.rows(_RECEIPTS, [rehearsals]), schema=schema, orient="row")
    frame = receipts.join(sold, on=list(place), how="left").sort(*place)
    frame = frame.with_columns(pl.col("day").cast(pl.String), pl.col(pl.Int64).fill_null(0))
    return tuple(DaySales(**row) for row in frame.to_dicts())


def _lines(session: Session, *, rehearsals: bool) -> pl.DataFrame:
    import polars as pl

    words = dict.fromkeys(("store_id", "currency", "receipt_id"), pl.String)
    money = dict.fromkeys(("discount_minor", "tax_minor", "total_minor"), pl.Int64)
    goods = {"product_id": pl.String, "name": pl.String, "quantity": pl.Int64, "mass_g": pl.Float64}
    schema = {**words, "day": pl.Date, **goods, **money, "charged": pl.Boolean}
    return pl.DataFrame(session.rows(_LINES, [rehearsals]), schema=schema, orient="row")
