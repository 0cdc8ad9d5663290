"""One door to every form a recording may have."""

from __future__ import annotations

from pathlib import Path

from jwo_cli.model.findings import UserError

from .case import Progress
from .folder import is_recording_folder, open_folder
from .raw import is_raw_folder, open_raw
from .recording import Recording


def open_recording(path: Path, *, progress: Progress | None = None) -> Recording:
    """A recording folder or a raw AutoCheckout folder, checked as a whole. Raises UserError saying what it is not."""
    if not path.exists():
        raise UserError(f"{path}: no such folder", fix="Give the folder of a recording or of an AutoCheckout case.")
    if path.is_file():
        fix = "Give a folder; a database dump becomes one by `jwo import autocheckout FILE --out REC`."
        raise UserError(f"{path} is a file, a recording is a folder", fix=fix)
    if is_recording_folder(path):
        return open_folder(path)
    if is_raw_folder(path):
        return open_raw(path, progress=progress)
    fix = "A recording holds manifest.json, an AutoCheckout case holds plate_data.json and full_targets.json."
    raise UserError(f"{path} holds no recording", fix=fix)
