"""From a problem and a stream of randomness to count tables, the sufficient statistic of every learner.

NumPy draws, numba tallies. Two routes to the same law, Multinomial(n, rho x pi*):

- few samples per cell: one uniform per sample, looked up in an alias table. Cost: about 3 ns a sample;
- many: NumPy's multinomial, one binomial per cell. Cost: about 100 ns a cell, whatever n is.

Which route is taken depends on (n, number of cells) alone, never on threads or repeats. The repeats of one generator
are drawn one after the other, so asking for more of them changes none of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kt_theory.problem import Problem
from kt_theory.simulation import kernels
from kt_theory.sparse import SparseTable

#: Samples per cell up to which single draws are cheaper than a binomial per cell (both measured, they cross near 20).
DRAWS_PER_CELL = 16

#: The largest n. NumPy's binomial squares a deviation of several standard deviations as a 64-bit integer; beyond some
#: 5e17 that overflows and its law is wrong (its variance by 14 % at 2**63 - 1).
N_MAX = 10**17

#: Numbers held at once, in uniforms or in counts: half a megabyte, so that they stay in the processor's cache.
CHUNK = 65_536


class CountSampler:
    """Draws count tables of one problem.

    Parameters
    ----------
    problem : Problem
        Its joint masses rho x pi* are tabulated once. They sum to 1 within 2e-12 and are divided by their sum here.
        Of a sparse problem the stored cells are drawn, P of them: P stands for S A, and (R, P) for (R, S, A).
    teacher : SparseTable, optional
        The stored cells of a sparse problem, if some of probability 0 are among them; `problem.pairs` if not given.

    Attributes
    ----------
    masses : ndarray, shape (S A,)
        What the cells are drawn with.
    """

    def __init__(self, problem: Problem, teacher: SparseTable | None = None) -> None:
        if problem.sparse:
            cells = problem.pairs if teacher is None else teacher
            self.shape: tuple[int, ...] = (cells.stored,)
            masses = problem.rho[cells.rows] * cells.values
        else:
            self.shape = (problem.S, problem.A)
            masses = problem.w.ravel()
        self.masses = masses / masses.sum()
        self._keep, self._own, self._other = alias_table(self.masses)
        # A multinomial gives its last cell whatever is left over, rounding included: that must be a cell which can
        # afford it, never one of probability zero.
        self._heaviest = int(np.argmax(self.masses))
        self._last_heaviest = self.masses.copy()
        self._swap(self._last_heaviest[None, :])

    def draw(self, n: int, reps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield count tables, int64, shape (R, S, A), in chunks whose R add up to `reps`."""
        cells = self.masses.size
        one_by_one = n <= DRAWS_PER_CELL * cells
        rows = max(1, CHUNK // max(n if one_by_one else 1, cells))
        for start in range(0, reps, rows):
            R = min(rows, reps - start)
            counts = self._tally(n, R, rng) if one_by_one else self._multinomial(n, R, rng)
            yield counts.reshape(R, *self.shape)

    def _tally(self, n: int, R: int, rng: np.random.Generator) -> np.ndarray:
        counts = np.zeros((R, self.masses.size), dtype=np.int64)
        # More than one piece only where a single repeat overflows a chunk (then R = 1).
        for start in range(0, n, CHUNK):
            uniforms = rng.random((R, min(CHUNK, n - start)))
            kernels.tally(uniforms, self._keep, self._own, self._other, counts)
        return counts

    def _multinomial(self, n: int, R: int, rng: np.random.Generator) -> np.ndarray:
        counts = rng.multinomial(n, self._last_heaviest, size=R)
        self._swap(counts)
        return counts

    def _swap(self, rows: np.ndarray) -> None:
        rows[:, [self._heaviest, -1]] = rows[:, [-1, self._heaviest]]


def alias_table(masses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Walker's alias table of a law, in Vose's construction, over its cells of positive mass only.

    Parameters
    ----------
    masses : ndarray, shape (cells,)
        Probabilities that sum to 1 up to rounding.

    Returns
    -------
    keep : ndarray of float64, shape (K,)
        K is the number of positive cells. Slot k has probability 1/K and keeps the share ``keep[k]`` of it
    own, other : ndarray of int64, shape (K,)
        for its own cell; the rest goes to the other one. A cell of zero mass is in neither, so that rounding can never
        let it be drawn.
    """
    own = np.flatnonzero(masses)
    keep = masses[own] * own.size
    other = own.copy()
    kernels.share_slots(keep, own, other)
    return keep, own, other
