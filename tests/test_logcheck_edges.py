"""Checks of logs, label by label against a literal second algorithm, and each verdict on both sides of its limits."""

import dataclasses
import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import kt_theory as kt
from kt_theory import checks
from kt_theory.logcheck import annotators, laws, log, loops, repeats, sampling, values
from kt_theory.logcheck.finding import Finding
from kt_theory.records.columns import Columns

# --- The sums over the records ----------------------------------------------------------------------------


def literal(cells, level):
    """The sums of a `Totals` from sets of known labels, one record after another."""
    betas = [[1 / T for T in laws.TEMPERATURES] for _ in cells.beta]
    stated = np.isfinite(cells.beta) & (cells.beta > 0)
    raw = bool((stated & (cells.beta != 1)).any())
    if raw:
        betas = [[*row, float(own) if fine else 1.0] for row, own, fine in zip(betas, cells.beta, stated, strict=True)]
    B, L, K = len(betas[0]), len(laws.LEVELS), len(laws.TOPS)
    share = [1 / 3 / len(laws.TEMPERATURES) * (0.5 if raw else 1)] * len(laws.TEMPERATURES) + [1 / 6] * raw
    weights = np.array(share + [1 / 3 / L] * L + [1 / 3 / K] * K)
    evidence, found = np.zeros(B + L + K), dict.fromkeys(laws.SUMS, 0.0)
    known = {g: set() for g in range(len(cells.offsets) - 1)}
    for g, some in known.items():
        some |= {c for c in range(cells.offsets[g], cells.offsets[g + 1]) if cells.listed[c]}
    small, seen = -1.0, 1.0
    for t, (g, c) in enumerate(zip(cells.groups.tolist(), cells.cells.tolist(), strict=True)):
        order = sorted(known[g])  # by falling probability
        p = [math.exp(cells.logp[i]) for i in order]
        rest, old, x = 1 - math.fsum(p), c in known[g], float(cells.logp[c])
        whole = rest <= 10 * cells.slack
        found["later"] += bool(order)
        if order and (old or not whole):
            scale = 1 / math.fsum(p) if whole else 1.0
            new_mass = 0.0 if whole else rest
            new = 0.0 if whole else math.log(rest) + small / seen
            before = [i for i in order if i < c] if x == x else []
            above, rank = math.fsum(math.exp(cells.logp[i]) for i in before), len(before)
            law = [(scale * q, float(cells.logp[i])) for q, i in zip(p, order, strict=True)] + [(new_mass, new)]
            mean = math.fsum(q * y for q, y in law)
            variance, third = (math.fsum(q * (y - mean) ** k for q, y in law) for k in (2, 3))

            def cut(level, p=p, order=order, scale=scale, whole=whole, rest=rest):
                """Q / p of each known label and of a new one under top-p."""
                if math.fsum(p) < level:
                    return [1.0 if whole else 1 / level] * len(p), 1.0 if whole else (1 - math.fsum(p) / level) / rest
                size = next(i for i in range(len(p)) if math.fsum(p[: i + 1]) >= level) + 1
                ratio = 1 / (math.fsum(p[:size]) * scale)
                return [ratio] * size + [0.0] * (len(p) - size), 0.0

            at = order.index(c) if old else None
            if variance > 1e-15:
                ratios, fresh = cut(laws.REFERENCE)
                ratio = fresh if at is None else ratios[at]
                ratios = [*ratios, fresh]
                found["score"] += (x if old else new) - mean
                found["variance"] += variance
                found["skew"] += third
                found["steps"] += 1
                found["excess"] += ratio - 1
                found["square"] += math.fsum(q * (r - 1) ** 2 for (q, _), r in zip(law, ratios, strict=True))
                found["cube"] += math.fsum(q * (r - 1) ** 3 for (q, _), r in zip(law, ratios, strict=True))
                found["product"] += ((x if old else new) - mean) * (ratio - 1)
            factors = []
            for beta in betas[g]:
                raised = [q**beta for q in p] + ([] if whole else [rest**beta * math.exp((beta - 1) * small / seen)])
                tilted = raised[-1 if at is None else at] / math.fsum(raised)
                factors.append(tilted / (rest if at is None else scale * p[at]))
            for part in laws.LEVELS:
                ratios, fresh = cut(part)
                factors.append(fresh if at is None else ratios[at])
            for k in laws.TOPS:
                inside = old and rank < k
                top = 1 / (math.fsum(p[:k]) * scale) if inside else 0.0
                factors.append(top if len(order) >= k else 1.0)
            evidence += np.log(0.99 * np.array(factors) + 0.01) - math.log1p(2 * cells.slack)
            value = float(evidence.max() + np.log(weights @ np.exp(evidence - evidence.max())))
            found["peak"] = max(found["peak"], value)
            if value >= -math.log(level) and not found["settled"]:
                found["settled"] = float(cells.times[t])
            found["beyond"], found["rank"] = max(found["beyond"], above), max(found["rank"], float(rank))
            found["first"] += old and rank == 0
        elif order and rest <= cells.slack and not cells.zero[c]:
            found["impossible"] += 1
        if not old and x == x:
            if order and rest > 0:
                small, seen = small + x - math.log(rest), seen + 1
            known[g].add(c)
    return found, evidence, B - raw, raw


def some_log(seed, *, S=3, A=6, n=70, lists=0, silent=False, zero=False, temperatures=False, alpha=0.6):
    """Records of random laws; lists of the likeliest labels, labels that are never told, told zeros, temperatures."""
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.full(A, alpha), S)
    s = rng.integers(S, size=n)
    a = np.array([rng.choice(A, p=law[i]) for i in s])
    logp, count = np.log(law[s, a]), np.ones(n, dtype=np.int64)
    if silent:
        logp[a == A - 1] = np.nan
    is_zero = np.zeros(n, dtype=bool)
    if zero:
        is_zero = a == 0
        logp[is_zero] = np.nan
    for row in range(S if lists else 0):
        top = np.argsort(-law[row])[:lists]
        s, a, logp = np.r_[s, [row] * lists], np.r_[a, top], np.r_[logp, np.log(law[row, top])]
        count, is_zero = np.r_[count, [0] * lists], np.r_[is_zero, [False] * lists]
    stated = rng.choice([1.0, 0.7, np.nan], size=s.size) if temperatures else None
    names = (tuple(map(str, range(size))) for size in (S, A))
    return log.Log(*names, s, a, count, logp, temperature=stated, zero=is_zero if zero else None)


