"""The list of models that jwo knows: the one that comes with it, and one of the user's own (`JWO_MODEL_REGISTRY`).

A registry is TOML, `[[model]]` each with `[model.input]` and `[[model.source]]`. It is read whole or refused with every
fault's file and line. An entry of the user's own replaces one of the same name.
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from jwo_cli.layouts.fields import Source as Text
from jwo_cli.layouts.fields import Table
from jwo_cli.layouts.toml_lines import value_lines
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.converting import Form
from jwo_cli.sensors.models.entry import DETECTORS, GENERATED, Entry, Head, Kind, Role, Source
from jwo_cli.sensors.models.fitting import Fitting, InputForm

BUNDLED = Path(__file__).with_name("registry.toml")
OWN = "JWO_MODEL_REGISTRY"
SHA256 = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.onnx")
ROLES: dict[Head, tuple[Role, ...]] = {
    **dict.fromkeys(sorted(DETECTORS), (Role.DETECTOR,)),
    **dict.fromkeys((Head.MOVENET_MANY, Head.MOVENET_ONE, Head.SIMCC), (Role.POSE,)),
    Head.EMBEDDING: (Role.PERSON, Role.PRODUCT),
}

# What each loader reads, in the words of `jwo models list`.
LOADERS: dict[Head, str] = {
    Head.YOLOX: "YOLOX, undecoded",
    Head.NANODET: "NanoDet and NanoDet-Plus, per stride or joined",
    Head.RTMDET: "RTMDet, raw or with suppression inside",
    Head.DETR: "RT-DETR and D-FINE: finished, logits, or joined",
    Head.YOLOV8: "YOLOv8-style heads, raw or with suppression inside",
    Head.MOVENET_MANY: "MoveNet multi-pose, whole images",
    Head.MOVENET_ONE: "MoveNet single-pose, crops",
    Head.SIMCC: "RTMPose (SimCC), crops",
    Head.EMBEDDING: "one vector a crop: OSNet, Intel, YouTu, MobileNetV2",
}


def checked_on(head: Head) -> str:
    """On what a loader was tried: real weights, or small made networks because no weights were at hand."""
    return "generated graphs only" if head in GENERATED else "real weights"


def registry() -> tuple[Entry, ...]:
    """All known models, the bundled ones first. Raises UserError with findings where a registry has faults."""
    entries = {entry.name: entry for entry in _bundled()}
    own = os.environ.get(OWN)
    if own:
        entries |= {entry.name: entry for entry in read_registry(Path(own))}
    return tuple(entries.values())


@cache
def _bundled() -> tuple[Entry, ...]:
    return read_registry(BUNDLED)


def find(name: str) -> Entry:
    """A model by its name. Raises UserError that lists the known ones."""
    entries = registry()
    for entry in entries:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in entries)
    raise UserError(f"no model is called {name!r}", fix=f"Known: {known}. {OWN}=FILE adds your own.")


def default(role: Role) -> Entry:
    """The model that runs where none is named."""
    own = [entry for entry in registry() if entry.role is role]
    chosen = [entry for entry in own if entry.default] or own
    if not chosen:
        raise UserError(f"no model for {role.value} is known", fix=f"Add one to the registry that {OWN} names.")
    return chosen[-1]


def read_registry(file: Path) -> tuple[Entry, ...]:
    """The models of one registry. Raises UserError with every fault's line."""
    try:
        content = file.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(content)
    except OSError as error:
        problem = f"the model registry {file} cannot be read: {error.strerror}"
        raise UserError(problem, fix=f"Check the path ({OWN}) and its permissions.") from None
    except UnicodeDecodeError:
        raise UserError(f"the model registry {file} is not UTF-8 text", fix="Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the model registry {file} is not TOML: {error}", fix="Correct that line.") from None
    text = Text(file=str(file), lines=value_lines(content))
    root = Table(text, (), values)
    found: dict[str, Entry] = {}
    for table in root.tables("model"):
        entry = _entry(table)
        if entry is not None and entry.name in found:
            table.bad("name", f"{entry.name} is listed twice", "Give each model a name of its own.")
        elif entry is not None:
            found[entry.name] = entry
    root.done()
    if text.findings:
        problem = f"the model registry {file} has {len(text.findings)} faults"
        raise UserError(problem, fix="Correct them.", findings=text.findings)
    return tuple(found.values())


