"""Our own bounds, asked the four questions of `test_bounds.py`; and each proof's key inequality, asked separately.

The numbers N1 to N16 are those of the report in `paper/`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import oracles
import test_bounds as paper
from kt_theory import bounds
from kt_theory.bounds import best, evaluation
from kt_theory.bounds import partial as partial_labels
from kt_theory.statements import STATEMENTS
from test_bounds import Literal, even, light_cells, paid_on_a_dead_label, power, quantile, sizes

OURS = [name for name in paper.STATED if name not in paper.PAPER]

# --- The numbers: literal formulas at 50 digits ---------------------------------------------------------


def once(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The formula, its values kept for each precision: most depend on n only, which is asked for at many sizes."""
    kept = functools.cache(lambda precision, *arguments: formula(*arguments))
    return functools.wraps(formula)(lambda *arguments: kept(mp.mp.prec, *arguments))


def phi(n: int) -> mp.mpf:
    return power(mp.mpf(n) / (n + 1), n) / (n + 1)


@once
def majorant(n: int, K: int) -> mp.mpf:
    return power(1 - mp.mpf(1) / K, n) if n <= K else (K - 1) * phi(n - 1)


@once
def q_lambert() -> mp.mpf:
    return 2 * mp.lambertw(1 / (2 * mp.sqrt(mp.e))).real


@once
def c_inf() -> mp.mpf:
    q = q_lambert()
    return q * q / (1 + q)


@once
def c_kl() -> mp.mpf:
    """min_q max_x e^-x (x log(x/q) - x + q): the two maxima, at x = 0 and inside, are equal there."""

    def inside(q: mp.mpf) -> mp.mpf:
        top = mp.findroot(lambda x: mp.log(x / q) * (1 - x) + x - q, 1.84)  # derivative, times e^x
        return mp.exp(-top) * (top * mp.log(top / q) - top + q)

    return mp.findroot(lambda q: inside(q) - q, 0.292)


@once
def curve(v: mp.mpf) -> mp.mpf:
    """Psi: the largest 1/(e^(v/k) + k/(1 - k)), whose k is the root of the derivative; c_inf/v from 1 on."""
    if v >= 1:
        return c_inf() / v
    if v == 0:
        return mp.mpf(1)
    low, high = mp.mpf(0), mp.mpf(1)
    for _ in range(200):
        k = (low + high) / 2
        low, high = (k, high) if v * mp.exp(v / k) * (1 - k) ** 2 > k * k else (low, k)
    return 1 / (mp.exp(v / low) + low / (1 - low))


@once
def finite(n: int) -> mp.mpf:
    """The largest w/(1 + (1 - w)^(-n/2))^2, by bisection in -log(1 - w), of order 1/n."""
    low, high = mp.mpf(0), mp.mpf(5) / n
    for _ in range(200):
        u = (low + high) / 2
        falls = n * mp.expm1(u) > 1 + mp.exp(-n * u / 2) if n > 0 else True
        low, high = (low, u) if falls else (u, high)
    return -mp.expm1(-low) / (1 + mp.exp(n * low / 2)) ** 2


@once
def deviation(K: int, delta: float, c: int = 2) -> mp.mpf:
    L = mp.log(1 / mp.mpf(delta))
    return 2 * (L + mp.sqrt(c * K * L) / mp.e)


@once
def light_rows(n: int, S: int, k: int, empty: int, x: Any) -> mp.mpf:
    p = power(1 - mp.mpf(x), n)
    terms = (mp.binomial(k, j) * p**j * (1 - p) ** (k - j) * j * empty / mp.mpf(j + empty) for j in range(k + 1))
    return S * mp.mpf(x) * mp.fsum(terms)


def light_at(n: int, S: int, A: int, k: int, x: float, free: int = 1) -> Any:
    alone = Fraction(S * k) * Fraction(x)
    if abs(alone - 1) < Fraction(1, 2**51):
        return light_rows(n, S, k, A - k, mp.mpf(1) / (S * k)) if k < A else None
    fits = S * (k + 1) * Fraction(x) <= 1 and k <= A - 2
    return light_rows(n, S, k, A - free - k, x) if fits else None


def light_best(n: int, S: int, A: int, scales: Sequence[float] = (1, 1.125, 1.25, 1.375, 1.46875)) -> Any:
    if A < 2:
        return None
    rows = [(k, A - k, mp.mpf(1) / (S * k)) for k in range(1, A)]
    rows += [(k, A - 1 - k, mp.mpf(t) / (n + 1)) for k in range(1, A - 1) for t in scales if S * (k + 1) * t <= n + 1]
    return max(light_rows(n, S, k, empty, x) for k, empty, x in rows)


def flips_error(m: int, D: mp.mpf) -> mp.mpf:
    """Error of the majority of m flips, each wrong with probability (1 - D)/2; a tie is a fair guess."""
    q = (1 - D) / 2
    wrong = [
        mp.binomial(m, k) * q**k * (1 - q) ** (m - k) / (2 if 2 * k == m else 1) for k in range(m + 1) if 2 * k >= m
    ]
    return mp.fsum(wrong)


