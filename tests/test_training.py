"""The losses for PyTorch: a table trained to convergence is the closed form of each, and float32 and bfloat16 hold."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import kt_theory as kt

torch = pytest.importorskip("torch", reason="extra torch")
functional = torch.nn.functional

from kt_theory import training  # noqa: E402  (after the skip)
from kt_theory.training import rows  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    """Tensors of this size are slower on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


TEACHER = np.array([[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]])
SEEN = np.array([[5, 3, 1, 2], [1, 1, 1, 1], [40, 1, 2, 1]])
#: Some labels of each input unseen; the third input is unvisited.
UNSEEN = np.array([[5, 0, 0, 2], [1, 1, 0, 0], [0, 0, 0, 0]])
NONE = -100


def records(counts):
    """Inputs and labels of a table of counts, one a sample."""
    s, a = np.nonzero(counts)
    times = counts[s, a]
    return torch.tensor(np.repeat(s, times)), torch.tensor(np.repeat(a, times))


def trained(loss, shape=TEACHER.shape):
    """The student of a table of free logits, from zeros to convergence, in float64."""
    logits = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    for _ in range(20):
        optimiser = torch.optim.LBFGS(
            [logits], max_iter=500, tolerance_grad=1e-13, tolerance_change=1e-16, line_search_fn="strong_wolfe"
        )

        def closure(optimiser=optimiser):
            optimiser.zero_grad()
            value = loss(logits)
            value.backward()
            return value

        optimiser.step(closure)
        if logits.grad.abs().max() < 1e-11:
            break
    return logits.detach().softmax(dim=1).numpy()


def told_sets(s, a, log_p, k):
    """For each sample the k likeliest labels of its input, and the sampled one beside them if it is another."""
    top = log_p.topk(k, dim=1).indices[s]
    extra = torch.where((top == a[:, None]).any(dim=1), NONE, a)
    labels = torch.cat([top, extra[:, None]], dim=1)
    return labels, log_p[s].gather(1, labels.clamp_min(0))


def losses(counts, k=2):
    """Learner and protocol -> a loss of the logits of a table with these counts."""
    s, a = records(counts)
    log_p = torch.tensor(TEACHER).log()
    drawn = log_p[s, a]
    labels, told = told_sets(s, a, log_p, k)
    return {
        ("CE_sgl", "hard"): lambda z: training.cross_entropy(z[s], a),
        ("CE_ptl", "partial"): lambda z: training.naive_partial_cross_entropy(z[s], a, drawn),
        ("SEL_ptl", "partial"): lambda z: training.squared_error_logit(z[s], a, drawn),
        ("SEL_ptl", "partial", "kl"): lambda z: training.top_k_kl(z[s], a, drawn),
        (f"SEL@top_k:{k}", f"top_k:{k}"): lambda z: training.squared_error_logit(z[s], labels, told),
        (f"SEL@top_k:{k}", f"top_k:{k}", "kl"): lambda z: training.top_k_kl(z[s], labels, told),
        ("CE_ful", "soft"): lambda z: training.soft_kl(z[s], log_p[s]),
    }


@pytest.mark.parametrize("which", losses(SEEN), ids=" ".join)
def test_a_table_tends_to_the_closed_form(which):
    # Oracle: second algorithm, the closed forms of kt_theory.fit against L-BFGS on free logits
    learner, protocol, *_ = which
    student = kt.fit(kt.TransferSet.from_counts(SEEN, TEACHER, protocol), learner)
    assert np.abs(trained(losses(SEEN)[which]) - student).max() < 1e-6
    if learner != "CE_sgl":
        assert (np.abs(student - TEACHER).max() < 1e-12) == (learner != "CE_ptl")


