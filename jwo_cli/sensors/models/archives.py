"""One member out of a wheel, a zip or a tarball: by its exact name, at most so large, and nothing else is unpacked."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import IO

from jwo_cli.model.findings import UserError

WHOLE = "Fetch the archive again, or correct the source in the registry."


def member_of(archive: Path, name: str, *, most: int) -> bytes:
    """The bytes of a member. Raises UserError where the archive is broken, lacks it, or it is larger than `most`."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened, opened.open(name) as content:
                return _read(content, archive, name, most)
        with tarfile.open(archive, mode="r:*") as tar:
            for item in tar:
                inside = tar.extractfile(item) if item.isfile() and item.name.removeprefix("./") == name else None
                if inside is not None:
                    return _read(inside, archive, name, most)
    except KeyError:
        pass
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{archive.name} is no whole archive: {error}", fix=WHOLE) from None
    raise UserError(f"{archive.name} has no {name}", fix="Correct `member` or `version` in the registry.")


def _read(content: IO[bytes], archive: Path, name: str, most: int) -> bytes:
    data = content.read(most + 1)
    if len(data) > most:
        raise UserError(f"{name} in {archive.name} has more than {most} bytes", fix="Check the source in the registry.")
    return data
