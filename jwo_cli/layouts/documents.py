"""AutoCheckout's planogram and product documents, read line by line and checked before anything is built of them.

They are protobuf messages printed as JSON: a field that is zero is left out. Every fault is a finding with its line
and field; reading goes on to the end, so that all of them are reported at once.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.model.codec import JsonValue
from jwo_cli.model.findings import Finding, Severity, UserError

LARGEST = 1e12  # beyond it (and for NaN and infinities) a number is a fault of the export

Key = tuple[int, int, int]  # gondola, shelf, plate as the documents number them, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document and where it stood; `value` is whatever JSON the line held."""

    file: str
    line: int
    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class FacingDocument:
    """One facing: its plates, its product (None: it is empty), and its corner and size in the store frame, metres."""

    file: str
    line: int
    plates: tuple[Key, ...]
    product_id: str | None
    corner: tuple[float, float, float]
    rotation_rad: float
    size: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDocument:
    """One product row; mass in grams and price in currency units as they stand there, None where left out."""

    file: str
    line: int
    product_id: str
    name: str
    price: float | None
    weight_g: float | None


class FieldError(Exception):
    """A field that does not hold what it must; becomes a finding with the document's line."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.field, self.problem, self.fix = field, problem, fix


def find_document(folder: Path, name: str) -> Path:
    """The file `name`.json or `name`.json.gz of an AutoCheckout folder. Raises UserError when there is none, or two."""
    found = [path for path in (folder / f"{name}.json", folder / f"{name}.json.gz") if path.is_file()]
    if not found:
        raise UserError(
            f"{folder} has no {name}.json", fix=f"Put {name}.json or {name}.json.gz there, or name another folder."
        )
    if len(found) > 1:
        raise UserError(
            f"{folder} has two files for {name}: {found[0].name} and {found[1].name}",
            fix="Keep the one that belongs to this recording and move the other away.",
        )
    return found[0]


def read_documents(path: Path) -> tuple[list[Document], list[Finding]]:
    """All documents of a JSON-lines file, plain or .gz. Raises UserError when the file itself cannot be read."""
    documents: list[Document] = []
    findings: list[Finding] = []
    for line, text in enumerate(_lines(path), start=1):
        if not text.strip():
            continue
        try:
            documents.append(Document(file=str(path), line=line, value=json.loads(text)))
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or "it is not UTF-8 text"
            problem = f"this line is not JSON: {reason}"
            findings.append(
                Finding(file=str(path), line=line, problem=problem, fix="Export the file again; one document a line.")
            )
    return documents, findings


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield from stream
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", fix="Check the path.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path} is cut off or damaged: {error}", fix="Copy the file again from where it came from."
        ) from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}", fix="Check the path and its permissions."
        ) from None


def read_facings(documents: Iterable[Document]) -> tuple[list[FacingDocument], list[Finding]]:
    """Planogram documents as facings, and what is wrong with those that are left out."""
    facings: list[FacingDocument] = []
    findings: list[Finding] = []
    for document in documents:
        try:
            facings.append(_facing(document))
        except FieldError as bad:
            findings.append(_finding(document, bad))
    return facings, findings


def read_products(documents: Iterable[Document]) -> tuple[list[ProductDocument], list[Finding]]:
    """Product documents as rows, and what is wrong with those that are left out."""
    products: list[ProductDocument] = []
    findings: list[Finding] = []
    for document in documents:
        try:
            products.append(_product(document))
        except FieldError as bad:
            findings.append(_finding(document, bad))
    return products, findings


def _finding(document: Document, bad: FieldError) -> Finding:
    return Finding(
        file=document.file,
        line=document.line,
        field=bad.field,
        problem=bad.problem,
        fix=bad.fix,
        severity=Severity.ERROR,
    )


def _facing(document: Document) -> FacingDocument:
    root = _object(document.value, "document")
    listed = _member(root, "plate_ids", "")
    if not isinstance(listed, list) or not listed:
        raise FieldError("plate_ids", "the facing names no plates", "List the plates that the facing stands on.")
    plates = tuple(_plate(item, f"plate_ids[{index}]") for index, item in enumerate(listed))
    if len({plate[:2] for plate in plates}) > 1:
        raise FieldError("plate_ids", "one facing spans two shelves", "Write one facing for each shelf.")
    if len(set(plates)) < len(plates):
        raise FieldError("plate_ids", "the facing names a plate twice", "Name each plate once.")
    product = _object(root.get("planogram_product_id", {}), "planogram_product_id")
    identifier = product.get("id")
    if identifier is not None and (not isinstance(identifier, str) or not identifier.strip()):
        raise FieldError(
            "planogram_product_id.id", f"{identifier!r} is no identifier", 'Write it as text: "012000181139".'
        )
    box = _object(_member(root, "global_coordinates", ""), "global_coordinates")
    where = _object(box.get("transform", {}), "global_coordinates.transform")
    shift = _object(where.get("translation", {}), "global_coordinates.transform.translation")
    turn = _object(where.get("rotation", {}), "global_coordinates.transform.rotation")
    x, y, z = (_number(shift, axis, "global_coordinates.transform.translation") for axis in "xyz")
    width, depth, height = (_number(box, f"dim_{axis}", "global_coordinates") for axis in "xyz")
    for axis, size in zip("xyz", (width, depth, height), strict=True):
        if not 0 < size < 20:
            fix = "Give the facing's size in metres."
            raise FieldError(f"global_coordinates.dim_{axis}", f"{size} m is no size of a facing", fix)
    return FacingDocument(
        file=document.file,
        line=document.line,
        plates=plates,
        product_id=identifier,
        corner=(x, y, z),
        rotation_rad=_number(turn, "z", "global_coordinates.transform.rotation"),
        size=(width, depth, height),
    )


def _product(document: Document) -> ProductDocument:
    root = _object(document.value, "document")
    identifier = _object(_member(root, "product_id", ""), "product_id").get("id")
    if not isinstance(identifier, str) or not identifier.strip():
        raise FieldError("product_id.id", "the product has no identifier", 'Give it one, as text: "012000181139".')
    about = _object(root.get("metadata", {}), "metadata")
    name = about.get("name", "")
    if not isinstance(name, str):
        raise FieldError("metadata.name", f"{name!r} is no name", "Write the name as text.")
    return ProductDocument(
        file=document.file,
        line=document.line,
        product_id=identifier.strip(),
        name=name.strip() or identifier.strip(),
        price=_number(about, "price", "metadata") if about.get("price") is not None else None,
        weight_g=_number(about, "weight", "metadata") if about.get("weight") is not None else None,
    )


def _plate(value: JsonValue, where: str) -> Key:
    plate = _object(value, where)
    shelf = _object(plate.get("shelf_id", {}), f"{where}.shelf_id")
    gondola = _object(shelf.get("gondola_id", {}), f"{where}.shelf_id.gondola_id")
    return (
        _count(gondola, "id", f"{where}.shelf_id.gondola_id"),
        _count(shelf, "shelf_index", f"{where}.shelf_id"),
        _count(plate, "plate_index", where),
    )


def _object(value: JsonValue, where: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise FieldError(where, f"expected an object, got {_kind(value)}", "Export the document again.")
    return value


def _member(root: dict[str, JsonValue], name: str, where: str) -> JsonValue:
    if name not in root:
        raise FieldError(f"{where}.{name}".lstrip("."), "the field is missing", "Export the document again.")
    return root[name]


def _number(root: dict[str, JsonValue], name: str, where: str) -> float:
    value = root.get(name, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise FieldError(f"{where}.{name}", f"expected a number, got {value!r}", "Write a plain number.")
    return float(value)


def _count(root: dict[str, JsonValue], name: str, where: str) -> int:
    value = root.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise FieldError(
            f"{where}.{name}", f"{value!r} is no number of a gondola, shelf or plate", "They count from 1."
        )
    return value


def _kind(value: JsonValue) -> str:
    return {type(None): "null", bool: "a boolean", list: "a list", str: "text"}.get(type(value), "a number")
