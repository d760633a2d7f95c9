"""Losses on sorted probabilities, which say nothing of the labels: what is left between two vocabularies."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from kt_theory.losses.domains import Number, Whole
from kt_theory.losses.loops import assigned
from kt_theory.losses.loss import Found, Loss
from kt_theory.losses.row import Row
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import resolve_protocol


def _falls(x: np.ndarray) -> bool:
    """Whether no row of x rises anywhere."""
    return bool((x[..., 1:] <= x[..., :-1]).all())


def descending(p: np.ndarray) -> np.ndarray:
    """The values of each row in descending order."""
    return p if _falls(p) else -np.sort(-p, axis=-1)


def _assigned(values: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Values in descending order given to the labels in the descending order of a key, ties by number."""
    if _falls(key):
        return values
    order = np.argsort(-key, axis=-1, kind="stable")
    answer = np.empty_like(values)
    np.put_along_axis(answer, order, values, axis=-1)
    return answer


class ULD(Loss):
    """Universal logit distillation: -w_ce log q_y + w_d sum_i |q_(i) - p_(i)|, both sorted.

    Sorted labels: the sampled label, and the teacher's values in descending order without their labels. w_ce > 0: the
    limit is p, and the student is p as soon as the order of the labels is learnt and max e/p - min e/p <= 2 w_d / w_ce.
    w_ce = 0, as some trainers leave it: every relabelling of p.

    The least sorted L1 is that of the relabelling t of p in the order of e. Then q_a is e_a / (mu + w) where that
    exceeds t_a, e_a / (mu - w) where that lies below t_a, else t_a; unseen labels keep t_a for mu < w, have 0 for mu >
    w, and share what is left at mu = w. Source: Boizard et al. 2024.
    """

    id = "uld"
    title = "Universal logit distillation: cross-entropy plus sorted L1"
    formula = "-w_ce log q_y + w_d sum_i |q_(i) - p_(i)|, both sorted"
    paper = "Boizard et al. 2024"
    level = "sorted"
    consistent = "if w_ce > 0"
    rate = "order: exact once the order is learnt; sqrt near ties"
    separable, smooth = False, False
    w_ce = Number(1.0, "weight of the cross-entropy; 0 in a popular trainer", "[0, inf)")
    w_d = Number(1.5, "weight of the sorted L1", "[0, inf)")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        gap = np.abs(descending(q) - descending(row.shown)).sum(axis=-1)
        return -self.w_ce * xlogy(row.labels, q).sum(axis=-1) + self.w_d * gap

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        aim = _assigned(descending(row.shown), q)
        return -self.w_ce * row.labels + self.w_d * q * np.sign(q - aim)

    def minimise(self, row: Row) -> Found:
        e, values = row.labels, descending(row.shown)
        if self.w_ce == 0:
            t = _assigned(values, row.init)
            flat = np.ptp(values, axis=-1) == 0
            return Found(t, unique=flat, note="" if flat.all() else "every relabelling of the teacher is a minimiser")
        if self.w_d == 0:
            return Found(e)
        A = e.shape[-1]
        frequencies, q = np.ascontiguousarray(e, dtype=np.float64).reshape(-1, A), np.empty((e.size // A, A))
        unique = np.empty(q.shape[0], dtype=bool)
        assigned(frequencies, values.reshape(-1, A), self.w_d / self.w_ce, q, unique)
        return Found(q.reshape(e.shape), unique=unique.reshape(e.shape[:-1]))


class GoldHybrid(Loss):
    """GOLD hybrid: Jensen-Shannon terms on matched labels, sorted L1 on the others.

    Exact on the matched labels, the first ones here, which it reads by their labels: it needs soft labels, or sorted
    ones where none is matched. The others are p up to a permutation, given here in the order of the initial table, ties
    by number. At beta 0 or 1 the pointwise terms would be signed, and not safe. Source: TRL GOLD.
    """

    id = "gold_hybrid"
    title = "GOLD hybrid: Jensen-Shannon on matched labels, sorted L1 on the others"
    formula = "sum_(matched) JSD terms + sum_i |q_(i) - p_(i)| over the unmatched"
    paper = "TRL GOLD"
    level = "soft"
    consistent, rate = "if at most one label is unmatched, or they are equal", "exp S on the matched"
    separable, smooth = False, False
    matched = Whole(2, "number of labels shared, the first ones", 0)
    beta = Number(0.5, "share of the teacher in the mixture", "(0, 1)")

    @property
    def protocol(self) -> Protocol:
        return resolve_protocol("soft" if self.matched else "sorted")

    def value(self, q: np.ndarray, row: Row) -> np.ndarray:
        m = self.matched
        p, mine = row.shown[..., :m], q[..., :m]
        middle = self.beta * p + (1 - self.beta) * mine
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = self.beta * np.where(p > 0, p * np.log(p / middle), 0.0)
            terms = terms + (1 - self.beta) * np.where(mine != 0, mine * np.log(mine / middle), 0.0)
        gap = np.abs(descending(q[..., m:]) - descending(row.shown[..., m:]))
        return terms.sum(axis=-1) + gap.sum(axis=-1)

    def _flow(self, q: np.ndarray, row: Row) -> np.ndarray:
        m = self.matched
        p, mine = row.shown[..., :m], q[..., :m]
        middle = self.beta * p + (1 - self.beta) * mine
        with np.errstate(divide="ignore", invalid="ignore"):
            on = np.where(mine > 0, (1 - self.beta) * mine * np.log(mine / middle), 0.0)
        aim = _assigned(descending(row.shown[..., m:]), q[..., m:])
        return np.concatenate([on, q[..., m:] * np.sign(q[..., m:] - aim)], axis=-1)

    def minimise(self, row: Row) -> Found:
        m = self.matched
        rest = row.shown[..., m:]
        given = _assigned(descending(rest), row.init[..., m:])
        alike = np.ptp(rest, axis=-1) == 0 if rest.shape[-1] else np.ones(rest.shape[:-1], dtype=bool)
        note = "" if np.all(alike) else "unmatched labels have the teacher's values in the order of the initial table"
        return Found(np.concatenate([row.shown[..., :m], given], axis=-1), unique=alike, note=note)


#: What `kt_theory.losses.registry` lists.
LOSSES = (ULD, GoldHybrid)
