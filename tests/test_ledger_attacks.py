"""The attacks of the ledger one by one, in seconds: places, numbers of trials, defaults, what each calls and yields."""

import dataclasses
import importlib
import itertools
import math
import pkgutil
import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from mpmath import mp

import kt_theory as kt
from kt_theory.exact.rows import OutOfReach
from kt_theory.learners import Learner
from kt_theory.ledger import entries, verdicts
from kt_theory.ledger.attacks import enumerating, grids, lower, means, pools, problems, quantiles, simulation
from kt_theory.ledger.attacks.comparing import equal, together, within
from kt_theory.ledger.attacks.planting import scaled, steeper
from kt_theory.ledger.entries import fitting, lemmas, limits_partial, ours_missing_mass, tempered, worlds
from kt_theory.ledger.entries.registry import STATEMENTS
from kt_theory.ledger.statement import ALARM, EFFORTS, FAULTS, VERDICTS, PlantedError, Statement, Trial, effort
from kt_theory.minimax import minimax_risk

QUICK = effort("quick")
OWN = Learner("own", "hard", lambda counts, revealed, init: init)
PAIR = kt.Problem([0.5, 0.5], [[0.7, 0.3], [0.2, 0.8]])


# --- Places and sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "level", "count", "sums"),
    [
        ("hard", "quick", 6 * 8, (8 * 50, 8 * 136, 6 * (10**12 + 10**6 + 1038))),
        ("hard", "full", 8 * 11, (11 * 61, 11 * 150, 8 * (10**12 + 10**6 + 1149))),
        ("partial", "quick", 6 * 7, (7 * 16, 7 * 123, 6 * (10**12 + 10**4 + 106))),
        ("partial", "full", 9 * 13, (13 * 60, 13 * 154, 9 * (10**12 + 10**9 + 10**6 + 10**4 + 1149))),
        ("soft", "quick", 7 * 13, (13 * 161, 13 * 145, 7 * (10**12 + 10**9 + 10**6 + 10**4 + 1149))),
        ("soft", "full", 9 * 13, (13 * 1163, 13 * 156, 9 * (10**12 + 10**9 + 10**6 + 10**4 + 1149))),
    ],
)
def test_the_games_are_where_they_were(protocol, level, count, sums):
    # Oracle: enumeration by hand of the sizes and of n
    places = list(grids.games(protocol, effort(level)))
    assert len(set(places)) == len(places) == count
    assert tuple(map(sum, zip(*places, strict=True))) == sums


def test_the_grids_are_where_they_were():
    # Oracle: enumeration by hand
    assert len(grids.SIZES) == 34
    assert tuple(map(sum, zip(*grids.SIZES, strict=True))) == (6 * 58 + 108, 5 * 142 + 204)
    assert grids.N == (0, 1, 2, 3, 5, 10, 30, 100, 1000, 10**4, 10**6, 10**9)
    assert (len(grids.CLIMBED), sum(n for *_, n in grids.CLIMBED)) == (20, 5 * 114)
    assert [(len(sizes) * len(ns), sum(ns)) for sizes, ns in grids.ENUMERATED] == [(16, 1147), (6, 47), (10, 15)]


def test_the_levels_are_what_the_guide_promises():
    # Oracle: definition
    assert dataclasses.astuple(effort()) == ("quick", 1, 2, 50, 1, 20_000, 12)  # of 250 steps, see conftest.py
    assert dataclasses.astuple(effort("full", 7)) == ("full", 7, 12, 1500, 4, 400_000, 150)
    assert set(EFFORTS) == {"quick", "full"}


@pytest.mark.parametrize(
    "record",
    [
        Trial("here", 1.0, 2.0, "exact"),
        PlantedError("a change", lambda: 0.0),
        Statement("id", "ours", "words", "formula", "regime", "upper", "proved"),
        QUICK,
        pools.Place("here", PAIR, 1, 0.1, 0.0, "exact"),
        quantiles.KnownLaw("here", PAIR, 1, None, "exact"),
    ],
)
def test_records_are_frozen(record):
    # Oracle: definition
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, 0)


def test_what_a_record_is_by_default():
    # Oracle: definition
    trial = Trial("here", 1.0, 2.0, "exact")
    assert math.isnan(trial.n)
    assert (trial.error, trial.alarm, trial.held, trial.asks) == (0.0, 0.0, None, "truth")
    assert PlantedError("a change", lambda: 0.0).verdict == "refuted"
    place = pools.Place("here", PAIR, 1, 0.1, 0.0, "exact")
    assert (place.alarm, place.least_favourable) == (0.0, False)


# --- Problems -----------------------------------------------------------------------------------------------


def test_a_hostile_table_is_sure_of_the_least_likely_label():
    # Oracle: definition
    assert problems.start_table(PAIR, "uniform") is None
    assert problems.start_table(PAIR, "hostile").tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_moving_mass_keeps_it_and_moves_some():
    # Oracle: identity, the sum; enumeration of the parts that may move
    rng, law, parts = np.random.default_rng(1), np.array([0.2, 0.3, 0.5]), set()
    for _ in range(300):
        changed = problems.moved(law, rng)
        (gave,) = np.flatnonzero(changed < law)
        assert np.flatnonzero(changed > law).size == 1
        assert changed.sum() == pytest.approx(1, rel=1e-14, abs=0)
        parts.add(round((law[gave] - changed[gave]) / law[gave], 9))
    assert parts == {1.0, 0.5, 0.1, 0.01, 0.001}


