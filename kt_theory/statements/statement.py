"""What is said of a statement, once: where it is from, its words, its formulas, how far it is proved."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any


class Origin(StrEnum):
    """Whose statement it is."""

    PAPER = "paper"
    OURS = "ours"
    YOURS = "yours"


class Grade(StrEnum):
    """What kind of statement it is."""

    EXACT = "exact"
    TIGHT = "tight"
    UPPER = "upper"
    LOWER = "lower"
    LIMIT = "limit"
    SLIP = "slip"
    CONJECTURE = "conjecture"
    OPEN = "open"


class Status(StrEnum):
    """How far it is proved, or what is wrong with it."""

    PUBLISHED = "published"
    PROVED = "proved"
    NUMERICAL = "numerical"
    CONJECTURED = "conjectured"
    EXPERIMENTAL = "experimental"
    FALSE = "false"
    VACUOUS = "vacuous"
    TOO_WEAK = "too weak"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """A statement without its numbers: the formula as a function is typed in `bounds`, `certificates` and `ledger`.

    Attributes
    ----------
    id : str
        Short name, such as "zz-3.2-mean".
    source : str
        Where it is stated or proved: "Z&Z Thm 3.2 (mean)", "ours, N8".
    theorem : str
        The result that it is a part of, or about: "Theorem 3.2", "N8a". Results of ours are those of the report. Empty
        for a statement that stands alone.
    origin : Origin
    words, formula : str
        What it says, in a sentence and in symbols.
    regime : str
        Where it applies.
    applies : callable or None
        The regime as a predicate, called by keyword with those variables that it is about; n may be an array of whole
        numbers. None where the regime is a limit, or not one of numbers.
    grade : Grade
    status : Status
    latex, regime_latex : str
        The formula and the regime for the report; words between formulas stay words.
    mended_formula, mended_latex : str
        Of a slip: the form that its proof gives; `formula` is the printed one.
    """

    id: str
    source: str
    origin: Origin
    words: str
    formula: str
    regime: str
    applies: Callable[..., Any] | None = None
    grade: Grade
    status: Status
    latex: str
    regime_latex: str
    theorem: str = ""
    mended_formula: str = ""
    mended_latex: str = ""

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """What the predicate is about."""
        return () if self.applies is None else tuple(inspect.signature(self.applies).parameters)

    def applies_at(self, **place: Any) -> Any:
        """Whether it applies at a place, given by name: all its variables, and what else there is.

        Raises
        ------
        ValueError
            If the regime is no predicate, or a variable of it is missing.
        """
        missing = [name for name in self.variables if name not in place]
        if self.applies is None or missing:
            of = "is no predicate" if self.applies is None else f"needs {', '.join(missing)}"
            raise ValueError(f"the regime of {self.id} {of}: {self.regime}")
        return self.applies(**{name: place[name] for name in self.variables})