@pytest.mark.parametrize(
    "which", [key for key in losses(UNSEEN) if "SEL" in key[0] or key[0] == "CE_ful"], ids=" ".join
)
def test_unseen_labels_share_the_rest_and_unvisited_inputs_stay(which):
    # Oracle: second algorithm, kt_theory.fit from a uniform initial table: zero logits are one
    learner, protocol, *_ = which
    student = kt.fit(kt.TransferSet.from_counts(UNSEEN, TEACHER, protocol), learner)
    found = trained(losses(UNSEEN)[which])
    assert np.abs(found - student).max() < 1e-6
    assert (found[2] == 0.25).all()


def test_a_regression_of_raw_logits_is_seen():
    # Oracle: identity, planted: z_a against log p_a leaves the untold logits at 0, and 2 e^0 too much to divide by
    s, a = records(UNSEEN)
    log_p = torch.tensor(TEACHER).log()[s, a]
    raw = trained(lambda z: ((z[s, a] - log_p) ** 2).mean())
    assert abs(raw[0, 0] - 0.5 / (0.5 + 0.05 + 2)) < 1e-6


def test_the_naive_weights_give_their_predicted_bias():
    # Oracle: enumeration, fractions: with counts in the proportions of p the minimiser is p^2 / sum p^2
    p = [Fraction(5, 10), Fraction(3, 10), Fraction(2, 10)]
    limit = [x * x / sum(y * y for y in p) for x in p]
    s, a = records(np.array([[5, 3, 2]]))
    log_p = torch.tensor([[float(x) for x in p]], dtype=torch.float64).log()[s, a]
    student = trained(lambda z: training.naive_partial_cross_entropy(z[s], a, log_p), (1, 3))[0]
    assert np.abs(student - np.array(limit, dtype=float)).max() < 1e-6
    problem = kt.Problem([1.0], [[float(x) for x in p]])
    assert kt.tv_risk(student[None], problem) == pytest.approx(kt.bias_limit(problem, "CE_ptl"), abs=1e-6)
    assert kt.bias_limit(problem, "CE_ptl") == pytest.approx(float(Fraction(3, 19)), abs=1e-12)
    for loss in (training.squared_error_logit, training.top_k_kl):
        unbiased = trained(lambda z, loss=loss: loss(z[s], a, log_p), (1, 3))
        assert kt.tv_risk(unbiased, problem) < 1e-6


def test_a_renormalised_top_k_is_seen():
    # Oracle: published, total variation 1 - p(K) = 0.2 of a renormalised top 2 of (0.5, 0.3, 0.2)
    labels = torch.tensor([[0, 1]])
    p = torch.tensor([[0.5, 0.3]], dtype=torch.float64)
    for told, tv in ((p, 0.0), (p / p.sum(), 0.2)):
        student = trained(lambda z, told=told: training.top_k_kl(z, labels, told.log()), (1, 3))
        assert 0.5 * np.abs(student - [[0.5, 0.3, 0.2]]).sum() == pytest.approx(tv, abs=1e-5)


# --- Values and gradients -------------------------------------------------------------------------------


def direct(name, logits, labels, log_probs, teacher, temperature):
    """Losses of single samples by the textbook, in float64, one number at a time."""
    found = []
    for z, told, given, row in zip(logits, labels, log_probs, teacher, strict=True):
        z = z.double() / temperature
        log_q = z - z.max() - (z - z.max()).exp().sum().log()
        pairs = [(int(a), float(g)) for a, g in zip(told, given, strict=True) if a != NONE]
        if name == "cross_entropy":
            value = -log_q[pairs[0][0]]
        elif name == "naive_partial_cross_entropy":
            value = -math.exp(pairs[0][1]) * log_q[pairs[0][0]]
        elif name == "squared_error_logit":
            value = torch.zeros((), dtype=torch.float64)
            for a, g in pairs:
                zero = g < training.FLOOR
                error = log_q[a] - max(g, training.FLOOR)
                value = value + (error.clamp_min(0) if zero else error) ** 2 / 2
        elif name == "top_k_kl":
            value = sum(math.exp(g) * (g - log_q[a]) for a, g in pairs if g > -math.inf)
            others = [a for a in range(len(z)) if a not in dict(pairs)]
            rest = 1 - math.fsum(math.exp(g) for _, g in pairs) if others else 0.0
            if rest > 0:
                value = value + rest * (math.log(rest) - log_q[others].logsumexp(0))
        else:
            log_p = (row.double() / temperature).log_softmax(0)
            value = sum((log_p[a].exp() * (log_p[a] - log_q[a]) for a in range(len(z)) if log_p[a] > -math.inf), 0.0)
        found.append(value)
    return torch.stack(found)


