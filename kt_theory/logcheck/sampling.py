"""How a log was sampled: from the stated law or not, greedily, from its most likely labels, at which temperature."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from kt_theory.logcheck.finding import Finding
from kt_theory.logcheck.laws import LEVELS, REFERENCE, TOPS, Cells, Totals, inverse_temperature

#: The normal law is not used where the skewness of a sum exceeds this: the sum has too few open records.
SKEWNESS_MAX = 0.4

#: A test of at least this power against an alternative reports that the alternative would have been found.
POWER = 0.9

#: The temperature that "sampled as stated" must be distinguished from.
NEAR = 0.9


#: Which part of the level is for the number of records outside of labels whose told mass is 1.
FORBIDDEN = 0.1


@dataclass(frozen=True)
class Tests:
    """The tests of the stated law on one log.

    Attributes
    ----------
    z : float
        Of log p, positive where labels are likelier than stated; NaN where a normal law would not do.
    z_truncation : float
        Of the likelihood ratio of top-p at 0.9, positive where less is drawn beyond it than stated; NaN likewise.
    p : float
        Of both: two-sided in the first, one-sided in the second. Where both are NaN, the reciprocal of `e`.
    e : float
        The largest value of the mixture of test martingales: 1 / e is a p-value, at any stopping time.
    """

    z: float
    z_truncation: float
    p: float
    e: float


def tests_of(totals: Totals, slack: float) -> Tests:
    """The tests, from sums over the records."""
    z = _standard(totals.score, totals.variance, totals.skew, totals.steps, slack)
    cut = _standard(totals.excess, totals.square, totals.cube, totals.steps, slack)
    e = math.exp(min(totals.peak, 700.0))
    if math.isnan(z) or math.isnan(cut):
        one = 2 * special.ndtr(-abs(z)) if not math.isnan(z) else special.ndtr(-cut)
        p = 1 / e if math.isnan(one) else float(one)
    else:
        correlation = totals.product / math.sqrt(totals.variance * totals.square)
        p = _joint(max(abs(z), cut), min(max(correlation, -0.999), 0.999))
    return Tests(z, cut, p, e)


def _standard(total: float, variance: float, third: float, steps: float, slack: float) -> float:
    """A martingale over its standard deviation, as a normal variable; towards 0 by what rounding may have moved it.

    Skewness is taken out by the first term of Cornish and Fisher's expansion, z - skewness (z^2 - 1) / 6; z^2 stands at
    16 in it beyond 4 standard deviations, so that it rises with z.
    """
    if variance <= 0 or abs(third) > SKEWNESS_MAX * variance**1.5:
        return math.nan
    z = total / math.sqrt(variance)
    z -= third / variance**1.5 * (min(z * z, 16.0) - 1) / 6
    return math.copysign(max(abs(z) - slack * math.sqrt(steps), 0.0), z)


def _joint(c: float, correlation: float) -> float:
    """P(|X| >= c or Y >= c) of two standard normal variables."""
    if c <= 0:
        return 1.0
    nodes, weights = _nodes()
    x = c * nodes
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    inner = special.ndtr(-(c - correlation * x) / math.sqrt(1 - correlation**2))
    return float(2 * special.ndtr(-c) + c * (weights * density * inner).sum())


@functools.lru_cache(maxsize=1)
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's rule: 200 nodes resolve a normal density on 40 standard deviations to each side."""
    return np.polynomial.legendre.leggauss(200)


def sampling_findings(cells: Cells, totals: Totals, level: float, zeros: int = 0) -> list[Finding]:
    """The answers to the four questions on how the labels were drawn; `zeros` records have stated probability 0."""
    tests = tests_of(totals, cells.slack)
    beta, error = inverse_temperature(cells)
    kind = _kind(totals, tests, level)
    return [
        _sampled(cells, totals, tests, level, zeros),
        _greedy(cells, totals, level),
        _truncated(cells, totals, tests, level, kind),
        _temperature(cells, totals, tests, beta, error, level, kind),
    ]


def _kind(totals: Totals, tests: Tests, level: float) -> str | None:
    """Which of the alternatives the records fit best, if the stated law is refuted."""
    if tests.p > (1 - FORBIDDEN) * level:
        return None
    families = {
        "temperature": float(totals.temperatures.max()),
        "truncated": float(max(totals.levels.max(), totals.tops[1:].max())),
        "greedy": float(totals.tops[0]),
    }
    return max(families, key=lambda family: (families[family], family == "greedy"))


def _records_for(cells: Cells, totals: Totals, information: float, level: float, *, sides: int) -> int | None:
    """How many records give a test its power, if these hold so much information: a squared expected z.

    What rounding may move z by is taken off; both grow with the root of the records.
    """
    left = math.sqrt(max(information, 0.0)) - cells.slack * math.sqrt(totals.steps)
    if left <= 0 or cells.groups.size < FEWEST:
        return None
    wanted = (special.ndtri(1 - level / sides) + special.ndtri(POWER)) ** 2
    return math.ceil(cells.n * wanted / left**2)


