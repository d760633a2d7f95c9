"""Exact minimax risks: the smallest worst-case risk of any student, as an interval with both ends named."""

from __future__ import annotations

from dataclasses import replace

from kt_theory import checks
from kt_theory.minimax.hard import minimax_hard
from kt_theory.minimax.lists import minimax_lists
from kt_theory.minimax.partial import minimax_partial
from kt_theory.minimax.result import End, MinimaxRisk
from kt_theory.minimax.soft import minimax_soft
from kt_theory.minimax.told import answers_for, minimax_told
from kt_theory.progress import Lines
from kt_theory.protocols.protocol import Protocol, one_of_the_paper, resolve_protocol, top_k_only

__all__ = [
    "End", "MinimaxRisk", "minimax_hard", "minimax_lists", "minimax_partial", "minimax_risk", "minimax_soft",
    "minimax_told",
]  # fmt: skip

_BY_PROTOCOL = {"hard": minimax_hard, "partial": minimax_partial, "soft": minimax_soft}

#: Seconds between two lines of progress.
PAUSE = 2.0


def minimax_risk(protocol: str | Protocol, S: int, A: int, n: int, progress: bool = False) -> MinimaxRisk:
    """The smallest worst-case expected risk that any student can have, as an interval.

    Parameters
    ----------
    protocol : {"hard", "partial", "soft"}, a name such as "top_k_only:20", "top_k:20" and "sampled:5", or Protocol
        What is revealed with each sample.
    S, A, n : int
        Number of inputs and of labels, at least 1, and of samples (visits), at least 0; hard labels: at most 10^15.
    progress : bool
        Whether to print lines of progress on standard error; hard labels may take seconds.

    Returns
    -------
    MinimaxRisk
        lower, upper, lower_end and upper_end (which statement gives the end, and whether it is proved, estimated or
        numerical), exact, instance (the least favourable teacher found, ready to simulate), student (the best one
        known) and note (the statements as one text).

    Raises
    ------
    ValueError
        For an unknown protocol, or sizes that are not whole numbers in range.
    OutOfReach
        For hard labels and n above 10^15.

    Notes
    -----
    Soft labels: exact, for all sizes. Partial soft labels: the lower end is the exact risk of SEL_ptl at one teacher,
    which bounds every student, since SEL_ptl is the best student against all relabellings of that teacher; the upper
    end is the tightest proved bound. Hard labels: a linear programme for small problems, Bayes risks
    beyond; a few seconds of one processor, up to twenty where a million cells or more have few samples each.
    Lists of the K most likely labels: the exact risk of equal shares at one teacher, and a bound over
    all, one number where the worst inputs are alike (`kt_theory.minimax.lists`).

    Examples
    --------
    >>> minimax_risk("soft", S=2, A=2, n=2).lower
    0.125
    >>> print(minimax_risk("partial", S=1, A=3, n=2))
    minimax risk, partial labels, S=1, A=3, n=2: = 0.125 (SEL_ptl)
    """
    found = resolve_protocol(protocol)
    if found.top and found == top_k_only(found.top):
        return minimax_lists(found.top, S, A, n)
    if found.name not in _BY_PROTOCOL and answers_for(found):
        return minimax_told(found, S, A, n)
    protocol = one_of_the_paper(protocol, "minimax_risk")
    shown = Lines(PAUSE) if checks.flag("progress", progress) else None
    if protocol != "hard":
        return _BY_PROTOCOL[protocol](S, A, n)
    risk = minimax_hard(S, A, n, shown)
    if 0 < risk.n < risk.S * risk.A:
        # A student that is given less cannot do better: with few samples the bound for partial soft labels is the
        # larger one.
        if shown is not None:
            shown("the worst teacher for partial soft labels")
        partial = minimax_partial(S, A, n)
        if partial.lower > risk.lower:
            lower = replace(
                partial.lower_end,
                statement="the exact risk of SEL_ptl at the instance, since partial soft labels reveal more",
            )
            return replace(risk, lower_end=lower, instance=partial.instance, remark="")
    return risk
