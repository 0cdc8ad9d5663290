"""A new store from a bundled layout: its files with their comments, under another id and name."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from jwo_cli.layouts.bundled import bundled
from jwo_cli.layouts.load import STORE_FILE, load
from jwo_cli.layouts.save_fixtures import text
from jwo_cli.model.findings import UserError

DEFAULT = "corner_kiosk"


def slug(name: str) -> str:
    """A store id from a name: 'Café am Eck!' -> 'cafe-am-eck'. Raises UserError when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if not found:
        raise UserError(f"no store id can be made of {name!r}", fix="Use a name with letters or digits from a to z.")
    return found


def write_template(template: str, folder: Path, *, store_id: str, name: str) -> tuple[Path, ...]:
    """Copy a bundled layout into `folder` (which is there) under a new id and name; the files written.

    Raises UserError when there is no such layout, or when the folder holds a layout already.
    """
    layouts = bundled()
    if template not in layouts:
        raise UserError(f"there is no bundled layout {template!r}", fix=f"Choose one of {', '.join(layouts)}.")
    source = layouts[template]
    files = [source, *sorted(source.parent.glob("*.csv"))]
    targets = tuple(folder / file.name for file in files)
    taken = next((target for target in targets if target.exists()), None)
    if taken is not None:
        raise UserError(f"{taken} is there already", fix="Choose another folder, or move the file away.")
    for file, target in zip(files, targets, strict=True):
        content = file.read_text(encoding="utf-8")
        if file.name == STORE_FILE:
            content = _renamed(content, store_id, name)
        target.write_text(content, encoding="utf-8", newline="\n")
    store, findings = load(targets[0])
    if store is None or store.store_id != store_id or store.name != name:
        raise UserError(f"the template {template} does not load", fix="Report this.", findings=findings)
    return targets


def _renamed(content: str, store_id: str, name: str) -> str:
    """The [store] table's id and name replaced; everything else, comments included, stays."""
    before, header, rest = content.partition("[store]\n")
    rest = re.sub(r"^id = .*$", lambda _: f"id = {text(store_id)}", rest, count=1, flags=re.MULTILINE)
    rest = re.sub(r"^name = .*$", lambda _: f"name = {text(name)}", rest, count=1, flags=re.MULTILINE)
    return before + header + rest
