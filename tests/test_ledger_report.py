"""The report of the ledger, as a page and in the terminal; and the command `verify`, with its exit codes."""

import base64
import dataclasses
import hashlib
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
from collections import Counter
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.ledger import PlantedError, Statement, Trial, as_text, effort, judge, summarise, try_all, write_report
from kt_theory.ledger.entries.registry import STATEMENTS
from kt_theory.ledger.report import page as written
from kt_theory.ledger.report import pictures
from kt_theory.ledger.report.links import Project
from kt_theory.ledger.report.mathml import typeset
from kt_theory.ledger.report.pictures import MOST, ledger_panels, ratio_text
from kt_theory.ledger.report.sections import anchor, says
from kt_theory.ledger.report.summary import evidence, group
from kt_theory.ledger.report.words import HEADLINES, NOT_CERTIFIED
from kt_theory.ledger.statement import KINDS, Outcome
from kt_theory.ledger.verdicts import Verdict
from kt_theory.statements import STATEMENTS as SAID
from kt_theory.statements import Origin

ROOT = Path(__file__).parents[1]

QUICK = effort("quick")
NASTY = "<script>alert('x')</script> & \"quoted\" <b>"


def at_one(claim, tried):
    """1 <= ``claim(n)`` for a few n."""
    for n in (1, 10, 100):
        yield Trial(f"n={n}", 1.0, claim(n=n), "exact", n)


def made(id="mine", claim=lambda n: 2.0, **changes):
    """A statement of one's own: 1 <= claim(n)."""
    entries = {"source": "ours", "words": "One is small.", "formula": "1 <= 2", "regime": "n >= 1"}
    entries |= {"grade": "upper", "status": "proved", "claim": claim, "check": at_one}
    entries |= {"origin": Origin.OURS}
    return Statement(id=id, **entries | changes)


TRUE = made(planted=(PlantedError("2 becomes 1/2", lambda n: 0.5),))
FALSE = made("wrong", lambda n: 0.5 if n == 10 else 2.0)
MISSED = made(
    "missed", planted=(PlantedError("2 becomes 3", lambda n: 3.0), PlantedError("2 becomes 0", lambda n: 0.0))
)
SLIP = made("a-slip", lambda n: 0.25, grade="slip", status="false", mended=lambda n: 1.0)
OPEN = made("nothing", None, check=None, grade="open", status="open")
ELSEWHERE = made("elsewhere", lambda n: math.nan)
ALL = (TRUE, FALSE, MISSED, SLIP, OPEN, ELSEWHERE)


def page_of(*statements, **options):
    return written.page([judge(statement, QUICK, **options) for statement in statements], QUICK)


