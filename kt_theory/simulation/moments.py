"""Moments of risks: what is kept of many repeats, learner by learner, and how it is merged."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kt_theory.simulation import kernels


@dataclass(frozen=True)
class Moments:
    """Repeats, and per learner what its risks were.

    Attributes
    ----------
    learners : tuple of str
        Names; the order of the entries of the arrays.
    reps : int
        Number of repeats.
    mean, squares : ndarray, shape (L,)
        Mean and sum of squared deviations over the repeats of finite risk.
    nonzero, infinite : ndarray of int64, shape (L,)
        Repeats whose risk is not 0, and repeats whose risk is infinite.
    """

    learners: tuple[str, ...]
    reps: int
    mean: np.ndarray
    squares: np.ndarray
    nonzero: np.ndarray
    infinite: np.ndarray

    @classmethod
    def of(cls, learners: Sequence[str], values: np.ndarray) -> Moments:
        """The moments of risks of shape (R, L)."""
        L = values.shape[1]
        numbers = np.empty(L), np.empty(L), np.empty(L, dtype=np.int64), np.empty(L, dtype=np.int64)
        kernels.moments(values, *numbers)
        return cls(tuple(learners), values.shape[0], *numbers)

    @property
    def finite(self) -> np.ndarray:
        """Repeats of finite risk, shape (L,)."""
        return self.reps - self.infinite

    def merge(self, other: Moments) -> Moments:
        """The moments of both together (Chan, Golub and LeVeque 1983)."""
        assert self.learners == other.learners
        ours, theirs = self.finite, other.finite
        both = np.maximum(ours + theirs, 1)
        step = other.mean - self.mean
        mean = self.mean + step * (theirs / both)
        return Moments(
            self.learners,
            self.reps + other.reps,
            np.where(ours > 0, mean, other.mean),
            self.squares + other.squares + step**2 * (ours * theirs / both),
            self.nonzero + other.nonzero,
            self.infinite + other.infinite,
        )

    def at(self, places: Sequence[int]) -> Moments:
        """The moments of the learners at some places, in this order."""
        at = list(places)
        arrays = (self.mean[at], self.squares[at], self.nonzero[at], self.infinite[at])
        return Moments(tuple(self.learners[i] for i in at), self.reps, *arrays)

    def beside(self, other: Moments) -> Moments:
        """The moments of other learners over the same repeats, put after these."""
        assert self.reps == other.reps
        pairs = ((self.mean, other.mean), (self.squares, other.squares), (self.nonzero, other.nonzero))
        joined = [np.concatenate(pair) for pair in (*pairs, (self.infinite, other.infinite))]
        return Moments(self.learners + other.learners, self.reps, *joined)

    @property
    def expected(self) -> np.ndarray:
        """The estimate of the expected risk: the mean over all repeats, infinite as soon as one of them is."""
        return np.where(self.infinite > 0, np.inf, self.mean)

    @property
    def variance(self) -> np.ndarray:
        """Unbiased variance of one repeat; NaN from a single one, infinite where a risk is."""
        finite = self.squares / (self.reps - 1) if self.reps > 1 else np.full_like(self.squares, np.nan)
        return np.where(self.infinite > 0, np.inf, finite)

    @property
    def mcse(self) -> np.ndarray:
        """Monte Carlo standard error of the mean."""
        return np.sqrt(self.variance / self.reps)


def merged(parts: Iterable[Moments]) -> Moments:
    """The moments of all parts together, merged one after the other."""
    return functools.reduce(Moments.merge, parts)
