"""`jwo simulate`: so many shoppers in so many minutes, with faults on the way, as a recording with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jwo_cli import layouts
from jwo_cli.model.findings import Severity, UserError
from jwo_cli.model.layout import Store
from jwo_cli.recordings import RecordingWriter, Truth
from jwo_cli.recordings.aside import folder_aside

from .casting import Writer
from .day import START_NS, Day
from .draws import between, named, pick_one
from .faults import PLATE_KINDS
from .recorded import event_of, receipt_of
from .scripts import Fault, Knobs
from .simulate import Visit
from .stage import Happened
from .wiring import devices

TO_SHOP_S = 30.0  # the last shopper comes in this long before the end, if there is time


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was written: seconds, who left with what, how much happened."""

    path: Path
    seconds: float
    visits: tuple[Visit, ...]
    events: int


def find_store(name: str) -> Store:
    """A layout by path or bundled name, or an AutoCheckout folder built in place. Raises UserError otherwise."""
    path = Path(name)
    if not path.exists() and name in layouts.bundled():
        path = layouts.bundled()[name]
    if path.is_dir() and any((path / file).is_file() for file in ("planogram.json", "planogram.json.gz")):
        planogram, products = (layouts.find_document(path, file) for file in ("planogram", "products"))
        return layouts.from_autocheckout(planogram, products)[0]
    store, findings = layouts.load(path)
    if store is None:
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        raise UserError(f"the layout {name} has {len(errors)} errors", fix="Correct them first.", findings=errors)
    return store


def simulate_to(
    path: Path, store: Store, *, seed: int, shoppers: int, minutes: float, noise: float, faults: Sequence[str] = ()
) -> Made:
    """Writes a recording to `path`, which must not exist. Raises UserError, and then leaves nothing behind.

    The recording is at least `minutes` long, and longer while somebody is still inside.
    """
    if not Writer(store, seed).facings and shoppers:
        fix = "Put products with a unit mass on plates (planogram), or simulate nobody with --shoppers 0."
        raise UserError(f"nothing stands on a plate in {store.name}", fix=fix)
    end_s = minutes * 60.0
    rng = named(seed, "comings")
    arrivals = sorted(between(rng, 0.2, max(end_s - TO_SHOP_S, 1.0)) for _ in range(shoppers))
    visits: list[Visit] = []
    events: list[Happened] = []
    day = Day(
        store,
        seed=seed,
        end_s=end_s,
        arrivals=iter(arrivals),
        knobs=Knobs(noise=noise),
        faults=tuple(_fault(store, kind, seed, end_s) for kind in faults),
        on_visit=visits.append,
        on_event=events.append,
    )
    with folder_aside(path) as aside:
        writer = RecordingWriter(aside, name=path.name, store=store, start_ns=START_NS, segment_s=60.0)
        for signal in day:
            writer.append(signal)
        events.sort(key=lambda event: event.at_s)
        people = {visit.ids[-1]: visit.ids[-1] for visit in visits}
        truth = Truth(
            scenario="simulated",
            receipts=tuple(receipt_of(visit) for visit in visits),
            events=tuple(event_of(event, people, START_NS) for event in events),
        )
        manifest = writer.close(truth=truth)
    return Made(path=path, seconds=manifest.duration_s, visits=tuple(visits), events=len(events))


def _fault(store: Store, kind: str, seed: int, end_s: float) -> Fault:
    """One fault of a kind somewhere: a plate's from a third of the time on, a gap of seconds, disorder throughout."""
    rng = named(seed, "trouble", kind)
    begin = between(rng, 0.2, 0.5) * end_s
    if kind in PLATE_KINDS:
        plate = pick_one(rng, list(store.plates()))
        return Fault(kind=kind, plate=plate, begin_s=begin, end_s=1e9)
    if kind == "drop":
        device = pick_one(rng, [device.device_id for device in devices(store)])
        return Fault(kind=kind, device=device, begin_s=begin, end_s=begin + between(rng, 2.0, 6.0))
    if kind == "drop_poses":
        return Fault(kind=kind, begin_s=begin, end_s=begin + between(rng, 2.0, 6.0))
    if kind == "jump":
        return Fault(kind=kind, device="poses", begin_s=begin, end_s=1e9, amount=0.2)
    return Fault(kind=kind, begin_s=0.0, end_s=1e9, amount=0.15)
