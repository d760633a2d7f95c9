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
# # 2. Why hard labels cost the square root of n
#
# A student that sees labels only has nothing but their counts. `CE_sgl`,
# maximum likelihood, answers with frequencies.
#
# **Theorem.** Its expected risk behaves like $c / \sqrt{n}$, with
#
# $$ c = \sum_{s, a} \sqrt{\frac{\rho_s \, p_{sa} (1 - p_{sa})}{2 \pi}} , $$
#
# $\rho_s$ being the mass of input s and $p_{sa}$ the teacher's probability of
# label a there. No teacher has a larger c than $\sqrt{S (A-1) / (2 \pi)}$, and
# no student has a better worst case in the limit. (The rate is in Z&Z, Theorems
# 3.1 and 3.2; the sharp constant is N8d in paper/paper.pdf.)
#
# *Why.* Input s is visited about $n \rho_s$ times. The frequency of a label is
# that of a coin, and is off by about $\sigma = \sqrt{p (1-p) / (n \rho_s)}$.
# The mean absolute value of a normal variable is $\sigma \sqrt{2/\pi}$. Half of
# that, weighted by $\rho_s$ and added up, is $c / \sqrt{n}$.

# %%
import math

import numpy as np

import kt_theory as kt

S, A = 10, 8
worst_constant = math.sqrt(S * (A - 1) / (2 * math.pi))


def hard_teacher(n):
    """Instance 1 of the paper: almost even labels, uneven by what n samples can just not see."""
    return kt.instance(1, S, A, n)


# %% [markdown]
# ## Show it
#
# Exact expected risks, and simulated ones; z is the distance of the two in
# standard errors. Look at the last column: it stands still, so the risk is a
# constant over $\sqrt{n}$, and the constant is the one of the theorem. The line
# of log risk against log n therefore has the slope -1/2.

# %%
grid = [10**3, 10**4, 10**5, 10**6]
exact = np.array([float(kt.expected_risk(hard_teacher(n), "CE_sgl", n)) for n in grid])
drawn = kt.simulate(hard_teacher, "CE_sgl", n=grid, reps=1000, seed=1)
z = (drawn["mean"] - exact) / drawn["mcse"]
scaled = np.sqrt(grid) * exact
kt.lessons.table({"n": grid, "exact": exact, "simulated": drawn["mean"], "z": z.round(1), "sqrt(n) exact": scaled})
print(f"theory, sqrt(S (A-1) / (2 pi)): {worst_constant:.4g}")
print("slope of log risk on log n:", kt.fit_rate(grid, exact))
assert np.all(np.abs(z) <= 4)
assert abs(scaled[-1] / worst_constant - 1) < 0.001
assert abs(kt.fit_rate(grid, exact).slope + 0.5) < 0.002

# %% [markdown]
# In the picture the grey band is all that the paper's two bounds leave open, a
# factor of about twenty. The constant of the theorem, and the dots, are inside
# of it: the upper bound has the right rate and is about twice too large.

# %%
fine = np.geomspace(grid[0], grid[-1], 25).round().astype(int)
low, high = kt.bounds.hard_lower_mean(S=S, A=A, n=fine), kt.bounds.hard_upper_mean(S=S, A=A, n=fine)
curves = [
    kt.lessons.Line("between the paper's two bounds", fine, low, colour="#999999", upto=high),
    kt.lessons.Line(r"$\sqrt{S(A-1) / (2 \pi n)}$", fine, worst_constant / np.sqrt(fine), "k--"),
    kt.lessons.Line("CE_sgl, simulated", grid, drawn["mean"], "o", mcse=drawn["mcse"]),
]
title = "Hundred times the samples, a tenth of the risk"
kt.lessons.draw("02_square_root", kt.lessons.Panel(title, "number of samples n", "expected risk", curves, log="xy"))

# %% [markdown]
# ## Show it: the best student, and the best for your teacher
#
# "No better worst case" is true in the limit only. At finite n other students
# have a better one: the value of the game is below the worst risk of `CE_sgl`,
# and `ADD_sgl`, which adds $0.4 \sqrt{n_s / (A-1)}$ to every count of an input
# that was visited $n_s$ times, comes close to it.
#
# The worst teacher need not be yours. On a row with few frequent labels and
# many rare ones, as a language model has, `ADD_sgl` takes mass from the
# frequent labels and gives it to the rare ones. There counting is better, by
# far: the last line is a row of 1,000 labels whose probabilities fall like
# $1 / k^{1.5}$.

