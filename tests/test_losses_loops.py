"""The compiled loops of losses as plain Python: minimisers against roots by SciPy, ties, vertices, what is left out."""

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from kt_theory.losses import loops
from kt_theory.losses.row import softmax


def plain(function):
    """The Python of a compiled function; the functions that it calls stay compiled."""
    return getattr(function, "py_func", function)


LAWS = [[0.5, 0.3, 0.2], [0.5, 0.5], [0.9, 0.06, 0.04], [0.4, 0.4, 0.1, 0.1], [0.6, 0.4, 0.0], [1.0, 0.0], [0.25] * 4]


@pytest.mark.parametrize(("weight", "bend"), [(1.0, 0.0), (1.0, 1.0), (0.1, 4.0), (2.0, 0.5), (0.01, 100.0)])
@pytest.mark.parametrize("e", LAWS)
def test_laws_of_a_rational_loss(e, weight, bend):
    # Oracle: second algorithm, the root of the sum by SciPy, in the gap to the pole
    e = np.array(e)
    q = np.empty((2, e.size))
    plain(loops.rational)(np.array([e, e[::-1]]), weight, bend, q)

    def law(gap):
        return weight * e / (gap + bend * (e.max() - e))

    gap = brentq(
        lambda t: law(np.exp(t)).sum() - 1, np.log(weight * e.max()) - 1e-9, np.log(weight + 1) + 1, xtol=1e-15
    )
    assert q[0] == pytest.approx(law(np.exp(gap)), rel=1e-11, abs=0)
    assert q[1] == pytest.approx(q[0, ::-1], rel=1e-13, abs=0)
    assert q.sum(axis=1) == pytest.approx([1, 1], rel=1e-15, abs=0)


def log_phi(q, gamma):
    return (gamma - 1) * np.log1p(-q) + np.log(1 - q - gamma * q * np.log(q)) - np.log(q)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("e", LAWS)
def test_laws_of_focal_loss(e, gamma):
    # Oracle: second algorithm, p phi(q) equal on all labels: nested roots by SciPy; one label alone is a vertex
    e = np.array(e)
    q = np.empty((1, e.size))
    steps = plain(loops.focal)(e[None], gamma, q)
    if (e == 1).any():
        assert (q[0].tolist(), steps) == (e.tolist(), 0)
        return
    seen = e > 0

    def law(level):
        each = [brentq(lambda t, p=p: np.log(p) + log_phi(1 / (1 + np.exp(-t)), gamma) - level, -35, 35, xtol=1e-14)
                for p in e[seen]]  # fmt: skip
        return 1 / (1 + np.exp(-np.array(each)))

    # phi falls from infinity to 0: the level at which the laws come to one
    level = brentq(lambda level: law(level).sum() - 1, -8, 3, xtol=1e-13)
    assert q[0, seen] == pytest.approx(law(level), rel=1e-11, abs=0)
    assert (q[0, ~seen] == 0).all()
    assert q.sum() == pytest.approx(1, rel=1e-15, abs=0)
    assert 1 <= steps < 60
    for a, b in itertools.combinations(range(e.size), 2):
        if e[a] == e[b]:
            assert q[0, a] == q[0, b]


def test_focal_rows_are_apart_and_their_most_steps_are_told():
    # Oracle: identity, each row alone
    e = np.array([[0.5, 0.3, 0.2], [0.98, 0.01, 0.01], [1.0, 0.0, 0.0], [1 / 3] * 3])
    q, one = np.empty_like(e), np.empty((1, 3))
    together = plain(loops.focal)(e, 2.0, q)
    alone = []
    for row, law in zip(e, q, strict=True):
        alone.append(plain(loops.focal)(row[None], 2.0, one))
        assert one[0].tolist() == law.tolist()
    assert together == max(alone)
    assert q[3] == pytest.approx([1 / 3] * 3, rel=1e-15, abs=0)


TERMS = [
    ((0.1, 3.6), (1.0, 4.0), (0.0, 0.0)),
    ((0.5, 0.5), (1.0, 1.0), (0.0, 1.0)),
    ((1.0, 0.0), (1.0, 3.0), (0.0, 0.0)),
    ((0.0, 2.0), (1.0, 0.5), (0.0, 0.0)),
    ((0.9, 0.05), (1.0, 0.5), (0.0, -1.0)),
    ((1e-3, 20.0), (1.0, 20.0), (0.0, 0.0)),
]


