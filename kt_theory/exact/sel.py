r"""SEL_ptl, exactly: what an input adds to the expected risk, from the law of its unseen labels.

The learner is exact on every seen label and spreads the missing mass over the set U of the others, so the cost of an
input depends on U alone: with :math:`M = p(U)` and i the init,

.. math:: D(U) = \tfrac12 \sum_{a \in U} |q_a - p_a|, \qquad q_a = M\, i_a / i(U) \quad (M / |U| \text{ if } i(U) = 0),

an unvisited input being U = all labels. With :math:`w_a = \rho p_a`, no label of U is seen with probability
:math:`(1 - w(U))^n`. The same holds for D = "kl", sum p log(p/q), and "l2", sum (q - p)^2. Two routes follow here.

**subsets**: any row of at most 18 positive labels. Moebius inversion over the sets, in double-double. It cancels, but
never more than this: D(U) <= 2 D(V) whenever U is a part of V (for weights i, sum_U |p - x i| is within a factor 2 of
its least at x = M / i(U); "kl" needs no 2, "l2" 2 + 2A), and (1 - w(U))^n is the sum of P(X) over X that contain U, so

.. math:: \sum_U D(U) \sum_{V \supseteq U} (1 - w(V))^n \le 2 \sum_X D(X) P(X) \, \#\{U \subseteq V \subseteq X\}
          \le 2 \cdot 3^m R

for m labels: relative errors of 1e-29 in the powers become 1e-20 in R at most. Cost 2^m, 0.3 s at m = 18.

**classes**: rows with few distinct (p, init). Labels of a class are exchangeable; for u_c unseen of each k_c

.. math:: P(u) = \prod_c \binom{k_c}{u_c} \, n! \, [t^n] \, e^{t (1 - \rho)} \prod_c (e^{w_c t} - 1)^{k_c - u_c}.

Every coefficient in t is positive, so on a circle through the saddle point R (where the tilted number of draws,
Poisson plus zero-truncated Poissons, has mean about n) nothing cancels, and the trapezium rule with N nodes errs by the
tilted probabilities of n + N, n + 2N, ..., n - N, ...: below 1e-17 at N = 12 sd + 40. Only the nodes near the real axis
count, since :math:`|e^z - 1| \le |z| (e^{\Re z} - 1) / \Re z` bounds the modulus at angle x by
:math:`\exp(-(1 - \cos x) R (1 - \rho + \tfrac12 w(\text{seen})))` of that at 0, for x up to pi/2 (and falling after).
So some 30 nodes suffice, for every n. A cell whose value at R, an upper bound, is below 1e-17 / (number of cells) of
the largest is left out. What remains is rounding, about 2e-16 times the size of the exponents; it is added up.

**levels** (`kt_theory.exact.levels`), **many** (`kt_theory.exact.many`): other rows, for TV and a uniform init; the
first from 33 labels to many thousands, where dozens of them may be unseen or not, the second up to 32 labels that may
be unseen or not, with patience up to 400 labels, and without it where few of any number of labels vary.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact import levels, many
from kt_theory.exact.rows import DIVERGENCES, Estimate, OutOfReach, Row, first_sound, flushed
from kt_theory.numerics.powers import log_lag

#: Most labels of positive probability for `subsets`; cells of `classes` that are done before other routes are tried,
#: and most.
MOST_LABELS = 18
QUICK_CELLS = 50_000
MOST_CELLS = 1_000_000

#: Numbers in a table of sets or of pairs of classes, at most: 240 MB each.
MOST_NUMBERS = 30_000_000

#: Most labels that halves do in a second or two, with a proved error, for every n; `levels` is tried beyond.
MOST_IN_HALVES = 32

#: Most labels of a row that is neither, where `kt_theory.exact.many` may take seconds.
WIDEST_ROW = 400

EPS = 2.0**-52


def row_risk(row: Row, n: int, divergence: str = "tv", rtol: float = 1e-9, *, patient: bool = True) -> Estimate:
    """What one input adds to the expected risk of SEL_ptl after n samples: rho E D(U).

    Parameters
    ----------
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv", "kl", "l2"}
        D; see `kt_theory.exact.sel`.
    rtol : float
        Relative accuracy at which a Fourier series stops to refine; the other routes always give their best.
    patient : bool
        Whether a row of more than 32 labels may take up to 15 s, rather than be out of reach after half of one.

    Returns
    -------
    Estimate
        Infinite for "kl" if with positive probability the student is 0 where the teacher is not.

    Raises
    ------
    OutOfReach
        If no route applies.
    ValueError
        If the divergence is unknown.

    Examples
    --------
    >>> row = Row(1.0, np.array([0.0, 0.5, 0.5]), np.full(3, 1 / 3), times=1)
    >>> round(row_risk(row, n=1).value, 12)
    0.25
    """
    checks.one_of("divergence", divergence, DIVERGENCES)
    row, moved = flushed(row, n)
    labels = int(np.count_nonzero(row.p))
    # Of few labels there are no more cells than sets: these rows are many and quick, so that counting cells is dear.
    cells = 2**labels if labels <= 4 else _cells_needed(row)
    few = labels <= MOST_LABELS and 2**labels <= 30 * cells
    routes: list[Callable[[], Estimate]] = []
    if few:
        routes.append(lambda: subsets(row, n, divergence))
    elif cells <= QUICK_CELLS:
        routes.append(lambda: classes(row, n, divergence))
    else:
        routes.append(lambda: generic(row, n, divergence, rtol, patient))
    # A second route, where the first is out of reach or outside of its bracket.
    if cells <= MOST_CELLS and (few or cells > QUICK_CELLS):
        routes.append(lambda: classes(row, n, divergence))
    if few or cells <= QUICK_CELLS:
        routes.append(lambda: generic(row, n, divergence, rtol, patient))
    found = first_sound(routes, *bracket(row, n, divergence))
    return replace(found, error=found.error + moved)


def seconds(row: Row, n: int) -> float:
    """About how long `row_risk` takes, without patience: it grows with the labels that may be unseen."""
    if n == 0:
        return 1e-3
    labels, cells = int(np.count_nonzero(row.p)), _cells_needed(row)
    unseen = int(np.count_nonzero((row.p > 0) & (n * row.rho * row.p < 36)))
    if labels <= MOST_LABELS and 2**labels <= 30 * cells:
        return 1e-3 + 3e-6 * 2**labels
    if cells <= QUICK_CELLS:
        return 1e-3 + 1e-5 * cells * (unseen / labels)
    return 1e-3 + 0.5 * math.exp(0.4 * min(unseen - 30, 0))


def bracket(row: Row, n: int, divergence: str = "tv") -> tuple[float, float]:
    """Proved bounds on what one input adds: of the pair of labels that costs most, and of the unseen mass, for TV."""
    if divergence != "tv" or n == 0:
        return 0.0, row.rho * {"tv": 1.0, "l2": 2.0, "kl": math.inf}[divergence]
    low, high = many.bracket(row, n)
    return row.rho * low, row.rho * min(high, 1.0)


def generic(row: Row, n: int, divergence: str = "tv", rtol: float = 1e-9, patient: bool = True) -> Estimate:
    """The risk level by level, by sets of labels in two halves, or a Fourier series; as `row_risk`."""
    if divergence != "tv" or row.init.min() != row.init.max():
        raise OutOfReach(
            f"with more than {MOST_LABELS} different labels SEL_ptl is exact for TV and a uniform init only: "
            "use kt_theory.simulate"
        )
    if n == 0:
        return _exactly(row.rho * float(np.abs(row.p - 1 / row.p.size).sum() / 2), "halves")
    if np.count_nonzero(row.p) <= MOST_IN_HALVES:
        return many.risk(row, n, rtol)
    with contextlib.suppress(OutOfReach):
        return levels.risk(row, n)
    return many.risk(row, n, rtol, patient and row.p.size <= WIDEST_ROW)


# --- What a set of unseen labels costs --------------------------------------------------------------------


def costs(p: np.ndarray, init: np.ndarray, unseen: np.ndarray, divergence: str) -> np.ndarray:
    """D(p, q) given the labels unseen: unseen[i, c] of value p[c] and init[c]; one per row of `unseen`.

    q - p = (sum_d unseen_d (p_d init_c - init_d p_c)) / sum_d unseen_d init_d on class c: with the differences in
    brackets right to the last digit, classes in proportion to their init cost exactly 0, and nothing else
    cancels, by E|X - X'| <= 2 E|X - EX|.

    Of init only the proportions among unseen labels count, and these may all be tiny where init itself is not: sets are
    taken together whose largest init has about the same exponent, and init is multiplied by a power of 2 for each.
    """
    # The exponent of the largest init, in steps of 200, -99 where there is none: all labels then weigh the same.
    steps = np.where(init > 0, -(-np.frexp(init)[1] // 200), -99)

    def of_step(step: int, unseen: np.ndarray) -> np.ndarray:
        # Labels above the step were seen.
        rescaled = np.ldexp(np.where(steps <= step, init, 0.0), -200 * step)
        weight = np.ones_like(init) if step == -99 else rescaled
        return _costs(p, weight, unseen.astype(np.float64, copy=False), divergence)

    if (steps == steps[0]).all():  # as for every uniform init: no set has another; the empty one costs 0 by any
        return of_step(int(steps[0]), unseen)
    scale = np.where(unseen > 0, steps, -99).max(axis=1)
    out = np.empty(unseen.shape[0])
    for step in np.unique(scale).tolist():
        chosen = scale == step
        out[chosen] = of_step(step, unseen[chosen])
    return out


def _costs(p: np.ndarray, weight: np.ndarray, u: np.ndarray, divergence: str) -> np.ndarray:
    """`costs` for weights that are not all tiny; those of seen labels do not matter."""
    total = np.maximum(u @ weight, np.finfo(float).tiny)[:, None]
    high, low = _exact_product(p[:, None], weight[None, :])
    gaps = (high - high.T) + (low - low.T)
    off = (u @ gaps) / total  # q - p
    if divergence == "tv":
        return 0.5 * np.einsum("ic,ic->i", u, np.abs(off))
    if divergence == "l2":
        return np.einsum("ic,ic->i", u, off**2)
    # sum p log(p/q) = sum (p log(p/q) - p + q), no term negative; from q itself where q - p has few digits of it
    q = (u @ p)[:, None] * (weight / total)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near = p * log_lag(off / p)
        term = np.where(q < p / 2, p * np.log(p / q) - p + q, np.where(p > 0, near, off))
        return np.where(u > 0, u * term, 0.0).sum(axis=1)


def _exact_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product as a sum of two floats (Dekker)."""
    high = a * b
    c, d = 134217729.0 * a, 134217729.0 * b
    ah, bh = c - (c - a), d - (d - b)
    al, bl = a - ah, b - bh
    return high, ((ah * bh - high) + ah * bl + al * bh) + al * bl


