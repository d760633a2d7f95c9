r"""Another sampling law: for one input, labels are drawn from q instead of the teacher's row p.

The expected missing mass is sum_a p_a (1 - q_a)^n. Best is q_a = (1 - (lambda/p_a)^(1/(n-1)))_+, by the condition of
Karush, Kuhn and Tucker; with c_a = 1 - q_a and full support p_a c_a^(n-1) = lambda and sum c_a = A - 1, so that the
value is lambda (A - 1), at most A GM(p) (1 - 1/A)^n since arithmetic means exceed geometric ones. Along q ~ p^(1/T) the
derivative in T at 1 is n sum p^2 (1-p)^(n-1) (log p + H), H the entropy. With uniform draws SEL_ptl, uniform, is
exactly minimax (labels can be swapped), its risk is convex in the teacher, so the worst one is a Dirac, which costs
1 - 1/u while it is one of u unseen labels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.optimize import brentq, minimize

from kt_theory.ledger.attacks.comparing import equal
from kt_theory.ledger.attacks.planting import scaled
from kt_theory.ledger.attacks.problems import climbed, generator
from kt_theory.ledger.statement import ONLY_FORMULA, Claim, Effort, PlantedError, Trial, stated


def zipf(A: int, exponent: float) -> np.ndarray:
    """Zipf's law on A labels."""
    weights = np.arange(1, A + 1) ** -exponent
    return weights / weights.sum()


def missing_under(p: np.ndarray, q: np.ndarray, n: int) -> float:
    """Expected missing mass of p after n draws from q."""
    return math.fsum(p * (1 - q) ** n)


@cache
def enumerated() -> tuple[tuple[str, np.ndarray, np.ndarray, int, float], ...]:
    """Places, p, q, n, and the expected missing mass over all sequences of draws, in exact fractions."""
    found = []
    for p64, q64 in (
        ([64], [64]),
        ([16, 48], [32, 32]),
        ([64, 0], [8, 56]),
        ([32, 32], [64, 0]),
        ([4, 20, 40], [30, 20, 14]),
        ([60, 3, 1], [21, 21, 22]),
    ):
        p, q = ([Fraction(x, 64) for x in law] for law in (p64, q64))
        for n in (0, 1, 2, 5):
            mean = Fraction(0)
            for draws in itertools.product(range(len(p)), repeat=n):
                mean += math.prod((q[a] for a in draws), start=Fraction(1)) * (1 - sum(p[a] for a in set(draws)))
            where = f"p = {p64}/64, q = {q64}/64, n={n}"
            found.append((where, np.array(p, dtype=float), np.array(q, dtype=float), n, float(mean)))
    return tuple(found)