@pytest.mark.parametrize(("weights", "temperatures", "levels"), TERMS)
def test_two_tempered_terms_are_least_together(weights, temperatures, levels):
    # Oracle: identity, the gradient typed again; second algorithm, SciPy's BFGS
    rng = np.random.default_rng(1)
    A, N = 4, 3
    targets = rng.dirichlet(np.ones(A), size=(2, N))
    targets[:, 2] = [[0.5, 0.25, 0.25, 0.0], [0.7, 0.2, 0.1, 0.0]]
    shifts = np.stack([level * rng.normal(size=(N, A)) for level in levels])
    z = np.zeros((N, A))
    z[2, 3] = -np.inf
    residual, steps = np.empty(N), np.empty(N, dtype=int)
    plain(loops.mixtures)(np.array(weights), np.array(temperatures), shifts, targets, z, residual, steps)

    def value(x, n):
        return sum(
            w * T * -(t[n, :k] * np.log(softmax(x / T + b[n, :k]))).sum()
            for w, T, b, t in zip(weights, temperatures, shifts, targets, strict=True)
            for k in (x.size,)
        )

    for n in range(N):
        k = A - (n == 2)
        x = z[n, :k]
        slope = sum(w * (softmax(x / T + b[n, :k]) - t[n, :k])
                    for w, T, b, t in zip(weights, temperatures, shifts, targets, strict=True))  # fmt: skip
        assert residual[n] == pytest.approx(np.abs(slope).max(), abs=1e-15)
        assert residual[n] <= 1e-12
        assert 1 <= steps[n] <= 12
        best = minimize(value, np.zeros(k), args=(n,), method="BFGS", options={"gtol": 1e-9}).x
        assert softmax(best) == pytest.approx(softmax(x), abs=1e-5)
    assert z[2, 3] == -np.inf


def test_two_terms_from_afar_and_at_the_minimum():
    # Oracle: identity: a start at the minimum costs no step; one 300 away ends there, a step changes at most 20
    weights, temperatures = np.array([1.0, 0.5]), np.array([1.0, 2.0])
    p = np.array([[0.6, 0.3, 0.1]])
    targets, shifts = np.stack([p, np.sqrt(p) / np.sqrt(p).sum()]), np.zeros((2, 1, 3))
    z, residual, steps = np.log(p), np.empty(1), np.empty(1, dtype=int)
    plain(loops.mixtures)(weights, temperatures, shifts, targets, z, residual, steps)
    assert (z.tolist(), steps.tolist()) == (np.log(p).tolist(), [0])
    z = np.array([[-150.0, 0.0, 150.0]])
    plain(loops.mixtures)(weights, temperatures, shifts, targets, z, residual, steps)
    assert softmax(z[0]) == pytest.approx(p[0], rel=1e-10, abs=0)
    assert 5 < steps[0] < 60
    assert residual[0] <= 1e-12


@pytest.mark.parametrize(
    ("e", "values", "w", "q", "unique"),
    [
        ([1.0, 0, 0], [0.6, 0.3, 0.1], 0.5, [1, 0, 0], True),
        ([1.0, 0, 0], [0.6, 0.3, 0.1], 0.625, [0.8, 0.15, 0.05], False),
        ([1.0, 0, 0], [0.6, 0.3, 0.1], 2.0, [0.6, 0.3, 0.1], False),
        ([0.5, 0.5], [0.6, 0.4], 1.5, [0.6, 0.4], False),
        ([0.5, 0.5], [0.5, 0.5], 1.5, [0.5, 0.5], True),
        ([0.3, 0.7], [0.6, 0.4], 1.5, [0.4, 0.6], True),
        # Values that come to 0.9: labels are raised to e / x until all come to one, the unseen keep theirs.
        ([0.5, 0.3, 0.2], [0.5, 0.3, 0.1], 2.0, [0.5, 0.3, 0.2], True),
        ([0.2, 0.3, 0.5], [0.6, 0.25, 0.05], 2.0, [0.15, 0.25, 0.6], True),
        ([0.5, 0.5, 0.0], [0.4, 0.3, 0.2], 2.0, [0.4, 0.4, 0.2], True),
        ([0.7, 0.3], [0.6, 0.4], 1e-3, [0.7 / 1.0001, 0.3 / 0.9999], True),
    ],
)
def test_values_given_to_labels_by_hand(e, values, w, q, unique):
    # Oracle: by hand, from the conditions of optimality: e / (mu +- w) or the value; ties of e with unlike values swap
    answer, alone = np.empty((1, len(e))), np.empty(1, dtype=bool)
    plain(loops.assigned)(np.array([e]), np.array([values]), w, answer, alone)
    rough = 2e-3 if w == 1e-3 else 1e-12
    assert answer[0] == pytest.approx(q, abs=rough)
    assert answer.sum() == pytest.approx(1, rel=1e-15, abs=0)
    assert alone.tolist() == [unique]


