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
# Many students are used greedily: at each input the most likely label is taken, and the rest of the row is thrown away.
# Their *regret* is how much less likely than the teacher's best label the named one is, averaged over the inputs.
#
# **Theorem.** The smallest worst-case regret is, for many samples, at least `0.2397 sqrt(S/n)` from hard labels (with
# six labels or more), and `(1 - 1/A) S/(en)` from log-probabilities *and* from whole rows, but for a factor S/(S-1) at
# most. The number of labels A is gone, and a log-probability is as good as a whole row.
#
# The reason: who has seen the best label with its probability will name it, unless a better one is hidden. From counts
# alone one must wait until the best label leads.

# %%
import math
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import kt_theory as kt

if "ipykernel" not in sys.modules:
    matplotlib.use("Agg")  # run as a plain script: draw, but open no window


def check(answer, truth, wrong, why):
    """Stop with a sentence unless an answer is right, within two percent; `wrong` is an answer that many give."""
    try:
        number = float(answer)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{answer!r} is not one finite number: write one, or a formula for it, after the =.")
    if abs(number - truth) > 0.02 * abs(truth):
        known = abs(number - wrong) <= 0.005 * abs(wrong)
        reason = why if known else f"it is too {'small' if number < truth else 'large'}"
        raise ValueError(f"{number:.4g} is not right: {reason}.")


# %% [markdown]
# ## Show it: the worst teachers
#
# The hardest rows for counting have six labels of about 1/6, one of which leads by what `m = n/S` visits can just not
# see. Sixty labels are no harder than six: the other 54 have probability 0. With log-probabilities the hardest thing is
# an input that was never visited, or a best label that never came up.

# %%
S = 10


def one_leads(A, n):
    """S equal inputs; six labels of about 1/6, the first one ahead by 1.339 / sqrt(6 m)."""
    row = np.zeros(A)
    lead = 1.339 / math.sqrt(6 * n / S)
    row[:6] = (1 - lead) / 6
    row[0] += lead
    return kt.Problem(np.full(S, 1 / S), np.tile(row, (S, 1)))


sizes = [10**3, 10**4, 10**5, 10**6]
counting, told = [], []
print("  labels         n   hard * sqrt(n/S)   log-probabilities * n/S   whole rows * n/S")
for A in (6, 60):
    for n in sizes:
        regret = kt.expected_greedy_risk(one_leads(A, n), "hard", n).value
        partial = kt.minimax_greedy("partial", S, A, n)
        soft = kt.minimax_greedy("soft", S, A, n)
        scale = n / S
        print(
            f"{A:8}{n:10}   {regret * math.sqrt(scale):.4f}             "
            f"{partial.lower * scale:.4f} to {partial.upper * scale:.4f}          {soft.lower * scale:.4f}"
        )
        assert soft.exact
        assert soft.lower <= partial.lower <= partial.upper < soft.lower * S / (S - 1) + 1e-9
        if A == 6:
            counting.append(regret)
            told.append(partial.upper)
        else:
            assert abs(regret - counting[sizes.index(n)]) < 1e-9  # sixty labels are no harder than six
limit = kt.minimax_constant("greedy", 1, 60)
print(f"theory: hard * sqrt(n/S) tends to {limit:.4f}; (1 - 1/A)/e = {5 / 6 / math.e:.4f} and {59 / 60 / math.e:.4f}")
assert abs(counting[-1] * math.sqrt(sizes[-1] / S) / limit - 1) < 0.002
assert counting[-1] > 100 * told[-1]

# %% [markdown]
# ## Show it: your teacher, and its margin
#
# Worst teachers move with n. Yours stands still, and then both errors fall exponentially. How fast from counts is a
# matter of the *margin*: the best label has to lead, which takes about `1 / (1 - sqrt(p2/p1))^2` times the samples that
# it takes to see it once. That is the exchange rate of the row, the hard labels that a log-probability is worth.


# %%
def needed(problem, level, most):
    """The least n at which the best label is missed with probability `most`."""
    few, many = 0, 1
    while kt.expected_greedy_risk(problem, level, many, "disagreement").value > most:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        if kt.expected_greedy_risk(problem, level, middle, "disagreement").value > most:
            few = middle
        else:
            many = middle
    return many


