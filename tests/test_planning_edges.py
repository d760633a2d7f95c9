"""Plans, audits and storages on both sides of each limit: searches against enumeration, whole sentences of refusals."""

import itertools
import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.auditing import certificate
from kt_theory.exact.rows import Estimate, OutOfReach
from kt_theory.planning import annotations, promises, searching, worlds
from kt_theory.records.columns import Columns
from kt_theory.sparse import SparseTable
from kt_theory.storage import choosing


def sentence_of(call, *arguments, **options):
    """What a call refuses its arguments with."""
    with pytest.raises(ValueError) as caught:
        call(*arguments, **options)
    return str(caught.value)


# --- Searches ---------------------------------------------------------------------------------------------


class Known:
    """Trials whose promise holds from a known n on; `few` from another one."""

    asked: list[int]

    def __init__(self, of, few, teachers=(None,) * 7, learner=None, reps=9, seed=4):
        self.of, self.few, self.teachers, self.learner, self.reps, self.seed = of, few, teachers, learner, reps, seed

    def hold(self, n, target, confidence, on_average):
        assert (target, confidence, on_average) == (0.1, 0.9, False)
        return n >= self.of


@pytest.mark.parametrize("of", [0, 1, 2, 3, 7, 100, 12345, 10**12 - 7, 10**12, 10**12 + 1])
@pytest.mark.parametrize("ratio", [0.2, 0.9, 1.0, 1.3, 8.0])
def test_the_least_number_of_samples(of, ratio, monkeypatch):
    # Oracle: definition: the promise holds at the answer, and the answer is less than 2 % above the least one
    made = []

    def few(teachers, learner, reps, seed):
        made.append((len(teachers), reps, seed))
        return Known(of * ratio, None)

    monkeypatch.setattr(searching, "Trials", few)
    found = searching.least(Known(of, None), 0.1, 0.9, False)
    assert made == [(2, 5, 4)]  # a fifth of seven teachers, half of nine repeats, both upwards
    if of > 10**12:
        assert found is None
    else:
        assert of <= found <= max(of * 1.02, of)
        assert found == of or of > 50


def test_how_a_search_narrows_down():
    # Oracle: definition: it holds at the upper end and not at the lower, which are one apart or within the ratio
    for low, high, at, close in itertools.product((0, 3), (8, 100, 5000), (4, 7, 8), (1.0, 1.2)):
        asked = []

        def holds(n, asked=asked, at=at):
            asked.append(n)
            return n >= at

        under, over = searching._closer(holds, low, high, close)
        assert low <= under < at <= over <= high
        assert over == under + 1 or over <= close * under
        assert all(low < n < high for n in asked)
        assert len(asked) <= 2 * math.log2(high)
    assert searching._closer(lambda n: True, 5, 6, 1.0) == (5, 6)


@pytest.mark.parametrize("first", [0, 1, 2, 3, 1000, 10**12 - 1, 10**12, 10**12 + 1])
def test_the_first_number_at_which_a_bound_holds(first):
    # Oracle: definition
    assert promises._first(lambda n: n >= first) == (first if first <= 10**12 else None)


def cell(risks):
    """A cell of two blocks whose risks are given."""
    blocks = [(0, 2), (2, len(risks) - 2)]
    return SimpleNamespace(
        blocks=lambda reps: blocks, risks=lambda learners, seed, stage, at, size: np.array(risks)[at : at + size, None]
    )


@pytest.mark.parametrize(
    ("risks", "target", "confidence", "on_average", "holds"),
    [
        ([[0.1] * 10], 0.1, 0.9, False, True),
        ([[0.1] * 9 + [0.2]], 0.1, 0.9, False, False),  # a share of 0.9, less its standard error
        ([[0.1] * 9 + [0.2]], 0.1, 0.8, False, True),
        ([[0.1] * 8 + [0.2] * 2], 0.1, 0.8, False, False),
        ([[0.1] * 9 + [0.2]], 0.1101, 0.9, True, True),
        ([[0.1] * 9 + [0.2]], 0.1099, 0.9, True, False),
        ([[0.1] * 10, [0.2] * 10], 0.1, 0.4, False, False),
        ([[0.1] * 10] * 9 + [[0.2] * 10], 0.1, 0.8, False, True),
        ([[0.1] * 10] * 9 + [[0.2] * 10], 0.1, 0.81, False, False),
        ([[0.1] * 10] * 9 + [[0.2] * 10], 0.1, 0.8, True, True),
        ([[0.2] * 10] + [[0.1] * 10] * 9, 0.1, 0.95, False, False),
    ],
)
def test_whether_a_promise_holds(risks, target, confidence, on_average, holds):
    # Oracle: definition: the share of the kept, less a standard error, is the confidence or more
    trials = searching.Trials([lambda n, r=r: cell(r) for r in risks], None, 10, 0)
    assert trials.hold(5, target, confidence, on_average) is holds
    assert trials.risks(5).tolist() == risks
    kept = (
        np.array(risks) <= target if not on_average else np.array(risks).mean(axis=1, keepdims=True) <= target + 1e-12
    )
    shares = kept.mean(axis=1) if len(kept) > 1 else kept[0].astype(float)
    assert (shares.mean() - shares.std() / math.sqrt(shares.size) >= confidence) == holds


def test_small_teachers_keep_what_they_are_drawn_with(monkeypatch):
    # Oracle: definition: up to 5000 cells
    assert searching.KEPT == 5000
    for limit, kept in ((6, True), (5, False)):
        monkeypatch.setattr(searching, "KEPT", limit)
        made = searching.cells_of(kt.instance(0, 2, 3))
        assert (getattr(made, "func", None) is None) == kept
        assert made(7).n == 7


