"""Sparse robust least squares on manifolds: Levenberg–Marquardt with re-weighted residuals, the same result every time.

The caller gives residuals with their sparse Jacobian and a way to take a step, so that rotations are updated as
rotations. Robust weights are Huber's by pairs (a pixel's two coordinates are one error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

Floats = NDArray[np.float64]
State = TypeVar("State")

MAX_ROUNDS = 100
ENOUGH = 1e-10  # relative gain of one round below which nothing is left to gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved(Generic[State]):
    """The state reached, its residuals [M, 2], robust weights [M], and the normal matrix JᵀWJ there (sparse [P, P])."""

    state: State
    residuals: Floats
    weights: Floats
    normal: sparse.csc_matrix
    rounds: int
    converged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Generic[State]):
    """What is solved: `residuals(state)` [M, 2], `slopes(state)` sparse [2M, P] by pairs, `step(state, d)`."""

    residuals: Callable[[State], Floats]
    slopes: Callable[[State], sparse.csr_matrix]
    step: Callable[[State, Floats], State]


def solve(problem: Problem[State], start: State, *, huber: float | None = None) -> Solved[State]:
    """Minimise Σ ρ(|r|), ρ Huber's with corner `huber` (None: plain squares)."""
    state = start
    residuals = problem.residuals(state)
    cost = _cost(residuals, huber)
    damping, rounds, converged = 1e-4, 0, False
    weights = _weights(residuals, huber)
    normal, pull = _normal(problem.slopes(state), residuals, weights)
    while rounds < MAX_ROUNDS and not converged:
        rounds += 1
        tried = problem.step(state, -_damped(normal, pull, damping))
        after = problem.residuals(tried)
        gained = cost - _cost(after, huber)
        if not np.isfinite(gained) or gained < 0:
            damping *= 10
            converged = damping > 1e8
            continue
        converged = gained <= ENOUGH * max(cost, 1e-300)
        state, residuals, cost = tried, after, cost - gained
        weights = _weights(residuals, huber)
        normal, pull = _normal(problem.slopes(state), residuals, weights)
        damping = max(damping / 10, 1e-12)
    return Solved(state=state, residuals=residuals, weights=weights, normal=normal, rounds=rounds, converged=converged)


def covariance(solved: Solved[State], count: int, *, sigma: float | None = None) -> Floats:
    """Covariance [count, count] of the first `count` parameters, others marginalised.

    The residuals' own spread scales it unless `sigma` (of one coordinate) is given. Directions that the data do not
    fix are damped by 1e-9 of their own scale and come out very uncertain, not infinite.
    """
    normal = solved.normal
    size = normal.shape[0]
    diagonal = np.asarray(normal.diagonal())
    floor = sparse.diags(1e-9 * np.maximum(diagonal, 1e-12))
    factor = splu((normal + floor).tocsc())
    columns = factor.solve(np.eye(size, count))
    if sigma is None:
        freedom = max(2 * float((solved.weights > 0).sum()) - size, 1.0)
        sigma = float(np.sqrt((solved.weights[:, None] * solved.residuals**2).sum() / freedom))
    return np.asarray(columns[:count] * sigma**2)


def _cost(residuals: Floats, huber: float | None) -> float:
    length = np.sqrt((residuals**2).sum(axis=1))
    if huber is None:
        return float((length**2).sum())
    return float(np.where(length <= huber, length**2, 2 * huber * length - huber**2).sum())


def _weights(residuals: Floats, huber: float | None) -> Floats:
    length = np.sqrt((residuals**2).sum(axis=1))
    if huber is None:
        return np.ones(len(residuals))
    return np.asarray(np.minimum(1.0, huber / np.maximum(length, 1e-300)))


def _normal(slopes: sparse.csr_matrix, residuals: Floats, weights: Floats) -> tuple[sparse.csc_matrix, Floats]:
    weighted = sparse.diags(np.repeat(weights, 2)) @ slopes
    return (slopes.T @ weighted).tocsc(), np.asarray(weighted.T @ residuals.ravel())


def _damped(normal: sparse.csc_matrix, pull: Floats, damping: float) -> Floats:
    # Marquardt's scaling; the constant keeps parameters that nothing measures (a gauge) where they are.
    diagonal = np.asarray(normal.diagonal())
    scale = np.maximum(diagonal, 1e-9 * max(float(diagonal.max(initial=0.0)), 1e-12))
    return np.asarray(splu((normal + sparse.diags((damping + 1e-12) * scale)).tocsc()).solve(pull))
