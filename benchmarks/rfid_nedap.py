"""Tags in the box and tags around it: trained on location 1 of the Nedap retail data, tested on location 2.

    python -m benchmarks.rfid_nedap [--data ../shared/data] [--fit]

Truth is what a reader in another room read with only the box beside it, twice for 30 s a box. That room was not
silent: beside the ten tags of each box it heard 2, 4 and 24 others, all but one of them less than 1/16 as often, most
once or twice, 27 of 30 in one of the two samples only. `cleaned` truth takes tags read in both samples at least a
quarter as often as the ten most read (in fact 734 to 1,025 reads against 109 and fewer); `naive` truth takes all. Of
the naive extras one is read once at location 2; the others could be found by nobody, and the F1 counts only what
was read.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.tag_antenna import STEP_NS, AntennaField
from jwo_cli.estimate.tag_field import (
    FEATURES,
    NEDAP,
    PENALTY,
    PRESENCE,
    Floats,
    Ints,
    TagFieldModel,
    Window,
    features,
    strongest,
)
from jwo_cli.model.observations import TagState
from jwo_cli.model.units import NS_PER_S

Bools = NDArray[np.bool_]

TITLE = "RFID: tags in the box, trained at location 1, tested at location 2"
TARGET_F1 = 0.85
LABEL_SETS, SAMPLES, LABEL_SAMPLES = (1, 2, 3), range(1, 6), range(1, 3)
SAMPLE_S = 30.0
WINDOWS_S = (30.0, 10.0, 5.0, 3.0, 2.0)
QUARTER = 0.25
BINS = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0)
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Reads of 30 s: tag numbers [r], seconds since the first read [r], dBm [r], and the tags' names by number."""

    tag: Ints
    at_s: Floats
    rssi_dbm: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Feature rows [n, 7] of many windows, whether the tag was in the box [n], its label set [n]; tags never read."""

    rows: Floats
    inside: Bools
    label_set: Ints
    unread: int


def load(archive: Path) -> dict[tuple[int, str, int], Sample]:
    """(label set, 'labels' | 'location1' | 'location2', sample) -> reads, straight from the archive."""
    out = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            _, folder, kind, name = member.name.split("/")
            key = (int(folder.removeprefix("labelset")), kind.removeprefix("samples_"), int(name[6:-4]))
            out[key] = _sample(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    return out


def _sample(lines: Iterable[dict[str, str]]) -> Sample:
    reads = [(line["epc"], float(line["time"]), int(line["rssi"]) / 10.0) for line in lines]
    names = tuple(sorted({name for name, _, _ in reads}))
    number = {name: i for i, name in enumerate(names)}
    at_s = np.array([at for _, at, _ in reads])
    return Sample(
        tag=np.array([number[name] for name, _, _ in reads]),
        at_s=at_s - at_s.min(),
        rssi_dbm=np.array([rssi for _, _, rssi in reads]),
        names=names,
    )


def boxed(data: dict[tuple[int, str, int], Sample], label_set: int, *, cleaned: bool) -> frozenset[str]:
    """Names of the tags in a box."""
    counts = []
    for number in LABEL_SAMPLES:
        sample = data[label_set, "labels", number]
        counts.append(Counter(sample.names[i] for i in sample.tag))
    if not cleaned:
        return frozenset(name for count in counts for name in count)
    least = [QUARTER * float(np.mean(sorted(count.values())[-10:])) for count in counts]
    return frozenset(name for name in counts[0] if all(c[name] >= few for c, few in zip(counts, least, strict=True)))


def rows_of(data: dict[tuple[int, str, int], Sample], location: str, length_s: float, *, cleaned: bool = True) -> Rows:
    """Every window of `length_s` of a location, half a window (at least a second) apart."""
    rows, inside, sets, unread = [], [], [], 0
    begins = np.arange(0.0, SAMPLE_S - length_s + 1e-6, max(length_s / 2, 1.0))
    for label_set in LABEL_SETS:
        truth = boxed(data, label_set, cleaned=cleaned)
        for number in SAMPLES:
            sample = data[label_set, location, number]
            is_inside = np.array([name in truth for name in sample.names])
            for begin in begins:
                window = Window(
                    tag=sample.tag, at_s=sample.at_s, rssi_dbm=sample.rssi_dbm, tags=len(sample.names),
                    begin_s=float(begin), length_s=length_s + (1e-2 if length_s == SAMPLE_S else 0.0),
                )  # fmt: skip
                found = features(window, strongest(window))
                read = ~np.isnan(found[:, 0])
                rows.append(found[read])
                inside.append(is_inside[read])
                sets.append(np.full(int(read.sum()), label_set))
                unread += len(truth) - int((is_inside & read).sum())
    return Rows(rows=np.concatenate(rows), inside=np.concatenate(inside), label_set=np.concatenate(sets), unread=unread)


def train(
    data: dict[tuple[int, str, int], Sample],
    *,
    names: tuple[str, ...] = FEATURES,
    without: int | None = None,
    penalty: float = PENALTY,
) -> TagFieldModel:
    """The model from location 1; every window length weighs as much as the fifteen whole samples."""
    parts = [rows_of(data, "location1", length_s) for length_s in WINDOWS_S]
    keep = [part.label_set != without for part in parts]
    whole = int(keep[0].sum())
    return TagFieldModel.fit(
        np.concatenate([part.rows[k] for part, k in zip(parts, keep, strict=True)]),
        np.concatenate([part.inside[k] for part, k in zip(parts, keep, strict=True)]),
        weights=np.concatenate([np.full(int(k.sum()), whole / int(k.sum())) for k in keep]),
        names=names,
        penalty=penalty,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts at probability 0.5, and mean log-loss (nats)."""

    hits: int
    false: int
    missed: int
    log_loss: float

    @property
    def precision(self) -> float:
        """Share of tags said to be inside that are."""
        return self.hits / max(self.hits + self.false, 1)

    @property
    def recall(self) -> float:
        """Share of tags inside that were said to be."""
        return self.hits / max(self.hits + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / max(2 * self.hits + self.false + self.missed, 1)


def score(p: Floats, inside: Bools) -> Score:
    """How well probabilities [n] tell what is inside [n]."""
    said = p >= 0.5
    true_p = np.clip(np.where(inside, p, 1.0 - p), 1e-9, 1.0)
    return Score(
        hits=int((said & inside).sum()), false=int((said & ~inside).sum()), missed=int((~said & inside).sum()),
        log_loss=float(-np.log(true_p).mean()),
    )  # fmt: skip


def interval(p: Floats, found: Rows, draws: int = 1000) -> tuple[float, float]:
    """95 % interval of F1 when the 4,500 tags are drawn again with replacement (seeded)."""
    rng = np.random.default_rng(1)
    picks = (rng.integers(0, len(p), len(p)) for _ in range(draws))
    low, high = np.quantile([score(p[pick], found.inside[pick]).f1 for pick in picks], [0.025, 0.975])
    return float(low), float(high)


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rule = tuple("---" if i == 0 else "--:" for i in range(len(head)))
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines)) + "\n"


