"""Fitting a learner on a transfer set."""

from __future__ import annotations

from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.learners.registry import LEARNERS, resolve_learner
from kt_theory.problem import uniform_table
from kt_theory.protocols.transfer import TransferSet


def fit(transfer_set: TransferSet, learner: str | Learner, init: Any = None) -> np.ndarray:
    """The student that a learner makes of a transfer set.

    Parameters
    ----------
    transfer_set : TransferSet
        What the student was shown.
    learner : {"CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl"}, a name such as "SEL@top_k:20", or Learner
        A name in `LEARNERS`, the natural learner of a protocol, or a learner of one's own.
    init : array_like, shape (S, A), optional
        The student before any data, a row-stochastic table; uniform if not given. Every learner of the package answers
        it on unvisited inputs. SEL_ptl also spreads the missing mass of a visited input over the unseen labels in
        proportion to it, uniformly where it is 0 on all of them.

    Returns
    -------
    ndarray, shape (S, A)
        A row-stochastic table, as exactly as what was revealed: records accepted with a tolerance, or an `init` that is
        off, leave rows off 1 by as much.

    Raises
    ------
    Unsupported
        A ValueError, if the learner is unknown or needs to be shown more than the transfer set holds.
    ValueError
        If `transfer_set` is none, a learner of one's own answers with something that is no row-stochastic table, or
        `init` is no row-stochastic table of the right shape.

    Examples
    --------
    >>> data = TransferSet.from_counts([[2, 0, 0]], [[0.5, 0.3, 0.2]], "partial")
    >>> fit(data, "SEL_ptl")
    array([[0.5 , 0.25, 0.25]])
    >>> fit(data, "SEL_ptl", init=[[0.0, 0.8, 0.2]])
    array([[0.5, 0.4, 0.1]])
    """
    entry = resolve_learner(learner)
    checks.instance_of("transfer_set", transfer_set, TransferSet, "kt_theory.TransferSet.from_counts makes one")
    shown = transfer_set.protocol
    if not shown.reveals_at_least(entry.protocol):
        raise checks.Unsupported(f"{entry.name} needs {entry.protocol} labels, the transfer set has {shown} ones")
    shape = transfer_set.counts.shape
    start = uniform_table(*shape)
    if init is not None:
        checks.names_from_frames(transfer_set.states, transfer_set.actions, init=init)
        start = checks.stochastic_table("init", init, shape, tolerance=checks.STUDENT_TOLERANCE)
    revealed = transfer_set.revealed
    if entry.protocol != shown:
        if entry.protocol.top != 0:
            raise checks.Unsupported(
                f"{entry.name} is told the labels of {entry.protocol}, the transfer set those of {shown}: "
                f"draw it with {entry.protocol}"
            )
        # It sees what it would be shown, no more: the same student as from a transfer set of its own protocol.
        drawn = (transfer_set.counts > 0) & entry.protocol.tells_drawn
        revealed = np.where(drawn, revealed, np.nan)
    student = entry.fit(transfer_set.counts, revealed, start)
    if LEARNERS.get(entry.name) is not entry:
        name = f"what {entry.name} answers"
        return checks.stochastic_table(name, student, shape, tolerance=checks.STUDENT_TOLERANCE)
    return student
