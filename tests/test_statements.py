"""What is said of the statements, once, and that the ledger and the report say nothing else."""

import dataclasses
import inspect
import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.bounds import evaluation
from kt_theory.ledger.entries.registry import STATEMENTS as ENTRIES
from kt_theory.ledger.report.summary import group
from kt_theory.ledger.report.words import GRADE_WORDS, STATUS_WORDS
from kt_theory.ledger.statement import KINDS, VERDICTS, Kind, Outcome, PlantedError, Trial, effort, in_regime, stated
from kt_theory.ledger.verdicts import judge
from kt_theory.statements import STATEMENTS, Grade, Metadata, Origin, Status
from kt_theory.statements.ours_partial import rows_fit


def test_every_statement_has_one_entry_and_every_entry_one_statement():
    # Oracle: identity, ids and their order
    assert list(STATEMENTS) == list(ENTRIES)
    for id, said in STATEMENTS.items():
        entry = ENTRIES[id]
        assert said.id == entry.id == id
        for name in ("source", "origin", "words", "formula", "regime", "grade", "status", "mended_formula"):
            assert getattr(entry, name) == getattr(said, name), (id, name)
        assert isinstance(said.grade, Grade)
        assert isinstance(said.status, Status)
        assert said.latex
        assert said.regime_latex
        assert bool(said.mended_latex) == bool(said.mended_formula) == (said.grade == Grade.SLIP)


#: Where predicates are tried: each variable at both sides of every end that a regime names.
TRIED = {
    "S": (1, 2, 3, 4), "A": (1, 2, 3, 4, 5), "n": (0, 1, 2, 3, 4, 5, 6, 7, 10**18), "X": (0, 1, 2), "k": (0, 1, 2, 3),
    "delta": (0.01, 0.1, 0.10001, 0.39, 0.4, 0.9), "Delta": (0.0, 0.5, 1.0), "p": (0.0, 0.5, 1.0),
    "eta": (0.0, 0.5, 1.0), "M": (0.0, 1.0), "r": (0.0, 0.5, 1.0, 1.5), "alpha": (0.0, 1.0),
    "m": (0, 1, 2, 10**18), "u": (0, 1, 2), "t": (0.0, 0.5, 1.0, 1.5), "gap": (0.0, 0.5, 1.0, 1.5),
    "mu": (0.0, 0.25, 0.5, 0.75), "P": (0.0, 0.5, 1.0), "T": (0.0, 1.0), "beta": (0.0, 1.0),
}  # fmt: skip

#: Predicates whose text is no list of comparisons; their ends are typed in tests of their own.
TYPED = ("ours-N7-at", "ours-false-coins", "zz-E.10")


def places(names):
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(TRIED[name] for name in names))]


def read(regime):
    """The comparisons in the text of a regime as a function: "S A' / 4" is a product; words say nothing here."""
    first, _, rest = regime.partition(";")
    clauses = [clause for clause in re.split(r", (?=\w)", first) if re.search(r"[<=>]", clause)]
    python = re.sub(r"(?<=[\w)'])  *(?=[\w(])(?!and )", " * ", " , ".join(clauses)).replace("A'", "less")
    python = " and ".join(re.sub(r"(?<![<>])=", "==", clause) for clause in re.split(r" , ", python))

    def applies(**place):
        place = {name: Fraction(repr(value)) for name, value in place.items()}
        A = int(place.get("A", 0))
        place["less"] = A - A % 2 if "A' = A if even" in rest else A - (A + 1) % 2
        return bool(eval(python or "True", {"min": min}, place))

    return applies, set(re.findall(r"[A-Za-z]+", python)) - {"and", "min", "True"}


PREDICATES = [id for id, said in STATEMENTS.items() if said.applies is not None and id not in TYPED]


@pytest.mark.parametrize("id", PREDICATES)
def test_a_predicate_is_what_the_text_of_the_regime_says(id):
    # Oracle: second algorithm, the comparisons of the text itself, in fractions
    said = STATEMENTS[id]
    applies, named = read(said.regime)
    assert {name.replace("less", "A") for name in named} <= {*said.variables}
    for place in places(said.variables):
        assert bool(said.applies_at(**place)) == applies(**place), place
    ns = np.array(TRIED["n"])
    for place in places([name for name in said.variables if name != "n"])[:40]:
        at_once = np.broadcast_to(said.applies_at(n=ns, **place), ns.shape)
        assert at_once.tolist() == [bool(said.applies_at(n=n, **place)) for n in TRIED["n"]]
    # A regime that starts a step late would be seen.
    if "n" in said.variables and id != "ours-N1-equal":
        late = dataclasses.replace(said, applies=lambda n, **place: said.applies_at(n=n - 1, **place) & (n > 0))
        wrong = [place for place in places(said.variables) if bool(late.applies(**place)) != applies(**place)]
        assert wrong