@pytest.mark.parametrize(("S", "A"), [(1, 3), (3, 1), (2, 2), (3, 3)])
def test_every_step_of_a_climb_goes_somewhere(S, A):
    # Oracle: definition: a candidate differs from the problem that it is made of in rho or in one row
    start, seen = kt.dirichlet_problem(S, A, 5, rho_alpha=1.0), []

    def value(problem):
        seen.append(problem)
        return 0.0

    best, height = problems.climb(value, start, 300, np.random.default_rng(2))
    assert (best, height, len(seen)) == (start, 0.0, 301)
    rows = set()
    for problem in seen[1:]:
        apart = (problem.teacher != start.teacher).any(axis=1)
        assert (problem.rho != start.rho).any() != apart.any()
        assert apart.sum() <= 1
        rows |= {tuple(problem.teacher[apart][0])} if apart.any() else set()
    # A row is also replaced by another one as a whole.
    assert (S > 1 and A > 1) == any(tuple(row) in rows for row in start.teacher)


def test_a_climb_keeps_what_is_better_only():
    # Oracle: definition
    start = kt.Problem([1.0], [[0.5, 0.5]])
    best, height = problems.climb(lambda p: float(p.teacher[0, 0]), start, 60, np.random.default_rng(3))
    assert height == best.teacher[0, 0] == 1.0
    alone = kt.Problem([1.0], [[1.0]])
    assert problems.climb(lambda p: 2.0, alone, 60, np.random.default_rng(3)) == (alone, 2.0)


def test_the_known_problems_are_those_that_exist():
    # Oracle: enumeration: instances 0 to 3 at S = A = 5, n = 100 and three worlds; none of them at n = 0 but one
    names = [where for where, _, _ in problems.known_problems([(5, 5)], (100,))]
    assert [name.split(",")[0] for name in names] == [*(f"instance {k}" for k in range(4)), "three worlds"]
    for where, problem, n in problems.known_problems([(1, 2), (2, 3), (5, 4)], (0, 3)):
        assert f"S={problem.S}, A={problem.A}, n={n}" in where


def test_random_problems_depend_on_the_seed_and_are_counted():
    # Oracle: identity, a second run; enumeration
    def run(seed):
        return [
            (w, p.identity, n) for w, p, n in problems.random_problems(effort("quick", seed), [(2, 3), (1, 4)], (3, 9))
        ]

    assert run(1) == run(1) != run(2)
    assert len(run(1)) == 2 * 2 * QUICK.problems


def test_streams_are_told_apart_by_seed_and_purpose():
    # Oracle: identity
    first = [problems.generator(effort("quick", seed), salt).random() for seed in (1, 1, 2) for salt in ("a", "b")]
    assert first[:2] == first[2:4]
    assert len(set(first)) == 4


def test_the_least_favourable_problems_are_counted():
    # Oracle: enumeration by hand; minimax_risk itself where it is cheap
    flat = problems.least_favourable("hard", effort("full"))
    assert len(flat) == 3 * 4
    soft = problems.least_favourable("soft", QUICK)
    assert len(soft) == 5 * 3 - 1
    assert len(problems.least_favourable("soft", effort("full"))) == 5 * 5
    where, problem, n = soft[0]
    assert (problem.S, problem.A, n) == (1, 3, 2)
    assert "S=1, A=3, n=2" in where
    assert problem.identity == minimax_risk("soft", 1, 3, 2).instance.identity


# --- Pools --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("learner", "count"), [("CE_sgl", 20), (OWN, 16)])
def test_climbs_go_where_they_are_asked_to(monkeypatch, learner, count):
    # Oracle: enumeration: of a learner of one's own A > 1 and 0 < n <= 10 of ENUMERATED
    starts = []

    def climb(value, problem, steps, rng):
        starts.append(problem)
        assert steps == QUICK.steps
        return problem, 0.0

    monkeypatch.setattr(pools, "climb", climb)
    monkeypatch.setattr(pools, "mean_risk", lambda *_: (0.25, 1e-3))
    found = pools.searched(learner, "uniform", QUICK, [])
    assert len(found) == count
    assert len(starts) == count * QUICK.starts
    assert all((place.kind, place.risk, place.error) == ("search", 0.25, 1e-3) for place in found)
    assert all(place.problem.A > 1 and 0 < place.n <= (100 if learner == "CE_sgl" else 10) for place in found)
    # With a known place there, the worst of those is a start, too.
    known = [pools.Place("x", kt.Problem([1.0], [[0.5, 0.5]], name=name), 1, risk, 0.0, "exact") for name, risk in
             (("a", 0.1), ("b", 0.2))]  # fmt: skip
    starts.clear()
    pools.searched(learner, "uniform", QUICK, known)
    assert [problem.name for problem in starts if problem.name in "ab"] == ["b"]


