"""Make the notebooks of the lessons: each script of this folder, converted, executed, and written with its outputs.

``make lessons`` runs it. The same versions of Python and of the packages give the same bytes: cells are named by their
place, no times are kept, and what a cell prints is one piece of text however many messages it came in.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import jupytext
import matplotlib
import nbformat
import numpy as np
from nbclient import NotebookClient

import kt_theory as kt

FOLDER = Path(__file__).parent
NOTEBOOKS = FOLDER.parents[1] / "docs" / "lessons"
SECONDS = 120  # that a cell may take


def scripts() -> list[Path]:
    """The lessons, in order: the scripts whose names begin with a number."""
    return sorted(FOLDER.glob("[0-9]*.py"))


def converted(script: Path) -> nbformat.NotebookNode:
    """A lesson as a notebook that was not run yet."""
    notebook = jupytext.read(script, fmt="py:percent")
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02}"
        cell.metadata = {"tags": cell.metadata.tags} if "tags" in cell.metadata else {}
    # Draws may differ between versions of NumPy and pictures between those of matplotlib: say which made these.
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
        "made_with": {"kt_theory": kt.__version__, "matplotlib": matplotlib.__version__, "numpy": np.__version__},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def executed(script: Path) -> nbformat.NotebookNode:
    """A lesson as a notebook with its outputs. Raises if a cell does."""
    notebook = converted(script)
    metadata = notebook.metadata.copy()
    with tempfile.TemporaryDirectory() as empty:
        # Figures are drawn into the notebook, whatever the surroundings ask for; a reader's own profile is not read.
        surroundings = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "IPYTHONDIR": empty}
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            # It warns that it does not encrypt, which matters beyond this machine; the kernel listens on it only.
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": empty}},
        )
        client.execute(env={**os.environ, **surroundings})
    notebook.metadata = metadata
    return notebook


def main() -> None:
    """Build the lessons that are named, or all of them."""
    parser = argparse.ArgumentParser(description="Build the notebooks of the lessons.")
    parser.add_argument("stems", nargs="*", help="such as 01_total_variation; all if not given")
    parser.add_argument("--out", type=Path, default=NOTEBOOKS, help="the folder that gets the notebooks")
    arguments = parser.parse_args()
    known = {script.stem: script for script in scripts()}
    for stem in arguments.stems or known:
        if stem not in known:
            parser.error(f"there is no lesson {stem!r}; there are {', '.join(known)}")
        arguments.out.mkdir(parents=True, exist_ok=True)
        path = arguments.out / f"{stem}.ipynb"
        nbformat.write(executed(known[stem]), path)
        print(f"{path}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
