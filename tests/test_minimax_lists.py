"""Lists of the k most likely labels alone: the minimax risk, its floor, and the rule that attains it."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

import kt_theory as kt
from kt_theory.exact.risk import exact_risk
from kt_theory.minimax import lists

FLOORS = {(1, 100): 0.8181818182, (5, 1000): 0.8679170500, (20, 1000): 0.7522000289,
          (20, 50257): 0.9608827438, (100, 50257): 0.9145958764}  # fmt: skip


@pytest.mark.parametrize(("k", "A"), FLOORS)
def test_the_floor(k, A):
    # Oracle: fractions, the largest cost of all m, not of those that may be worst; published to ten digits
    best = max(Fraction(m - k, m) * (1 - Fraction(m - k, A - k)) for m in range(k + 1, A + 1))
    found = kt.minimax_risk(f"top_k_only:{k}", 1, A, 3)
    assert found.exact
    assert found.lower == pytest.approx(float(best), rel=1e-14, abs=0)
    assert found.lower == pytest.approx(FLOORS[k, A], abs=1e-9)


@pytest.mark.step("N28.2")
def test_the_floor_in_closed_form():
    # Oracle: fractions; equality where sqrt(kA) is whole, and only there
    for A in range(2, 40):
        for k in range(1, A):
            floor = lists.Rows(k, A, 5).floor
            bound = (math.sqrt(A) - math.sqrt(k)) / (math.sqrt(A) + math.sqrt(k))
            whole = math.isqrt(k * A) ** 2 == k * A
            assert (abs(floor - bound) < 1e-13) == whole, (k, A)
            assert floor < bound + 1e-13


@pytest.mark.parametrize(
    ("k", "S", "A", "n"), [(1, 1, 5, 0), (1, 2, 3, 1), (2, 4, 9, 3), (3, 10, 10, 40), (2, 3, 50, 7)]
)
def test_the_lower_end_is_the_risk_at_the_instance(k, S, A, n):
    # Oracle: second algorithm, the exact expected risk
    found = kt.minimax_risk(f"top_k_only:{k}", S, A, n)
    assert exact_risk(found.instance, found.student, n).value == pytest.approx(found.lower, rel=1e-12, abs=0)
    assert found.lower <= found.upper <= found.lower * 1.06


@pytest.mark.step("N28.1")
def test_no_teacher_is_worse_than_the_upper_end():
    # Oracle: search, exact risks of random teachers, of uniform rows with random masses, and a climb from the worst
    rng = np.random.default_rng(1)
    for k, S, A, n in ((1, 2, 4, 2), (2, 3, 6, 5), (1, 3, 5, 20)):
        upper = kt.minimax_risk(f"top_k_only:{k}", S, A, n)
        worst, at = 0.0, None
        for i in range(150):
            rho = rng.dirichlet(np.full(S, (0.3, 1.0, 5.0)[i % 3]))
            teacher = rng.dirichlet(np.full(A, 0.5), S)
            if i % 2:
                teacher = np.array([np.arange(A) < m for m in rng.integers(1, A + 1, S)], dtype=float)
                teacher /= teacher.sum(axis=1, keepdims=True)
            value = exact_risk(kt.Problem(rho, teacher), f"SEL@top_k_only:{k}", n).value
            worst, at = max((worst, at), (value, (rho, teacher)), key=lambda pair: pair[0])
        for _ in range(150):
            rho = np.abs(at[0] + 0.03 * rng.normal(size=S))
            value = exact_risk(kt.Problem(rho / rho.sum(), at[1]), f"SEL@top_k_only:{k}", n).value
            worst, at = max((worst, at), (value, (rho / rho.sum(), at[1])), key=lambda pair: pair[0])
        assert worst <= upper.upper * (1 + 1e-12)
        assert worst <= upper.lower * (1 + 1e-9)  # no better instance was found


def test_a_piece_that_is_off_is_seen(monkeypatch):
    # Oracle: as above; 1 - m/A becomes 1 - m/(A + 1)
    right = lists.Rows.__init__

    def planted(self, k, A, n):
        right(self, k, A, n)
        self.unvisited = 1 - self.m / (A + 1)

    monkeypatch.setattr(lists.Rows, "__init__", planted)
    with pytest.raises(AssertionError):
        test_the_lower_end_is_the_risk_at_the_instance(2, 4, 9, 3)


def test_a_list_of_all_labels_is_the_whole_row():
    # Oracle: identity
    for k in (3, 8):
        found, soft = kt.minimax_risk(f"top_k_only:{k}", 4, 3, 9), kt.minimax_risk("soft", 4, 3, 9)
        assert (found.lower, found.upper, found.protocol) == (soft.lower, soft.upper, f"top_k_only:{k}")
    for protocol in ("top_k_label:2", "top_k:2:but_last", "top_k_only:2:but_last"):
        with pytest.raises(kt.Unsupported, match="minimax_risk answers for"):
            kt.minimax_risk(protocol, 2, 3, 4)


def outcomes(protocol, p, visits):
    """What a student may see of one input with row p after so many visits, and how likely it is."""
    if not protocol.replacing:
        yield from outcomes_of_races(protocol, p, visits)
        return
    n = visits * protocol.draws if protocol.shows_label else 0
    for counts in itertools.product(range(n + 1), repeat=p.size):
        if sum(counts) != n or any(c and not x for c, x in zip(counts, p, strict=True)):
            continue
        likely = math.factorial(n) * math.prod(x**c / math.factorial(c) for c, x in zip(counts, p, strict=True))
        for chance, told in protocol.told_sets(p):
            revealed = protocol.reveal(np.array([counts]), np.array([visits]), p[None], told[None].astype(np.int8))
            yield counts, revealed[0], likely * chance


def outcomes_of_races(protocol, p, visits):
    """The same for draws without replacement, by every order of the labels of every visit."""
    used = np.flatnonzero(p)
    orders = list(itertools.permutations(used, min(protocol.draws, used.size)))
    seen = {}
    for several in itertools.product(orders, repeat=visits):
        likely, counts = 1.0, [0] * p.size
        for order in several:
            left = 1.0
            for a in order:
                likely, left = likely * p[a] / left, left - p[a]
                counts[a] += 1
        seen[tuple(counts)] = seen.get(tuple(counts), 0.0) + likely
    for counts, likely in seen.items():
        yield counts, protocol.reveal(np.array([counts]), np.array([visits]), p[None], None)[0], likely


def least_distance(rows, weights):
    """The minimum over laws q of sum weights TV(q, row), by a linear programme."""
    T, A = rows.shape
    cost = np.concatenate((np.zeros(A), np.repeat(weights / 2, A)))
    apart = np.hstack((np.tile(np.eye(A), (T, 1)), -np.eye(T * A)))
    other = np.hstack((-np.tile(np.eye(A), (T, 1)), -np.eye(T * A)))
    sums = np.concatenate((np.ones(A), np.zeros(T * A)))[None]
    found = linprog(cost, np.vstack((apart, other)), np.concatenate((rows.ravel(), -rows.ravel())), sums, [1.0])
    return found.fun


def bayes_and_rule(protocol, row, visits, told_by_index=False):
    """The Bayes risk under uniform relabellings of the row, and that of the package's learner of the protocol."""
    rows = np.array(sorted(set(itertools.permutations(row))))
    seen = {}
    for p in rows:
        for counts, revealed, likely in outcomes(protocol, p, visits):
            if told_by_index and np.flatnonzero(~np.isnan(revealed)).tolist() != sorted(
                np.argsort(-p, kind="stable")[: protocol.top].tolist()
            ):
                continue
            entry = seen.setdefault(
                (counts, tuple(np.round(np.nan_to_num(revealed, nan=-1.0), 12))), [revealed, [], []]
            )
            entry[1].append(p)
            entry[2].append((likely if not told_by_index else 1.0) / len(rows))
    bayes = rule = 0.0
    learner = kt.learners.sel_at(protocol)
    for (counts, _), (revealed, laws, weights) in seen.items():
        laws, weights = np.array(laws), np.array(weights)
        student = learner.fit(np.array([counts]), revealed[None], np.full((1, len(row)), 1 / len(row)))[0]
        rule += float(weights @ np.abs(laws - student).sum(axis=1)) / 2
        bayes += least_distance(laws, weights)
    return bayes, rule


