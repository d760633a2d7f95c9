"""What a study is to run: panels on grids of n, a seed, repeats or an error to aim at; from TOML, from Python.

A TOML design, of which all but the panels has defaults (targets: none)::

    name = "rates"
    seed = 1
    reps = 64000                      # of every cell; with one of the next two, of a pilot that plans them
    target_mcse = 0.01                # standard error of the mean to aim at; a fraction of it with relative = true
    slope_se = 0.001                  # or: standard error of the log-log slope of every learner in every panel
    max_reps = 1000000                # cap on what a target may ask for
    licence = "CC-BY-4.0"             # of the data, if there are any

    [[panel]]                         # lists make a grid: here four panels
    instance = [1, 2]
    S = [10, 100]
    A = 11
    n = { from = 1e3, to = 1e6, points = 10 }   # evenly spaced in log n; or a list
    learners = ["CE_sgl", "SEL_ptl"]  # the paper's four if not given
    outside = "skip"                  # leave out cells outside an instance's domain; "refuse" if not given

    [[panel]]
    bundled = "next_word"             # or teacher = "file.csv", beside the design
    n = [1e3, 1e4, 1e5]

A Python design is a file that sets ``design`` to a `Design`.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import runpy
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.divergences import Divergence, resolve_divergence
from kt_theory.learners import PAPER_LEARNERS, Learner, resolve_learners
from kt_theory.problem import Problem, instance
from kt_theory.simulation.cells import Cell
from kt_theory.simulation.means import problem_at
from kt_theory.simulation.precision import Precision
from kt_theory.study.panels import CELLS_MAX, Panel, checked_panels
from kt_theory.tables import bundled_teacher, read_teacher
from kt_theory.tables.teachers import BUNDLED

#: Licences of the teachers that travel inside the package, see kt_theory/teachers/README.md.
LICENCES = {"next_word": "Apache-2.0 (counts of wordsegment 1.3.1)"}

#: The most entries of all tables of one [[panel]] of instances: 2 GB.
ENTRIES_MAX = 2**28

_TOP = {"name", "seed", "reps", "target_mcse", "relative", "max_reps", "slope_se", "licence", "divergence", "panel"}
_PANEL = {"name", "instance", "S", "A", "teacher", "bundled", "normalise", "n", "learners", "outside"}


@dataclass(frozen=True)
class Design:
    """A study before it is run.

    Attributes
    ----------
    name : str
    panels : sequence of Panel
    reps, seed, target_mcse, relative, max_reps
        As in `kt_theory.simulate`, for every cell.
    slope_se : float, optional
        Standard error to aim at for the log-log slope of every learner in every panel; `reps` is then the pilot.
        Excludes `target_mcse`.
    licence : str
        Of the data that the teachers come from.
    text : str
        The file that it was read from, kept in the manifest.
    divergence : str or Divergence
        What the risk averages, as in `kt_theory.simulate`.

    Raises
    ------
    ValueError
        For panels of one name, learners that do not exist, targets that exclude one another, or a problem that cannot
        be made at one of its n.
    """

    name: str
    panels: Sequence[Panel]
    reps: int = 1000
    seed: int = 0
    target_mcse: float | None = None
    relative: bool = False
    max_reps: int = 1_000_000
    slope_se: float | None = None
    licence: str = "none: computed"
    text: str = ""
    divergence: str | Divergence = "tv"

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("licence", self.licence), ("text", self.text)):
            checks.text(f"the {what} of a design", value)
        object.__setattr__(self, "panels", checked_panels(self.panels))
        resolve_divergence(self.divergence)
        object.__setattr__(self, "seed", checks.whole_number("seed", self.seed))
        if self.slope_se is not None:
            object.__setattr__(self, "slope_se", checks.positive("slope_se", self.slope_se))
            if self.target_mcse is not None:
                raise ValueError("slope_se and target_mcse are both given: repeats are planned for one of them")
        self.precision  # noqa: B018  (raises for bad repeats and targets)

    @property
    def of(self) -> Divergence:
        """The divergence."""
        return resolve_divergence(self.divergence)

    @property
    def precision(self) -> Precision:
        """The repeats of a cell, or the target for its means."""
        precision = Precision(self.reps, self.target_mcse, self.relative, self.max_reps)
        if self.slope_se is not None and (precision.reps < 2 or precision.max_reps < precision.reps):
            raise ValueError(f"reps is {self.reps}: the pilot of slope_se needs at least 2, and at most max_reps")
        return precision

    def planned(self) -> Iterator[Planned]:
        """Its cells, in the order of panels and n."""
        for panel in self.panels:
            learners = tuple({own.name: own for own in resolve_learners(panel.learners)}.values())
            for n in checks.whole_numbers("n", panel.n).tolist():
                problem = problem_at(panel.problem, n)
                kept = panel.problem if isinstance(panel.problem, partial) else None
                reference = (
                    {"instance": kept.args[0], "S": kept.args[1], "A": kept.args[2]}
                    if kept is not None and kept.func is instance and len(kept.args) == 3 and not kept.keywords
                    else {"table": problem.identity, **({"sparse": True} if problem.sparse else {})}
                )
                yield Planned(panel.name, n, learners, problem, reference, self.of)


@dataclass(frozen=True)
class Planned:
    """A cell of a design.

    Attributes
    ----------
    panel : str
    n : int
    learners : tuple of Learner
    problem : Problem
    reference : mapping
        How the problem is found again: an instance of the paper by its numbers, any other by its identity and form.
    divergence : Divergence
    """

    panel: str
    n: int
    learners: tuple[Learner, ...]
    problem: Problem
    reference: Mapping[str, Any]
    divergence: Divergence

    @functools.cached_property
    def cell(self) -> Cell:
        """The cell: its name, and how its repeats are cut into batches."""
        return Cell(self.problem, self.n, divergence=self.divergence)


def read_design(path: str | os.PathLike[str]) -> Design:
    """Read a design.

    Parameters
    ----------
    path : path_like
        A .toml or .py file; see `kt_theory.study.design`.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        If the file cannot be read, or a key or value is not one of a design; the message names the file and the key.
    """
    file = Path(checks.path("path", path))
    if file.suffix not in (".toml", ".py"):
        raise ValueError(f"{file}: a design is a .toml or a .py file")
    if file.exists() and not file.is_file():  # a pipe or a device may never end
        raise ValueError(f"{file} is not a regular file")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}"
        ) from None
    try:
        if file.suffix == ".py":
            design = runpy.run_path(str(file)).get("design")
            if not isinstance(design, Design):
                raise ValueError("it must set `design` to a kt_theory.study.Design")
            design = replace(design, text=text)
        else:
            design = _from_toml(tomllib.loads(text), file, text)
        # Every cell is made once now, so that one that cannot be made is refused before a folder is written.
        if not [planned.cell.identity for planned in design.planned()]:
            raise ValueError("it has no cells: nothing is inside the domains of its instances")
        return design
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is no TOML: {error}") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    except Exception as error:  # the code of a Python design, or of a family in it, may raise anything
        raise ValueError(f"{file} raised {type(error).__name__}: {error}") from error


def _from_toml(content: Mapping[str, Any], file: Path, text: str) -> Design:
    _known("the design", content, _TOP)
    tables = content.get("panel", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ValueError("it has no [[panel]]: name at least one")
    _typed("the design", content, {"name": str, "licence": str, "relative": bool})
    panels: list[Panel] = []
    licences = [content["licence"]] if "licence" in content else []
    for i, table in enumerate(tables):
        _known(f"panel {i}", table, _PANEL)
        _typed(f"panel {i}", table, {"name": str, "normalise": bool})
        try:
            panels += _panels(table, file.parent)
        except ValueError as error:
            raise ValueError(f"panel {i}: {error}") from None
        if "bundled" in table:
            licences.append(f"{table['bundled']}: {LICENCES.get(table['bundled'], 'see kt_theory/teachers')}")
        if "teacher" in table and "licence" not in content:
            licences.append(f"{table['teacher']}: not stated")
    options = {key: content[key] for key in _TOP - {"panel", "licence", "name"} if key in content}
    licence = "; ".join(dict.fromkeys(licences)) or "none: computed"
    return Design(content.get("name", file.stem), panels, **options, licence=licence, text=text)


def _known(what: str, table: Mapping[str, Any], keys: set[str]) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise ValueError(f"{what} has {unknown[0]!r}, which is not one of {', '.join(sorted(keys))}")


def _typed(what: str, table: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    words = {str: "a string", bool: "true or false"}
    for key, kind in kinds.items():
        if key in table and not isinstance(table[key], kind):
            raise ValueError(f"{what}: {key} is {table[key]!r}: it must be {words[kind]}")


def _panels(table: Mapping[str, Any], folder: Path) -> Iterator[Panel]:
    """The panels of one [[panel]]: a grid over those of instance, S and A that are lists."""
    sources = [key for key in ("instance", "teacher", "bundled") if key in table]
    if len(sources) != 1:
        raise ValueError("give one of instance, teacher and bundled")
    n = _grid_of_n(table.get("n"))
    learners = table.get("learners", list(PAPER_LEARNERS))
    resolve_learners(learners)
    if sources[0] != "instance":
        for key in ("S", "A", "outside"):
            if key in table:
                raise ValueError(f"{key} goes with instance only")
        yield _of_a_teacher(sources[0], table, folder, n, learners)
        return
    for key in ("S", "A"):
        if key not in table:
            raise ValueError(f"{key} is missing: an instance needs the numbers of inputs and labels")
    if "normalise" in table:
        raise ValueError("normalise goes with teacher only")
    skip = checks.one_of("outside", table.get("outside", "refuse"), ("refuse", "skip")) == "skip"
    sizes = {key: _listed(table[key]) for key in ("instance", "S", "A")}
    cells = len(n) * math.prod(map(len, sizes.values()))
    entries = len(n) * len(sizes["instance"]) * sum(sizes["S"]) * sum(sizes["A"])
    if cells > CELLS_MAX:
        raise ValueError(f"its grid has {cells} cells: at most {CELLS_MAX} are run as one study")
    if entries > ENTRIES_MAX:
        raise ValueError(f"its tables have {entries:.3g} entries in all: at most {ENTRIES_MAX:.3g} are held in memory")
    grid = list(itertools.product(*sizes.values()))
    if "name" in table and len(grid) > 1:
        raise ValueError(f"name is {table['name']!r} for {len(grid)} panels: a grid names its own")
    for k, S, A in grid:
        make = partial(instance, k, S, A)
        inside = [size for size in n if not skip or _exists(make, size)]
        if inside:
            yield Panel(table.get("name", f"instance {k}, S={S}, A={A}"), make, inside, learners)


def _of_a_teacher(source: str, table: Mapping[str, Any], folder: Path, n: list[int], learners: Sequence[str]) -> Panel:
    value = table[source]
    if not isinstance(value, str):
        raise ValueError(f"{source} is {value!r}: it must be a string")
    if source == "bundled":
        return Panel(table.get("name", value), bundled_teacher(checks.one_of("bundled", value, BUNDLED)), n, learners)
    problem = read_teacher(folder / value, normalise=table.get("normalise", False))
    return Panel(table.get("name", Path(value).stem), problem, n, learners)


def _exists(make: Any, n: int) -> bool:
    try:
        make(n)
    except ValueError:
        return False
    return True


def _listed(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [checks.whole_number("instance, S or A", v) for v in values]


def _grid_of_n(value: Any) -> list[int]:
    """A list of n, or evenly spaced ones in log n, rounded to whole numbers."""
    if isinstance(value, Mapping):
        if set(value) != {"from", "to", "points"}:
            raise ValueError("n must be a list, or { from = ..., to = ..., points = ... }")
        first, last = checks.whole_number("n.from", value["from"], 1), checks.whole_number("n.to", value["to"], 1)
        points = checks.whole_number("n.points", value["points"], 1)
        if points > CELLS_MAX:
            raise ValueError(f"n.points is {points}: at most {CELLS_MAX} cells are run as one study")
        if last < first:
            raise ValueError(f"n.to is {last}: it must not be below n.from, {first}")
        spaced = np.exp(np.linspace(math.log(first), math.log(last), points)).round()
        inner = [int(size) for size in spaced[1:-1]]
        return sorted({first, *inner, *([last] if points > 1 else [])})
    if not isinstance(value, list) or not value:
        given = "n is missing" if value is None else f"n is {value!r}"
        raise ValueError(f"{given}: give a list, or {{ from = ..., to = ..., points = ... }}")
    return checks.whole_numbers("n", value).tolist()
