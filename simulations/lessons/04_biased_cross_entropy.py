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
# # 4. A loss that looks right and is not
#
# With the probability of each sampled label at hand it is natural to use it as a *weight* in the cross-entropy: the
# more the teacher believes in a label, the more the student should. This is `CE_ptl`.
#
# **Theorem** (Z&Z Lemma 4.2 and Theorem 4.3). However many samples, `CE_ptl` does not find the teacher's row p. It
# finds `p^2 / sum(p^2)`: sampling counts a label once in proportion to p, and the weight counts it again.

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


p = np.array([0.6, 0.3, 0.1])
problem = kt.Problem([1.0], [p])
limit = p**2 / (p**2).sum()
bias = kt.bias_limit(problem, "CE_ptl")

# %% [markdown]
# ## Show it
#
# A million samples, and both students: the one that only counts is right to three digits, the one with weights is not.

# %%
n = 10**6
data = kt.draw(problem, "partial", n=n, seed=1)
weighted, counted = kt.fit(data, "CE_ptl")[0], kt.fit(data, "CE_sgl")[0]
print("teacher p        ", p)
print("CE_sgl, counts   ", counted.round(3))
print("CE_ptl, weights  ", weighted.round(3))
print("p^2 / sum(p^2)   ", limit.round(3))
print(f"total variation of the last to the teacher: {bias:.4f}")
# The standard error of a frequency is at most 0.5 / sqrt(n), that of CE_ptl here below 1 / sqrt(n); four of these.
assert np.abs(counted - p).max() < 4 * 0.5 / np.sqrt(n)
assert np.abs(weighted - limit).max() < 4 / np.sqrt(n)
assert abs(kt.tv_risk([limit], problem) - bias) < 1e-12

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.1), layout="constrained")
places = np.arange(3)
left.bar(places - 0.2, p, 0.4, color="#777777", label="teacher p")
left.bar(places + 0.2, limit, 0.4, color=kt.plots.LOOK["CE_ptl"][0], label="limit of CE_ptl")
left.set_xticks(places, ["label 1", "label 2", "label 3"])
left.set_ylabel("probability")
left.set_title("The strong get stronger")
left.legend(frameon=False)

grid = np.unique(np.geomspace(1, 3000, 25).round().astype(int)).tolist()
curves = {name: np.array(kt.expected_risk(problem, name, grid)) for name in ("CE_ptl", "CE_sgl", "SEL_ptl")}
for name, risks in curves.items():
    colour, marker = kt.plots.LOOK[name]
    shown = risks > 1e-4
    right.loglog(np.array(grid)[shown], risks[shown], marker=marker, markersize=4, color=colour, label=name)
right.axhline(bias, color="black", linewidth=0.8, linestyle="--", label=f"limit {bias:.3f}")
right.set_ylim(5e-4, 1)
right.set_xlabel("number of samples n")
right.set_ylabel("expected risk, exact")
right.set_title("More data does not help")
right.legend(frameon=False, fontsize=8, loc="lower right")
right.grid(alpha=0.3)
assert abs(curves["CE_ptl"][-1] - bias) < 0.001
assert curves["CE_sgl"][-1] < bias / 10

# %% [markdown]
# ## Break it
#
# The theorem assumes that the row is *not flat*. If all labels that can occur have the same probability, as in (1/2,
# 1/2, 0), all weights are equal and cancel: `CE_ptl` is the same student as `CE_sgl`, and right in the limit. The paper
# says that this happens for uniform and for sure rows only; this row is neither.

# %%
flat = kt.Problem([1.0], [[0.5, 0.5, 0.0]])
ns = [10, 100, 1000]
with_weights = np.array(kt.expected_risk(flat, "CE_ptl", ns))
without = np.array(kt.expected_risk(flat, "CE_sgl", ns))
print("n                ", ns)
print("CE_ptl           ", with_weights.round(5))
print("CE_sgl           ", without.round(5))
assert kt.bias_limit(flat, "CE_ptl") == 0  # broken: no bias
assert np.allclose(with_weights, without, rtol=1e-9)
tilted = kt.Problem([1.0], [[0.51, 0.49, 0.0]])
print(f"a little off flat, (0.51, 0.49, 0): bias {kt.bias_limit(tilted, 'CE_ptl'):.4f}")
assert kt.bias_limit(tilted, "CE_ptl") > 0.009  # and back again

# %% [markdown]
# ## Question 1
#
# The teacher says (0.6, 0.4). What does `CE_ptl` say of the first label after very many samples?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.36 / (0.36 + 0.16)

# %%
pair = kt.Problem([1.0], [[0.6, 0.4]])
truth_1 = 0.6 + kt.bias_limit(pair, "CE_ptl")  # with two labels, the total variation is the shift of the first
check(answer_1, truth_1, 0.6, "that is the teacher's own probability, which only a consistent student finds")
print(f"Right: {truth_1:.4f}")

# %% [markdown]
# ## Question 2
#
# Somebody weighs each sample by 1/p instead, to help the rare labels. The teacher says (0.6, 0.4). What does this
# student say of the first label after very many samples?

# %% tags=["solution"]
answer_2 = 0.5


# %%
def weighed_by_inverse(counts, revealed, init):
    """Counts divided by the revealed probabilities, normalised."""
    weights = np.where(counts > 0, counts / np.where(counts > 0, revealed, 1), 0)
    return weights / weights.sum(axis=1, keepdims=True)


inverse = kt.learners.Learner("1/p", "partial", weighed_by_inverse)
truth_2 = kt.fit(kt.draw(pair, "partial", n=10**6, seed=2), inverse)[0, 0]
check(answer_2, truth_2, 0.6, "only the weight 1 finds p, since the weight p^k finds p^(k+1), normalised")
print(f"Right: {truth_2:.3f} after a million samples: p^0, so every label the same")
