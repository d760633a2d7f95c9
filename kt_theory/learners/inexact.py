"""Learners that are told probabilities in another form: rounded logarithms, or the law at another temperature.

**Rounded.** A log-probability of D digits leaves a cell [v e^(-d/2), v e^(d/2)] around the told v, d = 10^-D. The
middles of the cells may come to more than 1. `sel_rounded` keeps them: once every label was seen its total variation
is that of the scaled middles, at most tanh(d/4), and stays there (statement level-quantised-plateau). The counts are
there, too: `Clipped` moves the frequencies into the cells, no further than it must, and its risk falls to 0 as that of
counting does. Until counts tell more than a cell does, its students lie at the ends of cells, where middles are nearer.

**At another temperature.** Told is q, proportional to p^(1/T). `Untempered` completes q as SEL_ptl does, and takes it
back to p, proportional to q^T: exact once every label was seen. What is told taken for p is wrong at any n.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.learners.partial import kept_and_shared
from kt_theory.protocols.protocol import Protocol

#: Halvings of an interval of log lambda, at most some thousands long: to the last bit.
HALVINGS = 66


def sel_rounded(counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
    """Told values are kept and the rest is shared among the other labels; scaled to 1 where there is no rest.

    Parameters
    ----------
    counts : ndarray of int64, shape (S, A)
        Not used.
    revealed : ndarray, shape (S, A)
        The rounded value where it is told, NaN elsewhere.
    init : ndarray, shape (S, A)
        The student before any data.

    Returns
    -------
    ndarray, shape (S, A)
        The student. A row is scaled where its told values exceed 1 or every label is told. Statement: ours.
    """
    told = ~np.isnan(revealed)
    known = np.where(told, revealed, 0.0)
    total = known.sum(axis=1, keepdims=True)
    full = (total > 1.0) | (told.all(axis=1, keepdims=True) & (total > 0.0))
    scaled = known / np.where(full, total, 1.0)
    return np.where(full, scaled, kept_and_shared(told, scaled, init))


@dataclass(frozen=True)
class Clipped:
    """Frequencies clipped into the cells of rounded log-probabilities.

    A told label is answered by n_a / n_s, or by the nearer end of its cell if that lies outside; the other labels share
    the rest as the initial table has it. Where the told labels come to more than 1, or every label is told, n_s is
    replaced by the lambda at which they come to 1: the most likely law in the cells. One exists, since the lower ends
    come to at most 1.

    Parameters
    ----------
    digits : int
        Decimal digits of the log-probabilities.
    """

    digits: int

    def __call__(self, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
        """The student of counts, told values and an initial table, each of shape (S, A)."""
        told = ~np.isnan(revealed)
        half = 0.5 * 10.0**-self.digits
        low = np.where(told, revealed, 0.0) * math.exp(-half)
        high = np.minimum(np.where(told, revealed, 0.0) * math.exp(half), 1.0)
        visits = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        student = np.clip(counts / visits, low, high)
        above = student.sum(axis=1) > 1.0
        moved = np.flatnonzero((above | told.all(axis=1)) & told.any(axis=1))
        student[moved] = _scaled_into(counts[moved], low[moved], high[moved])
        return np.where(told.any(axis=1, keepdims=True), kept_and_shared(told, student, init), init)


def _scaled_into(counts: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """clip(counts / lambda, low, high) with the lambda of each row at which it comes to 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = counts > 0
        # Below the one end every drawn label is at the top of its cell, above the other at the bottom.
        least = np.log(np.where(drawn, counts / high, np.inf).min(axis=1, initial=np.inf))
        most = np.log(np.where(drawn, counts / low, 0.0).max(axis=1, initial=0.0))
    least, most = (np.where(np.isfinite(end), end, 0.0)[:, None] for end in (least, most))
    for _ in range(HALVINGS):
        middle = 0.5 * (least + most)
        over = np.clip(counts * np.exp(-middle), low, high).sum(axis=1, keepdims=True) > 1.0
        least, most = np.where(over, middle, least), np.where(over, most, middle)
    student = np.clip(counts * np.exp(-most), low, high)
    # Rounding, and told labels that were not drawn, leave what no lambda takes away.
    return student / student.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Untempered:
    """What is told at another temperature, completed and taken back: q^T scaled to 1, q completed as by SEL_ptl.

    The mass that q leaves is shared so that the unseen labels are, taken back, in proportion to the initial table.

    Parameters
    ----------
    temperature : float
    """

    temperature: float

    def __call__(self, counts: np.ndarray, revealed: np.ndarray, init: np.ndarray) -> np.ndarray:
        """The student of counts, told values and an initial table, each of shape (S, A)."""
        told = ~np.isnan(revealed)
        with np.errstate(divide="ignore"):
            begun = np.log(init)
            shares = np.exp((begun - begun.max(axis=1, keepdims=True)) / self.temperature)
            logs = self.temperature * np.log(kept_and_shared(told, revealed, shares))
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.where(told.any(axis=1, keepdims=True), powers / powers.sum(axis=1, keepdims=True), init)


# --- On stored cells --------------------------------------------------------------------------------------
#
# Each closes over its number of digits or its temperature, and is one function for each of them: it is compiled once.


