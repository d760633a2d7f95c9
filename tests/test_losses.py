"""Losses: limits against published values and other algorithms, gradients, read-outs, the doors that learners open."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

import kt_theory as kt
from kt_theory.lossaudit.teachers import pool
from kt_theory.losses import channels
from kt_theory.losses.hard import Focal
from kt_theory.losses.loss import Found, Limit, Loss
from kt_theory.losses.row import Row, softmax
from kt_theory.losses.solving import descend, minimum

PUBLISHED = json.loads((Path(__file__).parent / "data" / "atlas.json").read_text())
TEACHERS = {name: np.array(p) for name, p in PUBLISHED["teachers"].items()}
LOSSES = kt.losses.LOSSES
CASES = [
    (name, params, {"E1": e1, "E2": e2}, tuple(free))
    for name, entry in PUBLISHED["entries"].items()
    for params, e1, e2, free in entry["limits"]
]
#: All that have a limit, and those of them that are minimised on a transfer set.
LIMITS = [name for name, entry in LOSSES.items() if issubclass(entry, Limit)]
TRAINED = [name for name in LIMITS if kt.losses.make(name).protocol is not None]
#: Those whose limit is where the gradient of the value vanishes.
VALUED = [name for name in LIMITS if issubclass(LOSSES[name], Loss)]
SMOOTH = [name for name in VALUED if LOSSES[name].smooth and not kt.losses.make(name).detached]

#: The same, those with a solver left to `make test-slow`.
BY_FORMULA, SMOOTH_BY_FORMULA = (
    [pytest.param(n, marks=() if getattr(LOSSES[n], "closed", True) else pytest.mark.slow) for n in names]
    for names in (LIMITS, SMOOTH)
)


def tv(q, p):
    return 0.5 * np.abs(q - p).sum(axis=-1)


def teachers(A, seed):
    """Teachers of several shapes: Dirichlet, Zipf, near-deterministic, tied."""
    rng = np.random.default_rng(seed)
    zipf = 1 / np.arange(1, A + 1)
    near = np.full(A, 0.02 / A)
    near[rng.integers(A)] += 0.98
    tied = np.repeat([3.0, 1.0], [A // 2, A - A // 2])
    rows = [rng.dirichlet(np.ones(A)), rng.permutation(zipf), near, tied]
    return np.array([row / row.sum() for row in rows])


def test_ids_and_parameters_are_the_published_ones():
    # Oracle: published, the ids, parameter names and defaults of the atlas's table, typed into tests/data/atlas.json
    assert set(PUBLISHED["entries"]) == set(LOSSES)
    for name, entry in PUBLISHED["entries"].items():
        made = {k: list(v) if isinstance(v, tuple) else v for k, v in kt.losses.make(name).parameters.items()}
        assert made == entry["defaults"], name


@pytest.mark.parametrize(("name", "params", "wanted", "free"), CASES, ids=[f"{c[0]}{c[1]}" for c in CASES])
def test_limits_are_the_published_ones(name, params, wanted, free):
    # Oracle: published, the limits on two example teachers to six digits
    loss = kt.losses.make(name, **params)
    for teacher, p in TEACHERS.items():
        if not isinstance(loss, Limit):
            assert tv(loss.apply(p), p) == pytest.approx(wanted[teacher], abs=1e-6)
            continue
        found = loss.limit(p)
        if wanted[teacher] is not None:
            assert tv(found.student, p) == pytest.approx(wanted[teacher], abs=1e-6)
        assert bool(found.unique) == (teacher not in free)
        assert found.student.sum() == pytest.approx(1, abs=1e-12)
        assert not found.residual > 1e-9


def numerical_gradient(loss, z, row, h=1e-6):
    steps = h * np.eye(z.size)
    return np.array([loss.score_value(z + s, row) - loss.score_value(z - s, row) for s in steps]) / (2 * h)


def shows(loss):
    """The protocol of a loss; preferences and the like read the teacher's law alone."""
    return loss.protocol or kt.PROTOCOLS["soft"]


def test_a_wrong_gradient_is_seen():
    # Oracle: planted error, a gradient that lacks a factor
    class Wrong(Focal):
        def _flow(self, q, row):
            return 0.9 * super()._flow(q, row)

    row, z = Row.population(TEACHERS["E1"], kt.PROTOCOLS["hard"]), np.array([1.0, 0.0, -2.0])
    assert np.abs(Wrong().score_gradient(z, row) - numerical_gradient(Wrong(), z, row)).max() > 1e-2


