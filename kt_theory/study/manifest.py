"""The manifest of a study: writing a design into a folder, and making it again from there."""

from __future__ import annotations

import functools
import platform
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kt_theory import __version__, checks
from kt_theory.divergences import DIVERGENCES, Divergence
from kt_theory.learners import Learner, resolve_learner
from kt_theory.problem import Problem, instance
from kt_theory.protocols import Protocol, resolve_protocol
from kt_theory.study.design import Design, Planned
from kt_theory.study.panels import Panel
from kt_theory.study.records import Damaged
from kt_theory.study.store import FORMAT, Store, StudyFiles


def keep_design(design: Design, store: Store) -> None:
    """Write the manifest of a design, and the problems that only it can make, unless they are there."""
    cells = []
    for planned in design.planned():
        if "table" in planned.reference:
            store.keep_problem(planned.problem)
        cells.append(
            {
                "panel": planned.panel,
                "n": planned.n,
                "learners": [_named(learner) for learner in planned.learners],
                "problem": planned.problem.name,
                "cell": planned.cell.identity,
                "reference": dict(planned.reference),
            }
        )
    content = {
        "name": design.name,
        "seed": design.seed,
        "reps": design.reps,
        "target_mcse": design.target_mcse,
        "relative": design.relative,
        "max_reps": design.max_reps,
        "slope_se": design.slope_se,
        "licence": design.licence,
        "versions": {"kt_theory": __version__, "numpy": np.__version__, "python": platform.python_version()},
        "divergence": {"name": design.of.name, "fingerprint": design.of.fingerprint},
        "cells": cells,
        "design": design.text,
    }
    try:
        if store.manifest_path.is_file() and store.manifest() == {"format": FORMAT, **content}:
            return
    except Damaged:
        store.set_aside(store.manifest_path)
    store.write_manifest(content)


def kept_design(files: StudyFiles) -> tuple[Design, list[Planned]]:
    """The design that a folder holds, as far as it takes to draw and merge its cells, and its cells.

    Raises
    ------
    ValueError
        As `Damaged` if the manifest or a problem is, or if the manifest names another cell than its problem makes.
    """
    manifest = files.manifest()
    panels: OrderedDict[str, dict[str, Any]] = OrderedDict()
    read = functools.cache(files.problem)  # one table serves all n of its panel
    for entry in manifest["cells"]:
        learners = [kept_learner(learner) for learner in entry["learners"]]
        panel = panels.setdefault(entry["panel"], {"learners": learners, "problems": {}})
        panel["problems"][entry["n"]] = kept_problem(entry, read)
    design = Design(
        manifest["name"],
        [
            Panel(name, _by_n(panel["problems"]), list(panel["problems"]), panel["learners"])
            for name, panel in panels.items()
        ],
        manifest["reps"],
        manifest["seed"],
        manifest["target_mcse"],
        manifest["relative"],
        manifest["max_reps"],
        manifest["slope_se"],
        manifest["licence"],
        manifest["design"],
        divergence=kept_divergence(manifest["divergence"]),
    )
    named = {(entry["panel"], entry["n"]): entry["cell"] for entry in manifest["cells"]}
    cells = list(design.planned())
    for planned in cells:
        if planned.cell.identity != named[planned.panel, planned.n]:
            raise Damaged(
                f"{files.manifest_path} names another cell for panel {planned.panel!r}, n={planned.n} than its problem "
                "makes: it was written by another version of kt_theory"
            )
    return design, cells


def _named(learner: Learner) -> dict[str, Any]:
    """A learner as a manifest has it; the facts of its protocol are written where the protocol's name lacks them."""
    protocol = learner.protocol
    facts = {} if protocol.named_in_full else {"protocol_facts": protocol.facts}
    return {"name": learner.name, "protocol": protocol.name, "fingerprint": learner.fingerprint, **facts}


def kept_learner(entry: Mapping[str, Any]) -> Learner:
    """The learner of a manifest; one of a user's own is there by name, and only its design can draw it."""
    name, fingerprint = entry["name"], entry["fingerprint"]
    try:
        known = resolve_learner(name)
    except checks.Unsupported:
        known = None
    if known is not None and known.fingerprint == fingerprint:
        return known

    def fit(*given: Any) -> Any:
        raise ValueError(f"learner {name} is none of the package's, and only its design has it: run the design again")

    facts = entry.get("protocol_facts")
    protocol = resolve_protocol(entry["protocol"]) if facts is None else Protocol(entry["protocol"], **facts)
    return Learner(name, protocol, fit, fingerprint=fingerprint)


def kept_divergence(entry: Mapping[str, str]) -> Divergence:
    """The divergence of a manifest; one of a user's own is there by name, and only its design can draw it."""
    name, fingerprint = entry["name"], entry["fingerprint"]
    if name in DIVERGENCES and DIVERGENCES[name].fingerprint == fingerprint:
        return DIVERGENCES[name]

    def rows(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
        raise ValueError(f"divergence {name} is none of the package's: only its design has it, run the design again")

    return Divergence(name, rows, fingerprint=fingerprint)


def kept_problem(entry: Mapping[str, Any], read: Callable[[str, str, bool], Problem]) -> Callable[[], Problem]:
    """How the problem of a cell in a manifest is made again; `read` is `StudyFiles.problem`."""
    reference = entry["reference"]
    if "table" in reference:
        return lambda: read(reference["table"], entry["problem"], reference.get("sparse", False))
    return lambda: instance(reference["instance"], reference["S"], reference["A"], entry["n"])


def _by_n(problems: Mapping[int, Callable[[], Problem]]) -> Callable[[int], Problem]:
    return lambda n: problems[n]()
