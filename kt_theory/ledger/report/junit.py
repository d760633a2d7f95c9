"""The verdicts as JUnit XML, which CI systems show: a test case for each statement, a suite for each group of them.

A verdict that is not the expected one is a failure, a statement that was not tried is skipped. Unlike the other reports
this one holds times, which CI systems expect.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from kt_theory.files import write_whole
from kt_theory.ledger.report.pictures import ratio_text
from kt_theory.ledger.report.summary import evidence, group, surprises, versions
from kt_theory.ledger.report.words import GROUPS
from kt_theory.ledger.statement import Effort, Outcome
from kt_theory.ledger.verdicts import Verdict, unexpected
from kt_theory.showing import escaped


def write_junit(verdicts: Sequence[Verdict], tried: Effort, path: str | os.PathLike[str]) -> Path:
    """Write the file, whole or not at all."""
    tree = ElementTree.ElementTree(_suites(verdicts, tried))
    ElementTree.indent(tree)
    return write_whole(path, lambda file: tree.write(file, encoding="utf-8", xml_declaration=True))


def _suites(verdicts: Sequence[Verdict], tried: Effort) -> ElementTree.Element:
    root = ElementTree.Element("testsuites", {"name": "kt-theory verify", **_counts(verdicts)})
    for name in GROUPS:
        inside = [verdict for verdict in verdicts if group(verdict.statement) == name]
        if inside:
            suite = ElementTree.SubElement(root, "testsuite", {"name": GROUPS[name], **_counts(inside)})
            _properties(suite, tried)
            suite.extend(_case(verdict) for verdict in inside)
    return root


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {
        "tests": str(len(verdicts)),
        "failures": str(len(unexpected(verdicts))),
        "errors": "0",
        "skipped": str(sum(_skipped(verdict) for verdict in verdicts)),
        "time": _seconds(sum(verdict.seconds for verdict in verdicts)),
    }


def _properties(suite: ElementTree.Element, tried: Effort) -> None:
    found = {"level": tried.level, "seed": str(tried.seed), **versions()}
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in found.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": value or "absent"})


def _case(verdict: Verdict) -> ElementTree.Element:
    statement = verdict.statement
    name = {"name": escaped(statement.id), "classname": f"ledger.{group(statement)}"}
    case = ElementTree.Element("testcase", {**name, "time": _seconds(verdict.seconds)})
    about = "\n".join(f"{name}: {escaped(text)}" for name, text in _facts(verdict) if text)
    if not verdict.as_expected:
        why = {"type": str(verdict.verdict), "message": escaped("; ".join(surprises(verdict)))}
        ElementTree.SubElement(case, "failure", why).text = about
    elif _skipped(verdict):
        ElementTree.SubElement(case, "skipped", {"message": "no model yet: nothing was tried"})
    else:
        ElementTree.SubElement(case, "system-out").text = about
    return case


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    statement, worst = verdict.statement, verdict.worst
    place = "" if worst is None else f"{worst.where}: {worst.lhs:.6g} against {worst.rhs:.6g}"
    return [
        ("says", statement.words),
        ("formula", statement.formula),
        ("source", statement.source),
        ("verdict", verdict.verdict),
        ("worst place", place),
        ("worst ratio", "" if worst is None else ratio_text(worst.ratio)),
        ("trials", evidence(verdict)),
        ("planted errors", f"{verdict.caught} of {verdict.planted} found" if verdict.planted else ""),
    ]


def _skipped(verdict: Verdict) -> bool:
    return verdict.verdict == Outcome.OPEN and verdict.as_expected


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
