"""The problems that a folder keeps: the law of the inputs with the teacher's table, or with its stored cells.

A dense and a sparse problem of equal numbers have one identity, hence one file; it is read in the form that is asked
for, which decides how the counts are drawn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kt_theory.files import write_whole
from kt_theory.problem import Problem
from kt_theory.study.records import Damaged


def write_problem(path: Path, problem: Problem) -> None:
    """Write a problem, whole or not at all."""

    def write(file: Path) -> None:
        with open(file, "wb") as handle:
            if problem.sparse:
                table = problem.pairs
                cells = {"offsets": table.offsets, "columns": table.columns, "values": table.values}
                np.savez(handle, rho=problem.rho, labels=np.array(problem.A), **cells)
            else:
                np.savez(handle, rho=problem.rho, teacher=problem.teacher)

    write_whole(path, write)


def read_problem(path: Path, identity: str, name: str, sparse: bool) -> Problem:
    """A problem that was written; raises `Damaged` if it is not the one that its identity names.

    Parameters
    ----------
    path : Path
    identity, name : str
        Of the problem; its file keeps no name.
    sparse : bool
        The form to read it in.
    """
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is not a regular file")
        with np.load(path) as arrays:
            if "teacher" in arrays:
                problem = Problem(arrays["rho"], arrays["teacher"], name=name)
            else:
                rho, offsets = arrays["rho"], arrays["offsets"]
                rows = np.repeat(np.arange(rho.size), np.diff(offsets))
                cells = (rows, arrays["columns"], arrays["values"])
                problem = Problem.from_cells(rho, *cells, A=int(arrays["labels"]), name=name)
    except FileNotFoundError:
        raise Damaged(f"{path} is missing: run the study again from its design") from None
    except Exception as error:
        raise Damaged(f"{path} cannot be read ({type(error).__name__}: {error})") from None
    if problem.identity != identity:
        raise Damaged(f"{path} is not the problem that its name says")
    if sparse and not problem.sparse:
        return Problem(problem.rho, problem.pairs, name=name)  # type: ignore[arg-type]
    return problem if sparse else problem.dense()
