"""The playground: one page of scenes on which a teacher is revealed to several students at once.

The page needs no network, no server and no other file: its style and its scripts are inside, its pictures are SVG.
`exact.js` is a port of the exact formulas of `kt_theory.exact` for teachers whose rows have two positive probabilities
at most, `model.js` has these teachers, the bounds, the samples and the students; `draw.js` and `chart.js` draw,
`probe.js` says values under a pointer, `scenes.js` holds what each scene says, with the formulas of `formulas.js`;
`free.js` ties the free scene to its controls, `story.js` goes from scene to scene, `export.js` saves what is shown, and
`ask.js` lets a test ask. The numbers of real teachers, `numbers.json`, are those of `kt_theory.expected_risk`, as
`simulations/make_playground_numbers.py` writes them. That all of them agree with the package is tested in a browser.
The page holds no clock and no path of a machine: the same command gives the same bytes.
"""

from __future__ import annotations

import os
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from kt_theory import __version__
from kt_theory.files import write_whole

#: The scripts of the page, each built on those before it.
SCRIPTS = (
    *("exact.js", "model.js", "draw.js", "chart.js", "probe.js", "formulas.js", "scenes.js"),
    *("free.js", "story.js", "export.js", "ask.js"),
)


def write_playground(path: str | os.PathLike[str]) -> Path:
    """Write the page, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file to write; a missing folder is made.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the file cannot be written; the message says why.
    """
    return write_whole(path, lambda file: file.write_text(page(), encoding="utf-8", newline="\n"))


def page() -> str:
    """The page as text."""
    style = "\n" + _asset("page.css")
    numbers = f"const NUMBERS = {_asset('numbers.json').strip()};"
    script = "\n".join(['\n"use strict";', numbers, *(_asset(name) for name in SCRIPTS)])
    # No browser runs, loads or sends anything but what is written here, whatever a link to the page may carry.
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src {_source(style)}; script-src {_source(script)}"
    )
    parts = {"POLICY": policy, "STYLE": style, "SCRIPT": script, "VERSION": escape(__version__)}
    text = _asset("page.html")
    for name, part in parts.items():
        text = text.replace(f"%{name}%", part)
    return text


def _source(text: str) -> str:
    """A style or script as a content security policy names it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return files("kt_theory.playground").joinpath(name).read_text("utf-8")
