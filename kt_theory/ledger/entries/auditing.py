"""Ours: audits of students."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from kt_theory.auditing import self_audit
from kt_theory.exact.risk import exact_risk
from kt_theory.learners.fitting import fit
from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.problems import generator
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.numerics.binomials import binomial
from kt_theory.problem import Problem
from kt_theory.protocols import TransferSet


def pairs_of_laws(effort: Effort) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    rng = generator(effort, "audit")
    for i, A in itertools.product(range(10 * effort.problems), (2, 5, 40)):
        p = rng.dirichlet(np.full(A, 0.5))
        q = rng.dirichlet(np.full(A, 0.5)) if i % 2 else p * np.exp(0.01 * rng.normal(size=A))
        yield f"laws {i} on {A} labels", p, q / q.sum()
    yield "disjoint laws", np.array([1.0, 0.0]), np.array([0.0, 1.0])
    yield "close laws", np.array([0.5, 0.5]), np.array([0.5 - 1e-5, 0.5 + 1e-5])


def what_a_sample_says(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, q)``: the three means, which are the total variation."""
    for where, p, q in pairs_of_laws(effort):
        distance = 0.5 * float(np.abs(p - q).sum())
        for source, mean in zip(("teacher", "student", "both"), claim(p=p, q=q), strict=True):
            yield Trial(f"from the {source}, {where}", abs(mean - distance), 1e-13, "algebra")


def means(p: np.ndarray, q: np.ndarray, *, cut: bool = True, turned: bool = False) -> tuple[float, float, float]:
    """E Z over labels of the teacher p, of the student q, and of half of each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z_p, z_q = (np.where(x > 0, 1 - y / x, 0.0) for x, y in ((p, q), (q, p)))
        z_b = np.where(p + q > 0, np.abs(p - q) / (p + q), 0.0)
    if cut:
        z_p, z_q = np.maximum(z_p, 0.0), np.maximum(z_q, 0.0)
    if turned:
        z_p, z_q = z_q, z_p
    return float(p @ z_p), float(q @ z_q), float((p + q) @ z_b) / 2


def half_of_each(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(total)``, a pair: M_b lies between the two, total = M_t + M_s."""
    for where, p, q in pairs_of_laws(effort):
        square, most = (p - q) ** 2, np.maximum(p, q)
        total = float((square / np.where(most > 0, most, 1.0)).sum())
        both = float((square / (2 * np.where(most > 0, p + q, 1.0))).sum())
        low, high = claim(total=total)
        yield Trial(f"from below, {where}", low, both, "algebra")
        yield Trial(f"from above, {where}", both, high, "algebra")


