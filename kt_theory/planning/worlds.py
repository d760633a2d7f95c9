r"""Teachers that a pilot log leaves possible, drawn from a posterior law.

Every row of the teacher is taken for a draw from a symmetric Dirichlet law, :math:`\mathrm{Dir}(c_s/A, ..., c_s/A)`,
and rho from Dir(1/2, ..., 1/2). Rows differ: log c_s is normal on a grid from 1/100 to 10 A, that is from nearly one
label to labels within a third of one another. Mean and deviation of that normal law, the law of concentrations, have a
posterior law of their own, from all inputs together: before any data all means on the grid are equally likely, and each
deviation of `SPREADS` a quarter as likely as the one before. The rows of one teacher share one law of concentrations,
so that what is not known of it does not average out over inputs. (A best estimate in its place promises too much: for
the mean of 30 items with 6 annotations each, promises at 0.9 were kept in 0.77.) Given c_s,

- hard labels: the row is Dir(n_s1 + c_s/A, ..., n_sA + c_s/A);
- labels that are told with their probability keep it. The mass that is left goes to the other labels as a Dir(c_s/A,
  ..., c_s/A) on them: the probability of the draws depends on its sum alone. That a list of the most likely labels
  bounds those that it lacks is not used.

The labels that no record names are interchangeable. Their shares are drawn by decreasing chance of being met,
:math:`V_j \sim \mathrm{Beta}(1 + c/A, (K - j) c/A)` of what is left for the j-th of K: that is the law, and its cost
grows with the number of labels of noticeable mass, not with A. What is left below `NEGLIGIBLE` of the row goes to one
label more.

A real teacher's rows are not Dirichlet. `tests/test_planning.py` and `tests/test_annotations.py` test promises made
from these laws on teachers with other rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.problem import Problem
from kt_theory.protocols.transfer import TransferSet
from kt_theory.sparse import SparseTable

#: The least sum of the Dirichlet parameters that a row may have, the largest for each label, and the size of the grid.
#: A grid that went on to flat rows would have a small pilot promise that no samples are needed.
LEAST, LARGEST, GRID = 1e-2, 10.0, 43

#: Mass of a row that is not shared any further.
NEGLIGIBLE = 1e-5

#: Shares that are drawn at once.
AT_ONCE = 64

#: Standard deviations that log c may have over the inputs, and the odds of each to the one before. The least, about a
#: step of the grid, is one concentration for all inputs. Even odds keep fewer promises where rows are all of one law.
SPREADS, ODDS = (0.1, 0.5, 1.0, 2.0, 4.0), 0.25

#: Inputs whose likelihoods under all laws of concentrations are held at once.
INPUTS_AT_ONCE = 10_000


class Worlds:
    """The posterior law of teachers, given a pilot.

    Parameters
    ----------
    pilot : TransferSet
        At least one record.

    Raises
    ------
    Unsupported
        A ValueError, for a pilot whose probabilities are rounded, told at another temperature, or without labels.
    """

    def __init__(self, pilot: TransferSet) -> None:
        if not pilot.protocol.exact:
            raise checks.Unsupported(
                f"pilot has protocol {pilot.protocol}: its probabilities are not told as they are; plan from its "
                "labels alone, as hard ones"
            )
        self.S, self.A = pilot.shape
        self.concentrations = _grid(self.A)
        self._visits = pilot.visits
        pairs = pilot.pairs
        self._offsets, self._columns, self._counts = pairs.offsets, pairs.columns, pairs.values
        told = pilot.told if pilot.sparse else _stored(pilot.revealed)
        # Drawn labels whose probability is not told are counts, also where other labels are told.
        self._told = told if _known(pilot, pairs, told) else None
        self._likelihoods = self._likely()
        self._laws, odds = _laws(self.concentrations)
        self._law_odds = self._posterior(odds)

    def laws(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Laws of concentrations of `size` teachers, by number."""
        return rng.choice(self._law_odds.size, size=size, p=self._law_odds)

    def odds(self, s: int, laws: np.ndarray) -> np.ndarray:
        """The law of the concentration of one input under each of these laws, shape (size, grid)."""
        return _normalised(self._likelihoods[s] * self._laws[laws])

    def draw(self, rng: np.random.Generator) -> Problem:
        """One teacher with its inputs' law.

        Raises
        ------
        Unsupported
            A ValueError, for a teacher of more than 1.5e6 labels of noticeable mass, all inputs together.
        """
        rho = rng.gamma(self._visits + 0.5)
        rho /= rho.sum()
        S, A = self.S, self.A
        sums = np.cumsum(_normalised(self._likelihoods * self._laws[self.laws(1, rng)]), axis=1)
        sums /= sums[:, -1:]
        rows, columns, values = [], [], []
        stored = 0
        for s in range(S):
            c = float(self.concentrations[np.searchsorted(sums[s], rng.random(), side="right")])
            labels, p = self._row(s, c / A, rng)
            rows.append(np.full(labels.size, s))
            columns.append(labels)
            values.append(p / p.sum())
            stored += labels.size
            if stored > CELLS_MOST:
                raise checks.Unsupported(
                    f"the pilot has {S} inputs and {A} labels, and leaves teachers possible of more than "
                    f"{CELLS_MOST:.1e} pairs: name a column with the class of each input as the state"
                )
        keys = np.concatenate(rows) * A + np.concatenate(columns)
        table = SparseTable.of_keys(keys, np.concatenate(values), (S, A), np.zeros(S))
        law: Any = table.dense() if S * A <= DENSE_UP_TO else table
        return Problem(rho, law, name="pilot")

    def masses(self, s: int, laws: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The row of one input of a pilot of hard labels under these laws, shape (size, L), and the number of its c.

        First the labels that the pilot has at s, in the order of its stored pairs, then those of noticeable mass that
        it lacks, in the order in which draws would meet them; a row of fewer than L labels ends in zeros.
        """
        counts = self._counts[self._offsets[s] : self._offsets[s + 1]]
        others = self.A - counts.size
        size = laws.size
        number = drawn(self.odds(s, laws), rng)
        alpha = self.concentrations[number] / self.A
        named = rng.gamma(counts + alpha[:, None])
        left = rng.gamma(others * alpha) if counts.size and others else np.full(size, float(others > 0))
        columns = [named]
        for j in range(1, others):
            if not (left > NEGLIGIBLE * (named.sum(axis=1) + left)).any():
                break
            part = rng.beta(1.0 + alpha, (others - j) * alpha)
            columns.append((left * part)[:, None])
            left = left * (1.0 - part)
        masses = np.concatenate([*columns, left[:, None]] if others else columns, axis=1)
        return masses / masses.sum(axis=1, keepdims=True), number

    def _row(self, s: int, alpha: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Labels of positive mass, and their masses."""
        if self._told is None:
            cells = slice(self._offsets[s], self._offsets[s + 1])
            named = self._columns[cells]
            others = self.A - named.size
            masses = rng.gamma(self._counts[cells] + alpha)
            # An input without records has all of its mass left, however small the gamma variable.
            left = float(rng.gamma(others * alpha)) if others and named.size else float(others > 0)
            total = masses.sum() + left
            masses, left = masses / total, left / total
        else:
            cells = slice(self._told.offsets[s], self._told.offsets[s + 1])
            fine = ~np.isnan(self._told.values[cells])
            named, masses = self._told.columns[cells][fine], self._told.values[cells][fine]
            others = self.A - named.size
            left = max(1.0 - float(masses.sum()), 0.0) if others else 0.0
        shares = _shares(others, alpha, left, rng)
        unnamed = _unnamed(named, shares.size, self.A, rng)
        labels, p = np.concatenate([named, unnamed]), np.concatenate([masses, shares])
        kept = p > 0
        return labels[kept], p[kept]

    def _likely(self) -> np.ndarray:
        """The likelihood of each concentration at each input, the largest scaled to 1, shape (S, grid)."""
        from scipy.special import gammaln

        S, A = self.S, self.A
        logs = np.empty((S, GRID))
        rows = np.repeat(np.arange(S), np.diff(self._offsets))
        for g, c in enumerate(self.concentrations):
            each = gammaln(self._counts + c / A) - gammaln(c / A)
            logs[:, g] = np.bincount(rows, each, minlength=S) + gammaln(c) - gammaln(c + self._visits)
        return np.exp(logs - logs.max(axis=1, keepdims=True))

    def _posterior(self, odds: np.ndarray) -> np.ndarray:
        """The posterior law of the law of concentrations; `odds` is the one before the pilot."""
        logs = np.log(odds)
        with np.errstate(divide="ignore"):  # a law that an input excludes
            for first in range(0, self.S, INPUTS_AT_ONCE):
                likely = self._likelihoods[first : first + INPUTS_AT_ONCE] @ self._laws.T
                logs += np.log(likely).sum(axis=0)
        posterior = np.exp(logs - logs.max())
        return posterior / posterior.sum()


def _grid(A: int) -> np.ndarray:
    """The concentrations that rows may have."""
    return np.geomspace(LEAST, LARGEST * A, GRID)


def _laws(concentrations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Laws of concentrations, shape (laws, grid), and their odds before any data."""
    logs = np.log(concentrations)
    spreads, means = (x.ravel() for x in np.meshgrid(SPREADS, logs, indexing="ij"))
    laws = np.exp(-0.5 * ((logs - means[:, None]) / spreads[:, None]) ** 2)
    return laws / laws.sum(axis=1, keepdims=True), np.repeat(np.power(ODDS, range(len(SPREADS))), logs.size)


def _normalised(odds: np.ndarray) -> np.ndarray:
    return odds / odds.sum(axis=1, keepdims=True)


def drawn(odds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A number from each row of odds."""
    sums = np.cumsum(odds, axis=1)
    return (sums <= rng.random((odds.shape[0], 1)) * sums[:, -1:]).sum(axis=1)


#: Cells of a teacher that is kept as an array, and the most that any teacher stores: 40 MB.
DENSE_UP_TO, CELLS_MOST = 10**5, 1_500_000


def _stored(revealed: np.ndarray) -> SparseTable:
    """What is told, as stored cells."""
    s, a = np.nonzero(~np.isnan(revealed))
    S, A = revealed.shape
    return SparseTable.of_keys(s * A + a, revealed[s, a], (S, A), np.full(S, np.nan))


def _known(pilot: TransferSet, pairs: SparseTable, told: SparseTable) -> bool:
    """Whether every drawn label's probability is told."""
    if pilot.protocol.top is None:
        return True
    drawn = pairs.values > 0
    at = told.at(pairs.rows[drawn], pairs.columns[drawn])
    return bool(told.stored) and not np.isnan(at).any()


def _shares(others: int, alpha: float, left: float, rng: np.random.Generator) -> np.ndarray:
    """The masses of interchangeable labels, `left` in all, in the order in which draws would meet them."""
    if others == 0 or left <= 0.0:
        return np.empty(0)
    shares: list[np.ndarray] = []
    drawn = 0
    while drawn < others - 1 and left > NEGLIGIBLE:
        later = others - 1 - np.arange(drawn, min(drawn + AT_ONCE, others - 1))
        kept = np.cumprod(1.0 - rng.beta(1.0 + alpha, later * alpha))
        before = left * np.concatenate(([1.0], kept[:-1]))
        # The first that leaves a negligible mass is the last that is drawn.
        size = min(int(np.count_nonzero(left * kept > NEGLIGIBLE)) + 1, later.size)
        shares.append(before[:size] - left * kept[:size])
        left, drawn = left * float(kept[size - 1]), drawn + size
    return np.concatenate([*shares, [left]])


def _unnamed(named: np.ndarray, size: int, A: int, rng: np.random.Generator) -> np.ndarray:
    """`size` different labels that are not among `named`, at random."""
    free = A - named.size
    if free <= 4 * size + 64:
        is_free = np.ones(A, dtype=bool)
        is_free[named] = False
        return rng.permutation(np.flatnonzero(is_free))[:size]
    taken = set(named.tolist())
    found: list[int] = []
    while len(found) < size:
        for label in rng.integers(A, size=2 * size).tolist():
            if label not in taken and len(found) < size:
                taken.add(label)
                found.append(label)
    return np.array(found, dtype=np.int64)
