"""What a CI job reads of the ledger: the last line, JUnit XML, JSON, exit codes; statements in a file of one's own."""

import copy
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import kt_theory as kt
from kt_theory import cli
from kt_theory.cli import exits
from kt_theory.cli.making import function_of
from kt_theory.ledger import Statement, Trial, conclusion, effort, judge, write_junit
from kt_theory.ledger.report.words import GROUPS

QUICK = effort("quick")

#: Bounds of a user's own: the first is Z&Z Theorem 5.1, the second is twice the exact minimax risk at S = 1 and more.
OWN = """
import math
import kt_theory as kt

right = kt.ledger.lower_bound("right", "soft", lambda S, n: (S - 1) / (2 * math.e * (n + 1)) if n >= S else math.nan)
wrong = kt.ledger.lower_bound("wrong", "soft", lambda S, n: S / (2 * n) if n >= S else math.nan)
again = right
"""


def made(id, ratio=0.5, asks="truth", **changes):
    """A statement whose left side is `ratio` times its right one."""

    def check(claim, tried):
        yield Trial("here", ratio, claim(), "exact", 1, asks=asks)

    entries = {"source": "ours", "words": "One is small.", "formula": "", "regime": "", "grade": "upper"}
    return Statement(id, **entries | {"status": "proved", "claim": lambda: 1.0, "check": check} | changes)


HOLDS, BROKEN = made("holds"), made("broken", 2.0)
OPEN = made("open", status="open", check=None)
KNOWN = [made(f"false {i}", 2.0, status="false") for i in range(3)]
EMPTY = made("empty", 2.0, "content", status="vacuous")
WEAK = made("weak", 2.0, "use", status="too weak")


# --- The last line --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "line"),
    [
        ([HOLDS], "PASS: 1 statement stands"),
        ([HOLDS, made("two")], "PASS: 2 statements stand"),
        (
            [HOLDS, *KNOWN, EMPTY, WEAK, OPEN],
            "PASS: 1 statement stands, 3 known false ones were caught again, 1 vacuous one was found again, "
            "1 too weak one was found again, 1 has no model yet",
        ),
        ([], "PASS: 0 statements stand"),
        ([BROKEN, HOLDS], "FAIL: 1 of 2 statements not as expected (broken); 1 statement stands"),
        # What is known to be false and was not caught is not counted as caught.
        ([made("shy", 0.5, status="false")], "FAIL: 1 of 1 statement not as expected (shy); 0 statements stand"),
        (
            [made(f"b{i}", 2.0) for i in range(9)],
            "FAIL: 9 of 9 statements not as expected (b0, b1, b2, b3, b4, b5 and 3 more); 0 statements stand",
        ),
    ],
)
def test_the_last_line_says_pass_or_fail_first(statements, line):
    # Oracle: enumeration, counted by hand
    assert conclusion([judge(statement, QUICK) for statement in statements]) == line


# --- A file of a user's own, JUnit and exit codes -------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """A file with a right and a wrong bound."""
    file = tmp_path / "my_bounds.py"
    file.write_text(OWN, encoding="utf-8")
    return str(file)


