"""Which public names a script or a page uses: found in its Python, not listed."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection


def chains(code: str) -> set[str]:
    """Every dotted name in some Python that begins with ``kt``, and what is imported from ``kt_theory``.

    Examples
    --------
    >>> sorted(chains("import kt_theory as kt; kt.bounds.best_upper('soft', S=1, A=2, n=3).value"))
    ['kt.bounds', 'kt.bounds.best_upper']
    """
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            words = dotted(node)
            if words and words[0] in ("kt", "kt_theory"):
                found.add(".".join(["kt", *words[1:]]))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "kt_theory":
            home = ["kt", *node.module.split(".")[1:]]
            found |= {".".join([*home, alias.name]) for alias in node.names}
    return found


def dotted(node: ast.expr) -> list[str]:
    """The words of a.b.c; none of anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return [*before, node.attr] if before else []
    return []


def chains_of_page(text: str) -> set[str]:
    """The same of a page of Markdown: of its blocks of Python, and of names in running text."""
    found: set[str] = set()
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        found |= chains(block)
    return found | set(re.findall(r"`(kt\.[A-Za-z_.]+)[`(]", text))


def known(found: Collection[str], names: Collection[str]) -> set[str]:
    """Of dotted names those that are public, or begin with one: kt.TransferSet.from_counts uses kt.TransferSet."""
    used = set()
    for chain in found:
        words = chain.split(".")
        starts = (".".join(words[:length]) for length in range(len(words), 1, -1))
        used.add(next((start for start in starts if start in names), ""))
    return used - {""}
