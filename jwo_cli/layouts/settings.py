"""A store directory's `jwo.toml`: where its layout and journal are, and by which reference its keys are found.

    layout = "store.toml"
    journal = "journal"
    keep_days = 30                        # plots' telemetry and clips; left out: for ever. Entries are never deleted
    [recordings]
    video = true                          # runs keep their cameras' pictures, unblurred; left out: none
    keep_days = 7                         # and for how long; then they are deleted
    [mark]                                # signed high-water mark of the journal, kept outside of it
    file = "marks/corner-kiosk.json"
    key = "file:keys/mark.key"
    [entry]
    key = "file:keys/entry.key"           # signs entry codes; one key a line, the first is current
    needs_payment = true                  # shoppers come in only with a way to pay
    [people]                              # personal fields of accounts, sealed
    vault = "people.sqlite"
    key = "file:keys/people.key"

`settings_money` says what [payments], [seller] and [receipts] hold, `settings_devices` [mqtt], [[rfid]] and
[[scanner]]. Keys never stand here, only `env:NAME` or
`file:PATH` (relative paths from this file's folder).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from jwo_cli.layouts.fields import Source, Table
from jwo_cli.layouts.settings_devices import DeviceSettings, read_devices
from jwo_cli.layouts.settings_money import MoneySettings, read_money
from jwo_cli.layouts.toml_lines import value_lines
from jwo_cli.model.findings import UserError

SETTINGS_FILE = "jwo.toml"
VIDEO_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Absolute paths, and key references whose paths are absolute."""

    layout: Path
    journal: Path
    mark: Path
    mark_key: str
    entry_key: str
    needs_payment: bool = True
    vault: Path | None = None
    vault_key: str = ""
    money: MoneySettings = field(default_factory=MoneySettings)
    devices: DeviceSettings = field(default_factory=DeviceSettings)
    keep_days: int | None = None
    video: bool = False
    video_days: int = VIDEO_DAYS


def read_settings(path: Path) -> Settings:
    """The settings of a store directory (or of its jwo.toml). Raises UserError with findings; keys are not shown."""
    file = path / SETTINGS_FILE if path.is_dir() else path
    try:
        content = file.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(content)
    except FileNotFoundError:
        raise UserError(f"{file} does not exist", fix="`jwo init DIR` makes a store directory with one.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}", fix="Check the path and its permissions.") from None
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text", fix="Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not TOML: {error}", fix="Correct the line that it names.") from None
    source = Source(file=str(file), lines=value_lines(content))
    root = Table(source, (), values)
    folder = file.resolve().parent
    layout, journal = folder / root.text("layout", "store.toml"), folder / root.text("journal")
    mark, entry, people = root.table("mark"), root.table("entry"), root.table("people", required=False)
    kept = root.table("recordings", required=False)
    settings = Settings(
        layout=layout,
        journal=journal,
        mark=folder / mark.text("file") if mark else folder,
        mark_key=_reference(mark, folder),
        entry_key=_reference(entry, folder),
        needs_payment=entry.flag("needs_payment", default=True) if entry else True,
        vault=folder / people.text("vault", "people.sqlite") if people else None,
        vault_key=_reference(people, folder),
        money=read_money(root, folder),
        devices=read_devices(root, folder),
        keep_days=_days(root, "telemetry is kept for ever"),
        video=kept.flag("video", default=False) if kept else False,
        video_days=(_days(kept, "video is kept for a week") if kept else None) or VIDEO_DAYS,
    )
    for table in (mark, entry, people, kept, root):
        if table is not None:
            table.done()
    if mark is not None and settings.mark.is_relative_to(journal):
        mark.bad("file", "the mark would lie inside the journal that it vouches for", "Keep it outside.")
    if source.findings:
        raise UserError(f"{file} has {len(source.findings)} faults", fix="Correct them.", findings=source.findings)
    return settings


def _days(table: Table, without: str) -> int | None:
    if not table.has("keep_days"):
        return None
    days = table.integer("keep_days", 0)
    if days < 1:
        table.bad("keep_days", f"{days} is no number of days", f"Write 1 or more; left out, {without}.")
    return days


def _reference(table: Table | None, folder: Path) -> str:
    if table is None:
        return ""
    value = table.values.get("key")
    scheme, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    table.has("key")
    if scheme == "env" and name:
        return f"env:{name}"
    if scheme == "file" and name:
        return f"file:{folder / name}"
    problem = "the key is missing" if value is None else "this is no reference to a key"
    table.bad("key", problem, "Write env:NAME or file:PATH; the key itself never stands here.")
    return ""
