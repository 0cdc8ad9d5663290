"""The tables that people ask: views over the kinds' tables, each with one sentence for `jwo sql --tables`.

Views, not copies, so that the published generation and the intake's tail are merged in one place (the kinds) and every
view follows. Each keeps `seq`, the entry that it comes from, so that any row leads back to the log.
"""
# ruff: noqa: S608 - the SQL is put together from this file's own constants.

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.journal import postings
from jwo_cli.journal.kinds import kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A table for people: its name, one sentence, and the SELECT behind it."""

    name: str
    holds: str
    sql: str


_PLACE = "source, store_id, layout_version"
# A run's receipt may be in its journal once more, as a rehearsal's or a replay's: what is decided about one of them
# concerns that one. Sources begin with whose they are.
_ORIGIN = "split_part({}, '/', 1)"
# Lists of pairs arrive as lists of text: here they become structs with types.
_ITEMS = "list_transform({}, lambda pair: {{'product_id': pair[1], 'quantity': CAST(pair[2] AS BIGINT)}})"

_VISITS = f"""
SELECT s.seq, s.visit_id, s.track_id, s.role, s.account, s.at_utc, s.at_ns AS started_ns, e.at_ns AS ended_ns,
       (e.at_ns - s.at_ns) / 1e9 AS duration_s, e.seq AS ended_seq, r.receipt_id, r.settled, r.total_minor,
       r.charged_minor, r.currency, {", ".join("s." + name for name in _PLACE.split(", "))}
FROM visit_started s
LEFT JOIN (SELECT visit_id, max(seq) AS seq, arg_max(at_ns, seq) AS at_ns FROM visit_ended GROUP BY visit_id) e
       USING (visit_id)
LEFT JOIN (SELECT visit_id, arg_max(receipt_id, seq) AS receipt_id, arg_max(settled, seq) AS settled,
                  arg_max(total_minor, seq) AS total_minor, arg_max(charged_minor, seq) AS charged_minor,
                  arg_max(currency, seq) AS currency FROM receipt_issued GROUP BY visit_id) r USING (visit_id)
ORDER BY s.seq"""

_RECEIPTS = f"""
SELECT i.seq, i.receipt_id, i.visit_id, i.track_id, i.account, i.at_utc, i.at_ns, i.currency,
       len(i.lines) AS line_count, i.total_minor, i.tax_minor, i.charged_minor, i.settled, i.probability, i.reasons,
       c.seq AS corrected_seq, c.total_minor AS corrected_minor,
       TRY_CAST(i.charged_minor + coalesce(c.difference_minor, 0::HUGEINT) AS BIGINT) AS final_minor,
       {", ".join("i." + name for name in _PLACE.split(", "))}
FROM receipt_issued i
LEFT JOIN (SELECT receipt_id, {_ORIGIN.format("source")} AS origin, max(seq) AS seq,
                  arg_max(total_minor, seq) AS total_minor, sum(difference_minor) AS difference_minor
           FROM receipt_corrected GROUP BY ALL) c
       ON c.receipt_id = i.receipt_id AND c.origin = {_ORIGIN.format("i.source")}
ORDER BY i.seq"""

_LINE = """line.product_id, line.name, line.quantity, line.unit_price_minor, line.discount_minor, line.deposit_minor,
       line.tax_class, line.tax_rate_bp, line.tax_minor, line.total_minor, line.probability, line.charged, line.mass_g,
       line.promotions, line.reason, line.caused_by"""

_LINES = f"""
SELECT seq, receipt_id, visit_id, at_utc, at_ns, currency, settled, line_no, {_LINE}, {_PLACE}
FROM (SELECT *, unnest(lines) AS line, generate_subscripts(lines, 1) AS line_no FROM receipt_issued)
ORDER BY seq, line_no"""

_CORRECTED_LINES = f"""
SELECT seq, receipt_id, visit_id, at_utc, at_ns, currency, staff, line_no, {_LINE}, {_PLACE}
FROM (SELECT *, unnest(lines) AS line, generate_subscripts(lines, 1) AS line_no FROM receipt_corrected)
ORDER BY seq, line_no"""

# A correction carries the time of the decision that it follows from.
_CORRECTIONS = f"""
SELECT c.seq, c.receipt_id, c.visit_id, c.at_utc, c.at_ns, c.staff, coalesce(d.note, '') AS note, c.account, c.currency,
       c.total_minor - c.difference_minor AS before_minor, c.total_minor, c.difference_minor,
       coalesce(d.charge_more, false) AS charge_more, d.seq AS decided_seq,
       {", ".join("c." + name for name in _PLACE.split(", "))}
FROM receipt_corrected c LEFT JOIN review_decided d ON d.receipt_id = c.receipt_id AND d.at_ns = c.at_ns
ORDER BY c.seq"""

_ALTERNATIVES = """
SELECT seq, receipt_id, line_no, product_id, rank, other.product_id AS other_product_id,
       other.name AS other_name, other.quantity AS other_quantity, other.probability AS probability