@pytest.mark.parametrize(
    ("options", "spread", "level"),
    [
        ({}, 0.0, 0.05),
        ({"lists": 3}, 0.0, 0.05),
        ({"lists": 6, "A": 6}, 0.0, 0.5),
        ({"lists": 5, "silent": True}, 0.0, 0.05),
        ({"zero": True, "lists": 2}, 0.0, 0.05),
        ({"temperatures": True}, 0.0, 0.5),
        ({"temperatures": True, "lists": 2}, 1e-3, 0.05),
        ({"A": 2, "n": 25}, 0.02, 0.05),
        ({"A": 140, "S": 1, "n": 150, "alpha": 5.0}, 0.0, 0.05),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_all_sums_are_those_of_the_definitions(options, spread, level, flat):
    # Oracle: second algorithm, sets of labels instead of trees; of honest records and of such drawn too evenly
    records = some_log(7, **options)
    if flat:
        records = dataclasses.replace(records, logp=np.where(records.count > 0, records.logp * 1.5, records.logp))
    cells = laws.cells_of(records, records.s, spread, temperature=None, seed=3, in_order=False)
    totals = laws.totals_of(cells, level)
    found, evidence, B, raw = literal(cells, level)
    for name, value in found.items():
        assert getattr(totals, name) == pytest.approx(value, rel=1e-8, abs=1e-10), name
    L = len(laws.LEVELS)
    assert totals.temperatures == pytest.approx(evidence[:B], rel=1e-8, abs=1e-10)
    assert totals.levels == pytest.approx(evidence[B + raw : B + raw + L], rel=1e-8, abs=1e-10)
    assert totals.tops == pytest.approx(evidence[B + raw + L :], rel=1e-8, abs=1e-10)
    assert math.isnan(totals.raw) != raw
    if raw:
        assert totals.raw == pytest.approx(evidence[B], rel=1e-8, abs=1e-10)


def test_the_cells_of_a_log():
    # Oracle: enumeration by hand: two inputs; of the first a list of two, a label that is never told and one of zero
    nan = math.nan
    half, quarter = math.log(0.5), math.log(0.25)
    rows = [
        (0, 0, 1, quarter),
        (0, 1, 0, half),
        (0, 1, 0, half - 0.5),
        (0, 2, 2, nan),
        (1, 3, 1, half),
        (0, 3, 1, nan),
        (2, 0, 2, half),
    ]
    s, a, count, logp = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.array([False] * 5 + [True, False])
    records = log.Log(("x", "y", "z"), ("a", "b", "c", "d"), s, a, count, logp, zero=zero)
    cells = laws.cells_of(records, s, 0.25, temperature=None, seed=0, in_order=True)
    assert cells.offsets.tolist() == [0, 4, 5, 6]
    assert cells.logp[:2] == pytest.approx([half - 0.25, quarter], rel=1e-14, abs=0)
    assert np.isnan(cells.logp[2:4]).all()
    assert cells.listed.tolist() == [True, False, False, False, False, False]
    assert cells.zero.tolist() == [False, False, False, True, False, False]
    assert (cells.n, cells.top, cells.slack, cells.rounded) == (7, 1, 0.25, False)
    # The record of y, which has neither a second one nor a list, enters no test.
    assert cells.groups.tolist() == [0, 0, 0, 0, 2, 2]
    assert cells.cells.tolist() == [1, 2, 2, 3, 5, 5]
    assert cells.times.tolist() == [1, 2, 3, 5, 6, 7]
    assert np.isnan(cells.beta).all()
    stated = laws.cells_of(records, s, 0.0, temperature=0.5, seed=0, in_order=True)
    assert stated.beta.tolist() == [2.0] * 3
    assert stated.slack == 1e-6
    shuffled = laws.cells_of(records, s, 0.0, temperature=None, seed=0, in_order=False)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(7), count))
    kept = [i for i, row in enumerate(order) if s[row] != 1]
    assert shuffled.times.tolist() == [i + 1 for i in kept]
    assert shuffled.groups.tolist() == [int(s[order[i]]) for i in kept]


@pytest.mark.parametrize(("excess", "spread", "lawful"), [(9e-4, 0, True), (1.1e-3, 0, False), (0.02, 0.007, True)])
def test_rows_of_a_sum_above_one_are_no_law(excess, spread, lawful):
    # Oracle: definition, 1e-3 or three times what rounding moves values by
    p = np.array([0.5, 0.5 + excess])
    a = np.array([0, 1, 1])
    records = log.Log(("x",), ("a", "b"), np.zeros(3, int), a, np.ones(3, int), np.log(p[a]))
    cells = laws.cells_of(records, records.s, spread, temperature=None, seed=0, in_order=True)
    assert cells.groups.size == (3 if lawful else 0)


@pytest.mark.parametrize("lists", [0, 3])
def test_the_temperature_of_several_inputs(lists):
    # Oracle: second algorithm, the largest partial likelihood by SciPy, known labels as sets
    records = some_log(11, S=4, A=5, n=120, lists=lists, silent=True)
    cells = laws.cells_of(records, records.s, 0.0, temperature=None, seed=0, in_order=True)
    beta, error = laws.inverse_temperature(cells)

    def likelihood(b):
        known = {
            g: [c for c in np.flatnonzero(cells.listed) if cells.offsets[g] <= c < cells.offsets[g + 1]]
            for g in range(4)
        }
        total = 0.0
        for g, c in zip(cells.groups.tolist(), cells.cells.tolist(), strict=True):
            if c in known[g]:
                total += b * cells.logp[c] - math.log(math.fsum(math.exp(b * cells.logp[i]) for i in known[g]))
            elif cells.logp[c] == cells.logp[c]:
                known[g].append(c)
        return total

    best = optimize.minimize_scalar(lambda b: -likelihood(b), bracket=(0.5, 2.0))
    assert beta == pytest.approx(best.x, rel=1e-5, abs=0)
    h = 1e-3
    curvature = (likelihood(beta + h) - 2 * likelihood(beta) + likelihood(beta - h)) / h**2
    assert error == pytest.approx((-curvature) ** -0.5, rel=1e-3, abs=0)


def pair_log(likelier, rarer, p=0.75):
    a = np.array([0] * likelier + [1] * rarer)
    logs = np.log(np.array([p, 1 - p]))[a]
    records = log.Log(("x",), ("a", "b"), np.zeros(a.size, int), a, np.ones(a.size, int), logs)
    cells = laws.cells_of(records, records.s, 0.0, temperature=None, seed=0, in_order=True)
    return dataclasses.replace(cells, listed=np.ones(cells.logp.size, dtype=bool))


def test_temperatures_at_the_ends():
    # Oracle: closed form: the best beta of k of n likelier labels is logit(k / n) / logit(p)
    beta, error = laws.inverse_temperature(pair_log(30, 10, 0.6))
    assert beta == pytest.approx(math.log(3) / math.log(1.5), rel=1e-6, abs=0)
    assert error == pytest.approx(1 / (math.log(1.5) * math.sqrt(40 * 0.75 * 0.25)), rel=1e-5, abs=0)
    beta, error = laws.inverse_temperature(pair_log(10, 30, 0.4))  # the likelier one is the second
    assert beta == pytest.approx(math.log(3) / math.log(1.5), rel=1e-6, abs=0)
    assert laws.inverse_temperature(dataclasses.replace(pair_log(30, 1, 0.6), cells=np.zeros(31, int))) == (
        50.0,
        math.inf,
    )
    assert laws.inverse_temperature(dataclasses.replace(pair_log(30, 1, 0.6), cells=np.ones(31, int))) == (
        0.02,
        math.inf,
    )
    assert np.isnan(laws.inverse_temperature(pair_log(3, 3, 0.5))).all()
    nothing = dataclasses.replace(pair_log(30, 1), listed=np.zeros(2, dtype=bool))
    alone = dataclasses.replace(nothing, groups=nothing.groups[:1], cells=nothing.cells[:1])
    assert np.isnan(laws.inverse_temperature(alone)).all()


def test_prefix_sums_of_a_tree():
    # Oracle: enumeration, sums of slices
    rng = np.random.default_rng(1)
    for size in (1, 2, 3, 7, 8, 9):
        tree, plain = np.zeros(size + 4), np.zeros(size)
        for position in rng.permutation(size).tolist():
            plain[position] = position + 0.5
            loops._add(tree, 2, size, position, position + 0.5)
            for i in range(size + 1):
                assert loops._below(tree, 2, i) == plain[:i].sum()
            for wanted in (0.25, 1.5, plain.sum(), plain.sum() + 1):
                sums = np.cumsum(plain)
                reached = np.flatnonzero(sums >= wanted)
                assert loops._reaching(tree, 2, size, wanted) == (reached[0] if reached.size else size)
        assert not tree[:2].any()
        assert not tree[2 + size :].any()


# --- The tests of the stated law --------------------------------------------------------------------------

ZEROS = dict.fromkeys(laws.SUMS, 0.0)


def totals(**changes):
    arrays = {"temperatures": np.zeros(18), "levels": np.zeros(7), "tops": np.zeros(9), "raw": math.nan}
    given = {**ZEROS, "steps": 100.0, "later": 120.0, "first": 60.0, "variance": 50.0, "square": 20.0} | arrays
    return laws.Totals(**given | changes)


