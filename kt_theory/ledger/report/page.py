"""The page: one HTML file on what was tried and what stands, for a reader who was not there.

It needs no network and no other file: its style and its script are inside, its pictures are SVG, its formulas MathML.
Statements are folded by theorem; without JavaScript the folds open by hand, with it they can be searched, filtered and
ordered, and the address keeps how. It holds no clock and no path of a machine, so that the same command gives the same
bytes. Whatever comes from a statement is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from kt_theory import __version__
from kt_theory.files import write_whole
from kt_theory.ledger.report.folds import folds, headlines
from kt_theory.ledger.report.links import NOWHERE, Project
from kt_theory.ledger.report.overview import legend, overview
from kt_theory.ledger.report.sections import link
from kt_theory.ledger.report.summary import conclusion, group, summarise, surprises
from kt_theory.ledger.report.words import GROUPS
from kt_theory.ledger.statement import VERDICTS, Effort
from kt_theory.ledger.verdicts import Verdict, unexpected


def write_report(verdicts: Sequence[Verdict], tried: Effort, path: str | os.PathLike[str]) -> Path:
    """Write the page, whole or not at all."""
    text = page(verdicts, tried, Project.around(path))
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8", newline="\n"))


def page(verdicts: Sequence[Verdict], tried: Effort, project: Project = NOWHERE) -> str:
    """The page as text; its links lead into `project`."""
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
</header>
<main>
{_controls(verdicts)}
<p id="nothing" role="status" hidden>No statement matches. <button type="button" id="clear">Show all</button></p>
{headlines(verdicts)}<section id="statements" aria-labelledby="statements-title">
<h2 id="statements-title">All statements, by theorem</h2>
<p class="quiet">Ratio: the largest lhs / rhs that was met; 1 = attained, above 1 = broken.</p>
<div id="flat"></div>
{folds(verdicts, summary, project)}</section>
<details class="more" id="summary"><summary><h2>What was tried, in numbers</h2></summary>
{overview(verdicts, summary, tried)}
</details>
<details class="more" id="legend"><summary><h2>How to read this</h2></summary>
{legend()}
</details>
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
    wrong = [(verdict, surprises(verdict)) for verdict in unexpected(verdicts)]
    head, _, rest = conclusion(verdicts).partition(": ")
    line = f"<p><strong>{'✗' if wrong else '✓'} {head}.</strong> {escape(rest[:1].upper() + rest[1:])}.</p>"
    items = "".join(f"<li>{link(verdict.statement)}: {escape('; '.join(reasons))}</li>" for verdict, reasons in wrong)
    return f'<div class="result{" surprise" if wrong else ""}">{line}{f"<ul>{items}</ul>" if items else ""}</div>'


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