def against_sequences(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, q, n)`` equals the expected missing mass."""
    for where, p, q, n, mean in enumerated():
        yield equal(where, mean, float(claim(n=n, p=p, q=q)), 1e-12, n=n)


def water_filling(p: np.ndarray, n: int, exponent: float | None = None) -> np.ndarray:
    """The sampling law q_a = (1 - (lambda/p_a)^(1/(n-1)))_+ that leaves the least of p unseen; n >= 2."""
    power = 1 / (n - 1) if exponent is None else exponent
    order = np.argsort(-p)
    order = order[p[order] > 0]
    thirst = p[order] ** -power  # ascending; with m labels in use lambda^power = (m - 1) / sum of the first m
    level = np.arange(order.size) / np.cumsum(thirst)
    used = np.flatnonzero(level * thirst < 1)[-1]
    q = np.zeros(p.size)
    q[order] = np.maximum(1 - level[used] * thirst, 0.0)
    return q / q.sum()


@cache
def targets(effort: Effort) -> tuple[tuple[str, np.ndarray], ...]:
    """Laws to be learnt."""
    rng = generator(effort, "targets")
    found = [
        ("one label", np.ones(1)),
        ("(0.9, 0.1)", np.array([0.9, 0.1])),
        ("(1/2, 1/2, 1e-30)", np.array([0.5, 0.5, 1e-30])),
        ("(0.6, 0.3, 0.1, 0)", np.array([0.6, 0.3, 0.1, 0.0])),
        ("uniform, A=5", np.full(5, 0.2)),
        ("Zipf(1), A=20", zipf(20, 1.0)),
    ]
    found += [(f"random, A={A}, number {i}", rng.dirichlet(np.ones(A))) for A in (3, 6) for i in range(effort.problems)]
    return tuple(found)


@cache
def sampling_laws(effort: Effort) -> tuple[tuple[str, np.ndarray, int, tuple[tuple[str, str, float], ...]], ...]:
    """Places, p, n, and the missing mass that other sampling laws leave: (name, kind, value)."""
    rng = generator(effort, "sampling laws")
    found = []
    for (where, p), n in itertools.product(targets(effort), (2, 3, 10, 50)):
        laws = [("p itself", "exact", p), ("uniform", "exact", np.full(p.size, 1 / p.size))]
        laws += [("random", "exact", rng.dirichlet(np.ones(p.size))) for _ in range(effort.problems)]
        for T in (0.5, 2.0, 1 + n / p.size):
            powered = p ** (1 / T)
            laws.append((f"temperature {T:g}", "exact", powered / powered.sum()))

        def less(q: np.ndarray, p: np.ndarray = p, n: int = n) -> float:
            return -missing_under(p, q, n)

        laws.append(
            ("hill climbing", "search", climbed(less, max((q for _, _, q in laws), key=less), effort.steps, rng))
        )
        if p.size in (2, 3, 4, 6) and n <= 10:
            laws.append(("sequential quadratic programming", "search", least_by_programming(p, n)))
        values = tuple((name, kind, missing_under(p, q, n)) for name, kind, q in laws)
        found.append((f"{where}, n={n}", p, n, values))
    return tuple(found)


def least_by_programming(p: np.ndarray, n: int) -> np.ndarray:
    """The best sampling law by a general minimiser."""
    result = minimize(
        lambda q: missing_under(p, q, n),
        np.full(p.size, 1 / p.size),
        jac=lambda q: -n * p * (1 - q) ** (n - 1),
        bounds=[(0, 1)] * p.size,
        constraints={"type": "eq", "fun": lambda q: q.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 200},
    )
    q = np.clip(result.x, 0, 1)
    return q / q.sum()


def no_better_law(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, n)``: the sampling law that leaves the least missing mass."""
    for where, p, n, values in sampling_laws(effort):
        q = claim(n=n, p=p)
        yield Trial(f"is a law, {where}", max(abs(q.sum() - 1), -q.min()), 1e-12, "algebra", n)
        reached = missing_under(p, q, n)
        for name, kind, value in values:
            yield Trial(f"{name}, {where}", reached, value, kind, n)


def geometric_bound(p: np.ndarray, n: int) -> float:
    """A GM(p) (1 - 1/A)^n where the best sampling law uses every label, NaN elsewhere."""
    return geometric_bound_anywhere(p, n) if water_filling(p, n).min() > 0 else math.nan


def geometric_bound_anywhere(p: np.ndarray, n: int) -> float:
    """The same whatever the support."""
    with np.errstate(divide="ignore"):
        return p.size * math.exp(np.log(p).mean()) * (1 - 1 / p.size) ** n


def harmonic_bound(p: np.ndarray, n: int) -> float:
    """The harmonic mean instead of the geometric one."""
    if math.isnan(geometric_bound(p, n)):
        return math.nan
    return p.size / (1 / p).mean() * (1 - 1 / p.size) ** n


def above_optimum(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, n)`` bounds the missing mass that the best sampling law leaves."""
    for where, p, n, values in sampling_laws(effort):
        if p.size > 1:
            least = min(missing_under(p, water_filling(p, n), n), *(value for _, _, value in values))
            yield Trial(where, least, float(claim(n=n, p=p)), "exact", n)


def warming(p: np.ndarray, n: float, weight: int = 2, lag: int = 1) -> float:
    """The derivative, in T at 1, of the expected missing mass under q ~ p^(1/T)."""
    used = p[p > 0]
    logs = np.log(used)
    return n * math.fsum(used**weight * (1 - used) ** (n - lag) * (logs - used @ logs))


def warming_by_complex_step(p: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same derivative for several n from the missing mass at T = 1 + i h, and a scale of its rounding."""
    used, h = p[p > 0], 1e-30
    tempered = np.exp(np.log(used) / (1 + 1j * h))
    q = tempered / tempered.sum()
    left = np.exp(n[:, None] * np.log(1 - q))
    logs = np.abs(np.log(used))
    scale = (used**2 * np.exp((n[:, None] - 1) * np.log1p(-used)) * (logs + used @ logs)).sum(axis=1)
    return (used * left).sum(axis=1).imag / h, n * scale


#: Numbers of draws at which derivatives in T are asked for.
DRAWS = np.arange(1, 401, dtype=np.float64)


