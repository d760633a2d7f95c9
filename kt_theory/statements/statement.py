"""What is said of a statement, once: where it is from, its words, its formulas, how far it is proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Whose statement it is."""

    PAPER = "paper"
    OURS = "ours"


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
    origin : Origin
    words, formula : str
        What it says, in a sentence and in symbols.
    regime : str
        Where it says anything.
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
    grade: Grade
    status: Status
    latex: str
    regime_latex: str
    mended_formula: str = ""
    mended_latex: str = ""
