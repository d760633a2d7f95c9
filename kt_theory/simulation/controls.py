r"""Control variates with exact means: sums over the drawn counts whose means are known without drawing.

Each control is a sum over the cells of a function of one count, :math:`n_{sa} \sim \mathrm{Bin}(n, w_{sa})`, so that
its mean is a sum of binomial means. Subtracting a multiple of (control - mean) from the risk of a repeat leaves the
mean as it is. The multiples that leave least variance are estimated from a pilot, which is not averaged: they are
independent of the repeats averaged, and the average stays exactly unbiased.

With U the unseen labels of an input, :math:`q_a = (1 - w_a)^n` and :math:`M = \sum_a n_a p_a`, the controls are

- the missing mass :math:`\sum_s \rho\, p(U)`, the number of unseen labels :math:`\sum_s \rho\, |U| / A`, and the
  squared missing mass :math:`\sum_s \rho \sum_{a \in U} p_a^2`;
- the distance of SEL_ptl, :math:`\sum_{a \in U} (p_a - p(U)/|U|)^+`, linearised about
  :math:`m = \sum q_a p_a / \sum q_a`: a label of U adds
  :math:`(p_a - m)^+ - (p_a - m) \sum_{p_b > m} q_b / \sum_b q_b`;
- the distance of CE_ptl, :math:`\sum_a p_a (1 - n_a / M)^+`, linearised about :math:`m = \mathrm{E} M`: a label adds
  :math:`p_a (1 - n_a / m)^+ + c\, p_a n_a`, :math:`c = \sum_b p_b\, \mathrm{E}[n_b; n_b < m] / m^2`.
"""

from __future__ import annotations

import numpy as np

from kt_theory.simulation import kernels
from kt_theory.sparse import SparseTable

#: The controls, in the order of the columns.
NAMES = (
    "missing mass",
    "number of unseen labels",
    "squared missing mass",
    "SEL_ptl, linearised",
    "CE_ptl, linearised",
)

#: The largest E M at which CE_ptl is linearised: beyond, E (1 - n_a / m)^+ would lose its digits.
MOST_VISITS = 1e5

#: Directions in which the correlation matrix of the controls has less than this of its trace are left out: controls
#: are often multiples of one another, and what is left of them there is rounding.
COLLINEAR = 1e-9


class Controls:
    """The controls of a problem after n draws.

    Labels that are not stored have probability 0 and are unseen in every repeat: what they add to a control is in its
    mean, too, and left out of both.

    Parameters
    ----------
    rho : ndarray, shape (S,)
    cells : SparseTable, shape (S, A)
        The teacher on its stored cells, P of them; of a dense problem on all.
    masses : ndarray, shape (P,)
        What the cells are drawn with, summing to 1.
    n : int
        Number of draws, at least 0.

    Attributes
    ----------
    means : ndarray, shape (C,)
        Their exact means, up to rounding.
    """

    def __init__(self, rho: np.ndarray, cells: SparseTable, masses: np.ndarray, n: int) -> None:
        p, rows, self._offsets = cells.values, cells.rows, cells.offsets

        def by_row(values: np.ndarray) -> np.ndarray:
            return np.add.reduceat(values, cells.offsets[:-1])  # the teacher has a positive cell in every row

        w = np.minimum(masses, 1.0)
        q = _never(n, w)
        unseen = by_row(q) + cells.others
        whole = np.where(unseen > 0, unseen, 1.0)
        centre = (by_row(q * p) / whole)[rows]
        above = (by_row(np.where(p > centre, q, 0.0)) / whole)[rows]
        linear = np.maximum(p - centre, 0.0) - above * (p - centre)
        of_row = rho[rows]
        self._unseen = np.stack([of_row * p, of_row / cells.shape[1], of_row * p**2, of_row * linear])
        level = by_row(n * w * p)
        usable = (level > 0) & (level <= MOST_VISITS)
        self._level = np.where(usable, level, 1.0)
        some = usable[rows]
        mean_short, mean_count = np.zeros_like(p), np.zeros_like(p)
        mean_short[some], mean_count[some] = _below(n, w[some], self._level[rows][some])
        steep = by_row(p * mean_count) / self._level**2
        self._short = np.where(some, of_row * p, 0.0)
        self._slope = np.where(some, of_row * steep[rows] * p, 0.0)
        last = (self._short * mean_short).sum() + (self._slope * n * w).sum()
        self.means = np.append((self._unseen * q).sum(axis=1), last)

    def of(self, counts: np.ndarray) -> np.ndarray:
        """The controls less their means, shape (R, C), of the counts of the stored cells, shape (R, P)."""
        out = np.empty((counts.shape[0], len(NAMES)))
        kernels.controls(counts, self._offsets, self._unseen, self._level, self._short, self._slope, out)
        return out - self.means


def coefficients(risks: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """The multiples of the controls that leave least variance of the risks of a pilot.

    Parameters
    ----------
    risks : ndarray, shape (R, L)
    controls : ndarray, shape (R, C)

    Returns
    -------
    ndarray, shape (C, L)
        0 for a learner whose risk was infinite or did not vary, and for all if the pilot has too few repeats to tell.
    """
    R, C = controls.shape
    if R < 4 * C:
        return np.zeros((C, risks.shape[1]))
    finite = np.isfinite(risks).all(axis=0)
    # From the first repeat, so that what does not vary is exactly 0.
    x, y = controls - controls[0], np.where(finite, risks, 0.0)
    y = y - y[0]
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    size = np.sqrt((x**2).sum(axis=0))
    x = x / np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(x.T @ x)
    kept = values > COLLINEAR * C
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return (inverse @ (x.T @ y)) / np.where(size > 0, size, 1.0)[:, None]


def _never(n: int, w: np.ndarray) -> np.ndarray:
    """(1 - w)^n."""
    if n == 0:
        return np.ones_like(w)
    with np.errstate(divide="ignore"):
        return np.exp(n * np.log1p(-w))


def _below(n: int, w: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E (1 - N/m)^+ and E[N; N < m] of N ~ Bin(n, w), for m > 0; all of shape (P,)."""
    last = np.ceil(m) - 1  # the largest count below m
    count = n * w * _at_most(last - 1, n - 1, w)
    return _at_most(last, n, w) - count / m, count


def _at_most(k: np.ndarray, n: int, w: np.ndarray) -> np.ndarray:
    """P(N <= k) of N ~ Bin(n, w); 0 for k < 0, 1 for k >= n."""
    from scipy.special import betaincc

    k, w = np.broadcast_arrays(k, w)
    law = betaincc(np.maximum(k, 0.0) + 1, np.maximum(n - k, 1.0), w)
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, law))