FROM (SELECT seq, receipt_id, line_no, line.product_id AS product_id, unnest(line.alternatives) AS other,
             generate_subscripts(line.alternatives, 1) AS rank
      FROM (SELECT seq, receipt_id, unnest(lines) AS line, generate_subscripts(lines, 1) AS line_no
            FROM receipt_issued))
ORDER BY seq, line_no, rank"""

_PRODUCTS = """
SELECT max(seq) AS seq, product_id, arg_max(name, seq) AS name FROM (
      SELECT seq, product_id, name FROM lines
      UNION ALL SELECT seq, product_id, name FROM corrected_lines
      UNION ALL SELECT seq, other_product_id, other_name FROM alternatives WHERE other_name <> '')
GROUP BY product_id ORDER BY product_id"""

_CARTS = f"""
SELECT seq, visit_id, at_utc, at_ns, line.product_id AS product_id, line.quantity AS quantity,
       line.probability AS probability, line.mass_g AS mass_g, line.caused_by AS caused_by, {_PLACE}
FROM (SELECT *, unnest(lines) AS line, generate_subscripts(lines, 1) AS line_no FROM cart_changed)
ORDER BY seq, line_no"""

_EXPLANATIONS = f"""
SELECT seq, event_seq, at_utc, at_ns, rank, way.visit_id AS visit_id, way."action" AS "action",
       {_ITEMS.format("way.items")} AS items, way.probability AS probability, {_PLACE}
FROM (SELECT *, unnest(explanations) AS way, generate_subscripts(explanations, 1) AS rank FROM event_explained)
ORDER BY seq, rank"""

_EVENTS = f"""
SELECT seq, at_utc, at_ns, begin_ns, end_ns, shelf_id, plate.plate_id AS plate_id, plate.delta_g AS delta_g,
       plate.sigma_g AS sigma_g, "real", steps, poses_known, {_PLACE}
FROM (SELECT *, unnest(plates) AS plate, generate_subscripts(plates, 1) AS place FROM weight_changed)
ORDER BY seq, place"""

_REACHES = f"""
SELECT seq, kind, at_utc, at_ns, place_id, reach.track_id AS track_id, reach.log_likelihood AS log_likelihood,
       reach.hand_m AS hand_m, reach.body_m AS body_m, {_PLACE}
FROM (SELECT *, unnest(reaches) AS reach, generate_subscripts(reaches, 1) AS place FROM (
      SELECT seq, 'weight_changed' AS kind, at_utc, at_ns, shelf_id AS place_id, reaches, {_PLACE} FROM weight_changed
      UNION ALL SELECT seq, 'shelf_touched', at_utc, at_ns, shelf_id, reaches, {_PLACE} FROM shelf_touched
      UNION ALL SELECT seq, 'tag_changed', at_utc, at_ns, antenna_id, reaches, {_PLACE} FROM tag_changed))
ORDER BY seq, place"""

_FAULTS = f"""
SELECT seq, at_utc, at_ns, until_ns, (until_ns - at_ns) / 1e9 AS duration_s, device_id, kind, "count", note, {_PLACE}
FROM device_faulted ORDER BY seq"""

_REVIEWS = f"""
SELECT n.seq, n.receipt_id, n.visit_id, n.product_id, n.reason, n.at_utc, n.at_ns, d.seq IS NULL AS open,
       d.seq AS decided_seq, d.at_ns AS decided_ns, d.staff, d.note, d.difference_minor,
       {", ".join("n." + name for name in _PLACE.split(", "))}
FROM review_needed n
LEFT JOIN (SELECT receipt_id, {_ORIGIN.format("source")} AS origin, max(decided_seq) AS seq,
                  arg_max(at_ns, seq) AS at_ns, arg_max(staff, seq) AS staff, arg_max(note, seq) AS note,
                  TRY_CAST(sum(difference_minor) AS BIGINT) AS difference_minor
           FROM corrections GROUP BY ALL) d ON d.receipt_id = n.receipt_id AND d.origin = {_ORIGIN.format("n.source")}
ORDER BY n.seq"""

# Done beats whatever was answered later.
_LAST = "CASE WHEN outcome = 'done' THEN 1000000000000000 ELSE 0 END + seq"
_PAYMENTS = f"""
SELECT d.seq, d.key, d.purpose, d.visit_id, d.receipt_id, d.account, d.at_utc, d.at_ns, d.amount_minor, d.currency,
       d.decision, d.attempt, a.code,
       coalesce(a.outcome, CASE WHEN d.source LIKE 'run/%' THEN 'open' ELSE 'not carried' END) AS outcome,
       a.moved_minor, a.provider, a.reference,
       a.answered_ns, {", ".join("d." + name for name in _PLACE.split(", "))}
FROM payment_due d
LEFT JOIN (SELECT key, {_ORIGIN.format("source")} AS origin,
                  arg_max(outcome, {_LAST}) AS outcome, arg_max(code, {_LAST}) AS code,
                  arg_max(at_ns, {_LAST}) AS answered_ns, arg_max(provider, {_LAST}) AS provider,
                  arg_max(reference, {_LAST}) AS reference,
                  max(CASE WHEN outcome = 'done' THEN amount_minor END) AS moved_minor
           FROM payment_answered GROUP BY ALL) a ON a.key = d.key AND a.origin = {_ORIGIN.format("d.source")}
