"""A check of the built site: every link within it leads somewhere, and no page loads anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Attributes by which an element loads a file as soon as its page is shown.
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "embed": "src"}
#: Pages whose script reads the rest of their address.
OWN = {"playground.html", "search.html"}
#: What a style sheet loads.
_IN_STYLE = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")
#: An address in a script of the site that begins what a script can load from.
_IN_SCRIPT = re.compile(r"""(?:fetch|import|importScripts)\(\s*['"`](https?:[^'"`]+)""")


class Page(HTMLParser):
    """The places of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down an element."""
        values = {key: value or "" for key, value in attrs}
        self.places |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and not {"next", "prev", "index", "search", "canonical"} & set(values.get("rel", "").split()):
            self.loaded.append(values.get("href", ""))
        if values.get(LOADED.get(tag, "")):
            self.loaded.append(values[LOADED[tag]])
        self.loaded += [name for found in _IN_STYLE.findall(values.get("style", "")) for name in found if name]


@cache
def page_of(file: Path) -> Page:
    """A page, read once."""
    return Page(file.read_text(encoding="utf-8"))


def faults(site: Path) -> list[str]:
    """What is wrong with a built site, a sentence each."""
    page_of.cache_clear()
    found = []
    # Themes keep templates among their static files.
    for file in sorted(file for file in site.rglob("*.html") if "_static" not in file.relative_to(site).parts):
        for address in page_of(file).links:
            found += [f"{file.relative_to(site)}: {fault}" for fault in broken(address, file)]
        for address in page_of(file).loaded:
            found += [f"{file.relative_to(site)}: {fault}" for fault in foreign(address, file)]
    for file in sorted(site.rglob("*.css")):
        for names in _IN_STYLE.findall(file.read_text(encoding="utf-8")):
            found += [f"{file.relative_to(site)}: {fault}" for fault in foreign("".join(names), file)]
    for file in sorted(site.rglob("*.js")):
        for address in _IN_SCRIPT.findall(file.read_text(encoding="utf-8")):
            found.append(f"{file.relative_to(site)}: loads {address} from elsewhere")
    return found


def broken(address: str, file: Path) -> Iterator[str]:
    """Why a link of a page leads nowhere on this site; links to other sites are not followed."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target.is_dir():
        target = target / "index.html"
    if not target.exists():
        yield f"links to {address}, which is not there"
    elif parts.fragment and target.suffix == ".html" and target.name not in OWN:
        places = page_of(target).places
        yield from () if unquote(parts.fragment) in places else (f"links to {address}, a place that the page has not",)


def foreign(address: str, file: Path) -> Iterator[str]:
    """Why a page cannot be shown from disk: it loads from elsewhere, or what is not there."""
    parts = urlsplit(address)
    if parts.scheme == "data" or not (parts.path or parts.netloc):
        return
    if parts.scheme or parts.netloc:
        yield f"loads {address} from elsewhere"
    elif not (file.parent / unquote(parts.path)).exists():
        yield f"loads {address}, which is not there"