#: Name -> whether it is told sets, its loss from (logits, labels, log_probs, teacher).
NAMES = {
    "cross_entropy": (False, lambda z, y, g, t, **k: training.cross_entropy(z, y, **k)),
    "naive_partial_cross_entropy": (False, lambda z, y, g, t, **k: training.naive_partial_cross_entropy(z, y, g, **k)),
    "squared_error_logit": (True, lambda z, y, g, t, **k: training.squared_error_logit(z, y, g, **k)),
    "top_k_kl": (True, lambda z, y, g, t, **k: training.top_k_kl(z, y, g, **k)),
    "soft_kl": (False, lambda z, y, g, t, **k: training.soft_kl(z, t, y, **k)),
}
GAPS = [[100.0, 0.0, -100.0, 0.0], [0.0, 100.0, 100.0, 99.0], [-100.0, -100.0, 0.0, -100.0], [3e4, 3e4 - 128, 3e4, 3e4]]
ROWS = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_finite_and_right_at_gaps_of_100(name, dtype):
    # Oracle: second algorithm, the textbook in float64; p of 0 and 1, and a rest of e^-100 and of 0
    sets, loss = NAMES[name]
    p = torch.tensor(ROWS, dtype=torch.float64)
    log_p = p.log()
    for T, told in itertools.product((0.5, 1.0, 4.0), [[0], [1], [2], [3], [0, 1], [0, 2], [0, 1, 2], [3, 2, 1]]):
        if len(told) > 1 and not sets:
            continue
        logits = torch.tensor(GAPS).to(dtype).requires_grad_()
        labels = torch.tensor([told] * 4)
        given = log_p[:, told]
        shape = labels if sets else labels[:, 0]
        found = loss(
            logits, shape, (given if sets else given[:, 0]).float(), log_p.float(), reduction="none", temperature=T
        )
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert found.isfinite().all()
        (gradient,) = torch.autograd.grad(found.sum(), logits)
        assert gradient.dtype == dtype
        assert gradient.isfinite().all()
        exact = logits.detach().double().requires_grad_()
        wanted = direct(name, exact, labels, given.float().double(), log_p.float(), T)
        (slope,) = torch.autograd.grad(wanted.sum(), exact)
        tolerance = max(1e-5, torch.finfo(dtype).eps)  # some roundings of errors up to 100, and that of the answer
        torch.testing.assert_close(found.double(), wanted.detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(gradient.double(), slope, rtol=tolerance, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_rest_on_masked_logits_has_no_finite_loss(dtype):
    # Oracle: definition, KL(p || q) is infinite where q(rest) = 0 < p(rest), and that of the told labels without a rest
    masked = torch.tensor([[0.0, 0.0, -math.inf]], dtype=dtype)
    told = torch.tensor([[0, 1]])
    for p, wanted in (([0.5, 0.3], math.inf), ([0.5, 0.499], math.inf), ([0.5, 0.5], 0.0)):
        log_p = torch.tensor([p], dtype=dtype).log()
        assert training.top_k_kl(masked, told, log_p).item() == pytest.approx(wanted, abs=1e-6)
    # What float32 leaves of a whole row is rounding, and no rest.
    generator = torch.Generator().manual_seed(5)
    rows_ = 5 * torch.randn(2000, 20, generator=generator, dtype=dtype)
    log_p = rows_.log_softmax(1)
    student = torch.cat([rows_, torch.full((2000, 1), -math.inf, dtype=dtype)], 1)
    assert training.top_k_kl(student, torch.arange(20).expand(2000, 20), log_p).abs() < 1e-5
    # All labels told: nothing is left.
    assert training.top_k_kl(masked, torch.tensor([[0, 1, 2]]), torch.tensor([[0.5, 0.5, 0.0]]).log()) < 1e-6


def test_one_minus_a_sum_is_seen():
    # Oracle: limit, planted: the rest of a student at a gap of 100 is e^-100, and 1 - sum q is 0
    logits = torch.tensor([[100.0, 0.0]])
    told, log_p = torch.tensor([[0]]), torch.tensor([[0.5]]).log()
    planted = 0.5 * (0.5 / (1 - logits.softmax(1)[0, 0])).log()
    assert planted.isinf()
    value = training.top_k_kl(logits, told, log_p).item()
    assert value == pytest.approx(0.5 * 100 + math.log(0.5), rel=1e-6, abs=0)  # -H(1/2) and half of log e^100


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_values(name):
    # Oracle: second algorithm, finite differences; blocks of one row give the same
    sets, loss = NAMES[name]
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 2, 6, dtype=torch.float64, generator=generator, requires_grad=True)
    teacher = torch.randn(3, 2, 6, dtype=torch.float64, generator=generator)
    labels = torch.stack([torch.randperm(6, generator=generator)[:3] for _ in range(6)]).reshape(3, 2, 3)
    labels[0, 1, 2] = labels[2, 0, 0] = NONE
    labels[1, 1] = NONE
    log_p = teacher.log_softmax(-1).gather(-1, labels.clamp_min(0))
    if not sets:
        labels, log_p = labels[..., 0], log_p[..., 0]
    for reduction in ("none", "mean", "sum"):
        made = lambda z: loss(z, labels, log_p, teacher, temperature=1.7, reduction=reduction)  # noqa: B023, E731
        assert torch.autograd.gradcheck(made, logits)
        value = made(logits)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "BLOCK", 1)
            small = made(logits)
            (by_rows,) = torch.autograd.grad(small.sum(), logits)
        torch.testing.assert_close(small, value, rtol=1e-14, atol=0)
        torch.testing.assert_close(by_rows, gradient, rtol=1e-14, atol=1e-16)