def test_the_pool_says_what_a_place_is(monkeypatch):
    # Oracle: definition
    monkeypatch.setattr(pools, "searched", lambda *_: [])
    monkeypatch.setattr(pools, "sampled_places", lambda *_: [])
    monkeypatch.setattr(pools, "mean_risk", lambda learner, problem, n, init: (float(n), 0.0))
    uniform = pools.pool.__wrapped__("CE_ful", "uniform", QUICK)
    hostile = pools.pool.__wrapped__("CE_ful", "hostile", QUICK)
    assert max(place.n for place in uniform) == max(place.n for place in hostile) == 10**12
    assert max(place.n for place in hostile if "S=2, A=200" in place.where) == 10**6
    assert max(place.n for place in uniform if "S=2, A=200" in place.where) == 10**9
    assert {place.kind for place in uniform} == {"exact"}
    assert all(place.where.endswith("uniform init") and place.risk == place.n for place in uniform)
    own = pools.pool.__wrapped__(OWN, "uniform", QUICK)
    assert {(p.problem.S, p.problem.A) for p in own} <= {(1, 1), (1, 2), (1, 3), (2, 2), (2, 3)}


# --- Simulation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("S", "A", "level", "reps"),
    [(1, 2, "quick", 20_000), (20, 30, "quick", 13_333), (100, 100, "quick", 2000), (1, 400, "full", 400_000)],
)
def test_how_often_a_problem_is_drawn(monkeypatch, S, A, level, reps):
    # Oracle: arithmetic, reps 400 / (S A) between 2,000 and reps
    asked = []

    def sample_risks(problem, learner, n, reps, seed, init):
        asked.append((n, reps, seed, init))
        return np.array([[0.2], [0.1]])

    monkeypatch.setattr(simulation, "sample_risks", sample_risks)
    problem = kt.Problem(np.full(S, 1 / S), np.full((S, A), 1 / A))
    assert simulation.sampled_risks("CE_sgl", problem, 9, "uniform", effort(level, 5)).tolist() == [0.1, 0.2]
    assert asked == [(9, reps, 5, None)]


def test_limits_are_taken_at_the_alarm_of_the_ledger():
    # Oracle: definition
    risks = np.sort(np.random.default_rng(8).random(3000))
    assert simulation.mean_from_below(risks) == simulation.mean_from_below(risks, ALARM)
    assert simulation.quantile_from_below(risks, 0.1) == simulation.quantile_from_below(risks, 0.1, ALARM)
    assert simulation.quantile_from_below(risks, 0.1) < simulation.quantile_from_below(risks, 0.1, 1e-3)


def test_the_crowd_has_a_label_of_probability_0_if_asked():
    # Oracle: definition
    for (_, plain, n), (_, more, m) in zip(simulation.crowd(False), simulation.crowd(True), strict=True):
        assert (more.A, m) == (plain.A + 1, n)
        assert not more.teacher[:, -1].any()


# --- Checks -------------------------------------------------------------------------------------------------


def trials_of(check, claim, tried=QUICK):
    return list(check(claim, tried))


def test_upper_bounds_on_means(monkeypatch):
    # Oracle: definition: a trial a place and initial table, the claim called once for each (S, A, n)
    places = [pools.Place(f"p{n}", PAIR, n, 0.1 * n, 1e-3, "exact", 1e-10) for n in (1, 2, 2)]
    asked = []
    monkeypatch.setattr(means, "pool", lambda learner, init, tried: asked.append((learner, init)) or places)
    calls = []
    trials = trials_of(means.mean_upper("CE_sgl"), lambda S, A, n: calls.append((S, A, n)) or 0.5)
    assert asked == [("CE_sgl", "uniform")]
    assert calls == [(2, 2, 1), (2, 2, 2)]
    assert [(t.where, t.lhs, t.rhs, t.kind, t.n, t.error, t.alarm) for t in trials] == [
        (f"p{n}", 0.1 * n, 0.5, "exact", n, 1e-3, 1e-10) for n in (1, 2, 2)
    ]
    assert len(trials_of(means.mean_upper("CE_sgl", problems.HOSTILE), lambda S, A, n: 0.5)) == 6


def test_bounds_of_the_problem_are_climbed(monkeypatch):
    # Oracle: definition: the 2 + starts places of largest ratio where climbing is cheap
    alone = kt.Problem([1.0], [[0.5, 0.5]])
    sizes = [(alone, 1), (alone, 3), (alone, 10), (alone, 100), (kt.Problem([1.0], [[0.25] * 4]), 1)]
    places = [pools.Place("p", problem, n, 1 / (1 + i), 0.0, "exact") for i, (problem, n) in enumerate(sizes)]
    monkeypatch.setattr(means, "pool", lambda *_: places)
    monkeypatch.setattr(means, "mean_risk", lambda learner, problem, n, init: (0.3, 2e-3))
    climbs = []
    monkeypatch.setattr(means, "climb", lambda value, start, steps, rng: climbs.append(value(start)) or (start, 0.0))
    trials = trials_of(means.mean_upper("CE_sgl", of_problem=True), lambda S, A, n, problem: 0.6)
    assert climbs == pytest.approx([0.5] * (2 + QUICK.starts))
    assert [(t.n, t.lhs, t.error) for t in trials if t.kind == "search"] == [
        (1, 0.3, 2e-3),
        (3, 0.3, 2e-3),
        (10, 0.3, 2e-3),
    ]
    assert len(trials) == 5 + 3