def _scored(name: str, result: Score, unread: int) -> tuple[str, ...]:
    figures = (f"{result.precision:.3f}", f"{result.recall:.3f}", f"{result.f1:.3f}", f"{result.log_loss:.4f}")
    return (name, *figures, str(result.false), str(result.missed), str(unread))


def _reliability(p: Floats, inside: Bools) -> str:
    lines = []
    for low, high in itertools.pairwise(BINS):
        there = (p >= low) & ((p < high) if high < 1.0 else (p <= high))
        if there.any():
            said, was = float(p[there].mean()), float(inside[there].mean())
            lines.append((f"{low:g} to {high:g}", str(int(there.sum())), f"{said:.4f}", f"{was:.4f}"))
    return _table(("said", "tags", "mean said", "in the box"), lines)


def run(archive: Path | None = None) -> str:
    """Train, test, and tell (Markdown)."""
    archive = archive or default_archive()
    if not archive.exists():
        return f"The real data is not here ({archive}); nothing was measured.\n"
    data = load(archive)
    models = {"NEDAP": train(data), "PRESENCE": train(data, names=PRESENCE.names)}
    differ = max(
        abs(a - b)
        for name, shipped in (("NEDAP", NEDAP), ("PRESENCE", PRESENCE))
        for a, b in zip((*models[name].weights, models[name].bias), (*shipped.weights, shipped.bias), strict=True)
    )
    whole = rows_of(data, "location2", SAMPLE_S)
    p = models["NEDAP"].probability(whole.rows)
    f1, (low, high) = score(p, whole.inside).f1, interval(p, whole)
    five = rows_of(data, "location2", 5.0)
    verdict = "met" if f1 >= TARGET_F1 else "**missed**"
    return (
        _tested(data, models)
        + f"\nTarget F1 ≥ {TARGET_F1} over 30 s: {verdict} ({f1:.3f}, 95 % of tag draws in {low:.3f} to {high:.3f}; "
        "published logistic regression 0.80 at precision 1.00, recall 0.667). The shipped parameters "
        + ("are these.\n" if differ < 1e-3 else f"differ from these by up to {differ:.4f}.\n")
        + "\nReliability over 30 s:\n\n" + _reliability(p, whole.inside)
        + "\nReliability over 5 s:\n\n" + _reliability(models["NEDAP"].probability(five.rows), five.inside)
        + "\nPRESENCE live, sample by sample; taken out: four of a box's tags, each in turn silenced after 20 s.\n\n"
        + _live(data)
    )  # fmt: skip


