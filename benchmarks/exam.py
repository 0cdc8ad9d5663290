"""An exam of our own: cases of the benchmark's classes with other seeds, replayed and scored.

    python -m benchmarks.exam --cases 125 --seed 1 --out DIR [--documents FOLDER] [--score]

The hidden exam has 125 cases in the format of nanostore-dev. These imitate its physics as measured on the development
cases and share no code and no seed with it: what is tuned on one may be judged on the other. Nothing is committed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from jwo_cli.synthetic.exam import Documents, generate, write_case

DOCUMENTS = Path(__file__).resolve().parents[2] / "shared/data/nanostore-dev/dev-01-single_simple"


def main() -> int:
    """Writes the cases and, if asked, replays and scores them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=125)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", help="one class only")
    parser.add_argument(
        "--documents", type=Path, default=DOCUMENTS, help="folder with planogram.json and products.json"
    )
    parser.add_argument("--score", action="store_true", help="replay them and print the score by class")
    asked = parser.parse_args()
    if not (asked.documents / "planogram.json").is_file():
        print(f"no planogram.json in {asked.documents}: name the folder with --documents", file=sys.stderr)
        return 2
    documents = Documents.read(asked.documents)
    asked.out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    folders = []
    for case, wrong in generate(documents, count=asked.cases, seed=asked.seed, only=asked.only):
        folders.append(write_case(asked.out, documents, case, wrong))
    print(f"{len(folders)} cases in {time.perf_counter() - began:.1f} s under {asked.out}", file=sys.stderr)
    return score(folders) if asked.score else 0


def score(folders: list[Path]) -> int:
    """Replays the cases into a journal of their own and prints the table of `jwo evaluate receipts`."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="jwo-exam-") as place:
        receipts = Path(place) / "receipts.json"
        replay = [sys.executable, "-m", "jwo_cli", "replay", *map(str, folders)]
        done = subprocess.run([*replay, "--export", "autocheckout", "--output", str(receipts)], check=False)
        if done.returncode > 1:
            return done.returncode
        truth = str(folders[0].parent)
        evaluate = [
            sys.executable,
            "-m",
            "jwo_cli",
            "evaluate",
            "receipts",
            "--truth",
            truth,
            "--receipts",
            str(receipts),
        ]
        return subprocess.run(evaluate, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
