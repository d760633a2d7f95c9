"""How many samples of each kind a student needs: `plan`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kt_theory import bounds, checks
from kt_theory.auditing.training import AUDITED, SelfAudit, self_audit
from kt_theory.learners import Learner, clipped_at, resolve_learner, told_at
from kt_theory.planning.searching import MOST, Trials, cells_of, least
from kt_theory.planning.worlds import Worlds
from kt_theory.problem import Problem, checked_problem
from kt_theory.progress import watched
from kt_theory.protocols.protocol import PROTOCOLS, Protocol, resolve_protocol
from kt_theory.protocols.transfer import TransferSet

if TYPE_CHECKING:
    import pandas as pd

#: The learner that a plan assumes at each of the paper's protocols.
COUNTED_ON = {"hard": "CE_sgl", "partial": "SEL_ptl", "soft": "CE_ful"}

#: Teachers drawn from a pilot's posterior law, and data sets of each.
WORLDS, REPS = 200, 10

#: Inputs and pairs that all teachers store together, 0.5 GB, beyond which there are fewer than `WORLDS`; the fewest.
STORED_MOST, FEWEST = 30_000_000, 20

#: Data sets of a teacher that is known.
REPS_KNOWN = 1000

_WHP: dict[str, tuple[Callable[..., Any], ...]] = {
    "hard": (bounds.hard_upper_whp_joint, bounds.hard_upper_whp),
    "partial": (
        bounds.partial_upper_whp_sharp,
        bounds.partial_upper_whp_missing,
        bounds.partial_upper_whp_sqrt,
        bounds.partial_upper_whp,
    ),
    "soft": (bounds.soft_upper_whp,),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """What `plan` found.

    Attributes
    ----------
    table : DataFrame
        A row per protocol: protocol, learner, n (least number of samples that keeps the promise; missing where none up
        to 10**12 does), floor (where no n keeps it: the risk that stays), cost (n times the price, where one was
        given). In the worst case also impossible_below: below it no student keeps the promise for all teachers.
    curves : DataFrame
        Risks around these n: protocol, n, mean, high (the risk that a share `confidence` stays below). Empty in the
        worst case.
    target, confidence : float
    on_average : bool
    source : str
        The source of the numbers: "worst case", "teacher" or "pilot".
    notes : tuple of str
        Limits of the numbers.
    pilot_audit : SelfAudit or None
        The risk of the student of the pilot itself, from its own records (`kt_theory.self_audit`): where the plan
        starts from. Of partial soft and soft labels only.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    target: float
    confidence: float
    on_average: bool
    source: str
    notes: tuple[str, ...]
    pilot_audit: SelfAudit | None = None


