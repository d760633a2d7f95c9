"""All statements, by id, and the module that holds each."""

from __future__ import annotations

import importlib
from types import ModuleType

from kt_theory.ledger.statement import Statement
from kt_theory.statements import TOPICS

#: A module here for each of `kt_theory.statements`, of the same name.
MODULES: tuple[ModuleType, ...] = tuple(
    importlib.import_module(topic.__name__.replace("kt_theory.statements", "kt_theory.ledger.entries"))
    for topic in TOPICS
)

STATEMENTS: dict[str, Statement] = {statement.id: statement for module in MODULES for statement in module.STATEMENTS}

#: Id -> the name of the module that holds the statement.
HOME: dict[str, str] = {statement.id: module.__name__ for module in MODULES for statement in module.STATEMENTS}
