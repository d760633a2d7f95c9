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
# # 9. What a log-probability buys a student that names one label
#
# Many students are used greedily: at each input the most likely label is taken,
# and the rest of the row is thrown away. Their *regret* is how much less likely
# than the teacher's best label the named one is, averaged over the inputs.
#
# **Theorem.** The smallest worst-case regret is, for many samples, at least
# $0.2397 \sqrt{S/n}$ from hard labels (with six labels or more), and
#
# $$ \left(1 - \frac{1}{A}\right) \frac{S}{e n} $$
#
# from log-probabilities *and* from whole rows, but for a factor $S/(S-1)$ at
# most. The number of labels A is gone, and a log-probability is as good as a
# whole row.
#
# *Why.* Who has seen the best label with its probability will name it, unless a
# better one is hidden. What m visits hide has a probability of about $1/m$, and
# that is all one can lose. From counts alone one must wait until the best label
# leads, and a lead of less than about $1/\sqrt{m}$ is lost in the noise of the
# counts.

# %%
import math

import numpy as np

import kt_theory as kt

S = 10


def one_leads(A, n):
    """S equal inputs; six labels of about 1/6, the first one ahead by 1.339 / sqrt(6 m), with m = n/S visits."""
    lead = 1.339 / math.sqrt(6 * n / S)
    row = np.append(np.full(6, (1 - lead) / 6), np.zeros(A - 6))
    row[0] += lead
    return kt.Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))


# %% [markdown]
# ## Show it: the worst teachers
#
# The hardest rows for counting have six labels of about 1/6, one of which leads
# by what $m = n/S$ visits can just not see. Sixty labels are no harder than
# six: the other 54 have probability 0. With log-probabilities the hardest thing
# is an input that was never visited, or a best label that never came up.
#
# The table has the regrets from hard labels times $\sqrt{n/S}$ and the others
# times $n/S$. All columns stand still: at 0.2397, and between 0.9 and 1 times
# $(1 - 1/6)/e = 0.3066$, where $0.9 = (S-1)/S$. What the columns do not show is
# their scales: at n = 1,000,000 the regret is 0.00076 from hard labels and
# 0.0000031 from log-probabilities, 250 times less.

# %%
sizes = np.array([10**3, 10**4, 10**5, 10**6])
hard, hard_60 = ([kt.expected_greedy_risk(one_leads(A, n), "hard", n).value for n in sizes] for A in (6, 60))
partial, soft = ([kt.minimax_greedy(level, S, 6, n) for n in sizes] for level in ("partial", "soft"))
low, high = np.array([(game.lower, game.upper) for game in partial]).T
rows = np.array([game.lower for game in soft])
scaled = hard * np.sqrt(sizes / S)
told = {"log-prob., from": low * sizes / S, "to": high * sizes / S, "whole rows": rows * sizes / S}
kt.lessons.table({"n": sizes, "hard": scaled, "hard, 60 labels": hard_60 * np.sqrt(sizes / S)} | told)
limit = kt.minimax_constant("greedy", 1, 60)
assert np.allclose(hard, hard_60, rtol=0, atol=1e-9)  # sixty labels are no harder than six
assert np.all(high < rows * S / (S - 1) + 1e-9)
assert abs(scaled[-1] / limit - 1) < 0.002

# %% [markdown]
# ## Show it: your teacher, and its margin
#
# Worst teachers move with n. Yours stands still, and then both errors fall
# exponentially. How fast from counts is a matter of the *margin*: the best
# label has to lead, which takes about
#
# $$ \frac{1}{\left(1 - \sqrt{p_2/p_1}\right)^2} $$
#
# times the samples that it takes to see it once. That is the exchange rate of
# the row, the hard labels that a log-probability is worth. We measure it: how
# many records of either kind does it take until the best label is missed one
# time in ten thousand? The quotient is above the rate, and tends to it as the
# misses become rarer.


# %%
def needed(problem, level, most=1e-4):
    """The least n at which the best label is missed with probability `most`."""
    few, step = 0, 2**14
    while step := step // 2:
        if kt.expected_greedy_risk(problem, level, few + step, "disagreement").value > most:
            few += step
    return few + 1


