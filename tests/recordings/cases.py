"""Small AutoCheckout cases made by hand, stores to keep recordings of, and what it means for signals to be the same."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jwo_cli.estimate.signals import CodeRead, PersonPose, PoseFrame, Signal, TagRead, WeightBatch
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.layout import Bay, Box, Facing, Fixture, Plate, Pose, Shelf, Store

START_S = 1_590_000_000.0
Document = dict[str, Any]
Files = dict[str, list[Document]]


def plate_document(second: float, grams: np.ndarray[Any, Any], gondola: int = 1) -> Document:
    """A batch as the competition wrote it; `grams` [samples, shelves, plates] gets row and column 0 of NaN."""
    grid = np.full((grams.shape[0], grams.shape[1] + 1, grams.shape[2] + 1), np.nan, dtype="<f4")
    grid[:, 1:, 1:] = grams
    values = {"data": base64.b64encode(grid.tobytes()).decode(), "shape": list(grid.shape), "type": "DATATYPE_FLOAT32"}
    plate_id = {"shelf_id": {"gondola_id": {"id": gondola}}}
    return {
        "_id": {"$oid": "5e9fd0df787b53230f88960b"},
        "timestamp": START_S + second,
        "date_time": {"$date": "2020-05-20T18:40:00.000Z"},
        "document": {
            "header": {"t_origin": "2020-05-20T18:40:00Z", "t_issue": "2020-05-20T18:40:00Z"},
            "plate_data": {"plate_id": plate_id, "freq_samp": 60.0, "values": values},
        },
        "gondola_id": gondola,
        "shelf_index": 0,
        "plate_index": 0,
    }


def target_document(second: float, people: Sequence[Document]) -> Document:
    """A message of targets."""
    return {
        "_id": {"$oid": "5e9fd0e0787b53230f8896a1"},
        "timestamp": START_S + second,
        "date_time": {"$date": "2020-05-20T18:40:02.300Z"},
        "document": {"header": {}, "targets": {"targets": list(people)} if people else {}},
        "id": 0,
    }


def person_document(track_id: str = "77", **joints: Document) -> Document:
    """A person with a head and a right wrist (inches), and whatever else is named."""
    wrist = {"point": {"x": 100.0, "y": 10.0, "z": 40.0}, "score": 0.75}
    return {
        "target_id": {"id": track_id},
        "target_state": "TARGETSTATE_VALID_ENTRANCE",
        "head": {"point": {"x": 100.0, "y": 20.0, "z": 65.0}, "score": 0.5},
        "l_wrist": {"point": {}},
        "r_wrist": wrist,
        "hands": [copy.deepcopy(wrist)],
        **joints,
    }


def facing_document(plates: Sequence[int], product_id: str, shelf: int = 1) -> Document:
    """A facing on plates of gondola 1, each 0.2 m wide."""
    return {
        "plate_ids": [
            {"shelf_id": {"gondola_id": {"id": 1}, "shelf_index": shelf}, "plate_index": plate} for plate in plates
        ],
        "planogram_product_id": {"barcode_type": "UPC", "id": product_id},
        "global_coordinates": {
            "transform": {"translation": {"x": 0.2 * (plates[0] - 1), "z": 0.4 * shelf}, "rotation": {}},
            "dim_x": 0.2 * len(plates),
            "dim_y": 0.4,
            "dim_z": 0.3,
        },
    }


def product_document(product_id: str, name: str, grams: float) -> Document:
    """A row of the product table."""
    about = {"name": name, "price": 1.5, "weight": grams}
    return {"product_id": {"barcode_type": "UPC", "id": product_id}, "metadata": about}


def case_documents(batches: int = 6) -> Files:
    """Gondola 1 with two shelves of three plates, a shopper who comes after half a second; 0.2 s a batch."""
    level = np.arange(6, dtype=np.float32).reshape(1, 2, 3) * 100
    plates = [plate_document(0.2 * n, np.repeat(level + n, 12, axis=0).astype(np.float32)) for n in range(batches)]
    targets = [target_document(0.2 * n + 0.05, [person_document()] if n > 2 else []) for n in range(batches)]
    return {
        "plate_data": plates,
        "full_targets": targets,
        "planogram": [
            facing_document([1, 2], "012000181139"),
            facing_document([3], "718604971397"),
            facing_document([1, 2, 3], "048014009909", shelf=2),
        ],
        "products": [
            product_document("012000181139", "Water", 500.0),
            product_document("718604971397", "Biscotti", 40.5),
            product_document("048014009909", "Licorice", 117.0),
        ],
    }


def write_case(folder: Path, files: Files, *, packed: Iterable[str] = ("plate_data",)) -> Path:
    """The documents as a raw folder; those named in `packed` compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, documents in files.items():
        content = "".join(json.dumps(document) + "\n" for document in documents).encode()
        if name in packed:
            (folder / f"{name}.json.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / f"{name}.json").write_bytes(content)
    return folder


def change(files: Files, name: str, line: int, edit: Callable[[Document], object]) -> Files:
    """The same documents with one of them edited in place; lines count from 1."""
    changed = copy.deepcopy(files)
    edit(changed[name][line - 1])
    return changed


def little_store(version: str = "v1") -> Store:
    """One shelf of two plates with one product on each; enough to hang a recording on."""
    box = Box(x_m=0.0, y_m=0.0, z_m=0.4, dx_m=0.2, dy_m=0.4, dz_m=0.3)
    plates = tuple(Plate(plate_id=f"g1.s1.p{n}", channel=f"g1:1:{n}", box=box) for n in (1, 2))
    shelf = Shelf(shelf_id="g1.s1", box=box, plates=plates)
    bay = Bay(bay_id="g1.b1", shelves=(shelf,))
    pose = Pose(x_m=0.0, y_m=0.0)
    fixture = Fixture(fixture_id="g1", kind="gondola", pose=pose, dx_m=0.4, dy_m=0.4, dz_m=1.0, bays=(bay,))
    products = (Product(product_id="012000181139", name="Water", price_minor=150, unit_mass_g=500.0),)
    return Store(
        store_id="little",
        name="Little store",
        version=version,
        timezone="Europe/Berlin",
        floor=((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)),
        zones=(),
        gates=(),
        fixtures=(fixture,),
        cameras=(),
        antennas=(),
        facings=(Facing(product_id="012000181139", plates=("g1.s1.p1",)),),
        catalogue=Catalogue(currency="EUR", products=products),
    )


def batch(at_ns: int, value: float = 1.0, samples: int = 12) -> WeightBatch:
    """A batch of the little store's two plates."""
    grams = np.full((samples, 2), value, dtype=np.float32)
    return WeightBatch(device_id="g1", end_ns=at_ns, rate_hz=60.0, channels=("g1:1:1", "g1:1:2"), grams=grams)


def frame(at_ns: int, *track_ids: str) -> PoseFrame:
    """A frame with these people standing at the origin."""
    joints, scores = np.zeros((10, 3), dtype=np.float32), np.ones(10, dtype=np.float32)
    people = tuple(PersonPose(track_id=name, joints_m=joints, scores=scores) for name in track_ids)
    return PoseFrame(at_ns=at_ns, people=people)


def some_signals(count: int, start_ns: int = 1_000_000_000, step_ns: int = 200_000_000) -> list[Signal]:
    """Batches, frames, tags and codes in turn."""
    signals: list[Signal] = []
    for number in range(count):
        at_ns = start_ns + number * step_ns
        match number % 4:
            case 0 | 1:
                signals.append(batch(at_ns, value=float(number)))
            case 2:
                signals.append(frame(at_ns, *(["a", "b"] if number % 8 == 2 else [])))
            case _:
                tag = TagRead(at_ns=at_ns, antenna_id="door", tag_id=f"{number:x}", rssi_dbm=-61.5)
                code = CodeRead(at_ns=at_ns, gate_id="in", account="opaque", party_size=2)
                signals.append(code if number % 8 == 3 else tag)
    return signals


def same(left: Signal, right: Signal) -> bool:
    """Equal to the last bit, NaN payloads included."""
    match left, right:
        case WeightBatch(), WeightBatch():
            return (
                (left.device_id, left.end_ns, left.channels) == (right.device_id, right.end_ns, right.channels)
                and bits(left.rate_hz) == bits(right.rate_hz)
                and same_array(left.grams, right.grams)
            )
        case PoseFrame(), PoseFrame():
            return (
                left.at_ns == right.at_ns
                and len(left.people) == len(right.people)
                and all(
                    (a.track_id, a.state) == (b.track_id, b.state)
                    and same_array(a.joints_m, b.joints_m)
                    and same_array(a.scores, b.scores)
                    for a, b in zip(left.people, right.people, strict=True)
                )
            )
        case _:
            return left == right


def same_array(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Shape, type and bits."""
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()


def bits(value: float) -> bytes:
    """A float64's bits."""
    return np.float64(value).tobytes()


def assert_same(left: Iterable[Signal], right: Iterable[Signal]) -> None:
    """Signal by signal, in order."""
    pairs = list(zip(left, right, strict=True))
    assert [n for n, (a, b) in enumerate(pairs) if not same(a, b)] == []