# %%
coins = [kt.Problem([1.0], [[p, 1 - p]]) for p in np.linspace(0, 0.5, 26)]
worst = [
    [max(float(kt.expected_risk(coin, name, n)) for coin in coins) for n in (10, 100)] for name in ("CE_sgl", "ADD_sgl")
]
value = [kt.minimax_risk("hard", 1, 2, n).upper for n in (10, 100)]
kt.lessons.table({"n": [10, 100], "worst coin of CE_sgl": worst[0], "of ADD_sgl": worst[1], "value of the game": value})
assert np.all(np.array(value) < worst[1])
assert np.all(np.array(worst[1]) < worst[0])

weights = np.arange(1, 1001) ** -1.5
zipf = kt.Problem([1.0], [weights / weights.sum()])
counted, added = (float(kt.expected_risk(zipf, name, 10_000)) for name in ("CE_sgl", "ADD_sgl"))
print(f"1,000 labels, n = 10,000: CE_sgl {counted:.4f}, ADD_sgl {added:.4f}")
assert added > 2 * counted

# %% [markdown]
# ## Break it
#
# The theorem assumes labels that are *random*: with $p (1-p) = 0$ everywhere
# the constant is 0. If each input has one sure label, a single look at an input
# is enough. The risk is what inputs never seen cost,
#
# $$ \left(1 - \frac{1}{A}\right) \left(1 - \frac{1}{S}\right)^n , $$
#
# and falls exponentially: its logarithm has no slope in log n, it falls faster
# and faster.

# %%
sure = kt.Problem(np.full(S, 1 / S), np.eye(A)[np.arange(S) % A])
few = np.array([50, 100, 200, 400])
sure_risk = np.array(kt.expected_risk(sure, "CE_sgl", few))
never_seen = (1 - 1 / A) * (1 - 1 / S) ** few
kt.lessons.table({"n": few, "sure labels": sure_risk, "c / sqrt(n)": worst_constant / np.sqrt(few)})
assert np.allclose(sure_risk, never_seen, rtol=1e-9)
assert not kt.fit_rate(few, sure_risk).resolved  # broken: no slope at all, it falls faster and faster

# %% [markdown]
# At n = 400 the table has 4e-19 against 0.17. A rate is a statement about a
# class of teachers, and these are not the hard ones of the class: the worst
# case of `CE_sgl` are even labels, which are as uncertain as labels can be.
#
# ## Question 1
#
# You want to halve the risk of `CE_sgl` on an even teacher. By what factor must
# you multiply the samples?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 4`: the risk is $c / \sqrt{n}$, and $\sqrt{4} = 2$.
#
# </details>

# %%
answer_1 = ...
even = kt.Problem([1.0], [[0.25] * 4])
now = kt.expected_risk(even, "CE_sgl", 1000)
truth_1 = min(range(1, 11), key=lambda factor: abs(kt.expected_risk(even, "CE_sgl", factor * 1000) / now - 0.5))
kt.lessons.check(answer_1, truth_1, 2, "twice the samples divide the risk by sqrt(2) only")

# %% [markdown]
# ## Question 2
#
# The teacher is one fair coin: S = 1, A = 2. What does $\sqrt{n}$ times the
# expected risk tend to? (The risk is the distance between the frequency of
# heads and 1/2.)
#
# <details><summary>Solution</summary>
#
# `answer_2 = 1 / math.sqrt(2 * math.pi)`: that is c for two labels of
# probability 1/2, or the standard deviation $1/(2 \sqrt{n})$ of the frequency
# times $\sqrt{2/\pi}$, which makes a mean absolute value of it.
#
# </details>

# %%
answer_2 = ...
truth_2 = kt.asymptotic_constant(kt.Problem([1.0], [[0.5, 0.5]]))
why_2 = "that is the standard deviation, and the mean of an absolute value is smaller, by sqrt(2 / pi)"
kt.lessons.check(answer_2, truth_2, 0.5, why_2)
