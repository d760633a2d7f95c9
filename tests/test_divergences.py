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


def spread_out(name, q, p):
    """The definition at 40 digits of rows that need not sum to 1, each term at least 0."""
    if name in ("kl", "reverse_kl"):
        q, p = (q, p) if name == "kl" else (p, q)
        if ((q == 0) & (p > 0)).any():
            return math.inf
        with mpmath.workdps(40):
            pairs = [(mpmath.mpf(x), mpmath.mpf(y)) for x, y in zip(q.tolist(), p.tolist(), strict=True)]
            return float(sum((y * mpmath.log(y / x) if y else 0) - y + x for x, y in pairs))
    return float(oracle(name, q, p))


#: Students and teachers; the student's value on each of so many more labels, of which the teacher knows nothing.
STORED = [
    ([0.5, 0.25, 0.125], [0.25, 0.25, 0.5], 1, 0.125),
    ([0.25, 0.125, 0.0], [0.5, 0.5, 0.0], 2, 0.3125),
    ([0.25, 0.25, 0.125], [0.5, 0.25, 0.125], 3, 0.125),
    ([0.25, 0.125, 0.5], [0.5, 0.0, 0.5], 0, 0.75),
    ([0.5, 0.5, 0.25], [0.5, 0.25, 0.25], 2, 0.0),
    ([0.0, 0.5, 0.5], [0.5, 0.25, 0.25], 1, 0.0),
    ([0.0, 0.0, 0.0], [0.5, 0.25, 0.25], 4, 0.25),
    ([0.3, 0.3, 0.4], [0.2, 0.5, 0.4], 0, 0.0),
    ([0.1, 0.2, 0.3], [0.4, 0.3, 0.2], 2, 0.1),
]


@pytest.mark.parametrize(("student", "teacher", "others", "rest"), STORED)
@pytest.mark.parametrize("name", DIVERGENCES)
def test_loops_over_a_row_are_the_definition(name, student, teacher, others, rest):
    # Oracle: mpmath, the definition at 40 digits; arrays, one row uncompiled, stored cells, students side by side
    entry, q, p = DIVERGENCES[name], np.array(student), np.array(teacher)
    full, whole = np.concatenate((q, np.full(others, rest))), np.concatenate((p, np.zeros(others)))

    def near(truth):
        return truth if math.isinf(truth) else pytest.approx(truth, rel=1e-14, abs=1e-16)

    assert entry.cells(q, p, others, rest) == near(spread_out(name, full, whole))
    short = near(spread_out(name, q, p))
    assert entry.row(q, p) == short
    assert float(entry.rows(q, p)) == short
    assert float(entry.rows(full, whole)) == near(spread_out(name, full, whole))
    if entry.lanes is not None:
        out = np.full(3, 7.0)
        entry.lanes(np.column_stack((q, p, q)), p, out)
        assert out.tolist() == [short, 0.0, short]


@pytest.mark.parametrize("less", [1e-13, 1e-11])
def test_ties_are_values_within_a_millionth_of_a_millionth(less):
    # Oracle: definition, a relative 1e-12
    q, p, tied = np.array([0.5 * (1 - less), 0.5, 0.0]), np.array([0.5, 0.4, 0.1]), less < 1e-12
    top1 = DIVERGENCES["top1"]
    for found in (top1.row(q, p), top1.cells(q, p, 1, 0.0), float(top1.rows(q, p))):
        assert found == (0.5 if tied else 1.0)
    for found in (top1.row(p, q), top1.cells(p, q, 1, 0.0), float(top1.rows(p, q))):
        assert found == (0.0 if tied else 1.0)
    assert top1.cells(q[:1], np.array([0.5]), 2, 0.5) == pytest.approx(2 / 3 if tied else 1.0, rel=1e-15, abs=0)
    assert top1.cells(q[1:], p[1:], 2, 0.5 * (1 - less)) == pytest.approx(2 / 3 if tied else 0.0, rel=1e-15, abs=0)


def test_the_table_of_divergences_is_that_of_the_page():
    # Oracle: definition, the ranges of the module's table, each reached by rows that have nothing in common
    found = {name: (entry.upper, entry.may_be_infinite) for name, entry in DIVERGENCES.items()}
    bounded, endless = (1.0, False), (math.inf, True)
    names = ("tv", "kl", "reverse_kl", "l2", "hellinger", "top1")
    assert found == dict(zip(names, (bounded, endless, endless, (2.0, False), bounded, bounded), strict=True))
    for entry in DIVERGENCES.values():
        assert float(entry.rows(np.array([1.0, 0.0]), np.array([0.0, 1.0]))) == entry.upper
        assert entry.fingerprint == f"{entry.name} 1"
    assert repr(DIVERGENCES["l2"]) == (
        "Divergence(name='l2', upper=2.0, may_be_infinite=False, words='squared l2 distance')"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": 3}, "name of a divergence is 3"),
        ({"rows": "no"}, "rows of divergence x is 'no'"),
        ({"row": 2}, "row of divergence x is 2: it must be a function of two rows"),
        ({"upper": 0}, "upper of divergence x is 0.0: it must be above 0, infinity allowed"),
        ({"upper": -1.0}, "upper of divergence x is -1.0"),
        ({"upper": "a"}, "upper of divergence x"),
        ({"may_be_infinite": 2}, "may_be_infinite of divergence x"),
        ({"words": 4}, "words of divergence x"),
        ({"fingerprint": 5}, "fingerprint of divergence x"),
    ],
)
def test_what_makes_no_divergence_is_named(given, words):
    # Oracle: none needed, one sentence that names the argument and the value
    with pytest.raises(ValueError, match=words):
        Divergence(**{"name": "x", "rows": lambda q, p: q, **given})


def test_values_of_a_divergence_are_checked_against_its_range():
    # Oracle: definition, from 0 to `upper`, a relative 1e-9 for rounding; infinite only where that was said
    mine = Divergence("x", lambda q, p: 0 * q[..., 0], upper=4)
    assert isinstance(mine.upper, float)
    assert mine.row is None
    assert mine.words == ""
    assert mine.fingerprint not in ("", Divergence("x", lambda q, p: q[..., 1]).fingerprint)
    good = np.array([0.0, 4.0, 4.0 * (1 + 0.9e-9)])
    assert mine.checked(good) is good
    for bad in (-1e-300, 4.0 * (1 + 1.2e-9), math.nan, math.inf):
        with pytest.raises(ValueError, match=r"what divergence x answers is .*: it must be from 0 to 4, finite"):
            mine.checked(np.array([1.0, bad]))
    free = Divergence("y", lambda q, p: q, may_be_infinite=True)
    assert free.checked(np.array([math.inf])).tolist() == [math.inf]
    with pytest.raises(ValueError, match=r"from 0 to inf, infinity allowed"):
        free.checked(np.array([-1.0]))
    with pytest.raises(ValueError, match=r"from 0 to inf, finite"):
        Divergence("z", lambda q, p: q).checked(np.array([math.inf]))
    assert mine.between(np.ones((2, 3)), np.ones(3)).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"divergence y answers with shape \(2, 3\): \(2,\), a value a row"):
        free.between(np.ones((2, 3)), np.ones(3))
