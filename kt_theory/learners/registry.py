"""The package's learners by name, and the one place where what a user names becomes a `Learner`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kt_theory import checks
from kt_theory.learners import hard, partial, soft
from kt_theory.learners.inexact import clipped_at, inexact_sel
from kt_theory.learners.learner import Learner
from kt_theory.learners.listed import list_ce_at
from kt_theory.learners.partial import renormalised_at, sel_at
from kt_theory.protocols.protocol import Protocol, resolve_protocol

#: The four learners of the paper: the default of studies.
PAPER_LEARNERS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful")

_FOUND = {learner.name: learner for module in (hard, partial, soft) for learner in module.LEARNERS}

#: All learners, by name, those of the paper first.
LEARNERS: dict[str, Learner] = {name: _FOUND[name] for name in PAPER_LEARNERS} | _FOUND


def told_at(protocol: Protocol) -> Learner:
    """``SEL@`` and a protocol: what is told is kept, or taken back to temperature 1, and the rest shared."""
    if protocol.ordered:
        raise checks.Unsupported(
            f"{protocol} tells values without their labels, which SEL@ cannot keep: a loss that uses their order, "
            "such as kt_theory.losses.make('uld').learner(), can"
        )
    return sel_at(protocol) if protocol.exact else inexact_sel(protocol)


#: What stands before the name of a protocol in the name of a learner of it, such as ``SEL@top_k:20``: what is told,
#: what practice often does with a list of the most likely labels, counts within what rounding leaves open, and counts
#: of the labels that a list lacks.
AT = {"SEL@": told_at, "RENORM@": renormalised_at, "CLIP@": clipped_at, "CE@": list_ce_at}


def of_the_package(learner: Learner) -> bool:
    """Whether a learner is the package's own, not one of a user's with such a name."""
    kind, at, _ = learner.name.partition("@")
    if kind + at not in AT:
        return LEARNERS.get(learner.name) is learner
    try:
        made = AT[kind + at](learner.protocol)
    except checks.Unsupported:
        return False
    return made.fingerprint == learner.fingerprint and made.fit == learner.fit


def resolve_learner(learner: Any, argument: str = "learner") -> Learner:
    """The learner of a name, or the object itself.

    Parameters
    ----------
    learner : str or Learner
        A name in `LEARNERS`, ``SEL@`` or ``RENORM@`` and a protocol such as ``SEL@top_k:20``, or a learner of a user's
        own.
    argument : str
        What the argument is called, for the message.

    Returns
    -------
    Learner

    Raises
    ------
    Unsupported
        If it is neither.
    """
    if isinstance(learner, Learner):
        package = LEARNERS.get(learner.name, learner)
        if package.fingerprint != learner.fingerprint or package.fit is not learner.fit:
            raise checks.Unsupported(f"{argument} is another one named {learner}: that name is the package's")
        return learner
    if isinstance(learner, str):
        if learner in LEARNERS:
            return LEARNERS[learner]
        kind, at, name = learner.partition("@")
        if kind + at in AT:
            protocol = resolve_protocol(name, f"the protocol of {argument} {learner}")
            if protocol.tells_nothing:
                raise checks.Unsupported(f"{argument} is {learner!r}: {protocol} tells no probability to keep")
            return AT[kind + at](protocol)
    known = ", ".join([*LEARNERS, *(f"{kind}PROTOCOL" for kind in AT)])
    raise checks.Unsupported(f"{argument} is {checks.shown(learner)}: it must be one of {known}, or a Learner")


def resolve_learners(learners: Any, argument: str = "learners") -> list[Learner]:
    """One or several learners; names must differ, since receipts tell learners apart by them.

    Raises
    ------
    ValueError
        If there is none, or two of one name that are not the same; `Unsupported` for an unknown one.
    """
    if isinstance(learners, (str, Learner)):
        return [resolve_learner(learners, argument)]
    if not isinstance(learners, (Sequence, dict)) or isinstance(learners, bytes):
        raise ValueError(f"{argument} is {checks.shown(learners)}: it must be a name, a Learner, or a list of these")
    found = [resolve_learner(entry, argument) for entry in learners]
    if not found:
        raise ValueError(f"{argument} is empty: name at least one")
    by_name: dict[str, Learner] = {}
    for learner in found:
        if by_name.setdefault(learner.name, learner).fingerprint != learner.fingerprint:
            raise ValueError(f"{argument} has two different learners of the name {learner.name}: give one another name")
    return found