# --- Plans ------------------------------------------------------------------------------------------------


def test_the_worst_case_from_the_bounds():
    # Oracle: definition: the least n of each bound, one by one
    for on_average, confidence in ((True, 0.9), (False, 0.8)):
        found = kt.plan(S=2, A=3, target=0.3, confidence=confidence, on_average=on_average, cost={"hard": 2, "soft": 0})
        mean = 0.3 if on_average else 0.3 + 1 - confidence
        for row in found.table.dropna(subset="n").itertuples():
            n = int(row.n)
            sizes = {"S": 2, "A": 3}

            def enough(n, protocol=row.protocol, sizes=sizes, on_average=on_average, confidence=confidence):
                if on_average:
                    return kt.bounds.best_upper(protocol, **sizes, n=n).value <= 0.3
                bounds = promises._WHP[protocol]
                return (
                    min(b(**sizes, n=n, delta=1 - confidence) for b in bounds if b(**sizes, n=n, delta=0.1) < 9) <= 0.3
                )

            assert enough(n)
            assert not enough(n - 1)
            last = int(row.impossible_below)
            assert kt.bounds.best_lower(row.protocol, **sizes, n=last).value <= mean
            assert last == 0 or kt.bounds.best_lower(row.protocol, **sizes, n=last - 1).value > mean
            price = {"hard": 2 * n, "soft": 0}.get(row.protocol)
            assert row.cost == price or (price is None and math.isnan(row.cost))
        assert list(found.table) == ["protocol", "learner", "n", "impossible_below", "floor", "cost"]
        assert (found.source, found.on_average, len(found.curves), found.pilot_audit) == (
            "worst case",
            on_average,
            0,
            None,
        )
    assert "cost" not in kt.plan(S=2, A=3, target=0.3, on_average=True, protocols=["soft"]).table


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing given: give a teacher, or S and A, or a pilot"),
        ({"S": 2}, "S given: give a teacher, or S and A, or a pilot"),
        ({"A": 2}, "nothing given: give a teacher, or S and A, or a pilot"),
        ({"S": 2, "A": 2, "pilot": 3}, "S and pilot given: give a teacher, or S and A, or a pilot"),
        ({"S": 0, "A": 2}, "S is 0: it must be at least 1"),
        ({"S": 2, "A": 2, "target": 1}, "target is 1.0: it must lie strictly between 0 and 1"),
        ({"S": 2, "A": 2, "confidence": 0}, "confidence is 0.0: it must lie strictly between 0 and 1"),
        ({"S": 2, "A": 2, "on_average": 1}, "on_average is 1: it must be True or False"),
        ({"S": 2, "A": 2, "curves": 1}, "curves is 1: it must be True or False"),
        ({"S": 2, "A": 2, "progress": 1}, "progress is 1: it must be True or False"),
        ({"S": 2, "A": 2, "protocols": []}, "protocols is empty: name at least one"),
        ({"S": 2, "A": 2, "protocols": ["hard", "hard"]}, "protocols names hard twice"),
        (
            {"S": 2, "A": 2, "protocols": ["top_k:2"]},
            "protocols has top_k:2: the worst case has hard, partial and soft; give a teacher or a pilot",
        ),
        ({"S": 2, "A": 2, "cost": 3}, "cost is 3: it must map names of protocols to prices"),
        ({"S": 2, "A": 2, "cost": {"x": 3}}, "cost has 'x', which is not in this plan: hard, partial, soft"),
        *(
            ({"S": 2, "A": 2, "cost": {"hard": x}}, f"cost of hard is {x}: it must be a finite number, 0 or above")
            for x in (-1, math.inf, math.nan)
        ),
        ({"pilot": 3}, "pilot is an int: a TransferSet is needed; kt_theory.tables.read_records reads one"),
        (
            {"pilot": kt.TransferSet.from_counts([[0, 0]])},
            "pilot has no records: plan for the worst case, with S and A",
        ),
    ],
)
def test_what_plan_refuses(given, said):
    # Oracle: definition, one sentence
    assert sentence_of(kt.plan, **{"target": 0.1, **given}) == said


def test_the_learner_of_each_protocol():
    # Oracle: definition: middles of cells are within tanh(10^-d / 4) of every law in them
    assert {name: learner.name for name, learner in promises._protocols(["soft", "hard", "partial"], 0.1).items()} == {
        "soft": "CE_ful",
        "hard": "CE_sgl",
        "partial": "SEL_ptl",
    }
    near = math.tanh(0.01 / 4)
    for target, name in ((near * 1.0001, "SEL@rounded:2"), (near * 0.9999, "CLIP@rounded:2")):
        assert [learner.name for learner in promises._protocols("rounded:2", target).values()] == [name]
    for other in ("sampled:2", "sorted"):
        assert sentence_of(promises._protocols, [other], 0.1).startswith(f"protocols has {other}: a plan knows hard,")


@pytest.mark.parametrize(
    ("pilot", "said"),
    [
        ([[1, 0], [1, 0]], "2 of 2 inputs of the pilot were visited once: a table learns nothing across inputs; name "),
        (
            [[1, 0], [1, 0], [2, 0]],
            "2 of 3 inputs of the pilot were visited once: a table learns nothing across inputs; ",
        ),
        ([[1, 0], [9, 0]], None),
        ([[1, 0], [8, 0]], "the pilot has 9 records of 2 inputs, fewer than five records an input: what its teachers "),
        ([[1, 0]], "the pilot has 1 records of 1 inputs, fewer than five records an input"),
        ([[1, 0], [1, 0], [9, 0], [9, 0]], None),
    ],
)
def test_what_a_pilot_leaves_open(pilot, said):
    # Oracle: enumeration
    found = promises._about(kt.TransferSet.from_counts(pilot))
    assert found == [] if said is None else (len(found) == 1 and found[0].startswith(said))


