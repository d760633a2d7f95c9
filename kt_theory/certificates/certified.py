"""The statements that can be certified: the bounds of `kt_theory.bounds` typed a second time, in balls or fractions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kt_theory.exact import unrounded
from kt_theory.exact.rows import OutOfReach
from kt_theory.exact.unrounded import ExactProblem, Number, ball, rational, root
from kt_theory.statements import STATEMENTS, Metadata


@dataclass(frozen=True)
class CertifiedBound:
    """A statement that can be certified.

    Attributes
    ----------
    statement : Metadata
        What is said of it, its regime included.
    protocol : {"hard", "partial", "soft"}
    learner : str or None
        Whose expected risk the bound is above; None for a lower bound on every student's worst case.
    bound : callable
        ``bound(S, A, n, problem, number)``, in the arithmetic of `number`.
    uniform : bool
        Whether the statement is about uniform init only.
    of_problem : bool
        Whether a lower bound depends on the problem.
    """

    statement: Metadata
    protocol: str
    learner: str | None
    bound: Callable[[int, int, int, ExactProblem | None, Number], Any]
    uniform: bool = False
    of_problem: bool = False

    @property
    def valid(self) -> str:
        """The regime, in words."""
        return self.statement.regime

    def regime(self, S: int, A: int, n: int) -> bool:
        """Whether the statement applies at these sizes."""
        return bool(self.statement.applies_at(S=S, A=A, n=n))


def phi(n: int, number: Number) -> Any:
    """The largest x (1 - x)^n, which is n^n / (n+1)^(n+1)."""
    return number(Fraction(n, n + 1)) ** n * number(Fraction(1, n + 1))


def exponential(x: Fraction, number: Number) -> Any:
    """e^x, for rational x other than 0."""
    if number is rational:
        raise OutOfReach(f"e^{x} is irrational: only balls can hold it")
    return ball(x).exp()


def majorant(K: int, n: int, number: Number) -> Any:
    """M(K): no law on K letters has a larger expected missing mass after n draws."""
    return number(1 - Fraction(1, K)) ** n if n <= K else (K - 1) * phi(n - 1, number)


def c_inf(number: Number) -> Any:
    """q^2 / (1 + q), q = 2 W(1 / (2 sqrt(e))): the constant of partial soft labels."""
    q = 2 * (exponential(Fraction(-1, 2), number) / 2).lambertw()
    return q * q / (1 + q)


def curve(v: Fraction, number: Number) -> Any:
    """Psi(v): c_inf / v for v >= 1; e^-x / (1 + x - v) with x = v + 2 W(sqrt(v) e^(-v/2) / 2) for v < 1."""
    if v >= 1:
        return c_inf(number) / number(v)
    if v == 0:
        return number(Fraction(1))
    omega = (root(v, number) * exponential(-v / 2, number) / 2).lambertw()
    return (-number(v) - 2 * omega).exp() / (1 + 2 * omega)


def xi(problem: ExactProblem, number: Number) -> Any:
    """max_s sum_a min(pi*(a|s), 1 - pi*(a|s))."""
    if number is rational:
        exact = (sum(c.times * min(number(c.p), 1 - number(c.p)) for c in row.labels) for row in problem.inputs)
        return max(exact)
    largest = unrounded.flint().arb(0)
    for row in problem.inputs:
        largest = largest.max(sum((c.times * ball(c.p).min(1 - ball(c.p)) for c in row.labels), ball(0)))
    return largest


def unvisited(problem: ExactProblem, n: int, number: Number) -> Any:
    """The expected mass never visited, sum_s rho(s) (1 - rho(s))^n."""
    return sum((row.times * number(row.rho) * number(1 - row.rho) ** n for row in problem.inputs), number(Fraction(0)))


def unseen_cells(problem: ExactProblem, n: int, number: Number) -> Any:
    """The sum of w (1 - w)^n over the joint masses w = rho(s) pi*(a|s)."""
    total = number(Fraction(0))
    for row in problem.inputs:
        for c in row.labels:
            w = number(row.rho) * number(c.p)
            total += row.times * c.times * w * (1 - w) ** n
    return total


def even(A: int) -> int:
    return A - A % 2


def _pairs(S: int, A: int) -> int:
    return S * ((A - 1) // 2)


def given(problem: ExactProblem | None) -> ExactProblem:
    if problem is None:
        raise ValueError("problem is missing: this bound depends on it")
    return problem


_MINUS_1 = Fraction(-1)

#: Name of the bound, as in `kt_theory.bounds` -> the statement.
CERTIFIED: dict[str, CertifiedBound] = {
    "hard_lower_mean": CertifiedBound(
        STATEMENTS["zz-3.1"],
        "hard",
        None,
        lambda S, A, n, _, number: exponential(Fraction(-1, 2), number) / 16 * root(Fraction(S * even(A), n), number),
    ),
    "hard_upper_mean": CertifiedBound(
        STATEMENTS["zz-3.2-mean"],
        "hard",
        "CE_sgl",
        lambda S, A, n, _, number: root(Fraction(S * A, n), number) / 2 + root(Fraction(S, n), number),
    ),
    "hard_upper_mean_instance": CertifiedBound(
        STATEMENTS["zz-3.2-instance"],
        "hard",
        "CE_sgl",
        lambda S, A, n, problem, number: (
            _root_of(xi(given(problem), number) * number(Fraction(S * A, 2 * (n + 1))), number)
            + number(Fraction(4 * S, 9 * n))
        ),
    ),
    "partial_lower_mean": CertifiedBound(
        STATEMENTS["zz-4.1"],
        "partial",
        None,
        lambda S, A, n, _, number: number(Fraction(_pairs(S, A), 2)) * phi(n, number),
    ),
    "partial_lower_mean_simple": CertifiedBound(
        STATEMENTS["zz-4.1-simple"],
        "partial",
        None,
        lambda S, A, n, _, number: number(Fraction(_pairs(S, A), 2 * (n + 1))) * exponential(_MINUS_1, number),
    ),
    "partial_upper_mean": CertifiedBound(
        STATEMENTS["zz-4.4-mean"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, _, number: number(Fraction(8 * S * A, 9 * n) + Fraction(S * A, n + 1)),
    ),
    "soft_lower_mean": CertifiedBound(
        STATEMENTS["zz-5.1"],
        "soft",
        None,
        lambda S, A, n, _, number: number(Fraction(S - 1, 2)) * phi(n, number),
    ),
    "soft_lower_mean_simple": CertifiedBound(
        STATEMENTS["zz-5.1-simple"],
        "soft",
        None,
        lambda S, A, n, _, number: number(Fraction(S - 1, 2 * (n + 1))) * exponential(_MINUS_1, number),
    ),
    "soft_upper_mean": CertifiedBound(
        STATEMENTS["zz-5.2-mean"], "soft", "CE_ful", lambda S, A, n, _, number: number(Fraction(4 * S, 9 * n))
    ),
    "soft_upper_mean_at": CertifiedBound(
        STATEMENTS["zz-5.2-mean-at"],
        "soft",
        "CE_ful",
        lambda S, A, n, problem, number: unvisited(given(problem), n, number),
    ),
    "soft_lower_mean_at": CertifiedBound(
        STATEMENTS["zz-5.1-at"],
        "soft",
        None,
        lambda S, A, n, problem, number: unvisited(given(problem), n, number) / 2,
        of_problem=True,
    ),
    # Beside the paper's.
    "hard_upper_mean_joint": CertifiedBound(
        STATEMENTS["ours-N8-joint"],
        "hard",
        "CE_sgl",
        lambda S, A, n, _, number: (root(Fraction(S - 1, n), number) + root(Fraction(S * A - 1, n), number)) / 2,
    ),
    "hard_upper_mean_uniform": CertifiedBound(
        STATEMENTS["ours-N8-uniform"],
        "hard",
        "CE_sgl",
        lambda S, A, n, _, number: root(Fraction(S * (A - 1), 2 * (n + 1)), number),
        uniform=True,
    ),
    "hard_upper_mean_conjecture": CertifiedBound(
        STATEMENTS["ours-N8-conjecture"],
        "hard",
        "CE_sgl",
        lambda S, A, n, _, number: root(Fraction(S * (A - 1), 4 * n), number),
        uniform=True,
    ),
    "partial_upper_mean_at": CertifiedBound(
        STATEMENTS["ours-N3-at"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, problem, number: unseen_cells(given(problem), n, number),
    ),
    "partial_upper_mean_missing": CertifiedBound(
        STATEMENTS["ours-N3-missing"], "partial", "SEL_ptl", lambda S, A, n, _, number: majorant(S * A, n, number)
    ),
    "partial_upper_mean_uniform": CertifiedBound(
        STATEMENTS["ours-N4-uniform"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, _, number: uniform_spread(S, A, n, number),
        uniform=True,
    ),
    "partial_upper_mean_uniform_simple": CertifiedBound(
        STATEMENTS["ours-N4-simple"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, _, number: number(Fraction(S * (A - 1), n)) * exponential(_MINUS_1, number),
        uniform=True,
    ),
    "partial_upper_mean_sharp": CertifiedBound(
        STATEMENTS["ours-N6-sharp"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, _, number: number(Fraction(S * A, n)) * c_inf(number),
        uniform=True,
    ),
    "partial_upper_mean_curve": CertifiedBound(
        STATEMENTS["ours-N16-curve"],
        "partial",
        "SEL_ptl",
        lambda S, A, n, _, number: curve(Fraction(n, S * A), number),
        uniform=True,
    ),
    "soft_upper_mean_missing": CertifiedBound(
        STATEMENTS["ours-N1-soft"], "soft", "CE_ful", lambda S, A, n, _, number: majorant(S, n, number)
    ),
    "soft_upper_mean_uniform": CertifiedBound(
        STATEMENTS["ours-N9-upper"],
        "soft",
        "CE_ful",
        lambda S, A, n, _, number: number(1 - Fraction(1, A)) * majorant(S, n, number),
        uniform=True,
    ),
}


def uniform_spread(S: int, A: int, n: int, number: Number) -> Any:
    """SEL_ptl, uniform: 1 - 1/(A-1) of the missing mass of visited inputs, 1 - 1/A of the others."""
    if A == 1:
        return number(Fraction(0))
    visited, more = number(1 - Fraction(1, A - 1)), number(Fraction(1, A * (A - 1)))
    return visited * majorant(S * A, n, number) + more * majorant(S, n, number)


def _root_of(x: Any, number: Number) -> Any:
    """The square root of a number of the arithmetic in use."""
    return x.sqrt() if number is ball else root(Fraction(int(x.p), int(x.q)), number)
