# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. A teacher that stays, and teachers that move with n
#
# "The rate is 1/n" does not mean that *your* risk falls like 1/n. It speaks of
# the worst teacher at each n, which is another one at every n.
#
# **Theorem** (after Z&Z Remark 6.1). Fix a teacher, and let c be the smallest
# mass of a pair (input, label) that can occur. The risk of `SEL_ptl` is at most
# $(1-c)^n$: exponentially small. And yet, at every n, some teacher costs about
# $1/n$. Both hold: curves that all fall exponentially can have an envelope that
# falls like $1/n$.
#
# *Why.* The risk is at most the mass that was never seen,
#
# $$ \sum_{s, a} w_{sa} (1 - w_{sa})^n \le (1-c)^n \sum_{s, a} w_{sa} = (1-c)^n . $$
#
# For a fixed w the term $w (1-w)^n$ falls exponentially from about $n = 1/w$
# on. But at each n the mass $w = 1/(n+1)$ has just not begun to fall, and its
# term is about $1/(e n)$.
#
# This is why the paper's figure 1 does not show the rates, and its figure 2
# does.

# %%
import numpy as np

import kt_theory as kt

S, A = 10, 9


def risk_of(teacher, n):
    """The expected risk of SEL_ptl, exactly; n is one number or several."""
    return np.array(kt.expected_risk(teacher, "SEL_ptl", n), dtype=float)


def moving(n):
    """Instance 2 of the paper: at every n the hard teacher for that n."""
    return kt.instance(2, S, A, n)


# %% [markdown]
# ## Show it
#
# Instance 0, the teacher of figure 1, stays. Instance 2 moves. The local slope
# is the exponent between one n and the next: if a curve is a power of n, all
# its local slopes are alike. The slopes of the teacher that moves are -1, those
# of the one that stays run away. `kt.fit_rate` sees it: only one of the two
# fits is `resolved`.

# %%
sizes = [100, 200, 400, 800, 1600]
stays = kt.instance(0, S, A)
staying, moves = risk_of(stays, sizes), np.array([risk_of(moving(n), n) for n in sizes])
fit_stays, fit_moves = kt.fit_rate(sizes, staying), kt.fit_rate(sizes, moves)
slopes = {"stays: slope": fit_stays.local_slopes, "moves: slope": fit_moves.local_slopes}
kt.lessons.table({"from n": sizes[:-1], "to n": sizes[1:], "stays": staying[1:], "moves": moves[1:]} | slopes)
assert np.all(staying <= (1 - stays.w.min()) ** np.array(sizes))
assert fit_moves.resolved
assert abs(fit_moves.slope + 1) < 0.02
assert not fit_stays.resolved

# %% [markdown]
# On the left what one pair of mass w costs, $w (1-w)^n$, for several w: each
# curve is flat at first, then falls off a cliff. The worst w at each n draws
# the envelope, and it is a straight line of slope -1. On the right the same
# with whole teachers: each frozen copy of instance 2 touches the moving one at
# its own n, and then falls away from it. Which of the two is yours? A language
# model does not know how many samples you will draw: it stays. But it has a
# great many pairs of all masses, and as long as there are many of masses near
# and below 1/n, its risk does not fall exponentially yet.

# %%
n = np.geomspace(1, 10**5, 300)
cliffs = [kt.lessons.Line(f"w = {w}", n, w * (1 - w) ** n) for w in (0.1, 0.01, 0.001)]
cliffs.append(kt.lessons.Line("worst w at each n", n, (n / (n + 1)) ** n / (n + 1), "k--"))
fine = np.geomspace(50, 10**5, 60).round().astype(int).tolist()
at = [100, 1000, 10**4]
curves = [kt.lessons.Line(f"frozen at n = {k:,}", fine, risk_of(moving(k), fine)) for k in at]
curves.append(kt.lessons.Line("moving", fine, [risk_of(moving(k), k) for k in fine], "k--"))
curves.append(kt.lessons.Line("", at, [risk_of(moving(k), k) for k in at], "ko"))
ends = {"log": "xy", "ylim": (1e-7, 1)}
kt.lessons.draw(
    "07_moving_teachers",
    kt.lessons.Panel("Cliffs, and their envelope", "number of samples n", "$w (1-w)^n$", cliffs, **ends),
    kt.lessons.Panel("Instance 2, frozen and moving", "number of samples n", "risk of SEL_ptl", curves, **ends),
)

# %% [markdown]
# ## Break it
#
# The rate $1/n$ assumes that the teacher *may move with n*. Freeze instance 2
# as it is at n = 1000. At n = 1000 it is as hard as ever; at n = 100,000 its
# risk is not a hundredth of that, but nothing.

# %%
frozen = kt.instance(2, S, A, 1000)
at_home, later = risk_of(frozen, 1000), risk_of(frozen, 100_000)
moved = risk_of(moving(100_000), 100_000)
print(f"n = 1,000: {at_home:.2e}.  n = 100,000: frozen {later:.1e}, moving {moved:.2e}")
assert abs(moved / at_home * 100 - 1) < 0.01  # the rate 1/n
assert later < 1e-30  # broken: no rate at all

# %% [markdown]
# ## Question 1
#
# A pair has mass w = 0.01, and stays. By what factor does its cost $w (1-w)^n$
# change from n = 1000 to n = 2000?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.99**1000`: the quotient of $w (1-w)^{2000}$ and $w (1-w)^{1000}$
# is $(1-w)^{1000}$, or 4.3e-05.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.bounds.cell_missing_mass(n=2000, p=0.01) / kt.bounds.cell_missing_mass(n=1000, p=0.01)
why_1 = "the rate is 1/n and twice the samples halve it, but that is the envelope and not this pair"
kt.lessons.check(answer_1, truth_1, 0.5, why_1)

# %% [markdown]
# ## Question 2
#
# Now *hard* labels: `CE_sgl` on a teacher that stays and whose labels are
# random. What is the slope of log risk on log n when n is large?
#
# <details><summary>Solution</summary>
#
# `answer_2 = -0.5`: the risk is $c / \sqrt{n}$ with the constant c of lesson 2,
# for every teacher whose labels are not sure. Counting errors do not end, so
# here staying does not help.
#
# </details>

# %%
answer_2 = ...
large = [10**5, 10**6, 10**7]
random_labels = kt.Problem([0.5, 0.5], [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
truth_2 = kt.fit_rate(large, kt.expected_risk(random_labels, "CE_sgl", large)).slope
why_2 = "counting errors are there for every teacher that is not sure, so here staying does not help"
kt.lessons.check(answer_2, truth_2, -1, why_2)
