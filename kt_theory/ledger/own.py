"""Bounds and learners of one's own, for the same attacks as those of the theory."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.exact.risk import ROUTES
from kt_theory.learners import LEARNERS, Learner, resolve_learner
from kt_theory.ledger.attacks.lower import minimax_lower
from kt_theory.ledger.attacks.means import mean_upper
from kt_theory.ledger.attacks.problems import HOSTILE, UNIFORM
from kt_theory.ledger.attacks.quantiles import quantile_upper
from kt_theory.ledger.statement import Check, Claim, Statement
from kt_theory.protocols import TransferSet
from kt_theory.protocols.protocol import one_of_the_paper


def upper_bound(
    id: str,
    learner: str | Learner,
    bound: Callable[..., float],
    *,
    words: str = "",
    from_n: int = 1,
    any_init: bool = False,
    of_problem: bool = False,
    high_probability: bool = False,
) -> Statement:
    """A statement that the risk of a learner is at most `bound` on every problem, ready for `kt_theory.verify`.

    Parameters
    ----------
    id : str
        A short name for the table.
    learner : str or Learner
        Whose risk it is: a name in `kt_theory.LEARNERS`, or a learner of one's own, ``Learner(name, protocol, fit)``
        with ``fit(counts, revealed, init) -> student``, which must answer each input from its own row. Learners of
        one's own are tried on exact laws of small problems (n up to 4; 1000 with high probability) and by simulation.
    bound : callable
        The bound on the expected risk; NaN where it says nothing. It is called by keyword, with those of S, A and n
        that it takes, in any order. With `of_problem` it may take `problem`, too; with `high_probability` `delta`, and
        bounds the risk itself with probability at least 1 - delta.
    words : str
        What it says, in a sentence.
    from_n : int
        The least n that the bound speaks of.
    any_init : bool
        Whether it is claimed for every initialisation; then a hostile one is tried, too.
    of_problem, high_probability : bool
        What else the bound may take; not both.

    Returns
    -------
    Statement

    Raises
    ------
    ValueError
        If the learner is unknown or mixes its inputs, the bound takes something else, or the options disagree.

    Examples
    --------
    >>> import kt_theory as kt
    >>> wrong = upper_bound("a third", "CE_sgl", lambda S, A, n: (S * A / n) ** 0.5 / 3)
    >>> board = kt.verify(statements=wrong)
    >>> board["verdict"].item(), board["ratio"].item() > 1.1
    ('refuted', True)
    """
    id, words, bound = checks.text("id", id), checks.text("words", words), checks.function("bound", bound)
    of_problem = checks.flag("of_problem", of_problem)
    high_probability = checks.flag("high_probability", high_probability)
    any_init = checks.flag("any_init", any_init)
    if of_problem and high_probability:
        raise ValueError("of_problem and high_probability are both True: a bound is called in one way")
    first = checks.whole_number("from_n", from_n)
    more = ("problem",) if of_problem else ("delta",) if high_probability else ()
    whose = _learner(learner)
    inits = HOSTILE if any_init else UNIFORM
    check = quantile_upper(whose, inits) if high_probability else mean_upper(whose, inits, of_problem=of_problem)
    return _statement(
        id, words or f"The risk of {_name(whose)} is bounded.", "upper", _guarded(id, bound, first, *more), check
    )


def lower_bound(id: str, protocol: str, bound: Callable[..., float], *, words: str = "", from_n: int = 1) -> Statement:
    """A statement that no student of a protocol has a worst expected risk below `bound`.

    Parameters
    ----------
    id : str
        A short name for the table.
    protocol : {"hard", "partial", "soft"}
        What the student may see.
    bound : callable
        NaN where it says nothing. It is called by keyword, with those of S, A and n that it takes.
    words : str
        What it says, in a sentence.
    from_n : int
        The least n that the bound speaks of.

    Returns
    -------
    Statement
        It is held against what students do reach: the upper ends of `kt_theory.minimax_risk`.

    Raises
    ------
    ValueError
        If the protocol is unknown, or the bound takes something else.

    Examples
    --------
    >>> import kt_theory as kt
    >>> wrong = lower_bound("too much", "soft", lambda S, A, n: S / (2 * n))
    >>> kt.verify(statements=wrong)["verdict"].item()
    'refuted'
    """
    id, words, bound = checks.text("id", id), checks.text("words", words), checks.function("bound", bound)
    protocol = one_of_the_paper(protocol, "lower_bound")
    check = minimax_lower(protocol)
    guarded = _guarded(id, bound, checks.whole_number("from_n", from_n))
    return _statement(id, words or f"No student beats it with {protocol} labels.", "lower", guarded, check)


def _statement(id: str, words: str, grade: str, claim: Claim, check: Check) -> Statement:
    return Statement(id, "yours", words, "", "", grade, "conjectured", claim, check)


def _guarded(id: str, bound: Callable[..., float], first: int, *more: str) -> Claim:
    """The bound, NaN below its first n; what it raises is said with its place."""
    taken = _taken(bound, ("S", "A", "n", *more))

    def claim(S: int, A: int, n: int, **rest: Any) -> float:
        if n < first:
            return math.nan
        given = {"S": S, "A": A, "n": n, **rest}
        try:
            return float(bound(**{name: given[name] for name in taken}))
        except Exception as error:
            raise ValueError(
                f"the bound {id!r} raised {type(error).__name__} ({error}) at S={S}, A={A}, n={n}; "
                "it must be a number, nan where it says nothing"
            ) from error

    return claim


#: The option that makes a bound be called with more than S, A and n.
_OPTION = {"problem": "of_problem", "delta": "high_probability"}


def _taken(bound: Callable[..., float], known: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the known names that a bound takes; refused if it takes another one that it needs, or takes no names."""
    try:
        parameters = inspect.signature(bound).parameters.values()
    except (TypeError, ValueError):  # written in C: nothing is known of it
        return known
    said = f"bound is called by keyword, with those of {', '.join(known)} that it takes, but it takes"
    for one in parameters:
        if one.kind is one.VAR_KEYWORD:
            return known
        if one.kind is one.VAR_POSITIONAL:
            raise ValueError(f"{said} *{one.name}, which has no names")
        if one.default is one.empty and (one.name not in known or one.kind is one.POSITIONAL_ONLY):
            by_position = " by position only" if one.kind is one.POSITIONAL_ONLY else ""
            way_out = f": {_OPTION[one.name]}=True gives it that" if one.name in set(_OPTION) - set(known) else ""
            raise ValueError(f"{said} {one.name}{by_position}{way_out}")
    return tuple(one.name for one in parameters if one.name in known and one.kind is not one.POSITIONAL_ONLY)


def _name(learner: str | Learner) -> str:
    return learner.name if isinstance(learner, Learner) else learner


def _learner(learner: Any) -> str | Learner:
    """A learner with an exact route by its name; any other after a look at whether it mixes its inputs."""
    learner = resolve_learner(learner)
    if learner.name in ROUTES and LEARNERS[learner.name] is learner:
        return learner.name
    counts = np.array([[2, 1, 0], [0, 3, 5], [0, 0, 0]])
    teacher = np.array([[0.5, 0.3, 0.2], [0.1, 0.4, 0.5], [0.6, 0.2, 0.2]])
    revealed, init = TransferSet.from_counts(counts, teacher, learner.protocol).revealed, np.full((3, 3), 1 / 3)
    whole = checks.stochastic_table(f"what {learner.name} answers", learner.fit(counts, revealed, init), (3, 3), 1e-6)
    for s in range(3):
        alone = learner.fit(counts[s : s + 1], revealed[s : s + 1], init[s : s + 1])
        if not np.allclose(alone, whole[s], rtol=1e-9, atol=1e-12):
            raise ValueError(
                f"learner {learner.name} answers input {s} differently when it is alone: a learner must answer each "
                "input from its own row, exact laws are computed an input at a time"
            )
    return learner
