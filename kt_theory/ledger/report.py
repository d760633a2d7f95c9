"""The report: one HTML page on what was tried and what stands, for a reader who was not there.

The page needs no network and no other file: its style and its script are inside, its pictures are SVG. Without
JavaScript everything is visible; with it the table can be searched, filtered and ordered. It holds no clock and no path
of a machine, so that the same command gives the same bytes. Whatever comes from a statement is escaped.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import numpy as np

from kt_theory import __version__
from kt_theory.files import write_whole
from kt_theory.ledger.panels import SHAPES, ledger_panels, ratio_text
from kt_theory.ledger.statement import KINDS, VERDICTS, Effort, Statement
from kt_theory.ledger.verdicts import Verdict

#: What the probability of a false alarm of the whole ledger should stay below.
ALARM_LIMIT = 1e-6

#: Said wherever evidence is counted, lest a 0 be read as a failure.
NOT_CERTIFIED = "Certified evidence was not gathered: python-flint is absent (extra exact)."

#: Where a statement comes from, in the order of the filter.
GROUPS = {
    "Z&Z": "Z&Z, the paper",
    "ours": "ours",
    "slips": "slips of print",
    "conjectures": "conjectures, open questions",
}

#: A sign for each verdict, so that it is not told by colour alone.
SIGNS = {"proved at points": "◆", "holds": "✓", "refuted": "✗", "open": "?", "not applicable": "–"}

#: The legend, in plain words.
VERDICT_WORDS = {
    "proved at points": "Every trial held, and at some places the comparison was made in ball arithmetic, which says "
    "yes only when that is certain, rounding included. Elsewhere it is tried, not proved.",
    "holds": "Every trial held. That is evidence, and no proof.",
    "refuted": "At one place at least the statement is false, by more than every error that the comparison can have. "
    "The place is given.",
    "open": "Nothing was tried: the package lacks what the statement is about.",
    "not applicable": "No trial fell where the statement says anything.",
}
GRADE_WORDS = {
    "exact": "an equality",
    "tight": "an inequality that is attained somewhere",
    "upper": "an upper bound",
    "lower": "a lower bound",
    "limit": "a limit, as the number of samples grows",
    "slip": "the printed form of a statement whose own proof gives another, the mended form",
    "conjecture": "said to be so, without a proof",
    "open": "a question",
}
STATUS_WORDS = {
    "published": "proved in the paper",
    "proved": "proved in this project",
    "numerical": "found by numerical search, and not proved",
    "conjectured": "neither proved nor computed to the end",
    "false": "known to be false: the ledger must find the counterexample again",
    "open": "not settled",
}
KIND_WORDS = {
    "exact": "both sides computed without simulation",
    "certified": "decided in ball arithmetic (needs python-flint)",
    "search": "computed, at a problem that hill climbing made as bad as it could",
    "simulation": "a one-sided confidence limit from repeated draws",
    "algebra": "a comparison of formulas",
}


# --- What follows from all verdicts together ------------------------------------------------------------------


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
        found.append("its mended form is refuted, too")
    return found + [f"planted error not found: {words}" for words in verdict.survivors]


def evidence(verdict: Verdict) -> str:
    """Trials by kind, in words."""
    return ", ".join(f"{verdict.counts[kind]:,} {kind}" for kind in KINDS if verdict.counts[kind]) or "none"


def group(statement: Statement) -> str:
    """Where a statement comes from: one of `GROUPS`."""
    if statement.grade == "slip":
        return "slips"
    if statement.grade in ("conjecture", "open") or statement.status in ("conjectured", "open"):
        return "conjectures"
    return "Z&Z" if statement.source.startswith("Z&Z") else "ours"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# --- In the terminal ------------------------------------------------------------------------------------------

#: How many letters of a place the table has room for.
PLACE = 48


def as_text(verdicts: Sequence[Verdict]) -> str:
    """The table of the verdicts and what follows from them together, for a terminal of 160 columns."""
    kinds = ["exact", "cert.", "search", "sim.", "algebra"]
    table = [["statement", "verdict", "ratio", "worst place", *kinds, "caught", "seconds"]]
    for verdict in verdicts:
        worst = verdict.worst
        table.append(
            [
                verdict.statement.id,
                f"{verdict.verdict}{'' if verdict.as_expected else ' (!)'}",
                "-" if worst is None else ratio_text(worst.ratio),
                "-" if worst is None else _cut(worst.where, PLACE),
                *(str(verdict.counts[kind] or "-") for kind in KINDS),
                f"{verdict.caught}/{verdict.planted}" if verdict.planted else "-",
                f"{verdict.seconds:.2f}",
            ]
        )
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    to_left = (0, 1, 3)
    lines = [
        "  ".join(word.ljust(width) if i in to_left else word.rjust(width) for i, (word, width) in enumerate(row))
        for row in ([*zip(row, widths, strict=True)] for row in table)
    ]
    return "\n".join([*lines, "", *_summary_lines(verdicts, summarise(verdicts))])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _summary_lines(verdicts: Sequence[Verdict], summary: Summary) -> list[str]:
    tally = ", ".join(f"{summary.verdicts[name]} {name}" for name in VERDICTS if summary.verdicts[name])
    expected = sum(verdict.as_expected for verdict in verdicts)
    lines = [
        f"{_many(len(verdicts), 'statement')}: {tally}; {expected} of {len(verdicts)} as expected",
        "statements with evidence: " + ", ".join(f"{kind} {summary.statements[kind]}" for kind in KINDS),
    ]
    if not summary.certified:
        lines.append(NOT_CERTIFIED)
    if summary.slips:
        lines.append(f"slips of print: {summary.slips}; their mended forms that hold: {summary.mended}")
    if summary.planted:
        lines.append(f"planted errors: {summary.caught} of {summary.planted} caught ({summary.mutation_score:.1%})")
    within = "within" if summary.false_alarm <= ALARM_LIMIT else "ABOVE"
    lines.append(f"probability of a false alarm: at most {summary.false_alarm:.2g}, {within} the limit {ALARM_LIMIT:g}")
    return lines


# --- The page -------------------------------------------------------------------------------------------------


def write_report(verdicts: Sequence[Verdict], tried: Effort, path: str | os.PathLike[str]) -> Path:
    """Write the page, whole or not at all."""
    text = page(verdicts, tried)
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def page(verdicts: Sequence[Verdict], tried: Effort) -> str:
    """The page as text."""
    style, script = (files("kt_theory.ledger").joinpath(f"report.{kind}").read_text("utf-8") for kind in ("css", "js"))
    summary = summarise(verdicts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The ledger of kt_theory: what was tried, and what stands</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header>
<h1>The ledger of kt_theory: what was tried, and what stands</h1>
<p>The theory of knowledge transfer over finite domains, statement by statement: how fast a student learns a teacher's
table from labels, from the probability of the sampled label, or from whole distributions. Each statement was attacked
by a program that looks for a place where it is false. Z&amp;Z is Zhao and Zhu, <cite>Towards the Fundamental Limits of
Knowledge Transfer over Finite Domains</cite>, ICLR 2024.</p>
{_outcome(verdicts)}
<nav aria-label="Contents"><ul>
<li><a href="#summary">Summary</a></li>
<li><a href="#legend">How to read this</a></li>
<li><a href="#statements">All statements</a></li>
<li><a href="#details">Statement by statement</a></li>
</ul></nav>
</header>
<main>
<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
{_summary(verdicts, summary, tried)}
</section>
<section aria-labelledby="legend">
<h2 id="legend">How to read this</h2>
{_legend()}
</section>
<section aria-labelledby="statements">
<h2 id="statements">All statements</h2>
{_controls(verdicts)}
{_board(verdicts)}
</section>
<section aria-labelledby="details">
<h2 id="details">Statement by statement</h2>
{"".join(_section(verdict, summary) for verdict in verdicts)}</section>
</main>
<footer>
<p>Written by kt_theory {escape(__version__)}, <code>kt-theory verify --report</code>. The same command gives the same
bytes.</p>
</footer>
<script>
{script}</script>
</body>
</html>
"""


