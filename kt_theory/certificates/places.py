"""Where a statement is tried: the `problem` argument of `certify` and `certify_minimax` as an `ExactProblem`."""

from __future__ import annotations

from typing import Any

from kt_theory.exact import unrounded
from kt_theory.exact.unrounded import ExactProblem
from kt_theory.problem import Problem


def exact_problem_of(
    problem: Problem | ExactProblem | int | None, S: int | None, A: int | None, n: int, init: Any
) -> ExactProblem | None:
    if problem is None:
        if init is not None:
            raise ValueError("problem is missing: init belongs to one")
        return None
    if isinstance(problem, (Problem, ExactProblem)):
        exact = unrounded.from_problem(problem, init)
    elif S is None or A is None:
        raise ValueError(f"S and A are missing: instance {problem} of the paper needs both")
    elif init is not None:
        raise ValueError("init is given for an instance of the paper: give the problem itself, kt_theory.instance")
    else:
        exact = unrounded.exact_instance(problem, S, A, n)
    for name, wanted, has in (("S", S, exact.S), ("A", A, exact.A)):
        if wanted is not None and wanted != has:
            raise ValueError(f"{name} is {wanted}, but the problem has {has}")
    return exact