def test_bounds_with_high_probability(monkeypatch):
    # Oracle: definition; the law of a coin by hand
    coin = kt.Problem([1.0], [[0.5, 0.5, 0.0]])
    law = kt.risk_law(coin, "CE_sgl", 2)
    full = quantiles.KnownLaw("full", kt.Problem([1.0], [[0.4, 0.3, 0.3]]), 2, law, "exact")
    known = (quantiles.KnownLaw("found", coin, 2, law, "search"), full)
    monkeypatch.setattr(quantiles, "laws", lambda *_: known)
    asked = []

    def sampled(learner, init, with_zero, tried):
        asked.append(with_zero)
        return (("drawn", coin, 2, np.linspace(0, 1, 5000)),)

    monkeypatch.setattr(quantiles, "sampled_cached", sampled)
    calls = []
    check = quantiles.quantile_upper("CE_sgl", ("uniform",), labels=1)
    trials = trials_of(check, lambda S, A, n, delta: calls.append((S, A, n)) or 0.5)
    # Heads and tails twice: 1/2 with probability 1/2, and 0.
    assert [(t.lhs, t.kind) for t in trials[:1]] == [(0.5, "search")]
    assert trials[0].where.startswith("found, delta=0.5")
    assert set(calls) == {(1, 2, 2)}
    assert [t.kind for t in trials[1:]] == ["simulation"] * 4
    assert [t.alarm for t in trials] == [0.0] + [ALARM] * 4
    assert asked == [True]
    both = trials_of(quantiles.quantile_upper("CE_sgl"), lambda S, A, n, delta: 0.5)
    assert asked[1:] == [False, True]
    assert len(both) == 2 * (1 + 1 + 4)
    above = trials_of(quantiles.quantile_upper("CE_sgl", ("uniform",), above_mean=True), lambda **_: 0.5)
    assert [t.lhs for t in above] == [0.25, 0.25]
    assert {t.kind for t in above} == {"search", "exact"}


def test_jumps_are_forty_at_most():
    # Oracle: definition
    law = SimpleNamespace(values=np.arange(101) / 100, probabilities=np.full(101, 1 / 101))
    found = quantiles.jumps(law)
    assert (len(found), found[0][0], found[-1][0]) == (40, 0.01, 1.0)
    assert all(0 < delta < 1 for _, delta in found)
    assert len(quantiles.jumps(law, 7)) == 7
    assert quantiles.DELTAS == (0.5, 0.1, 0.05, 0.01)


def test_lower_bounds_are_held_against_students_and_their_own_instance(monkeypatch):
    # Oracle: definition
    monkeypatch.setattr(lower, "games", lambda protocol, tried: iter([(1, 2, 3), (1, 2, 0)]))
    monkeypatch.setattr(lower, "minimax_upper", lambda protocol, S, A, n: 0.25)
    monkeypatch.setattr(
        lower, "risk_on_instance", lambda k, learner, S, A, n: 0.3 if (k, learner) == (1, "CE_sgl") else 0.0
    )
    alone = trials_of(lower.minimax_lower("hard"), lambda S, A, n: 0.2 if n else math.nan)
    assert [(t.lhs, t.rhs, t.error) for t in alone[:1]] == [(0.2, 0.25, 0.25e-9)]
    assert [t.applies for t in alone] == [True, False]
    with_own = trials_of(lower.minimax_lower("hard", (1, "CE_sgl")), lambda S, A, n: 0.2)[2:]
    # By default from n = 1 on, below S A as well.
    assert any(t.n == 1 and "S=5, A=4" in t.where for t in with_own)
    assert len(with_own) == len(grids.SIZES) * (len(grids.N) - 1)
    assert {(t.lhs, t.rhs) for t in with_own} == {(0.2, 0.3)}
    late = trials_of(lower.minimax_lower("hard", (1, "CE_sgl"), own_from=2.0), lambda S, A, n: 0.2)[2:]
    expected = [n for (S, A), n in itertools.product(grids.SIZES, grids.N) if n >= 2 * S * A]
    assert [t.n for t in late] == expected


def test_what_a_student_reaches_is_the_least_of_what_is_known():
    # Oracle: minimax_risk and bounds.best_upper themselves
    for protocol, S, A, n in (("soft", 3, 2, 10**9), ("partial", 1, 4, 2000), ("hard", 1, 2, 1)):
        assert lower.minimax_upper(protocol, S, A, n) == min(
            minimax_risk(protocol, S, A, n).upper, kt.bounds.best_upper(protocol, S=S, A=A, n=n).value
        )
    assert math.isnan(lower.risk_on_instance(1, "CE_sgl", 1, 1, 0))


