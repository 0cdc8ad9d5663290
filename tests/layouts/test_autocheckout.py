"""A store from AutoCheckout documents: plates where they are, products as they are, doubts reported."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from jwo_cli import layouts
from jwo_cli.model.findings import Severity, UserError
from jwo_cli.model.units import METRES_PER_INCH
from tests.layouts.conftest import Case, Doc, facing, product

Write = Callable[[list[Doc], list[Doc]], Case]
GOOD = "012000181139"


def test_the_nanostore_has_its_known_counts(shared_data: Path) -> None:
    """Five gondolas, 29 boards, 287 plates, 113 facings (one more is empty), 361 products in 711 rows."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    store, findings = layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")
    plates = [sum(len(shelf.plates) for bay in fixture.bays for shelf in bay.shelves) for fixture in store.fixtures]
    assert [fixture.fixture_id for fixture in store.fixtures] == ["g1", "g2", "g3", "g4", "g5"]
    assert plates == [72, 54, 72, 54, 35]
    assert (len(store.shelves()), len(store.facings), len(store.catalogue.products)) == (29, 113, 361)
    assert all(finding.severity is Severity.WARNING for finding in findings)
    said = " ".join(finding.problem for finding in findings)
    assert "350 rows repeat" in said
    assert "g3.s6.p1–g3.s6.p12 has no product" in said


