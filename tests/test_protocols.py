"""Protocols: what is told, the partial order, ties."""

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from kt_theory.checks import Unsupported
from kt_theory.learners import resolve_learner
from kt_theory.protocols.protocol import PROTOCOLS, Protocol, resolve_protocol, top_k

HARD, PARTIAL, SOFT = PROTOCOLS.values()


def test_the_order():
    # Oracle: published, the chain hard <= partial <= top_k <= soft of the field's definitions.
    chain = [HARD, PARTIAL, top_k(1), top_k(3), top_k(20), SOFT]
    for (i, low), (j, high) in itertools.product(enumerate(chain), repeat=2):
        assert high.reveals_at_least(low) == (j >= i)


def test_protocols_that_cannot_be_compared():
    # Oracle: enumeration by hand; a protocol that shows no label and one that tells nothing beyond the label.
    only = Protocol("top_k_only:2", shows_label=False, top=2)
    beside = Protocol("top_k_label:2", top=2)
    assert beside.reveals_at_least(only)
    assert top_k(2).reveals_at_least(beside)
    for one, other in ((only, HARD), (beside, PARTIAL)):
        assert not one.reveals_at_least(other)
        assert not other.reveals_at_least(one)


def told_by_hand(p, k):
    """Every choice of k labels that no other choice beats, with equal probabilities."""
    best = sorted(p, reverse=True)[:k]
    choices = [c for c in itertools.combinations(range(len(p)), k) if sorted((p[a] for a in c), reverse=True) == best]
    return {choice: Fraction(1, len(choices)) for choice in choices}


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("p", [[4, 3, 2, 1, 0], [2, 2, 2, 2, 2], [5, 1, 1, 1, 0], [3, 3, 0, 0, 0]])
def test_told_sets_are_every_choice_of_k_largest(p, k):
    # Oracle: enumeration of all choices of k labels.
    row = np.array(p) / sum(p)
    sets = {tuple(np.flatnonzero(mask).tolist()): weight for weight, mask in top_k(k).told_sets(row)}
    assert sets == {choice: float(weight) for choice, weight in told_by_hand(p, k).items()}


def test_ties_are_broken_once_per_data_set_with_equal_probability():
    # Oracle: told_by_hand; frequencies by |z| <= 4 at a fixed seed.
    teacher = np.array([[5, 1, 1, 1, 0], [4, 3, 2, 1, 0]]) / np.array([[8], [10]])
    reps = 6000
    told = top_k(2).told_anyway(teacher, reps, np.random.default_rng(3))
    assert told.shape == (reps, 2, 5)
    assert (told.sum(axis=2) == 2).all()
    assert (told[:, 1] == [1, 1, 0, 0, 0]).all()
    tally = Counter(tuple(np.flatnonzero(row).tolist()) for row in told[:, 0])
    expected = told_by_hand([5, 1, 1, 1, 0], 2)
    assert tally.keys() == expected.keys()
    for choice, weight in expected.items():
        p = float(weight)
        assert abs(tally[choice] - reps * p) <= 4 * np.sqrt(reps * p * (1 - p))


def test_by_index_would_be_seen():
    # Oracle: told_by_hand; ties broken by the order of the labels, planted, always tell the same one.
    teacher = np.array([[5, 1, 1, 1, 0]]) / 8
    planted = np.zeros((6000, 1, 5), dtype=np.int8)
    planted[:, 0, np.argsort(-teacher[0], kind="stable")[:2]] = 1
    tally = Counter(tuple(np.flatnonzero(row).tolist()) for row in planted[:, 0])
    assert tally.keys() != told_by_hand([5, 1, 1, 1, 0], 2).keys()


def test_without_ties_one_table_serves_all_and_nothing_is_drawn():
    # Oracle: identity.
    teacher = np.array([[0.5, 0.3, 0.2]])
    rng = np.random.default_rng(0)
    assert top_k(2).told_anyway(teacher, 50, rng).tolist() == [[[1, 1, 0]]]
    assert SOFT.told_anyway(teacher, 50, rng).tolist() == [[[1, 1, 1]]]
    assert top_k(9).told_anyway(teacher, 50, rng).tolist() == [[[1, 1, 1]]]
    assert HARD.told_anyway(teacher, 50, rng) is None
    assert PARTIAL.told_anyway(teacher, 50, rng) is None
    assert rng.random() == np.random.default_rng(0).random()


def test_what_is_revealed():
    # Oracle: enumeration by hand.
    teacher = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4]])
    counts = np.array([[0, 0, 2, 0], [0, 0, 0, 0]])
    visits = counts.sum(axis=1)
    shown = {
        protocol.name: ~np.isnan(protocol.reveal(counts, visits, teacher, told))
        for protocol in (HARD, PARTIAL, top_k(1), SOFT)
        for told in [protocol.told_anyway(teacher, 1, np.random.default_rng(0))]
        for told in [None if told is None else told[0]]
    }
    assert not shown["hard"].any()
    assert shown["partial"].tolist() == [[False, False, True, False], [False] * 4]
    assert shown["top_k:1"].tolist() == [[True, False, True, False], [False] * 4]
    assert shown["soft"].tolist() == [[True] * 4, [False] * 4]


@pytest.mark.parametrize("bad", ["topk", "top_k", "top_k:0", "top_k:-1", "top_k:x", "top_k:²", "", None, 3, ["hard"]])
def test_what_is_no_protocol_is_refused(bad):
    # Oracle: none needed, one sentence that names the known ones.
    with pytest.raises(
        Unsupported, match=r"^protocol is .*: (it must be one of hard, partial, soft, top_k|the K of top)"
    ):
        resolve_protocol(bad)


def test_names_and_objects_are_the_same():
    # Oracle: identity.
    assert resolve_protocol("top_k:20") == top_k(20)
    assert resolve_protocol(SOFT) is SOFT
    with pytest.raises(ValueError, match="k is 0"):
        top_k(0)


@pytest.mark.parametrize("name", ["top_k:0", "top_k", "top_k_only:-1", "top_k_label:x", "top_k:2.5"])
def test_a_list_of_no_length_is_refused_by_what_it_needs(name):
    # Oracle: definition
    family = name.partition(":")[0]
    said = f"is '{name}': the K of {family}:K is a whole number of labels, 1 or more"
    with pytest.raises(Unsupported, match=said):
        resolve_protocol(name)
    with pytest.raises(Unsupported, match=f"the protocol of learner SEL@{name} {said}"):
        resolve_learner(f"SEL@{name}")