def plan(
    teacher: Problem | None = None,
    *,
    S: int | None = None,
    A: int | None = None,
    pilot: TransferSet | None = None,
    target: float,
    confidence: float = 0.9,
    on_average: bool = False,
    protocols: Sequence[str | Protocol] = ("hard", "partial", "soft"),
    cost: Mapping[str, float] | None = None,
    curves: bool = False,
    seed: int = 0,
    progress: bool = False,
) -> Plan:
    """How many samples of each protocol a student needs for a risk of at most `target`.

    Parameters
    ----------
    teacher : Problem, optional
        A teacher that is known. One of `teacher`, `S` with `A`, and `pilot` is needed.
    S, A : int, optional
        Sizes, for the worst case over all teachers.
    pilot : TransferSet, optional
        Records of the teacher, at least one. What they leave open is drawn from a posterior law
        (`kt_theory.planning.worlds`).
    target : float
        Total variation, averaged over the inputs, in (0, 1). One minus it is the acceptance rate of speculative
        decoding.
    confidence : float
        In (0, 1). The promise: the student made of n fresh samples has a risk of at most `target` with this
        probability, over the samples and, from a pilot, over the teachers that it leaves possible.
    on_average : bool
        Promise the expected risk instead; from a pilot with this confidence over the teachers.
    protocols : sequence of str or Protocol
        ``hard`` (the student counts, CE_sgl), ``partial`` (SEL_ptl), ``soft`` (CE_ful), and ``top_k:K``,
        ``top_k_label:K`` or ``top_k_only:K`` (exact on what is told, even on the rest), ``rounded:D`` (kept; counts
        within what rounding leaves, for a target below that), ``tempered:T``. The worst case has the first three.
    cost : mapping of str to float, optional
        Price of one sample, by the name of the protocol.
    curves : bool
        Draw the curves for a figure, too.
    seed : int
        Seed of all draws; one seed gives one plan.
    progress : bool
        Show how far it is.

    Returns
    -------
    Plan
        In the worst case, of the proved bounds; otherwise to 2 % by simulation, one standard error on the safe side.

    Raises
    ------
    Unsupported
        A ValueError, for an unknown protocol, or a pilot that leaves teachers of more than 1.5e6 pairs possible.
    ValueError
        If not exactly one source is given, for a target, confidence or price out of range, a protocol named twice,
        or a pilot without records.

    Examples
    --------
    >>> worst = plan(S=10, A=10, target=0.1, on_average=True)
    >>> worst.table[["protocol", "impossible_below", "n"]].values.tolist()
    [['hard', 152, 4193], ['partial', 128, 154], ['soft', 30, 31]]
    >>> from kt_theory import zipf_problem
    >>> plan(zipf_problem(S=2, A=5, seed=1), target=0.05, confidence=0.92, protocols=["soft"]).table["n"].tolist()
    [7]
    """
    target = checks.open_unit("target", target)
    confidence = checks.open_unit("confidence", confidence)
    on_average = checks.flag("on_average", on_average)
    given = [name for name, value in (("teacher", teacher), ("S", S), ("pilot", pilot)) if value is not None]
    if len(given) != 1 or (S is None) != (A is None):
        raise ValueError(f"{' and '.join(given) or 'nothing'} given: give a teacher, or S and A, or a pilot")
    curves, show = checks.flag("curves", curves), checks.flag("progress", progress)
    found = _protocols(protocols, target)
    prices = _prices(cost, found)
    if S is not None:
        return _worst(S, A, target, confidence, on_average, found, prices)
    seed = checks.whole_number("seed", seed)
    notes: list[str] = []
    audit: SelfAudit | None = None
    if teacher is not None:
        teachers, reps, source = [checked_problem(teacher)], REPS_KNOWN, "teacher"
    else:
        checks.instance_of("pilot", pilot, TransferSet, "kt_theory.tables.read_records reads one")
        assert pilot is not None
        if pilot.n == 0:
            raise ValueError("pilot has no records: plan for the worst case, with S and A")
        worlds = Worlds(pilot)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
        teachers, reps, source = [], REPS, "pilot"
        stored = 0
        for _ in watched(range(WORLDS), "teacher", "plan: teachers that the pilot leaves possible", show=show):
            teachers.append(worlds.draw(rng))
            stored += worlds.S + (teachers[-1].pairs.stored if teachers[-1].sparse else 0)
            # Large teachers differ less from one another: fewer do, and fit in memory.
            if stored > STORED_MOST and len(teachers) >= FEWEST:
                break
        notes += _about(pilot)
        if pilot.protocol.name in AUDITED and PROTOCOLS[pilot.protocol.name] == pilot.protocol:
            audit = self_audit(pilot)
    rows, points = [], []
    cells = [cells_of(one) for one in teachers]
    for protocol, learner in watched(list(found.items()), "protocol", "plan", show=show):
        trials = Trials(cells, learner, reps, seed)
        n = least(trials, target, confidence, on_average)
        floor = math.nan if n is not None else float(trials.risks(MOST).mean())
        rows.append((protocol, learner.name, n, floor))
        if curves:
            points += _curve(protocol, trials, n, confidence)
    return Plan(
        _table(rows, prices), _frame(points), target, confidence, on_average, source,
        (*notes, *_always(found, source)), audit,
    )  # fmt: skip


def _protocols(protocols: Sequence[str | Protocol], target: float) -> dict[str, Learner]:
    if isinstance(protocols, (str, bytes)) or not isinstance(protocols, Sequence):
        protocols = [protocols]  # what is no protocol is refused below
    found: dict[str, Learner] = {}
    for given in protocols:
        protocol = resolve_protocol(given, "protocols")
        if protocol.name in found:
            raise ValueError(f"protocols names {protocol} twice")
        if protocol.name in COUNTED_ON and PROTOCOLS[protocol.name] == protocol:
            found[protocol.name] = resolve_learner(COUNTED_ON[protocol.name])
        elif (not protocol.lists and protocol.exact) or protocol.listed or protocol.ordered:
            raise checks.Unsupported(
                f"protocols has {protocol}: a plan knows hard, partial, soft, lists such as top_k:20, and forms such "
                "as rounded:2 and tempered:2"
            )
        else:
            # Middles of cells are within this of every law in them, once every label was seen; counts come nearer.
            near = protocol.digits is None or target >= math.tanh(10.0**-protocol.digits / 4)
            found[protocol.name] = told_at(protocol) if near else clipped_at(protocol)
    if not found:
        raise ValueError("protocols is empty: name at least one")
    return found


