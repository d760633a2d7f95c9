"""Losses of one's own, part by part: what a function is handed, gradients, starts, flags, refusals."""

import importlib

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.losses.own import own
from kt_theory.losses.row import Row, softmax

module = importlib.import_module("kt_theory.losses.own")  # `kt_theory.losses.own` is the function
HARD, PARTIAL, SOFT = kt.PROTOCOLS.values()
E1 = np.array([0.5, 0.3, 0.2])


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def cross_entropy(logits, label, teacher):
    return -log_softmax(logits)[np.arange(label.size), label]


def by_hand(z, labels):
    return softmax(z) - labels


def test_a_function_is_handed_each_label_that_occurs_and_what_is_told_of_it():
    # Oracle: by hand: rows in their order, labels of positive frequency, NaN where the protocol hides
    asked = []

    def f(logits, label, teacher):
        asked.append((logits.tolist(), label.tolist(), teacher.tolist()))
        return 10.0**label + logits[:, 0]

    z = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    table = np.array([[0.5, 0.5, 0.0], [0.25, 0.0, 0.75]])
    nan = float("nan")
    row = Row.population(table, PARTIAL)
    assert own(f, "partial").score_value(z, row) == pytest.approx(
        [0.5 * 2 + 0.5 * 11, 0.25 * 3 + 0.75 * 102], rel=1e-12, abs=0
    )
    ((logits, label, told),) = asked
    assert (label, [x[0] for x in logits]) == ([0, 1, 0, 2], [1, 1, 2, 2])
    np.testing.assert_array_equal(told, [[0.5, nan, nan], [nan, 0.5, nan], [0.25, nan, nan], [nan, nan, 0.75]])
    asked.clear()
    own(f, "soft").score_value(z, Row.population(table, SOFT))
    np.testing.assert_array_equal(asked[0][2], table[[0, 0, 1, 1]])
    asked.clear()
    own(f, "hard").score_value(z, Row.population(table, HARD))
    assert np.isnan(asked[0][2]).all()
    whole = own(lambda q, row: q[:, 0] * row.labels[:, 1], "hard", per="input", name="whole")
    assert whole.score_value(
        np.log([[0.5, 0.5], [0.25, 0.75]]), Row.population(np.array([[0.5, 0.5], [0.9, 0.1]]), HARD)
    ) == (pytest.approx([0.25, 0.025], rel=1e-12, abs=0))
    one = own(cross_entropy, "hard")
    q = np.array([0.2, 0.3, 0.5])
    assert one.value(q, Row.population(E1, HARD)) == pytest.approx(-(E1 * np.log(q)).sum(), rel=1e-14, abs=0)
    assert one.gradient(q, Row.population(E1, HARD)) == pytest.approx(q - E1, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda z, y, t: ["a"] * y.size, "mine on 3 samples of 3 labels answers .*: it must be an array of numbers"),
        (lambda z, y, t: 1.0, "mine on 3 samples of 3 labels answers one number: it reduces; it must return one value"),
        (lambda z, y, t: np.ones((y.size, 1)), r"answers shape \(3, 1\): it must be \(3,\), one value a sample"),
        (lambda z, y, t: np.full(y.size, 1j), "answers complex numbers: a loss is real"),
        (lambda z, y, t: 1 / 0, "mine on 3 samples of 3 labels raises ZeroDivisionError: 'division by zero'"),
    ],
)
def test_answers_that_are_no_loss(answer, said):
    # Oracle: definition
    with pytest.raises(ValueError, match=said):
        own(answer, "hard", name="mine").score_value(np.zeros(3), Row.population(E1, HARD))
    if "raises" in said:
        with pytest.raises(ValueError, match="mine on 1 inputs of 3 labels raises"):
            own(lambda q, row: 1 / 0, "hard", per="input", name="mine").score_value(
                np.zeros(3), Row.population(E1, HARD)
            )


@pytest.mark.parametrize("block", [1, 30, 2_000_000])
@pytest.mark.parametrize("analytic", [True, False])
def test_gradients_by_steps(block, analytic, monkeypatch):
    # Oracle: by hand, softmax less frequencies; the same in blocks of any size
    monkeypatch.setattr(module, "BLOCK", block)
    loss = own(cross_entropy, "hard")
    table, z = np.array([E1, [0.2, 0.2, 0.6]]), np.array([[0.3, -1.0, 2.0], [0.0, 0.5, -0.5]])
    if not analytic:
        loss.__dict__["analytic"] = False
    found = loss.score_gradient(z, Row.population(table, HARD))
    assert found == pytest.approx(by_hand(z, table), rel=1e-13 if analytic else 1e-9, abs=0)
    assert loss.__dict__["analytic"] is analytic
    deep = loss.score_gradient(z[None], Row.population(table[None], HARD))
    assert deep.tolist() == [found.tolist()]


