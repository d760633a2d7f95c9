r"""Lists of the most likely labels, and draws of several labels, exactly.

The learners of ``top_k:K``, ``top_k_label:K``, ``top_k_only:K``, ``top_p:P``, ``threshold:T`` and ``sampled:M``.

A visit of input s tells the K largest probabilities of its row; K follows from the row under ``top_p`` and
``threshold``, and at K = 0 the student stays as it was. Let t be the mass of the other labels, the tail, and
:math:`\tau = p / t` their law.

**SEL@top_k** is exact on the list and on every label drawn. After a visit it spreads the mass of the unseen labels U of
the tail over them. No label of a part V of the tail is drawn with probability
:math:`(1 - \rho\, p(V))^n = (1 - \rho t\, \tau(V))^n`: so U is, as a random set, the unseen set of SEL_ptl at an input
of mass rho t with the row tau, and costs t times as much as there. With :math:`R_{\mathrm{SEL}}` that input's part of
the risk of SEL_ptl,

.. math:: R = R_{\mathrm{SEL}}(\rho t, \tau) + \rho (1 - \rho)^n \, [D(p, \mathrm{init}) - t D(\tau, \iota)],

iota being the init on the tail, scaled to one: the second term replaces what an unvisited input costs. It holds for TV;
all routes of SEL_ptl apply, for any number of labels.

**CE@top_k_label** counts the tail: the same with CE_sgl's part of the risk in place of that of SEL_ptl.

**SEL@top_k_label** and **SEL@top_k_only** use the list alone, RENORM scales it to one:

.. math:: R = \rho (1 - \rho)^n D(p, \mathrm{init}) + \rho (1 - (1 - \rho)^n) \, c, \qquad
          c = t\, \mathrm{TV}(\tau, \iota) \quad \text{or} \quad c = t.

**Several labels a visit**, M of them. After N visits the student is that of N M labels at a sure input, so that

.. math:: R = \rho (1 - \rho)^n D(p, \mathrm{init}) + \sum_{N \ge 1} P(\mathrm{Bin}(n, \rho) = N) \, \rho \, c(N M),

c(j) the cost of the row after j single draws, by the routes above. One term at a sure input; else the N where the
binomial law nearly surely is, and of those the ones that count: :math:`c(j) \le \sum_a p_a (1 - p_a)^j`. Rows of few
labels are summed over sets of labels instead (`sets`), and so are draws without replacement.

Ties at rank K are broken at random. Where the init is the same on the tied labels every choice costs the same;
elsewhere the answer is out of reach.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kt_theory.exact import ful, sel, sets, sgl
from kt_theory.exact.rows import Estimate, OutOfReach, Row, excess
from kt_theory.numerics.binomials import binomial, window
from kt_theory.numerics.powers import EPS, unseen
from kt_theory.protocols.protocol import Protocol

#: Missing mass below which further visits are left out: of the size of a rounding.
LEFT_OUT = 1e-17

#: The most numbers of visits that are gone through, and the most seconds that they take without patience.
MOST_TERMS, HASTY = 20_000, 15.0

#: The most numbers of visits that are gone through where a row of few labels can be summed over sets of labels: that
#: is faster, and its error larger.
BEFORE_SETS = 8


def natural_risk(protocol: Protocol, row: Row, n: int, divergence: str = "tv", *, patient: bool = True) -> Estimate:
    """What one input adds to the expected risk of ``SEL@`` and a protocol that tells a list, or draws.

    Parameters
    ----------
    protocol : Protocol
        ``top_k:K``, ``top_k_label:K``, ``top_k_only:K``, ``sampled:M`` or one of the same facts; ``partial`` gives
        SEL_ptl.
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv"}
        Another one is out of reach.
    patient : bool
        As in `kt_theory.exact.sel.row_risk`, of the tail.

    Returns
    -------
    Estimate
        rho E TV. The error is that of SEL_ptl's route, and rounding.

    Raises
    ------
    OutOfReach
        For another divergence, ties at rank K whose init differs, or where SEL_ptl's routes do not reach.

    Examples
    --------
    >>> from kt_theory.protocols import top_k, top_k_only
    >>> row = Row(1.0, np.array([0.1, 0.2, 0.7]), np.full(3, 1 / 3), times=1)
    >>> round(natural_risk(top_k_only(1), row, 5).value, 12), round(natural_risk(top_k(1), row, 5).value, 12)
    (0.05, 0.0084035)
    """
    if not protocol.replacing:
        return sets.row_risk(protocol, row, n, divergence)
    if protocol.draws > 1 and protocol.tells_drawn and protocol.top is not None:
        return _several(protocol, row, n, divergence, patient)
    if not protocol.lists:
        return sel.row_risk(row.full(), n, divergence, patient=patient)
    if protocol.top is None or protocol.top >= row.p.size + row.zeros:
        return ful.row_risk(row, n, divergence)
    row = row.full()
    length = protocol.list_length(row.p)
    if length == row.p.size:
        return ful.row_risk(row, n, divergence)
    if length == 0 and protocol.tells_drawn:
        return sel.row_risk(row, n, divergence, patient=patient)
    if length == 0:
        return ful.row_risk(row, 0, divergence)
    _of_total_variation(divergence)
    tail, start = _tail(row, length)
    t = math.fsum(tail.tolist())
    unvisited = ful.row_risk(row, n, divergence)
    if t == 0.0:
        return unvisited
    law = tail / t
    spread = ful.between(law, start, "tv")
    # Sums of rounded numbers: of the tail, of its law and of the init on it.
    rounded = (excess(law) + excess(start) + 2 * EPS) * row.rho * t
    if not protocol.tells_drawn:
        return _once_visited(row, n, t * spread, unvisited, rounded)
    missed = sel.row_risk(Row(row.rho * t, law, start, 1), n, divergence, patient=patient)
    return _with_list(row, n, t * spread, missed, unvisited, rounded)


def _with_list(row: Row, n: int, cost: float, missed: Estimate, unvisited: Estimate, rounded: float) -> Estimate:
    """What an input adds whose tail, of `cost` before any label of it was drawn, adds `missed` as an input."""
    replaced = row.rho * unseen(n, row.rho) * cost
    # An unvisited input is among those of which nothing of the tail was seen.
    value = max(missed.value - replaced, 0.0) + unvisited.value
    error = missed.error + unvisited.error + rounded + 8 * EPS * (missed.value + replaced + unvisited.value)
    return Estimate(value, error, missed.route, missed.proved)


def counted_risk(protocol: Protocol, row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of ``CE@`` and a protocol that tells a list and shows the label.

    The tail is counted: it is CE_sgl at an input of mass rho t with the row tau, in the same way as above.

    Parameters
    ----------
    protocol : Protocol
        ``top_k_label:K``, or one of the same facts.
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv"}
        Another one is out of reach.

    Returns
    -------
    Estimate
        The error is that of CE_sgl's route, and rounding.

    Raises
    ------
    OutOfReach
        For another divergence, or ties at rank K whose init differs.

    Examples
    --------
    >>> from kt_theory.protocols import top_k_label
    >>> row = Row(1.0, np.array([0.1, 0.2, 0.7]), np.full(3, 1 / 3), times=1)
    >>> round(counted_risk(top_k_label(1), row, 1).value, 12), counted_risk(top_k_label(2), row, 1).value
    (0.075, 0.0)
    """
    _of_total_variation(divergence)
    row = row.full()
    length = protocol.list_length(row.p)
    if length == row.p.size:
        return ful.row_risk(row, n, divergence)
    if length == 0:
        return sgl.row_risk(row, n, divergence)
    tail, start = _tail(row, length)
    t = math.fsum(tail.tolist())
    unvisited = ful.row_risk(row, n, divergence)
    if t == 0.0:
        return unvisited
    law = tail / t
    rounded = (excess(law) + excess(start) + 2 * EPS) * row.rho * t
    missed = sgl.row_risk(Row(row.rho * t, law, start, 1), n, divergence)
    return _with_list(row, n, t * ful.between(law, start, "tv"), missed, unvisited, rounded)