@once
def assouad(n: int, S: int, A: int, points: int = 64) -> Any:
    pairs = S * (A // 2)
    if A < 2:
        return None
    law = [mp.binomial(n, m) * mp.mpf(pairs - 1) ** (n - m) / mp.mpf(pairs) ** n for m in range(n + 1)]
    top = min(1.0, 2 / math.sqrt(max(n / pairs, 4)))
    return max(
        D * mp.fsum(p * flips_error(m, D) for m, p in enumerate(law))
        for D in (mp.mpf(1 - 2 * ((1 - j / points * top) / 2)) for j in range(1, points + 1))
    )


def soft_dirac(n: int, S: int, A: int, last: int = 1) -> mp.mpf:
    h = mp.mpf(n + 2 - S) / (n + 1)
    uneven = (S - 1) * phi(n) + last * h * power(1 - h, n) if h >= 0 else 0
    return (1 - mp.mpf(1) / A) * max(power(1 - mp.mpf(1) / S, n), uneven)


def hard_joint(n: int, S: int, A: int) -> Any:
    return (mp.sqrt(mp.mpf(S - 1) / n) + mp.sqrt(mp.mpf(S * A - 1) / n)) / 2 if n >= 1 else None


def tables(S: int, A: int) -> list[list[list[float]]]:
    return [[[x / A for _ in range(A)] for x in law] for law in paper.laws(S)]


SMALL = [(1, 1), (1, 2), (1, 3), (2, 2), (2, 5), (3, 4), (7, 10)]
LITERAL = {
    "cell_missing_upper_e": Literal(
        lambda n: 1 / (mp.e * n) if n >= 1 else None, lambda n: 1 / (mp.e * (n + 1)) if n >= 1 else None, [()]
    ),
    "missing_mass_upper_mean": Literal(majorant, lambda n, K: K * phi(n), [(K,) for K in (1, 2, 3, 7, 1000)]),
    "missing_mass_upper_whp_sqrt": Literal(
        lambda n, K, delta: majorant(n, K) + deviation(K, delta) / n if n >= 1 else None,
        lambda n, K, delta: majorant(n, K) + deviation(K, delta, 1) / n if n >= 1 else None,
        [(K, delta) for K in (1, 2, 1000) for delta in paper.DELTAS],
    ),
    "partial_upper_mean_at": Literal(
        lambda n, S, A, w: mp.fsum(x * power(1 - mp.mpf(x), n) for row in w for x in row),
        lambda n, S, A, w: mp.fsum(x * power(1 - mp.mpf(x), n + 1) for row in w for x in row),
        [(S, A, w) for S, A in ((1, 1), (1, 2), (2, 2), (3, 7)) for w in tables(S, A)],
    ),
    "partial_upper_mean_missing": Literal(lambda n, S, A: majorant(n, S * A), lambda n, S, A: S * A * phi(n), sizes()),
    "partial_upper_mean_uniform": Literal(
        lambda n, S, A: (
            (A - 2) * majorant(n, S * A) / (A - 1) + majorant(n, S) / mp.mpf(A * (A - 1)) if A > 1 else mp.mpf(0)
        ),
        lambda n, S, A: (1 - mp.mpf(1) / A) * majorant(n, S * A),
        sizes(),
    ),
    "partial_upper_mean_uniform_simple": Literal(
        lambda n, S, A: S * (A - 1) / (mp.e * n) if n >= 1 else None,
        lambda n, S, A: S * A / (mp.e * n) if n >= 1 else None,
        sizes(),
    ),
    "partial_upper_mean_sharp": Literal(
        lambda n, S, A: c_inf() * S * A / n if n >= 1 else None,
        lambda n, S, A: c_inf() * S * (A - 1) / n if n >= 1 else None,
        sizes(),
    ),
    "partial_upper_mean_finite": Literal(
        lambda n, S, A: S * A * finite(n) if n >= 1 else None,
        lambda n, S, A: S * A * finite(n + 1) if n >= 1 else None,
        sizes(),
    ),
    "partial_upper_mean_curve": Literal(
        lambda n, S, A: curve(mp.mpf(n) / (S * A)),
        lambda n, S, A: curve(mp.mpf(n) / (S * (A + 1))),
        sizes(),
    ),
    "partial_upper_mean_chain": Literal(
        lambda n, S, A, gap: c_inf() * S * A / (1 + mp.mpf(gap) * (n - 1)) if n >= 1 else None,
        lambda n, S, A, gap: c_inf() * S * A / (1 + mp.mpf(gap) * n) if n >= 1 else None,
        sizes((1e-9, 0.1, 1.0)),
    ),
    "partial_upper_whp_missing": Literal(
        lambda n, S, A, delta: (
            mp.mpf(4) * S * A / (9 * n) + 3 * mp.sqrt(S * A) * mp.log(1 / mp.mpf(delta)) / n
            if n >= 1 and paper.is_at_most(delta, Fraction(1, 10))
            else None
        ),
        lambda n, S, A, delta: (
            mp.mpf(4) * S * A / (9 * n) + 3 * S * mp.sqrt(A) * mp.log(1 / mp.mpf(delta)) / n
            if n >= 1 and paper.is_at_most(delta, Fraction(1, 10))
            else None
        ),
        sizes(paper.DELTAS),
    ),
    "partial_upper_whp_sqrt": Literal(
        lambda n, S, A, delta: majorant(n, S * A) + deviation(S * A, delta) / n if n >= 1 else None,
        lambda n, S, A, delta: majorant(n, S * A) + deviation(A, delta) / n if n >= 1 else None,
        sizes(paper.DELTAS),
    ),
    "partial_upper_whp_sharp": Literal(
        lambda n, S, A, delta: (c_inf() * S * A + deviation(S * A, delta)) / n if n >= 1 else None,
        lambda n, S, A, delta: (c_inf() * S * A + deviation(S * A, delta, 1)) / n if n >= 1 else None,
        sizes(paper.DELTAS),
    ),
    "partial_lower_mean_at": Literal(
        light_at,
        lambda n, S, A, k, x: light_at(n, S, A, k, x, free=0),
        [
            *((1, 2, 1, 1.0), (1, 3, 1, 1 / 11), (1, 3, 2, 0.5), (2, 6, 3, 1 / 8), (2, 6, 3, 0.126)),
            *((3, 9, 4, 1e-9), (3, 9, 4, 1 / 12), (3, 9, 9, 1e-3), (3, 9, 8, 1e-3), (2, 60, 40, 1 / 100)),
        ],
    ),
    "partial_lower_mean_light": Literal(
        light_best, lambda n, S, A: light_best(n, S, A, (1, 1.1, 1.2, 1.3)), [*SMALL, (1, 25)]
    ),
    "partial_upper_kl_mean": Literal(
        lambda n, S, A: c_kl() * S * A / n if n >= 1 else None,
        lambda n, S, A: c_kl() * S * A / (n + 1) if n >= 1 else None,
        sizes(),
    ),
    "soft_upper_mean_missing": Literal(lambda n, S, A: majorant(n, S), lambda n, S, A: S * phi(n), sizes()),
    "soft_upper_mean_uniform": Literal(
        lambda n, S, A: (1 - mp.mpf(1) / A) * majorant(n, S),
        lambda n, S, A: (1 - mp.mpf(1) / A) * (S - 1) * phi(max(n - 1, 0)),
        sizes(),
    ),
    "soft_lower_mean_dirac": Literal(soft_dirac, lambda n, S, A: soft_dirac(n, S, A, last=0), sizes()),
    "soft_upper_kl_mean": Literal(
        lambda n, S, A: mp.log(A) * majorant(n, S), lambda n, S, A: mp.log(A) * S * phi(n), sizes()
    ),
    "hard_upper_mean_joint": Literal(
        hard_joint, lambda n, S, A: hard_joint(n, S, A) and mp.sqrt(mp.mpf(S * A) / n) / 2, sizes()
    ),
    "hard_upper_mean_uniform": Literal(
        lambda n, S, A: mp.sqrt(mp.mpf(S * (A - 1)) / (2 * (n + 1))),
        lambda n, S, A: mp.sqrt(mp.mpf(S * (A - 1)) / (2 * n + 1)),
        sizes(),
    ),
    "hard_upper_mean_one_input": Literal(
        lambda n, S, A: mp.sqrt((A - 1) / (2 * mp.pi * n)) + mp.mpf(A) / (2 * n) if n >= 1 and S == 1 else None,
        lambda n, S, A: mp.sqrt((A - 1) / (2 * mp.pi * n)) + mp.mpf(A - 1) / (2 * n) if n >= 1 and S == 1 else None,
        sizes(),
    ),
    "hard_upper_mean_conjecture": Literal(
        lambda n, S, A: mp.sqrt(mp.mpf(S * (A - 1)) / n) / 2 if n >= 1 else None,
        lambda n, S, A: mp.sqrt(mp.mpf(S * A - 1) / n) / 2 if n >= 1 else None,
        sizes(),
    ),
    "hard_upper_whp_joint": Literal(
        lambda n, S, A, delta: (
            hard_joint(n, S, A) + mp.sqrt(mp.log(1 / mp.mpf(delta)) * (2 if S > 1 else mp.mpf(1) / 2) / n)
            if n >= 1
            else None
        ),
        lambda n, S, A, delta: (
            hard_joint(n, S, A) + mp.sqrt(mp.log(1 / mp.mpf(delta)) / (2 * n)) if n >= 1 else None  # for every S
        ),
        sizes(paper.DELTAS),
    ),
    "uniform_upper_mean": Literal(lambda n, S, A: 1 - mp.mpf(1) / A, lambda n, S, A: 1 - mp.mpf(1) / (S * A), sizes()),
}


@pytest.mark.parametrize("name", LITERAL)
def test_the_float_is_the_formula_rounded_to_its_side_in_its_regime_only(name):
    # Oracle: mpmath, the formulas of the report typed literally at 50 digits; regimes in fractions
    paper.assert_agrees(name, LITERAL[name].formula, LITERAL[name].rests)


@pytest.mark.parametrize("name", LITERAL)
def test_a_wrong_constant_would_be_seen(name):
    # Oracle: mpmath, the same comparison with one constant changed
    with pytest.raises(AssertionError):
        paper.assert_agrees(name, LITERAL[name].mutant, LITERAL[name].rests)


@pytest.mark.parametrize("name", LITERAL)
def test_rounding_to_the_wrong_side_would_be_seen(name, monkeypatch):
    # Oracle: mpmath, the same comparison with upper bounds rounded down and lower bounds rounded up
    monkeypatch.setattr(bounds.evaluation, "EPS", -bounds.evaluation.EPS)
    monkeypatch.setattr(partial_labels, "EPS", -partial_labels.EPS)
    with pytest.raises(AssertionError):
        paper.assert_agrees(name, LITERAL[name].formula, LITERAL[name].rests)


@pytest.mark.parametrize("name", LITERAL)
def test_a_regime_that_starts_one_sample_late_would_be_seen(name):
    # Oracle: mpmath, the same comparison with the first n of the regime taken out
    formula = LITERAL[name].formula

    def late(n: int, *rest: Any) -> Any:
        return None if n == 0 or formula(n - 1, *rest) is None else formula(n, *rest)

    with pytest.raises(AssertionError):
        paper.assert_agrees(name, late, LITERAL[name].rests)


def test_assouad_is_its_formula_rounded_down():
    # Oracle: mpmath, the sum over flips and errors typed literally at 30 digits
    for S, A in ((1, 1), (1, 2), (2, 3), (3, 4)):
        for n in (0, 1, 2, 9, 24):
            value = bounds.hard_lower_mean_assouad(S=S, A=A, n=n)
            with mp.workdps(30):
                truth = assouad(n, S, A)
                if truth is None:
                    assert math.isnan(value)
                    continue
                assert value <= truth
                assert value >= truth * (1 - 1e-12)
    with mp.workdps(30):
        assert abs(bounds.hard_lower_mean_assouad(S=2, A=2, n=3) / assouad(3, 1, 2) - 1) > 0.1  # red: one pair for two


def test_assouad_far_out_is_below_the_sum_and_close_to_it():
    # Oracle: mpmath, the integral of the flips' error at 40 digits; and the limit max_z z Phi(-z) of the method
    pairs = 1
    for n in (301, 1000, 10**5):
        with mp.workdps(40):
            r = (n + 1) // 2
            scale = mp.gamma(r + mp.mpf(1) / 2) / (mp.sqrt(mp.pi) * mp.gamma(r))
            grid = [mp.mpf(j) / 64 * 2 / mp.sqrt(n) for j in range(18, 31)]
            error = [mp.mpf(1) / 2 - scale * mp.quad(lambda u: (1 - u * u) ** (r - 1), [0, D]) for D in grid]  # noqa: B023
            truth = max(D * e for D, e in zip(grid, error, strict=True))
            assert truth * (1 - mp.mpf(3) / n) <= bounds.hard_lower_mean_assouad(S=1, A=2, n=n) <= truth
    z = 0.7517915246935645
    limit = z * math.erfc(z / math.sqrt(2)) / 2
    for n in (10**8, 10**12, 2**63 - 1):
        for S, A in ((1, 2), (3, 4), (1000, 11)):
            pairs = S * (A // 2)
            scaled = bounds.hard_lower_mean_assouad(S=S, A=A, n=n) * math.sqrt(n / pairs)
            assert limit * (1 - 3e-4 - pairs / n) <= scaled <= limit * (1 + 1e-9)
    assert limit / math.sqrt(2) == pytest.approx(0.1201878, abs=1e-7)
    for S, A in ((1, 2), (4, 6)):  # the two ways meet at 300 visits
        n = 300 * S * (A // 2)
        here, there = bounds.hard_lower_mean_assouad(S=S, A=A, n=[n, n + 1])
        assert 0.985 * here <= there <= here


def test_the_constants_are_rounded_up():
    # Oracle: mpmath, Lambert's function and a root, 50 digits
    with mp.workdps(50):
        q = q_lambert()
        assert abs(q * q * mp.exp(q + 1) - 1) < mp.mpf("1e-45")
        assert abs(c_inf() - 1 / (1 / q + mp.exp(q + 1))) < mp.mpf("1e-45")
        assert 0 < partial_labels.C_INF - c_inf() < 1e-12 * c_inf() * 4
        assert 0 < partial_labels.C_KL - c_kl() < 1e-12 * c_kl() * 4
        # Any q in place of the best one gives a valid constant, so an upper bound needs no minimum: here is one q.
        x = [mp.mpf(i) / 1000 for i in range(1, 20000)]
        Q = mp.mpf(partial_labels.C_KL)
        assert max(mp.exp(-t) * (t * mp.log(t / Q) - t + Q) for t in x) <= Q


# --- N1: the majorant -----------------------------------------------------------------------------------


@pytest.mark.step("N1.2", "N1.3", "N1.5")
def test_the_majorant_is_above_every_cell_and_below_every_simpler_bound():
    # Oracle: enumeration, w (1 - w)^n in fractions against the tangent and the line of the proof
    for n in (1, 2, 3, 8, 30):
        top = Fraction((n - 1) ** (n - 1) if n > 1 else 1, n**n)
        for k in range(0, 121):
            w = Fraction(k, 120)
            assert w * (1 - w) ** n <= top * (1 - w)  # rho (1 - rho)^n <= phi(n - 1) (1 - rho)
            for K in range(n, 2 * n + 3):
                u = Fraction(1, K)
                slope = (1 - u) ** (n - 1) * (1 - (n + 1) * u)
                assert w * (1 - w) ** n <= u * (1 - u) ** n + slope * (w - u)
        w, low = Fraction(1, n + 1), Fraction(n**n, (n + 1) ** (n + 1))
        assert w * (1 - w) ** n > low * (1 - w)  # red: phi(n) in place of phi(n - 1)
        for K in (1, 2, 5, 29, 30, 31, 400):
            bound = bounds.missing_mass_upper_mean(size=K, n=n)
            assert bound <= K * bounds.cell_missing_upper(n=n) * (1 + 1e-14)
            assert bound <= K * bounds.cell_missing_upper_e(n=n) * (1 + 1e-14)
            assert bound <= (K - 1) * bounds.cell_missing_upper(n=n - 1) * (1 + 1e-14) + 1e-300
    assert bounds.missing_mass_upper_mean(size=3, n=0) == pytest.approx(1, rel=1e-14, abs=0)


@pytest.mark.step("N1.4")
def test_the_majorant_holds_for_random_laws():
    # Oracle: enumeration, the expected missing mass of 3000 laws, and of the best law found by climbing
    rng = np.random.default_rng(1)
    for _ in range(1000):
        K, n = int(rng.integers(1, 12)), int(rng.integers(0, 40))
        for w in (rng.dirichlet(np.full(K, c)) for c in (0.2, 1.0, 20.0)):
            mean = paid_on_a_dead_label(w, n)
            assert mean <= bounds.missing_mass_upper_mean(size=K, n=n) + 1e-15
            assert mean <= bounds.soft_upper_mean_missing(S=K, A=2, n=n) + 1e-15
    for K, n in ((3, 5), (6, 6), (5, 20)):
        climbed = climb(lambda w, n=n: paid_on_a_dead_label(w, n), K, 400, rng)
        bound = bounds.missing_mass_upper_mean(size=K, n=n)
        assert climbed <= bound
        assert climbed > bound * (1 - 1.2 / n)
        lower = 2 * bounds.soft_lower_mean_dirac(S=K, A=2, n=n)
        assert lower >= climbed * (1 - 1e-2)  # the light mass is not exactly 1/(n + 1)


def climb(value: Callable[[np.ndarray], float], size: int, steps: int, rng: np.random.Generator) -> float:
    """The largest value found by random steps on the simplex from several starts."""
    found = []
    for start in (np.full(size, 1 / size), *rng.dirichlet(np.full(size, 0.7), size=3)):
        here, best_value, width = start, value(start), 0.5
        for _ in range(steps):
            there = np.abs(here * np.exp(width * rng.normal(size=size)))
            there /= there.sum()
            if (new := value(there)) > best_value:
                here, best_value = there, new
            else:
                width = max(width * 0.98, 1e-3)
        found.append(best_value)
    return max(found)


# --- N2: negative dependence and the deviation ----------------------------------------------------------

LAWS = [[Fraction(k, 12) for k in ks] for ks in ((6, 6), (1, 11), (4, 4, 4), (1, 2, 9), (2, 3, 3, 4), (1, 1, 1, 9))]


def unseen_law(masses: Sequence[Fraction], n: int) -> dict[tuple[int, ...], Fraction]:
    """Law of the indicators of the letters unseen, from every count vector."""
    law: dict[tuple[int, ...], Fraction] = {}
    for counts in oracles._compositions(n, len(masses)):
        chance = Fraction(math.factorial(n))
        for count, mass in zip(counts, masses, strict=True):
            chance *= mass**count / math.factorial(count)
        key = tuple(int(c == 0) for c in counts)
        law[key] = law.get(key, Fraction(0)) + chance
    assert sum(law.values()) == 1
    return law


def subsets(size: int) -> Iterator[tuple[int, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(range(size), r) for r in range(1, size + 1))


@pytest.mark.step("N2.1", "N2.2")
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_unseen_letters_are_negatively_dependent(n):
    # Oracle: enumeration, every count vector in fractions
    strict = False
    for masses in LAWS:
        law = unseen_law(masses, n)
        for group in subsets(len(masses)):
            none = sum(p for key, p in law.items() if all(key[i] for i in group))
            every = sum(p for key, p in law.items() if not any(key[i] for i in group))
            assert none == (1 - sum(masses[i] for i in group)) ** n
            assert none <= math.prod((1 - masses[i]) ** n for i in group)
            assert every <= math.prod(1 - (1 - masses[i]) ** n for i in group)
            strict |= none < math.prod((1 - masses[i]) ** n for i in group)
    assert strict  # with equality everywhere the test would show nothing


@pytest.mark.parametrize("n", [1, 2, 5, 30, 200])
def test_the_deviation_holds_for_every_delta_and_its_moment_bound_for_every_t(n):
    # Oracle: enumeration, exact laws of the missing mass: inclusion and exclusion, and the occupancy recursion
    laws = [(len(masses), paper.any_missing_mass(masses, n)) for masses in paper.SMALL_LAWS]
    laws += [(size, paper.uniform_missing_mass(size, n)) for size in (1, 3, 20, 100, 400)]
    for size, law in laws:
        mean = float(law[0] @ law[1])
        paper.assert_covers(
            lambda d, size=size: bounds.missing_mass_upper_whp_sqrt(size=size, n=n, delta=d), law, 1 - 1e-9
        )
        paper.assert_covers(
            lambda d, size=size: bounds.partial_upper_whp_sqrt(S=1, A=size, n=n, delta=d), law, 1 - 1e-9
        )
        paper.assert_covers(lambda d, size=size: bounds.partial_upper_whp_missing(S=1, A=size, n=n, delta=d), law, 0.1)
        for share in (0.1, 0.5, 0.9):
            t = share * n
            log_moment = math.log(float(np.exp(t * (law[0] - mean)) @ law[1]))
            assert log_moment <= 2 * size * t**2 / (math.e * (n - t)) ** 2 + 1e-12


def test_the_deviation_is_below_lemma_e7():
    # Oracle: identity, N2 against Z&Z E.7 wherever that holds
    for size, n, delta in itertools.product((1, 2, 10, 1000, 10**6), (1, 10, 10**4), (0.1, 0.05, 1e-3, 1e-9, 1e-300)):
        assert bounds.missing_mass_upper_whp_sqrt(size=size, n=n, delta=delta) <= bounds.missing_mass_upper_whp(
            size=size, n=n, delta=delta
        )


# --- N3 to N6, N10: every sample, every small problem ---------------------------------------------------


def random_problem(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    S, A = (int(x) for x in rng.integers(1, 5, size=2))
    A += 1
    rho = rng.dirichlet(np.full(S, rng.choice([0.3, 1.0, 5.0])))
    teacher = rng.dirichlet(np.full(A, rng.choice([0.2, 1.0, 5.0])), size=S)
    if rng.random() < 0.5:
        teacher[:, 0] = 0
        teacher += 1e-300
        teacher /= teacher.sum(axis=1, keepdims=True)
    return rho, teacher


def tv(p: Any, q: Any) -> float:
    return float(np.abs(np.asarray(p, dtype=float) - np.asarray(q, dtype=float)).sum() / 2)


@pytest.mark.step("N3.1", "N4.2")
def test_pointwise_inequalities_hold_on_random_samples():
    # Oracle: enumeration, 2000 random samples; the students from their definitions in oracles.student_rows
    rng = np.random.default_rng(3)
    above_half = 0
    for _ in range(2000):
        rho, teacher = random_problem(rng)
        S, A = teacher.shape
        n = int(rng.integers(0, 12))
        w = rho[:, None] * teacher
        counts = rng.multinomial(n, (w / w.sum()).ravel()).reshape(S, A)
        init = rng.dirichlet(np.full(A, 0.3), size=S)
        flat = np.full((S, A), 1 / A)
        any_init = [oracles.student_rows(c.tolist(), t, i) for c, t, i in zip(counts, teacher, init, strict=True)]
        uniform = [oracles.student_rows(c.tolist(), t, i) for c, t, i in zip(counts, teacher, flat, strict=True)]

        def risk(students: list[dict[str, Any]], name: str, rho: Any = rho, teacher: Any = teacher) -> float:
            return sum(r * tv(s[name], t) for r, s, t in zip(rho, students, teacher, strict=True))

        unseen = np.where(counts == 0, w, 0.0)
        missing, never = unseen.sum(), rho[counts.sum(axis=1) == 0].sum()
        assert risk(any_init, "SEL_ptl") <= missing + 1e-14  # N3
        sharp = (1 - 1 / (A - 1)) * (missing - never) + (1 - 1 / A) * never
        assert risk(uniform, "SEL_ptl") <= sharp + 1e-14  # N4
        assert sharp <= (1 - 1 / A) * missing + 1e-14
        assert risk(uniform, "CE_ful") <= (1 - 1 / A) * never + 1e-14
        if n:  # N8
            visits = tv(rho, counts.sum(axis=1) / n)
            assert risk(any_init, "CE_sgl") <= visits + tv(w, counts / n) + 1e-14
        for s in range(S):  # N10
            U = counts[s] == 0
            if not U.any():
                continue
            mean = w[s, U].mean()
            paid = rho[s] * tv(uniform[s]["SEL_ptl"], teacher[s])
            above_half += paid > 0.5 * w[s, U].sum()
            assert paid == pytest.approx(np.maximum(w[s, U] - mean, 0).sum(), abs=1e-14)
            kl = [
                float(np.sum(w[s, U] * np.log(np.maximum(w[s, U], 1e-308) / q) - w[s, U] + q)) for q in (mean, 2 * mean)
            ]
            assert kl[0] <= kl[1] + 1e-14
    assert above_half > 50  # half of the missing mass is not a bound: the constant 1 - 1/A is needed


def expected_kl(rho: Any, teacher: Any, n: int) -> float:
    """Forward KL of SEL_ptl, uniform, from the law of the unseen set by inclusion and exclusion in 80 digits."""
    total = mp.mpf(0)
    with mp.workdps(80):
        for r, row in zip(rho, teacher, strict=True):
            A = len(row)
            at_least = {U: power(1 - mp.mpf(r) * mp.fsum(row[a] for a in U), n) for U in subsets(A)}
            for U, _ in at_least.items():
                rest = [a for a in range(A) if a not in U]
                chance = mp.fsum(
                    (-1) ** size * at_least[tuple(sorted((*U, *more)))]
                    for size in range(len(rest) + 1)
                    for more in itertools.combinations(rest, size)
                )
                mean = mp.fsum(row[a] for a in U) / len(U)
                total += r * chance * mp.fsum(row[a] * mp.log(row[a] / mean) for a in U if row[a] > 0)
    return float(total)


def hold_all(risks: dict[str, float], n: int, S: int, A: int, *, uniform: bool) -> None:
    """Every mean upper bound on every learner that it speaks of; `uniform` is whether its initial table is uniform."""
    slack = 1 + 1e-12  # and 1e-15 where the bound is 0: the rho of a random problem sums to 1 up to rounding
    ours = {
        "SEL_ptl": ["partial_upper_mean_missing"],
        "CE_sgl": ["hard_upper_mean_joint"],
        "CE_ful": ["soft_upper_mean_missing"],
    }
    if uniform:
        ours["SEL_ptl"] += [
            f"partial_upper_mean_{x}" for x in ("uniform", "uniform_simple", "sharp", "finite", "curve")
        ]
        ours["CE_sgl"] += ["hard_upper_mean_uniform", "hard_upper_mean_conjecture", "hard_upper_mean_one_input"]
        ours["CE_ful"] += ["soft_upper_mean_uniform"]
        for names in ours.values():
            names.append("uniform_upper_mean")
        for protocol, learner in (("hard", "CE_sgl"), ("partial", "SEL_ptl"), ("soft", "CE_ful")):
            assert risks[learner] <= bounds.best_upper(protocol, S=S, A=A, n=n).value * slack + 1e-15
    for learner, names in ours.items():
        for name in names:
            bound = getattr(bounds, name)(S=S, A=A, n=n)
            assert math.isnan(bound) or risks[learner] <= bound * slack + 1e-15, (name, n, S, A)


def test_mean_bounds_hold_on_small_problems():
    # Oracle: enumeration, every count table in fractions, for uniform and for the worst initialisation
    for rho, teacher in paper.small_problems():
        S, A = len(rho), len(teacher[0])
        w = [[float(r * p) for p in row] for r, row in zip(rho, teacher, strict=True)]
        for n, init in itertools.product(range(5), (None, paper.worst_init(teacher))):
            risk = {name: float(x) for name, x in oracles.enumerate_risks(rho, teacher, n, init).items()}
            hold_all(risk, n, S, A, uniform=init is None)
            assert risk["SEL_ptl"] <= bounds.partial_upper_mean_at(S=S, A=A, n=n, w=w) * (1 + 1e-14) + 1e-17


@pytest.mark.parametrize("problems", [100, pytest.param(250, marks=pytest.mark.slow)])
def test_mean_bounds_hold_on_random_problems(problems):
    # Oracle: second algorithm, Moebius inversion and de Moivre on random problems, n up to 3000
    rng = np.random.default_rng(4)
    for _ in range(problems):
        rho, teacher = random_problem(rng)
        n = int(10 ** rng.uniform(0, 3.5))
        risk = {
            "SEL_ptl": oracles.exact_sel_ptl_small(rho, teacher, n),
            "CE_sgl": oracles.exact_ce_sgl(rho, teacher, n),
            "CE_ful": oracles.exact_ce_ful(rho, teacher, n),
        }
        hold_all(risk, n, *teacher.shape, uniform=True)


def climbed_risk(learner: Callable[..., float], S: int, A: int, n: int, rng: np.random.Generator, steps: int) -> float:
    def value(w: np.ndarray) -> float:
        table = w.reshape(S, A)
        rho = table.sum(axis=1)
        return learner(np.minimum(rho, 1), table / rho[:, None], n)

    return climb(value, S * A, steps, rng)


@pytest.mark.parametrize(
    ("S", "A", "n"),
    [(1, 3, 3), (2, 2, 4), (3, 2, 2), *(pytest.param(*of, marks=pytest.mark.slow) for of in ((1, 4, 6), (2, 3, 5)))],
)
def test_bounds_hold_at_climbed_problems(S, A, n):
    # Oracle: second algorithm, the worst problem found for each learner; it may not pass a bound, nor be far below
    rng = np.random.default_rng(5)
    risk = {
        "SEL_ptl": climbed_risk(oracles.exact_sel_ptl_small, S, A, n, rng, 60),
        "CE_sgl": climbed_risk(oracles.exact_ce_sgl, S, A, n, rng, 120),
        "CE_ful": climbed_risk(oracles.exact_ce_ful, S, A, n, rng, 120),
    }
    hold_all(risk, n, S, A, uniform=True)
    for protocol, learner in (("hard", "CE_sgl"), ("partial", "SEL_ptl")):
        assert (
            risk[learner] > bounds.best_lower(protocol, S=S, A=A, n=n).value * 0.95
        )  # a minimax lower bound, worst case
        assert risk[learner] > bounds.best_upper(protocol, S=S, A=A, n=n).value / 3


def test_kl_bounds_hold_on_random_problems():
    # Oracle: second algorithm, inclusion and exclusion over the unseen sets in 80 digits
    rng = np.random.default_rng(6)
    for _ in range(60):
        rho, teacher = random_problem(rng)
        S, A = teacher.shape
        n = int(rng.integers(1, 12))
        assert expected_kl(rho, teacher, n) <= bounds.partial_upper_kl_mean(S=S, A=A, n=n) + 1e-15
        rows = np.where(teacher > 0, teacher * np.log(np.maximum(teacher, 1e-308) * A), 0).sum(axis=1)
        assert (
            float(np.sum(rho * (1 - rho) ** n * rows)) <= bounds.soft_upper_kl_mean(S=S, A=A, n=n) * (1 + 1e-13) + 1e-17
        )


# --- N7: light rows --------------------------------------------------------------------------------------


@pytest.mark.step("N7.1")
def test_light_rows_are_below_the_exact_risk_of_sel_ptl():
    # Oracle: second algorithm, finite differences over label classes, 200 random rows with and without a heavy label
    rng = np.random.default_rng(7)
    closest = 0.0
    for _ in range(200):
        S, A, n = int(rng.integers(1, 4)), int(rng.integers(3, 10)), int(rng.integers(0, 40))
        k = int(rng.integers(1, A - 1))
        x = float(rng.uniform(0, 1)) / (S * (k + 1))
        heavy = 1 / S - k * x
        truth = oracles.exact_sel_ptl_classes([1 / S] * S, [S * x, 0.0, S * heavy], [k, A - 1 - k, 1], n)
        bound = bounds.partial_lower_mean_at(S=S, A=A, n=n, k=k, x=x)
        assert bound <= truth * (1 + 1e-12)
        assert bounds.partial_lower_mean_light(S=S, A=A, n=n) <= bounds.best_upper("partial", S=S, A=A, n=n).value
        closest = max(closest, bound / truth)
        level = oracles.exact_sel_ptl_classes([1 / S] * S, [1 / k, 0.0], [k, A - k], n)
        assert bounds.partial_lower_mean_at(S=S, A=A, n=n, k=k, x=1 / (S * k)) <= level * (1 + 1e-12) + 1e-300
    assert 1 - 1e-9 < closest < 1 + 1e-12


@pytest.mark.step("N7.2")
def test_fewer_spread_than_binomial():
    # Oracle: enumeration, E j Z/(j + Z) for the unseen of k equal letters, in fractions, against independent ones
    for k, n, empty, parts in itertools.product((1, 2, 3), (1, 2, 5), (1, 3), (4, 7)):
        masses = [Fraction(1, parts)] * k + [1 - Fraction(k, parts)]
        law = unseen_law(masses, n)
        truth = sum(p * Fraction(sum(key[:k]) * empty, sum(key[:k]) + empty) for key, p in law.items())
        p = (1 - Fraction(1, parts)) ** n
        free = sum(math.comb(k, j) * p**j * (1 - p) ** (k - j) * Fraction(j * empty, j + empty) for j in range(k + 1))
        assert free <= truth
        assert free < truth or k == 1


def test_light_rows_of_many_labels_reach_the_limit_constant():
    # Oracle: limit, c_inf S A / n from both sides as A grows
    for A, gap in ((1000, 0.003), (10**4, 5e-4), (10**5, 3e-4), (10**6, 3e-4)):
        n = 10**4 * A
        scaled = bounds.partial_lower_mean_light(S=1, A=A, n=n) * n / A
        assert partial_labels.C_INF * (1 - gap) <= scaled <= partial_labels.C_INF
        assert bounds.partial_upper_mean_sharp(S=1, A=A, n=n) * n / A >= partial_labels.C_INF
    for n in (1, 30, 1000):
        assert bounds.partial_lower_mean_light(S=1, A=30, n=n) >= np.nan_to_num(
            bounds.partial_lower_mean(S=1, A=30, n=n)
        )


@pytest.mark.step("N7.3")
def test_light_rows_beyond_the_sum_are_below_it_and_close(monkeypatch):
    # Oracle: second algorithm, the binomial sum; above a million labels the closed form takes its place
    for k, empty, n, x in ((20, 7, 50, 0.01), (500, 300, 1000, 1e-3), (10**5, 10**5, 10, 1e-7), (50, 1, 3, 1e-3)):
        A = k + empty + 1
        exact = bounds.partial_lower_mean_at(S=1, A=A, n=n, k=k, x=x)
        with monkeypatch.context() as patch:
            patch.setattr(partial_labels, "LIGHT_LABELS", 0)
            below = bounds.partial_lower_mean_at(S=1, A=A, n=n, k=k, x=x)
        assert exact * (1 - 2 / (k * math.exp(-1.1 * n * x) + empty)) <= below <= exact
    for n in (0, 1, 10**9, 2**63 - 1):
        lower, upper = (
            bounds.partial_lower_mean_light(S=1, A=10**12, n=n),
            bounds.best_upper("partial", S=1, A=10**12, n=n).value,
        )
        assert 0.93 * min(upper, partial_labels.C_INF * 10**12 / max(n, 1)) <= lower <= upper  # 0.93: n = 10^9 < A
    mean = 20 * 0.99**50
    with pytest.raises(AssertionError):  # red: without the variance the mean field is above the sum
        assert bounds.partial_lower_mean_at(S=1, A=28, n=50, k=20, x=0.01) >= 0.01 * mean * 7 / (mean + 7)


# --- N8: hard labels ------------------------------------------------------------------------------------


@pytest.mark.step("N8.3")
def test_bounded_differences_are_one_over_n_each():
    # Oracle: enumeration, every sample and every change of one draw, in fractions
    rho = [Fraction(1, 3), Fraction(2, 3)]
    w = [Fraction(1, 6), Fraction(1, 6), Fraction(1, 4), Fraction(5, 12)]
    for n in (1, 2, 3):
        moved: list[Fraction] = []
        both: list[Fraction] = []
        for sample in itertools.product(range(4), repeat=n):
            for place, new in itertools.product(range(n), range(4)):
                other = (*sample[:place], new, *sample[place + 1 :])
                change = [
                    [
                        sum(
                            (abs(m - Fraction(sum(f(c) == i for c in data), n)) for i, m in enumerate(law)), Fraction(0)
                        )
                        for data in (sample, other)
                    ]
                    for f, law in ((lambda c: c // 2, rho), (lambda c: c, w))
                ]
                moved += [abs(a - b) / 2 for a, b in change]
                both.append(abs(sum(a for a, _ in change) - sum(b for _, b in change)) / 2)
        assert max(moved) == Fraction(1, n) if n > 1 else max(moved) <= 1
        assert max(both) <= Fraction(2, n)
        assert max(both) > Fraction(1, n) or n == 1  # 1/n would be too little for the two together


def test_high_probability_bounds_hold_for_two_inputs():
    # Oracle: enumeration, exact laws of the risk for two inputs, conditioned on their visits
    for n, p, q, r in ((150, 0.5, 0.5, 0.5), (150, 0.3, 0.5, 0.1), (60, 0.01, 0.9, 0.5)):
        law = paper.two_inputs_ce_sgl(n, p, q, r)
        for delta in (1e-6, 0.01, 0.1, 0.5, 0.99):
            assert quantile(law, delta) <= bounds.hard_upper_whp_joint(S=2, A=2, n=n, delta=delta)
            assert bounds.hard_upper_whp_joint(S=2, A=2, n=n, delta=delta) <= bounds.hard_upper_whp(
                S=2, A=2, n=n, delta=delta
            )
        mean = law[0] @ law[1]
        assert mean <= bounds.hard_upper_mean_joint(S=2, A=2, n=n)
        assert mean <= bounds.hard_upper_mean_uniform(S=2, A=2, n=n)
    for n in (1, 10, 1000):
        for p in (0.5, 0.05):
            law = paper.bernoulli_tv(n, p)
            paper.assert_covers(lambda d, n=n: bounds.hard_upper_whp_joint(S=1, A=2, n=n, delta=d), law, 0.999)
    for n, labels in ((40, 2), (200, 3), (400, 100)):
        law = paper.two_inputs_sel_ptl(n, labels)
        paper.assert_covers(
            lambda d, n=n, A=labels + 1: bounds.partial_upper_whp_sqrt(S=2, A=A, n=n, delta=d), law, 0.999
        )
        paper.assert_covers(
            lambda d, n=n, A=labels + 1: bounds.partial_upper_whp_missing(S=2, A=A, n=n, delta=d), law, 0.1
        )


def test_our_bounds_are_not_above_the_papers():
    # Oracle: identity, the same regime, the same learner
    for (S, A), n in itertools.product(paper.S_AND_A, (1, 2, 10, 1000, 10**9)):
        assert bounds.hard_upper_mean_joint(S=S, A=A, n=n) <= bounds.hard_upper_mean(S=S, A=A, n=n)
        assert bounds.partial_upper_mean_missing(S=S, A=A, n=n) <= bounds.partial_upper_mean(S=S, A=A, n=n)
        assert bounds.soft_upper_mean_missing(S=S, A=A, n=n) <= bounds.soft_upper_mean(S=S, A=A, n=n)
        for paper_bound, our_bound in (
            (bounds.soft_lower_mean, bounds.soft_lower_mean_dirac),
            (bounds.hard_lower_mean, bounds.hard_lower_mean_assouad),
        ):
            was, now = paper_bound(S=S, A=A, n=n), our_bound(S=S, A=A, n=n)
            assert math.isnan(was) or was <= now * (1 + 1e-12)


@pytest.mark.step("N8.7")
def test_assouad_is_the_bayes_risk_of_its_coins():
    # Oracle: enumeration, the Bayes risk from every data set and from tests of its coins (test_bounds)
    for S, A, n in ((1, 2, 3), (2, 2, 5), (1, 4, 9), (3, 5, 20)):
        top = min(1.0, 2 / math.sqrt(max(2 * n / (S * even(A)), 4)))  # the grid of the docstring
        bayes = max(paper.paired_bayes_risk(n, S, A, j / 64 * top) for j in range(1, 65))
        assert bounds.hard_lower_mean_assouad(S=S, A=A, n=n) == pytest.approx(bayes, rel=1e-12, abs=0)


@pytest.mark.step("N9.5")
def test_soft_sandwich():
    # Oracle: enumeration, (1 - 1/A) sum rho (1 - rho)^n over two inputs on a grid; equality for n <= S
    for n, A in itertools.product((1, 2, 3, 4, 10, 100), (2, 3, 10)):
        exact = 2 * (1 - 1 / A) * paper.worst_two_input_ce_ful(n)
        assert bounds.soft_lower_mean_dirac(S=2, A=A, n=n) <= exact * (1 + 1e-9)  # the grid is 5e-6 wide
        assert exact <= bounds.soft_upper_mean_uniform(S=2, A=A, n=n)
        assert bounds.soft_lower_mean_dirac(S=2, A=A, n=n) > exact * 0.98
    for S, A, n in ((2, 2, 2), (5, 3, 4), (9, 2, 9), (1000, 7, 400)):
        assert bounds.soft_lower_mean_dirac(S=S, A=A, n=n) == pytest.approx(
            bounds.soft_upper_mean_uniform(S=S, A=A, n=n), rel=1e-13, abs=0
        )


# --- How tight -------------------------------------------------------------------------------------------


def light_exact(n: int, k: int, empty: int, t: float) -> float:
    x = t / n
    return oracles.exact_sel_ptl_classes([1.0], [x, 0.0, 1 - k * x], [k, empty, 1], n)


def light_kl(n: int, k: int, empty: int, t: float) -> float:
    """Forward KL of SEL_ptl on k light and some empty labels: j x log((j + empty) / j), by inclusion and exclusion."""
    with mp.workdps(120):
        x = mp.mpf(t) / n
        at_least = [(1 - j * x) ** n for j in range(k + 1)]
        total = mp.mpf(0)
        for j in range(1, k + 1):
            chance = mp.binomial(k, j) * mp.fsum(
                (-1) ** i * mp.binomial(k - j, i) * at_least[i + j] for i in range(k - j + 1)
            )
            total += chance * j * x * mp.log(mp.mpf(j + empty) / j)
        return float(total)


def equal_quantile(n: int, k: int, empty: int, delta: float) -> float:
    """The 1 - delta quantile of SEL_ptl's risk on k equal labels and some of none: a function of the missing mass."""
    missing, chances = paper.uniform_missing_mass(k, n)
    unseen = missing * k
    return quantile((missing * empty / (unseen + empty), chances), delta)


TRUTH: dict[str, list[tuple[tuple[Any, ...], Callable[[], float]]]] = {
    "cell_missing_upper_e": [((1000,), lambda: paid_on_a_dead_label([1 / 1001], 1000))],
    "missing_mass_upper_mean": [
        ((4, 5), lambda: paid_on_a_dead_label([0.2] * 5, 4)),
        ((100, 5), lambda: paid_on_a_dead_label(light_cells(4, 100), 100)),
    ],
    "missing_mass_upper_whp_sqrt": [((400, 400, 0.1), lambda: quantile(paper.uniform_missing_mass(400, 400), 0.1))],
    "partial_upper_mean_at": [
        ((4, 1, 3, [[0.5, 0.5, 0.0]]), lambda: paper.rational_floor_risk("SEL_ptl", 1, 3, 4, dead=1))
    ],
    "partial_upper_mean_missing": [((1000, 1, 102), lambda: paid_on_a_dead_label(light_cells(100, 1000), 1000))],
    "partial_upper_mean_uniform": [
        ((3, 3, 2), lambda: float(oracles.enumerate_risks([Fraction(1, 3)] * 3, [[1, 0]] * 3, 3)["SEL_ptl"]))
    ],
    "partial_upper_mean_uniform_simple": [((10**5, 1, 101), lambda: light_exact(10**5, 68, 32, 1.4625))],
    "partial_upper_mean_sharp": [((10**5, 1, 101), lambda: light_exact(10**5, 68, 32, 1.4625))],
    "partial_upper_mean_finite": [((30, 1, 25), lambda: light_exact(30, 16, 8, 1.43))],
    "partial_upper_mean_curve": [
        ((100, 1, 200), lambda: oracles.exact_sel_ptl_classes([1.0], [1 / 107, 0.0], [107, 93], 100))
    ],
    "partial_upper_mean_chain": [((10**5, 1, 101, 1.0), lambda: light_exact(10**5, 68, 32, 1.4625))],
    "partial_upper_whp_sharp": [((400, 1, 401, 0.1), lambda: equal_quantile(400, 240, 161, 0.1))],
    "partial_upper_whp_missing": [((400, 1, 401, 0.1), lambda: quantile(paper.uniform_missing_mass(400, 400), 0.1))],
    "partial_upper_whp_sqrt": [((400, 1, 401, 0.1), lambda: quantile(paper.uniform_missing_mass(400, 400), 0.1))],
    "partial_lower_mean_at": [((10, 1, 3, 1, 1 / 11), lambda: light_exact(10, 1, 1, 10 / 11))],
    "partial_lower_mean_light": [((10**6, 1, 25), lambda: light_exact(10**6, 16, 8, 1.404137))],
    "partial_upper_kl_mean": [((10**5, 1, 101), lambda: light_kl(10**5, 54, 46, 1.84))],
    "soft_upper_mean_missing": [((1000, 100, 2), lambda: paid_on_a_dead_label(light_cells(99, 1000), 1000))],
    "soft_upper_mean_uniform": [((100, 2, 2), lambda: paper.worst_two_input_ce_ful(100))],
    "soft_lower_mean_dirac": [((100, 2, 2), lambda: paper.worst_two_input_ce_ful(100))],
    "soft_upper_kl_mean": [((100, 2, 2), lambda: 2 * math.log(2) * paper.worst_two_input_ce_ful(100))],
    "hard_upper_mean_joint": [((10**6, 1, 100), lambda: paper.uniform_ce_sgl(10**6, 100))],
    "hard_upper_mean_uniform": [((1, 1, 2), lambda: paper.uniform_ce_sgl(1, 2))],
    "hard_upper_mean_conjecture": [((1, 1, 2), lambda: paper.uniform_ce_sgl(1, 2))],
    "hard_upper_mean_one_input": [((10**6, 1, 100), lambda: paper.uniform_ce_sgl(10**6, 100))],
    "hard_upper_whp_joint": [
        ((1000, 1, 2, 0.01), lambda: quantile(paper.bernoulli_tv(1000, 0.5), 0.01)),
        ((200, 2, 2, 0.01), lambda: quantile(paper.two_inputs_ce_sgl(200, 0.5, 0.5, 0.5), 0.01)),
    ],
    "hard_lower_mean_assouad": [((100, 1, 2), lambda: paper.worst_ce_sgl(100))],
    "uniform_upper_mean": [((0, 1, 2), lambda: oracles.exact_ce_ful([1.0], [[1.0, 0.0]], 0))],
}


@pytest.mark.parametrize("name", TRUTH)
def test_the_stated_factor_is_the_looseness_and_a_bound_moved_by_it_is_seen_to_be_false(name):
    # Oracle: enumeration, exact risks, quantiles and suprema on a grid at the instance that the docstring names
    claims = [float(x) for x in re.findall(r"[Ww]ithin\s+a\s+factor\s+(\d+\.?\d*)", getattr(bounds, name).__doc__)]
    for claim, (arguments, truth_of) in zip(claims, TRUTH[name], strict=True):
        bound, truth = paper.asked(name, *arguments), truth_of()
        assert paper.holds(name, bound, truth)
        factor = max(bound / truth, truth / bound)
        assert factor <= claim * (1 + 1e-12)
        assert factor > 0.97 * claim  # the claim is not padded
        inward = 1.04 * claim if paper.side(name) == "lower" else 1 / (1.04 * claim)
        assert not paper.holds(name, bound * inward, truth)


# --- Best ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["hard", "partial", "soft"])
def test_best_is_the_best_and_says_which(protocol):
    # Oracle: identity, the minimum and maximum over the table of statements, NaN left out
    ns = [0, 1, 2, 3, 10, 31, 1000, 10**6, 10**12, 2**63 - 1]
    for S, A in ((1, 1), (1, 2), (1, 3), (2, 2), (3, 4), (10, 10), (2, 200), (500, 2), (10**6, 10**6)):
        upper, lower = bounds.best_upper(protocol, S=S, A=A, n=ns), bounds.best_lower(protocol, S=S, A=A, n=ns)
        assert np.all(lower.value <= upper.value)
        assert np.all(lower.value >= 0)
        assert np.all(upper.value <= 1 - 1 / A + 1e-14)
        assert upper.value[0] == pytest.approx(1 - 1 / A, rel=1e-13, abs=1e-300)
        assert lower.value[0] == pytest.approx(1 - 1 / A, rel=1e-13, abs=0)
        for result, names, choose in (
            (upper, best._UPPER[protocol], np.nanmin),
            (lower, best._LOWER[protocol], np.nanmax),
        ):
            every = np.array([statement(S=S, A=A, n=ns) for statement in names])
            np.testing.assert_array_equal(result.value, choose(every, axis=0))
            for n, value, name in zip(ns, result.value, result.statement, strict=True):
                assert getattr(bounds, name)(S=S, A=A, n=n) == value
                one = (bounds.best_upper if result is upper else bounds.best_lower)(protocol, S=S, A=A, n=n)
                assert (type(one.value), type(one.statement)) == (float, str)
                assert one == bounds.Best(value, name)


def test_best_never_rests_on_a_conjecture_and_less_information_costs_more():
    # Oracle: identity, the status of each statement; soft <= partial <= hard for lower bounds
    for statement in itertools.chain(*best._UPPER.values(), *best._LOWER.values()):
        for id in evaluation.STATED[statement.__name__]:
            assert STATEMENTS[id].status in ("proved", "published")
    for S, A, n in itertools.product((1, 2, 30), (2, 3, 30), (0, 1, 9, 1000)):
        soft, partial, hard = (bounds.best_lower(p, S=S, A=A, n=n).value for p in ("soft", "partial", "hard"))
        assert soft <= partial <= hard


def test_best_refuses_what_is_not_a_protocol():
    with pytest.raises(ValueError, match="protocol"):
        bounds.best_upper("full", S=2, A=2, n=5)
    with pytest.raises(ValueError, match=r"^n"):
        bounds.best_lower("soft", S=2, A=2, n=-1)
    with pytest.raises(ValueError, match=r"^A"):
        bounds.best_upper("soft", S=2, A=0, n=5)


# --- Broadcasting, bad arguments, docstrings ------------------------------------------------------------

SAMPLE = {
    **{name: (3, 4) for name in OURS if list(inspect.signature(getattr(bounds, name)).parameters) == ["S", "A", "n"]},
    "cell_missing_upper_e": (),
    "missing_mass_upper_mean": (4,),
    "missing_mass_upper_whp_sqrt": (4, 0.05),
    "partial_upper_mean_at": (2, 2, [[0.25, 0.25], [0.5, 0.0]]),
    "partial_upper_whp_missing": (3, 4, 0.05),
    "partial_upper_whp_sqrt": (3, 4, 0.05),
    "partial_upper_mean_chain": (3, 4, 0.2),
    "partial_upper_whp_sharp": (3, 4, 0.05),
    "partial_lower_mean_at": (3, 4, 2, 0.01),
    "hard_upper_mean_one_input": (1, 4),
    "hard_upper_whp_joint": (3, 4, 0.05),
}
BAD = {
    **paper.BAD,
    "w": ([[0.5, 0.6], [0, 0]], [[1.0]], [0.5, 0.5], [[math.nan, 1], [0, 0]], [], "a", [[0.5], [0.5, 0]]),
    "gap": (0, -0.1, 1.1, math.nan, "a", [0.1]),
    "k": (0, -1, 1.5, math.nan, "a", [2]),
    "x": (0, -0.1, 1.1, math.nan, "a", [0.1]),
}


def test_every_bound_is_in_every_table():
    elsewhere = {"hard_lower_mean_assouad"}  # its literal sum is too long for the grid: it has tests of its own
    assert set(OURS) == set(LITERAL) | elsewhere
    assert set(SAMPLE) == set(TRUTH) == set(OURS)
    assert set(bounds.__all__) == {*paper.PAPER, *OURS, "Best", "best_upper", "best_lower"}


@pytest.mark.parametrize("name", SAMPLE)
def test_n_broadcasts_and_no_bound_grows_with_it(name):
    rest = SAMPLE[name]
    ns = [0, 1, 7, 100, 200, 12345, 10**12]
    many = paper.asked(name, ns, *rest)
    assert isinstance(many, np.ndarray)
    assert (many.dtype, many.shape) == (np.float64, (7,))
    np.testing.assert_array_equal(many, paper.asked(name, np.array(ns, dtype=float), *rest))
    for n, value in zip(ns, many, strict=True):
        one = paper.asked(name, n, *rest)
        assert type(one) is float
        np.testing.assert_array_equal(one, value)
        assert type(paper.asked(name, np.array(n), *rest)) is float
    inside = many[np.isfinite(many)]
    assert inside.size >= 3
    assert np.all(np.diff(inside) <= 0)


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("n", [-1, 1.5, math.nan, 2**63, True, "7", None, [], [1, -1], [[1, 2]]])
def test_a_bad_n_is_refused(name, n):
    with pytest.raises(ValueError, match=r"^n"):
        paper.asked(name, n, *SAMPLE[name])


@pytest.mark.parametrize("name", SAMPLE)
def test_other_bad_arguments_are_refused_in_one_sentence(name):
    parameters = [parameter for parameter in inspect.signature(getattr(bounds, name)).parameters if parameter != "n"]
    for place, parameter in enumerate(parameters):
        for bad in BAD[parameter]:
            rest = list(SAMPLE[name])
            rest[place] = bad
            with pytest.raises(ValueError, match=f"^{parameter}\\b") as caught:
                paper.asked(name, 200, *rest)
            assert "\n" not in str(caught.value)
