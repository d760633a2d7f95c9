"""The ledger: every statement of the theory, with a program that tries to break it.

A `Statement` says something of the form lhs <= rhs; its check yields `Trial`s at the places where it might be false;
its `Twin`s are planted errors that the same check must find, since a check that cannot fail is no evidence.
`verify` runs all of it, or some of it by the beginning of an id, and gives a row per statement::

    import kt_theory as kt

    board = kt.verify(statements="zz-3.2", report="ledger.html")

``kt-theory verify`` is the same on the command line, and fails a CI job when a verdict is not the expected one. A claim
of one's own is tried by the same attacks: `upper_bound` and `lower_bound` make a `Statement` of it, for `verify`.
Each name is loaded when it is first used, so that importing this costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

#: Public name -> the module it lives in.
_HOME = {
    "ALARM": "statement",
    "Effort": "statement",
    "KINDS": "statement",
    "LEVELS": "statement",
    "Statement": "statement",
    "Trial": "statement",
    "Twin": "statement",
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
    "summarise": "report.summary",
    "surprises": "report.summary",
    "versions": "report.summary",
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
