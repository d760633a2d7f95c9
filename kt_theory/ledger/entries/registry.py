"""All statements, by id, and the module that holds each."""

from __future__ import annotations

from types import ModuleType

from kt_theory.ledger.entries import (
    fitting,
    hard,
    lemmas,
    limits_partial,
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
    tempered,
    top_k,
    worlds,
)
from kt_theory.ledger.statement import Statement

#: In the order of the report: the paper, its slips, other levels of information, ours.
MODULES: tuple[ModuleType, ...] = (
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
)

STATEMENTS: dict[str, Statement] = {statement.id: statement for module in MODULES for statement in module.STATEMENTS}

#: Id -> the name of the module that holds the statement.
HOME: dict[str, str] = {statement.id: module.__name__ for module in MODULES for statement in module.STATEMENTS}
