r"""The lemmas behind the theorems: Z&Z Lemmas E.1 to E.9, Corollary E.10 and Proposition H.2.

None of them is about a learner, and most are inequalities between numbers, so the places are chosen by hand: where the
two sides meet, at the ends of the regime, and at n up to 10^12.

* E.1 has no finite form in the paper. What stands behind it is Hoeffding's inequality and the union bound: after n
  draws all A frequencies are within sqrt(log(2A/alarm)/(2n)) of their limit but for a chance `alarm`, which is summable
  over n at alarm = n^-2. It is tried along paths: one sample that grows from n = 1 to 10^12.
* E.2 and H.2 are tried by hill climbing over pairs of laws, and over log-linear models.
* E.3 and E.4 are about CE_sgl on a single input; E.6 and E.7 about SEL_ptl on a single input that says, of what it has
  not seen, a label which is never drawn: its risk is the missing mass.
* E.5, E.8 and E.9 are checked in exact fractions as far as those go. A bound on a tail at a level that may be chosen,
  as in E.9 and E.10, is tried at the jumps of the law.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, partial

import numpy as np
from scipy import special

from kt_theory import bounds
from kt_theory.exact.law import risk_law
from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.attacks.problems import UNIFORM, climb, generator, moved, one_row, start_table
from kt_theory.ledger.attacks.quantiles import DELTAS, jumps, quantile_upper
from kt_theory.ledger.attacks.simulation import quantile_from_below, sampled_cached
from kt_theory.ledger.statement import ALARM, Claim, Effort, PlantedError, Trial, stated
from kt_theory.numerics.binomials import binomial
from kt_theory.problem import Problem

#: Numbers of samples for inequalities between numbers.
EVERY_N = (0, 1, 2, 3, 5, 8, 20, 50, 100, 1000, 10**4, 10**6, 10**9, 10**12)

#: Up to here sums of binomial probabilities are done in exact fractions.
IN_FRACTIONS = 20


def one_input(bound: Claim, letters: str = "A") -> Claim:
    """A bound on a single law, whose letters it calls `letters`, as a claim that says nothing of several inputs."""

    def claim(S: int, A: int, n: int, **rest: float) -> float:
        return float(bound(**{letters: A}, n=n, **rest)) if S == 1 else math.nan

    return claim


# --- E.1: frequencies converge ------------------------------------------------------------------------------


def hoeffding(p: np.ndarray, n: int, alarm: float) -> tuple[np.ndarray, float]:
    """Where the frequencies of n draws from p are, and how far off at most but for a chance `alarm`."""
    return p, math.sqrt(math.log(2 * p.size / alarm) / (2 * n)) if n > 0 else math.nan


@cache
def paths(effort: Effort) -> tuple[tuple[np.ndarray, int, np.ndarray], ...]:
    """Laws p, numbers of draws n, and the frequencies of several growing samples, shape (samples, A)."""
    rng = generator(effort, "paths")
    samples = 4 + effort.reps // 1000
    found = []
    for p in (
        np.ones(1),
        np.array([0.5, 0.5]),
        np.array([0.9, 0.1, 0.0]),
        np.array([1 - 1e-6, 1e-6]),
        rng.dirichlet(np.full(10, 0.5)),
        np.full(100, 0.01),
    ):
        counts = np.zeros((samples, p.size), dtype=np.int64)
        before = 0
        for n in (1, 2, 5, 10, 100, 1000, 10**4, 10**6, 10**9, 10**12):
            counts += rng.multinomial(n - before, p, size=samples)
            before = n
            found.append((p, n, counts / n))
    return tuple(found)


def along_paths(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, n, alarm)``: a limit and a radius in sup norm."""
    for p, n, frequencies in paths(effort):
        limit, radius = claim(n=n, p=p, alarm=ALARM / len(frequencies))
        off = float(np.abs(frequencies - limit).max())
        yield Trial(f"law on {p.size} labels, n={n}", off, radius, "simulation", n, alarm=ALARM)


# --- E.2: Bretagnolle and Huber -----------------------------------------------------------------------------


def tv_and_kl(p: np.ndarray, q: np.ndarray) -> tuple[float, float]:
    """TV(p, q) and KL(p, q), infinite where p is not dominated."""
    return 0.5 * math.fsum(np.abs(p - q)), max(math.fsum(special.rel_entr(p, q)), 0.0)


