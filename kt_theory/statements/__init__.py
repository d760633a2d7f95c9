"""The statements of the theory, by id: what is said of each, once. Their numbers are elsewhere, typed twice."""

from __future__ import annotations

from kt_theory.statements import (
    auditing,
    fitting,
    greedy,
    hard,
    lemmas,
    limits_partial,
    losses,
    minimax_hard,
    minimax_partial,
    minimax_soft,
    ours_hard,
    ours_missing_mass,
    ours_partial,
    ours_soft,
    partial,
    quantised,
    questions,
    slips,
    soft,
    storage,
    tempered,
    top_k,
    worlds,
)
from kt_theory.statements.statement import Grade, Metadata, Origin, Status

#: In the order of the report: the paper, its slips, other levels of information, ours.
TOPICS = (
    hard,
    partial,
    soft,
    slips,
    worlds,
    lemmas,
    fitting,
    top_k,
    quantised,
    tempered,
    questions,
    ours_missing_mass,
    ours_partial,
    ours_soft,
    ours_hard,
    minimax_soft,
    minimax_partial,
    limits_partial,
    minimax_hard,
    greedy,
    auditing,
    storage,
    losses,
)

STATEMENTS: dict[str, Metadata] = {statement.id: statement for topic in TOPICS for statement in topic.STATEMENTS}

__all__ = ["STATEMENTS", "TOPICS", "Grade", "Metadata", "Origin", "Status"]
