r"""A protocol: what a student is told at each visit of an input.

A visit of input s draws a label from pi*(.|s). A protocol defines three facts: whether the drawn label is shown,
whether its probability is told, and of how many of the most likely labels the probability is told whether they were
drawn or not. These three facts order the protocols: one reveals at least as much as another if it does so in each of
them (a partial order). At each visit one label is drawn, or several that are independent of one another (``draws``).
Under a protocol that shows none (``shows_label=False``) a student knows which inputs were visited, how often, and what
is told in any case.

What is told of a probability may be less than the probability itself: its natural logarithm rounded to a number of
digits, or the probability of the row at another temperature, p^(1/T) scaled to one. The label is drawn from pi* all the
same, as where an API samples at one temperature and reports log-probabilities at another. Or the values are told alone,
in descending order without their labels (``ordered``): what is left of a teacher of another vocabulary.

Records may tell of more labels than were drawn, in lists that follow no rule: of 20 labels here and of 17 there. Their
protocol is ``told``: at least partial, with lists that the records hold and no law gives (``listed=True``). It has
transfer sets and learners, and is not simulated.

==================  =====  ====================  ==============================
protocol            label  its probability       told in any case
==================  =====  ====================  ==============================
``hard``            yes    no                    nothing
``partial``         yes    yes                   nothing
``sampled:M``       M      yes                   nothing
``gumbel_top_k:K``  K      yes                   nothing
``rounded:D``       yes    its rounded log       nothing
``tempered:T``      yes    at temperature T      nothing
``sorted``          yes    no                    all values in order, no labels
``top_k_only:K``    no     no                    the K most likely labels
``top_p:P``         no     no                    the most likely labels, of mass P
``threshold:T``     no     no                    the labels of probability T or more
``top_k_label:K``   yes    if it is among them   the K most likely labels
``top_k:K``         yes    yes                   the K most likely labels
``told``            yes    yes                   what the records list
``soft``            yes    yes                   every label
==================  =====  ====================  ==============================

``gumbel_top_k:K`` draws K different labels, each in proportion to its probability among those that are left: the K
largest of log p_a + G_a, G_a independent Gumbel variables. ``top_p:P`` lists as few of the most likely labels as have
the mass P together, ``threshold:T`` those of probability T or more, perhaps none; both as far as rounding of 1e-12
tells. That an unlisted label has at most the least listed probability, or less than T, changes nothing: equal shares of
the mass that is missing never exceed it.

Equal probabilities at rank K are ties. Which of the tied labels are told is drawn once per input and data set, every
choice as likely as another: never by the order of the labels, which would carry information, and never anew at each
visit, which would tell all of them in the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kt_theory import checks
from kt_theory.protocols.facts import Protocol as Protocol

#: The paper's protocols, from the least to the most revealing.
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("hard"),
        Protocol("partial", tells_drawn=True),
        Protocol("soft", tells_drawn=True, top=None),
    )
}


#: The protocol of records that tell of labels that were not drawn, in lists that follow no rule.
TOLD = Protocol("told", tells_drawn=True, listed=True)

#: The protocol that shows the sampled label, and the teacher's values in descending order without their labels.
SORTED = Protocol("sorted", ordered=True)


def top_k(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the sampled label and the k most likely ones, all with their probabilities.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol.
    lists_last : bool
        False where the last label stands for many, such as ``<other>``, and is never on the list; the name then ends in
        ``:but_last``.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k(20).name
    'top_k:20'
    >>> PROTOCOLS["soft"].reveals_at_least(top_k(20)), PROTOCOLS["partial"].reveals_at_least(top_k(20))
    (True, False)
    """
    return _list("top_k", k, lists_last, tells_drawn=True)


