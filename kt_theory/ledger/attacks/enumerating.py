r"""The expected risk of a learner that is only a formula, by going through every count table of every input.

An input of mass rho is visited m ~ Bin(n, rho) times, and its counts k have the probability

.. math:: \binom{n}{m} \rho^m (1 - \rho)^{n-m} \, \binom{m}{k_1, \dots, k_A} \prod_a p_a^{k_a}.

The expected risk is a sum over inputs, so the joint law of the visits is not needed. The coefficients are integers,
kept from one problem to the next and rounded once; powers and products add some units of rounding each, all terms are
positive: 1e-12 covers it.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np

from kt_theory import checks
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import Learner
from kt_theory.problem import Problem, initial_table

#: The most counts in the tables of one input.
MOST = 10**6


@lru_cache(maxsize=128)
def tables(n: int, labels: int, lone: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All counts on `labels` labels after at most n visits, or after n where the input is the only one.

    Returns
    -------
    counts : ndarray of int64, shape (T, labels)
    visits : ndarray of int64, shape (T,)
    coefficients : ndarray, shape (T,)
        binom(n, m) times the multinomial coefficient of the counts.
    """
    parts = labels + (not lone)
    size = math.comb(n + parts - 1, n)
    if size * labels > MOST:
        raise OutOfReach(f"n is {n}: {size} count tables of an input are too many to go through")
    rows, coefficients = [], []
    # n = sum of parts, the visits of other inputs among them: n + parts - 1 places, parts - 1 of which are bars.
    for bars in itertools.combinations(range(n + parts - 1), parts - 1):
        ends = (-1, *bars, n + parts - 1)
        row = [b - a - 1 for a, b in itertools.pairwise(ends)]
        rows.append(row[:labels])
        left, ways = n, 1
        for count in row:
            ways *= math.comb(left, count)
            left -= count
        coefficients.append(ways)
    counts = np.array(rows, dtype=np.int64).reshape(size, labels)
    try:
        return counts, counts.sum(axis=1), np.array([float(ways) for ways in coefficients])
    except OverflowError:
        raise OutOfReach(f"n is {n}: the number of ways to draw a count table exceeds 1.8e308") from None


def expected_risk(problem: Problem, learner: Learner, n: int, init: np.ndarray | None) -> float:
    """The expected total variation risk of a learner that answers each input from its own row."""
    if learner.protocol.draws > 1:
        raise OutOfReach(f"{learner.protocol} draws several labels at a visit: count tables are gone through of one")
    start = initial_table(init, problem)
    inputs = np.flatnonzero(problem.rho)
    total = 0.0
    for s in inputs:
        p, rho = problem.teacher[s], problem.rho[s]
        used = np.flatnonzero(p)
        some, visits, coefficients = tables(n, used.size, inputs.size == 1)
        elsewhere = (1 - rho) ** (n - visits) * rho**visits if inputs.size > 1 else 1.0
        likely = coefficients * elsewhere * np.prod(p[used] ** some, axis=1)
        counts = np.zeros((visits.size, p.size), dtype=np.int64)
        counts[:, used] = some
        for chance, told in learner.protocol.told_sets(p):
            revealed = learner.protocol.reveal(counts, visits, p, np.broadcast_to(told, counts.shape))
            answer = learner.fit(counts, revealed, np.broadcast_to(start[s], counts.shape).copy())
            name = f"what {learner.name} answers"
            student = checks.stochastic_table(name, answer, counts.shape, checks.STUDENT_TOLERANCE)
            total += rho * chance * math.fsum(likely * 0.5 * np.abs(student - p).sum(axis=1))
    return total
