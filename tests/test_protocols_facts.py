"""Protocols fact by fact: what they refuse, their order by enumeration, lists, ties, sets, draws, on both forms."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest

import kt_theory as kt
from kt_theory.checks import Unsupported
from kt_theory.protocols import facts, lists
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import one_of_the_paper, resolve_form, resolve_protocol
from kt_theory.sparse import SparseTable, of_dense


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "the name of a protocol is ''"),
        ({"name": 3}, "the name of a protocol is 3"),
        ({"name": "a\n"}, "the name of a protocol is"),
        *(({fact: 3}, f"{fact} of protocol x is 3") for fact in ("shows_label", "tells_drawn", "lists_last", "listed")),
        ({"replacing": 3}, "replacing of protocol x is 3"),
        ({"ordered": 3}, "ordered of protocol x is 3"),
        ({"top": -1}, "top of protocol x is -1"),
        ({"draws": 0}, "draws of protocol x is 0"),
        ({"draws": 2, "listed": True}, "draws of protocol x is 2, and only its records know what is told"),
        ({"draws": 2, "shows_label": False}, "draws of protocol x is 2, and it shows no label"),
        ({"lists_last": False}, "lists_last of protocol x is False, and it has no list: top must be at least 1"),
        ({"lists_last": False, "top": None}, "lists_last of protocol x is False"),
        ({"digits": 16, "tells_drawn": True}, "digits of protocol x is 16: a float64 has at most 15"),
        ({"digits": -1, "tells_drawn": True}, "digits of protocol x is -1"),
        ({"temperature": 0, "tells_drawn": True}, "temperature of protocol x is 0.0: it must be finite and above 0"),
        ({"temperature": math.inf, "tells_drawn": True}, "temperature of protocol x is inf"),
        ({"temperature": -1, "tells_drawn": True}, "temperature of protocol x is -1"),
        ({"mass": 1.0}, "mass of protocol x is 1.0: it must be above 0 and below 1"),
        ({"mass": 0}, "mass of protocol x is 0.0"),
        ({"at_least": 0}, "at_least of protocol x is 0.0: it must be above 0 and at most 1"),
        ({"at_least": 1.01}, "at_least of protocol x is 1.01"),
        ({"top": 1, "mass": 0.5}, "protocol x has more than one of top, mass and at_least"),
        ({"top": None, "at_least": 0.5}, "protocol x has more than one of top"),
        ({"mass": 0.5, "at_least": 0.5}, "protocol x has more than one of top"),
        ({"replacing": False, "tells_drawn": True}, "replacing of protocol x is False: draws must be at least 2"),
        ({"replacing": False, "draws": 2}, "replacing of protocol x is False: draws must be at least 2"),
        *(({"ordered": True} | more, "ordered of protocol x is True, and it tells more than the values") for more
          in ({"tells_drawn": True}, {"top": 1}, {"listed": True}, {"digits": 1}, {"temperature": 2})),
        ({"digits": 1, "temperature": 2, "tells_drawn": True}, "protocol x has digits and a temperature"),
        ({"digits": 1}, "protocol x has digits or a temperature: tells_drawn or top must be set"),
        ({"temperature": 2}, "protocol x has digits or a temperature"),
        ({"digits": 1, "tells_drawn": True, "listed": True}, "protocol x has digits or a temperature"),
    ],
)  # fmt: skip
def test_facts_that_do_not_go_together(given, said):
    # Oracle: definition
    with pytest.raises(ValueError, match=said):
        Protocol(**({"name": "x"} | given))


def test_facts_that_do():
    # Oracle: definition, the ends of each domain
    for given in (
        {"digits": 15, "tells_drawn": True}, {"digits": 0, "top": 1}, {"temperature": 0.5, "top": None},
        {"mass": 0.999}, {"at_least": 1}, {"draws": 2, "replacing": False, "tells_drawn": True}, {"ordered": True},
        {"lists_last": False, "top": 1}, {"digits": 1, "mass": 0.5}, {"ordered": True, "shows_label": False},
    ):  # fmt: skip
        Protocol("x", **given)
    plain = Protocol("x")
    assert plain.facts == {
        "shows_label": True, "tells_drawn": False, "top": 0, "lists_last": True, "listed": False, "draws": 1,
        "digits": None, "temperature": 1.0, "replacing": True, "mass": None, "at_least": None, "ordered": False,
    }  # fmt: skip
    assert (plain.exact, plain.lists, plain.tells_nothing, plain.named_in_full) == (True, False, True, False)
    for given, nothing in (({"tells_drawn": True}, False), ({"top": 1}, False), ({"listed": True}, False),
                           ({"ordered": True}, False), ({"mass": 0.5}, False), ({"at_least": 0.5}, False)):  # fmt: skip
        assert Protocol("x", **given).tells_nothing == nothing
    assert Protocol("x", mass=0.5).lists
    assert Protocol("x", at_least=0.5).lists
    assert Protocol("x", top=None).lists
    assert Protocol("x", draws=3, digits=2, tells_drawn=True).fingerprint == ("draws=3", "digits=2")
    assert kt.PROTOCOLS["partial"].fingerprint == ()
    assert [Protocol("x", top=top).tells_all(3) for top in (None, 2, 3)] == [True, False, True]
    assert not Protocol("x", top=3, lists_last=False).tells_all(3)


NAMES = [
    "hard", "partial", "soft", "sorted", "top_k:1", "top_k:2", "top_k_label:1", "top_k_label:2", "top_k_only:1",
    "top_k_only:2", "top_k:1,but_last", "top_k_only:2,but_last", "top_p:0.5", "top_p:0.8", "threshold:0.3",
    "threshold:0.15", "rounded:1", "rounded:2", "tempered:2",
]  # fmt: skip


def found(name):
    if ",but_last" in name:
        return getattr(kt, name.partition(":")[0])(int(name.partition(":")[2][0]), lists_last=False)
    return resolve_protocol(name)


def seen(protocol, p):
    """What one visit shows that draws each label in turn of a law without ties."""
    listed = next(iter(protocol.told_sets(p)))[1] if protocol.lists else np.full(p.size, protocol.ordered)
    values = [round(value, 12) for value in protocol.values(p).tolist()]
    for y in np.flatnonzero(p).tolist():
        told = [t or (protocol.tells_drawn and a == y) for a, t in enumerate(listed.tolist())]
        yield (y if protocol.shows_label else None, *(v if t else None for v, t in zip(values, told, strict=True)))


def test_the_order_is_that_of_functions_of_what_is_shown():
    # Oracle: enumeration: all draws of all laws without ties in twelfths; one shows at least as much as another where
    # nothing that it shows alike does the other show differently
    laws = [np.array(p) / 12 for p in itertools.permutations(range(10), 4) if sum(p) == 12]
    shown = {}
    for name in NAMES:
        numbers = {}
        shown[name] = np.array([numbers.setdefault(one, len(numbers)) for p in laws for one in seen(found(name), p)])
    for one, other in itertools.product(NAMES, repeat=2):
        told = np.unique(shown[one] * shown[one].size + shown[other]).size == np.unique(shown[one]).size
        claimed = found(one).reveals_at_least(found(other))
        assert told or not claimed, (one, other)
        # Of four labels a list may hold another one by chance, and twelfths have few logarithms: that is not claimed.
        chance = ",but_last" in other or any(
            name.startswith(("top_p", "threshold", "rounded", "tempered")) for name in (one, other)
        )
        assert claimed == told or chance, (one, other)


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [
        ({"at_least": 0.2}, {"at_least": 0.2}, True), ({"at_least": 0.2}, {"at_least": 0.19}, False),
        ({"mass": 0.8}, {"at_least": 0.21}, True), ({"mass": 0.8}, {"at_least": 0.2}, False),
        ({"top": 4}, {"at_least": 0.21}, True), ({"top": 4}, {"at_least": 0.2}, False),
        ({"top": 5}, {"at_least": 0.2}, True),
        ({"top": 5, "lists_last": False}, {"at_least": 0.2}, False), ({"top": 3}, {"mass": 0.5}, False),
        ({"mass": 0.5}, {"mass": 0.5}, True), ({"mass": 0.5}, {"mass": 0.51}, False), ({"mass": 0.9}, {"top": 1}, True),
        ({"mass": 0.9}, {"top": 2}, False),
        ({"mass": 0.9}, {"top": 1, "lists_last": False}, False),
        ({"top": None}, {"mass": 0.9}, True), ({"top": 2}, {"top": None}, False), ({}, {"top": 1}, False),
        ({}, {}, True),
        ({"top": 2}, {"top": 1, "lists_last": False}, False), ({"top": 2, "lists_last": False}, {"top": 1}, False),
        ({"top": 2, "lists_last": False}, {"top": 1, "lists_last": False}, True),
        ({"at_least": 0.1}, {"top": 1}, False),
        ({"at_least": 0.1}, {"mass": 0.1}, False),
    ],
)  # fmt: skip
def test_lists_that_hold_others(one, other, holds):
    # Oracle: by hand: a label off a list of mass P has at most 1 - P; at most 1/T labels have probability T
    assert lists.holds(Protocol("one", **one), Protocol("other", **other)) == holds


def test_draws_and_records_in_the_order():
    # Oracle: by hand: fewer draws of those without replacement, never the other way round; records' lists are their own
    def many(draws, replacing=True):
        return Protocol("x", tells_drawn=True, draws=draws, replacing=replacing)

    assert many(3).reveals_at_least(many(2))
    assert not many(2).reveals_at_least(many(3))
    assert many(3, False).reveals_at_least(many(3))
    assert not many(3).reveals_at_least(many(2, False))
    assert many(2).reveals_at_least(many(1))
    assert many(3, False).reveals_at_least(many(2, False))
    told = Protocol("told", listed=True)
    assert told.reveals_at_least(kt.PROTOCOLS["hard"])
    assert not kt.PROTOCOLS["partial"].reveals_at_least(told)
    assert kt.PROTOCOLS["soft"].reveals_at_least(told)
    hot = Protocol("x", top=None, temperature=2)
    assert hot.reveals_at_least(hot)
    assert kt.PROTOCOLS["soft"].reveals_at_least(hot)
    assert not hot.reveals_at_least(kt.PROTOCOLS["soft"])
    assert hot.reveals_at_least(kt.PROTOCOLS["hard"])
    with pytest.raises(Unsupported, match="told is the protocol of records that list what is told: nothing is drawn"):
        told.refuse_lists()
    for ask in (lambda: told.told_anyway(np.eye(2), 1, None), lambda: next(told.told_sets(np.ones(1)))):
        with pytest.raises(Unsupported, match="nothing is drawn or computed"):
            ask()


def test_values_of_other_forms():
    # Oracle: by hand
    p = np.array([[0.5, 0.3, 0.2, 0.0]])
    assert Protocol("x").values(p) is p
    assert Protocol("x", ordered=True).values(p[:, ::-1]).tolist() == p.tolist()
    rounded = Protocol("x", tells_drawn=True, digits=1).values(p)
    assert rounded == pytest.approx(np.array([[math.exp(-0.7), math.exp(-1.2), math.exp(-1.6), 0]]), rel=1e-15, abs=0)
    hot = Protocol("x", tells_drawn=True, temperature=2)
    root = np.sqrt(p) / np.sqrt(p).sum()
    assert hot.values(p) == pytest.approx(root, rel=1e-15, abs=0)
    table = of_dense(np.vstack([p, p[:, ::-1]]), rest=0.0)
    assert hot.cell_values(table) == pytest.approx(np.append(root[0, :3], root[0, 2::-1]), rel=1e-14, abs=0)
    assert Protocol("x").cell_values(table).tolist() == table.values.tolist()


# --- Lists, their ends and ties ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "lengths", "least"),
    [
        ({"top": 2}, [2, 2, 2], [0.3, 0.25, 0.0]),
        ({"top": 9}, [4, 4, 4], [0.0, 0.25, 0.0]),
        ({"mass": 0.8}, [2, 4, 1], [0.3, 0.25, 1.0]),
        ({"mass": 0.81}, [3, 4, 1], [0.2, 0.25, 1.0]),
        ({"mass": 0.5}, [1, 2, 1], [0.5, 0.25, 1.0]),
        ({"at_least": 0.25}, [2, 4, 1], [0.3, 0.25, 1.0]),
        ({"at_least": 0.6}, [0, 0, 1], [2.0, 2.0, 1.0]),
        ({"at_least": 0.3 + 5e-13}, [2, 0, 1], [0.3, 2.0, 1.0]),
        ({"at_least": 0.3 + 2e-12}, [1, 0, 1], [0.5, 2.0, 1.0]),
    ],
)
def test_how_long_lists_are_and_where_they_end(given, lengths, least):
    # Oracle: by hand, on a row of three labels, a uniform one and a vertex; sums are off by up to 1e-12
    table = np.array([[0.5, 0.3, 0.2, 0.0], [0.25] * 4, [0.0, 0.0, 1.0, 0.0]])
    protocol = Protocol("x", **given)
    assert lists.lengths(protocol, table).tolist() == lengths
    many, ends = lists.ends(protocol, table)
    assert (many.tolist(), ends.tolist()) == (lengths, least)
    assert [protocol.list_length(row) for row in table] == lengths
    ordered = np.array([0.5, 0.3, 0.2, 0.25, 0.25, 0.25, 0.25, 1.0])
    cells = lists.cell_lengths(protocol, ordered, np.array([0, 3, 7, 8]))
    assert [min(x, y) for x, y in zip(cells, (3, 4, 1), strict=True)] == [
        min(x, y) for x, y in zip(lengths, (3, 4, 1), strict=True)
    ]
    assert lists.cell_lengths(Protocol("x", mass=0.5), np.array([1.0]), np.array([0, 0, 1])).tolist() == [0, 1]
    assert lists.cell_lengths(Protocol("x", mass=0.5), np.array([0.5, -1.0]), np.array([0, 2])).tolist() == [1]


LISTS = [
    {"top": 1},
    {"top": 2},
    {"top": 3},
    {"top": None},
    {"mass": 0.6},
    {"at_least": 0.2},
    {"top": 2, "lists_last": False},
]
TIED = np.array([[0.4, 0.2, 0.2, 0.2], [0.25] * 4, [0.5, 0.5, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0]])


@pytest.mark.parametrize("given", LISTS)
def test_told_sets_tables_and_cells_are_of_one_law(given):
    # Oracle: enumeration: every choice of the most likely labels, alike likely; draws are of these choices alone
    protocol = Protocol("x", **given)
    anyway = protocol.told_anyway(TIED, 300, np.random.default_rng(1))
    cells = protocol.told_cells(of_dense(TIED, rest=0.0), 300, np.random.default_rng(1))
    table = of_dense(TIED, rest=0.0)
    for s, p in enumerate(TIED):
        named = p if given.get("lists_last", True) else p[:-1]
        length = min(protocol.list_length(p), named.size)
        best = sorted(named, reverse=True)[:length]
        wanted = [c for c in itertools.combinations(range(named.size), length)
                  if sorted((named[a] for a in c), reverse=True) == best]  # fmt: skip
        sets = {tuple(np.flatnonzero(mask).tolist()): weight for weight, mask in protocol.told_sets(p)}
        assert sets == {c: pytest.approx(1 / len(wanted), rel=1e-12, abs=0) for c in wanted}
        assert protocol.choices(p) == len(wanted)
        drawn = {tuple(np.flatnonzero(mask).tolist()) for mask in anyway[:, s]}
        assert drawn == (set(wanted) if len(anyway) > 1 else drawn & set(wanted))
        own = slice(table.offsets[s], table.offsets[s + 1])
        columns = table.columns[own]
        on_cells = {tuple(columns[mask != 0].tolist()) for mask in cells[:, own]}
        used = set(np.flatnonzero(p).tolist())
        assert on_cells == {tuple(a for a in c if a in used) for c in wanted} or len(cells) == 1
    more = protocol.told_anyway(TIED, 400, np.random.default_rng(1))
    assert (more[: len(anyway)] == anyway).all()  # more data sets change none of the earlier ones


def test_no_ties_draw_nothing():
    # Oracle: identity
    rng = np.random.default_rng(0)
    table = np.array([[0.1, 0.2, 0.3, 0.4]])
    for given in LISTS:
        protocol = Protocol("x", **given)
        assert protocol.told_anyway(table, 50, rng).shape == (1, 1, 4)
        assert protocol.told_cells(of_dense(table, rest=0.0), 50, rng).shape == (1, 4)
    assert Protocol("x").told_anyway(table, 5, None) is None
    assert Protocol("x").told_cells(of_dense(table, rest=0.0), 5, None) is None
    assert rng.random() == np.random.default_rng(0).random()


def test_ties_on_cells_are_broken_evenly():
    # Oracle: enumeration, one of three labels: |z| <= 4 at a fixed seed; rows are apart
    table = of_dense(np.array([[0.4, 0.2, 0.2, 0.2], [0.25, 0.25, 0.25, 0.25]]), rest=0.0)
    told = Protocol("x", top=2).told_cells(table, 3000, np.random.default_rng(2))
    assert told.shape == (3000, 8)
    assert (told[:, 0] == 1).all()
    assert (told[:, :4].sum(axis=1) == 2).all()
    assert (told[:, 4:].sum(axis=1) == 2).all()
    for share, p in zip(told.mean(axis=0), (1, *[1 / 3] * 3, *[1 / 2] * 4), strict=True):
        assert abs(share - p) <= 4 * math.sqrt(p * (1 - p) / 3000) + 1e-15


# --- Draws -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [2, 3, 5])
def test_sets_without_replacement_in_fractions(draws):
    # Oracle: enumeration in fractions of all orders
    p = [Fraction(1, 2), Fraction(0), Fraction(1, 3), Fraction(1, 6)]
    chances = defaultdict(Fraction)
    for order in itertools.permutations([0, 2, 3], min(draws, 3)):
        chance, left = Fraction(1), Fraction(1)
        for a in order:
            chance, left = chance * p[a] / left, left - p[a]
        chances[tuple(sorted(order))] += chance
    protocol = Protocol("x", tells_drawn=True, draws=draws, replacing=False)
    sets = {tuple(np.flatnonzero(mask).tolist()): chance for chance, mask in protocol.drawn_sets(np.array(p, float))}
    assert sets == {key: pytest.approx(float(chance), rel=1e-14, abs=0) for key, chance in chances.items()}


@pytest.mark.parametrize("replacing", [True, False])
def test_further_labels_of_each_visit(replacing):
    # Oracle: identity: so many labels a visit, or all that a row has; frequencies of the law by |z| <= 4
    protocol = Protocol("x", tells_drawn=True, draws=3, replacing=replacing)
    teacher = np.array([[0.5, 0.25, 0.25, 0.0], [0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    first = np.array([[[2, 1, 0, 0], [0, 4, 0, 0], [1, 0, 0, 0]], [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]])
    visits = first.sum(axis=2)
    counts = protocol.further(first, visits, teacher, np.random.default_rng(4))
    each = [2, 2, 2] if replacing else [2, 1, 0]
    assert (counts.sum(axis=2) == visits * each).all()
    assert (counts[:, teacher == 0] == 0).all()
    if not replacing:
        assert counts[0, 1].tolist() == [4, 0, 0, 0]
        assert counts[0, 0].tolist() == [1, 2, 3, 0]
    table = of_dense(teacher, rest=0.0)
    at = np.flatnonzero(teacher.reshape(-1))
    on_cells = protocol.further_cells(first.reshape(2, -1)[:, at], visits, table, np.random.default_rng(4))
    assert on_cells.shape == (2, table.stored)
    assert (np.add.reduceat(on_cells, table.offsets[:-1], axis=1) == visits * each).all()
    if replacing:
        many = protocol.further(np.zeros((1, 1, 4), int), np.array([[5000]]), teacher[:1], np.random.default_rng(5))
        z = (many[0, 0, :3] - 10_000 * teacher[0, :3]) / np.sqrt(10_000 * teacher[0, :3] * (1 - teacher[0, :3]))
        assert np.abs(z).max() <= 4


def test_too_many_further_labels_are_refused(monkeypatch):
    # Oracle: definition: (draws - 1) times the visits of an input, or without replacement of all inputs
    monkeypatch.setattr(facts, "FURTHER_MAX", 10)
    teacher, rng = np.full((2, 2), 0.5), np.random.default_rng(0)
    for replacing, visits, refused in (
        (True, [5, 5], False),
        (True, [6, 0], True),
        (False, [3, 2], False),
        (False, [3, 3], True),
    ):
        protocol = Protocol("x", tells_drawn=True, draws=3, replacing=replacing)
        given = (np.array([[[v, 0] for v in visits]]), np.array([visits]), teacher, rng)
        if not refused:
            protocol.further(*given)
            continue
        with pytest.raises(Unsupported, match=f"x draws 3 labels at each of {max(visits)} visits of an input: at most"):
            protocol.further(*given)
    assert facts.FURTHER_MAX == 10
    protocol = Protocol("x", tells_drawn=True, draws=2)
    assert protocol.further(np.zeros((0, 1, 2), int), np.zeros((0, 1), int), teacher[:1], rng).shape == (0, 1, 2)


@pytest.mark.parametrize(
    ("replacing", "sums", "largest", "used", "visits"),
    [
        (True, [6, 0, 3], [6, 0, 2], [1, 0, 2], [2, 0, 1]),
        (False, [6, 3], [2, 1], [4, 3], [2, 1]),
        (False, [4, 4], [2, 2], [2, 2], [2, 2]),  # rows of two labels: all of them at each visit
        (False, [5], [5], [1], [5]),
    ],
)
def test_visits_from_counts(replacing, sums, largest, used, visits):
    # Oracle: by hand, three draws a visit
    protocol = Protocol("x", tells_drawn=True, draws=3, replacing=replacing)
    given = [np.array(x) for x in (sums, largest, used)]
    assert protocol.visits_of(*given).tolist() == visits
    assert Protocol("x").visits_of(*given) is given[0]


@pytest.mark.parametrize(
    ("replacing", "sums", "largest", "used"),
    [(True, [3, 4], [3, 4], [1, 1]), (False, [3, 6], [1, 3], [3, 3]), (False, [0, 4], [0, 3], [0, 2])],
)
def test_counts_that_are_no_whole_visits(replacing, sums, largest, used):
    # Oracle: by hand, three draws a visit: the second input is none
    protocol = Protocol("x", tells_drawn=True, draws=3, replacing=replacing)
    with pytest.raises(ValueError, match=rf"counts\[1\] adds up to {sums[1]}: x draws 3 labels at each visit"):
        protocol.visits_of(*(np.array(x) for x in (sums, largest, used)))


def test_what_is_revealed_of_visited_inputs():
    # Oracle: by hand
    teacher = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    counts, visits = np.array([[0, 2, 0], [0, 0, 0]]), np.array([2, 0])
    told = np.array([[1, 0, 0], [0, 0, 1]], dtype=np.int8)
    nothing = [[False] * 3] * 2

    def shows(told=None, **given):
        return (~np.isnan(Protocol("x", **given).reveal(counts, visits, teacher, told))).tolist()

    assert shows() == nothing
    assert shows(tells_drawn=True) == [[False, True, False], [False] * 3]
    assert shows(told, top=1) == [[True, False, False], [False] * 3]
    assert shows(told, top=1, tells_drawn=True) == [[True, True, False], [False] * 3]
    assert shows(ordered=True) == [[True] * 3, [False] * 3]


# --- Names -------------------------------------------------------------------------------------------------


def test_what_is_one_of_the_paper_and_what_has_a_form():
    # Oracle: definition
    assert one_of_the_paper("partial", "it") == "partial"
    with pytest.raises(Unsupported, match="protocol is top_k:2: it answers for hard, partial, soft only"):
        one_of_the_paper("top_k:2", "it")
    assert resolve_form("rounded:2").digits == 2
    for name in ("partial", "top_k:2", "sorted", "hard"):
        with pytest.raises(Unsupported, match=f"told_as is {name}: it must be rounded:D or tempered:T"):
            resolve_form(name)
    with pytest.raises(Unsupported, match="protocol is another one named partial: that name is the package's"):
        resolve_protocol(Protocol("partial"))

    class Mine(Protocol):
        pass

    with pytest.raises(Unsupported, match="protocol"):
        resolve_protocol(Mine("x"))
    with pytest.raises(ValueError, match="temperature is 1: that protocol is partial"):
        kt.tempered(1)
    for k in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"k is {k}"):
            kt.top_k_label(k)
    for name in ("top_k:٣", "top_k:1.0", f"top_k:{'9' * 19}", "rounded:x", "tempered:0", "tempered:-1"):
        with pytest.raises(Unsupported):
            resolve_protocol(name)
    assert resolve_protocol(f"top_k:{'9' * 18}").top == int("9" * 18)


# --- Transfer sets -----------------------------------------------------------------------------------------


def test_facts_of_transfer_sets_in_both_forms():
    # Oracle: by hand; dense and sparse sets are one
    teacher = np.array([[0.5, 0.3, 0.2, 0.0], [0.25] * 4, [0.0, 0.0, 0.0, 1.0]])
    counts = np.array([[2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    wanted = {
        "hard": ([np.nan, 1, np.nan], [1, 1, 1], 4), "partial": ([0.2, 1, 0], [0.2, 1, 0], 0),
        "soft": ([0.2, 1, 0], [0, 1, 0], 0),
        "top_k:1": ([0.2, 1, 0], [0.2, 1, 0], 0), "top_k_only:1": ([0.5, 1, 0], [0.5, 1, 0], 0),
        "top_k_label:1": ([np.nan, 1, 0], [0.5, 1, 0], 1), "rounded:1": ([np.nan, 1, np.nan], [np.nan] * 3, 0),
    }  # fmt: skip
    for name, (missing, untold, samples) in wanted.items():
        at = np.flatnonzero(counts)
        sparse = SparseTable.of_keys(at, counts.reshape(-1)[at], (3, 4), np.zeros(3))
        for data in (
            kt.TransferSet.from_counts(counts, teacher, name),
            kt.TransferSet.from_counts(sparse, teacher, name),
        ):
            if name not in ("top_k_label:1", "hard"):
                assert data.missing_mass == pytest.approx(missing, abs=1e-15, nan_ok=True), name
                assert data.untold == (samples if name != "top_k_only:1" else data.untold)
            assert data.untold_mass == pytest.approx(untold, abs=1e-15, nan_ok=True), name
            assert (data.n, data.shape, data.visits.tolist()) == (4, (3, 4), [3, 0, 1])
            if name == "partial":
                assert data.mean_missing_mass == pytest.approx(3 * 0.2 / 4, rel=1e-14, abs=0)
                assert data.good_turing == 2 / 4
                told = data.log_told
                assert told.values == pytest.approx(np.log([0.5, 0.3, 1.0]), rel=1e-15, abs=0)
    none = kt.TransferSet.from_counts([[0, 0]])
    assert math.isnan(none.mean_missing_mass)
    assert math.isnan(none.good_turing)
    assert math.isnan(kt.TransferSet.from_counts([[1, 1]], [[0.5, 0.5]], "sampled:2").good_turing)
    assert none.dense() is none


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("counts", "teacher", "protocol", "said"),
    [
        ([[1, 0]], None, "partial", "teacher is missing: the partial protocol reveals some of it"),
        ([[1, 2]], [[1.0, 0.0]], "partial", r"counts\[0, 1\] is 2, but teacher\[0, 1\] is 0: it is never drawn"),
        ([[2, 1]], [[0.5, 0.5]], "sampled:2", r"counts\[0\] adds up to 3: sampled:2 draws 2 labels at each visit"),
        (
            [[1, 1, 0], [2, 0, 0]],
            [[0.5, 0.5, 0]] * 2,
            "gumbel_top_k:2",
            r"counts\[1\] adds up to 2: gumbel_top_k:2 draws 2",
        ),
    ],
)
def test_counts_that_are_refused(counts, teacher, protocol, said, sparse):
    # Oracle: definition, the place is named in both forms
    counts = np.array(counts)
    if sparse:
        at = np.flatnonzero(counts.reshape(-1))
        counts = SparseTable.of_keys(at, counts.reshape(-1)[at], counts.shape, np.zeros(len(counts)))
    with pytest.raises(ValueError, match=said):
        kt.TransferSet.from_counts(counts, teacher, protocol)
