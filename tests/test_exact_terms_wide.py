"""Rows of many labels: what their exact routes take, leave out and declare, by second computations in plain Python."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from kt_theory.exact import circles, counts, loops_counts, loops_many, many
from kt_theory.exact.rows import Estimate, OutOfReach, Row
from kt_theory.numerics import binomials

EPS = 2.0**-52


def row_of(p, rho=1.0) -> Row:
    p = np.asarray(p, dtype=float)
    return Row(rho, p, np.full(p.size, 1 / p.size), 1)


# --- Count by count -------------------------------------------------------------------------------------------


def seen_of(**parts) -> counts._Seen:
    """The sum over counts with planted parts."""
    seen = counts._Seen.__new__(counts._Seen)
    for name, value in parts.items():
        setattr(seen, name, value)
    return seen


def drawn(p=(0.05, 0.15, 0.3, 0.5), rho=0.8, n=2000) -> counts._Draws:
    return counts._Draws(row_of(p, rho), n)


@pytest.mark.parametrize("low", [0.0, 400.0])
@pytest.mark.parametrize(("n", "sd"), [(2000, 9.0), (2000, 0.02), (50, 3.0)])
def test_how_long_intervals_of_labels_are(low, n, sd):
    # Oracle: definition, a part of the count's standard deviation and of the sum's; longer where the label is seen
    seen = seen_of(
        of=SimpleNamespace(n=n, w=np.array([0.1, 0.4]), p=np.array([0.125, 0.5]), sd=sd), low=low, high=700.0
    )
    for x in (1e-4, 0.01, 0.04, 0.1, 0.5):
        count = n * 0.8
        mean = count * x
        step = (1.2 * math.sqrt(mean) + 0.36) / count
        step = min(step, 1.2 * sd / max(min(700.0, mean + 9 * math.sqrt(mean) + 10), 1.0))
        if mean > 60:
            free = (math.sqrt(low + 25) - 5) ** 2 / count - x if low > 0 else 0.0
            step = max(step, min(free, 0.5 * x))
        assert seen._width(x) == pytest.approx(step, rel=1e-12, abs=0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 30.5), (0.9, 30.5), (4.0, 60.0), (300.0, 700.25)])
def test_ranges_of_counts_and_what_their_harmonics_weigh(low, high):
    # Oracle: definition, label by label: a kink between both ends of the window, and two ends of it
    n, w, weight = 900, np.array([1e-6, 0.002, 0.01, 0.2, 0.4, 1.0]), np.array([0.1, -0.2, 0.3, 0.4, -0.5, 0.6])
    seen = seen_of(of=SimpleNamespace(n=n), low=low, high=high, L=high - low, w=w, weight=weight)
    seen._ranges()
    for i, x in enumerate(w.tolist()):
        first, last = binomials.window(n, x)
        first, last = max(first, 1), min(last, math.floor(high))
        assert (seen.k1[i], seen.k2[i]) == (first, last)
        typical = min(max(n * x, first), max(last, first))
        size = 7 / (high - low) / max(typical, low, 1.0)
        size += 4 / (high - low) * typical / low**2 if low > 1 else 0.0
        truth = abs(weight[i]) * (1 - math.exp(-n * x)) * size if last >= first else 0.0
        assert seen.size[i] == pytest.approx(truth, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("size", [3, 8, 9, 40])
@pytest.mark.parametrize(("low", "high"), [(0.2, 30.6), (11.4, 1e6)])
def test_labels_that_are_watched(size, low, high):
    # Oracle: definition, the eight heaviest by themselves, and the heaviest of each of eight groups of the others
    rng = np.random.default_rng(size)
    n, w = 500, rng.permutation(np.linspace(0.001, 0.1, size + 2))
    weigh = rng.random(size + 2)
    weigh[[1, 4]] = 0.0
    k2 = rng.integers(1, 50, size + 2)
    seen = seen_of(of=SimpleNamespace(n=n), low=low, high=high, size=weigh, w=w, k2=k2, rest=1 - w, d=w - 0.03)
    found = seen._watched()
    order = sorted((i for i in range(size + 2) if weigh[i] > 0), key=lambda i: -w[i])
    edges = sorted({*range(8), *(int(8 + g * (len(order) - 8) / 7) for g in range(8))})
    edges = [x for x in edges if x < len(order)]
    some = [order[x] for x in edges]
    np.testing.assert_array_equal(found[0], w[some])
    np.testing.assert_array_equal(found[1], 1 - w[some])
    np.testing.assert_array_equal(found[2], w[some] - 0.03)
    groups = [order[a:b] for a, b in itertools.pairwise([*edges, len(order)])]
    ends = [min(max(round(x), 1), n) for x in (low, high)]
    for i, group, most in zip(some, groups, found[3].tolist(), strict=True):
        bend = 2 * sum(math.comb(n, x) * w[i] ** x * (1 - w[i]) ** (n - x) for x in ends)
        assert most == pytest.approx([k2[i], sum(weigh[group]), bend], rel=1e-11, abs=1e-300)


def test_floors_strides_and_what_is_not_looked_at():
    # Oracle: definition, in plain Python
    law = drawn()
    seen = seen_of(of=law)
    assert seen._floor() == pytest.approx(
        law.missed() + 1e-3 * 4 * min(1.0, law.sd / max(2000 * law.mean, 1.0)) / 4, rel=1e-12, abs=0
    )
    few = drawn(n=1)
    assert seen_of(of=few)._floor() == pytest.approx(few.missed() + 1e-3 * min(1.0, few.sd), rel=1e-12, abs=0)
    w, d = np.array([1e-4, 0.01, 0.2, 0.5]), np.array([-0.1, 0.3, 0.5, -0.7])
    for n, top in ((2000, 0.3), (10**6, 1e-3), (10**6, 0.02), (1000, None)):
        omega = np.array([0.5 * top, top]) if top else np.zeros(0)
        found = seen_of(of=SimpleNamespace(n=n), w=w, rest=1 - w, d=d, omega=omega)._strides()
        for x, away, stride in zip(w.tolist(), d.tolist(), found.tolist(), strict=True):
            spread = math.sqrt(n * x * (1 - x))
            content = (top or 0.0) * (1 + abs(away) / (1 - x)) + 12 / spread
            step = max(math.floor(2 * math.pi / content), 1) if spread**2 > 50 else 1
            assert stride == 2 ** math.floor(math.log2(step))
    for done in (8, 9):
        number, terms = np.array([1, 4, 5, 6, 8]), np.array([9.0, 0.25, 0.5, -0.125, 0.0625])
        late = [0.0] * (done - done // 2)
        for k, x in zip(number.tolist(), terms.tolist(), strict=True):
            if k > done // 2:
                late[k - done // 2 - 1] = x * k * k
        mean = sum(late) / len(late)
        scatter = math.sqrt(sum((x - mean) ** 2 for x in late) / len(late) / (3 * done**3))
        found = seen_of(number=number, done=done)._rest(terms)
        assert found == pytest.approx(abs(mean) / done + 8 * scatter, rel=1e-12, abs=0)


@pytest.mark.parametrize(("fall", "most"), [(1e-3, 6e7), (3e-2, 6e7), (1e-2, 6e7), (1e-3, 1e5), (1e-9, 6e5)])
def test_which_harmonics_count(monkeypatch, fall, most):
    # Oracle: second algorithm, block by block in plain Python, from planted bounds of the harmonics
    monkeypatch.setattr(counts, "MOST_TURNS", most)
    monkeypatch.setattr(
        counts.alike,
        "replaced",
        lambda x, weight, width, points: widths.append((width(1.0), points)) or (x, weight, []),
    )
    assert (counts.FIRST, counts.SCANNED) == (256, 30)
    widths, given = [], []
    law = drawn()
    seen = seen_of(of=law, L=4.0, size=np.array([0.2, 0.3]))
    monkeypatch.setattr(counts._Seen, "_floor", lambda self: 0.5)
    watched = (np.array([0.1, 0.2, 0.3]), np.zeros(3), np.zeros(3), np.zeros((3, 3)))
    monkeypatch.setattr(counts._Seen, "_watched", lambda self: watched)
    unit = math.pi / 4

    def planted(j):
        return math.exp(-fall * j * j) + 7e-13 * (j * 0.6180339887 % 1)

    def drifts(first, step, weight, gaps, out):
        given.append((first, step, weight, gaps))
        out[:] = round(first / unit) + np.arange(out.size)

    def envelope(n, omega, drift, w, rest, d, limits, often, out):
        assert (n, often, *map(id, (w, rest, d, limits))) == (2000.0, 50.0, *map(id, watched))
        out[:] = [planted(round(x.real)) * y * y for x, y in zip(drift, omega, strict=True)]

    monkeypatch.setattr(loops_counts, "drifts", drifts)
    monkeypatch.setattr(loops_counts, "envelope", envelope)
    seen._scan()
    bound, done, last, turns = {}, 0, 0, 0.0
    least, blocks = min(9 / (unit * law.sd), 1024.0), []
    while True:
        block = list(range(done + 1, max(2 * done, 256) + 1))
        blocks.append(block)
        bound.update({j: planted(j) for j in block})
        turns += (5 + 30 * 3) * len(block)
        done = block[-1]
        last = max([j for j in block if bound[j] > 1e-13 * 0.5], default=last)
        level = sum(bound[j] * j * j for j in block) / len(block) / done
        again = 1.65 * math.sqrt(2 * math.pi) / (unit * law.sd) * 0.5 / (done * unit) ** 2
        enough = 30 * (last if level > 1e-9 * 0.5 else min(last, least))
        if (done >= enough and again <= 1e-7 * 0.5) or 3 * turns > most:
            break
    assert [(round(first / unit), step) for first, step, *_ in given] == [(block[0], unit) for block in blocks]
    assert widths == [(pytest.approx(2 / (block[-1] * unit), rel=1e-12, abs=0), 14) for block in blocks]
    np.testing.assert_allclose(given[0][2], [*(law.times * law.w), law.elsewhere], rtol=1e-15)
    np.testing.assert_allclose(given[0][3], [*law.d, -law.mean], rtol=1e-12)
    skipped, chosen = 0.0, dict(bound)
    for j in sorted(bound, key=lambda j: bound[j]):
        if skipped + bound[j] > 1e-11 * 0.5 * (1 + 1e-12):
            break
        skipped += chosen.pop(j)
    assert (seen.done, seen.beyond) == (done, pytest.approx(level, rel=1e-9, abs=1e-300))
    assert seen.skipped == pytest.approx(again + skipped, rel=1e-9, abs=0)
    assert seen.number.tolist() == sorted(chosen)
    np.testing.assert_allclose(seen.bound, [bound[j] for j in seen.number.tolist()], rtol=1e-9)
    np.testing.assert_allclose(seen.omega, seen.number * unit, rtol=1e-12)
    np.testing.assert_allclose(seen.drift.real, seen.number)


@pytest.mark.parametrize("low", [0.0, 0.7, 60.0])
@pytest.mark.parametrize("products", [3e7, 900.0])
def test_the_sum_over_counts_term_by_term(monkeypatch, low, products):
    # Oracle: second algorithm, count by count: probabilities, strides, where each coefficient stands, what is declared
    monkeypatch.setattr(counts, "MOST_PRODUCTS", products)
    law, high = drawn(n=300), 140.5
    w = law.w
    number, bound = np.array([1, 2, 5]), np.array([0.3, 0.1, 0.2])
    seen = seen_of(
        **{"of": law, "low": low, "high": high, "L": high - low, "w": w, "rest": law.rest, "d": law.d, "p": law.p},
        **{
            "number": number,
            "omega": 0.01 * number,
            "drift": number * 1j,
            "bound": bound,
            "skipped": 1e-9,
            "beyond": 1e9,
        },
        **{
            "weight": np.array([0.1, -0.2, 0.3, 0.4]),
            "size": np.array([0.1, 0.1, 0.1, 0.1]),
            "intervals": [slice(0, 2)],
        },
        **{"k1": np.array([1.0, 10, 40, 81]), "k2": np.array([20.0, 50, 110, 82]), "done": 8},
    )
    monkeypatch.setattr(counts._Seen, "_strides", lambda self: np.array([1.0, 2.0, 2.0, 4.0]))
    monkeypatch.setattr(counts, "POINTS", 2)
    monkeypatch.setattr(
        loops_counts, "coefficients", lambda j, omega, k, *ends: np.copyto(ends[-1], 1000.0 * j[:, None] + k)
    )
    given = []

    def sums(*of):
        given.append(of)
        of[-2][:] = 1e-3 * np.arange(of[-2].size)
        of[-1][:] += 0.01 * np.arange(of[-1].size)

    monkeypatch.setattr(loops_counts, "sums", sums)
    seen._sum()
    (
        n,
        omega,
        drift,
        below,
        some,
        rest,
        d,
        first,
        lead,
        step,
        start,
        chances,
        least,
        place,
        table,
        under,
        weight,
        *_,
    ) = given[0]
    total = 20 + 21 + 36
    kept = [0, 1, 2] if products > 1e6 else sorted(sorted(range(3), key=lambda j: -bound[j])[: int(products / total)])
    assert omega.tolist() == [0.01 * number[j] for j in kept]
    assert drift.tolist() == [number[j] * 1j for j in kept]
    assert (n, below) == (300.0, pytest.approx(300 * law.mean - low, rel=1e-12, abs=1e-12))
    assert (rest.tolist(), d.tolist(), weight.tolist()) == (law.rest[:3].tolist(), law.d[:3].tolist(), [0.1, -0.2, 0.3])
    assert (some.tolist(), step.tolist(), first.tolist()) == (w[:3].tolist(), [1, 2, 2], [1, 10, 40])
    np.testing.assert_allclose(lead, first - 300 * some, rtol=1e-12)
    assert np.diff(start).tolist() == [20, 21, 36]
    R = []
    for i in range(3):
        value = 0.0
        for r in range(start[i + 1] - start[i]):
            k = first[i] + r * step[i]
            chance = step[i] * math.comb(300, int(k)) * w[i] ** k * (1 - w[i]) ** (300 - k)
            assert chances[start[i] + r] == pytest.approx(chance, rel=1e-10, abs=0)
            assert (r < least[i]) == (k < low)
            if k >= low:
                u = (high - k) / k
                zero = k * (u - math.log1p(u)) / (high - low)
                for j in range(len(kept)):
                    assert table[place[i, 0] + j * place[i, 1] + r] == 1000 * number[kept[j]] + k
            else:
                zero = 1 - k * math.log(high / low) / (high - low) if low > 1 else 0.0
            value += chance * zero
        R.append(value + 0.01 * i)
    for j, x in zip(kept, under.tolist(), strict=True):
        g = loops_counts.auxiliary(0.01 * number[j] * high)[1] * (-1) ** (number[j] + 1)
        g += loops_counts.auxiliary(0.01 * number[j] * low)[1] if low > 1 else 0.0
        assert x == pytest.approx(g * 2 / (high - low), rel=1e-12, abs=0)
    assert seen.value == pytest.approx(sum(a * b for a, b in zip([0.1, -0.2, 0.3], R, strict=True)), rel=1e-10, abs=0)
    assert seen.rounding == pytest.approx(
        64 * sum(a * b for a, b in zip([0.1, 0.2, 0.3], R, strict=True)), rel=1e-10, abs=0
    )
    slope = [abs(R[0] + R[1]) / 2, abs(R[0] - R[1]) / math.sqrt(2)]
    skipped = 1e-9 + sum(bound[j] for j in range(3) if j not in kept)
    rest_of = seen._rest(1e-3 * np.arange(len(kept)))
    assert seen.error == pytest.approx(skipped + max(slope) * 0.3 + rest_of, rel=1e-10, abs=0)
    seen.number, seen.omega, seen.drift, seen.bound, seen.beyond = (
        x[:0] for x in (number, 0.1 * number, 1j * number, bound, bound)
    )
    seen.beyond, seen.skipped = 1e-7, 0.0
    monkeypatch.setattr(counts._Seen, "_rest", lambda self, terms: 1.0)
    seen._sum()
    R = [x - 0.01 * i for i, x in enumerate(R)]
    slope = [abs(R[0] + R[1]) / 2, abs(R[0] - R[1]) / math.sqrt(2)]
    assert seen.error == pytest.approx(max(slope) * 0.3 + 1e-7, rel=1e-10, abs=0)
    monkeypatch.setattr(counts, "MOST_COUNTS", total - 1)
    with pytest.raises(OutOfReach, match="77 counts: use kt_theory"):
        seen._sum()
    monkeypatch.setattr(counts, "MOST_COUNTS", total)
    monkeypatch.setattr(counts, "MOST_STORED", 0)
    seen._sum()  # without harmonics there are no tables
    seen.number, seen.omega, seen.drift, seen.bound = number, 0.01 * number, number * 1j, bound
    with pytest.raises(OutOfReach, match="tables of more than"):
        seen._sum()


@pytest.mark.parametrize("rho", [1.0, 0.25])
def test_the_value_and_the_error_of_counts_term_by_term(monkeypatch, rho):
    # Oracle: definition, three times what was seen to be left, both windows, and roundings; a proved error for M < 1
    row = row_of([0.1, 0.2, 0.7], rho)
    missed = counts._Draws(row, 5).missed()
    ends = {"above": 1.0}
    monkeypatch.setattr(counts._Draws, "window", lambda self: (0.5, 3.0, ends["above"]))
    for error, rounding in ((0.0, 0.0), (1e-9, 0.0), (0.0, 7.0)):
        monkeypatch.setattr(
            counts,
            "_Seen",
            lambda law, low, high, e=error, r=rounding: SimpleNamespace(
                value=0.125 * (high - low), error=e, rounding=r
            ),
        )
        found = counts.estimate(row, 5)
        assert found.value == pytest.approx(rho * (missed + 0.3125), rel=1e-14, abs=0)
        whole = 3 * error + 4 * math.exp(-45) + EPS * (64 * (missed + 0.3125) + rounding)
        assert found.error == pytest.approx(rho * whole, rel=1e-12, abs=0)
        assert (found.route, found.proved) == ("counts", False)
    for above, by in ((1e-9 * missed, True), (1.01e-9 * missed, False), (0.0, True)):
        ends["above"] = above
        found = counts.estimate(row, 5)
        assert found.proved == by
        if by:
            assert found.value == pytest.approx(rho * missed, rel=1e-15, abs=0)
            assert found.error == pytest.approx(rho * (above + 64 * EPS * missed), rel=1e-12, abs=0)


@pytest.mark.parametrize(("rho", "n"), [(1.0, 3), (0.3, 10), (0.05, 40), (1e-3, 300)])
def test_the_chance_of_a_sum_above_one(rho, n):
    # Oracle: second algorithm, Chernoff's bound at its best by SciPy, or that of three visits
    import scipy.optimize

    light = np.linspace(0.02, 0.05, 20)
    row = row_of(np.append(light / light.sum() * 0.6, 0.4), rho)
    law = counts._Draws(row, n)
    mean, p, w = n * law.mean, np.append(row.p, 0.0), np.append(rho * row.p, 1 - rho)
    assert mean < 1

    def log(scale):
        return n * math.log(float(w @ np.exp(scale * p))) - scale

    best = math.exp(scipy.optimize.minimize_scalar(log, bounds=(0.0, 200.0), method="bounded").fun)
    above, few = law.window()[2], (n * rho) ** 3 / 6
    if n == 3:  # no more than the heaviest label each time
        assert law.window()[1] == pytest.approx(1.2, rel=1e-10, abs=0)
    assert min(1.0, best, few) <= above <= min(1.0, 1.2 * best, few * (1 + 2e-9))
    theta = 7.0
    at = min(1.0, math.exp(min(0.0, log(theta))), few) * (1 + 1e-9)
    assert law._above_one(theta) == pytest.approx(at, rel=1e-12, abs=0)
    assert law._above_one(0.0) == pytest.approx(min(1.0, few) * (1 + 1e-9), rel=1e-12, abs=0)
    for p, none in (([0.0004] + [0.2499] * 4, True), ([0.2497] + [0.2501] * 3, False)):
        assert (counts._Draws(row_of(p), 4)._above_one(1.0) == 0.0) == none


def test_limits_of_rows_of_many_labels():
    # No oracle, an alarm: a limit that moves changes what is answered, in which time, and is to be wanted
    assert (many.WORK, many.MOST_SETS, many.QUICK_WORK, many.QUICK_LABELS) == (1e9, 2**19, 1e8, 28)
    assert (many.SMALL_PRODUCTS, many.MOST_IN_SMALL, many.COARSE_SMALL) == (5e7, 600, 1e-3)
    assert (many.MOST_PRODUCTS, many.MOST_HARMONICS, many.MOST_STEPS) == (5e7, 32768, 4e8)
    assert (many.COARSEST, many.SAFETY, many.HEAVY, many.MOST_PAIRED, many.BLOCK) == (1e-6, 3.0, 0.25, 64, 2_000_000)
    assert (counts.LEAST, counts.OFTEN, counts.WATCHED, counts.SAFETY) == (45.0, 50.0, 8, 3.0)
    assert (counts.FINE, counts.COARSE, counts.TURN_POINTS, counts.POINTS) == (1e-6, 1e-4, 14, 12)
    assert (counts.MOST_TURNS, counts.MOST_PRODUCTS, counts.MOST_COUNTS) == (6e7, 3e7, 5_000_000)
    assert (counts.MOST_STORED, circles.MOST_NODES) == (20_000_000, 2000)


# --- Sets in two halves, and small sets -----------------------------------------------------------------------


def labels_of(p, w, idle=(), times=(), heavy=0.0, most=1.0):
    p, w, idle, times = np.array(p), np.array(w), np.array(idle), np.array(times, dtype=int)
    return circles.Labels(w, p, idle, times, heavy, most, 0.0, circles._pairs(w, p, idle, times))


def circle(n=9, R=4.0, t=(4.0, 3.0 + 1j), factor=(0.5, 0.25 - 0.5j), negligible=1e-9, weight=2.0, error=1e-7):
    return circles.Circle(R, np.array(t), np.array(factor), n, negligible, 0.7, weight, 0.3, error)


def test_powers_of_what_is_kept():
    # Oracle: definition, from what is absent below a half, else from what is kept; nothing is kept at 0
    assert many._to_the(5, 0.75, 0.25) == pytest.approx(0.75**5, rel=1e-14, abs=0)
    assert many._to_the(5, 0.3, 0.7) == pytest.approx(0.3**5, rel=1e-14, abs=0)
    assert many._to_the(5, 1e-30, 0.5) == pytest.approx(1e-150, rel=1e-12, abs=0)
    assert many._to_the(10**15, 1.0, 1e-16) == pytest.approx(math.exp(-0.1), rel=1e-14, abs=0)
    assert many._to_the(5, 0.0, 1.0) == many._to_the(5, -1e-17, 1.0) == 0.0


@pytest.mark.parametrize("products", [0.0, 29.0, 30.0, 164.0, 165.0, 1e9])
def test_sizes_of_sets_that_can_be_gone_through(products):
    # Oracle: enumeration, ten labels, three products a set: 10, 55, ... sets of up to so many
    sizes = [k for k in range(1, 8) if 3 * sum(math.comb(10, j) for j in range(1, k + 1)) <= products]
    assert many._affordable(10, 7, 3, products) == max(sizes, default=0)
    assert many._affordable(10, 2, 3, 1e9) == 2
    assert many._affordable(1000, 9, 1, 5e7) == many._affordable(1000, 9, 1) == 2


@pytest.mark.parametrize("p", [[0.1, 0.2, 0.3, 0.4], [0.05, 0.05, 0.1, 0.2, 0.6], [0.3, 0.7]])
@pytest.mark.parametrize("rho", [1.0, 0.3])
@pytest.mark.parametrize("off_by", [1.0, 0.0])
def test_heavy_labels_are_seen_or_not(monkeypatch, p, rho, off_by):
    # Oracle: definition, way by way in plain Python: the chance of each, what may be left out, what rounding adds
    row, n, low, least, asked = row_of(p, rho), 6, 0.01, 1e-4, []

    def split(p, w, heavy, unseen, draws, negligible, most):
        asked.append((p.tolist(), w.tolist(), heavy, unseen.tolist(), draws, negligible, most))
        return SimpleNamespace(pairs=(np.ones(int(p.size > 1)),), error=1e-6 * off_by * len(asked), p=p)

    monkeypatch.setattr(many, "split", split)
    monkeypatch.setattr(many, "circle_of", lambda labels, draws, negligible: (draws, negligible))
    found = many._by_levels(
        row, n, low, least, lambda labels, of: (of[1] * labels.p.size, of[0] * 1e-9 * off_by), "r", 17
    )
    value = error = 0.0
    total, power, unseen, p = 1.0, 1.0, [], list(row.p)
    w = [rho * x / math.fsum(row.p) for x in p]
    for way in range(1, 9):
        heavy = w[-1] if w and w[-1] > 0.25 * total else 0.0
        size = len(p) - (heavy > 0)
        given = asked[way - 1]
        assert (given[0], given[3], given[4], given[6]) == (p[:size], unseen, n, 17)
        np.testing.assert_allclose(given[1], [x / total for x in w[:size]], rtol=1e-13)
        assert given[2] == pytest.approx(heavy / total, rel=1e-13, abs=0)
        assert given[5] == pytest.approx(100 * least * low / power, rel=1e-12, abs=0)
        here, off = (least * low / power * size, 6e-9 + 1e-6 * way) if size > 1 else (0.0, 1e-6 * way)
        off *= off_by
        value += power * here
        error += power * (off + EPS * (8 + abs(math.log(power))) * here)
        if not heavy:
            break
        unseen = [*unseen, p[-1]]
        p, w = p[:-1], w[:-1]
        total = 1 - rho + sum(w)
        power = max(total, 0.0) ** n
        if power <= least * low:
            error += power
            break
    assert len(asked) == way
    assert found.value == pytest.approx(rho * value, rel=1e-10, abs=0)
    assert found.error == pytest.approx(rho * error, rel=1e-10, abs=0)
    assert found.route == "r"
    many._by_levels(row, n, low, least, lambda labels, of: (0.0, 0.0), "r")
    assert asked[-1][6] == 10**9


@pytest.mark.parametrize(("n", "heavy"), [(9, 0.0), (2, 0.0), (2, 0.2), (1, 0.0)])
@pytest.mark.parametrize("negligible", [1e-300, 0.05, 0.6])
def test_the_sets_of_a_half(n, heavy, negligible):
    # Oracle: second algorithm, label by label in plain Python: the lightest sets go while their sum is negligible
    labels = labels_of([0.02, 0.05, 0.1, 0.13, 0.2], [0.01, 0.04, 0.09, 0.1, 0.2], heavy=heavy)
    for start in (0, 1):
        of = circle(n=n, negligible=negligible)
        half = many._half(labels, of, start)
        w, p = labels.w[start::2].tolist(), labels.p[start::2].tolist()
        kept, dropped = [((), 1.0)], 0.0
        for x in w:
            kept = [((*s, b), y * (math.exp(-4 * x) if b else -math.expm1(-4 * x))) for b in (0, 1) for s, y in kept]
            kept.sort(key=lambda one: one[1])
            gone = 0.0
            while kept and gone + kept[0][1] <= negligible / 2 / len(w):
                gone += kept.pop(0)[1]
            dropped += gone
            kept = [(s, y) for s, y in kept if s.count(0) <= n - (heavy > 0)]
        assert half.dropped == pytest.approx(dropped, rel=1e-12, abs=1e-300)
        sizes = [sum(s) for s, _ in kept]
        assert half.sizes.tolist() == [sizes.count(k) for k in range(max(sizes) + 1)]
        assert {tuple(map(int, s)) for s in half.sets.tolist()} == {s for s, _ in kept}
        for k in range(half.sizes.size):
            part = half.of_size(k)
            assert (half.sets[part].sum(axis=1) == k).all()
            assert (np.diff(half.mass[part]) >= 0).all()
            np.testing.assert_allclose(half.mass[part], half.sets[part] @ p, rtol=1e-14)
        found = half.weights(of.t)
        for s, row in zip(half.sets.tolist(), found.tolist(), strict=True):
            for t, x in zip(of.t.tolist(), row, strict=True):
                truth = math.prod(np.exp(-y * t) if b else 1 - np.exp(-y * t) for b, y in zip(s, w, strict=True))
                assert abs(x - truth) <= 1e-14


def test_halves_of_too_many_sets(monkeypatch):
    # Oracle: definition, from both sides; of two labels there are four sets
    labels = labels_of([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    monkeypatch.setattr(many, "MOST_SETS", 4)
    assert many._half(labels, circle(negligible=1e-300), 0).mass.size == 4
    monkeypatch.setattr(many, "MOST_SETS", 3)
    with pytest.raises(OutOfReach, match="more than 3 sets of 2 labels"):
        many._half(labels, circle(negligible=1e-300), 0)


HALVED = [
    labels_of([0.02, 0.05, 0.1, 0.13, 0.2], [0.01, 0.04, 0.09, 0.1, 0.2]),
    labels_of([0.02, 0.05, 0.1, 0.13], [0.01, 0.04, 0.09, 0.1], idle=[0.0, 0.01, 0.3], times=[2, 1, 1], most=0.9),
    labels_of([0.02, 0.05, 0.1], [0.01, 0.04, 0.09], idle=[0.15], times=[1], heavy=0.3),
]


@pytest.mark.parametrize("labels", HALVED)
@pytest.mark.parametrize("n", [2, 3, 9])
@pytest.mark.parametrize("block", [2_000_000, 8])
def test_halves_by_every_set(monkeypatch, labels, n, block):
    # Oracle: enumeration, every set of unseen labels at each node; work and error by their definitions
    monkeypatch.setattr(many, "BLOCK", block)
    of, size, draws = circle(n=n, negligible=1e-300), labels.p.size, n - (labels.heavy > 0)
    value, work = 0.0, 0.0
    each = np.repeat(labels.idle, labels.times).tolist()
    ones, twos = (list(itertools.product((0, 1), repeat=len(labels.p[s::2]))) for s in (0, 1))
    for b in itertools.product((0, 1), repeat=size):
        if size - sum(b) > draws:
            continue
        unseen = [*labels.p[np.array(b, dtype=bool)], *each]
        mean = sum(unseen) / len(unseen) if unseen else 0.0
        cost = sum(max(x - mean, 0.0) for x in unseen) if len(unseen) > 1 else 0.0
        for t, factor in zip(of.t, of.factor, strict=True):
            chance = math.prod(np.exp(-w * t) if u else 1 - np.exp(-w * t) for u, w in zip(b, labels.w, strict=True))
            value += (factor * chance).real * cost
    found, error = many.in_halves(labels, of, 1e9)
    assert found == pytest.approx(value, rel=1e-12, abs=1e-15)
    lengths = [
        [sum(1 for b in half if sum(b) == k and len(b) - k <= draws) for k in range(len(half[0]) + 1)]
        for half in (ones, twos)
    ]
    for i, one in enumerate(lengths[0]):
        for j, two in enumerate(lengths[1]):
            work += (one + two) / 2 * (size - i - j <= draws)
    idle = sum((labels.always + size) * x > labels.idle_mass for x in labels.idle)
    work = 2 * ((size + idle) * work + len(labels.idle) * len(lengths[0]) * len(lengths[1]))
    halves = [many._half(labels, of, start) for start in (0, 1)]
    assert many._work(labels, of, halves) == pytest.approx(work, rel=1e-12, abs=0)
    many.in_halves(labels, of, work)
    with pytest.raises(OutOfReach, match=f"{size} labels that may be seen or not need"):
        many.in_halves(labels, of, work * (1 - 1e-9) - 1e-9)
    largest = max(sum(x) for x in lengths)
    own = 8 * math.sqrt(largest) + 100 + 4 * size + 0.7 + abs(4.0 - n) * 0.3 - math.log(1e-300)
    assert error == pytest.approx(1e-7 + EPS * own * 2.0 * labels.spread(4.0), rel=1e-12, abs=0)


def test_sets_that_are_dropped_are_in_the_error():
    # Oracle: definition, their weight, at most so many times the circle's, times all mass
    labels, of = HALVED[1], circle(negligible=0.9)
    halves = [many._half(labels, of, start) for start in (0, 1)]
    dropped = sum(half.dropped for half in halves)
    largest = max(half.mass.size for half in halves)
    own = circles.rounding(labels, of, 8 * math.sqrt(largest))
    assert dropped > 1e-3
    error = many.in_halves(labels, of, 1e9)[1]
    assert error == pytest.approx(1e-7 + 2.0 * dropped * 0.9 + own, rel=1e-12, abs=0)


@pytest.mark.parametrize("labels", HALVED)
def test_what_small_sets_leave_out(monkeypatch, labels):
    # Oracle: enumeration, the chance of so many unseen labels or more, times what they cost at most
    of, size = circle(), labels.p.size
    q = [math.exp(-w * 4.0) for w in labels.w]
    each, asked = 2 + labels.idle.size, []
    monkeypatch.setattr(loops_many, "small_sets", lambda *given: asked.append(given) or 0.375)
    for few in range(size + 1):
        monkeypatch.setattr(many, "SMALL_PRODUCTS", each * sum(math.comb(size, k) for k in range(1, few + 1)) + 0.5)
        asked.clear()
        value, error = many.small(labels, of)
        assert (value, asked[0][4]) == (0.375, few)
        more = 0.0
        for b in itertools.product((0, 1), repeat=size):
            if sum(b) >= few:
                more += math.prod(x if u else 1 - x for u, x in zip(b, q, strict=True))
        mass = sum(a * b for a, b in zip(q, labels.w, strict=True)) * labels.most / sum(labels.w) + labels.idle_mass
        dropped = 2.0 * more * mass if few < size else 0.0
        own = circles.rounding(labels, of, 8.0 * (few + 1))
        assert error == pytest.approx(1e-7 + dropped + own, rel=1e-11, abs=0)


@pytest.mark.parametrize("gaps", [(1e-3, 1e-13), (1e-3, 2e-4, 1e-5, 1e-12), (1.0, 0.5, 0.25)])
@pytest.mark.parametrize(("most", "steps"), [(32768, 4e8), (16, 4e8), (32768, 1500.0), (32768, 300.0)])
def test_how_far_a_series_goes(monkeypatch, gaps, most, steps):
    # Oracle: second algorithm, doubling by doubling in plain Python, from planted terms of the harmonics
    monkeypatch.setattr(many, "_affordable", lambda *given: sized.append(given) or 1)
    monkeypatch.setattr(many, "MOST_HARMONICS", most)
    monkeypatch.setattr(many, "MOST_STEPS", steps)
    labels = labels_of([0.02, 0.05, 0.1, 0.13], [0.01, 0.04, 0.09, 0.1], idle=[0.01, 0.3], times=[3, 1], most=0.9)
    of, asked = circle(t=(4.0, 3.0 + 1j, 1.0), factor=(0.5, 0.25, 0.125)), []
    monkeypatch.setattr(loops_many, "small_sets", lambda *given: 0.5)

    def risk(t, w, p, idle, times, first, last, period, harmonics, weights):
        asked.append((t, first, last, period, harmonics.tolist(), weights.tolist()))
        round_ = sum(1 for one in asked if one[0] == t) - 1
        if round_ == 0:
            return {4.0: 0.25, 3.0 + 1j: 0.125, 1.0: 1e-14}[t]
        return gaps[min(round_ - 1, len(gaps) - 1)] if t == 4.0 else 0.0

    monkeypatch.setattr(loops_many, "poisson_risk", risk)
    sized: list[tuple[int, ...]] = []
    value, error = many.series(labels, of, 1e-6)
    assert sized == [(4, 4, 5)]
    size, period = 4, (4 + 4) * (0.3 - 0.01)
    tail, K, last = 0.5 * 0.25 + 0.25 * 0.125 + 0.125e-14, 16, math.inf
    rounds = 1
    while min(most, steps / (2 * size * 4)) > K and 3 * last > 1e-6 * (0.5 + tail):
        last = 0.5 * gaps[min(rounds - 1, len(gaps) - 1)]
        tail += last
        rounds += 1
        K *= 2
    assert value == pytest.approx(0.5 + tail, rel=1e-12, abs=0)
    if last < math.inf:
        own = circles.rounding(labels, of, 8.0 * 5)
        assert error == pytest.approx(1e-7 + own + 3 * last, rel=1e-11, abs=0)
    else:
        assert error == math.inf
    assert len(asked) == 3 + 2 * (rounds - 1)
    for i, (_, first, up_to, long, harmonics, weights) in enumerate(
        asked[:1] + [one for one in asked[3:] if one[0] == 4.0]
    ):
        assert (first, up_to, long) == (2, 4, pytest.approx(period, rel=1e-12, abs=0))
        K = 8 * 2**i
        odd = list(range(1, 16, 2)) if i == 0 else list(range(K + 1, 2 * K, 2))
        every = [*odd, *(-k for k in odd)]
        assert harmonics == [*every, *([0.0] if i == 0 else [])]
        truth = [-2 * period / (math.pi * k) ** 2 for k in every] + ([period / 2] if i == 0 else [])
        assert weights == pytest.approx(truth, rel=1e-12, abs=0)


def test_the_order_of_the_ways_for_many_labels(monkeypatch):
    # Oracle: definition, halves ever coarser, the series, halves again; quickly halves, then small sets
    row, asked, answers = row_of([0.1, 0.2, 0.7], 0.5), [], {}

    def by(row, n, low, least, mean, route, most=10**9):
        limit = getattr(mean, "keywords", {})
        asked.append((n, low, least, route, most, limit))
        answer = answers.get((route, least))
        if answer is None:
            raise OutOfReach("no")
        return Estimate(4.0, 4 * answer, route)

    monkeypatch.setattr(many, "_by_levels", by)
    monkeypatch.setattr(many, "bracket", lambda row, n: (0.25, 0.75))
    wide, quick = {"most": 1e9}, {"most": 1e8}
    for least in (1e-17, 1e-12, 1e-9):
        answers.clear()
        answers["halves", least] = 0.5
        asked.clear()
        assert many.risk(row, 7) == Estimate(4.0, 2.0, "halves")
        tried = [x for x in (1e-17, 1e-12, 1e-9) if x <= least]
        assert asked == [(7, 0.25, x, "halves", 10**9, wide) for x in tried]
    answers.clear()
    answers.update({("Fourier series", 1e-9): 1e-6, ("halves", 1e-7): 0.5})
    found = many.risk(row, 7, rtol=1e-5)
    assert (found.route, found.error, found.proved) == ("Fourier series", 4e-6, False)
    assert asked[-1] == (7, 0.25, 1e-9, "Fourier series", 10**9, {"rtol": 1e-5})
    answers["Fourier series", 1e-9] = 1.01e-6
    assert many.risk(row, 7) == Estimate(4.0, 2.0, "halves")
    assert asked[-1] == (7, 0.25, 1e-7, "halves", 10**9, wide)
    asked.clear()
    answers.clear()
    answers["small sets", 1e-8] = 1e-3
    for x in (1e-12, 1e-9, 1e-7):
        answers["halves", x] = 1.01e-6
    assert many.risk(row, 7, patient=False).route == "small sets"
    assert asked == [(7, 0.25, x, "halves", 28, quick) for x in (1e-12, 1e-9, 1e-7)] + [
        (7, 0.25, 1e-8, "small sets", 600, {})
    ]
    answers["halves", 1e-7] = 1e-6
    assert many.risk(row, 7, patient=False).route == "halves"
    del answers["halves", 1e-7]
    answers["small sets", 1e-8] = 1.01e-3
    with pytest.raises(OutOfReach, match=r"in small sets: the error is 0\.004"):
        many.risk(row, 7, patient=False)
    monkeypatch.setattr(many, "bracket", lambda row, n: (0.0, 0.99e-280))
    assert many.risk(row, 7) == Estimate(0.0, 0.5 * 0.99e-280, "halves")
    monkeypatch.setattr(many, "bracket", lambda row, n: (0.0, 1.01e-280))
    answers["halves", 1e-17] = 0.5
    assert many.risk(row, 7).value == 4.0
    assert asked[-1][1] == 1e-290


@pytest.mark.parametrize("size", [5, 64, 65, 150])
def test_brackets_pair_some_of_many_labels(monkeypatch, size):
    # Oracle: definition, 64 labels at most, at equal distances; halves for the lower bound, and what rounding may move
    asked = []
    monkeypatch.setattr(loops_many, "bracket", lambda *given: asked.append(given) or (0.5, 0.75))
    p = np.arange(1.0, size + 1)
    row = row_of(p / p.sum(), 0.25)
    assert many.bracket(row, 9) == pytest.approx((0.25 * (1 - 1e-6), 0.75 * (1 + 1e-9)), rel=1e-14, abs=0)
    n, labels, w, rest, init, some = asked[0]
    assert (n, rest, labels is row.p, init is row.init) == (9.0, 0.75, True, True)
    np.testing.assert_allclose(w, 0.25 * row.p / math.fsum(row.p), rtol=1e-14)
    if size <= 64:
        assert some.tolist() == list(range(size))
    else:
        assert some.tolist() == sorted({round(i * (size - 1) / 63) for i in range(64)})
