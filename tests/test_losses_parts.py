"""What losses are made of: parameters, rows, solvers, read-outs, the constant of L7, channels."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import kt_theory as kt
from kt_theory.losses import channels, constants, domains, solving
from kt_theory.losses.domains import Declared, Flag, Law, Number, Numbers, Whole
from kt_theory.losses.hard import Focal
from kt_theory.losses.loss import REVISION, Found, Loss, checked_teacher, fitted
from kt_theory.losses.readouts import labels_law
from kt_theory.losses.row import Row, scaled, share, softmax, split_ties, tempered
from kt_theory.losses.top_k import TopK
from kt_theory.protocols.protocol import resolve_protocol

HARD, SOFT = kt.PROTOCOLS["hard"], kt.PROTOCOLS["soft"]

# --- Parameters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "words", "inside", "outside"),
    [
        ("(-inf, inf)", "a finite number", [-1e9, 0, 1e9], [np.inf, -np.inf, np.nan, "1", None]),
        ("(0, inf)", "a number > 0", [1e-300, 5], [0, -1, np.inf]),
        ("[0, inf)", "a number >= 0", [0, 5], [-1e-300, np.inf]),
        ("(-inf, 1)", "a number < 1", [-7, 1 - 1e-16], [1, 2, -np.inf]),
        ("(-inf, 1]", "a number <= 1", [-7, 1], [1 + 1e-15]),
        ("[0, 1)", "a number in [0, 1)", [0, 0.5], [1, -0.1]),
        ("(0, 1]", "a number in (0, 1]", [1, 0.5], [0, 1.1]),
    ],
)
def test_a_number_is_of_its_interval(interval, words, inside, outside):
    # Oracle: definition, ends inside or outside as the brackets say
    number = Number(0.5, "meaning", interval)
    number.name = "x"
    assert (number.domain, number.default, number.meaning) == (words, 0.5, "meaning")
    for value in inside:
        assert number.checked(value, "it") == value
    for value in outside:
        with pytest.raises(ValueError, match=r"x is .*: it needs a") as caught:
            number.checked(value, "it")
        assert str(caught.value).endswith(f": it needs {words}")


@pytest.mark.parametrize(
    ("parameter", "inside", "outside", "words"),
    [
        (Whole(3, "", 1), [(1, 1), (10**6, 10**6), (2.0, 2)], [0, 1.5, "2", None], "a whole number >= 1"),
        (Whole(1, "", 0, 2), [(0, 0), (2, 2)], [-1, 3], "a whole number from 0 to 2"),
        (domains.Choice("a", "", "a", "b"), [("b", "b")], ["c", 1, None], "a or b"),
        (Flag(True, ""), [(True, True), (np.bool_(False), False)], [1, "true", None], "True or False"),
        (Numbers((1.0,), ""), [([1, 2], (1.0, 2.0))], [[], [np.nan], [1, np.inf], 3, [[1]]], "a list of finite"),
        (Law("uniform", ""), [("sqrt", "sqrt"), ([0.5, 0.5], (0.5, 0.5))], ["root", [1, 0], [0.5, 0.6]], "uniform, sq"),
    ],
)
def test_values_are_kept_or_refused(parameter, inside, outside, words):
    # Oracle: definition of each domain
    parameter.name = "x"
    for given, kept in inside:
        assert parameter.checked(given, "it") == kept
        assert type(parameter.checked(given, "it")) is type(kept)
    for value in outside:
        with pytest.raises(ValueError, match=rf"x is .*: it needs {words}"):
            parameter.checked(value, "it")


def test_words_of_the_command_line():
    # Oracle: definition
    read = Number(0.0, "").read
    assert [read(text) for text in ("1.5", "1,2", "True", "false", "sqrt", "a,b")] == [
        *(1.5, [1.0, 2.0], True, False, "sqrt", "a,b")
    ]


def test_what_is_declared_is_inherited_frozen_and_compared():
    # Oracle: definition, the order of declaration, that of the base class first
    class Base(Declared):
        id = "base"
        a = Number(1.0, "")

    class Made(Base):
        id = "made"
        b = Law("uniform", "")

    made = Made(b=[0.25, 0.75], a=2)
    assert list(domains.declared(Made)) == ["a", "b"]
    assert made.parameters == {"a": 2.0, "b": (0.25, 0.75)}
    assert (made.name, Made().name, Made(a=0.5).name) == ("made(a=2, b=(0.25, 0.75))", "made", "made(a=0.5)")
    assert repr(made) == made.name
    assert made == Made(a=2.0, b=(0.25, 0.75))
    assert made != Base(a=2)
    assert Made() != Base()
    assert hash(made) == hash(Made(a=2, b=[0.25, 0.75]))
    assert len({hash(Made(a=x)) for x in (1, 2, 3)}) == 3
    assert Made.a is domains.declared(Made)["a"]
    with pytest.raises(ValueError, match="made has no parameter 'c': its parameters are a, b"):
        Made(c=1)


def test_laws_of_a_reference():
    # Oracle: by hand, the roots of 1, 2, 3 scaled to one
    assert domains.law_of("uniform", 4, "it").tolist() == [0.25] * 4
    roots = np.array([1, 2**0.5, 3**0.5])
    assert domains.law_of("sqrt", 3, "it") == pytest.approx(roots / roots.sum(), rel=1e-15, abs=0)
    assert domains.law_of((0.25, 0.75), 2, "it").tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="ref of it has 2 labels, and the teacher has 3"):
        domains.law_of((0.25, 0.75), 3, "it")


# --- Rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        ("hard", [np.nan] * 4),
        ("partial", [0.2, 0.5, 0.3, np.nan]),
        ("soft", [0.2, 0.5, 0.3, 0.0]),
        ("top_k_label:2", [np.nan, 0.5, 0.3, np.nan]),
        ("top_k_label:4", [0.2, 0.5, 0.3, 0.0]),
        ("top_k:1", [0.2, 0.5, 0.3, np.nan]),
        ("sorted", [0.5, 0.3, 0.2, 0.0]),
    ],
)
def test_what_the_population_shows(protocol, shown):
    # Oracle: definition of each protocol, on a teacher with a zero
    p = np.array([0.2, 0.5, 0.3, 0.0])
    row = Row.population(p, resolve_protocol(protocol))
    np.testing.assert_array_equal(row.shown, shown)
    assert row.labels.tolist() == p.tolist()
    assert row.init.tolist() == [0.25] * 4
    assert row.visits == 1
    assert row.size is None
    told = [value for value in shown if value == value]
    assert row.told.tolist() == [value == value for value in shown]
    assert row.known.tolist() == [value if value == value else 0 for value in shown]
    assert row.hidden_mass.item() == pytest.approx(1 - sum(told), abs=1e-15)


def test_rows_of_tables():
    # Oracle: by hand
    p, init = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([0.5, 0.25, 0.25])
    assert Row.population(p, SOFT).visits.tolist() == [0.5, 0.5]
    row = Row.population(p, SOFT, [0.25, 0.75], init)
    assert row.visits.tolist() == [0.25, 0.75]
    assert row.init.tolist() == [init.tolist()] * 2
    data = kt.TransferSet.from_counts([[3, 1, 0], [0, 0, 0]])
    held = Row.of(data)
    assert held.labels.tolist() == [[0.75, 0.25, 0], [0, 0, 0]]
    assert (held.visits.tolist(), held.size) == ([4, 0], 4.0)
    assert held.init == pytest.approx(np.full((2, 3), 1 / 3), rel=1e-15, abs=0)
    assert Row.of(data, p).init.tolist() == p.tolist()
    with pytest.raises(ValueError, match="data is a"):
        Row.of(p)
    one = row.take(slice(1, 2))
    assert (one.labels.tolist(), one.visits.tolist(), one.size) == ([p[1].tolist()], [0.75], None)
    wide = Row.population(p.reshape(1, 2, 3), SOFT).flat()
    assert (wide.labels.shape, wide.visits.shape, wide.shown.shape, wide.init.shape) == ((2, 3), (2,), (2, 3), (2, 3))
    each = row.each_label()
    assert each.labels.shape == (2, 3, 3)
    assert each.labels[1].tolist() == np.eye(3).tolist()
    assert each.shown[1].tolist() == [p[1].tolist()] * 3
    assert each.visits.tolist() == [[0.25] * 3, [0.75] * 3]
    assert row.with_labels(p[::-1]).labels.tolist() == p[::-1].tolist()


def test_arithmetic_of_laws():
    # Oracle: by hand, and mpmath for what would underflow
    free = np.array([True, False, True])
    assert share(np.array([0.6]), free, np.array([0.1, 0.7, 0.2])) == pytest.approx([0.2, 0, 0.4], rel=1e-15, abs=0)
    assert share(np.array([0.6]), free, np.array([0, 1.0, 0])).tolist() == [0.3, 0, 0.3]
    assert share(np.array([0.6]), np.zeros(3, bool), np.ones(3)).tolist() == [0, 0, 0]
    tiny = scaled(np.array([3e-310, 1e-310]))
    assert tiny == pytest.approx([0.75, 0.25], rel=1e-12, abs=0)
    assert tempered(np.array([0.5, 0.25, 0.0]), 0).tolist() == [0.5, 0.5, 0]
    assert tempered(np.array([0.8, 0.2]), 3.0) == pytest.approx([64 / 65, 1 / 65], rel=1e-15, abs=0)
    assert softmax(np.array([1000.0, 1000.0 + np.log(3), -np.inf])) == pytest.approx([0.25, 0.75, 0], rel=1e-12, abs=0)
    law, q = np.array([[0.4, 0.4, 0.2]] * 3), np.array([[0.5, 0.3, 0.2], [0.4 + 9e-10, 0.4, 0.2], [0.2, 0.2, 0.6]])
    assert split_ties(law, q).tolist() == [True, False, False]
    assert split_ties(np.array([0.4, 0.4, 0.2]), np.array([0.4 + 1.1e-9, 0.4, 0.2]))


# --- Solvers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["newton", "halving"])
@pytest.mark.parametrize("shift", [0.0, 1e-7, 1.0, 4.0, 7.5])
def test_roots_to_the_last_digits(known, shift):
    # Oracle: by hand, the cube root and the logarithm, with slopes and without, at the ends of the bracket too
    def f(x):
        value = np.stack([x[0] ** 3 - shift, np.expm1(x[1]) - shift])
        slope = np.stack([3 * x[0] ** 2, np.exp(x[1])])
        return value, slope if known else np.full_like(slope, np.nan)

    end = np.full(2, 2.0)
    found = solving.increasing_root(f, np.zeros(2), np.where([True, True], end, end) + 0.2)
    wanted = [float(mp.cbrt(shift)), float(mp.log1p(shift))]
    assert found == pytest.approx(wanted, rel=4e-16 * 4, abs=1e-15)


class Bowl(Loss):
    """0.5 |z - aim|^2 times a factor a row, the rows' `labels` being the aims."""

    calls = None

    def score_value(self, z, row):
        return 0.5 * ((z - row.labels) ** 2).sum(axis=-1)

    def score_gradient(self, z, row):
        return z - row.labels


