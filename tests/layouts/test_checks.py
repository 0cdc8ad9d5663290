"""Every rule, by an edit that breaks a bundled layout: the finding has file, line, field and fix."""

from __future__ import annotations

import pytest

from jwo_cli import layouts
from jwo_cli.layouts.check_goods import alike
from jwo_cli.model.catalogue import Product
from jwo_cli.model.findings import Finding
from tests.layouts.conftest import Copy

# old text, new text, field of the finding, words of its problem; the finding's line is that of the edit plus `below`.
KIOSK_ERRORS = [
    pytest.param(
        "at_m = [3.1, 1.4]", "at_m = [2.0, 3.1]", "fixture[1].at_m", "g2 stands 0.150 m deep in g1", 0, id="overlap"
    ),
    pytest.param(
        "at_m = [5.75, 3.0]", "at_m = [5.95, 3.0]", "fixture[2].at_m", "0.20 m beyond the floor", 0, id="off floor"
    ),
    pytest.param(
        "a_m = [0.7, 0.0]", "a_m = [0.7, -0.4]", "gate[0].a_m", "0.40 m off the floor", 0, id="gate off floor"
    ),
    pytest.param("b_m = [1.7, 0.0]", "b_m = [0.7, 0.0]", "gate[0].b_m", "no width", 0, id="gate without width"),
    pytest.param(
        'channel = "g1:2:1"',
        'channel = "g1:1:6"',
        "fixture[0].shelf[1].row.channel",
        "g1:1:6, which g1.s1.p6",
        0,
        id="channel twice",
    ),
    pytest.param(
        'id = "exit"\nkind',
        'id = "entry"\nkind',
        "gate[0].id",
        "'entry' is given more than once",
        -6,
        id="gate id twice",
    ),
    pytest.param(
        'id = "g1.s2"',
        'id = "g1.s1"',
        "fixture[0].shelf[0].id",
        "'g1.s1' is given more than once",
        -6,
        id="shelf id twice",
    ),
    pytest.param(
        "size_m = [1.2, 0.45, 1.55]",
        "size_m = [47.2, 17.7, 61.0]",
        "fixture[1].size_m",
        "in = 1.199 m would make sense",
        0,
        id="inches",
    ),
    pytest.param("z_m = 0.68", "z_m = 26.8", "fixture[1].shelf[1].z_m", "26.8 in = 0.6807 m", 0, id="board in inches"),
    pytest.param(
        'width_m = 0.2, channel = "g2:1:1"',
        'width_m = 8.0, channel = "g2:1:1"',
        "fixture[1].shelf[0].row.width_m",
        "8 in = 0.2032 m",
        0,
        id="plates in inches",
    ),
    pytest.param(
        '[6.4, 4.6], [0.0, 4.6]]\n\n[[zone]]\nid = "shop"',
        '[0.0, 4.6], [6.4, 4.6]]\n\n[[zone]]\nid = "shop"',
        "store.floor_m",
        "crosses itself",
        0,
        id="floor crosses itself",
    ),
    pytest.param(
        "at_m = [6.25, 0.15, 2.7]",
        "at_m = [7.25, 0.15, 2.7]",
        "camera[1].at_m",
        "0.85 m outside",
        0,
        id="camera outside",
    ),
    pytest.param(
        "z_m = 0.75\nclear_m",
        "z_m = 0.65\nclear_m",
        "fixture[0].shelf[0].clear_m",
        "0.350 m above g1.s1, which asks for 0.42",
        -5,
        id="boards",
    ),
    pytest.param(
        'count = 6, width_m = 0.2, channel = "g1:3:1"',
        'count = 7, width_m = 0.2, channel = "g1:3:1"',
        "fixture[0].shelf[2].row",
        "g1.s3.p7 reaches 0.200 m beyond",
        0,
        id="plates beyond",
    ),
    pytest.param(
        "z_m = 1.2\n",
        "z_m = 1.2\nwidth_m = 1.3\n",
        "fixture[0].shelf[2]",
        "reaches 0.100 m beyond g1",
        -2,
        id="shelf beyond",
    ),
    pytest.param(
        'class = "food"', 'class = "foods"', "tax_class", "'food', which no [[tax]] defines", None, id="tax class"
    ),
    pytest.param(
        'products = ["2000100000083"]',
        'products = ["2000100000088"]',
        "promotion[0].products",
        "2000100000088 is not in the catalogue",
        0,
        id="promotion product",
    ),
    pytest.param(
        "quantity = 3\nvalue = 2",
        "quantity = 3\nvalue = 3",
        "promotion[0].value",
        "gives nothing away",
        1,
        id="promotion value",
    ),
    pytest.param(
        "[[4.7, 3.4], [6.4, 3.4], [6.4, 4.6], [4.7, 4.6]]",
        "[[4.7, 3.4], [6.9, 3.4], [6.9, 4.6], [4.7, 4.6]]",
        "zone[1].polygon_m",
        "0.50 m beyond",
        0,
        id="zone beyond",
    ),
]


