"""Divergences: values against high precision, arrays against compiled rows, edges."""

import math

import mpmath
import numpy as np
import pytest

import kt_theory as kt
from kt_theory.checks import Unsupported
from kt_theory.compiled import row_function
from kt_theory.divergences import DIVERGENCES, Divergence, resolve_divergence


def oracle(name, q, p):
    """The definition, at 40 digits; the values of rows are exact binary fractions."""
    with mpmath.workdps(40):
        q, p = [mpmath.mpf(float(x)) for x in q], [mpmath.mpf(float(x)) for x in p]
        pairs = list(zip(q, p, strict=True))
        if name == "tv":
            return sum(abs(x - y) for x, y in pairs) / 2
        if name in ("kl", "reverse_kl"):
            pairs = pairs if name == "kl" else [(y, x) for x, y in pairs]
            if any(x == 0 < y for x, y in pairs):
                return mpmath.inf
            return sum(y * mpmath.log(y / x) for x, y in pairs if y > 0)
        if name == "l2":
            return sum((x - y) ** 2 for x, y in pairs)
        if name == "hellinger":
            return mpmath.sqrt(sum((mpmath.sqrt(x) - mpmath.sqrt(y)) ** 2 for x, y in pairs) / 2)
        said = [i for i, x in enumerate(q) if x == max(q)]
        right = {i for i, y in enumerate(p) if y == max(p)}
        return mpmath.mpf(len([i for i in said if i not in right])) / len(said)


def rows():
    rng = np.random.default_rng(5)
    for A in (1, 2, 3, 7, 40):
        for alpha in (0.02, 1.0):
            q, p = rng.dirichlet(np.full(A, alpha), size=2)
            yield np.nan_to_num(q), np.nan_to_num(p)
            dyadic = rng.multinomial(64, np.full(A, 1 / A), size=2) / 64  # zeros and ties
            yield dyadic[0], dyadic[1]
            yield dyadic[0], dyadic[0]


@pytest.mark.parametrize("name", DIVERGENCES)
def test_values_are_the_definition(name):
    # Oracle: mpmath, the definition at 40 digits.
    divergence = DIVERGENCES[name]
    compiled = row_function(divergence.row)
    for q, p in rows():
        if not (abs(q.sum() - 1) < 1e-12 and abs(p.sum() - 1) < 1e-12):
            continue
        truth = float(oracle(name, q, p))
        # Kullback-Leibler of rows whose float sums are off 1 by a rounding moves by as much.
        for value in (float(divergence.rows(q, p)), compiled(q, p)):
            assert value == truth or abs(value - truth) <= 4e-15 * max(1.0, truth)
        assert 0 <= float(divergence.rows(q, p)) <= divergence.upper * (1 + 1e-15)
        assert divergence.may_be_infinite or math.isfinite(truth)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_equal_rows_cost_nothing_and_leading_axes_are_free(name):
    # Oracle: identity, a divergence of a row from itself is 0.
    divergence = DIVERGENCES[name]
    p = np.random.default_rng(1).dirichlet(np.ones(5), size=(3, 2))
    assert np.array_equal(divergence.rows(p, p), np.zeros((3, 2)))
    q = np.random.default_rng(2).dirichlet(np.ones(5), size=(3, 2))
    one_by_one = [[float(divergence.rows(q[i, j], p[i, j])) for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(divergence.rows(q, p), one_by_one, rtol=1e-15)


def test_a_wrong_constant_is_seen():
    # Oracle: mpmath; total variation without its half is planted.
    q, p = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    assert abs(float(np.abs(q - p).sum()) - float(oracle("tv", q, p))) > 4e-15


def test_ties_of_the_student_are_broken_at_random_and_any_best_label_of_the_teacher_is_right():
    # Oracle: enumeration by hand.
    top1 = DIVERGENCES["top1"].rows
    assert top1(np.array([0.5, 0.5, 0.0]), np.array([0.6, 0.2, 0.2])) == 0.5
    assert top1(np.array([1.0, 0.0, 0.0]), np.array([0.4, 0.4, 0.2])) == 0.0
    assert top1(np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.4, 0.4, 0.1, 0.1])) == 0.5


@pytest.mark.parametrize("bad", ["tvv", "", None, 3, ["tv"], "KL"])
def test_what_is_no_divergence_is_refused(bad):
    # Oracle: none needed, one sentence that names the known ones.
    with pytest.raises(Unsupported, match=r"^divergence is .*: it must be one of tv, kl, .*, or a Divergence$"):
        resolve_divergence(bad)


def test_a_divergence_of_ones_own_is_itself():
    # Oracle: identity.
    mine = Divergence("chi2", lambda q, p: ((q - p) ** 2 / p).sum(axis=-1))
    assert resolve_divergence(mine) is mine
    for words, match in (({"name": "a b"}, "word of letters"), ({"rows": 3}, "function of two arrays")):
        with pytest.raises(ValueError, match=match):
            Divergence(**{"name": "x", "rows": lambda q, p: q, **words})


def test_a_name_of_the_package_is_taken():
    # Oracle: definition; another divergence named tv would be answered by the exact routes of total variation
    mine = Divergence("tv", lambda q, p: ((q - p) ** 2).sum(axis=-1))
    with pytest.raises(Unsupported, match="that name is the package's"):
        resolve_divergence(mine)


def test_hellinger_of_labels_without_mass_is_no_disagreement():
    # Oracle: second algorithm, the whole law of the risk; the mean is within 4 standard errors
    rng = np.random.default_rng(1)
    problem = kt.Problem(rng.dirichlet(np.ones(3)), np.hstack([rng.dirichlet(np.ones(4), 3), np.zeros((3, 2))]))
    found = kt.simulate(problem, ["SEL@top_k:3"], 3, 2000, divergence="hellinger").iloc[0]
    law = kt.risk_law(problem, "SEL@top_k:3", 3, divergence="hellinger")
    assert abs(found["mean"] - law.mean()) <= 4 * found["mcse"]
