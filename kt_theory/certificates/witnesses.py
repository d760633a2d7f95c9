"""Proved lower bounds on the minimax risk: exact risks at bad problems, sign tests, Dirichlet priors; all in balls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from kt_theory.certificates.certified import even, unvisited
from kt_theory.exact import balls, unrounded
from kt_theory.exact.rows import OutOfReach
from kt_theory.exact.unrounded import ExactProblem, Number, ball, rational
from kt_theory.statements.regimes import odd_labels

#: Incomplete beta functions that a Dirichlet lower bound may need: half a second.
BETAS = 600
#: Tosses that the sign test goes through one by one.
TOSSES = 20_000

Witness = Callable[[Number], Any]


def witnesses(
    protocol: str, S: int, A: int, n: int, problem: ExactProblem | None, thorough: bool = False
) -> Iterator[Witness]:
    """Proved lower bounds on the minimax risk, the cheap ones first."""
    off = 1 - Fraction(1, A)
    if n == 0:
        yield partial(_constant, off)  # no data, and a Dirac at a random label
    elif problem is not None:
        yield partial(_missed, problem, n) if protocol == "soft" else partial(balls.risk_at, problem, "SEL_ptl", n)
    else:
        if protocol == "hard" and A >= 2:
            gap = Fraction(min(1.0, 0.751792 * math.sqrt(S * even(A) / (2 * n))))
            yield partial(sign_test, S, A, n, gap)
        if protocol != "soft":
            for bad in _bad_problems(S, A, n):
                yield partial(balls.risk_at, bad, "SEL_ptl", n)
        if S >= 2:
            for x in (Fraction(1, S), min(Fraction(1, n + 1), Fraction(1, S - 1))):
                yield partial(two_masses, S, n, x, off)
        if protocol == "hard" and A >= 2 and thorough:
            yield partial(_dirichlet, S, A, n)


def _constant(x: Fraction, number: Number) -> Any:
    return number(x)


def _missed(problem: ExactProblem, n: int, number: Number) -> Any:
    """The risk that no student can avoid under the rho of `problem` with soft labels."""
    return number(1 - Fraction(1, problem.A)) * unvisited(problem, n, number)


def _bad_problems(S: int, A: int, n: int) -> Iterator[ExactProblem]:
    """Problems at which the risk of SEL_ptl is large: uniform rho, k light labels, zeros, one label with the rest."""
    light = []
    if odd_labels(S, A, n):
        light.append(((A - 1) // 2, Fraction(S, n + 1)))  # instance 2
    if A >= 2:
        # In the limit of many labels, the worst share is 0.6767 and the worst mass 1.4777 S/n.
        k = min(max(1, round(0.6767 * A - 0.4)), A - 1)
        light.append((k, min(Fraction(1478 * S, 1000 * n), Fraction(1, k))))
    for k, mass in light:
        row = [(mass, k), (1 - k * mass, 1), (Fraction(0), A - k - 1)]
        problem = unrounded.from_classes(A, [(Fraction(1, S), S)], row)
        if balls.within_reach(problem.inputs[0].labels):
            yield problem


def two_masses(S: int, n: int, x: Fraction, scale: Fraction, number: Number) -> Any:
    """`scale` sum_s rho(s) (1 - rho(s))^n for S - 1 masses x and one that has the rest."""
    y = 1 - (S - 1) * x
    return number(scale) * ((S - 1) * number(x) * number(1 - x) ** n + number(y) * number(1 - y) ** n)


def sign_test(S: int, A: int, n: int, gap: Fraction, number: Number) -> Any:
    """`gap` times the chance that the majority of Bin(n, 2/(S A')) tosses of a coin of bias gap/2 errs."""
    if number is rational:
        raise OutOfReach("the sum over the tosses is left to balls")
    share = Fraction(2, S * even(A))
    last = n if share == 1 else min(n, math.ceil(n * share + 8 * math.sqrt(n * share) + 20))
    if last > TOSSES:
        return _sign_test_many(n, share, last, gap)
    chance = ball(1 - share) ** n  # of m = 0 tosses; those beyond `last` are left out, which only lowers the bound
    error, step = ball(Fraction(1, 2)), ball(gap) / 2
    mean, tosses, both = chance * error, ball(share), ball((1 - gap * gap) / 4)
    for m in range(1, last + 1):
        if m % 2:
            # With step(1) = D/2, as err(1) = 1/2 - D/2, and step(2k+1) = D C(2k-1, k) both^k.
            error -= step
            k = (m + 1) // 2
            step = ball(gap) * both if m == 1 else step * both * (2 * (2 * k - 1)) / k
        if share < 1:
            chance = chance * (n - m + 1) / m * tosses / ball(1 - share)
            mean += chance * error
    return ball(gap) * (error if share == 1 else mean)


def _sign_test_many(n: int, share: Fraction, last: int, gap: Fraction) -> Any:
    """Below `sign_test` by a few per cent: as if there were `last` tosses, and no error where there are more."""
    pi, r = unrounded.flint().arb.pi(), last // 2 + 1
    beta = 2 * ball(r).lgamma() - ball(2 * r).lgamma()
    density = (-beta - 2 * (r - 1) * ball(2).log()).exp()
    right = density * pi.sqrt() / (4 * ball(r - 1).sqrt()) * (ball(gap) * ball(r - 1).sqrt()).erf()
    chance = ball(1)
    if share < 1:
        t = last + 1 - n * share
        chance -= (-ball(t * t / (2 * (n * share * (1 - share) + t / 3)))).exp()
    return ball(gap) * chance * (ball(Fraction(1, 2)) - right)


def _dirichlet(S: int, A: int, n: int, number: Number) -> Any:
    """The Bayes risk under uniform rho and Dirichlet rows, without the simplex constraint; 0 if it takes too long."""
    if number is rational:
        raise OutOfReach("incomplete beta functions are left to balls")
    share = Fraction(1, S)
    reach = 3 * math.sqrt(n * share * (1 - share))
    first, last = max(0, math.ceil(n * share - reach)), min(n, math.floor(n * share + reach))
    parts = min(BETAS // (last + 1), last - first + 1)
    if parts == 0:
        return ball(0)
    alpha = Fraction(max(1, round(2 * math.sqrt(n / S / (A - 1)))), 4)
    total, below = ball(0), first
    for i in range(1, parts + 1):
        # More visits cannot raise a Bayes risk: m = above stands for all of below..above.
        above = first + (last - first + 1) * i // parts - 1
        visits = (math.comb(n, m) * ball(share) ** m * ball(1 - share) ** (n - m) for m in range(below, above + 1))
        total += sum(visits, ball(0)) * dirichlet_row(A, above, alpha)
        below = above + 1
    return total


def dirichlet_row(A: int, m: int, alpha: Fraction) -> Any:
    """(A/2) sum_x BetaBin(x; m, alpha, beta) E|p - median|, p ~ Beta(alpha + x, beta + m - x), beta = (A-1) alpha."""
    from scipy import special

    library = unrounded.flint()
    beta = (A - 1) * alpha
    chance = ball(1)  # BetaBin(0) = prod_i (beta + i) / (alpha + beta + i)
    for i in range(m):
        chance = chance * ball((beta + i) / (alpha + beta + i))
    total = ball(0)
    for x in range(m + 1):
        a, b = alpha + x, beta + m - x
        c = library.arb(float(np.clip(special.betaincinv(float(a), float(b), 0.5), 1e-300, 1 - 1e-16)))
        with library.ctx.workprec(64):  # four times as fast as at 96, and as good: c is a float
            below = c.beta_lower(ball(a), ball(b), regularized=True)
        # I_c(a+1, b) = I_c(a, b) - c^a (1-c)^b / (a B(a, b))
        drop = (ball(a) * c.log() + ball(b) * (1 - c).log()).exp() * ball(a + b).gamma()
        drop = drop / (ball(a + 1).gamma() * ball(b).gamma())
        spread = ball(a / (a + b)) * (1 - 2 * (below - drop)) + c * (2 * below - 1)
        total += chance * (spread - abs(2 * below - 1))
        if x < m:
            chance = chance * ball(Fraction(m - x, x + 1) * a / (b - 1))
    return ball(Fraction(A, 2)) * total