def seconds(row: Row, n: int, protocol: Protocol) -> float:
    """About how long `natural_risk` takes, without patience."""
    if not protocol.replacing:
        return 0.05
    if protocol.draws == 1 or not protocol.tells_drawn or protocol.top is None:
        return sel.seconds(row, n)
    if _by_sets(row, protocol):
        return 0.05
    first, number = _visits(row, n, protocol)
    some = range(first, first + number, max(number // 8, 1))
    sure = replace(row, rho=1.0)
    return number * sum(sel.seconds(sure, N * protocol.draws) for N in some) / max(len(some), 1)


def _by_sets(row: Row, protocol: Protocol) -> bool:
    """Whether sums over sets of labels reach a row of several draws a visit."""
    return not protocol.lists and int(np.count_nonzero(row.p)) <= sets.MOST


def _several(protocol: Protocol, row: Row, n: int, divergence: str, patient: bool) -> Estimate:
    """An input of which every visit shows several labels with their probabilities."""
    one, sure = replace(protocol, draws=1), replace(row, rho=1.0)
    if row.rho == 1.0:
        return natural_risk(one, sure, n * protocol.draws, divergence, patient=patient)
    first, number = _visits(row, n, protocol)
    if number > BEFORE_SETS and divergence == "tv" and _by_sets(row, protocol):
        return sets.row_risk(protocol, row, n, divergence)
    if number > MOST_TERMS:
        raise OutOfReach(f"n is {n}: {number} numbers of visits count, {MOST_TERMS} at most: use kt_theory.simulate")
    if not patient and (taken := seconds(row, n, protocol)) > HASTY:
        raise OutOfReach(
            f"an input takes about {taken:.3g} s, {HASTY:g} s at most for 'auto': use "
            "method='exact' or kt_theory.simulate"
        )
    never = ful.row_risk(row, n, divergence)
    if number == 0:
        return never
    visits = range(first, first + number)
    parts = [natural_risk(one, sure, N * protocol.draws, divergence, patient=patient) for N in visits]
    weights = row.rho * binomial(np.array(visits), float(n), row.rho)
    value = math.fsum([never.value, *(w * part.value for w, part in zip(weights, parts, strict=True))])
    # Numbers of visits that are left out: their probability outside of the window, e^-35, and what `_visits` cut.
    left = row.rho * (LEFT_OUT + math.exp(-35)) * (1.0 if divergence == "tv" else 2.0)
    own = math.fsum([never.error, *(w * part.error for w, part in zip(weights, parts, strict=True))])
    routes = " + ".join(dict.fromkeys(part.route for part in parts))
    proved = divergence != "kl" and all(part.proved for part in parts)
    return Estimate(value, own + left + 64 * EPS * value, routes, proved)


def _visits(row: Row, n: int, protocol: Protocol) -> tuple[int, int]:
    """The numbers of visits that count: the first, at least 1, and how many follow one another."""
    if n == 0:
        return 1, 0
    first, last = window(n, row.rho)
    used = np.minimum(row.p[row.p > 0], 1.0)
    with np.errstate(divide="ignore"):
        logs = protocol.draws * np.log1p(-used)
    # What is missing after N visits, from above, falls with N.
    low, high = first, last + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if float(used @ np.exp(middle * logs)) > LEFT_OUT else (low, middle)
    return first, low - first


def renormalised_risk(protocol: Protocol, row: Row, n: int, divergence: str = "tv") -> Estimate:
    """What one input adds to the expected risk of ``RENORM@`` and a protocol that tells a list.

    Parameters
    ----------
    protocol : Protocol
        ``top_k_label:K``, ``top_k_only:K``, or one of the same facts.
    row : Row
        The input. The answer is for one such input; `row.times` is not used.
    n : int
        Number of samples, at least 0.
    divergence : {"tv"}
        Another one is out of reach.

    Returns
    -------
    Estimate
        Relative error below 16 units of rounding, and what the rounding of the laws moves.

    Raises
    ------
    OutOfReach
        For another divergence.

    Examples
    --------
    >>> from kt_theory.protocols import top_k_only
    >>> row = Row(1.0, np.array([0.1, 0.2, 0.7]), np.full(3, 1 / 3), times=1)
    >>> round(renormalised_risk(top_k_only(1), row, 5).value, 12)
    0.3
    """
    _of_total_variation(divergence)
    unvisited = ful.row_risk(row, n, divergence)
    A = row.p.size + row.zeros
    if protocol.top is None or A == 1 or (protocol.top >= A and protocol.lists_last):
        return unvisited
    row = row.full()
    length = protocol.list_length(row.p)
    tail = _tail(row, length, tied=True)[0] if length else row.p
    if np.count_nonzero(tail) == np.count_nonzero(row.p):
        return ful.row_risk(row, 0, divergence)  # an empty list, or zeros, cannot be scaled to one: the student is init
    t = math.fsum(tail.tolist())
    return _once_visited(row, n, t, unvisited, excess(row.p) * row.rho)


def _of_total_variation(divergence: str) -> None:
    if divergence != "tv":
        raise OutOfReach(f"divergence {divergence}: learners of a list are exact for tv only: use kt_theory.simulate")


def _tail(row: Row, top: int, tied: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The labels that are not on the list, and the init on them, scaled to one; `tied` where the init does not matter.

    The row is sorted: the list is its end, but for the last label where that is never listed.
    """
    p, start = row.p, row.init
    if not math.isnan(row.last):
        # Which of several labels of its probability and init the last one is does not matter.
        at = int(np.argmax(p == row.last))
        if not tied and start[p == row.last].min() != start[p == row.last].max():
            raise OutOfReach("labels of the last one's probability differ in init: use kt_theory.simulate")
        p, start = (np.concatenate((x[at : at + 1], np.delete(x, at))) for x in (p, start))
    cut = max(p.size - top, 1)
    least = p[cut]
    first = int(not math.isnan(row.last))
    equal = start[first:][p[first:] == least]
    some = cut > first and p[cut - 1] == least
    if some and not tied and equal.min() != equal.max():
        raise OutOfReach("labels of one probability at the end of the list differ in init: use kt_theory.simulate")
    order = np.lexsort((start[:cut], p[:cut]))
    tail, start = p[:cut][order], start[:cut][order]
    weight = start.sum()
    return tail, start / weight if weight > 0 else np.full(start.size, 1.0 / start.size)


def _once_visited(row: Row, n: int, cost: float, unvisited: Estimate, rounded: float) -> Estimate:
    """An input that costs `cost` once it was visited."""
    # Not 1 - (1 - rho)^n, which has no digits where an input is hardly ever visited.
    visited = row.rho * (-math.expm1(n * math.log1p(-row.rho)) if row.rho < 1.0 else float(n > 0))
    value = unvisited.value + visited * cost
    return Estimate(value, unvisited.error + rounded + 8 * EPS * value + math.ulp(0.0), "closed form")
