"""JSON documents, one a line, plain or gzip-compressed: read in file order, each with its line number.

Broken compression, text that is no UTF-8 and lines that are no JSON object become findings with file and line; the
lines around them are still read, so that a person sees everything wrong at once.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .problems import MalformedError, Problems

Document = dict[str, object]


def find_document_file(folder: Path, name: str, problems: Problems, *, optional: bool = False) -> Path | None:
    """`<name>.json` or `<name>.json.gz` in `folder`; both, neither, or a second file of that kind are findings."""
    plain, packed = folder / f"{name}.json", folder / f"{name}.json.gz"
    present = [path for path in (plain, packed) if path.is_file()]
    others = sorted(path for path in folder.glob(f"{name}?*.json*") if path.is_file() and path not in present)
    if len(present) + len(others) > 1:
        names = ", ".join(path.name for path in (*present, *others))
        problems.error(str(folder), f"more than one {name}: {names}", f"Keep the one {name} that belongs to this case.")
        return None
    if not present:
        if not optional:
            problems.error(str(plain), "no such file", f"An AutoCheckout folder needs {name}.json or {name}.json.gz.")
        return None
    return present[0]


def read_lines(path: Path, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Lines of a plain or .gz file with their numbers from 1; a break in the file is a finding behind the last one."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield number, line
    except EOFError:
        fix = "The compressed file is cut off; copy or download it again."
        problems.error(str(path), "truncated: the gzip stream ends before its end mark", fix, line=number + 1)
    except (gzip.BadGzipFile, zlib.error) as error:
        problems.error(str(path), f"damaged gzip data ({error})", "Copy or download the file again.", line=number + 1)
    except OSError as error:
        problems.error(str(path), f"cannot be read: {error.strerror or error}", "Check the file and its permissions.")


def read_documents(path: Path, problems: Problems) -> Iterator[tuple[int, Document]]:
    """The JSON objects of a file of JSON lines, in order, with line numbers; blank lines are passed over."""
    found, before = False, len(problems.findings)
    for number, line in read_lines(path, problems):
        if not line.strip():
            continue
        found = True
        try:
            value: object = json.loads(line.rstrip())
        except (ValueError, RecursionError) as error:
            fix = "Each line must hold one whole JSON document in UTF-8; export the collection again."
            problems.error(str(path), f"invalid JSON: {_json_reason(error)}", fix, line=number)
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            fix = "Each line must hold one JSON document in braces."
            problems.error(str(path), f"expected a JSON object, got {type(value).__name__}", fix, line=number)
    if not found and len(problems.findings) == before:
        problems.error(str(path), "the file is empty", "Export the collection again; an empty stream is no recording.")


def _json_reason(error: ValueError | RecursionError) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{error.msg.removesuffix(' at')} at column {error.colno}"
        case UnicodeDecodeError():
            return f"not UTF-8 text at byte {error.start}"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)


def child(value: object, field: str, path: str) -> object:
    """`value[field]`, where `path` is the dotted path of `field`. Raises MalformedError if there is none."""
    found = record(value, path.rpartition(".")[0])
    if field not in found:
        raise MalformedError(path, "missing", "Every document of this collection carries it; export it again.")
    return found[field]


def record(value: object, path: str, fix: str = "Compare with a good document.") -> dict[str, object]:
    """A JSON object. Raises MalformedError otherwise."""
    if not isinstance(value, dict):
        raise MalformedError(path or None, f"expected an object, got {type_name(value)}", fix)
    return value


def items(value: object, path: str, fix: str = "Compare with a good document.") -> list[object]:
    """A JSON list. Raises MalformedError otherwise."""
    if not isinstance(value, list):
        raise MalformedError(path, f"expected a list, got {type_name(value)}", fix)
    return value


def number(value: object, path: str) -> float:
    """A finite number. Raises MalformedError otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number of 400 digits
            if math.isfinite(value):
                return float(value)
    raise MalformedError(path, f"expected a finite number, got {shown(value)}", "Write a plain number.")


def whole(value: object, path: str) -> int:
    """A whole number (MongoDB's 64-bit form {"$numberLong": "1"} included). Raises MalformedError otherwise."""
    if isinstance(value, dict) and len(value) == 1:
        wrapped = value.get("$numberLong", value.get("$numberInt"))
        if isinstance(wrapped, str) and wrapped.lstrip("-").isdigit():
            return int(wrapped)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise MalformedError(path, f"expected a whole number, got {shown(value)}", "Write a plain number.")


def text(value: object, path: str) -> str:
    """A string that is not empty (ids written as numbers are accepted). Raises MalformedError otherwise."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MalformedError(path, f"expected a text, got {shown(value)}", "Write the identifier in quotes.")


def type_name(value: object) -> str:
    """What a JSON value is called in messages."""
    if value is None:
        return "null"
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")


def shown(value: object) -> str:
    """A JSON value as a message shows it: short."""
    if isinstance(value, dict | list):
        return type_name(value)
    written = json.dumps(value, default=str)
    return written if len(written) <= 40 else written[:37] + "..."
