"""The command table: which module serves which verb, loaded when it is called and not before.

`jwo --help` must not pay for what it does not use, so the root group knows names and one-line helps only. A stub
stands for each command; it imports the real module in `make_context`, that is, when its turn comes to parse arguments.

Convention for a command's module `commands/<name>.py` (a trailing underscore where the name is a keyword):

* a single verb exposes `main`, a function with Typer parameters (`Annotated[..., typer.Argument(...)]`);
* a group of verbs exposes `app`, a `typer.Typer(no_args_is_help=True)` with its commands on it;
* at the top it imports typer, `jwo_cli.console` and the standard library; everything else inside the functions;
* it prints through `jwo_cli.console` (tables, `--json`, findings), and lets `UserError` rise: `jwo_cli.app` says it.
"""

from __future__ import annotations

import importlib
from collections.abc import MutableMapping
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from jwo_cli.model.findings import UserError

# name -> (module under jwo_cli.commands, one line for `jwo --help`), in the order in which people meet them.
TABLE: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Take the tour: replay the bundled sample, see receipts, reasons and sales."),
    "init": ("init", "Make a store directory: layout, journal, keys and secrets by reference."),
    "layout": ("layout", "Make, check, show, draw and import store layouts."),
    "calibrate": ("calibrate", "Calibrate cameras, rigs, the floor, scales and clocks; check them."),
    "models": ("models", "Models for cameras: list, pull, verify and time them."),
    "import": ("import_", "Turn foreign recordings into ours."),
    "simulate": ("simulate", "Make a recording of a store with invented shoppers, and its truth."),
    "run": ("run", "Run a store: devices in, doors, receipts and payments out; live view."),
    "store": ("store", "The running store: up, down, staff only, status, let somebody in, ages."),
    "stock": ("stock", "Stock: restock, count, move; what the books say."),
    "catalog": ("catalog", "Prices and promotions: show, apply while the store is open."),
    "replay": ("replay", "Replay recordings through the store's engine and print the receipts."),
    "audit": ("audit", "Explain receipts line by line, decide about them; verify the journal."),
    "report": ("report", "Totals of what was sold."),
    "track": ("track", "Follow people through detections, in an image or on the floor."),
    "eyes": ("eyes", "Cameras: who reaches into which shelf, from videos; how goods look."),
    "cameras": ("cameras", "Try cameras before a store relies on them."),
    "codes": ("codes", "Read QR codes and barcodes in pictures and videos."),
    "evaluate": ("evaluate", "Score receipts, tracks and detections against the truth."),
    "devices": ("devices", "Devices over MQTT: who they are, and the broker's configuration."),
    "account": ("account", "Accounts: open, show, block, pay with, erase; their entry codes."),
    "receipts": ("receipts", "Receipts: show as text, page or JSON; export, also as EPCIS; send to a webhook."),
    "payments": ("payments", "Payments: what is due and paid, retries, reconciling; a fake provider."),
    "sql": ("sql", "Ask the journal anything in SQL."),
    "journal": ("journal", "The journal: state, backup, restore, housekeeping."),
}
PACKAGE = "jwo_cli.commands"


class Stub(TyperCommand):
    """Stands for a command in the table until it is called, then becomes it."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, callback=None, help=summary, short_help=summary, rich_markup_mode=None)
        self.module = module

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The real command's context; the group invokes `context.command`, which is the real one from here on."""
        return load(self.name or "", self.module).make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """The root: its commands are the table's stubs."""

    def __init__(self, *, commands: MutableMapping[str, Any] | None = None, **attrs: Any) -> None:
        stubs = {name: Stub(name, module, summary) for name, (module, summary) in TABLE.items()}
        super().__init__(commands={**stubs, **(commands or {})}, **attrs)


def load(name: str, module: str) -> Any:
    """The real command for a name of the table. Raises UserError where its module or a library is not installed."""
    found = _import(name, f"{PACKAGE}.{module}")
    group = getattr(found, "app", None)
    # A root of our own around it: Typer would add completion flags and another style of help to each group.
    root = typer.Typer(add_completion=False, rich_markup_mode=None)
    root.callback()(_nothing)
    if isinstance(group, typer.Typer):
        group.rich_markup_mode = None
        root.add_typer(group, name=name)
    else:
        root.command(name)(found.main)
    return get_group(root).commands[name]


def _nothing() -> None:
    """The callback that makes Typer build a group of a single command too."""


def _import(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise UserError(
                f"`jwo {name}` is not part of this installation",
                fix="Install a version of jwo that has it, or see `jwo --help` for another way.",
            ) from error
        raise missing_library(error) from error


# Libraries that only some stores need are extras: library -> the extra that has it.
EXTRAS = {
    **dict.fromkeys(("onnxruntime", "yaml"), "cameras"),
    "pyzbar": "codes",
}


def missing_library(error: ModuleNotFoundError) -> UserError:
    """A library that is not there, as a sentence that names what to install."""
    library = (error.name or "").partition(".")[0]
    package = f"'jwo-cli[{EXTRAS[library]}]'" if library in EXTRAS else "jwo-cli"
    return UserError(
        f"the Python library {library!r} is not installed",
        fix=f"Install jwo with its dependencies here: pip install {package}; in its source: make setup.",
    )
