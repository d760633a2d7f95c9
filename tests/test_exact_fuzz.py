"""Expected risks of rows that floats can hold and nobody would write: each within its declared error, without slack.

Some 500 values: 4 learners on 100 rows of 2 to 5 labels against every count table in fractions; SEL_ptl on 21 rows of
19 to 21 labels against every set of seen labels at 60 digits, and on 60 rows of 10 to 14 against another algorithm.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import oracles
from kt_theory import Problem
from kt_theory.exact import many, sel
from kt_theory.exact.risk import ROUTES
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.risk import expected_risk

KINDS = ("sharp", "flat", "subnormal", "near-equal", "near-certain", "zeros", "generic")


def random_law(rng: np.random.Generator, kind: str, A: int) -> np.ndarray:
    if kind == "sharp":  # softmax at temperatures down to 1/100
        z = rng.normal(size=A) * 10 ** rng.uniform(0.5, 2)
        p = np.exp(z - z.max())
    elif kind == "flat":
        p = np.ones(A)
    elif kind == "subnormal":
        p = np.where(rng.random(A) < 0.5, 10.0 ** -rng.uniform(290, 323, A), rng.random(A))
        p[0] = 1.0
    elif kind == "near-equal":
        p = 1 + 10.0 ** -rng.integers(5, 16) * rng.random(A)
    elif kind == "near-certain":
        p = 10.0 ** -rng.uniform(8, 18) * rng.random(A)
        p[-1] = 1.0
    else:
        p = rng.dirichlet(np.ones(A)) * (rng.random(A) < (0.6 if kind == "zeros" else 1))
        p[0] += p.sum() == 0
    return p / p.sum()


def cases(seed: int, times: int, labels: tuple[int, int], draws: tuple[int, ...]):
    """Rows with a mass and a number of draws; every third has an init of its own kind, some of it tiny."""
    rng = np.random.default_rng(seed)
    for i in range(times):
        kind = KINDS[i % len(KINDS)]
        p = random_law(rng, kind, int(rng.integers(*labels)))
        init = random_law(rng, KINDS[int(rng.integers(len(KINDS)))], p.size) if i % 3 == 0 else None
        rho = (1.0, 0.5, 1 - 2.0**-40, 1e-3, float(rng.random()))[int(rng.integers(5))]
        yield kind, rho, p, init, draws[int(rng.integers(len(draws)))]


def a_row(rho, p, init=None) -> Row:
    start = np.full(p.size, 1 / p.size) if init is None else init
    order = np.lexsort((start, p))
    return Row(rho, p[order], start[order], 1)


@pytest.mark.parametrize("learner", ["CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful"])
def test_few_labels(learner):
    # Oracle: enumeration, every count table in fractions of the floats themselves
    for kind, rho, p, init, n in cases(1, 100, (2, 5), (0, 1, 2, 3, 6)):
        estimate = ROUTES[learner](a_row(rho, p, init), n, "tv")
        truth = oracles.one_input(learner, rho, p, n, init)
        try:
            oracles.honest(estimate, truth)
            # A row's rounding, 2^-53 at most, and 1e-12 of the value: an error says something.
            assert estimate.error <= 1e-12 * float(truth) + 4 * 2.0**-52 * rho
        except AssertionError as wrong:
            raise AssertionError(f"{learner}, {kind}, rho={rho!r}, p={p.tolist()}, init={init}, n={n}") from wrong


def test_many_labels_of_sel_ptl():
    # Oracle: enumeration, every set of seen labels at 60 digits
    rng = np.random.default_rng(2)
    for i in range(21):
        p = random_law(rng, KINDS[i % len(KINDS)], int(rng.integers(19, 22)))
        rho, n = (1.0, 0.99, 0.3)[i % 3], (1, 2, 3)[i % 5 % 3]
        estimate = sel.row_risk(a_row(rho, p), n)
        oracles.honest(estimate, oracles.sel_by_seen_sets(rho, p, n))
        assert estimate.error <= 1e-9 * estimate.value + 1e-16


def test_both_halves_of_a_row():
    # Oracle: second algorithm, Moebius inversion over sets in double-double
    for _, rho, p, _, n in cases(3, 60, (10, 15), (1, 2, 5, 20, 100, 10**4, 10**9)):
        row = a_row(rho, p)
        if p.min() < 1e-280 < p.max() and (p[p > 0] < 1e-280).any():
            continue
        one, two = many.risk(row, n), sel.subsets(row, n)
        assert abs(one.value - two.value) <= one.error + two.error, (rho, p.tolist(), n)


def test_a_fault_is_seen(monkeypatch):
    # Oracle: enumeration, as above; planted: a route that is right to 1e-11, and one that declares no error
    right = ROUTES["SEL_ptl"]
    for planted in (
        lambda e: Estimate(e.value * (1 + 1e-11), e.error, e.route),
        lambda e: Estimate(e.value * (1 + 2.0**-51), 0.0, e.route),
    ):
        monkeypatch.setitem(ROUTES, "SEL_ptl", lambda *args, planted=planted: planted(right(*args)))
        with pytest.raises(AssertionError, match="SEL_ptl"):
            test_few_labels("SEL_ptl")


# --- Rows of which an exact value was wrong ---------------------------------------------------------------------


def geometric(A: int) -> np.ndarray:
    p = 100.0 ** -np.arange(A)
    return p / p.sum()


@pytest.mark.parametrize("n", [1, 2])
def test_a_row_of_powers(n):
    # Oracle: enumeration, every set of seen labels at 60 digits
    truth = 2 * oracles.sel_by_seen_sets(0.5, geometric(20), n)
    risk = expected_risk(Problem([0.5, 0.5], [geometric(20)] * 2), "SEL_ptl", n, method="exact")
    oracles.honest(risk, truth, relative=1e-12)


def test_a_row_of_powers_after_many_draws():
    # Oracle: second algorithm, Moebius inversion in integers; labels below 1e-17 taken for 0, which moves 1e-15 of it
    truth = oracles._row_by_classes(0.5, [*geometric(20)[:9], 0.0], [1] * 9 + [11], 100)
    risk = expected_risk(Problem([0.5, 0.5], [geometric(20)] * 2), "SEL_ptl", 100, method="exact")
    assert risk == pytest.approx(truth, rel=1e-13, abs=0)


def test_a_heavy_label_beside_nineteen():
    # Oracle: enumeration, every set of seen labels at 60 digits
    light = np.random.default_rng(0).random(19) + 0.5
    p = np.append(light / light.sum() * 1e-8, 0)
    p[-1] = 1 - p.sum()
    for rho, n in ((0.99, 1), (0.9, 3)):
        oracles.honest(sel.row_risk(a_row(rho, p), n), oracles.sel_by_seen_sets(rho, p, n), relative=1e-12)


@pytest.mark.parametrize(
    ("p", "init", "divergence", "truth"),
    [
        ([0.5, 0.25, 0.25, 1e-310], None, "tv", None),
        ([0.5, 0.25, 0.25], [1.0, 1e-310, 0.0], "tv", 0.09375),
        ([0.5, 0.25, 0.25], [1.0, 1e-170, 0.0], "l2", 0.046875),
    ],
)
def test_masses_that_products_lose(p, init, divergence, truth):
    # Oracle: enumeration, every count table in fractions; two values worked on paper
    row = a_row(1.0, np.array(p), None if init is None else np.array(init))
    if truth is None:
        truth = oracles.one_input("SEL_ptl", 1.0, p, 2)
    oracles.honest(sel.row_risk(row, 2, divergence), Fraction(truth), relative=1e-13)


@pytest.mark.parametrize("seed", [16, 34])
def test_sharp_rows_of_ce_ptl(seed):
    # Oracle: limit, p^2 / |p|^2: what is left are labels that are hardly ever seen
    z = np.random.default_rng(seed).normal(size=10) * 20
    p = np.exp(z - z.max())
    p /= p.sum()
    risk = expected_risk(Problem([1.0], [p]), "CE_ptl", 10**5, method="exact")
    assert 0 <= risk <= 1
    assert abs(risk - 0.5 * np.abs(p**2 / (p @ p) - p).sum()) <= 2 * p[p * 1e5 < 30].sum() + risk.error


def test_rounded_rows_say_so():
    # Oracle: identity, 2 q (1 - q) of two labels after one draw, q = 1e-17 or so; fractions at n = 0
    risk = expected_risk(Problem([1.0], [[1.0, 1e-17]]), "CE_sgl", 10)
    oracles.honest(risk, oracles.one_input("CE_sgl", 1.0, [1.0, 1e-17], 10))
    p = np.array([0.2, 0.2, 0.2, 0.2 - 1e-12, 0.2 + 1e-12])
    for learner in ("CE_ful", "CE_sgl", "SEL_ptl"):
        oracles.honest(expected_risk(Problem([1.0], [p]), learner, 0), oracles.one_input(learner, 1.0, p, 0))


# --- What guards the routes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", list(ROUTES))
@pytest.mark.parametrize("value", [np.nan, -0.1, 1.1, 1.4e31, np.inf])
def test_no_value_leaves_its_range(monkeypatch, learner, value):
    # Oracle: identity, a distance of laws is in [0, 1]
    monkeypatch.setitem(ROUTES, learner, lambda row, n, divergence: Estimate(value, 0.0, "planted"))
    with pytest.raises(OutOfReach, match=r"planted.*kt_theory\.simulate"):
        expected_risk(Problem([1.0], [[0.5, 0.5]]), learner, 3, method="exact")


@pytest.mark.parametrize(("wrong", "n"), [(0.0, 1), (0.99, 100), (np.nan, 3)])
def test_the_next_route_answers_where_one_is_wrong(monkeypatch, wrong, n):
    # Oracle: second algorithm, label classes
    row = a_row(0.5, np.array([0.1, 0.2, 0.3, 0.4]))
    truth = sel.classes(row, n)
    monkeypatch.setattr(sel, "subsets", lambda *args: Estimate(wrong, 0.0, "planted"))
    found = sel.row_risk(row, n)
    assert found.route == "label classes"
    assert found.value == truth.value


def test_a_route_that_divides_by_zero_is_out_of_reach(monkeypatch):
    def broken(*args):
        return 1 / 0

    monkeypatch.setattr(sel, "subsets", broken)
    monkeypatch.setattr(sel, "classes", broken)
    monkeypatch.setattr(sel, "generic", broken)
    with pytest.raises(OutOfReach, match="ZeroDivisionError"):
        sel.row_risk(a_row(0.5, np.array([0.4, 0.6])), 3)
