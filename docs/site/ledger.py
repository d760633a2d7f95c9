"""The statements as pages: what each says, its formula, its bound, and the verdict that is committed.

The committed report of the ledger, which is one page with all that was found, goes on the site with the files that it
links to.
"""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

from places import CARRIED, ROOT

from kt_theory.bounds import evaluation
from kt_theory.statements import TOPICS, Metadata

#: The report of the ledger, where it is committed, and a link from it to a file of the project.
REPORT = "docs/ledger.html"
_TO_FILE = re.compile(r'(?<=href=")\.\./([^"#]+)')


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
        made[f"{word}.md"] = f"# {words}\n\n"
        # A theorem is a heading, so that the search of the site finds it by its name.
        theorems = dict.fromkeys(statement.theorem for statement in topic.STATEMENTS)
        for theorem in theorems:
            made[f"{word}.md"] += f"## {theorem}\n\n"
            for statement in topic.STATEMENTS:
                if statement.theorem == theorem:
                    made[f"{word}.md"] += entry(statement, tried.get(statement.id), bounds.get(statement.id, []))
    intro = (
        "Every statement of the paper and of the report, with the verdict of the committed run. The ledger attacks "
        "each with exact risks, hill climbing, laws, simulation and ball arithmetic, and shows with planted errors "
        f'that the attacks would find one. <a href="../{CARRIED[REPORT]}">The ledger on one page</a> has a search, '
        "pictures, and all that was found. The same from your own machine:\n\n"
        "```sh\nkt-theory verify --report ledger.html\n```\n\n[](/guide/verify.md) says how it works.\n\n"
        "| topic | statements | verdict as expected | planted errors caught |\n|---|---|---|---|\n"
    )
    tree = "\n```{toctree}\n:hidden:\n\n" + "".join(name.removesuffix(".md") + "\n" for name in made) + "```\n"
    made["index.md"] = "# Statements\n\n" + intro + "".join(listed) + tree
    return made


def entry(statement: Metadata, row: dict[str, str] | None, bounds: list[str]) -> str:
    """One statement."""
    lines = [f"### {statement.id}: {statement.source}", statement.words, statement.latex or statement.formula]
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
    if row:
        words = "What was tried, with its proof, its code and its tests"
        lines.append(f'<a href="../{CARRIED[REPORT]}#statement-{statement.id}">{words}</a>')
    return "\n\n".join(lines) + "\n\n"


def carry_report(site: Path) -> None:
    """Put the report on the built site, with the files that it links to beside it.

    They are copied as plain text, which every browser shows.
    """

    def there(link: re.Match[str]) -> str:
        if link[1] in CARRIED:
            return CARRIED[link[1]]
        copy = site / "files" / f"{link[1]}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / link[1], copy)
        return copy.relative_to(site).as_posix()

    text = (ROOT / REPORT).read_text(encoding="utf-8")
    (site / CARRIED[REPORT]).write_text(_TO_FILE.sub(there, text), encoding="utf-8")
