"""What the student is shown of one input, or of many: the statistics that a loss reads."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.lists import lengths
from kt_theory.protocols.transfer import TransferSet


@dataclass(frozen=True, eq=False)
class Row:
    """What one input shows, or many of them along the leading axes; the last axis is that of the labels.

    Attributes
    ----------
    labels : ndarray, shape (..., A)
        The law of the sampled labels: the frequencies of a data set, or the teacher itself in the population.
    visits : ndarray, shape (...)
        How often the input was visited; in the population its share of the visits. Only losses that couple inputs
        read it.
    shown : ndarray, shape (..., A)
        The probabilities that the protocol shows, NaN where it shows none; under ``sorted`` in descending order.
    init : ndarray, shape (..., A)
        The student before any data, which answers where a loss leaves a label free.
    size : float or None
        The number of samples of the data set; None in the population.
    """

    labels: np.ndarray
    visits: np.ndarray
    shown: np.ndarray
    init: np.ndarray
    size: float | None = None

    @classmethod
    def population(cls, p: Any, protocol: Protocol, rho: Any = None, init: Any = None) -> Row:
        """What infinitely many samples of a teacher show.

        Parameters
        ----------
        p : ndarray, shape (..., A)
            The teacher. Labels of equal probability at rank k are listed in their order.
        protocol : Protocol
        rho : ndarray, shape (...), optional
            The law of the inputs; uniform if not given.
        init : ndarray, shape (..., A), optional
            Uniform if not given.

        Returns
        -------
        Row
        """
        p = np.asarray(p, dtype=np.float64)
        A, lead = p.shape[-1], p.shape[:-1]
        shown = np.full(p.shape, np.nan)
        if protocol.ordered:
            shown = protocol.values(p)
        elif protocol.tells_drawn:
            shown = np.where(p > 0, p, np.nan)
        if protocol.top is None or protocol.top >= A:
            shown = p.copy()
        elif protocol.lists:
            ranks = np.argsort(np.argsort(-p, axis=-1, kind="stable"), axis=-1).reshape(-1, A)
            listed = (ranks < lengths(protocol, p.reshape(-1, A))[:, None]).reshape(p.shape)
            shown = np.where(listed, p, shown)
        inputs = max(int(np.prod(lead)), 1)
        visits = np.full(lead, 1.0 / inputs) if rho is None else np.asarray(rho, dtype=np.float64)
        start = np.full(p.shape, 1.0 / A) if init is None else np.broadcast_to(np.asarray(init, float), p.shape)
        return cls(p, visits, shown, start)

    @classmethod
    def of_counts(cls, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> Row:
        """The rows of a data set, which has visited each: counts, what is revealed, init, all of shape (N, A)."""
        visits = counts.sum(axis=-1, dtype=np.float64)
        labels = counts / np.maximum(visits, 1.0)[..., None]
        return cls(labels, visits, np.asarray(revealed, np.float64), np.asarray(init, np.float64), float(visits.sum()))

    @classmethod
    def of(cls, data: TransferSet, init: Any = None) -> Row:
        """The rows of a dense transfer set, shape (S, A).

        Parameters
        ----------
        data : TransferSet
        init : ndarray, shape (S, A), optional
            Uniform if not given.

        Returns
        -------
        Row
            `labels` is 0 on an input without a visit.

        Raises
        ------
        ValueError
            If `data` is no transfer set; `Unsupported` if it is sparse.
        """
        checks.instance_of("data", data, TransferSet, "kt_theory.draw makes one")
        if data.sparse:
            raise checks.Unsupported("data is sparse: a loss reads dense rows, as kt_theory.fit makes them")
        counts = data.counts
        start = np.full(counts.shape, 1.0 / counts.shape[1]) if init is None else init
        start = checks.stochastic_table("init", start, counts.shape, tolerance=checks.STUDENT_TOLERANCE)
        return cls.of_counts(counts, data.revealed, start)

    @property
    def told(self) -> np.ndarray:
        """Where a probability is shown, as booleans, shape (..., A)."""
        return ~np.isnan(self.shown)

    @property
    def known(self) -> np.ndarray:
        """What is shown, and 0 where nothing is, shape (..., A)."""
        return np.where(self.told, self.shown, 0.0)

    @property
    def hidden_mass(self) -> np.ndarray:
        """1 minus the mass of what is shown, not below 0 by rounding, shape (..., 1)."""
        return np.maximum(1.0 - self.known.sum(axis=-1, keepdims=True), 0.0)

    def with_labels(self, labels: np.ndarray) -> Row:
        """The same with another law of the labels, of the same shape."""
        return replace(self, labels=labels)

    def take(self, index: Any) -> Row:
        """The rows at an index of the leading axes."""
        arrays = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "size"}
        return Row(**arrays, size=self.size)

    def flat(self) -> Row:
        """The same rows along one leading axis."""
        A = self.labels.shape[-1]
        wide = {name: np.reshape(getattr(self, name), (-1, A)) for name in ("labels", "shown", "init")}
        return Row(visits=np.reshape(self.visits, -1), size=self.size, **wide)

    def each_label(self) -> Row:
        """A row for each sampled label: shape (..., A, A), the label y of the second last axis drawn for sure."""
        A = self.labels.shape[-1]
        shape = (*self.labels.shape[:-1], A, A)
        wide = {name: np.broadcast_to(getattr(self, name)[..., None, :], shape) for name in ("shown", "init")}
        visits = np.broadcast_to(self.visits[..., None], shape[:-1])
        return Row(labels=np.broadcast_to(np.eye(A), shape), visits=visits, size=self.size, **wide)


def share(mass: np.ndarray, free: np.ndarray, init: np.ndarray) -> np.ndarray:
    """A mass on the free labels, in proportion to `init`, evenly where it is 0 on all of them; shape (..., A)."""
    shares = np.where(free, init, 0.0)
    silent = ~shares.any(axis=-1, keepdims=True)
    shares = np.where(silent & free, 1.0, shares)
    total = shares.sum(axis=-1, keepdims=True)
    return mass * np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def scaled(weights: np.ndarray) -> np.ndarray:
    """Non-negative weights divided by their sum, shape (..., A), the largest first, so that tiny ones survive."""
    weights = weights / weights.max(axis=-1, keepdims=True)
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax(z: np.ndarray) -> np.ndarray:
    """The law of logits, shape (..., A); real or complex, -inf allowed."""
    powers = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def by_logits(flow: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The gradient by logits from that by the logarithms of their law q, as if these were free; shape (..., A)."""
    return flow - q * flow.sum(axis=-1, keepdims=True)


def logs(q: np.ndarray) -> np.ndarray:
    """Logarithms, -inf at 0 without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(q)


def tempered(p: np.ndarray, power: float | np.ndarray) -> np.ndarray:
    """p^power scaled to one, shape (..., A); labels of probability 0 keep it."""
    with np.errstate(invalid="ignore"):  # 0 to the power 0
        z = logs(p) * power
    return softmax(np.where(p > 0, z, -np.inf))


def split_ties(p: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Whether equal labels of p have unequal mass at the student, shape (...): swapped, it is another minimiser."""
    equal = p[..., :, None] == p[..., None, :]
    apart = np.abs(student[..., :, None] - student[..., None, :]) > 1e-9
    return (equal & apart).any(axis=(-1, -2))