def rows_at(aims):
    aims = np.asarray(aims, float)
    return Row(aims, np.ones(len(aims)), aims, np.ones_like(aims))


class Ray(Bowl):
    """Falls along the first score without end."""

    def score_value(self, z, row):
        return -z[:, 0]

    def score_gradient(self, z, row):
        return np.tile([-1.0, 0.0], (len(z), 1))


class Deaf(Bowl):
    """A gradient that points uphill: no step is accepted."""

    def score_value(self, z, row):
        return -z[:, 0]

    def score_gradient(self, z, row):
        return np.tile([1.0, 0.0], (len(z), 1))


@pytest.mark.parametrize("by_slopes", [False, True])
def test_descent_ends_where_it_says(by_slopes, monkeypatch):
    # Oracle: by hand: a quadratic's minimum; a ray is left beyond FAR; three refused steps end a row; steps run out
    aims = [[0.25, -3.0], [7.0, 0.5], [0.0, 0.0]]
    z, residual, count = solving.descend(Bowl(), rows_at(aims), np.zeros((3, 2)), by_slopes=by_slopes)
    assert np.abs(z - aims).max() <= 1e-10
    assert residual == pytest.approx(np.abs(z - aims).max(axis=1), rel=1e-15, abs=0)
    assert 0 < count < 30
    there = solving.descend(Bowl(), rows_at(aims), np.array(aims), by_slopes=by_slopes)
    assert (there[0].tolist(), there[1].tolist(), there[2]) == (aims, [0, 0, 0], 0)
    z, residual, count = solving.descend(Ray(), rows_at([[0, 0]]), np.zeros((1, 2)), by_slopes=by_slopes)
    assert 1000 < z[0, 0] < 2048
    assert residual.tolist() == [1]
    assert 9 <= count <= 12  # steps of 1, 2, 4, ...: 2^10 - 1 is the first sum beyond 1000
    if not by_slopes:
        z, residual, count = solving.descend(Deaf(), rows_at([[0, 0]]), np.zeros((1, 2)))
        assert (z.tolist(), residual.tolist(), count) == ([[0, 0]], [1], 3)
    monkeypatch.setattr(solving, "STEPS", 3)
    z, residual, count = solving.descend(Bowl(), rows_at([[90.0, 0], [0, 0]]), np.zeros((2, 2)), by_slopes=by_slopes)
    assert count == 3
    assert residual.tolist() == [90 - z[0, 0], 0]
    assert 1 < z[0, 0] < 90


