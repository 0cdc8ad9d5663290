"""Files and folders that are there whole or not at all: written aside in the same directory, synced, renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jwo_cli.model.findings import UserError


def write_durably(path: Path, content: bytes) -> None:
    """Writes a file so that it is either the old one or the whole new one, also after a power cut."""
    aside = path.with_name(f".{path.name}.partial")
    with aside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    aside.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames inside a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends well and vanishes when it does not.

    Raises UserError when `path` exists already, or when the disk refuses.
    """
    if path.exists():
        raise UserError(f"{path} exists already", fix="Name another folder, or remove this one first.")
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
        yield aside
        aside.chmod(0o777 & ~_umask())
        aside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        fix = "Make room or choose another place; nothing was written there."
        raise UserError(f"{path} cannot be written: {error.strerror or error}", fix=fix, exit_code=3) from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)  # after the rename there is nothing of that name


def _umask() -> int:
    """The process's mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