def top_k_label(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the k most likely labels with their probabilities, and shows the sampled label alone.

    The log of an API whose list of alternatives lacks the sampled label's probability.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol.
    lists_last : bool
        False where the last label stands for many, such as ``<other>``, and is never on the list; the name then ends in
        ``:but_last``.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k(5).reveals_at_least(top_k_label(5)), top_k_label(5).reveals_at_least(PROTOCOLS["partial"])
    (True, False)
    """
    return _list("top_k_label", k, lists_last)


def top_k_only(k: int, *, lists_last: bool = True) -> Protocol:
    """The protocol that tells the k most likely labels with their probabilities, and shows no sampled label.

    A stored row of k numbers: what is known of an input does not grow after its first visit.

    Parameters
    ----------
    k : int
        At least 1. From the number of labels on it is the soft protocol without its draws.
    lists_last : bool
        As in `top_k`.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> top_k_label(5).reveals_at_least(top_k_only(5)), top_k_only(5).reveals_at_least(PROTOCOLS["hard"])
    (True, False)
    """
    return _list("top_k_only", k, lists_last, shows_label=False)


def sampled(m: int) -> Protocol:
    """The protocol that draws m labels at each visit, independently, and tells each with its probability.

    A row that is stored as m numbers: of ``sampled:1`` the name is ``partial`` as well.

    Parameters
    ----------
    m : int
        At least 1.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If m is no whole number, or below 1.

    Examples
    --------
    >>> sampled(5).name, sampled(5).reveals_at_least(PROTOCOLS["partial"])
    ('sampled:5', True)
    """
    m = checks.whole_number("m", m, minimum=1)
    return Protocol(f"sampled:{m}", tells_drawn=True, draws=m)


def gumbel_top_k(k: int) -> Protocol:
    """The protocol that draws k labels at each visit without replacement, and tells each with its probability.

    Each label is drawn in proportion to its probability among those left, as the Gumbel top-k trick does it. A row of
    fewer labels of positive probability shows all of them. Of ``gumbel_top_k:1`` the name is ``partial`` as well.

    Parameters
    ----------
    k : int
        At least 1.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If k is no whole number, or below 1.

    Examples
    --------
    >>> gumbel_top_k(5).reveals_at_least(sampled(5)), sampled(5).reveals_at_least(gumbel_top_k(5))
    (True, False)
    """
    k = checks.whole_number("k", k, minimum=1)
    return Protocol(f"gumbel_top_k:{k}", tells_drawn=True, draws=k, replacing=k == 1)


def top_p(mass: float) -> Protocol:
    """The protocol that tells the most likely labels, as few as have so much mass together, and no sampled label.

    Parameters
    ----------
    mass : float
        P in (0, 1). A sum that falls short of it by 1e-12 will do.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If mass is no number, or out of range.

    Examples
    --------
    >>> top_p(0.9).name, top_p(0.9).reveals_at_least(top_p(0.5)), top_p(0.9).reveals_at_least(top_k_only(2))
    ('top_p:0.9', True, False)
    """
    mass = checks.number("mass", mass)
    return Protocol(f"top_p:{mass!r}", shows_label=False, mass=mass)


def threshold(at_least: float) -> Protocol:
    """The protocol that tells all labels of so much probability or more, and no sampled label.

    Parameters
    ----------
    at_least : float
        T in (0, 1]. A probability that falls short of it by 1e-12 will do.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If at_least is no number, or out of range.

    Examples
    --------
    >>> tenth = threshold(0.1)
    >>> tenth.name, threshold(0.01).reveals_at_least(tenth), top_k_only(10).reveals_at_least(tenth)
    ('threshold:0.1', True, True)
    """
    at_least = checks.number("at_least", at_least)
    return Protocol(f"threshold:{at_least!r}".removesuffix(".0"), shows_label=False, at_least=at_least)


def rounded(digits: int) -> Protocol:
    """The protocol that tells the sampled label with its natural log-probability, rounded.

    Parameters
    ----------
    digits : int
        Decimal digits, 0 to 15. The probability is known to a factor of e^(10^-digits / 2) either way.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If digits is no whole number, or out of range.

    Examples
    --------
    >>> rounded(1).name, PROTOCOLS["partial"].reveals_at_least(rounded(1)), rounded(2).reveals_at_least(rounded(1))
    ('rounded:1', True, False)
    """
    digits = checks.whole_number("digits", digits)
    return Protocol(f"rounded:{digits}", tells_drawn=True, digits=digits)


def tempered(temperature: float) -> Protocol:
    """The protocol that tells the sampled label, drawn from pi*, with its probability at another temperature.

    Parameters
    ----------
    temperature : float
        T, in (0, infinity), not 1: the told law is proportional to p^(1/T). A log sampled at temperature t, of raw
        log-probabilities (those at temperature 1), is told at T = 1/t.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If temperature is no number, out of range, or 1: that protocol is ``partial``.

    Examples
    --------
    >>> tempered(2).name, *(PROTOCOLS[name].reveals_at_least(tempered(2)) for name in ("partial", "soft"))
    ('tempered:2', False, True)
    """
    temperature = checks.number("temperature", temperature)
    if temperature == 1:
        raise ValueError("temperature is 1: that protocol is partial")
    return Protocol(f"tempered:{temperature!r}".removesuffix(".0"), tells_drawn=True, temperature=temperature)


def _list(family: str, k: int, lists_last: bool, **facts: bool) -> Protocol:
    k = checks.whole_number("k", k, minimum=1)
    ends = "" if checks.flag("lists_last", lists_last) else BUT_LAST
    return Protocol(f"{family}:{k}{ends}", top=k, lists_last=lists_last, **facts)


def one_of_the_paper(protocol: object, what: str, argument: str = "protocol") -> str:
    """The name of one of the paper's protocols, which `what` answers for; refuses every other one.

    Raises
    ------
    Unsupported
        For an unknown protocol, and for one that is none of hard, partial and soft.
    """
    found = resolve_protocol(protocol, argument)
    if PROTOCOLS.get(found.name) != found:
        raise checks.Unsupported(f"{argument} is {found}: {what} answers for {', '.join(PROTOCOLS)} only")
    return found.name


#: A number behind the colon of a name.
PLAIN = re.compile(r"\d{1,18}(\.\d{1,17})?(e[+-]?\d{1,3})?", re.ASCII)

#: How a name ends whose list never has the last label.
BUT_LAST = ":but_last"

#: Families of protocols: name -> the function of the whole number behind the colon.
FAMILIES: dict[str, Callable[..., Protocol]] = {
    "top_k": top_k,
    "top_k_label": top_k_label,
    "top_k_only": top_k_only,
    "sampled": sampled,
    "gumbel_top_k": gumbel_top_k,
}

#: Families whose number is no number of labels: name -> the letter and the meaning of the number behind the colon, how
#: the number is read, and the function of it.
FORMS: dict[str, tuple[str, str, Callable[[str], Any], Callable[[Any], Protocol]]] = {
    "rounded": ("D", "a whole number of digits, 0 to 15", int, rounded),
    "tempered": ("T", "a temperature above 0, not 1", float, tempered),
    "top_p": ("P", "a probability above 0 and below 1", float, top_p),
    "threshold": ("T", "a probability above 0 and at most 1", float, threshold),
}


def named(name: str) -> Protocol | None:
    """The protocol of a name, if there is one."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    for alone in (TOLD, SORTED):
        if name == alone.name:
            return alone
    family, _, number = name.removesuffix(BUT_LAST).partition(":")
    if family in FAMILIES and number.isascii() and number.isdecimal() and len(number) < 19 and int(number) > 0:
        made = FAMILIES[family](int(number))
        if not name.endswith(BUT_LAST):
            return made
        return FAMILIES[family](int(number), lists_last=False) if made.top else None
    family, _, number = name.partition(":")
    # Plain numbers only: int and float read "1_0", " 1" and "nan", too.
    if family in FORMS and PLAIN.fullmatch(number):
        _, _, read, told = FORMS[family]
        try:
            return told(read(number))
        except ValueError:  # out of range, or digits that are not whole
            return None
    return None


def resolve_protocol(protocol: object, argument: str = "protocol") -> Protocol:
    """The protocol of a name such as ``partial`` or ``top_k:20``, or the object itself.

    Raises
    ------
    Unsupported
        If it is neither a known name nor a `Protocol`.
    """
    if isinstance(protocol, Protocol):
        if type(protocol) is not Protocol:
            raise checks.Unsupported(
                f"{argument} is {protocol}, of the class {type(protocol).__name__}: it must be a Protocol itself, "
                "since what is told follows from its facts alone"
            )
        if (named(protocol.name) or protocol) != protocol:
            raise checks.Unsupported(f"{argument} is another one named {protocol}: that name is the package's")
        return protocol
    if isinstance(protocol, str) and (known_as := named(protocol)) is not None:
        return known_as
    family = protocol.partition(":")[0] if isinstance(protocol, str) else ""
    if family in FAMILIES:
        raise checks.Unsupported(
            f"{argument} is {checks.shown(protocol)}: the K of {family}:K is a whole number of labels, 1 or more"
        )
    if family in FORMS:
        letter, meaning, _, _ = FORMS[family]
        said = f"{argument} is {checks.shown(protocol)}"
        raise checks.Unsupported(f"{said}: the {letter} of {family}:{letter} is {meaning}")
    lists, forms = (f"{family}:K" for family in FAMILIES), (f"{family}:{form[0]}" for family, form in FORMS.items())
    known = ", ".join([*PROTOCOLS, *lists, *forms, SORTED.name])
    raise checks.Unsupported(f"{argument} is {checks.shown(protocol)}: it must be one of {known}, or a Protocol")


def resolve_form(protocol: object, argument: str = "told_as") -> Protocol:
    """The protocol of a name such as ``rounded:2`` or ``tempered:0.7``, the form in which records were told.

    Raises
    ------
    Unsupported
        For what is no protocol, and for every other one.
    """
    form = resolve_protocol(protocol, argument)
    if form.exact or form.lists or form.ordered or not form.shows_label:
        raise checks.Unsupported(f"{argument} is {form}: it must be rounded:D or tempered:T")
    return form