def test_the_first_steps_of_descent_change_no_score_by_more_than_one():
    # Oracle: by hand, the gradient scaled to a largest entry of 1 at first
    asked = []

    class Watched(Bowl):
        def score_gradient(self, z, row):
            asked.append(z.copy())
            return super().score_gradient(z, row)

    solving.descend(Watched(), rows_at([[90.0, -45.0]]), np.zeros((1, 2)))
    assert asked[1] == pytest.approx(np.array([[1.0, -0.5]]), rel=1e-15, abs=0)
    asked.clear()
    solving.descend(Watched(), rows_at([[0.5, 0.25]]), np.zeros((1, 2)))
    assert asked[1].tolist() == [[0.5, 0.25]]  # a gradient below 1 is not made longer


def test_a_label_that_is_left_out_keeps_its_score_and_has_no_gradient():
    # Oracle: identity, the same problem without it
    class Open(Bowl):
        def score_gradient(self, z, row):
            return np.where(np.isfinite(z), z - row.labels, 5.0)

        def score_value(self, z, row):
            return 0.5 * (np.where(np.isfinite(z), z - row.labels, 0.0) ** 2).sum(axis=-1)

    z, residual, _ = solving.descend(Open(), rows_at([[2.0, 1.0, 0.0]]), np.array([[0.0, 0.0, -np.inf]]))
    assert z[0, :2] == pytest.approx([2, 1], abs=1e-10)
    assert z[0, 2] == -np.inf
    assert residual.item() <= 1e-10
    z, residual, _ = solving.minimum(Open(), rows_at([[2.0, 1.0, 0.0]]), np.array([[0.0, 0.0, -np.inf]]))
    assert z[0, :2] == pytest.approx([2, 1], abs=1e-13)
    assert residual.item() <= 1e-13


def test_newtons_steps_are_half_a_score_at_most():
    # Oracle: by hand: a quadratic 100 away is approached by 1/2 a round; one that is near in a single round
    row = rows_at([[100.0, 50.0], [0.25, 0.125]])
    assert solving.polish(Bowl(), row, np.zeros((2, 2)))[0] == pytest.approx([2, 1], rel=1e-8, abs=0)
    assert solving.polish(Bowl(), row, np.zeros((2, 2)), 7)[0] == pytest.approx([3.5, 1.75], rel=1e-8, abs=0)
    assert solving.polish(Bowl(), row, np.zeros((2, 2)), 1)[1] == pytest.approx([0.25, 0.125], rel=1e-8, abs=0)
    z = solving.stationary(lambda z: np.sinh(z - 0.3) + z - 0.3, np.zeros((1, 2)))
    assert z == pytest.approx(np.full((1, 2), 0.3), abs=1e-13)
    far = solving.stationary(lambda z: z - 20.0, np.zeros((1, 2)))
    assert far == pytest.approx(np.full((1, 2), 15.0), rel=1e-8, abs=0)  # 30 rounds


def test_newtons_steps_go_nowhere_if_they_gain_nothing():
    # Oracle: by hand, a gradient of 1 everywhere has no zero
    z = np.array([[0.5, -0.5]])
    assert solving.stationary(lambda z: np.ones_like(z), z).tolist() == z.tolist()


