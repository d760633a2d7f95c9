"""The pages of the site, before Sphinx: nothing public is left out, and its check of links sees faults."""

from __future__ import annotations

import importlib
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import kt_theory as kt

ROOT = Path(__file__).parents[1]
#: One process, which has imported the whole package already.
pytestmark = pytest.mark.xdist_group("ledger")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of docs/site by its name. The losses for PyTorch are listed without it."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "site")
    if "torch" not in sys.modules:
        for name in ("torch", "kt_theory.training.losses", "kt_theory.training.arguments", "kt_theory.training.rows"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        torch = types.ModuleType("torch")
        once = types.SimpleNamespace(once_differentiable=lambda function: function)
        torch.__dict__.update(Tensor=object, autograd=types.SimpleNamespace(Function=object, function=once))
        monkeypatch.setitem(sys.modules, "torch", torch)
    yield importlib.import_module
    for path in (ROOT / "docs" / "site").glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_every_public_name_has_a_page_with_what_uses_it(site: Any) -> None:
    # Oracle: identity, the names that kt_theory itself lists
    reference = site("reference")
    pages = reference.pages({"kt.plan": [("lessons/x", "A lesson <of> one")]})
    for name in set(kt.__all__) - {"__version__"}:
        assert (f"{name}.rst" if name in kt._MODULES else f"kt_theory.{name}.rst") in pages, name
    for name in (*kt.bounds.__all__, *kt.training.__all__):
        module = "bounds" if name in kt.bounds.__all__ else "training"
        assert f"kt_theory.{module}.{name}.rst" in pages, name
    assert ":doc:`A lesson \\<of> one </lessons/x>`" in pages["kt_theory.plan.rst"]
    # What a page links to or lists is a page.
    for file, text in pages.items():
        linked = re.findall(r":doc:`(?:[^`]*<)?([\w.]+)>?`", text) + re.findall(r"^   ([\w.]+)$", text, re.MULTILINE)
        assert {f"{name}.rst" for name in linked} <= set(pages), file


def test_uses_are_those_of_the_code(site: Any) -> None:
    # Oracle: enumeration, by hand
    uses = site("uses")
    code = "import kt_theory as kt\nfrom kt_theory.study import run\nkt.TransferSet.from_counts(y).protocol\nkt.fit(z)"
    found = uses.chains(code)
    assert {"kt.TransferSet.from_counts", "kt.fit", "kt.study.run"} <= found
    assert uses.known(found, {"kt.TransferSet", "kt.fit", "kt.study.run", "kt.plan"}) == {
        "kt.TransferSet", "kt.fit", "kt.study.run",
    }  # fmt: skip
    page = "Text `kt.plan(...)` and `kt.nothing`.\n\n```python\nimport kt_theory as kt\nkt.draw(p)\n```\n"
    assert uses.chains_of_page(page) == {"kt.plan", "kt.nothing", "kt.draw"}


def test_the_gallery_has_every_script_and_its_figures(site: Any) -> None:
    # Oracle: enumeration, the files of simulations/ and of docs/lessons
    examples = site("examples")
    scripts = {example.document: example for example in examples.scripts()}
    assert set(scripts) == {f"gallery/{path.stem}" for path in (ROOT / "simulations").glob("*.py")}
    assert scripts["gallery/minimax_gap"].picture == "/figures/minimax_gap.png"
    assert "../figures/three_worlds.png" in scripts["gallery/minimax_gap"].text
    lessons = examples.lessons(None)
    assert len(lessons) == len(list((ROOT / "simulations" / "lessons").glob("[0-9]*.py")))
    assert all(lesson.picture and lesson.title[0].isdigit() for lesson in lessons)


def test_links_move_with_their_pages(site: Any) -> None:
    # Oracle: enumeration, by hand: a page, a picture, a script, a file that the site carries, one that it has not
    moved = site("places").moved
    text = "[a](theory.md#x) ![b](../figures/audit.png) [c](../simulations/audit.py) [d](../tests/oracles.py) [e](#f)"
    assert moved(text, "docs/plan.md", "guide/plan.md") == (
        "[a](theory.md#x) ![b](../figures/audit.png) [c](../gallery/audit.md) d [e](#f)"
    )
    assert moved("[p](playground.html)", "docs/README.md", "guide/index.md") == '<a href="../playground.html">p</a>'
    assert moved("[w](https://example.org/a.md)", "README.md", "index.md") == "[w](https://example.org/a.md)"


def test_every_statement_is_on_a_page(site: Any) -> None:
    # Oracle: identity, the registry of statements and the committed ledger
    ledger = site("ledger")
    text = "".join(ledger.pages().values())
    for id, row in ledger.verdicts().items():
        assert f"## {id}: " in text
        assert f"verdict: **{row['verdict']}**" in text
    assert "](/reference/kt_theory.bounds.hard_upper_mean.rst)" in text


def test_the_report_of_the_ledger_goes_with_what_it_links_to(site: Any, tmp_path: Path) -> None:
    # Oracle: identity, the files of the project, and the ids of the committed table
    ledger = site("ledger")
    ledger.carry_report(tmp_path)
    for path in ("kt_theory/bounds/hard.py", "tests/test_proofs_sharp.py"):
        assert (tmp_path / "files" / f"{path}.txt").read_bytes() == (ROOT / path).read_bytes()
    text = (tmp_path / "ledger.html").read_text(encoding="utf-8")
    linked = {link for link in re.findall(r'href="([^"#]+)', text) if not link.startswith("data:")}
    assert {link for link in linked if not (tmp_path / link).is_file()} == {"paper.pdf"}
    places = set(re.findall(r'id="statement-([^"]*)"', text))
    led = set(re.findall(r'href="\.\./ledger\.html#statement-([^"]*)"', "".join(ledger.pages().values())))
    assert led == places == set(ledger.verdicts())


def test_the_check_of_links_sees_faults(site: Any, tmp_path: Path) -> None:
    # Oracle: enumeration, a page with one fault of each kind beside sound links
    faults = site("links").faults
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a><a href="https://example.org">w</a>')
    (tmp_path / "b.html").write_text('<p id="there"><a href="a.html#here">a</a><img src="data:image/png;base64,AA">')
    assert faults(tmp_path) == []
    planted = {
        '<a href="c.html">': "links to c.html, which is not there",
        '<a href="b.html#nowhere">': "links to b.html#nowhere, a place that the page has not",
        '<script src="https://cdn.example.org/x.js"></script>': "loads https://cdn.example.org/x.js from elsewhere",
        '<link rel="stylesheet" href="missing.css">': "loads missing.css, which is not there",
        '<img src="//example.org/x.png">': "loads //example.org/x.png from elsewhere",
    }
    for html, said in planted.items():
        (tmp_path / "a.html").write_text('<p id="here">' + html)
        assert faults(tmp_path) == [f"a.html: {said}"]
    (tmp_path / "a.html").write_text('<p id="here">')
    (tmp_path / "x.css").write_text("@import 'https://fonts.example.org/f'; p {background: url(\"data:image/x\")}")
    (tmp_path / "y.js").write_text("fetch('https://example.org/x.json')")
    assert [fault.split(" ", 1)[1] for fault in faults(tmp_path)] == [
        "loads https://fonts.example.org/f from elsewhere",
        "loads https://example.org/x.json from elsewhere",
    ]