def cells(n=200, records=150, slack=1e-6, rounded=False, beta=None):
    nothing, some = np.zeros(0, int), np.zeros(records, int)
    beta = np.full(1, np.nan) if beta is None else np.array(beta)
    return laws.Cells(some, some, some + 1, nothing, np.zeros(0), nothing, nothing, slack, 0, beta, n, rounded)


def normal(z):
    return NormalDist().cdf(z)


@pytest.mark.parametrize("z", [-6.0, -2.0, 0.5, 3.0, 5.0])
@pytest.mark.parametrize("skewness", [-0.3, 0.0, 0.39])
@pytest.mark.parametrize("slack", [0.0, 0.01])
def test_a_standard_sum(z, skewness, slack):
    # Oracle: definition: z - skewness (min(z^2, 16) - 1) / 6, towards 0 by slack sqrt(steps)
    variance, steps = 4.0, 25.0
    found = sampling._standard(z * 2.0, variance, skewness * 8.0, steps, slack)
    wanted = z - skewness * (min(z * z, 16) - 1) / 6
    shorter = max(abs(wanted) - slack * 5.0, 0.0)
    assert found == pytest.approx(math.copysign(shorter, wanted), rel=1e-12, abs=1e-12)


def test_sums_that_are_not_normal():
    # Oracle: definition: no variance, or a skewness beyond 0.4
    assert math.isnan(sampling._standard(1.0, 0.0, 0.0, 1.0, 0.0))
    assert sampling._standard(1.0, 1e-15, 0.0, 1.0, 0.0) > 1
    assert not math.isnan(sampling._standard(1.0, 4.0, 0.4 * 8.0, 1.0, 0.0))
    assert math.isnan(sampling._standard(1.0, 4.0, 0.41 * 8.0, 1.0, 0.0))
    assert math.isnan(sampling._standard(1.0, 4.0, -0.41 * 8.0, 1.0, 0.0))
    assert sampling._joint(0.0, 0.3) == sampling._joint(-1.0, 0.3) == 1.0


def test_the_p_value_of_both_tests():
    # Oracle: definition: of one test where the other has no normal law, of the e-value where neither has
    both = sampling.tests_of(totals(score=-10.0, variance=25.0, excess=3.0, square=4.0, product=0.0), 0.0)
    assert (both.z, both.z_truncation, both.e) == (-2.0, 1.5, 1.0)
    assert both.p == pytest.approx(sampling._joint(2.0, 0.0), rel=1e-12, abs=0)
    beyond = sampling.tests_of(totals(score=-10.0, variance=25.0, excess=6.0, square=4.0, product=4.0), 0.0)
    assert beyond.p == pytest.approx(sampling._joint(3.0, 0.4), rel=1e-12, abs=0)
    close = sampling.tests_of(totals(score=10.0, variance=25.0, excess=4.0, square=4.0, product=10.0), 0.0)
    assert close.p == pytest.approx(sampling._joint(2.0, 0.999), rel=1e-12, abs=0)
    close = sampling.tests_of(totals(score=10.0, variance=25.0, excess=4.0, square=4.0, product=-10.0), 0.0)
    assert close.p == pytest.approx(sampling._joint(2.0, -0.999), rel=1e-12, abs=0)
    score = sampling.tests_of(totals(score=-10.0, variance=25.0, square=0.0), 0.0)
    assert score.p == pytest.approx(2 * normal(-2), rel=1e-12, abs=0)
    assert math.isnan(score.z_truncation)
    cut = sampling.tests_of(totals(variance=0.0, excess=4.0, square=4.0), 0.0)
    assert cut.p == pytest.approx(normal(-2), rel=1e-12, abs=0)
    cut = sampling.tests_of(totals(variance=0.0, excess=-4.0, square=4.0), 0.0)
    assert cut.p == pytest.approx(normal(2), rel=1e-12, abs=0)
    neither = sampling.tests_of(totals(variance=0.0, square=0.0, peak=3.0), 0.0)
    assert (neither.e, neither.p) == (math.exp(3), math.exp(-3))
    assert sampling.tests_of(totals(variance=0.0, square=0.0, peak=1e4), 0.0).e == math.exp(700)


@pytest.mark.parametrize(
    ("p", "families", "kind"),
    [
        (0.0089, (3, 2, 2, 1), "temperature"),
        (0.0091, (3, 2, 2, 1), None),
        (0.009, (1, 2, 3, 1), "truncated"),
        (0.009, (1, 3, 2, 1), "truncated"),
        (0.009, (1, 1, 2, 3), "greedy"),
        (0.009, (3, 3, 3, 3), "greedy"),
    ],
)
def test_the_alternative_that_fits_best(p, families, kind):
    # Oracle: definition: p at most nine tenths of the level; the largest evidence, greedy before others
    T, level, top, greedy = map(float, families)
    given = totals(
        temperatures=np.r_[np.zeros(17), T], levels=np.r_[level, np.zeros(6)], tops=np.r_[greedy, top, np.zeros(7)]
    )
    assert sampling._kind(given, sampling.Tests(0.0, 0.0, p, 1.0), 0.01) == kind


@pytest.mark.parametrize("sides", [1, 2])
def test_how_many_records_would_do(sides):
    # Oracle: definition, by the normal law: (z of the level + z of the power)^2 over the squared expected z
    z = NormalDist().inv_cdf(1 - 0.01 / sides) + NormalDist().inv_cdf(0.9)
    wanted = math.ceil(200 * z**2 / (3.0 - 0.01 * 10) ** 2)
    assert sampling._records_for(cells(slack=0.01), totals(), 9.0, 0.01, sides=sides) == wanted
    assert sampling._records_for(cells(slack=0.3), totals(), 9.0, 0.01, sides=sides) is None
    assert sampling._records_for(cells(), totals(), 0.0, 0.01, sides=sides) is None
    assert sampling._records_for(cells(), totals(), -1.0, 0.01, sides=sides) is None
    assert sampling._records_for(cells(records=19), totals(), 9.0, 0.01, sides=sides) is None
    assert sampling._records_for(cells(records=20), totals(), 9.0, 0.01, sides=sides) is not None


NOTHING = "no input has a second record or a list of its likely labels: draw each twice, or log the top-k"


def test_questions_of_which_nothing_is_known():
    # Oracle: definition
    none = totals(steps=0.0, later=0.0)
    tests = sampling.tests_of(none, 0.0)
    found = [
        sampling._sampled(cells(), none, tests, 0.01, 0),
        sampling._greedy(cells(), none, 0.01),
        sampling._truncated(cells(), none, tests, 0.01, None),
        sampling._temperature(cells(), none, tests, math.nan, math.nan, 0.01, None),
    ]
    names = ("sampled", "greedy", "truncated", "temperature")
    assert found == [Finding(name, "cannot tell", NOTHING, numbers={"records": 200}) for name in names]
    same = "the known labels of every input have one probability, or there is one only"
    one = sampling._temperature(cells(), totals(), tests, math.nan, math.nan, 0.01, None)
    assert one == Finding("temperature", "cannot tell", same)


