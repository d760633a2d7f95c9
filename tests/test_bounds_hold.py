"""Every bound in expectation, the paper's and ours, holds at every place of a grid of exact risks."""

import functools
import itertools

import numpy as np
import pytest

import kt_theory as kt
from kt_theory import bounds
from kt_theory.exact.risk import exact_risk

#: One process, which keeps the risks of all places.
pytestmark = pytest.mark.xdist_group("places")

#: Upper bounds on the mean risk with uniform init, per learner: (n, S, A) -> risk.
UPPER = {
    "CE_sgl": ["hard_upper_mean", "hard_upper_mean_joint", "hard_upper_mean_uniform", "hard_upper_mean_conjecture"],
    "SEL_ptl": [
        "partial_upper_mean",
        "partial_upper_mean_missing",
        "partial_upper_mean_uniform",
        "partial_upper_mean_uniform_simple",
        "partial_upper_mean_sharp",
        "partial_upper_mean_finite",
        "partial_upper_mean_curve",
    ],
    "CE_ful": ["soft_upper_mean", "soft_upper_mean_missing", "soft_upper_mean_uniform"],
}

#: Lower bounds that were built on an instance: the learner's risk there must exceed them.
LOWER = {
    1: ("CE_sgl", ["hard_lower_mean"]),
    2: ("SEL_ptl", ["partial_lower_mean", "partial_lower_mean_simple"]),
}

SIZES = list(itertools.product((1, 2, 5, 10, 40), (2, 3, 4, 8, 25)))
N = (0, 1, 2, 3, 5, 10, 20, 30, 100, 300, 1000, 3000, 10**4, 10**5, 10**6, 10**9)


@functools.cache
def places():
    """(name, k, S, A, n, risk of each learner): instances 0 to 3 wherever they exist, and random problems (k = 0)."""
    found = []
    for (S, A), n, k in itertools.product(SIZES, N, range(4)):
        try:
            problem = kt.instance(k, S, A, n)
        except ValueError:
            continue
        found.append((f"instance {k}, S={S}, A={A}, n={n}", k, problem, n))
    for seed, n in itertools.product(range(110), N):
        S, A = SIZES[seed % len(SIZES)]
        if A <= 8 and S <= 10:
            make = (kt.dirichlet_problem, kt.zipf_problem, kt.near_deterministic_problem)[seed % 3]
            found.append((f"{make.__name__}, seed {seed}, n={n}", 0, make(S, A, seed), n))
    return [
        (name, k, problem.S, problem.A, n, {learner: exact_risk(problem, learner, n).value for learner in UPPER})
        for name, k, problem, n in found
    ]


@functools.cache
def bound_at(name, S, A, n):
    return getattr(bounds, name)(S=S, A=A, n=n)


def broken(upper, lower, factor=1.0):
    """Where a bound times `factor` (lower ones over it) is on the wrong side; and each upper bound's worst ratio."""
    found, worst = [], {}
    for name, k, S, A, n, risks in places():
        for learner, names in upper.items():
            for bound in names:
                value = factor * bound_at(bound, S, A, n)
                if value > 0:
                    worst[bound] = max(worst.get(bound, 0.0), risks[learner] / value)
                if risks[learner] > value * (1 + 1e-12) + 1e-300:
                    found.append((bound, name))
        if k in lower:
            learner, names = lower[k]
            least = risks[learner] * (1 + 1e-12)
            found += [(bound, name) for bound in names if least < bound_at(bound, S, A, n) / factor]
    return found, worst


def test_every_bound_holds_on_two_thousand_places():
    # Oracle: second algorithm, exact expected risks by the routes of kt_theory.exact
    found, worst = broken(UPPER, LOWER)
    assert not found
    assert len(places()) >= 2000
    assert set(worst) == {name for names in UPPER.values() for name in names}
    # No bound is so loose that it could not fail: the worst ratio found, the loosest is the paper's for SEL_ptl.
    assert min(worst.values()) > 0.06
    assert worst["soft_upper_mean_uniform"] > 0.9


@pytest.mark.parametrize("learner", UPPER)
def test_a_wrong_constant_is_seen(learner):
    # Oracle: identity, each bound is broken once it is shrunk to its worst ratio less 1 %
    worst = broken({learner: UPPER[learner]}, {})[1]
    for bound, ratio in worst.items():
        assert broken({learner: [bound]}, {}, factor=0.99 * ratio)[0], bound


@pytest.mark.parametrize("k", LOWER)
def test_a_wrong_lower_constant_is_seen(k):
    # Oracle: identity; hard_lower_mean is loose by a factor of 10 on its own instance, the others by less than 2
    for bound in LOWER[k][1]:
        assert broken({}, {k: (LOWER[k][0], [bound])}, factor=1 / (11 if k == 1 else 2))[0], bound


def takes_seconds(protocol, S, A, n):
    """Whether a game is a linear program, or a search over students, of seconds; and whether S is in the middle."""
    return S == 2 or (protocol == "hard" and n > 1 and (n != 7 if S * A == 2 else n < 10**4))


@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("protocol", kt.PROTOCOLS)
def test_best_bounds_enclose_the_exact_games(protocol, slow):
    # Oracle: second algorithm, the minimax risks of kt_theory.minimax. What is not slow has a hard game of each kind:
    # closed forms, a linear program, Bayes risks and students at large n.
    for S, A, n in itertools.product((1, 2, 10), (2, 3, 10), (0, 1, 7, 100, 10**4)):
        if takes_seconds(protocol, S, A, n) != slow:
            continue
        risk = kt.minimax_risk(protocol, S, A, n)
        assert bounds.best_lower(protocol, S=S, A=A, n=n).value <= risk.upper * (1 + 1e-9)
        assert bounds.best_upper(protocol, S=S, A=A, n=n).value >= risk.lower * (1 - 1e-9)
        assert risk.lower <= risk.upper


@pytest.mark.parametrize(
    ("S", "A"), [(2, 2), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((1, 4), (3, 5), (10, 10)))]
)
def test_more_information_never_hurts(S, A):
    # Oracle: identity, minimax risks fall from hard to partial to soft labels, and with n
    before = dict.fromkeys(kt.PROTOCOLS, np.inf)
    for n in (0, 2, 20, 2000, 10**5):
        risks = {protocol: kt.minimax_risk(protocol, S, A, n) for protocol in kt.PROTOCOLS}
        assert risks["soft"].lower <= risks["partial"].upper
        assert risks["partial"].lower <= risks["hard"].upper
        assert risks["partial"].lower <= risks["hard"].lower * (1 + 1e-9)
        for protocol, risk in risks.items():
            assert risk.lower <= before[protocol]
            before[protocol] = risk.upper
