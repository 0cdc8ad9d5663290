"""The front door: builds the root command, and turns what goes wrong into one sentence and an exit code.

0 fine, 1 findings, 2 usage or configuration, 3 store unavailable, 130 stopped by the keyboard. Never a traceback for
bad input; a traceback means a bug of ours.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from jwo_cli import __version__, console
from jwo_cli.lazy import LazyGroup, missing_library
from jwo_cli.model.findings import UserError

app = typer.Typer(
    cls=LazyGroup,
    name="jwo",
    help="jwo runs walk-out stores: shoppers scan in, take what they want, leave, and pay for exactly that.",
    epilog="Start with `jwo demo`. Every command has --help; `--json` prints data for programs.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


def _version(wanted: bool) -> None:
    if wanted:
        console.out(f"jwo {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """jwo runs walk-out stores: shoppers scan in, take what they want, leave, and pay for exactly that."""  # noqa: D403


def main(args: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    try:
        get_command(app).main(args=list(args) if args is not None else None, prog_name="jwo")
    except UserError as error:
        console.error(error)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "jwo_cli").split(".", maxsplit=1)[0] == "jwo_cli":
            raise
        sentence = missing_library(error)
        console.error(sentence)
        sys.exit(sentence.exit_code)
    except OSError as error:
        sys.exit(_say_os_error(error))


def _say_os_error(error: OSError) -> int:
    """A full disk or a forbidden file is the machine's state, not our bug: one sentence, exit 3."""
    if error.errno == errno.EPIPE:
        # The reader went away (`jwo … | head`): nothing to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return console.FINE
    where = f": {error.filename}" if error.filename else ""
    fixes = {
        errno.ENOSPC: "Free some space on that disk and run the command again.",
        errno.EACCES: "Check the rights on it, or name another place.",
        errno.EPERM: "Check the rights on it, or name another place.",
        errno.EROFS: "The disk is read-only: name another place.",
        errno.ENOENT: "Check the path.",
    }
    problem = UserError(
        f"{error.strerror or error}{where}",
        fix=fixes.get(error.errno or 0, "Check the path, its rights and the disk, then run the command again."),
        exit_code=console.UNAVAILABLE,
    )
    console.error(problem)
    return problem.exit_code
