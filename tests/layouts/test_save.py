"""The round trip: what is saved loads to the same store, and nothing is written that would not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jwo_cli import layouts
from jwo_cli.layouts.load import read
from jwo_cli.layouts.places import Places
from jwo_cli.layouts.version import with_version
from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind, SoldBy, TaxRate
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import (
    Antenna,
    Bay,
    Box,
    Camera,
    Facing,
    Fixture,
    Gate,
    GateKind,
    Plate,
    Pose,
    Shelf,
    Store,
    Zone,
)

IDENTS = st.from_regex(r"[a-z][a-z0-9_-]{0,5}(\.[a-z0-9]{1,3})?", fullmatch=True)
METRES = st.floats(-50, 50, allow_nan=False)
SIZES = st.floats(0.01, 20, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip).filter(bool)
POINTS = st.tuples(METRES, METRES)
POSES = st.builds(Pose, x_m=METRES, y_m=METRES, z_m=METRES, rotation_deg=METRES)
BOXES = st.builds(Box, x_m=METRES, y_m=METRES, z_m=METRES, dx_m=SIZES, dy_m=SIZES, dz_m=SIZES)
CHANNELS = st.builds("{}:{}:{}".format, IDENTS, st.integers(0, 9), st.integers(0, 99))
PRODUCTS = st.builds(
    Product,
    product_id=IDENTS,
    name=TEXTS,
    price_minor=st.integers(0, 10**7),
    unit_mass_g=st.none() | st.floats(0.01, 9e5),
    mass_cv=st.floats(0, 0.99),
    tax_class=IDENTS,
    age_min=st.none() | st.integers(0, 99),
    deposit_minor=st.integers(0, 500),
    sold_by=st.sampled_from(SoldBy),
    aliases=st.lists(IDENTS, max_size=2).map(tuple),
)
MOMENTS = st.none() | st.integers(-(2**60), 2**61)
PROMOTIONS = st.builds(
    Promotion,
    promotion_id=IDENTS,
    name=TEXTS,
    kind=st.sampled_from(PromotionKind),
    products=st.tuples(IDENTS),
    value=st.integers(0, 9999),
    quantity=st.integers(1, 9),
    from_ns=MOMENTS,
    until_ns=MOMENTS,
)


def _row(shelf: str, box: Box, count: int, width: float) -> tuple[Plate, ...]:
    """Plates as a row would give them, so that the short form is exercised, too."""
    return tuple(
        Plate(
            plate_id=f"{shelf}.p{index + 1}",
            channel=f"d:1:{index + 1}",
            box=dataclasses.replace(box, x_m=round(box.x_m + index * width, 6), dx_m=width),
        )
        for index in range(count)
    )


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    """Shelves with any plates, or with a row."""
    ident, box = draw(IDENTS), draw(BOXES)
    if draw(st.booleans()):
        return Shelf(shelf_id=ident, box=box, plates=_row(ident, box, draw(st.integers(1, 5)), draw(SIZES)))
    plates = draw(st.lists(st.builds(Plate, plate_id=IDENTS, channel=CHANNELS, box=BOXES), max_size=3))
    return Shelf(shelf_id=ident, box=box, plates=tuple(plates))


BAYS = st.builds(Bay, bay_id=IDENTS, shelves=st.lists(shelves(), max_size=2).map(tuple))
FIXTURES = st.builds(
    Fixture,
    fixture_id=IDENTS,
    kind=TEXTS,
    pose=POSES,
    dx_m=SIZES,
    dy_m=SIZES,
    dz_m=SIZES,
    bays=st.lists(BAYS, max_size=2).map(tuple),
)


@st.composite
def stores(draw: st.DrawFn) -> Store:
    """Any store that the types allow, sensible or not, with ids that files allow."""
    fixtures = tuple(draw(st.lists(FIXTURES, max_size=2)))
    plates = [
        plate.plate_id for item in fixtures for bay in item.bays for shelf in bay.shelves for plate in shelf.plates
    ]
    some_plates = st.lists(st.sampled_from(plates), min_size=1, max_size=5).map(tuple) if plates else st.tuples(IDENTS)
    products = draw(st.lists(PRODUCTS, max_size=3, unique_by=lambda item: item.product_id))
    return with_version(
        Store(
            store_id=draw(IDENTS),
            name=draw(TEXTS),
            version="",
            timezone=draw(st.sampled_from(["UTC", "Europe/Berlin"])),
            floor=tuple(draw(st.lists(POINTS, min_size=3, max_size=5))),
            zones=tuple(
                draw(
                    st.lists(
                        st.builds(
                            Zone, zone_id=IDENTS, polygon=st.tuples(POINTS, POINTS, POINTS), staff_only=st.booleans()
                        ),
                        max_size=2,
                    )
                )
            ),
            gates=tuple(
                draw(
                    st.lists(
                        st.builds(Gate, gate_id=IDENTS, kind=st.sampled_from(GateKind), a=POINTS, b=POINTS), max_size=2
                    )
                )
            ),
            fixtures=fixtures,
            cameras=tuple(
                draw(
                    st.lists(
                        st.builds(
                            Camera,
                            camera_id=IDENTS,
                            pose=POSES,
                            look_at=st.tuples(METRES, METRES, METRES),
                            width_px=st.integers(1, 9999),
                            height_px=st.integers(1, 9999),
                            intrinsics=st.lists(METRES, max_size=4).map(tuple),
                            url_ref=st.sampled_from(["", "env:CAMERA", "file:camera.url"]),
                        ),
                        max_size=1,
                    )
                )
            ),
            antennas=tuple(
                draw(
                    st.lists(
                        st.builds(Antenna, antenna_id=IDENTS, pose=POSES, range_m=SIZES, plates=some_plates), max_size=1
                    )
                )
            ),
            facings=tuple(
                draw(
                    st.lists(
                        st.builds(
                            Facing, product_id=IDENTS, plates=some_plates, capacity=st.none() | st.integers(1, 99)
                        ),
                        max_size=3,
                    )
                )
            ),
            catalogue=Catalogue(
                currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
                products=tuple(products),
                taxes=tuple(
                    draw(st.lists(st.builds(TaxRate, tax_class=IDENTS, rate_bp=st.integers(0, 10_000)), max_size=2))
                ),
                promotions=tuple(draw(st.lists(PROMOTIONS, max_size=2))),
                prices_include_tax=draw(st.booleans()),
            ),
        )
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(store=stores())
def test_reading_undoes_writing(store: Store, tmp_path: Path) -> None:
    """For any store: what was saved is read back equal, version and all."""
    file, *_ = layouts.save(store, tmp_path / "s")
    again, _, findings = read(file, Places())
    assert findings == []
    assert again == store


@pytest.mark.parametrize("name", ["corner_kiosk", "l_market"])
def test_bundled_layouts_survive_the_round_trip(name: str, tmp_path: Path) -> None:
    """load(save(s)) == s, and saving twice gives the same bytes."""
    store, _ = layouts.load(layouts.bundled()[name])
    assert store is not None
    files = layouts.save(store, tmp_path / "a")
    again, findings = layouts.load(tmp_path / "a")
    assert (again, findings) == (store, ())
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in layouts.save(store, tmp_path / "b")]


def test_equal_plates_become_one_line_again(tmp_path: Path) -> None:
    """The kiosk's nine boards are nine rows in the text."""
    store, _ = layouts.load(layouts.bundled()["corner_kiosk"])
    assert store is not None
    file, *_ = layouts.save(store, tmp_path)
    assert file.read_text().count("row = {") == 9
    assert "[[fixture.shelf.plate]]" not in file.read_text()


