"""Build the site: write its pages, hand them to Sphinx, and check the result. ``make docs`` runs it.

The pages are those of the guide, the report, the lessons and the scripts, with their links moved; those of the
reference and of the statements are written from the package. No script is run: pictures are the committed ones.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from pathlib import Path

import ledger
import reference
import yaml
from examples import Example, cards, lessons, scripts
from links import faults
from places import ROOT, moved, place_of, title_of
from sphinx.cmd.build import main as sphinx
from sphinx.ext.autodoc.mock import mock
from uses import chains, chains_of_page, known

#: A link from a source page to a page of the reference, which is called as its name, and a place there.
_BACK = re.compile(r"(reference/(kt_theory[\w.]*?)\.html)#([\w.]+)")
HERE = Path(__file__).parent
#: Pages of Markdown that the site has as they are.
PAGES = ["CONTRIBUTING.md", "CHANGELOG.md", "paper/README.md", "paper/summary.md"]
SCRIPTS = (
    "# Gallery\n\n"
    "One script a study, of public names only. Each writes its numbers (CSV, a receipt a row) and its picture; the "
    "pictures here are the committed ones, and nothing was run to build this page."
)


def write_pages(source: Path) -> None:
    """Write everything that Sphinx reads into an empty folder."""
    for folder in ("figures", "guide", "lessons", "gallery", "reference", "statements", "report"):
        (source / folder).mkdir(parents=True)
    for picture in (ROOT / "figures").glob("*.png"):
        shutil.copy(picture, source / "figures")
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in PAGES}
    texts |= {f"docs/{path.name}": path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    for path, text in texts.items():
        write(source, str(place_of(path)), moved(text, path, str(place_of(path))))
    guide = [Path(path).stem for path in texts if path.startswith("docs/") and path != "docs/README.md"]
    append(source / "guide" / "index.md", toctree(in_order(guide, texts["docs/README.md"])))
    append(source / "report" / "index.md", toctree(["summary"]))

    shown = {"gallery": scripts(), "lessons": lessons(source / "lessons")}
    for example in [example for examples in shown.values() for example in examples]:
        write(source, f"{example.document}.md", example.text)
    write(source, "gallery/index.md", cards(SCRIPTS, shown["gallery"]))
    path = "docs/lessons/README.md"
    index = moved((ROOT / path).read_text(encoding="utf-8"), path, "lessons/index.md")
    write(source, "lessons/index.md", cards(index, shown["lessons"]))
    for name, text in reference.pages(uses(texts, shown)).items():
        write(source, f"reference/{name}", text)
    for name, text in ledger.pages().items():
        write(source, f"statements/{name}", text)
    write(source, "cite.md", citation())
    write(source, "index.md", front())


def uses(texts: dict[str, str], shown: dict[str, list[Example]]) -> dict[str, list[tuple[str, str]]]:
    """Public name -> the documents that use it and their titles: lessons first, then scripts, then the guide."""
    names = {name.short for name in reference.names()}
    found: dict[str, list[tuple[str, str]]] = {}
    read = [(e.document, e.title, chains(e.code)) for e in [*shown["lessons"], *shown["gallery"]]]
    for path, text in sorted(texts.items()):
        if path.startswith("docs/"):
            read.append((str(place_of(path)).removesuffix(".md"), title_of(text), chains_of_page(text)))
    for document, title, used in read:
        for name in known(used, names):
            found.setdefault(name, []).append((document, title))
    return found


def front() -> str:
    """The first page: the beginning of the README, and the way to everything else."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    beginning = readme.partition("\n## What do you want to do?")[0]
    cards = (HERE / "front.md").read_text(encoding="utf-8")
    return moved(beginning, "README.md", "index.md") + "\n\n" + moved(cards, "README.md", "index.md")


def citation() -> str:
    """How to cite, from CITATION.cff."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    paper = cff["preferred-citation"]
    who = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    cited = {
        "paper": entry(
            "inproceedings",
            "zhao2024",
            title=paper["title"],
            author=who,
            booktitle=paper["collection-title"],
            year=paper["year"],
            note=paper["identifiers"][0]["value"],
        ),
        "software": entry(
            "software",
            cff["title"].partition(":")[0],
            title=cff["title"],
            author=f"{{{cff['authors'][0]['name']}}}",
            version=cff["version"],
            date=cff["date-released"],
            license=cff["license"],
        ),
    }
    blocks = "".join(f"The {what}:\n\n```text\n{text}```\n\n" for what, text in cited.items())
    return f"# How to cite\n\n{cff['message']}\n\n{blocks}`CITATION.cff` in the project is the same for machines.\n"


def entry(kind: str, key: str, **fields: object) -> str:
    """An entry of BibTeX."""
    return f"@{kind}{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items()) + "}\n"


def in_order(stems: list[str], contents: str) -> list[str]:
    """Pages in the order in which the guide lists them."""
    return sorted(stems, key=lambda stem: (contents.find(f"({stem}.md)") < 0, contents.find(f"({stem}.md)")))


def toctree(documents: list[str]) -> str:
    """The documents below a page of Markdown, for its sidebar alone."""
    return "\n```{toctree}\n:hidden:\n\n" + "".join(f"{document}\n" for document in documents) + "```\n"


def write(folder: Path, name: str, text: str) -> None:
    """Write one page."""
    (folder / name).write_text(text, encoding="utf-8")


def append(path: Path, text: str) -> None:
    """Write behind what a page has."""
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def mend_back_links(site: Path) -> None:
    """Lead each source page back to the names of the reference.

    A module has names that stand at the top level and names that do not; Sphinx takes one of the two forms for all.
    """
    for file in (site / "_modules").rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        mended = _BACK.sub(lambda back: back[0] if back[3].startswith(back[2]) else f"{back[1]}#{back[2]}", text)
        file.write_text(mended, encoding="utf-8")


def main() -> int:
    """Build the site into ``build/site``; 1 if Sphinx warned or a link is broken."""
    begun = time.monotonic()
    source, trees, site = (ROOT / "build" / name for name in ("site-source", "site-doctrees", "site"))
    for folder in (source, trees, site):
        shutil.rmtree(folder, ignore_errors=True)
    with mock(["torch"]):
        write_pages(source)
    options = ["-q", "--fail-on-warning", "--keep-going", "-b", "html", "-c", str(HERE)]
    code = sphinx([*options, "-d", str(trees), str(source), str(site)])
    mend_back_links(site)
    ledger.carry_report(site)
    found = faults(site)
    for fault in found:
        print(fault, file=sys.stderr)
    pages = sum(1 for _ in site.rglob("*.html"))
    print(f"{pages} pages, {len(found)} broken links or foreign files, {time.monotonic() - begun:.0f} s")
    print(f"open {site / 'index.html'}")
    return int(bool(code or found))


if __name__ == "__main__":
    sys.exit(main())