def _outcome(verdicts: Sequence[Verdict]) -> str:
    """The answer in a sentence, before anything else."""
    wrong = [(verdict, surprises(verdict)) for verdict in verdicts if not verdict.as_expected]
    if not wrong:
        return f'<div class="result"><p>✓ {_all_expected(verdicts)}</p></div>'
    items = "".join(f"<li>{_link(verdict.statement)}: {escape('; '.join(reasons))}</li>" for verdict, reasons in wrong)
    count = f"{len(wrong)} of {_many(len(verdicts), 'statement')}"
    return f'<div class="result surprise"><p><strong>✗ Not as expected: {count}.</strong></p><ul>{items}</ul></div>'


def _all_expected(verdicts: Sequence[Verdict]) -> str:
    tally = Counter(verdict.verdict for verdict in verdicts)
    stand = tally["holds"] + tally["proved at points"]
    words = f"<strong>As expected.</strong> Of {_many(len(verdicts), 'statement')}, {stand} "
    words += "stands" if stand == 1 else "stand"
    if tally["refuted"]:
        words += f"; {tally['refuted']} known to be false {'was' if tally['refuted'] == 1 else 'were'} refuted again"
    if tally["open"]:
        words += f"; {tally['open']} {'was' if tally['open'] == 1 else 'were'} not tried"
    return words + "."


