"""Exam-like cases: the benchmark's documents with truth, from nothing but a seed and the real store's planogram.

Noise, tracker noise, unit scatter, catalogue bias, dropouts, crosstalk, clock and straddling are drawn anew for each
case, wider than in nanostore-dev, whose 17 cases have noise 0.8-1.3 and the rest at 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.layouts import from_autocheckout
from jwo_cli.model.layout import Store
from jwo_cli.recordings import Recording, export_autocheckout

from .cases import CLASSES, description, knobs_noise, sequence
from .casting import Writer
from .draws import chance, content_id, named, pick_one, some_of
from .paths import Floor
from .scripts import Knobs, Script
from .simulate import Simulated, simulate

EPOCH_S = 1_587_500_000  # spring 2020, as the real recordings


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The planogram and product table that cases are written with, as files' bytes, and the store they describe."""

    planogram: bytes
    products: bytes
    store: Store

    @staticmethod
    def read(folder: Path) -> Documents:
        """From a folder with planogram.json and products.json whose weights are right. Raises UserError."""
        store, _ = from_autocheckout(folder / "planogram.json", folder / "products.json")
        return Documents(
            planogram=(folder / "planogram.json").read_bytes(),
            products=(folder / "products.json").read_bytes(),
            store=store,
        )

    def with_masses(self, wrong: Mapping[str, float]) -> bytes:
        """products.json with other weights for some products."""
        lines = []
        for line in self.products.splitlines():
            document = json.loads(line)
            product = document["product_id"]["id"]
            if product in wrong:
                document["metadata"]["weight"] = wrong[product]
                lines.append(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())
            else:
                lines.append(line)
        return b"\n".join(lines) + b"\n"


def script_for(documents: Documents, name: str, kind: str, seed: int) -> tuple[Script, dict[str, float]]:
    """A case's script, and the catalogue's wrong masses (g) in it."""
    rng = named(seed, "knobs")
    wild = chance(rng, 0.35)
    knobs = Knobs(
        noise=knobs_noise(rng),
        kp_noise=round(float(rng.uniform(0.7, 1.6)), 2) if wild else 1.0,
        weight_cv=round(float(rng.uniform(0.006, 0.02)), 4) if wild else 0.012,
        db_bias=0.004,
        dropouts=round(float(rng.uniform(0.5, 2.0)), 2) if wild else 1.0,
        crosstalk=round(float(rng.uniform(0.5, 1.8)), 2) if wild else 1.0,
        clock_offset_s=round(float(rng.uniform(0.0, 0.06)), 3) if wild else 0.03,
        straddle=1.0,
    )
    cast = CLASSES[kind][0](Writer(documents.store, seed))
    wrong: dict[str, float] = {}
    if chance(rng, 0.12):
        # two products are wrong in the real table (one at 0.63 of its mass); others of the store may be
        known = ["041508922487", "898999010007"]
        masses = {p.product_id: p.unit_mass_g for p in documents.store.catalogue.products if p.unit_mass_g}
        stocked = [f.product_id for f in documents.store.facings if f.product_id in masses]
        chosen = known if chance(rng, 0.5) else some_of(rng, sorted(set(stocked)), 2)
        for product in chosen:
            wrong[product] = round(masses[product] * float(pick_one(rng, (0.63, 0.55, 0.8, 1.3))), 2)
    script = Script(
        name=name,
        scenario=kind,
        seed=seed,
        actors=tuple(cast.actors),
        faults=tuple(cast.faults),
        swaps=tuple(cast.swaps),
        merges=tuple(cast.merges),
        knobs=knobs,
        description=description(kind),
        start_ns=(EPOCH_S * 1000 + int(rng.integers(0, 3_000_000_000))) * 1_000_000,
    )
    return script, wrong