def test_a_given_gradient_is_averaged_over_the_labels():
    # Oracle: by hand
    asked = []

    def gradient(logits, label, teacher):
        asked.append(label.tolist())
        return np.eye(3)[label] * 2.0

    loss = own(cross_entropy, "hard", gradient=gradient, name="given")
    table = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    assert loss.score_gradient(np.zeros((2, 3)), Row.population(table, HARD)).tolist() == (2 * table).tolist()
    assert asked == [[0, 1, 1, 2]]
    whole = own(lambda q, row: q[:, 0], "hard", per="input", gradient=lambda q, row: q + row.labels, name="whole")
    assert whole.score_gradient(np.zeros((2, 3)), Row.population(table, HARD)) == pytest.approx(
        1 / 3 + table, rel=1e-12, abs=0
    )
    bad = own(cross_entropy, "hard", gradient=lambda z, y, t: np.ones(y.size), name="bad")
    with pytest.raises(ValueError, match=r"the gradient of bad answers shape \(2,\): it must be \(2, 3\)"):
        bad.score_gradient(np.zeros((1, 3)), Row.population(table[:1], HARD))


@pytest.mark.parametrize(("off", "disagrees"), [(0.0, False), (1e-4, True), (-1e-4, True)])
def test_a_gradient_is_compared_with_differences(off, disagrees):
    # Oracle: by hand, a gradient that is off at label 1 alone
    def gradient(logits, label, teacher):
        return softmax(logits) - np.eye(3)[label] + np.array([0, off, 0])

    loss = own(cross_entropy, "hard", gradient=gradient, name="near")
    assert not loss.detached
    gap, label = loss.compare_gradients(Row.population(E1[None], HARD))
    assert gap == pytest.approx(abs(off), abs=1e-10)
    assert label == 1 or off == 0
    near = own(cross_entropy, "hard", gradient=lambda z, y, t: gradient(z, y, t) * (1 + 1e-6), name="nearer")
    near.compare_gradients(Row.population(E1[None], HARD))
    assert near.detached is disagrees  # a share of 1e-6 is none
    assert loss.detached is disagrees
    found = loss.limit(E1)
    assert ("not that of the value" in found.note) == disagrees


def test_where_descent_starts():
    # Oracle: definition: the uniform law, what is shown or else the labels' law, and two more, one for all rows
    loss = own(cross_entropy, "soft")
    table = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    zero, shown, *free = loss.starts(Row.population(table, SOFT))
    assert zero.tolist() == np.zeros((2, 3)).tolist()
    assert shown == pytest.approx(np.log(np.maximum(table, 1e-6)), rel=1e-15, abs=0)
    assert len(free) == 2
    assert (free[0] == free[0][0]).all()
    assert free[0][0].tolist() == np.random.default_rng(0).normal(size=3).tolist()
    assert free[1][0].tolist() != free[0][0].tolist()
    hidden = loss.starts(Row.population(table, HARD))[1]
    assert hidden.tolist() == shown.tolist()


def brier(logits, label, teacher):
    return ((softmax(logits) - np.eye(logits.shape[1])[label]) ** 2).sum(axis=1)


def test_one_start_serves_convex_losses_alone():
    # Oracle: known: cross-entropy is convex in the logits, the Brier score is not
    convex, other = own(cross_entropy, "hard"), own(brier, "hard")
    assert convex._one_start_serves(3)
    assert not other._one_start_serves(3)
    assert convex.__dict__["one start"] == {3: True}
    row = Row.population(np.array([E1, [0.6, 0.3, 0.1]]), HARD)
    rng = np.random.default_rng(0)
    assert convex._seems_convex(row, rng)
    assert not other._seems_convex(row, rng)
    found = convex.limit(np.array([E1, [0.98, 0.01, 0.01]]))
    assert found.student == pytest.approx(np.array([E1, [0.98, 0.01, 0.01]]), rel=1e-7, abs=0)
    assert (found.unique.tolist(), found.local_only.tolist(), found.note) == ([True] * 2, [False] * 2, "")
    assert other.limit(E1).student == pytest.approx(E1, abs=1e-9)