class Reader(HTMLParser):
    """Reads a page strictly: every tag that is opened is closed, in order; keeps ids, links and text."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes, self.text = [], Counter(), [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


# --- The page -------------------------------------------------------------------------------------------


def test_the_page_is_whole_and_its_links_lead_somewhere():
    page = Reader(page_of(*ALL))
    assert len(set(page.ids)) == len(page.ids)
    links = [value for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert {f"#{id}" for id in page.ids} >= set(links)
    for statement in ALL:
        assert f"statement-{statement.id}" in page.ids
    assert page.tags["h1"] == 1
    scopes = [value for tag, name, value in page.attributes if tag == "th" and name == "scope"]
    assert len(scopes) == page.tags["th"], "a table header without its scope"
    labelled = {value for tag, name, value in page.attributes if tag == "label" and name == "for"}
    assert labelled == {"search", "verdict", "group", "order"}
    assert labelled <= set(page.ids)


def test_the_page_of_the_real_ledger(tmp_path):
    path = tmp_path / "ledger.html"
    board = kt.verify(statements=["zz-E.5", "slip-1"], report=path)
    page = Reader(path.read_text(encoding="utf-8"))
    assert {f"statement-{id}" for id in board["id"]} <= set(page.ids)
    words = " ".join(page.text)
    for needed in ("numpy", np.__version__, kt.__version__, "level", "quick", "seed", "as expected", "mended form"):
        assert needed in words


def test_the_policy_of_the_page_allows_its_own_script_and_nothing_else():
    # Oracle: second algorithm, the digest of what stands between the tags
    text = page_of(TRUE)
    script = re.search(r"<script>(.*?)</script>", text, flags=re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [
        value for tag, name, value in Reader(text).attributes if (tag, name) == ("meta", "content") and "-src" in value
    ]
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_the_page_needs_nothing_from_outside():
    text = page_of(*ALL)
    for _, name, value in Reader(text).attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            assert value.startswith(("#", "data:")), value
    assert not re.search(r"https?://|url\(|@import|\bimport\s*\(|fetch\(|XMLHttpRequest", text)


def test_the_page_knows_no_clock_and_no_machine(tmp_path):
    for folder in ("one", "two"):
        write_report(list(try_all(ALL, QUICK)), QUICK, tmp_path / folder / "page.html")
    pages = [(tmp_path / folder / "page.html").read_bytes() for folder in ("one", "two")]
    assert pages[0] == pages[1]
    assert b"seconds" not in pages[0]
    assert str(tmp_path).encode() not in pages[0]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")
    monkeypatch.setattr(written, "page", lambda *_: "\ud800")
    with pytest.raises(UnicodeEncodeError):
        write_report([], QUICK, path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_whatever_a_statement_says_is_escaped():
    texts = dict.fromkeys(("source", "words", "formula", "regime", "note", "grade", "status"), NASTY)

    def check(claim, tried):
        yield Trial(NASTY, 1.0, claim, "exact", 5)
        yield Trial(NASTY, 1.0, 2.0, "algebra", 7)

    statement = made(
        f"id {NASTY} 100%",
        2.0,
        check=check,
        planted=(PlantedError(NASTY, 0.5), PlantedError(f"{NASTY} 2", 2.0)),
        **texts,
    )
    text = page_of(statement)
    assert "<script>alert" not in text
    assert "<b>" not in text.replace("<b>✓", "").replace("<b>✗", "")
    page = Reader(text)
    assert page.tags["script"] == 1
    assert "".join(page.text).count(NASTY) >= 10
    assert all(" " not in id for id in page.ids)


#: Ids that would be markup, a script, another id of the page, or no text of a link at all.
HOSTILE_IDS = (
    NASTY,
    "</script><script>document.title = 'gone'</script>",
    "\" onmouseover=\"document.title = 'gone'",
    "%ZZ",
    "summary",
    "__proto__",
    "a b\n\t#c",
    "\x1b[2J\u202e",
)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser tests: playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no browser tests: there is no chromium on the path")
    with sync_api.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        running = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield running
        running.close()


def test_hostile_ids_and_links_do_nothing_in_a_browser(browser, tmp_path):
    # Oracle: Chromium
    path = tmp_path / "page.html"
    statements = [made(id) for id in HOSTILE_IDS]
    write_report([judge(statement, QUICK) for statement in statements], QUICK, path)
    # A script of another make, as if escaping had failed: the policy stops it.
    broken = path.read_text(encoding="utf-8").replace("<main>", "<main><script>document.title = 'gone'</script>")
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    errors = []
    for name in ("page.html", "broken.html"):
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        for hash in ("", "#%ZZ", "#%", "#statement-%25ZZ", "#statement-summary", "#<img src=x onerror=alert(1)>"):
            page.goto((tmp_path / name).as_uri() + hash)
            page.evaluate("hash => { location.hash = hash; }", hash)
        page.wait_for_timeout(50)
        assert page.title().startswith("The ledger of kt_theory")
        shown = page.locator("#shown").inner_text()
        assert shown == f"{len(HOSTILE_IDS)} of {len(HOSTILE_IDS)} statements shown"
        # The filter hides all; a link to one of them brings it back.
        page.locator("#search").fill("nothing has these words")
        assert page.locator(".statement:visible").count() == 0
        page.evaluate("location.hash = 'statement-summary'")
        page.wait_for_function("document.querySelectorAll('.statement:not([hidden])').length > 0")
        page.close()
    assert not errors


def test_verdicts_are_told_by_words_and_signs():
    text = page_of(*ALL)
    assert "FAIL.</strong> 3 of 6 statements not as expected (wrong, missed, elsewhere); 1 statement stands" in text
    words = " ".join(" ".join(Reader(text).text).split())
    for needed in (
        "✗ refuted (not as expected)",
        "✗ refuted (as expected)",
        "planted error not found: 2 becomes 3",
        "? open",
        "– not applicable (not as expected)",
        "✓ holds under the same attacks",
        "✗ not found 2 becomes 3",
        "✓ refuted 2 becomes 0",
        "printed form ✗ refuted: n=1: 1 against 0.25, ratio 4.0000 (exact)",
        "witness n=10: 1 against 0.5, ratio 2.0000 (exact)",
    ):
        assert needed in words, needed
    assert "✓ PASS." in page_of(TRUE, SLIP, OPEN)
    assert "– not tried" in page_of(TRUE, planted=False)


def test_entries_are_found_by_what_was_found_out():
    # Oracle: definition; 1 against 2, 1/2 and 1/4 has the ratios 1/2, 2 and 4
    mark = r'id="statement-([^"]*)" data-verdict="([^"]*)"\s+data-group="[^"]*" data-ratio="([^"]*)"'
    found = {id: tags for id, *tags in re.findall(mark, page_of(*ALL))}
    assert found == {
        "mine": ["holds", "0.5"],
        "wrong": ["refuted|unexpected", "2.0"],
        "missed": ["holds|unexpected", "0.5"],
        "a-slip": ["refuted", "4.0"],
        "nothing": ["open", ""],
        "elsewhere": ["not applicable|unexpected", ""],
    }
    above_0 = made(check=lambda claim, tried: [Trial("", 1.0, 0.0, "exact")])
    assert re.findall(mark, page_of(above_0, planted=False)) == [("mine", "refuted|unexpected", "Infinity")]


def test_of_a_slip_the_mended_form_is_said():
    # Oracle: definition
    slip = made(formula="1 <= 4", mended_formula="1 <= 8")
    assert "8" in says(slip)
    assert "4" not in says(slip)
    assert "4" in says(made(formula="1 <= 4"))
    of_the_paper = next(one for one in STATEMENTS.values() if one.mended_formula)
    plain = dataclasses.replace(of_the_paper.about, mended_latex="")
    assert typeset(of_the_paper.about.mended_latex) in says(of_the_paper)
    assert typeset(of_the_paper.about.latex) in says(dataclasses.replace(of_the_paper, about=plain))


@pytest.mark.parametrize(
    ("statement", "words"),
    [(OPEN, "none: nothing was tried"), (ELSEWHERE, "none: no trial in the regime")],
)
def test_why_there_is_no_evidence_is_said(statement, words):
    # Oracle: definition
    text = " ".join(Reader(page_of(statement)).text)
    assert [words in text, text.count("none: ")] == [True, 1]


def test_the_groups_are_told_apart():
    published = made(source="Z&Z Thm 9.9", origin=Origin.PAPER)
    own = made(source="Z&Z of mine")  # where it is from is a field, and not read off the words
    conjectured = made(source="Z&Z Remark 9", origin=Origin.PAPER, grade="conjecture", status="conjectured")
    yours = made(origin=Origin.YOURS, status="conjectured")
    groups = [group(statement) for statement in (published, own, TRUE, SLIP, conjectured, OPEN, yours)]
    assert groups == ["Z&Z", "ours", "ours", "slips", "conjectures", "conjectures", "yours"]


def ledger_as_committed():
    """A verdict for each statement of the ledger, as figures/ledger.csv says it, with a curve of four points."""
    board = pd.read_csv(ROOT / "figures" / "ledger.csv").set_index("id")
    verdicts = []
    for id, statement in STATEMENTS.items():
        if id in board.index:
            row = board.loc[id]
            curve = tuple(Trial(f"n={n}", 0.8 / n, 1 / n, "exact", n) for n in (1, 10, 100, 1000))
            counts, tried = Counter({kind: int(row[kind]) for kind in KINDS}), row["verdict"] != "open"
            mended = None if pd.isna(row["mended"]) else bool(row["mended"])
            found = (curve[0] if tried else None, counts, int(row["silent"]), float(row["alarm"]), mended)
            errors = (int(row["caught"]), int(row["planted"]), ())
            verdicts.append(Verdict(statement, Outcome(row["verdict"]), *found, *errors, curve * tried, 0.1))
    return verdicts


def test_headlines_come_first_and_every_statement_is_in_one_fold():
    # Oracle: identity, the ids of the ledger
    verdicts = ledger_as_committed()
    text = written.page(verdicts, QUICK)
    page = Reader(text)
    ids = [id for id in page.ids if id.startswith("statement-")]
    assert sorted(ids) == sorted(anchor(verdict.statement) for verdict in verdicts)
    assert len(HEADLINES) == 12
    assert set(HEADLINES) <= set(STATEMENTS)
    first = text[text.index('id="headlines"') : text.index('id="statements"')]
    assert re.findall(r'href="#statement-([^"]+)"', first) == [*HEADLINES]
    assert text.count('<details class="fold"') == len({(v.statement.origin, v.statement.theorem) for v in verdicts})
    assert " open>" not in text, "what is as expected is folded"
    assert page.tags["math"] > 2 * len(verdicts)
    folded = re.findall(r'<details class="fold"><summary><b class="theorem">([^<]+)</b>', text.replace("\n", ""))
    assert folded.index("Theorem 4.1") + 1 == folded.index("Lemma 4.2") == folded.index("Theorem 4.3") - 1
    assert folded.index("N9b") < folded.index("N10") < folded.index("N31")


def test_the_committed_page_is_that_of_the_committed_table():
    # Oracle: identity, the rows of figures/ledger.csv, and the files that the page links to
    text = (ROOT / "docs" / "ledger.html").read_text(encoding="utf-8")
    mark = r'<details [^>]*id="statement-([^"]*)" data-verdict="([^"]*)"\s+data-group="[^"]*" data-ratio="([^"]*)"'
    _, *parts = re.split(mark, text)
    found = {id: tags for id, *tags in zip(*(parts[i::4] for i in range(4)), strict=True)}
    board = pd.read_csv(ROOT / "figures" / "ledger.csv").set_index("id")
    assert set(found) == set(board.index), "run: make paper-results"
    for verdict in ledger_as_committed():
        row, (word, ratio, section) = board.loc[verdict.statement.id], found[verdict.statement.id]
        assert word == row["verdict"] + "|unexpected" * (not row["as_expected"])
        np.testing.assert_equal(float(ratio or "nan"), row["ratio"])
        where = "" if pd.isna(row["where"]) else row["where"]
        for said in (row["source"], row["words"], where, evidence(verdict)):
            assert escape(said) in section, (verdict.statement.id, said)
        assert section.count("<li><b>✓ ") + verdict.statement.faulty == row["caught"] == row["planted"]
        assert all(f">{name}</dt>" in section for name in ("code", "tests"))
    links = {link for link in re.findall(r'href="([^"#][^"#]*)', text) if not link.startswith("data:")}
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


def test_a_surprise_opens_its_fold_and_few_statements_are_not_folded():
    # Oracle: enumeration
    many = [made(f"s{i}", source=f"place {i}") for i in range(20)]
    text = page_of(*many, made("bad", lambda n: 0.5, source="elsewhere"))
    assert re.findall(r'<details class="fold" open>\s*<summary><b class="theorem">([^<]+)</b>', text) == ["elsewhere"]
    assert page_of(*many[:3]).count('<details class="fold" open>') == 3


def test_links_lead_to_files_of_a_checkout_and_nowhere_else(tmp_path):
    # Oracle: identity, the files of this project; elsewhere the page has no path of this machine
    verdict = next(verdict for verdict in ledger_as_committed() if verdict.statement.id == "ours-N8-uniform")
    inside = Project.around(ROOT / "docs" / "ledger.html")
    text = written.page([verdict], QUICK, inside)
    links = {link for link in re.findall(r'href="([^"#][^"]*)"', text) if not link.startswith("data:")}
    assert {"../kt_theory/ledger/entries/ours_hard.py", "../kt_theory/bounds/hard.py"} <= links
    assert "../paper/paper.pdf#nameddest=N8a" in links
    assert any(link.startswith("../tests/test_proofs") for link in links)
    assert all((ROOT / "docs" / link.partition("#")[0]).is_file() for link in links)
    outside = written.page([verdict], QUICK, Project.around(tmp_path / "ledger.html"))
    assert not re.findall(r'href="(?!#|data:)', outside)
    assert "<code>kt_theory/ledger/entries/ours_hard.py</code>" in outside
    assert str(ROOT) not in text + outside


def test_a_name_of_the_links_is_a_place_in_the_report():
    # Oracle: second algorithm, the ids that each result of the report lists
    sections = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "paper" / "sections").glob("*.tex")))
    results = re.findall(r"\\begin\{(?:theorem|lemma|proposition|corollary)\}\{(\w+)\}.*\{([^{}]*)\}", sections)
    listed = {id: number for number, ids in results for id in ids.split(",") if id}
    assert len(listed) >= 70
    assert {id: STATEMENTS[id].theorem for id in listed} == listed
    proved = [id for id, entry in STATEMENTS.items() if entry.status == "proved"]
    assert {STATEMENTS[id].theorem for id in proved} <= {number for number, _ in results}


def test_search_order_and_address_in_a_browser(browser, tmp_path):
    # Oracle: Chromium
    path = tmp_path / "page.html"
    path.write_text(written.page(ledger_as_committed(), QUICK), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollHeight") < 6000
    shown = "[...document.querySelectorAll('.statement')].filter((e) => e.checkVisibility()).map((e) => e.id)"
    page.locator("#search").fill("Theorem 3.2")
    found = page.evaluate(shown)
    assert found == [f"statement-{id}" for id in ("zz-3.2-mean", "zz-3.2-instance", "zz-3.2-whp", "slip-2", "slip-8")]
    page.locator("#verdict").select_option("refuted")
    page.wait_for_timeout(400)  # the address follows after a while
    address = page.url
    assert address == path.as_uri() + "#?q=Theorem+3.2&verdict=refuted"
    page.goto("about:blank")
    page.goto(address)
    assert page.evaluate(shown) == ["statement-slip-2"]
    page.locator("#search").fill("Theorem 13")
    assert page.locator("#nothing").inner_text().startswith("No statement matches")
    assert page.evaluate(shown) == []
    page.locator("#clear").click()
    assert page.locator("#shown").inner_text() == f"{len(STATEMENTS)} of {len(STATEMENTS)} statements shown"
    assert page.evaluate(shown) == []  # folded again
    page.locator("#headlines a").first.click()
    assert page.locator("#statement-zz-3\\.1[open]").is_visible()
    page.locator("#order").select_option("high")
    ratios = page.evaluate("[...document.querySelectorAll('#flat > .statement')].map((e) => e.dataset.ratio)")
    numbers = [float(ratio) for ratio in ratios if ratio]
    assert numbers == sorted(numbers, reverse=True)
    assert len(ratios) == len(STATEMENTS)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#order").select_option("")
    assert page.evaluate("document.querySelectorAll('.fold[open]').length") == 1  # that of the headline
    page.evaluate("document.querySelector('.fold[open]').open = false")
    assert page.evaluate("document.documentElement.scrollHeight") < 6000
    assert not errors
    assert {*requests} == {path.as_uri()}
    page.close()


# --- Formulas -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("at $x$ & more", "at <math><mi>x</mi></math> &amp; more"),
        (r"$\frac12$", "<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>"),
        (r"$x_s^2$", "<math><msubsup><mi>x</mi><mi>s</mi><mn>2</mn></msubsup></math>"),
        (r"$10^{-3}$", '<math><msup><mn>10</mn><mrow><mo form="prefix">−</mo><mn>3</mn></mrow></msup></math>'),
        (r"$0.25 A'$", "<math><mn>0.25</mn><msup><mi>A</mi><mo>′</mo></msup></math>"),
        (r"$\sqrt{S+n}$", "<math><msqrt><mrow><mi>S</mi><mo>+</mo><mi>n</mi></mrow></msqrt></math>"),
        (r"$\mathbb{E}\mathrm{of\ all}$", '<math><mi>𝔼</mi><mi mathvariant="normal">of all</mi></math>'),
        (r"\textsf{CE\_sgl}", "CE_sgl"),
        (r"$\sum_a^2$", "<math><munderover><mo>∑</mo><mi>a</mi><mn>2</mn></munderover></math>"),
    ],
)  # fmt: skip
def test_a_formula_is_typeset(latex, mathml):
    # Oracle: enumeration by hand, MathML of the standard
    assert typeset(latex) == mathml


def test_every_formula_of_the_ledger_is_typeset():
    # Oracle: second algorithm, a strict reader of HTML; planted, what is no formula is refused and shown as plain text
    for said in SAID.values():
        for latex in (said.latex, said.regime_latex, said.mended_latex):
            Reader(typeset(latex))
    for wrong in (r"$\unheard$", "${x$", "$x}$", "$x^$", r"$\mathrm x$"):
        with pytest.raises(ValueError, match="a formula "):
            typeset(wrong)
    about = dataclasses.replace(SAID["zz-3.1"], latex=r"$\unheard$")
    assert '<span class="formula">1 &lt;= 2</span>' in page_of(made(about=about))


def test_sentences_stand_alone():
    # Oracle: identity; planted, a sentence that needs another one
    leaning = re.compile(r"\b([Tt]he same (with|for|as)|than this|this bound|[Aa]s above)\b")

    def leans(words):
        return not words.endswith(".") or leaning.search(words)

    assert [id for id, said in SAID.items() if leans(said.words)] == []
    assert leans("The same with probability 1 - delta.")
    assert len({said.words for said in SAID.values()}) == len(SAID)


# --- What follows from all together ---------------------------------------------------------------------


def test_the_summary_counts():
    # Oracle: enumeration by hand. Three trials for each statement but the open one and the one that never applies;
    # planted: 1 + 2, and the slip itself; one survivor. Alarms: three times 1e-10.
    noisy = made(
        "noisy", check=lambda claim, tried: [Trial("x", 1.0, 2.0, "simulation", n, 0, 1e-10) for n in (1, 2, 3)]
    )
    summary = summarise([judge(statement, QUICK) for statement in (*ALL, noisy)])
    assert summary.trials == {"exact": 12, "simulation": 3}
    assert summary.statements == {"exact": 4, "simulation": 1}
    assert summary.verdicts == {"holds": 3, "refuted": 2, "open": 1, "not applicable": 1}
    assert (summary.planted, summary.caught) == (4, 3)
    assert summary.mutation_score == 0.75
    assert summary.survivors == (("missed", "2 becomes 3"),)
    assert (summary.slips, summary.mended) == (1, 1)
    assert summary.false_alarm == pytest.approx(3e-10, rel=1e-14, abs=0)


def test_nothing_at_all_is_reported():
    text = written.page([], QUICK)
    Reader(text)
    assert "None were tried" in text
    assert math.isnan(summarise([]).mutation_score)


def test_a_false_alarm_too_likely_is_said(monkeypatch):
    many = made(check=lambda claim, tried: [Trial("x", 1.0, 2.0, "simulation", 1, 0, 2e-6)])
    assert "✗ above" in page_of(many)
    assert "ABOVE" in as_text([judge(many, QUICK)])


def test_without_flint_it_is_said(monkeypatch):
    assert NOT_CERTIFIED not in page_of(TRUE)
    monkeypatch.setitem(sys.modules, "flint", None)
    certifiable = made(certificates=("hard_lower_mean",))
    assert page_of(certifiable).count(NOT_CERTIFIED) == 2
    assert NOT_CERTIFIED in as_text([judge(certifiable, QUICK)])


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0.0000"),
        (0.78216, "0.7822"),
        (1.0, "1.0000"),
        (1 - 1e-15, "1.0000"),
        (1 - 5e-10, "1 - 5e-10"),
        (1 + 3e-7, "1 + 3e-07"),
        (1.5, "1.5000"),
        (1.0002, "1.0002"),
        (0.97, "0.9700"),
        (1 + 4e-5, "1 + 4e-05"),
        (1 - 6e-5, "0.9999"),
        (0.001, "0.0010"),
        (999.9, "999.9000"),
        (1000.0, "1.00e+03"),
        (4.4e11, "4.40e+11"),
        (2e-5, "2.00e-05"),
        (math.inf, "infinite"),
        (math.nan, "-"),
    ],
)
def test_a_ratio_says_on_which_side_of_one_it_is(ratio, text):
    # Oracle: enumeration by hand
    assert ratio_text(ratio) == text


@pytest.mark.parametrize(
    ("letters", "shown"), [(1, "x"), (47, "x" * 47), (48, "x" * 48), (49, "x" * 45 + "..."), (90, "x" * 45 + "...")]
)
def test_a_place_of_more_than_48_letters_is_cut(letters, shown):
    # Oracle: enumeration by hand
    place = made(check=lambda claim, tried: [Trial("x" * letters, 1.0, claim(n=1), "exact", 1)])
    head, row = as_text([judge(place, QUICK)]).splitlines()[:2]
    assert re.findall(r"x+[.]*", row) == [shown]
    assert row.index("x") == head.index("worst place")


# --- The plots ------------------------------------------------------------------------------------------

SIDES = (0.0, 1e-320, 1e-300, 0.5, 1.0, 1e300, math.inf, math.nan)


def places(svg):
    """Coordinates at which markers and lines of a pair of panels start."""
    return [(float(x), float(y)) for x, y in re.findall(r'd="M(-?[\d.]+) (-?[\d.]+)', svg)]


@pytest.mark.parametrize("n", [(), (0,), (0, 1), (5,), (0.25, 0.5), (1, 10**12), (-1, 0, 1), (math.inf,), (math.nan,)])
def test_no_curve_is_too_strange(n):
    for lhs, rhs in itertools.product(SIDES, SIDES):
        svg = ledger_panels([Trial("x", lhs, rhs, "exact", value) for value in n], ("left", "right"))
        comparable = not (math.isnan(lhs) or math.isnan(rhs) or lhs == rhs == math.inf)
        assert bool(svg) == (comparable and any(map(math.isfinite, n)))
        Reader(svg)
        assert not re.search(r'd="[^"]*(nan|inf)', svg)
        for x, y in places(svg):
            assert 0 <= x <= 340
            assert 0 <= y <= 190


def test_markers_lie_where_the_numbers_say():
    # Oracle: identity, on log axes equal factors are equal distances, and the ratio panel is linear with 1 on its line
    curve = [Trial("x", 10.0**-k / 2, 10.0**-k, "exact", 10**k) for k in range(5)]
    left, right = (part for part in ledger_panels(curve, ("l", "r")).split("</svg>") if part)
    points = [places(found)[0] for found in re.findall(r'<path class="point[^>]*>', left)]
    np.testing.assert_allclose(np.diff(points, n=2, axis=0), 0, atol=0.21)  # coordinates have one digit
    one = float(re.search(r'class="one" d="M\d+ ([\d.]+)', right)[1])
    zero = float(re.search(r'class="grid" d="M\d+ ([\d.]+)', right)[1])
    heights = [places(found)[0][1] for found in re.findall(r'<path class="point[^>]*>', right)]
    np.testing.assert_allclose(heights, (one + zero) / 2, atol=0.11)


def test_a_broken_point_stands_out_and_is_never_thinned_away():
    curve = [Trial("x", 3.0 if n == 77 else 0.5, 1.0, "search", n) for n in range(1, 1000)]
    svg = ledger_panels(curve, ("left", "right"))
    assert svg.count("broken") == 2
    assert "BROKEN" in svg
    assert "largest ratio 3.0000 at n = 77" in svg
    assert MOST <= svg.count('class="point') / 2 <= MOST + 2


# --- The command ----------------------------------------------------------------------------------------


@pytest.fixture
def registered(monkeypatch):
    """The statements made above, in the ledger."""
    for statement in ALL:
        monkeypatch.setitem(STATEMENTS, statement.id, statement)


def test_verify_prints_writes_and_exits_zero(registered, tmp_path, capsys):
    out, page = tmp_path / "board.csv", tmp_path / "page.html"
    words = ["verify", "--statement", "mine", "a-slip", "nothing", "--out", str(out), "--report", str(page)]
    assert cli.main(words) == cli.HELD
    printed = capsys.readouterr()
    assert "3 statements: 1 holds, 1 refuted, 1 open; 3 of 3 as expected" in printed.out
    assert "planted errors: 2 of 2 caught (100.0%)" in printed.out
    assert "slips of print: 1; their mended forms that hold: 1" in printed.out
    assert "within the limit 1e-06" in printed.out
    last = "PASS: 1 statement stands, 1 known false one was caught again, 1 has no model yet"
    assert printed.out.splitlines()[-1] == last
    assert "%|" not in printed.err, "a progress bar was drawn where there is no terminal"
    assert max(map(len, printed.out.splitlines())) <= 160
    table = pd.read_csv(out)
    assert table["id"].tolist() == ["mine", "a-slip", "nothing"]
    assert "seconds" not in table
    assert "statement-a-slip" in Reader(page.read_text(encoding="utf-8")).ids


@pytest.mark.parametrize(
    ("id", "why"),
    [
        ("wrong", "refuted, where proved at points or holds was expected"),
        ("missed", "planted error not found: 2 becomes 3"),
        ("elsewhere", "not applicable, where proved at points or holds was expected"),
    ],
)
def test_a_surprise_exits_one_and_is_named(id, why, registered, capsys):
    assert cli.main(["verify", "--statement", "mine", id]) == cli.BROKEN
    printed = capsys.readouterr()
    assert printed.err == f"not as expected: {id}: {why}\n"
    assert "(!)" in printed.out
    assert printed.out.splitlines()[-1] == f"FAIL: 1 of 2 statements not as expected ({id}); 1 statement stands"


def test_a_mended_form_that_breaks_exits_one(monkeypatch, capsys):
    broken = made("worse", lambda n: 0.25, grade="slip", status="false", mended=lambda n: 0.9)
    monkeypatch.setitem(STATEMENTS, "worse", broken)
    assert cli.main(["verify", "--statement", "worse", "--json"]) == cli.BROKEN
    printed = capsys.readouterr()
    assert "its mended form fails, too" in printed.err
    assert json.loads(printed.out)["statements"][0]["mended"] is False


def test_without_twins_none_is_missed(registered, capsys):
    assert cli.main(["verify", "--statement", "missed", "--no-planted"]) == cli.HELD
    assert "planted errors" not in capsys.readouterr().out


def test_verify_speaks_json(registered, monkeypatch, capsys):
    # Oracle: identity, what is printed is what kt.verify gives; what is not finite is null
    monkeypatch.setitem(STATEMENTS, "mine-inf", made("mine-inf", lambda n: 0.0, status="false"))
    words = ["verify", "--statement", "mine", "mine-inf", "nothing", "--seed", "7", "--json"]
    assert cli.main(words) == cli.HELD

    def no_constant(name):
        raise AssertionError(f"{name} is not JSON")

    found = json.loads(capsys.readouterr().out, parse_constant=no_constant)
    assert (found["level"], found["seed"], found["false_alarm"]) == ("quick", 7, 0.0)
    assert found["versions"]["kt_theory"] == kt.__version__
    assert found["statements_by_kind"] == {"exact": 2, "certified": 0, "search": 0, "simulation": 0, "algebra": 0}
    rows = {row["id"]: row for row in found["statements"]}
    assert rows["mine-inf"]["ratio"] is None
    assert rows["nothing"]["ratio"] is None
    board = kt.verify(statements="mine", seed=7).set_index("id")
    assert rows["mine"]["ratio"] == board.loc["mine", "ratio"] == 0.5
    assert set(rows["mine"]) == {"id", *board.columns} - {"seconds"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--statement", "zz-99"], "statement 'zz-99' is not in the ledger"),
        (["--seed=-1"], "--seed: it is -1"),
        (["--seed", "1.5"], "--seed: it is 1.5"),
        (["--level", "slow"], "slow"),
        (["--report", "page.pdf"], "page.pdf: its name must end in .html"),
        (["--out", "board.xlsx"], "board.xlsx: its name must end in .csv"),
    ],
)
def test_bad_arguments_get_one_sentence_before_any_work(words, named, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(["verify", *words])
    except SystemExit as stopped:
        code = stopped.code
    printed = capsys.readouterr()
    assert code == cli.REFUSED
    assert printed.out == ""
    assert named in printed.err.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_help_teaches():
    done = subprocess.run([sys.executable, "-m", "kt_theory", "verify", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.isascii()
    for needed in (
        "example:",
        "--level {quick,full}",
        "--statement",
        "--report",
        "--no-planted",
        "--seed",
        "exit codes:",
    ):
        assert needed in done.stdout


def test_public_names_of_the_ledger_resolve():
    for name in kt.ledger.__all__:
        assert getattr(kt.ledger, name) is not None
    assert set(kt.ledger.__all__) <= set(dir(kt.ledger))
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        kt.ledger.absent  # noqa: B018


# --- Pictures: where points lie ---------------------------------------------------------------------------


def drawn_at(svg, looks):
    """Where markers or dashes of a class begin, in pixels."""
    return [(float(x), float(y)) for x, y in re.findall(rf'<path class="{looks}[^"]*" d="M([\d.]+) ([\d.]+)', svg)]


@pytest.mark.parametrize("ns", [(1, 10, 1000), (0, 1, 50, 2000), (2, 7), (5,), (0,), (0, 3)])
def test_numbers_of_samples_lie_on_a_logarithmic_axis(ns):
    # Oracle: arithmetic: the frame is 48 to 330 wide; numbers from 62 to 318, with a slot of 30 pixels for 0
    at, ticks = pictures.across(ns)
    positive = [n for n in ns if n > 0]
    for n in positive:
        start = 92 if 0 in ns else 62
        span = math.log(max(positive) / min(positive))
        x = start + (318 - start) * math.log(n / min(positive)) / span if span else (start + 318) / 2
        assert at(n)[0] == pytest.approx(x, abs=1e-9)
    if 0 in ns:
        assert at(0) == (62, True)
        assert ">0</text>" in ticks
    assert ticks.count('class="gap"') == (0 in ns and len(ns) > 1)
    labels = re.findall(r'y="170">([^<]+)<', ticks)
    powers = [k for k in range(5) if positive and min(positive) <= 10**k <= max(positive)]
    named = [str(n) for n in positive] if len(powers) < 2 else [pictures.power_text(10.0**k) for k in powers]
    assert labels == named + ["0"] * (0 in ns)


def test_an_axis_with_numbers_below_0_is_linear():
    # Oracle: arithmetic, from 60 to 320
    at, ticks = pictures.across([-2.0, 0.0, 2.0])
    assert [at(x) for x in (-2, 0, 1, 2, 9)] == [(60, True), (190, True), (255, True), (320, True), (320, False)]
    assert re.findall(r">([^<]+)</text>", ticks) == ["-2", "2"]
    assert re.findall(r">([^<]+)</text>", pictures.across([-2.0])[1]) == ["-2"]
    assert pictures.across([-2.0])[0](-2.0) == (190, True)


def test_powers_of_ten_and_what_stands_between_them():
    # Oracle: enumeration by hand
    assert pictures.decades(1, 1000) == [1, 10, 100, 1000]
    assert pictures.decades(0.5, 99) == [1, 10]
    assert pictures.decades(1, 1e5) == [10.0**k for k in range(6)]
    assert pictures.decades(1, 1e6) == [1, 100, 1e4, 1e6]
    assert pictures.decades(1e-12, 1) == [1e-12, 1e-9, 1e-6, 1e-3, 1]
    assert pictures.decades(1e-320, 1e-306) == [1e-306] or pictures.decades(1e-320, 1e-306) == []
    assert [x for x, _ in pictures.between(0.3, 7)] == [0.5, 1, 2, 5]
    assert pictures.between(20, 120) == [(20, "20"), (50, "50"), (100, "100")]
    assert [x for x, _ in pictures.between(1, 999)] == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert [pictures.power_text(10.0**k) for k in (-12, -1, 0, 1, 2, 30)] == ["10⁻¹²", "10⁻¹", "1", "10", "10²", "10³⁰"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (math.nan, "-"), (math.inf, "infinite"), (1.0, "1.0000"), (1 + 1e-13, "1.0000"), (1 + 2e-12, "1 + 2e-12"),
        (1 - 3e-9, "1 - 3e-09"), (1 + 4.9e-5, "1 + 5e-05"), (1 - 6e-5, "0.9999"), (0.0, "0.0000"), (1e-3, "0.0010"),
        (9.9e-4, "9.90e-04"), (999.0, "999.0000"), (1000.0, "1.00e+03"), (0.25, "0.2500"),
    ],
)  # fmt: skip
def test_ratios_in_four_digits(ratio, text):
    # Oracle: enumeration by hand, both sides of each limit
    assert ratio_text(ratio) == text


def test_both_panels_draw_what_the_trials_say():
    # Oracle: arithmetic: sides on a logarithmic axis from 144 up to 18, ratios on a linear one, 0 at 150 and 1.05 at 18
    sides = ((1, 0.5, 1.0), (10, 0.1, 0.1), (100, 0.02, 0.01), (1000, 0.0, 1e-3))
    kinds = ("exact", "algebra", "search", "exact")
    curve = [Trial(f"at {n}", *both, kind, n) for (n, *both), kind in zip(sides, kinds, strict=True)]
    both, close = ledger_panels(curve, ("left", "right")).split("</svg>")[:2]
    x = [62 + (318 - 62) * k / 3 for k in range(4)]
    at = {value: 144 + (18 - 144) * math.log10(value / 1e-3) / 3 for value in (1.0, 0.5, 0.1, 0.02, 0.01, 1e-3)}
    assert drawn_at(both, "point") == pytest.approx(
        [pytest.approx(pair, abs=0.06) for pair in zip(x, (at[0.5], at[0.1], at[0.02], 144), strict=True)]
    )
    dashes = [(x0 + 4, y) for x0, y in drawn_at(both, "bound")[1:]]
    assert dashes == [pytest.approx(pair, abs=0.06) for pair in zip(x, (18, at[0.1], at[0.01], 144), strict=True)]
    (line,) = re.findall(r'class="bound" d="(M[^h"]+)"', both)
    assert line.count("L") == 3
    heights = [150 + (18 - 150) * ratio / 1.05 for ratio in (0.5, 1.0, 1.05, 0.0)]
    assert drawn_at(close, "point") == [pytest.approx(pair, abs=0.06) for pair in zip(x, heights, strict=True)]
    looks = re.findall(r'class="(point [^"]+)"', both)
    assert looks == ["point exact", "point algebra", "point search broken", "point exact off"]
    assert re.findall(r'class="(point [^"]+)"', close)[2:] == ["point search broken off", "point exact"]
    assert f'd="M48 {150 + (18 - 150) / 1.05:.1f}H330"' in close
    assert "4 values of n from 1 to 1000; largest ratio 2.0000 at n = 100" in both
    assert "n = 100: 0.02 against 0.01, ratio 2.0000, BROKEN (search; at 100)" in both
    assert re.findall(r'y="([\d.]+)">([01.5]+)</text>', close)[:2]
    assert (both + close).count('viewBox="0 0 340 190"') == 2
    assert both.count('d="M48 12V154H330"') == 1


def test_sides_that_are_alike_have_room_around_them():
    # Oracle: arithmetic: from a third of the least to three times the largest, where they are within a power of ten
    curve = [Trial("", 0.5, 2.0, "exact", 1), Trial("", 0.5, 2.0, "exact", 2)]
    both = ledger_panels(curve, ("l", "r")).split("</svg>")[0]
    low, high = 0.5 / 3, 6.0
    assert drawn_at(both, "point")[0][1] == pytest.approx(
        144 - 126 * math.log(0.5 / low) / math.log(high / low), abs=0.06
    )
    # 18 decades below the largest side a marker is on the edge.
    far = [Trial("", 1e-19, 1.0, "exact", 1), Trial("", 1e-17, 1.0, "exact", 2)]
    both = ledger_panels(far, ("l", "r")).split("</svg>")[0]
    assert [y for _, y in drawn_at(both, "point")] == [144, pytest.approx(144 - 126 / 18, abs=0.06)]
    assert re.findall(r'class="(point [^"]+)"', both) == ["point exact off", "point exact"]
    # What is below 1e-250 is 0.
    nothing = [Trial("", 1e-260, 1e-255, "exact", 1), Trial("", 1e-3, 1e-2, "exact", 2)]
    assert drawn_at(ledger_panels(nothing, ("l", "r")), "point")[0][1] == 144


def test_of_a_long_curve_thirty_points_are_drawn_the_worst_and_the_broken_among_them():
    # Oracle: enumeration
    points = [Trial("", 1.0, 2.0, "exact", n) for n in range(1000)]
    assert [t.n for t in pictures.thinned(points)] == [round(i * 999 / 29) for i in range(30)]
    points[5], points[700] = Trial("", 1.9, 2.0, "exact", 5), Trial("", 3.0, 2.0, "exact", 700)
    kept = [t.n for t in pictures.thinned(points)]
    assert (len(kept), 700 in kept, 5 in kept, sorted(kept) == kept) == (31, True, False, True)
    assert pictures.thinned(points[:30]) == points[:30]
    assert len(pictures.thinned([Trial("", 3.0 + n, 2.0, "exact", n) for n in range(500)])) <= 2 * 30 + 1
