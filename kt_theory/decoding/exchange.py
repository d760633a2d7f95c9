"""How many hard labels a log-probability is worth to a student that decodes greedily."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.divergences import TIED


def exchange_rate(row: Any) -> float:
    """How many hard labels one partial soft label is worth, at least, for finding the most likely label of a row.

    Parameters
    ----------
    row : array_like, shape (A,)
        A law with probabilities p_1 >= p_2 >= ...

    Returns
    -------
    float
        1 / (1 - sqrt(p_2 / p_1))^2: 1 if one label is sure, infinity if two are the most likely ones.

    Raises
    ------
    ValueError
        If `row` is no law.

    Notes
    -----
    From hard labels the most frequent label is wrong with a probability whose exponent, exactly, is that of
    (1 - rho (sqrt p_1 - sqrt p_2)^2)^n; from partial soft labels the best choice is wrong with probability
    (1 - rho p_1)^n at most, whatever the margin. The rate is the ratio of the two exponents for a light input; partial
    soft labels do at least so well, since the other labels that they tell help, too. Whoever may ask at temperature 0
    needs one label: this is for records drawn at temperature 1. Source: ours.

    Examples
    --------
    >>> [round(exchange_rate([1, x] / np.sum([1, x])), 6) for x in (0.25, 0.5, 0.75)]
    [4.0, 11.656854, 55.712813]
    """
    law = np.sort(checks.law("row", row))[::-1]
    second = float(law[1]) if law.size > 1 else 0.0
    if second >= law[0] * TIED:
        return math.inf
    # 1 - sqrt(p_2 / p_1) without the difference of two numbers close to 1.
    ratio = second / float(law[0])
    return ((1 + math.sqrt(ratio)) / ((float(law[0]) - second) / float(law[0]))) ** 2
