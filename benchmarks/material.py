"""What is measured on: the real data where it is, else the bundled sample; and stores and days made larger from it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.drive.tour import sample
from jwo_cli.estimate.signals import (
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
from jwo_cli.model.layout import Bay, Facing, Fixture, Shelf, Store
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import Recording, captured_ns, open_recording

ROOT = Path(__file__).resolve().parent.parent
# Copies of a store stand this far apart, so that nobody's hands reach into the next one.
APART_M = 30.0


def cases() -> tuple[Path, ...]:
    """The nanostore's cases, real one first; the bundled sample where they are not here."""
    data = Path(os.environ.get("JWO_SHARED_DATA") or ROOT.parent / "shared" / "data")
    folders = [data / "nanostore-real" / "BENCHMARK-1", *sorted((data / "nanostore-dev").glob("dev-*"))]
    return tuple(folder for folder in folders if folder.is_dir()) or (sample(),)


def busiest() -> Recording:
    """The case with the most shoppers."""
    found = [folder for folder in cases() if "busy" in folder.name]
    return open_recording((found or list(cases()))[0])


def side_by_side(recording: Recording, copies: int) -> Recording:
    """So many copies of a store on one floor, everything in them happening at once, each with its own people."""
    if copies == 1:
        return recording
    signals = tuple(_merged(tuple(recording.signals()), copies))
    return dataclasses.replace(
        recording,
        name=f"{recording.name} × {copies}",
        recording_id=f"{recording.recording_id}x{copies}",
        store=_wider(recording.store, copies),
        staff=tuple(f"{n}/{name}" for n in range(copies) for name in recording.staff),
        read_signals=lambda: iter(signals),
    )


def one_after_another(recording: Recording, times: int) -> Recording:
    """A long day: the recording again and again, every time with new people.

    Weights go on from where they were, so that no jump at the seam stands for goods that came from nowhere.
    """
    signals = tuple(recording.signals())
    drop_g = _drops(signals)
    first, last = captured_ns(signals[0]), max(captured_ns(signal) for signal in signals)
    step_ns = last - first + 10 * NS_PER_S

    def read() -> Iterator[Signal]:
        for turn in range(times):
            for signal in signals:
                yield _later(signal, turn * step_ns, f"{turn}/", drop_g, turn)

    return dataclasses.replace(
        recording,
        name=f"{recording.name}, {times} times",
        recording_id=f"{recording.recording_id}t{times}",
        duration_s=step_ns * times / NS_PER_S,
        staff=tuple(f"{turn}/{name}" for turn in range(times) for name in recording.staff),
        read_signals=read,
    )


def _merged(signals: tuple[Signal, ...], copies: int) -> Iterator[Signal]:
    """Every copy's weights as they came; everybody of all copies in one pose message, as one tracker would send."""
    for signal in signals:
        if isinstance(signal, PoseFrame):
            frames = [_moved(signal, prefix=f"{n}/", right_m=n * APART_M) for n in range(copies)]
            people = [person for frame in frames if isinstance(frame, PoseFrame) for person in frame.people]
            yield PoseFrame(at_ns=signal.at_ns, people=tuple(people))
        else:
            yield from (_moved(signal, prefix=f"{n}/", right_m=n * APART_M) for n in range(copies))


def _moved(signal: Signal, *, prefix: str, right_m: float) -> Signal:
    """The signal in the copy that stands so far to the right: its people and devices have names of their own."""
    match signal:
        case WeightBatch():
            channels = tuple(f"{prefix}{name}" for name in signal.channels)
            return dataclasses.replace(signal, device_id=f"{prefix}{signal.device_id}", channels=channels)
        case PoseFrame():
            people = tuple(_person(person, prefix, right_m) for person in signal.people)
            return PoseFrame(at_ns=signal.at_ns, people=people)
        case IdentityTold():
            return dataclasses.replace(signal, before=f"{prefix}{signal.before}", after=f"{prefix}{signal.after}")
        case TagRead() | CodeRead() | ClockTick() | Overheard():
            return signal


def _drops(signals: tuple[Signal, ...]) -> dict[str, NDArray[np.float32]]:
    """How much every device's plates lost from the first to the last message, grams [channels]."""
    levels: dict[str, list[NDArray[np.float32]]] = {}
    for signal in signals:
        if isinstance(signal, WeightBatch):
            levels.setdefault(signal.device_id, []).append(np.nan_to_num(signal.grams.mean(axis=0)))
    return {device: found[-1] - found[0] for device, found in levels.items()}


def _later(signal: Signal, later_ns: int, prefix: str, drop_g: dict[str, NDArray[np.float32]], turn: int) -> Signal:
    """The signal at a later time of the day, with new people at the same devices."""
    match signal:
        case WeightBatch():
            grams = signal.grams + np.float32(turn) * drop_g[signal.device_id]
            return dataclasses.replace(signal, end_ns=signal.end_ns + later_ns, grams=grams)
        case PoseFrame():
            people = tuple(_person(person, prefix, 0.0) for person in signal.people)
            return PoseFrame(at_ns=signal.at_ns + later_ns, people=people)
        case IdentityTold():
            return dataclasses.replace(
                signal,
                at_ns=signal.at_ns + later_ns,
                since_ns=signal.since_ns + later_ns,
                before=f"{prefix}{signal.before}",
                after=f"{prefix}{signal.after}",
            )
        case TagRead() | CodeRead() | ClockTick() | Overheard():
            return dataclasses.replace(signal, at_ns=signal.at_ns + later_ns)


def _person(person: PersonPose, prefix: str, right_m: float) -> PersonPose:
    joints = person.joints_m + np.array([right_m, 0.0, 0.0], dtype=np.float32)
    return dataclasses.replace(person, track_id=f"{prefix}{person.track_id}", joints_m=joints)


def _wider(store: Store, copies: int) -> Store:
    right = max(x for x, _ in store.floor)
    left, low = min(x for x, _ in store.floor), min(y for _, y in store.floor)
    high, end = max(y for _, y in store.floor), right + (copies - 1) * APART_M
    return dataclasses.replace(
        store,
        version=f"{store.version}x{copies}",
        floor=((left, low), (end, low), (end, high), (left, high)),
        fixtures=tuple(_fixture(fixture, n) for n in range(copies) for fixture in store.fixtures),
        facings=tuple(
            Facing(product_id=f.product_id, plates=tuple(f"{n}/{plate}" for plate in f.plates), capacity=f.capacity)
            for n in range(copies)
            for f in store.facings
        ),
    )


def _fixture(fixture: Fixture, number: int) -> Fixture:
    return dataclasses.replace(
        fixture,
        fixture_id=f"{number}/{fixture.fixture_id}",
        pose=dataclasses.replace(fixture.pose, x_m=fixture.pose.x_m + number * APART_M),
        bays=tuple(
            Bay(bay_id=f"{number}/{bay.bay_id}", shelves=tuple(_shelf(shelf, number) for shelf in bay.shelves))
            for bay in fixture.bays
        ),
    )


def _shelf(shelf: Shelf, number: int) -> Shelf:
    plates = tuple(
        dataclasses.replace(plate, plate_id=f"{number}/{plate.plate_id}", channel=f"{number}/{plate.channel}")
        for plate in shelf.plates
    )
    return dataclasses.replace(shelf, shelf_id=f"{number}/{shelf.shelf_id}", plates=plates)