@pytest.mark.parametrize("name", VALUED)
def test_a_table_has_the_value_and_the_gradient_of_each_of_its_rows(name):
    # Oracle: identity, each row alone; of losses that couple inputs, three equal rows, which have equal shares
    loss = kt.losses.make(name)
    some = [0, 0, 0] if loss.couples_inputs else [0, 2, 1]
    p, z = teachers(4, seed=7)[some], loss.scores(softmax(np.random.default_rng(5).normal(size=(3, 4))[some]))
    whole, q = Row.population(p, shows(loss)), loss.link(z)
    rows = [Row.population(one, shows(loss)) for one in p]
    weight = 1 / 3 if name == "token_scaled" else 1  # its weights are those of the inputs, and add up to 1
    pairs = [(loss.score_value, z), (loss.score_gradient, z), (loss.value, q), (loss.gradient, q)]
    for function, at in pairs:
        together, alone = function(at, whole), weight * np.array([function(*one) for one in zip(at, rows, strict=True)])
        assert together.shape == alone.shape
        np.testing.assert_allclose(together, alone, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(loss.value(q, whole), loss.score_value(z, whole), rtol=1e-12, atol=1e-13)


def by_scipy(loss, row, start):
    """The minimiser over scores by SciPy's BFGS on the loss's value alone, gradients from central differences."""
    size = np.abs(numerical_gradient(loss, start, row)).max()
    return minimize(
        lambda z: float(loss.score_value(z, row)) / size,
        start,
        jac=lambda z: numerical_gradient(loss, z, row) / size,
        method="BFGS",
        options={"gtol": 1e-8},
    ).x


@pytest.mark.parametrize("name", SMOOTH_BY_FORMULA)
def test_limits_are_minimisers_by_another_solver(name):
    # Oracle: second algorithm, SciPy's BFGS on the value from the uniform law
    loss = kt.losses.make(name)
    for p in (TEACHERS["E1"], np.array([0.45, 0.3, 0.17, 0.08])):
        found = loss.limit(p)
        # Beyond its ball a clipped loss is flat along rays, where this solver stops; the test of the sphere has a root.
        if not found.unique or not found.attained or name == "logit_clip":
            continue
        start = loss.scores(np.full(p.size, 1 / p.size)) + 1e-3 * np.arange(p.size)
        q = loss.link(by_scipy(loss, Row.population(p, shows(loss)), start))
        assert tv(q, found.student) < 2e-5, (name, q, found.student)


def test_a_wrong_minimiser_is_seen():
    # Oracle: planted error, focal loss whose minimiser is taken for the teacher
    class Wrong(Focal):
        def minimise(self, row):
            return Found(row.labels)

    assert Wrong().limit(TEACHERS["E1"]).residual > 1e-2


def largest_residual(name, sizes):
    """The largest gradient by the logits at the students of teachers of many shapes, local minima left out."""
    loss, largest = kt.losses.make(name), 0.0
    for A in sizes:
        if name in ("masked_temperature", "hinge_preference") and A > 5:
            continue
        for p in (teachers(A, seed=A),) if not loss.couples_inputs else teachers(A, seed=A):
            found = loss.limit(p)
            assert np.abs(found.student.sum(axis=-1) - 1).max() < 1e-12
            assert (found.student >= 0).all()
            largest = max(largest, np.nanmax(np.where(found.local_only, 0, found.residual), initial=0.0))
    return largest


@pytest.mark.parametrize("name", BY_FORMULA)
def test_residuals_vanish_on_teachers_of_many_shapes(name):
    # Oracle: identity, the gradient by the logits is 0 at a minimum that is attained
    assert largest_residual(name, (3,)) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", LIMITS)
def test_residuals_vanish_at_more_sizes(name):
    # Oracle: identity, as above
    assert largest_residual(name, (2, 5, 10)) < 1e-9


@pytest.mark.parametrize("name", BY_FORMULA)
def test_rows_do_not_look_at_one_another(name):
    # Oracle: identity, each row alone and all of them together
    loss, p = kt.losses.make(name), teachers(3, seed=7)[::2]
    if loss.couples_inputs:
        return
    together = loss.limit(p).student
    alone = np.array([loss.limit(row).student for row in p])
    assert np.abs(together - alone).max() < 1e-11


@pytest.mark.parametrize("name", BY_FORMULA)
def test_relabelling_the_labels_relabels_the_student(name):
    # Oracle: identity, a permutation of the labels
    loss, p = kt.losses.make(name), np.array([0.4, 0.13, 0.29, 0.18])
    order = np.array([2, 0, 3, 1])
    if name in ("student_top_k", "gold_hybrid"):  # which labels are ranked first, or matched, goes by their number
        return
    there = loss.limit(p[order]).student
    assert tv(there, loss.limit(p).student[order]) < 1e-8


@pytest.mark.parametrize("name", [n for n in TRAINED if LOSSES[n].level == "hard"])
def test_a_hard_loss_on_counts_is_its_limit_at_the_frequencies(name):
    # Oracle: identity, lemma L1, on counts with unseen labels among them
    loss = kt.losses.make(name)
    counts = np.array([[5, 3, 0, 2]])
    if name == "class_balanced":  # its weights depend on the number of samples, not on the frequencies alone
        loss = kt.losses.make(name, n=10)
    student = kt.fit(kt.TransferSet.from_counts(counts), loss.learner())[0]
    e = counts[0] / 10
    row = Row(e, np.float64(1.0), np.full(4, np.nan), np.full(4, 0.25))
    assert tv(student, loss.solve(row).student) < 1e-9
    if loss.consistent == "yes":
        assert tv(student, e) < 1e-12


READ = [n for n in TRAINED if LOSSES[n].rate == "readout: mle" and LOSSES[n].separable and LOSSES[n].level == "hard"]


@pytest.mark.parametrize("name", READ)
def test_the_read_out_returns_the_frequencies(name):
    # Oracle: identity, lemma L4: the read-out of a biased loss is the law of the labels
    read = kt.losses.make(name).with_readout("labels")
    for e in (np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.0, 0.3, 0.1]), np.array([0.9, 0.06, 0.04])):
        assert tv(read.limit(e).student, e) < 1e-7
    assert tv(kt.fit(kt.TransferSet.from_counts([[4, 1, 0]]), read.learner())[0], [0.8, 0.2, 0]) < 1e-7