def test_equalities_limits_and_changes():
    # Oracle: arithmetic
    trial = equal("here", 1.0, 1.5, 0.1)
    assert (trial.lhs, trial.kind) == (0.5, "algebra")
    assert math.isnan(trial.n)
    assert trial.rhs == pytest.approx(0.15, rel=1e-14, abs=0)
    assert trial.broken
    assert not equal("here", 1.4, 1.5, 0.1).broken
    assert (within("here", 1.1, 1.0, 0.2).kind, within("here", 1.1, 1.0, 0.2, 7).n) == ("exact", 7)
    assert scaled(lambda S, n: n + S, 3)(S=2, n=1) == 9
    assert steeper(lambda S, n: float(S), 0.5)(S=3, n=4) == 1.5
    assert steeper(lambda S, n: float(S), 0.5)(S=3, n=0) == 3.0
    both = together(lambda c, e: iter([trial]), lambda c, e: iter([trial, trial]))
    assert len(trials_of(both, None)) == 3


# --- What the entries ask ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "where"),
    [
        ("ours-N6-c-inf", "sup over laws of the rates"),
        ("ours-N6-c-inf", "the constant of the bounds"),
        ("ours-N10-limit", "min over q of max over x"),
        ("ours-N1-equal", "V, S="),
        ("level-tempered-mass", "p = "),
        ("level-tempered-uniform", "Dirac, A="),
        ("zz-E.8", "n="),
    ],
)
def test_an_equality_is_asked_to_a_part_in_a_million_million(id, where):
    # Oracle: definition, a claim that is off by a part in 10^11
    statement = STATEMENTS[id]

    def asked(factor):
        trials = statement.check(scaled(statement.claim, factor), QUICK)
        return [t.broken for t in trials if t.where.startswith(where) and t.kind == "algebra" and t.rhs > 1e-290]

    right, wrong = asked(1.0), asked(1 + 1e-11)
    assert right
    assert not any(right)
    assert len(wrong) == len(right)
    assert all(wrong)


#: "n^-1/2 becomes n^-0.6", "1/(n + 1) becomes (n + 1)^-0.9", "n becomes n^1.5" (in a denominator).
EXPONENTS = re.compile(r"(?:n|1/\(n \+ 1\))(?:\^-(?P<old>\S+))? becomes (?:n|\(n \+ 1\))\^-?(?P<new>\S+)")


def test_a_planted_exponent_is_the_one_that_its_words_name():
    # Oracle: definition, log(planted / claimed) / log n at two n
    sizes = [{"S": 3, "A": 5}, {"S": 1, "A": 5}, {"size": 5}, {"p": 0.01}, {}]
    places = [{**size, **delta} for size in sizes for delta in ({}, {"delta": 0.01})]
    seen = 0
    for statement in STATEMENTS.values():
        for error in statement.planted:
            named = EXPONENTS.fullmatch(error.words)
            if named is None:
                continue
            steps = [float(Fraction(exponent or 1)) for exponent in named.groups()]
            for place in places:
                try:
                    pairs = [(n, statement.claim(n=n, **place), error.claim(n=n, **place)) for n in (100, 10**6)]
                except (AttributeError, TypeError, ValueError):  # it takes other arguments
                    continue
                if any(math.isnan(right + wrong) for _, right, wrong in pairs):
                    continue
                for n, right, wrong in pairs:
                    assert math.log(wrong / right) / math.log(n) == pytest.approx(steps[0] - steps[1], abs=1e-9), (
                        statement.id,
                        error.words,
                    )
                seen += 1
                break
    assert seen >= 28


#: "the bound times 0.95", "both ends times 1.01", "a tenth less".
FACTORS = re.compile(r"(?:the (?:whole )?\w+|both ends) times (?P<times>\S+)|a (?P<part>\w+) (?P<way>more|less)")
PARTS = {"fifth": 5, "tenth": 10, "twentieth": 20, "hundredth": 100}


def test_a_planted_factor_is_the_one_that_its_words_name():
    # Oracle: definition, planted / claimed at one place
    law, sizes = np.array([0.5, 0.3, 0.2]), {"S": 3, "A": 5, "n": 40}
    places = [
        *(sizes, {**sizes, "S": 1}, {**sizes, "delta": 0.01}, {**sizes, "k": 2, "x": 0.01}, {"S": 3, "n": 40}),
        *({"S": 2, "A": 5, "k": 2}, {"A": 5, "n": 40, "alpha": 1.0}, {"problem": PAIR, "n": 5}),
        *({"S": 2, "A": 2, "n": 5, "problem": PAIR}, {"one": 0.2, "other": 0.4}, {"k": 1, "row": law}),
        *({"generator": "kl", "p": law, "P": 0.8}, {"p": law, "alpha": 0.5, "T": 2.0}, {"number": 1, "p": law}),
    ]
    seen = 0
    for statement in STATEMENTS.values():
        for error in statement.planted:
            named = FACTORS.fullmatch(error.words)
            if named is None:
                continue
            sign = {"more": 1, "less": -1, None: 0}[named["way"]]
            factor = float(named["times"]) if named["times"] else 1 + sign / PARTS[named["part"]]
            for place in places:
                try:
                    right, wrong = np.array(statement.claim(**place)), np.array(error.claim(**place))
                except (AttributeError, KeyError, TypeError, ValueError):  # it takes other arguments
                    continue
                if not np.isnan(right).any():
                    np.testing.assert_allclose(
                        wrong, factor * right, rtol=1e-9, err_msg=f"{statement.id}: {error.words}"
                    )
                    seen += 1
                    break
    assert seen >= 23