def test_the_lowest_of_several_minima():
    # Oracle: by hand, (z^2 - 1)^2 + z/4 has its lower minimum near -1; where both are equal the first start stays
    class Wells(Bowl):
        def __init__(self, tilt):
            self.__dict__["tilt"] = tilt

        def score_value(self, z, row):
            return ((z**2 - 1) ** 2 + self.__dict__["tilt"] * z).sum(axis=-1)

        def score_gradient(self, z, row):
            return 4 * z * (z**2 - 1) + self.__dict__["tilt"]

    starts = [np.full((1, 1), x) for x in (0.9, -0.9)]
    row = rows_at([[0.0]])
    for tilt, at in ((0.25, -1.0299), (-0.25, 1.0299), (0.0, 1.0)):
        z, residual, count = solving.lowest(Wells(tilt), row, starts)
        assert z.item() == pytest.approx(at, abs=1e-3)
        assert residual.item() <= 1e-12
        assert count == sum(solving.minimum(Wells(tilt), row, start)[2] for start in starts)


def test_what_a_solver_answers_is_a_local_minimum_where_its_gradient_is_large():
    # Oracle: definition, at 1e-8; shapes are those of the rows
    row = Row.population(np.full((2, 1, 2), 0.5), SOFT)
    z = np.array([[0.0, 0.0], [np.log(3), 0.0]])
    found = solving.answered(row, z, np.array([1e-8, 1.1e-8]), 7)
    assert found.local_only.tolist() == [[False], [True]]
    assert found.student.reshape(2, 2) == pytest.approx(np.array([[0.5, 0.5], [0.75, 0.25]]), rel=1e-15, abs=0)
    assert (found.unique.tolist(), found.iterations, found.student.shape) == ([[True], [True]], 7, (2, 1, 2))
    assert solving.answered(row, z, np.zeros(2), 7, np.array([True, False])).unique.tolist() == [[True], [False]]


def test_fixed_points_by_damped_steps(monkeypatch):
    # Oracle: by hand, half of the way in logits each step: log-odds 1, 1/2, 1/4, ... to the uniform law
    asked = []

    def advance(q):
        asked.append(np.log(q[0] / q[1]))
        return np.full(2, 0.5)

    q, count, settled = solving.fixed_point(advance, softmax(np.array([1.0, 0.0])), tol=1e-3)
    assert asked == pytest.approx([0.5**i for i in range(len(asked))], rel=1e-12, abs=0)
    # The step from x to x/2 changes a probability by about x/8: at most 1e-3 for x = 2^-7
    assert (count, settled) == (8, True)
    assert np.log(q[0] / q[1]) == pytest.approx(0.5**8, rel=1e-9, abs=0)
    asked.clear()
    solving.fixed_point(advance, softmax(np.array([1.0, 0.0])), damping=0.25, tol=1e-3)
    assert asked[:3] == pytest.approx([1, 0.75, 0.5625], rel=1e-12, abs=0)
    monkeypatch.setattr(solving, "STEPS", 5)
    q, count, settled = solving.fixed_point(advance, softmax(np.array([1.0, 0.0])))
    assert (count, settled) == (5, False)
    assert np.log(q[0] / q[1]) == pytest.approx(0.5**5, rel=1e-12, abs=0)


# --- Doors of a loss ---------------------------------------------------------------------------------------


def test_what_a_solution_says():
    # Oracle: definition, flags of each row; a label that is drawn has to have mass
    class Given(Loss):
        def minimise(self, row):
            return Found(np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]]), unique=[True, False, True])

        def residual(self, found, row):
            return np.arange(3.0)

    answer = Given().solve(Row.population(np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]), HARD))
    assert answer.attained.tolist() == [True, False, True]
    assert answer.unique.tolist() == [True, False, True]
    assert answer.local_only.tolist() == [False] * 3
    assert answer.scores[2].tolist() == [np.log(0.5)] * 2
    assert answer.scores[0].tolist() == [0, -np.inf]
    assert (answer.iterations, answer.note) == (0, "")


def test_teachers_are_laws():
    # Oracle: definition
    assert checked_teacher([0.5, 0.5]).tolist() == [0.5, 0.5]
    for p, said in (
        (np.zeros((0, 3)), r"p has shape \(0, 3\): its last axis"),
        ([], r"p has shape \(0,\)"),
        ([[[0.5, 0.5]], [[0.5, 0.4]]], r"p\[1, 0\] sums to 0.9: divide it by its sum"),
        ([0.25, 0.5], r"p sums to 0.75"),
    ):
        with pytest.raises(ValueError, match=said):
            checked_teacher(p)


def test_a_law_of_the_inputs_weights_their_marginal():
    # Oracle: by hand, p / prior^tau with the prior of the weighted rows
    p, rho = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([0.25, 0.75])
    prior = rho @ p
    for tau in (1.0, 0.5):
        student = kt.losses.make("logit_adjustment", tau=tau).limit(p, rho).student
        wanted = p / prior**tau
        assert student == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True), rel=1e-14, abs=0)
    noise = prior**0.75 / (prior**0.75).sum()
    wanted = p / noise
    student = kt.losses.make("negative_sampling").limit(p, rho).student
    assert student == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True), rel=1e-14, abs=0)
    wanted = p * (0.1 / (1 - 0.9 ** (50 * prior)))
    student = kt.losses.make("class_balanced", beta=0.9, n=50).limit(p, rho).student
    assert student == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True), rel=1e-13, abs=0)
    adaptive = kt.losses.make("adaptive_logit_adjustment").limit(p, rho)
    q = adaptive.student
    b = (rho[:, None] * p * q).sum(axis=0) / prior
    wanted = p / b
    assert q == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True), rel=1e-10, abs=0)
    assert (adaptive.note, adaptive.iterations > 0) == ("", True)
    with pytest.raises(ValueError, match="rho"):
        kt.losses.make("logit_adjustment").limit(p, [0.5, 0.25, 0.25])


