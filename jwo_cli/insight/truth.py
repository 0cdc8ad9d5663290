"""What really happened: `truth.json` beside a recording, in the form of the synthetic and real nanostore cases.

A shopper may have been known under several tracker ids. An id that only one shopper had is theirs; one that several
carried belongs to who left with it (before ids changed for the first time, to who had it first). Identifiers that the
catalogue lists as aliases are the same product.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jwo_cli.model.findings import UserError
from jwo_cli.model.units import minor_digits
from jwo_cli.recordings import open_recording

TRUTH = "truth.json"
Bag = Counter[str]


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One thing that happened: seconds since the epoch, type, plate ids, products (one a unit) and who (tracker id).

    `delta_g` is what the plates gained, grams (0 where the truth does not say); `to_track_id` who received it.
    """

    at_s: float
    kind: str
    plates: tuple[str, ...]
    products: tuple[str, ...]
    track_id: str
    delta_g: float = 0.0
    to_track_id: str | None = None


@dataclass(frozen=True, slots=True)
class TrueCase:
    """One recording's truth: class, each shopper's bag, which tracker id means which shopper, events and prices.

    Prices are in major units of `currency`, which is empty where the truth has no catalogue beside it. `owner` says
    whose an id is in the end, `first_owner` whose it was until `switched_s`, when ids first changed.
    """

    name: str
    kind: str
    folder: Path
    bags: tuple[Bag, ...]
    owner: Mapping[str, int]
    events: tuple[TrueEvent, ...]
    prices: Mapping[str, float]
    alias: Mapping[str, str]
    first_owner: Mapping[str, int] = field(default_factory=dict)
    switched_s: float = -math.inf
    currency: str = ""

    def owner_at(self, at_s: float) -> Mapping[str, int]:
        """Whose each id was at a time."""
        return self.first_owner if at_s < self.switched_s else self.owner


def find_truths(paths: Iterable[Path]) -> list[TrueCase]:
    """Every case at or below the paths, by name. Raises UserError where a path has none or one cannot be read."""
    folders: dict[Path, None] = {}
    for path in paths:
        here = [path] if (path / TRUTH).is_file() else [file.parent for file in sorted(path.glob(f"*/{TRUTH}"))]
        if not here:
            fix = "Name folders that hold a truth.json, or a folder of such folders."
            raise UserError(f"{path}: no truth.json there", fix=fix)
        folders.update(dict.fromkeys(here))
    cases = [read_truth(folder) for folder in folders]
    names = Counter(case.name for case in cases)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise UserError(f"two cases are called {twice!r}", fix="Score them one after the other.")
    return cases


def read_truth(folder: Path) -> TrueCase:
    """The truth of one case folder. Raises UserError naming the file and what is missing in it."""
    file = folder / TRUTH
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        prices, alias, currency = _products(folder)
        receipts = raw["receipts"]
        bags = tuple(
            bag_of(((str(p["barcode"]), p.get("quantity", 1)) for p in r["products"]), alias) for r in receipts
        )
        for receipt in receipts:
            for item in receipt["products"]:
                prices.setdefault(_name(str(item["barcode"]), alias), _price(item.get("price", 1)))
        return TrueCase(
            name=str(raw.get("case", folder.name)),
            kind=str(raw.get("class", "")),
            folder=folder,
            bags=bags,
            owner=_owners(receipts),
            events=tuple(_event(event, alias) for event in raw.get("events", ())),
            prices=prices,
            alias=alias,
            first_owner={str(r["all_ids"][0]): n for n, r in enumerate(receipts) if r.get("all_ids")},
            switched_s=min(map(float, raw.get("id_switches", ())), default=-math.inf),
            currency=currency,
        )
    except MALFORMED as error:
        raise UserError(f"{file}: not a truth file: {why(error)}", fix="It needs case, class and receipts.") from error


# What reading somebody's JSON can raise.
MALFORMED = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def why(error: Exception) -> str:
    """What is wrong with a JSON document, in words."""
    match error:
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno} is no JSON ({error.msg})"
        case UnicodeDecodeError():
            return f"byte {error.start} is no UTF-8 text"
        case OSError():
            return (error.strerror or str(error)).lower()
        case KeyError():
            return f"{error.args[0]!r} is missing"
        case ValueError() | OverflowError():
            return str(error)
        case RecursionError():
            return "it is nested too deep"
        case _:
            return f"a value has another form than expected ({error})"


def bag_of(items: Iterable[tuple[str, Any]], alias: Mapping[str, str]) -> Bag:
    """Barcodes and quantities as one multiset under the products' main identifiers."""
    bag: Bag = Counter()
    for barcode, quantity in items:
        whole = round(float(quantity))
        if whole > 0:
            bag[_name(barcode, alias)] += whole
    return bag


def _price(value: Any) -> float:
    price = float(value)
    if not 0 <= price < math.inf:
        raise ValueError(f"{value!r} is no price")
    return price


def _name(barcode: str, alias: Mapping[str, str]) -> str:
    return alias.get(barcode, barcode)


def _owners(receipts: list[dict[str, Any]]) -> dict[str, int]:
    carried = Counter(str(i) for receipt in receipts for i in receipt.get("all_ids", ()))
    owner = {
        str(i): place
        for place, receipt in enumerate(receipts)
        for i in receipt.get("all_ids", ())
        if carried[str(i)] == 1
    }
    owner.update({str(receipt["target_id"]): place for place, receipt in enumerate(receipts)})
    return owner


def _event(raw: dict[str, Any], alias: Mapping[str, str]) -> TrueEvent:
    plates = tuple(f"g{p['gondola']}.s{p['shelf']}.p{p['plate']}" for p in raw.get("plates", ()))
    products = tuple(_name(str(p), alias) for p in raw.get("products", ()))
    other = raw.get("to_target_id")
    return TrueEvent(
        at_s=float(raw["t"]),
        kind=str(raw["type"]),
        plates=plates,
        products=products,
        track_id=str(raw.get("target_id", "")),
        delta_g=float(raw.get("delta_g", 0.0)),
        to_track_id=None if other is None else str(other),
    )


def _products(folder: Path) -> tuple[dict[str, float], dict[str, str], str]:
    """Prices in major units, aliases and currency of the case's own catalogue; none where the truth stands alone."""
    try:
        catalogue = open_recording(folder).store.catalogue
    except UserError:
        return {}, {}, ""
    major = 10 ** minor_digits(catalogue.currency)
    prices = {product.product_id: product.price_minor / major for product in catalogue.products}
    alias = {other: product.product_id for product in catalogue.products for other in product.aliases}
    return prices, alias, catalogue.currency
