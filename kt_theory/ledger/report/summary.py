"""What follows from all verdicts together."""

from __future__ import annotations

import importlib.util
import math
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kt_theory import __version__
from kt_theory.ledger.statement import KINDS, Outcome, Statement
from kt_theory.ledger.verdicts import Verdict, unexpected
from kt_theory.showing import listed, shown
from kt_theory.statements import Origin


@dataclass(frozen=True)
class Summary:
    """What the verdicts say together.

    Attributes
    ----------
    verdicts : mapping of str to int
        Statements of each verdict.
    trials, statements : mapping of str to int
        Trials of each kind of evidence, and statements that have any.
    planted, caught : int
        Planted errors, and how many were found.
    survivors : tuple of (str, str)
        Id of the statement, and the words of a planted error that was not found.
    slips, mended : int
        Slips of print, and how many of their mended forms hold.
    false_alarm : float
        Bound on the probability that any true statement is refuted by bad luck.
    certified : bool
        Whether certified evidence could be gathered: python-flint is there.
    """

    verdicts: Counter[str]
    trials: Counter[str]
    statements: Counter[str]
    planted: int
    caught: int
    survivors: tuple[tuple[str, str], ...]
    slips: int
    mended: int
    false_alarm: float
    certified: bool

    @property
    def mutation_score(self) -> float:
        """The share of the planted errors that were found; NaN if none were planted."""
        return self.caught / self.planted if self.planted else math.nan


def summarise(verdicts: Sequence[Verdict]) -> Summary:
    """Count."""
    slips = [verdict for verdict in verdicts if verdict.mended is not None]
    return Summary(
        Counter(verdict.verdict for verdict in verdicts),
        sum((verdict.counts for verdict in verdicts), Counter()),
        Counter(kind for verdict in verdicts for kind in KINDS if verdict.counts[kind]),
        sum(verdict.planted for verdict in verdicts),
        sum(verdict.caught for verdict in verdicts),
        tuple((verdict.statement.id, words) for verdict in verdicts for words in verdict.survivors),
        len(slips),
        sum(bool(verdict.mended) for verdict in slips),
        math.fsum(verdict.alarm for verdict in verdicts),
        importlib.util.find_spec("flint") is not None,
    )


def versions() -> dict[str, str | None]:
    """What was run, by name; None for what is absent."""
    try:
        flint = importlib.metadata.version("python-flint")
    except importlib.metadata.PackageNotFoundError:
        flint = None
    return {
        "kt_theory": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "python-flint": flint,
    }


def surprises(verdict: Verdict) -> list[str]:
    """Why a verdict is not the expected one, in words; empty if it is."""
    found = []
    if verdict.verdict not in verdict.statement.expected:
        found.append(f"{verdict.verdict}, where {' or '.join(verdict.statement.expected)} was expected")
    if verdict.mended is False:
        found.append("its mended form fails, too")
    return found + [f"planted error not found: {words}" for words in verdict.survivors]


#: How many statements a failure names before the rest is only counted.
NAMED = 6


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """What all verdicts come to in one line, which begins with PASS or FAIL.

    Only what is as expected is counted after that: what stands, what is known to be false and was refuted again, what
    is known to be vacuous or too weak and was seen to be so again, and what was not tried.
    """
    tally = Counter(verdict.verdict for verdict in verdicts if verdict.as_expected)
    stand = tally[Outcome.HOLDS] + tally[Outcome.PROVED_AT_POINTS]
    parts = [f"{many(stand, 'statement')} {'stands' if stand == 1 else 'stand'}"]
    for outcome, one, more in (
        (Outcome.REFUTED, "known false one was caught again", "known false ones were caught again"),
        (Outcome.VACUOUS, "vacuous one was found again", "vacuous ones were found again"),
        (Outcome.DOES_NOT_IMPLY, "too weak one was found again", "too weak ones were found again"),
        (Outcome.OPEN, "has no model yet", "have no model yet"),
    ):
        if tally[outcome]:
            parts.append(f"{tally[outcome]} {one if tally[outcome] == 1 else more}")
    wrong = unexpected(verdicts)
    if not wrong:
        return f"PASS: {', '.join(parts)}"
    named = listed((shown(verdict.statement.id) for verdict in wrong), len(wrong), NAMED)
    return f"FAIL: {len(wrong)} of {many(len(verdicts), 'statement')} not as expected ({named}); {', '.join(parts)}"


def evidence(verdict: Verdict) -> str:
    """Trials by kind, in words."""
    return ", ".join(f"{verdict.counts[kind]:,} {kind}" for kind in KINDS if verdict.counts[kind]) or "none"


def group(statement: Statement) -> str:
    """Where a statement comes from: one of `GROUPS`."""
    if statement.origin == Origin.YOURS:
        return "yours"
    if statement.grade == "slip":
        return "slips"
    if statement.grade in ("conjecture", "open") or statement.status in ("conjectured", "open"):
        return "conjectures"
    return "Z&Z" if statement.origin == Origin.PAPER else "ours"


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
