"""kt_theory: the statistics of knowledge transfer over finite domains, executable.

A teacher is a table pi*(a|s); a student sees n samples of it with hard, partial or soft labels. The names below are
the whole public surface; each is loaded when it is first used, so that importing the package costs nothing.
Start with ``help(kt_theory.problem)``, the theory on one page.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> the module it lives in.
_HOME = {
    "PROTOCOLS": "problem",
    "Problem": "problem",
    "dirichlet_problem": "problem",
    "instance": "problem",
    "near_deterministic_problem": "problem",
    "tv_risk": "problem",
    "zipf_problem": "problem",
    "LEARNERS": "learners",
    "PAPER_LEARNERS": "learners",
    "TransferSet": "protocol",
    "fit": "protocol",
    "draw": "montecarlo",
    "sample_risks": "montecarlo",
    "simulate": "montecarlo",
    "bias_limit": "exact.limits",
    "asymptotic_constant": "exact.limits",
    "risk_law": "exact.law",
    "expected_risk": "risk",
    "three_worlds": "problem",
    "minimax_risk": "minimax",
    "minimax_constant": "minimax.constants",
    "certify": "certificates",
    "certify_minimax": "certificates",
    "verify": "ledger.verifying",
    "RateFit": "rates",
    "fit_rate": "rates",
}
_MODULES = (
    *("bounds", "checks", "claims", "cli", "learners", "ledger", "plots", "problem", "protocol", "study", "tables"),
)

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"kt_theory.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"kt_theory.{name}")
    else:
        raise AttributeError(f"module 'kt_theory' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