ratios = [0.5, 0.7, 0.8, 0.9]
measured = []
print("p2/p1   exchange rate   hard labels for 1e-4   log-probabilities   quotient")
for ratio in ratios:
    best = 0.6 / (1 + ratio)
    row = [best, ratio * best, 0.1, 0.1, 0.1, 0.1]
    problem = kt.Problem([1.0], [row])
    many, few = needed(problem, "hard", 1e-4), needed(problem, "partial", 1e-4)
    measured.append(many / few)
    print(f"{ratio:5}   {kt.exchange_rate(row):13.1f}   {many:20}   {few:17}   {many / few:8.1f}")
    assert many / few > kt.exchange_rate(row)  # "at least"

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
left.loglog(sizes, counting, "o-", color="#D55E00", label="hard labels")
left.loglog(sizes, told, "s-", color="#0072B2", label="log-probabilities, at most")
left.loglog(sizes, limit * np.sqrt(S / np.array(sizes)), "--", color="black", linewidth=0.8, label="0.2397 sqrt(S/n)")
left.set_xlabel("n")
left.set_ylabel("regret at the worst teacher")
left.set_title("Square root against one over n")
left.legend(frameon=False, fontsize=8)
left.grid(alpha=0.3)

fine = np.linspace(0.02, 0.95, 100)
rates = [kt.exchange_rate([1 / (1 + ratio), ratio / (1 + ratio)]) for ratio in fine]
right.semilogy(fine, rates, color="#009E73", label="exchange rate")
right.semilogy(ratios, measured, "o", color="black", label="measured, miss 1e-4")
right.set_xlabel("p2/p1, second best label to best")
right.set_ylabel("hard labels per log-probability")
right.set_title("The margin sets the price")
right.legend(frameon=False, fontsize=8)
right.grid(alpha=0.3)

# %% [markdown]
# ## Break it
#
# Regret forgives: naming a label that is worse by a hair costs a hair. Ask instead *how often the best label is named*,
# the disagreement, and nothing can be guaranteed from counts at any n. Two labels whose margin shrinks faster than
# `1/sqrt(n)` look alike to a student that counts: it tosses a coin, while its regret falls. With log-probabilities one
# look at either label settles it.

# %%
print("      n   hard: regret   hard: disagreement   log-probabilities: disagreement")
often, costs = [], []
for n in (100, 2500, 10_000):
    half_margin = 0.01 / math.sqrt(n)
    close = kt.Problem([1.0], [[0.5 + half_margin, 0.5 - half_margin]])
    often.append(kt.expected_greedy_risk(close, "hard", n, "disagreement").value)
    costs.append(kt.expected_greedy_risk(close, "hard", n).value)
    seen = kt.expected_greedy_risk(close, "partial", n, "disagreement").value
    print(f"{n:7}   {costs[-1]:.6f}       {often[-1]:.4f}               {seen:.4f}")
    assert seen == 0
assert costs[-1] < 1e-4
assert min(often) > 0.49  # broken: the regret falls, the coin is tossed at every n

# %% [markdown]
# ## Question 1
#
# One input, one hard label. The teacher's row is (0.9, 0.1), and the student names the label that it saw. What is its
# expected regret?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.1 * (0.9 - 0.1)

# %%
truth_1 = kt.expected_greedy_risk(kt.Problem([1.0], [[0.9, 0.1]]), "hard", 1).value
check(answer_1, truth_1, 0.1, "that is how often it names the worse label, and each time costs 0.9 - 0.1")
print(f"Right: {truth_1:.3f}")

# %% [markdown]
# ## Question 2
#
# The student is told whole rows, of S = 10 inputs, and n = 1000. By what factor does its minimax regret grow if there
# are 1000 labels instead of 10?

# %% tags=["solution"]
answer_2 = (1 - 1 / 1000) / (1 - 1 / 10)

# %%
truth_2 = kt.minimax_greedy("soft", 10, 1000, 1000).lower / kt.minimax_greedy("soft", 10, 10, 1000).lower
check(answer_2, truth_2, 100, "a row that was seen is known, however long; only a guess at others depends on A")
print(f"Right: {truth_2:.3f}")
