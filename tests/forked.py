"""`jwo` in a process of its own, without waiting for its imports again: forked from a server that has made them.

A command spends most of half a second on imports, and the tests call hundreds. What a command finds is what a new
process finds: its own arguments, folder, environment, output and exit code; nothing that another one did.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

# What most commands import. None of it reads the environment, or starts a thread, before it is used.
PRELOADED = (
    "jwo_cli.app",
    "jwo_cli.drive.live",
    "jwo_cli.drive.replay",
    "jwo_cli.drive.running",
    "jwo_cli.drive.standing",
    "jwo_cli.journal",
    "jwo_cli.layouts",
    "jwo_cli.shop.receipts_html",
    "rich.table",
    "typer.main",
)
_SERVER = multiprocessing.get_context("forkserver")


def run(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str] = MappingProxyType({}), timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """`python -m jwo_cli ARGS…` to its end, without colours and without the user's journal. Raises TimeoutExpired."""
    clean = {key: value for key, value in os.environ.items() if key not in {"JWO_JOURNAL", "COLUMNS"}}
    whole = {**clean, "NO_COLOR": "1", **env}
    _SERVER.set_forkserver_preload(list(PRELOADED))
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _SERVER.Process(target=_become, args=(tuple(args), str(cwd), whole, str(out), str(err)))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(args), timeout, out.read_text(), err.read_text())
        return subprocess.CompletedProcess(list(args), process.exitcode, out.read_text(), err.read_text())


def _become(args: Sequence[str], cwd: str, env: Mapping[str, str], out: str, err: str) -> None:
    """The child: be `jwo`."""
    for stream, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream)
        os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - until the process ends
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["jwo", *args]
    try:
        runpy.run_module("jwo_cli", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a child of a fork server would leave without them