def _entry(table: Table) -> Entry | None:
    role, head = table.choice("role", Role), table.choice("head", Head)
    if role is not None and head is not None and role not in ROLES[head]:
        table.bad("head", f"{head.value} is no head of a {role.value} model", "Correct role or head.")
    name, sha256, file = table.ident("name"), table.text("sha256"), table.text("file")
    if not SHA256.fullmatch(sha256):
        table.bad("sha256", f"{sha256!r} is no SHA-256", "Write 64 hexadecimal digits, lower case (`sha256sum FILE`).")
    if not FILE.fullmatch(file):
        table.bad("file", f"{file!r} is no plain name of an .onnx file", "Write a name such as yolox_nano_416.onnx.")
    form = _form(table)
    values = {
        "size": table.integer("size"),
        "licence": table.text("licence"),
        "origin": table.text("origin"),
        "doubt": table.text("doubt", ""),
        "default": table.flag("default", default=False),
        "label": table.integer("label", 0),
        "classes": table.integer("classes", 80),
        "score": table.number("score", 0.3),
        "overlap": table.number("overlap", 0.65),
        "middle": table.number("middle", 0.5),
        "sources": tuple(source for item in table.tables("source") if (source := _source(item)) is not None),
        "where": table.source.file,
    }
    table.done()
    if role is None or head is None or form is None or not table.good:
        return None
    return Entry(name=name, role=role, head=head, file=file, sha256=sha256, form=form, **values)  # type: ignore[arg-type]


def _form(model: Table) -> InputForm | None:
    table = model.table("input")
    if table is None:
        return None
    fitting, colours = table.choice("fitting", Fitting, Fitting.CORNER), table.text("colours", "bgr")
    if colours not in {"bgr", "rgb"}:
        table.bad("colours", f"{colours!r} is no order of colours", "Write bgr or rgb.")
    high, wide = table.integer("height_px", 0), table.integer("width_px", 0)
    if min(high, wide) < 0 or (high == 0) != (wide == 0):
        table.bad("height_px", f"{high}×{wide} is no input size", "Give both sides, or neither where they are free.")
    std = table.numbers("std", (3,), (1.0, 1.0, 1.0))
    if min(std) <= 0:
        table.bad("std", "a deviation is not above zero", "Give three positive numbers.")
    form = InputForm(
        height_px=high, width_px=wide, fitting=fitting or Fitting.CORNER, fill=table.integer("fill", 0),
        colours=colours, channels_first=table.flag("channels_first", default=True),
        mean=_three(table.numbers("mean", (3,), (0.0, 0.0, 0.0))), std=_three(std),
        whole_numbers=table.flag("whole_numbers", default=False), multiple=table.integer("multiple", 32),
        longest_px=table.integer("longest_px", 0),
    )  # fmt: skip
    table.done()
    return form if table.good else None


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]


def safe(address: str) -> bool:
    """Whether nobody on the way can change what comes: https, or http on this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})


def _source(table: Table) -> Source | None:
    kind = table.choice("kind", Kind)
    source = {
        name: table.text(name, "") for name in ("address", "package", "version", "member", "sha256", "archive_sha256")
    }
    convert, checked = table.text("convert", ""), table.flag("checked", default=False)
    table.done()
    if kind is None:
        return None
    needed = {
        Kind.HTTPS: ("address",), Kind.FILE: ("address",), Kind.PYPI: ("package", "version", "member"),
        Kind.NPM: ("package", "version", "member"), Kind.INSTALLED: ("package", "member"),
    }[kind]  # fmt: skip
    for name in needed:
        if not source[name]:
            table.bad(name, f"a source of kind {kind.value} needs {name}", f'Write {name} = "…".')
    if kind is Kind.HTTPS and source["address"] and not safe(source["address"]):
        table.bad("address", "the address is not https", "Weights come over https only (or from this very machine).")
    if convert and convert not in list(Form):
        table.bad("convert", f"{convert!r} is no form that can be converted", f"Known: {', '.join(Form)}.")
    for name in ("sha256", "archive_sha256"):
        if source[name] and not SHA256.fullmatch(source[name]):
            table.bad(name, f"{source[name]!r} is no SHA-256", "Write 64 hexadecimal digits, lower case.")
    return Source(kind=kind, convert=convert, checked=checked, **source) if table.good else None