@pytest.mark.parametrize(("old", "new", "field", "problem", "below"), KIOSK_ERRORS)
def test_each_error_has_its_place(kiosk: Copy, old: str, new: str, field: str, problem: str, below: int | None) -> None:
    """The edit makes the layout unusable, and one of the findings is the one that says why and where."""
    line = kiosk.edit(old, new)
    store, findings = kiosk.load()
    assert store is None
    told = [finding for finding in findings if finding.field == field and problem in finding.problem]
    assert told, [str(finding) for finding in findings]
    assert told[0].fix
    if below is not None:
        assert (told[0].file, told[0].line) == (str(kiosk.folder / "store.toml"), line + below)


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "problem"),
    [
        ("planogram.csv", "2000100000021,", "2000100000026,", "product", "2000100000026 is not in the catalogue"),
        ("planogram.csv", "g1.s1.p3 g1.s1.p4", "g1.s1.p3 g1.s1.p44", "plates", "there is no plate 'g1.s1.p44'"),
        ("planogram.csv", "g1.s1.p3 g1.s1.p4", "g1.s1.p3 g1.s2.p4", "plates", "spans the shelves g1.s1 and g1.s2"),
        ("planogram.csv", "g1.s1.p3 g1.s1.p4", "g1.s1.p3 g1.s1.p3", "plates", "named twice"),
        (
            "planogram.csv",
            "g1.s1.p3 g1.s1.p4,10",
            "g1.s1.p3..g1.s9.p4,10",
            "plates",
            "no plate 'g1.s9.p4' on the shelf",
        ),
        ("planogram.csv", "g1.s1.p3 g1.s1.p4,10", "g1.s1.p3 g1.s1.p4,0", "capacity", "'0' is no number of units"),
        ("catalogue.csv", "0.99,standard", "0.999,standard", "price", "more than the 2 decimal places of EUR"),
        ("catalogue.csv", "0.99,standard", "-1,standard", "price", "negative"),
        ("catalogue.csv", "0.99,standard", "free,standard", "price", "no amount"),
        ("catalogue.csv", "1045.0,", "-1045,", "unit_mass_g", "not possible"),
        ("catalogue.csv", "1045.0,0.006", "1045.0,6", "mass_cv", "not in 0 … 1"),
        ("catalogue.csv", "standard,16,0.08,unit", "standard,old,0.08,unit", "age_min", "no age"),
        ("catalogue.csv", "standard,16,0.08,unit", "standard,16,0.08,wieght", "sold_by", "did you mean weight"),
        ("catalogue.csv", "2000100000021,Sp", "2000100000014,Sp", "gtin", "stands in line 2 already"),
        ("catalogue.csv", "2000100000021,Sparkling water 1 l", "2000100000021,", "name", "the name is missing"),
    ],
)
def test_each_table_fault_has_its_cell(kiosk: Copy, file: str, old: str, new: str, field: str, problem: str) -> None:
    """CSV faults name the row's line and the column; the layout is not loaded."""
    line = kiosk.edit(old, new, file)
    told = [item for item in kiosk.errors() if item.field == field and problem in item.problem]
    assert [(item.file, item.line) for item in told] == [(str(kiosk.folder / file), line)]
    assert kiosk.load()[0] is None


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("catalogue.csv", "2000100000021,", "2000100000022,", "has check digit 2, expected 1"),
        ("planogram.csv", "2000100000021,g1.s1.p3 g1.s1.p4,10\n", "", "nothing stands on g1.s1.p3, g1.s1.p4"),
        ("catalogue.csv", "Oat bar 40 g,46.0,", "Oat bar 40 g,,", "nobody has weighed it"),
        ("catalogue.csv", "Oat bar 40 g,46.0,", "Oat bar 40 g,0.046,", "too little for a shelf scale"),
        ("planogram.csv", "g1.s1.p3 g1.s1.p4,10", "g1.s1.p2 g1.s1.p3 g1.s1.p4,10", None),
        ("planogram.csv", "g1.s3.p1 g1.s3.p2,20", "g1.s3.p1 g1.s3.p2 g1.s3.p3,20", None),
        ("catalogue.csv", "Sparkling water 1 l,1045.0", "Sparkling water 1 l,1535.0", "are neighbours at g1.s1.p2"),
        ("store.toml", 'kind = "exit"', 'kind = "entry"', "no gate where shoppers leave"),
        (
            "store.toml",
            "look_at_m = [3.6, 2.4, 0.8]",
            "look_at_m = [36.0, 2.4, 0.8]",
            "looks at a point 29.60 m outside",
        ),
        ("store.toml", "a_m = [0.7, 0.0]", "a_m = [0.7, 0.5]", "0.50 m inside the floor"),
    ],
)
def test_doubts_are_warnings(kiosk: Copy, file: str, old: str, new: str, problem: str | None) -> None:
    """A store can live with them: the layout loads. A shared plate with masses far apart is no doubt at all."""
    kiosk.edit(old, new, file)
    if file == "catalogue.csv" and new.startswith("2000100000022"):
        kiosk.edit("2000100000021,", "2000100000022,", "planogram.csv")
    store, findings = kiosk.load()
    assert store is not None, [str(finding) for finding in findings]
    if problem is None:
        assert findings == ()
    else:
        assert [problem in finding.problem for finding in findings] == [True], [str(finding) for finding in findings]