def _tested(data: dict[tuple[int, str, int], Sample], models: dict[str, TagFieldModel]) -> str:
    head = ("tested on location 2", "precision", "recall", "F1", "log-loss", "false", "missed", "never read")
    lines = []
    for length_s in WINDOWS_S:
        found = rows_of(data, "location2", length_s)
        for name, model in models.items():
            result = score(model.probability(found.rows), found.inside)
            lines.append(_scored(f"{name}, {length_s:g} s, cleaned truth", result, found.unread))
    naive = rows_of(data, "location2", SAMPLE_S, cleaned=False)
    result = score(models["NEDAP"].probability(naive.rows), naive.inside)
    lines.append(_scored("NEDAP, 30 s, naive truth", result, naive.unread))
    lines.append(_other_boxes(data))
    return _table(head, lines)


def streamed(sample: Sample, *, taken: str | None = None, taken_s: float = 20.0) -> list[tuple[float, str, TagState]]:
    """(time known, tag, state) of a sample that runs through the live field; `taken` is not read from `taken_s` on."""
    field = AntennaField("beam")
    for i, at_s, rssi in zip(sample.tag.tolist(), sample.at_s.tolist(), sample.rssi_dbm.tolist(), strict=True):
        if sample.names[i] != taken or at_s < taken_s:
            field.take(NS_PER_S + round(at_s * NS_PER_S), sample.names[i], rssi)
    out = []
    for step in range(2, 2 + round(SAMPLE_S * NS_PER_S / STEP_NS)):
        now_s = step * STEP_NS / NS_PER_S - 1.0
        out += [(now_s, change.tag_id, change.state) for change in field.step(step * STEP_NS)]
    return out


def _live(data: dict[tuple[int, str, int], Sample]) -> str:
    head = ("live", "in the box", "found", "others taken for it", "called gone", "taken out", "told", "delay, s")
    lines = []
    for location in ("location1", "location2"):
        for label_set in LABEL_SETS:
            truth = sorted(boxed(data, label_set, cleaned=True))
            boxed_tags = found = others = gone = taken = told = 0
            delays: list[float] = []
            for number in SAMPLES:
                sample = data[label_set, location, number]
                events = streamed(sample)
                here = {tag for _, tag, state in events if state is TagState.PRESENT}
                boxed_tags, found = boxed_tags + len(truth), found + len(here & set(truth))
                others += len(here - set(truth))
                gone += sum(tag in truth for _, tag, state in events if state is TagState.GONE)
                early = {tag for at_s, tag, state in events if state is TagState.PRESENT and at_s < 20.0}
                for tag in truth[::3]:
                    if tag in early:
                        taken += 1
                        left = [at for at, name, state in streamed(sample, taken=tag)
                                if name == tag and state is TagState.GONE and at >= 20.0]  # fmt: skip
                        told += len(left[:1])
                        delays += [at - 20.0 for at in left[:1]]
            span = f"{min(delays):.1f} to {max(delays):.1f}" if delays else ""
            counts = (boxed_tags, found, others, gone, taken, told)
            lines.append((f"{location}, box {label_set}", *map(str, counts), span))
    return _table(head, lines)


def _other_boxes(data: dict[tuple[int, str, int], Sample]) -> tuple[str, ...]:
    """Another place and other tags: each label set of location 2 by a model from the two others of location 1."""
    whole = rows_of(data, "location2", SAMPLE_S)
    p = np.empty(len(whole.rows))
    for label_set in LABEL_SETS:
        own = whole.label_set == label_set
        p[own] = train(data, without=label_set).probability(whole.rows[own])
    return _scored("NEDAP, 30 s, boxes not trained on", score(p, whole.inside), whole.unread)


def choose_penalty(data: dict[tuple[int, str, int], Sample]) -> list[tuple[float, float]]:
    """(penalty, mean log-loss on the label set left out), on location 1 only."""
    out = []
    for penalty in PENALTIES:
        losses = []
        for label_set in LABEL_SETS:
            model = train(data, without=label_set, penalty=penalty)
            for length_s in WINDOWS_S:
                part = rows_of(data, "location1", length_s)
                own = part.label_set == label_set
                losses.append(score(model.probability(part.rows[own]), part.inside[own]).log_loss)
        out.append((penalty, float(np.mean(losses))))
    return out


def default_archive() -> Path:
    """The real data beside the repository."""
    return Path(__file__).resolve().parents[2] / "shared" / "data" / "rfid-nedap" / "nedap-data.tar.gz"


def main(arguments: list[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Print the tables; `--fit` prints the parameters to ship and how the penalty was chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data")
    parser.add_argument("--fit", action="store_true", help="print the parameters to ship instead")
    options = parser.parse_args(arguments)
    archive = options.data / "rfid-nedap" / "nedap-data.tar.gz" if options.data else default_archive()
    if not archive.exists():
        print(f"{archive}: the real data is not here; --data names its folder", file=sys.stderr)
        return 3
    if not options.fit:
        text = run(archive)
        say(text)
        return int("**missed**" in text)
    data = load(archive)
    for penalty, loss in choose_penalty(data):
        say(f"penalty {penalty:g}: log-loss {loss:.5f} on the label set left out")
    for names in (NEDAP.names, PRESENCE.names):
        model = train(data, names=names)
        say(f"{names}: weights=(" + ", ".join(f"{value:.4f}" for value in model.weights) + f"), bias={model.bias:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