def test_the_read_out_of_absolute_logits_returns_the_frequencies():
    # Oracle: identity, lemma L4 at logits that the student's law does not determine
    data = kt.draw(kt.Problem([1.0], [TEACHERS["E1"]]), "soft", n=20, seed=3)
    frequencies = data.counts[0] / 20
    joint = kt.losses.make("dual_head_joint", labels="teacher")
    assert tv(kt.fit(data, joint.learner())[0], frequencies) > 0.01
    assert tv(kt.fit(data, joint.with_readout("labels").learner())[0], frequencies) < 1e-7
    assert not joint.limit(TEACHERS["E2"]).residual > 1e-9
    for beta in (0.5, 2.0, 5.0):
        read = kt.losses.make("quality_focal", beta=beta).with_readout("labels")
        assert tv(read.limit(TEACHERS["E2"]).student, TEACHERS["E2"]) < 1e-7
    assert kt.losses.constant(kt.losses.make("focal").with_readout("labels"), TEACHERS["E1"]) == 1


def test_the_read_out_fails_where_information_is_lost():
    # Oracle: lemma L4, at the vertex where mae ends nothing is left of the law
    found = kt.losses.make("mae").with_readout("labels").limit([0.5, 0.3, 0.2])
    assert "not determined" in found.note
    assert found.student.tolist() == [1, 0, 0]


def test_filtered_labels_are_held_at_eps():
    # Oracle: second algorithm, the mean gradient followed in small steps from the uniform law
    loss, p = kt.losses.make("filtered_cross_entropy", eps=0.05), np.array([0.5, 0.3, 0.17, 0.03])
    row, z = Row.population(p, kt.PROTOCOLS["hard"]), np.zeros(4)
    total = np.zeros(4)
    for step in range(6_000):
        z -= 0.02 * loss.gradient(softmax(z), row)
        total += softmax(z) * (step >= 4_000) / 2_000
    assert tv(loss.limit(p).student, total) < 2e-3
    assert loss.limit(p).student[3] == pytest.approx(0.05)


def test_every_weak_ordering_of_dual_focal_is_no_lower():
    # Oracle: enumeration, all laws on a fine grid of the simplex of three labels, ties among them
    loss, steps = kt.losses.make("dual_focal", gamma=1), 60
    grid = np.array([(i, j, steps - i - j) for i in range(1, steps) for j in range(1, steps - i)]) / steps
    for p in ([0.5, 0.3, 0.2], [0.8, 0.15, 0.05], [0.4, 0.4, 0.2]):
        row = Row.population(np.array(p), kt.PROTOCOLS["hard"])
        values = loss.value(grid, row)
        assert loss.value(loss.limit(p).student, row) <= values.min() + 1e-9


@pytest.mark.parametrize("radius", [0.3, 0.6])
def test_the_sphere_inside_of_the_teachers_norm_by_a_scalar_root(radius):
    # Oracle: second algorithm, p - q = mu z solved by bisection in mu with Newton's steps inside
    p = TEACHERS["E1"]

    def law(mu):
        z = np.zeros(3)
        for _ in range(20):
            q = np.exp(z) / np.exp(z).sum()
            hessian = np.diag(q) - np.outer(q, q) + mu * np.eye(3)
            z = z - np.linalg.solve(hessian, q - p + mu * z)
        return z

    low, high = 1e-9, 10.0
    for _ in range(60):
        mu = 0.5 * (low + high)
        low, high = (mu, high) if np.linalg.norm(law(mu)) > radius else (low, mu)
    q = np.exp(law(low)) / np.exp(law(low)).sum()
    assert tv(kt.losses.make("logit_sphere", radius=radius).limit(p).student, q) < 1e-9
    assert tv(kt.losses.make("logit_clip", tau=radius).limit(p).student, q) < 1e-9


def test_exact_on_seen_labels():
    # Oracle: lemma L3, the package's own SEL_ptl
    problem = kt.dirichlet_problem(S=4, A=5, seed=2)
    data = kt.draw(problem, "partial", n=12, seed=1)
    for name in ("squared_error_logit", "target_binary_kl", "squared_error_probability"):
        assert np.abs(kt.fit(data, kt.losses.make(name).learner()) - kt.fit(data, "SEL_ptl")).max() < 1e-12
    assert np.abs(kt.fit(data, kt.losses.make("naive_partial").learner()) - kt.fit(data, "CE_ptl")).max() < 1e-12


def by_rows(learner, data):
    """The students of a learner's row function on the visited inputs of a data set, their rows and those inputs."""
    visited = np.flatnonzero(data.counts.any(axis=1))
    students = np.empty((visited.size, 5))
    for i, s in enumerate(visited):
        told = (~np.isnan(data.revealed[s])).astype(np.int8) if learner.protocol.lists else None
        learner.row(data.counts[s].sum(), data.counts[s], told, TABLE[s], np.full(5, 0.2), students[i])
    return students, visited


TABLE = np.array([[0.4, 0.3, 0.2, 0.1, 0.0], [0.2] * 5, [0.96, 0.01, 0.01, 0.01, 0.01], [0.0, 0.5, 0.0, 0.5, 0.0]])
ROWS = [n for n in TRAINED if LOSSES[n].level != "sorted" and kt.losses.make(n).learner().row is not None]


def test_rows_that_losses_share_with_learners_give_their_students():
    # Oracle: second algorithm, the minimiser of each loss as a formula over tables, zeros and ties among the teachers
    assert len(ROWS) >= 29
    problem = kt.Problem(np.full(4, 0.25), TABLE)
    for name in ROWS:
        learner = kt.losses.make(name).learner()
        data = kt.draw(problem, learner.protocol, n=25, seed=4)
        students, visited = by_rows(learner, data)
        assert tv(students, kt.fit(data, learner)[visited]).max() < 1e-12, name
    # Not where a zero must be refused, or rows are no rows of their own.
    assert kt.losses.make("mse_logits").learner().row is None
    assert kt.losses.make("token_scaled").learner().row is None
    assert kt.losses.make("sparsemax", readout="softmax").learner().row is None


