"""How a statement is evaluated: its regime, its rounding to the safe side, powers that lose no digits."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from kt_theory import checks
from kt_theory.statements import STATEMENTS, Metadata

EPS = float(np.finfo(np.float64).eps)

#: A few units of the least positive float64: rounding to a side where relative error has lost its meaning.
LEAST = 4 * math.ulp(0.0)


#: A function that states a bound.
Stated = TypeVar("Stated", bound=Callable[..., Any])

RISK = "total variation risk, averaged under rho"


@dataclass(frozen=True)
class Argument:
    """What an argument of a bound is, and what makes the value of it that formulas read."""

    type: str
    meaning: str
    #: Called with the name and what was given, and with S and A where the argument has their shape.
    check: Callable[..., Any]
    shaped: bool = False


def _whole(name: str, value: Any) -> int:
    return checks.whole_number(name, value, minimum=1)


def _law_of_inputs(name: str, value: Any, S: int, A: int) -> np.ndarray:
    return checks.law(name, value, size=S)


def _joint_masses(name: str, value: Any, S: int, A: int) -> np.ndarray:
    masses = checks.probabilities(name, value, ndim=2)
    if masses.shape != (S, A):
        raise ValueError(f"{name} has shape {masses.shape}, {(S, A)} is needed")
    return checks.law(name, masses.ravel())


def _near_unit(name: str, value: Any) -> float:
    number = checks.array_of_floats(name, value, ndim=0).item()
    if not 0 <= number <= 1 + checks.SUM_TOLERANCE:  # a row may sum to that much
        raise ValueError(f"{name} is {number}: it must lie in [0, 1]")
    return number


#: Every argument of a bound but n, by name.
ARGUMENTS = {
    "S": Argument("int", "Number of inputs, at least 1.", _whole),
    "A": Argument("int", "Number of labels, at least 1.", _whole),
    "size": Argument("int", "Number of letters of the alphabet, at least 1.", _whole),
    "delta": Argument("float", "Probability of failure, in (0, 1).", checks.open_unit),
    "Delta": Argument("float", "Half the relative gap between the two labels of a pair, in (0, 1).", checks.open_unit),
    "eta": Argument("float", "Relative shortfall, in (0, 1).", checks.open_unit),
    "p": Argument("float", "Probability of a visit, in (0, 1].", checks.half_open_unit),
    "c_S": Argument("float", "The least positive mass of an input, in (0, 1].", checks.half_open_unit),
    "c_A": Argument("float", "The least positive mass of a label given an input, in (0, 1].", checks.half_open_unit),
    "gap": Argument("float", "Spectral gap of the chain of inputs, in (0, 1].", checks.half_open_unit),
    "k": Argument("int", "Number of light labels of each input, from 1 to A - 1.", _whole),
    "x": Argument("float", "Joint mass of a light label, in (0, 1].", checks.half_open_unit),
    "xi": Argument("float", "The value of the function `xi` at the teacher, in [0, 1].", _near_unit),
    "rho": Argument("array_like, shape (S,)", "Law of the inputs.", _law_of_inputs, shaped=True),
    "w": Argument("array_like, shape (S, A)", "Joint masses rho(s) pi*(a|s), a law.", _joint_masses, shaped=True),
    "kl": Argument("float or array_like", "Relative entropy, natural logarithm.", checks.not_negative),
    "M": Argument("float", "Bound on the Euclidean norm of every phi(x, y), above 0.", checks.positive),
    "distance": Argument("float or array_like", "Euclidean distance of the two parameters.", checks.not_negative),
}

#: With one of these the docstring of a formula goes on after its words.
HEADINGS = ("\nNotes\n-----\n", "\nExamples\n--------\n")

#: Sections of the docstring of every bound, before these.
SECTIONS = """
Parameters
----------
{parameters}
Returns
-------
float, or ndarray of float64 for a sequence of {sequence}

Raises
------
ValueError
    If an argument is malformed; the message names it.
"""


#: Name of a bound -> the ids of what it states, in `kt_theory.statements`.
STATED: dict[str, tuple[str, ...]] = {}


def stating(*ids: str, units: str = RISK) -> Callable[[Stated], Stated]:
    """Make a formula the bound that states the statements of these ids: its arguments, its regime, its docstring.

    The formula is called with checked arguments, `n` an array of float64, inside the regime of one of the statements
    only; elsewhere the bound is NaN. A scalar n gives a float.
    """
    said = [STATEMENTS[id] for id in ids]

    def attach(formula: Stated) -> Stated:
        STATED[formula.__name__] = ids
        lines = [
            "Statement: " + "; ".join(f"{statement.source} ({statement.id})" for statement in said),
            f"Grade: {said[0].grade}",
            f"Status: {said[0].status}",
            f"Units: {units}",
            "Valid for: " + "; or ".join(statement.regime for statement in said),
            "Outside: nan",
        ]
        return _evaluated(formula, ARGUMENTS, lines, said)

    return attach


def quantity(**special: Argument) -> Callable[[Stated], Stated]:
    """Make a formula a function like the bounds, of what a statement bounds: at every n, with a docstring of its own.

    `special`: arguments that are not those of `ARGUMENTS`.
    """
    return lambda formula: _evaluated(formula, {**ARGUMENTS, **special}, [], None)


def _evaluated(
    formula: Stated, known: Mapping[str, Argument], lines: Sequence[str], said: Sequence[Metadata] | None
) -> Stated:
    names = tuple(inspect.signature(formula).parameters)

    @functools.wraps(formula)
    def bound(*args: Any, **given: Any) -> Any:
        if args or given.keys() != set(names):
            return formula(*args, **given)  # the TypeError of such a call
        place: dict[str, Any] = {}
        for name in names:
            if name != "n":
                sizes = (place["S"], place["A"]) if known[name].shaped else ()
                place[name] = known[name].check(name, given[name], *sizes)
        if "n" not in names:
            return formula(**place)
        n = checks.whole_numbers("n", given["n"])
        inside = np.full(n.shape, said is None)
        for statement in said or ():
            inside |= statement.applies_at(n=n, **place)
        values = np.full(n.shape, np.nan)
        if inside.any():
            with np.errstate(divide="ignore", over="ignore"):  # rho = 1 or p = 1: log1p(-1) = -inf is right
                values[inside] = formula(n=n[inside].astype(np.float64), **place)
        return values if np.ndim(given["n"]) else values.item()

    bound.__doc__ = _documented(formula, names, known, lines)
    return cast("Stated", bound)


def _documented(
    formula: Callable[..., Any], names: Sequence[str], known: Mapping[str, Argument], lines: Sequence[str]
) -> str | None:
    """The docstring of a bound: its own words, what its statement says, and what its arguments are."""
    text = inspect.getdoc(formula)
    if text is None:  # python -OO
        return None
    entries = ""
    for name in names:
        kind, meaning = "int or sequence of int", "Number of samples, 0 or more."
        if name != "n":
            kind, meaning = known[name].type, known[name].meaning
        entries += f"{name} : {kind}\n    {meaning}\n"
    sections = SECTIONS.format(parameters=entries, sequence="n" if "n" in names else "arguments")
    heading = next(heading for heading in HEADINGS if heading in text)
    says, rest = text.split(heading, 1)
    return "\n".join([says, *lines, ""]) + f"{sections}{heading}{rest}"


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