# --- Annotations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kept", "holds"), [(99, True), (98, True), (96, True), (95, False), (90, False)])
def test_a_share_that_is_kept(kept, holds):
    # Oracle: definition: share - sqrt(share (1 - share) / 100) >= 0.93
    tv = np.array([0.1] * kept + [0.2] * (100 - kept))
    assert annotations._is_kept(tv, 0.1, 0.93) is holds
    assert (kept / 100 - math.sqrt(kept / 100 * (1 - kept / 100) / 100) >= 0.93) == holds


def test_when_there_are_enough():
    # Oracle: enumeration: kept from 4 on in a row until one and a half times as many
    good, bad = np.zeros(100), np.ones(100)
    enough = annotations._until_kept(0.1, 0.9)(2)
    said = [enough(k, tv) for k, tv in [(0, bad), (1, good), (2, bad), (4, good), (5, good), (6, good), (7, good)]]
    assert said == [False] * 6 + [True]  # 2 + 4 = 6 annotations, and 9 are one and a half times as many
    assert annotations._until_below(0.5)(3)(7, np.array([0.4, 0.6]))
    assert not annotations._until_below(0.5)(3)(7, np.array([0.4, 0.61]))


def curve(means, before=0, k=None, draws=4):
    tv = np.tile(np.array(means, dtype=float), (draws, 1))
    return annotations.Curve(before, np.arange(len(means)) if k is None else np.array(k), tv)


@pytest.mark.parametrize(
    ("means", "first"),
    [([0.3, 0.1, 0.2, 0.1, 0.05], 3), ([0.1, 0.1], 0), ([0.1, 0.2], -1), ([0.2, 0.1], 1), ([0.2], -1), ([0.1], 0)],
)
def test_the_first_step_that_is_kept(means, first):
    # Oracle: enumeration
    assert annotations._first_kept(curve(means), 0.1, 0.9) == first


@pytest.mark.parametrize("seed", range(6))
def test_the_convex_hull_of_a_curve(seed):
    # Oracle: definition: from corner to corner no step is below the line, slopes rise, and it ends at the minimum
    rng = np.random.default_rng(seed)
    k = np.cumsum(rng.integers(1, 4, 9)) - 1
    means = rng.uniform(size=9) / np.arange(1, 10)
    hull = annotations._hull(curve(means, k=k))
    assert (hull[0], hull[-1]) == (0, means.argmin())
    slopes = np.diff(means[hull]) / np.diff(k[hull])
    assert (np.diff(slopes) > 0).all()
    assert (slopes < 0).all()
    for i, j in itertools.pairwise(hull):
        line = means[i] + (k[i : j + 1] - k[i]) * (means[j] - means[i]) / (k[j] - k[i])
        assert (means[i : j + 1] >= line - 1e-15).all()


def test_patterns_of_counts():
    # Oracle: enumeration
    found, first = annotations._patterns(np.array([0, 2, 4, 4, 5, 7]), np.array([1, 2, 2, 1, 3, 2, 2]))
    assert (found.tolist(), first) == ([0, 0, 1, 2, 3], [0, 2, 3, 4])


def test_total_variations_of_frequencies():
    # Oracle: definition; without annotations the student is uniform on all labels
    masses = np.array([[0.5, 0.25, 0.25]])
    assert annotations._total_variations(np.array([[1.0, 1.0, 2.0]]), 4, masses, 9) == pytest.approx(
        [0.25], rel=1e-12, abs=0
    )
    assert annotations._total_variations(np.zeros((1, 3)), 0, masses, 4) == pytest.approx([0.25], rel=1e-12, abs=0)


@pytest.mark.parametrize("target", [0.9, 0.45, 0.3, 0.2])
def test_the_fewest_annotations_of_a_mean(target, monkeypatch):
    # Oracle: enumeration of all allocations at corners of the hulls: none with fewer is kept
    monkeypatch.setattr(annotations, "DRAWS", 4)
    curves = [curve([0.9, 0.5, 0.3, 0.2]), curve([0.6, 0.2, 0.15], k=[0, 2, 5])]
    patterns = np.array([0, 1, 0])
    chosen = [np.zeros((2, 4), dtype=int), np.zeros((1, 4), dtype=int)]
    at = annotations._fewest(curves, patterns, target, 0.9, chosen)
    means = [c.tv.mean(axis=0) for c in curves]

    def cost(steps):
        return sum(int(curves[p].k[i]) for p, i in zip(patterns, steps, strict=True))

    def mean(steps):
        return sum(means[p][i] for p, i in zip(patterns, steps, strict=True)) / 3

    assert mean(at) <= target
    # Greedy along the hulls: dropping the last corner taken breaks the promise.
    some = [s for s in itertools.product(range(4), range(3), range(4)) if mean(s) <= target]
    assert cost(at) <= min(map(cost, some)) + 3
    if target == 0.2:
        return
    assert sentence_of(annotations._fewest, curves, patterns, 0.1, 0.9, chosen) == (
        "target is 0.1: no plan of up to 1e+09 annotations of an item keeps this mean"
    )


