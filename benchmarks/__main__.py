"""Run every benchmark on one core and write RESULTS.md: `python -m benchmarks [NAME…]`; `--list` names them.

A benchmark is a module of this package with `TITLE` and `run() -> str` (Markdown). It measures in a process of its own,
so that one does not warm or fragment another's memory. A target that is missed is said in its text and makes the exit
code 1, and so does a benchmark that fails.
"""

from __future__ import annotations

import datetime as dt
import importlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

# One core, also inside the linear algebra: these must be set before numpy is imported.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
# The order of reading; others follow by name.
FIRST = ("loading", "replay_speed", "scaling", "long_day")
MISSED, FAILED = "**missed**", "**failed**"
HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"


def sections() -> tuple[str, ...]:
    """The benchmarks of this folder: modules with a TITLE."""
    found = {path.stem for path in HERE.glob("*.py") if re.search(r"^TITLE = ", path.read_text(), re.MULTILINE)}
    return (*(name for name in FIRST if name in found), *sorted(found - set(FIRST)))


def main(names: list[str]) -> int:
    """Measure the named sections (all when none is named); RESULTS.md is written when all were."""
    if names[:1] == ["--one"]:
        return _one(names[1])
    known = sections()
    if names == ["--list"]:
        print("\n".join(known))
        return 0
    if strange := [name for name in names if name not in known]:
        print(f"there is no benchmark {', '.join(strange)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    parts = [f"# Results\n\n{_machine()}\n"]
    for name in names or known:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--one", name],
            env={**os.environ, **ONE_THREAD},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        text = done.stdout if done.returncode == 0 else f"## {name}\n\n{FAILED}, exit code {done.returncode}\n"
        print(text, flush=True)
        parts.append(text)
    if not names:
        RESULTS.write_text("\n".join(parts), encoding="utf-8")
        print(f"wrote {RESULTS}", file=sys.stderr)
    return int(any(MISSED in part or FAILED in part for part in parts))


def _one(name: str) -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    module = importlib.import_module(f"benchmarks.{name}")
    text = module.run()
    print(text if text.startswith("## ") else f"## {module.TITLE}\n\n{text}")
    return 0


def _machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next(
            (line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu
        )
    day = dt.datetime.now(tz=dt.UTC).date()
    return f"{day}, {cpu}, {os.cpu_count()} cores (one used), Python {platform.python_version()}, {platform.system()}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