def test_two_alike_on_one_plate_need_another_sensor(market: Copy) -> None:
    """Rioja and Chianti share a plate: under the antenna nobody minds, without it no sensor can tell them apart."""
    market.edit("v1.s1.p5..v1.s1.p8", "v1.s1.p4..v1.s1.p8", "planogram.csv")
    assert market.load()[1] == ()
    text = (market.folder / "store.toml").read_text()
    begin, end = text.index("# The wine wall; the list"), text.index("[[camera]]")
    (market.folder / "store.toml").write_text(text[:begin] + text[end:])
    told = [finding.problem for finding in market.warnings()]
    assert any("no sensor can tell 2000200000761" in problem and "v1.s1.p4" in problem for problem in told)


def test_what_is_alike_is_a_matter_of_both_spreads() -> None:
    """500 and 520 g: told apart at 0.5 % spread, not at 2 %; goods without mass never."""

    def item(mass: float | None, cv: float) -> Product:
        return Product(product_id="a", name="a", price_minor=1, unit_mass_g=mass, mass_cv=cv)

    assert alike(item(500, 0.005), item(520, 0.005)) is None
    assert "20.0 g apart" in (alike(item(500, 0.02), item(520, 0.02)) or "")
    assert "no mass" in (alike(item(None, 0.01), item(520, 0.01)) or "")


def test_everything_wrong_is_told_at_once(kiosk: Copy) -> None:
    """Faults in three files and of three kinds come in one go, sorted by file and line."""
    kiosk.edit("at_m = [3.1, 1.4]", "at_m = [2.0, 3.1]")
    kiosk.edit('kind = "entry"', 'kind = "entrance"')
    kiosk.edit("0.99,standard", "0.999,standard", "catalogue.csv")
    kiosk.edit("g1.s1.p3 g1.s1.p4", "g1.s1.p3 g1.s1.p44", "planogram.csv")
    told = [(finding.file.rsplit("/", 1)[-1], finding.field) for finding in kiosk.errors()]
    assert told == [
        ("store.toml", "gate[0].kind"),
        ("store.toml", "fixture[1].at_m"),
        ("catalogue.csv", "price"),
    ]
    kiosk.edit('kind = "entrance"', 'kind = "entry"')  # with fixtures readable again, plates can be judged
    assert ("plates", "there is no plate 'g1.s1.p44'") in [(item.field, item.problem) for item in kiosk.errors()]