def test_the_imported_nanostore_survives_the_round_trip(shared_data: Path, tmp_path: Path) -> None:
    """Odd identifiers and all."""
    folder = shared_data / "nanostore-real" / "BENCHMARK-1"
    store, _ = layouts.from_autocheckout(folder / "planogram.json", folder / "products.json")
    layouts.save(store, tmp_path)
    assert layouts.load(tmp_path)[0] == store


def test_what_files_cannot_say_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    """An id with a blank could not be read back."""
    store, _ = layouts.load(layouts.bundled()["corner_kiosk"])
    assert store is not None
    gate = dataclasses.replace(store.gates[0], gate_id="front door")
    with pytest.raises(UserError, match="front door"):
        layouts.save(dataclasses.replace(store, gates=(gate,)), tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A file where a folder is needed."""
    store, _ = layouts.load(layouts.bundled()["corner_kiosk"])
    assert store is not None
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        layouts.save(store, tmp_path / "file" / "store.toml")


def test_a_file_of_another_name_keeps_its_tables_beside_it(tmp_path: Path) -> None:
    """shop.toml has shop.catalogue.csv and shop.planogram.csv."""
    store, _ = layouts.load(layouts.bundled()["corner_kiosk"])
    assert store is not None
    names = [file.name for file in layouts.save(store, tmp_path / "shop.toml")]
    assert names == ["shop.toml", "shop.catalogue.csv", "shop.planogram.csv"]
    assert layouts.load(tmp_path / "shop.toml")[0] == store
