"""Signals as Parquet tables and back, bit for bit; `arrival` numbers all signals of a recording in one order.

Weights are wide: one row a sample, one float32 column a channel, null where a row belongs to another device. Rows are
sorted by device, so that nulls are runs; a column's few distinct values then cost 0.9 bytes a sample (a list column of
whole batches: 1.5), and anybody's SQL reads `SELECT "g1:5:11" FROM 'streams/weights-*.parquet'`. Poses are one row a
person, or one row without a person when nobody was in view. NaN is a value, null is absence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jwo_cli.estimate.signals import (
    JOINTS,
    ClockTick,
    CodeRead,
    IdentityTold,
    Overheard,
    PersonPose,
    PoseFrame,
    Signal,
    TagRead,
    WeightBatch,
)

Numbered = tuple[int, Signal]  # (arrival, signal)
OFFICE = "office"
STREAM_OF: dict[type, str] = {
    WeightBatch: "weights",
    PoseFrame: "poses",
    IdentityTold: "identities",
    TagRead: "tags",
    CodeRead: "codes",
    ClockTick: "ticks",
    Overheard: OFFICE,
}
STREAMS = tuple(STREAM_OF.values())

_SETS = b"jwo.channels"  # schema metadata: JSON list of channel lists, indexed by column `channels`
_WEIGHT_COLUMNS = ("arrival", "channels", "device_id", "end_ns", "rate_hz")
_JOINT_COLUMNS = tuple(f"{joint}_{axis}_m" for joint in JOINTS for axis in "xyz")
_SCORE_COLUMNS = tuple(f"{joint}_score" for joint in JOINTS)
_LABEL = pa.dictionary(pa.int32(), pa.string())
_TAGS = pa.schema(
    [
        ("arrival", pa.int64()),
        ("at_ns", pa.int64()),
        ("antenna_id", _LABEL),
        ("tag_id", _LABEL),
        ("rssi_dbm", pa.float64()),
        ("phase_rad", pa.float64()),
    ]
)
_CODES = pa.schema(
    [
        ("arrival", pa.int64()),
        ("at_ns", pa.int64()),
        ("gate_id", _LABEL),
        ("account", _LABEL),
        ("party_size", pa.int64()),
        ("role", _LABEL),
        ("code_id", pa.string()),
        ("way", _LABEL),
    ]
)
_IDENTITIES = pa.schema(
    [
        ("arrival", pa.int64()),
        ("at_ns", pa.int64()),
        ("since_ns", pa.int64()),
        ("kind", _LABEL),
        ("before", pa.string()),
        ("after", pa.string()),
        ("probability", pa.float64()),
    ]
)
_TICKS = pa.schema([("arrival", pa.int64()), ("at_ns", pa.int64())])
_OFFICE = pa.schema(
    [
        ("arrival", pa.int64()),
        ("at_ns", pa.int64()),
        ("after", pa.int64()),
        ("key", pa.string()),
        ("source", _LABEL),
        ("kind", _LABEL),
        ("version", pa.int64()),
        ("payload", pa.string()),
        ("caused_by", pa.string()),
        ("store_id", _LABEL),
        ("layout_version", _LABEL),
        ("earlier", pa.bool_()),
        ("seq", pa.int64()),
    ]
)
# One row a signal, one column a field.
_PLAIN: dict[str, tuple[Any, type]] = {
    "identities": (_IDENTITIES, IdentityTold),
    "tags": (_TAGS, TagRead),
    "codes": (_CODES, CodeRead),
    "ticks": (_TICKS, ClockTick),
    OFFICE: (_OFFICE, Overheard),
}


def to_table(stream: str, signals: Sequence[Numbered]) -> Any:
    """The Arrow table of one stream's signals. Raises ValueError for arrays of a wrong shape or type."""
    match stream:
        case "weights":
            return _weights_table([(arrival, item) for arrival, item in signals if isinstance(item, WeightBatch)])
        case "poses":
            return _poses_table([(arrival, item) for arrival, item in signals if isinstance(item, PoseFrame)])
        case _ if stream in _PLAIN:
            return _plain_table(_PLAIN[stream][0], signals)
        case _:
            raise ValueError(f"no stream {stream!r}")


