"""A family of one's own: what if the alphabet grows with the data?

    kt-theory study run own_family

The paper keeps A fixed while n grows. A tokenizer does not: more text shows more rare words. Here the number of labels
grows as sqrt(n). Each input has one common label and rare ones of mass 0 to 2 S / n, which it sees once on average. All
rare ones together have the mass S / sqrt(n). Partial soft labels (SEL_ptl) then learn at n^(-1/2) and not at 1/n: every
label is learnt as fast as before, and there are more of them.

A Python design is any file that sets `design`. It runs when it is read, and only there: workers are sent problems.
"""

import math

import numpy as np

import kt_theory as kt

S = 4


def growing(n: int) -> kt.Problem:
    """The teacher at n: sqrt(n) labels, the first common, the others of mass 0 to 2 S / n."""
    A = math.isqrt(n)
    row = np.linspace(0, 2 * S / n, A)  # its first entry, 0, is replaced
    row[0] = 1 - row.sum()
    return kt.Problem(np.full(S, 1 / S), np.tile(row, (S, 1)), name=f"growing alphabet (S={S}, A={A}, n={n})")


design = kt.study.Design(
    "own_family",
    # A family is a function of n. Two panels may share it; a panel's slopes are planned together.
    [kt.study.Panel("growing alphabet", growing, n=[1600, 6400, 25_600, 102_400], learners=["CE_sgl", "SEL_ptl"])],
    seed=1,
    # The target is the slope itself: repeats go to the ends of the window and to the noisy cells.
    slope_se=0.0005,
    reps=500,  # of the pilot, which is thrown away, and the least of every cell
)
