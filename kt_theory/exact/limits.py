r"""Where the expected risks go as n grows.

Every input of positive mass is visited more and more often, so the initial table has no part in the limit; an input of
mass 0 adds nothing at any n. SEL_ptl has then seen every label that has any mass, and one visit was enough for CE_ful:
both risks tend to 0 faster than any power of n. ADD_sgl adds A c = O(sqrt(n_s)) to n_s counts, which moves a visited
row by O(1 / sqrt(n_s)), so it tends to the teacher as the frequencies do. The frequencies of CE_sgl tend to the teacher
at the pace of the central limit theorem,

.. math:: \sqrt n\; \mathrm{E} R \to \sum_s \sqrt{\rho(s)} \sum_a \sqrt{\frac{p(1-p)}{2\pi}}, \qquad p = \pi^*(a|s),

while CE_ptl weighs every sample by its probability once more and tends to another table, :math:`p^2 / \sum_b p_b^2`
(Z&Z, Lemma 4.2): it is right only on rows that are constant where they are positive.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory import checks
from kt_theory.learners import LEARNERS, Learner, resolve_learner
from kt_theory.problem import Problem, checked_problem

#: Learners whose risk tends to 0 on every problem.
VANISHING = ("CE_sgl", "SEL_ptl", "CE_ful", "ADD_sgl")


def bias_limit(problem: Problem, learner: str | Learner) -> float:
    """The limit of a learner's expected risk as n grows.

    Parameters
    ----------
    problem : Problem
        The problem, the same at every n.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"}
        A name in `kt_theory.LEARNERS`.

    Returns
    -------
    float
        0 but for CE_ptl, where it is sum_s rho(s) TV(p, p^2 / sum_b p_b^2), p = pi*(.|s). Exactly 0 where every row
        is constant on its support. It is neither an upper nor a lower bound at finite n.

    Raises
    ------
    Unsupported
        A ValueError, if the learner is unknown, or one of one's own.
    ValueError
        If `problem` is no Problem.

    Examples
    --------
    >>> import kt_theory
    >>> round(bias_limit(kt_theory.instance(0, S=100, A=25), "CE_ptl"), 6)
    0.445714
    >>> bias_limit(kt_theory.instance(0, S=100, A=25), "CE_sgl")
    0.0
    """
    p = checked_problem(problem).teacher
    entry = resolve_learner(learner)
    if LEARNERS.get(entry.name) is not entry or entry.name not in (*VANISHING, "CE_ptl"):
        raise checks.Unsupported(f"learner is {entry}: the limits of {', '.join((*VANISHING, 'CE_ptl'))} are known")
    if entry.name in VANISHING:
        return 0.0
    below = p.max(axis=1, keepdims=True) - p  # at most the largest: a row that is constant has exact zeros here
    # p - p^2 / sum p^2 is p times (sum_b p_b^2 - p) / sum p^2, and sum_b p_b^2 - p = below - sum_b p_b below_b.
    excess = below - (p * below).sum(axis=1, keepdims=True)
    rows = 0.5 * (p * np.abs(excess)).sum(axis=1) / (p * p).sum(axis=1)
    return math.fsum(problem.rho * rows)


def asymptotic_constant(problem: Problem) -> float:
    """The limit of sqrt(n) times the expected risk of CE_sgl.

    Parameters
    ----------
    problem : Problem
        The problem, the same at every n.

    Returns
    -------
    float
        sum_s sqrt(rho(s)) sum_a sqrt(p (1 - p) / (2 pi)), p = pi*(a|s); 0 for a teacher without randomness.

    Raises
    ------
    ValueError
        If `problem` is no Problem.

    Examples
    --------
    >>> round(asymptotic_constant(Problem([1.0], [[0.5, 0.5]])), 6)
    0.398942
    """
    p = checked_problem(problem).teacher
    rows = np.sqrt(p * (1 - p) / (2 * math.pi)).sum(axis=1)
    return math.fsum(np.sqrt(problem.rho) * rows)
