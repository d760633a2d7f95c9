"""Ours: limits of partial soft labels (N6, N7, N10, N16), and the bias of CE_ptl (N11 of the report).

A limit says nothing at any finite n, so what is tried is the limit with a remainder, stated in its entry and some
times larger than the one that was measured; at n = 10^12 the remainder is next to nothing, and a wrong constant shows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
from scipy import special

from kt_theory.bounds.partial import C_INF, C_KL
from kt_theory.exact.limits import bias_limit
from kt_theory.ledger.attacks.comparing import equal, within
from kt_theory.ledger.attacks.kl import KL_MASS, KL_SHARE, kl_risk
from kt_theory.ledger.attacks.planting import scaled
from kt_theory.ledger.attacks.problems import climb, generator, light_row, one_row
from kt_theory.ledger.entries.minimax_partial import partial_ends
from kt_theory.ledger.statement import Claim, Effort, PlantedError, Trial, stated
from kt_theory.minimax.constants import RATIO, curve, gamma, minimax_constant
from kt_theory.problem import Problem, dirichlet_problem


def partial_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(S, A)`` is the limit of n times the minimax risk; remainder SA/n, relative."""
    sizes = (
        ((1, 3), (1, 5), (1, 25), (3, 4)) if effort.level == "quick" else ((1, 3), (1, 25), (2, 3), (3, 4), (10, 10))
    )
    for (S, A), n in itertools.product(
        sizes, (10**3, 10**6, 10**9, 10**12) if effort.level == "full" else (10**3, 10**12)
    ):
        value = n * partial_ends(S, A, n)[0]
        yield within(f"n minimax, S={S}, A={A}, n={n}", value, float(claim(S=S, A=A)), S * A / n, n)


def gamma_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` is the limit of gamma_m / m; remainder 1.3/m, relative."""
    for m in (3, 10, 30, 100, 1000, 10**4) if effort.level == "quick" else (3, 10, 30, 100, 1000, 10**4, 10**5):
        yield within(f"gamma_m / m, m={m}", gamma(m)[0] / m, float(claim()), 1.3 / m, m)


def gamma_second(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(m)`` is gamma_m; remainder 0.15/m."""
    for m in (*range(3, 30 if effort.level == "quick" else 300), 1000, 10**4):
        yield Trial(f"m={m}", abs(gamma(m)[0] - claim(m=m)), 0.15 / m, "exact", m)


def lambert(q_of: float = 2.0, inside: float = 2 * math.sqrt(math.e)) -> float:
    """q^2 / (1 + q), q = 2 W(1 / (2 sqrt(e)))."""
    q = q_of * special.lambertw(1 / inside).real
    return float(q * q / (1 + q))


@cache
def mean_field() -> float:
    """The largest value of a b / (a + b) over rates x, b = q at rate 0 and a = e^-x (x - q) at rate x, for every q.

    That is, sup over laws of E e^-x (x - q)_+ with E e^-x (x - q) = 0, on two atoms.
    """
    from scipy.optimize import minimize

    def value(z: np.ndarray) -> float:
        q, x = z
        a = math.exp(-x) * (x - q)
        return a * q / (a + q) if a > 0 < q else 0.0

    found = minimize(lambda z: -value(z), [0.4, 1.3], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-16})
    return float(-found.fun)


@cache
def largest_price() -> float:
    """The maximum over x of x / (1 + e^(x/2))^2."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda x: -x / (1 + math.exp(x / 2)) ** 2, bounds=(1, 2), method="bounded", options={"xatol": 1e-9}
    )
    return -float(found.fun)


def curve_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(v)`` is the limit of the minimax risk as A grows and n/(SA) tends to v; remainder 6/A, relative."""
    sizes = ((1, 20), (1, 100), (1, 300)) if effort.level == "quick" else ((1, 20), (1, 100), (1, 1000), (10, 100))
    for (S, A), v in itertools.product(sizes, (0.25, 0.5, 0.8, 1.0, 10.0)):
        n = round(v * S * A)
        yield within(f"minimax, S={S}, A={A}, n={n}", partial_ends(S, A, n)[0], float(claim(v=v)), 6 / A, n)


def two_formulas(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` against the constant of the bounds, and against the maximum that it solves."""
    yield equal("the constant of the bounds", float(claim()), C_INF, 1e-14)
    yield equal("sup over laws of the rates", float(claim()), mean_field(), 1e-12)
    yield equal("max of x / (1 + e^(x/2))^2", float(claim()), largest_price(), 1e-12)


@cache
def kl_saddle() -> float:
    """The least over q of max over x of e^-x (x log(x/q) - x + q): where q, its value at 0, meets the inner maximum."""
    from scipy.optimize import brentq, minimize_scalar

    def excess(q: float) -> float:
        def loss(x: float) -> float:
            return -math.exp(-x) * (x * math.log(x / q) - x + q)

        found = minimize_scalar(loss, bounds=(1.0, 3.0), method="bounded", options={"xatol": 1e-9})
        return -float(found.fun) - q

    return float(brentq(excess, 0.1, 0.6, xtol=1e-15))


def kl_limit(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim()`` is the limit of n E KL / A on the worst rows as A grows, n >> A; remainder 4/A, relative."""
    yield equal("min over q of max over x", float(claim()), kl_saddle(), 1e-12)
    for A in (11, 101, 1001, 3001):
        yield within(f"SEL_ptl in KL, A={A}, n={A * 10**6}", kl_of_light_row(A), float(claim()), 4 / A, A * 10**6)