def test_losses_with_rows_have_the_risks_of_the_learners_that_they_share_them_with():
    # Oracle: second door, the built-in learner of the same student on the same draws
    sparse = kt.Problem.from_cells([0.5, 0.5], [0, 0, 1], [0, 1, 2], [0.6, 0.4, 1.0], 4)
    pairs = (("brier", "CE_sgl"), ("target_binary_kl", "SEL_ptl"), ("reverse_kl", "CE_ful"))
    for (name, built_in), problem in itertools.product(pairs, (sparse, sparse.dense())):
        frame = kt.simulate(problem, [kt.losses.make(name).learner(), built_in], n=7, reps=50, seed=2)
        assert frame["mean"].nunique() == 1


def test_a_learner_goes_through_every_door():
    # Oracle: second algorithm, the mean of the exact law against a simulation and expected_risk
    coin = kt.Problem([0.5, 0.5], [[0.7, 0.3], [0.4, 0.6]])
    learner = kt.losses.make("label_smoothing", epsilon=0.2).learner()
    law = kt.risk_law(coin, learner, n=6)
    frame = kt.simulate(coin, [learner, "CE_sgl"], n=6, reps=4_000, seed=1)
    mean, error = frame.loc[0, ["mean", "mcse"]]
    assert abs(mean - law.mean()) < 4 * error
    assert kt.sample_risks(coin, learner, n=6, reps=100, seed=1).shape == (100, 1)
    assert kt.expected_risk(coin, learner, 6) == pytest.approx(mean, abs=6 * error)
    coupled = kt.losses.make("logit_adjustment").learner()
    with pytest.raises(kt.Unsupported, match="couples inputs"):
        kt.risk_law(coin, coupled, n=6)
    assert kt.simulate(coin, coupled, n=6, reps=50, seed=1)["mean"].item() > 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: kt.losses.make("focl"), "id is 'focl'.*the nearest are focal"),
        (lambda: kt.losses.make(3), "id is 3"),
        (lambda: kt.losses.make("KD_MIX"), "id is 'KD_MIX'.*the nearest are kd_mix"),
        (lambda: kt.losses.make("watermark").limit([0.5, 0.5]), "watermark is a channel and has no limit: .*through"),
        (lambda: kt.losses.make("watermark").learner(), "watermark is a channel and has no learner"),
        (lambda: kt.losses.constant("focal", [0.5, 0.5]), "loss is a str: a Limit is needed"),
        (lambda: kt.losses.make("focal", gamma=-1), "gamma is -1: focal needs a number >= 0"),
        (lambda: kt.losses.make("focal", gamma="2"), "gamma is '2': focal needs a number >= 0"),
        (lambda: kt.losses.make("focal", gamma=float("nan")), "gamma is nan"),
        (lambda: kt.losses.make("focal", T=2), "focal has no parameter 'T': its parameters are gamma"),
        (lambda: kt.losses.make("brier", T=2), "brier has no parameter 'T': it has none"),
        (lambda: kt.losses.make("generalized_cross_entropy", gamma=1), r"a number in \[0, 1\)"),
        (lambda: kt.losses.make("sparsemax", readout="sigmoid"), "readout is 'sigmoid': sparsemax needs own"),
        (lambda: kt.losses.make("logit_standardised", ddof=2), "ddof is 2: .* a whole number from 0 to 1"),
        (lambda: kt.losses.make("focal").limit(0.5), r"p has shape \(\)"),
        (lambda: kt.losses.make("focal").limit([0.5, 0.6]), "p sums to 1.1"),
        (lambda: kt.losses.make("focal").limit([[0.5, 0.5], [0.5, 0.4]]), r"p\[1\] sums to 0.9"),
        (lambda: kt.losses.make("focal").limit([0.5, float("nan")]), r"p\[1\] is nan"),
        (lambda: kt.losses.make("focal").limit([0.5, 0.5j]), "p is not an array of numbers"),
        (lambda: kt.losses.make("logit_adjustment").limit(np.full((2, 2, 2), 0.5)), "couples inputs and takes"),
        (lambda: kt.losses.make("focal").with_readout("own"), "kind is 'own'"),
        (lambda: kt.losses.make("dual_focal").with_readout("labels"), "dual_focal has no read-out"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, said):
    # Oracle: definition, the argument, its value and its place are named
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [n for n in LIMITS if kt.losses.make(n).level == "pairs"])
def test_a_preference_has_a_limit_where_a_label_is_never_chosen(name):
    # Oracle: identity, the gradient vanishes there, and no number is made of what no pair holds
    loss = kt.losses.make(name)
    found = loss.limit([0.7, 0.3, 0.0])
    assert found.student.sum() == pytest.approx(1, abs=1e-12)
    assert not found.residual > 1e-9


def test_a_loss_is_frozen():
    # Oracle: definition
    loss = kt.losses.make("focal", gamma=1)
    with pytest.raises(AttributeError, match="frozen"):
        loss.gamma = 2
    with pytest.raises(AttributeError, match="frozen"):
        loss.other = 2
    assert loss == kt.losses.make("focal", gamma=1.0)
    assert loss != kt.losses.make("focal")
    assert loss.name == "focal(gamma=1)"


