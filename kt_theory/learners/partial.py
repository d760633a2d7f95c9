"""Learners that are told the probabilities of some labels: of those that were drawn, or of more.

A learner stands here twice, as a definition over tables and as loops that numba compiles: over one visited row, over
its stored cells, and, where speed counts, over one row of many repeats side by side. A loop sees the teacher's row, and
sums the missing mass over the labels that are not told: it is exactly 0 once every label of positive probability is
told, where one minus the told mass leaves a rounding of 1e-17.
"""

from __future__ import annotations

import numpy as np

from kt_theory import checks
from kt_theory.learners.hard import scaled_to_one
from kt_theory.learners.learner import Learner
from kt_theory.protocols.protocol import Protocol


def ce_ptl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Cross-entropy weighted by the revealed probability: biased, it tends to pi*^2 scaled to one (Z&Z Lemma 4.2).

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where (s, a) was seen; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (4.3).
    """
    student = init.copy()
    visited = counts.any(axis=1)
    seen = counts[visited] > 0
    weights = counts[visited] * np.where(seen, revealed[visited], 0.0)
    student[visited] = scaled_to_one(weights)
    return student


def ce_ptl_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """The weighted frequencies of one visited input."""
    weight = 0.0
    for a in range(counts.size):
        student[a] = counts[a] * teacher[a]
    for a in range(counts.size):
        weight += student[a]
    for a in range(counts.size):
        student[a] = student[a] / weight


def ce_ptl_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The weighted frequencies of one visited input on its stored cells, and 0 on its other labels."""
    weight = 0.0
    for a in range(counts.size):
        student[a] = counts[a] * teacher[a]
    for a in range(counts.size):
        weight += student[a]
    for a in range(counts.size):
        student[a] = student[a] / weight
    return 0.0


def ce_ptl_lanes(visits, counts, teacher, init, student, work) -> None:  # type: ignore[no-untyped-def]
    """The weighted frequencies of one input in each repeat."""
    weight = work[0]
    weight[:] = 0.0
    for a in range(counts.shape[0]):
        p = teacher[a]
        for r in range(counts.shape[1]):
            weighted = counts[a, r] * p
            student[a, r] = weighted
            weight[r] += weighted
    for a in range(counts.shape[0]):
        for r in range(counts.shape[1]):
            student[a, r] /= weight[r]


def sel_ptl(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Squared error of logarithms: exact on every seen label, the missing mass shared among the unseen ones.

    The missing mass of a visited input, one minus the revealed probabilities of its seen labels, goes to its unseen
    labels in proportion to `init`, uniformly where `init` is 0 on all of them. When every label was seen nothing is
    left to share and the row is the teacher's own.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was seen.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where (s, a) was seen; elsewhere not read.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: Z&Z (4.7).
    """
    return kept_and_shared(counts > 0, revealed, init)


def sel_told(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """The same on all that is told, drawn or not: exact on every told label, the rest shared among the others.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        Not used.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where it is told, NaN elsewhere.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Statement: ours; it minimises the squared error of logarithms over the told labels.
    """
    return kept_and_shared(~np.isnan(revealed), revealed, init)


def kept_and_shared(told: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Told labels keep their probability, the others share the rest as `init` has it; `init` where none is told."""
    visited = told.any(axis=1, keepdims=True)
    known = np.where(told, revealed, 0.0)
    # Rounding can leave 1 - sum a few 1e-17 below 0 when all the mass was told.
    missing = np.maximum(1.0 - known.sum(axis=1, keepdims=True), 0.0)
    shares = np.where(told, 0.0, init)
    without = ~shares.any(axis=1, keepdims=True)
    shares = np.where(without & ~told, 1.0, shares)
    total = shares.sum(axis=1, keepdims=True)
    spread = missing * np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)
    return np.where(visited, known + spread, init)