@cache
def tempered(effort: Effort) -> tuple[tuple[str, np.ndarray, np.ndarray, np.ndarray], ...]:
    """Places, laws, derivatives in T for all `DRAWS`, and the scale of their rounding."""
    laws = [(where, p) for where, p in targets(effort) if p.size > 1 and p.min() != 1e-30]
    laws += [
        ("Zipf(1), A=100", zipf(100, 1.0)),
        ("Zipf(1), A=1000", zipf(1000, 1.0)),
        ("Zipf(1.5), A=1000", zipf(1000, 1.5)),
    ]
    return tuple((where, p, *warming_by_complex_step(p, DRAWS)) for where, p in laws)


def slopes(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p, n)`` is the derivative in T."""
    for where, p, derivatives, scale in tempered(effort):
        for i in (0, 1, 4, 19, 99, 399):
            n = int(DRAWS[i])
            off = abs(float(claim(n=n, p=p)) - derivatives[i])
            yield Trial(f"{where}, n={n}", off, 1e-10 * scale[i] + 1e-300, "algebra", n)


def crossing(p: np.ndarray, weight: int = 2) -> float:
    """The n, not whole in general, from which on a little warmth helps; NaN if p is constant on its support."""
    used = p[p > 0]
    if np.unique(used).size == 1:
        return math.nan
    shrunk = 1 - used
    logs = np.log(used)

    def slope(n: float) -> float:
        relative = (n - 1) * np.log(shrunk / shrunk.max())  # the slope's sign survives where the slope underflows
        return float((used**weight * np.exp(relative) * (logs - used @ logs)).sum())

    high = 2.0
    while slope(high) > 0:
        high *= 2
    return float(brentq(slope, 0.0, high, xtol=1e-9))


def sides_of_crossing(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(p)``: below it warming hurts, above it warming helps."""
    for where, p, derivatives, scale in tempered(effort):
        certain = (np.abs(derivatives) > 1e-9 * scale) & (scale > 1e-290)
        sign = np.where(certain, np.sign(derivatives), 0.0)
        helps, hurts = np.flatnonzero(sign < 0), np.flatnonzero(sign > 0)
        n0 = float(claim(p=p))
        if hurts.size:
            yield Trial(f"warming hurts, {where}", float(DRAWS[hurts[-1]]), n0, "algebra", DRAWS[hurts[-1]])
        if helps.size:
            yield Trial(f"warming helps, {where}", n0, float(DRAWS[helps[0]]), "algebra", DRAWS[helps[0]])


def uniform_draws(A: int, n: int) -> Fraction:
    """The minimax risk for one input whose labels are drawn uniformly and shown with their probabilities."""
    return Fraction(A - 1, A) ** n - not_all_seen(A=A, n=n) / A


def not_all_seen(A: int, n: int) -> Fraction:
    """The probability that n uniform draws miss one of A labels, by inclusion and exclusion."""
    return sum((Fraction((-1) ** (k + 1) * math.comb(A, k) * (A - k) ** n, A**n) for k in range(1, A + 1)), Fraction(0))


@cache
def unseen_after(A: int, n: int) -> tuple[Fraction, ...]:
    """The law of the number of unseen labels after n uniform draws, by one draw after the other."""
    ways = [0] * A + [1]
    for _ in range(n):
        ways = [u_now * (A - u) + u_more * (u + 1) for u, (u_now, u_more) in enumerate(itertools.pairwise([*ways, 0]))]
    return tuple(Fraction(way, A**n) for way in ways)