def slack_of(p: np.ndarray, q: np.ndarray) -> float:
    """-(1 - TV) exp(KL): the largest constant in place of 1/2 is the least of (1 - TV) exp(KL)."""
    tv, kl = tv_and_kl(p, q)
    return -(1 - tv) * math.exp(min(kl, 700.0))


@cache
def pairs_of_laws(effort: Effort) -> tuple[tuple[str, str, float, float], ...]:
    """Places, kinds, TV and KL."""
    found = []
    grid = (0.0, 1e-9, 1e-3, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999, 1.0)
    for a, b in itertools.product(grid, grid):
        found.append(
            (f"({a:g}, {1 - a:g}) and ({b:g}, {1 - b:g})", "exact", np.array([a, 1 - a]), np.array([b, 1 - b]))
        )
    rng = generator(effort, "pairs of laws")
    for A, i in itertools.product((1, 2, 3, 10), range(5 * effort.problems)):
        p, q = rng.dirichlet(np.full(A, (1.0, 0.1)[i % 2]), size=2)
        found.append((f"random laws on {A} labels, number {i}", "exact", p, q))
    for A, start in itertools.product((2, 3, 5), range(1 + effort.starts)):
        p, q = rng.dirichlet(np.ones(A), size=2)
        height = slack_of(p, q)
        for _ in range(effort.steps):
            near = (moved(p, rng), q) if rng.random() < 0.5 else (p, moved(q, rng))
            if slack_of(*near) > height:
                (p, q), height = near, slack_of(*near)
        found.append((f"laws on {A} labels found by search, number {start}", "search", p, q))
    return tuple((where, kind, *tv_and_kl(p, q)) for where, kind, p, q in found)


