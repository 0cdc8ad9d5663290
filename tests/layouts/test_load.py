"""Store files that are not what they should be: every fault has a place, and nothing is half-loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jwo_cli import layouts
from jwo_cli.model.catalogue import PromotionKind
from jwo_cli.model.findings import Severity, UserError
from tests.layouts.conftest import Copy


def test_a_missing_layout_says_how_to_make_one(tmp_path: Path) -> None:
    """By file and by folder."""
    for path in (tmp_path, tmp_path / "shop.toml"):
        with pytest.raises(UserError) as caught:
            layouts.load(path)
        assert "jwo init" in caught.value.fix


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"format = 1\n[store\n", 2, "not TOML"),
        (b"format = 1\nname = 'a\n", 2, "not TOML"),
        (b"format = 1\nname = '\xff'\n", 2, "not UTF-8"),
        (b"a = 1\na = 2\n", 2, "not TOML"),
    ],
)
def test_broken_toml_has_its_line(tmp_path: Path, content: bytes, line: int, problem: str) -> None:
    """One finding, with the line that the parser stopped at."""
    (tmp_path / "store.toml").write_bytes(content)
    store, findings = layouts.load(tmp_path)
    assert store is None
    assert [(item.line, problem in item.problem) for item in findings] == [(line, True)]


@pytest.mark.parametrize(
    ("old", "new", "field", "problem", "fix"),
    [
        (
            "prices_include_tax = true",
            'prices_include_tax = "yes"',
            "store.prices_include_tax",
            "true or false",
            "without quotes",
        ),
        ('currency = "EUR"', 'currency = "Euro"', "store.currency", "ISO 4217", ""),
        ('timezone = "Europe/Berlin"', 'timezone = "Europe/Berln"', "store.timezone", "no time zone", ""),
        ("staff_only = true", "staf_only = true", "zone[1].staf_only", "means nothing here", "staff_only"),
        ("size_m = [1.3, 0.4, 1.0]", "size_m = [1.3, 0.4]", "fixture[3].size_m", "expected 3 numbers", ""),
        ("size_m = [1.3, 0.4, 1.0]", "size_m = [1.3, 0.0, 1.0]", "fixture[3].size_m", "not above zero", ""),
        ("size_m = [1.3, 0.4, 1.0]", "size_m = [1.3, inf, 1.0]", "fixture[3].size_m", "expected 3 numbers", ""),
        ("size_m = [1.3, 0.4, 1.0]\n", "", "fixture[3].size_m", "missing", ""),
        (
            'channel = "g1:1:1"',
            'channel = "g1-1-1"',
            "fixture[0].shelf[0].row.channel",
            "is no channel",
            "device:row:column",
        ),
        (
            'count = 4, width_m = 0.3, depth_m = 0.5, channel = "f1:1:1"',
            'count = 0, width_m = 0.3, channel = "f1:1:1"',
            "fixture[2].shelf[0].row.count",
            "0 plates",
            "",
        ),
        ('id = "till1"', 'id = "till 1"', "fixture[3].id", "is no id", ""),
        ('url = "env:JWO_CAMERA_C1"', 'url = "rtsp://u:secret@cam"', "camera[0].url", "in plain", "env:NAME"),
        (
            'image_px = [1920, 1080]\nurl = "env:JWO_CAMERA_C1"',
            "image_px = [0, 1080]",
            "camera[0].image_px",
            "positive",
            "",
        ),
        ("rate_percent = 19", "rate_percent = 19.123", "tax[0].rate_percent", "no tax rate", ""),
        ("rate_percent = 19", "rate_percent = 119", "tax[0].rate_percent", "no tax rate", ""),
        ("value = 3.50", "value = 3.505", "promotion[1].value", "decimal places", ""),
        ("value = 3.50", 'value = 3.50\nfrom = "May"', "promotion[1].from", "expected a date", "without quotes"),
        ('kind = "buy_n_pay_m"', 'kind = "bogof"', "promotion[0].kind", "none of the known kinds", "multi_buy"),
        ("format = 1", "format = 9", "format", "format 9", "update jwo"),
        ("[store]", "[[store]]", "store", "expected a table", "[store]"),
        (
            '[[tax]]\nclass = "standard"\nrate_percent = 19\n\n[[tax]]',
            "[tax]",
            "tax",
            "several are possible",
            "[[tax]]",
        ),
    ],
)
def test_wrong_fields_are_named(kiosk: Copy, old: str, new: str, field: str, problem: str, fix: str) -> None:
    """Field, line, problem and fix; a secret that stands in the file is not repeated."""
    line = kiosk.edit(old, new)
    store, findings = kiosk.load()
    assert store is None
    told = [item for item in findings if item.field == field]
    assert told, [str(item) for item in findings]
    assert problem in told[0].problem
    assert fix in told[0].fix
    assert abs((told[0].line or 0) - line) <= 4  # a missing field is told at its table
    assert "secret" not in "".join(map(str, findings))


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"gtin,name,price\n1,\xff,2\n", 2, "not UTF-8"),
        (b"gtin,nam,price\n", 1, "unknown column 'nam'"),
        (b"gtin,price\n", 1, "column 'name' is missing"),
        (b"gtin,name,price,name\n", 1, "stands twice"),
        (b'gtin,name,price\n1,"a,2\n', 2, "not CSV"),
        (b"gtin,name,price\n1,a\n", 2, "2 cells under 3 headings"),
    ],
)
def test_broken_tables_have_their_line(kiosk: Copy, content: bytes, line: int, problem: str) -> None:
    """The catalogue as CSV: heading, quotes, encoding, cells."""
    (kiosk.folder / "catalogue.csv").write_bytes(content)
    told = [item for item in kiosk.errors() if item.file.endswith("catalogue.csv") and problem in item.problem]
    assert [item.line for item in told] == [line]


def test_a_missing_table_is_told(kiosk: Copy) -> None:
    """The store file names it; it is not there."""
    (kiosk.folder / "planogram.csv").unlink()
    assert [item.problem for item in kiosk.errors()] == ["the file does not exist"]


def test_spreadsheets_may_write_semicolons_and_a_byte_order_mark(kiosk: Copy) -> None:
    """The same products either way."""
    before, _ = kiosk.load()
    file = kiosk.folder / "catalogue.csv"
    file.write_text(
        "\ufeff" + file.read_text().replace(",", ";").replace("AA batteries; 4", "AA batteries, 4").replace('"', "")
    )
    after, findings = kiosk.load()
    assert findings == ()
    assert after == before


def test_line_numbers_survive_cells_with_line_breaks(kiosk: Copy) -> None:
    """A quoted name over two lines does not shift the lines of later rows."""
    kiosk.edit("Sparkling water 1 l", '"Sparkling\nwater 1 l"', "catalogue.csv")
    line = kiosk.edit("1.89,standard", "x,standard", "catalogue.csv")
    assert [item.line for item in kiosk.errors()] == [line]


def test_facings_may_stand_in_the_store_file(kiosk: Copy) -> None:
    """[[facing]] instead of a planogram file; both at once is one too many."""
    with (kiosk.folder / "store.toml").open("a") as stream:
        stream.write('\n[[facing]]\nproduct = "2000100000014"\nplates = ["g1.s1.p1"]\ncapacity = 3\n')
    assert any("stand here and in the planogram file" in item.problem for item in kiosk.errors())
    kiosk.edit('planogram = "planogram.csv"\n', "")
    store, _ = kiosk.load()
    assert store is not None
    assert [(item.plates, item.capacity) for item in store.facings] == [(("g1.s1.p1",), 3)]


def test_a_range_means_all_plates_between(market: Copy) -> None:
    """'a..b' runs along the shelf."""
    store, _ = market.load()
    assert store is not None
    assert store.facings[1].plates == ("w1.b1.s1.p3", "w1.b1.s1.p4", "w1.b1.s1.p5")


def test_dates_are_the_stores_own(market: Copy) -> None:
    """2026-05-04 without offset is midnight in Helsinki: 21:00 UTC the day before."""
    store, _ = market.load()
    assert store is not None
    breakfast = store.catalogue.promotions[0]
    assert breakfast.kind is PromotionKind.PERCENT_OFF
    assert breakfast.from_ns == 1_777_842_000 * 1_000_000_000


ODDITIES = st.sampled_from(
    ["-1", "1e999", "nan", "1" + "0" * 400, '"x"', "[]", "{}", "true", "2026-01-01", "[[1]]", ""]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.tuples(st.integers(0, 1000), ODDITIES), min_size=1, max_size=3))
@example(values=[(502, "1" + "0" * 400)])
def test_whatever_stands_in_a_field_the_answer_is_a_finding(tmp_path: Path, values: list[tuple[int, str]]) -> None:
    """Never a traceback, never a store beside an error, and every line exists."""
    source = layouts.bundled()["corner_kiosk"].parent
    shutil.copytree(source, tmp_path / "shop", dirs_exist_ok=True)
    lines = (source / "store.toml").read_text().splitlines()
    fields = [number for number, line in enumerate(lines) if " = " in line]
    for place, value in values:
        number = fields[place % len(fields)]
        lines[number] = lines[number].partition(" = ")[0] + " = " + value
    (tmp_path / "shop" / "store.toml").write_text("\n".join(lines))
    store, findings = layouts.load(tmp_path / "shop")
    assert (store is None) == any(item.severity is Severity.ERROR for item in findings)
    assert all(item.line is None or 1 <= item.line <= len(lines) for item in findings if item.file.endswith("toml"))


def test_the_version_is_the_contents(kiosk: Copy) -> None:
    """Comments and blanks do not change it, a price does."""
    before, _ = kiosk.load()
    kiosk.edit("# Both doors are in the south wall.\n", "\n\n")
    same, _ = kiosk.load()
    kiosk.edit("0.99,standard", "0.98,standard", "catalogue.csv")
    other, _ = kiosk.load()
    assert before is not None
    assert same is not None
    assert other is not None
    assert before.version == same.version != other.version
