"""The learners on the told cells of a sparse transfer set: the definitions again, at the cost of what was told.

Every label of a row that has no cell was neither drawn nor told, and has one initial value: the student has one
value on all of them, its rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kt_theory.learners.hard import add_sgl, added, ce_sgl
from kt_theory.learners.learner import Fit
from kt_theory.learners.listed import list_ce
from kt_theory.learners.partial import ce_ptl, renormalised, sel_ptl, sel_told
from kt_theory.learners.soft import ce_ful


@dataclass(frozen=True)
class Told:
    """What a sparse transfer set holds for a learner: numbers of its P cells, and of its S rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (P,)
        The row of each cell.
    counts, revealed, init : ndarray, shape (P,)
        On the cells; `revealed` is NaN where it is hidden.
    others, rest_revealed, rest_init : ndarray, shape (S,)
        How many labels of each row have no cell; what is revealed of each of them, and its initial value.
    """

    rows: np.ndarray
    counts: np.ndarray
    revealed: np.ndarray
    init: np.ndarray
    others: np.ndarray
    rest_revealed: np.ndarray
    rest_init: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over the cells of each row, shape (S,)."""
        return np.bincount(self.rows, values, minlength=self.others.size)


def _frequencies(told: Told) -> tuple[np.ndarray, np.ndarray]:
    return told.counts / told.sums(told.counts)[told.rows], np.zeros(told.others.size)


def _raised(told: Told) -> tuple[np.ndarray, np.ndarray]:
    visits = told.sums(told.counts)
    A = int(told.others[0]) + int((told.rows == 0).sum())
    c = added(visits, A)
    total = visits + A * c
    return (told.counts + c[told.rows]) / total[told.rows], c / total


def _weighted(told: Told) -> tuple[np.ndarray, np.ndarray]:
    weights = told.counts * np.where(told.counts > 0, told.revealed, 0.0)
    largest = np.zeros(told.others.size)
    np.maximum.at(largest, told.rows, weights)
    weights = weights / largest[told.rows]
    return weights / told.sums(weights)[told.rows], np.zeros(told.others.size)


def _teacher(told: Told) -> tuple[np.ndarray, np.ndarray]:
    return told.revealed, told.rest_revealed


def _scaled(told: Told) -> tuple[np.ndarray, np.ndarray]:
    known = np.where(np.isnan(told.revealed), 0.0, told.revealed)
    largest = np.zeros(told.others.size)
    np.maximum.at(largest, told.rows, known)
    known = known / largest[told.rows]
    total = told.sums(known)
    silent = ~(total > 0)
    values = np.where(silent[told.rows], told.init, known / total[told.rows])
    return values, np.where(silent, told.rest_init, 0.0)


def _kept(told: Told, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells that are `known` keep what is revealed, the other labels share the rest as `init` has it."""
    hidden_others = np.where(np.isnan(told.rest_revealed), told.others, 0)
    missing = np.maximum(1.0 - told.sums(np.where(known, told.revealed, 0.0)), 0.0)
    init, rest_init = np.where(known, 0.0, told.init), np.where(hidden_others > 0, told.rest_init, 0.0)
    total = told.sums(init) + hidden_others * rest_init
    hidden = told.sums(~known) + hidden_others
    uniform = total == 0
    even = missing / np.maximum(hidden, 1)
    # The share first: missing / total would overflow where the init is as small as 1e-310.
    total = np.where(uniform, 1.0, total)
    spread = np.where(uniform[told.rows], even[told.rows], missing[told.rows] * (init / total[told.rows]))
    rest = np.where(uniform, even, missing * (rest_init / total))
    return np.where(known, told.revealed, spread), np.where(np.isnan(told.rest_revealed), rest, told.rest_revealed)


def _counted(told: Told) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(told.revealed)
    tail = np.where(known, 0.0, told.counts)
    drawn = told.sums(tail)
    missing = np.maximum(1.0 - told.sums(np.where(known, told.revealed, 0.0)), 0.0)
    values, rest = _kept(told, known)
    learned = missing[told.rows] * (tail / np.maximum(drawn, 1.0)[told.rows])
    values = np.where(known | (drawn == 0)[told.rows], values, learned)
    return values, np.where((drawn > 0) & np.isnan(told.rest_revealed), 0.0, rest)


#: `Learner.fit` -> what it answers on visited rows: the student on the cells, shape (P,), and its rest, shape (S,).
#: Rows without a visit are left to the caller.
ON_CELLS: dict[Fit, Callable[[Told], tuple[np.ndarray, np.ndarray]]] = {
    ce_sgl: _frequencies,
    add_sgl: _raised,
    ce_ptl: _weighted,
    ce_ful: _teacher,
    sel_ptl: lambda told: _kept(told, told.counts > 0),
    sel_told: lambda told: _kept(told, ~np.isnan(told.revealed)),
    renormalised: _scaled,
    list_ce: _counted,
}