def test_means_of_even_plans(monkeypatch):
    # Oracle: definition: weighted by the items of each pattern, as far as all curves go
    monkeypatch.setattr(annotations, "DRAWS", 2)
    one = annotations.Curve(0, np.arange(3), np.array([[0.4, 0.2, 0.1], [0.6, 0.2, 0.1]]))
    two = annotations.Curve(0, np.arange(2), np.array([[0.5, 0.3], [0.5, 0.5]]))
    found = annotations._evenly([one, two], np.array([0, 1, 0, 0]))
    assert found["more"].tolist() == [0, 1]
    assert found["mean"].tolist() == pytest.approx([0.75 * 0.5 + 0.25 * 0.5, 0.75 * 0.2 + 0.25 * 0.4], rel=1e-12, abs=0)
    first = 0.75 * math.sqrt(0.02) / math.sqrt(2)
    second = 0.25 * math.sqrt(0.02) / math.sqrt(2)
    assert found["mcse"].tolist() == pytest.approx([first, second], rel=1e-12, abs=0)
    assert list(annotations._evenly([], np.array([0]))) == ["more", "mean", "mcse"]
    assert len(annotations._evenly([], np.array([0]))) == 0


# --- Audits -----------------------------------------------------------------------------------------------


def test_an_audit_by_hand():
    # Oracle: definition: Z = (1 - q / p)+ of the teacher's samples, (1 - p / q)+ of the student's, |p - q| / (p + q)
    p, q, times = [0.5, 0.25, 0.8], [0.25, 0.5, 0.8], [2, 1, 3]
    z = {"teacher": [0.5, 0.0, 0.0], "student": [0.0, 0.5, 0.0], "both": [1 / 3, 1 / 3, 0.0]}
    for sampled, values in z.items():
        source = ["teacher", "student", "teacher"] if sampled == "both" else [sampled] * 3
        counts = [2, 3, 1] if sampled == "both" else times
        found = kt.audit_student({"p": p, "q": q, "count": counts, "source": source}, sampled=sampled, delta=0.1)
        flat = np.repeat(values, counts)
        assert found.m == 6
        assert found.tv == pytest.approx(flat.mean(), rel=1e-14, abs=0)
        assert found.standard_error == pytest.approx(flat.std(ddof=1) / math.sqrt(6), rel=1e-12, abs=0)
        log = math.log(4 / 0.1)
        reach = math.sqrt(2 * flat.var(ddof=1) * log / 6) + 7 * log / 15
        assert found.bernstein == pytest.approx(
            (max(flat.mean() - reach, 0), min(flat.mean() + reach, 1)), rel=1e-12, abs=0
        )
        assert found.minimax == pytest.approx((flat.sum() + math.sqrt(6) / 2) / (6 + math.sqrt(6)), rel=1e-14, abs=0)
        assert found.rmse == 1 / (2 * (1 + math.sqrt(6)))
        assert found.acceptance == 1 - found.tv
        assert found.clopper_pearson == certificate.clopper_pearson(found.rejections, 6, 0.1, alike=sampled != "both")
    one = kt.audit_student({"p": [0.5], "q": [0.25]})
    assert (one.m, one.bernstein, one.tv) == (1, (0.0, 1.0), 0.5)
    assert math.isnan(one.standard_error)


@pytest.mark.parametrize(("k", "m"), [(0, 5), (1, 5), (2, 5), (4, 5), (5, 5), (1, 1), (0, 1), (1, 2)])
def test_the_ends_of_an_interval(k, m):
    # Oracle: definition: P(Bin(m, end) beyond k) is delta / 2, by enumeration; the union bound one coin from an end
    def at_least(j, p):
        return math.fsum(math.comb(m, i) * p**i * (1 - p) ** (m - i) for i in range(j, m + 1))

    low, high = certificate.clopper_pearson(k, m, 0.1)
    assert low == 0.0 if k == 0 else at_least(k, low) == pytest.approx(0.05, rel=1e-9, abs=0)
    assert high == 1.0 if k == m else 1 - at_least(k + 1, high) == pytest.approx(0.05, rel=1e-9, abs=0)
    lower, higher = certificate.clopper_pearson(k, m, 0.1, alike=False)
    assert lower == (min(low, 0.05 / m) if k == 1 else low)
    assert higher == (max(high, 1 - 0.05 / m) if k == m - 1 else high)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({}, {"delta": 0.5}, "delta is 0.5: an interval that may miss as often as not is none; give less than 0.5"),
        ({}, {"delta": 0}, "delta is 0.0: it must lie strictly between 0 and 1"),
        ({}, {"seed": -1}, "seed is -1: it must be at least 0"),
        ({}, {"sampled": "x"}, "sampled is 'x': it must be one of teacher, student, both"),
        ({"logp": [0.0]}, {}, "the table has both a probability and a log-probability column: keep one of them"),
        (
            {"logq": [0.0]},
            {},
            "the table has both a student probability and a student log-probability column: keep one of",
        ),
        ({"count": [1, 2]}, {}, "the columns differ in length: 1, 2"),
        ({"p": [], "q": []}, {}, "the table has no rows: an audit needs a sample"),
        ({"sequence": ["x"], "count": [1]}, {}, "the table has a sequence and a count column: keep one of them"),
        ({"count": [0]}, {}, "the table has no samples: every count is 0"),
        ({"count": [2**53]}, {}, "the counts have a total of 9.0072e+15: at most 2^53 are added up"),
        ({"source": ["x"]}, {}, "row 1: source is 'x': teacher or student"),
        ({"source": ["student"]}, {}, "row 1: source is student, and the samples are said to come from the teacher"),
        (
            {"source": ["student"]},
            {"sampled": "both"},
            "0 samples come from the teacher and 1 from the student: as many must come from the one as from the other",
        ),
        ({"p": [1 + 1.1e-6]}, {}, "row 1: p is 1.0000011: a probability is a number in [0, 1]"),
        ({"p": [0.0]}, {}, "row 1: p is 0.0: a label of probability 0 is never sampled"),
        ({"q": [0.0]}, {"sampled": "student"}, "row 1: q is 0.0: a label of probability 0 is never sampled"),
        ({"q": [-0.1]}, {}, "row 1: q is -0.1: a probability is a number in [0, 1]"),
    ],
)
def test_what_no_audit_takes(columns, options, said):
    # Oracle: definition, one sentence
    assert sentence_of(kt.audit_student, {"p": [0.5], "q": [0.5]} | columns, **options).startswith(said)


