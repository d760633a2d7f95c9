"""From a problem and a stream of randomness to count tables, the sufficient statistic of every learner.

numba draws the uniforms of NumPy's PCG64 and turns them into counts. Two routes to the same law, Multinomial(n, rho x
pi*):

- few samples per cell: one uniform per sample, looked up in an alias table. Cost: about 4 ns a sample;
- many: one binomial per cell, see `kt_theory.simulation.binomial`. Cost: 20 to 70 ns a cell, for every n.

Which route is taken depends on the problem and n alone, never on threads or repeats. The repeats of one generator are
drawn one after the other, so asking for more of them changes none of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kt_theory.problem import Problem
from kt_theory.simulation import binomial, kernels, pcg64
from kt_theory.sparse import SparseTable

#: Samples per cell up to which single draws are cheaper than a binomial per cell (both measured, they cross near 20).
DRAWS_PER_CELL = 16

#: The same for a sparse problem of more than `CHUNK` stored cells: its alias table and counts are no longer in the
#: processor's cache, and a single draw costs 40 to 80 ns.
DRAWS_PER_STORED_CELL = 1

#: The largest n. What rounding does to a binomial is worked out up to here, see `kt_theory.simulation.binomial`.
N_MAX = 10**17

#: Numbers held at once in counts: half a megabyte, so that they stay in the processor's cache.
CHUNK = 65_536

# glibc gives an array of more than 128 kB back to the system when it is freed, and is given the next one page by page,
# which takes longer than all work on a chunk. It keeps what is freed once an array of nearly 32 MB was freed: this one,
# whose pages are never touched. Elsewhere it changes nothing.
np.empty(32 * 2**17 - 2**12)


#: Uniforms drawn ahead, at most, for binomials, since threads wait for each other at a refill; at least, and for single
#: samples, so that they stay in the processor's first cache. And how many a binomial takes, nearly.
AHEAD, A_FEW, EACH = 65_536, 4096, 2.3


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
        wide = problem.sparse and masses.size > CHUNK
        self._one_by_one = (DRAWS_PER_STORED_CELL if wide else DRAWS_PER_CELL) * masses.size
        self._keep, own, other = alias_table(self.masses)
        # Side by side and in 32 bits, half a table of cells: it shares the cache with the counts.
        self._pairs = np.stack([own, other], axis=1).astype(np.int32).ravel()
        # The last cell gets what is left over, rounding included: this must be a cell of large mass, never one of
        # probability zero. With the heaviest one last, no conditional probability is above 1/2.
        self._cells = np.flatnonzero(self.masses)
        heaviest = int(np.argmax(self.masses[self._cells]))
        self._cells[[heaviest, -1]] = self._cells[[-1, heaviest]]
        ordered = self.masses[self._cells]
        self._behind = np.cumsum(ordered[::-1])[::-1]
        self._shares = ordered / self._behind
        but_last = np.append(self._shares[:-1], 0.0)
        self._odds, self._log_rest = but_last / (1.0 - but_last), np.log1p(-but_last)
        self._known = -1, np.empty((0, 7))

    def draw(self, n: int, reps: int, rng: np.random.Generator, further: bool = False) -> Iterator[np.ndarray]:
        """Yield count tables, int64, shape (R, S, A), in chunks whose R add up to `reps`.

        The tables do not depend on how they are cut. The further labels of a visit may, those of ``gumbel_top_k`` do:
        where `further`, chunks are cut as they were when receipts were drawn.
        """
        cells = self.masses.size
        one_by_one = n <= self._one_by_one
        stream = Uniforms(rng, n, 0 if one_by_one else cells * reps)
        rows, done = max(1, CHUNK // max(n if one_by_one else 1, cells)), 0
        while done < reps:
            R = min(rows, reps - done) if further else rows_at_once(cells, reps - done)
            counts = self._tally(n, R, stream) if one_by_one else self._multinomial(n, R, stream)
            yield counts.reshape(R, *self.shape)
            done += R

    def _tally(self, n: int, R: int, stream: Uniforms) -> np.ndarray:
        counts = np.empty((R, self.masses.size), dtype=np.int64)
        if stream.ahead.size == 0:
            stream.refill()
        kernels.tally(stream.copies, stream.ahead, stream.state, n, self._keep, self._pairs, counts)
        return counts

    def _multinomial(self, n: int, R: int, stream: Uniforms) -> np.ndarray:
        counts = np.zeros((R, self.masses.size), dtype=np.int64)
        law = (self._cells, self._shares, self._odds, self._log_rest, self._foreseen(n))
        while not binomial.multinomial(stream.ahead, stream.state, n, *law, counts):
            stream.refill()
        return counts

    def _foreseen(self, n: int) -> np.ndarray:
        """`binomial.foreseen` of the cells, kept for the n that was asked for last."""
        last, known = self._known
        if last != n:
            known = binomial.foreseen(n, self._shares, self._behind)
            self._known = n, known
        return known


def rows_at_once(cells: int, left: int) -> int:
    """Count tables in the next chunk: by sixteens, as vectors take them side by side, and no small rest behind them."""
    rows = max(1, CHUNK // cells)
    if rows >= 16:
        rows = -(-rows // 16) * 16
    return left if left < rows + 16 else rows


class Uniforms:
    """The uniforms of a generator in their order, a block of them drawn ahead of the loop that uses them.

    Parameters
    ----------
    rng : Generator
        Of NumPy's PCG64. It stays where it is.
    n : int
        Sum of a row of counts.
    binomials : int
        How many are to be drawn.

    Attributes
    ----------
    copies : ndarray
        Where the stream is behind what was drawn, for `pcg64.fill`.
    ahead : ndarray, shape (m,)
        What was drawn.
    state : ndarray of int64, shape (4,)
        Where `binomial.multinomial` goes on: place in `ahead`, row, place in the cells, and what the row has left.
    """

    def __init__(self, rng: np.random.Generator, n: int, binomials: int) -> None:
        self.copies = pcg64.copies_of(rng)
        self._left = int(EACH * binomials)
        self.ahead = np.empty(0)
        self.state = np.array([0, 0, 0, n])

    def refill(self) -> None:
        """Keep what was not used and draw more behind it."""
        more = min(max(self._left, A_FEW), AHEAD)
        more += -more % pcg64.COPIES
        self._left -= more
        unused = self.ahead[self.state[0] :]
        self.ahead = np.empty(unused.size + more)
        self.ahead[: unused.size] = unused
        pcg64.fill(self.copies, self.ahead[unused.size :])
        self.state[0] = 0


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