def test_the_nanostores_plates_stand_where_the_planogram_says(shared_data: Path) -> None:
    """Named plates exactly, the unnamed 4 to 6 of g2.s2 between their neighbours, the turned gondola 5 turned."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    store, _ = layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")
    plates = store.plates()
    _, _, taken = plates["g1.s5.p11"]
    assert taken.channel == "g1:5:11"
    assert store.plate_centre("g1.s5.p11") == pytest.approx((1.041 + 0.0508, 0.2032, 1.2351 + 0.15), abs=1e-3)
    assert store.plate_centre("g2.s2.p5")[0] == pytest.approx(1.2442 + 4.5 * 0.1016, abs=1e-3)
    x, y, _ = store.plate_centre("g5.s2.p4")
    assert (x, y) == pytest.approx((4.3176 + 0.3937, -0.6477 - 0.0508), abs=2e-3)


def test_true_takers_wrists_are_at_the_plates(shared_data: Path) -> None:
    """Targets (inches) and planogram (metres) share one frame: median offset along the shelf and in depth < 2 cm."""
    along, deep = [], []
    for folder in sorted((shared_data / "nanostore-dev").glob("dev-0[1-4]*")):
        store, _ = layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")
        wrists = _wrists(folder / "full_targets.json.gz")
        for event in json.loads((folder / "truth.json").read_text())["events"]:
            if event["type"] != "pick":
                continue
            idents = ["g{gondola}.s{shelf}.p{plate}".format(**plate) for plate in event["plates"]]
            centre = [sum(axis) / len(idents) for axis in zip(*map(store.plate_centre, idents), strict=True)]
            front = (centre[0], centre[1] - 0.2032, centre[2])
            near = [p for at, who, p in wrists if who == event["target_id"] and abs(at - event["t"]) < 0.8]
            if near:
                best = min(near, key=lambda point: math.dist(point, front))
                along.append(best[0] - front[0])
                deep.append(best[1] - front[1])
    assert len(along) >= 8
    assert abs(median(along)) < 0.02
    assert abs(median(deep)) < 0.02


def _wrists(path: Path) -> list[tuple[float, str, tuple[float, float, float]]]:
    found = []
    with gzip.open(path, "rt") as stream:
        for line in stream:
            document = json.loads(line)
            for target in document["document"]["targets"].get("targets", []):
                for joint in ("l_wrist", "r_wrist"):
                    point = target.get(joint, {}).get("point")
                    if point:
                        x, y, z = (point.get(axis, 0.0) * METRES_PER_INCH for axis in "xyz")
                        found.append((document["timestamp"], target["target_id"]["id"], (x, y, z)))
    return found


def test_the_published_geometry_only_fills_gaps(shared_data: Path) -> None:
    """Gondola 5 gets its sixth shelf; boards that the planogram knows stay, and the differences are told."""
    folder = shared_data / "nanostore-real"
    arguments = (folder / "BENCHMARK-1" / "planogram.json", folder / "BENCHMARK-1" / "products.json")
    bare, _ = layouts.from_autocheckout(*arguments)
    filled, findings = layouts.from_autocheckout(*arguments, folder / "store_meta" / "geometry.json")
    assert list(filled.plates())[: 72 + 54] == list(bare.plates())[: 72 + 54]
    assert filled.plate_centre("g1.s3.p2") == bare.plate_centre("g1.s3.p2")
    assert len(filled.plates()) == len(bare.plates()) + 7
    told = [finding.problem for finding in findings if finding.file.endswith("geometry.json")]
    assert len(told) == 5
    assert "shelf 6 added" in told[4]


def test_equal_documents_make_equal_versions(shared_data: Path) -> None:
    """Cases of one store share a layout version; a changed mass is another layout."""
    folders = sorted((shared_data / "nanostore-dev").glob("dev-*"))
    versions = {
        layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")[0].version
        for folder in folders
        if folder.is_dir()
    }
    assert len(versions) == 2


def test_short_forms_are_aliases(case: Write) -> None:
    """120130 stands for 01201303 and 012000000133, as UPC-E says, and 120850 for 0120850."""
    store, findings = case([facing(1, [1], "120130", x=0.0)], [product("120130"), product("120850")]).build()
    table = store.catalogue.by_id()
    assert table["01201303"].product_id == table["012000000133"].product_id == "120130"
    assert table["0120850"].product_id == "120850"
    assert any("UPC-E" in finding.problem for finding in findings)


def test_two_rows_for_one_article_are_told_and_keep_their_own_numbers(case: Write) -> None:
    """04963406 is the whole of 496340; neither swallows the other."""
    store, findings = case(
        [facing(1, [1], GOOD, x=0.0)], [product(GOOD), product("496340"), product("04963406")]
    ).build()
    table = store.catalogue.by_id()
    assert (table["496340"].product_id, table["04963406"].product_id) == ("496340", "04963406")
    assert [finding.line for finding in findings if "two forms of one article" in finding.problem] == [3]


@pytest.mark.parametrize("weight", [None, 0, -5.0, 0.8863])
def test_masses_that_cannot_be_are_unknown(case: Write, weight: object) -> None:
    """Missing, zero, negative and kilogram masses are kept as unknown, with their line."""
    store, findings = case([facing(1, [1], GOOD, x=0.0)], [product(GOOD, weight=weight)]).build()
    assert store.catalogue.products[0].unit_mass_g is None
    assert [(item.line, item.field) for item in findings if item.field == "metadata.weight"] == [(1, "metadata.weight")]


def test_prices_become_minor_units(case: Write) -> None:
    """Currency units, ten cents exact; a missing one is 0 and told."""
    rows = [product(GOOD, price=9), product("90162909", price=2.1), product("0", price=None)]
    store, findings = case([facing(1, [1], GOOD, x=0.0)], rows).build()
    assert [item.price_minor for item in store.catalogue.products] == [900, 210, 0]
    assert any(item.field == "metadata.price" and item.line == 3 for item in findings)


def test_identifiers_that_are_no_gtin_are_kept(case: Write) -> None:
    """'01' and a wrong check digit stay what they are."""
    store, findings = case([facing(1, [1], "01", x=0.0)], [product("01"), product("111111111111")]).build()
    assert [item.product_id for item in store.catalogue.products] == ["01", "111111111111"]
    assert [item.line for item in findings if item.field == "product_id.id"] == [1, 2]


def test_the_first_of_two_different_rows_counts(case: Write) -> None:
    """Two products of one number: the first is kept, the second is told with both lines."""
    store, findings = case([facing(1, [1], GOOD, x=0.0)], [product(GOOD), product(GOOD, weight=300.0)]).build()
    assert [item.unit_mass_g for item in store.catalogue.products] == [100.0]
    assert any(item.line == 2 and "line 1" in item.problem for item in findings)


def test_a_product_that_the_table_lacks_is_kept_unknown(case: Write) -> None:
    """The facing stays; its product has neither mass nor price."""
    store, findings = case([facing(1, [1], "90162909", x=0.0)], [product(GOOD)]).build()
    lacking = store.catalogue.by_id()["90162909"]
    assert (lacking.unit_mass_g, lacking.price_minor) == (None, 0)
    assert any(item.field == "planogram_product_id.id" for item in findings)


def test_unnamed_plates_are_interpolated_within_their_shelf(case: Write) -> None:
    """Plates 1 and 4 are named; 2 and 3 stand between them even where the board is stretched."""
    store, _ = case([facing(1, [1], GOOD, x=0.0), facing(1, [4], "90162909", x=0.33)], [product(GOOD)]).build()
    lefts = [plate.box.x_m for _, _, plate in store.plates().values()]
    # Two facings disagree by 3 cm about where the row begins; the middle of both is taken as the fixture's edge.
    assert [round(b - a, 4) for a, b in pairwise(lefts)] == [0.11, 0.11, 0.11]


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"plate_ids": []}, "plate_ids", "no plates"),
        (
            {"plate_ids": [{"shelf_id": {"gondola_id": {"id": 1}, "shelf_index": 1}, "plate_index": 0}]},
            "plate_index",
            "0",
        ),
        ({"global_coordinates": {"dim_x": "wide"}}, "dim_x", "number"),
        ({"global_coordinates": {"dim_x": 0.1, "dim_y": -1, "dim_z": 0.2}}, "dim_y", "-1"),
        ({"planogram_product_id": {"id": 7}}, "planogram_product_id.id", "7"),
        ({"global_coordinates": {"dim_x": 4.0, "dim_y": 16.0, "dim_z": 8.0}}, "dim_x", "inches"),
    ],
)
def test_malformed_facings_are_refused_with_line_and_field(case: Write, change: Doc, field: str, word: str) -> None:
    """Nothing is built, and every fault has its place."""
    bad = {**facing(2, [1], GOOD, x=0.0), **change}
    with pytest.raises(UserError) as caught:
        case([facing(1, [1], GOOD, x=0.0), bad], [product(GOOD)]).build()
    errors = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert [item.line for item in errors] == [2]
    assert field in (errors[0].field or "")
    assert word in errors[0].problem


def test_all_faults_of_both_files_are_told_at_once(case: Write) -> None:
    """Broken JSON on line 2, a product without number on line 3, a facing over two shelves."""
    two_shelves = facing(1, [1], GOOD, x=0.0)
    other = facing(2, [1], GOOD, x=0.0)
    two_shelves["plate_ids"] = [*two_shelves["plate_ids"], *other["plate_ids"]]  # type: ignore[misc]
    made = case([two_shelves], [product(GOOD), {"a": 1}, {"product_id": {}}])
    text = made.products.read_text().replace('{"a": 1}', '{"a": 1')
    made.products.write_text(text)
    with pytest.raises(UserError) as caught:
        made.build()
    errors = [(Path(item.file).name, item.line) for item in caught.value.findings if item.severity is Severity.ERROR]
    assert errors == [("products.json", 2), ("planogram.json", 1), ("products.json", 3)]


def test_one_plate_at_two_places_is_refused(case: Write) -> None:
    """Two planograms in one file contradict each other."""
    with pytest.raises(UserError, match=r"stands 0\.\d+ m from"):
        case([facing(1, [1], GOOD, x=0.0), facing(1, [1], GOOD, x=0.5)], [product(GOOD)]).build()


def test_a_truncated_gz_is_refused(case: Write, tmp_path: Path) -> None:
    """A sentence, no traceback."""
    made = case([facing(1, [1], GOOD, x=0.0)], [product(GOOD)])
    packed = tmp_path / "planogram.json.gz"
    packed.write_bytes(gzip.compress(made.planogram.read_bytes())[:-12])
    with pytest.raises(UserError, match="cut off"):
        layouts.from_autocheckout(packed, made.products)


def test_gz_and_plain_are_the_same_store(case: Write, tmp_path: Path) -> None:
    """Compression is no content."""
    made = case([facing(1, [1], GOOD, x=0.0)], [product(GOOD)])
    packed = tmp_path / "products.json.gz"
    packed.write_bytes(gzip.compress(made.products.read_bytes()))
    assert layouts.from_autocheckout(made.planogram, packed)[0] == made.build()[0]


def test_two_planograms_in_a_folder_are_refused(case: Write, tmp_path: Path) -> None:
    """planogram.json beside planogram.json.gz: nobody knows which one is meant."""
    made = case([facing(1, [1], GOOD, x=0.0)], [product(GOOD)])
    (tmp_path / "planogram.json.gz").write_bytes(gzip.compress(made.planogram.read_bytes()))
    with pytest.raises(UserError, match="two files for planogram"):
        layouts.find_document(tmp_path, "planogram")
    with pytest.raises(UserError, match="no nothing"):
        layouts.find_document(tmp_path, "nothing")


def test_a_planogram_without_facings_is_refused(case: Write) -> None:
    """An empty file is no store."""
    with pytest.raises(UserError, match="no facing"):
        case([], [product(GOOD)]).build()
