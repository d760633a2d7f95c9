"""The public names of the package as pages of the reference, read from `kt_theory` itself.

Nothing is listed by hand: the names of the top level are those of ``kt.__all__``, those of each public module are its
``__all__``, or what it defines where it has none.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import kt_theory as kt

#: What autodoc calls each kind of name; a value, such as a table of learners, is shown by its keys.
DIRECTIVES = {"function": "autofunction", "class": "autoclass", "exception": "autoexception"}
#: The most characters of a value that a page shows.
SHOWN = 400


@dataclass(frozen=True)
class Name:
    """A public name: `module` is "" at the top level, `word` how it is called there."""

    module: str
    word: str

    @property
    def short(self) -> str:
        """As a reader writes it after ``import kt_theory as kt``."""
        return ".".join(part for part in ("kt", self.module, self.word) if part)

    @property
    def full(self) -> str:
        """As Sphinx imports it, and as its page is called."""
        return self.short.replace("kt", "kt_theory", 1)

    @property
    def value(self) -> Any:
        """What it stands for."""
        home = getattr(kt, self.module) if self.module else kt
        return getattr(home, self.word)

    @property
    def kind(self) -> str:
        """One of `DIRECTIVES`, or "value"."""
        value = self.value
        if inspect.isclass(value):
            return "exception" if issubclass(value, Exception) else "class"
        return "function" if callable(value) and hasattr(value, "__name__") else "value"

    @property
    def summary(self) -> str:
        """The first paragraph of its docstring, on one line."""
        doc = inspect.getdoc(self.value) if self.kind != "value" else ""
        return " ".join((doc or "").split("\n\n")[0].split())


def top_level() -> list[Name]:
    """The names of ``kt.__all__`` that are no modules and no metadata, in alphabetical order."""
    words = [word for word in kt.__all__ if word not in kt._MODULES and not word.startswith("__")]
    return [Name("", word) for word in sorted(words, key=str.lower)]


def members(module: str) -> list[Name]:
    """The public names of one of ``kt._MODULES``, without those that the top level has."""
    home = getattr(kt, module)
    above = {id(name.value) for name in top_level()}
    return [Name(module, word) for word in words_of(home) if id(getattr(home, word)) not in above]


def words_of(home: ModuleType) -> list[str]:
    """The words of ``__all__``, else what the module itself defines; submodules are none of them."""
    if hasattr(home, "__all__"):
        words = list(home.__all__)
    else:
        words = [word for word, value in vars(home).items() if getattr(value, "__module__", "") == home.__name__]
    return sorted({w for w in words if w[0] != "_" and not inspect.ismodule(getattr(home, w))}, key=str.lower)


def names() -> list[Name]:
    """Every public name that has a page of its own."""
    return [*top_level(), *(name for module in kt._MODULES for name in members(module))]


def pages(uses: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """The pages of the reference in reStructuredText: name of the file -> text.

    `uses` has, for a name as a reader writes it, the documents that use it and their titles.
    """
    made = {f"{name.full}.rst": page(name, uses.get(name.short, [])) for name in names()}
    made |= {f"{module}.rst": module_page(module) for module in kt._MODULES}
    return made | {"index.rst": index()}


def page(name: Name, used: list[tuple[str, str]]) -> str:
    """One name: its docstring, and where it is used."""
    body = f".. {DIRECTIVES[name.kind]}:: {name.full}\n" if name.kind in DIRECTIVES else value_of(name)
    if name.kind == "class":
        body += "   :members:\n"
    links = "".join(f"- :doc:`{escaped(title)} </{document}>`\n" for document, title in used)
    return f"{heading(name.short)}\n{body}\n" + (f".. rubric:: Used in\n\n{links}" if links else "")


def value_of(name: Name) -> str:
    """A value: the keys of a mapping, else what Python prints of it, shortened."""
    value = name.value
    if isinstance(value, dict):
        shown = f"A mapping of {len(value)} names: " + ", ".join(f"``{key}``" for key in value) + "."
    else:
        text = str(value)
        shown = f"``{text[:SHOWN]}``" + (" ..." if len(text) > SHOWN else "")
    return f".. py:data:: {name.full}\n\n   {shown}\n"


def module_page(module: str) -> str:
    """One module: its docstring, and a line for each of its names, with those that stand at the top level."""
    home, above = getattr(kt, module), {id(name.value): name for name in top_level()}
    listed = [above.get(id(getattr(home, word)), Name(module, word)) for word in words_of(home)]
    text = f"{heading(f'kt.{module}')}\n.. automodule:: kt_theory.{module}\n\n"
    return text + table(listed) + toctree([name.full for name in members(module)])


def index() -> str:
    """The first page: the names of the top level, then the modules."""
    intro = (
        "After ``import kt_theory as kt`` these names are at hand; each is loaded when it is first used. "
        "Sizes are given in the order S, A, n. Each page says which lessons, scripts and pages of the guide use it.\n\n"
    )
    modules = "".join(f"   * - :doc:`kt.{module} <{module}>`\n     - {first_line(module)}\n" for module in kt._MODULES)
    return (
        f"{heading('Reference')}\n{intro}{table(top_level())}"
        f".. rubric:: Modules\n\n.. list-table::\n   :widths: 30 70\n\n{modules}\n"
        + toctree([*(name.full for name in top_level()), *kt._MODULES])
    )


def first_line(module: str) -> str:
    """The first paragraph of a module's docstring."""
    return " ".join((getattr(kt, module).__doc__ or "").split("\n\n")[0].split())


def table(listed: list[Name]) -> str:
    """Names with what the first line of their docstrings says."""
    if not listed:
        return ""
    rows = "".join(f"   * - :doc:`{name.short} <{name.full}>`\n     - {name.summary}\n" for name in listed)
    return f".. list-table::\n   :widths: 30 70\n\n{rows}\n"


def heading(text: str) -> str:
    """A title of a page."""
    return f"{text}\n{'=' * len(text)}\n"


def escaped(text: str) -> str:
    """A title within a role: what would end it, or begin an address, escaped."""
    return text.replace("\\", "\\\\").replace("`", "\\`").replace("<", "\\<")


def toctree(documents: list[str]) -> str:
    """The documents below a page, for its sidebar alone."""
    if not documents:
        return ""
    return ".. toctree::\n   :hidden:\n   :titlesonly:\n\n" + "".join(f"   {document}\n" for document in documents)