def test_coupled_losses_weight_their_rows():
    # Oracle: definition, values and gradients of two inputs that are not visited alike
    p, q = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([[0.3, 0.7], [0.6, 0.4]])
    row = Row.population(p, SOFT, [0.25, 0.75])
    entropy = -(p * np.log(p)).sum(axis=1)
    for T in (10.0, 0.5):
        w = np.exp(entropy / T) / np.exp(entropy / T).sum()
        loss = kt.losses.make("token_scaled", T=T)
        assert loss.value(q, row) == pytest.approx(-w * (p * np.log(q)).sum(axis=1), rel=1e-14, abs=0)
        assert loss.gradient(q, row) == pytest.approx(w[:, None] * (q - p), rel=1e-13, abs=1e-16)
    prior = np.array([0.25, 0.75]) @ p
    read = softmax(np.log(q) + 0.7 * np.log(prior))
    loss = kt.losses.make("logit_adjustment", tau=0.7)
    assert loss.value(q, row) == pytest.approx(-(p * np.log(read)).sum(axis=1), rel=1e-14, abs=0)


def test_students_of_data_share_no_memory_and_keep_unvisited_rows():
    # Oracle: identity, the arrays that went in
    loss = kt.losses.make("reverse_kl")
    revealed, init = np.array([[0.5, 0.5], [np.nan, np.nan]]), np.array([[0.1, 0.9], [0.3, 0.7]])
    student = fitted(loss, np.array([[1, 1], [0, 0]]), revealed, init)
    assert student.tolist() == [[0.5, 0.5], [0.3, 0.7]]
    assert not np.may_share_memory(fitted(loss, np.ones((1, 2), int), revealed[:1], init[:1]), revealed)
    free = kt.losses.make("uld", w_ce=0)
    assert fitted(kt.losses.make("focal"), np.zeros((2, 2), int), revealed, init).tolist() == init.tolist()
    assert not np.may_share_memory(fitted(free, np.ones((1, 2), int), revealed[:1], init[:1]), init)
    asked = []

    class Once(Focal):
        closed = False

        def minimise(self, row):
            asked.append(row.labels.tolist())
            return super().minimise(row)

    counts = np.array([[1, 3], [2, 2], [1, 3], [0, 0]])
    hidden, start = np.full((4, 2), np.nan), np.full((4, 2), 0.5)
    student = fitted(Once(), counts, hidden, start)
    assert asked == [[[0.25, 0.75], [0.5, 0.5]]]
    assert student[0].tolist() == student[2].tolist()
    assert student[1:].tolist()[0::2] == [[0.5, 0.5], [0.5, 0.5]]


def test_the_learner_of_a_loss_says_what_it_is():
    # Oracle: definition
    learner = kt.losses.make("focal", gamma=1).learner()
    assert (learner.name, learner.protocol.name, learner.loss) == ("focal(gamma=1)", "hard", "-(1 - q_y)^gamma log q_y")
    assert learner.fingerprint == f"loss focal(gamma=1) {REVISION}"
    assert (learner.couples_inputs, learner.row) == (False, None)
    assert kt.losses.make("logit_adjustment").learner().couples_inputs


def test_a_list_longer_than_the_teacher_is_refused_but_a_cap():
    # Oracle: definition
    for loss in [entry for entry in kt.losses.LOSSES.values() if issubclass(entry, TopK)]:
        made = kt.losses.make(loss.id, k=3)
        assert made.limit([0.5, 0.3, 0.2]).student.sum() == pytest.approx(1)
        if loss.id == "top_p_renormalised":
            assert made.limit([0.6, 0.4]).student.tolist() == pytest.approx([0.6, 0.4])
            continue
        with pytest.raises(ValueError, match=f"k is 3: the teacher has 2 labels, and {loss.id} keeps k of them"):
            made.limit([0.6, 0.4])
        with pytest.raises(ValueError, match="p has shape"):
            made.limit(1.0)


