"""Where files of the project stand on the site, and Markdown with its links moved there."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
#: Files with a place of their own, by their path in the project.
PLACES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CITATION.cff": "cite.md",
    "docs/README.md": "guide/index.md",
    "docs/lessons": "lessons/index.md",
    "docs/lessons/README.md": "lessons/index.md",
    "simulations": "gallery/index.md",
    "simulations/lessons": "lessons/index.md",
    "paper/README.md": "report/index.md",
    "paper/summary.md": "report/summary.md",
}
#: Files that the site carries as they are: no documents of Sphinx, so that links to them are those of HTML.
CARRIED = {
    "docs/playground.html": "playground.html",
    "docs/ledger.html": "ledger.html",
    "paper/paper.pdf": "paper.pdf",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
#: Languages of blocks that the highlighter has no grammar for, or whose blocks hold one value a line.
_PLAIN = re.compile(r"^```(csv|json)$", flags=re.MULTILINE)


def place_of(path: str) -> str | None:
    """The document or picture of the site that a file of the project is, or None."""
    file = PurePosixPath(path)
    if path in PLACES:
        return PLACES[path]
    if file.match("docs/lessons/*.ipynb") or file.match("simulations/lessons/[0-9]*.py"):
        return f"lessons/{file.stem}.md"
    if file.match("docs/*.md") and len(file.parts) == 2:
        return f"guide/{file.name}"
    if file.match("simulations/*.py") and len(file.parts) == 2:
        return f"gallery/{file.stem}.md"
    if file.match("figures/*.png"):
        return path
    return None


def moved(text: str, source: str, target: str) -> str:
    """Markdown of the file `source` as it stands at `target` on the site.

    Links to what the site has go there; the text of others stays, without a link.
    """
    here, there = os.path.dirname(source), os.path.dirname(target)

    def link(match: re.Match[str]) -> str:
        picture, words, name, anchor = match.groups(default="")
        path = os.path.normpath(os.path.join(here, name)).replace(os.sep, "/")
        if path in CARRIED:
            return f'<a href="{os.path.relpath(CARRIED[path], there or ".")}">{words}</a>'
        place = place_of(path)
        if place is None or not (ROOT / path).exists():
            return words
        return f"{picture}[{words}]({os.path.relpath(place, there or '.')}{anchor})"

    return _PLAIN.sub("```text", _LINK.sub(link, text))


def title_of(text: str) -> str:
    """The first heading of a page of Markdown."""
    found = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
    return found[1].strip() if found else ""
