"""The protocol ``sorted``: the sampled label, and the teacher's values in descending order without their labels."""

import itertools
import math

import numpy as np
import pytest
from scipy.sparse import csr_array

import kt_theory as kt
from kt_theory.learners.registry import told_at
from kt_theory.protocols import PROTOCOLS, SORTED, resolve_protocol

TABLE = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.0, 0.25, 0.75]])
COUNTS = np.array([[1, 3, 0], [0, 0, 0], [0, 2, 2]])
ULD = kt.losses.make("uld").learner()


def test_its_place_in_the_order():
    # Oracle: enumeration by hand: it tells the values, of which no label follows; all labels with all values tell it.
    known = ["hard", "partial", "sampled:2", "top_k:2", "top_k_label:2", "top_k_only:2", "top_p:0.9", "threshold:0.1"]
    known += ["rounded:2", "tempered:2", "told", "soft", "sorted"]
    below = {name for name in known if SORTED.reveals_at_least(resolve_protocol(name))}
    above = {name for name in known if resolve_protocol(name).reveals_at_least(SORTED)}
    assert below == {"hard", "sorted"}
    assert above == {"soft", "sorted"}
    assert resolve_protocol("sorted") is SORTED
    assert SORTED.fingerprint == ()
    warm = kt.Protocol("all at temperature 2", top=None, temperature=2.0)
    assert not warm.reveals_at_least(SORTED)  # the law of another temperature


def test_what_is_told_says_nothing_of_the_labels():
    # Oracle: identity: every relabelling of the teacher tells the same, and what is told is the order by hand.
    data = kt.TransferSet.from_counts(COUNTS, TABLE, "sorted")
    assert data.revealed[0].tolist() == [0.5, 0.3, 0.2]
    assert data.revealed[2].tolist() == [0.75, 0.25, 0.0]
    assert np.isnan(data.revealed[1]).all()
    for order in itertools.permutations(range(3)):
        again = kt.TransferSet.from_counts(COUNTS[:, order], TABLE[:, order], "sorted")
        np.testing.assert_array_equal(again.revealed, data.revealed)
    assert (data.untold, data.log_told.stored) == (8, 0)
    assert np.isnan(data.missing_mass[[0, 2]]).all()
    # Planted: a list beside it would be another fact, told with its labels.
    with pytest.raises(ValueError, match="ordered of protocol both is True"):
        kt.Protocol("both", top=2, ordered=True)


def test_sparse_and_dense_sets_are_one():
    # Oracle: second algorithm, the dense set sorts rows by numpy.
    dense = kt.TransferSet.from_counts(COUNTS, TABLE, "sorted")
    sparse = kt.TransferSet.from_counts(csr_array(COUNTS), csr_array(TABLE), "sorted")
    np.testing.assert_array_equal(sparse.dense().revealed, dense.revealed)
    np.testing.assert_array_equal(sparse.dense().counts, dense.counts)
    assert sparse.untold == dense.untold
    soft = kt.TransferSet.from_counts(csr_array(COUNTS), csr_array(TABLE), "soft")
    student = kt.fit(dense, ULD)
    for data in (sparse, soft, kt.TransferSet.from_counts(COUNTS, TABLE, "soft")):
        again = kt.fit(data, ULD)
        np.testing.assert_array_equal(again if isinstance(again, np.ndarray) else again.dense(), student)
    np.testing.assert_array_equal(kt.fit(sparse, "CE_sgl").dense(), kt.fit(dense, "CE_sgl"))


def test_the_risk_of_uld_by_enumeration():
    # Oracle: enumeration of all sequences of three labels; at so large a weight the student is p in their order.
    p, n, mean = np.array([0.2, 0.5, 0.3]), 3, 0.0
    for labels in itertools.product(range(3), repeat=n):
        counts = [labels.count(a) for a in range(3)]
        t = dict(zip(sorted(range(3), key=lambda a: -counts[a]), sorted(p, reverse=True), strict=True))
        assert max(counts[a] / n / t[a] for a in range(3)) - min(counts[a] / n / t[a] for a in range(3)) < 2 * 1.5
        mean += math.prod(p[list(labels)]) * 0.5 * sum(abs(t[a] - p[a]) for a in range(3))
    problem = kt.Problem([1.0], p[None])
    assert kt.risk_law(problem, ULD, n=n).mean() == pytest.approx(mean, abs=1e-12)
    frame = kt.simulate(problem, ULD, n=n, reps=4000, seed=2)
    assert abs(frame["mean"][0] - mean) <= 4 * frame["mcse"][0]
    assert frame["protocol"][0] == "sorted"


