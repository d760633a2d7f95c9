"""Losses on several draws of the teacher at each visit."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.special import gammaln, xlogy

from kt_theory import checks
from kt_theory.learners.learner import Learner
from kt_theory.losses.domains import Flag, Number, Whole
from kt_theory.losses.row import Row, tempered
from kt_theory.losses.students import CrossEntropyTo
from kt_theory.protocols.facts import Protocol
from kt_theory.protocols.protocol import sampled

#: Tables of counts that are gone through for the expected weights of draws.
TABLES = 10**6


class RandomSampling(CrossEntropyTo):
    """Random sampling of the teacher: -sum_i t_i log q_i, t_i = (c_i / k) p_i / r_i, c the counts of k draws from r.

    r is proportional to p^power. With power 1 the student is the MLE of k n labels: it uses counts where it holds
    probabilities. Otherwise, and scaled to one, it tends to E[t]: a ratio estimator, biased in the order of 1/k at any
    n; unnormalised weights are unbiased. The p of the drawn labels are stored: squared_error_logit or target_binary_kl
    on the same draws are exact. Runs on ``sampled:k`` for power 1; no protocol draws from p^power. Source: Anshumann et
    al. 2025.
    """

    id = "random_sampling"
    title = "Random sampling of the teacher (RS-KD)"
    formula = "-sum_i t_i log q_i, t_i = (c_i / k) p_i / r_i"
    paper = "Anshumann et al. 2025"
    level = "sampled"
    consistent, rate = "if power = 1 or unnormalised", "mle with k times the samples"
    separable = False
    k = Whole(12, "draws an input", 1)
    power = Number(1.0, "exponent of the proposal", "(0, inf)")
    normalise = Flag(True, "weights scaled to one")

    @property
    def protocol(self) -> Protocol:
        return sampled(self.k)

    def _target(self, row: Row) -> np.ndarray:
        if self.power == 1 or not self.normalise:
            return row.labels
        if row.size is not None:
            raise checks.Unsupported(f"{self.name} draws from p^power, and a transfer set holds draws from p")
        p = row.labels.reshape(-1, row.labels.shape[-1])
        return np.array([self._expected(law) for law in p]).reshape(row.labels.shape)

    def _expected(self, p: np.ndarray) -> np.ndarray:
        """E[t] over all tables of k draws."""
        used = np.flatnonzero(p > 0)
        m = used.size
        if math.comb(self.k + m - 1, m - 1) > TABLES:
            raise checks.Unsupported(f"{self.id}: k = {self.k} draws of {m} labels have more than {TABLES} tables")
        r = tempered(p[used], self.power)
        bars = np.array(list(itertools.combinations(range(self.k + m - 1), m - 1)), dtype=int).reshape(-1, m - 1)
        ends = np.concatenate([bars, np.full((bars.shape[0], 1), self.k + m - 1)], axis=1)
        starts = np.concatenate([np.full((bars.shape[0], 1), -1), bars], axis=1)
        counts = ends - starts - 1
        weight = np.exp(gammaln(self.k + 1) - gammaln(counts + 1).sum(axis=1) + xlogy(counts, r).sum(axis=1))
        t = counts * (p[used] / r)
        t = t / t.sum(axis=1, keepdims=True)
        answer = np.zeros_like(p)
        answer[used] = weight @ t
        return answer / answer.sum()

    def learner(self) -> Learner:
        if self.power != 1:
            raise checks.Unsupported(f"{self.name} has no learner: it draws from p^power, and protocols draw from p")
        return super().learner()


#: What `kt_theory.losses.registry` lists.
LOSSES = (RandomSampling,)
