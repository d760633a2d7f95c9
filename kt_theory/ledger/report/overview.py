"""The first part of the page: the summary and the legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from kt_theory.ledger.report.pictures import SHAPES
from kt_theory.ledger.report.sections import facts
from kt_theory.ledger.report.summary import Summary, many, versions
from kt_theory.ledger.report.words import (
    ALARM_LIMIT,
    GRADE_WORDS,
    KIND_WORDS,
    NOT_CERTIFIED,
    SIGNS,
    STATUS_WORDS,
    VERDICT_WORDS,
)
from kt_theory.ledger.statement import KINDS, VERDICTS, Effort
from kt_theory.ledger.verdicts import Verdict


def overview(verdicts: Sequence[Verdict], summary: Summary, tried: Effort) -> str:
    found = {name: "absent" if version is None else version for name, version in versions().items()}
    run = facts(
        [
            ("level", escape(tried.level)),
            ("seed", str(tried.seed)),
            ("effort", f"{tried.problems} random problems a size, hill climbs of {tried.steps:,} steps from "
             f"{many(tried.starts, 'random start')}, {tried.reps:,} repeats of a simulation, "
             f"{tried.certificates} certified places a statement"),
            *((name, escape(version)) for name, version in found.items()),
        ]
    )  # fmt: skip
    by_verdict = facts(
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


def legend() -> str:
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
