"""All statements, by id."""

from __future__ import annotations

from kt_theory.ledger import hard
from kt_theory.ledger.statement import Statement

STATEMENTS: dict[str, Statement] = {statement.id: statement for room in (hard,) for statement in room.STATEMENTS}
