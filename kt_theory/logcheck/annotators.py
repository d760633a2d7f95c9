"""Whether annotators agree more than independent draws would.

If the labels of an item are independent draws of one law, then, given the labels, their assignment to the annotators is
uniform. Two annotators of an item with c_a labels a among m agree on it with probability
sum of c_a (c_a - 1) / (m (m - 1)), independently from item to item, for all laws. So the number of their agreements has
a Poisson binomial law that is known exactly. Over all pairs of an item the agreements are fixed by the counts: a table
of counts cannot show that all annotators agree too much, only that some do more than the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from kt_theory import checks
from kt_theory.logcheck.finding import Finding
from kt_theory.logcheck.log import Log

#: Up to so many shared items the tail is added up exactly; beyond, it is bounded.
EXACT_MAX = 2000

#: The most pairs of annotators and shared items that are looked at.
PAIRS_MAX = 10**8


@dataclass(frozen=True)
class Agreement:
    """Two annotators: shared items on which they may agree or not, agreements, and P(as many or more)."""

    annotators: tuple[int, int]
    items: int
    agreed: int
    expected: float
    p: float


def annotators_finding(log: Log, level: float) -> Finding:
    """Whether some pair of annotators agrees too often."""
    if log.annotator is None:
        return Finding("annotators", "cannot tell", "no column names the annotator")
    rows, named = _compared(log)
    agreements = agreements_of(log, rows)
    left_out = {"unnamed": log.n - named, "repeated": named - rows.size}
    why = ("without an annotator", "of items that their annotator had labelled before")
    without = "".join(
        f"; {number} label{'' if number == 1 else 's'} {words} left out"
        for number, words in zip(left_out.values(), why, strict=True)
        if number
    )
    if not agreements:
        said = f"no item has three labels, not all equal, of different annotators{without}"
        return Finding("annotators", "cannot tell", said, numbers=left_out)
    closest = min(agreements, key=lambda pair: pair.p)
    p = min(1.0, closest.p * len(agreements))
    who = " and ".join(checks.shown(log.annotators[i]) for i in closest.annotators)
    said = f"{who} agree on {closest.agreed} of {closest.items} items, where {closest.expected:.1f} are expected"
    said += f", p = {p:.2g} over {len(agreements)} pairs{without}"
    numbers = {
        "p_value": p,
        "pairs": len(agreements),
        "items": closest.items,
        "agreed": closest.agreed,
        "expected": closest.expected,
        **left_out,
    }
    if p <= level:
        return Finding("annotators", "yes", said, alarm=True, numbers=numbers)
    # How often a pair that always agrees would have to: (expected share)^items.
    share = min(pair.expected / pair.items for pair in agreements)
    wanted = math.ceil(math.log(level / len(agreements)) / math.log(share)) if share > 0 else 1
    if max(pair.items for pair in agreements) >= wanted:
        return Finding("annotators", "no", said, numbers=numbers)
    return Finding("annotators", "cannot tell", f"{said}; a copy would show on {wanted} shared items", numbers=numbers)


def _compared(log: Log) -> tuple[np.ndarray, int]:
    """The rows of the labels that are compared, the first of each annotator and item; how many labels name one."""
    assert log.annotator is not None
    named = np.array([bool(name) for name in log.annotators], dtype=bool)[log.annotator]  # "" is not one annotator
    rows = np.flatnonzero((log.count > 0) & named)
    _, first = np.unique(log.s[rows] * len(log.annotators) + log.annotator[rows], return_index=True)
    return rows[first], int(log.count[named].sum())


def agreements_of(log: Log, rows: np.ndarray) -> list[Agreement]:
    """The pairs of annotators that share an item on which the labels leave agreement open, among some rows."""
    assert log.annotator is not None
    W = len(log.annotators)
    rows = rows[np.argsort(log.s[rows], kind="stable")]
    s, a, w = log.s[rows], log.a[rows], log.annotator[rows]
    size = np.bincount(s)
    _, pair, times = np.unique(s * max(len(log.actions), 1) + a, return_inverse=True, return_counts=True)
    alike = np.bincount(s, times[pair] - 1.0)  # the sum of c (c - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = alike / (size * (size - 1.0))
    open_ = (size >= 3) & (chance > 0) & (chance < 1)
    kept = open_[s]
    s, a, w = s[kept], a[kept], w[kept]
    labels = np.bincount(s)
    total = int((labels * (labels - 1) // 2).sum())
    if total > PAIRS_MAX:
        raise checks.Unsupported(f"{total:.3g} pairs of annotators on items: {PAIRS_MAX:.0e} at most are compared")
    keys, agree, chances = [], [], []
    starts = np.flatnonzero(np.r_[True, s[1:] != s[:-1]]) if s.size else np.zeros(0, int)
    sizes = np.diff(np.r_[starts, s.size])
    for m in np.unique(sizes):  # all items with m labels at once
        block = starts[sizes == m][:, None] + np.arange(m)
        i, j = np.triu_indices(int(m), 1)
        one, other = w[block[:, i]], w[block[:, j]]
        keys.append((np.minimum(one, other) * W + np.maximum(one, other)).ravel())
        agree.append((a[block[:, i]] == a[block[:, j]]).ravel())
        chances.append(np.repeat(chance[s[block[:, 0]]], i.size))
    if not keys:
        return []
    key, same, p = np.concatenate(keys), np.concatenate(agree), np.concatenate(chances)
    order = np.argsort(key, kind="stable")
    key, same, p = key[order], same[order], p[order]
    ends = np.flatnonzero(np.r_[key[1:] != key[:-1], True]) + 1
    found = []
    for start, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
        agreed, shares = int(same[start:end].sum()), p[start:end]
        one, other = divmod(int(key[start]), W)
        found.append(Agreement((one, other), int(end - start), agreed, float(shares.sum()), upper_tail(shares, agreed)))
    return found


def upper_tail(p: np.ndarray, k: int) -> float:
    """P(X >= k) of a sum of independent indicators of probabilities p; an upper bound beyond `EXACT_MAX` of them.

    The bound is Chernoff's with the mean alone, exp(-n KL(k/n, mean)), which holds for unequal probabilities
    (W. Hoeffding, Ann. Math. Stat. 27, 1956).

    Examples
    --------
    >>> upper_tail(np.array([0.5, 0.5]), 2)
    0.25
    """
    n, mean = p.size, float(p.mean())
    if k <= 0:
        return 1.0
    if n <= EXACT_MAX:
        law = np.ones(1)
        for share in p:
            law = np.convolve(law, (1 - share, share))
        return float(min(law[k:].sum(), 1.0))
    if k <= n * mean:
        return 1.0
    x = k / n
    return float(np.exp(-n * (special.rel_entr(x, mean) + special.rel_entr(1 - x, 1 - mean))))
