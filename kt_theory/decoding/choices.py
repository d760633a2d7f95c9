r"""What a greedy student names, and what that costs.

==================  ==========================================================================
``"regret"``        sum_s rho(s) [max_a pi*(a|s) - pi*(named|s)], the excess error of a label
``"disagreement"``  sum_s rho(s) P(the named label is none of the teacher's most likely ones)
==================  ==========================================================================

Ties are broken at random, and unvisited inputs are answered at random. Values within a relative 1e-12 are ties, as in
the divergence ``top1``, which the disagreement is.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from kt_theory import checks
from kt_theory.divergences import DIVERGENCES, most_likely
from kt_theory.learners.fitting import fit
from kt_theory.problem import Problem, checked_problem
from kt_theory.protocols.protocol import one_of_the_paper
from kt_theory.protocols.transfer import TransferSet
from kt_theory.sparse import is_sparse, sparse_law_table

#: How a greedy student is judged.
Kind = Literal["regret", "disagreement"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: The learner whose most likely label is named, by protocol. Under independent relabellings of the rows each choice is
#: Bayes, hence exactly minimax, for the regret, and but for partial soft labels for the disagreement.
DECODED = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}


def greedy(student: Any) -> np.ndarray:
    """The labels that a student names when it decodes greedily.

    Parameters
    ----------
    student : array_like, shape (S, A), or Student, or TransferSet
        A row-stochastic table; or records, of which the best greedy student is decoded: the most frequent label from
        hard labels, the most likely label of SEL_ptl from partial soft labels, of CE_ful from soft labels.

    Returns
    -------
    ndarray, shape (S, A)
        The probability with which each label is named: 1 on the most likely label of a row, equal shares where labels
        tie, on all labels where an input was never visited.

    Raises
    ------
    Unsupported
        A ValueError, for a transfer set that is none of hard, partial and soft, or a table of more than 1e8 cells.
    ValueError
        If `student` is no row-stochastic table.

    Notes
    -----
    Source: ours; from hard labels the classical theorem of Bahadur and Goodman (1952) and Lehmann (1966).

    Examples
    --------
    >>> greedy([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]).tolist()
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    >>> greedy(TransferSet.from_counts([[2, 0, 0], [0, 0, 0]], [[0.2, 0.7, 0.1], [0, 0, 1]], "partial"))[0].tolist()
    [0.0, 0.5, 0.5]
    """
    if isinstance(student, TransferSet):
        protocol = one_of_the_paper(student.protocol, "greedy", "the protocol of the transfer set")
        student = fit(student, DECODED[protocol])
    if is_sparse(student):
        student = sparse_law_table("student", student, tolerance=checks.STUDENT_TOLERANCE).dense()
    table = checks.stochastic_table("student", student, tolerance=checks.STUDENT_TOLERANCE)
    named = most_likely(table)
    return named / named.sum(axis=1, keepdims=True)


def greedy_risk(table: Any, problem: Problem, kind: Kind = "regret") -> float:
    """What greedy decoding of a student costs.

    Parameters
    ----------
    table : array_like, shape (S, A), or Student, or TransferSet
        As in `greedy`; the labels that `greedy` gives may be handed over as well.
    problem : Problem
        The problem it is judged on; a sparse one is made dense.
    kind : {"regret", "disagreement"}
        Regret: how much less likely than the most likely label the named one is. Disagreement: how often it is none of
        the most likely ones, the divergence ``top1``. Both averaged under rho and over the ties.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `kind` is unknown, `problem` is none, or `table` is no row-stochastic table of its shape.

    Examples
    --------
    >>> problem = Problem([1.0], [[0.5, 0.3, 0.2]])
    >>> greedy_risk([[0.1, 0.6, 0.3]], problem), greedy_risk([[0.4, 0.4, 0.2]], problem, "disagreement")
    (0.2, 0.5)
    """
    kind = checks.one_of("kind", kind, KINDS)
    teacher = checked_problem(problem).dense().teacher
    names = problem.states, problem.actions
    checks.names_from_frames(*names, **{"student" if not isinstance(table, TransferSet) else "transfer_set": table})
    named = greedy(table)
    if named.shape != teacher.shape:
        raise ValueError(f"table has shape {named.shape}, {teacher.shape} is needed")
    if kind == "disagreement":
        return float(problem.rho @ DIVERGENCES["top1"].rows(named, teacher))
    return float(problem.rho @ (teacher.max(axis=1) - (named * teacher).sum(axis=1)))