def test_cross_entropy_is_that_of_torch():
    # Oracle: second algorithm, torch.nn.functional.cross_entropy, its reductions, ignore_index and nan of no sample
    generator = torch.Generator().manual_seed(2)
    for T, ignored in itertools.product((1.0, 2.5), (NONE, 3)):
        logits = torch.randn(5, 4, 7, generator=generator, dtype=torch.float64, requires_grad=True)
        labels = torch.randint(0, 7, (5, 4), generator=generator)
        labels[0, 0] = labels[4, 3] = ignored
        for reduction in ("none", "sum", "mean"):
            arguments = {"reduction": reduction, "ignore_index": ignored}
            ours = training.cross_entropy(logits, labels, temperature=T, **arguments)
            theirs = functional.cross_entropy((logits / T).movedim(-1, 1), labels, **arguments)
            torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-14)
            (ours,) = torch.autograd.grad(ours.sum(), logits)
            (theirs,) = torch.autograd.grad(theirs.sum(), logits)
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)
        assert training.cross_entropy(logits, torch.full((5, 4), ignored), ignore_index=ignored).isnan()
    assert training.cross_entropy(logits[0, 0], labels[1, 1]) == training.cross_entropy(
        logits[:1, :1], labels[1:2, 1:2]
    )


def test_divergences_are_those_of_torch():
    # Oracle: second algorithm, torch.nn.functional.kl_div on whole rows, and on rows put into told labels and a rest
    generator = torch.Generator().manual_seed(3)
    logits, teacher = torch.randn(2, 6, 5, generator=generator, dtype=torch.float64)
    for T in (1.0, 3.0):
        log_q, log_p = (logits / T).log_softmax(1), (teacher / T).log_softmax(1)
        wanted = functional.kl_div(log_q, log_p, log_target=True, reduction="batchmean")
        torch.testing.assert_close(training.soft_kl(logits, teacher, temperature=T), wanted, rtol=1e-13, atol=0)
        told = torch.tensor([[0, 3]] * 6)
        q, p = (torch.cat([x[:, [0, 3]], x[:, [1, 2, 4]].sum(1, keepdim=True)], 1) for x in (log_q.exp(), log_p.exp()))
        wanted = functional.kl_div(q.log(), p, reduction="batchmean")
        ours = training.top_k_kl(logits, told, log_p[:, [0, 3]], temperature=T)
        torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=0)
        ours = training.squared_error_logit(logits, told, log_p[:, [0, 3]], temperature=T, reduction="sum")
        wanted = functional.mse_loss(log_q[:, [0, 3]], log_p[:, [0, 3]], reduction="sum") / 2
        torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_ignored_samples_have_no_say(name):
    # Oracle: identity, the same samples without the ignored ones, whatever stands there: nan logits, nan probabilities
    sets, loss = NAMES[name]
    generator = torch.Generator().manual_seed(4)
    teacher = torch.randn(4, 5, generator=generator)
    labels = torch.tensor([[0, 1], [NONE, NONE], [2, NONE], [NONE, NONE]])
    log_p = teacher.log_softmax(1).gather(1, labels.clamp_min(0))
    log_p[labels == NONE] = torch.nan
    if not sets:
        labels, log_p = labels[:, 0], log_p[:, 0]
    logits = torch.randn(4, 5, generator=generator)
    logits[1] = torch.nan
    logits[3] = torch.inf
    logits.requires_grad_()
    kept = [0, 2]
    for reduction in ("mean", "sum", "none"):
        value = loss(logits, labels, log_p, teacher, reduction=reduction)
        alone = loss(logits[kept], labels[kept], log_p[kept], teacher[kept], reduction=reduction)
        if reduction == "none":
            assert (value[[1, 3]] == 0).all()
            value = value[kept]
        torch.testing.assert_close(value, alone, rtol=1e-6, atol=0)
        (gradient,) = torch.autograd.grad(value.sum(), logits)
        assert gradient.isfinite().all()
        assert (gradient[[1, 3]] == 0).all()
        assert (gradient[kept] != 0).any()


