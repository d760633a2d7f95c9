r"""How many more annotations, of which items: `plan_annotations`.

The items are the inputs of a pilot of hard labels, and annotations of an item are draws from its row. Those that were
collected are kept: with counts n_a, m in all, and X from k more, the row is estimated by (n + X) / (m + k), as CE_sgl
does. An item without annotations is answered by the uniform law.

Rows are drawn from the posterior law of `kt_theory.planning.worlds`, and with each a path of further annotations, so
that (p, X) has its law given the pilot at every k. The labels are interchangeable there: items whose counts are equal
up to the names of the labels have one law, which is simulated once. k runs through
0, 1, ..., 21, then in steps of 5 %. All items of one teacher share its law of concentrations.

**Each item.** The least k from which on a share `confidence` of the draws has a total variation of at most the target.

**Their mean.** Let E_s(k) be the expected total variation of item s. The lower convex hull of E_s has falling slopes
per annotation; taken over all items in the order of their slopes, its pieces are the allocations with the least
expected mean for so many annotations (where E_s is convex; else to within one piece). The first of them at which the
mean over the items keeps the target in a share `confidence` of teachers and paths is the answer. Pieces end where E_s
is below a quarter of the target.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kt_theory import checks
from kt_theory.planning.worlds import Worlds, drawn
from kt_theory.progress import watched
from kt_theory.protocols.protocol import PROTOCOLS
from kt_theory.protocols.transfer import TransferSet

if TYPE_CHECKING:
    import pandas as pd

#: The most labels, and the most different counts of items: each is drawn `DRAWS` times and keeps 0.35 MB.
LABELS_MOST, PATTERNS_MOST = 2_000, 4_000

#: Rows drawn for each pattern of counts, and means over all items.
DRAWS = 500

#: The largest confidence that so many draws settle.
SUREST = 0.99

#: Further annotations of an item grow by this share from one step to the next.
STEP = 0.05

#: Fewer annotated items than this say little of how much rows differ: from 1, promises at 0.9 were kept in 0.84, from 2
#: in 0.88, from 3 on in 0.91.
FEW = 3

#: What the promise of a mean rests on; `tests/test_annotations.py` has rows that are permutations of one.
AS_GOOD_AS = (
    "a mean over items hardly varies: its promise is as good as the law of the rows, symmetric Dirichlet laws of one "
    "family, and to within 5 % of the target on rows that are of none"
)

#: The largest number of further annotations of an item that is tried.
MOST = 10**9

#: Given the annotations so far: whether a path that is at k further ones, with these total variations, is long enough.
Enough = Callable[[int], Callable[[int, np.ndarray], bool]]


@dataclass(frozen=True, eq=False)
class AnnotationPlan:
    """What `plan_annotations` found.

    Attributes
    ----------
    table : DataFrame
        A row per item, in the order of the pilot: item, annotations (so far), tv (expected total variation of its
        estimated row now), mcse (Monte Carlo standard error of tv), more (annotations needed; missing where none up to
        10**9 do), tv_then (expected total variation with them).
    evenly : DataFrame
        What as many annotations for every item would give: more (for each), mean (expected total variation, averaged
        over the items), mcse. Empty in a plan per item.
    target, confidence : float
    per_item : bool
    notes : tuple of str
        What the numbers do not say.
    """

    table: pd.DataFrame
    evenly: pd.DataFrame
    target: float
    confidence: float
    per_item: bool
    notes: tuple[str, ...]

    @property
    def more(self) -> int | None:
        """All further annotations together; None if one of the items has no number."""
        return None if self.table["more"].isna().any() else int(self.table["more"].sum())


def plan_annotations(
    pilot: TransferSet,
    *,
    target: float,
    confidence: float = 0.9,
    per_item: bool = True,
    seed: int = 0,
    progress: bool = False,
) -> AnnotationPlan:
    """How many more annotations, of which items, for a total variation of at most `target`.

    Parameters
    ----------
    pilot : TransferSet
        The annotations so far as hard labels, at least one: inputs are items. Those of `states` that have none are
        planned for too.
    target : float
        Total variation between the row of an item and its estimate from old and new annotations, in (0, 1).
    confidence : float
        In (0, 0.99]. The promise holds with this probability, over the new annotations and the rows that the pilot
        leaves possible.
    per_item : bool
        Promise the target for each item, one by one; if False for the mean over the items, with the fewest annotations.
        Every item counts the same.
    seed : int
        Seed of all draws; one seed gives one plan.
    progress : bool
        Show how far it is.

    Returns
    -------
    AnnotationPlan
        To 5 % of the further annotations of an item, one standard error of the simulation on the safe side.

    Raises
    ------
    Unsupported
        A ValueError, if the pilot tells probabilities, or has more than 2,000 labels or 4,000 patterns of counts.
    ValueError
        For a target or confidence out of range, a pilot without records, or a mean that no plan keeps.

    Examples
    --------
    >>> counts = [[10, 0]] * 6 + [[6, 4], [3, 7], [8, 2], [9, 1], [5, 5], [2, 8]]
    >>> pilot = TransferSet.from_counts(counts, [[0.5, 0.5]] * 12, "hard")
    >>> table = plan_annotations(pilot, target=0.1).table
    >>> bool(table["more"][:6].max() < table["more"][6:].min())  # items on which ten people agree need fewest
    True
    """
    checks.instance_of("pilot", pilot, TransferSet, "kt_theory.tables.read_records reads one")
    target = checks.open_unit("target", target)
    confidence = checks.open_unit("confidence", confidence)
    if confidence > SUREST:
        raise ValueError(f"confidence is {confidence}: {DRAWS} simulated rows settle at most {SUREST}")
    per_item, show = checks.flag("per_item", per_item), checks.flag("progress", progress)
    seed = checks.whole_number("seed", seed)
    if pilot.protocol != PROTOCOLS["hard"]:
        raise checks.Unsupported(
            f"pilot has protocol {pilot.protocol}: annotations are hard labels, without a probability"
        )
    if pilot.n == 0:
        raise ValueError("pilot has no records: plan from a few annotations of some items")
    worlds = Worlds(pilot)
    pairs = pilot.pairs
    patterns, first = _patterns(pairs.offsets, pairs.values)
    for what, number, most in (("labels", worlds.A, LABELS_MOST), ("patterns of counts", len(first), PATTERNS_MOST)):
        if number > most:
            raise checks.Unsupported(f"pilot has {number} {what}: at most {most} can be planned for; pool rare labels")
    enough = _until_kept(target, confidence) if per_item else _until_below(target / 4)
    laws = worlds.laws(DRAWS, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4,))))
    curves, chosen = [], []
    for i, s in watched(list(enumerate(first)), "pattern", "plan: patterns of counts", show=show):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, i)))
        counts = pairs.values[pairs.offsets[s] : pairs.offsets[s + 1]]
        masses, numbers = worlds.masses(s, laws, rng)
        curves.append(_curve(masses, counts, pilot.shape[1], enough, rng))
        if not per_item:
            of = int((patterns == i).sum())
            chosen.append(_chosen(worlds.odds(s, laws), numbers, of, rng))
    if per_item:
        at = np.array([_first_kept(curve, target, confidence) for curve in curves])[patterns]
    else:
        at = _fewest(curves, patterns, target, confidence, chosen)
    evenly, notes = _evenly([] if per_item else curves, patterns), _notes(pilot, per_item)
    return AnnotationPlan(_table(pilot, curves, patterns, at), evenly, target, confidence, per_item, notes)


def _notes(pilot: TransferSet, per_item: bool) -> tuple[str, ...]:
    visited = int((pilot.visits > 0).sum())
    few = f"{visited} annotated item{'' if visited == 1 else 's'}: how much rows differ is estimated from fewer than"
    return (
        *([f"{few} {FEW}, and the promise may be kept less often than stated"] if visited < FEW else []),
        *([] if per_item else [AS_GOOD_AS]),
        "annotations are taken for independent draws: check-log asks whether annotators agree too often",
    )


def _patterns(offsets: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Which items have equal counts, up to the names of labels: a number each, and the first item of each number."""
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    found = np.empty(offsets.size - 1, dtype=np.int64)
    for s in range(found.size):
        key = np.sort(values[offsets[s] : offsets[s + 1]]).tobytes()
        if key not in numbers:
            numbers[key] = len(first)
            first.append(s)
        found[s] = numbers[key]
    return found, first