#: From fewer records it is not said how many more would do.
FEWEST = 20


#: The advice where no number of records settles the question.
NO_REPEATS = "no input has a second record or a list of its likely labels: draw each twice, or log the top-k"


def _nothing_known(cells: Cells, question: str) -> Finding:
    return Finding(question, "cannot tell", NO_REPEATS, numbers={"records": cells.n})


def forbidden(cells: Cells, totals: Totals, level: float, zeros: int) -> tuple[str, bool]:
    """The records that the stated law forbids, in words, and whether they refute it.

    A record of stated probability 0 does, unless probabilities are rounded. One of a new label where the told ones
    leave no more than the slack has probability 4 slack at most, whatever came before, as their sum is off by 3 slack
    at most: the number of them is stochastically no larger than that of successes in as many trials as records.
    """
    said, refuted = "", False
    if zeros:
        refuted = not cells.rounded
        said += f"; {_records(zeros)} of labels whose stated probability is 0{', rounded' if cells.rounded else ''}"
    outside = int(totals.impossible)
    if outside:
        tail = special.bdtrc(outside - 1, cells.groups.size, min(4 * cells.slack, 1.0))
        refuted |= bool(tail <= FORBIDDEN * level)
        said += f"; {_records(outside)} of labels outside of told ones whose mass is 1"
    return said, refuted


def _records(number: int) -> str:
    return "1 record is" if number == 1 else f"{number} records are"


def _sampled(cells: Cells, totals: Totals, tests: Tests, level: float, zeros: int) -> Finding:
    beyond, refuted = forbidden(cells, totals, level, zeros)
    if not totals.steps and not refuted:
        return _nothing_known(cells, "sampled")
    numbers = {
        "records": cells.n,
        "records_tested": int(totals.steps),
        "p_value": tests.p,
        "z": tests.z,
        "z_truncation": tests.z_truncation,
        "e_value": tests.e,
        "settled_after": int(totals.settled) or None,
        "records_of_probability_0": zeros,
        "records_outside_of_mass_1": int(totals.impossible),
        "slack": cells.slack,
        "level": level,
    }
    law = "no, from another law than the log-probabilities say"
    if not totals.steps:
        return Finding("sampled", law, beyond.removeprefix("; "), alarm=True, numbers=numbers)
    said = f"p = {tests.p:.2g}"
    if not math.isnan(tests.z):
        said += f", z = {tests.z:.2f}"
    said += f", e-value {_power_of_ten(totals.peak)}, on {int(totals.steps)} of {cells.n} records"
    if cells.slack > 1e-4:
        said += f"; probabilities may be off by {cells.slack:.2g}, relatively"
    said += beyond
    if refuted or tests.p <= (1 - FORBIDDEN) * level:
        if totals.settled:
            said += f"; settled after {int(totals.settled)}"
        return Finding("sampled", law, said, alarm=True, numbers=numbers)
    information = (1 / NEAR - 1) ** 2 * totals.variance
    needed = _records_for(cells, totals, information, level, sides=2)
    if needed is not None and needed <= cells.n and not math.isnan(tests.z):
        return Finding("sampled", "yes", f"{said}; temperature {NEAR} would be seen", numbers=numbers)
    return Finding("sampled", "cannot tell", said, needed=needed, numbers=numbers)


def _greedy(cells: Cells, totals: Totals, level: float) -> Finding:
    if not totals.later:
        return _nothing_known(cells, "greedy")
    said = f"{int(totals.first)} of {int(totals.later)} records are of the most probable label known before"
    evidence = float(totals.tops[0])
    numbers = {"records_tested": int(totals.later), "most_probable": int(totals.first), "log_e_value": evidence}
    if totals.first < totals.later:
        return Finding("greedy", "no", said, numbers=numbers)
    if evidence >= -math.log(level):
        said += f", e-value {_power_of_ten(evidence)}"
        return Finding("greedy", "yes", said, alarm=True, numbers=numbers)
    sure = evidence <= 1e-3 * totals.later
    if sure:
        said += ", to which the log gives probability 1"
    needed = None if sure or totals.later < FEWEST else math.ceil(cells.n * -math.log(level) / evidence)
    return Finding("greedy", "cannot tell", said, needed=needed, numbers=numbers)