@pytest.mark.parametrize(
    ("zeros", "outside", "rounded", "slack", "said", "refuted"),
    [
        (0, 0, False, 1e-6, "", False),
        (1, 0, False, 1e-6, "; 1 record is of labels whose stated probability is 0", True),
        (2, 0, True, 1e-6, "; 2 records are of labels whose stated probability is 0, rounded", False),
        (0, 1, False, 1e-6, "; 1 record is of labels outside of told ones whose mass is 1", True),
        (0, 2, False, 1e-3, "; 2 records are of labels outside of told ones whose mass is 1", False),
        (0, 5, False, 1e-3, "; 5 records are of labels outside of told ones whose mass is 1", True),
        (0, 150, False, 0.5, "; 150 records are of labels outside of told ones whose mass is 1", False),
        (
            1,
            2,
            True,
            1e-3,
            "; 1 record is of labels whose stated probability is 0, rounded; 2 records are of labels outside of told "
            "ones whose mass is 1",
            False,
        ),
    ],
)
def test_records_that_are_forbidden(zeros, outside, rounded, slack, said, refuted):
    # Oracle: enumeration: P(Bin(150, 4 slack) >= outside) against a tenth of the level
    if outside and not zeros:
        q = min(4 * slack, 1.0)
        tail = 1 - math.fsum(math.comb(150, i) * q**i * (1 - q) ** (150 - i) for i in range(outside))
        assert (tail <= 0.001) == refuted
    given = sampling.forbidden(cells(slack=slack, rounded=rounded), totals(impossible=float(outside)), 0.01, zeros)
    assert given == (said, refuted)


def found_sampled(level=0.01, zeros=0, slack=1e-6, n=200, **changes):
    given = totals(**changes)
    some = cells(n=n, slack=slack)
    return sampling._sampled(some, given, sampling.tests_of(given, slack), level, zeros)


def test_whether_a_log_was_sampled():
    # Oracle: definition, by hand
    honest = found_sampled(score=5.0, variance=25.0, square=0.0, slack=0.0, n=5)
    z = NormalDist().inv_cdf(1 - 0.005) + NormalDist().inv_cdf(0.9)
    assert honest.needed == math.ceil(5 * z**2 / ((1 / 0.9 - 1) ** 2 * 25))
    assert (honest.verdict, honest.alarm) == ("cannot tell", False)
    assert honest.evidence == "p = 0.32, z = 1.00, e-value 1, on 100 of 5 records"
    assert honest.numbers == {
        "records": 5,
        "records_tested": 100,
        "p_value": pytest.approx(2 * normal(-1), rel=1e-12, abs=0),
        "z": 1.0,
        "z_truncation": pytest.approx(math.nan, nan_ok=True),
        "e_value": 1.0,
        "settled_after": None,
        "records_of_probability_0": 0,
        "records_outside_of_mass_1": 0,
        "slack": 0.0,
        "level": 0.01,
    }
    sure = found_sampled(score=50.0, variance=2500.0, square=0.0)
    assert (sure.verdict, sure.alarm, sure.needed) == ("yes", False, None)
    assert sure.evidence == "p = 0.32, z = 1.00, e-value 1, on 100 of 200 records; temperature 0.9 would be seen"
    rounded = found_sampled(score=50.0, variance=2500.0, square=0.0, slack=1.1e-4)
    assert "; probabilities may be off by 0.00011, relatively" in rounded.evidence
    assert "off by" not in found_sampled(score=50.0, variance=2500.0, square=0.0, slack=1e-4).evidence
    unsure = found_sampled(variance=2500.0, skew=1e9, square=0.0)
    assert (unsure.verdict, unsure.evidence) == ("cannot tell", "p = 1, e-value 1, on 100 of 200 records")
    other = found_sampled(score=-500.0, variance=2500.0, square=0.0, peak=10.0, settled=30.0)
    assert (other.verdict, other.alarm) == ("no, from another law than the log-probabilities say", True)
    assert other.evidence == "p = 1.5e-23, z = -10.00, e-value 2.2e+04, on 100 of 200 records; settled after 30"
    assert other.numbers["settled_after"] == 30
    assert found_sampled(score=-500.0, variance=2500.0, square=0.0).evidence.endswith("of 200 records")
    zero = found_sampled(zeros=1, variance=2500.0, square=0.0)
    assert zero.alarm
    assert zero.evidence.endswith("records; 1 record is of labels whose stated probability is 0")
    assert zero.numbers["records_of_probability_0"] == 1
    alone = found_sampled(zeros=3, steps=0.0)
    assert alone.alarm
    assert alone.evidence == "3 records are of labels whose stated probability is 0"
    outside = found_sampled(impossible=3.0)
    assert (outside.alarm, outside.numbers["records_outside_of_mass_1"]) == (True, 3)


@pytest.mark.parametrize(("factor", "alarm"), [(0.89, True), (0.91, False)])
def test_the_level_of_the_first_question(factor, alarm):
    # Oracle: definition: nine tenths of the level are for the tests
    z = NormalDist().inv_cdf(1 - factor * 0.01 / 2)
    assert found_sampled(score=50 * z, variance=2500.0, square=0.0).alarm == alarm


def test_whether_a_log_is_greedy():
    # Oracle: definition, by hand
    def greedy(later=120.0, first=120.0, evidence=0.0, n=200):
        return sampling._greedy(cells(n=n), totals(later=later, first=first, tops=np.r_[evidence, np.ones(8)]), 0.01)

    said = "of 120 records are of the most probable label known before"
    numbers = {"records_tested": 120, "most_probable": 119, "log_e_value": 9.0}
    assert greedy(first=119.0, evidence=9.0) == Finding("greedy", "no", f"119 {said}", numbers=numbers)
    at = -math.log(0.01)
    yes = greedy(evidence=at)
    assert (yes.verdict, yes.alarm, yes.evidence) == ("yes", True, f"120 {said}, e-value 1e+02")
    open_ = greedy(evidence=4.0)
    assert (open_.verdict, open_.alarm, open_.evidence) == ("cannot tell", False, f"120 {said}")
    assert open_.needed == math.ceil(200 * at / 4.0)
    sure = greedy(evidence=0.12)
    assert (sure.needed, sure.evidence) == (None, f"120 {said}, to which the log gives probability 1")
    assert greedy(evidence=0.1201).needed == math.ceil(200 * at / 0.1201)
    assert greedy(later=19.0, first=19.0, evidence=4.0).needed is None
    assert greedy(later=20.0, first=20.0, evidence=4.0).needed == math.ceil(200 * at / 4.0)


def truncated(kind=None, slack=1e-6, n=200, level=0.01, **changes):
    given = totals(**{"beyond": 0.5, "rank": 1.0, "variance": 0.0} | changes)
    return sampling._truncated(cells(n=n, slack=slack), given, sampling.tests_of(given, slack), level, kind)


BEYOND = "up to 0.5 of the mass, and 1 label, are more probable than a label that was drawn"


def test_whether_a_log_is_truncated():
    # Oracle: definition, by hand
    levels, tops = np.arange(7.0), np.r_[9.0, np.arange(8.0)]
    top_p = truncated("truncated", excess=20.0, square=16.0, levels=levels + 4, tops=tops)
    assert (top_p.verdict, top_p.alarm) == ("yes", True)
    assert top_p.evidence == f"top-p 0.99 fits best, p = 2.9e-07, e-value 2.2e+04; {BEYOND}"
    assert top_p.numbers["top_p"] == 0.99
    assert (top_p.numbers["log_e_value_top_p"], top_p.numbers["log_e_value_top_k"]) == (10.0, 7.0)
    assert (top_p.numbers["mass_more_probable"], top_p.numbers["labels_more_probable"]) == (0.5, 1)
    top_k = truncated("truncated", excess=20.0, square=16.0, levels=levels, tops=tops, rank=2.0)
    assert top_k.numbers["top_k"] == 1
    assert "top_p" not in top_k.numbers
    assert top_k.evidence.startswith(
        "top-k 1 fits best, p = 2.9e-07, e-value 8.1e+03; up to 0.5 of the mass, and 2 labels,"
    )
    tie = truncated("truncated", excess=20.0, square=16.0, levels=levels + 3, tops=tops)
    assert tie.evidence.startswith("top-p 0.99 fits best")
    at = -math.log(0.01)
    assert truncated("truncated", levels=levels / 6 * at).verdict == "yes"  # by its e-value alone
    assert truncated("truncated", tops=np.r_[0.0, at, np.zeros(7)]).verdict == "yes"
    assert truncated("truncated", tops=np.r_[at, np.zeros(8)]).verdict != "yes"  # greedy is another question
    assert truncated("truncated", levels=levels / 6.1 * at, square=0.0).verdict == "cannot tell"
    greedy = Finding("truncated", "yes, to the most probable label", "see greedy", alarm=True)
    assert dataclasses.replace(truncated("greedy"), numbers={}) == greedy
    assert dataclasses.replace(truncated("temperature"), numbers={}) == Finding(
        "truncated", "no, see temperature", BEYOND
    )
    for mass, slack, verdict in [
        (0.99, 0.0, "not below top-p 0.99"),
        (0.989, 0.0, "cannot tell"),
        (0.99, 0.01, "cannot tell"),
        (0.9999, 0.01, "not below top-p 0.99"),
    ]:
        found = truncated(beyond=mass, square=0.0, slack=slack)
        assert (found.verdict, found.alarm, found.needed) == (verdict, False, None)
    z = NormalDist().inv_cdf(0.99) + NormalDist().inv_cdf(0.9)
    needed = math.ceil(200 * z**2 / 4.0)
    assert truncated(square=4.0, slack=0.0).needed == needed > 200
    enough = truncated(square=16.0, slack=0.0)
    assert (enough.verdict, enough.needed) == ("not below top-p 0.9", None)
    assert truncated(square=16.0, slack=0.0, beyond=0.95).verdict == "not below top-p 0.95"
    refuted = truncated(square=16.0, excess=12.0, slack=0.0)
    assert (refuted.verdict, refuted.numbers["z"]) == ("cannot tell", 3.0)
    assert refuted.numbers["p_value"] == pytest.approx(normal(-3), rel=1e-12, abs=0)


