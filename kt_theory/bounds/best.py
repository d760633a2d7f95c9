"""The best that is proved: the least upper and the greatest lower bound on the minimax risk of a protocol.

A student can ignore what is revealed, so a lower bound for soft labels holds for partial ones, and these for hard ones.
Upper bounds are those of one learner with uniform initialisation: CE_sgl (hard), SEL_ptl (partial), CE_ful (soft), so
that `best_upper` bounds the worst expected risk of that learner as well. What is conjectured is not used, nor are
bounds that need more than S, A and n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kt_theory.bounds import every, hard, partial, soft
from kt_theory.protocols.protocol import one_of_the_paper

_UPPER: dict[str, tuple[Callable[..., Any], ...]] = {
    "hard": (
        every.uniform_upper_mean,
        hard.hard_upper_mean_joint,
        hard.hard_upper_mean_uniform,
        hard.hard_upper_mean_one_input,
        hard.hard_upper_mean,
    ),
    "partial": (
        every.uniform_upper_mean,
        partial.partial_upper_mean_uniform,
        partial.partial_upper_mean_curve,
        partial.partial_upper_mean_finite,
        partial.partial_upper_mean_sharp,
        partial.partial_upper_mean_uniform_simple,
        partial.partial_upper_mean_missing,
        partial.partial_upper_mean,
    ),
    "soft": (
        every.uniform_upper_mean,
        soft.soft_upper_mean_uniform,
        soft.soft_upper_mean_missing,
        soft.soft_upper_mean,
    ),
}

_LOWER_SOFT = (soft.soft_lower_mean_dirac, soft.soft_lower_mean)
_LOWER_PARTIAL = (*_LOWER_SOFT, partial.partial_lower_mean_light, partial.partial_lower_mean)
_LOWER: dict[str, tuple[Callable[..., Any], ...]] = {
    "soft": _LOWER_SOFT,
    "partial": _LOWER_PARTIAL,
    "hard": (*_LOWER_PARTIAL, hard.hard_lower_mean_assouad, hard.hard_lower_mean),
}


@dataclass(frozen=True)
class Best:
    """A bound and where it comes from.

    Attributes
    ----------
    value : float, or ndarray of float64 for a sequence of n
        The bound, total variation risk averaged under rho.
    statement : str, or tuple of str for a sequence of n
        Name of the function of `kt_theory.bounds` that gives it.
    """

    value: float | np.ndarray
    statement: str | tuple[str, ...]


def best_upper(protocol: str, *, S: int, A: int, n: Any) -> Best:
    """The least proved upper bound on the minimax expected risk of a protocol.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}
        What the student sees.
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    Best
        Never NaN. It bounds the worst expected risk of CE_sgl, SEL_ptl or CE_ful, uniform initialisation.

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Examples
    --------
    >>> best_upper("partial", S=10, A=10, n=10**6).statement
    'partial_upper_mean_finite'
    >>> best_upper("soft", S=2, A=2, n=[0, 100]).value.round(6)
    array([0.5     , 0.001849])
    """
    return _best(_UPPER[one_of_the_paper(protocol, "best_upper")], S, A, n, np.nanargmin)


def best_lower(protocol: str, *, S: int, A: int, n: Any) -> Best:
    """The greatest proved lower bound on the minimax expected risk of a protocol.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}
        What the student sees.
    S, A : int
        Number of inputs and of labels, at least 1.
    n : int or sequence of int
        Number of samples, 0 or more.

    Returns
    -------
    Best
        Never NaN.

    Raises
    ------
    ValueError
        If an argument is malformed; the message names it.

    Examples
    --------
    >>> best_lower("hard", S=10, A=10, n=10**6).statement
    'hard_lower_mean_assouad'
    >>> round(best_lower("hard", S=1, A=4, n=0).value, 12)
    0.75
    """
    return _best(_LOWER[one_of_the_paper(protocol, "best_lower")], S, A, n, np.nanargmax)


def _best(statements: Sequence[Callable[..., Any]], S: int, A: int, n: Any, choose: Callable[..., Any]) -> Best:
    table = np.array([np.atleast_1d(statement(S=S, A=A, n=n)) for statement in statements])
    winners = choose(table, axis=0)
    values = table[winners, np.arange(table.shape[1])]
    names = tuple(statements[w].__name__ for w in winners)
    return Best(values, names) if np.ndim(n) else Best(values.item(), names[0])
