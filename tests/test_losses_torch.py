"""Losses of one's own in PyTorch: the limits of the same losses in the package, and what is detached is found."""

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.lossaudit import evidence

torch = pytest.importorskip("torch", reason="extra torch")
functional = torch.nn.functional

E1, E2 = np.array([0.5, 0.3, 0.2]), np.array([0.35, 0.25, 0.15, 0.15, 0.1])


@pytest.fixture(autouse=True)
def _one_thread():
    """Tensors of this size are slower on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def kl(logits, label, teacher, T=2.0):
    """As most code has it: at temperature T, times its square."""
    aim = functional.softmax(teacher.log() / T, dim=1)
    mine = functional.log_softmax(logits / T, dim=1)
    return T**2 * functional.kl_div(mine, aim, reduction="none").sum(dim=1)


def smoothed(logits, label, teacher):
    return functional.cross_entropy(logits, label, label_smoothing=0.1, reduction="none")


def focal(logits, label, teacher):
    hit = functional.log_softmax(logits, dim=1).gather(1, label[:, None])[:, 0]
    return -((1 - hit.exp()) ** 2) * hit


def truncated(logits, label, teacher, held=True):
    """Reverse KL on the list alone, its log-ratio detached or not."""
    on = ~torch.isnan(teacher)
    log_q = functional.log_softmax(logits, dim=1)
    ratio = log_q - torch.nan_to_num(teacher, nan=1.0).log()
    return (on * log_q.exp() * (ratio.detach() if held else ratio)).sum(dim=1)


def interpolated(logits, label, teacher):
    """The target is between the student and the teacher, and held fixed."""
    aim = functional.softmax(0.6 * logits + 0.4 * teacher.log(), dim=1).detach()
    return -(aim * functional.log_softmax(logits, dim=1)).sum(dim=1)


@pytest.mark.parametrize(
    ("function", "protocol", "name", "params"),
    [
        (kl, "soft", "kd_mix", {"alpha": 0, "T": 2}),
        (smoothed, "hard", "label_smoothing", {}),
        (focal, "hard", "focal", {"gamma": 2}),
        (lambda z, y, t: truncated(z, y, t, held=False), "top_k_label:2", "top_k_reverse_kl", {"k": 2}),
    ],
)
def test_a_tensor_function_has_the_limit_of_the_loss_that_it_is(function, protocol, name, params):
    # Oracle: second algorithm, the package's loss of the same formula: limits, values, gradients
    loss, same = kt.losses.torch(function, protocol=protocol), kt.losses.make(name, **params)
    for p in (E1, E2):
        assert evidence.tv(loss.limit(p).student, same.limit(p).student) < 1e-6
        row, q = kt.losses.Row.population(p, loss.protocol), np.roll(p, 1)
        np.testing.assert_allclose(loss.gradient(q, row), same.gradient(q, row), atol=1e-12)
    assert not loss.detached


def test_what_is_detached_is_found_and_solved_as_a_fixed_point():
    # Oracle: lemma L6: with the log-ratio held the list is exact, differentiated it is divided by e; an interpolated
    # target that is held has the fixed point p
    loss = kt.losses.torch(truncated, protocol="top_k_label:2")
    for p in (E1, E2):
        assert loss.limit(p).student[:2] == pytest.approx(p[:2], abs=1e-8)
    assert loss.detached
    plain = kt.losses.torch(lambda z, y, t: truncated(z, y, t, held=False), protocol="top_k_label:2", name="plain")
    assert plain.limit(E2).student[:2] == pytest.approx(E2[:2] / np.e, abs=1e-6)
    loss = kt.losses.torch(interpolated, protocol="soft")
    assert evidence.tv(loss.limit(E1).student, E1) < 1e-8
    assert loss.detached


def test_an_audit_names_what_is_detached():
    # Oracle: planted; the verdict of the fixed point, and the gap between value and gradient
    found = kt.audit(kt.losses.torch(interpolated, protocol="soft"), {"three": E1})
    assert found.verdict == "consistent"
    assert "gradient  not that of the value: off by" in found.text
    found = kt.audit(kt.losses.torch(smoothed, protocol="hard"), {"three": E1})
    assert found.verdict == "biased"
    assert found.table["limit_tv"].item() == pytest.approx(0.1 / 6, abs=1e-8)
    assert found.table["readout_tv"].item() < 1e-8
    assert "not that of the value" not in found.text


def test_a_tensor_function_is_a_learner():
    # Oracle: second algorithm, the smoothed frequencies
    data = kt.draw(kt.Problem([0.5, 0.5], [E1, E1[::-1]]), "hard", n=30, seed=1)
    learner = kt.losses.torch(smoothed, protocol="hard").learner()
    wanted = 0.9 * data.counts / data.visits[:, None] + 0.1 / 3
    np.testing.assert_allclose(kt.fit(data, learner), wanted, atol=1e-7)
    assert learner.fingerprint != kt.losses.torch(focal, protocol="hard", name="smoothed").learner().fingerprint


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda z, y, t: smoothed(z, y, t).mean(), "answers one number: it reduces"),
        (lambda z, y, t: z.numpy(), "a Tensor is needed"),
        (lambda z, y, t: smoothed(z, y, t).detach(), "has no gradient by the logits: is all of it detached"),
        (lambda z, y, t: z[:, 9], "raises IndexError"),
        (lambda z, y, t: kl(z, y, t), "reads an entry of the teacher that the protocol hard hides"),
        (
            lambda z, y, t: torch.where(torch.isnan(t), 0.0, t * z).sum(dim=1) + smoothed(z, y, t),
            "torch.where hands back the NaN of what the protocol hides",
        ),
    ],
)
def test_what_is_no_loss_is_refused_in_a_sentence(function, said):
    # Oracle: planted
    with pytest.raises(ValueError, match=said):
        kt.losses.torch(function, protocol="hard", name="planted").limit(E1)