def test_the_commands_print_what_the_functions_answer(capsys):
    # Oracle: second door, the functions themselves
    from kt_theory.cli import main

    assert main(["losses", "--protocol", "partial", "--consistent", "--json"]) == 0
    listed = {entry["id"] for entry in json.loads(capsys.readouterr().out)}
    assert {"squared_error_logit", "cross_entropy"} <= listed
    assert not listed & {"focal", "naive_partial"}
    assert main(["limit", "focal", "--set", "gamma=1", "--p", "0.5", "0.3", "0.2"]) == 0
    assert "total variation 0.043271" in capsys.readouterr().out
    assert main(["limit", "one_vs_rest", "--set", "readout=sigmoid", "--p", "0.5", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tv"] == 0
    assert main(["limit", "temperature", "--p", "0.5", "0.3", "0.2"]) == 0
    assert "total variation 0.084554, invertible" in capsys.readouterr().out
    for words, said in (
        (["focl"], "the nearest are focal"),
        (["focal", "--set", "gamma"], "a parameter is given as NAME=VALUE"),
        (["focal", "--set", "gamma=1", "gamma=2"], "gives gamma twice"),
        (["focal", "--set", "gamma=two"], "gamma is 'two': focal needs a number"),
    ):
        assert main(["limit", *words, "--p", "0.5", "0.5"]) == 2
        assert said in capsys.readouterr().err


# --- Lists, soft labels, mixtures --------------------------------------------------------------------------


@pytest.mark.parametrize("generator", ["jensen_shannon", "generalised_kl", "hellinger", "alpha_beta", "absolute"])
def test_a_pointwise_generator_is_safe_on_any_list(generator):
    # Oracle: lemma L5 by a second solver, 200 random laws around the list none of which is lower
    rng = np.random.default_rng(1)
    for k in (1, 2, 4):
        loss = kt.losses.make("top_k_pointwise", k=k, generator=generator)
        p = rng.dirichlet(np.ones(5))
        row, q = Row.population(p, loss.protocol), loss.limit(p).student
        assert loss.value(q, row) == pytest.approx(0, abs=1e-15)
        others = softmax(np.log(q) + rng.normal(size=(200, 5)) * 10 ** rng.uniform(-3, 0, size=(200, 1)))
        assert (loss.value(others, row) >= -1e-15).all()
    plain = kt.losses.make("top_k_reverse_kl", k=2)  # planted: without the generator it is not least there
    row = Row.population(p, plain.protocol)
    assert plain.value(plain.limit(p).student, row) < plain.value(p, row) - 0.01


def test_the_bucket_at_a_temperature_loses_the_tail():
    # Oracle: second algorithm, SciPy on the value, and the formula (1 - P)(A - k)^(1 - T) for the tail's share
    loss, p = kt.losses.make("top_k_tail_bucket", k=2, T=2), TEACHERS["E2"]
    row = Row.population(p, loss.protocol)
    q = softmax(by_scipy(loss, row, np.zeros(5)))
    assert tv(q, loss.limit(p).student) < 1e-5
    tail = 0.4 / 3
    assert loss.limit(p).student[2:].sum() == pytest.approx(tail / (0.6 + tail), abs=1e-12)


def test_students_of_lists_on_counts():
    # Oracle: formulas by hand on one data set
    p, counts = np.array([[0.4, 0.3, 0.2, 0.1]]), np.array([[4, 1, 3, 0]])
    shown = np.array([[0.4, 0.3, np.nan, np.nan]])
    init = np.full((1, 4), 0.25)
    wanted = {
        "top_k_rao_blackwell": np.array([0.4, 0.3, 0.375, 0]) / 1.075,
        "top_k_exact_tail": [0.4, 0.3, 0.3, 0],
        "top_k_renormalised": [4 / 7, 3 / 7, 0, 0],
        "top_k_missing_to_label": [0.4 + 0.15, 0.3 + 0.0375, 0.1125, 0],
        "top_k_tail_bucket": [0.4, 0.3, 0.15, 0.15],
        "top_k_both_renormalised": softmax(np.array([np.log(0.4 / 0.3) / 2, np.log(0.3 / 0.4) / 2, 0, 0])),
    }
    for name, student in wanted.items():
        assert np.abs(kt.losses.make(name).learner().fit(counts, shown, init) - student).max() < 1e-12, name
    data = kt.draw(kt.Problem([1.0], p), kt.top_k_label(2), n=8, seed=1)
    assert kt.fit(data, kt.losses.make("top_k_exact_tail").learner())[0, :2].tolist() == [0.4, 0.3]


def test_weights_of_draws_are_biased_when_scaled_to_one():
    # Oracle: second algorithm, the mean of simulated weights
    p, rng = TEACHERS["E1"], np.random.default_rng(1)
    r = p**0.8 / (p**0.8).sum()
    t = rng.multinomial(4, r, size=400_000) * p / r / 4
    scaled = t / t.sum(axis=1, keepdims=True)
    loss = kt.losses.make("random_sampling", k=4, power=0.8)
    error = scaled.std(axis=0) / np.sqrt(400_000)
    assert (np.abs(loss.limit(p).student - scaled.mean(axis=0)) < 4.5 * error).all()
    assert tv(kt.losses.make("random_sampling", k=4, power=0.8, normalise=False).limit(p).student, p) < 1e-12
    with pytest.raises(kt.Unsupported, match=r"draws from p\^power, and protocols draw from p"):
        loss.learner()
    data = kt.draw(kt.Problem([1.0], [p]), kt.sampled(3), n=4, seed=1)
    student = kt.fit(data, kt.losses.make("random_sampling", k=3).learner())
    assert np.abs(student - data.counts / 12).max() < 1e-15


def test_a_mixture_at_temperature_one_costs_alpha_times_the_mle():
    # Oracle: identity, on the same draws
    problem = kt.dirichlet_problem(S=3, A=4, seed=5)
    mix = kt.losses.make("kd_mix", alpha=0.1, T=1).learner()
    data = kt.draw(problem, "soft", n=60, seed=2)
    visited = data.visits > 0
    mine, mle = (np.abs(kt.fit(data, learner) - problem.teacher)[visited] for learner in (mix, "CE_sgl"))
    assert np.abs(mine - 0.1 * mle).max() < 1e-12


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("kd_mix", {}),
        ("kd_mix", {"alpha": 0.5, "T": 0.5}),
        ("kd_mix", {"alpha": 1.0}),
        ("confidence_ranking", {"weight": 0.3}),
        ("logit_adjustment_plus_kd", {}),
    ],
)
def test_newtons_steps_on_data_against_scipy(name, params):
    # Oracle: second algorithm, SciPy's BFGS on the value, on frequencies with a zero
    loss, p = kt.losses.make(name, **params), np.array([0.4, 0.3, 0.2, 0.1])
    e = np.array([0.5, 0.25, 0.25, 0.0])
    row = Row(e, np.float64(4), p, np.full(4, 0.25), 4.0)
    found = loss.solve(row)
    assert found.residual < 1e-12
    if params.get("alpha") == 1.0:
        assert tv(found.student, e) < 1e-12
    elif name == "kd_mix":
        assert tv(found.student, softmax(by_scipy(loss, row, np.zeros(4)))) < 1e-5