def coins_of_both(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(m, tv)`` is the probability of a rejection among m / 2 samples of each."""
    for m, (where, p, q) in itertools.product((2, 10), pairs_of_laws(effort)):
        with np.errstate(invalid="ignore"):
            z = np.where(p + q > 0, np.abs(p - q) / (p + q), 0.0)
        some = 1 - ((1 - float(p @ z)) * (1 - float(q @ z))) ** (m // 2)
        distance = 0.5 * float(np.abs(p - q).sum())
        yield Trial(f"{where}, m={m}", abs(some - float(claim(m=m, tv=distance))), 1e-12, "algebra", m)


def square_error(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(m)``: the mean square error of the estimate, whatever the law of Z; coins have the largest."""
    for m, t in itertools.product((1, 2, 5, 30, 400), np.linspace(0, 1, 9)):
        k = np.arange(m + 1.0)
        estimate = (k + math.sqrt(m) / 2) / (m + math.sqrt(m))
        error = float(binomial(k, float(m), float(t)) @ (estimate - t) ** 2)
        yield Trial(f"coins of bias {t:g}, m={m}", error, float(claim(m=m)), "exact", m, 1e-13)
        bias = (m * t + math.sqrt(m) / 2) / (m + math.sqrt(m)) - t
        uniform = bias**2 + m * (min(t, 1 - t) ** 2 / 3) / (m + math.sqrt(m)) ** 2
        yield Trial(f"uniform laws about {t:g}, m={m}", uniform, float(claim(m=m)), "exact", m, 1e-13)


@cache
def least_error(S: int, q: tuple[float, ...], m: int) -> float:
    """The Bayes risk E|t - TV| of estimates from m hard labels: teachers q, or sure of labels drawn from q."""
    weights: dict[tuple[tuple[int, int], ...], dict[float, float]] = {}

    def add(data: tuple[tuple[int, int], ...], distance: float, weight: float) -> None:
        found = weights.setdefault(data, {})
        found[distance] = found.get(distance, 0.0) + weight

    inputs = list(itertools.product(range(S), repeat=m))
    for s in inputs:
        for a in itertools.product(range(len(q)), repeat=m):
            add(tuple(zip(s, a, strict=True)), 0.0, 0.5 / len(inputs) * math.prod(q[x] for x in a))
    for rows in itertools.product(range(len(q)), repeat=S):
        weight = 0.5 / len(inputs) * math.prod(q[x] for x in rows)
        distance = sum(1 - q[x] for x in rows) / S
        for s in inputs:
            add(tuple((i, rows[i]) for i in s), distance, weight)
    # A median of the posterior has the least mean distance: one of the values themselves.
    return sum(
        min(sum(w * abs(t - distance) for distance, w in found.items()) for t in found) for found in weights.values()
    )


def hard_labels(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, m, squares)``: no estimate from m hard labels has a smaller worst error; squares = sum q^2."""
    for S, m, q in itertools.product((1, 2, 4), (1, 2), ((0.5, 0.5), (0.7, 0.2, 0.1), (0.9, 0.1))):
        low = float(claim(S=S, m=m, squares=sum(x * x for x in q)))
        yield Trial(f"S={S}, m={m}, q={q}", low, least_error(S, q, m), "exact", m, 1e-13)


@cache
def mean_self_audit(row: tuple[float, ...], n: int) -> float:
    """The mean of the leave-one-out estimate over all count tables of one input of three labels."""
    total = 0.0
    for i, j in itertools.product(range(n + 1), repeat=2):
        counts = (i, j, n - i - j)
        if counts[2] < 0 or any(c and not x for c, x in zip(counts, row, strict=True)):
            continue
        weight = float(math.factorial(n))
        for c, x in zip(counts, row, strict=True):
            weight *= x**c / math.factorial(c)
        total += weight * self_audit(TransferSet.from_counts([counts], [row], "partial")).risk
    return total


def leave_one_out(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem, n)`` is the mean of the leave-one-out estimate of n records."""
    for row, n in itertools.product(((0.5, 0.25, 0.25), (0.9, 0.06, 0.04), (0.7, 0.3, 0.0)), (1, 2, 3, 6)):
        value = float(claim(problem=Problem(np.ones(1), np.array([row])), n=n))
        yield equal(f"row {row}, n={n}", mean_self_audit(row, n), value, 1e-11, "exact", n)


def missing(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(M, u)``: the largest total variation at an input with missing mass M on u unseen labels."""
    rng = generator(effort, "free bound")
    for i in range(20 * effort.problems):
        A = int(rng.integers(2, 8))
        row = rng.dirichlet(np.full(A, (0.2, 1.0)[i % 2]))
        counts = rng.multinomial(1 + i % 5, row)
        data = TransferSet.from_counts([counts], [row], "partial")
        apart = 0.5 * float(np.abs(np.asarray(fit(data, "SEL_ptl"))[0] - row).sum())
        unseen = int((counts == 0).sum())
        if unseen > 1:  # one unseen label has all that is missing, but for a rounding
            yield Trial(f"row {i}", apart, float(claim(M=float(data.missing_mass[0]), u=unseen)), "exact", error=1e-13)
    for A in (2, 3, 8):
        row = np.array([0.5, 0.5, *np.zeros(A - 2)])
        data = TransferSet.from_counts([[1, *([0] * (A - 1))]], [row], "partial")
        apart = 0.5 * float(np.abs(np.asarray(fit(data, "SEL_ptl"))[0] - row).sum())
        yield Trial(f"all on one of {A - 1}", apart, float(claim(M=0.5, u=A - 1)), "exact", error=1e-13)


STATEMENTS = (
    stated(
        "ours-audit-mean",
        claim=means,
        check=what_a_sample_says,
        planted=(
            PlantedError("the positive part is left out", partial(means, cut=False)),
            PlantedError("q/p becomes p/q", partial(means, turned=True)),
        ),
    ),
    stated(
        "ours-audit-both",
        claim=lambda total: (total / 4, total / 2),
        check=half_of_each,
        planted=(
            PlantedError("1/2 becomes 2/5", lambda total: (total / 4, 0.4 * total)),
            PlantedError("1/4 becomes 1/3", lambda total: (total / 3, total / 2)),
        ),
    ),
    stated(
        "ours-false-coins",
        claim=lambda m, tv: 1 - (1 - tv) ** m,
        check=coins_of_both,
        note="The coins of a half have the bias of that half. Some rejection is then likelier than of a binomial "
        "number, and the lower limit of Clopper and Pearson at one rejection misses more often than it says.",
        planted=(
            PlantedError("m becomes m - 1", lambda m, tv: 1 - (1 - tv) ** (m - 1)),
            PlantedError("m becomes m + 1", lambda m, tv: 1 - (1 - tv) ** (m + 1)),
        ),
    ),
    stated(
        "ours-audit-minimax",
        claim=lambda m: 1 / (4 * (1 + math.sqrt(m)) ** 2),
        check=square_error,
        note="From below: even whole rows are coins of bias TV if the student is sure of one label and rows of it or "
        "of another (Hodges and Lehmann 1950).",
        planted=(
            PlantedError("1 + sqrt m becomes 2 + sqrt m", lambda m: 1 / (4 * (2 + math.sqrt(m)) ** 2)),
            PlantedError("4 becomes 5", lambda m: 1 / (5 * (1 + math.sqrt(m)) ** 2)),
            PlantedError("the square becomes a cube", lambda m: 1 / (4 * (1 + math.sqrt(m)) ** 3)),
        ),
    ),
    stated(
        "ours-audit-hard",
        claim=lambda S, m, squares: 0.5 * (1 - m * (m - 1) / (2 * S)) * (1 - squares),
        check=hard_labels,
        planted=(
            PlantedError("the half is left out", lambda S, m, squares: (1 - m * (m - 1) / (2 * S)) * (1 - squares)),
            PlantedError("m(m - 1) becomes 0", lambda S, m, squares: 0.5 * (1 - squares)),
        ),
    ),
    stated(
        "ours-audit-self",
        claim=lambda problem, n: exact_risk(problem, "SEL_ptl", n - 1).value,
        check=leave_one_out,
        planted=(
            PlantedError("n - 1 becomes n", lambda problem, n: exact_risk(problem, "SEL_ptl", n).value),
            PlantedError("SEL_ptl becomes CE_sgl", lambda problem, n: exact_risk(problem, "CE_sgl", n - 1).value),
        ),
    ),
    stated(
        "ours-audit-free",
        claim=lambda M, u: M * (1 - 1 / u),
        check=missing,
        planted=(
            PlantedError("1/|U| becomes 2/|U|", lambda M, u: M * (1 - 2 / u)),
            PlantedError("the missing mass is halved", lambda M, u: M * (1 - 1 / u) / 2),
        ),
    ),
)
