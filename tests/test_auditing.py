"""Audits of students: by samples that the teacher scores, and from the training records."""

from __future__ import annotations

import functools
import itertools
import json
import math
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import scipy.stats

import kt_theory as kt
from kt_theory import cli
from kt_theory.auditing import certificate
from kt_theory.auditing.certificate import clopper_pearson
from kt_theory.auditing.hard import HARD_LABELS
from tests import oracles

LEARNERS = {"partial": "SEL_ptl", "soft": "CE_ful"}


def tv(p: Any, q: Any) -> float:
    return 0.5 * float(np.abs(np.asarray(p) - np.asarray(q)).sum())


# --- Z: what one sample says ------------------------------------------------------------------------------


def moments(p: list[Fraction], q: list[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Means and second moments of Z from the teacher, the student, and both, label by label."""
    zero = Fraction(0)
    z_t = [max(zero, 1 - y / x) if x else zero for x, y in zip(p, q, strict=True)]
    z_s = [max(zero, 1 - x / y) if y else zero for x, y in zip(p, q, strict=True)]
    z_b = [abs(x - y) / (x + y) if x + y else zero for x, y in zip(p, q, strict=True)]
    mixed = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
    laws = [(p, z_t), (q, z_s), (mixed, z_b)]
    return (
        [sum((w * z for w, z in zip(law, zs, strict=True)), zero) for law, zs in laws],
        [sum((w * z * z for w, z in zip(law, zs, strict=True)), zero) for law, zs in laws],
    )


def test_the_mean_of_z_is_the_total_variation_and_both_sources_halve_its_second_moment():
    # Oracle: identity, in fractions: E Z = TV from each source; (M_t + M_s)/4 <= M_b <= (M_t + M_s)/2
    rng = np.random.default_rng(1)
    for _ in range(60):
        A = int(rng.integers(2, 6))
        p, q = (oracles.rational_law(rng, A, 16, zeros=True) for _ in range(2))
        distance = sum((abs(x - y) for x, y in zip(p, q, strict=True)), Fraction(0)) / 2
        means, (m_t, m_s, m_b) = moments(p, q)
        assert means == [distance] * 3
        assert (m_t + m_s) / 4 <= m_b <= (m_t + m_s) / 2


@pytest.mark.parametrize("sampled", ["teacher", "student", "both"])
def test_an_audit_of_all_labels_in_proportion_is_the_total_variation(sampled):
    # Oracle: identity, labels that come exactly as often as expected: the estimate is the total variation itself
    rng = np.random.default_rng(2)
    for _ in range(20):
        p, q = ([float(x) for x in oracles.rational_law(rng, 5, 16, zeros=True)] for _ in range(2))
        parts = []
        for source, law in (("teacher", p), ("student", q)):
            if sampled in (source, "both"):
                parts += [(x, y, int(16 * w), source) for x, y, w in zip(p, q, law, strict=True) if w]
        columns: dict[str, Any] = dict(
            zip(("p", "q", "count", "source"), map(list, zip(*parts, strict=True)), strict=True)
        )
        audit = kt.audit_student(columns, sampled=sampled)
        assert audit.tv == pytest.approx(tv(p, q), abs=1e-14)
        assert audit.acceptance == 1 - audit.tv
        assert audit.m == (32 if sampled == "both" else 16)
        z = {"teacher": lambda x, y: max(0, 1 - y / x), "student": lambda x, y: max(0, 1 - x / y)}
        both = [
            abs(x - y) / (x + y) if sampled == "both" else z[sampled](x, y) for x, y, c, _ in parts for _ in range(c)
        ]
        assert audit.standard_error == pytest.approx(np.std(both, ddof=1) / math.sqrt(len(both)), abs=1e-12)


def test_the_formula_of_the_other_source_is_seen():
    # Oracle: identity, planted: samples of the student in the formula of the teacher are off
    p, q = [0.5, 0.25, 0.25], [0.125, 0.125, 0.75]
    columns = {"p": p, "q": q, "count": [1, 1, 6]}
    assert kt.audit_student(columns, sampled="student").tv == pytest.approx(0.5, abs=1e-15)
    assert kt.audit_student(columns).tv == pytest.approx(1.25 / 8, abs=1e-15)


def test_a_student_that_is_a_function_gets_the_same_certificate():
    # Oracle: identity, the same probabilities from a table and from a function of features that has none
    rng = np.random.default_rng(3)
    features, weights = rng.normal(size=(40, 3)), rng.normal(size=(3, 6))

    def student(s: int, a: int) -> float:
        logits = features[s] @ weights
        return float(logits[a] - math.log(sum(math.exp(x) for x in logits)))

    table = np.array([[math.exp(student(s, a)) for a in range(6)] for s in range(40)])
    teacher = rng.dirichlet(np.ones(6), 40)
    s = rng.integers(40, size=500)
    a = np.array([rng.choice(6, p=teacher[i]) for i in s])
    by_table = kt.audit_student({"s": s, "a": a, "p": teacher[s, a], "q": table[s, a]})
    by_function = kt.audit_student(
        {"logp": np.log(teacher[s, a]), "logq": [student(i, j) for i, j in zip(s, a, strict=True)]}
    )
    assert by_table.tv == pytest.approx(by_function.tv, abs=1e-13)
    assert by_table.clopper_pearson == by_function.clopper_pearson
    assert by_table.bernstein == pytest.approx(by_function.bernstein, abs=1e-13)
    truth = np.mean([tv(x, y) for x, y in zip(teacher, table, strict=True)])
    assert abs(by_table.tv - truth) <= 4 * by_table.standard_error


def test_the_tokens_of_a_sequence_are_one_sample():
    # Oracle: identity, products of the tokens' probabilities
    tokens = {
        "sequence": ["x", "y", "x", "y", "z"],
        "p": [0.5, 0.25, 0.5, 0.5, 0.125],
        "q": [0.25, 0.5, 0.5, 0.25, 0.25],
        "source": ["teacher", "student", "teacher", "student", "student"],
    }
    whole = {"p": [0.25, 0.125, 0.125], "q": [0.125, 0.125, 0.25]}
    one = kt.audit_student({k: v for k, v in tokens.items() if k != "source"})
    assert (one.tv, one.m) == (pytest.approx(kt.audit_student(whole).tv, abs=1e-15), 3)
    long = {"sequence": np.repeat([0, 1], 5000), "logp": np.full(10_000, -1.0), "logq": np.full(10_000, -1.0001)}
    assert kt.audit_student(long).tv == pytest.approx(-math.expm1(-0.5), abs=1e-11)  # e^-5000 is no float64
    with pytest.raises(ValueError, match="1 samples come from the teacher and 2 from the student"):
        kt.audit_student(tokens, sampled="both")
    with pytest.raises(ValueError, match="the sequence 'x' has tokens of both sources"):
        kt.audit_student(tokens | {"source": ["teacher", "student", "student", "student", "student"]}, sampled="both")


# --- Intervals --------------------------------------------------------------------------------------------


def test_clopper_pearson_is_scipys():
    # Oracle: second algorithm, scipy.stats.binomtest
    for m, delta in itertools.product((1, 2, 7, 20), (0.01, 0.4)):
        for k in range(m + 1):
            theirs = scipy.stats.binomtest(k, m).proportion_ci(1 - delta, "exact")
            assert clopper_pearson(k, m, delta) == pytest.approx(tuple(theirs), abs=1e-12)


def missed_below(m: int, first: float, second: float, delta: float, alike: bool) -> float:
    """The probability that the interval lies above the mean of m/2 coins of one and m/2 of another probability."""
    laws = [scipy.stats.binom.pmf(np.arange(m // 2 + 1), m // 2, x) for x in (first, second)]
    return float(np.convolve(*laws)[lower_limits(m, delta, alike) > (first + second) / 2].sum())


@functools.lru_cache
def lower_limits(m: int, delta: float, alike: bool) -> np.ndarray:
    return np.array([clopper_pearson(k, m, delta, alike=alike)[0] for k in range(m + 1)])


def test_clopper_pearson_holds_for_coins_of_two_probabilities():
    # Oracle: enumeration of all numbers of rejections, half of the coins of each probability
    delta = 0.05
    for m in (2, 4, 10, 40):
        grid = np.linspace(0, 1, 17)
        for first, second in itertools.product(grid, grid):
            assert missed_below(m, first, second, delta, alike=False) <= delta / 2 + 1e-12
    # Planted: the usual limit, at the one place where it fails: one rejection, all of one source.
    edge = clopper_pearson(1, 2, delta)[0] * (1 - 1e-9)
    assert missed_below(2, 2 * edge, 0.0, delta, alike=True) > delta / 2 * 1.005
    assert missed_below(2, 2 * edge, 0.0, delta, alike=False) <= delta / 2
    for m in (2, 5):  # the upper limit is the lower one of what was not rejected
        for k in range(m + 1):
            low, high = clopper_pearson(k, m, delta, alike=False)
            assert clopper_pearson(m - k, m, delta, alike=False) == pytest.approx((1 - high, 1 - low), abs=1e-14)


def test_the_minimax_estimate_has_its_error_everywhere():
    # Oracle: enumeration, coins of every bias: the mean square error is 1/(4 (1 + sqrt m)^2) whatever the bias
    for m in (1, 4, 9):
        for t in np.linspace(0, 1, 11):
            errors = []
            for k in range(m + 1):
                samples = {"p": [1.0] * m, "q": [0.0] * k + [1.0] * (m - k)}  # Z = 1 k times
                audit = kt.audit_student(samples)
                assert audit.rejections == k
                errors.append((audit.minimax - t) ** 2)
            mean = float(scipy.stats.binom.pmf(np.arange(m + 1), m, t) @ errors)
            assert mean == pytest.approx(1 / (4 * (1 + math.sqrt(m)) ** 2), rel=1e-12, abs=0)
            assert mean == pytest.approx(audit.rmse**2, rel=1e-12, abs=0)


def test_the_bernstein_interval_is_maurers_and_pontils():
    # Oracle: published, Maurer and Pontil (2009), theorem 11, with delta/2 on either side; written out by hand
    z = [0.5, 0.0, 0.25, 0.75] * 100
    audit = kt.audit_student({"p": [1.0] * 400, "q": [1 - x for x in z]}, delta=0.1)
    variance = np.var(z, ddof=1)
    reach = math.sqrt(2 * variance * math.log(40) / 400) + 7 * math.log(40) / (3 * 399)
    assert audit.bernstein == pytest.approx((0.375 - reach, 0.375 + reach), abs=1e-12)
    # Planted: one side only, another constant beside the variance, and beside 1/m.
    for two, sides, seven in ((2, 2, 7), (1, 4, 7), (2, 4, 9)):
        log = math.log(sides / 0.1)
        wrong = math.sqrt(two * variance * log / 400) + seven * log / (3 * 399)
        assert audit.bernstein != pytest.approx((0.375 - wrong, 0.375 + wrong), abs=1e-4)
    assert kt.audit_student({"p": [0.5], "q": [0.25]}).bernstein == (0.0, 1.0)


def coverage(sampled: str, zipf: float, error: float, m: int, runs: int, seed: int, delta: float = 0.05) -> list[float]:
    """How often each interval held, for a teacher of Zipf rows and a student that is off by `error`."""
    rng = np.random.default_rng(seed)
    S, A = 20, 30
    teacher = np.stack([rng.permutation(np.arange(1, A + 1.0) ** -zipf) for _ in range(S)])
    teacher /= teacher.sum(axis=1, keepdims=True)
    student = teacher * np.exp(error * rng.normal(size=(S, A)))
    student /= student.sum(axis=1, keepdims=True)
    truth = np.mean([tv(x, y) for x, y in zip(teacher, student, strict=True)])
    held = np.zeros(2)
    cumulative = {"teacher": teacher.cumsum(axis=1), "student": student.cumsum(axis=1)}
    for run in range(runs):
        s = rng.integers(S, size=m)
        sources = np.where(np.arange(m) % 2 == 0, "teacher", "student") if sampled == "both" else np.full(m, sampled)
        u = rng.random(m)
        a = np.empty(m, dtype=int)
        for source in set(sources.tolist()):
            mine = sources == source
            a[mine] = (u[mine, None] > cumulative[source][s[mine]]).sum(axis=1)
        a = np.minimum(a, A - 1)
        columns = {"p": teacher[s, a], "q": student[s, a], "source": sources}
        audit = kt.audit_student(columns, sampled=sampled, seed=run, delta=delta)
        for i, (low, high) in enumerate((audit.clopper_pearson, audit.bernstein)):
            held[i] += low <= truth <= high
    return (held / runs).tolist()


def held_often_enough(shares: list[float], runs: int, delta: float = 0.05) -> bool:
    return min(shares) >= 1 - delta - 3 * math.sqrt(delta * (1 - delta) / runs)


#: Sampled from, exponent of the rows, error of the student, samples.
SETTINGS = [
    ("teacher", 1.0, 1.0, 50), ("teacher", 2.0, 0.1, 500), ("teacher", 0.0, 0.3, 200), ("student", 1.0, 1.0, 50),
    ("student", 1.5, 0.5, 400), ("both", 1.0, 1.0, 50), ("both", 1.5, 0.02, 300), ("both", 0.0, 2.0, 100),
]  # fmt: skip


def test_intervals_cover_in_a_few_runs():
    # Oracle: identity, the stated level less three binomial errors
    for i, (sampled, zipf, error, m) in enumerate([SETTINGS[0], SETTINGS[4], SETTINGS[5]]):
        assert held_often_enough(coverage(sampled, zipf, error, m, 150, seed=i), 150)
    # Planted: intervals at half of their confidence.
    assert not held_often_enough([coverage("teacher", 1.0, 1.0, 200, 150, seed=9, delta=0.45)[0]], 150)


def share_held(seed: int, runs: int) -> float:
    """How often Clopper and Pearson's interval held for a coin and a biased one, all audits of one seed."""
    rng = np.random.default_rng(8)
    p, q, held = np.array([0.5, 0.5]), np.array([0.4, 0.6]), 0
    for _ in range(runs):
        a = rng.integers(2, size=100)
        low, high = kt.audit_student({"p": p[a], "q": q[a]}, seed=seed).clopper_pearson
        held += low <= tv(p, q) <= high
    return held / runs


def test_intervals_of_one_seed_cover(monkeypatch):
    # Oracle: identity, the stated level less three binomial errors, where nobody names a seed
    assert held_often_enough([share_held(0, 400)], 400)
    # Planted: the same coins for all audits of a seed, of which one in some dozens has them on one side.
    monkeypatch.setattr(certificate, "_coins", lambda seed, z, times: np.random.default_rng(seed))
    assert not all(held_often_enough([share_held(seed, 50)], 50) for seed in range(60))


def test_the_coverage_that_the_guide_quotes():
    # Oracle: identity, the table of the committed figure; the stated level less three binomial errors
    root = Path(__file__).parents[1]
    table = pd.read_csv(root / "figures" / "audit.csv")
    guide = (root / "docs" / "auditing.md").read_text(encoding="utf-8")
    runs = int(table["runs"].iloc[0])
    least, most = (math.floor(100 * table[name].min()) for name in ("clopper_pearson", "bernstein"))
    said = f"{len(table)} settings, {runs} audits each, the intervals of 95 % held in {least} % at the least"
    assert said in " ".join(guide.split())
    assert f"in {most} % (Bernstein)" in guide
    assert held_often_enough([table["clopper_pearson"].min(), table["bernstein"].min()], runs)


@pytest.mark.slow
def test_intervals_cover(capsys):
    # Oracle: identity, the stated level less three binomial errors, 2,000 runs in 8 settings
    for i, setting in enumerate(SETTINGS):
        shares = coverage(*setting, runs=2000, seed=100 + i)
        with capsys.disabled():
            print(f"{setting}: Clopper-Pearson {shares[0]:.4f}, Bernstein {shares[1]:.4f}")
        assert held_often_enough(shares, 2000)


# --- The training records ---------------------------------------------------------------------------------


def literal(table: Any, teacher: Any, init: Any, protocol: str) -> Fraction:
    """The leave-one-out estimate record by record, in fractions: each record is left out and the student made anew."""
    total, n = Fraction(0), 0
    for s, row in enumerate(table):
        for a, count in enumerate(row):
            n += count
            if count:
                left = [c - (b == a) for b, c in enumerate(row)]
                q = oracles.student_rows(left, teacher[s], init[s])[LEARNERS[protocol]]
                if protocol == "soft":
                    total += count * sum((abs(x - y) for x, y in zip(q, teacher[s], strict=True)), Fraction(0)) / 2
                else:
                    total += count * max(Fraction(0), 1 - q[a] / teacher[s][a])
    return total / n


def small_problem(i: int) -> tuple[list[Fraction], list[list[Fraction]], list[list[Fraction]] | None, int]:
    rng = np.random.default_rng(i)
    S, A, n = (1, 4, 4) if i % 3 == 0 else (2, 3, 3)
    rho = oracles.rational_law(rng, S, 8)
    teacher = [oracles.rational_law(rng, A, 16, zeros=i % 2 == 0) for _ in range(S)]
    init = [oracles.rational_law(rng, A, 8, zeros=i % 4 == 0) for _ in range(S)] if i % 2 else None
    return rho, teacher, init, n


@pytest.mark.parametrize("protocol", LEARNERS)
@pytest.mark.parametrize("i", range(10))
def test_the_self_audit_is_unbiased(i, protocol):
    # Oracle: enumeration in fractions, every count table: the mean is the exact risk of the student from n - 1 records
    rho, teacher, init, n = small_problem(i)
    S, A = len(rho), len(teacher[0])
    start = init or [[Fraction(1, A)] * A] * S
    cells = [(s, a) for s in range(S) for a in range(A) if teacher[s][a]]
    mean = Fraction(0)
    for draws in itertools.combinations_with_replacement(range(len(cells)), n):
        table = [[0] * A for _ in range(S)]
        weight = Fraction(math.factorial(n))
        for cell in draws:
            s, a = cells[cell]
            table[s][a] += 1
            weight *= rho[s] * teacher[s][a]
        for count in itertools.chain(*table):
            weight /= math.factorial(count)
        estimate = literal(table, teacher, start, protocol)
        data = kt.TransferSet.from_counts(table, np.array(teacher, dtype=float), protocol)
        found = kt.self_audit(data, None if init is None else np.array(init, dtype=float))
        assert found.risk == pytest.approx(float(estimate), abs=1e-13)
        mean += weight * estimate
    risks = oracles.enumerate_risks(rho, teacher, n - 1, init)
    assert mean == risks[LEARNERS[protocol]]
    if mean > 0:  # planted: the wrong n is seen
        assert mean != oracles.enumerate_risks(rho, teacher, n, init)[LEARNERS[protocol]]


def refitted(data: Any, teacher: np.ndarray, init: Any, times: int) -> np.ndarray:
    """Z of the pairs (at the soft level, of the inputs) seen so often, by fitting the student without their records."""
    found = []
    counts = data.counts
    soft = data.protocol.name == "soft"
    places = [(s, None) for s in np.flatnonzero(data.visits == times)] if soft else np.argwhere(counts == times)
    for s, a in places:
        less = counts.copy()
        if a is None:
            less[s] = 0
        else:
            less[s, a] = 0
        student = kt.fit(kt.TransferSet.from_counts(less, teacher, data.protocol), LEARNERS[data.protocol.name], init)
        found.append(tv(student[s], teacher[s]) if a is None else max(0.0, 1 - student[s, a] / teacher[s, a]))
    return np.array(found)


@pytest.mark.parametrize("start", ["uniform", "table", "zeros"])
@pytest.mark.parametrize("protocol", LEARNERS)
def test_the_self_audit_is_that_of_students_fitted_anew_dense_and_sparse(protocol, start):
    # Oracle: second algorithm, kt.fit on the records without those left out
    rng = np.random.default_rng(5)
    S, A = 6, 9
    teacher = rng.dirichlet(np.full(A, 0.4), S)
    teacher[0, :5] = 0
    teacher[0] /= teacher[0].sum()
    counts = np.stack([rng.multinomial(k, row) for k, row in zip((40, 6, 2, 1, 0, 3), teacher, strict=True)])
    init = None if start == "uniform" else rng.dirichlet(np.ones(A), S)
    if init is not None and start == "zeros":
        init[:, ::2] = 0
        init /= init.sum(axis=1, keepdims=True)
    dense = kt.TransferSet.from_counts(counts, teacher, protocol)
    sparse = kt.TransferSet.from_counts(scipy.sparse.coo_array(counts), scipy.sparse.coo_array(teacher), protocol)
    assert sparse.sparse
    once, twice = (refitted(dense, teacher, init, times) for times in (1, 2))
    assert once.size
    assert twice.size
    for data in (dense, sparse):
        audit = kt.self_audit(data, init)
        assert audit.risk == pytest.approx(once.sum() / dense.n, abs=1e-13)
        assert audit.standard_error == pytest.approx(math.sqrt(once @ once + 2 * twice @ twice) / dense.n, abs=1e-13)
        if init is not None:
            assert kt.self_audit(data, scipy.sparse.coo_array(init)) == audit


def test_the_self_audit_of_sequences_reads_log_probabilities():
    # Oracle: identity, p = e^-5000 is no float64: M_s / p is infinite, and a label that has no rival is worth 1 - 1/2
    records = {"s": ["x", "y", "y"], "a": ["r", "r", "t"], "logp": [-5000.0, -1e-9, -800.0]}
    data = kt.TransferSet.from_records(records, tolerance=1e-6, other="<other>")
    audit = kt.self_audit(data)
    # x: never visited without its record, q = 1/3 > p; y, r: q = 1/2 of all but t; y, t: M = 1e-9 is far above p.
    assert audit.risk == pytest.approx(0.5 / 3, abs=1e-8)


def error_bars_hold(problem: kt.Problem, n: int, protocol: str, runs: int, seed: int) -> float:
    """How often the risk of the student in hand lay within 1.96 standard errors of its self-audit."""
    held = 0
    for run in range(runs):
        data = kt.draw(problem, protocol, n, seed=seed + run)
        audit = kt.self_audit(data)
        risk = kt.tv_risk(kt.fit(data, audit.learner), problem)
        held += abs(audit.risk - risk) <= 1.96 * audit.standard_error
    return held / runs


def uniform_inputs(S: int, row: np.ndarray) -> kt.Problem:
    return kt.Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))


