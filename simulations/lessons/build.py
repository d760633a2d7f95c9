"""Make the notebooks of the lessons: each script of this folder, converted, executed, and written with its outputs.

Beside them it writes their index, README.md. ``make lessons`` runs it. The same versions of Python and of the packages
give the same bytes: cells are named by their place, no times are kept, and what a cell prints is one piece of text
however many messages it came in.
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

#: What a lesson takes: words and lines of code a minute, minutes a question.
WORDS, LINES, QUESTION = 130, 15, 4


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


def title(notebook: nbformat.NotebookNode) -> str:
    """The title of a lesson, without its number."""
    heading = notebook.cells[0].source.splitlines()[0]
    return heading.removeprefix("# ").partition(". ")[2]


def minutes(notebook: nbformat.NotebookNode) -> int:
    """What a reader needs for a lesson and its questions, about."""
    text = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    words = sum(len(source.split()) for source in text)
    lines = sum(bool(line.strip()) for source in code for line in source.splitlines())
    questions = sum(line.startswith("## Question") for source in text for line in source.splitlines())
    return round(words / WORDS + lines / LINES + QUESTION * questions)


def index() -> str:
    """All lessons in order, as a page."""
    rows, total = [], 0
    for script in scripts():
        notebook = converted(script)
        total += (needed := minutes(notebook))
        number = int(script.stem.partition("_")[0])
        source = f"../../simulations/lessons/{script.name}"
        rows.append(f"| {number} | [{title(notebook)}]({script.stem}.ipynb) | {needed} | [script]({source}) |")
    return f"""# Lessons

<!-- `make lessons` writes this page. -->

Each lesson states one theorem, shows it, breaks one of its assumptions, and asks two questions. An answer is written in
the place of three dots and checked: a wrong one gets the reason why; the solutions are folded. The order is that of the
theory; 1 to 3 are needed for all that follow, any of which may come next. A lesson runs as a notebook and as a plain
script, which leaves its figure where it is run. To teach with them: [a plan for 45 minutes](../teaching.md).

| | lesson | minutes | |
|---|---|---|---|
{chr(10).join(rows)}

{len(rows)} lessons, {total} minutes. To open them: `pip install '.[teach]'` in a checkout, and any program for
notebooks.
"""


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
    (arguments.out / "README.md").write_text(index(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