def wells(tilt):
    """Two minima, at log-odds -2 and 2 of the first two labels, the second lower by a tilt."""

    def f(logits, label, teacher):
        odds = logits[:, 0] - logits[:, 1]
        return (odds**2 - 4) ** 2 / 16 - tilt * odds + 0 * label

    return own(f, "hard", name="wells")


@pytest.mark.parametrize(("tilt", "unique", "local"), [(0.0, False, True), (0.05, True, True), (-0.05, True, True)])
def test_other_minima_are_told(tilt, unique, local):
    # Oracle: by hand: two wells of one height, or one above the other; the uniform law rests on the hill between them
    found = wells(tilt).limit([0.3, 0.7])
    odds = float(np.log(found.student[0] / found.student[1]))
    assert abs(odds) == pytest.approx(2, abs=0.1)
    assert tilt == 0 or np.sign(odds) == np.sign(tilt)
    assert (bool(found.unique), bool(found.local_only)) == (unique, local)
    assert found.note == ("another start ends at a higher minimum" if local else "")
    # Where the gradient vanishes: odds^3 / 4 - odds = tilt
    assert odds**3 / 4 - odds == pytest.approx(tilt, abs=1e-7)


def test_rest_points_of_a_detached_gradient():
    # Oracle: by hand, a pull to (0.6, 0.3, 0.1) whatever the value
    aim = np.array([0.6, 0.3, 0.1])
    loss = own(cross_entropy, "hard", gradient=lambda z, y, t: softmax(z) - aim, name="pulled")
    found = loss.limit([E1, [0.2, 0.2, 0.6]])
    assert found.student == pytest.approx(np.array([aim, aim]), rel=1e-10, abs=0)
    assert found.note == "the gradient is not that of the value: where it vanishes, its fixed point"


@pytest.mark.parametrize(
    ("f", "protocol", "said"),
    [
        (lambda z, y, t: np.where(y == 1, np.inf, 0.0), "hard", "mine is inf at label 1 of the uniform law"),
        (
            lambda z, y, t: t.sum(axis=1),
            "partial",
            "nan at label 0 of the uniform law; it reads an entry of the teacher that the protocol partial hides",
        ),
        (lambda z, y, t: np.full(y.size, np.nan), "partial", "mine is nan at label 0 of the uniform law$"),
    ],
)
def test_no_number_at_the_uniform_law(f, protocol, said):
    # Oracle: definition: which label, and whether it reads what is hidden
    with pytest.raises(ValueError, match=said):
        own(f, protocol, name="mine").limit(E1)


def test_inputs_without_a_number_and_names():
    # Oracle: definition
    whole = own(lambda q, row: row.shown.sum(axis=1), "hard", per="input", name="whole")
    with pytest.raises(ValueError, match="whole is no number at the uniform law: what the protocol hard hides is NaN"):
        whole.limit(E1)
    for arguments, options, said in (
        ((3, "hard"), {}, "f is 3"),
        ((brier, "hard"), {"gradient": 3}, "gradient is 3"),
        ((brier, "hard"), {"per": "batch"}, "per is 'batch': it must be sample or input"),
        ((brier, "none"), {}, "protocol is 'none'"),
        ((brier, "hard"), {"name": ""}, "name is '': it must be a line of text"),
        ((brier, "hard"), {"name": "a\nb"}, "name is"),
        ((brier, "hard"), {"name": 3}, "name is 3"),
    ):
        with pytest.raises(ValueError, match=said):
            own(*arguments, **options)
    loss = own(brier, "hard")
    assert (loss.name, repr(loss), loss.separable, loss.closed, loss.paper) == (
        *("brier", "brier", True, False, "a function of the user's"),
    )
    assert not own(lambda q, row: q[:, 0], "hard", per="input").separable
    assert (loss == loss, loss == own(brier, "hard"), hash(loss) == id(loss)) == (True, False, True)
    learner = loss.learner()
    assert (learner.name, learner.protocol, learner.loss) == ("brier", HARD, "the function brier")
    assert learner.fingerprint.startswith("own loss ")
    others = [own(brier, "soft"), own(cross_entropy, "hard", name="brier"), own(brier, "hard", per="input")]
    others.append(own(brier, "hard", gradient=cross_entropy))
    assert len({learner.fingerprint, *(other.learner().fingerprint for other in others)}) == 5


def test_a_ray_is_named_where_logits_left_every_bound():
    # Oracle: by hand: minus a logit falls without end
    found = own(lambda z, y, t: -z[:, 0] + 0.0 * y, "hard", name="ray").limit(E1)
    assert found.note == module.RAY
    assert np.abs(found.scores).max() > 1000
