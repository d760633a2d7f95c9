"""The exact expected risk of a problem: its distinct rows, each by the best route of its learner, added up."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from kt_theory import checks
from kt_theory.divergences import Divergence, resolve_divergence
from kt_theory.exact import add, ful, ptl, sel, sgl, told
from kt_theory.exact.rows import DIVERGENCES, Estimate, OutOfReach, Row, distinct_rows, distinct_stored_rows, sound
from kt_theory.learners import LEARNERS, Learner, resolve_learner
from kt_theory.learners.registry import of_the_package
from kt_theory.problem import Problem, checked_problem, initial_cells, initial_table
from kt_theory.sparse import aligned

#: Learner -> what one input adds to its expected risk.
ROUTES: dict[str, Callable[..., Estimate]] = {
    "CE_sgl": sgl.row_risk,
    "CE_ptl": ptl.row_risk,
    "SEL_ptl": sel.row_risk,
    "CE_ful": ful.row_risk,
    "ADD_sgl": add.row_risk,
}

#: The same of the learners of a protocol, by what stands before the protocol's name.
ROUTES_AT: dict[str, Callable[..., Estimate]] = {
    "SEL@": told.natural_risk,
    "RENORM@": told.renormalised_risk,
    "CE@": told.counted_risk,
}

#: Routes that may take seconds a row, unless they are told not to, and about how long they take then: of the row, n,
#: and the protocol of a route that has one.
TAKE_TIME: dict[Callable[..., Estimate], Callable[..., float]] = {
    ptl.row_risk: ptl.seconds,
    sel.row_risk: sel.seconds,
    told.natural_risk: told.seconds,
}

#: Seconds for all rows without patience, as they are estimated, which is the same on every machine.
HASTY = 120.0

#: Different labels of all rows beyond which CE_sgl aims at a relative 1e-11, not 1e-13.
MANY = 10**6

#: Learners whose routes need no list of the labels of probability 0: their number, and the value of init there,
#: suffice.
UNLISTED = ("CE_sgl", "CE_ful", "ADD_sgl")

#: What one input can add at most, as a part of its mass.
MOST = {"tv": 1.0, "l2": 2.0, "kl": math.inf}

#: Rounding of the final sum, relative.
EPS = 2.0**-52


def exact_risk(
    problem: Problem,
    learner: str | Learner,
    n: int,
    init: Any = None,
    divergence: str | Divergence = "tv",
    *,
    patient: bool = True,
) -> Estimate:
    """Expected risk of a learner after n samples, without simulation.

    Parameters
    ----------
    problem : Problem
    learner : str or Learner
        A name in `ROUTES`, or ``SEL@``, ``RENORM@`` or ``CE@`` and a protocol; another learner is out of reach.
    n : int
        Number of samples, at least 0.
    init : array_like, shape (S, A), optional
        The student before any data; uniform if not given.
    divergence : {"tv", "kl", "l2"}
        What is averaged under rho; "tv" is the paper's risk. Another divergence is out of reach.
    patient : bool
        Whether a row may take SEL_ptl, or SEL of a list, up to 15 s and CE_ptl up to 20 s, rather than be out of reach
        after half a second or one; and all rows as long as they take, rather than about two minutes.

    Returns
    -------
    Estimate
        The value, its error, and the route; several routes are joined by " + ".

    Raises
    ------
    OutOfReach
        If no route computes one of the rows; the message names the limit.
    Unsupported
        A ValueError, for an unknown learner or divergence.
    ValueError
        For bad arguments.

    Examples
    --------
    >>> from kt_theory.problem import instance
    >>> exact_risk(instance(0, S=1, A=2), "CE_ful", 0).value
    0.25
    """
    entry, of = resolve_learner(learner), resolve_divergence(divergence)
    route = _route(entry, patient)
    if of.name not in DIVERGENCES:
        raise OutOfReach(f"divergence {of} has no exact route, only {', '.join(DIVERGENCES)} have")
    n = checks.whole_number("n", n)
    rows = rows_of(problem, init, keep_last=not entry.protocol.lists_last)
    if route is sgl.row_risk and sum(row.p.size for row in rows) > MANY:
        route = partial(route, goal=sgl.COARSE)
    if problem.sparse:
        return total(rows, route if entry.name in UNLISTED else lambda row, *rest: route(row.full(), *rest), n, of.name)
    if not patient:
        _within_minutes(rows, route, n)
    return total(rows, route, n, of.name)


def rows_of(problem: Problem, init: Any = None, *, keep_last: bool = False) -> list[Row]:
    """The distinct inputs of a problem and of the student before any data, as in `exact_risk`."""
    if checked_problem(problem).sparse:
        pairs, begun = aligned(problem.pairs, initial_cells(init, problem))
        return distinct_stored_rows(problem.rho, pairs, begun, keep_last)
    return distinct_rows(problem.rho, problem.teacher, initial_table(init, problem), keep_last)


def _within_minutes(rows: list[Row], route: Callable[..., Estimate], n: int) -> None:
    """Refuse rows that take longer than `HASTY` together."""
    of = TAKE_TIME.get(route.func) if isinstance(route, partial) else None
    if of is None or len(rows) <= HASTY:  # a second each at most
        return
    taken = 0.0
    for i, row in enumerate(rows, 1):
        taken += of(row, n, *route.args)  # type: ignore[attr-defined]
        if taken > HASTY:
            raise OutOfReach(
                f"{i} of {len(rows)} different inputs take about {HASTY:g} s, the most for 'auto': use "
                "method='exact' or kt_theory.simulate"
            )


def _route(learner: Learner, patient: bool) -> Callable[..., Estimate]:
    """What computes one input of a learner.

    Raises
    ------
    OutOfReach
        If nothing does.
    Unsupported
        If what the learner is told is determined by records only.
    """
    if LEARNERS.get(learner.name) is learner and learner.name in ROUTES:
        route = ROUTES[learner.name]
        return route if patient or route not in TAKE_TIME else partial(route, patient=False)
    learner.protocol.refuse_lists()
    kind = learner.name.partition("@")[0] + "@"
    # A learner of a user's own may have such a name.
    if kind in ROUTES_AT and learner.protocol.exact and of_the_package(learner):
        route = ROUTES_AT[kind]
        hurry = {} if patient or route not in TAKE_TIME else {"patient": False}
        return partial(route, learner.protocol, **hurry)
    raise OutOfReach(f"{learner.name} has no exact route (kt_theory.risk_law has its whole law on small problems)")


def total(rows: list[Row], route: Callable[..., Estimate], n: int, divergence: str) -> Estimate:
    """What all inputs add."""
    # Every route's answer is checked against its range; learners with several routes hold them to closer bounds
    # (`first_sound`).
    parts = [(row.times, sound(route(row, n, divergence), 0.0, MOST[divergence] * row.rho)) for row in rows]
    value = math.fsum(times * part.value for times, part in parts)
    error = math.fsum(times * part.error for times, part in parts) + EPS * abs(value)
    routes = " + ".join(dict.fromkeys(part.route for _, part in parts))
    return Estimate(value, error, routes, all(part.proved for _, part in parts))
