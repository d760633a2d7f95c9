"""The report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from kt_theory.ledger.report.pictures import ratio_text
from kt_theory.ledger.report.summary import Summary, many, summarise
from kt_theory.ledger.report.words import ALARM_LIMIT, NOT_CERTIFIED
from kt_theory.ledger.statement import KINDS, VERDICTS
from kt_theory.ledger.verdicts import Verdict
from kt_theory.showing import escaped, shown, table

#: How many letters of a place the table shows.
PLACE = 48


def as_text(verdicts: Sequence[Verdict], width: int | None = None) -> str:
    """The table of the verdicts and what follows from them together; its lines have 160 letters, or up to `width`."""
    kinds = ["exact", "cert.", "search", "sim.", "algebra"]
    rows = [["statement", "verdict", "ratio", "worst place", *kinds, "caught", "seconds"]]
    for verdict in verdicts:
        worst = verdict.worst
        rows.append(
            [
                shown(verdict.statement.id),
                f"{verdict.verdict}{'' if verdict.as_expected else ' (!)'}",
                "-" if worst is None else ratio_text(worst.ratio),
                "-" if worst is None else _cut(escaped(worst.where), PLACE),
                *(str(verdict.counts[kind] or "-") for kind in KINDS),
                f"{verdict.caught}/{verdict.planted}" if verdict.planted else "-",
                f"{verdict.seconds:.2f}",
            ]
        )
    return "\n".join([table(rows, left=(0, 1, 3), width=width), "", *_summary_lines(verdicts, summarise(verdicts))])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _summary_lines(verdicts: Sequence[Verdict], summary: Summary) -> list[str]:
    tally = ", ".join(f"{summary.verdicts[name]} {name}" for name in VERDICTS if summary.verdicts[name])
    expected = sum(verdict.as_expected for verdict in verdicts)
    lines = [
        f"{many(len(verdicts), 'statement')}: {tally}; {expected} of {len(verdicts)} as expected",
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
