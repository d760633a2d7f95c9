"""kt_theory: the statistics of knowledge transfer over finite domains, executable.

A teacher is a table pi*(a|s); a student sees n samples of it with hard, partial or soft labels. The names below are
the whole public surface; each is loaded when it is first used, so that importing the package is instant.
Start with ``help(kt_theory.problem)``, the theory on one page.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kt_theory import bounds as bounds
    from kt_theory import checks as checks
    from kt_theory import claims as claims
    from kt_theory import cli as cli
    from kt_theory import divergences as divergences
    from kt_theory import learners as learners
    from kt_theory import ledger as ledger
    from kt_theory import lessons as lessons
    from kt_theory import logs as logs
    from kt_theory import losses as losses
    from kt_theory import plots as plots
    from kt_theory import problem as problem
    from kt_theory import protocols as protocols
    from kt_theory import storage as storage
    from kt_theory import study as study
    from kt_theory import tables as tables
    from kt_theory import training as training
    from kt_theory.auditing import audit_student as audit_student
    from kt_theory.auditing import free_bound as free_bound
    from kt_theory.auditing import self_audit as self_audit
    from kt_theory.certificates import certify as certify
    from kt_theory.certificates import certify_minimax as certify_minimax
    from kt_theory.checks import Unsupported as Unsupported
    from kt_theory.decoding import exchange_rate as exchange_rate
    from kt_theory.decoding import expected_greedy_risk as expected_greedy_risk
    from kt_theory.decoding import greedy as greedy
    from kt_theory.decoding import greedy_risk as greedy_risk
    from kt_theory.divergences import DIVERGENCES as DIVERGENCES
    from kt_theory.divergences import Divergence as Divergence
    from kt_theory.exact.law import risk_law as risk_law
    from kt_theory.exact.limits import asymptotic_constant as asymptotic_constant
    from kt_theory.exact.limits import bias_limit as bias_limit
    from kt_theory.learners import LEARNERS as LEARNERS
    from kt_theory.learners import PAPER_LEARNERS as PAPER_LEARNERS
    from kt_theory.learners import Learner as Learner
    from kt_theory.learners.fitting import fit as fit
    from kt_theory.ledger.verifying import verify as verify
    from kt_theory.logcheck import LogCheck as LogCheck
    from kt_theory.logcheck import check_log as check_log
    from kt_theory.lossaudit import Audit as Audit
    from kt_theory.lossaudit import audit as audit
    from kt_theory.minimax import minimax_risk as minimax_risk
    from kt_theory.minimax.constants import minimax_constant as minimax_constant
    from kt_theory.minimax.draws import draws_constant as draws_constant
    from kt_theory.minimax.greedy import minimax_greedy as minimax_greedy
    from kt_theory.planning import AnnotationPlan as AnnotationPlan
    from kt_theory.planning import Plan as Plan
    from kt_theory.planning import plan as plan
    from kt_theory.planning import plan_annotations as plan_annotations
    from kt_theory.problem import Problem as Problem
    from kt_theory.problem import dirichlet_problem as dirichlet_problem
    from kt_theory.problem import instance as instance
    from kt_theory.problem import near_deterministic_problem as near_deterministic_problem
    from kt_theory.problem import three_worlds as three_worlds
    from kt_theory.problem import tv_risk as tv_risk
    from kt_theory.problem import zipf_problem as zipf_problem
    from kt_theory.protocols import PROTOCOLS as PROTOCOLS
    from kt_theory.protocols import Protocol as Protocol
    from kt_theory.protocols import TransferSet as TransferSet
    from kt_theory.protocols import gumbel_top_k as gumbel_top_k
    from kt_theory.protocols import rounded as rounded
    from kt_theory.protocols import sampled as sampled
    from kt_theory.protocols import tempered as tempered
    from kt_theory.protocols import threshold as threshold
    from kt_theory.protocols import top_k as top_k
    from kt_theory.protocols import top_k_label as top_k_label
    from kt_theory.protocols import top_k_only as top_k_only
    from kt_theory.protocols import top_p as top_p
    from kt_theory.rates import RateFit as RateFit
    from kt_theory.rates import fit_rate as fit_rate
    from kt_theory.risk import expected_risk as expected_risk
    from kt_theory.simulation.means import draw as draw
    from kt_theory.simulation.means import sample_risks as sample_risks
    from kt_theory.simulation.means import simulate as simulate
    from kt_theory.sparse import SparseTable as SparseTable
    from kt_theory.sparse import Student as Student
    from kt_theory.storage import best_storage as best_storage
    from kt_theory.storage import tail_cost as tail_cost

__version__ = "0.1.0"

#: Public name -> the module that defines it.
_HOME = {
    "PROTOCOLS": "protocols",
    "Protocol": "protocols",
    "gumbel_top_k": "protocols",
    "rounded": "protocols",
    "sampled": "protocols",
    "tempered": "protocols",
    "threshold": "protocols",
    "top_k": "protocols",
    "top_k_label": "protocols",
    "top_k_only": "protocols",
    "top_p": "protocols",
    "DIVERGENCES": "divergences",
    "Divergence": "divergences",
    "Unsupported": "checks",
    "SparseTable": "sparse",
    "Student": "sparse",
    "Learner": "learners",
    "Problem": "problem",
    "dirichlet_problem": "problem",
    "instance": "problem",
    "near_deterministic_problem": "problem",
    "tv_risk": "problem",
    "zipf_problem": "problem",
    "LEARNERS": "learners",
    "PAPER_LEARNERS": "learners",
    "TransferSet": "protocols",
    "fit": "learners.fitting",
    "draw": "simulation.means",
    "sample_risks": "simulation.means",
    "simulate": "simulation.means",
    "bias_limit": "exact.limits",
    "asymptotic_constant": "exact.limits",
    "risk_law": "exact.law",
    "expected_risk": "risk",
    "three_worlds": "problem",
    "minimax_risk": "minimax",
    "minimax_constant": "minimax.constants",
    "minimax_greedy": "minimax.greedy",
    "draws_constant": "minimax.draws",
    "greedy": "decoding",
    "greedy_risk": "decoding",
    "expected_greedy_risk": "decoding",
    "exchange_rate": "decoding",
    "certify": "certificates",
    "certify_minimax": "certificates",
    "audit_student": "auditing",
    "self_audit": "auditing",
    "free_bound": "auditing",
    "best_storage": "storage",
    "tail_cost": "storage",
    "verify": "ledger.verifying",
    "AnnotationPlan": "planning",
    "Plan": "planning",
    "plan": "planning",
    "plan_annotations": "planning",
    "Audit": "lossaudit",
    "audit": "lossaudit",
    "LogCheck": "logcheck",
    "check_log": "logcheck",
    "RateFit": "rates",
    "fit_rate": "rates",
}
_MODULES = (
    *("bounds", "checks", "claims", "cli", "divergences", "learners", "ledger", "lessons", "logs", "losses"),
    *("plots", "problem", "protocols", "storage", "study", "tables", "training"),
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