ratios = [0.5, 0.7, 0.8, 0.9]
teachers = [np.array([0.6, 0.6 * ratio]) / (1 + ratio) for ratio in ratios]
teachers = [kt.Problem([1.0], [[*pair, 0.1, 0.1, 0.1, 0.1]]) for pair in teachers]
hard_labels, log_probabilities = ([needed(teacher, level) for teacher in teachers] for level in ("hard", "partial"))
rate = np.array([kt.exchange_rate(teacher.teacher[0]) for teacher in teachers])
measured = np.divide(hard_labels, log_probabilities)
numbers = {"hard labels": hard_labels, "log-probabilities": log_probabilities, "quotient": measured}
kt.lessons.table({"p2/p1": ratios, "exchange rate": rate} | numbers)
assert np.all(measured > rate)

# %% [markdown]
# On the left the two rates of the theorem; on the right the exchange rate
# against the margin. Two labels of 0.5 and 0.45 have the ratio 0.9 and a rate
# of 380: a log-probability there replaces hundreds of hard labels. At the ratio
# 0.25 it is worth 4. Rows of a language model have all ratios, and a student
# that counts errs most often where the ratio is near one: that is where a
# log-probability is worth most, and where naming the second best label costs
# least.

# %%
theory = kt.lessons.Line(r"$0.2397 \sqrt{S/n}$", sizes, limit * np.sqrt(S / sizes), "k--")
falling = [kt.lessons.Line("hard labels", sizes, hard, "o-", "#D55E00"), theory]
falling.append(kt.lessons.Line("log-probabilities, at most", sizes, high, "s-", "#0072B2"))
fine = np.linspace(0.02, 0.95, 100)
price = [kt.lessons.Line("exchange rate", fine, [kt.exchange_rate([1 / (1 + r), r / (1 + r)]) for r in fine])]
price.append(kt.lessons.Line("measured, one miss in 10,000", ratios, measured, "ko"))
kt.lessons.draw(
    "09_greedy_decoding",
    kt.lessons.Panel("Square root against one over n", "n", "regret at the worst teacher", falling, log="xy"),
    kt.lessons.Panel("The margin sets the price", "$p_2/p_1$", "hard labels per log-probability", price, log="y"),
)

# %% [markdown]
# ## Break it
#
# Regret forgives: naming a label that is worse by a hair costs a hair. Ask
# instead *how often the best label is named*, the disagreement, and nothing can
# be guaranteed from counts at any n. Two labels whose margin shrinks faster
# than $1/\sqrt{n}$ look alike to a student that counts: it tosses a coin, while
# its regret falls. With log-probabilities one look at either label settles it:
# its probability is above one half, or it is not.
#
# So ask which of the two you need. A translation that takes the second best of
# two equal words is as good; a test that counts agreements with the teacher's
# choice is not.

# %%
ns = [100, 2500, 10_000]
close = [kt.Problem([1.0], [[0.5 + half, 0.5 - half]]) for half in (0.01 / math.sqrt(n) for n in ns)]
asked = [("hard", "regret"), ("hard", "disagreement"), ("partial", "disagreement")]
costs, often, seen = (
    [kt.expected_greedy_risk(problem, level, n, kind).value for problem, n in zip(close, ns, strict=True)]
    for level, kind in asked
)
kt.lessons.table({"n": ns, "hard: regret": costs, "hard: disagreement": often, "log-prob.: disagreement": seen})
assert max(seen) == 0
assert costs[-1] < 1e-4
assert min(often) > 0.49  # broken: the regret falls, the coin is tossed at every n

# %% [markdown]
# ## Question 1
#
# One input, one hard label. The teacher's row is (0.9, 0.1), and the student
# names the label that it saw. What is its expected regret?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.1 * (0.9 - 0.1)`: one time in ten it names the worse label, and
# each time that costs $0.9 - 0.1$.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.expected_greedy_risk(kt.Problem([1.0], [[0.9, 0.1]]), "hard", 1).value
why_1 = "that is how often it names the worse label, and each time costs 0.9 - 0.1"
kt.lessons.check(answer_1, truth_1, 0.1, why_1)

# %% [markdown]
# ## Question 2
#
# The student is told whole rows, of S = 10 inputs, and n = 1000. By what factor
# does its minimax regret grow if there are 1000 labels instead of 10?
#
# <details><summary>Solution</summary>
#
# `answer_2 = (1 - 1 / 1000) / (1 - 1 / 10)`: A stands in the factor $1 - 1/A$
# alone, which is how often a guess is wrong at an input that was never visited.
#
# </details>

# %%
answer_2 = ...
truth_2 = kt.minimax_greedy("soft", 10, 1000, 1000).lower / kt.minimax_greedy("soft", 10, 10, 1000).lower
why_2 = "a row that was seen is known, however long; only a guess at others depends on A"
kt.lessons.check(answer_2, truth_2, 100, why_2)
