"""How a statement is evaluated: its regime, its rounding to the safe side, powers that lose no digits."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from kt_theory import checks

EPS = float(np.finfo(np.float64).eps)

#: A few units of the least positive float64: rounding to a side where relative error has lost its meaning.
LEAST = 4 * math.ulp(0.0)


#: A function that states a bound.
Stated = TypeVar("Stated", bound=Callable[..., Any])

#: What the arguments are that many bounds take: type and meaning.
ARGUMENTS = {
    "S, A": ("int", "Number of inputs and of labels, at least 1."),
    "A": ("int", "Number of labels, at least 1."),
    "size": ("int", "Number of letters of the alphabet, at least 1."),
    "n": ("int or sequence of int", "Number of samples, 0 or more."),
    "delta": ("float", "Probability of failure, in (0, 1)."),
}

#: Sections that are the same for every bound with an n.
SECTIONS = """
Returns
-------
float, or ndarray of float64 for a sequence of n

Raises
------
ValueError
    If an argument is malformed; the message names it.
"""


def documented(**described: tuple[str, str]) -> Callable[[Stated], Stated]:
    """Give a bound the sections of its docstring that are the same everywhere, before its notes and examples.

    `described`: type and meaning of the arguments that `ARGUMENTS` does not have, by name.
    """

    def attach(stated: Stated) -> Stated:
        text = inspect.getdoc(stated)
        if text is None:  # python -OO
            return stated
        known = {**ARGUMENTS, **described}
        taken = list(inspect.signature(stated).parameters)
        names = ["S, A", *taken[2:]] if taken[:2] == ["S", "A"] else taken
        entries = [f"{name} : {known[name][0]}\n    {known[name][1]}\n" for name in names]
        parameters = "\n".join(["Parameters", "----------", "".join(entries)])
        heading = "\nNotes\n-----\n" if "\nNotes\n-----\n" in text else "\nExamples\n--------\n"
        says, rest = text.split(heading, 1)
        stated.__doc__ = f"{says}\n{parameters}{SECTIONS}{heading}{rest}"
        return stated

    return attach


def from_first(first: float, n: Any, formula: Callable[[np.ndarray], np.ndarray]) -> Any:
    """`formula` of those n (as float64) that are at least `first`, NaN for the others; a scalar n gives a float."""
    counts = checks.whole_numbers("n", n)
    inside = counts >= first
    out = np.full(counts.shape, np.nan)
    with np.errstate(divide="ignore", over="ignore"):  # rho = 1 or p = 1: log1p(-1) = -inf is right
        out[inside] = formula(counts[inside].astype(np.float64))
    return out if np.ndim(n) else out.item()


def sizes(S: Any, A: Any) -> tuple[int, int]:
    return checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)


def scalar_or_array(value: Any) -> Any:
    return value if np.ndim(value) else float(value)


def up(value: Any, exponent: Any = 0.0) -> Any:
    """`value`, whose formula contains e to the `exponent`, moved up past its rounding error."""
    return np.where(np.isneginf(exponent), value, value * (1 + slack(exponent)) + LEAST)


def down(value: Any, exponent: Any = 0.0) -> Any:
    """`value`, whose formula contains e to the `exponent`, moved down past its rounding error."""
    return np.maximum(value * (1 - slack(exponent)) - LEAST, 0.0)


def slack(exponent: Any) -> Any:
    return EPS * (16 + 4 * np.minimum(np.abs(exponent), 750.0))


def log_unseen(n: Any, p: Any) -> Any:
    """The exponent n log(1 - p); 0 at n = 0, even if p = 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(n, 0), 0.0, n * np.log1p(-p))


def unseen(n: Any, p: Any) -> Any:
    """(1 - p)^n to a few units in the last place: exp(n log1p(-p)) alone would lose n |log(1 - p)| of them."""
    left = 1.0 - p
    lost = (1.0 - left) - p  # exactly (1 - p) - left, and 0 where left is below 1/2
    power = left**n * np.exp(n * np.log1p(lost / np.maximum(left, 0.5)))
    # Below 2^-40, n may be so large that the correction outgrows left^n; exp alone loses what `slack` grants it.
    return np.where(p < 2.0**-40, np.exp(log_unseen(n, p)), power)


def all_unseen(n: np.ndarray, rho: np.ndarray, side: Callable[..., Any]) -> np.ndarray:
    """sum_s rho(s) (1 - rho(s))^n for each n, every term moved to its `side`; the sum adds one rounding."""
    return np.array([math.fsum(side(rho * unseen(m, rho), log_unseen(m, rho))) for m in n])


def log_ratio(size: int, delta: float) -> float:
    """log(size / delta), without forming a quotient that could overflow."""
    return math.log(size) - math.log(delta)