def test_a_learner_that_takes_places_for_labels_is_wrong():
    # Oracle: identity; planted: what is told at column i is no probability of label i.
    problem = kt.Problem([1.0], [[0.2, 0.5, 0.3]])
    naive = kt.Learner("naive", SORTED, kt.learners.sel_told)
    frame = kt.simulate(problem, [naive, ULD], n=2000, reps=20, seed=0)
    risks = dict(zip(frame["learner"], frame["mean"], strict=True))
    assert risks["naive"] == pytest.approx(0.3)  # the sorted row against the teacher
    assert risks["uld"] == 0.0


def test_which_losses_ask_for_it():
    # Oracle: published, the definitions: sorted L1 reads no label; matched labels are read by their labels.
    assert kt.losses.make("uld").protocol is SORTED
    assert kt.losses.make("gold_hybrid", matched=0).protocol is SORTED
    assert kt.losses.make("gold_hybrid", matched=1).protocol is PROTOCOLS["soft"]
    own = kt.losses.own(lambda z, y, teacher: teacher[:, 0] - z[np.arange(y.size), y], "sorted")
    assert own.learner().protocol is SORTED


REFUSED = {
    "a poorer set": (
        lambda: kt.fit(kt.TransferSet.from_counts(COUNTS, TABLE, "partial"), ULD),
        "uld needs sorted labels, the transfer set has partial ones",
    ),
    "a learner of labels": (
        lambda: kt.fit(kt.TransferSet.from_counts(COUNTS, TABLE, "sorted"), "CE_ful"),
        "CE_ful needs soft labels, the transfer set has sorted ones",
    ),
    "no teacher": (lambda: kt.TransferSet.from_counts(COUNTS, None, "sorted"), "teacher is missing"),
    "exact risk": (
        lambda: kt.expected_risk(kt.Problem([1.0], TABLE[:1]), ULD, n=4, method="exact"),
        "uld has no exact route",
    ),
    "limit": (lambda: kt.bias_limit(kt.Problem([1.0], TABLE[:1]), ULD), "learner is uld: the limits of"),
    "minimax": (lambda: kt.minimax_risk("sorted", S=2, A=3, n=4), "protocol is sorted: minimax_risk answers for"),
    "constant": (lambda: kt.minimax_constant("sorted", 2, 3), "protocol is sorted: minimax_constant answers for"),
    "certify": (
        lambda: kt.certify_minimax("sorted", S=2, A=3, n=4),
        "protocol is sorted: certify_minimax answers for",
    ),
    "plan": (lambda: kt.plan(S=2, A=3, target=0.1, protocols=["sorted"]), "protocols has sorted: a plan knows"),
    "pilot": (
        lambda: kt.plan(pilot=kt.TransferSet.from_counts(COUNTS, TABLE, "sorted"), target=0.1),
        "pilot has protocol sorted: its probabilities are not told as they are",
    ),
    "natural learner": (lambda: told_at(SORTED), "sorted tells values without their labels"),
    "by name": (lambda: kt.simulate(kt.Problem([1.0], TABLE[:1]), "SEL@sorted", n=4), "sorted tells values without"),
    "as a form": (
        lambda: kt.TransferSet.from_records({"s": ["x"], "a": ["y"], "p": [0.5]}, told_as="sorted"),
        "told_as is sorted: it must be rounded:D or tempered:T",
    ),
    "as a file": (
        lambda: kt.tables.write_students(
            {"uld": TABLE}, kt.TransferSet.from_counts(COUNTS, TABLE, "sorted"), "out.csv"
        ),
        "transfer_set has sorted labels: its values belong to no label",
    ),
    "with rounding": (lambda: kt.Protocol("short", ordered=True, digits=2), "ordered of protocol short is True"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_covered_is_said_in_a_sentence(case):
    # Oracle: enumeration of the functions that take a protocol, or a learner of one.
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)