@pytest.mark.parametrize("name", NAMES)
def test_no_copy_of_the_logits_is_kept(name):
    # Oracle: identity, what is saved beyond the logits and the teacher: a few numbers a sample; planted, log_softmax
    sets, loss = NAMES[name]
    N, A = 50, 2000
    logits = torch.randn(N, A, dtype=torch.bfloat16).requires_grad_()
    teacher = torch.randn(N, A, dtype=torch.bfloat16)
    labels = torch.arange(N)[:, None] + torch.arange(3)
    log_p = teacher.float().log_softmax(1).gather(1, labels)
    if not sets:
        labels, log_p = labels[:, 0], log_p[:, 0]
    given = {logits.data_ptr(), teacher.data_ptr()}

    def saved(made):
        sizes = []

        def pack(x):
            sizes.append(0 if x.data_ptr() in given else x.numel())
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            made().backward()
        return sum(sizes)

    assert saved(lambda: loss(logits, labels, log_p, teacher, temperature=2.0)) < 100 * N
    assert saved(lambda: (logits.float() / 2).log_softmax(1).gather(1, labels.reshape(N, -1)).mean()) >= N * A


# --- Refusals -------------------------------------------------------------------------------------------

Z = torch.zeros(2, 3)
Y = torch.tensor([0, 2])
G = torch.tensor([0.5, 0.25]).log()
WRONG = {
    "logits is": lambda: training.cross_entropy([[0.0]], Y),
    "logits has type torch.int64": lambda: training.cross_entropy(Y, Y),
    "logits has shape (2, 0)": lambda: training.cross_entropy(torch.zeros(2, 0), Y),
    "labels has type torch.float32": lambda: training.cross_entropy(Z, G),
    "labels has shape (2, 1)": lambda: training.cross_entropy(Z, Y[:, None]),
    "labels has shape (3,)": lambda: training.squared_error_logit(Z, torch.tensor([0, 1, 2]), G),
    "labels[1] is 3": lambda: training.cross_entropy(Z, Y + torch.tensor([0, 1])),
    "labels[0] is -1": lambda: training.cross_entropy(Z, torch.tensor([-1, 0])),
    "labels tells label 2 twice in sample 1": lambda: training.top_k_kl(
        Z, torch.tensor([[0, 1], [2, 2]]), torch.full((2, 2), -1.0)
    ),
    "log_probs has shape (2, 1)": lambda: training.squared_error_logit(Z, Y, G[:, None]),
    "log_probs of sample 0 holds nan": lambda: training.squared_error_logit(Z, Y, torch.full((2,), torch.nan)),
    "log_probs of sample 0 are those of probabilities that sum to 1.64872": lambda: training.squared_error_logit(
        Z, Y, G.exp()
    ),
    "log_probs of sample 1 tell all 3 labels and sum to 0.9": lambda: training.top_k_kl(
        Z, torch.tensor([[0, 1, 2]] * 2), torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.1]]).log()
    ),
    "reduction is 'batchmean'": lambda: training.cross_entropy(Z, Y, reduction="batchmean"),
    "temperature is 0.0": lambda: training.cross_entropy(Z, Y, temperature=0.0),
    "ignore_index is None": lambda: training.cross_entropy(Z, Y, ignore_index=None),
    "floor is 0.0": lambda: training.squared_error_logit(Z, Y, G, floor=0.0),
    "teacher_logits has shape (1, 3)": lambda: training.soft_kl(Z, Z[:1]),
    "teacher_logits requires a gradient": lambda: training.soft_kl(Z, torch.zeros(2, 3, requires_grad=True)),
}