@dataclass(frozen=True)
class Curve:
    """Total variations of one pattern: at k[i] further annotations tv[:, i], a row for each row that was drawn.

    Attributes
    ----------
    before : int
        Annotations so far.
    k : ndarray of int, shape (steps,)
    tv : ndarray, shape (draws, steps)
    """

    before: int
    k: np.ndarray
    tv: np.ndarray


def _curve(masses: np.ndarray, counts: np.ndarray, A: int, enough: Enough, rng: np.random.Generator) -> Curve:
    """A path of further annotations for each row of `masses`, drawn until there are enough."""
    now = np.zeros(masses.shape)
    now[:, : counts.size] = counts
    before, k = int(counts.sum()), 0
    steps, columns = [0], [_total_variations(now, before, masses, A)]
    is_enough = enough(before)
    while not is_enough(k, columns[-1]) and k < MOST:
        step = max(1, math.ceil(STEP * k))
        now += rng.multinomial(step, masses)
        k += step
        steps.append(k)
        columns.append(_total_variations(now, before + k, masses, A))
    return Curve(before, np.array(steps), np.stack(columns, axis=1))


def _total_variations(counts: np.ndarray, size: int, masses: np.ndarray, A: int) -> np.ndarray:
    """Between each row and its frequencies; without annotations the student is uniform on all A labels."""
    if size == 0:
        return 0.5 * (np.abs(masses - 1.0 / A).sum(axis=1) + (A - masses.shape[1]) / A)
    return 0.5 * np.abs(counts / size - masses).sum(axis=1)