def _anchor(statement: Statement) -> str:
    """The id of the section of a statement: an id of one's own may hold blanks, which HTML does not allow there."""
    return "statement-" + quote(statement.id, safe="()")


def _link(statement: Statement) -> str:
    return f'<a href="#{quote(_anchor(statement), safe="()")}">{escape(statement.id)}</a>'


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of names and what they are; the latter is HTML."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{fact}</dd>\n" for name, fact in pairs)
    return f'<dl class="facts">\n{items}</dl>'


# --- Summary and legend ---------------------------------------------------------------------------------------


def _summary(verdicts: Sequence[Verdict], summary: Summary, tried: Effort) -> str:
    found = {name: "absent" if version is None else version for name, version in versions().items()}
    run = _facts(
        [
            ("level", escape(tried.level)),
            ("seed", str(tried.seed)),
            ("effort", f"{tried.problems} random problems a size, hill climbs of {tried.steps:,} steps from "
             f"{_many(tried.starts, 'random start')}, {tried.reps:,} repeats of a simulation, "
             f"{tried.certificates} certified places a statement"),
            *((name, escape(version)) for name, version in found.items()),
        ]
    )  # fmt: skip
    by_verdict = _facts(
        (f"{SIGNS[name]} {name}", str(summary.verdicts[name])) for name in VERDICTS if summary.verdicts[name]
    )
    if summary.slips:
        by_verdict += f"<p>Slips of print: {summary.slips}; their mended forms that hold: {summary.mended}.</p>"
    cards = [
        ("Statements by verdict", by_verdict),
        ("Trials by kind of evidence", _kinds_table(summary)),
        ("Planted errors", _planted_card(summary)),
        ("False alarm", _luck_card(summary)),
        ("What was run", run),
    ]
    inner = "\n".join(f'<div class="card"><h3>{title}</h3>{text}</div>' for title, text in cards)
    return f'<div class="cards">\n{inner}\n</div>'


def _kinds_table(summary: Summary) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_key(kind)} {kind}</th><td class="number">{summary.trials[kind]:,}</td>'
        f'<td class="number">{summary.statements[kind]}</td></tr>\n'
        for kind in KINDS
    )
    table = f"""<table>
<thead><tr><th scope="col">kind</th><th scope="col" class="number">trials</th>
<th scope="col" class="number">statements</th></tr></thead>
<tbody>
{rows}</tbody>
</table>"""
    return table if summary.certified else f"{table}\n<p><strong>{NOT_CERTIFIED}</strong></p>"


def _planted_card(summary: Summary) -> str:
    if not summary.planted:
        return "<p>None were tried in this run.</p>"
    text = f"<p>{summary.caught} of {summary.planted} were found ({summary.mutation_score:.1%}).</p>"
    if summary.survivors:
        items = "".join(f"<li>{escape(id)}: {escape(words)}</li>" for id, words in summary.survivors)
        return f'{text}<p class="missed">✗ Not found:</p><ul>{items}</ul>'
    return (
        text
        + "<p>What is known to be false, and what was planted to be, the same attacks must refute: all of it was.</p>"
    )


def _luck_card(summary: Summary) -> str:
    within = summary.false_alarm <= ALARM_LIMIT
    return (
        f"<p>The probability that simulation refutes any true statement is at most {summary.false_alarm:.2g}: "
        f"{'✓ within' if within else '✗ above'} the limit of {ALARM_LIMIT:g} for the whole ledger.</p>"
    )


def _key(kind: str) -> str:
    """The marker of a kind of evidence, as the plots have it."""
    return (
        f'<svg class="key" viewBox="0 0 26 12" aria-hidden="true"><path class="point {kind}" '
        f'd="M13 6{SHAPES[kind]}"/></svg>'
    )