def error_bar_settings() -> list[tuple[str, kt.Problem, int, str]]:
    zipf = np.arange(1, 201.0) ** -1.2
    return [
        ("least favourable, S=10", kt.minimax_risk("partial", 10, 20, 1000).instance, 1000, "partial"),
        ("least favourable, S=1", kt.minimax_risk("partial", 1, 100, 500).instance, 500, "partial"),
        ("Zipf rows", uniform_inputs(5, zipf / zipf.sum()), 1000, "partial"),
        ("Zipf rows, many", uniform_inputs(100, zipf / zipf.sum()), 5000, "partial"),
        ("Zipf inputs", kt.zipf_problem(200, 20, 1, exponent=1.0), 2000, "partial"),
        ("Dirichlet", kt.dirichlet_problem(20, 30, 2), 2000, "partial"),
        ("Zipf inputs, soft", kt.zipf_problem(500, 5, 1, exponent=1.0), 1000, "soft"),
        ("least favourable, soft", kt.minimax_risk("soft", 50, 10, 200).instance, 200, "soft"),
    ]


def test_the_error_bar_of_the_self_audit_holds_in_a_few_runs():
    # Oracle: simulation, coverage of +-1.96 standard errors between .92 and .99, less three binomial errors
    problem = kt.zipf_problem(40, 20, 1)
    share = error_bars_hold(problem, 400, "partial", 120, 0)
    assert 0.92 - 3 * math.sqrt(0.92 * 0.08 / 120) <= share
    # Planted: a third of the error bar.
    held = 0
    for run in range(60):
        data = kt.draw(problem, "partial", 400, seed=run)
        audit = kt.self_audit(data)
        held += abs(audit.risk - kt.tv_risk(kt.fit(data, "SEL_ptl"), problem)) <= 0.65 * audit.standard_error
    assert held / 60 < 0.92 - 3 * math.sqrt(0.92 * 0.08 / 60)


