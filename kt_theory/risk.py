"""The expected risk: exact where a route applies, simulated elsewhere."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Literal, get_args

import numpy as np

from kt_theory import checks, pairs
from kt_theory.divergences import Divergence, resolve_divergence
from kt_theory.exact.risk import exact_risk, rows_of
from kt_theory.exact.rows import Estimate, OutOfReach
from kt_theory.learners import LEARNERS, Learner, resolve_learner
from kt_theory.problem import Problem
from kt_theory.simulation.means import simulate

#: How a risk is computed.
Method = Literal["auto", "exact", "montecarlo"]
METHODS: tuple[Method, ...] = get_args(Method)

#: The default target of Monte Carlo: its standard error, as a fraction of the mean risk.
TARGET = 1e-3

#: Cells of all tables that a pilot of control variates draws, about: wide tables get shorter pilots, of 100 at least.
PILOT_CELLS = 2_000_000


class Risk(float):
    """An expected risk: a float with its error and the route that computed it.

    Attributes
    ----------
    error : float
        Bound on (or, for routes that say so, estimate of) the absolute error; for Monte Carlo the standard error.
    route : str
        What computed it, such as "closed form", "label classes" or "Monte Carlo, 4096 repeats".
    proved : bool
        Whether `error` is a proved bound; False for estimates and for standard errors.
    """

    error: float
    route: str
    proved: bool

    def __new__(cls, estimate: Estimate) -> Risk:
        risk = super().__new__(cls, estimate.value)
        risk.error = estimate.error
        risk.route = estimate.route
        risk.proved = estimate.proved
        return risk

    def __reduce__(self) -> tuple[type[Risk], tuple[Estimate]]:
        return Risk, (Estimate(float(self), self.error, self.route, self.proved),)


class RiskCurve(np.ndarray):
    """Expected risks at several n: a float64 array, shape (len(n),), with the errors and routes of its entries.

    Attributes
    ----------
    error : ndarray, shape (len(n),)
    route : tuple of str
    proved : ndarray of bool, shape (len(n),)
        All as in `Risk`; None on arrays that were computed or cut from this one.
    """

    error: np.ndarray | None
    route: tuple[str, ...] | None
    proved: np.ndarray | None

    def __new__(cls, estimates: list[Estimate]) -> RiskCurve:
        curve = np.array([estimate.value for estimate in estimates]).view(cls)
        curve.error = np.array([estimate.error for estimate in estimates])
        curve.route = tuple(estimate.route for estimate in estimates)
        curve.proved = np.array([estimate.proved for estimate in estimates])
        return curve

    def __array_finalize__(self, other: Any) -> None:
        self.error = None
        self.route = None
        self.proved = None


def expected_risk(
    problem: Problem,
    learner: str | Learner,
    n: Any,
    init: Any = None,
    method: Method = "auto",
    *,
    divergence: str | Divergence = "tv",
    seed: int = 0,
) -> Risk | RiskCurve:
    """Expected risk of a learner after n samples.

    Parameters
    ----------
    problem : Problem
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"}, a name such as "SEL@top_k:20", or Learner
        The first five, ``SEL@``, ``RENORM@`` and ``CE@`` a list have exact routes; another learner is simulated.
    n : int or sequence of int
        Numbers of samples: from 0 to 10**12 for CE_ful and CE_sgl; the other learners' routes have limits of their own.
    init : array_like, shape (S, A), optional
        The student before any data; uniform if not given.
    method : {"auto", "exact", "montecarlo"}
        "exact" computes, and raises where no route applies. "montecarlo" simulates until the standard error is about a
        thousandth of the risk. "auto" computes where it can, and otherwise simulates to that error and warns: SEL_ptl
        by pairs of unseen labels where few are unseen (`kt_theory.pairs`), all else by whole data sets, with control
        variates of exactly known means (``simulate(control=True)``).
    divergence : {"tv", "kl", "l2", "reverse_kl", "hellinger", "top1"} or Divergence
        What the risk averages, see `kt_theory.divergences`; the first three have exact routes.
    seed : int
        Seed of the simulation, where there is one.

    Returns
    -------
    Risk or RiskCurve
        A float, or for a sequence of n an array, with attributes ``error``, ``route`` and ``proved``. The truth is that
        of the floats given, rows and init divided by their sums. CE_ful and CE_sgl are within 1e-12 of it, relative,
        for every problem and n, but for what the rounding of the rows moves: some 1e-16 rho(s), which counts where a
        row is nearly deterministic or nearly init; ``error`` includes it. The closed forms behind each route are in the
        docstrings of `kt_theory.exact`.

    Raises
    ------
    OutOfReach
        A ValueError: with ``method="exact"``, if no route reaches; it names the limit.
    Unsupported
        A ValueError, for an unknown learner or divergence.
    ValueError
        For bad arguments.

    Notes
    -----
    Equal rows cost as much as one. "auto" takes a second or so for a row at most, two minutes for all, and "exact" up
    to 15 s for SEL_ptl on rows of 33 to 400 labels, and for SEL of a list with such a tail, and up to 20 for CE_ptl,
    where a handful of draws of heavy labels leave an error above 1e-6 count by count; up to 1e-4 is stated there.
    The page docs/costs.md has seconds and errors.

    Examples
    --------
    >>> from kt_theory import instance
    >>> risk = expected_risk(instance(0, S=100, A=25), "CE_sgl", 2500)
    >>> round(risk, 5), risk.error < 1e-12
    (0.33172, True)
    >>> expected_risk(instance(0, S=100, A=25), "CE_ful", [0, 100]).round(6).tolist()
    [0.48, 0.175696]
    """
    method = checks.one_of("method", method, METHODS)
    grid = checks.whole_numbers("n", n).tolist()
    estimates = []
    # A loop, not a comprehension, which is a frame of its own before Python 3.12: the warning counts frames.
    for size in grid:
        estimates.append(_estimate(problem, learner, size, init, method, divergence, seed))
    return RiskCurve(estimates) if np.ndim(n) else Risk(estimates[0])


def _estimate(
    problem: Problem, learner: str | Learner, n: int, init: Any, method: str, divergence: str | Divergence, seed: int
) -> Estimate:
    if method == "montecarlo":
        return _simulated(problem, learner, n, init, divergence, seed)
    try:
        # Where a row would take seconds, simulation with control variates takes less.
        return exact_risk(problem, learner, n, init, divergence, patient=method == "exact")
    except OutOfReach as limit:
        if method == "exact":
            raise
        estimate, how = _inexact(problem, learner, n, init, divergence, seed)
        message = (
            f"n={n}: {limit}; simulated instead, {how}, to a standard error of about {TARGET:g} of the risk: for a "
            "smaller one call kt_theory.simulate with control=True and a smaller target_mcse"
        )
        warnings.warn(message, stacklevel=3)
        return estimate


def _inexact(
    problem: Problem, learner: str | Learner, n: int, init: Any, divergence: str | Divergence, seed: int
) -> tuple[Estimate, str]:
    """By pairs of unseen labels, where few labels of SEL_ptl are unseen; else by whole data sets. With words for it."""
    if resolve_learner(learner) is LEARNERS["SEL_ptl"] and resolve_divergence(divergence).name == "tv":
        with contextlib.suppress(OutOfReach):
            return pairs.risk(rows_of(problem, init), n, TARGET, seed), "with pairs of unseen labels"
    return _simulated(problem, learner, n, init, divergence, seed, control=True), "with control variates"


def _simulated(
    problem: Problem,
    learner: str | Learner,
    n: int,
    init: Any,
    divergence: str | Divergence,
    seed: int,
    control: bool = False,
) -> Estimate:
    cells = problem.pairs.stored if problem.sparse else problem.S * problem.A
    pilot = min(max(PILOT_CELLS // cells, 100), 1000) if control else 1000
    how: dict[str, Any] = {"target_mcse": TARGET, "relative": True, "init": init, "divergence": divergence}
    row = simulate(problem, learner, n, pilot, seed, control=control, **how).iloc[0]
    means = "Monte Carlo with control variates" if control else "Monte Carlo"
    # Where every risk was 0, an event of probability 3 / repeats would have been shown by 95 % of such runs.
    error = float(row["mcse"]) if row["nonzero"] else 3 / row["reps"]
    return Estimate(float(row["mean"]), error, f"{means}, {row['reps']} repeats", proved=False)