def _legend() -> str:
    def words(pairs: Iterable[tuple[str, str]]) -> str:
        return "<dl>" + "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>\n" for name, text in pairs) + "</dl>"

    ratio = """<p>Every statement is brought to the form lhs &le; rhs. An upper bound has the risk on the left and
itself on the right; a lower bound has itself on the left and the risk that a student reaches on the right; an equality
has the distance of its two sides on the left and what rounding explains on the right.</p>
<p>The <strong>ratio</strong> is lhs / rhs: 1 = attained, nothing to spare; above 1 = broken; 0.5 = a factor of 2 to
spare. The worst ratio is the largest that any trial met, and the worst place is where.</p>"""
    plots = """<p>First panel: both sides at each n, on logarithmic axes; the <svg class="key" viewBox="0 0 26 12"
aria-hidden="true"><path class="bound" d="M1 6h24"/></svg> line is rhs, the markers are lhs. Second panel: their ratio,
with a dashed line at 1. At each n the place of the largest ratio is shown, so that neighbours may be different
problems. The shape of a marker is its kind of evidence. On an edge, or hollow: a value that is 0, infinite or out of
sight. Point at a marker for its place.</p>"""
    planted = """<p>A test that cannot fail proves nothing. So each statement has planted errors beside it, with a wrong
constant, a wrong exponent or a dropped condition, which the same attacks must refute.</p>"""
    boxes = [
        ("Verdicts", words((f"{SIGNS[name]} {name}", text) for name, text in VERDICT_WORDS.items())),
        ("Grades: what kind of statement", words(GRADE_WORDS.items())),
        ("Statuses: why it is believed", words(STATUS_WORDS.items())),
        ("Evidence", words((f"{_key(kind)} {kind}", text) for kind, text in KIND_WORDS.items())),
        ("The ratio", ratio),
        ("The plots", plots),
        ("Planted errors", planted),
    ]
    inner = "\n".join(f'<div class="card"><h3>{title}</h3>{text}</div>' for title, text in boxes)
    return f'<div class="cards legend">\n{inner}\n</div>'


# --- The table of all statements ------------------------------------------------------------------------------


def _controls(verdicts: Sequence[Verdict]) -> str:
    by_verdict = Counter(verdict.verdict for verdict in verdicts)
    by_group = Counter(group(verdict.statement) for verdict in verdicts)
    wrong = sum(not verdict.as_expected for verdict in verdicts)
    verdict_options = [("", "all")] + [(name, f"{name} ({by_verdict[name]})") for name in VERDICTS if by_verdict[name]]
    verdict_options += [("unexpected", f"not as expected ({wrong})")]
    group_options = [("", "all")] + [
        (name, f"{words} ({by_group[name]})") for name, words in GROUPS.items() if by_group[name]
    ]
    orders = [("", "as in the ledger"), ("high", "largest ratio first"), ("low", "smallest ratio first")]
    return f"""<div id="controls" role="search" aria-label="Filter and order the statements" hidden>
<div><label for="search">Search</label>
<input id="search" type="search" autocomplete="off" spellcheck="false"></div>
{_select("verdict", "Verdict", verdict_options)}
{_select("group", "Source", group_options)}
{_select("order", "Order", orders)}
<output id="shown" for="search verdict group"></output>
</div>"""


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    inner = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<div><label for="{name}">{label}</label>\n<select id="{name}">{inner}</select></div>'


def _board(verdicts: Sequence[Verdict]) -> str:
    rows = "".join(_row(verdict) for verdict in verdicts)
    return f"""<table id="board">
<caption>Worst ratio: the largest lhs / rhs met; 1 = attained, above 1 = broken.</caption>
<thead><tr><th scope="col">Statement</th><th scope="col">Source</th><th scope="col">What it says</th>
<th scope="col">Verdict</th><th scope="col" class="number" id="ratio-head">Worst ratio</th>
<th scope="col">Evidence (trials)</th></tr></thead>
<tbody>
{rows}</tbody>
</table>"""


def _row(verdict: Verdict) -> str:
    statement = verdict.statement
    ratio = math.nan if verdict.worst is None else verdict.worst.ratio
    order = "" if math.isnan(ratio) else "Infinity" if math.isinf(ratio) else repr(float(ratio))
    tags = verdict.verdict if verdict.as_expected else f"{verdict.verdict}|unexpected"
    planted = f"<br>planted errors: {verdict.caught} of {verdict.planted}" if verdict.planted else ""
    meter = f'<span class="meter" aria-hidden="true"><i style="width:{100 * min(ratio, 1):.0f}%"></i></span>'
    return f"""<tr data-section="{_anchor(statement)}" data-verdict="{tags}" data-group="{escape(group(statement))}"
 data-ratio="{order}"><th scope="row">{_link(statement)}</th>
<td data-label="Source">{escape(statement.source)}</td>
<td class="words">{escape(statement.words)}</td>
<td data-label="Verdict">{_badge(verdict)}</td>
<td class="number" data-label="Worst ratio">{ratio_text(ratio)}{"" if math.isnan(ratio) else meter}</td>
<td class="evidence" data-label="Evidence">{evidence(verdict)}{planted}</td></tr>
"""