@pytest.mark.parametrize("name", ["cross_entropy", "jensen_shannon", "alpha_beta", "brier"])
def test_a_label_that_is_left_out_costs_no_step(name):
    # Oracle: identity, the same rows without the label
    loss = kt.losses.make(name)
    p = np.random.default_rng(0).dirichlet(np.ones(6), 5)
    few, all_of_them = (Row.population(law, shows(loss)).flat() for law in (p, np.hstack([p, np.zeros((5, 1))])))
    z, residual, steps = descend(loss, few, np.zeros((5, 6)))
    assert residual.max() <= 1e-10
    assert steps < 60
    found, size, count = descend(loss, all_of_them, np.hstack([np.zeros((5, 6)), np.full((5, 1), -np.inf)]))
    assert (size.max(), count) == (residual.max(), steps)
    assert (found[:, :6] == z).all()


def test_newtons_steps_on_hard_rows():
    # Oracle: identity, the gradient at the student: near-deterministic teachers, many labels, zeros
    rng = np.random.default_rng(2)
    for A in (2, 10, 200):
        p = rng.dirichlet(np.full(A, 0.1), size=20)
        p[p < 1e-12] = 0
        p /= p.sum(axis=1, keepdims=True)
        e = np.array([rng.multinomial(5, row) for row in p]) / 5
        for alpha, T in ((0.1, 4.0), (0.9, 0.5), (0.01, 20.0)):
            row = Row(e, np.full(20, 5.0), p, np.full(p.shape, 1 / A), 100.0)
            assert kt.losses.make("kd_mix", alpha=alpha, T=T).solve(row).residual.max() < 1e-10


def test_soft_losses_are_exact_after_one_visit():
    # Oracle: lemma L2, the teacher's row on visited inputs and the initial table elsewhere
    problem = kt.dirichlet_problem(S=6, A=4, seed=3)
    data = kt.draw(problem, "soft", n=4, seed=1)
    wanted = np.where((data.visits > 0)[:, None], problem.teacher, 0.25)
    names = [name for name in TRAINED if LOSSES[name].rate == "exp S" and LOSSES[name].level == "soft"]
    assert len(names) >= 14
    for name in names:
        assert np.abs(kt.fit(data, kt.losses.make(name).learner()) - wanted).max() < 1e-12, name


def test_a_zero_of_the_teacher_is_refused_with_its_place():
    # Oracle: definition
    with pytest.raises(ValueError, match=r"p\[1, 2\] is 0: mse_logits takes the logarithm"):
        kt.losses.make("mse_logits").limit([[0.5, 0.3, 0.2], [0.5, 0.5, 0.0]])
    with pytest.raises(ValueError, match="k is 4: the teacher has 3 labels"):
        kt.losses.make("top_k_renormalised", k=4).limit([0.5, 0.3, 0.2])


# --- Sorted probabilities, preferences, votes, on policy, channels ----------------------------------------


def least_by_dual(e, t, w):
    """The least -sum e log q + w sum |q - t| over the simplex, as the largest value of the dual."""

    def dual(mu):
        candidates = [t, np.zeros_like(t), np.ones_like(t)]
        candidates += [np.clip(e / (mu + s), 0, 1) for s in (w, -w) if mu + s > 0]
        q = np.array(candidates)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(e > 0, -e * np.log(q), 0) + w * np.abs(q - t) + mu * q
        return terms.min(axis=0).sum() - mu

    found = minimize_scalar(lambda mu: -dual(mu), bounds=(-w, w + 2), method="bounded", options={"xatol": 1e-11})
    return max(-found.fun, dual(w))  # concave, with a kink at w where labels are unseen


@pytest.mark.parametrize("w", [0.05, 0.2, 1.5])
def test_uld_against_all_relabellings(w):
    # Oracle: enumeration of the relabellings of p, each a convex problem whose value its dual bounds from below
    rng = np.random.default_rng(4)
    loss = kt.losses.make("uld", w_d=w)
    for counts in ([3, 1, 0], [2, 2, 1], [5, 0, 0, 1], [1, 1, 1, 0]):
        e, p = np.array(counts) / np.sum(counts), rng.dirichlet(np.ones(len(counts)))
        row = Row(e, np.float64(1), p, np.full(p.size, 1 / p.size))
        least = min(least_by_dual(e, np.array(t), w) for t in itertools.permutations(p))
        assert loss.value(loss.solve(row).student, row) == pytest.approx(least, abs=1e-7)
    assert least_by_dual(e, p, w) < loss.value(np.full(4, 0.25), row) + 1e-9  # the dual is no number above all values