def over_pairs(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(kl)`` bounds a total variation."""
    for where, kind, tv, kl in pairs_of_laws(effort):
        yield Trial(where, tv, float(claim(kl=kl)), kind, error=1e-14)


# --- E.5: a cell's share of the missing mass ----------------------------------------------------------------


@cache
def cells(n: int) -> tuple[tuple[float, float], ...]:
    """Masses x and x (1 - x)^n, the latter from exact fractions for small n."""
    top = 1 / (n + 1)
    masses = {0.0, 1.0, 0.5, 1e-300, *(min(top * c, 1.0) for c in (0.01, 0.5, 0.9, 0.999, 1.0, 1.001, 1.1, 2, 5))}
    if n <= IN_FRACTIONS:
        return tuple((x, float(Fraction(x) * (1 - Fraction(x)) ** n)) for x in sorted(masses))
    return tuple((x, x * math.exp(n * math.log1p(-x)) if x < 1 else 0.0) for x in sorted(masses))


def every_cell(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n)`` bounds x (1 - x)^n for every x."""
    for n in EVERY_N:
        rhs = float(claim(n=n))
        for x, value in cells(n):
            yield Trial(f"x={x:.4g}, n={n}", value, rhs, "algebra", n)


# --- E.6 and E.7: the missing mass --------------------------------------------------------------------------


def with_label_never_said(problem: Problem) -> Problem:
    """The problem with one label more, of probability 0."""
    return Problem(problem.rho, np.hstack([problem.teacher, np.zeros((problem.S, 1))]), name=problem.name)


@cache
def bad_missing_masses(effort: Effort) -> tuple[tuple[str, str, int, int, float, float, float], ...]:
    """Places, kinds, letters, n, values of the missing mass, how likely they are at least, and its mean."""
    found = []
    for n, c in itertools.product((2, 10, 100, 1000, 10**6, 10**9, 10**12), (0.5, 2.31, 3.0, 5.0, 15.0)):
        x = min(c / n, 0.9)
        unseen = math.exp(n * math.log1p(-x))  # the other letter is all that was seen
        mean = x * unseen + (1 - x) * x**n
        found.append((f"law ({x:.4g}, rest), n={n}", "exact", 2, n, x, unseen, mean))
    rng = generator(effort, "missing masses")
    for (K, n), delta in itertools.product(((2, 6), (3, 8), (4, 6)), (0.1, 0.01)):

        def excess(problem: Problem, n: int = n, delta: float = delta) -> float:
            wider = with_label_never_said(problem)
            law = risk_law(wider, "SEL_ptl", n, start_table(wider, "hostile"))
            return law.quantile(1 - delta) - law.mean()

        best = climb(excess, one_row(*rng.dirichlet(np.ones(K))), effort.steps // 4, rng)[0]
        wider = with_label_never_said(best)
        law = risk_law(wider, "SEL_ptl", n, start_table(wider, "hostile"))
        for v, likely in jumps(law):
            where = f"law on {K} letters found by search, n={n}, delta={likely:.3g}"
            found.append((where, "search", K, n, v, likely, law.mean()))
    return tuple(found)


def missing_mass(claim: Claim, effort: Effort, above_mean: bool) -> Iterator[Trial]:
    """``claim(size, n, delta)`` bounds the missing mass of a number of letters, or what exceeds its mean."""
    yield from quantile_upper("SEL_ptl", ("hostile",), above_mean=above_mean, labels=1)(
        one_input(claim, "size"), effort
    )
    for where, kind, K, n, value, likely, mean in bad_missing_masses(effort):
        rhs = float(claim(size=K, n=n, delta=min(likely * (1 - 1e-9), 1 - 1e-9)))
        yield Trial(where, value - mean * above_mean, rhs, kind, n, 1e-12 if kind == "search" else 0.0)
    if above_mean:  # simulated quantiles, whose mean is known
        for where, problem, n, masses in sampled_cached("SEL_ptl", "hostile", True, effort):
            if problem.S == 1:
                p = problem.teacher[0]
                mean = math.fsum(p * (1 - p) ** n)
                for delta in DELTAS:
                    lhs, rhs = (
                        quantile_from_below(masses, delta) - mean,
                        float(claim(size=problem.A - 1, n=n, delta=delta)),
                    )
                    yield Trial(f"{where}, delta={delta}", lhs, rhs, "simulation", n, alarm=ALARM)


# --- E.8 to E.10: visits ------------------------------------------------------------------------------------


@cache
def visits() -> tuple[tuple[int, float], ...]:
    """Numbers of samples and probabilities of a visit, whose binomial laws are short or symmetric enough to add up."""
    short = [(n, p) for n in (0, 1, 2, 3, 8, 20) for p in (1e-9, 0.01, 0.1, 0.5, 0.9, 1.0)]
    return (*short, *((n, c / n) for n in (1000, 10**6, 10**9, 10**12) for c in (1e-6, 0.1, 1.0, 30.0)))


@cache
def inverse_visits(n: int, p: float) -> float:
    """E 1/(X + 1) for X ~ Bin(n, p), as a sum over X: in exact fractions, or over a window that leaves out < 1e-30."""
    if n <= IN_FRACTIONS:
        x = Fraction(p)
        return float(sum(Fraction(math.comb(n, k), k + 1) * x**k * (1 - x) ** (n - k) for k in range(n + 1)))
    counts = np.arange(300)
    return math.fsum(binomial(counts, n, p) / (counts + 1))


def mean_of_inverse(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, p)`` equals E 1/(X + 1)."""
    for n, p in visits():
        yield equal(f"n={n}, p={p:.4g}", inverse_visits(n, p), float(claim(n=n, p=p)), 1e-12, n=n)


def below_inverse(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, p)`` bounds E 1/(X + 1)."""
    for n, p in visits():
        yield Trial(f"n={n}, p={p:.4g}", inverse_visits(n, p), float(claim(n=n, p=p)), "algebra", n)


@cache
def few_visits() -> tuple[tuple[int, float, int, float, float], ...]:
    """(n, p, k, P(X <= k), its error) for X ~ Bin(n, p): in exact fractions for small n, else by the beta function."""
    found = []
    for n in (1, 2, 3, 8, 20, 100, 1000, 10**6, 10**9, 10**12):
        for p in {1e-9, 0.01, 0.1, 0.5, 0.9, 1.0, min(1.0, 1.0001 / n), min(1.0, 4.0001 / n), min(1.0, 40 / n)}:
            mean = n * p
            shortfalls = (0.0, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 9.0)
            for k in {0, *(math.floor(mean - z * math.sqrt(mean)) for z in shortfalls)}:
                if not 0 <= k < mean or k > n:
                    continue
                if n <= IN_FRACTIONS:
                    x = Fraction(p)
                    cdf = float(sum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(k + 1)))
                    found.append((n, p, k, cdf, 0.0))
                elif p < 1:
                    cdf = float(special.betaincc(k + 1, n - k, p))  # bdtr would take 1 - p, and lose a small p
                    found.append((n, p, k, cdf, 1e-7 * cdf))
    return tuple(found)


def low_visits(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, p, eta)`` bounds P(X <= (1 - eta) n p), tried where (1 - eta) n p is just above a whole number."""
    for n, p, k, cdf, error in few_visits():
        eta = min((1 - k / (n * p)) * (1 - 1e-12) - 1e-15, 1 - 1e-9)  # the largest that the jump at k allows
        if eta > 0:
            yield Trial(f"n={n}, p={p:.4g}, eta={eta:.4g}", cdf, float(claim(n=n, p=p, eta=eta)), "exact", n, error)


def high_inverse(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(n, p, delta)`` bounds 1/(X + 1) with probability 1 - delta, tried with delta just below P(X <= k)."""
    for n, p, k, cdf, _ in few_visits():
        delta = min(cdf * (1 - 1e-6), 1 - 1e-9)
        if delta > 1e-300:
            rhs = float(claim(n=n, p=p, delta=delta))
            yield Trial(f"n={n}, p={p:.4g}, delta={delta:.3g}", 1 / (k + 1), rhs, "exact", n)


def inverse_with(eta_of: Callable[[int, float, float], float]) -> Claim:
    """Corollary E.10 with another eta."""

    def claim(n: int, p: float, delta: float) -> float:
        eta = eta_of(n, p, -math.log(delta))
        return 1 / ((1 - eta) * n * p + 1) if eta < 1 else math.nan

    return claim


# --- H.2: log-linear teachers -------------------------------------------------------------------------------

#: Features phi(x, y), shape (X, Y, d), two parameters, and a law of the inputs.
Model = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def sides_of(model: Model) -> tuple[float, float, float]:
    """The total variation under the law of the inputs, M, and the distance of the parameters."""
    phi, theta, other, nu = model
    tables = [special.softmax(phi @ parameter, axis=1) for parameter in (theta, other)]
    tv = 0.5 * math.fsum(nu * np.abs(tables[0] - tables[1]).sum(axis=1))
    return tv, float(np.linalg.norm(phi, axis=2).max()), float(np.linalg.norm(theta - other))


def random_model(rng: np.random.Generator, X: int, Y: int, d: int, scale: float, apart: float) -> Model:
    theta = scale * rng.normal(size=d)
    return rng.normal(size=(X, Y, d)), theta, theta + apart * rng.normal(size=d), rng.dirichlet(np.ones(X))


@cache
def log_linear_models(effort: Effort) -> tuple[tuple[str, str, float, float, float], ...]:
    """Places, kinds, total variations, M, and distances."""
    found = []
    for M, theta in itertools.product((1e-3, 1.0, 100.0), (0.0, 1e-3, 0.1, 1.0, 30.0)):
        two = np.array([[[M], [-M]]]), np.array([theta]), np.array([-theta]), np.ones(1)
        found.append((f"two labels, phi = +-{M:g}, theta = +-{theta:g}", "exact", two))
    rng = generator(effort, "log-linear")
    for d, Y, i in itertools.product((1, 2, 3, 4, 5), (1, 2, 5), range(effort.problems)):
        model = random_model(rng, 1 + i % 3, Y, d, (0.1, 1.0, 10.0)[i % 3], (1.0, 0.01)[i % 2])
        found.append((f"random model of dimension {d}, {Y} labels, number {i}", "exact", model))
    for d in (1, 2, 3, 4, 5):
        model, best = random_model(rng, 2, 3, d, 1.0, 0.3), 0.0
        for step in range(effort.steps):
            size = 0.5 * 0.02 ** (step / effort.steps)
            near: Model = (*(part + size * rng.normal(size=part.shape) for part in model[:3]), model[3])  # type: ignore[assignment]
            tv, M, apart = sides_of(near)
            if tv > best * M * apart:
                model, best = near, tv / (M * apart)
        found.append((f"model of dimension {d} found by search", "search", model))
    return tuple((where, kind, *sides_of(model)) for where, kind, model in found)


def over_models(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(M, distance)`` bounds the total variation of two log-linear tables."""
    for where, kind, tv, M, apart in log_linear_models(effort):
        yield Trial(where, tv, float(claim(M=M, distance=apart)), kind, error=1e-14)


STATEMENTS = (
    stated(
        "zz-E.1",
        claim=hoeffding,
        check=along_paths,
        planted=(
            PlantedError(
                "the limit is p^2, scaled to one", lambda p, n, alarm: (p**2 / (p @ p), hoeffding(p, n, alarm)[1])
            ),
            PlantedError("n^-1/2 becomes n^-0.6", lambda p, n, alarm: (p, hoeffding(p, n, alarm)[1] * n**-0.1)),
            PlantedError("n^-1/2 becomes n^-1", lambda p, n, alarm: (p, hoeffding(p, n, alarm)[1] * n**-0.5)),
        ),
        note="Almost sure convergence says nothing at a finite n. What is tried is the radius of Hoeffding's "
        "inequality and the union bound, from which it follows by Borel and Cantelli, along samples that grow to "
        "n = 10^12.",
    ),
    stated(
        "zz-E.2",
        claim=bounds.bretagnolle_huber_upper,
        check=over_pairs,
        planted=(
            PlantedError("the factor 1/2 becomes 9/10", lambda kl: 1 - 0.9 * math.exp(-kl)),
            PlantedError("the factor 1/2 moves into the exponent", lambda kl: 1 - math.exp(-kl / 2)),
            PlantedError("bits for nats", lambda kl: 1 - 2.0**-kl / 2),
        ),
        note="Attained by disjoint laws, where both sides are 1. Elsewhere 1/2 is not the best constant: the least "
        "(1 - TV) exp(KL) that search finds is 0.8359, at (0.745, 0.255) and (0.372, 0.628).",
    ),
    stated(
        "zz-E.3",
        claim=one_input(bounds.empirical_tv_upper_mean),
        check=mean_upper("CE_sgl", UNIFORM),
        planted=(
            PlantedError("1/2 becomes 0.39", one_input(lambda A, n: 0.39 * math.sqrt(A / n) if n else math.nan)),
            PlantedError("sqrt(A) becomes A^0.4", one_input(lambda A, n: 0.5 * A**0.4 * n**-0.5 if n else math.nan)),
            PlantedError("n^-1/2 becomes n^-0.6", steeper(one_input(bounds.empirical_tv_upper_mean), 0.1)),
        ),
    ),
    stated(
        "zz-E.4",
        claim=one_input(bounds.empirical_tv_upper_whp),
        check=quantile_upper("CE_sgl", UNIFORM),
        planted=(
            PlantedError("2 n becomes 4 n", scaled(one_input(bounds.empirical_tv_upper_whp), math.sqrt(0.5))),
            PlantedError(
                "the union over sets of labels is forgotten: no A log 2",
                one_input(lambda A, n, delta: math.sqrt(-math.log(delta) / (2 * n)) if n else math.nan),
            ),
            PlantedError(
                "L loses delta: the bound of the median with high probability",
                one_input(lambda A, n, delta: bounds.empirical_tv_upper_whp(A=A, n=n, delta=0.5)),
            ),
        ),
    ),
    stated(
        "zz-E.5",
        claim=bounds.cell_missing_upper,
        check=every_cell,
        planted=(
            PlantedError("the power becomes its limit 1/e", lambda n: 1 / (math.e * (n + 1))),
            PlantedError("the power has exponent n + 1", lambda n: (n / (n + 1)) ** (n + 1) / (n + 1)),
            PlantedError("1/(n + 1) becomes 1/(n + 2)", lambda n: bounds.cell_missing_upper(n=n) * (n + 1) / (n + 2)),
        ),
        note="Attained at x = 1/(n + 1).",
    ),
    stated(
        "zz-E.5-simple",
        claim=bounds.cell_missing_upper_simple,
        check=every_cell,
        planted=(
            PlantedError("4/9 becomes 1/3", lambda n: 1 / (3 * n) if n else math.nan),
            PlantedError("n becomes n^2", lambda n: 4 / (9 * n * n) if n else math.nan),
            PlantedError("n becomes n + 1", lambda n: 4 / (9 * (n + 1))),
        ),
        note="Printed as (4/9) n, which is true for n >= 1 and vacuous (slip-1). The best constant is 1/e = 0.368.",
    ),
    stated(
        "zz-E.6",
        claim=bounds.missing_mass_excess_upper_whp,
        check=partial(missing_mass, above_mean=True),
        planted=(
            PlantedError("3 becomes 1/2", scaled(bounds.missing_mass_excess_upper_whp, 1 / 6)),
            PlantedError(
                "log(1/delta) is dropped",
                lambda size, n, delta: 3 * math.sqrt(size) / n if n and delta <= 0.1 else math.nan,
            ),
            PlantedError("n becomes n^1.5", steeper(bounds.missing_mass_excess_upper_whp, 0.5)),
        ),
        note="3 is generous: with two letters of which one is light the ratio tends to 1/(3 sqrt 2) = 0.2357.",
    ),
    stated(
        "zz-E.7",
        claim=bounds.missing_mass_upper_whp,
        check=partial(missing_mass, above_mean=False),
        planted=(
            PlantedError(
                "4/9 becomes 1/9 and 3 becomes 1/3: all of it over 9",
                lambda size, n, delta: (
                    (size + 3 * math.sqrt(size) * -math.log(delta)) / (9 * n) if n and delta <= 0.1 else math.nan
                ),
            ),
            PlantedError(
                "the first term is dropped, and 3 becomes 1: what is above the mean is taken for all",
                lambda size, n, delta: math.sqrt(size) * -math.log(delta) / n if n and delta <= 0.1 else math.nan,
            ),
            PlantedError("n becomes n^1.5", steeper(bounds.missing_mass_upper_whp, 0.5)),
        ),
    ),
    stated(
        "zz-E.8",
        claim=bounds.inverse_visits_mean,
        check=mean_of_inverse,
        planted=(
            PlantedError("the power has exponent n", lambda n, p: (1 - (1 - p) ** n) / (p * (n + 1))),
            PlantedError("p (n + 1) becomes p n + 1", lambda n, p: (1 - (1 - p) ** (n + 1)) / (p * n + 1)),
            PlantedError("the power is dropped", lambda n, p: 1 / (p * (n + 1))),
        ),
        note="Against the sum over X: in exact fractions up to n = 20, and over the 300 likely values up to n = 10^12.",
    ),
    stated(
        "zz-E.8-bound",
        claim=bounds.inverse_visits_upper_mean,
        check=below_inverse,
        planted=(
            PlantedError("Jensen's inequality the wrong way round", lambda n, p: 1 / (n * p + 1)),
            PlantedError("n + 1 becomes n + 2", lambda n, p: 1 / (p * (n + 2))),
            PlantedError("p becomes sqrt(p)", lambda n, p: 1 / (math.sqrt(p) * (n + 1))),
        ),
        note="Attained at p = 1.",
    ),
    stated(
        "zz-E.9",
        claim=bounds.low_visits_upper,
        check=low_visits,
        planted=(
            PlantedError("the 2 is dropped", lambda n, p, eta: math.exp(-(eta**2) * n * p)),
            PlantedError("p is dropped", lambda n, p, eta: math.exp(-(eta**2) * n / 2)),
            PlantedError("eta^2 becomes eta", lambda n, p, eta: math.exp(-eta * n * p / 2)),
        ),
        note="Tends to be attained as n p tends to 0, where both sides tend to 1.",
    ),
    stated(
        "zz-E.10",
        claim=bounds.inverse_visits_upper_whp,
        check=high_inverse,
        planted=(
            PlantedError("the 2 in eta is dropped", inverse_with(lambda n, p, L: math.sqrt(L / (n * p)))),
            PlantedError("p in eta is dropped", inverse_with(lambda n, p, L: math.sqrt(2 * L / n))),
            PlantedError("eta becomes eta^2", inverse_with(lambda n, p, L: 2 * L / (n * p))),
        ),
    ),
    stated(
        "zz-H.2",
        claim=bounds.log_linear_tv_upper,
        check=over_models,
        planted=(
            PlantedError("M becomes M/3", lambda M, distance: M * distance / 3),
            PlantedError("the distance is squared", lambda M, distance: M * distance**2),
            PlantedError("M becomes M^2", lambda M, distance: M * M * distance),
        ),
        note="The search finds no more than M |theta - theta'| / 2, the slope at two labels with phi = +-M.",
    ),
)