def _is_kept(tv: np.ndarray, target: float, confidence: float) -> bool:
    """Whether a share `confidence` is at most the target, one standard error kept clear of."""
    share = float((tv <= target).mean())
    return share - math.sqrt(share * (1.0 - share) / tv.size) >= confidence


def _until_kept(target: float, confidence: float) -> Enough:
    """Enough once the promise was kept all the way from some number of annotations to one and a half times as many."""

    def enough(before: int) -> Callable[[int, np.ndarray], bool]:
        since: int | None = None

        def is_enough(k: int, tv: np.ndarray) -> bool:
            nonlocal since
            if not _is_kept(tv, target, confidence):
                since = None
            elif since is None:
                since = before + k
            return since is not None and before + k >= 1.5 * since

        return is_enough

    return enough


def _until_below(mean: float) -> Enough:
    """Enough once the expected total variation is at most this."""
    return lambda before: lambda k, tv: bool(tv.mean() <= mean)


def _first_kept(curve: Curve, target: float, confidence: float) -> int:
    """The first step from which on the promise is kept; -1 if it is not at the last."""
    i = curve.k.size
    while i > 0 and _is_kept(curve.tv[:, i - 1], target, confidence):
        i -= 1
    return i if i < curve.k.size else -1


def _chosen(odds: np.ndarray, numbers: np.ndarray, items: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of one pattern for each of its items in each teacher, shape (items, teachers).

    The items of a teacher are independent given its law of concentrations: each takes a concentration from `odds`, that
    of its teacher, shape (teachers, grid), among the `numbers` that occur, and a draw of this concentration at random.
    """
    there = np.bincount(numbers, minlength=odds.shape[1])
    order, starts = np.argsort(numbers, kind="stable"), np.cumsum(there) - there
    odds = np.where(there > 0, odds, 0.0)
    chosen = np.empty((items, odds.shape[0]), dtype=np.int32)
    for i in range(items):
        number = drawn(odds, rng)
        chosen[i] = order[starts[number] + rng.integers(there[number])]
    return chosen


def _fewest(
    curves: list[Curve], patterns: np.ndarray, target: float, confidence: float, chosen: list[np.ndarray]
) -> np.ndarray:
    """The step of each item in the smallest allocation whose mean keeps the promise."""
    hulls = [_hull(curve) for curve in curves]
    pieces = [
        np.diff(curve.tv.mean(axis=0)[hull]) / np.diff(curve.k[hull]) for curve, hull in zip(curves, hulls, strict=True)
    ]
    sizes = np.array([piece.size for piece in pieces])[patterns]
    items = np.repeat(np.arange(patterns.size), sizes)
    order = np.argsort(np.concatenate([pieces[pattern] for pattern in patterns]), kind="stable")
    items = items[order]

    def steps(taken: int) -> np.ndarray:
        corners = np.bincount(items[:taken], minlength=patterns.size)
        at = np.empty(patterns.size, dtype=np.int64)
        for i, hull in enumerate(hulls):
            at[patterns == i] = hull[corners[patterns == i]]
        return at

    def kept(taken: int) -> bool:
        at, total = steps(taken), np.zeros(DRAWS)
        for i, curve in enumerate(curves):
            total += curve.tv[chosen[i], at[patterns == i][:, None]].sum(axis=0)
        return _is_kept(total / patterns.size, target, confidence)

    low, high = -1, items.size
    if not kept(high):
        raise ValueError(f"target is {target}: no plan of up to {MOST:g} annotations of an item keeps this mean")
    while high > low + 1:
        middle = (low + high) // 2
        low, high = (low, middle) if kept(middle) else (middle, high)
    return steps(high)


def _hull(curve: Curve) -> np.ndarray:
    """The steps at the corners of the lower convex hull of the expected total variation, as far as it falls."""
    mean = curve.tv.mean(axis=0)
    corners: list[int] = []
    for i in range(int(mean.argmin()) + 1):
        while len(corners) > 1 and _slope(curve.k, mean, corners[-2], i) <= _slope(curve.k, mean, *corners[-2:]):
            corners.pop()
        corners.append(i)
    return np.array(corners)


def _slope(k: np.ndarray, mean: np.ndarray, i: int, j: int) -> float:
    return float((mean[j] - mean[i]) / (k[j] - k[i]))


def _table(pilot: TransferSet, curves: list[Curve], patterns: np.ndarray, at: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    now = np.array([curve.tv[:, 0].mean() for curve in curves])
    errors = np.array([curve.tv[:, 0].std(ddof=1) / math.sqrt(DRAWS) for curve in curves])
    more, then = np.zeros(at.size, dtype=np.int64), np.full(at.size, math.nan)
    for i, curve in enumerate(curves):
        mine = (patterns == i) & (at >= 0)
        more[mine], then[mine] = curve.k[at[mine]], curve.tv.mean(axis=0)[at[mine]]
    table = pd.DataFrame({"item": pilot.states, "annotations": pilot.visits, "tv": now[patterns]})
    table["mcse"] = errors[patterns]
    table["more"] = pd.array(more, dtype="Int64")
    table.loc[at < 0, "more"] = pd.NA
    table["tv_then"] = then
    return table


def _evenly(curves: list[Curve], patterns: np.ndarray) -> pd.DataFrame:
    """The mean over the items at the steps that all patterns have."""
    import pandas as pd

    if not curves:
        return pd.DataFrame({"more": np.empty(0, dtype=np.int64), "mean": np.empty(0), "mcse": np.empty(0)})
    shortest = min(curves, key=lambda curve: curve.k.size).k
    shares = np.bincount(patterns) / patterns.size
    means = np.stack([curve.tv[:, : shortest.size].mean(axis=0) for curve in curves])
    errors = np.stack([curve.tv[:, : shortest.size].std(axis=0, ddof=1) for curve in curves]) / math.sqrt(DRAWS)
    return pd.DataFrame({"more": shortest, "mean": shares @ means, "mcse": np.sqrt(shares**2 @ errors**2)})