def test_what_an_audit_takes():
    # Oracle: definition: the other sides of the limits
    for columns in ({"count": [2**53 - 1]}, {"p": [1 + 0.9e-6], "q": [1.0]}, {"q": [0.0]}, {"count": [1]}):
        assert kt.audit_student({"p": [0.5], "q": [0.5]} | columns).m == columns.get("count", [1])[0]
    assert kt.audit_student({"p": [0.5], "q": [0.5]}, delta=0.49).delta == 0.49
    for logp, fault in (
        (0.9e-6, None),
        (1.1e-6, "a log-probability is at most 0"),
        (-9999.0, "this is no log-probability but most likely a mark"),
        (-2e7, "this is no log-probability but most likely a mark"),
        (-1e7, None),
    ):
        table = {"logp": [logp], "logq": [-1.0]}
        if fault is None:
            assert kt.audit_student(table).m == 1
        else:
            assert sentence_of(kt.audit_student, table).endswith(fault)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kt.audit_student({"logp": [-1e6], "logq": [-1.0]}).tv == 0.0  # p / q is beyond floats
    assert kt.audit_student({"logp": [-1.0], "logq": [-2e7]}).tv == 1.0  # of a label that was not drawn from it
    table = Columns.of({"sequence": ["x", "y", "x"], "logp": [-1.0, -2.0, -3.0], "logq": [-2.0, -2.0, -3.5]})
    ratio, times = certificate._samples_of(table, "teacher")
    assert (ratio.tolist(), times.tolist()) == ([1.5, 0.0], [1, 1])


@pytest.mark.parametrize(
    ("inputs", "delta", "said"),
    [
        ([], 0.05, "inputs is empty: a bound needs an input at least"),
        (["x", None], 0.05, "inputs[1] is None: a name is text, a number or a date"),
        ("x", 0.05, "inputs is 'x': it must be a sequence of names of inputs"),
        (["x"], 1, "delta is 1.0: it must lie strictly between 0 and 1"),
    ],
)
def test_what_no_free_bound_takes(inputs, delta, said):
    # Oracle: definition, one sentence
    data = kt.TransferSet.from_counts([[1, 0]], [[0.5, 0.5]], "partial", states=["x"])
    assert sentence_of(kt.free_bound, data, inputs, delta) == said


def test_free_bounds_by_hand():
    # Oracle: definition: M (1 - 1/u) at visited inputs, 1 - 1/A at others, Hoeffding's margin
    revealed = [[0.5, 0.25, 0.125, 0.125], [0.5, 0.5, 0, 0], [0.25] * 4]
    data = kt.TransferSet.from_counts(
        [[3, 0, 0, 0], [1, 1, 0, 0], [0] * 4], revealed, "partial", states=["x", "y", "z"]
    )
    found = kt.free_bound(data, ["x", "x", "y", "z", "w"], 0.2)
    mean = (2 * 0.5 * (1 - 1 / 3) + 0.0 + 2 * 0.75) / 5
    margin = 0.75 * math.sqrt(math.log(5) / 10)
    assert (found.mean, found.margin) == (
        pytest.approx(mean, rel=1e-14, abs=0),
        pytest.approx(margin, rel=1e-14, abs=0),
    )
    assert (found.m, found.unvisited, found.delta) == (5, 2, 0.2)
    assert found.bound == min(found.mean + found.margin, 0.75)
    soft = kt.TransferSet.from_counts([[3, 0]], [[0.5, 0.5]], "soft", states=["x"])
    assert kt.free_bound(soft, ["x"] * 50).mean == 0.0
    assert sentence_of(kt.self_audit, kt.TransferSet.from_counts([[0, 0]], [[0.5, 0.5]], "partial")) == (
        "transfer_set has no records: nothing can be left out"
    )


