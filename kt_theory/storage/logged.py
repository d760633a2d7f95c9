r"""A log in the place of a teacher: each input's row as far as the log tells it, and the rest filled in.

================  =====================================  ===========================================================
what is logged    row                                    what that does to the comparison
================  =====================================  ===========================================================
whole rows        as told                                nothing
some labels, each exact on these, equal shares of the    the part that is filled in costs a student of equal shares
with its          missing mass on the other labels that  nothing: lists and draws seem better than they are
probability       the log names anywhere
labels alone      their frequencies                      the tail lacks labels that were not drawn and is less even
                                                         than it is: storages seem better or worse
================  =====================================  ===========================================================

Inputs weigh as much as they were visited.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kt_theory import checks
from kt_theory.learners.fitting import fit
from kt_theory.learners.registry import told_at
from kt_theory.problem import Problem
from kt_theory.protocols.transfer import TransferSet

#: A row whose missing mass is below this is told whole: what float32 leaves of a sum.
WHOLE = 1e-6


class PlugIn(NamedTuple):
    """A teacher made of a log.

    Attributes
    ----------
    problem : Problem
        The inputs that were visited.
    share : float
        The mass, averaged over visits, that no record tells: 1 where no probability is told as it is.
    partly : int
        Of how many inputs some of the row is filled in.
    """

    problem: Problem
    share: float
    partly: int


def plug_in(data: TransferSet) -> PlugIn:
    """The rows of a log as a problem, what is not told filled in.

    Parameters
    ----------
    data : TransferSet
        The log, dense or sparse, with a visit at least.

    Returns
    -------
    PlugIn

    Raises
    ------
    ValueError
        If `data` is no transfer set or has no visit; `Unsupported` if its table is too large to be made dense.

    Notes
    -----
    Told probabilities that exceed one in sum, as far as the reader's tolerance lets them, are divided by their sum.
    """
    data = checks.instance_of("data", data, TransferSet, "kt_theory.TransferSet.from_records makes one")
    if data.n == 0:
        raise ValueError("the log has no visit: there is no row to store")
    data = data.dense()
    nothing = not data.protocol.tells_drawn and not data.protocol.lists
    rows = np.asarray(fit(data, "CE_sgl" if nothing else told_at(data.protocol)))
    seen = np.flatnonzero(data.visits)
    rho = data.visits[seen] / data.n
    missing = np.ones(seen.size) if nothing or not data.protocol.exact else data.untold_mass[seen]
    rows = rows[seen] / rows[seen].sum(axis=1, keepdims=True)
    checks.stochastic_table("the rows of the log", rows)
    names = tuple(data.states[s] for s in seen)
    problem = Problem(rho / rho.sum(), rows, states=names, actions=data.actions, name="the log")
    missing = np.where(missing > WHOLE, missing, 0.0)
    return PlugIn(problem, float(rho @ missing), int((missing > 0).sum()))
