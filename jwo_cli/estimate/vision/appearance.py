"""What a picture of goods makes of each product: similarities to the store's own pictures, calibrated.

A look is two vectors: a network's embedding and a colour histogram, each less what all of the store's goods have in
common. Their weighted cosine, over a temperature, is a product's log-likelihood up to a constant; the constant is
chosen so that the mean likelihood of the candidates is that of something the picture says nothing about (0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookModel:
    """Parameters, fitted by log-loss on real photographs (`python -m benchmarks looks` repeats it).

    The temperature hardly depends on how small the picture is: blurred pictures are less similar to everything, so that
    the softmax widens by itself (0.10 to 0.13 from 16 to 400 pixels).
    """

    network_share: float = 0.7  # of the embedding in the similarity, the rest is colour
    temperature: float = 0.12
    worth: float = 0.05  # what is within this many nats of nothing is not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Pictures as rows: embeddings [n, d] and colour histograms (square roots) [n, c], both of length one."""

    network: Floats
    colour: Floats

    def __len__(self) -> int:
        return len(self.network)

    def take(self, rows: Sequence[int]) -> Looks:
        """Some of the rows."""
        return Looks(network=self.network[list(rows)], colour=self.colour[list(rows)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A store's goods: `product_ids` [n] names each row of `looks`; a product may have several pictures.

    `model` is the network's name and the beginning of its weights' checksum: looks of another network do not compare.
    """

    product_ids: tuple[str, ...]
    looks: Looks
    model: str


class Appearance:
    """Similarities of pictures to a gallery's products."""

    def __init__(self, gallery: Gallery, model: LookModel | None = None) -> None:
        self._model = model or LookModel()
        self._mean = Looks(
            network=gallery.looks.network.mean(axis=0, keepdims=True),
            colour=gallery.looks.colour.mean(axis=0, keepdims=True),
        )
        self.products = tuple(dict.fromkeys(gallery.product_ids))
        number = {name: i for i, name in enumerate(self.products)}
        self._owner = np.array([number[name] for name in gallery.product_ids], dtype=np.int64)
        self._rows = self._centred(gallery.looks)

    def similarity(self, looks: Looks) -> Floats:
        """Similarity [n, products] of each picture to each product's nearest picture, -1 to 1."""
        network, colour = self._centred(looks)
        share = self._model.network_share
        each = share * network @ self._rows[0].T + (1 - share) * colour @ self._rows[1].T
        best = np.full((len(self.products), len(looks)), -1.0)
        np.maximum.at(best, self._owner, each.T)
        return best.T

    def nats(self, similarity: Floats, candidates: Sequence[str]) -> tuple[tuple[str, float], ...]:
        """(product, log-likelihood) of the candidates from the mean of a few pictures' similarities [n, products].

        Pictures of one hand within a second show the same, badly in the same way: they are averaged, not multiplied.
        Candidates without a picture are 0: nothing is known. Empty where nothing is worth telling.
        """
        known = [name for name in dict.fromkeys(candidates) if name in self.products]
        if len(known) < 2 or not len(similarity):
            return ()
        columns = [self.products.index(name) for name in known]
        scores = similarity[:, columns].mean(axis=0) / self._model.temperature
        top = float(scores.max())
        nats = scores - top - np.log(np.mean(np.exp(scores - top)))
        told = tuple((name, round(float(value), 4)) for name, value in zip(known, nats, strict=True))
        return told if max(abs(value) for _, value in told) > self._model.worth else ()

    def _centred(self, looks: Looks) -> tuple[Floats, Floats]:
        return _unit(looks.network - self._mean.network), _unit(looks.colour - self._mean.colour)


def mixed(sights: Sequence[tuple[float, tuple[tuple[str, float], ...]]]) -> tuple[tuple[str, float], ...]:
    """What is seen where several people may have done it: (probability of each, what their hand showed) as one.

    Who showed nothing says nothing (likelihood 1 for every product); probabilities beyond the given ones say nothing.
    """
    products = dict.fromkeys(name for _, seen in sights for name, _ in seen)
    rest = max(1.0 - sum(weight for weight, _ in sights), 0.0)
    out = []
    for name in products:
        total = rest + sum(weight * float(np.exp(dict(seen).get(name, 0.0))) for weight, seen in sights)
        out.append((name, round(float(np.log(max(total, 1e-12))), 4)))
    return tuple(out)


def fit_temperature(similarity: Floats, true: NDArray[np.int64]) -> float:
    """The temperature of least log-loss for similarities [n, candidates] with the true column of each [n]."""
    grid = np.exp(np.linspace(np.log(0.02), np.log(2.0), 200))
    rows = np.arange(len(similarity))
    losses = []
    for temperature in grid.tolist():
        scores = similarity / temperature
        scores = scores - scores.max(axis=1, keepdims=True)
        losses.append(float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[rows, true])))
    return float(grid[int(np.argmin(losses))])


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float64)