@pytest.mark.parametrize("radius", [0.4, 1.0, 2.0, 4.0])
def test_logits_of_a_norm_are_the_lowest_on_their_circle(radius):
    # Oracle: enumeration, centred logits of three labels and a norm are a circle: 20,000 places on it
    angle = np.linspace(0, 2 * np.pi, 20_001)[:, None]
    z = np.cos(angle) * np.array([1, -1, 0]) / 2**0.5 + np.sin(angle) * np.array([1, 1, -2]) / 6**0.5
    log_q = np.log(softmax(radius * z))
    rng = np.random.default_rng(3)
    p = np.vstack([rng.dirichlet(np.ones(3), 12), [[0.34, 0.33, 0.33], [0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]])
    found = kt.losses.make("logit_sphere", radius=radius).limit(p)
    least = -(p @ log_q.T).max(axis=1)
    value = -(p * np.log(found.student)).sum(axis=1)
    assert (value <= least + 1e-9).all()
    norm = np.linalg.norm(np.log(p) - np.log(p).mean(axis=1, keepdims=True), axis=1)
    assert found.local_only.tolist() == (norm < radius).tolist()
    assert bool(found.note) == found.local_only.any()
    clipped = kt.losses.make("logit_clip", tau=radius).limit(p)
    own = -(p * np.log(clipped.student)).sum(axis=1)
    ball = np.where(norm <= radius, -(p * np.log(p)).sum(axis=1), least)
    assert own == pytest.approx(ball, abs=1e-7)
    if radius < 1:
        there = kt.losses.make("logit_clip", tau=radius, rescale="1/tau").limit(p).student
        far = -(p @ np.log(softmax(z / radius)).T).max(axis=1)
        both = np.where(norm <= radius, ball, np.minimum(ball, far))
        assert -(p * np.log(there)).sum(axis=1) == pytest.approx(both, abs=1e-7)


# --- Read-outs and the constant of L7 ----------------------------------------------------------------------


def test_the_null_vector_of_the_gradients_is_the_law_of_the_labels():
    # Oracle: identity, frequencies are what the gradients at the student cancel for; NaN where they are many
    laws = ([0.5, 0.3, 0.2], [1.0, 0.0], [1.0], [1e-6, 1 - 1e-6], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0])
    losses = (kt.losses.make("label_smoothing", epsilon=0.3), kt.losses.make("confidence_penalty", beta=0.5))
    for loss, e in itertools.product(losses, laws):
        row = Row.population(np.array(e), HARD)
        law, sure = labels_law(loss, loss.minimise(row), row)
        assert law == pytest.approx(e, rel=1e-9, abs=1e-12)
        assert law.sum() == pytest.approx(1, rel=1e-15, abs=0)
        assert sure
    lost = kt.losses.make("mae")
    row = Row.population(np.array([[0.5, 0.3, 0.2]]), HARD)
    law, sure = labels_law(lost, Found(np.array([[1.0, 0, 0]])), row)
    assert (np.isnan(law).all(), sure.tolist()) == (True, [False])
    gce = kt.losses.make("generalized_cross_entropy", gamma=0.5)
    law, sure = labels_law(gce, gce.minimise(row), row)
    assert law == pytest.approx(row.labels, rel=1e-12, abs=0)
    assert sure.tolist() == [True]


def test_a_loss_that_is_read_out_is_the_loss_in_all_else():
    # Oracle: identity, its value, gradient, link and scores
    inner = kt.losses.make("one_vs_rest")
    read, z = inner.with_readout("labels"), np.array([0.4, -1.0, 0.2])
    row, q = Row.population(np.array([0.5, 0.3, 0.2]), HARD), np.array([0.2, 0.5, 0.3])
    for method, at in (("score_value", z), ("score_gradient", z), ("value", q), ("gradient", q)):
        np.testing.assert_array_equal(getattr(read, method)(at, row), getattr(inner, method)(at, row))
    np.testing.assert_array_equal(read.link(z), inner.link(z))
    np.testing.assert_array_equal(read.scores(q), inner.scores(q))
    assert (read.name, read.protocol, read.closed) == ("one_vs_rest read as labels", inner.protocol, False)
    assert (read.level, read.takes_logs, read.smooth) == (inner.level, inner.takes_logs, inner.smooth)
    assert read.limit([0.5, 0.3, 0.2]).note == ""
    assert read.limit([0.5, 0.3, 0.2]).residual <= 1e-12
    with pytest.raises(AttributeError):
        read.nothing  # noqa: B018


def spread(p, jacobian):
    """The constant of q = phi(e) from the Jacobian of phi at p, over that of the MLE."""
    moved = np.array([jacobian @ (np.eye(p.size)[y] - p) for y in range(p.size)])
    return np.sqrt(p @ moved**2).sum() / np.sqrt(p * (1 - p)).sum()


@pytest.mark.parametrize("p", [[0.5, 0.3, 0.2], [0.9, 0.1], [0.6, 0.3, 0.09, 0.01]])
def test_constants_are_those_of_the_derivatives_of_closed_forms(p):
    # Oracle: by hand, the Jacobians of students that are formulas of the frequencies
    p = np.array(p)
    gce, k = kt.losses.make("generalized_cross_entropy", gamma=0.4), 1 / 0.6
    q = p**k / (p**k).sum()
    assert constants.constant(gce, p) == pytest.approx(
        spread(p, k * (np.diag(q / p) - np.outer(q, q / p))), rel=1e-8, abs=0
    )
    assert constants.constant(kt.losses.make("label_smoothing", epsilon=0.25), p) == pytest.approx(
        0.75, rel=1e-8, abs=0
    )
    assert constants.constant(kt.losses.make("kd_mix", alpha=0.2, T=1), p) == pytest.approx(0.2, rel=1e-7, abs=0)
    odds = p / (1 - p)
    q, turn = odds / odds.sum(), np.diag(1 / (1 - p) ** 2) / odds.sum()
    ovr = kt.losses.make("one_vs_rest")
    assert constants.constant(ovr, p) == pytest.approx(spread(p, turn - np.outer(q, turn.sum(axis=0))), rel=1e-7, abs=0)
    assert constants.constant(kt.losses.make("one_vs_rest", readout="sigmoid"), p) == pytest.approx(1, rel=1e-8, abs=0)
    assert constants.constant(kt.losses.make("reverse_kl"), p) == 0
    expected = float(mp.fsum(mp.sqrt(mp.mpf(x) * (1 - mp.mpf(x)) / (2 * mp.pi)) for x in p.tolist()))
    assert constants.mle_constant(p) == pytest.approx(expected, rel=1e-15, abs=0)