def temperature(beta, error, kind=None, p=0.5, slack=0.0, n=200, raw=math.nan, stated=None, **changes):
    given = totals(raw=raw, **changes)
    return sampling._temperature(
        cells(n=n, slack=slack, beta=stated), given, sampling.Tests(0.0, 0.0, p, 1.0), beta, error, 0.01, kind
    )


def test_the_temperature_of_a_log():
    # Oracle: definition, by hand: an interval of +- z of the level in 1 / T
    half = NormalDist().inv_cdf(0.995)
    assert temperature(2.0, 0.1, "greedy") == Finding("temperature", "0 (greedy)", "see greedy", alarm=True)
    fine = temperature(1.25, 0.25 / half)
    assert fine.evidence == "draws are at 0.8 (0.667 to 1) times the temperature of the log-probabilities"
    z = half + NormalDist().inv_cdf(0.9)
    one = temperature(1.0, 0.01)
    assert (one.verdict, one.alarm, one.needed) == ("that of the log-probabilities", False, None)
    few = temperature(1.0, 0.04)
    assert (few.verdict, few.needed) == ("cannot tell", math.ceil(200 * z**2 / ((1 / 0.9 - 1) / 0.04) ** 2))
    low, high = (few.numbers[f"temperature_{end}"] for end in ("low", "high"))
    assert (low, high) == (
        pytest.approx(1 / (1 + half * 0.04), rel=1e-9, abs=0),
        pytest.approx(1 / (1 - half * 0.04), rel=1e-9, abs=0),
    )
    wide = temperature(1.0, 0.04, slack=0.01)
    assert wide.numbers["temperature_low"] == pytest.approx(1 / (1 + (half + 0.1) * 0.04), rel=1e-9, abs=0)
    assert temperature(1.0, 1.0).numbers["temperature_high"] == math.inf
    off = temperature(1.2, 0.01)
    assert (off.verdict, off.alarm) == ("cannot tell", False)  # the stated law is not refuted
    raw = temperature(1.25, 0.01, "temperature", p=0.01)
    assert (raw.verdict, raw.alarm) == ("raw, drawn at about 0.8", True)
    assert temperature(1.25, 0.01, "truncated", p=0.01).verdict == "raw, drawn at about 0.8"
    assert temperature(1.0, 0.01, "truncated", p=0.01).verdict == "that of the log-probabilities"
    assert temperature(1.0, 0.01, "temperature", p=0.01).verdict == "raw, drawn at about 1"
    assert temperature(1.25, 0.01, "temperature", p=0.0101).verdict == "cannot tell"
    cold, hot = temperature(50.0, math.inf, p=0.01), temperature(0.02, math.inf, p=0.01)
    assert cold.evidence == "draws are at less than 0.02 times the temperature of the log-probabilities"
    assert hot.evidence == "draws are at more than 50 times the temperature of the log-probabilities"
    assert (cold.numbers["temperature_low"], hot.numbers["temperature_low"]) == (0.0, 50.0)
    assert (cold.verdict, hot.verdict) == ("raw, drawn at about 0.02", "raw, drawn at about 50")
    assert temperature(1.0, 0.0).needed is None


@pytest.mark.parametrize(
    ("stated", "raw", "verdict", "alarm", "rest"),
    [
        (
            [2.0, math.nan, 1.0],
            5.0,
            "raw, drawn at 0.5",
            True,
            "the stated 0.5 on raw values has e-value 1.5e+02 against",
        ),
        ([2.0, 1.25], 5.0, "raw, drawn at their temperatures", True, "the stated their temperatures on raw values has"),
        ([2.0], -5.0, "processed, or not drawn at 0.5", False, "raw values drawn at 0.5 have e-value 0.0067"),
        ([2.0], -4.6, "cannot tell", False, None),
        ([2.0], 4.6, "cannot tell", False, None),
        ([2.0], -math.log(0.01), "raw, drawn at 0.5", True, "the stated 0.5 on raw values has e-value 1e+02 against"),
        ([2.0], math.log(0.01), "processed, or not drawn at 0.5", False, "raw values drawn at 0.5 have e-value 0.01"),
        ([1.0], 5.0, "cannot tell", False, None),
    ],
)
def test_the_stated_temperature(stated, raw, verdict, alarm, rest):
    # Oracle: definition, by hand
    found = temperature(1.0, 0.04, stated=stated, raw=raw)
    assert (found.verdict, found.alarm) == (verdict, alarm)
    if rest is None:
        assert found.evidence.endswith("times the temperature of the log-probabilities")
    else:
        assert f"; {rest}" in found.evidence
    if stated != [1.0]:
        one = [value for value in stated if value == value and value != 1.0]
        assert found.numbers["stated"] == (0.5 if len(one) == 1 else None)
        assert found.numbers["log_e_value_raw"] == raw


@pytest.mark.parametrize(
    ("x", "said"), [(0.0, "1"), (649.0, "7.2e+281"), (-649.0, "1.4e-282"), (650.0, "1e+282"), (-1000.0, "1e-434")]
)
def test_a_number_beyond_floats(x, said):
    # Oracle: definition, powers of ten
    assert sampling._power_of_ten(x) == said


# --- Values, sums, names, repeats, annotators -------------------------------------------------------------


def told(rows, digits=None, logarithms=True, fingerprint=None, actions="abcdefghijklmnopqrst"):
    """A log of rows (input, label, log-probability or None, count)."""
    s, a, logp, *count = zip(*rows, strict=True)
    count = np.array(count[0] if count else [1] * len(rows))
    logp = np.array([math.nan if x is None else x for x in logp], dtype=float)
    given = {} if fingerprint is None else {"fingerprint": np.array(fingerprint), "fingerprints": ("f", "g")}
    states = tuple("xyz")
    return log.Log(states, tuple(actions), np.array(s), np.array(a), count, logp, digits, logarithms, **given)