def test_uld_at_the_kink_shares_what_is_left():
    # Oracle: by hand, e = (1, 0, 0), t = p = (.6, .3, .1), w = 1/2: at mu = w the seen label has e / (2 w) = 1
    row = Row(np.array([1.0, 0, 0]), np.float64(1), np.array([0.6, 0.3, 0.1]), np.full(3, 1 / 3))
    assert kt.losses.make("uld", w_d=0.5).solve(row).student.tolist() == [1, 0, 0]
    assert kt.losses.make("uld", w_d=0.625).solve(row).student == pytest.approx([0.8, 0.15, 0.05], abs=1e-12)
    assert kt.losses.make("uld", w_d=2.0).solve(row).student.tolist() == [0.6, 0.3, 0.1]


def test_uld_without_cross_entropy_learns_a_relabelling():
    # Oracle: enumeration, every relabelling of p has loss 0
    loss, p = kt.losses.make("uld", w_ce=0), TEACHERS["E1"]
    found = loss.limit(p)
    assert not found.unique
    row = Row.population(p, loss.protocol)
    assert all(loss.value(np.array(q), row) == 0 for q in itertools.permutations(p))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dpo", {"beta": 0.5, "ref": "sqrt"}),
        ("f_dpo", {"beta": 0.7}),
        ("f_dpo", {"divergence": "js_divergence", "beta": 1.0, "ref": "sqrt"}),
        ("f_dpo", {"divergence": "alpha_divergence", "beta": 0.5, "alpha": 0.3}),
    ],
)
def test_the_scores_of_a_logistic_preference(name, params):
    # Oracle: identity, lemma L9: beta g(q/ref) - log(p/ref) is the same on all labels
    loss, p = kt.losses.make(name, **params), np.array([0.4, 0.3, 0.2, 0.1])
    ref = np.sqrt(np.arange(1, 5)) if params.get("ref") else np.ones(4)
    ref = ref / ref.sum()
    u = loss.limit(p).student / ref
    g = {
        "dpo": np.log(u),
        "forward_kl": -1 / u,
        "js_divergence": np.log(u / (1 + u)),
        "alpha_divergence": u ** (params.get("alpha", 0.5) - 1) / (params.get("alpha", 0.5) - 1),
    }["dpo" if name == "dpo" else params.get("divergence", "forward_kl")]
    level = loss.beta * g - np.log(p / ref)
    assert np.ptp(level) < 1e-9


def test_levels_of_the_hinge_are_a_minimum():
    # Oracle: second algorithm, 500 random laws around the student, none lower; levels 0 and 1 on E1
    loss, p = kt.losses.make("hinge_preference", beta=0.5), TEACHERS["E1"]
    row, found = Row.population(p, kt.PROTOCOLS["soft"]), kt.losses.make("hinge_preference", beta=0.5).limit(p)
    rng = np.random.default_rng(1)
    z = np.log(found.student) + rng.normal(size=(500, 3)) * 10 ** rng.uniform(-2, 1, size=(500, 1))
    assert (loss.score_value(z, row) >= loss.value(found.student, row) - 1e-9).all()
    assert np.log(found.student[0] / found.student[1]) == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in LIMITS if LOSSES[n].level == "on-policy"])
def test_on_policy_descent_rests_at_the_limit(name):
    # Oracle: second algorithm, the mean gradient followed from another law of full support
    loss, p = kt.losses.make(name), np.array([0.45, 0.35, 0.2])
    start = np.array([0.2, 0.3, 0.5])
    row, z = Row.population(p, kt.PROTOCOLS["soft"], init=start), np.log(start)
    for _ in range(3000):
        z = z - 0.2 * loss.gradient(softmax(z), row)
    found = loss.solve(row)
    assert tv(softmax(z), found.student) < 1e-6
    assert bool(found.unique) == (name != "state_level_reward")


def test_a_score_of_another_form_off_the_list_moves_the_limit():
    # Oracle: second algorithm, the same descent for the planted error of the two forms
    loss, p = kt.losses.make("on_policy_top_k_tail", k=1, score="unmatched"), np.array([0.45, 0.35, 0.2])
    row, z = Row.population(p, kt.PROTOCOLS["soft"]), np.zeros(3)
    for _ in range(3000):
        z = z - 0.2 * loss.gradient(softmax(z), row)
    assert tv(softmax(z), loss.limit(p).student) < 1e-6
    P, Z = 0.45, 0.45 / np.e + 0.55
    assert tv(loss.limit(p).student, p) == pytest.approx(P * (1 - 1 / (np.e * Z)), abs=1e-12)


@pytest.mark.parametrize("name", [n for n in LIMITS if kt.losses.make(n).protocol is None])
def test_what_no_transfer_set_holds_has_no_learner(name):
    # Oracle: definition
    with pytest.raises(kt.Unsupported, match=f"{name} has no learner: no transfer set holds its samples"):
        kt.losses.make(name).learner()


CHANNELS = [name for name in LOSSES if name not in LIMITS]


