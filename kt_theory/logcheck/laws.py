"""The law of the next record under the stated law, and the evidence of a log's records against it.

**The law of the next record.** Let K be the labels told at an input before a record, p their stated probabilities, and
r = 1 - sum of p over K. If labels are drawn from the stated law, the record is a in K with probability p(a), and a
label outside K with probability r, for every set of labels not seen yet. So every sum over the records of
f(record) - E[f(record)], f fixed by what was told before, is a martingale with conditional variances that are known
exactly. Cells must not be chosen because they were drawn: a sum over the drawn cells alone has no such law.

**Lists.** A log may tell labels that were not drawn, the k most likely of each input (top-k). The k most likely are a
function of the input alone, so that they may be taken for known before its first record; "all that is told there but
the label drawn" may not. k is unknown and is taken to be the largest number of labels told and never drawn at one
input, which no list of k exceeds. Inputs with fewer told labels than that are taken without their lists.

**Order.** Under the stated law the records of an input are exchangeable, and a table sorted by label, or with counts,
is as good as a log. They are therefore put in a random order, unless the log is declared to be in that of the draws.

**Test martingales.** For any law q of the same events, fixed by what was told before, the product of q / p over the
records has expectation 1 under the stated law: given the past, the expectation of a factor is
sum over K of p(a) q(a) / p(a) + r q(new) / r = 1 if r > 0, and the sum over K of q(a), 1 too, if r = 0. So is any
mixture of such products with fixed weights, and by Ville's inequality a mixture exceeds 1 / level at any time with
probability at most `level`. Where probabilities are rounded, off by a factor 1 + slack at most, each factor is divided
by 1 + 2 slack. Each q is mixed with p at 1 part in 100, so that no single record makes the product 0. The laws q are

* temperature T: q(a) proportional to p(a)^(1/T) on K. The sum U of p^(1/T) over the other labels is not known; in its
  place stands r^(1/T) exp((1/T - 1) m), m the mean of log(p / r) over the new labels so far: any function of the past
  is valid there, a poor one only lowers the power;
* top-p at a level l, and top-k: nothing beyond the labels known to be within it, once their mass is l (their number k).

Source of the inequality: J. Ville, Etude critique de la notion de collectif (1939).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from kt_theory.logcheck import loops
from kt_theory.logcheck.log import Log

#: The alternatives to the stated law: temperatures, masses of top-p, sizes of top-k.
TEMPERATURES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 3.0)
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
TOPS = (1, 2, 3, 5, 10, 20, 40, 50, 100)

#: The mass of top-p for which the score of truncation is made.
REFERENCE = 0.9

#: How far probabilities may be off, relatively, without being rounded: float32 log-probabilities.
FLOAT32 = 1e-6

#: Told probabilities of an input may exceed 1 in sum by this much and still be taken for those of one law.
ABOVE_ONE = 1e-3


@dataclass(frozen=True)
class Cells:
    """The pairs of groups and labels of a log, and the records as indices into them.

    Attributes
    ----------
    groups, cells : ndarray of int64, shape (records,)
        Group and cell of each record that enters the tests, in the order of the check.
    times : ndarray of int64, shape (records,)
        Which record of all each of them is, from 1.
    offsets : ndarray of int64, shape (G + 1,)
        Cells of each group, in the order of falling probability; never told ones last.
    logp : ndarray, shape (C,)
        Log-probabilities: of several told for a cell the mean. NaN where none is told.
    listed : ndarray of bool, shape (C,)
        The cells known before the first record.
    zero : ndarray of bool, shape (C,)
        The cells of which nothing but probability 0 is told.
    slack : float
        How far the probabilities may be off, relatively.
    top : int
        The number of labels of a list, 0 without lists.
    beta : ndarray, shape (G,)
        The stated inverse temperature of each group, NaN where none is stated.
    n : int
        Number of records, those of groups that enter no test included.
    rounded : bool
        Whether probabilities are rounded to decimal digits, so that 0 may stand for a small one.
    """

    groups: np.ndarray
    cells: np.ndarray
    times: np.ndarray
    offsets: np.ndarray
    logp: np.ndarray
    listed: np.ndarray
    zero: np.ndarray
    slack: float
    top: int
    beta: np.ndarray
    n: int
    rounded: bool = False


def cells_of(
    log: Log, group: np.ndarray, spread: float, *, temperature: float | None, seed: int, in_order: bool
) -> Cells:
    """The cells of a log.

    Parameters
    ----------
    log : Log
    group : ndarray of int64, shape (rows,)
        Which law each row is of: its input, and what else told values depend on.
    spread : float
        How far, as a root mean square, values of one pair differ.
    temperature : float or None
        The stated temperature of all records; None: that of their column, if there is one.
    seed : int
        Of the order of the records.
    in_order : bool
        Whether the records stand in the order in which they were drawn.
    """
    stated = log.temperature if temperature is None else np.full(log.s.size, temperature)
    if stated is not None:
        _, code = np.unique(stated, return_inverse=True)
        group = group * (int(code.max(initial=0)) + 1) + code
    names, group = np.unique(group, return_inverse=True)
    G, A = names.size, max(len(log.actions), 1)
    keys, cell = np.unique(group * A + log.a, return_inverse=True)
    told = ~np.isnan(log.logp)
    times_told = np.bincount(cell, told, minlength=keys.size)
    with np.errstate(invalid="ignore"):
        value = np.bincount(cell, np.where(told, log.logp, 0.0), minlength=keys.size) / times_told
    drawn = np.bincount(cell, log.count, minlength=keys.size)
    zero = np.isnan(value)
    zero &= False if log.zero is None else np.bincount(cell, log.zero, minlength=keys.size) > 0
    owner = keys // A
    # Within a group by falling probability, NaN last.
    order = np.lexsort((np.where(np.isnan(value), np.inf, -value), owner))
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    cell, owner, value, drawn, zero = place[cell], owner[order], value[order], drawn[order], zero[order]
    offsets = np.searchsorted(owner, np.arange(G + 1))
    listed, top = _lists(owner, offsets, value, drawn)
    mass = np.bincount(owner, np.nan_to_num(np.exp(value)), minlength=G)
    slack = max(FLOAT32, spread, _rounding(log))
    lawful = mass <= 1 + max(ABOVE_ONE, 3 * slack)
    visits = np.bincount(owner, drawn, minlength=G)
    has_list = np.bincount(owner, listed, minlength=G) > 0
    rows = np.repeat(np.arange(log.s.size), log.count)
    if not in_order:
        rows = np.random.default_rng(seed).permutation(rows)
    speaks = lawful & ((visits > 1) | has_list)
    kept = np.flatnonzero(speaks[group[rows]])
    beta = np.full(G, np.nan)
    if stated is not None:
        with np.errstate(divide="ignore"):
            beta[group] = 1.0 / stated
    rounded = log.digits is not None and not log.logarithms
    groups, cells = group[rows[kept]], cell[rows[kept]]
    return Cells(groups, cells, kept + 1, offsets, value, listed, zero, slack, top, beta, rows.size, rounded)


def drawn_of_zero(log: Log, group: np.ndarray) -> int:
    """The records of labels that are told to have probability 0, where no row tells another one."""
    if log.zero is None:
        return 0
    _, cell = np.unique(group * max(len(log.actions), 1) + log.a, return_inverse=True)
    told_zero = np.bincount(cell, log.zero) > 0
    told_more = np.bincount(cell, ~np.isnan(log.logp)) > 0
    return int(log.count[log.zero | (told_zero & ~told_more)[cell]].sum())


def _lists(owner: np.ndarray, offsets: np.ndarray, value: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, int]:
    """Which cells are known from lists before the first record, and the length of the lists."""
    told = ~np.isnan(value)
    undrawn = np.bincount(owner, told & (drawn == 0), minlength=offsets.size - 1)
    top = int(undrawn.max(initial=0))
    long_enough = (undrawn > 0) & (np.bincount(owner, told, minlength=offsets.size - 1) >= top)
    rank = np.arange(owner.size) - offsets[owner]
    return told & long_enough[owner] & (rank < top), top


def _rounding(log: Log) -> float:
    """How far rounded values are off, relatively."""
    if log.digits is None:
        return 0.0
    step = 0.5 * 10.0**-log.digits
    if log.logarithms:
        return math.expm1(step)
    drawn = (log.count > 0) & ~np.isnan(log.logp)
    return float(step * np.average(np.exp(-log.logp[drawn]), weights=log.count[drawn])) if drawn.any() else step


@dataclass(frozen=True)
class Totals:
    """What the records of a log amount to; the sums run over the records of which something is known before.

    Attributes
    ----------
    score, variance, skew, steps : float
        Of log p: the sum of its differences from the conditional mean, of conditional variances, of conditional third
        central moments; the number of records.
    excess, square, cube : float
        The same of the likelihood ratio of top-p at 0.9, whose conditional mean is 1.
    product : float
        The sum of the products of both differences.
    peak, settled : float
        The largest logarithm of the mixture of test martingales, and the record at which it first reached what was
        wanted; 0 if it did not.
    beyond, rank : float
        The largest mass, and the largest number, of labels known to be more probable than one that was drawn.
    later, first : float
        The records before which something is known, and those of the most probable known label.
    impossible : float
        The records of a new label, of which no probability is told, where the told ones leave no more than the slack.
    temperatures, levels, tops : ndarray
        The logarithm of each test martingale at the end.
    raw : float
        The one of the stated temperature, NaN without one.
    """

    score: float
    variance: float
    skew: float
    steps: float
    excess: float
    square: float
    cube: float
    product: float
    peak: float
    settled: float
    beyond: float
    rank: float
    later: float
    first: float
    impossible: float
    temperatures: np.ndarray
    levels: np.ndarray
    tops: np.ndarray
    raw: float


#: The sums of a `Totals`, in the order in which `loops.walk` keeps them.
SUMS = tuple(field.name for field in fields(Totals))[:15]


def totals_of(cells: Cells, level: float) -> Totals:
    """Run through the records once."""
    betas = np.array([1 / np.array(TEMPERATURES)])
    stated = np.isfinite(cells.beta) & (cells.beta > 0)
    raw = bool((stated & (cells.beta != 1)).any())
    share = np.full(len(TEMPERATURES), 1 / 3 / len(TEMPERATURES))
    if raw:
        own = np.where(stated, cells.beta, 1.0)[:, None]
        betas = np.hstack([np.repeat(betas, own.size, axis=0), own])
        share = np.append(share / 2, 1 / 6)
    weights = np.concatenate([share, *(np.full(size, 1 / 3 / size) for size in (len(LEVELS), len(TOPS)))])
    sums, evidence = np.zeros(len(SUMS)), np.zeros(weights.size)
    loops.walk(
        cells.groups,
        cells.cells,
        cells.offsets,
        cells.logp,
        cells.listed,
        cells.zero,
        betas,
        np.array(LEVELS),
        np.array(TOPS),
        LEVELS.index(REFERENCE),
        cells.slack,
        weights,
        -np.log(level),
        sums,
        evidence,
    )
    settled = SUMS.index("settled")
    if sums[settled]:
        sums[settled] = cells.times[int(sums[settled]) - 1]
    B = len(TEMPERATURES)
    return Totals(
        temperatures=evidence[:B],
        levels=evidence[B + raw : B + raw + len(LEVELS)],
        tops=evidence[B + raw + len(LEVELS) :],
        raw=float(evidence[B]) if raw else np.nan,
        **dict(zip(SUMS, sums.tolist(), strict=True)),
    )


#: The inverse temperatures between which one is looked for.
BETA_MIN, BETA_MAX = 0.02, 50.0


def inverse_temperature(cells: Cells) -> tuple[float, float]:
    """The inverse temperature that fits best, and its standard error; both NaN where nothing is known before a record.

    The maximum of the likelihood of those records whose label was known before, given that it was: concave, and free of
    the labels not seen yet. `BETA_MIN` or `BETA_MAX` with an infinite error stand for no maximum between.
    """

    def slope(beta: float) -> np.ndarray:
        out = np.zeros(3)
        loops.tempered(cells.groups, cells.cells, cells.offsets, cells.logp, cells.listed, beta, out)
        return out

    low, high = BETA_MIN, BETA_MAX
    beta = 1.0
    first, information, records = slope(beta)
    if not records or (first == 0 and information <= 1e-12 * records):
        return np.nan, np.nan
    for _ in range(60):
        if abs(first) <= 1e-6 * np.sqrt(information):
            break
        low, high = (beta, high) if first > 0 else (low, beta)
        step = beta + first / information if information > 0 else np.nan
        beta = step if low < step < high else np.sqrt(low * high)
        if high / low < 1 + 1e-9:
            break
        first, information, _ = slope(beta)
    if beta > 0.999 * BETA_MAX or beta < 1.001 * BETA_MIN:
        return (BETA_MAX if beta > 1 else BETA_MIN), np.inf
    return float(beta), float(1 / np.sqrt(information))
