"""The gallery: a page for each script and each lesson, with the committed figures; nothing is run."""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from places import ROOT, moved

from kt_theory.cli.reproduce import BY_NAME, STUDIES

SIMULATIONS = ROOT / "simulations"
#: Names on the command line, by the script that they run.
COMMANDS = {stem: name for name, stem in (STUDIES | BY_NAME).items()}


@dataclass(frozen=True)
class Example:
    """A script or a lesson: where its page is, and what a card of it shows."""

    document: str
    title: str
    text: str
    picture: str
    code: str


def scripts() -> list[Example]:
    """The scripts of simulations/, in alphabetical order."""
    return [script(path) for path in sorted(SIMULATIONS.glob("*.py"))]


def script(path: Path) -> Example:
    """A script: its docstring, how it is run, its figures, its code."""
    code = path.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(code)) or path.stem
    title, _, rest = doc.partition("\n")
    figures = figures_of(code)
    shown = "".join(f"![{title.rstrip('.')}](../figures/{stem}.png)\n\n" for stem in figures)
    name = COMMANDS.get(path.stem)
    command = f"kt-theory reproduce {name}" if name else f"python simulations/{path.name}"
    text = (
        f"# {title.rstrip('.')}\n\n{rest.strip()}\n\n{shown}"
        f"```sh\n{command}\n```\n\n## simulations/{path.name}\n\n```python\n{code}```\n"
    )
    picture = f"/figures/{figures[0]}.png" if figures else ""
    return Example(f"gallery/{path.stem}", title.rstrip("."), text, picture, code)


def figures_of(code: str) -> list[str]:
    """The committed figures that a script names, in the order of its lines."""
    texts = (node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant))
    names = dict.fromkeys(text for text in texts if isinstance(text, str) and text.isidentifier())
    return [name for name in names if (ROOT / "figures" / f"{name}.png").exists()]


def lessons(pictures: Path | None) -> list[Example]:
    """The lessons as they were executed and committed; their pictures are written to a folder, where one is given."""
    return [lesson(path, pictures) for path in sorted((ROOT / "docs" / "lessons").glob("*.ipynb"))]


def lesson(path: Path, pictures: Path | None) -> Example:
    """A notebook as a page: text, code, what it printed, and what it drew."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts, code, drawn = [], [], []
    for cell in notebook["cells"]:
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(moved(source, f"simulations/lessons/{path.stem}.py", f"lessons/{path.stem}.md"))
            continue
        code.append(source)
        block = f"```python\n{source}\n```\n"
        for output in cell["outputs"]:
            if "text" in output:
                block += f"\n```text\n{joined(output['text']).rstrip()}\n```\n"
            elif "image/png" in output.get("data", {}):
                drawn.append(f"{path.stem}-{len(drawn) + 1}.png")
                if pictures:
                    (pictures / drawn[-1]).write_bytes(base64.b64decode(joined(output["data"]["image/png"])))
                block += f"\n![drawn by the lines above]({drawn[-1]})\n"
        parts.append(block)
    title = joined(notebook["cells"][0]["source"]).partition("\n")[0].removeprefix("# ")
    parts.append(f"```sh\npython simulations/lessons/{path.stem}.py\n```\n")
    picture = f"/lessons/{drawn[0]}" if drawn else ""
    return Example(f"lessons/{path.stem}", title, "\n\n".join(parts), picture, "\n".join(code))


def joined(lines: Any) -> str:
    """The text of a field of a notebook, which may be a list of lines."""
    return lines if isinstance(lines, str) else "".join(lines)


def cards(intro: str, examples: list[Example]) -> str:
    """A page that ends with cards, each with the first picture of an example."""
    return f"{intro.rstrip()}\n\n" + "".join(card_lines(examples))


def card_lines(examples: list[Example]) -> Iterator[str]:
    """A grid of cards, and the documents behind it for the sidebar."""
    yield "::::{grid} 1 2 3 3\n:gutter: 3\n\n"
    for example in examples:
        picture = f":img-top: {example.picture}\n:img-alt: {example.title}\n" if example.picture else ""
        yield f":::{{grid-item-card}} {example.title}\n:link: /{example.document}\n:link-type: doc\n{picture}:::\n\n"
    yield "::::\n\n```{toctree}\n:hidden:\n\n" + "".join(f"/{example.document}\n" for example in examples) + "```\n"