def test_the_values_of_pairs():
    # Oracle: enumeration by hand
    found = values.values_of(
        told([(0, 0, -1.0), (0, 0, -1.25), (0, 1, -2.0), (1, 1, -3.0), (1, 1, -2.5), (0, 2, None)])
    )
    assert (found.twice, found.largest, found.within, found.split) == (2, 0.5, 0.5, False)
    assert found.at == (1, 1)
    assert found.apart.tolist() == [0.25, 0.0, 0.5]
    assert found.labels.tolist() == [0, 1, 1]
    assert found.spread == pytest.approx(math.sqrt((2 * 0.125**2 + 2 * 0.25**2) / 5), rel=1e-14, abs=0)
    assert values.rounded(found) == pytest.approx(math.expm1(found.spread), rel=1e-14, abs=0)
    alike = values.values_of(told([(0, 0, -0.1), (0, 0, -0.1), (0, 0, -0.1)]))
    assert (alike.twice, alike.largest, alike.spread) == (1, 0.0, 0.0)
    none = values.values_of(told([(0, 0, None)]))
    assert (none.twice, none.largest, none.spread, none.at) == (0, 0.0, 0.0, (0, 0))
    by = [(0, 0, -1.0), (0, 0, -2.0), (0, 0, -1.0), (0, 0, -2.25)]
    split = values.values_of(told(by, fingerprint=[0, 1, 0, 1]))
    assert (split.split, split.largest, split.within, split.twice) == (True, 1.25, 0.25, 1)
    assert split.group.tolist() == [0, 1, 0, 1]
    assert split.apart.tolist() == [0.0, 0.25]
    # Two models of three inputs: six groups.
    six = [(s, 0, -1.0 - s - 2 * f) for s in range(3) for f in range(2)] * 2
    several = values.values_of(told(six, fingerprint=[0, 1] * 6))
    assert several.group.tolist() == list(range(6)) * 2
    assert (several.split, several.within, several.twice) == (True, 0.0, 3)
    mixed = values.values_of(told(by, fingerprint=[0, 0, 1, 1]))
    assert (mixed.split, mixed.within) == (False, 1.25)


@pytest.mark.parametrize(
    ("difference", "verdict", "alarm", "evidence"),
    [
        (0.0, "no", False, "1 pair told twice or more agree to 1e-16"),
        (1e-6, "no", False, "1 pair told twice or more agree to 1e-06"),
        (1.1e-6, "yes, noise of batches", False, "; a tolerance takes them"),
        (0.05, "yes, noise of batches", False, "; a tolerance takes them"),
        (0.051, "yes, another model or input", True, "; no column of fingerprints tells the models apart"),
    ],
)
def test_two_values_of_a_pair(difference, verdict, alarm, evidence):
    # Oracle: definition, on both sides of each limit
    records = told([(0, 0, 0.0), (0, 0, -difference), (1, 1, -1.0)])
    found = values.values_finding(records, values.values_of(records))
    assert (found.verdict, found.alarm) == (verdict, alarm)
    assert found.evidence.endswith(evidence)
    assert found.numbers["pairs_that_differ"] == (difference > 1e-6)
    assert found.numbers["pairs_told_twice"] == 1
    assert found.numbers["largest_difference"] == found.numbers["largest_difference_within_fingerprint"] == difference
    assert found.numbers["root_mean_square"] == pytest.approx(difference / math.sqrt(6), rel=1e-9, abs=0)


def test_values_that_are_told_once_or_not_at_all():
    # Oracle: definition
    once, silent = told([(0, 0, -1.0)]), told([(0, 0, None)])
    found = values.values_finding(once, values.values_of(once))
    assert (found.verdict, found.evidence) == ("cannot tell", "no pair is told twice")
    nothing = values.values_of(silent)
    assert values.values_finding(silent, nothing) == Finding("values", "no", "no probabilities are told")
    assert values.sums_finding(silent, nothing, 0.0) == Finding("sums", "no", "no probabilities are told")


def apart_at(labels, others=0, total=20, times=1):
    """Which of `total` labels are far apart in each of `times` groups; of the last `others` one pair of the first."""
    wide = np.array([[label in labels for label in range(total)] for _ in range(times)])
    wide[0, total - others :] |= True
    return values.Values(
        np.zeros(0), False, 1, 1.0, 1.0, 1.0, np.where(wide, 1.0, 0.0).ravel(), np.tile(np.arange(total), times), (0, 0)
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (apart_at({3}), [3]),
        (apart_at({3, 4}), [3, 4]),
        (apart_at({3, 4, 5}), []),  # more than a tenth
        (apart_at({3}, others=1, times=3), [3]),  # of the others 1 of 57
        (apart_at({3}, others=3, times=3), []),  # 3 of 57: more than 1 in 20
        (apart_at(set(), others=1, times=2), []),  # half of its pairs: not most
        (apart_at({0}, total=1), []),
    ],
)
def test_labels_whose_values_are_apart(given, found):
    # Oracle: enumeration: most of its pairs, a tenth of the labels at most, of other pairs fewer than one in twenty
    assert values._labels_apart(given).tolist() == found


@pytest.mark.parametrize(
    ("excess", "slack", "verdict", "alarm"),
    [
        (-0.1, 0.0, "no", False),
        (0.9e-6, 0.0, "no", False),
        (1.1e-6, 0.0, "yes, by rounding", False),
        (0.99e-3, 0.0, "yes, by rounding", False),
        (1.01e-3, 0.0, "yes", True),
        (2.9e-3, 1e-3, "yes, by rounding", False),
        (3.1e-3, 1e-3, "yes", True),
    ],
)
def test_sums_of_an_input(excess, slack, verdict, alarm):
    # Oracle: definition, on both sides of each limit; values of one pair are averaged
    rows = [
        (0, 0, math.log(0.5)),
        (1, 0, math.log(0.5)),
        (1, 1, math.log(0.5 + excess)),
        (1, 0, math.log(0.5)),
        (1, 2, None),
    ]
    found = values.sums_finding(told(rows), values.values_of(told(rows)), slack)
    assert (found.verdict, found.alarm) == (verdict, alarm)
    assert found.numbers == {
        "inputs": 2,
        "inputs_above_1": int(excess > 1e-6),
        "largest_sum": pytest.approx(1 + excess, rel=1e-12, abs=0),
    }
    if verdict == "no":
        assert found.evidence == f"the largest of 2 sums is {1 + excess:.6g}"
    else:
        start = f"1 input of 2, the largest sum is {1 + excess:.6g} at 'y'"
        rest = "; probabilities after truncation or of a greedy run, or labels of one name, are of this kind" * alarm
        assert found.evidence == start + rest


def test_names_that_are_broken():
    # Oracle: definition, by hand
    records = told([(0, 0, None, 2), (0, 1, None, 3), (0, 2, None, 4)], actions=["a", "b\ufffd", "\ufffd"])
    found = values.names_finding(records, values.values_of(records))
    said = f"2 labels with U+FFFD, bytes that are no text, such as {checks.shown(records.actions[1])}: 7 records"
    assert found.evidence == f"{said}; its probability is not that of one label"
    assert (found.verdict, found.alarm) == ("yes", True)
    assert found.numbers == {"labels_with_replacement": 2, "records_of_these": 7, "labels_apart": 0}
    one = told([(0, 0, None)], actions=["\ufffd"])
    assert values.names_finding(one, values.values_of(one)).evidence.startswith("1 label with U+FFFD")
    fine = told([(0, 0, None)], actions=["a"])
    assert values.names_finding(fine, values.values_of(fine)) == Finding(
        "names",
        "no sign of it",
        "1 label",
        numbers={"labels_with_replacement": 0, "records_of_these": 0, "labels_apart": 0},
    )


def repeated(labels, p=1e-3, level=0.01, states=None):
    labels = np.array(labels)
    states = np.zeros(labels.size, int) if states is None else np.array(states)
    names = tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    logp = np.full(labels.size, math.log(p))
    return repeats.repeats_finding(log.Log(tuple("xy"), names, states, labels, np.ones(labels.size, int), logp), level)


