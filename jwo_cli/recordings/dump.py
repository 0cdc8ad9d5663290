"""A mongodump as recordings: one for every database that holds a case's collections, named after it.

An archive may hold several databases; a dump folder holds `<database>/<collection>.bson`. The documents are those of a
raw folder, so everything behind the container is shared with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from jwo_cli.model.findings import UserError

from .autocheckout import pose_frame, weight_batch
from .case import Case, CaseInfo, Progress, as_recording, read_case_info, read_stream
from .documents import record
from .mongodump import Collection, Database, is_archive, read_archive, read_bson_file
from .problems import MalformedError, Problems
from .raw import STREAMS, TABLES, read_layout
from .recording import Recording

_COLLECTIONS = (*STREAMS, *TABLES, "case_info")


def is_dump(path: Path) -> bool:
    """Whether a path is an archive, or a folder with .bson files of a case in it or one level below."""
    if path.is_file():
        return is_archive(path)
    return any(True for folder in (path, *sorted(path.glob("*/"))) for _ in _bson_files(folder))


def open_dump(path: Path, *, progress: Progress | None = None) -> Iterator[Recording]:
    """The recordings of a dump, each checked as a whole. Raises UserError with every malformed place."""
    problems = Problems()
    if path.is_file():
        databases = read_archive(path, _COLLECTIONS, problems)
        places = dict.fromkeys(databases, path)
    else:
        folders = [folder for folder in (path, *sorted(path.glob("*/"))) if any(True for _ in _bson_files(folder))]
        databases = {folder.resolve().name: _read_folder(folder, problems) for folder in folders}
        places = {folder.resolve().name: folder for folder in folders}
    if problems.failed:
        raise problems.refusal(str(path))
    if not databases:
        fix = f"A case has the collections {', '.join((*STREAMS, *TABLES))}."
        raise UserError(f"{path} holds no collection of an AutoCheckout case", fix=fix)
    for name, database in databases.items():
        yield _recording(name, places[name], database, progress)


def _bson_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(collection, file) of a dump folder."""
    for name in _COLLECTIONS:
        for file in (folder / f"{name}.bson", folder / f"{name}.bson.gz"):
            if file.is_file():
                yield name, file


def _read_folder(folder: Path, problems: Problems) -> Database:
    database: Database = {}
    for name, file in _bson_files(folder):
        if name in database:
            fix = f"Keep the one {name} that belongs to this case."
            problems.error(str(folder), f"more than one {name}: {name}.bson and {name}.bson.gz", fix)
        database[name] = read_bson_file(file, problems)
    return database


def _recording(name: str, path: Path, database: Database, progress: Progress | None) -> Recording:
    problems = Problems()
    for needed in (*STREAMS, *TABLES):
        if needed not in database:
            problems.error(f"{path}:{name}", f"no collection {needed}", "Dump the whole database of the case.")
        elif not database[needed].documents:
            problems.error(database[needed].file, "the collection is empty", "Dump the whole database of the case.")
    if problems.failed:
        raise problems.refusal(f"{path}:{name}")
    plates, targets = database["plate_data"], database["full_targets"]
    info = _case_info(database.get("case_info"), problems)
    weights = read_stream(
        plates.decoded(problems), weight_batch, file=plates.file, problems=problems, progress=progress
    )
    poses = read_stream(targets.decoded(problems), pose_frame, file=targets.file, problems=problems, progress=progress)
    source = {f"{table}.json": _as_json_lines(database[table], problems) for table in TABLES}
    with tempfile.TemporaryDirectory(prefix="jwo-dump-") as folder:
        files = [Path(folder) / file for file in source]
        for file in files:
            file.write_bytes(source[file.name])
        named = {str(file): database[table].file for file, table in zip(files, TABLES, strict=True)}
        layout = Problems()
        store = read_layout(*files, problems=layout)
        problems.adopt(tuple(replace(found, file=named.get(found.file, found.file)) for found in layout.findings))
    if store is None or problems.failed:
        raise problems.refusal(f"{path}:{name}")
    case = Case(
        name=name,
        path=path,
        weights=weights,
        poses=poses,
        info=info,
        store=store,
        source=source,
        read_truth=lambda: None,
    )
    return as_recording(case, problems)


def _as_json_lines(collection: Collection, problems: Problems) -> bytes:
    """The documents as the raw folder has them: MongoDB's relaxed extended JSON, one a line."""
    documents = (document for _, document in collection.decoded(problems))
    return b"".join(dumps(document, json_options=RELAXED_JSON_OPTIONS).encode() + b"\n" for document in documents)


def _case_info(collection: Collection | None, problems: Problems) -> CaseInfo:
    if collection is None:
        return CaseInfo()
    for number, document in collection.decoded(problems):
        try:
            return read_case_info(record(document, ""))
        except MalformedError as reason:
            problems.malformed(collection.file, number, reason)
    return CaseInfo()
