"""How long to repeat: a fixed number of repeats, or a Monte Carlo standard error to aim at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kt_theory import checks
from kt_theory.simulation.moments import Moments

#: The most repeats of a cell: their blocks are planned in memory.
REPS_MAX = 10**9

#: Margin on the pilot's variance, so that the error aimed at is usually met and not only met half of the time.
VARIANCE_MARGIN = 1.1


@dataclass(frozen=True)
class Precision:
    """How long to repeat: a fixed number of repeats, or a Monte Carlo standard error to aim at.

    With a target the run has two stages. A pilot of `reps` repeats estimates the variance (and, for a relative target,
    the mean) and plans R repeats; then R fresh repeats, from streams of their own, make the estimate, without the
    pilot. R is independent of the repeats that are averaged, so the mean is exactly unbiased, which the mean of a rule
    that stops on the average it reports is not. The cost is the pilot; and the target is met up to the pilot's own
    error only: R is planned with a margin of 10 % on the variance, and the error reported is that of the run itself.

    Attributes
    ----------
    reps : int
        Number of repeats; with a target, of the pilot, and the least number of the run.
    target_mcse : float or None
        Standard error aimed at, for every learner asked for.
    relative : bool
        Whether the target is a fraction of the mean risk.
    max_reps : int
        Cap on the repeats of the run.
    """

    reps: int = 1000
    target_mcse: float | None = None
    relative: bool = False
    max_reps: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("reps", "max_reps"):
            number = checks.whole_number(name, getattr(self, name), minimum=1)
            if number > REPS_MAX:
                raise ValueError(f"{name} is {number}: at most {REPS_MAX} can be run")
            object.__setattr__(self, name, number)
        object.__setattr__(self, "relative", checks.flag("relative", self.relative))
        if self.target_mcse is not None:
            object.__setattr__(self, "target_mcse", checks.positive("target_mcse", self.target_mcse))
            if self.reps < 2:
                raise ValueError("reps is 1: a pilot that estimates a variance needs at least 2 repeats")
            if self.max_reps < self.reps:
                raise ValueError(f"max_reps is {self.max_reps}: it must be at least reps, {self.reps}")

    def wanted(self, pilot: Moments, upper: float = 1.0) -> float:
        """Number of fresh repeats that a pilot calls for, at least `reps`.

        A learner whose risk was 0 in the whole pilot gives a relative target nothing to scale by, and is left out of
        it. For an absolute one its variance is taken as upper^2 3 / reps: the risk is at most `upper`, and not 0 in at
        most a share of 3 / reps, with 95 % confidence (the rule of three). A learner whose risk was infinite has no
        error to aim at.
        """
        assert self.target_mcse is not None
        wanted = float(self.reps)
        for mean, variance in zip(pilot.expected.tolist(), pilot.variance.tolist(), strict=True):
            if (mean == 0 and self.relative) or math.isinf(mean):
                continue
            target = self.target_mcse * (mean if self.relative else 1.0)
            needed = VARIANCE_MARGIN * (upper * upper * 3 / self.reps if mean == 0 else variance)
            square = target * target
            if needed > 0:  # the square of a small target may be 0, that of a large one infinite
                wanted = max(wanted, needed / square if square > 0 else math.inf)
        return wanted
