"""A raw AutoCheckout folder: plate_data, full_targets, planogram and products as JSON lines (.json or .json.gz).

case_info.json (staff, start) and truth.json are optional; truth is only read when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from jwo_cli import layouts
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store

from .autocheckout import pose_frame, weight_batch
from .case import Case, CaseInfo, Progress, S, as_recording, read_case_info, read_stream
from .documents import Document, find_document_file, read_documents, record
from .problems import MalformedError, Problems
from .recording import Recording
from .truth import Truth, read_truth_json

STREAMS = ("plate_data", "full_targets")
TABLES = ("planogram", "products")


def is_raw_folder(path: Path) -> bool:
    """Whether a folder holds any of the competition's documents."""
    names = (f"{name}.json{suffix}" for name in (*STREAMS, *TABLES) for suffix in ("", ".gz"))
    return any((path / name).is_file() for name in names)


def open_raw(path: Path, *, progress: Progress | None = None) -> Recording:
    """Reads a raw AutoCheckout folder. Raises UserError with every malformed place."""
    problems = Problems()
    files = {name: find_document_file(path, name, problems) for name in (*STREAMS, *TABLES)}
    info = _case_info(find_document_file(path, "case_info", problems, optional=True), problems)
    weights = _read(files["plate_data"], weight_batch, problems, progress)
    poses = _read(files["full_targets"], pose_frame, problems, progress)
    tables = {file.name: file for name in TABLES if (file := files[name]) is not None}
    store = read_layout(*tables.values(), problems=problems) if len(tables) == len(TABLES) else None
    if store is None or problems.failed:
        raise problems.refusal(str(path))
    truth_file = path / "truth.json"

    def read_truth() -> Truth | None:
        return read_truth_json(truth_file) if truth_file.is_file() else None

    case = Case(
        name=path.resolve().name,
        path=path,
        weights=weights,
        poses=poses,
        info=info,
        store=store,
        source={name: file.read_bytes() for name, file in tables.items()},
        read_truth=read_truth,
    )
    return as_recording(case, problems)


def _read(file: Path | None, parse: Callable[[Document], S], problems: Problems, progress: Progress | None) -> list[S]:
    if file is None:
        return []
    return read_stream(read_documents(file, problems), parse, file=str(file), problems=problems, progress=progress)


def _case_info(path: Path | None, problems: Problems) -> CaseInfo:
    if path is None:
        return CaseInfo()
    try:
        document: object = json.loads(path.read_bytes())
        fix = 'Write {"staff_target_ids": [], "recording_start": 1587531996.955}.'
        return read_case_info(record(document, "", fix))
    except (OSError, ValueError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        fix = "Write case_info.json as one JSON object."
        problems.error(str(path), f"cannot be read as JSON: {error}", fix, line=line)
    except MalformedError as reason:
        problems.malformed(str(path), None, reason)
    return CaseInfo()


def read_layout(planogram: Path, products: Path, *, problems: Problems) -> Store | None:
    """The store of a planogram and a product table; None when they do not make one (the reasons are in `problems`)."""
    try:
        store, findings = layouts.from_autocheckout(planogram, products)
    except UserError as error:
        if not error.findings:
            raise
        problems.adopt(error.findings)
        return None
    problems.adopt(findings)
    return store
