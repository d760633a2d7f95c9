"""The exact expected risk of greedy students, a sum over inputs.

Hard labels: the most frequent label (`kt_theory.decoding.hard`). Partial soft labels: the most likely label of SEL_ptl
with uniform init (`kt_theory.decoding.partial`). Soft labels: an input costs nothing once visited. Inputs that were
never visited are answered at random: a label then costs max p - 1/A, and disagrees with probability 1 - t/A, where t
labels are the most likely ones.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from kt_theory import checks
from kt_theory.decoding import hard, partial
from kt_theory.decoding.choices import KINDS, Kind
from kt_theory.divergences import most_likely
from kt_theory.exact.rows import Estimate, Row, distinct_rows
from kt_theory.numerics.powers import unseen
from kt_theory.problem import Problem, checked_problem
from kt_theory.protocols.protocol import one_of_the_paper

#: The most samples.
N_MAX = 10**9


def expected_greedy_risk(problem: Problem, protocol: str, n: int, kind: Kind = "regret") -> Estimate:
    """Expected regret or disagreement of the best greedy student after n samples, without simulation.

    Parameters
    ----------
    problem : Problem
        A sparse one is made dense.
    protocol : {"hard", "partial", "soft"}
        What the student is shown; it names the labels that `kt_theory.greedy` of its transfer set says.
    n : int
        Number of samples, from 0 to 10^9.
    kind : {"regret", "disagreement"}
        As in `kt_theory.greedy_risk`.

    Returns
    -------
    Estimate
        ``value``, ``error`` (a bound, or an estimate where ``proved`` is False: more than 96 labels that may tie) and
        ``route``.

    Raises
    ------
    OutOfReach
        A ValueError: from partial soft labels for rows with more than 2^20 sets of unseen labels, labels of equal
        probability counted only (more than 20 different probabilities); from hard labels for rows of many different
        probabilities and many samples.
    Unsupported
        A ValueError, for another protocol.
    ValueError
        For bad arguments.

    Notes
    -----
    Under independent uniform relabellings of the rows the three students are Bayes for the regret, hence exactly
    minimax, and their regret at any problem is a lower bound for every student's worst. Source: ours; from hard labels
    Bahadur and Goodman (1952). Equal rows cost as much as one; a row of two probabilities takes some seconds at
    n = 10^6.

    Examples
    --------
    >>> problem = Problem([1.0], [[0.6, 0.4]])
    >>> [round(expected_greedy_risk(problem, name, 1).value, 12) for name in ("hard", "partial", "soft")]
    [0.08, 0.0, 0.0]
    >>> round(expected_greedy_risk(problem, "hard", 10**4).value, 12)
    0.0
    """
    protocol = one_of_the_paper(protocol, "expected_greedy_risk")
    kind = checks.one_of("kind", kind, KINDS)
    n = checks.whole_number("n", n)
    if n > N_MAX:
        raise ValueError(f"n is {n}: at most {N_MAX} samples are gone through")
    dense = checked_problem(problem).dense()
    rows = distinct_rows(dense.rho, dense.teacher, np.full((dense.S, dense.A), 1 / dense.A))
    parts = [(row.times * row.rho, _row_cost(row, protocol, n, kind)) for row in rows]
    value = math.fsum(weight * part[0] for weight, part in parts)
    error = math.fsum(weight * part[1] for weight, part in parts) + 2.0**-50 * value
    return Estimate(value, error, f"greedy choices, {protocol} labels", all(part[2] for _, part in parts))


def _row_cost(row: Row, protocol: str, n: int, kind: str) -> tuple[float, float, bool]:
    """The expected cost at one input, its error, and whether that is proved."""
    used = row.p[row.p > 0]
    p, times = np.unique(used, return_counts=True)
    top = most_likely(p)
    best, A = float(p[-1]), row.p.size
    alone = 1 - int(times[top].sum()) / A if kind == "disagreement" else max(best - 1 / A, 0.0)
    if n == 0:
        return alone, 2.0**-52, True
    if protocol == "partial":
        return (*partial.named_cost(p, times, top, A - used.size, row.rho, n, kind), True)
    never = unseen(n, row.rho) * alone
    # Numbers below the least that has all digits are known to that, unless they are 0.
    rounded = 2.0**-50 * never + (sys.float_info.min if alone > 0 and row.rho < 1 else 0.0)
    if protocol == "soft":
        return never, rounded, True
    cost = np.where(top, 0.0, 1.0 if kind == "disagreement" else best - p)
    value, error, proved = hard.named_cost(p, times, cost, row.rho, n)
    return never + value, error + rounded, proved