def sel_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """Told labels keep their probability, the others share the rest: one visited input."""
    # Values are chosen in loops of their own and summed in others: chosen inside a sum, they are slow branches.
    A = counts.size
    hidden = 0
    for a in range(A):
        p = teacher[a]
        # numba drops the case that does not apply when it compiles: a protocol has `told` always or never.
        unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
        student[a] = p if unknown else 0.0
        hidden += 1 if unknown else 0
    missing = 0.0
    for a in range(A):
        missing += student[a]
    constant = True
    for a in range(A):
        q = init[a]
        unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
        student[a] = q if unknown else 0.0
        constant &= q == init[0]
    weight = 0.0
    for a in range(A):
        weight += student[a]
    if weight == 0.0 or constant:
        # The share first: missing / weight would overflow where the init is as small as 1e-310.
        share = missing / max(hidden, 1) if weight == 0.0 else missing * (init[0] / weight)
        for a in range(A):
            p = teacher[a]
            unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
            student[a] = share if unknown else p
    else:
        for a in range(A):
            p = teacher[a]
            unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
            own = missing * (init[a] / weight)
            student[a] = own if unknown else p


def sel_lanes(visits, counts, teacher, init, student, work) -> None:  # type: ignore[no-untyped-def]
    """Seen labels keep their probability, the others share the rest: one input in each repeat."""
    A, R = counts.shape
    missing, weight, hidden, share = work[0], work[1], work[2], work[3]
    missing[:] = 0.0
    weight[:] = 0.0
    hidden[:] = 0.0
    first = init[0]
    constant = True
    for a in range(A):
        p, q = teacher[a], init[a]
        constant &= q == first
        for r in range(R):
            unknown = counts[a, r] == 0.0
            missing[r] += p if unknown else 0.0
            weight[r] += q if unknown else 0.0
            hidden[r] += 1.0 if unknown else 0.0
    for r in range(R):
        share[r] = missing[r] / max(hidden[r], 1.0) if weight[r] == 0.0 else missing[r] * (first / weight[r])
    for a in range(A):
        p, q = teacher[a], init[a]
        if constant:
            for r in range(R):
                student[a, r] = share[r] if counts[a, r] == 0.0 else p
        else:
            for r in range(R):
                own = share[r] if weight[r] == 0.0 else missing[r] * (q / weight[r])
                student[a, r] = own if counts[a, r] == 0.0 else p


def sel_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """Told cells of one visited input keep their probability, all its other labels share the rest."""
    hidden = others
    missing = 0.0
    weight = 0.0
    for a in range(counts.size):
        unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
        missing += teacher[a] if unknown else 0.0
        weight += init[a] if unknown else 0.0
        hidden += 1 if unknown else 0
    weight += others * start
    # Labels that no cell is stored for are unknown. A protocol that tells some of them tells all that the teacher uses,
    # and nothing is missing then.
    share = missing / max(hidden, 1)
    for a in range(counts.size):
        unknown = counts[a] == 0 if told is None else (counts[a] == 0) & (told[a] == 0)
        own = share if weight == 0.0 else missing * (init[a] / weight)
        student[a] = own if unknown else teacher[a]
    return share if weight == 0.0 else missing * (start / weight)


def told_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """As `sel_row` where a drawn label's probability is told only if it is told in any case."""
    hidden = 0
    missing = 0.0
    weight = 0.0
    for a in range(counts.size):
        # numba types the branch for no list, too; under these protocols there always is one.
        unknown = True if told is None else told[a] == 0
        missing += teacher[a] if unknown else 0.0
        weight += init[a] if unknown else 0.0
        hidden += 1 if unknown else 0
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        own = missing / max(hidden, 1) if weight == 0.0 else missing * (init[a] / weight)
        student[a] = own if unknown else teacher[a]


def told_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """As `sel_cells` where a drawn label's probability is told only if it is told in any case."""
    hidden = others
    missing = 0.0
    weight = others * start
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        missing += teacher[a] if unknown else 0.0
        weight += init[a] if unknown else 0.0
        hidden += 1 if unknown else 0
    share = missing / max(hidden, 1)
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        own = share if weight == 0.0 else missing * (init[a] / weight)
        student[a] = own if unknown else teacher[a]
    return share if weight == 0.0 else missing * (start / weight)


