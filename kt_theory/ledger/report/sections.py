"""A statement on the page: a line, and behind it all that was found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from kt_theory.ledger.report.links import Project
from kt_theory.ledger.report.mathml import typeset
from kt_theory.ledger.report.pictures import ledger_panels, ratio_text
from kt_theory.ledger.report.summary import Summary, evidence, group, many, surprises
from kt_theory.ledger.report.words import GRADE_WORDS, NOT_CERTIFIED, SIGNS, STATUS_WORDS
from kt_theory.ledger.statement import FAULTS, Outcome, PlantedError, Statement
from kt_theory.ledger.verdicts import Verdict


def anchor(statement: Statement) -> str:
    """The id of the section of a statement: an id of one's own may hold blanks, which HTML does not allow there."""
    return "statement-" + quote(statement.id, safe="()")


def link(statement: Statement, name: str = "") -> str:
    return f'<a href="#{quote(anchor(statement), safe="()")}">{escape(name or statement.id)}</a>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of names and what they are; the latter is HTML."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{fact}</dd>\n" for name, fact in pairs)
    return f'<dl class="facts">\n{items}</dl>'


def badge(verdict: Verdict) -> str:
    looks, aside = "", ""
    if not verdict.as_expected:
        looks, aside = " surprise", "not as expected"
    elif verdict.verdict in FAULTS.values():
        looks, aside = " slip", "as expected"
    elif verdict.verdict in (Outcome.OPEN, Outcome.NOT_APPLICABLE):
        looks = " silent"
    small = f" <small>({aside})</small>" if aside else ""
    return f'<span class="verdict{looks}">{SIGNS[verdict.verdict]} {verdict.verdict}{small}</span>'


def says(statement: Statement) -> str:
    """Its formula, typeset where it is known as LaTeX; of a slip the mended form."""
    about = statement.about
    if about is None:
        return _formula(statement.mended_formula or statement.formula, "")
    return _formula(statement.mended_formula or statement.formula, about.mended_latex or about.latex)


def entry(verdict: Verdict, summary: Summary, project: Project) -> str:
    """A statement as a line that opens: what was tried, what was found, the planted errors, the pictures."""
    statement = verdict.statement
    found = [
        ("source", escape(statement.source)),
        *_formulas(statement),
        ("regime", _formula(statement.regime, statement.about.regime_latex if statement.about else "")),
        ("grade", _glossed(statement.grade, GRADE_WORDS)),
        ("status", _glossed(statement.status, STATUS_WORDS)),
        ("evidence", _evidence(verdict, summary)),
        *_found(verdict),
        ("note", escape(statement.note)),
        ("proof", project.proof(statement)),
        ("code", project.code(statement)),
        ("tests", project.tests(statement)),
    ]
    wrong = "".join(f'<p class="missed">✗ Not as expected: {escape(words)}.</p>' for words in surprises(verdict))
    ratio = math.nan if verdict.worst is None else verdict.worst.ratio
    order = "" if math.isnan(ratio) else "Infinity" if math.isinf(ratio) else repr(float(ratio))
    tags = verdict.verdict if verdict.as_expected else f"{verdict.verdict}|unexpected"
    planted = " ".join(error.words for error in statement.planted)
    sought = [statement.id, statement.theorem, statement.source, statement.words, statement.formula, statement.note]
    return f"""<details class="statement" id="{anchor(statement)}" data-verdict="{tags}"
 data-group="{escape(group(statement))}" data-ratio="{order}" data-sought="{escape(" ".join([*sought, planted]))}">
<summary><b class="id">{escape(statement.id)}</b><span class="words">{escape(statement.words)}</span>
{badge(verdict)}<span class="number"><span class="aside">ratio </span>{ratio_text(ratio)}</span></summary>
<div class="body"><div>
{wrong}{facts((name, fact) for name, fact in found if fact)}
{_planted(verdict)}</div>
{_figure(verdict)}</div></details>
"""


def _evidence(verdict: Verdict, summary: Summary) -> str:
    silent = f"; {many(verdict.silent, 'trial')} outside the regime" if verdict.silent else ""
    lacking = verdict.statement.certificates and not summary.certified
    return f"{evidence(verdict)}{silent}{'. ' + NOT_CERTIFIED if lacking else ''}"


def _glossed(word: str, words: dict[str, str]) -> str:
    return f"{escape(word)} ({escape(words[word])})" if word in words else escape(word)


def _formulas(statement: Statement) -> list[tuple[str, str]]:
    """What it says in symbols; of a slip, as printed and as mended."""
    latex, mended = (statement.about.latex, statement.about.mended_latex) if statement.about else ("", "")
    if statement.mended_formula:
        return [
            ("as printed", _formula(statement.formula, latex)),
            ("mended", _formula(statement.mended_formula, mended)),
        ]
    return [("formula", _formula(statement.formula, latex))]


def _formula(plain: str, latex: str) -> str:
    """A formula typeset; as plain text where it has no LaTeX, or LaTeX that is not understood."""
    if not latex:
        return f'<span class="formula">{escape(plain)}</span>' if plain else ""
    try:
        return typeset(latex)
    except ValueError:
        return f'<span class="formula">{escape(plain)}</span>'


def _found(verdict: Verdict) -> list[tuple[str, str]]:
    """The worst place; of a slip, what became of both of its forms."""
    if verdict.mended is None:
        return [("witness" if verdict.verdict in FAULTS.values() else "worst place", _worst(verdict))]
    printed = f"{SIGNS[verdict.verdict]} {verdict.verdict}: {_worst(verdict)}"
    mended = "✓ holds under the same attacks" if verdict.mended else '<span class="missed">✗ fails, too</span>'
    return [("printed form", printed), ("mended form", mended)]


def _worst(verdict: Verdict) -> str:
    worst = verdict.worst
    if worst is None:
        return "none: nothing was tried" if verdict.verdict == Outcome.OPEN else "none: no trial in the regime"
    error = f", known to {worst.error:.1g}" if worst.error else ""
    sides = f"{worst.lhs:.6g} against {worst.rhs:.6g}{error}, ratio {ratio_text(worst.ratio)}"
    return f"{escape(worst.where)}: {sides} ({escape(worst.kind)})"


def _planted(verdict: Verdict) -> str:
    statement = verdict.statement
    if not statement.planted:
        return ""
    # A faulty statement counts as a planted error itself, whether its planted errors were tried or not.
    untried = verdict.planted == statement.faulty

    def item(error: PlantedError) -> str:
        words = escape(error.words)
        if untried:
            return f'<li class="untried"><b>– not tried</b>{words}</li>'
        if error.words in verdict.survivors:
            return f'<li class="missed"><b>✗ not found</b>{words}</li>'
        return f"<li><b>✓ {error.verdict}</b>{words}</li>"

    return f'<h4>Planted errors</h4>\n<ul class="planted">{"".join(item(error) for error in statement.planted)}</ul>\n'


#: What the two sides are, for the grades whose form says so.
SIDES: dict[str, tuple[str, str]] = {
    "upper": ("the worst found", "the bound"),
    "lower": ("the bound", "the least known to be reached"),
}


def _figure(verdict: Verdict) -> str:
    names = SIDES.get(verdict.statement.grade, ("left side", "right side"))
    drawn = ledger_panels(verdict.curve, names)
    if not drawn:
        return ""
    caption = f"Markers: {names[0]}. Line: {names[1]}."
    return f'<figure><div class="panels">{drawn}</div><figcaption>{caption}</figcaption></figure>\n'