def test_constants_are_not_numbers_where_there_is_none():
    # Oracle: definition: a kink, coupled inputs, no transfer set, no minimum, a label without mass, no read-out
    for name in ("total_variation", "logit_adjustment", "ipo", "logit_clip", "on_policy_reverse_kl"):
        loss = kt.losses.make(name)
        answer = constants.constant(loss, [0.5, 0.3, 0.2])
        assert np.isnan(answer) == (name != "logit_clip")
    assert np.isnan(constants.constant(kt.losses.make("focal"), [1.0, 0.0]))
    assert np.isnan(constants.constant(kt.losses.make("mae").with_readout("labels"), [0.5, 0.3, 0.2]))
    with pytest.raises(ValueError, match=r"p has shape \(1, 2\): the constant is that of one input"):
        constants.constant(kt.losses.make("focal"), [[0.5, 0.5]])


def test_derivatives_from_differences_at_two_steps():
    # Oracle: by hand, exact on cubics; of sin(3 t) off by less than 3^5 h^4 / 30
    way = np.array([1.0, -2.0])
    assert constants.along(lambda t: 1 + 2 * t + 3 * t**2 - t**3, way) == pytest.approx(2 * way, rel=1e-12, abs=0)
    gap = constants.along(lambda t: np.sin(3 * t), np.ones(1)) - 3
    assert abs(gap.item()) < 3**5 * 1e-12 / 30 * 1.5
    coarse = constants.along(lambda t: np.sin(3 * t), np.ones(1), 0.1) - 3
    assert coarse.item() == pytest.approx(-(3**5) * 1e-4 / 30, rel=0.05, abs=0)
    taid, z = kt.losses.make("taid"), np.array([0.3, -0.2, 0.1])
    row = Row.population(np.array([0.5, 0.3, 0.2]), SOFT)
    columns = [
        (taid.score_gradient(z + 1e-6 * w, row) - taid.score_gradient(z - 1e-6 * w, row)) / 2e-6 for w in np.eye(3)
    ]
    assert constants.curvature(taid, z, row) == pytest.approx(np.array(columns).T, abs=1e-8)


# --- Channels ----------------------------------------------------------------------------------------------


def entropy_gap(q):
    return (q[q > 0] * np.log(q[q > 0])).sum() + np.log(q.size)


def quantised(p, bits):
    z = np.log(p)
    step = (z.max() - z.min()) / (2**bits - 1)
    return softmax(z.min() + step * np.round((z - z.min()) / step)) if step else p


def marked(p, green, delta):
    w = np.where(np.isin(np.arange(p.size), green), np.exp(delta), 1.0) * p
    return w / w.sum()