def test_runs_that_occur_twice():
    # Oracle: enumeration: of ascending labels the first 8, 9, ... once more at the end
    base = list(range(40))
    for length in (8, 9, 12):
        found = repeated(base + base[:length])
        numbers = {"records": 40 + length, "repeated": length}
        said = f"{length} of {40 + length} records repeat earlier ones, the first is record 41, like record 1"
        assert found == Finding("repeats", "yes", said, alarm=True, numbers=numbers)
    none = repeated(base + base[:7])
    assert none == Finding(
        "repeats", "no", "no run of 8 lines or more occurs twice", numbers={"records": 47, "repeated": 0}
    )
    # The same labels of another input are no repetition.
    assert repeated(base + base[:12], states=[0] * 40 + [1] * 12).verdict == "no"
    shifted = repeated(base + base[3:15])
    assert "the first is record 41, like record 4" in shifted.evidence
    assert repeated(range(16)).verdict == "no"
    assert repeated(range(15)).evidence == "15 lines of so likely labels may repeat by chance"
    assert repeated([0] * 40).verdict == "cannot tell"  # one label again and again says nothing
    assert repeated([]).verdict == "cannot tell"


def test_the_chance_of_a_run():
    # Oracle: definition: two runs hold more than log(4 n^2 / (2 level))
    n = 48
    at = math.log(n * n * 4 / (2 * 0.01)) / 8
    labels = [*range(40), *range(8)]
    assert repeated(labels, math.exp(-1.001 * at)).alarm
    assert not repeated(labels, math.exp(-0.999 * at)).alarm
    labels = list(range(n))
    assert repeated(labels, math.exp(-1.001 * 8 * at * 2 / n)).verdict == "no"
    assert repeated(labels, math.exp(-0.999 * 8 * at * 2 / n)).verdict == "cannot tell"


def test_what_is_plugged_in_where_nothing_is_told():
    # Oracle: enumeration: the shares of the labels at their input
    records = told([(0, 0, None), (0, 0, None), (0, 1, None), (1, 0, -2.0), (0, 1, -1.5)])
    found = repeats._information(records, np.arange(5))
    assert found == pytest.approx([math.log(2), math.log(2), math.log(2), 2.0, 1.5], rel=1e-14, abs=0)
    counted = told([(0, 0, None, 2), (0, 1, None, 1)])
    assert repeats.repeats_finding(counted, 0.01) == Finding(
        "repeats", "cannot tell", "rows have counts, so that lines are no single records"
    )


def crowd(rows):
    """A log of rows (item, label, annotator)."""
    s, a, w = (np.array(column) for column in zip(*rows, strict=True))
    names = [
        tuple(f"{word}{i}" for i in range(int(codes.max()) + 1)) for word, codes in zip("iaw", (s, a, w), strict=True)
    ]
    return log.Log(
        names[0], names[1], s, a, np.ones(s.size, int), np.full(s.size, np.nan), annotator=w, annotators=names[2]
    )


def test_agreements_of_pairs():
    # Oracle: enumeration: chances sum of c (c - 1) over m (m - 1); items of two labels, or of equal ones, are left out
    rows = [(0, 0, 0), (0, 0, 1), (0, 1, 2)]  # 1/3
    rows += [(1, 0, 2), (1, 0, 1), (1, 0, 0), (1, 1, 3)]  # 1/2
    rows += [(2, 0, 0), (2, 1, 1)]  # two labels
    rows += [(3, 0, 0), (3, 0, 1), (3, 0, 2)]  # all equal
    rows += [(4, 0, 0), (4, 1, 1), (4, 2, 2)]  # all different
    records = crowd(rows)
    found = {pair.annotators: pair for pair in annotators.agreements_of(records, np.arange(len(rows)))}
    assert sorted(found) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    third, half = 1 / 3, 1 / 2
    assert found[0, 1] == annotators.Agreement(
        (0, 1), 2, 2, pytest.approx(third + half, rel=1e-12, abs=0), pytest.approx(third * half, rel=1e-12, abs=0)
    )
    either = 1 - (1 - third) * (1 - half)
    assert found[0, 2] == annotators.Agreement(
        (0, 2), 2, 1, pytest.approx(third + half, rel=1e-12, abs=0), pytest.approx(either, rel=1e-12, abs=0)
    )
    assert found[1, 2] == annotators.Agreement(
        (1, 2), 2, 1, pytest.approx(third + half, rel=1e-12, abs=0), pytest.approx(either, rel=1e-12, abs=0)
    )
    assert found[2, 3] == annotators.Agreement((2, 3), 1, 0, half, 1.0)
    finding = annotators.annotators_finding(records, 0.01)
    said = "'w0' and 'w1' agree on 2 of 2 items, where 0.8 are expected, p = 1 over 6 pairs; a copy would show on "
    share = min(third + half, 2 * half) / 2  # of the pairs of two items, or of one
    wanted = math.ceil(math.log(0.01 / 6) / math.log(min(share, half)))
    assert (finding.verdict, finding.alarm) == ("cannot tell", False)
    assert finding.evidence == f"{said}{wanted} shared items"
    assert finding.numbers == {"p_value": 1.0, "pairs": 6, "items": 2, "agreed": 2} | {
        "expected": pytest.approx(third + half, rel=1e-12, abs=0),
        "unnamed": 0,
        "repeated": 0,
    }


def test_too_many_pairs_of_annotators(monkeypatch):
    # Oracle: enumeration: 3 + 3 pairs of two items
    rows = [(i, w == 2, w) for i in range(2) for w in range(3)]
    monkeypatch.setattr(annotators, "PAIRS_MAX", 6)
    assert len(annotators.agreements_of(crowd(rows), np.arange(6))) == 3
    monkeypatch.setattr(annotators, "PAIRS_MAX", 5)
    with pytest.raises(checks.Unsupported, match=r"^6 pairs of annotators on items: 5e\+00 at most are compared$"):
        annotators.agreements_of(crowd(rows), np.arange(6))


def test_a_pair_that_agrees_often():
    # Oracle: definition: three labels an item, of which w0 and w1 always agree: p = 3^-m
    def finding(items):
        return annotators.annotators_finding(crowd([(i, w == 2, w) for i in range(items) for w in range(3)]), 0.01)

    # 3^-m * 3 pairs at most 0.01: m of 6 and more.
    assert finding(6).alarm
    assert finding(6).evidence == "'w0' and 'w1' agree on 6 of 6 items, where 2.0 are expected, p = 0.0041 over 3 pairs"
    five = finding(5)
    assert (five.alarm, five.verdict) == (False, "cannot tell")
    assert five.evidence.endswith("; a copy would show on 6 shared items")
    assert five.numbers["p_value"] == pytest.approx(3 * 3.0**-5, rel=1e-12, abs=0)


def test_items_enough_for_a_copy():
    # Oracle: definition: on six items a copy would show, and none is there
    rows = [(i, (i % 3) == w, w) for i in range(6) for w in range(3)]
    found = annotators.annotators_finding(crowd(rows), 0.01)
    assert (found.verdict, found.alarm) == ("no", False)
    assert found.evidence.endswith("p = 1 over 3 pairs")


@pytest.mark.parametrize(("limit", "k"), [(2000, 3), (3, 3), (3, 4), (3, 2), (3, 1), (3, 0), (2000, 0)])
def test_the_upper_tail(limit, k, monkeypatch):
    # Oracle: enumeration of four indicators; beyond the limit Chernoff's bound of the mean, 1 up to the mean
    p = np.array([0.1, 0.2, 0.5, 0.6])
    monkeypatch.setattr(annotators, "EXACT_MAX", limit)
    exact = sum(
        math.prod(share if i >> j & 1 else 1 - share for j, share in enumerate(p))
        for i in range(16)
        if i.bit_count() >= k
    )
    found = annotators.upper_tail(p, k)
    if limit > 4:
        assert found == pytest.approx(exact, rel=1e-12, abs=0)
        return
    x, mean = k / 4, 0.35
    if x <= mean:
        assert found == 1.0
        return
    kl = x * math.log(x / mean) + ((1 - x) * math.log((1 - x) / (1 - mean)) if x < 1 else 0.0)
    assert found == pytest.approx(math.exp(-4 * kl), rel=1e-12, abs=0)
    assert exact <= found