def _prices(cost: Mapping[str, float] | None, found: Mapping[str, Learner]) -> dict[str, float]:
    prices: dict[str, float] = {}
    if cost is not None and not isinstance(cost, Mapping):
        raise ValueError(f"cost is {checks.shown(cost)}: it must map names of protocols to prices")
    for protocol, price in (cost or {}).items():
        if protocol not in found:
            raise ValueError(f"cost has {checks.shown(protocol)}, which is not in this plan: {', '.join(found)}")
        prices[protocol] = checks.number(f"cost of {protocol}", price)
        if not 0 <= prices[protocol] < math.inf:
            raise ValueError(f"cost of {protocol} is {price}: it must be a finite number, 0 or above")
    return prices


def _worst(
    S: Any, A: Any, target: float, confidence: float, on_average: bool, found: dict[str, Learner],
    prices: dict[str, float],
) -> Plan:  # fmt: skip
    S, A = (checks.whole_number(name, value, minimum=1) for name, value in (("S", S), ("A", A)))
    lists = [protocol for protocol in found if protocol not in COUNTED_ON]
    if lists:
        raise checks.Unsupported(
            f"protocols has {lists[0]}: the worst case has hard, partial and soft; give a teacher or a pilot"
        )
    rows = []
    # A risk is at most 1: kept with this probability, its mean is at most target + 1 - confidence.
    mean = target if on_average else target + 1.0 - confidence
    for protocol, learner in found.items():

        def enough(n: int, protocol: str = protocol) -> bool:
            if on_average:
                return bool(bounds.best_upper(protocol, S=S, A=A, n=n).value <= target)
            values = [bound(S=S, A=A, n=n, delta=1.0 - confidence) for bound in _WHP[protocol]]
            return bool(np.nanmin([*values, math.inf]) <= target)

        def possible(n: int, protocol: str = protocol) -> bool:
            return bool(bounds.best_lower(protocol, S=S, A=A, n=n).value <= mean)

        first, last = _first(enough), _first(possible)
        rows.append((protocol, learner.name, first, math.nan, last))
    table = _table([row[:4] for row in rows], prices)
    table.insert(3, "impossible_below", [row[4] for row in rows])
    notes = (
        "the worst case holds for every teacher with so many inputs and labels; real teachers need far fewer samples: "
        "a pilot log or the teacher's table says how many",
        *_always(found, "worst case"),
    )
    return Plan(table, _frame([]), target, confidence, on_average, "worst case", notes)


def _first(holds: Callable[[int], bool]) -> int | None:
    """The least n at which a statement that holds from some n on does; None beyond `MOST`."""
    low, high = -1, 1
    while not holds(high):
        if high >= MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high > low + 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _curve(protocol: str, trials: Trials, n: int | None, confidence: float) -> list[tuple[str, int, float, float]]:
    """Risks from a hundredth of n to ten times n."""
    centre = 10**4 if n is None else max(n, 10)
    points = []
    for size in sorted({round(centre * f) for f in np.geomspace(0.01, 10, 13)}):
        risks = trials.risks(size)
        points.append((protocol, size, float(risks.mean()), float(np.quantile(risks, confidence))))
    return points


def _table(rows: Sequence[tuple[Any, ...]], prices: Mapping[str, float]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=["protocol", "learner", "n", "floor"])
    table["n"] = table["n"].astype("Int64")
    if prices:
        table["cost"] = [
            math.nan if n is None or protocol not in prices else prices[protocol] * n for protocol, _, n, *_ in rows
        ]
    return table


def _frame(points: Sequence[tuple[str, int, float, float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(points, columns=["protocol", "n", "mean", "high"])


def _about(pilot: TransferSet) -> list[str]:
    """What a pilot of this shape does not determine."""
    visited = pilot.visits[pilot.visits > 0]
    once = int((visited == 1).sum())
    if once > max(1, visited.size - once):
        return [
            f"{once} of {visited.size} inputs of the pilot were visited once: a table learns nothing across inputs; "
            "name a column with the class of each input as the state"
        ]
    if pilot.n < 5 * len(pilot.states):
        return [
            f"the pilot has {pilot.n} records of {len(pilot.states)} inputs, fewer than five records an input: what "
            "its teachers look like is mostly the prior law's"
        ]
    return []


def _always(found: Mapping[str, Learner], source: str) -> list[str]:
    notes = []
    if "hard" in found:
        near = "has nearly the least risk over all teachers"
        worst = near if source == "worst case" else "is made for the worst teacher"
        notes.append(
            f"hard labels are counted with CE_sgl; ADD_sgl {worst}, and on teachers with many rare labels, such as "
            "language models, it can be eight times worse than counting"
        )
    notes.append("a table learns nothing across inputs: on unvisited inputs the student is uniform")
    return notes
