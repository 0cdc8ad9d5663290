"""A copy of a bundled layout that a test may break, and small AutoCheckout documents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jwo_cli import layouts
from jwo_cli.model.findings import Finding, Severity
from jwo_cli.model.layout import Store

Doc = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A layout's files in a folder of the test's own."""

    folder: Path

    def edit(self, old: str, new: str, file: str = "store.toml") -> int:
        """Replace a text that stands there exactly once; the line it began on."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def load(self) -> tuple[Store | None, tuple[Finding, ...]]:
        """The layout as it is now."""
        return layouts.load(self.folder)

    def errors(self) -> list[Finding]:
        """Its errors."""
        return [finding for finding in self.load()[1] if finding.severity is Severity.ERROR]

    def warnings(self) -> list[Finding]:
        """Its warnings."""
        return [finding for finding in self.load()[1] if finding.severity is Severity.WARNING]


def _copy(name: str, folder: Path) -> Copy:
    shutil.copytree(layouts.bundled()[name].parent, folder)
    return Copy(folder=folder)


@pytest.fixture
def kiosk(tmp_path: Path) -> Copy:
    """The corner kiosk."""
    return _copy("corner_kiosk", tmp_path / "kiosk")


@pytest.fixture
def market(tmp_path: Path) -> Copy:
    """The L-shaped market."""
    return _copy("l_market", tmp_path / "market")


def facing(shelf: int, plates: list[int], product: str | None, *, x: float, gondola: int = 1, turn: float = 0.0) -> Doc:
    """A planogram document: plates of 0.1 m from the corner (x, 0) on, boards every 0.3 m."""
    return {
        "plate_ids": [
            {"shelf_id": {"gondola_id": {"id": gondola}, "shelf_index": shelf}, "plate_index": plate}
            for plate in plates
        ],
        "planogram_product_id": {} if product is None else {"barcode_type": "UPC", "id": product},
        "global_coordinates": {
            "transform": {"translation": {"x": x, "z": 0.3 * shelf}, "rotation": {"z": turn}},
            "dim_x": 0.1 * (max(plates) - min(plates) + 1),
            "dim_y": 0.4,
            "dim_z": 0.25,
        },
    }


def product(ident: str, name: str = "Thing", price: object = 1, weight: object = 100.0) -> Doc:
    """A product document; None leaves a field out."""
    about = {"name": name, "price": price, "weight": weight}
    return {"product_id": {"id": ident}, "metadata": {key: item for key, item in about.items() if item is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A folder with planogram.json and products.json."""

    planogram: Path
    products: Path

    def build(self) -> tuple[Store, tuple[Finding, ...]]:
        """The store of it."""
        return layouts.from_autocheckout(self.planogram, self.products)


@pytest.fixture
def case(tmp_path: Path) -> Callable[[list[Doc], list[Doc]], Case]:
    """Writes documents, one a line."""

    def write(facings: list[Doc], products: list[Doc]) -> Case:
        made = Case(planogram=tmp_path / "planogram.json", products=tmp_path / "products.json")
        made.planogram.write_text("".join(json.dumps(item) + "\n" for item in facings))
        made.products.write_text("".join(json.dumps(item) + "\n" for item in products))
        return made

    return write
