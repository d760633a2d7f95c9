"""The ledger: every statement of the theory, with a program that tries to break it.

A `Statement` says something of the form lhs <= rhs; its check yields `Trial`s at the places where it might be false;
its `PlantedError`s are planted errors that the same check must find, since a check that cannot fail is no evidence.
`verify` runs all of it, or some of it by the beginning of an id, and gives a row per statement::

    import kt_theory as kt

    board = kt.verify(statements="zz-3.2", report="ledger.html")

``kt-theory verify`` is the same on the command line, and fails a CI job when a verdict is not the expected one. A claim
of one's own is tried by the same attacks: `upper_bound` and `lower_bound` make a `Statement` of it, for `verify`.
Each name is loaded when it is first used, so that importing this is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kt_theory.ledger.attacks.comparing import equal as equal
    from kt_theory.ledger.attacks.lower import minimax_lower as minimax_lower
    from kt_theory.ledger.attacks.means import mean_upper as mean_upper
    from kt_theory.ledger.attacks.planting import scaled as scaled
    from kt_theory.ledger.attacks.planting import steeper as steeper
    from kt_theory.ledger.attacks.problems import generator as generator
    from kt_theory.ledger.attacks.quantiles import quantile_upper as quantile_upper
    from kt_theory.ledger.entries.registry import STATEMENTS as STATEMENTS
    from kt_theory.ledger.own import lower_bound as lower_bound
    from kt_theory.ledger.own import upper_bound as upper_bound
    from kt_theory.ledger.report.junit import write_junit as write_junit
    from kt_theory.ledger.report.page import write_report as write_report
    from kt_theory.ledger.report.summary import Summary as Summary
    from kt_theory.ledger.report.summary import conclusion as conclusion
    from kt_theory.ledger.report.summary import summarise as summarise
    from kt_theory.ledger.report.summary import surprises as surprises
    from kt_theory.ledger.report.summary import versions as versions
    from kt_theory.ledger.report.text import as_text as as_text
    from kt_theory.ledger.statement import ALARM as ALARM
    from kt_theory.ledger.statement import EFFORTS as EFFORTS
    from kt_theory.ledger.statement import KINDS as KINDS
    from kt_theory.ledger.statement import VERDICTS as VERDICTS
    from kt_theory.ledger.statement import Effort as Effort
    from kt_theory.ledger.statement import Kind as Kind
    from kt_theory.ledger.statement import Outcome as Outcome
    from kt_theory.ledger.statement import PlantedError as PlantedError
    from kt_theory.ledger.statement import Statement as Statement
    from kt_theory.ledger.statement import Trial as Trial
    from kt_theory.ledger.statement import effort as effort
    from kt_theory.ledger.verdicts import Verdict as Verdict
    from kt_theory.ledger.verdicts import judge as judge
    from kt_theory.ledger.verdicts import try_all as try_all
    from kt_theory.ledger.verdicts import unexpected as unexpected
    from kt_theory.ledger.verifying import as_frame as as_frame
    from kt_theory.ledger.verifying import chosen as chosen
    from kt_theory.ledger.verifying import verify as verify

#: Public name -> the module it lives in.
_HOME = {
    "ALARM": "statement",
    "Effort": "statement",
    "Outcome": "statement",
    "KINDS": "statement",
    "Kind": "statement",
    "EFFORTS": "statement",
    "Statement": "statement",
    "Trial": "statement",
    "PlantedError": "statement",
    "VERDICTS": "statement",
    "effort": "statement",
    "STATEMENTS": "entries.registry",
    "Verdict": "verdicts",
    "as_frame": "verifying",
    "chosen": "verifying",
    "judge": "verdicts",
    "try_all": "verdicts",
    "unexpected": "verdicts",
    "verify": "verifying",
    "upper_bound": "own",
    "lower_bound": "own",
    "equal": "attacks.comparing",
    "generator": "attacks.problems",
    "mean_upper": "attacks.means",
    "minimax_lower": "attacks.lower",
    "quantile_upper": "attacks.quantiles",
    "scaled": "attacks.planting",
    "steeper": "attacks.planting",
    "Summary": "report.summary",
    "as_text": "report.text",
    "conclusion": "report.summary",
    "summarise": "report.summary",
    "surprises": "report.summary",
    "versions": "report.summary",
    "write_junit": "report.junit",
    "write_report": "report.page",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kt_theory.ledger' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"kt_theory.ledger.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
