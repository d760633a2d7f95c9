r"""What a list of the k most likely labels costs by itself, by what the student has on the labels that it lacks.

Let t be the mass of those, the tail, tau = p / t their law, and p' the student. On the list p' = p, unless it is
renormalised.

==============  ======================  =================================================  =============================
tail            student there           total variation                                    KL(p || p')
==============  ======================  =================================================  =============================
renormalised    0, list scaled to one   t                                                  infinite if t > 0
zero            0 (no law)              t / 2, half of the l1 distance                     infinite if t > 0
equal           t / (A - k)             t TV(tau, uniform) <= t (1 - 1/(A - k))            t (log(A - k) - H(tau))
back-off to b   t b / b(tail)           t TV(tau, b / b(tail))                             t KL(tau || b / b(tail))
==============  ======================  =================================================  =============================

Renormalised: the list gains what the tail loses, t each. Equal: a law on A - k labels is furthest from the uniform one
where it is sure of a label. So equal shares are never worse than renormalising, for any row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kt_theory import checks


@dataclass(frozen=True)
class Cost:
    """A distance of the student's row from the teacher's.

    Attributes
    ----------
    tv : float
        Total variation, half of the l1 distance.
    kl : float
        sum p log(p / p') over the labels, p the teacher's row; infinite where p' is 0 and p is not.
    """

    tv: float
    kl: float


@dataclass(frozen=True)
class TailCost:
    """What a list of the k most likely labels costs, by the student's values on the other labels.

    Attributes
    ----------
    k : int
        Labels on the list.
    mass : float
        Mass of the others, the tail.
    renormalised : Cost
        0 on the tail, and the list scaled to one: the target of a loss on renormalised lists. Without a list (k = 0)
        there is nothing to scale: the student is uniform.
    zero : Cost
        0 on the tail, and the list as it is: no law.
    equal : Cost
        Equal shares of the mass on the tail: the minimax rule.
    back_off : Cost or None
        Shares in the proportions of a law that was given.
    """

    k: int
    mass: float
    renormalised: Cost
    zero: Cost
    equal: Cost
    back_off: Cost | None = None


def tail_cost(row: Any, k: int, back_off: Any = None) -> TailCost:
    """What a row loses if its k largest probabilities are stored, by four ways to fill the tail.

    Parameters
    ----------
    row : array_like, shape (A,)
        The teacher's probabilities; they sum to 1 within 1e-12.
    k : int
        How many are stored, from 0 on. From A on nothing is lost.
    back_off : array_like, shape (A,), optional
        A law whose proportions the tail is given, such as a unigram model's. If it is 0 on the whole tail, equal shares
        are used.

    Returns
    -------
    TailCost
        k, mass, and a `Cost` (tv, kl) of each way. Relative rounding error below 1e-12 of the mass.

    Raises
    ------
    ValueError
        If `row` or `back_off` is no law on A labels, or if labels that are tied for the last place of the list have
        different values of `back_off`: the cost depends on which of them is stored then.

    Notes
    -----
    The formulas are those of the page of `kt_theory.storage.tails`; statement: ours-store-tail.

    Examples
    --------
    >>> cost = tail_cost([0.5, 0.3, 0.1, 0.1], 1)
    >>> round(cost.renormalised.tv, 12), round(cost.zero.tv, 12), round(cost.equal.tv, 12)
    (0.5, 0.25, 0.133333333333)
    >>> cost.renormalised.kl, round(cost.equal.kl, 12)
    (inf, 0.074170874717)
    >>> tail_cost([0.5, 0.3, 0.1, 0.1], 1, back_off=[0.4, 0.36, 0.12, 0.12]).back_off.tv < 1e-15
    True
    """
    p = checks.law("row", row)
    k = checks.whole_number("k", k)
    order = np.argsort(-p, kind="stable")
    tail = order[k:]
    mass = math.fsum(p[tail])
    even = _within(p[tail], np.ones(tail.size), mass)
    none = Cost(mass, math.inf if mass > 0 else 0.0)
    renormalised = none if k > 0 else even
    found = None
    if back_off is not None:
        law = checks.law("back_off", back_off, p.size)
        if 0 < k < p.size and p[order[k - 1]] == p[order[k]]:
            tied = law[p == p[order[k]]]
            if tied.min() != tied.max():
                raise ValueError(
                    f"row has {tied.size} labels of probability {p[order[k]]:.6g} for the last places of the list of "
                    f"k = {k}, and back_off differs among them: the cost depends on which are stored; take another k"
                )
        found = _within(p[tail], law[tail], mass)
    return TailCost(min(k, p.size), mass, renormalised, Cost(mass / 2, none.kl), even, found)


def _within(tail: np.ndarray, weights: np.ndarray, mass: float) -> Cost:
    """The cost of a student that shares the mass of the tail as `weights` has it, and is exact elsewhere."""
    if mass == 0.0:
        return Cost(0.0, 0.0)
    total = math.fsum(weights)
    if total == 0.0:
        weights, total = np.ones(tail.size), float(tail.size)
    shares = mass * (weights / total)
    used = tail > 0
    with np.errstate(divide="ignore"):
        # p log(p / q) + q - p is not negative, so that a small divergence keeps its digits; q - p adds up to nothing.
        gaps = tail[used] * (np.log(tail[used]) - np.log(shares[used])) + shares[used] - tail[used]
    kl = max(math.fsum([*gaps, *shares[~used]]), 0.0)
    return Cost(0.5 * math.fsum(np.abs(tail - shares)), kl)