def _grouped(row: Row, divergence: str = "tv") -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Distinct (p, init), how many labels have each, and how many of the pairs have p = 0; these come first.

    Labels of p = 0 are unseen always, and each costs q: but for "l2" what they cost is in their whole init, so that all
    of them whose init is above 0 count as one.
    """
    order = np.lexsort((row.init, row.p))
    p, init = row.p[order], row.init[order]
    first = np.flatnonzero(np.concatenate(([True], (p[1:] != p[:-1]) | (init[1:] != init[:-1]))))
    p, init, size = p[first], init[first], np.append(first[1:], order.size) - first
    idle = int(np.count_nonzero(p == 0))
    known = int(np.count_nonzero(init[:idle] == 0))  # at most one: init is sorted
    if idle - known > 1 and divergence != "l2":
        together = math.fsum(init[known:idle] * size[known:idle])
        p = np.delete(p, slice(known, idle - 1))
        init = np.concatenate((init[:known], [together], init[idle:]))
        size = np.concatenate((size[:known], [1], size[idle:]))
        idle = known + 1
    return p, init, size, idle


def _within_room(sets: int, columns: int) -> None:
    """Refuse tables of more than `MOST_NUMBERS`, which labels of probability 0 and of different init make, for "l2"."""
    if max(sets, columns) * columns > MOST_NUMBERS:
        raise OutOfReach(
            f"SEL_ptl: {columns} labels or classes that differ in probability or init, {sets} sets of them: tables of "
            f"more than {MOST_NUMBERS:.0e} numbers: use kt_theory.simulate"
        )


def _cells_needed(row: Row) -> int:
    _, _, size, idle = _grouped(row)
    return math.prod(int(k) + 1 for k in size[idle:])


def _joint(row: Row, p: np.ndarray) -> list[tuple[int, int]]:
    """Joint masses rho p / sum(p), which add up to rho exactly, as numerators and denominators."""
    # Floats are whole numbers over powers of two, and whole numbers are added and multiplied faster than fractions.
    ratios = [x.as_integer_ratio() for x in row.p.tolist()]
    unit = max(below for _, below in ratios)
    total = sum(above * (unit // below) for above, below in ratios)
    rho, rho_below = row.rho.as_integer_ratio()
    return [(rho * above * unit, rho_below * below * total) for above, below in map(float.as_integer_ratio, p.tolist())]


# --- Routes -----------------------------------------------------------------------------------------------


@functools.cache
def _sets(m: int) -> np.ndarray:
    """All sets of m labels, shape (2^m, m)."""
    return ((np.arange(2**m)[:, None] >> np.arange(m)) & 1).astype(np.int8)


def subsets(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """The risk by Moebius inversion over the sets of unseen labels; arguments and result as in `row_risk`."""
    from kt_theory.exact import loops_sel

    live = row.p > 0
    m = int(np.count_nonzero(live))
    if m > MOST_LABELS:
        raise OutOfReach(f"{m} labels of positive probability, {MOST_LABELS} at most: use kt_theory.simulate")
    p, init, size, idle = _grouped(row, divergence)
    p, init = np.concatenate((p[:idle], row.p[live])), np.concatenate((init[:idle], row.init[live]))
    _within_room(2**m, p.size)
    unseen = np.empty((2**m, p.size))
    unseen[:, :idle] = size[:idle]
    unseen[:, idle:] = _sets(m)
    cost = costs(p, init, unseen, divergence)
    if n == 0:
        return _exactly(row.rho * cost[-1], "subsets")
    masses = np.array([_pair(*mass) for mass in _joint(row, p[idle:])]).reshape(m, 2)
    rho, below = row.rho.as_integer_ratio()
    rest = np.array(_pair(below - rho, below))
    seen = m - unseen[:, idle:].sum(axis=1)
    possible = (seen <= n) & ((seen > 0) | (row.rho < 1))
    if (np.isinf(cost) & possible).any():
        return Estimate(math.inf, 0.0, "subsets")
    cost[~possible] = 0.0
    relevant = cost > 0
    law, low = np.empty(cost.size), np.empty(cost.size)
    scale = loops_sel.set_laws(n, rest, masses, relevant, law, low)
    if not relevant.any() or scale == -math.inf:
        return _exactly(0.0, "subsets")
    value = row.rho * math.exp(scale) * math.fsum((cost * law)[relevant])
    return Estimate(value, value * EPS * (50 + m + abs(scale)) + math.ulp(0.0), "subsets")


def classes(row: Row, n: int, divergence: str = "tv") -> Estimate:
    """The risk by the numbers of labels unseen in each class; arguments and result as in `row_risk`."""
    from kt_theory.exact import loops_sel

    p, init, size, idle = _grouped(row, divergence)
    live = size[idle:]
    number = _cells_needed(row)
    if number > MOST_CELLS:
        raise OutOfReach(f"{number} cells of label classes, {MOST_CELLS} at most: use kt_theory.simulate")
    _within_room(number, p.size)
    unseen = np.empty((number, p.size), dtype=np.int64)
    unseen[:, :idle] = size[:idle]
    unseen[:, idle:] = np.indices(tuple(live + 1)).reshape(live.size, number).T
    cost = costs(p, init, unseen, divergence)
    if n == 0:
        return _exactly(row.rho * cost[-1], "label classes")
    seen = (live - unseen[:, idle:]).sum(axis=1)
    possible = (seen <= n) & ((seen > 0) | (row.rho < 1))
    kept = possible & (cost > 0)
    if np.isinf(cost[kept]).any():
        return Estimate(math.inf, 0.0, "label classes")
    if not kept.any():
        return _exactly(0.0, "label classes")
    ways = sum(_log_binomials(int(k))[u] for k, u in zip(live, unseen[kept, idle:].T, strict=True))
    value, error = loops_sel.cells(
        n,
        1 - row.rho,
        np.array([above / below for above, below in _joint(row, p[idle:])]),
        live,
        unseen[kept, idle:],
        np.asarray(ways),
        cost[kept],
    )
    return Estimate(row.rho * value, row.rho * error + math.ulp(0.0), "label classes")


def _log_binomials(k: int) -> np.ndarray:
    """The logs of C(k, j), j = 0..k, each right to the last digit."""
    binomial, logs = 1, []
    for j in range(k + 1):
        logs.append(math.log(binomial))
        binomial = binomial * (k - j) // (j + 1)
    return np.array(logs)


def _exactly(value: float, route: str) -> Estimate:
    return Estimate(float(value), 0.0 if math.isinf(value) else 8 * EPS * float(value), route)


def _pair(above: int, below: int) -> tuple[float, float]:
    """The ratio of two whole numbers as a sum of two floats."""
    high = above / below
    a, b = high.as_integer_ratio()
    return high, (above * b - a * below) / (below * b)


# --- The family of the least favourable teachers ------------------------------------------------------------


def family_risk(n: int, A: int, r: float, k: int, x: Any) -> Any:
    """What an input of mass r adds to the expected risk: k labels of joint mass x, one of r - k x, the others 0.

    Uniform initialisation. The candidates for the least favourable teacher are of this form.

    Parameters
    ----------
    n : int
        Number of samples, at least 0.
    A : int
        Number of labels.
    r : float
        Mass of the input, in (0, 1].
    k : int
        Number of light labels, 0 <= k < A.
    x : float or array_like
        Joint mass rho pi* of each light label, 0 <= k x <= r.

    Returns
    -------
    float or ndarray
        rho E TV, as the shape of `x`. Relative error below 1e-12, unless below 1e-290 or a difference of masses that
        are equal up to rounding.

    Raises
    ------
    ValueError
        For bad arguments.

    Examples
    --------
    >>> round(family_risk(1, A=3, r=1.0, k=1, x=0.5), 12)
    0.25
    """
    from kt_theory.exact import loops_sel

    n = checks.whole_number("n", n)
    A = checks.whole_number("A", A, minimum=1)
    k = checks.whole_number("k", k)
    r = checks.half_open_unit("r", r)
    light = checks.probabilities("x", x)
    if k >= A:
        raise ValueError(f"k is {k}: one of the {A} labels must be left for the rest")
    if k * light.max(initial=0.0) > r * (1 + 1e-12):
        raise ValueError(f"x is {light.max()!r}: {k} labels of that mass exceed the input's {r!r}")
    out = np.empty(light.size)
    loops_sel.family(n, A, r, k, light.ravel(), out)
    return out.reshape(light.shape) if light.ndim else float(out[0])