def test_directions_of_the_memory():
    # Oracle: second algorithm, the inverse Hessian of BFGS as a matrix, from the same pairs of steps and turns
    rng = np.random.default_rng(0)
    A, M = 4, 3
    bend = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.1
    steps, turns, inverse = np.zeros((M, 2, A)), np.zeros((M, 2, A)), np.zeros((M, 2))
    pairs = []
    for m in range(5):
        s = rng.normal(size=A)
        y = bend @ s
        steps[m % M, 1], turns[m % M, 1], inverse[m % M, 1] = s, y, 1 / (s @ y)
        pairs.append((s, y))
        newest = m % M
    g = rng.normal(size=A)
    kept = pairs[-M:]
    H = np.eye(A) * (kept[-1][0] @ kept[-1][1]) / (kept[-1][1] @ kept[-1][1])
    for s, y in kept:
        V = np.eye(A) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    way, along, most = np.empty((1, A)), np.empty(1), np.empty(1)
    plain(loops.downhill)(g[None], np.array([1]), steps, turns, inverse, newest, way, along, most)
    assert way[0] == pytest.approx(-H @ g, rel=1e-12, abs=0)
    assert along[0] == pytest.approx(-g @ H @ g, rel=1e-12, abs=0)
    assert most[0] == pytest.approx(np.abs(H @ g).max(), rel=1e-12, abs=0)
    plain(loops.downhill)(g[None], np.array([0]), steps, turns, inverse, newest, way, along, most)
    assert way[0] == pytest.approx(
        -g / max(1, np.abs(g).max()), rel=1e-15, abs=0
    )  # nothing is remembered of the first row
    plain(loops.downhill)(5 * g[None], np.array([0]), steps, turns, inverse, newest, way, along, most)
    assert np.abs(way).max() == pytest.approx(1, rel=1e-15, abs=0)
    turns[newest, 1] *= -1  # a memory that leads uphill is forgotten: steepest descent
    inverse[:, 1] = [0, 0, 0]
    inverse[newest, 1] = 1e6
    plain(loops.downhill)(g[None], np.array([1]), steps, turns, inverse, newest, way, along, most)
    if (inverse[:, 1] == 0).all():
        assert way[0] == pytest.approx(-g, rel=1e-15, abs=0)
        assert along[0] == pytest.approx(-g @ g, rel=1e-15, abs=0)


def test_what_is_remembered_of_a_step():
    # Oracle: by hand: steps, turns and 1 over their product; all is forgotten where no step was accepted
    M, N, A = 2, 2, 3
    steps, turns, inverse = np.ones((M, N, A)), np.ones((M, N, A)), np.full((M, N), 7.0)
    straight = np.array([4.0, 4.0])
    z, new_z = np.zeros((2, A)), np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    z[0, 2] = new_z[0, 2] = -np.inf
    slope, new_slope = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), np.array([[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]])
    new_slope = slope + np.array([[0.5, 0.25, 0.0], [0.0, 0.0, 0.0]])
    given = (z, new_z, slope, new_slope, np.array([True, False]), steps, turns, inverse, straight)
    plain(loops.remember)(np.array([1, 0]), 1, *given)
    assert steps[1, 1].tolist() == [1, 0.5, 0]
    assert turns[1, 1].tolist() == [0.5, 0.25, 0]
    assert inverse.tolist() == [[0, 7], [0, 1 / 0.625]]
    assert straight.tolist() == [1, 1]
    late = np.full((M, N), 7.0)  # a row that was not accepted ends nothing for the next one
    plain(loops.remember)(np.array([0, 1]), 1, *(x[::-1] for x in given[:5]), steps, turns, late, straight)
    assert late.tolist() == [[0, 7], [0, 1 / 0.625]]
    straight[:] = 1.0
    same = (z, new_z, slope, slope, np.array([True, True]), steps, turns, inverse, straight)
    plain(loops.remember)(np.array([1, 0]), 0, *same)
    assert straight.tolist() == [2, 2]  # the gradient did not change: twice as far the next time
    assert inverse[0].tolist() == [0, 0]
    straight[:] = 9e5
    plain(loops.remember)(np.array([1, 0]), 0, *same)
    assert straight.tolist() == [1e6, 1e6]
