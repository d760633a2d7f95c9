r"""The learners as readable NumPy: a count table and what the teacher revealed go in, a student table comes out.

Each learner is the minimiser of an empirical loss over row-stochastic tables, in closed form, plus a rule for
what the data leave free: ``init``, what the student said before it saw any data.

========  ==========================================================================  =========  =====================
learner   loss minimised                                                              protocol   on a visited input
========  ==========================================================================  =========  =====================
CE_sgl    - sum_i log pi(a_i|s_i)                                                     hard       n_sa / n_s
CE_ptl    - sum_i pi*(a_i|s_i) log pi(a_i|s_i)                                        partial    n_sa pi*(a|s), scaled
SEL_ptl   sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2                            partial    pi* on seen labels
CE_ful    sum_i KL(pi*(.|s_i), pi(.|s_i))                                             soft       pi*(.|s)
ADD_sgl   - sum_i log pi(a_i|s_i) - c sum_{a, visited s} log pi(a|s)                  hard       (n_sa + c)/(n_s + Ac)
========  ==========================================================================  =========  =====================

The first four are the paper's. ADD_sgl, with c = 0.4 sqrt(n_s / (A - 1)), is ours: hard labels, nearly minimax.
"Nearly minimax" is about the worst teacher. At a row with many rare labels its risk may be many times that of CE_sgl:
on the rows of a language model (64 prompts, 19,538 labels) it is 0.307 at n = 10^6, where CE_sgl has 0.037.

On an input that was never visited every learner says ``init``. On a visited input only SEL_ptl is left free: the
mass that the seen labels leave over goes to the unseen labels in proportion to ``init``, uniformly where ``init`` is 0
on all of them. Labels of zero probability are never drawn, stay unseen for ever, and receive their share too.

The functions here are the definitions. They trust their arguments (`kt_theory.fit` checks them) and see the teacher
only where the protocol shows it; everything hidden is NaN, so that a learner that peeks poisons its own answer.
Source of the paper's four: Z&Z, section 3.1, equations (3.3), (4.3), (4.7) and (5.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kt_theory import checks


def ce_sgl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy on hard labels: on a visited input the empirical frequencies, elsewhere `init`.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        Not used: hard labels reveal nothing of the teacher.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (3.3).
    """
    student = init.copy()
    visited = counts.any(axis=1)
    student[visited] = _scaled_to_one(counts[visited].astype(np.float64))
    return student


def ce_ptl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy weighted by the revealed probability: biased, it tends to pi*^2 scaled to one (Z&Z Lemma 4.2).

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where (s, a) was seen; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (4.3).
    """
    student = init.copy()
    visited = counts.any(axis=1)
    seen = counts[visited] > 0
    weights = counts[visited] * np.where(seen, revealed[visited], 0.0)
    student[visited] = _scaled_to_one(weights)
    return student


def sel_ptl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Squared error of logarithms: exact on every seen label, the missing mass shared among the unseen ones.

    The missing mass of a visited input, one minus the revealed probabilities of its seen labels, goes to its unseen
    labels in proportion to `init`, uniformly where `init` is 0 on all of them. When every label was seen nothing is
    left to share and the row is the teacher's own.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where (s, a) was seen; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (4.7).
    """
    seen = counts > 0
    visited = seen.any(axis=1, keepdims=True)
    known = np.where(seen, revealed, 0.0)
    # Rounding can leave 1 - sum a few 1e-17 below 0 when all the mass was seen.
    missing = np.maximum(1.0 - known.sum(axis=1, keepdims=True), 0.0)
    shares = np.where(seen, 0.0, init)
    unheard_of = ~shares.any(axis=1, keepdims=True)
    shares = np.where(unheard_of & ~seen, 1.0, shares)
    total = shares.sum(axis=1, keepdims=True)
    spread = missing * np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)
    return np.where(visited, known + spread, init)


def ce_ful(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy on soft labels: the teacher's row on a visited input, elsewhere `init`.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(.|s) on every visited input; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (5.2).
    """
    return np.where(counts.any(axis=1, keepdims=True), revealed, init)


def add_sgl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Hard labels, every count raised by the same c = 0.4 sqrt(n_s / (A - 1)): near the least worst risk at every n.

    The worst teacher of the empirical frequencies is close to uniform; pulling them towards uniform lowers the risk
    there and raises it near the vertices of the simplex, which do not bind as long as c stays below
    sqrt(n_s / (2 pi (A - 1))) = 0.39894 sqrt(n_s / (A - 1)) in the limit. With a single label nothing is added.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        Not used: hard labels reveal nothing of the teacher.
    init : ndarray, shape (S, A)
        The student before any data: said on unvisited inputs. What visited ones are added is uniform, always.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: ours; its worst risk is within 1.2 of the minimax risk for one input (numerical).
    """
    A = counts.shape[1]
    visits = counts.sum(axis=1, keepdims=True).astype(np.float64)
    c = added(visits, A)
    total = visits + A * c
    return np.divide(counts + c, total, out=init.copy(), where=visits > 0)


def added(visits: np.ndarray, A: int) -> np.ndarray:
    """What ADD_sgl adds to each of A counts after so many visits: 0.4 sqrt(visits / (A - 1)), nothing if A = 1."""
    return 0.4 * np.sqrt(visits / (A - 1)) if A > 1 else np.zeros_like(visits)


def _scaled_to_one(weights: np.ndarray) -> np.ndarray:
    # The largest weight is divided out first: weights as small as 1e-310 still give a row that sums to 1.
    weights = weights / weights.max(axis=1, keepdims=True, initial=0.0)
    return weights / weights.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Learner:
    """An entry of `LEARNERS`, or a learner of one's own: a formula, and the least revealing protocol it can work with.

    Attributes
    ----------
    name : str
        The paper's name, or ours in its manner.
    protocol : {"hard", "partial", "soft"}
        What the learner needs to be shown.
    fit : callable
        ``fit(counts, revealed, init) -> student``, arrays of shape (S, A). Row s of the student may depend on row s
        of the three only: exact laws are computed an input at a time.
    rate : float or None
        The exponent of n in its worst-case risk; None if its risk does not tend to 0, or nobody knows.
    statement : str
        The upper bound on its risk.
    """

    name: str
    protocol: str
    fit: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    rate: float | None = None
    statement: str = ""


#: All learners, by name.
LEARNERS: dict[str, Learner] = {
    learner.name: learner
    for learner in (
        Learner("CE_sgl", "hard", ce_sgl, -0.5, "Z&Z Thm 3.2"),
        Learner("CE_ptl", "partial", ce_ptl, None, "Z&Z Thm 4.3"),
        Learner("SEL_ptl", "partial", sel_ptl, -1.0, "Z&Z Thm 4.4"),
        Learner("CE_ful", "soft", ce_ful, -1.0, "Z&Z Thm 5.2"),
        Learner("ADD_sgl", "hard", add_sgl, -0.5, "within 1.2 of the minimax risk for S = 1 (ours, numerical)"),
    )
}

def entry_of(learner: str | Learner) -> Learner:
    """The entry of a learner given by name, or one of one's own, which is its own entry."""
    return learner if isinstance(learner, Learner) else LEARNERS[checks.one_of("learner", learner, tuple(LEARNERS))]


#: The four learners of the paper: what studies run when nobody says otherwise.
PAPER_LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")
