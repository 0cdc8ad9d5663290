"""A store layout from its files: parse everything, check everything, and give the store only when nothing is wrong."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

from jwo_cli.layouts.catalogue_csv import read_catalogue
from jwo_cli.layouts.checks import Known, check
from jwo_cli.layouts.fields import Source, Table
from jwo_cli.layouts.places import Places
from jwo_cli.layouts.planogram_csv import read_planogram
from jwo_cli.layouts.read_store import Draft, read_store
from jwo_cli.layouts.toml_lines import value_lines
from jwo_cli.layouts.version import with_version
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.model.layout import Store

STORE_FILE = "store.toml"


def load(path: Path) -> tuple[Store | None, tuple[Finding, ...]]:
    """The store of a TOML file (or of the folder that holds a store.toml) and everything wrong or doubtful about it.

    The store is None when any finding is an error. Raises UserError only when there is no such file.
    """
    file = store_file(path)
    places = Places(file=str(file))
    store, known, findings = read(file, places)
    if store is not None:
        findings = [*findings, *check(store, places, known)]
    findings.sort(key=lambda finding: (finding.file != str(file), finding.file, finding.line or 0))
    if store is None or any(finding.severity is Severity.ERROR for finding in findings):
        return None, tuple(findings)
    return store, tuple(findings)


def store_file(path: Path) -> Path:
    """The TOML file that `path` means. Raises UserError when there is none."""
    file = path / STORE_FILE if path.is_dir() else path
    if not file.is_file():
        fix = f"Name a store's TOML file or the folder that holds its {STORE_FILE}; `jwo init DIR` makes one."
        raise UserError(f"{file} does not exist", fix=fix)
    return file


def read(file: Path, places: Places) -> tuple[Store | None, Known, list[Finding]]:
    """What the files say, without judging it: the store as far as it could be read, and what could not be.

    The store is None only when the TOML itself is broken.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError as error:
        broken_line = error.object[: error.start].count(b"\n") + 1
        return None, Known(), [_broken(file, broken_line, "this is not UTF-8 text")]
    except tomllib.TOMLDecodeError as error:
        line, problem = _toml_problem(error, text)
        return None, Known(), [_broken(file, line, f"this is not TOML: {problem}")]
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}", fix="Check the path and its permissions.") from None
    lines = value_lines(text)
    places.lines[str(file)] = lines
    source = Source(file=str(file), lines=lines)
    draft = read_store(Table(source, (), values), places)
    products, refused, bad_products = read_catalogue(file.parent / draft.catalogue_file, draft.currency, places)
    facings = draft.facings
    bad_facings: list[Finding] = []
    if draft.planogram_file:
        if facings:
            source.add(("facing",), "facings stand here and in the planogram file", "Keep them in one of the two.")
        planogram = file.parent / draft.planogram_file
        facings, bad_facings = read_planogram(planogram, draft.fixtures, places, whole=draft.whole)
    known = Known(plates=draft.whole, refused=refused)
    draft.facings = facings
    catalogue = Catalogue(
        currency=draft.currency,
        products=tuple(products),
        taxes=tuple(draft.taxes),
        promotions=tuple(draft.promotions),
        prices_include_tax=draft.prices_include_tax,
    )
    store = _store(draft, catalogue)
    return store, known, [*source.findings, *bad_products, *bad_facings]


def _store(draft: Draft, catalogue: Catalogue) -> Store:
    return with_version(
        Store(
            store_id=draft.store_id,
            name=draft.name,
            version="",
            timezone=draft.timezone,
            floor=draft.floor,
            zones=tuple(draft.zones),
            gates=tuple(draft.gates),
            fixtures=tuple(draft.fixtures),
            cameras=tuple(draft.cameras),
            antennas=tuple(draft.antennas),
            facings=tuple(draft.facings),
            catalogue=catalogue,
            scales=tuple(draft.scales),
            clocks=tuple(draft.clocks),
        )
    )


def _broken(file: Path, line: int | None, problem: str) -> Finding:
    return Finding(file=str(file), line=line, problem=problem, fix="Correct this line; nothing else was read.")


def _toml_problem(error: tomllib.TOMLDecodeError, text: str) -> tuple[int | None, str]:
    """Tomllib's sentence '… (at line 3, column 7)' taken apart."""
    message, _, place = str(error).partition(" (at ")
    if place.startswith("line "):
        return int(place.split()[1].rstrip(",")), message
    return text.rstrip().count("\n") + 1, message
