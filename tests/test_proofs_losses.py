"""Steps of N32 of the report: losses, their students, and how fast these learn."""

import itertools

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.ledger.entries.losses import GENERATORS, mixture_constant, spread
from kt_theory.losses import Row
from kt_theory.losses.constants import curvature

P = np.array([0.5, 0.3, 0.2])


def one(law, p=P):
    """A row of samples of this law under a teacher."""
    return Row(np.asarray(law, float), np.ones(()), p, np.full(p.size, 1 / p.size))


@pytest.mark.step("N32.1")
def test_the_sum_over_samples_is_the_mean_loss_at_the_frequencies():
    # Oracle: identity, a sum over five samples; planted: a loss that is not linear in the law of the labels
    labels, q = [0, 2, 0, 1, 0], np.array([0.2, 0.5, 0.3])
    e = np.bincount(labels, minlength=3) / 5
    for name in ("focal", "brier", "generalized_cross_entropy", "label_smoothing"):
        loss = kt.losses.make(name)
        total = sum(float(loss.value(q, one(np.eye(3)[y]))) for y in labels)
        assert total == pytest.approx(5 * float(loss.value(q, one(e))), rel=1e-13, abs=0)
    coupled = kt.losses.make("uskd")
    total = sum(float(coupled.value(q, one(np.eye(3)[y]))) for y in labels)
    assert abs(total - 5 * float(coupled.value(q, one(e)))) > 1e-3


@pytest.mark.step("N32.2")
def test_terms_of_partial_losses_are_least_at_the_teacher_alone():
    # Oracle: enumeration on a grid of q_a around p_a, one seen label; planted: the weighted cross-entropy
    p, grid = 0.3, np.linspace(0.01, 0.99, 99)
    shown = np.array([p, np.nan])
    for name in ("squared_error_logit", "target_binary_kl", "squared_error_probability", "naive_partial"):
        values = [float(kt.losses.make(name).value(np.array([x, 1 - x]), one([1.0, 0.0], shown))) for x in grid]
        least = grid[int(np.argmin(values))]
        assert (abs(least - p) < 1e-9) == (name != "naive_partial"), name


@pytest.mark.step("N32.3")
def test_truncated_forward_kl_is_a_divergence_on_the_list_and_one_of_masses():
    # Oracle: identity on random sub-laws
    rng = np.random.default_rng(2)
    for _ in range(20):
        p, q = rng.dirichlet(np.ones(5), size=2)[:, :3]
        mass, Q = p.sum(), q.sum()
        inside = (p / mass * np.log((p / mass) / (q / Q))).sum()
        value = (q * GENERATORS["t log t"](p / q)).sum()
        assert value == pytest.approx(mass * inside + mass * np.log(mass / Q), abs=1e-13)


@pytest.mark.step("N32.4")
@pytest.mark.parametrize(("alpha", "T"), [(0.1, 4.0), (0.5, 2.0), (0.3, 1.0)])
def test_the_student_moves_by_J(alpha, T):
    # Oracle: second algorithm, differences of the package's students; planted: V_T taken at T squared
    powers = P ** (1 / T)
    J = alpha * spread(P) @ np.linalg.pinv(alpha * spread(P) + (1 - alpha) * spread(powers / powers.sum()))
    loss, h = kt.losses.make("kd_mix", alpha=alpha, T=T), 1e-4
    for way in np.array([[1, -1, 0], [0.5, 0.5, -1]]):
        moved = (loss.solve(one(P + h * way)).student - loss.solve(one(P - h * way)).student) / (2 * h)
        np.testing.assert_allclose(moved, J @ way, atol=1e-6)
    assert kt.losses.constant(loss, P) == pytest.approx(mixture_constant(P, alpha, T), rel=1e-8, abs=0)
    if T != 1:
        assert kt.losses.constant(loss, P) != pytest.approx(mixture_constant(P, alpha, T**2), rel=1e-3, abs=0)


@pytest.mark.step("N32.5")
@pytest.mark.parametrize("name", ["standardised_logits_plus_ce", "pearson_plus_ce"])
def test_next_to_no_weight_leaves_one_direction(name):
    # Oracle: second algorithm, second derivatives by differences of the loss's gradient
    V = spread(P)
    d = np.log(P) if name.startswith("standard") else (P - 1 / 3) / P
    hard = curvature(kt.losses.make("cross_entropy"), np.log(P), one(P))
    whole = curvature(kt.losses.make(name, ce=1.0), np.log(P), one(P))
    M = whole - hard
    np.testing.assert_allclose(hard, V, atol=1e-9)
    assert np.abs(M @ d).max() < 1e-8  # the kernel: constants and d
    assert np.linalg.matrix_rank(M, tol=1e-6) == P.size - 2
    limit, sizes = np.outer(V @ d, d) / (d @ V @ d), []
    for epsilon in (1.0, 0.1, 1e-2, 1e-3):
        J = epsilon * V @ np.linalg.pinv(epsilon * V + M, rcond=1e-10)
        sizes.append(np.diag(J @ V @ J.T))
    assert all((after <= before + 1e-6).all() for before, after in itertools.pairwise(sizes))
    assert (sizes[0] - sizes[-1]).max() > 1e-5
    centred = np.eye(3) - 1 / 3
    np.testing.assert_allclose(J @ centred, limit @ centred, atol=2e-3)


@pytest.mark.step("N32.6")
def test_every_pair_of_a_preference_is_at_rest():
    # Oracle: identity, the two terms of each pair; planted: the scores of beta = 1 at another beta
    rng = np.random.default_rng(3)
    p, ref = rng.dirichlet(np.ones(4), size=2)
    s = np.log(p / ref)
    sigma = 1 / (1 + np.exp(s[None, :] - s[:, None]))
    pull = np.outer(p, ref) * sigma.T
    np.testing.assert_allclose(pull, pull.T, rtol=1e-12)
    sigma = 1 / (1 + np.exp(0.5 * (s[None, :] - s[:, None])))
    assert np.abs(np.outer(p, ref) * sigma.T - (np.outer(p, ref) * sigma.T).T).max() > 1e-3
