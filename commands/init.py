"""`jwo init`: a store directory, whole or not at all: layout, settings, and fresh keys that only their owner reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

SETTINGS = """\
# Settings of this store. Paths are relative to this file; keys are named, never written here.
layout = "store.toml"
journal = "journal"

# The journal's signed high-water mark, outside of the journal that it vouches for.
[mark]
file = "marks/{store_id}.json"
key = "file:keys/mark.key"

# Signs the entry codes. Shoppers come in only with a way to pay.
[entry]
key = "file:keys/entry.key"
needs_payment = true

# Names and addresses of accounts, sealed under a key for each; what is erased here is gone.
[people]
vault = "people.sqlite"
key = "file:keys/people.key"

# How shoppers pay, who sells, where receipts go: docs/payments.md. `jwo payments fake` is a provider to try it with.
# [payments]
# provider = "fake"
# key = "env:FAKE_KEY"
# [seller]
# name = ""
# address = []
# tax_number = ""
"""
IGNORED = "# Never commit keys, the journal, or people's data.\nkeys/\njournal/\nmarks/\npeople.sqlite\n"


def main(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The store's directory; made, or empty.")],
    template: Annotated[
        str, typer.Option("--layout", metavar="NAME", help="The bundled layout to begin with.")
    ] = "corner_kiosk",
    name: Annotated[str, typer.Option("--name", help="The store's name; the directory's when left out.")] = "",
    store_id: Annotated[str, typer.Option("--id", help="The store's id; made of the name when left out.")] = "",
    as_json: console.AsJson = False,
) -> None:
    """Make a store directory: layout (TOML and CSV), settings with journal and mark, keys by reference."""
    from jwo_cli.layouts.template import slug

    title = name or directory.resolve().name
    made = _make(directory, template, store_id=slug(store_id or title), name=title)
    if as_json:
        console.print_json({"directory": str(directory), "files": made})
        return
    console.table(
        ("file", "what it is"), [(file, _MEANING.get(file, "")) for file in made], title=f"{title}: {directory}"
    )
    console.say(f"Next: `jwo layout validate {directory}`, then edit store.toml and the two CSV tables.")


_MEANING = {
    "store.toml": "floor, zones, gates, fixtures, plates, cameras, taxes, promotions",
    "catalogue.csv": "what is sold: GTIN, name, mass, price, tax, age, deposit",
    "planogram.csv": "which product stands on which plates",
    "jwo.toml": "settings: layout, journal, mark, keys by reference",
    "keys/entry.key": "secret: signs entry codes (readable by you only)",
    "keys/mark.key": "secret: signs the journal's mark (readable by you only)",
    "keys/people.key": "secret: seals personal fields (readable by you only)",
    ".gitignore": "keeps keys, journal and marks out of version control",
}


def _make(directory: Path, template: str, *, store_id: str, name: str) -> list[str]:
    """All files aside, then one rename. Raises UserError when the directory is taken or cannot be made."""
    import shutil
    import tempfile

    from jwo_cli.layouts.template import write_template

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UserError(f"{directory} is there already and not empty", fix="Name a new or an empty directory.")
    parent = directory.resolve().parent
    aside: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=parent, prefix=".jwo-init-"))
        aside.chmod(0o755)
        write_template(template, aside, store_id=store_id, name=name)
        (aside / "jwo.toml").write_text(SETTINGS.format(store_id=store_id), encoding="utf-8")
        (aside / ".gitignore").write_text(IGNORED, encoding="utf-8")
        (aside / "marks").mkdir()
        _write_keys(aside / "keys")
        made = sorted(str(file.relative_to(aside)) for file in aside.rglob("*") if file.is_file())
        aside.rename(directory.resolve())
    except OSError as error:
        problem = f"{directory} cannot be made: {error.strerror}"
        raise UserError(problem, fix="Choose a place that you may write to.") from None
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    order = list(_MEANING)
    return sorted(made, key=lambda file: order.index(file) if file in order else len(order))


def _write_keys(folder: Path) -> None:
    """Fresh random keys, made readable by their owner alone before a byte is in them."""
    import os
    import secrets

    folder.mkdir(mode=0o700)
    for name in ("entry.key", "mark.key", "people.key"):
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(32) + "\n")