PROTOCOLS = [
    "top_k_only:1", "top_k_only:2", "partial", "sampled:2", "sampled:3", "top_k:1", "gumbel_top_k:2", "top_p:0.55",
    "top_p:0.8", "threshold:0.2", "threshold:0.5",
]  # fmt: skip
#: Those of which another of the kind is tried on every change.
SIMILAR = ("top_k_only:1", "sampled:3", "top_p:0.55", "threshold:0.2")
ROWS = [(0.5, 0.3, 0.2), (0.6, 0.2, 0.2), (0.5, 0.5, 0.0), (0.55, 0.25, 0.15, 0.05), (0.4, 0.3, 0.3, 0.0)]


@pytest.mark.step("N26.1", "N26.2")
@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=[pytest.mark.slow] * (name in SIMILAR)) for name in PROTOCOLS),
        "list and draws",
    ],
)
def test_the_rule_is_bayes_over_relabellings(name):
    # Oracle: linear programmes for the Bayes risk over the orbit of a row, which know nothing of the rule
    both = kt.Protocol("list and draws", tells_drawn=True, top=1, draws=2)
    protocol = both if name == both.name else kt.protocols.resolve_protocol(name)
    for row in ROWS:
        for visits in (1, 2):
            if protocol.draws * visits <= 4 and (len(row) == 3 or protocol.draws * visits <= 2):
                bayes, rule = bayes_and_rule(protocol, row, visits)
                assert abs(bayes - rule) < 1e-12, (row, visits)


def test_ties_broken_by_index_would_be_seen():
    # Oracle: as above; a list that is broken by index tells that earlier labels are not tied
    bayes, rule = bayes_and_rule(kt.top_k_only(1), (0.3, 0.3, 0.3, 0.1), 1, told_by_index=True)
    assert bayes < rule - 1e-3
