"""All losses and channels by id, and the one place where an id and parameters become a loss."""

from __future__ import annotations

import difflib
from typing import Any

from kt_theory import checks
from kt_theory.losses import (
    channels,
    decoupled,
    draws,
    hard,
    links,
    mixtures,
    norms,
    on_policy,
    pairs,
    partial,
    ranked,
    rankings,
    scale_free,
    soft,
    sorting,
    tables,
    top_k,
    votes,
)
from kt_theory.losses.channels import Channel
from kt_theory.losses.loss import Limit

_MODULES = (
    *(hard, links, norms, tables, ranked, draws),
    *(partial, top_k, rankings),
    *(soft, mixtures, decoupled, scale_free, sorting),
    *(on_policy, pairs, votes, channels),
)

#: id -> the class of the loss; its attributes say what it is, its docstring more.
LOSSES: dict[str, type[Limit] | type[Channel]] = {entry.id: entry for module in _MODULES for entry in module.LOSSES}


def make(id: str, **parameters: Any) -> Any:
    """A loss or channel of the atlas, by its id.

    Parameters
    ----------
    id : str
        A key of `kt_theory.losses.LOSSES`.
    **parameters
        Those of the entry; the others are at their defaults.

    Returns
    -------
    Loss, Limit or Channel
        Frozen; `parameters` holds all values.

    Raises
    ------
    ValueError
        For an unknown id, with the nearest ones, an unknown parameter, or a value outside of its domain.

    Examples
    --------
    >>> loss = make("focal", gamma=1)
    >>> loss.protocol.name, loss.limit([0.5, 0.3, 0.2]).student.round(4).tolist()
    ('hard', [0.4567, 0.3181, 0.2251])
    """
    if not isinstance(id, str) or id not in LOSSES:
        near = difflib.get_close_matches(id.lower(), LOSSES, n=3, cutoff=0.4) if isinstance(id, str) else []
        hint = f"the nearest are {', '.join(near)}" if near else "kt_theory.losses.LOSSES lists them all"
        raise ValueError(f"id is {checks.shown(id)}, which is no loss of the atlas: {hint}")
    return LOSSES[id](**parameters)
