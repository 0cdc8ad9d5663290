"""`jwo layout`, as people type it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Jwo = Callable[..., "CompletedProcess[str]"]


def test_a_new_layout_is_valid_and_carries_its_name(jwo: Jwo, tmp_path: Path) -> None:
    """new, validate, show."""
    made = jwo("layout", "new", "Café am Eck", "--from", "l_market")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "cafe-am-eck" / "store.toml").is_file()
    checked = jwo("layout", "validate", "cafe-am-eck", "--strict")
    assert (checked.returncode, "0 errors, 0 warnings" in checked.stderr) == (0, True)
    shown = json.loads(jwo("layout", "show", "cafe-am-eck", "--json").stdout)
    assert (shown["store_id"], shown["name"]) == ("cafe-am-eck", "Café am Eck")
    again = jwo("layout", "new", "Café am Eck")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_validate_tells_everything_and_exits_with_1(jwo: Jwo, tmp_path: Path) -> None:
    """Findings on stderr as file:line: field, or as JSON on stdout."""
    jwo("layout", "new", "shop")
    file = tmp_path / "shop" / "store.toml"
    file.write_text(file.read_text().replace("at_m = [3.1, 1.4]", "at_m = [2.0, 3.1]"))
    told = jwo("layout", "validate", "shop")
    assert told.returncode == 1
    assert "store.toml:66: fixture[1].at_m: g2 stands 0.150 m deep in g1. Move one of them" in told.stderr
    found = json.loads(jwo("layout", "validate", "shop", "--json").stdout)
    assert [(item["line"], item["severity"]) for item in found] == [(66, "error")]
    shown = jwo("layout", "show", "shop")
    assert (shown.returncode, "has 1 errors" in shown.stderr, shown.stdout) == (1, True, "")


def test_show_has_tables_of_fixtures_and_facings(jwo: Jwo) -> None:
    """By the name of a bundled layout."""
    shelves, goods = jwo("layout", "show", "corner_kiosk"), jwo("layout", "show", "corner_kiosk", "--facings")
    assert "48 plates" in shelves.stdout
    assert "g2.s3" in shelves.stdout
    beer = next(line for line in goods.stdout.splitlines() if "Lager" in line)
    assert "from 16, deposit 0.08 EUR" in beer


def test_draw_writes_plan_and_elevation(jwo: Jwo, tmp_path: Path) -> None:
    """SVG by default, PNG by its ending; a wrong fixture is named with the right ones."""
    assert jwo("layout", "draw", "corner_kiosk").stdout.strip() == "corner-kiosk.svg"
    assert jwo("layout", "draw", "corner_kiosk", "--elevation", "f1", "-o", "front.png").returncode == 0
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    wrong = jwo("layout", "draw", "corner_kiosk", "--elevation", "g9")
    assert (wrong.returncode, "g1, g2, f1, till1" in wrong.stderr) == (2, True)


def test_import_autocheckout_writes_a_layout_that_loads(jwo: Jwo, shared_data: Path, tmp_path: Path) -> None:
    """The nanostore from its folder; a second import does not overwrite it."""
    case = shared_data / "nanostore-real" / "BENCHMARK-1"
    done = jwo("layout", "import", "autocheckout", case, "--out", "nano")
    assert done.returncode == 0
    assert "287 plates, 113 facings, 361 products" in done.stderr
    assert jwo("layout", "validate", "nano").returncode == 0
    assert jwo("layout", "import", "autocheckout", case, "--out", "nano").returncode == 2
    # The folder itself can be looked at, too.
    assert "g5.s5" in jwo("layout", "show", case).stdout


def test_malformed_documents_write_nothing(jwo: Jwo, shared_data: Path, tmp_path: Path) -> None:
    """File, line and field on stderr, exit code 2, no folder."""
    case = shared_data / "nanostore-real" / "BENCHMARK-1"
    for name in ("planogram.json", "products.json"):
        shutil.copy(case / name, tmp_path / name)
        (tmp_path / name).chmod(0o644)
    lines = (tmp_path / "products.json").read_text().splitlines()
    lines[4] = lines[4].replace('"price":1', '"price":"one"')
    (tmp_path / "products.json").write_text("\n".join(lines))
    told = jwo("layout", "import", "autocheckout", tmp_path, "--out", "nano")
    assert told.returncode == 2
    assert "products.json:5: metadata.price: expected a number, got 'one'" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "nano").exists()


def test_a_layout_that_is_not_there_is_a_sentence(jwo: Jwo) -> None:
    """For every verb that reads one."""
    for verb in ("validate", "show", "draw"):
        told = jwo("layout", verb, "nowhere")
        assert (told.returncode, "does not exist" in told.stderr, "Traceback" in told.stderr) == (2, True, False)
