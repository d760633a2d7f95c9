"""The repeats of a sparse problem: counts of its stored cells, and risks at a cost proportional to their number.

The stored cells are those where the teacher is above 0, and those where the initial table differs from the rest of its
row. Every other label of a row has teacher 0, is never drawn, and has one initial value: its part of the student and of
the divergence is that of one label, times how many there are.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kt_theory import checks
from kt_theory.divergences import Divergence
from kt_theory.learners.learner import Learner
from kt_theory.problem import Problem, initial_cells
from kt_theory.protocols.protocol import Protocol
from kt_theory.simulation import kernels
from kt_theory.simulation.controls import NAMES, Controls
from kt_theory.simulation.sampling import CountSampler
from kt_theory.sparse import aligned


class StoredCells:
    """A sparse problem, the initial table on the same cells, and the divergence of the risk.

    Raises
    ------
    Unsupported
        For a divergence that has no form for stored cells: one of a user's own.
    """

    def __init__(self, problem: Problem, init: Any, divergence: Divergence) -> None:
        if divergence.cells is None:
            raise checks.Unsupported(
                f"divergence {divergence} has no form for sparse problems: use one of the package's, or problem.dense()"
            )
        self.problem = problem
        self.divergence = divergence
        self.teacher, self.init = aligned(problem.pairs, initial_cells(init, problem))

    @functools.cached_property
    def _sampler(self) -> CountSampler:
        return CountSampler(self.problem, self.teacher)

    @functools.cached_property
    def _unvisited(self) -> np.ndarray:
        """What an input costs as long as it was not visited, shape (S,)."""
        assert self.divergence.cells is not None
        loop = kernels.sparse_costs_of(self.divergence.cells, f"sparse_costs_{self.divergence.name}")
        costs = np.empty(self.problem.S)
        teacher, init = self.teacher, self.init
        loop(init.values, teacher.offsets, teacher.values, teacher.others, init.rest, costs)
        costs[self.problem.rho == 0] = 0.0  # adds nothing, even where it is infinite
        return costs

    def controls(self, n: int) -> Controls:
        """The control variates of n draws."""
        return Controls(self.problem.rho, self.teacher, self._sampler.masses, n)

    def risks(
        self,
        learners: Sequence[Learner],
        n: int,
        reps: int,
        rng: np.random.Generator,
        streams: Mapping[Protocol, np.random.Generator | None],
        more: Mapping[Protocol, np.random.Generator],
        controls: Controls | None = None,
    ) -> np.ndarray:
        """Risks of repeats, shape (reps, L).

        `streams` draws the ties of each protocol that has lists, `more` the further labels of those that draw several
        at a visit. With `controls` also their values.

        Raises
        ------
        Unsupported
            For a learner that has no form for stored cells: one of a user's own.
        """
        assert self.divergence.cells is not None
        for learner in learners:
            if learner.cells is None:
                raise checks.Unsupported(
                    f"{learner.name} is not simulated on sparse problems: use one of the package's learners, "
                    "problem.dense(), or kt_theory.fit on one data set"
                )
        teacher, init, offsets = self.teacher, self.init, self.teacher.offsets
        others, name = teacher.others, f"sparse_risks_{self.divergence.name}"
        L = len(learners)
        out = np.empty((reps, L if controls is None else L + len(NAMES)))
        done = 0
        for counts in self._sampler.draw(n, reps, rng, further=bool(more)):
            R = counts.shape[0]
            visits = np.empty((R, self.problem.S), dtype=np.int64)
            kernels.sparse_visits_of(counts, offsets, visits)
            told = {protocol: protocol.told_cells(teacher, R, stream) for protocol, stream in streams.items()}
            seen = {p: counts if p.shows_label else np.zeros_like(counts) for p in streams}
            for p, stream in more.items():
                seen[p] = counts + p.further_cells(counts, visits, teacher, stream)
            for j, learner in enumerate(learners):
                assert learner.cells is not None
                shown = seen[learner.protocol]
                risks = np.empty(R)
                loop = kernels.sparse_risks_of(learner.cells, self.divergence.cells, name)
                loop(
                    shown, visits, told[learner.protocol], self.problem.rho, offsets, teacher.values, init.values,
                    others, init.rest, self._unvisited, risks,
                )  # fmt: skip
                out[done : done + R, j] = risks
            if controls is not None:
                out[done : done + R, L:] = controls.of(counts)
            done += R
        return out