# --- From columns -----------------------------------------------------------------------------------------


def read(**columns):
    return log.log_of(Columns.of({"s": ["x"] * len(next(iter(columns.values()))), **columns}))


def test_columns_of_a_log():
    # Oracle: definition, by hand
    found = read(
        a=["a", "b", "a"], p=[0.5, None, 0.0], model=["m", None, "k"], rater=["r", "r", "q"], temperature=[1, None, 0]
    )
    assert (found.states, found.actions) == (("x",), ("a", "b"))
    assert found.logp[0] == math.log(0.5)
    assert np.isnan(found.logp[1:]).all()
    assert found.zero.tolist() == [False, False, True]
    assert (found.n, found.told, found.logarithms, found.digits) == (3, True, False, None)
    assert (found.fingerprints, found.fingerprint.tolist()) == (("m", "", "k"), [0, 1, 2])
    assert (found.annotators, found.annotator.tolist()) == (("r", "q"), [0, 0, 1])
    assert found.temperature[[0, 2]].tolist() == [1.0, 0.0]
    plain = read(a=["a", "b"], logp=[-1.0, -9999.0], count=[2, 0])
    assert (plain.n, plain.count.tolist(), plain.logarithms) == (2, [2, 0], True)
    assert np.isnan(plain.logp[1])
    assert plain.zero is plain.fingerprint is plain.annotator is plain.temperature is None
    assert (plain.fingerprints, plain.annotators) == ((), ())
    silent = read(a=["a"])
    assert (silent.told, silent.digits, silent.logarithms) == (False, None, False)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"a": ["a"], "p": [1.0011]}, "row 1: p is 1.0011: a probability is at most 1"),
        ({"a": ["a"], "p": [-0.1]}, "row 1: p is -0.1: a probability is at least 0"),
        ({"a": ["a"], "logp": [0.0011]}, "row 1: logp is 0.0011: a log-probability is at most 0"),
        ({"a": ["a"], "temperature": [-0.5]}, "row 1: temperature is -0.5: a temperature is not negative"),
        (
            {"a": ["a"], "p": [0.5], "logp": [-1.0]},
            "the table has both a probability and a log-probability column: keep one of them",
        ),
        (
            {"a": ["a"], "count": [10**8 + 1]},
            "the log holds 1e+08 records: 1e+08 at most are looked at one by one; check a part of it",
        ),
    ],
)
def test_what_no_log_has(columns, sentence):
    # Oracle: definition, one sentence
    with pytest.raises(ValueError) as caught:
        read(**columns)
    assert str(caught.value) == sentence
    read(
        **{name: [0.0] if name in ("p", "temperature") else value for name, value in columns.items() if name != "logp"}
        | ({"count": [10**8]} if "count" in columns else {})
    )


@pytest.mark.parametrize(("column", "value", "end"), [("p", 1.001, 1), ("logp", 1e-3, 0)])
def test_values_a_little_above_the_largest(column, value, end):
    # Oracle: definition: taken for the largest, and told
    table = Columns.of({"s": ["x", "x"], "a": ["a", "b"], column: [value, value / 2 if column == "p" else -1.0]})
    found = log.log_of(table)
    assert found.logp[0] == 0.0
    assert table.notes == [(f"1 values of column {column} are above {end}, and taken for it",)]


@pytest.mark.parametrize(
    ("values_", "logarithms", "digits"),
    [
        ([i / 100 for i in range(1, 20)], False, None),
        ([i / 100 for i in range(1, 21)], False, 2),
        ([0.0, *(i / 100 for i in range(1, 20))], False, None),
        ([-1.5, -2.5], True, None),
        ([-1.5, -2.5, -3.5], True, 1),
        ([0.0, -1.5, -2.5], True, None),
        ([-1.0, -2.0, -3.0], True, 0),
        ([-1.12345678, -2.0, -3.0], True, 8),
        ([-1.123456789, -2.0, -3.0], True, None),
        ([-1.5 - 0.9e-12, -2.5, -3.5], True, 1),
        ([-1.5 - 4e-12, -2.5, -3.5], True, None),
        ([-100.5 - 4e-11, -2.5, -3.5], True, 1),
    ],
)
def test_digits_of_values(values_, logarithms, digits):
    # Oracle: enumeration; 20 different probabilities or 3 logarithms tell, zeros do not count
    assert log._digits(np.array(values_), logarithms) == digits


@pytest.mark.parametrize(
    ("digits", "logarithms", "slack"),
    [(None, True, 0.0), (2, True, math.expm1(0.005)), (2, False, 0.005 * (2 * 1 + 4 * 3) / 4)],
)
def test_what_rounding_leaves(digits, logarithms, slack):
    # Oracle: definition: half a unit of the last digit, over p, averaged over the drawn records
    rows = [(0, 0, math.log(0.5), 1), (0, 1, math.log(0.25), 3), (0, 2, math.log(0.125), 0), (0, 3, None, 5)]
    assert laws._rounding(told(rows, digits, logarithms)) == pytest.approx(slack, rel=1e-12, abs=0)
    undrawn = told([(0, 2, math.log(0.125), 0)], 2, False)
    assert laws._rounding(undrawn) == 0.005


def test_records_of_probability_zero():
    # Oracle: enumeration: rows of 0, and records of a pair that is told 0 elsewhere and nothing else
    rows = [(0, 0, None, 2), (0, 1, -1.0, 4), (0, 1, None, 8), (0, 2, None, 16), (0, 2, None, 32)]
    zero = np.array([True, False, True, False, True])
    records = dataclasses.replace(told(rows), zero=zero)
    assert laws.drawn_of_zero(records, records.s) == 2 + 8 + 16 + 32
    assert laws.drawn_of_zero(told(rows), records.s) == 0
    # The row of 1 that tells -1 is no record of probability 0, nor one that tells nothing beside it.
    beside = dataclasses.replace(told(rows), zero=np.array([False, False, True, False, False]))
    assert laws.drawn_of_zero(beside, beside.s) == 8


def test_the_numbers_of_findings_are_plain():
    # Oracle: definition: numbers of Python, which JSON takes as they are
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"s": rng.integers(3, size=90), "a": rng.integers(4, size=90), "p": 0.25, "temperature": 0.5})
    rows["rater"] = [f"w{i % 5}" for i in range(90)]
    for table in (rows, rows.assign(a=0, p=0.9), rows.assign(p=[0.2, 0.25, 0.3] * 30)):
        for finding in kt.check_log(table):
            for name, value in finding.numbers.items():
                assert type(value) in (int, float, type(None)), (finding.question, name)
    (pair, *_) = annotators.agreements_of(crowd([(0, 0, 0), (0, 0, 1), (0, 1, 2)]), np.arange(3))
    assert {type(value) for value in (*pair.annotators, pair.items, pair.agreed)} == {int}


def test_a_table_takes_no_options_of_logs():
    # Oracle: definition, one sentence
    table = pd.DataFrame({"s": ["x"], "a": ["y"]})
    with pytest.raises(ValueError, match=r"^label goes with logs, and log is a table$"):
        kt.check_log(table, label="all")
    with pytest.raises(ValueError, match=r"^log is 3: it must be a DataFrame, a mapping of columns or a path$"):
        kt.check_log(3)
    for bad in ({"level": 0}, {"level": 1}, {"temperature": 0}, {"seed": -1}, {"in_order": 1}):
        with pytest.raises(ValueError, match=f"^{next(iter(bad))} is "):
            kt.check_log(table, **bad)
    found = kt.check_log(table)
    assert [finding.question for finding in found] == list(kt.logcheck.finding.QUESTIONS)
    assert found["sampled"] == Finding("sampled", "cannot tell", "no probabilities are told")