def from_table(stream: str, table: Any) -> Iterator[Numbered]:
    """The signals of a stream's table. Raises ValueError or KeyError when it is no such table."""
    match stream:
        case "weights":
            return _weights(table)
        case "poses":
            return _poses(table)
        case _ if stream in _PLAIN:
            schema, made = _PLAIN[stream]
            # A field that came later is absent from older files, and has its default.
            rows = table.select([name for name in schema.names if name in table.schema.names]).to_pylist()
            return ((row.pop("arrival"), made(**row)) for row in rows)
        case _:
            raise ValueError(f"no stream {stream!r}")


def _plain_table(schema: Any, signals: Sequence[Numbered]) -> Any:
    fields = [name for name in schema.names if name != "arrival"]
    columns = {name: [getattr(signal, name) for _, signal in signals] for name in fields}
    return pa.table({"arrival": [arrival for arrival, _ in signals], **columns}, schema=schema)


def _weights_table(batches: Sequence[tuple[int, WeightBatch]]) -> Any:
    sets: dict[tuple[str, ...], list[tuple[int, WeightBatch]]] = {}
    for arrival, batch in batches:
        _check_batch(batch)
        sets.setdefault(batch.channels, []).append((arrival, batch))
    ordered = [item for members in sets.values() for item in members]
    lengths = [len(batch.grams) for _, batch in ordered]
    rows = sum(lengths)
    number = [index for index, members in enumerate(sets.values()) for _ in members]
    columns: dict[str, Any] = {
        "arrival": np.repeat(np.array([arrival for arrival, _ in ordered], dtype=np.int64), lengths),
        "channels": np.repeat(np.array(number, dtype=np.int32), lengths),
        "device_id": pa.array(np.repeat([batch.device_id for _, batch in ordered], lengths)).dictionary_encode(),
        "end_ns": np.repeat(np.array([batch.end_ns for _, batch in ordered], dtype=np.int64), lengths),
        "rate_hz": np.repeat(np.array([batch.rate_hz for _, batch in ordered], dtype=np.float64), lengths),
    }
    parts: dict[str, list[Any]] = {}
    filled: dict[str, int] = {}
    first = 0
    for channels, members in sets.items():
        block = np.concatenate([batch.grams for _, batch in members]).T.copy()
        for channel, samples in zip(channels, block, strict=True):
            parts.setdefault(channel, []).append(pa.nulls(first - filled.get(channel, 0), pa.float32()))
            parts[channel].append(pa.array(samples, from_pandas=False))
            filled[channel] = first + len(samples)
        first += block.shape[1]
    for channel, pieces in parts.items():
        columns[channel] = pa.concat_arrays([*pieces, pa.nulls(rows - filled[channel], pa.float32())])
    metadata = {_SETS: json.dumps(list(sets), ensure_ascii=False)}
    return pa.table(columns).replace_schema_metadata(metadata)


def _check_batch(batch: WeightBatch) -> None:
    if batch.grams.dtype != np.float32 or batch.grams.ndim != 2 or batch.grams.shape[1] != len(batch.channels):
        raise ValueError(f"{batch.device_id}: grams must be float32 [samples, {len(batch.channels)}]")
    if not batch.grams.size:
        raise ValueError(f"{batch.device_id}: a batch holds at least one sample of one channel")
    if len(set(batch.channels)) != len(batch.channels) or any(name in _WEIGHT_COLUMNS for name in batch.channels):
        raise ValueError(f"{batch.device_id}: channel names must differ from each other and from {_WEIGHT_COLUMNS}")