def generate(
    documents: Documents, *, count: int, seed: int, only: str | None = None
) -> Iterator[tuple[Simulated, Mapping[str, float]]]:
    """Cases one after the other, with the catalogue's wrong masses of each."""
    floor = Floor(documents.store)
    names = [only] * count if only else sequence(count)
    for i, kind in enumerate(names):
        name = f"exam-{i + 1:03d}-{kind}"
        number = int(named(seed, "exam", i, kind).integers(1, 2**31))
        script, wrong = script_for(documents, name, kind, number)
        yield simulate(documents.store, script, floor=floor), wrong


def write_case(directory: Path, documents: Documents, case: Simulated, wrong: Mapping[str, float]) -> Path:
    """Writes a case as a folder of documents with case_info.json and truth.json; returns the folder."""
    script = case.script
    recording = Recording(
        name=script.name,
        recording_id="",
        store=documents.store,
        start_ns=script.start_ns,
        duration_s=case.duration_s,
        staff=tuple(visit.ids[-1] for visit in case.visits if visit.staff),
        findings=(),
        path=directory,
        source={"planogram.json": documents.planogram, "products.json": documents.with_masses(wrong)},
        read_signals=lambda: iter(case.signals),
        read_truth=lambda: None,
    )
    folder = directory / script.name
    export_autocheckout(recording, folder)
    (folder / "truth.json").write_text(json.dumps(truth_document(case, documents.store, wrong), indent=1) + "\n")
    return folder


def truth_document(case: Simulated, store: Store, wrong: Mapping[str, float]) -> dict[str, object]:
    """truth.json in the form of nanostore-dev."""
    script, start_s = case.script, case.script.start_ns / 1e9
    prices = {product.product_id: product.price_minor / 100 for product in store.catalogue.products}
    final = {visit.key: visit.ids[-1] for visit in case.visits}
    receipts = [
        {
            "target_id": visit.ids[-1],
            "all_ids": list(dict.fromkeys(visit.ids)),
            "products": [{"barcode": product, "quantity": n, "price": prices[product]} for product, n in visit.items],
        }
        for visit in case.visits
        if not visit.staff
    ]
    events = []
    for event in case.events:
        document: dict[str, object] = {
            "t": round(start_s + event.at_s, 3),
            "type": event.kind,
            "plates": [_plate(plate) for plate in event.plates],
            "products": list(event.products),
            "delta_g": round(event.delta_g, 1),
        }
        extras = {"style": event.style, "kind": event.touch, "misplaced": event.misplaced}
        document.update({key: value for key, value in extras.items() if value is not None})
        if event.to is not None:
            document["to_target_id"] = final[event.to]
        document["target_id"] = final[event.actor]
        events.append(document)
    knobs = script.knobs
    return {
        "case": script.name,
        "class": script.scenario,
        "description": script.description,
        "seed_tag": content_id(script.seed, "tag")[-8:],
        "start": round(start_s, 3),
        "duration_s": round(case.duration_s, 1),
        "shoppers": len(receipts),
        "staff_target_ids": [visit.ids[-1] for visit in case.visits if visit.staff],
        "receipts": receipts,
        "left_on_floor": list(case.on_floor),
        "wrong_db_weights": sorted(wrong),
        "faults": [
            {"kind": f.kind, "device": f.device, "plate": f.plate, "t0": f.begin_s, "t1": min(f.end_s, case.duration_s)}
            for f in script.faults
        ],
        "events": events,
        "knobs": {
            "noise": knobs.noise,
            "kp_noise": knobs.kp_noise,
            "weight_cv": knobs.weight_cv,
            "db_bias": knobs.db_bias,
            "dropouts": knobs.dropouts,
            "crosstalk": knobs.crosstalk,
            "clock_offset": knobs.clock_offset_s,
            "wrong_db": bool(wrong),
            "straddle": knobs.straddle,
        },
        "id_switches": [round(start_s + at, 3) for at in case.id_switches_s],
    }


def _plate(plate_id: str) -> dict[str, int]:
    gondola, shelf, plate = (int(part.lstrip("gsp")) for part in plate_id.split("."))
    return {"gondola": gondola, "shelf": shelf, "plate": plate}