@pytest.mark.slow
def test_the_error_bar_of_the_self_audit_holds(capsys):
    # Oracle: simulation, coverage of +-1.96 standard errors between .92 and .99, 2,000 runs in 8 settings
    shares = {}
    for name, problem, n, protocol in error_bar_settings():
        shares[name] = error_bars_hold(problem, n, protocol, 2000, 10_000)
        with capsys.disabled():
            print(f"{name}: {shares[name]:.4f}")
    assert all(0.92 <= share <= 0.99 for share in shares.values()), shares


@pytest.mark.slow
def test_ten_million_records_are_audited_in_seconds():
    # Oracle: identity, the same row 4,000 times are one such row with all counts of n
    S, A = 4000, 250
    rng = np.random.default_rng(6)
    row = rng.dirichlet(np.full(A, 0.3))
    counts = np.tile(rng.multinomial(2500, row), (S, 1))
    data = kt.TransferSet.from_counts(
        scipy.sparse.coo_array(counts), scipy.sparse.coo_array(np.tile(row, (S, 1))), "partial"
    )
    start = time.process_time()
    audit = kt.self_audit(data)
    assert time.process_time() - start < 10
    assert audit.n == 10**7
    one = kt.self_audit(kt.TransferSet.from_counts(counts[:1], row[None], "partial"))
    assert audit.risk == pytest.approx(one.risk, rel=1e-12, abs=0)


