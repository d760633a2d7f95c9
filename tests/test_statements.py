"""What is said of the statements, once, and that the ledger and the report say nothing else."""

import math

import pytest

import kt_theory as kt
from kt_theory.ledger.entries.registry import STATEMENTS as ENTRIES
from kt_theory.ledger.report.summary import group
from kt_theory.ledger.report.words import GRADE_WORDS, STATUS_WORDS
from kt_theory.ledger.statement import PlantedError, effort, stated
from kt_theory.ledger.verdicts import judge
from kt_theory.statements import STATEMENTS, Grade, Metadata, Origin, Status


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
