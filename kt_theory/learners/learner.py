"""The object `Learner`: a formula for the student, what it has to be shown, and a fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kt_theory import checks
from kt_theory.fingerprints import fingerprint as fingerprint_of
from kt_theory.protocols.protocol import Protocol, resolve_protocol

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Learner:
    """A learner: an entry of `LEARNERS`, or one of a user's own, which every function takes in the place of a name.

    Attributes
    ----------
    name : str
        What receipts and figures call it.
    protocol : Protocol or str
        The least revealing protocol that it can work with; a name such as ``partial`` is resolved.
    fit : callable
        ``fit(counts, revealed, init) -> student`` over arrays of shape (S, A). Simulations hand it many data sets at
        once, one under the other, as (R S, A): unless `couples_inputs` is set, row s of the student must depend on row
        s of the three only. Under a protocol that shows no label `counts` is 0 everywhere.
    rate : float or None
        The exponent of n in its worst-case risk; None if its risk does not tend to 0, or is not known.
    statement : str
        The upper bound on its risk.
    couples_inputs : bool
        Whether a row of the student depends on other rows. Such a learner is given one whole table at a time, and has
        no exact law.
    row : callable, optional
        The same for one visited row, in the subset of Python that numba compiles, to simulate at full speed:
        ``row(visits, counts, told, teacher, init, student)`` fills `student`. It is given the whole row of the teacher,
        and must use it as `fit` would use what is revealed; `told` is 1 for the labels that the protocol tells in any
        case, or None under a protocol that tells none.
    cells : callable, optional
        The same for the stored cells of one visited row of a sparse problem, ``cells(visits, counts, told, teacher,
        init, others, start, student) -> rest``: the row has `others` more labels, never drawn, of probability 0 and
        initial value `start`, and the value of the student on each of them is `rest`. Only the package's learners have
        one.
    lanes : callable, optional
        The same for one visited input of R repeats side by side, of a learner that does not read `told`: sums over the
        labels run in the order of the labels, R at a time. ``lanes(visits, counts, teacher, init, student, work)``
        fills `student`, shape (A, R), from visits, shape (R,), and counts, shape (A, R), both floats; work, shape
        (4, R), is for sums. An input that was not visited is computed and not used. Only the package's learners have
        one.
    loss : str
        The empirical loss that it minimises.
    fingerprint : str
        Tells apart two learners of one name in a stored study. Made of the protocol, and of the code of `fit` and `row`
        with what they close over and the globals that they read, if not given.

    Raises
    ------
    ValueError
        For a name that is no line of text, a `fit` or `row` that is no function, or values that a function closes over
        and that cannot be told apart by their content: give the `fingerprint` then.
    Unsupported
        For an unknown protocol.

    Examples
    --------
    >>> uniform = Learner("uniform", "hard", lambda counts, revealed, init: np.full(counts.shape, 1 / counts.shape[1]))
    >>> uniform.protocol.name, uniform.couples_inputs
    ('hard', False)
    """

    name: str
    protocol: Protocol
    fit: Fit = field(repr=False)
    rate: float | None = None
    statement: str = ""
    couples_inputs: bool = False
    row: Callable[..., None] | None = field(default=None, repr=False)
    cells: Callable[..., float] | None = field(default=None, repr=False)
    lanes: Callable[..., None] | None = field(default=None, repr=False)
    loss: str = ""
    fingerprint: str = field(default="", repr=False)

    def __init__(
        self,
        name: str,
        protocol: Protocol | str,
        fit: Fit,
        rate: float | None = None,
        statement: str = "",
        *,
        couples_inputs: bool = False,
        row: Callable[..., None] | None = None,
        cells: Callable[..., float] | None = None,
        lanes: Callable[..., None] | None = None,
        loss: str = "",
        fingerprint: str = "",
    ) -> None:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ValueError(f"the name of a learner is {checks.shown(name)}: it must be a line of text")
        for argument, function in (("fit", fit), ("row", row), ("cells", cells), ("lanes", lanes)):
            if not callable(function) and (argument == "fit" or function is not None):
                raise ValueError(f"{argument} of learner {name} is {checks.shown(function)}: it must be a function")
        for argument, words in (("statement", statement), ("loss", loss), ("fingerprint", fingerprint)):
            checks.text(f"{argument} of learner {name}", words)
        couples_inputs = checks.flag(f"couples_inputs of learner {name}", couples_inputs)
        if rate is not None:
            rate = checks.number(f"rate of learner {name}", rate)
        shown = resolve_protocol(protocol, f"protocol of learner {name}")
        if not fingerprint:
            lists = () if shown.lists_last else ("but last",)
            facts = (shown.name, shown.tells_drawn, shown.top, couples_inputs, *lists, *shown.fingerprint)
            fingerprint = fingerprint_of(f"learner {name}", fit, row, facts=facts)
        values = {
            "name": name,
            "protocol": shown,
            "fit": fit,
            "rate": rate,
            "statement": statement,
            "couples_inputs": couples_inputs,
            "row": row,
            "cells": cells,
            "lanes": lanes,
            "loss": loss,
            "fingerprint": fingerprint,
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)

    def __str__(self) -> str:
        return self.name