# --- Hard labels, and other refusals ----------------------------------------------------------------------


def test_hard_labels_of_two_teachers_have_one_law():
    # Oracle: enumeration in fractions: the teacher q, and sure teachers drawn from q, given that no input recurs
    S, m = 3, 2
    q = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    same: dict[Any, Fraction] = {}
    sure: dict[Any, Fraction] = {}
    for s in itertools.permutations(range(S), m):
        for a in itertools.product(range(3), repeat=m):
            same[s, a] = math.prod((q[x] for x in a), start=Fraction(1))
    distance = Fraction(0)
    for rows in itertools.product(range(3), repeat=S):
        weight = math.prod((q[x] for x in rows), start=Fraction(1))
        distance += weight * sum((1 - q[x] for x in rows), Fraction(0)) / S
        for s in itertools.permutations(range(S), m):
            key = s, tuple(rows[i] for i in s)
            sure[key] = sure.get(key, Fraction(0)) + weight
    assert same == sure
    assert distance == 1 - sum((x * x for x in q), Fraction(0))


def test_hard_labels_are_refused_with_a_reason():
    # Oracle: identity, one sentence and no number
    for call in (
        lambda: kt.audit_student({"s": [0], "a": [1], "q": [0.5]}),
        lambda: kt.audit_student({"p": [None], "q": [0.5]}),
        lambda: kt.self_audit(kt.TransferSet.from_counts([[2, 1]])),
        lambda: kt.free_bound(kt.TransferSet.from_counts([[2, 1]]), [0]),
        lambda: kt.self_audit(kt.TransferSet.from_counts([[2, 1]], [[0.5, 0.5]], "top_k_label:1")),
    ):
        with pytest.raises(kt.Unsupported, match=r"hard labels certify nothing|answers for partial and soft labels"):
            call()
    with pytest.raises(kt.Unsupported, match="partial and soft labels, the transfer set has top_k:1 ones"):
        kt.self_audit(kt.TransferSet.from_counts([[2, 1]], [[0.5, 0.5]], "top_k:1"))


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"p": [0.5]}, {}, "no student probability column: name it q or"),
        ({"p": [0.5], "logp": [-1.0], "q": [0.5]}, {}, "both a probability and a log-probability column"),
        ({"p": [0.5, 0.0], "q": [0.5, 0.5]}, {}, "row 2: p is 0.0: a label of probability 0 is never sampled"),
        ({"p": [0.5, 0.1], "q": [0.5, 0.0]}, {"sampled": "student"}, "row 2: q is 0.0"),
        ({"p": [0.5, 1.5], "q": [0.5, 0.5]}, {}, "row 2: p is 1.5: a probability is a number in"),
        ({"p": [0.5], "logq": [0.7]}, {}, "row 1: logq is 0.7: a log-probability is at most 0"),
        ({"logp": [-9999.0], "q": [0.7]}, {}, "row 1: logp is -9999.0: this is no log-probability"),
        ({"p": [0.5, None], "q": [0.5, 0.5]}, {}, "row 2: p is empty"),
        ({"p": [], "q": []}, {}, "no rows"),
        ({"p": [0.5], "q": [0.5, 0.5]}, {}, "the columns differ in length: 1, 2"),
        ({"p": [0.5], "q": [0.5]}, {"sampled": "both"}, "no source column: name it source"),
        ({"p": [0.5], "q": [0.5], "source": ["human"]}, {"sampled": "both"}, "row 1: source is 'human'"),
        ({"p": [0.5], "q": [0.5], "source": ["student"]}, {}, "row 1: source is student, and the samples are said to"),
        ({"p": [0.5], "q": [0.5], "source": ["student"]}, {"sampled": "both"}, "0 samples come from the teacher and 1"),
        ({"p": [0.5], "q": [0.5], "count": [2], "sequence": [1]}, {}, "a sequence and a count column"),
        ({"p": [0.5], "q": [0.5], "count": [0]}, {}, "every count is 0"),
        ({"p": [0.5], "q": [0.5], "weight": [2]}, {}, "column weight is not understood"),
        ({"p": [0.5], "q": [0.5]}, {"delta": 0.5}, "delta is 0.5"),
        ({"p": [0.5], "q": [0.5]}, {"sampled": "me"}, "sampled is 'me': it must be one of teacher, student, both"),
    ],
)  # fmt: skip
def test_bad_samples_are_refused_in_one_sentence(columns, options, said):
    # Oracle: identity, the column, the row and the value
    with pytest.raises(ValueError, match=said):
        kt.audit_student(columns, **options)