# --- Storage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "half", "frequencies"),
    [(1, None, ("CE_sgl", 3)), (4, ("SEL@top_k:2", 6), ("CE_sgl", 12)), (5, ("SEL@top_k:3", 6), ("CE_sgl", 15))],
)
def test_what_each_storage_costs(k, half, frequencies, monkeypatch):
    # Oracle: definition: the learner and the number of samples of each, at three visits
    asked = []

    def cost(row, learner, n, method, inputs, seed):
        asked.append((learner, n, method, inputs, seed))
        return Estimate(0.5, 0.25, "route", proved=True)

    monkeypatch.setattr(choosing, "_cost", cost)
    found = kt.best_storage([0.5, 0.5], k, 3, seed=4, method="exact")
    wanted = {"list": (f"SEL@top_k_only:{k}", 3), "draws": ("SEL_ptl", 3 * k)}
    if half is not None:
        wanted |= {"gumbel": (f"SEL@gumbel_top_k:{k}", 3), "half": half}
    wanted |= {"renormalised": (f"RENORM@top_k_only:{k}", 3), "frequencies": frequencies}
    assert asked == [(*pair, "exact", 1, 4) for pair in wanted.values()]
    assert found["storage"].tolist() == list(wanted)
    assert found["best"].all()
    assert found["visits"].tolist() == [3] * len(wanted)
    names = dict(zip(found["storage"], found["learner"], strict=True))
    assert names["draws"] == f"SEL@sampled:{k}"
    if half is not None:
        assert names["half"] == f"exact on {(k + 1) // 2} listed and {k // 2} drawn"


def test_errors_of_storages_are_added_up(monkeypatch):
    # Oracle: definition: bounds add up, errors of simulations as the root of squares; an input of no mass costs nothing
    parts = iter(
        [
            Estimate(0.5, 0.1, "one", proved=True),
            Estimate(0.25, 0.3, choosing._MONTE_CARLO, proved=False),
            Estimate(1.0, 0.4, choosing._MONTE_CARLO, proved=False),
            Estimate(0.5, 0.2, "one", proved=True),
        ]
    )
    monkeypatch.setattr(choosing, "_cost", lambda *_: next(parts))
    rho = [0.5, 0.125, 0.25, 0.0, 0.125]
    found = kt.best_storage(kt.Problem(rho, np.full((5, 2), 0.5)), 1, 1, storages="list").iloc[0]
    assert found["risk"] == 0.5 * 0.5 + 0.125 * 0.25 + 0.25 * 1.0 + 0.125 * 0.5
    assert found["error"] == pytest.approx(
        0.5 * 0.1 + 0.125 * 0.2 + math.hypot(0.125 * 0.3, 0.25 * 0.4), rel=1e-14, abs=0
    )
    assert found["route"] == f"one + {choosing._MONTE_CARLO}"
    assert found["plug_in"] == 0.0


@pytest.mark.parametrize(
    ("learner", "method", "inputs", "reach", "repeats"),
    [
        ("SEL_ptl", "auto", 8, True, None),
        ("SEL_ptl", "auto", 9, True, 400),
        ("SEL_ptl", "auto", 8, False, 4000),
        ("SEL_ptl", "montecarlo", 1, True, 4000),
        ("SEL_ptl", "exact", 9, True, None),
        ("SEL@top_k:2", "montecarlo", 9, True, 400),
        ("SEL@top_k_only:2", "montecarlo", 9, True, None),
        ("CE_sgl", "montecarlo", 9, True, None),
        ("SEL@gumbel_top_k:2", "montecarlo", 9, True, 400),
        ("SEL@gumbel_top_k:2", "montecarlo", 1, True, 4000),
    ],
)
def test_which_costs_are_simulated(learner, method, inputs, reach, repeats, monkeypatch):
    # Oracle: definition: draws alone, of many inputs or out of reach, with ten times the repeats of few inputs
    asked = []

    def exact(row, learner, n, patient):
        assert patient == (method == "exact")
        if not reach:
            raise OutOfReach("far")
        return "exact"

    def simulate(row, learner, n, reps, seed, control):
        asked.append((reps, seed, control))
        return SimpleNamespace(iloc=[{"mean": 0.5, "mcse": 0.25}])

    monkeypatch.setattr(choosing, "exact_risk", exact)
    monkeypatch.setattr(choosing, "simulate", simulate)
    found = choosing._cost(None, learner, 5, method, inputs, 3)
    if repeats is None:
        assert (found, asked) == ("exact", [])
    else:
        assert asked == [(repeats, 3, True)]
        assert (found.value, found.error, found.route, found.proved) == (0.5, 0.25, choosing._MONTE_CARLO, False)
    monkeypatch.setattr(choosing, "exact_risk", lambda *_, **__: (_ for _ in ()).throw(OutOfReach("far")))
    with pytest.raises(OutOfReach):
        choosing._cost(None, learner, 5, "exact", inputs, 3)


@pytest.mark.parametrize(("n", "repeats"), [(4, 400), (5, 400), (6, 333), (50, 40), (49, 40), (10**6, 40)])
def test_repeats_of_draws_without_replacement(n, repeats, monkeypatch):
    # Oracle: definition: two thousand visits in all, 40 repeats at least, 400 at most
    asked = []

    def simulate(row, learner, n, reps, seed, control):
        asked.append(reps)
        return SimpleNamespace(iloc=[{"mean": 0.5, "mcse": 0.25}])

    monkeypatch.setattr(choosing, "simulate", simulate)
    choosing._cost(None, "SEL@gumbel_top_k:2", n, "montecarlo", 9, 0)
    assert asked == [repeats]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"numbers": 0}, "numbers is 0: it must be at least 1"),
        ({"visits": [1, 0]}, "visits[1] is 0: it must be at least 1"),
        ({"visits": [1, 1]}, "visits is [1, 1]: it must name no number twice"),
        (
            {"numbers": 10**6, "visits": 10**6 + 1},
            "numbers * visits is 1000001000000: at most 1e+12 labels of an input are",
        ),
        ({"storages": 3}, "storages is 3: it must be a list of list, draws, gumbel, half, renormalised, frequencies"),
        (
            {"storages": ["x"]},
            "storages is 'x': it must be one of list, draws, gumbel, half, renormalised, frequencies",
        ),
        (
            {"storages": ["half", "gumbel"]},
            "storages is ['half', 'gumbel']: one number is a list, or a draw; name one of",
        ),
        ({"method": "x"}, "method is 'x': it must be one of auto, exact, montecarlo"),
        ({"seed": -1}, "seed is -1: it must be at least 0"),
        ({"progress": 1}, "progress is 1: it must be True or False"),
    ],
)
def test_what_no_storage_is(given, said):
    # Oracle: definition, one sentence
    assert sentence_of(kt.best_storage, **{"teacher": [0.5, 0.5], "numbers": 1, "visits": 1} | given).startswith(said)