def masked(p, keep):
    z = np.log(p) - np.log(p).mean()

    def risk(T):
        masks = itertools.product((0, 1), repeat=p.size)
        return -sum(keep ** sum(m) * (1 - keep) ** (p.size - sum(m)) * p @ np.log(softmax(np.array(m) * z / T))
                    for m in masks)  # fmt: skip

    T = minimize_scalar(lambda t: risk(np.exp(t)), bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x
    return tempered(p, np.exp(-T))


def held_entropy(p, c):
    aim = c["rho"] * np.log(p.size)
    gap = [entropy_gap(tempered(p, 1 / tau)) - aim for tau in (c["tau_min"], c["tau_max"])]
    if gap[0] <= 0 or gap[1] >= 0:
        return tempered(p, 1 / (c["tau_min"] if gap[0] <= 0 else c["tau_max"]))
    root = brentq(lambda t: entropy_gap(tempered(p, 1 / t)) - aim, c["tau_min"], c["tau_max"], xtol=1e-14)
    return tempered(p, 1 / root)


def z_score(z, ddof):
    return (z - z.mean()) / z.std(ddof=ddof)


CHANNELS = {
    "temperature": lambda p, c: p ** (1 / c["T"]) / (p ** (1 / c["T"])).sum(),
    "power_tilt": lambda p, c: p ** (1 + c["w"]) / (p ** (1 + c["w"])).sum(),
    "geometric_blend": lambda p, c: scaled(p ** (1 - c["alpha"]) * domains.law_of(c["ref"], 4, "") ** c["alpha"]),
    "watermark": lambda p, c: (
        marked(p, range(max(int(c["gamma"] * 4), 1)), c["delta"])
        if c["keys"] == "fixed"
        else np.mean(
            [marked(p, g, c["delta"]) for g in itertools.combinations(range(4), max(int(c["gamma"] * 4), 1))], axis=0
        )
    ),
    "quantised_logits": lambda p, c: quantised(p, c["bits"]),
    "rounded_logprobs": lambda p, c: softmax(np.array([round(x, c["decimals"]) for x in np.log(p).tolist()])),
    "min_p": lambda p, c: scaled(np.array([x if x >= c["min_p"] * p.max() else 0.0 for x in p])),
    "standardised_readout": lambda p, c: softmax(c["scale"] * z_score(np.log(p), c["ddof"])),
    "stablemax_readout": lambda p, c: (lambda z: scaled(np.array([x + 1 if x >= 0 else 1 / (1 - x) for x in z])))(
        np.log(p) - c["centred"] * np.log(p).mean()
    ),
    "soup": lambda p, c: (
        scaled(np.prod([tempered(p, t) for t in c["powers"]], axis=0) ** (1 / len(c["powers"])))
        if c["average"] == "logits"
        else sum(tempered(p, t) for t in c["powers"]) / len(c["powers"])
    ),
    "tempnet": held_entropy,
    "masked_temperature": lambda p, c: masked(p, c["keep"]),
}
SETTINGS = [
    ("temperature", {}), ("temperature", {"T": 0.3}),
    ("power_tilt", {}), ("power_tilt", {"w": 0.5}), ("power_tilt", {"w": -1}),
    ("geometric_blend", {}), ("geometric_blend", {"alpha": 0.8, "ref": "sqrt"}),
    ("geometric_blend", {"alpha": 0}), ("geometric_blend", {"ref": (0.1, 0.2, 0.3, 0.4)}),
    ("watermark", {}), ("watermark", {"delta": 0.7, "gamma": 0.3}), ("watermark", {"gamma": 0.1, "keys": "fixed"}),
    ("watermark", {"keys": "fixed"}), ("quantised_logits", {}), ("quantised_logits", {"bits": 1}),
    ("rounded_logprobs", {}), ("rounded_logprobs", {"decimals": 0}), ("min_p", {}), ("min_p", {"min_p": 0.5}),
    ("min_p", {"min_p": 1}), ("min_p", {"min_p": 0}), ("standardised_readout", {}),
    ("standardised_readout", {"scale": 0.4, "ddof": 0}), ("stablemax_readout", {}),
    ("stablemax_readout", {"centred": True}), ("soup", {}), ("soup", {"average": "probabilities"}),
    ("soup", {"powers": (3.0, 1.0, 0.25)}), ("tempnet", {}), ("tempnet", {"rho": 0.1}), ("tempnet", {"rho": 0.99}),
    ("tempnet", {"rho": 0.01}), ("tempnet", {"tau_min": 0.8}), ("masked_temperature", {}),
    ("masked_temperature", {"keep": 0.5}), ("masked_temperature", {"keep": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params"), SETTINGS, ids=[f"{n}{p}" for n, p in SETTINGS])
def test_channels_are_their_formulas(name, params):
    # Oracle: definition, each channel over a plain law, and its inverse back again; rows are apart
    channel = kt.losses.make(name, **params)
    table = np.array([[0.37, 0.28, 0.2, 0.15], [0.02, 0.04, 0.9, 0.04]])
    there = channel.apply(table)
    rough = 1e-7 if name == "masked_temperature" else 1e-12
    for p, q in zip(table, there, strict=True):
        assert q == pytest.approx(CHANNELS[name](p, channel.parameters), rel=rough, abs=0)
    back = channel.inverse()
    exact = (
        name in ("temperature", "power_tilt", "geometric_blend", "stablemax_readout") or params.get("keys") == "fixed"
    )
    assert (back is not None) == (exact and params not in ({"w": -1}, {"centred": True}))
    if back is not None:
        assert back.apply(there) == pytest.approx(table, rel=1e-9, abs=0)
        assert back.inverse().apply(table) == pytest.approx(there, rel=1e-12, abs=0)


def test_channels_on_laws_that_are_flat_or_have_zeros():
    # Oracle: by hand
    flat = np.full(4, 0.25)
    for name in ("quantised_logits", "standardised_readout"):
        assert kt.losses.make(name).apply(flat).tolist() == flat.tolist()
    assert kt.losses.make("standardised_readout").apply([1.0]).tolist() == [1]
    assert kt.losses.make("min_p").apply([0.8, 0.2, 0.0]).tolist() == [0.8, 0.2, 0]
    assert kt.losses.make("tempnet").apply([0.5, 0.5, 0.0]).sum() == pytest.approx(1)
    stable = kt.losses.make("stablemax_readout")
    assert stable.inverse().apply(stable.apply([0.75, 0.25, 0.0])) == pytest.approx([0.75, 0.25, 0], abs=1e-12)
    for channel in (kt.losses.make("stablemax_readout", centred=True), kt.losses.make("quantised_logits")):
        with pytest.raises(ValueError, match=r"p\[0, 2\] is 0: (stablemax_readout|quantised_logits)"):
            channel.apply([[0.5, 0.5, 0.0]])
    with pytest.raises(ValueError, match="tau_min is 3: tempnet needs it at most tau_max, 2"):
        kt.losses.make("tempnet", tau_min=3).apply(flat)
    same = kt.losses.make("tempnet", tau_min=2).apply(np.array([0.9, 0.1]))
    assert same == pytest.approx([0.75, 0.25], rel=1e-12, abs=0)
    assert kt.losses.make("geometric_blend", ref=(0.25, 0.75)).apply([0.5, 0.5]).sum() == pytest.approx(1)
    assert channels.CASES >= 2**16


def test_what_a_channel_says_of_itself():
    # Oracle: definition
    hot = kt.losses.make("temperature", T=4)
    assert (hot.protocol, hot.source, hot.level) == (None, "Hinton et al. 2015", "channel")
    assert hot.inverse().T == 0.25
    assert kt.losses.make("power_tilt", w=1).inverse().w == -0.5
    blend = kt.losses.make("geometric_blend")
    assert blend.inverse().inverse() is blend
    assert blend.inverse().id == "inverse of geometric_blend"
    with pytest.raises(kt.Unsupported, match=r"temperature\(T=4\) is a channel and has no limit"):
        hot.limit([0.5, 0.5])
    through = kt.losses.through(hot, kt.losses.make("logit_adjustment"))
    p, rho = np.array([[0.5, 0.5], [0.2, 0.8]]), [0.25, 0.75]
    wanted = kt.losses.make("logit_adjustment").limit(hot.apply(p), rho).student
    assert through.limit(p, rho).student.tolist() == wanted.tolist()
    assert through.name == "logit_adjustment through temperature(T=4)"
    row = Row.population(p, HARD, rho)
    assert through.minimise(row).student.tolist() == kt.losses.make("logit_adjustment").minimise(row).student.tolist()
    with pytest.raises(ValueError, match="loss is a Temperature"):
        kt.losses.through(hot, hot)