@pytest.mark.parametrize("name", CHANNELS)
def test_an_inverse_undoes_its_channel(name):
    # Oracle: identity
    for params in ({}, {"keys": "fixed"} if name == "watermark" else {}, {"w": -1} if name == "power_tilt" else {}):
        channel, p = kt.losses.make(name, **params), np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])
        there, back = channel.apply(p), channel.inverse()
        assert np.abs(there.sum(axis=-1) - 1).max() < 1e-12
        if back is not None:
            assert np.abs(back.apply(there) - p).max() < 1e-9
    exact = ("temperature", "geometric_blend", "stablemax_readout")
    assert (kt.losses.make(name).inverse() is None) == (name not in (*exact, "power_tilt"))


def test_a_loss_through_a_channel():
    # Oracle: composition of the two, and the mean of raw logits that keeps nothing of a watermark's two keys
    p = TEACHERS["E1"]
    hot = kt.losses.make("temperature", T=2)
    through = kt.losses.through(hot, kt.losses.make("label_smoothing", epsilon=0.5))
    assert np.abs(through.limit(p).student - (0.5 * hot.apply(p) + 0.5 / 3)).max() < 1e-12
    with pytest.raises(kt.Unsupported, match=r"Problem\(rho, channel.apply\(p\)\)"):
        through.learner()
    with pytest.raises(ValueError, match="channel is a Focal: a Channel is needed"):
        kt.losses.through(kt.losses.make("focal"), kt.losses.make("focal"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in SMOOTH if LOSSES[n].closed and not LOSSES[n].couples_inputs])
def test_formulas_and_the_general_solver_on_two_hundred_teachers(name):
    # Oracle: second algorithm, descent over the scores from the uniform law; Dirichlet, Zipf, near-deterministic, tied
    loss = kt.losses.make(name)
    for table in pool(11, each=50).values():
        # Where a label is rarer than 1e-3 a gradient of 1e-9 no longer says where the minimum is to 1e-8.
        table = 0.99 * table + 0.01 / table.shape[1]
        if getattr(loss, "k", 1) > table.shape[1] and name != "top_p_renormalised":
            continue
        row = Row.population(table, shows(loss))
        found = loss.solve(row)
        start = np.broadcast_to(loss.scores(np.full(table.shape[1], 1 / table.shape[1])), table.shape)
        z, residual, _ = minimum(loss, row, start)
        kept = found.unique & found.attained & (residual < 1e-9)
        gap = tv(loss.link(z), found.student)
        assert (gap[kept] < 1e-8).all(), (name, table.shape, gap[kept].max())
        assert kept.mean() > 0.7 or not (found.unique & found.attained).all(), (name, table.shape, kept.mean())


def test_stored_studies_take_losses(tmp_path):
    # Oracle: identity, in memory and in a folder that is asked again; other parameters are another learner
    problem = kt.dirichlet_problem(S=3, A=4, seed=1)
    learners = [kt.losses.make("focal", gamma=gamma).learner() for gamma in (1, 2)]
    panel = kt.study.Panel("one", problem, [20], learners)
    here = kt.study.run([panel], reps=50, seed=1)["mean"].tolist()
    for _ in range(2):
        assert kt.study.run([panel], reps=50, seed=1, folder=tmp_path / "study")["mean"].tolist() == here
    assert here[0] != here[1]
    with pytest.raises(kt.Unsupported, match="kd_mix needs soft labels, the transfer set has hard ones"):
        kt.fit(kt.draw(problem, "hard", n=5, seed=1), kt.losses.make("kd_mix").learner())


@pytest.mark.slow
def test_the_ledger_takes_a_loss():
    # Oracle: planted, a bound that is too low is refuted, a trivial one holds
    learner = kt.losses.make("label_smoothing").learner()
    for bound, verdict in ((1.0, "holds"), (0.01, "refuted")):
        statement = kt.ledger.upper_bound("own", learner, lambda S, A, n, bound=bound: bound)
        assert kt.verify(statements=[statement])["verdict"].item() == verdict


@pytest.mark.parametrize(("name", "params", "most"), [("masked_temperature", {}, 5), ("watermark", {"gamma": 0.5}, 7)])
def test_channels_that_go_through_all_cases_refuse_too_many(name, params, most, monkeypatch):
    # Oracle: enumeration, 2^5 masks and (7 choose 3) green lists at 35 cases; a label more has 2^6, and (8 choose 4)
    monkeypatch.setattr(channels, "CASES", 35)
    channel = kt.losses.make(name, **params)
    assert channel.apply(np.full(most, 1 / most)).sum() == pytest.approx(1)
    with pytest.raises(kt.Unsupported, match=f"{name}: {most + 1} labels have .*, more than 35"):
        channel.apply(np.full(most + 1, 1 / (most + 1)))


def test_a_label_that_init_leaves_out_stays_out_where_a_loss_leaves_it_free():
    # Oracle: definition, what is listed keeps its proportions, what is not listed keeps those of init, 0 among them
    loss = kt.losses.make("top_k_both_renormalised", k=2)
    p, init = np.array([0.4, 0.3, 0.2, 0.05, 0.05]), np.array([0.25, 0.25, 0.375, 0.125, 0.0])
    student = loss.minimise(Row.population(p, loss.protocol, init=init)).student
    assert np.isfinite(student).all()
    assert student[0] / student[1] == pytest.approx(4 / 3, rel=1e-12, abs=0)
    assert student[2] / student[3] == pytest.approx(3, rel=1e-12, abs=0)
    assert student[4] < 1e-200
    # A listed label that init leaves out: what is listed keeps its proportions, and is hardly there.
    student = loss.minimise(Row.population(p, loss.protocol, init=init[[4, 0, 1, 2, 3]])).student
    assert student[0] / student[1] == pytest.approx(4 / 3, rel=1e-12, abs=0)
    assert 0 < student[1] < 1e-100