# --- A bound without answers ------------------------------------------------------------------------------


def test_the_free_bound_is_above_the_risk_and_met_by_sure_rows():
    # Oracle: identity, the total variation of an input is below its own bound; equal where one label has all the rest
    rng = np.random.default_rng(7)
    for _ in range(20):
        teacher = rng.dirichlet(np.full(5, 0.3), 4)
        counts = np.stack([rng.multinomial(k, row) for k, row in zip((0, 1, 5, 30), teacher, strict=True)])
        data = kt.TransferSet.from_counts(counts, teacher, "partial", states=list("wxyz"))
        student = kt.fit(data, "SEL_ptl")
        for s, name in enumerate("wxyz"):
            assert tv(student[s], teacher[s]) <= kt.free_bound(data, [name]).mean + 1e-12
    sure = kt.TransferSet.from_counts([[3, 0, 0], [0, 0, 0]], [[0.5, 0.5, 0], [1, 0, 0]], "partial")
    for s, row in enumerate(([0.5, 0.5, 0], [1, 0, 0])):
        assert kt.free_bound(sure, [s]).mean == pytest.approx(tv(kt.fit(sure, "SEL_ptl")[s], row), abs=1e-15)
    full = kt.TransferSet.from_counts([[3, 1]], [[0.5, 0.5]], "partial")
    found = kt.free_bound(full, [0] * 200 + ["new"] * 200, delta=0.1)
    assert (found.mean, found.unvisited) == (0.25, 200)
    assert found.margin == pytest.approx(0.5 * math.sqrt(math.log(10) / 800), rel=1e-15, abs=0)
    assert found.bound == found.mean + found.margin
    # Planted: the range of Z is 1 and not 1 - 1/A; delta is of both sides.
    for wrong in (math.sqrt(math.log(10) / 800), 0.5 * math.sqrt(math.log(20) / 800)):
        assert found.margin != pytest.approx(wrong, rel=1e-3, abs=0)
    soft = kt.TransferSet.from_counts([[1, 0], [0, 0]], [[0.5, 0.5], [0.1, 0.9]], "soft")
    assert [kt.free_bound(soft, [s]).mean for s in (0, 1)] == [0.0, 0.5]