def _truncated(cells: Cells, totals: Totals, tests: Tests, level: float, kind: str | None) -> Finding:
    if not totals.steps:
        return _nothing_known(cells, "truncated")
    p = float(special.ndtr(-tests.z_truncation))
    best, top = int(totals.levels.argmax()), int(totals.tops.argmax())
    numbers = {
        "p_value": p,
        "z": tests.z_truncation,
        "mass_more_probable": totals.beyond,
        "labels_more_probable": int(totals.rank),
        "log_e_value_top_p": float(totals.levels.max()),
        "log_e_value_top_k": float(totals.tops[1:].max()),
    }
    labels = f"{int(totals.rank)} label{'' if totals.rank == 1 else 's'}"
    beyond = f"up to {totals.beyond:.3g} of the mass, and {labels}, are more probable than a label that was drawn"
    if kind == "truncated" and (p <= level or max(totals.levels.max(), totals.tops[1:].max()) >= -math.log(level)):
        is_top_p = totals.levels[best] >= totals.tops[top]
        fits = f"top-p {LEVELS[best]} fits best" if is_top_p else f"top-k {TOPS[top]} fits best"
        numbers |= {"top_p": LEVELS[best]} if is_top_p else {"top_k": TOPS[top]}
        e = max(totals.levels[best], totals.tops[top])
        said = f"{fits}, p = {p:.2g}, e-value {_power_of_ten(float(e))}; {beyond}"
        return Finding("truncated", "yes", said, alarm=True, numbers=numbers)
    if kind == "greedy":
        return Finding("truncated", "yes, to the most probable label", "see greedy", alarm=True, numbers=numbers)
    if kind == "temperature":
        return Finding("truncated", "no, see temperature", beyond, numbers=numbers)
    needed = _records_for(cells, totals, totals.square, level, sides=1)
    mass = totals.beyond / (1 + cells.slack)
    if mass >= LEVELS[-1] or (needed is not None and needed <= cells.n and p > level):
        return Finding("truncated", f"not below top-p {max(mass, REFERENCE):.3g}", beyond, numbers=numbers)
    return Finding("truncated", "cannot tell", beyond, needed=needed, numbers=numbers)


def _temperature(
    cells: Cells, totals: Totals, tests: Tests, beta: float, error: float, level: float, kind: str | None
) -> Finding:
    if kind == "greedy":
        return Finding("temperature", "0 (greedy)", "see greedy", alarm=True)
    if math.isnan(beta):
        return _nothing_known(cells, "temperature") if not totals.steps else Finding(
            "temperature", "cannot tell", "the known labels of every input have one probability, or there is one only"
        )
    T = 1 / beta
    # With what rounding may move the score by.
    half = (float(special.ndtri(1 - level / 2)) + cells.slack * math.sqrt(totals.steps)) * error
    low, high = 1 / (beta + half), (1 / (beta - half) if beta > half else math.inf)
    numbers: dict[str, object] = {"temperature": T, "temperature_low": low, "temperature_high": high}
    said = f"draws are at {T:.3g} ({low:.3g} to {high:.3g}) times the temperature of the log-probabilities"
    if math.isinf(error):
        numbers["temperature_low"] = 0.0 if beta > 1 else T
        said = f"draws are at less than {T:.2g} times the temperature of the log-probabilities"
        if beta < 1:
            said = f"draws are at more than {T:.2g} times the temperature of the log-probabilities"
    stated = sorted(set((1 / cells.beta[np.isfinite(cells.beta)]).tolist()) - {1.0})
    if not math.isnan(totals.raw) and stated:
        numbers |= {"stated": stated[0] if len(stated) == 1 else None, "log_e_value_raw": totals.raw}
        named = f"{stated[0]:.3g}" if len(stated) == 1 else "their temperatures"
        if totals.raw >= -math.log(level):
            said += f"; the stated {named} on raw values has e-value {_power_of_ten(totals.raw)} against processed ones"
            return Finding("temperature", f"raw, drawn at {named}", said, alarm=True, numbers=numbers)
        if totals.raw <= math.log(level):
            said += f"; raw values drawn at {named} have e-value {_power_of_ten(totals.raw)}"
            return Finding("temperature", f"processed, or not drawn at {named}", said, numbers=numbers)
    if tests.p <= level and (kind == "temperature" or math.isinf(error) or not low <= 1 <= high):
        return Finding("temperature", f"raw, drawn at about {T:.2g}", said, alarm=True, numbers=numbers)
    needed = _records_for(cells, totals, (1 / NEAR - 1) ** 2 / error**2 if error > 0 else 0.0, level, sides=2)
    if low <= 1 <= high and needed is not None and needed <= cells.n:
        return Finding("temperature", "that of the log-probabilities", said, numbers=numbers)
    return Finding("temperature", "cannot tell", said, needed=needed, numbers=numbers)


def _power_of_ten(log: float) -> str:
    """exp(log), also where it is no float."""
    if abs(log) < 650:
        return f"{math.exp(log):.2g}"
    return f"1e{log / math.log(10):+.0f}"
