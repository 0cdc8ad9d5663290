"""The bundled recording: two and a half minutes of a spring morning in the corner kiosk.

    python -m jwo_cli.synthetic.sample [FOLDER]

writes it again, to sample_data/ of the source tree when no folder is named. Same code, same bytes: all that is written
are rounded numbers, and Parquet's bytes depend on the version of pyarrow only (its name is in each file).

Ten shoppers: a bargain of chips and cola, three oat bars for two, a put-back, touches, a hand-over, sweets by weight,
juice that ends on another shelf, a beer, and two people who reach into one facing while the cameras are blind: nobody
can know who took which, so a person must look at it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from jwo_cli.layouts import bundled, load
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.recordings import write_recording

from .recorded import truth_of
from .scripts import Actor, AnyAct, Fault, HandOver, Leave, Pick, Put, Receive, Script, Touch
from .simulate import Simulated, simulate

NAME = "corner_kiosk_morning"
LAYOUT = "corner_kiosk"
SEED = 20
START_NS = 1_773_475_200_000_000_000  # 2026-03-14 08:00 UTC
BLIND_S = (123.6, 128.2)


def _product(number: int) -> str:
    """The kiosk's product by the number within its in-house prefix, whose check digit its catalogue has."""
    return next(name for name in _CODES if name.startswith(f"200010000{number:03d}"))


_CODES = (
    "2000100000045", "2000100000076", "2000100000083", "2000100000090", "2000100000106", "2000100000113",
    "2000100000120", "2000100000144", "2000100000199", "2000100000205", "2000100000212", "2000100000229",
    "2000100000236", "2000100000243", "2000100000250", "2000100000168", "2000100000069",
)  # fmt: skip
CHIPS, CHOCOLATE, OAT_BAR, SOUP, SPAGHETTI, COFFEE = map(_product, (4, 7, 8, 10, 11, 12))
COOKIES, COLA, BEER, JUICE, ICED_COFFEE, YOGHURT = map(_product, (14, 19, 20, 21, 22, 23))
SANDWICH, SWEETS, BATTERIES, PEANUTS, GUM = map(_product, (24, 25, 16, 6, 9))


def script() -> Script:
    """Who comes, and what they do."""
    wrong_shelf = ("g2.s2.p3", "g2.s2.p4")
    reach_s = BLIND_S[0] + 2.4
    plans: tuple[tuple[str, float, tuple[AnyAct, ...]], ...] = (
        ("ann", 0.5, (Pick(product=CHIPS), Pick(product=COLA))),
        ("ben", 9.0, (Pick(product=OAT_BAR, count=3), Pick(product=CHOCOLATE), Put(product=CHOCOLATE))),
        ("cem", 22.0, (Pick(product=SOUP), Touch(plate="g2.s2.p2", kind="push"), Pick(product=SPAGHETTI))),
        ("dana", 36.0, (Pick(product=COFFEE), HandOver(product=COFFEE, to="eli"), Pick(product=ICED_COFFEE))),
        ("eli", 39.0, (Pick(product=COOKIES), Receive(giver="dana"))),
        ("fay", 60.0, (Pick(product=SWEETS), Pick(product=YOGHURT, style="float"))),
        ("gus", 72.0, (Touch(plate="g1.s3.p2", kind="lift"), Touch(plate="g1.s2.p5", kind="tap"))),
        ("hana", 84.0, (Pick(product=SANDWICH), Pick(product=JUICE), Put(product=JUICE, onto=wrong_shelf))),
        ("ian", 102.0, (Pick(product=PEANUTS, at_s=reach_s, aside_m=-0.28),)),
        ("jo", 105.0, (Pick(product=PEANUTS, count=2, at_s=reach_s + 0.5, aside_m=0.28), Pick(product=BEER))),
    )
    return Script(
        name=NAME,
        scenario="sample",
        seed=SEED,
        start_ns=START_NS,
        actors=tuple(
            Actor(key=key, enter_s=enter_s, acts=(*acts, Leave()), account=f"account-{key}", hurry=1.15)
            for key, enter_s, acts in plans
        ),
        faults=(Fault(kind="drop_poses", begin_s=BLIND_S[0], end_s=BLIND_S[1]),),
        description=(__doc__ or "").split("\n", maxsplit=1)[0],
    )


def layout() -> Store:
    """The corner kiosk. Raises UserError where it does not load."""
    store, findings = load(bundled()[LAYOUT])
    if store is None:
        raise UserError(f"the layout {LAYOUT} is broken", fix="Install jwo again, as a whole.", findings=findings)
    return store


def make() -> tuple[Store, Simulated]:
    """The sample in memory."""
    store = layout()
    return store, simulate(store, script())


def write(folder: Path) -> Path:
    """Writes the sample below `folder`, in place of an older one; returns its own folder."""
    store, made = make()
    target = folder / NAME
    if target.exists():
        shutil.rmtree(target)
    write_recording(
        target, name=NAME, store=store, start_ns=START_NS, staff=(), signals=made.signals, truth=truth_of(made)
    )
    return target


def main() -> int:
    """Writes the sample and says how large it is."""
    here = Path(__file__).resolve().parents[2] / "sample_data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    written = write(folder)
    size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file())
    sys.stdout.write(f"{written}: {size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