def test_the_most_labels_that_are_drawn():
    # Oracle: definition: 1e12 labels themselves are
    assert len(kt.best_storage([0.5, 0.5], 10**6, 10**6, storages=["list"])) == 1
    assert choosing._kept(("half", "list"), 2) == ["list", "half"]


def test_a_log_as_a_teacher():
    # Oracle: enumeration by hand: an input that is told whole, one in part, one that is not visited
    revealed = [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]
    data = kt.TransferSet.from_counts([[2, 1, 0], [1, 0, 0], [0, 0, 0]], revealed, "partial", states=["x", "y", "z"])
    found = kt.storage.plug_in(data)
    assert (found.share, found.partly) == (0.25 * 0.5, 1)
    assert found.problem.rho.tolist() == [0.75, 0.25]
    assert found.problem.teacher.tolist() == [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25]]
    assert found.problem.states == ("x", "y")
    hard = kt.storage.plug_in(kt.TransferSet.from_counts([[2, 1], [0, 4]]))
    assert (hard.share, hard.partly) == (1.0, 2)
    assert hard.problem.teacher.tolist() == [[2 / 3, 1 / 3], [0.0, 1.0]]
    for off, partly in ((0.9e-6, 0), (1.1e-6, 1)):
        near = kt.TransferSet.from_records({"s": ["x"], "a": ["a"], "p": [1 - off]}, actions=["a", "b"])
        assert kt.storage.plug_in(near).partly == partly
    none = kt.TransferSet.from_counts([[0, 0]])
    assert sentence_of(kt.storage.plug_in, none) == "the log has no visit: there is no row to store"


# --- Teachers that a pilot leaves possible ----------------------------------------------------------------


def test_the_grid_of_concentrations():
    # Oracle: definition: from 1/100 to 10 A in equal ratios; laws normal in log c, each deviation a quarter as likely
    grid = worlds._grid(7)
    assert (grid[0], grid[-1]) == (pytest.approx(0.01, rel=1e-12, abs=0), pytest.approx(70.0, rel=1e-12, abs=0))
    ratios = grid[1:] / grid[:-1]
    assert ratios == pytest.approx(np.full(42, 7000 ** (1 / 42)), rel=1e-12, abs=0)
    laws, odds = worlds._laws(grid)
    assert laws.shape == (5 * 43, 43)
    number = 0
    for i, spread in enumerate((0.1, 0.5, 1.0, 2.0, 4.0)):
        for mean in grid.tolist():
            weights = [math.exp(-(math.log(c / mean) ** 2) / (2 * spread**2)) for c in grid.tolist()]
            assert laws[number] == pytest.approx(np.array(weights) / math.fsum(weights), rel=1e-9, abs=1e-300)
            assert odds[number] == 0.25**i
            number += 1


def test_the_posterior_of_laws_of_concentrations(monkeypatch):
    # Oracle: definition by hand: Dirichlet and multinomial likelihoods from log-gamma, input by input
    pilot = kt.TransferSet.from_counts([[3, 0, 1], [0, 2, 0], [0, 0, 0]])
    for block in (1, 2, 10_000):
        monkeypatch.setattr(worlds, "INPUTS_AT_ONCE", block)
        given = worlds.Worlds(pilot)
        assert (given.S, given.A) == (3, 3)
        laws, odds = worlds._laws(given.concentrations)
        logs = np.log(odds)
        for s, counts in enumerate(([3, 1], [2], [])):
            likely = [
                math.lgamma(c)
                - math.lgamma(c + sum(counts))
                + math.fsum(math.lgamma(n + c / 3) - math.lgamma(c / 3) for n in counts)
                for c in given.concentrations.tolist()
            ]
            likely = np.exp(np.array(likely) - max(likely))
            assert given._likelihoods[s] == pytest.approx(likely, rel=1e-10, abs=0)
            logs = logs + np.log(laws @ likely)
            wanted = laws[[4, 9]] * likely
            wanted /= wanted.sum(axis=1, keepdims=True)
            assert given.odds(s, np.array([4, 9])) == pytest.approx(wanted, rel=1e-10, abs=0)
        wanted = np.exp(logs - logs.max())
        assert given._law_odds == pytest.approx(wanted / wanted.sum(), rel=1e-9, abs=0)


def test_numbers_that_are_drawn_by_their_odds():
    # Oracle: enumeration: a uniform u gives the first number whose cumulative odds exceed u times their sum
    uniform = SimpleNamespace(random=lambda shape: np.array([[0.0], [0.24], [0.25], [0.76], [0.999]]))
    odds = np.tile([2.0, 0.0, 4.0, 2.0], (5, 1))
    assert worlds.drawn(odds, uniform).tolist() == [0, 0, 2, 3, 3]


