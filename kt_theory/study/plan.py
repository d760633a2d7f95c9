r"""How many repeats each cell gets: a fixed number, or what an error to aim at calls for.

A target for the mean is met cell by cell (`kt_theory.simulation.precision`). A target for the slope of a log-log fit is
met by all cells of a panel together. With repeats R_i at n_i, x = log n, and v_i the variance of one repeat relative to
the squared mean, log(mean) has variance v_i / R_i, and the unweighted slope sum c_i log(mean_i), c_i = (x_i - mean x) /
sum (x - mean x)^2, has variance sum c_i^2 v_i / R_i. For a given total of repeats that is least at R_i proportional to
|c_i| sqrt(v_i): repeats go to the ends of the window and to the noisy cells. The fit of `kt_theory.fit_rate` weights by
the errors and is, to first order, at least as good.

Both are planned from a pilot that is not averaged. The repeats that are averaged are fresh, and their number does not
depend on them, so the mean is unbiased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kt_theory.simulation.moments import Moments
from kt_theory.simulation.precision import VARIANCE_MARGIN, Precision


def for_means(precision: Precision, pilot: Moments, upper: float) -> int:
    """Repeats that bring every learner's mean to the target of `precision`."""
    return math.ceil(min(precision.wanted(pilot, upper), precision.max_reps))


def for_slope(target: float, precision: Precision, n: Sequence[int], pilots: Sequence[Moments]) -> list[int]:
    """Repeats per cell that bring the standard error of every learner's slope to `target`, `precision.reps` at least.

    Parameters
    ----------
    target : float
        Standard error of the slope.
    precision : Precision
        Its `reps` are the pilot's, and the least of a run; its `max_reps` the most.
    n : sequence of int
        The cells of one panel.
    pilots : sequence of Moments
        Of the same learners in each. A learner whose risk was 0 in a pilot has no logarithm there: that cell is left
        out for it, as the fit will do; with fewer than two cells left it needs no repeats.
    """
    wanted = np.full(len(n), float(precision.reps))
    x = np.log(np.maximum(np.asarray(n, dtype=np.float64), 1.0))
    mean = np.array([pilot.expected for pilot in pilots])
    variance = VARIANCE_MARGIN * np.array([pilot.variance for pilot in pilots])
    for learner in range(mean.shape[1]):
        usable = (mean[:, learner] > 0) & np.isfinite(mean[:, learner]) & (np.asarray(n) > 0)
        if usable.sum() < 2:
            continue
        off = x[usable] - x[usable].mean()
        pull = np.abs(off) / (off @ off) * np.sqrt(variance[usable, learner]) / mean[usable, learner]
        # R_i = T pull_i gives the variance sum pull_i^2 / R_i = sum pull_i / T.
        wanted[usable] = np.maximum(wanted[usable], pull * (pull.sum() / target**2))
    return [math.ceil(min(reps, precision.max_reps)) for reps in wanted]
