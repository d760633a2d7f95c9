"""The page: one HTML file on what was tried and what stands, for a reader who was not there.

It needs no network and no other file: its style and its script are inside, its pictures are SVG. Without JavaScript
everything is visible; with it the table can be searched, filtered and ordered. It holds no clock and no path of a
machine, so that the same command gives the same bytes. Whatever comes from a statement is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from kt_theory import __version__
from kt_theory.files import write_whole
from kt_theory.ledger.report.overview import legend, overview
from kt_theory.ledger.report.pictures import ratio_text
from kt_theory.ledger.report.sections import anchor, badge, link, section
from kt_theory.ledger.report.summary import evidence, group, many, summarise, surprises
from kt_theory.ledger.report.words import GROUPS
from kt_theory.ledger.statement import VERDICTS, Effort, Outcome
from kt_theory.ledger.verdicts import Verdict


def write_report(verdicts: Sequence[Verdict], tried: Effort, path: str | os.PathLike[str]) -> Path:
    """Write the page, whole or not at all."""
    text = page(verdicts, tried)
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def page(verdicts: Sequence[Verdict], tried: Effort) -> str:
    """The page as text."""
    style, script = (
        files("kt_theory.ledger.report").joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    script = f"\n{script}"  # as it stands between its tags
    # Nothing is loaded and no other script runs, whatever a statement says.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    policy += "; base-uri 'none'; form-action 'none'"
    summary = summarise(verdicts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
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
{overview(verdicts, summary, tried)}
</section>
<section aria-labelledby="legend">
<h2 id="legend">How to read this</h2>
{legend()}
</section>
<section aria-labelledby="statements">
<h2 id="statements">All statements</h2>
{_controls(verdicts)}
{_board(verdicts)}
</section>
<section aria-labelledby="details">
<h2 id="details">Statement by statement</h2>
{"".join(section(verdict, summary) for verdict in verdicts)}</section>
</main>
<footer>
<p>Written by kt_theory {escape(__version__)}, <code>kt-theory verify --report</code>. The same command gives the same
bytes.</p>
</footer>
<script>{script}</script>
</body>
</html>
"""


def _outcome(verdicts: Sequence[Verdict]) -> str:
    """The answer in a sentence, before anything else."""
    wrong = [(verdict, surprises(verdict)) for verdict in verdicts if not verdict.as_expected]
    if not wrong:
        return f'<div class="result"><p>✓ {_all_expected(verdicts)}</p></div>'
    items = "".join(f"<li>{link(verdict.statement)}: {escape('; '.join(reasons))}</li>" for verdict, reasons in wrong)
    count = f"{len(wrong)} of {many(len(verdicts), 'statement')}"
    return f'<div class="result surprise"><p><strong>✗ Not as expected: {count}.</strong></p><ul>{items}</ul></div>'


def _all_expected(verdicts: Sequence[Verdict]) -> str:
    tally = Counter(verdict.verdict for verdict in verdicts)
    stand = tally[Outcome.HOLDS] + tally[Outcome.PROVED_AT_POINTS]
    words = f"<strong>As expected.</strong> Of {many(len(verdicts), 'statement')}, {stand} "
    words += "stands" if stand == 1 else "stand"
    if refuted := tally[Outcome.REFUTED]:
        words += f"; {refuted} known to be false {'was' if refuted == 1 else 'were'} refuted again"
    for name in (Outcome.VACUOUS, Outcome.DOES_NOT_IMPLY):
        if tally[name]:
            words += f"; {tally[name]} with the verdict {name}, as {'it' if tally[name] == 1 else 'they'} should"
    if tally[Outcome.OPEN]:
        words += f"; {tally[Outcome.OPEN]} {'was' if tally[Outcome.OPEN] == 1 else 'were'} not tried"
    return words + "."


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
    return f"""<tr data-section="{anchor(statement)}" data-verdict="{tags}" data-group="{escape(group(statement))}"
 data-ratio="{order}"><th scope="row">{link(statement)}</th>
<td data-label="Source">{escape(statement.source)}</td>
<td class="words">{escape(statement.words)}</td>
<td data-label="Verdict">{badge(verdict)}</td>
<td class="number" data-label="Worst ratio">{ratio_text(ratio)}{"" if math.isnan(ratio) else meter}</td>
<td class="evidence" data-label="Evidence">{evidence(verdict)}{planted}</td></tr>
"""