@pytest.mark.parametrize("said", WRONG)
def test_wrong_arguments_are_refused_in_one_sentence(said):
    # Oracle: identity, a ValueError of one line that begins with the argument
    with pytest.raises(ValueError) as refused:
        WRONG[said]()
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


# --- A network ------------------------------------------------------------------------------------------


def test_a_network_learns_more_from_the_probability_of_the_label():
    # Oracle: second algorithm, the same network, data and steps with hard labels, stopped at its best step on the test
    datasets = pytest.importorskip("sklearn.datasets")
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    first, pool, test = np.split(order, [600, 1397])
    teacher = linear.LogisticRegression(max_iter=2000).fit(x[first] / 16, y[first])
    law = torch.tensor(teacher.decision_function(x / 16) / 3).float().log_softmax(1)
    x = torch.tensor(x / 16).float()

    def risks(loss, seed, n=300, steps=200):
        """Total variation on the test inputs every 20 steps."""
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.tensor(pool)[torch.randint(len(pool), (n,), generator=generator)]
        labels = law[inputs].exp().multinomial(1, generator=generator)[:, 0]
        told = law[inputs, labels]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
        optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
        found = []
        for step in range(1, steps + 1):
            optimiser.zero_grad()
            loss(net(x[inputs]), labels, told).backward()
            optimiser.step()
            if step % 20 == 0:
                with torch.no_grad():
                    found.append((net(x[test]).softmax(1) - law[test].exp()).abs().sum(1).mean().item() / 2)
        return found

    seeds = range(4)
    sel = np.array([risks(training.squared_error_logit, seed)[-1] for seed in seeds])
    hard = np.array([min(risks(lambda z, a, _: training.cross_entropy(z, a), seed)) for seed in seeds])
    gain = hard - sel
    error = gain.std(ddof=1) / len(gain) ** 0.5
    print(
        f"TV with SEL {sel.mean():.4f}, with hard labels {hard.mean():.4f}, difference {gain.mean():.4f} +- {error:.4f}"
    )
    assert gain.mean() > 5 * error
    assert gain.mean() > 0.05