# --- The command ------------------------------------------------------------------------------------------


def test_the_command_prints_what_the_function_finds(tmp_path, monkeypatch, capsys):
    # Oracle: identity, kt.audit_student
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("s,a,p,logq\nx,r,0.5,-1.5\nx,t,0.25,-inf\n\ny,r,0.125,-0.25\n", encoding="utf-8")
    assert cli.main(["audit-student", "a.csv", "--json", "--delta", "0.01", "--seed", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    audit = kt.audit_student({"p": [0.5, 0.25, 0.125], "logq": [-1.5, -math.inf, -0.25]}, delta=0.01, seed=3)
    assert found == {
        **{name: getattr(audit, name) for name in ("m", "sampled", "tv", "standard_error", "rejections", "minimax")},
        **{name: list(getattr(audit, name)) for name in ("clopper_pearson", "bernstein")},
        **{name: getattr(audit, name) for name in ("rmse", "delta", "acceptance")},
    }
    assert audit.tv == pytest.approx((1 - math.exp(-1.5) / 0.5 + 1 + 0) / 3, abs=1e-15)
    assert cli.main(["audit-student", "a.csv"]) == 0
    said = capsys.readouterr().out
    audit = kt.audit_student({"p": [0.5, 0.25, 0.125], "logq": [-1.5, -math.inf, -0.25]})
    assert said.splitlines() == [
        "3 samples, drawn by the teacher",
        "total variation     0.517913, standard error 0.29",
        "acceptance rate     0.482087 of speculative decoding",
        *(
            f"95 % interval, {name}: total variation {low:.6g} to {high:.6g}, acceptance rate {1 - high:.6g} to "
            f"{1 - low:.6g}"
            for name, (low, high) in (("Bernstein", audit.bernstein), ("Clopper-Pearson", audit.clopper_pearson))
        ),
        f"minimax estimate    {audit.minimax:.6g}, root mean square error at most {audit.rmse:.4g} for every student",
    ]
    Path("b.csv").write_text("p,q\n0.5,0.5\n\n0,0.5\n", encoding="utf-8")
    assert cli.main(["audit-student", "b.csv"]) == 2
    assert "b.csv: line 4: p is 0.0" in capsys.readouterr().err.replace("p is 0:", "p is 0.0:")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("q", HARD_LABELS),
        ("Student_LogP", HARD_LABELS),
        ("logp", "the table has no student probability column: name it q or student_p"),
        ("q;p", "its only column is 'q;p': a table needs two or more, separated by commas"),
    ],
)
def test_a_file_with_a_single_column_lacks_the_other_probability(column, words, tmp_path, capsys):
    # Oracle: none needed, the sentence that a table of more columns gets; a separator that is none gets its own
    path = tmp_path / "q.csv"
    path.write_text(f"{column}\n-0.5\n", encoding="utf-8")
    assert cli.main(["audit-student", str(path)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_the_figure_shows_intervals_that_hold_and_errors_of_the_table():
    # Oracle: second algorithm, standard deviations from the teacher's table; |z| <= 4, and three binomial errors
    figures = Path(kt.__file__).parents[1] / "figures"
    found, exact = pd.read_csv(figures / "audit.csv"), pd.read_csv(figures / "audit_exact.csv")
    both = found.merge(exact, on=["student", "sampled"])
    assert len(both) == 18
    z = (both["rmse"] ** 2 * both["m"] / both["sd"] ** 2 - 1) * np.sqrt(both["runs"] / 2)
    assert np.abs(z).max() <= 4
    assert (both["rmse"] <= 0.5 / (1 + np.sqrt(both["m"]))).all()
    for name in ("clopper_pearson", "bernstein"):
        assert held_often_enough(both[name].tolist(), int(both["runs"].min()))