@cache
def kl_of_light_row(A: int) -> float:
    """N E KL / A of SEL_ptl on a row of light labels, zeros and a heavy label."""
    n = A * 10**6
    k = round(KL_SHARE * (A - 1))
    return kl_risk("SEL_ptl", one_row(*light_row(A, k, KL_MASS / n)), n)[0] * n / A


def best_label(problem: Problem) -> float:
    """1 - sum_s rho(s) max_a pi*(a|s)."""
    return float(1 - problem.rho @ problem.teacher.max(axis=1))


def bias(claim: Claim, effort: Effort) -> Iterator[Trial]:
    """``claim(problem)`` bounds the bias of CE_ptl, and comes to 1 with it; remainder 3 A^(-1/3)."""
    rng = generator(effort, "bias")
    for S, A in ((1, 1), (1, 2), (1, 3), (2, 5), (3, 20)):
        start = dirichlet_problem(S, A, rng, rho_alpha=1.0)
        worst, value = climb(lambda problem: bias_limit(problem, "CE_ptl"), start, effort.steps, rng)
        yield Trial(f"found by search, S={S}, A={A}", value, float(claim(problem=worst)), "search", error=2.0**-50)
    for A in (10, 1000, 10**5, 10**6):
        row = np.full(A, (1 - (2 / A) ** (1 / 3)) / (A - 1))
        row[0] = 1 - (A - 1) * row[1]
        problem = one_row(*row)
        value, rhs = bias_limit(problem, "CE_ptl"), float(claim(problem=problem))
        yield Trial(f"one label of mass {row[0]:.3g}, the others equal, A={A}", value, rhs, "exact")
        yield Trial(f"not far from 1, A={A}", 1 - value, 3 * A ** (-1 / 3), "exact")


#: The second-order term of gamma_m.
_SECOND = RATIO * (1 - RATIO) / (1 + RATIO)

STATEMENTS = (
    stated(
        "ours-N7-limit",
        claim=partial(minimax_constant, "partial"),
        check=partial_limit,
        note="gamma_m over k equal rates and zeros, the minimax risk at the worst teacher found: both numerical for "
        "2 < A < infinity (after N7b).",
        planted=(
            PlantedError("S gamma_A", lambda S, A: S * gamma(A)[0]),
            PlantedError("S gamma_{A-1}, that of designed inputs", lambda S, A: S * gamma(A - 1)[0]),
            PlantedError("c_inf SA", lambda S, A: C_INF * S * A),
        ),
    ),
    stated(
        "ours-N7-c-inf",
        claim=lambda: C_INF,
        check=gamma_limit,
        planted=(
            PlantedError("c_inf becomes 0.1546", lambda: 0.1546),
            PlantedError("c_inf becomes 0.1543", lambda: 0.1543),
            PlantedError("c_inf becomes 1/(2e)", lambda: 1 / (2 * math.e)),
        ),
    ),
    stated(
        "ours-N7-second",
        claim=lambda m: C_INF * m - _SECOND,
        check=gamma_second,
        planted=(
            PlantedError("q (1 - q)/(1 + q) becomes q/(1 + q)^2", lambda m: C_INF * m - RATIO / (1 + RATIO) ** 2),
            PlantedError("no second term", lambda m: C_INF * m),
            PlantedError("gamma_m becomes c_inf (m - 1)", lambda m: C_INF * (m - 1)),
        ),
    ),
    stated(
        "ours-N6-c-inf",
        claim=lambert,
        check=two_formulas,
        planted=(
            PlantedError("2 W becomes W", lambda: lambert(q_of=1.0)),
            PlantedError("2 sqrt(e) becomes 2 e", lambda: lambert(inside=2 * math.e)),
            PlantedError("sqrt(e) becomes e^0.501", lambda: lambert(inside=2 * math.exp(0.501))),
        ),
    ),
    stated(
        "ours-N16-limit",
        claim=lambda v: curve(v),
        check=curve_limit,
        note="From above by ours-N16-curve; the lower end is the risk of SEL_ptl at rows of k equal labels and zeros.",
        planted=(
            PlantedError("c_inf/v at every v", lambda v: C_INF / v),
            PlantedError("c_inf becomes 0.16", lambda v: curve(v) * 0.16 / C_INF),
            PlantedError("Psi(v) becomes (1 - 1/e) e^-v", lambda v: (1 - 1 / math.e) * math.exp(-v)),
        ),
    ),
    stated(
        "ours-N10-limit",
        claim=lambda: C_KL,
        check=kl_limit,
        note="The upper half is ours-N10-partial.",
        planted=(
            PlantedError("c_KL becomes 0.29", lambda: 0.29),
            PlantedError("c_KL becomes 1/2, that of hard labels", lambda: 0.5),
            PlantedError("c_KL becomes 2 c_inf", lambda: 2 * C_INF),
        ),
    ),
    stated(
        "ours-4.3-bias",
        claim=best_label,
        check=bias,
        note="The likeliest label is not answered too low: p_max^2 >= p_max |p|^2. One label of mass (2/A)^(1/3), the "
        "others equal, cost 1 - 1.9 A^(-1/3).",
        planted=(
            PlantedError("the bias is at most 1/2", lambda problem: min(best_label(problem), 0.5)),
            PlantedError("max pi* becomes twice that", lambda problem: 2 * best_label(problem) - 1),
            PlantedError("1 - max becomes 0.95 (1 - max)", scaled(best_label, 0.95)),
        ),
    ),
)