def test_no_place_is_named_twice():
    # Oracle: identity; a place that became another one of its list is lost without a trace
    seen = 0
    for found in pkgutil.iter_modules(entries.__path__, f"{entries.__name__}."):
        for name, places in vars(importlib.import_module(found.name)).items():
            if name.isupper() and isinstance(places, list | tuple) and isinstance(places[0], tuple):
                assert len(set(map(repr, places))) == len(places), f"{found.name}.{name}"
                seen += len(places) > 3
    assert seen >= 4


def test_the_places_of_gamma(monkeypatch):
    # Oracle: definition, what the level full adds is a place further out
    monkeypatch.setattr(limits_partial, "gamma", lambda m: (float(m), None))
    at = [[t.n for t in limits_partial.gamma_limit(lambda: 1.0, effort(level))] for level in ("quick", "full")]
    assert at == [[3, 10, 30, 100, 1000, 10**4], [3, 10, 30, 100, 1000, 10**4, 10**5]]
    at = [[t.n for t in limits_partial.gamma_second(lambda m: m, effort(level))] for level in ("quick", "full")]
    assert [len(ns) for ns in at] == [27 + 2, 297 + 2]


def test_a_place_says_the_sizes_that_it_has():
    # Oracle: the shapes of what is tried there
    places = [(where, problem.teacher) for where, problem, _ in fitting.teachers(QUICK)]
    places += [(where, p[None]) for where, p, *_ in fitting.ptl_students(QUICK)]
    places += [(where, p[None]) for where, p in tempered.targets(QUICK)]
    said = [(dict(re.findall(r"\b([SA])=(\d+)", where)), table.shape, where) for where, table in places]
    for sizes, (S, A), where in said:
        assert sizes.get("S", str(S)) == str(S), where
        assert sizes.get("A", str(A)) == str(A), where
    assert sum(bool(sizes) for sizes, _, _ in said) >= 20


def test_bad_missing_masses_have_their_means():
    # Oracle: definition, E M = sum p (1 - p)^n, and what is missing if the one letter alone was drawn
    short = dataclasses.replace(QUICK, steps=4)  # of the search, which is not looked at
    exact = [place for place in lemmas.bad_missing_masses(short) if place[1] == "exact"]
    assert len(exact) == 35
    with mp.workdps(40):
        for where, _, letters, n, x, likely, mean in exact:
            p = [mp.mpf(x), 1 - mp.mpf(x)]
            assert letters == len(p)
            assert likely == pytest.approx(float(p[1] ** n), rel=1e-13, abs=0), where
            assert mean == pytest.approx(float(mp.fsum(q * (1 - q) ** n for q in p)), rel=1e-13, abs=0), where


def test_laws_on_letters_have_their_masses():
    # Oracle: definition, of K equal letters (1 - 1/K)^n, of light ones 1/(n + 1) each and a rest the two terms
    seen = set()
    with mp.workdps(40):
        for where, n, K, mass, _ in ours_missing_mass.letter_laws(dataclasses.replace(QUICK, steps=1)):
            name, x = where.split(",")[0], mp.mpf(1) / (n + 1)
            laws = {"uniform": [(K, mp.mpf(1) / K)], "1/(n+1) each and a rest": [(K - 1, x), (1, 1 - (K - 1) * x)]}
            if name in laws:
                known = float(mp.fsum(times * p * (1 - p) ** n for times, p in laws[name]))
                assert mass == pytest.approx(known, rel=1e-9, abs=0), where
            seen.add(name)
    assert seen == {"uniform", "random", "1/(n+1) each and a rest", "found by search"}


def test_a_mixture_of_inputs_has_a_heavy_one_at_least():
    # Oracle: definition, of three inputs two are light, each with 1 - 1/A and e^-1 at n rho = 1
    rng = SimpleNamespace(random=iter([0.1, 0.0, 0.5]).__next__)
    _, _, soft = worlds.mixture(3, 10, rng)
    assert soft == pytest.approx(2 * 0.9 / math.e / kt.minimax_constant("soft", 3, 10), rel=1e-12, abs=0)


