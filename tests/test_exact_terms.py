"""Errors, costs and limits of the exact routes, term by term; small functions by second computations."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import kt_theory as kt
import oracles
from kt_theory.exact import add, circles, ful, law, levels, risk, rows, sel, sets, sgl, told
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.protocols import gumbel_top_k, sampled, top_k, top_k_label, top_k_only

EPS = 2.0**-52


def row_of(p, rho=1.0, init=None, **more) -> Row:
    p = np.asarray(p, dtype=float)
    return Row(rho, p, np.full(p.size, 1 / p.size) if init is None else np.asarray(init, dtype=float), 1, **more)


def off_one(values) -> float:
    """How far a sum of floats is from 1, in fractions."""
    return float(abs(sum(Fraction(float(x)) for x in values) - 1))


# --- Several draws a visit ------------------------------------------------------------------------------------


def met_by_a_visit(p, draws, replacing):
    """The law of the set of labels that one visit draws, in fractions, by all sequences of draws."""
    found: dict[frozenset[int], Fraction] = {}
    for order in itertools.product(range(len(p)), repeat=draws):
        chance, left = Fraction(1), Fraction(1)
        for i, a in enumerate(order):
            chance *= 0 if not replacing and a in order[:i] else p[a] / left
            left -= 0 if replacing else p[a]
            if not chance:
                break
        if chance:
            found[frozenset(order)] = found.get(frozenset(order), Fraction(0)) + chance
    return found


def left_over(p, init, unseen):
    """TV of the student that shares the missing mass in proportion to init, or equally where that is 0."""
    missing, free = sum(p[a] for a in unseen), sum(init[a] for a in unseen)
    return sum((abs(p[a] - missing * (init[a] / free if free else Fraction(1, len(unseen)))) for a in unseen), 0) / 2


DRAWN = [
    ([0, 0, Fraction(1, 8), Fraction(1, 4), Fraction(5, 8)], [Fraction(k, 16) for k in (2, 1, 3, 4, 6)]),
    ([0, Fraction(1, 8), Fraction(3, 8), Fraction(1, 2)], [Fraction(0), Fraction(0), Fraction(1, 4), Fraction(3, 4)]),
    ([0, 0, Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)], [Fraction(0)] * 4 + [Fraction(1)]),
]


@pytest.mark.parametrize(("p", "init"), DRAWN)
@pytest.mark.parametrize("protocol", [gumbel_top_k(2), sampled(2), sampled(3)], ids=str)
@pytest.mark.parametrize(("rho", "n"), [(1, 1), (Fraction(3, 4), 2), (Fraction(1, 2), 0)])
def test_several_draws_by_all_sets(protocol, p, init, rho, n):
    # Oracle: enumeration, all draws of all visits in fractions; the error by its definition, set by set
    live = [a for a, x in enumerate(p) if x]
    visit = met_by_a_visit([p[a] for a in live], protocol.draws, protocol.replacing)
    seen = {frozenset(): Fraction(1)}
    for _ in range(n):
        more: dict[frozenset[int], Fraction] = {}
        for old, chance in seen.items():
            more[old] = more.get(old, Fraction(0)) + chance * (1 - rho)
            for new, likely in visit.items():
                more[old | new] = more.get(old | new, Fraction(0)) + chance * rho * likely
        seen = more
    every = range(len(p))
    rest = {
        U: [a for a in every if a not in live or live.index(a) not in U] for U in map(frozenset, subsets(len(live)))
    }
    truth = rho * sum(chance * left_over(p, init, rest[U]) for U, chance in seen.items())
    row = row_of(p, float(rho), init)
    found = sets.row_risk(protocol, row, n)
    assert found.route == "sets of unseen labels"
    oracles.honest(found, truth)
    s, spread = len(live), 0.0
    all_seen = frozenset(range(s))
    for B in subsets(s):
        avoided = sum((likely for new, likely in visit.items() if not new & B), Fraction(0)) if B else Fraction(1)
        within = sum(left_over(p, init, rest[all_seen - frozenset(U)]) for U in subsets_of(B) if U)
        spread += float((1 - rho * (1 - avoided)) ** n) * float(within)
    rounding = EPS * (64 + 8 * s + 8 * s * n * float(rho))
    assert found.error == pytest.approx(float(rho) * rounding * spread, rel=1e-12, abs=1e-300)
    listed = [x for x in range(len(p)) if p[x] or init[x] != init[0]]
    if p[0] == 0 and len(listed) < len(p):
        short = row_of([p[a] for a in listed], float(rho), [init[a] for a in listed])
        short = replace(short, zeros=len(p) - len(listed), start=float(init[0]))
        assert sets.row_risk(protocol, short, n).value == pytest.approx(found.value, rel=1e-14, abs=1e-17)


def subsets_of(B):
    return (frozenset(U) for k in range(len(B) + 1) for U in itertools.combinations(sorted(B), k))


def subsets(size):
    return subsets_of(range(size))


def test_where_several_draws_are_out_of_reach():
    # Oracle: definition, from both sides: 12 labels of positive probability, TV, no list; few labels are told whole
    wide = row_of([0.0, *np.full(12, 1 / 12)])
    assert sets.row_risk(gumbel_top_k(2), wide, 1).value > 0
    with pytest.raises(OutOfReach, match=r"a row uses 13 labels: .* exact for 12 at most"):
        sets.row_risk(gumbel_top_k(2), row_of(np.full(13, 1 / 13)), 1)
    with pytest.raises(OutOfReach, match="divergence l2: several draws"):
        sets.row_risk(sampled(2), row_of([0.5, 0.5]), 1, "l2")
    row = row_of([0.0, 0.25, 0.75], 0.5)
    whole = sets.row_risk(gumbel_top_k(2), row, 1, "l2")
    assert whole == ful.row_risk(row, 1, "l2")
    assert sets.row_risk(gumbel_top_k(3), row, 1) == ful.row_risk(row, 1)
    assert sets.row_risk(sampled(2), row, 1).value > ful.row_risk(row, 1).value
    both = kt.Protocol("both", tells_drawn=True, top=1, draws=2, replacing=False)
    with pytest.raises(OutOfReach, match="tells a list besides several draws"):
        sets.row_risk(both, row, 1)


@pytest.mark.parametrize("divergence", ["tv", "l2", "kl"])
@pytest.mark.parametrize(("cost", "off"), [(1.0, 0.0), (2.0**-30, 0.0), (2.0**-30, 2.0**-40)])
def test_several_draws_are_summed_over_the_visits(monkeypatch, divergence, cost, off):
    # Oracle: definition, visit by visit with binomial probabilities; each single-draw cost is planted
    row, n, asked = row_of([0.25, 0.75], 0.75), 5, []

    def one(protocol, sure, draws, of, *, patient):
        asked.append((protocol.draws, sure.rho, draws, of, patient))
        return Estimate(cost / draws, off * draws, f"r{draws % 2}", draws != 6)

    right = told._several
    monkeypatch.setattr(told, "natural_risk", one)
    found = right(sampled(3), row, n, divergence, False)
    never = ful.row_risk(row, n, divergence)
    chances = {N: math.comb(n, N) * 0.75**N * 0.25 ** (n - N) for N in range(1, n + 1)}
    assert asked == [(1, 1.0, 3 * N, divergence, False) for N in chances]
    value = never.value + 0.75 * sum(w * cost / (3 * N) for N, w in chances.items())
    assert found.value == pytest.approx(value, rel=1e-13, abs=0)
    left = 0.75 * (1e-17 + math.exp(-35)) * (1 if divergence == "tv" else 2)
    own = never.error + 0.75 * sum(w * off * 3 * N for N, w in chances.items())
    assert found.error == pytest.approx(own + left + 64 * EPS * value, rel=1e-12, abs=0)
    assert (found.route, found.proved) == ("r1 + r0", False)
    monkeypatch.setattr(told, "natural_risk", lambda *of, patient: Estimate(0.5, 0.0, "r", True))
    assert right(sampled(3), row, n, divergence, True).proved == (divergence != "kl")


def test_which_numbers_of_visits_are_too_many(monkeypatch):
    # Oracle: definition, each limit from both sides: by sets beyond 8 numbers, 20,000 of them, 15 seconds
    row = row_of([0.25, 0.75], 0.75)
    sums, whole = [], Estimate(0.125, 0.0, "by sets")
    monkeypatch.setattr(told.sets, "row_risk", lambda *of: sums.append(of) or whole)
    right = told._several
    monkeypatch.setattr(told, "natural_risk", lambda *of, patient: Estimate(0.5, 0.0, "single"))
    for number, by_sets in ((8, False), (9, True)):
        monkeypatch.setattr(told, "_visits", lambda *of, number=number: (1, number))
        assert (right(sampled(2), row, 20, "tv", True) is whole) == by_sets
        assert right(sampled(2), row, 20, "l2", True).route == "single"
    assert sums == [(sampled(2), row, 20, "tv")]
    monkeypatch.setattr(told, "_visits", lambda *of: (1, 20_001))
    with pytest.raises(OutOfReach, match="n is 30000: 20001 numbers of visits count, 20000 at most"):
        right(sampled(2), row, 30_000, "l2", True)
    monkeypatch.setattr(told, "_visits", lambda *of: (3, 20))
    wide = row_of(np.full(13, 1 / 13), 0.75)
    for taken in (15.0, 15.5):
        monkeypatch.setattr(told, "seconds", lambda *of, taken=taken: taken)
        assert right(sampled(2), wide, 40, "tv", True).route == "single"
        if taken > 15:
            with pytest.raises(OutOfReach, match=r"takes about 15\.5 s, 15 s at most"):
                right(sampled(2), wide, 40, "tv", False)
        else:
            assert right(sampled(2), wide, 40, "tv", False).route == "single"
    monkeypatch.setattr(told, "_visits", lambda *of: (1, 0))
    assert right(sampled(2), wide, 40, "tv", True) == ful.row_risk(wide, 40)
    sure = row_of([0.25, 0.75])
    monkeypatch.setattr(told, "natural_risk", lambda one, row, *of, patient: (one.draws, row.rho, of, patient))
    assert right(sampled(2), sure, 40, "l2", False) == (1, 1.0, (80, "l2"), False)


def test_the_seconds_of_lists_and_draws(monkeypatch):
    # Oracle: definition, from planted seconds of SEL_ptl: eight of the numbers of visits stand for all
    asked = []
    monkeypatch.setattr(sel, "seconds", lambda row, n: asked.append((row.rho, n)) or 1e-3 * n)
    few, wide = row_of(np.full(12, 1 / 12), 0.5), row_of(np.full(13, 1 / 13), 0.5)
    assert told.seconds(few, 9, gumbel_top_k(2)) == told.seconds(wide, 9, gumbel_top_k(2)) == 0.05
    assert told.seconds(few, 9, sampled(2)) == told.seconds(row_of([0.0, *few.p], 0.5), 9, sampled(2)) == 0.05
    for protocol in (sampled(1), top_k_only(2), top_k(2), kt.PROTOCOLS["partial"]):
        assert told.seconds(wide, 9, protocol) == 1e-3 * 9
    assert asked == [(0.5, 9)] * 4
    for first, number in ((2, 1), (2, 7), (3, 8), (1, 37)):
        monkeypatch.setattr(told, "_visits", lambda *of, first=first, number=number: (first, number))
        some = list(range(first, first + number, max(number // 8, 1)))
        asked.clear()
        truth = number * sum(2e-3 * N for N in some) / len(some)
        assert told.seconds(wide, 50, sampled(2)) == pytest.approx(truth, rel=1e-12, abs=0)
        assert asked == [(1.0, 2 * N) for N in some]
    monkeypatch.setattr(told, "_visits", lambda *of: (1, 0))
    assert told.seconds(wide, 0, sampled(2)) == 0.0
    listed = kt.Protocol("both", tells_drawn=True, top=1, draws=2)
    monkeypatch.setattr(told, "_visits", lambda *of: (4, 1))
    assert told.seconds(few, 9, listed) == pytest.approx(8e-3, rel=1e-12, abs=0)


# --- Lists ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rho", "n"), [(0.375, 4), (1.0, 3), (1.0, 0), (1e-12, 7)])
@pytest.mark.parametrize("e", [0.0, 2.0**-42])
def test_the_errors_of_lists_term_by_term(monkeypatch, rho, n, e):
    # Oracle: definition, what the tail, its law and the init on it are off by; each route's own error is planted
    p, init = [0.125, 0.1875 + e, 0.6875], [0.3, 0.2, 0.5]
    row = row_of(p, rho, init)
    unvisited = ful.row_risk(row, n)
    t = p[0] + p[1]
    tau, iota = np.array(p[:2]) / t, np.array(init[:2]) / (init[0] + init[1])
    rounded = (off_one(tau) + off_one(iota) + 2 * EPS) * rho * t
    spread = t * float(np.abs(tau - iota).sum()) / 2
    seen = rho * (1 - (1 - Fraction(rho)) ** n)
    found = told.natural_risk(top_k_only(1), row, n)
    value = unvisited.value + float(seen) * spread
    assert found.value == pytest.approx(value, rel=1e-13, abs=1e-300)
    assert found.error == pytest.approx(unvisited.error + rounded + 8 * EPS * value, rel=1e-9, abs=0)
    assert found.route == "closed form"
    asked = []

    def planted(tail, times, divergence, **more):
        asked.append((tail, times, divergence, more))
        return Estimate(rho * t, 2.0**-50, "planted", proved=False)

    monkeypatch.setattr(sel, "row_risk", planted)
    monkeypatch.setattr(sgl, "row_risk", planted)
    replaced = rho * float((1 - Fraction(rho)) ** n) * spread
    more = rounded + 8 * EPS * (rho * t + replaced + unvisited.value) + 2.0**-50 + unvisited.error
    for listed in (
        told.natural_risk(top_k(1), row, n, patient=False),
        told.counted_risk(top_k_label(1), row, n),
    ):
        assert listed.value == pytest.approx(rho * t - replaced + unvisited.value, rel=1e-13, abs=0)
        assert listed.error == pytest.approx(more, rel=1e-9, abs=0)
        assert (listed.route, listed.proved) == ("planted", False)
    for tail, times, divergence, given in asked:
        assert (tail.rho, times, divergence) == (pytest.approx(rho * t, rel=1e-15, abs=0), n, "tv")
        assert given in ({"patient": False}, {})
        np.testing.assert_allclose(tail.p, tau, rtol=1e-15)
        np.testing.assert_allclose(tail.init, iota, rtol=1e-15)
    lacking = told.renormalised_risk(top_k_only(1), row, n)
    value = unvisited.value + float(seen) * t
    assert lacking.value == pytest.approx(value, rel=1e-13, abs=1e-300)
    assert lacking.error == pytest.approx(unvisited.error + e * rho + 8 * EPS * value, rel=1e-9, abs=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_dividing_a_tail_by_its_sum_moves(monkeypatch, seed):
    # Oracle: definition in fractions, on tails whose law or init is off 1 after the division
    rng = np.random.default_rng(seed)
    while True:
        p, init = np.sort(rng.dirichlet(np.ones(9))), rng.dirichlet(np.ones(9))
        t = math.fsum(p[:8])
        tau, iota = p[:8] / t, init[:8] / init[:8].sum()
        if (off_one(tau) > 0, off_one(iota) > 0) == [(True, False), (False, True), (True, True)][seed]:
            break
    row, n = row_of(p, 0.375, init), 10**6
    rounded = (off_one(tau) + off_one(iota) + 2 * EPS) * 0.375 * t
    found = told.natural_risk(top_k_only(1), row, n)
    assert found.error == pytest.approx(rounded + 8 * EPS * found.value, rel=1e-9, abs=0)
    for of in (sel, sgl):
        monkeypatch.setattr(of, "row_risk", lambda *given, **more: Estimate(1e-9, 0.0, "planted"))
    for listed in (told.natural_risk(top_k(1), row, n), told.counted_risk(top_k_label(1), row, n)):
        assert listed.error == pytest.approx(rounded + 8 * EPS * 1e-9, rel=1e-9, abs=0)


def test_lists_of_everything_and_of_nothing(monkeypatch):
    # Oracle: definition, the whole row is told by one visit; no list leaves SEL_ptl, CE_sgl or the student as it was
    row = row_of([0.0, 0.25, 0.75], 0.5, [0.2, 0.2, 0.2], zeros=2, start=0.2)
    told_whole, never = ful.row_risk(row, 3), ful.row_risk(row.full(), 0)
    monkeypatch.setattr(sel, "row_risk", lambda row, n, of, *, patient: ("sel", row.p.tolist(), n, of, patient))
    monkeypatch.setattr(sgl, "row_risk", lambda row, n, of: ("sgl", row.p.tolist(), n, of))
    for k in (5, 6):
        assert told.natural_risk(top_k(k), row, 3) == told_whole
        assert told.natural_risk(top_k_only(k), row, 3) == told_whole
        assert told.counted_risk(top_k_label(k), row, 3).value == told_whole.value
        assert told.renormalised_risk(top_k_only(k), row, 3) == told_whole
    for k in (2, 3, 4):  # the rest has no mass
        assert told.natural_risk(top_k(k), row, 3).value == told_whole.value
        assert told.natural_risk(top_k_only(k), row, 3).value == told_whole.value
        assert told.counted_risk(top_k_label(k), row, 3).value == told_whole.value
        assert told.renormalised_risk(top_k_only(k), row, 3).value == told_whole.value
    listed = [0.0, 0.0, 0.0, 0.25, 0.75]
    high = kt.protocols.threshold(0.8)
    assert told.natural_risk(high, row, 3) == never
    assert told.renormalised_risk(high, row, 3) == never
    shown = replace(high, shows_label=True)
    assert told.counted_risk(shown, row, 3) == ("sgl", listed, 3, "tv")
    drawn = replace(shown, tells_drawn=True)
    assert told.natural_risk(drawn, row, 3, "l2", patient=False) == ("sel", listed, 3, "l2", False)
    assert told.natural_risk(kt.PROTOCOLS["partial"], row, 3, patient=False) == ("sel", listed, 3, "tv", False)
    assert told.natural_risk(kt.PROTOCOLS["soft"], row, 3) == told_whole
    for of in (told.natural_risk, told.counted_risk, told.renormalised_risk):
        with pytest.raises(OutOfReach, match="divergence l2: learners of a list"):
            of(top_k_label(1), row_of([0.25, 0.75]), 3, "l2")


def test_the_mass_that_an_init_of_zeros_does_not_share():
    # Oracle: by hand, a tail whose init is 0 is shared equally
    tail, start = told._tail(row_of([0.1, 0.2, 0.7], init=[0.0, 0.0, 1.0]), 1)
    assert (tail.tolist(), start.tolist()) == ([0.1, 0.2], [0.5, 0.5])


# --- Levels ---------------------------------------------------------------------------------------------------


def labels_and_chances(A=40, seed=3):
    p = np.sort(np.random.default_rng(seed).dirichlet(np.ones(A)))
    return p, np.exp(-30 * p)


def test_what_revived_harmonics_add(monkeypatch):
    # Oracle: second algorithm, harmonic by harmonic and label by label in plain Python
    monkeypatch.setattr(levels, "MOST_WATCHED", 5)
    monkeypatch.setattr(levels, "MOST_PHASES", 44)
    p, q = labels_and_chances(9)
    q[3] = 1e-11  # seen for sure
    width, half_period, first = 0.05, 0.4, 7
    v = [x * (1 - x) for x in q]
    live = [i for i in range(9) if v[i] > 1e-9]
    some = [live[round(i * (len(live) - 1) / 4)] for i in range(5)]
    numbers = [first + 2 * i for i in range(44 // 5)]
    total = 0.0
    for k in numbers:
        turns = [
            complex(math.cos(k * math.pi / half_period * p[i]), math.sin(k * math.pi / half_period * p[i]))
            for i in some
        ]
        mean = sum(t * v[i] for t, i in zip(turns, some, strict=True))
        mean /= abs(mean)
        log = sum(
            0.5 * math.log1p(-min(2 * v[i] * (1 - (t * mean.conjugate()).real), 1 - EPS))
            for t, i in zip(turns, some, strict=True)
        )
        total += math.exp(log * len(live) / 5) / k**2
    once = half_period / (math.pi * q.sum() * width)
    centre = sum(a * b for a, b in zip(q, p, strict=True)) / q.sum()
    spread = math.sqrt(sum(a * (b - centre) ** 2 for a, b in zip(v, p, strict=True)))
    odd = 1 + half_period / (math.sqrt(2 * math.pi) * spread)
    truth = 2 / math.pi * once * (total + odd * math.pi**2 / 6 / numbers[-1] ** 2)
    assert levels._revivals(p, q, width, half_period, first) == pytest.approx(truth, rel=1e-12, abs=0)


@pytest.mark.parametrize("rho", [1.0, 0.8])
def test_the_value_and_the_error_of_levels_term_by_term(monkeypatch, rho):
    # Oracle: definition, from planted probabilities below the levels, and planted parts of the error
    from kt_theory.exact import loops_levels

    p, _ = labels_and_chances()
    row, n, given, off = row_of(p, rho), 30, {}, {"moved": 1e-8, "cut": 0.25, "again": 1e-8, "left": 1e-9}

    def below(t, factor, w, x, times, at, half_period, quiet, slow, most, hopeless, out):
        given.update(w=w, x=x, at=at, half_period=half_period, quiet=quiet, slow=slow, most=most, hopeless=hopeless)
        out[:] = 0.5 + 0.1 * np.arange(x.size)[:, None] / x.size + at[None, :]
        return off["cut"] * hopeless, 77

    def revived(p, q, width, half_period, first):
        given.update(width=width, first=first)
        return off["again"]

    monkeypatch.setattr(loops_levels, "below_levels", below)
    monkeypatch.setattr(levels, "_revivals", revived)
    monkeypatch.setattr(
        levels, "_replaced", lambda p, w, *of: given.update(of=of) or (p, np.full(p.size, 1.0), off["moved"])
    )
    monkeypatch.setattr(levels, "_circle", lambda w, p, n: (np.array([1.0 + 0j]), np.array([1.0 + 0j]), off["left"]))
    found = levels.risk(row, n)
    whole = math.fsum(p)
    w = rho * p / whole
    q = np.exp(-n * w)
    unseen = math.fsum(q)
    centre = math.fsum(q * p) / unseen
    spread = math.sqrt(math.fsum(q * (1 - q) * (p - centre) ** 2))
    low, high = levels._window(p, q, centre, spread / unseen)
    assert given["of"][0] == n
    assert [*given["of"][1], given["of"][2]] == pytest.approx([low, high, 7 / spread], rel=1e-12, abs=0)
    half_period = 1.02 * unseen * (high - low) + float(p[-1])
    assert given["half_period"] == pytest.approx(half_period, rel=1e-12, abs=0)
    assert given["slow"] == max(64, int(10 * half_period / math.pi / spread))
    assert given["most"] == int(60 * half_period / math.pi / spread)
    assert (given["width"], given["first"]) == (pytest.approx(high - low, rel=1e-12, abs=0), 77)
    np.testing.assert_allclose(given["w"], w, rtol=1e-14)
    never = (1 - w) ** n
    share = 4 * (high - low) * math.fsum(never[p > low])
    between = 4 * (high - low) * math.fsum(never[(p > low) & (p < high)])
    assert 0 < between < share
    hopeless = 1e-6 * math.fsum(never * np.maximum(p - centre, 0)) / share
    assert given["hopeless"] == pytest.approx(hopeless, rel=1e-12, abs=0)
    assert given["quiet"] == pytest.approx(1e-5 * hopeless, rel=1e-12, abs=0)
    inside = [
        (0.5 + 0.1 * i / p.size) * (min(max(x, low), high) - low) + (min(max(x, low), high) ** 2 - low**2) / 2
        for i, x in enumerate(p)
    ]
    value = sum(y * max(x - high, 0.0) + z for y, x, z in zip(never, p, inside, strict=True))
    assert found.value == pytest.approx(rho * value, rel=1e-12, abs=0)
    assert (found.route, found.proved) == ("levels", False)

    def error():
        terms = off["left"] + share * (off["cut"] * hopeless + 1e-5 * hopeless) + between * off["again"]
        return rho * (terms + value * (off["moved"] + 1e-12) + 2 * math.exp(-30) * math.fsum(never * p))

    assert found.error == pytest.approx(error(), rel=1e-6, abs=0)
    for name in off:
        kept = off[name]
        off[name] = 0.0
        assert levels.risk(row, n).error == pytest.approx(error(), rel=1e-6, abs=0)
        off[name] = kept
    off.update(moved=0.0, cut=0.0, again=0.0, left=0.0)
    assert levels.risk(row, n).error == pytest.approx(error(), rel=1e-3, abs=0)
    for name, much, words in (
        ("moved", 1.01e-6, "labels alike cannot be replaced"),
        ("cut", 1.01, "vary"),
        ("again", 1.01 * hopeless * share / between, "vary"),
        ("left", 1.01e-6 * value, "the error is"),
    ):
        off[name] = much
        with pytest.raises(OutOfReach, match=words):
            levels.risk(row, n)
        off[name] = 0.97 * much / 1.01
        if name != "again":
            levels.risk(row, n)
        off[name] = 0.0


def test_rows_that_levels_refuse_at_once():
    # Oracle: definition, eight unseen labels in the mean, and a spread of 1e-9 of their sum
    with pytest.raises(OutOfReach, match=r"7\.\d+ labels are unseen in the mean"):
        levels.risk(row_of(np.full(20, 0.05)), 20)
    with pytest.raises(OutOfReach, match="hardly differ"):
        levels.risk(row_of(np.full(30, 1 / 30)), 20)
    assert 7 < 20 * math.exp(-1) < 8


def test_labels_that_levels_replace(monkeypatch):
    # Oracle: second algorithm, widths of intervals, and what logarithms and integrals move, one label at a time
    import cmath

    A, n, frequency, kinks = 260, 900, 700.0, (0.0026, 0.0047)
    p = np.sort(np.linspace(0.5, 1.5, A) ** 2)
    p[1] = p[0]
    p /= p.sum()
    w, asked = 0.9 * p, {}

    def kept(x, c, width, points):
        asked.update(x=x, c=c, width=width, points=points)
        return x[::2] * (1 + 1e-7), 2.0 * c[::2], []

    monkeypatch.setattr(levels.alike, "replaced", kept)
    y, d, moved = levels._replaced(p, w, n, kinks, frequency)
    x, c = asked["x"], asked["c"]
    assert (x.size, c[0], c[1:].max(), asked["points"]) == (A - 1, 2.0, 1.0, 10)
    for far in (1.0, 2e-4):
        levels._replaced(p, w, n, kinks, frequency / far)
        width = min(1 / (0.9 * n), far / frequency)
        for start in (0.001, 0.00255, 0.0026, 0.003, 0.00465, 0.0047, 0.006):
            stop = start + (min(width, 0.0021 / 9) if 0.0026 <= start < 0.0047 else width)
            stop = min([stop, *(e for e in kinks if e > start)])
            assert asked["width"](start) == pytest.approx(stop - start, rel=1e-9, abs=0)
    centre, step = sum(kinks) / 2, (kinks[1] - kinks[0]) / 14

    def integral(z):
        far = (z - centre) / step
        inside = far * (1 + math.erf(far / math.sqrt(2))) / 2 + math.exp(-(far**2) / 2) / math.sqrt(2 * math.pi)
        return math.exp(-0.9 * n * z) * (0.0 if z <= kinks[0] else far if z >= kinks[1] else inside)

    whole, short = (sum(k * integral(z) for z, k in zip(a, b, strict=True)) for a, b in ((x, c), (y, d)))
    off = [abs(whole / short - 1)]
    for part, t, level in itertools.product((0.3, 0.6, 1.0), (n, complex(n, 5 * math.sqrt(n))), kinks):

        def log(z, t=t, level=level, part=part):
            return cmath.log(1 + cmath.exp(-0.9 * z * t) * (cmath.exp(1j * part * frequency * (z - level)) - 1))

        one, two = (sum(k * log(z) for z, k in zip(a, b, strict=True)) for a, b in ((x, c), (y, d)))
        off.append(abs(one - two) * min(1.0, math.exp(max(one.real, two.real))))
    assert moved == pytest.approx(max(off), rel=1e-8, abs=0)
    monkeypatch.setattr(levels, "ndtr", lambda x: 0 * x)
    few = levels._replaced(p[:201], w[:201], n, kinks, frequency)
    assert (few[0].size, few[2]) == (200, 0.0)
    sure = levels._replaced(np.append(p[:150], 0.4), np.append(w[:150], 0.36), n, kinks, frequency)
    assert sure[0].tolist() == np.unique(p[:150]).tolist()


# --- Circles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("negligible", [1e-9, 1e-5, 1e-3, 0.02])
@pytest.mark.parametrize("unseen", [(), (0.3,), (0.3, 0.3, 0.26)])
def test_labels_are_split(negligible, unseen):
    # Oracle: second algorithm, label by label in plain Python: losses from the least on, gains from the first label on
    p = np.array([0.0, 0.0, 1e-7, 1e-5, 1e-4, 0.004, 0.01, 0.03, 0.07, 0.11])
    n, w = 60, 0.7 * p
    found = circles.split(p, w, 0.25, np.array(unseen), n, negligible)
    never, before, known = (1 - w) ** n, (1 - w) ** (n - 1), sum(unseen)
    missing = sum(a * b for a, b in zip(never, p, strict=True))
    loss = sorted((never[i] * (p[i] + known + missing), i) for i in range(10))
    sure, lost = set(), 0.0
    for x, i in loss:
        if lost + x > negligible / 2:
            break
        lost += x
        sure.add(i)
    sure = {i for i in sure if p[i] > 0}
    gains = [n * sum(w[: i + 1]) * (known + sum(a * b for a, b in zip(before, p, strict=True))) for i in range(10)]
    idle = [i for i in range(10) if gains[i] <= negligible / 2 and i not in sure]
    middle = [i for i in range(10) if i not in sure and i not in idle]
    error = sum(x for x, i in loss if i in sure) + max((gains[i] for i in idle), default=0.0)
    assert found.error == pytest.approx(error, rel=1e-12, abs=0)
    np.testing.assert_allclose(found.w, w[middle], rtol=1e-15)
    np.testing.assert_allclose(found.p, p[middle], rtol=1e-15)
    always = sorted([p[i] for i in idle] + list(unseen))
    assert np.repeat(found.idle, found.times).tolist() == always
    assert found.most == pytest.approx(sum(p[middle]) + sum(always), rel=1e-13, abs=0)
    assert found.heavy == 0.25
    assert circles.split(p, w, 0.25, np.array(unseen), n, negligible, len(middle)).error == found.error
    with pytest.raises(OutOfReach, match=f"{len(middle)} labels may be seen or not"):
        circles.split(p, w, 0.25, np.array(unseen), n, negligible, len(middle) - 1)


def test_labels_that_are_close_are_moved_to_their_middle():
    # Oracle: definition, where the last is at most twice the first, and none is always unseen; pairs of equals add 0
    for first, moved in ((0.25, True), (0.24, False)):
        p = np.array([first, 0.3, 0.375, 0.5])
        found = circles.split(p, 0.5 * p, 0.0, np.zeros(0), 3, 1e-12)
        assert found.p.tolist() == ([-0.125, -0.075, 0.0, 0.125] if moved else p.tolist()) or np.allclose(
            found.p, p - 0.375 if moved else p, rtol=1e-15, atol=0
        )
    p = np.array([0.25, 0.25, 0.5])
    c, k = circles._pairs(p, p, np.zeros(0), np.zeros(0, dtype=int))
    assert (c.tolist(), k.tolist()) == ([0.125, 0.125], [0.25, 0.25])
    c, k = circles._pairs(np.array([0.5, 0.5]), np.array([0.4, 0.5]), np.array([0.5]), np.array([1]))
    assert (c.tolist(), k.tolist()) == ([pytest.approx(0.05, rel=1e-12, abs=0)], [0.5])


@pytest.mark.parametrize("rates", [[0.5, 2.0, 7.0], [1e-9, 3.0], [3.0, 45.0, 200.0], [0.2]])
@pytest.mark.parametrize("rest", [0.0, 4.0, -1e-17])
@pytest.mark.parametrize("least", [-0.5, -8.0, -40.0, -1e4])
def test_how_far_a_circle_reaches(rates, rest, least):
    # Oracle: mpmath, the modulus by its formula: at the reach it is what is negligible, or above that at the other end
    import mpmath

    def log(x):
        total = max(rest, 0.0) * (mpmath.cos(x) - 1)
        for y in rates:
            u = y * mpmath.cos(x)
            total += mpmath.log1p(y * (mpmath.expm1(u) / u if u else 1)) - y
        return float(total)

    reach = circles._reach(np.array(rates), rest, least)
    if log(math.pi) > least:
        assert reach == math.pi
    else:
        assert log(reach) == pytest.approx(least, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("n", "share"), [(3, 1e-3), (3, 1e-14), (40, 1e-15), (400, 1e-9)])
def test_the_aliases_of_a_circle(n, share):
    # Oracle: second algorithm, the coefficients n +- N, 2 N, 3 N by fractions of factorials; N grows by 15 % each time
    p = np.array([0.1, 0.2, 0.3, 0.4]) * min(1.0, 4 / n)
    labels = circles.split(p, p, 0.0, np.zeros(0), n, 0.0)
    c, k = labels.pairs
    negligible = share * float(c @ k**n)
    circle = circles.circle_of(labels, n, negligible)
    R = circle.R
    weight = c * np.exp(R * (k - k.max()))
    weight /= weight.sum()
    mean = float(weight @ (R * k))
    N = math.ceil(8 * math.sqrt(mean + float(weight @ (R * k - mean) ** 2)) + 20)

    def aliases(N):
        return sum(
            float(c @ k**m) * math.exp((m - n) * math.log(R) + math.lgamma(n + 1) - math.lgamma(m + 1))
            for m in (n + j * N for j in (-3, -2, -1, 1, 2, 3))
            if m >= 0
        )

    while aliases(N) > negligible:
        N = math.ceil(1.15 * N)
    turns = np.angle(circle.t)
    assert 2 * math.pi / turns[1] == pytest.approx(N, rel=1e-9, abs=0)
    skipped = 0.0 if circle.t.size - 1 == N // 2 else negligible
    assert circle.error == pytest.approx(aliases(N) + skipped, rel=1e-9, abs=1e-300)
    times = [1.0 if i in (0, N / 2) else 2.0 for i in range(circle.t.size)]
    assert circle.log_scale == pytest.approx(R - n * math.log(R) + math.lgamma(n + 1), rel=1e-9, abs=0)
    assert circle.weight == pytest.approx(sum(times) / N * math.exp(circle.log_scale), rel=1e-9, abs=0)
    assert circle.t.size - 1 == min(
        N // 2,
        int(
            circles._reach(
                p * R, R - float(p.sum()) * R, math.log(negligible) - circle.log_scale - math.log(labels.most)
            )
            * N
            / 2
            / math.pi
        )
        + 1,
    )


def test_circles_of_too_many_nodes(monkeypatch):
    # Oracle: definition, the limit from both sides
    p = np.array([0.1, 0.2, 0.3, 0.4])
    labels = circles.split(p, p, 0.0, np.zeros(0), 3, 0.0)
    size = circles.circle_of(labels, 3, 1e-12).t.size
    monkeypatch.setattr(circles, "MOST_NODES", size)
    circles.circle_of(labels, 3, 1e-12)
    monkeypatch.setattr(circles, "MOST_NODES", size - 1)
    with pytest.raises(OutOfReach, match=f"{size - 1} nodes, {size - 1} at most"):
        circles.circle_of(labels, 3, 1e-12)


# --- Closed forms, rows, and the sum over inputs --------------------------------------------------------------


@pytest.mark.parametrize("goal", [sgl.GOAL, sgl.COARSE])
@pytest.mark.parametrize("divergence", ["tv", "l2"])
@pytest.mark.parametrize("rho", [1.0, 0.25])
@pytest.mark.parametrize("e", [0.0, 2.0**-36])
def test_the_error_of_frequencies_term_by_term(goal, divergence, rho, e):
    # Oracle: definition, 1e-13 of what a visited input costs, what the waves leave out, the unvisited part's own
    row = row_of([0.125, 0.25, 0.25, 0.375 + e], rho)
    never, found = ful.row_risk(row, 6, divergence), sgl.row_risk(row, 6, divergence, goal=goal)
    visited = (found.value - never.value) / rho
    error = (1e-13 + goal - 4e-14) * rho * visited + never.error + 2 * rho * e * visited
    assert found.error == pytest.approx(error, rel=1e-9, abs=0)
    one = sgl.row_risk(row_of([0.0, 1.0], rho), 6, divergence)
    assert one == ful.row_risk(row_of([0.0, 1.0], rho), 6, divergence)


def test_the_least_error_of_frequencies():
    # Oracle: definition, four units of the smallest float where all else rounds to 0
    row = row_of([0.5, 0.5], 5e-324)
    assert sgl.row_risk(row, 3).error - ful.row_risk(row, 3).error >= 4 * 5e-324
    assert sgl.row_risk(row, 3).error <= ful.row_risk(row, 3).error + 8 * 5e-324


def test_rows_that_are_alike():
    # Oracle: enumeration by hand: order and the sign of 0 do not matter, mass, init and the last label do
    rho = np.array([0.2, 0.2, 0.0, 0.2, 0.4])
    teacher = np.array([[0.0, 0.25, 0.75], [0.75, -0.0, 0.25], [0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.0, 0.25, 0.75]])
    init = np.array([[0.5, 0.0, 0.5], [0.5, 0.5, -0.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]])
    for start in (init, np.full((5, 3), 1 / 3)):
        for keep, times in ((False, [3, 1]), (True, [1, 1, 1, 1])):
            found = rows.distinct_rows(rho, teacher, start, keep)
            assert [row.times for row in found] == times
            assert [row.rho for row in found] == [0.2] * (len(times) - 1) + [0.4]
            assert [row.p.tolist() for row in found] == [[0.0, 0.25, 0.75]] * len(times)
            assert [row.init.tolist() for row in found] == [[0.5, 0.0, 0.5] if start is init else [1 / 3] * 3] * len(
                times
            )
            if keep:
                assert [row.last for row in found] == [0.75, 0.25, 0.0, 0.75]
            else:
                assert all(math.isnan(row.last) for row in found)
    import scipy.sparse

    sparse = kt.Problem(rho, scipy.sparse.csr_array(teacher))
    for keep, times in ((False, [3, 1]), (True, [1, 1, 1, 1])):
        found = risk.rows_of(sparse, keep_last=keep)
        assert [row.times for row in found] == times
        assert [(row.zeros, row.start) for row in found] == [(1, pytest.approx(1 / 3, rel=1e-15, abs=0))] * len(times)
        assert [row.p.tolist() for row in found] == [[0.25, 0.75]] * len(times)
        assert [row.full().p.tolist() for row in found] == [[0.0, 0.25, 0.75]] * len(times)
        assert [row.last for row in found] == (
            [0.75, 0.25, 0.0, 0.75] if keep else pytest.approx([math.nan] * 2, nan_ok=True)
        )
    listed = rows.distinct_rows(np.ones(1), np.array([[0.2, 0.2, 0.6]]), np.array([[0.5, 0.3, 0.2]]))[0]
    assert (listed.p.tolist(), listed.init.tolist()) == ([0.2, 0.2, 0.6], [0.3, 0.5, 0.2])
    short = Row(0.5, np.array([0.2, 0.8]), np.array([0.1, 0.5]), 4, zeros=2, start=0.2, last=0.8).full()
    assert (short.p.tolist(), short.init.tolist()) == ([0.0, 0.0, 0.2, 0.8], [0.2, 0.2, 0.1, 0.5])
    assert (short.rho, short.times, short.zeros, short.last) == (0.5, 4, 0, 0.8)


def test_what_all_inputs_add():
    # Oracle: definition, values and errors times their inputs, one rounding of the sum; proved if all parts are
    parts = {0.25: Estimate(0.125, 1e-9, "a"), 0.5: Estimate(0.25, 1e-10, "b", proved=False)}
    inputs = [replace(row_of([0.5, 0.5], rho), times=times) for rho, times in ((0.25, 3), (0.5, 2), (0.25, 1))]
    found = risk.total(inputs, lambda row, *of: parts[row.rho], 3, "tv")
    assert found.value == 0.125 * 4 + 0.25 * 2
    assert found.error == pytest.approx(4e-9 + 2e-10 + EPS, rel=1e-9, abs=0)
    assert (found.route, found.proved) == ("a + b", False)
    one = risk.total(inputs[:1], lambda *of: Estimate(0.2, 0.0, "a"), 3, "tv")
    assert one.proved
    assert one.error == pytest.approx(EPS * 0.6, rel=1e-12, abs=0)
    for divergence, most in (("tv", 1.0), ("l2", 2.0)):
        high = risk.total(inputs[:1], lambda *of, most=most: Estimate(0.25 * most, 0.0, "a"), 3, divergence)
        assert high.value == pytest.approx(0.75 * most, rel=1e-15, abs=0)
        with pytest.raises(OutOfReach, match="lies outside of its proved range"):
            risk.total(inputs[:1], lambda *of, most=most: Estimate(0.26 * most, 0.0, "a"), 3, divergence)
    assert risk.total(inputs, lambda *of: Estimate(math.inf, 0.0, "a"), 3, "kl").value == math.inf


def test_which_rows_take_minutes(monkeypatch):
    # Oracle: definition, seconds added up row by row: 120 s is the most, which 120 rows cannot exceed
    asked = []
    monkeypatch.setitem(risk.TAKE_TIME, told.natural_risk, lambda row, n, *of: asked.append((n, *of)) or row.rho)
    hurried = risk.partial(told.natural_risk, sampled(2), patient=False)
    some = [row_of([0.5, 0.5], 1.0)] * 119 + [row_of([0.5, 0.5], 0.5)] * 2
    risk._within_minutes(some, hurried, 7)
    assert asked == [(7, sampled(2))] * 121
    with pytest.raises(OutOfReach, match=r"122 of 123 different inputs take about 120 s"):
        risk._within_minutes([*some, row_of([0.5, 0.5], 0.001), row_of([0.5, 0.5])], hurried, 7)
    risk._within_minutes([row_of([0.5, 0.5], 9.0)] * 120, hurried, 7)
    risk._within_minutes([row_of([0.5, 0.5], 9.0)] * 130, told.natural_risk, 7)


def test_the_route_of_a_learner(monkeypatch):
    # Oracle: definition, by name where the learner is the package's, hurried where its route may take seconds
    for name, route in risk.ROUTES.items():
        learner = kt.LEARNERS[name]
        assert risk._route(learner, True) is route
        hurried = risk._route(learner, False)
        if name in ("SEL_ptl", "CE_ptl"):
            assert (hurried.func, hurried.keywords) == (route, {"patient": False})
        else:
            assert hurried is route
    for name, route in (("SEL@top_k:2", told.natural_risk), ("CE@top_k_label:2", told.counted_risk)):
        learner = kt.learners.resolve_learner(name)
        for patient in (True, False):
            found = risk._route(learner, patient)
            hurry = {"patient": False} if route is told.natural_risk and not patient else {}
            assert (found.func, found.args, found.keywords) == (route, (learner.protocol,), hurry)
        own = kt.Learner(name, learner.protocol, lambda counts, revealed, init: init)
        with pytest.raises(OutOfReach, match="no exact route"):
            risk._route(own, True)
    with pytest.raises(OutOfReach, match="no exact route"):
        risk._route(kt.learners.resolve_learner("SEL@rounded:2"), True)
    goals = []
    monkeypatch.setattr(sgl, "row_risk", lambda row, *of, goal=None: goals.append(goal) or Estimate(0.0, 0.0, "r"))
    monkeypatch.setitem(risk.ROUTES, "CE_sgl", sgl.row_risk)
    for most in (5, 6):
        monkeypatch.setattr(risk, "MANY", most)
        risk.exact_risk(kt.Problem([0.5, 0.5], [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]), "CE_sgl", 3)
        risk.exact_risk(kt.Problem([1.0], [[0.1, 0.2, 0.7]]), "CE_sgl", 3)
    assert goals == [sgl.COARSE] * 2 + [None] * 4
    assert (risk.HASTY, told.HASTY) == (120.0, 15.0)


# --- The law of the risk, limits, added counts ----------------------------------------------------------------


@pytest.mark.parametrize(("n", "labels", "draws"), [(0, 3, 1), (4, 1, 1), (4, 3, 1), (3, 3, 2), (2, 4, 3)])
def test_numbers_of_count_tables(n, labels, draws):
    # Oracle: enumeration of all tables of one input; with other inputs after 0 to n visits, of which the last is most
    def tables(visits):
        return sum(1 for _ in itertools.combinations_with_replacement(range(labels), visits * draws))

    assert law._count_tables(n, labels, True, draws) == tables(n)
    others = sum(tables(m) for m in range(n + 1)) if draws == 1 else (n + 1) * tables(n)
    assert law._count_tables(n, labels, False, draws) == others
    sets_drawn = list(itertools.combinations(range(labels), min(draws, labels)))
    ways = sum(1 for _ in itertools.combinations_with_replacement(sets_drawn, n))
    assert law._set_tables(n, labels, True, draws) == ways
    every = sum(sum(1 for _ in itertools.combinations_with_replacement(sets_drawn, m)) for m in range(n + 1))
    assert law._set_tables(n, labels, False, draws) == every


def test_laws_of_tables_of_sets():
    # Oracle: enumeration, every sequence of sets
    chosen = [(0.5, np.array([1, 1, 0])), (0.3, np.array([1, 0, 1])), (0.2, np.array([0, 1, 1]))]
    for m in range(4):
        truth: dict[tuple[int, ...], float] = {}
        for order in itertools.product(chosen, repeat=m):
            key = tuple(sum((mask for _, mask in order), np.zeros(3, dtype=int)).tolist())
            truth[key] = truth.get(key, 0.0) + math.prod(chance for chance, _ in order)
        counts, likely = law.set_tables(m, chosen)
        assert dict(zip(map(tuple, counts.tolist()), likely.tolist(), strict=True)) == pytest.approx(
            truth, rel=1e-14, abs=0
        )


def test_a_cap_is_told_in_digits_or_as_a_power():
    # Oracle: definition, from both sides
    law.within_reach(law.CAP, 3, "tables")
    for number, said in (
        (2_000_001, "2000001"),
        (10**15 - 1, "9" * 15),
        (2**50, r"more than 10\^15"),
        (2**100, r"10\^30"),
    ):
        with pytest.raises(OutOfReach, match=f"n is 3: .*{said} tables exceed the cap of 2000000"):
            law.within_reach(number, 3, "tables")


def test_quantiles_allow_for_what_the_probabilities_fall_short_of():
    # Oracle: definition, 1e-12 and no more; the last value where all fall short
    found = law.RiskLaw(np.array([0.0, 0.5, 1.0]), np.array([0.25 - 5e-13, 0.5, 0.25]))
    assert [found.quantile(q) for q in (0.25, 0.25 + 2e-12, 0.75, 1.0)] == [0.0, 0.5, 0.5, 1.0]
    infinite = law.RiskLaw(np.array([0.5, math.inf]), np.array([1.0, 0.0]))
    assert infinite.mean() == 0.5
    short = law.RiskLaw(np.array([0.0, 0.5]), np.array([0.5, 0.4]))
    assert short.quantile(0.95) == 0.5


def test_values_that_are_one_are_their_mean():
    # Oracle: definition, weighted by the probabilities; what a learner that sees no label costs does not grow with n
    values = np.array([0.25, 0.25 + 2.0**-45, 0.5])
    _, found, likely = law.merged(np.zeros(3), values, np.array([0.25, 0.5, 0.25]))
    assert (found.tolist(), likely.tolist()) == (
        [pytest.approx(0.25 + 2.0**-45 * 2 / 3, rel=2e-16, abs=0), 0.5],
        [0.75, 0.25],
    )
    whole = law.risk_law(kt.Problem([1.0], [[0.5, 0.5]]), "CE_ful", 3 * 10**6)
    assert (whole.values.tolist(), whole.probabilities.tolist()) == ([0.0], [1.0])


def test_a_learner_that_couples_inputs_has_no_law():
    # Oracle: definition, each row is compared with its answer alone, to 1e-9
    def coupled(by):
        def fit(counts, revealed, init):
            out = np.full(counts.shape, 0.5)
            alone = counts.shape[0] == 1
            out[:, 0] += 0 if alone else by
            out[:, 1] -= 0 if alone else by
            return out

        return kt.Learner("own", "hard", fit)

    problem = kt.Problem([0.5, 0.5], [[0.25, 0.75], [0.5, 0.5]])
    with pytest.raises(ValueError, match="it couples inputs"):
        law.risk_law(problem, coupled(1.1e-9), 2)
    law.risk_law(problem, coupled(0.9e-9), 2)

    def first(counts, revealed, init):
        out = np.full(counts.shape, 0.5)
        out[0] += 0.0 if counts.shape[0] == 1 else np.array([1e-3, -1e-3])
        return out

    with pytest.raises(ValueError, match="it couples inputs"):
        law.risk_law(problem, kt.Learner("own", "hard", first), 2)


@pytest.mark.parametrize("seed", range(3))
def test_limits_in_plain_python(seed):
    # Oracle: definition, sums over inputs and labels in fractions and mpmath's root
    from kt_theory.exact import limits

    rng = np.random.default_rng(seed)
    teacher = np.array([[0.0, 0.25, 0.75], [0.125, 0.375, 0.5], rng.dirichlet(np.ones(3))])
    problem = kt.Problem([0.5, 0.25, 0.25], teacher)
    bias = constant = 0.0
    for rho, row in zip(problem.rho.tolist(), problem.teacher.tolist(), strict=True):
        square = sum(Fraction(p) ** 2 for p in row)
        bias += rho * float(sum(abs(Fraction(p) - Fraction(p) ** 2 / square) for p in row)) / 2
        constant += math.sqrt(rho) * sum(math.sqrt(p * (1 - p) / (2 * math.pi)) for p in row)
    assert limits.bias_limit(problem, "CE_ptl") == pytest.approx(bias, rel=1e-13, abs=0)
    assert limits.asymptotic_constant(problem) == pytest.approx(constant, rel=1e-13, abs=0)
    for learner in ("SEL@top_k:2", kt.Learner("own", "partial", lambda counts, revealed, init: init)):
        with pytest.raises(kt.Unsupported, match="the limits of"):
            limits.bias_limit(problem, learner)


def test_labels_that_are_not_listed_count_for_added_counts():
    # Oracle: identity, the same row with all its labels listed
    short = Row(0.4, np.array([0.25, 0.75]), np.array([0.3, 0.4]), 1, zeros=3, start=0.1)
    for divergence in ("tv", "l2", "kl"):
        for n in (0, 1, 7):
            one, two = add.row_risk(short, n, divergence), add.row_risk(short.full(), n, divergence)
            assert one.value == pytest.approx(two.value, rel=1e-13, abs=0)
    lone = Row(0.4, np.ones(1), np.ones(1), 1)
    assert add.row_risk(lone, 5) == ful.row_risk(lone, 5)


def test_which_labels_are_integrated_and_what_the_others_cost(monkeypatch):
    # Oracle: definition, nanoseconds of a sum and of an integral, label by label; what is summed is held to the cap
    asked, checked = [], []
    monkeypatch.setattr(add.loops_add, "fill_deviations", lambda *of: asked.append(of) or of[-1].fill(1.0))
    monkeypatch.setattr(add, "_check", lambda *of: checked.append(of))
    for n, rho, labels in (
        (10**9, 0.5, [0.0, 1e-5, 3e-3, 0.3, 0.6]),
        (10**9, 0.5, [1e-4, 0.01, 0.02]),
        (400_000, 0.5, [1e-6, 1e-3, 0.2]),
        (150_000, 0.5, [1e-6, 1e-3]),
        (10**6, 0.9, [1e-6, 1e-3]),
    ):
        asked.clear()
        labels, times, A = np.array(labels), np.arange(1, len(labels) + 1), 900
        found = add._deviations(n, rho, labels, times, A)
        assert found == pytest.approx(times.sum() / 2, rel=1e-15, abs=0)
        first, last = add._window(n, rho)
        size, mass, low, high, scale, p, e, light, _ = asked[0]
        assert (size, mass, low, high) == (n, rho, first, last)
        assert scale == pytest.approx(900 * 0.4 / math.sqrt(899), rel=1e-14, abs=0)
        sd, mean, most = math.sqrt(n * rho * (1 - rho)), n * rho, 0
        for i, x in enumerate(labels.tolist()):
            bias = 0.4 / math.sqrt(899) * (1 - 900 * x) * (1 if x <= 0.5 else -1)
            assert (p[i], e[i]) == pytest.approx((min(x, 1 - x), bias), rel=1e-14, abs=0)
            cheap = 8_000 + 600 * 20 * sd * min(x, 1 - x) < 4 * (last - first + 1)
            assert light[i] == (cheap and sd >= 300 and mean >= 1e5 and first > 16 * bias**2)
            most += (last - first + 1) * (not light[i])
        assert checked[-1] == ("tv", n, most)