@functools.cache
def rounded_cells(digits: int, clipped: bool) -> Callable[..., float]:
    """`sel_rounded`, or `Clipped`, on the stored cells of one visited row of which drawn labels are told."""
    unit, half = 10.0**digits, 0.5 * 10.0**-digits
    down, up = math.exp(-half), math.exp(half)

    def cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
        A, hidden = counts.size, others
        total, weight = 0.0, others * start
        least, most = math.inf, -math.inf
        for a in range(A):
            value = 0.0
            if counts[a] > 0:
                value = math.exp(np.rint(math.log(teacher[a]) * unit) / unit)
                least = min(least, math.log(counts[a] / min(value * up, 1.0)))
                most = max(most, math.log(counts[a] / (value * down)))
                # What is told stays in `student` until the end.
                kept = min(max(counts[a] / visits, value * down), min(value * up, 1.0)) if clipped else value
                total += kept
            else:
                weight += init[a]
                hidden += 1
            student[a] = value
        scaled = total > 1.0 or hidden == 0
        among = float(visits)
        if clipped and scaled:
            for _ in range(HALVINGS):
                middle = 0.5 * (least + most)
                total = 0.0
                for a in range(A):
                    if counts[a] > 0:
                        total += min(max(counts[a] * math.exp(-middle), student[a] * down), min(student[a] * up, 1.0))
                if total > 1.0:
                    least = middle
                else:
                    most = middle
            among = math.exp(most)
        if clipped:
            total = 0.0
            for a in range(A):
                if counts[a] > 0:
                    student[a] = min(max(counts[a] / among, student[a] * down), min(student[a] * up, 1.0))
                    total += student[a]
        missing = 0.0 if scaled else 1.0 - total
        by = total if scaled else 1.0
        share = missing / max(hidden, 1)
        for a in range(A):
            if counts[a] > 0:
                student[a] /= by
            else:
                student[a] = share if weight == 0.0 else missing * (init[a] / weight)
        return share if weight == 0.0 else missing * (start / weight)

    return cells


@functools.cache
def untempered_cells(temperature: float) -> Callable[..., float]:
    """`Untempered` on the stored cells of one visited row of which drawn labels are told."""
    hot = 1.0 / temperature

    def cells(visits, counts, told, teacher, init, others, start, student):  # type: ignore[no-untyped-def]
        A, hidden = counts.size, others
        largest, first = 0.0, start if others > 0 else 0.0
        for a in range(A):
            largest, first = max(largest, teacher[a]), max(first, init[a])
        total = missing = 0.0
        weight = others * (start / first) ** hot
        for a in range(A):
            value = (teacher[a] / largest) ** hot
            total += value
            if counts[a] == 0:
                missing += value
                weight += (init[a] / first) ** hot
                hidden += 1
        rest = missing / total
        share = rest / max(hidden, 1)
        other = share if weight == 0.0 else rest * ((start / first) ** hot / weight)
        most = other if others > 0 else 0.0
        for a in range(A):
            if counts[a] > 0:
                student[a] = (teacher[a] / largest) ** hot / total
            else:
                student[a] = share if weight == 0.0 else rest * ((init[a] / first) ** hot / weight)
            most = max(most, student[a])
        whole = others * (other / most) ** temperature
        for a in range(A):
            student[a] = (student[a] / most) ** temperature
            whole += student[a]
        for a in range(A):
            student[a] /= whole
        return (other / most) ** temperature / whole

    return cells


def _cells_of(protocol: Protocol, clipped: bool = False) -> Callable[..., float] | None:
    """The form for stored cells: none under lists, which may tell some of the labels that no cell is stored for."""
    if protocol.lists or not protocol.tells_drawn:
        return None
    if protocol.digits is not None:
        return rounded_cells(protocol.digits, clipped)
    return untempered_cells(protocol.temperature)


def inexact_sel(protocol: Protocol) -> Learner:
    """``SEL@`` and a protocol that rounds, or tells at another temperature."""
    form = "1" if protocol.digits is not None else f"1, {protocol.temperature!r}"
    return Learner(
        f"SEL@{protocol.name}",
        protocol,
        sel_rounded if protocol.digits is not None else Untempered(protocol.temperature),
        cells=_cells_of(protocol),
        loss="sum over told labels of (log pi(a|s) - log told(a|s))^2 / 2",
        fingerprint=_fingerprint(f"SEL@ {form}", protocol),
    )


def clipped_at(protocol: Protocol) -> Learner:
    """Frequencies clipped into the cells of rounded log-probabilities, as ``CLIP@`` and the protocol's name.

    Raises
    ------
    Unsupported
        For a protocol that does not round, or shows no label to count.
    """
    if protocol.digits is None or not protocol.shows_label:
        raise checks.Unsupported(f"CLIP@{protocol} counts labels within rounded log-probabilities: name rounded:D")
    return Learner(
        f"CLIP@{protocol.name}",
        protocol,
        Clipped(protocol.digits),
        cells=_cells_of(protocol, clipped=True),
        loss="- sum_i log pi(a_i|s_i), pi within the cells",
        fingerprint=_fingerprint("CLIP@ 1", protocol),
    )


def _fingerprint(form: str, protocol: Protocol) -> str:
    facts = (form, protocol.name, f"{protocol.tells_drawn}, {protocol.top}", *protocol.fingerprint)
    return ", ".join(facts)