ORDER BY d.seq"""

_MASSES = f"""
SELECT seq, at_utc, at_ns, product_id, listed_g, measured_g, measured_g - listed_g AS difference_g, events,
       probability, {_PLACE}
FROM mass_doubted ORDER BY seq"""

_RECORDINGS = """
SELECT o.seq, o.recording_id, o.source, o.store_id, o.layout_version, o.at_utc, o.at_ns AS opened_ns,
       c.at_ns AS closed_ns, (c.at_ns - o.at_ns) / 1e9 AS duration_s
FROM store_opened o LEFT JOIN (SELECT source, max(at_ns) AS at_ns FROM store_closed GROUP BY source) c USING (source)
ORDER BY o.seq"""

_LAYOUTS = """
SELECT store_id, layout_version, min(seq) AS first_seq, max(seq) AS last_seq, count(*) AS entry_count,
       min(at_ns) AS first_ns, max(at_ns) AS last_ns
FROM entries GROUP BY store_id, layout_version ORDER BY first_seq"""

_STORES = """
SELECT store_id, min(seq) AS first_seq, count(*) AS entry_count, count(DISTINCT layout_version) AS layout_count,
       count(DISTINCT source) AS source_count, min(at_ns) AS first_ns, max(at_ns) AS last_ns
FROM entries GROUP BY store_id ORDER BY first_seq"""

_CAUSES = """
SELECT e.seq, e.kind, cause_seq, c.kind AS cause_kind
FROM (SELECT seq, kind, unnest(caused_by) AS cause_seq FROM entries) e LEFT JOIN entries c ON c.seq = cause_seq
ORDER BY e.seq, cause_seq"""

# Where a store ran that charges, what a shadow or a replayed recording sold is in nobody's till.
_POSTINGS = f"""
SELECT * FROM {postings.NAME} WHERE NOT (starts_with(source, 'shadow/') OR starts_with(source, 'recording/'))
OR NOT EXISTS (SELECT 1 FROM store_opened WHERE starts_with(source, 'run/'))"""

_TABLES = {
    "entries": "The log itself: one row per observation or decision, with its causes and its hash.",
    postings.NAME: postings.HOLDS,
}


def base_tables() -> tuple[str, ...]:
    """The tables that are filled from the log; all others are views over them."""
    return (*_TABLES, *kinds())


VIEWS: tuple[View, ...] = (
    View(name="visits", holds="One row per visit: who entered, when, for how long, and its receipt.", sql=_VISITS),
    View(name="receipts", holds="One row per receipt: totals, what was charged, how sure, corrections.", sql=_RECEIPTS),
    View(name="lines", holds="One row per receipt line as issued, with its probability and causes.", sql=_LINES),
    View(name="alternatives", holds="What else a receipt line may have been, and how probable.", sql=_ALTERNATIVES),
    View(name="corrections", holds="What people decided about receipts: who, when, why, the money.", sql=_CORRECTIONS),
    View(name="corrected_lines", holds="The final lines of receipts that a person corrected.", sql=_CORRECTED_LINES),
    View(name="products", holds="Products that stand on receipts or beside their lines, as named last.", sql=_PRODUCTS),
    View(name="carts", holds="The virtual cart of a visit after each event, one row per product.", sql=_CARTS),
    View(name="explanations", holds="Beliefs about each event: one row per way to explain it.", sql=_EXPLANATIONS),
    View(name="events", holds="Weight changes, one row per plate, in grams with their spread.", sql=_EVENTS),
    View(name="reaches", holds="Who was near at a weight change, touch or tag change, and how near.", sql=_REACHES),
    View(name="faults", holds="Devices that gave no, impossible or displaced data, and for how long.", sql=_FAULTS),
    View(name="reviews", holds="Receipts that a person should look at, why, and what was decided.", sql=_REVIEWS),
    View(
        name="payments",
        holds="What was due, tried and answered; replays' dues are not carried.",
        sql=_PAYMENTS,
    ),
    View(
        name="postings",
        holds="The books: all_postings, without shadows' and replays' where a store ran that charges.",
        sql=_POSTINGS,
    ),
    View(name="masses", holds="Products whose listed mass disagrees with what the plates measured.", sql=_MASSES),
    View(name="recordings", holds="What was replayed or run: recording, layout, from when to when.", sql=_RECORDINGS),
    View(name="layouts", holds="Store layouts that entries belong to, with the range of entries.", sql=_LAYOUTS),
    View(name="stores", holds="Stores that entries belong to.", sql=_STORES),
    View(name="causes", holds="Which entry was caused by which: the chain behind every decision.", sql=_CAUSES),
)


def describe(table: str) -> str:
    """One sentence on what a table holds."""
    for view in VIEWS:
        if view.name == table:
            return view.holds
    if table in _TABLES:
        return _TABLES[table]
    if table in kinds():
        return " ".join((kinds()[table].__doc__ or "").split()).split(". ")[0].rstrip(".") + "."
    raise KeyError(table)