def test_frequencies_are_watched_along_paths():
    # Oracle: definition, ten n of each of the laws, the alarm shared by all paths
    watched = lemmas.paths(QUICK)
    ns = [1, 2, 5, 10, 100, 1000, 10**4, 10**6, 10**9, 10**12]
    assert len(watched) % len(ns) == 0
    assert [n for _, n, _ in watched] == ns * (len(watched) // len(ns))
    asked = []

    def claim(p, n, alarm):
        asked.append((p, n, alarm))
        return p, 1.0

    trials = list(lemmas.along_paths(claim, QUICK))
    assert [(t.n, t.alarm) for t in trials] == [(n, ALARM) for _, n, _ in watched]
    for (p, n, alarm), (law, m, frequencies) in zip(asked, watched, strict=True):
        assert (p is law, n) == (True, m)
        assert alarm * len(frequencies) == pytest.approx(ALARM, rel=1e-14, abs=0)


def test_the_sizes_of_the_log_linear_models(monkeypatch):
    # Oracle: definition, inputs, labels and dimension of each random model, those that a search starts from last
    asked, make = [], lemmas.random_model

    def recorded(rng, X, Y, d, *rest):
        asked.append((X, Y, d))
        return make(rng, X, Y, d, *rest)

    monkeypatch.setattr(lemmas, "random_model", recorded)
    found = lemmas.log_linear_models.__wrapped__(QUICK)
    drawn = [(1 + i % 3, Y, d) for d in (1, 2, 3, 4, 5) for Y in (1, 2, 5) for i in range(QUICK.problems)]
    assert asked == [*drawn, *((2, 3, d) for d in (1, 2, 3, 4, 5))]
    assert len(found) == 3 * 5 + len(asked)


# --- Certified places, verdicts -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hard_lower_mean", "soft_lower_mean_at", "hard_upper_mean"])
def test_certificates_are_asked_for_at_as_many_places_as_promised(monkeypatch, name):
    # Oracle: definition
    pytest.importorskip("flint")
    asked = []

    def certify(claim, *, S, A, n, problem):
        asked.append(problem)
        side = SimpleNamespace(lower=1.0, upper=2.0)
        return SimpleNamespace(holds=None if len(asked) % 3 == 0 else True, lhs=side, rhs=side)

    monkeypatch.setattr(verdicts, "certify", certify)
    found = verdicts.certificates([name], QUICK)
    assert len(found) == QUICK.certificates
    assert {(t.kind, t.lhs, t.held) for t in found} == {("certified", 1.0, True)}
    assert {t.rhs for t in found} == {2.0 if name == "hard_upper_mean" else 1.0}
    # A lower bound on the minimax risk is asked for without a problem, unless it depends on one.
    assert (set(map(type, asked)) == {type(None)}) == (name == "hard_lower_mean")
    if name != "hard_lower_mean":
        assert {type(problem) for problem in asked} == {int, kt.Problem}
        assert any(", random" in t.where for t in found)
        assert any(", instance" in t.where for t in found)


def test_certificates_are_sought_at_every_place_of_the_grid(monkeypatch):
    # Oracle: enumeration, the grid written out: the four instances and a random problem at every size
    pytest.importorskip("flint")
    asked = []

    def undecided(claim, **place):
        asked.append(place)
        return SimpleNamespace(holds=None)

    monkeypatch.setattr(verdicts, "certify", undecided)
    assert verdicts.certificates(["hard_upper_mean"], QUICK) == []
    kinds = [
        (one["S"], one["A"], one["n"], "random" if isinstance(one["problem"], kt.Problem) else one["problem"])
        for one in asked
    ]
    grid = [
        (S, A, n, kind)
        for S in (1, 2, 3, 10)
        for A in (2, 3, 4, 7)
        for n in (0, 1, 2, 3, 10, 50, 300, 10_000)
        for kind in (0, 1, 2, 3, "random")
    ]
    assert sorted(kinds, key=str) == sorted(grid, key=str)
    assert kinds != grid  # a few of them lie anywhere in it
    drawn = [one for one in asked if isinstance(one["problem"], kt.Problem)]
    assert all((one["S"], one["A"]) == (one["problem"].S, one["problem"].A) for one in drawn)


def test_of_the_lower_bounds_that_can_be_certified_one_depends_on_the_problem():
    # Oracle: the bounds themselves: which refuse to be asked without a problem
    pytest.importorskip("flint")
    from kt_theory.certificates import CERTIFIED

    for name, claim in CERTIFIED.items():
        if claim.learner is None:
            needs = False
            try:
                claim.bound(100, 2, 4, None, float)
            except Exception as error:
                needs = "problem" in str(error)
            assert claim.of_problem == needs, name


@pytest.mark.parametrize(
    ("broken", "verdict"),
    [
        ((), "holds"),
        (("truth",), "refuted"),
        (("content",), "vacuous"),
        (("use",), "does not imply"),
        (("content", "use"), "vacuous"),
        (("use", "content", "truth"), "refuted"),
    ],
)
def test_a_verdict_is_the_gravest_that_a_broken_trial_means(broken, verdict):
    # Oracle: definition
    trials = [Trial("fine", 1.0, 2.0, "exact", asks=asks) for asks in FAULTS]
    trials += [Trial(asks, 2.0, 1.0, "exact", asks=asks) for asks in broken]
    assert verdicts.outcome(trials) == verdict
    made = Statement("x", "ours", "w", "f", "r", "upper", "proved", claim=0, check=lambda claim, tried: trials)
    judged = verdicts.judge(made, QUICK)
    assert judged.verdict == verdict
    assert verdict in VERDICTS
    if broken:
        assert FAULTS[judged.worst.asks] == verdict


def flawed(content=2.0, use=1.2):
    """1 <= claim; claim <= content says something; claim <= use follows."""

    def check(claim, tried):
        yield Trial("true", 1.0, claim, "exact")
        yield Trial("something", claim, content, "algebra", asks="content")
        yield Trial("enough", claim, use, "algebra", asks="use")

    return check


def test_a_true_and_empty_statement_is_not_called_refuted():
    # Oracle: definition
    common = {"source": "ours", "words": "w", "formula": "f", "regime": "r", "grade": "slip", "mended": 1.0}
    empty = Statement("e", status="vacuous", claim=9.0, check=flawed(), **common)
    weak = Statement("w", status="too weak", claim=1.5, check=flawed(), **common)
    assert (empty.expected, weak.expected) == (("vacuous",), ("does not imply",))
    assert verdicts.judge(empty, QUICK).verdict == "vacuous"
    assert verdicts.judge(weak, QUICK).verdict == "does not imply"
    # Planted errors: each flaw in the place of another is not what was expected.
    for claim in (0.5, 1.5):
        assert verdicts.judge(dataclasses.replace(empty, claim=claim), QUICK).survivors == ("the statement itself",)
    for claim in (0.5, 9.0):
        assert verdicts.judge(dataclasses.replace(weak, claim=claim), QUICK).survivors == ("the statement itself",)


@pytest.mark.parametrize(
    ("claim", "verdict", "found"),
    [
        (0.5, "refuted", True),
        (9.0, "refuted", False),
        (9.0, "vacuous", True),
        (1.5, "vacuous", False),
        (1.5, "does not imply", True),
        (9.0, "does not imply", False),
        (0.5, "does not imply", False),
    ],
)
def test_a_planted_error_is_found_by_the_verdict_that_it_names(claim, verdict, found):
    # Oracle: definition
    host = Statement("x", "ours", "w", "f", "r", "upper", "proved", claim=1.0, check=flawed())
    assert verdicts.found(host, PlantedError("planted", claim, verdict), QUICK) is found


def test_a_watcher_hears_of_every_statement():
    # Oracle: definition
    seen = []
    board = kt.verify(
        statements=["slip-2", "slip-4b"],
        progress=lambda done, total, verdict: seen.append((done, total, verdict.statement.id)),
    )
    assert seen == [(1, 2, "slip-2"), (2, 2, "slip-4b")]
    assert board["id"].tolist() == ["slip-2", "slip-4b"]


# --- Learners that are only a formula -----------------------------------------------------------------------


def half(counts, revealed, init):
    """Counts raised by a half."""
    return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("S", "A", "n"), [(1, 1, 5), (1, 2, 1000), (1, 3, 30), (2, 2, 8), (2, 3, 8), (2, 3, 0), (3, 3, 3)]
)
def test_risks_by_going_through_count_tables(S, A, n):
    # Oracle: second algorithm, the law of the whole risk, input by input; planted, a learner that adds a little less
    learners = [
        Learner("half", "hard", half),
        Learner("keep", "partial", kt.learners.sel_ptl),
        Learner("told", kt.top_k(1), kt.learners.sel_told),
    ]
    rows = [np.full(A, 1 / A), *[np.arange(1.0, A + 1) / (A * (A + 1) / 2)] * (S - 1)]  # the first one has ties
    problem = kt.Problem(np.arange(1.0, S + 1) / (S * (S + 1) / 2), rows)
    for learner in learners:
        truth = kt.risk_law(problem, learner, n).mean()
        assert enumerating.expected_risk(problem, learner, n, None) == pytest.approx(truth, abs=1e-13)
    if n > 0 and A > 1:
        less = Learner("less", "hard", lambda c, r, i: half(c - 1e-6, r, i))
        truth = kt.risk_law(problem, learners[0], n).mean()
        assert abs(enumerating.expected_risk(problem, less, n, None) - truth) > 1e-13


