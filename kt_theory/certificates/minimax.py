"""`certify_minimax`: the minimax risk between two balls, and the enclosure of the largest unvisited mass."""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Any

from kt_theory import checks
from kt_theory.certificates.certified import CERTIFIED, uniform_spread
from kt_theory.certificates.places import exact_problem_of
from kt_theory.certificates.witnesses import two_masses, witnesses
from kt_theory.exact import balls, unrounded
from kt_theory.exact.unrounded import ExactProblem, ball
from kt_theory.problem import Problem
from kt_theory.protocols.protocol import one_of_the_paper

#: Boxes of the branch-and-bound before it settles for what it has.
BOXES = 20_000


def certify_minimax(
    protocol: str, S: int, A: int, n: int, problem: Problem | ExactProblem | None = None
) -> tuple[Any, Any]:
    """Two balls with the minimax risk between them.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}
        What the student may see.
    S, A : int
        Number of inputs and labels, at least 1.
    n : int
        Number of samples.
    problem : Problem or ExactProblem, optional
        A problem to take the lower bound from (partial: from the risk of SEL_ptl there), such as the least favourable
        one that an optimiser has found; without one, a few that are known to be bad.

    Returns
    -------
    tuple of two flint.arb
        ``lower, upper``: the minimax risk is at least ``lower.lower()`` and at most ``upper.upper()``. For soft labels
        they are 1e-10 apart, relative; for partial labels up to a factor of about 3 (A = 2: 1e-10); for hard labels 2
        while inputs are visited a few hundred times, 6 beyond.

    Raises
    ------
    ValueError
        For malformed arguments, or as `OutOfReach` where the sums would be too long.
    ImportError
        Without python-flint.

    Examples
    --------
    >>> lower, upper = certify_minimax("soft", S=2, A=2, n=10)
    >>> round(float(lower), 12), round(float(upper), 9)
    (0.017524694992, 0.017524695)
    """
    library = unrounded.flint()
    protocol = one_of_the_paper(protocol, "certify_minimax")
    S, A = checks.whole_number("S", S, minimum=1), checks.whole_number("A", A, minimum=1)
    n = checks.whole_number("n", n)
    exact = exact_problem_of(problem, S, A, n, None)
    if exact is not None and not exact.uniform_start:
        raise ValueError("init is not uniform: a witness of the minimax risk has uniform init")
    with library.ctx.workprec(96):
        lower = ball(0)
        for witness in witnesses(protocol, S, A, n, exact, thorough=True):
            lower = lower.max(balls.sharpened(witness, 1e-12).lower())
        if protocol == "soft" and exact is None:
            lower, upper = (ball(1 - Fraction(1, A)) * end for end in soft_maximum(S, n))
            return lower, upper
        return lower, highest(protocol, S, A, n)


def highest(protocol: str, S: int, A: int, n: int) -> Any:
    """The least of the proved upper bounds on the minimax risk."""
    off = ball(1 - Fraction(1, A))
    known = [off]
    if n >= 1 and protocol == "hard":
        for name in ("hard_upper_mean_joint", "hard_upper_mean_uniform"):
            known.append(CERTIFIED[name].bound(S, A, n, None, ball))
    if protocol == "partial":
        known.append(uniform_spread(S, A, n, ball))
    if protocol == "soft" or (protocol == "partial" and A == 2):
        known.append(off * soft_maximum(S, n)[1])
    return _least(known)


def _least(values: list[Any]) -> Any:
    least = values[0]
    for value in values[1:]:
        least = least.min(value)
    return least


def soft_maximum(S: int, n: int, width: float = 1e-10) -> tuple[Any, Any]:
    """Two balls with max_rho sum_s rho(s) (1 - rho(s))^n between them, `width` apart, relative."""
    S, n = checks.whole_number("S", S, minimum=1), checks.whole_number("n", n)
    width = checks.positive("width", width)
    if n == 0 or S == 1:
        value = ball(Fraction(int(n == 0)))
        return value, value
    top, peak, turn = Fraction(1, S - 1), Fraction(1, n + 1), Fraction(2, n + 1)
    best = ball(0)

    def f(x: Fraction) -> Any:
        nonlocal best
        value = two_masses(S, n, x, Fraction(1), ball)
        best = best.max(value)
        return value

    def g(x: Fraction) -> Any:
        return ball(x) * ball(1 - x) ** n

    def slopes(a: Fraction, b: Fraction) -> tuple[Any, Any]:
        """The range of g' on [a, b]."""

        def slope(x: Fraction) -> Any:
            return ball(1 - x) ** (n - 1) * ball(1 - (n + 1) * x)

        return slope(min(max(turn, a), b)), slope(a).max(slope(b))

    def box(a: Fraction, b: Fraction) -> Any:
        """An upper bound of f on [a, b]; None if f is monotone there: its ends, both tried, are enough."""
        below, above = 1 - (S - 1) * b, 1 - (S - 1) * a
        (x_low, x_high), (y_low, y_high) = slopes(a, b), slopes(below, above)
        low, high = x_low - y_high, x_high - y_low
        middle = f((a + b) / 2)
        if low > 0 or high < 0:
            return None
        steepest = (S - 1) * (-low).max(high)
        plain = (S - 1) * g(min(max(peak, a), b)) + g(min(max(peak, below), above))
        return plain.min(middle + steepest * ball((b - a) / 2))

    for x in (Fraction(0), Fraction(1, S), min(peak, top), top):
        f(x)
    heap: list[tuple[float, Fraction, Fraction, Any]] = [(-1.0, Fraction(0), top, ball(1))]
    tolerance = 1 + ball(Fraction(width) / 2)
    for _ in range(BOXES):
        if not heap or heap[0][3] <= best * tolerance:
            break
        _, a, b, _ = heapq.heappop(heap)
        for left, right in ((a, (a + b) / 2), ((a + b) / 2, b)):
            f(left), f(right)
            upper = box(left, right)
            if upper is not None and not upper <= best:
                heapq.heappush(heap, (-float(upper.upper()), left, right, upper))
    highest = best
    for *_, upper in heap:
        highest = highest.max(upper)
    return best, highest