def _weights(table: Any) -> Iterator[Numbered]:
    """Batches are runs of one arrival; each block of one channel set is a run of rows."""
    sets: list[list[str]] = json.loads(table.schema.metadata[_SETS])
    arrival = table["arrival"].to_numpy()
    number = table["channels"].to_numpy()
    if len(number) and not 0 <= number.min() <= number.max() < len(sets):
        raise ValueError("a row names a set of channels that is not there")
    end_ns, rate_hz = table["end_ns"].to_numpy(), table["rate_hz"].to_numpy()
    device = table["device_id"]
    starts = np.flatnonzero(np.diff(arrival, prepend=arrival[:1] - 1)).tolist()
    stops = [*starts[1:], len(arrival)]
    blocks = np.flatnonzero(np.diff(number, prepend=-1)).tolist()
    for first, last in zip(blocks, [*blocks[1:], len(number)], strict=True):
        channels = tuple(sets[int(number[first])])
        block = _block(table, channels, first, last)
        for start, stop in zip(starts, stops, strict=True):
            if first <= start < last:
                yield (
                    int(arrival[start]),
                    WeightBatch(
                        device_id=device[start].as_py(),
                        end_ns=int(end_ns[start]),
                        rate_hz=float(rate_hz[start]),
                        channels=channels,
                        grams=block[start - first : stop - first],
                    ),
                )


def _block(table: Any, channels: Sequence[str], first: int, last: int) -> NDArray[np.float32]:
    """Samples of one channel set, float32 [last - first, channels]."""
    block = np.empty((last - first, len(channels)), dtype=np.float32)
    for column, channel in enumerate(channels):
        samples = table[channel].slice(first, last - first)
        if samples.null_count:
            raise ValueError(f"channel {channel} lacks samples of its own device")
        block[:, column] = samples.to_numpy()
    return block


def _poses_table(frames: Sequence[tuple[int, PoseFrame]]) -> Any:
    rows: list[tuple[int, int, PersonPose | None]] = []
    for arrival, frame in frames:
        rows.extend((arrival, frame.at_ns, person) for person in frame.people or (None,))
    nothing = np.full(40, np.nan, dtype=np.float32)
    numbers = np.array([nothing if person is None else _numbers(person) for _, _, person in rows], dtype=np.float32)
    absent = np.array([person is None for _, _, person in rows])
    columns: dict[str, Any] = {
        "arrival": pa.array([arrival for arrival, _, _ in rows], pa.int64()),
        "at_ns": pa.array([at_ns for _, at_ns, _ in rows], pa.int64()),
        "track_id": pa.array(
            [None if person is None else person.track_id for _, _, person in rows], pa.string()
        ).dictionary_encode(),
        "state": pa.array(
            [None if person is None else person.state for _, _, person in rows], pa.string()
        ).dictionary_encode(),
    }
    for index, name in enumerate((*_JOINT_COLUMNS, *_SCORE_COLUMNS)):
        columns[name] = pa.array(numbers[:, index].copy(), mask=absent, from_pandas=False)
    return pa.table(columns)


def _numbers(person: PersonPose) -> NDArray[np.float32]:
    """Joints and scores in a row of 40."""
    joints, scores = person.joints_m, person.scores
    floats = joints.dtype == np.float32 and scores.dtype == np.float32
    if not floats or joints.shape != (len(JOINTS), 3) or scores.shape != (len(JOINTS),):
        raise ValueError(f"{person.track_id}: joints must be float32 [10, 3] and scores float32 [10]")
    return np.concatenate([joints.ravel(), scores])


def _poses(table: Any) -> Iterator[Numbered]:
    arrival, at_ns = table["arrival"].to_pylist(), table["at_ns"].to_pylist()
    tracks, states = table["track_id"].to_pylist(), table["state"].to_pylist()
    numbers = np.empty((table.num_rows, 40), dtype=np.float32)
    for index, name in enumerate((*_JOINT_COLUMNS, *_SCORE_COLUMNS)):
        numbers[:, index] = table[name].to_numpy()
    first = 0
    while first < len(arrival):
        last = first
        people: list[PersonPose] = []
        while last < len(arrival) and arrival[last] == arrival[first]:
            if tracks[last] is not None:
                joints, scores = numbers[last, :30].reshape(10, 3), numbers[last, 30:]
                person = PersonPose(track_id=tracks[last], joints_m=joints, scores=scores, state=states[last])
                people.append(person)
            last += 1
        yield arrival[first], PoseFrame(at_ns=at_ns[first], people=tuple(people))
        first = last
