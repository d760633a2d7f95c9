"""The statements on the page: the headlines, then all of them, folded by theorem."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from html import escape

from kt_theory.ledger.report.links import Project
from kt_theory.ledger.report.pictures import ratio_text
from kt_theory.ledger.report.sections import badge, entry, link, says
from kt_theory.ledger.report.summary import Summary, many
from kt_theory.ledger.report.words import HEADLINES, PARTS, SIGNS
from kt_theory.ledger.statement import VERDICTS
from kt_theory.ledger.verdicts import Verdict

#: Up to so many statements nothing is folded.
OPEN_UP_TO = 12


def headlines(verdicts: Sequence[Verdict]) -> str:
    """The results to see first, those of them that were tried; nothing if that is all there is to see."""
    by_id = {verdict.statement.id: verdict for verdict in verdicts if verdict.statement.about}
    found = [by_id[id] for id in HEADLINES if id in by_id]
    if not found or len(verdicts) <= OPEN_UP_TO:
        return ""
    rows = "".join(_headline(verdict) for verdict in found)
    return f"""<section id="headlines" aria-labelledby="headlines-title">
<h2 id="headlines-title">{many(len(found), "result")} to see first</h2>
<table class="headlines">
<thead><tr><th scope="col">Result</th><th scope="col">What it says</th><th scope="col">Verdict</th>
<th scope="col" class="number">Worst ratio</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
</section>
"""


def _headline(verdict: Verdict) -> str:
    statement = verdict.statement
    ratio = math.nan if verdict.worst is None else verdict.worst.ratio
    return f"""<tr><th scope="row">{link(statement, statement.theorem)}</th>
<td>{escape(statement.words)}<br>{says(statement)}</td>
<td>{badge(verdict)}</td><td class="number">{ratio_text(ratio)}</td></tr>
"""


def folds(verdicts: Sequence[Verdict], summary: Summary, project: Project) -> str:
    """All statements, by whose they are, and there by theorem."""
    return "".join(
        _part(name, title, [verdict for verdict in verdicts if verdict.statement.origin == name], summary, project)
        if any(verdict.statement.origin == name for verdict in verdicts)
        else ""
        for name, title in PARTS.items()
    )


def _part(name: str, title: str, verdicts: Sequence[Verdict], summary: Summary, project: Project) -> str:
    by_theorem: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.statement.faulty):  # a theorem before its slips
        by_theorem.setdefault(verdict.statement.theorem, []).append(verdict)
    few = sum(summary.verdicts.values()) <= OPEN_UP_TO
    inner = "".join(
        _fold(theorem, by_theorem[theorem], summary, project, few) for theorem in sorted(by_theorem, key=_by_number)
    )
    return f"""<section class="part" aria-labelledby="part-{name}">
<h3 id="part-{name}">{title} <span class="quiet">{many(len(verdicts), "statement")}</span></h3>
{inner}</section>
"""


def _by_number(theorem: str) -> list[tuple[bool, int, str]]:
    """Lemma 4.2 between Theorems 4.1 and 4.3, N9 before N10."""
    number = theorem.rpartition(" ")[2]
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.findall(r"\d+|\D+", number)
    ]


def _fold(theorem: str, verdicts: Sequence[Verdict], summary: Summary, project: Project, few: bool) -> str:
    wrong = any(not verdict.as_expected for verdict in verdicts)
    tally = Counter(verdict.verdict for verdict in verdicts)
    counts = " ".join(
        f'<span title="{name}">{SIGNS[name]} {tally[name]}<span class="aside"> {name}</span></span>'
        for name in VERDICTS
        if tally[name]
    )
    entries = "".join(entry(verdict, summary, project) for verdict in verdicts)
    return f"""<details class="fold"{" open" if few or wrong else ""}>
<summary><b class="theorem">{escape(theorem)}</b><span class="says">{escape(verdicts[0].statement.words)}</span>
<span class="tally{" missed" if wrong else ""}">{counts}</span></summary>
{entries}</details>
"""
