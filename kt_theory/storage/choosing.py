r"""Which k numbers of a row to store at each visit: the expected risk of each storage on a known teacher.

A visit stores k numbers of the row, each with its label. Every input is visited v times, so that a row costs what it
costs as the only input of a problem after v samples, and the risk is the mean of these costs under rho.

================  ====================================  ===================================================
storage           what a visit stores                   learner, and the law of its risk
================  ====================================  ===================================================
list              the k largest probabilities           SEL@top_k_only:k, the same at every v >= 1
renormalised      the same                              RENORM@top_k_only:k, the mass of the tail
draws             k draws, with their probabilities     SEL@sampled:k, that of SEL_ptl after k v samples
gumbel            k draws without replacement, with     SEL@gumbel_top_k:k
                  their probabilities
half              ceil(k/2) largest, floor(k/2) draws   exact on both; that of SEL@top_k:ceil(k/2) after
                                                        floor(k/2) v samples
frequencies       k draws, without probabilities        that of CE_sgl after k v samples
================  ====================================  ===================================================

Of frequencies a visit stores k labels and no probability: they take less space than the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kt_theory import checks
from kt_theory.exact.risk import exact_risk
from kt_theory.exact.rows import Estimate, OutOfReach
from kt_theory.problem import Problem
from kt_theory.progress import watched
from kt_theory.protocols.transfer import TransferSet
from kt_theory.simulation.means import simulate
from kt_theory.sparse import SparseTable
from kt_theory.storage.logged import plug_in

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["auto", "exact", "montecarlo"]

#: Learner and number of samples that give the law of a storage's risk at one input, from k and v.
STORAGES: dict[str, Callable[[int, int], tuple[str, int]]] = {
    "list": lambda k, v: (f"SEL@top_k_only:{k}", v),
    "draws": lambda k, v: ("SEL_ptl", k * v),
    "gumbel": lambda k, v: (f"SEL@gumbel_top_k:{k}", v),
    "half": lambda k, v: (f"SEL@top_k:{(k + 1) // 2}", k // 2 * v),
    "renormalised": lambda k, v: (f"RENORM@top_k_only:{k}", v),
    "frequencies": lambda k, v: ("CE_sgl", k * v),
}

#: The most labels that are drawn at an input: what the exact risk of frequencies reaches.
LABELS_MAX = 10**12

#: The most inputs whose draws "auto" computes exactly, up to a second or so each; and repeats of those that it draws.
FEW, REPEATS = 8, 400

#: The most visits of an input that are drawn without replacement, and the least repeats of them.
RACES, LEAST = 2_000, 40


def best_storage(
    teacher: Any,
    numbers: int,
    visits: Any,
    *,
    storages: Any = None,
    method: Method = "auto",
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """The expected risk of each way to store so many numbers of a teacher's row at each visit, and the best of them.

    Parameters
    ----------
    teacher : Problem, array_like of shape (A,), TransferSet, DataFrame or mapping of columns
        A problem, dense or sparse, whose rows are stored; one row; or a log, as a transfer set or as records
        (`TransferSet.from_records`), whose rows are filled in where it does not tell them whole (Notes).
    numbers : int
        How many numbers a visit stores, at least 1.
    visits : int or sequence of int
        How often every input is visited, at least 1.
    storages : str or sequence of str, optional
        Which of list, draws, gumbel, half, renormalised and frequencies are compared; all, if not given.
    method : {"auto", "exact", "montecarlo"}
        Lists and frequencies are always computed. "exact" computes draws, too, and raises where no route reaches;
        "montecarlo" simulates them; "auto" computes the draws of up to 8 inputs where that takes seconds.
    seed : int
        Seed of the simulations.
    progress : bool
        Show how far it is.

    Returns
    -------
    DataFrame
        A row per (visits, storage): visits, storage, learner, risk (total variation averaged under rho), error (a bound
        or an estimate; for simulations the standard error), route, best (whether its risk is the smallest at this
        number of visits; several are if they tie), plug_in (the mass of the rows that a log does not tell, 0 of a
        teacher). Storages are list, draws, gumbel and half (if numbers >= 2), renormalised and frequencies, see
        `kt_theory.storage.choosing`.

    Raises
    ------
    OutOfReach
        A ValueError: with ``method="exact"``, if no route reaches: of gumbel for rows of more than 12 labels.
    ValueError
        If `teacher` is neither a Problem nor a law nor a log, or a number is out of its range: numbers * visits is at
        most 1e12.

    Notes
    -----
    A log: told labels have their probability, the others that it names anywhere equal shares of what is missing, for
    which lists and draws seem better than they are; labels without probabilities have their frequencies, for which
    they seem better or worse (`kt_theory.storage.logged`). `plug_in` says how much mass is filled in.

    Where the visits of an input are random, ``expected_risk(problem, "SEL@sampled:20", n)`` averages over them.
    Statements: ours-store-tail, ours-store-draws.

    Examples
    --------
    >>> frame = best_storage([0.4, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05], numbers=2, visits=[1, 10])
    >>> frame[frame["best"]][["visits", "storage"]].values.tolist()
    [[1, 'list'], [10, 'gumbel']]
    """
    import pandas as pd

    problem, share = _problem(teacher)
    k = checks.whole_number("numbers", numbers, minimum=1)
    times = checks.whole_numbers("visits", visits, minimum=1).tolist()
    if len(set(times)) < len(times):
        raise ValueError(f"visits is {checks.shown(visits)}: it must name no number twice")
    if k * max(times) > LABELS_MAX:
        raise ValueError(f"numbers * visits is {k * max(times)}: at most {LABELS_MAX:.0e} labels of an input are drawn")
    checks.one_of("method", method, ("auto", "exact", "montecarlo"))
    seed = checks.whole_number("seed", seed)
    kept = _kept(storages, k)
    rows = _single_rows(problem)
    found = []
    steps = [(v, storage) for v in times for storage in kept]
    for v, storage in watched(steps, "storage", "best_storage", show=checks.flag("progress", progress)):
        learner, n = STORAGES[storage](k, v)
        parts = [(weight, _cost(one, learner, n, method, len(rows), seed)) for weight, one in rows]
        risk = math.fsum(weight * part.value for weight, part in parts)
        # Simulated rows are independent of one another; bounds add up.
        drawn = math.hypot(*(weight * part.error for weight, part in parts if _simulated(part)))
        error = drawn + math.fsum(weight * part.error for weight, part in parts if not _simulated(part))
        route = " + ".join(dict.fromkeys(part.route for _, part in parts))
        row = {"visits": v, "storage": storage, "learner": _named(storage, k), "risk": risk, "error": error}
        found.append(row | {"route": route})
    frame = pd.DataFrame(found)
    frame["best"] = frame["risk"] == frame.groupby("visits")["risk"].transform("min")
    frame["plug_in"] = share
    return frame


def _problem(teacher: Any) -> tuple[Problem, float]:
    """What is stored, and the share of it that a log does not tell."""
    if isinstance(teacher, Problem):
        return teacher, 0.0
    if isinstance(teacher, Mapping) or hasattr(teacher, "columns"):
        teacher = TransferSet.from_records(teacher)
    if isinstance(teacher, TransferSet):
        made = plug_in(teacher)
        return made.problem, made.share
    return Problem(np.ones(1), checks.law("teacher", teacher)[None]), 0.0


def _kept(storages: Any, k: int) -> list[str]:
    """The storages that are compared, in their order."""
    if storages is not None and not isinstance(storages, (str, list, tuple)):
        raise ValueError(f"storages is {checks.shown(storages)}: it must be a list of {', '.join(STORAGES)}")
    given = [storages] if isinstance(storages, str) else list(STORAGES) if storages is None else list(storages)
    for storage in given:
        checks.one_of("storages", storage, tuple(STORAGES))
    # A visit of one number is a draw, whether labels are replaced or not, and has no half.
    kept = [storage for storage in STORAGES if storage in given and (k > 1 or storage not in ("half", "gumbel"))]
    if not kept:
        raise ValueError(f"storages is {checks.shown(storages)}: one number is a list, or a draw; name one of these")
    return kept


def _named(storage: str, k: int) -> str:
    """The learner of a storage as the user of a transfer set would name it."""
    if storage == "draws":
        return f"SEL@sampled:{k}"
    return f"exact on {(k + 1) // 2} listed and {k // 2} drawn" if storage == "half" else STORAGES[storage](k, 1)[0]


def _single_rows(problem: Problem) -> list[tuple[float, Problem]]:
    """The inputs of positive mass as problems of one input each, with their masses."""
    inputs = np.flatnonzero(problem.rho > 0)
    if not problem.sparse:
        return [(float(problem.rho[s]), Problem(np.ones(1), problem.teacher[s : s + 1])) for s in inputs]
    table, A = problem.pairs, problem.A
    found = []
    for s in inputs:
        cells = slice(table.offsets[s], table.offsets[s + 1])
        ends = np.array([0, cells.stop - cells.start])
        row = SparseTable((1, A), ends, table.columns[cells], table.values[cells], np.zeros(1))
        found.append((float(problem.rho[s]), Problem(np.ones(1), row)))  # type: ignore[arg-type]
    return found


def _cost(row: Problem, learner: str, n: int, method: str, inputs: int, seed: int) -> Estimate:
    """The expected risk of a problem of one input."""
    races = learner.startswith("SEL@gumbel_top_k:")
    of_draws = races or learner == "SEL_ptl" or learner.startswith("SEL@top_k:")
    if not of_draws or method == "exact" or (method == "auto" and inputs <= FEW):
        try:
            return exact_risk(row, learner, n, patient=method == "exact")
        except OutOfReach:
            if method == "exact":
                raise
    # Labels without replacement cost some microseconds a visit; many visits vary little.
    repeats = min(REPEATS, max(RACES // n, LEAST)) if races else REPEATS
    mean = simulate(row, learner, n, repeats if inputs > FEW else 10 * repeats, seed, control=True).iloc[0]
    return Estimate(float(mean["mean"]), float(mean["mcse"]), _MONTE_CARLO, proved=False)


_MONTE_CARLO = "Monte Carlo with control variates"


def _simulated(part: Estimate) -> bool:
    return part.route == _MONTE_CARLO