def test_predicates_whose_text_is_more_than_comparisons():
    # Oracle: definition, ends typed by hand: the last light label that fits, the first n with eta < 1, even numbers
    fits = STATEMENTS["ours-N7-at"].applies_at
    assert fits(S=1, A=3, k=1, x=0.5)
    assert not fits(S=1, A=3, k=1, x=0.5000001)
    assert fits(S=1, A=3, k=2, x=0.5)  # k x = 1/S: no heavy label
    assert not fits(S=1, A=3, k=2, x=0.3)
    assert not fits(S=1, A=2, k=2, x=0.5)
    assert not fits(S=1, A=1, k=1, x=1.0)
    seldom = STATEMENTS["zz-E.10"].applies_at
    first = math.floor(2 * math.log(1 / 0.05) / 0.1) + 1
    assert (seldom(n=first, p=0.1, delta=0.05), seldom(n=first - 1, p=0.1, delta=0.05)) == (True, False)
    assert [STATEMENTS["ours-false-coins"].applies_at(m=m) for m in (1, 2, 3, 4)] == [False, True, False, True]


def test_a_regime_that_is_no_predicate_or_lacks_a_variable_is_said():
    # Oracle: definition
    with pytest.raises(ValueError, match=r"the regime of zz-4\.3 is no predicate: a fixed problem"):
        STATEMENTS["zz-4.3"].applies_at(n=1)
    with pytest.raises(ValueError, match=r"the regime of zz-3\.1 needs S, A: A >= 2"):
        STATEMENTS["zz-3.1"].applies_at(n=1)


def disagreeing(function, said):
    """Places at which a function is NaN inside the regimes of its statements, or a number outside all of them."""
    names = [*inspect.signature(function).parameters]
    domain = {"delta": (0, 1), "Delta": (0, 1), "eta": (0, 1), "p": (0, 2), "k": (0, 9), "gap": (0, 1.1)}
    return [
        place
        for place in places(names)
        if all(low < place.get(variable, low + 0.5) < high for variable, (low, high) in domain.items())
        and math.isnan(function(**place)) == any(one.applies_at(**place) for one in said)
    ]


@pytest.mark.parametrize("name", evaluation.STATED)
def test_a_bound_is_nan_outside_the_regime_of_its_statements_and_nowhere_else(name):
    # Oracle: identity, the predicates, which the text holds
    bound = getattr(kt.bounds, name)
    names = [*inspect.signature(bound).parameters]
    if not {*names} <= {*TRIED} or "n" not in names:
        pytest.skip("another argument than sizes, or no n")
    assert not disagreeing(bound, [STATEMENTS[id] for id in evaluation.STATED[name]])


def test_a_bound_with_another_regime_would_be_seen():
    # Oracle: planted, a bound that starts at n = 0 or at n = 2, where its statement starts at n = 1
    said = dataclasses.replace(STATEMENTS["zz-3.1"], applies=lambda n: n >= 1)

    def starting(first):
        return lambda n: 1.0 if n >= first else math.nan

    for first, wrong in ((0, [{"n": 0}]), (1, []), (2, [{"n": 1}])):
        assert disagreeing(starting(first), [said]) == wrong


def said_outside(claim, said):
    """Places outside the regime of a statement: how many there are, and those at which its claim is a number."""
    names = [*inspect.signature(claim).parameters]
    outside = [place for place in places(names) if not said.applies_at(**place)]
    return len(outside), [place for place in outside if not math.isnan(claim(**place))]


def test_claims_of_the_ledger_say_nothing_outside_the_regimes_of_their_statements():
    # Oracle: identity, the predicates; claims that take sizes and probabilities
    tried = 0
    evaluated = {id for ids in evaluation.STATED.values() for id in ids}  # see the test before
    for id, entry in ENTRIES.items():
        said = STATEMENTS[id]
        names = [] if entry.claim is None else [*inspect.signature(entry.claim).parameters]
        if said.applies is None or id in evaluated:
            continue
        if not {*said.variables} <= {*names} <= {*TRIED} - {"alpha", "r"}:
            continue
        number, wrong = said_outside(entry.claim, said)
        assert not wrong, id
        tried += number
    assert tried >= 30