@cache
def drawn_uniformly(effort: Effort) -> tuple[tuple[str, str, int, int, float], ...]:
    """Places, kinds, n, A, and the expected risk of SEL_ptl, uniform, under uniform draws."""
    rng = generator(effort, "uniform draws")
    found = []
    for A, n in itertools.product((1, 2, 3, 4), (0, 1, 2, 5, 20)):
        law = unseen_after(A=A, n=n)
        subsets = [
            (list(U), float(law[u] / math.comb(A, u)))
            for u in range(1, A + 1)
            for U in itertools.combinations(range(A), u)
        ]

        def risk(p: np.ndarray, subsets: list[tuple[list[int], float]] = subsets) -> float:
            return math.fsum(likely * 0.5 * float(np.abs(p[U] - p[U].mean()).sum()) for U, likely in subsets)

        for i in range(effort.problems):
            p = rng.dirichlet(np.ones(A))
            found.append((f"random teacher, A={A}, n={n}, number {i}", "exact", n, A, risk(p)))
        best = climbed(risk, rng.dirichlet(np.ones(A)), effort.steps // 4, rng)
        found.append((f"teacher found by search, A={A}, n={n}", "search", n, A, risk(best)))
    return tuple(found)


def under_uniform_draws(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(A, n)`` is the risk at a Dirac, and no teacher has more."""
    for where, kind, n, A, risk in drawn_uniformly(effort):
        yield Trial(where, risk, float(claim(A=A, n=n)), kind, n, 1e-14)
    for A, n in itertools.product((1, 2, 3, 10, 40), (0, 1, 2, 5, 20, 50, 400)):
        dirac = sum(
            (chance * Fraction(u, A) * (1 - Fraction(1, u)) for u, chance in enumerate(unseen_after(A=A, n=n)) if u),
            Fraction(0),
        )
        yield equal(f"Dirac, A={A}, n={n}", float(dirac), float(claim(A=A, n=n)), 1e-12, n=n)


STATEMENTS = (
    stated(
        "level-tempered-mass",
        claim=missing_under,
        check=against_sequences,
        planted=(
            PlantedError("the mass of q is meant", lambda p, q, n: missing_under(q, q, n)),
            PlantedError("the draws are from p", lambda p, q, n: missing_under(p, p, n)),
            PlantedError("(1 - q)^n becomes exp(-n q)", lambda p, q, n: math.fsum(p * np.exp(-n * q))),
        ),
        note=f"{ONLY_FORMULA} Enumeration of all sequences of draws, in exact fractions.",
    ),
    stated(
        "level-tempered-optimal",
        claim=water_filling,
        check=no_better_law,
        planted=(
            PlantedError("1/(n - 1) becomes 1/n", lambda p, n: water_filling(p, n, 1 / n)),
            PlantedError("the teacher's own law is best", lambda p, n: p),
            PlantedError("the square root of the teacher's law is best", lambda p, n: np.sqrt(p) / np.sqrt(p).sum()),
        ),
        note=f"{ONLY_FORMULA} Against random and tempered laws, hill climbing, and a general minimiser.",
    ),
    stated(
        "level-tempered-value",
        claim=geometric_bound,
        check=above_optimum,
        planted=(
            PlantedError("whether or not every label is used", geometric_bound_anywhere),
            PlantedError("the harmonic mean for the geometric one", harmonic_bound),
            PlantedError(
                "(1 - 1/A)^n becomes (1 - 1/A)^(n + 1)", lambda p, n: geometric_bound(p, n) * (1 - 1 / p.size)
            ),
        ),
        note=f"{ONLY_FORMULA} Attained by uniform teachers.",
    ),
    stated(
        "level-tempered-warmer",
        claim=warming,
        check=slopes,
        planted=(
            PlantedError("p^2 becomes p", lambda p, n: warming(p, n, weight=1)),
            PlantedError("the exponent n - 1 becomes n", lambda p, n: warming(p, n, lag=0)),
            PlantedError("the sign", scaled(warming, -1.0)),
        ),
        note=f"{ONLY_FORMULA} Against the derivative by a complex step, which does not cancel.",
    ),
    stated(
        "level-tempered-crossing",
        claim=crossing,
        check=sides_of_crossing,
        planted=(
            PlantedError("p^2 becomes p^3", lambda p: crossing(p, weight=3)),
            PlantedError("n0 is one over the sum of squares", lambda p: 1 / float(p @ p)),
            PlantedError("n0 is the number of labels", lambda p: p.size),
        ),
        note=f"{ONLY_FORMULA} n0 = 26.0 for Zipf(1) on 100 labels, 107.4 on 1000, 14.8 for Zipf(1.5) on 1000. So "
        "that a higher temperature is always better is false.",
    ),
    stated(
        "level-tempered-uniform",
        claim=uniform_draws,
        check=under_uniform_draws,
        planted=(
            PlantedError("the second term is left out", lambda A, n: Fraction(A - 1, A) ** n),
            PlantedError(
                "(1 - 1/A)^n (1 - 1/A), as if one label were unseen at most", lambda A, n: Fraction(A - 1, A) ** (n + 1)
            ),
            PlantedError(
                "not all becomes all", lambda A, n: Fraction(A - 1, A) ** n - (1 - not_all_seen(A=A, n=n)) / A
            ),
        ),
        note=f"{ONLY_FORMULA} That SEL_ptl, uniform, is minimax is proved as in N5a and not tried. A = 10: 0.4905 at "
        "n = 5, 0.0431 at n = 20, 6.4e-5 at n = 50; by draws from the teacher 0.2450, 0.0606, 0.0245.",
    ),
)
