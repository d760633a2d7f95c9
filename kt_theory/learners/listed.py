r"""Lists of the most likely labels beside sampled labels without probabilities: the tail is learned from its labels.

The learner ``CE@top_k_label:K`` keeps the list, of mass 1 - t. Of the labels that the list lacks, the tail, it has
counts: n_b of the N that were drawn there, and it answers t n_b / N. With N = 0 the tail shares t as `init` has it.
This minimises the cross-entropy of the sampled labels over the tables that agree with the list.

Given N the counts of the tail are multinomial, so that for many samples its risk is

.. math:: \sqrt n \, E R \to \sum_s \sqrt{\rho(s)} \sum_b \sqrt{p_b (1 - p_b / t) / (2 \pi)}
          \le \sqrt{S (A-k) (A-k-1) / (2 \pi A)} ,

the sum over the tail of s; the bound by Cauchy and Schwarz, sum_b sqrt(p_b (1 - p_b/t)) <= sqrt(t (A-k-1)), and t <=
(A-k)/A since the listed labels are no less likely than the mean. No student has a smaller worst risk in the limit: rows
whose tail is uniform and lies a little below the list attain the bound, and leave the tail free to vary by 1/sqrt(n).
Among hard labels alone that is a factor sqrt((A-k)(A-k-1) / (A(A-1))): at its worst a list of k is worth the share k/A.
"""

from __future__ import annotations

import numpy as np

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.learners.partial import kept_and_shared, told_cells, told_row
from kt_theory.protocols.protocol import Protocol


def list_ce(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Exact on what is told, the frequencies of the other labels scaled to the missing mass.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        How often each (input, label) was drawn.
    revealed : ndarray, shape (S, A)
        pi*(a|s) where it is told, NaN elsewhere.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student; `init` shares the missing mass where no label was drawn that is not told. Statement: ours; the
        minimiser of cross-entropy among tables that keep what is told.
    """
    told = ~np.isnan(revealed)
    tail = np.where(told, 0, counts)
    drawn = tail.sum(axis=1, keepdims=True)
    known = np.where(told, revealed, 0.0)
    missing = np.maximum(1.0 - known.sum(axis=1, keepdims=True), 0.0)
    learned = known + missing * (tail / np.maximum(drawn, 1))
    return np.where(drawn > 0, learned, kept_and_shared(told, revealed, init))


def list_ce_row(visits, counts, told, teacher, init, student) -> None:  # type: ignore[no-untyped-def]
    """The same for one visited input."""
    told_row(visits, counts, told, teacher, init, student)
    drawn = 0
    missing = 0.0
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        missing += teacher[a] if unknown else 0.0
        drawn += counts[a] if unknown else 0
    if drawn > 0:
        for a in range(counts.size):
            unknown = True if told is None else told[a] == 0
            student[a] = missing * (counts[a] / drawn) if unknown else student[a]


def list_ce_cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
    """The same on the stored cells of one visited input; what its other labels have each."""
    rest = told_cells(visits, counts, told, teacher, init, others, start, student)
    drawn = 0
    missing = 0.0
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        missing += teacher[a] if unknown else 0.0
        drawn += counts[a] if unknown else 0
    if drawn == 0:
        return rest
    for a in range(counts.size):
        unknown = True if told is None else told[a] == 0
        student[a] = missing * (counts[a] / drawn) if unknown else student[a]
    return 0.0


def list_ce_at(protocol: Protocol) -> Learner:
    """The learner under the name ``CE@`` and the protocol's, such as ``CE@top_k_label:20``.

    Raises
    ------
    Unsupported
        For a protocol without a list, without labels, or that tells the drawn label's probability.
    """
    counted = protocol.shows_label and protocol.lists and protocol.top is not None and not protocol.tells_drawn
    if not counted or not protocol.exact or protocol.listed:
        raise checks.Unsupported(
            f"CE@{protocol} counts labels that a list lacks, without their probabilities: name top_k_label:K"
        )
    return Learner(
        f"CE@{protocol.name}",
        protocol,
        list_ce,
        -0.5,
        row=list_ce_row,
        cells=list_ce_cells,
        loss="- sum_i log pi(a_i|s_i) over tables that keep the list",
        fingerprint=", ".join(["CE@ 1", protocol.name, f"{protocol.top}", *protocol.fingerprint]),
    )
