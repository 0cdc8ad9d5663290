"""A recording as the competition's documents: the reverse of reading a raw folder, the same bytes each time.

Read again it gives the same signals: metres divided by 0.0254 and multiplied again come back to the same float32,
times are whole microseconds, and weights are bits. Streams keep their own order; across streams the reader's rule of
arrival decides, as for any raw folder. Without the documents that its layout was imported from, planogram and products
are written from the layout, which a planogram can only describe in part (no gates, no zones).
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from jwo_cli.estimate.signals import JOINTS, CodeRead, PersonPose, PoseFrame, TagRead, WeightBatch
from jwo_cli.model.codec import JsonValue
from jwo_cli.model.findings import Finding, Severity, UserError
from jwo_cli.model.units import METRES_PER_INCH, NS_PER_S, minor_digits

from .aside import folder_aside
from .export_tables import channel_key, object_id, planogram_documents, product_documents
from .recording import Recording
from .truth import TrueEvent, Truth

_NAMED = JOINTS[:8]  # l_hand and r_hand go into the unnamed list `hands`
Json = dict[str, JsonValue]


def export_autocheckout(recording: Recording, directory: Path) -> tuple[Finding, ...]:
    """Writes a raw folder, which must not exist, and returns what has no place in it. Raises UserError."""
    with folder_aside(directory) as aside:
        weights = (signal for signal in recording.signals() if isinstance(signal, WeightBatch))
        _write_lines(aside / "plate_data.json.gz", (_plate_document(n, batch) for n, batch in enumerate(weights)))
        frames = (signal for signal in recording.signals() if isinstance(signal, PoseFrame))
        _write_lines(aside / "full_targets.json.gz", (_target_document(n, frame) for n, frame in enumerate(frames)))
        if recording.source:
            for name, content in recording.source.items():
                (aside / name).write_bytes(content)
        else:
            _write_lines(aside / "planogram.json", planogram_documents(recording.store))
            _write_lines(aside / "products.json", product_documents(recording.store))
        info: Json = {
            "case": recording.name,
            "staff_target_ids": list(recording.staff),
            "recording_start": recording.start_ns / NS_PER_S,
        }
        _write_lines(aside / "case_info.json", [info])
        truth = recording.truth()
        if truth is not None:
            _write_lines(aside / "truth.json", [_truth_document(recording, truth)])
    return _left_out(recording, directory)


def _left_out(recording: Recording, directory: Path) -> tuple[Finding, ...]:
    lost = {"tag reads": 0, "entry codes": 0}
    for signal in recording.signals():
        if isinstance(signal, TagRead):
            lost["tag reads"] += 1
        elif isinstance(signal, CodeRead):
            lost["entry codes"] += 1
    fix = "Keep the recording itself if you need them."
    return tuple(
        Finding(
            file=str(directory),
            problem=f"{count} {what} have no place in AutoCheckout's documents and were left out",
            fix=fix,
            severity=Severity.WARNING,
        )
        for what, count in lost.items()
        if count
    )


def _write_lines(path: Path, documents: Iterable[Json]) -> None:
    """JSON lines, compressed where the name says so, without a date in the gzip header."""
    with path.open("wb") as plain:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=plain, mode="wb", mtime=0) as packed:
                packed.writelines(_line(document) for document in documents)
        else:
            plain.writelines(_line(document) for document in documents)


def _line(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _iso(at_ns: int, places: int = 6) -> str:
    """A time as protobuf and MongoDB write it, to the microsecond or millisecond."""
    seconds, rest = divmod(round(at_ns / 1_000) * 1_000, NS_PER_S)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest // 10 ** (9 - places):0{places}d}Z"


def _envelope(collection: int, number: int, at_ns: int) -> Json:
    seconds = at_ns / NS_PER_S
    return {
        "_id": object_id(collection, number),
        "timestamp": seconds,
        "date_time": {"$date": _iso(at_ns, places=3)},
    }


def _plate_document(number: int, batch: WeightBatch) -> Json:
    keys = [channel_key(channel) for channel in batch.channels]
    gondolas = {key[0] for key in keys}
    if len(gondolas) != 1:
        problem = f"a batch of {batch.device_id} spans gondolas {sorted(gondolas)}"
        raise UserError(problem, fix="A batch of AutoCheckout's is one gondola's: wire one device to each.")
    rows, columns = max(key[1] for key in keys) + 1, max(key[2] for key in keys) + 1
    grid = np.full((len(batch.grams), rows, columns), np.nan, dtype="<f4")
    grid[:, [key[1] for key in keys], [key[2] for key in keys]] = batch.grams
    gondola = keys[0][0]
    span_ns = round((len(batch.grams) - 1) / batch.rate_hz * NS_PER_S)
    return {
        **_envelope(1, number, batch.end_ns),
        "document": {
            "header": {"t_origin": _iso(batch.end_ns - span_ns), "t_issue": _iso(batch.end_ns)},
            "plate_data": {
                "plate_id": {"shelf_id": {"gondola_id": {"id": gondola}}},
                "freq_samp": batch.rate_hz,
                "values": {
                    "data": base64.b64encode(grid.tobytes()).decode(),
                    "shape": list(grid.shape),
                    "type": "DATATYPE_FLOAT32",
                },
            },
        },
        "gondola_id": gondola,
        "shelf_index": 0,
        "plate_index": 0,
    }


def _target_document(number: int, frame: PoseFrame) -> Json:
    people: list[JsonValue] = [_person_document(person) for person in frame.people]
    issued = _iso(frame.at_ns)
    return {
        **_envelope(2, number, frame.at_ns),
        "document": {
            "header": {"t_origin": issued, "t_issue": issued},
            "targets": {"targets": people} if people else {},
        },
        "id": 0,
    }


def _person_document(person: PersonPose) -> Json:
    inches = (person.joints_m.astype(np.float64) / METRES_PER_INCH).tolist()
    scores = person.scores.astype(np.float64).tolist()
    joints = [_joint_document(point, score) for point, score in zip(inches, scores, strict=True)]
    document: Json = {"target_id": {"id": person.track_id}}
    if person.state:
        document["target_state"] = person.state
    document.update(zip(_NAMED, joints, strict=False))
    hands: list[JsonValue] = [joint for joint in (joints[9], joints[8]) if joint != {"point": {}}]
    if hands:
        document["hands"] = hands
    return document


def _joint_document(point: list[float], score: float) -> JsonValue:
    """A joint in inches; one that is missing has no coordinates, one that is missing in part says "NaN"."""
    place: Json = {}
    if not all(math.isnan(value) for value in point):
        place = {axis: _protobuf(value) for axis, value in zip("xyz", point, strict=True)}
    return {"point": place, "score": _protobuf(score)} if score else {"point": place}


def _protobuf(value: float) -> JsonValue:
    return "NaN" if math.isnan(value) else value


def _truth_document(recording: Recording, truth: Truth) -> Json:
    products = recording.store.catalogue.by_id()
    unit = 10 ** minor_digits(recording.store.catalogue.currency)
    receipts: list[JsonValue] = []
    for receipt in truth.receipts:
        bought: list[JsonValue] = [
            {
                "barcode": item.product_id,
                "quantity": item.quantity,
                "price": products[item.product_id].price_minor / unit if item.product_id in products else 0.0,
            }
            for item in receipt.items
        ]
        receipts.append({"target_id": receipt.track_id, "all_ids": list(receipt.all_ids), "products": bought})
    return {
        "case": recording.name,
        "class": truth.scenario,
        "start": recording.start_ns / NS_PER_S,
        "duration_s": recording.duration_s,
        "staff_target_ids": list(recording.staff),
        "receipts": receipts,
        "events": [_event_document(recording, event) for event in truth.events],
    }


def _event_document(recording: Recording, event: TrueEvent) -> JsonValue:
    plates = recording.store.plates()
    keys = [channel_key(plates[plate_id][2].channel) for plate_id in event.plates]
    document: Json = {
        "t": event.at_ns / NS_PER_S,
        "type": event.kind,
        "plates": [dict(zip(("gondola", "shelf", "plate"), key, strict=True)) for key in keys],
        "products": list(event.products),
        "delta_g": event.delta_g,
        "target_id": event.track_id,
    }
    if event.to_track_id is not None:
        document["to_target_id"] = event.to_track_id
    return document
