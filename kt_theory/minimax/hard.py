r"""Hard labels: the minimax risk as an interval, proved but for the games of the smallest sizes.

**Small sizes** are solved as games, by cutting planes: `kt_theory.minimax.hard_game`, and for one input and fewer
samples than labels, 30 at most, `kt_theory.minimax.hard_row_game`. Beyond, the lower end is a Bayes risk,
`kt_theory.minimax.hard_lower`, and the upper end the worst risk of a student that adds a constant to each count,
`kt_theory.minimax.hard_upper`; with many samples the worst risk of the frequencies, in closed form, which tends to
sqrt(S (A-1) / (2 pi n)) as the lower end does. A problem with fewer inputs or labels is one with more, some of them
without mass: so the lower end of a small game holds for the larger sizes, too.

After at most six samples from several inputs the lower end is the game of one input of a uniform rho, which is visited
Bin(n, 1/S) times, and the upper end the best student that answers each input from its own counts,
`kt_theory.minimax.hard_apart_game`. The interval does not close there: for the one rho is known, for the other rho and
rows may be the worst of each input by itself; a game of all rho and rows is not solved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from kt_theory import checks
from kt_theory.exact import add
from kt_theory.exact.rows import OutOfReach
from kt_theory.minimax import hard_apart_game, hard_game, hard_row_game
from kt_theory.minimax.hard_lower import assouad_bound, dirichlet_bound
from kt_theory.minimax.hard_upper import frequencies_bound, least_upper, worst_risk
from kt_theory.minimax.result import End, MinimaxRisk, sizes
from kt_theory.problem import Problem

__all__ = ["assouad_bound", "dirichlet_bound", "frequencies_bound", "minimax_hard", "worst_risk"]

#: Beyond, floats do not hold the counts.
MOST_SAMPLES = 10**15

#: A game that ends with a larger relative gap is held against the bounds for larger sizes.
CLOSED = 1e-3

#: The work at most on a game that is a part of the problem, whose lower end is one of several.
PART = hard_game.WORK // 2


def minimax_hard(S: int, A: int, n: int, progress: Callable[[str], None] | None = None) -> MinimaxRisk:
    """The minimax risk from hard labels, as an interval.

    Parameters
    ----------
    S, A : int
        Number of inputs and labels, at least 1; S * A at most 2e7.
    n : int
        Number of samples, from 0 to 10^15.
    progress : callable, optional
        Called with a line of text now and then while the work goes on.

    Returns
    -------
    MinimaxRisk
        `instance` is the teacher that is worst, among those tried, for the student that gives the upper end (for the
        games: the worst found). The prior behind `lower` is a mixture of teachers; no single one gives it.

    Raises
    ------
    ValueError
        If a size is not a whole number in its range.
    OutOfReach
        If n is above 10^15.

    Examples
    --------
    >>> print(minimax_hard(1, 2, 1))
    minimax risk, hard labels, S=1, A=2, n=1: in [0.24999999, 0.25] (linear program)
    >>> risk = minimax_hard(1, 25, 2500)
    >>> 0.037 < risk.lower < risk.upper < 0.039
    True
    """
    S, A, n = sizes(S, A, n)
    checks.callable_or_none("progress", progress)
    if n > MOST_SAMPLES:
        raise OutOfReach(f"n is {n}: the minimax risk from hard labels is computed up to n = 10^15")
    if n == 0 or A == 1:
        end = End(1 - 1 / A, "without data, or with one label, the uniform student is best", "proved")
        instance = Problem(np.full(S, 1 / S), np.tile(np.eye(A)[0], (S, 1)), name="least favourable, hard labels")
        student = "uniform" if n == 0 else "CE_sgl"
        return MinimaxRisk("hard", S, A, n, end, end, True, instance, student, "Every Dirac is worst.")
    game = None
    if _in_reach(S, A, n):
        lower, upper, rho, teacher = _game(S, A, n, progress)
        game = MinimaxRisk(
            "hard", S, A, n,
            End(lower, "a linear program on finitely many teachers, up to the solver's tolerance", "estimated"),
            End(upper, "worst risk of its rule, by grid and local search, attained at the instance", "numerical"),
            False, _problem(rho, teacher), "linear program",
        )  # fmt: skip
        if upper <= (1 + CLOSED) * lower:
            return game
    lowest = _lower(S, A, n, progress)
    found = least_upper(S, A, n, progress)
    highest = End(max(lowest.value, found.value), found.statement, found.grade)
    if game is not None:
        lowest = max(lowest, game.lower_end, key=lambda end: end.value)
        if game.upper <= highest.value:
            return MinimaxRisk("hard", S, A, n, lowest, game.upper_end, False, game.instance, game.student)
    if hard_apart_game.in_reach(S, A, n) and (apart := _apart(S, A, n)).upper < highest.value:
        statement = "the best rule that answers each input from its own counts, its worst risk by grid and local search"
        end = End(max(lowest.value, apart.upper), statement, "numerical")
        instance = _problem(np.full(S, 1 / S), np.tile(apart.row, (S, 1)))
        remark = "The instance is the worst found where rho is uniform."
        return MinimaxRisk("hard", S, A, n, lowest, end, False, instance, "linear program, inputs apart", remark)
    instance = _worst_tried(S, A, n, found.kappa)
    remark = "The instance is the worst tried for the student."
    return MinimaxRisk("hard", S, A, n, lowest, highest, False, instance, found.student, remark)


def _lower(S: int, A: int, n: int, progress: Callable[[str], None] | None) -> End:
    """The largest lower bound found, for A >= 2 and n >= 1."""
    best = End(dirichlet_bound(S, A, n), "Dirichlet prior", "proved")
    assouad = assouad_bound(S, A, n)
    if assouad > best.value:
        best = End(assouad, "pairs of labels, exact error of each test (Assouad)", "proved")
    labels = min(A, hard_row_game.most_labels(n))
    if S > 1 and labels > 1 and (value := _one_of(S, labels, n, progress)) > best.value:
        best = End(value, f"a linear program for one of {S} equally likely inputs, A={labels}", "estimated")
    # A game of a part of the problem; first, whether it can be better.
    for inputs, labels in ((1, min(A, hard_row_game.most_labels(n))), (1, min(A, 4)), (1, min(A, 3)), (2, 2)):
        # After many samples no row has so few labels that its game is in reach.
        if labels < 2 or inputs > S or (inputs, labels) == (S, A) or not _in_reach(inputs, labels, n):
            continue
        most = min(1 - 1 / labels, frequencies_bound(inputs, labels, n))
        if inputs == 1 and most > best.value:
            most = min(most, worst_risk(labels, n))
        if most > best.value and (value := _game(inputs, labels, n, progress, PART)[0]) > best.value:
            statement = f"a linear program for S={inputs}, A={labels}, which is a part of the problem"
            best = End(value, statement, "estimated")
    return best


def _in_reach(S: int, A: int, n: int) -> bool:
    """Whether `_game` takes seconds."""
    return hard_game.in_reach(S, A, n) or hard_row_game.in_reach(S, A, n)


def _game(
    S: int, A: int, n: int, progress: Callable[[str], None] | None, most: int = hard_game.WORK
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """The game of this size, once for each size and amount of work."""
    most = hard_game.WORK if S * A == 2 else most  # makes no difference with two cells
    if (S, A, n, most) not in _GAMES:
        by_rows = hard_row_game.in_reach(S, A, n)
        game = hard_row_game.RowGame(A, n) if by_rows else hard_game.Game(S, A, n)
        _GAMES[S, A, n, most] = hard_game.play(game, progress, most)
    return _GAMES[S, A, n, most]


#: Games that were solved; there are some 400 in reach, of a few numbers each.
_GAMES: dict[tuple[int, int, int, int], tuple[float, float, np.ndarray, np.ndarray]] = {}


def _one_of(S: int, A: int, n: int, progress: Callable[[str], None] | None) -> float:
    """The lower end of the game of one of S equally likely inputs, once for each size."""
    if (S, A, n) not in _ONES:
        _ONES[S, A, n] = hard_game.play(hard_row_game.RowGame(A, n, S), progress, PART)[0]
    return _ONES[S, A, n]


_ONES: dict[tuple[int, int, int], float] = {}


@functools.cache
def _apart(S: int, A: int, n: int) -> hard_apart_game.Apart:
    """The student that answers inputs apart, once for each size."""
    return hard_apart_game.solve(S, A, n)


# --- The instance ---------------------------------------------------------------------------------------


def _worst_tried(S: int, A: int, n: int, kappa: float) -> Problem:
    """The worst, for adding kappa sqrt(m/(A-1)), for rho uniform and rows uniform on some labels or one heavy.

    kappa is infinite for the uniform student.
    """
    m = max(1, round(n / S))
    # Probabilities with their multiplicities: rows may have millions of labels.
    rows = [((x / (A - 1), A - 1), (1 - x, 1)) for x in np.linspace(0, 1 - 1 / A, 25).tolist()]
    rows += [((0.0, A - k), (1 / k, k)) for k in sorted({1, 2, A // 2, A - 1}) if k >= 1]

    def risk(row: tuple[tuple[float, int], ...]) -> float:
        p, times = np.array([p for p, _ in row]), np.array([k for _, k in row])
        if np.isinf(kappa):
            return float(times @ np.abs(p - 1 / A)) / 2
        return float(times @ add.add_constant_risk(p, m, kappa * float(np.sqrt(m / (A - 1))), A))

    worst = np.concatenate([np.full(k, p) for p, k in max(rows, key=risk)])
    return _problem(np.full(S, 1 / S), np.tile(worst / worst.sum(), (S, 1)))


def _problem(rho: np.ndarray, teacher: np.ndarray) -> Problem:
    return Problem(rho / rho.sum(), teacher / teacher.sum(axis=1, keepdims=True), name="least favourable, hard labels")
