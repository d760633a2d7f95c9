"""The statements as pages: what each says, its formula, its bound, and the verdict that is committed."""

from __future__ import annotations

import csv

from places import ROOT

from kt_theory.bounds import evaluation
from kt_theory.statements import TOPICS, Metadata


def verdicts() -> dict[str, dict[str, str]]:
    """The rows of the committed ledger by the id of their statement."""
    with (ROOT / "figures" / "ledger.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def bounds_of() -> dict[str, list[str]]:
    """The public bounds that state each statement."""
    found: dict[str, list[str]] = {}
    for name, stated in evaluation.STATED.items():
        for id in stated:
            found.setdefault(id, []).append(name)
    return found


def pages() -> dict[str, str]:
    """A page of Markdown for each topic, and the first one: name of the file -> text."""
    tried, bounds = verdicts(), bounds_of()
    made, listed = {}, []
    for topic in TOPICS:
        word = topic.__name__.rpartition(".")[2]
        words = word.replace("_", " ").capitalize()
        rows = [tried[statement.id] for statement in topic.STATEMENTS if statement.id in tried]
        caught, planted = (sum(int(row[key]) for row in rows) for key in ("caught", "planted"))
        expected = sum(row["as_expected"] == "True" for row in rows)
        listed.append(f"| [{words}]({word}.md) | {len(topic.STATEMENTS)} | {expected} | {caught} of {planted} |\n")
        made[f"{word}.md"] = f"# {words}\n\n" + "".join(
            entry(statement, tried.get(statement.id), bounds.get(statement.id, [])) for statement in topic.STATEMENTS
        )
    intro = (
        "Every statement of the paper and of the report, with the verdict of the committed run. The ledger attacks "
        "each with exact risks, hill climbing, laws, simulation and ball arithmetic, and shows with planted errors "
        "that the attacks would find one. The same on one page, with pictures, from your own machine:\n\n"
        "```sh\nkt-theory verify --report ledger.html\n```\n\n[](/guide/verify.md) says how it works.\n\n"
        "| topic | statements | verdict as expected | planted errors caught |\n|---|---|---|---|\n"
    )
    tree = "\n```{toctree}\n:hidden:\n\n" + "".join(name.removesuffix(".md") + "\n" for name in made) + "```\n"
    made["index.md"] = "# Statements\n\n" + intro + "".join(listed) + tree
    return made


def entry(statement: Metadata, row: dict[str, str] | None, bounds: list[str]) -> str:
    """One statement."""
    lines = [f"## {statement.id}: {statement.source}", statement.words, statement.latex or statement.formula]
    regime = statement.regime_latex or statement.regime
    if regime:
        lines.append(f"Where: {regime}")
    said = [f"{statement.grade}", f"{statement.status}"]
    if row:
        said.append(f"verdict: **{row['verdict']}**")
        if int(row["planted"]):
            said.append(f"planted errors caught: {row['caught']} of {row['planted']}")
    lines.append("; ".join(said) + ".")
    if bounds:
        links = ", ".join(f"[`kt.bounds.{name}`](/reference/kt_theory.bounds.{name}.rst)" for name in bounds)
        lines.append(f"As a function: {links}")
    return "\n\n".join(lines) + "\n\n"
