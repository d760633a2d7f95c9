"""Several draws a visit: the limit constants of the minimax risk."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import kt_theory as kt
from kt_theory.minimax import draws

#: mu -> Gamma(mu), found apart from the package by another search; 10 digits.
GAMMA = {
    0.01: 15.481837681, 0.05: 3.130508667, 0.1: 1.588290828, 0.2: 0.819939185, 0.3: 0.566331379, 0.4: 0.441830513,
    0.45: 0.402561359, 0.5: 0.373800061, 0.6: 0.372069142, 1.0: 0.369917074, 10.0: 0.368047479,
}  # fmt: skip


def mean(mu, r, law):
    """The limit of n times the cost of an input of mass r/n with the law of y, pairs (y, weight), in 30 digits."""
    with mpmath.workdps(30):
        mu, r = mpmath.mpf(mu), mpmath.mpf(r)
        law = [(mpmath.mpf(y), mpmath.mpf(w)) for y, w in law]
        u = sum(w * y for y, w in law)
        total = mpmath.exp(-r) * (sum(w * abs(y - 1) for y, w in law) + 1 - u) / 2
        for v in range(1, int(r + 15 * math.sqrt(r) + 50)):
            weights = [w * mpmath.exp(-v * mu * y) for y, w in law]
            q = sum(x * y for x, (y, _) in zip(weights, law, strict=True)) / sum(weights)
            spread = sum(x * abs(y - q) for x, (y, _) in zip(weights, law, strict=True)) / 2
            total += mpmath.exp(-r) * r**v / mpmath.factorial(v) * spread
        return float(r * total)


@pytest.mark.parametrize("mu", GAMMA)
def test_gamma(mu):
    # Oracle: published to 9 digits; and mpmath, the cost of the worst input in 30 digits
    worst = draws.worst_light(mu)
    assert worst.cost == pytest.approx(GAMMA[mu], abs=1e-8)
    assert worst.cost == pytest.approx(mean(mu, worst.r, [(0, 1 - worst.w), (worst.y, worst.w)]), rel=1e-12, abs=0)
    assert worst.w * worst.y <= 1
    assert kt.draws_constant(3, mu) == pytest.approx(2 * worst.cost + 0.154411119376 / mu, rel=1e-11, abs=0)


def test_the_ends_and_the_crossing_of_the_branches():
    # Oracle: limits c_inf / mu and 1/e; published, the crossing at 0.49984 with 0.3738044
    assert 0.01 * draws.worst_light(0.01).cost == pytest.approx(0.154411, rel=4e-3, abs=0)
    assert draws.worst_light(1000.0).cost == pytest.approx(math.exp(-1), rel=1e-5, abs=0)
    below, above = draws.worst_light(0.4995), draws.worst_light(0.5002)
    assert below.r > 2 > 1.3 > above.r
    assert draws.worst_light(0.49984).cost == pytest.approx(0.3738044, abs=1e-6)


@pytest.mark.parametrize("mu", [0.1, 0.5, 1.0])
def test_more_atoms_give_no_more(mu):
    # Oracle: search, random laws of three atoms near the worst input and far from it
    rng = np.random.default_rng(3)
    worst = draws.worst_light(mu)
    for i in range(60):
        near = 0.1 if i % 2 else 1.0
        y = np.abs(np.array([0.0, worst.y, worst.y]) + near * rng.normal(size=3))
        w = rng.dirichlet([2, 1, 1])
        if w @ y > 1:
            y /= w @ y
        assert mean(mu, worst.r * math.exp(near * rng.normal()), zip(y, w, strict=True)) <= worst.cost * (1 + 1e-9)


def test_a_term_that_is_off_is_seen(monkeypatch):
    # Oracle: as above; the mass on few labels counts by nine tenths
    right = draws.cost
    monkeypatch.setattr(draws, "cost", lambda mu, r, y, w: right(mu, r, y, w) - 0.05 * r * math.exp(-r) * (1 - w * y))
    draws.worst_light.cache_clear()
    with pytest.raises(AssertionError):
        test_gamma(1.0)
    draws.worst_light.cache_clear()


def test_constants_of_draws_that_are_refused():
    # Oracle: none needed, one sentence
    with pytest.raises(ValueError, match=r"mu is 1e-05: it must be from 0\.01 to 1000"):
        kt.draws_constant(2, 1e-5)