def test_shares_of_labels_that_are_not_named():
    # Oracle: definition: as many labels as have a noticeable mass, in all what is left
    rng = np.random.default_rng(3)
    assert worlds._shares(0, 1.0, 0.5, rng).size == 0
    assert worlds._shares(5, 1.0, 0.0, rng).size == 0
    assert worlds._shares(1, 1.0, 0.5, rng).tolist() == [0.5]
    assert worlds._shares(5, 1.0, 1e-5, rng).tolist() == [1e-5]
    for others, alpha in ((2, 0.5), (5, 1.0), (64, 3.0), (65, 3.0), (66, 3.0), (1000, 0.01)):
        shares = worlds._shares(others, alpha, 0.5, rng)
        assert 1 <= shares.size <= others
        assert shares.sum() == pytest.approx(0.5, rel=1e-12, abs=0)
        assert (shares >= 0).all()
        left = 0.5 - np.cumsum(shares)
        assert (left[:-2] > 1e-5 - 1e-12).all()
        assert shares.size == others or shares[-1] <= 1e-5 + 1e-12
    for named, size, A in (([1, 3], 3, 5), ([], 4, 100), ([7, 8, 9], 2, 76), ([7, 8, 9], 2, 75), ([2], 0, 9)):
        found = worlds._unnamed(np.array(named, dtype=int), size, A, rng)
        assert len(set(found.tolist())) == found.size == size
        assert not set(found.tolist()) & set(named)
        assert all(0 <= label < A for label in found.tolist())


def test_teachers_that_are_told(monkeypatch):
    # Oracle: definition: told probabilities are kept, what is left goes to the others; dense up to a limit
    pilot = kt.TransferSet.from_counts([[2, 1, 0, 0], [0, 0, 0, 0]], [[0.5, 0.25, 0.2, 0.05]] * 2, "partial")
    given = worlds.Worlds(pilot)
    drawn = given.draw(np.random.default_rng(1))
    assert drawn.teacher[0, :2] == pytest.approx([0.5, 0.25], rel=1e-12, abs=0)
    assert drawn.teacher.sum(axis=1) == pytest.approx([1.0, 1.0], rel=1e-12, abs=0)
    assert not drawn.sparse
    monkeypatch.setattr(worlds, "DENSE_UP_TO", 8)
    assert not given.draw(np.random.default_rng(1)).sparse
    monkeypatch.setattr(worlds, "DENSE_UP_TO", 7)
    sparse = given.draw(np.random.default_rng(1))
    assert sparse.sparse
    assert sparse.dense().teacher.tolist() == drawn.teacher.tolist()
    monkeypatch.setattr(worlds, "CELLS_MOST", sparse.pairs.stored)
    assert given.draw(np.random.default_rng(1)).sparse
    monkeypatch.setattr(worlds, "CELLS_MOST", sparse.pairs.stored - 1)
    said = (
        f"the pilot has 2 inputs and 4 labels, and leaves teachers possible of more than {sparse.pairs.stored - 1:.1e} "
    )
    assert sentence_of(given.draw, np.random.default_rng(1)).startswith(said)
    rounded = kt.TransferSet.from_records({"s": [0], "a": [0], "logp": [-0.69]}, actions=[0, 1], told_as="rounded:2")
    said = "pilot has protocol rounded:2: its probabilities are not told as they are; plan from its labels "
    assert sentence_of(worlds.Worlds, rounded) == f"{said}alone, as hard ones"


@pytest.mark.parametrize(
    ("top", "counts", "values", "known"),
    [
        (2, [1, 1], [0.5, 0.25], True),
        (2, [1, 1], [0.5, math.nan], False),
        (2, [1, 0], [0.5, math.nan], True),
        (2, [1, 1], [], False),
        (None, [1, 1], [0.5, math.nan], True),
    ],
)
def test_whether_all_that_was_drawn_is_told(top, counts, values, known):
    # Oracle: enumeration: every drawn label has a value, unless the protocol has no list
    pairs = SparseTable.of_keys(np.arange(2), np.array(counts), (1, 3), np.zeros(1))
    told = SparseTable.of_keys(np.arange(len(values)), np.array(values, dtype=float), (1, 3), np.full(1, math.nan))
    assert worlds._known(SimpleNamespace(protocol=SimpleNamespace(top=top)), pairs, told) is known


def test_the_law_of_inputs_and_the_number_of_teachers(monkeypatch):
    # Oracle: definition: rho is Dir(visits + 1/2); 200 teachers of a pilot, fewer where they store much, 20 at least
    pilot = kt.TransferSet.from_counts([[30, 0], [0, 0]])
    given, rng = worlds.Worlds(pilot), np.random.default_rng(2)
    rho = np.array([given.draw(rng).rho[0] for _ in range(100)])
    mean, error = 30.5 / 31, math.sqrt(30.5 * 0.5 / 31**2 / 32 / 100)
    assert abs(rho.mean() - mean) < 4 * error
    made, most = [], []
    monkeypatch.setattr(promises, "least", lambda trials, *_: made.append((len(trials.teachers), trials.reps)) or 5)
    monkeypatch.setattr(promises, "cells_of", lambda teacher: teacher)
    kt.plan(pilot=pilot, target=0.1, protocols=["soft"])
    for limit in (2 * 25, 2 * 25 - 1, 10):
        monkeypatch.setattr(promises, "STORED_MOST", limit)
        kt.plan(pilot=pilot, target=0.1, protocols=["soft"])
        most.append(made[-1])
    kt.plan(kt.instance(0, 2, 2), target=0.1, protocols=["soft"])
    assert made[0] == (200, 10)
    assert most == [(26, 10), (25, 10), (20, 10)]
    assert made[-1] == (1, 1000)