def _badge(verdict: Verdict) -> str:
    looks, aside = "", ""
    if not verdict.as_expected:
        looks, aside = " surprise", "not as expected"
    elif verdict.verdict == "refuted":
        looks, aside = " slip", "as expected"
    elif verdict.verdict in ("open", "not applicable"):
        looks = " silent"
    small = f" <small>({aside})</small>" if aside else ""
    return f'<span class="verdict{looks}">{SIGNS[verdict.verdict]} {verdict.verdict}{small}</span>'


# --- One statement --------------------------------------------------------------------------------------------


def _section(verdict: Verdict, summary: Summary) -> str:
    statement = verdict.statement
    anchor = _anchor(statement)
    facts = [
        ("source", escape(statement.source)),
        ("formula", f'<span class="formula">{escape(statement.formula)}</span>'),
        ("regime", escape(statement.regime)),
        ("grade", _glossed(statement.grade, GRADE_WORDS)),
        ("status", _glossed(statement.status, STATUS_WORDS)),
        ("evidence", _evidence(verdict, summary)),
        *_found(verdict),
    ]
    if statement.note:
        facts.append(("note", escape(statement.note)))
    wrong = "".join(f'<p class="missed">✗ Not as expected: {escape(words)}.</p>' for words in surprises(verdict))
    return f"""<article class="statement" id="{anchor}" aria-labelledby="{anchor}-title">
<header><h3 id="{anchor}-title">{escape(statement.id)}</h3>{_badge(verdict)}</header>
<div class="body"><div>
<p>{escape(statement.words)}</p>
{wrong}{_facts(facts)}
{_planted(verdict)}</div>
{_figure(verdict)}</div></article>
"""


def _evidence(verdict: Verdict, summary: Summary) -> str:
    silent = f"; {_many(verdict.silent, 'trial')} outside the regime" if verdict.silent else ""
    lacking = verdict.statement.certificates and not summary.certified
    return f"{evidence(verdict)}{silent}{'. ' + NOT_CERTIFIED if lacking else ''}"


def _glossed(word: str, words: dict[str, str]) -> str:
    return f"{escape(word)} ({escape(words[word])})" if word in words else escape(word)


def _found(verdict: Verdict) -> list[tuple[str, str]]:
    """The worst place; of a slip, what became of both of its forms."""
    if verdict.mended is None:
        return [("witness" if verdict.verdict == "refuted" else "worst place", _worst(verdict))]
    printed = f"{SIGNS[verdict.verdict]} {verdict.verdict}: {_worst(verdict)}"
    mended = "✓ holds under the same attacks" if verdict.mended else '<span class="missed">✗ refuted, too</span>'
    return [("printed form", printed), ("mended form", mended)]


def _worst(verdict: Verdict) -> str:
    worst = verdict.worst
    if worst is None:
        return "none: nothing was tried" if verdict.verdict == "open" else "none: no trial in the regime"
    error = f", known to {worst.error:.1g}" if worst.error else ""
    sides = f"{worst.lhs:.6g} against {worst.rhs:.6g}{error}, ratio {ratio_text(worst.ratio)}"
    return f"{escape(worst.where)}: {sides} ({escape(worst.kind)})"


def _planted(verdict: Verdict) -> str:
    statement = verdict.statement
    if not statement.twins:
        return ""
    # A false statement counts as a planted error itself, whether its twins were tried or not.
    untried = verdict.planted == (statement.status == "false")

    def item(words: str) -> str:
        if untried:
            return f'<li class="untried"><b>– not tried</b>{escape(words)}</li>'
        if words in verdict.survivors:
            return f'<li class="missed"><b>✗ not found</b>{escape(words)}</li>'
        return f"<li><b>✓ refuted</b>{escape(words)}</li>"

    return (
        f'<h4>Planted errors</h4>\n<ul class="planted">{"".join(item(twin.words) for twin in statement.twins)}</ul>\n'
    )


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