def test_a_refused_product_hides_no_other_fault(kiosk: Copy) -> None:
    """A bad mass in line 2 leaves the report on line 4's wrong number; line 2's own facing is not blamed."""
    kiosk.edit("\n2000100000038,", "\n2000100000990,", "catalogue.csv")
    wrong = [str(item) for item in kiosk.errors()]
    assert ["2000100000038 is not in the catalogue" in item for item in wrong] == [True]
    text = (kiosk.folder / "catalogue.csv").read_text().splitlines()
    cells = text[1].split(",")
    (kiosk.folder / "catalogue.csv").write_text(
        "\n".join([text[0], ",".join([*cells[:2], "0", *cells[3:]]), *text[2:], ""])
    )
    told = [str(item) for item in kiosk.errors()]
    assert [item for item in told if "catalogue.csv" not in item.split(" ")[0]] == wrong
    assert len(told) == 2


def test_a_row_without_a_number_blames_no_facing(kiosk: Copy) -> None:
    """Nobody knows which product the row was, so no facing is called wrong for it."""
    kiosk.edit("\n2000100000021,", "\n,", "catalogue.csv")
    assert [(item.field, item.problem) for item in kiosk.errors()] == [("gtin", "the gtin is missing")]


def test_an_unreadable_fixture_blames_no_facing(kiosk: Copy) -> None:
    """One fault is one finding: the facings on the broken shelf are not called wrong."""
    kiosk.edit("z_m = 0.68", 'z_m = "low"')
    assert [finding.field for finding in kiosk.errors()] == ["fixture[1].shelf[1].z_m"]
    assert kiosk.warnings() == []


def test_rotated_fixtures_are_measured_as_they_stand(market: Copy) -> None:
    """The islands touch back to back at 25° without a word; 4 cm nearer they overlap by 4 cm."""
    assert market.load()[1] == ()
    market.edit("at_m = [4.7948, 6.0299]", "at_m = [4.8117, 5.9936]")
    assert any("i2 stands 0.040 m deep in i1" in finding.problem for finding in market.errors())


def test_a_fixture_may_not_cut_a_corner_of_the_floor(market: Copy) -> None:
    """All four corners on the L-shaped floor, the middle beyond its inner corner."""
    market.edit("at_m = [3.0, 4.2]\nrotation_deg = 25.0", "at_m = [6.0, 7.9]\nrotation_deg = -45.0")
    assert any("i1 stands" in item.problem and "beyond the floor" in item.problem for item in market.errors())


def test_a_floor_in_inches_beside_fixtures_in_metres_is_doubted(kiosk: Copy) -> None:
    """252 × 181 'metres' for a kiosk's three fixtures."""
    kiosk.edit(
        "floor_m = [[0.0, 0.0], [6.4, 0.0], [6.4, 4.6], [0.0, 4.6]]",
        "floor_m = [[0, 0], [252, 0], [252, 181], [0, 181]]",
    )
    told = [finding.problem for finding in kiosk.warnings()]
    assert any("read as inches it would have 29.4 m²" in problem for problem in told)


def test_a_store_without_files_names_its_things() -> None:
    """Findings about an imported store have no line but say which thing."""
    store, _ = layouts.load(layouts.bundled()["corner_kiosk"])
    assert store is not None
    twice = type(store)(**{name: getattr(store, name) for name in store.__slots__} | {"gates": store.gates * 2})
    found: list[Finding] = layouts.check(twice)
    assert [(finding.line, finding.field) for finding in found] == [(None, "gate entry.id"), (None, "gate exit.id")]


@pytest.mark.parametrize("name", list(layouts.bundled()))
def test_bundled_layouts_are_without_fault(name: str) -> None:
    """Not even a warning."""
    store, findings = layouts.load(layouts.bundled()[name])
    assert (store is not None, findings) == (True, ())


def test_bundled_layouts_differ_in_shape() -> None:
    """A small rectangle, and an L with islands at an angle and more of everything."""
    kiosk, market = (layouts.load(path)[0] for path in layouts.bundled().values())
    assert kiosk is not None
    assert market is not None
    assert (len(kiosk.floor), len(kiosk.plates())) == (4, 48)
    assert (len(market.floor), len(market.plates())) == (6, 204)
    assert any(fixture.pose.rotation_deg % 90 for fixture in market.fixtures)