def test_a_claim_without_its_regime_would_be_seen():
    # Oracle: planted, a claim as it is and as `stated` makes it; n = 0 is outside the regime
    said = dataclasses.replace(STATEMENTS["zz-3.1"], applies=lambda n: n >= 1)
    assert said_outside(lambda n: 1.0, said) == (1, [{"n": 0}])
    assert said_outside(in_regime(said, lambda n: 1.0, {}), said) == (1, [])


def test_a_claim_is_guarded_or_refused():
    # Oracle: definition, the sizes of a problem and what a check keeps fixed are known, another variable is not
    said = dataclasses.replace(STATEMENTS["zz-3.1"], applies=lambda A, n: (A == 2) & (n >= 1))
    of_problem = in_regime(said, lambda problem, n: 1.0, {})
    assert of_problem(problem=kt.instance(0, 2, 2), n=5) == 1.0
    assert math.isnan(of_problem(problem=kt.instance(0, 2, 3), n=5))
    assert in_regime(said, lambda n: 1.0, {"A": 2})(n=5) == 1.0
    assert math.isnan(in_regime(said, lambda n: 1.0, {"A": 3})(n=5))
    with pytest.raises(ValueError, match=r"the claim of zz-3\.1 has no argument A, which its regime is about: "):
        in_regime(said, lambda n: 1.0, {})


def test_kinds_and_findings_are_closed_sets():
    # Oracle: identity, the words of figures/ledger.csv
    assert KINDS == ("exact", "certified", "search", "simulation", "algebra")
    assert VERDICTS[:4] == ("proved at points", "holds", "refuted", "vacuous")
    assert Trial("here", 1.0, 2.0, "exact").kind is Kind.EXACT
    with pytest.raises(ValueError, match="'exakt' is not a valid Kind"):
        Trial("here", 1.0, 2.0, "exakt")
    assert judge(ENTRIES["open-Q3"], effort("quick")).verdict is Outcome.OPEN


def test_closed_sets_of_words_are_explained_in_the_report():
    # Oracle: identity
    assert set(GRADE_WORDS) == {*Grade}
    assert set(STATUS_WORDS) == {*Status}
    assert {group(entry) for entry in ENTRIES.values() if entry.origin == Origin.PAPER} <= {
        "Z&Z",
        "slips",
        "conjectures",
    }


def test_an_experimental_statement_needs_a_bound_an_entry_and_planted_errors_alone():
    # Oracle: closed form, one sure label: CE_ful has the risk (1 - 1/A) (1 - 1/S)^n at most at equal inputs
    def bound(S, A, n):
        return S / (math.e * n) if n else math.nan

    scratch = {
        "mine-1": Metadata(
            id="mine-1", source="a notebook", origin=Origin.OURS, words="The risk of CE_ful is at most S/(e n).",
            formula="E R(CE_ful) <= S/(e n)", regime="n >= 1", grade=Grade.UPPER, status=Status.EXPERIMENTAL,
            latex=r"$\mathbb{E}\, R\le S/(en)$", regime_latex="$n\\ge 1$",
        )
    }  # fmt: skip
    entry = stated(
        "mine-1",
        claim=bound,
        check=kt.ledger.upper_bound("mine-1", "CE_ful", bound).check,
        planted=(PlantedError("1/e becomes 1/10", lambda S, A, n: S / (10 * n) if n else math.nan),),
        said=scratch,
    )
    verdict = judge(entry, effort("quick"))
    assert (verdict.verdict, verdict.caught, verdict.planted, verdict.as_expected) == ("holds", 1, 1, True)
    assert group(entry) == "ours"
    assert "mine-1" not in STATEMENTS
    with pytest.raises(KeyError):
        stated("mine-1")


def test_rows_of_light_labels_fit_where_there_is_room():
    # Oracle: fractions: k labels of mass 1 / (S m) are the whole row, or leave a label no lighter than each of them
    for S, A, k, m in itertools.product((1, 2, 3, 7), range(1, 7), range(7), range(1, 9)):
        rest = Fraction(1, S) - k * Fraction(1, S * m)
        fits = k + 1 <= A if rest == 0 else k + 2 <= A and rest >= Fraction(1, S * m)
        assert rows_fit(S, A, k, 1 / (S * m)) == fits, (S, A, k, m)
