"""Where a statement is proved, coded and tested, as links if the page lies inside a checkout of the project.

A page that lies elsewhere names the files alone: a path from there would tell of the machine, and lead nowhere on
another one.
"""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from kt_theory.ledger.entries.registry import HOME, STATEMENTS
from kt_theory.ledger.statement import Statement
from kt_theory.statements import Status

#: The report, whose results have their numbers as the names of places, and the test of every entry.
PROOFS, LEDGER_TEST = "paper/paper.pdf", "tests/test_ledger.py"


@dataclass(frozen=True)
class Project:
    """The files of the project, seen from a page.

    Attributes
    ----------
    root : Path or None
        The folder of a checkout that the page lies in; None if it lies elsewhere.
    up : str
        The path from the page to it.
    """

    root: Path | None = None
    up: str = ""

    @classmethod
    def around(cls, page: str | os.PathLike[str]) -> Project:
        """The project that a page is written into."""
        root, page = Path(__file__).resolve().parents[3], Path(page).resolve()
        if root not in page.parents or not (root / PROOFS).is_file() or not (root / LEDGER_TEST).is_file():
            return cls()
        return cls(root, Path(os.path.relpath(root, page.parent)).as_posix())

    def link(self, path: str, name: str = "", place: str = "") -> str:
        """A file as HTML: a link to it, or to a place in it, where the page can have one."""
        shown = f"<code>{escape(name or path)}</code>"
        if self.root is None:
            return shown
        return f'<a href="{escape(f"{self.up}/{path}{place}")}">{shown}</a>'

    def proof(self, statement: Statement) -> str:
        """Where the report proves it, as HTML; empty if it does not."""
        about = statement.about
        if about is None or about.status != Status.PROVED:
            return ""
        return self.link(PROOFS, f"{about.theorem} in {PROOFS}", f"#nameddest={about.theorem}")

    def code(self, statement: Statement) -> str:
        """Its entry in the ledger, and the bound that it is about if that is public, as HTML."""
        if not _of_ledger(statement):
            return ""
        found = [self.link(_file(HOME[statement.id]))]
        if bound := _bound(statement):
            found.append(self.link(_file(bound.__module__), f"bounds.{bound.__name__}"))
        return ", ".join(found)

    def tests(self, statement: Statement) -> str:
        """The tests of the steps of its proof and of its bound, as HTML; that of the whole ledger if there is none."""
        if self.root is None or not _of_ledger(statement):
            return ""
        # A part of a result has the steps of the whole: those of N8a begin with N8.
        sought = [rf'"{re.escape(re.sub("[a-z]$", "", statement.theorem))}\.\d']
        if bound := _bound(statement):
            sought.append(rf"\bbounds\.{bound.__name__}\b")
        named = re.compile("|".join(sought))
        found = [path for path, text in self._tests.items() if named.search(text)]
        return ", ".join(self.link(path) for path in found or [LEDGER_TEST])

    @cached_property
    def _tests(self) -> dict[str, str]:
        assert self.root is not None
        files = sorted((self.root / "tests").glob("test_*.py"))
        return {f"tests/{file.name}": file.read_text(encoding="utf-8") for file in files}


def _of_ledger(statement: Statement) -> bool:
    return statement.id in HOME and STATEMENTS[statement.id] is statement


def _bound(statement: Statement) -> Any:
    """The function of `kt_theory.bounds` that is its claim; None if that is another."""
    claim = inspect.unwrap(statement.claim) if statement.claim else None
    module = getattr(claim, "__module__", None) or ""
    return claim if module.startswith("kt_theory.bounds.") and hasattr(claim, "__name__") else None


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


#: For a page that lies in no checkout.
NOWHERE = Project()