def test_inputs_and_labels_of_mass_0_are_not_met_in_count_tables():
    # Oracle: identity, the same problem without the input, and its mean by hand: one draw from (0.75, 0.25, 0)
    problem = kt.Problem([1.0, 0.0], [[0.75, 0.25, 0.0], [0.2, 0.3, 0.5]])
    learner = Learner("half", "hard", half)
    by_hand = 0.75 * 0.5 * (0.15 + 0.05 + 0.2) + 0.25 * 0.5 * (0.55 + 0.35 + 0.2)
    assert enumerating.expected_risk(problem, learner, 1, None) == pytest.approx(by_hand, rel=1e-14, abs=0)


def test_too_many_count_tables_are_refused():
    # Oracle: enumeration, C(2000, 1000) = 2e600; C(1002, 2) x 3 = 1.5e6
    learner = Learner("half", "hard", half)
    with pytest.raises(OutOfReach, match="the number of ways to draw a count table exceeds"):
        enumerating.expected_risk(kt.Problem([1.0], [[0.5, 0.5]]), learner, 2000, None)
    with pytest.raises(OutOfReach, match="n is 1000: 501501 count tables"):
        enumerating.expected_risk(kt.Problem([1.0], [[0.5, 0.3, 0.2]]), learner, 1000, None)
