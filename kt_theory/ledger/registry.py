"""All statements, by id."""

from __future__ import annotations

from kt_theory.ledger import fitting, hard, lemmas, levels, limits, partial, sharper, slips, soft, worlds
from kt_theory.ledger.statement import Statement

STATEMENTS: dict[str, Statement] = {
    statement.id: statement
    for room in (hard, partial, soft, slips, worlds, lemmas, fitting, levels, sharper, limits)
    for statement in room.STATEMENTS
}