CE_PTL = Learner(
    "CE_ptl",
    "partial",
    ce_ptl,
    None,
    "Z&Z Thm 4.3",
    row=ce_ptl_row,
    cells=ce_ptl_cells,
    lanes=ce_ptl_lanes,
    loss="- sum_i pi*(a_i|s_i) log pi(a_i|s_i)",
    fingerprint="CE_ptl 1",
)
SEL_PTL = Learner(
    "SEL_ptl",
    "partial",
    sel_ptl,
    -1.0,
    "Z&Z Thm 4.4",
    row=sel_row,
    cells=sel_cells,
    lanes=sel_lanes,
    loss="sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2",
    fingerprint="SEL_ptl 1",
)


def renormalised(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """What is told, scaled to one, and 0 on every other label: its bias, the mass not told, does not fall with n.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        Not used.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where it is told, NaN elsewhere.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. Its total variation from a visited row is the mass that was not told; an input of whose labels
        only some of probability 0 are told is answered by `init`. Statement: ours; the minimiser of a cross-entropy
        against a renormalised list.
    """
    known = np.where(np.isnan(revealed), 0.0, revealed)
    listed = known.any(axis=1)
    student = init.copy()
    student[listed] = scaled_to_one(known[listed])
    return student


def renormalised_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """What is told in any case, scaled to one: one visited input."""
    largest = 0.0
    for a in range(counts.size):
        p = 0.0 if told is None or told[a] == 0 else teacher[a]
        largest = max(largest, p)
        student[a] = p
    weight = 0.0
    for a in range(counts.size):
        student[a] = student[a] / largest if largest > 0.0 else init[a]
        weight += student[a]
    for a in range(counts.size):
        student[a] = student[a] / weight if largest > 0.0 else init[a]


def renormalised_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The same on the stored cells of one visited input, and 0 on its other labels."""
    largest = 0.0
    for a in range(counts.size):
        p = 0.0 if told is None or told[a] == 0 else teacher[a]
        largest = max(largest, p)
        student[a] = p
    weight = 0.0
    for a in range(counts.size):
        student[a] = student[a] / largest if largest > 0.0 else init[a]
        weight += student[a]
    for a in range(counts.size):
        student[a] = student[a] / weight if largest > 0.0 else init[a]
    return 0.0 if largest > 0.0 else start


def sel_at(protocol: Protocol) -> Learner:
    """The learner that keeps what a protocol tells and shares the rest, under the name ``SEL@`` and the protocol's.

    Raises
    ------
    Unsupported
        For a protocol that rounds, or tells at another temperature: `kt_theory.learners.told_at` has a learner.
    """
    if not protocol.exact:
        raise checks.Unsupported(f"{protocol} does not tell probabilities as they are: name the learner SEL@{protocol}")
    return Learner(
        f"SEL@{protocol.name}",
        protocol,
        sel_told,
        row=sel_row if protocol.tells_drawn else told_row,
        cells=sel_cells if protocol.tells_drawn else told_cells,
        loss="sum over told labels of (log pi(a|s) - log pi*(a|s))^2 / 2",
        fingerprint=", ".join(
            ["SEL@ 1", protocol.name, f"{protocol.tells_drawn}, {protocol.top}", *protocol.fingerprint]
        ),
    )


def renormalised_at(protocol: Protocol) -> Learner:
    """The learner that scales a list of most likely labels to one, as ``RENORM@`` and the protocol's name.

    Of ``top_k_only:1`` it is the argmax.

    Raises
    ------
    Unsupported
        For a protocol that tells the drawn label's probability, or no list: name ``top_k_only:K`` or ``top_k_label:K``.
    """
    if protocol.tells_drawn or not protocol.lists:
        raise checks.Unsupported(
            f"RENORM@{protocol} scales a list of the most likely labels to one: name top_k_only:K or top_k_label:K"
        )
    return Learner(
        f"RENORM@{protocol.name}",
        protocol,
        renormalised,
        row=renormalised_row,
        cells=renormalised_cells,
        loss="- sum over told labels of pi*(a|s) log pi(a|s), pi* scaled to one on them",
        fingerprint=", ".join(
            ["RENORM@ 1", protocol.name, f"{protocol.shows_label}, {protocol.top}", *protocol.fingerprint]
        ),
    )


#: What `kt_theory.learners.registry` lists.
LEARNERS = (CE_PTL, SEL_PTL)