def cases_of(path):
    """The test cases of a JUnit file by name, once all counts of it were seen to be right."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    for part in (root, *root.iter("testsuite")):
        cases = list(part.iter("testcase"))
        assert int(part.get("tests")) == len(cases)
        assert int(part.get("failures")) == len(list(part.iter("failure")))
        assert int(part.get("skipped")) == len(list(part.iter("skipped")))
        assert part.get("errors") == "0"
        assert float(part.get("time")) == pytest.approx(sum(float(case.get("time")) for case in cases), abs=1e-3 * 20)
    assert all(case.get("classname") for case in root.iter("testcase"))
    return {case.get("name"): case for case in root.iter("testcase")}


def test_a_wrong_bound_in_a_file_is_exit_code_1_and_a_failing_case(own, tmp_path, capsys):
    # Oracle: planted, a bound above the minimax risk; the right one is Z&Z Theorem 5.1
    junit = tmp_path / "ledger.xml"
    assert cli.main(["verify", "--file", own, "--statement", "zz-E.5-simple", "open-Q3", "--junit", str(junit)]) == 1
    cases = cases_of(junit)
    assert [*cases] == ["zz-E.5-simple", "open-Q3", "right", "wrong"]
    failure = cases["wrong"].find("failure")
    assert failure.get("type") == "refuted"
    assert failure.get("message") == "refuted, where proved at points or holds was expected"
    assert "worst place: what a student reaches" in failure.text
    assert cases["open-Q3"].find("skipped") is not None
    for passed in ("right", "zz-E.5-simple"):
        assert cases[passed].find("failure") is None
        assert "verdict: holds" in cases[passed].find("system-out").text
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("FAIL: 1 of 4 statements not as expected (wrong); 2 statements stand")


def test_a_file_of_right_bounds_passes_and_the_ledger_is_not_tried(tmp_path, capsys):
    # Oracle: identity, the exit code that the guide promises
    file = tmp_path / "mine.py"
    file.write_text(OWN.replace("S / (2 * n)", "S / (100 * n) * (S > 1)"), encoding="utf-8")
    assert cli.main(["verify", "--file", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "PASS: 2 statements stand"


def test_the_bound_of_the_guide_holds_and_the_other_one_is_refuted(tmp_path, capsys):
    # Oracle: planted, what the guide promises of 2 in the place of 6
    guide = (Path(__file__).parents[1] / "docs" / "verify.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n([^`]*lower_bound[^`]*)```", guide)
    file = tmp_path / "my_bounds.py"
    for number, code in ((6, 0), (2, 1)):
        file.write_text(block.replace("(6 *", f"({number} *"), encoding="utf-8")
        junit = tmp_path / "bounds.xml"
        assert cli.main(["verify", "--file", str(file), "--junit", str(junit)]) == code
        assert (cases_of(junit)["lecture 4"].find("failure") is not None) == bool(code)
    assert {path.name for path in tmp_path.iterdir()} == {"my_bounds.py", "bounds.xml"}


def test_a_users_file_is_executed_as_it_stands(tmp_path):
    # Oracle: identity, an annotation is an object unless the file itself says that it is text
    file = tmp_path / "my_loss.py"
    file.write_text("def loss(q: int, row): return 0\n", encoding="utf-8")
    assert function_of(f"{file}:loss").__annotations__ == {"q": int}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("import absent_module_of_nobody", "does not import: ModuleNotFoundError"),
        ("def half(:", "does not import: SyntaxError"),
        ("import sys; sys.exit(0)", "does not import: SystemExit: 0"),
        ("bound = 3", "has no statement: name at its top level what kt_theory.ledger.upper_bound"),
        (OWN.replace('"wrong"', '"right"'), "two statements have the id 'right'"),
    ],
)
def test_a_file_without_statements_is_refused_in_one_sentence(text, named, tmp_path, capsys):
    # Oracle: enumeration of what a file may be
    file = tmp_path / "mine.py"
    file.write_text(text, encoding="utf-8")
    assert cli.main(["verify", "--file", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"kt-theory: error: .*\n", printed.err), printed.err
    assert named in printed.err


@pytest.mark.parametrize(("name", "named"), [("absent.py", "there is no file"), ("notes.txt", "is no Python file")])
def test_what_is_no_python_file_is_refused(name, named, tmp_path, capsys):
    # Oracle: enumeration
    (tmp_path / "notes.txt").write_text(OWN, encoding="utf-8")
    assert cli.main(["verify", "--file", str(tmp_path / name)]) == 2
    assert named in capsys.readouterr().err


def test_an_output_that_is_the_file_itself_is_refused(own, tmp_path, capsys):
    # Oracle: identity, the file is as it was
    link = tmp_path / "same.xml"
    link.symlink_to(own)
    assert cli.main(["verify", "--file", own, "--junit", str(link)]) == 2
    assert "--junit is" in capsys.readouterr().err
    assert Path(own).read_text(encoding="utf-8") == OWN


def test_a_check_that_raises_is_told_with_its_statement(tmp_path, capsys):
    # Oracle: enumeration
    def check(claim, tried):
        raise KeyError("nothing")

    with pytest.raises(ValueError, match="the statement 'raises' raised KeyError: 'nothing'"):
        judge(made("raises", check=check), QUICK)


def test_junit_escapes_what_xml_cannot_hold(tmp_path):
    # Oracle: second algorithm, the parser of the standard library
    nasty = "<b>&\x1b[2J\x00 \ud800 ]]>"
    path = tmp_path / "ledger.xml"
    write_junit([judge(made(nasty, 2.0, words=nasty, source=nasty), QUICK)], QUICK, path)
    (name,) = cases_of(path)
    assert name == r"<b>&\x1b[2J\x00 \ud800 ]]>"


def test_each_group_of_statements_is_a_suite(tmp_path):
    # Oracle: enumeration
    verdicts = [judge(statement, QUICK) for statement in (HOLDS, made("ours", origin="ours"))]
    root = ElementTree.parse(write_junit(verdicts, QUICK, tmp_path / "ledger.xml")).getroot()
    assert [suite.get("name") for suite in root] == [GROUPS["ours"], GROUPS["yours"]]
    properties = {found.get("name"): found.get("value") for found in root[0].iter("property")}
    assert (properties["level"], properties["kt_theory"]) == ("quick", kt.__version__)


def test_the_guide_and_the_help_name_the_exit_codes(capsys):
    # Oracle: identity, the constants that commands return
    guide = (Path(__file__).parents[1] / "docs" / "verify.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        cli.main(["verify", "--help"])
    shown = capsys.readouterr().out
    for code in (exits.HELD, exits.BROKEN, exits.REFUSED, exits.INTERRUPTED):
        assert re.search(rf"^\| {code} \|", guide, flags=re.MULTILINE)
        assert re.search(rf"^  {code} ", shown, flags=re.MULTILINE)


# --- JSON -----------------------------------------------------------------------------------------------


@pytest.fixture
def printed(own, capsys):
    """What is printed as JSON of a bound that holds, one that is refuted, a slip, and an open question; the schema."""
    words = ["verify", "--file", own, "--statement", "zz-E.5", "slip-1", "open-Q3", "--json"]
    assert cli.main(words) == 1
    found = capsys.readouterr()
    assert found.err.splitlines()[-1].startswith("FAIL: 1 of 5 statements")
    assert cli.main(["verify", "--json-schema"]) == 0
    return json.loads(found.out), json.loads(capsys.readouterr().out)


def test_what_is_printed_is_what_the_schema_says(printed):
    # Oracle: second algorithm, the package jsonschema; planted, a field that is missing or of another kind
    jsonschema = pytest.importorskip("jsonschema", reason="comes with the extra teach")
    found, schema = printed
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    for place in ("passed", "statements"):
        less = {name: value for name, value in found.items() if name != place}
        with pytest.raises(jsonschema.ValidationError, match="required property"):
            jsonschema.validate(less, schema)
    for name, value in (("verdict", "fine"), ("ratio", "1"), ("exact", -1), ("mended", 0)):
        wrong = copy.deepcopy(found)
        wrong["statements"][0][name] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_every_field_is_documented_and_no_other(printed):
    # Oracle: identity, fields and closed sets of words
    found, schema = printed
    row = schema["properties"]["statements"]["items"]
    assert [*found] == [*schema["properties"]] == schema["required"]
    assert [*found["statements"][0]] == [*row["properties"]] == row["required"]
    assert all(field["description"] for field in (*schema["properties"].values(), *row["properties"].values()))
    assert row["properties"]["verdict"]["enum"] == [*kt.ledger.VERDICTS]
    assert row["properties"]["grade"]["enum"] == [*kt.statements.Grade]
    assert row["properties"]["status"]["enum"] == [*kt.statements.Status]
    assert [*schema["properties"]["statements_by_kind"]["properties"]] == [*kt.ledger.KINDS]
    assert found["passed"] is False
    assert found["conclusion"].startswith("FAIL: ")
