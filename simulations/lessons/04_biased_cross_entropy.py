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
# With the probability of each sampled label at hand it is natural to use it as
# a *weight* in the cross-entropy: the more the teacher believes in a label, the
# more the student should. This is `CE_ptl`: on records $a_i$ with probabilities
# $p_{a_i}$ it minimises
#
# $$ - \sum_i p_{a_i} \log q_{a_i} . $$
#
# **Theorem** (Z&Z Lemma 4.2 and Theorem 4.3). However many samples, `CE_ptl`
# does not find the teacher's row p. It finds $p^2 / \sum_a p_a^2$.
#
# *Why.* Label a is drawn $n p_a$ times on average, and each time has the weight
# $p_a$. The loss is therefore about $-n \sum_a p_a^2 \log q_a$, the
# cross-entropy of a teacher that is proportional to $p^2$; and a cross-entropy
# is least at its own teacher. Sampling counts a label once in proportion to p,
# and the weight counts it again.

# %%
import numpy as np

import kt_theory as kt

p = np.array([0.6, 0.3, 0.1])
problem = kt.Problem([1.0], [p])
limit = p**2 / (p**2).sum()
bias = kt.bias_limit(problem, "CE_ptl")

# %% [markdown]
# ## Show it
#
# A million samples, and both students: the one that only counts is right to
# three digits, the one with weights is not. The likely label has become
# likelier and the two others rarer, as squares do: 0.36, 0.09 and 0.01 stand in
# other proportions than 0.6, 0.3 and 0.1. What stays between it and the teacher
# is a total variation of 0.183, the *bias*.

# %%
n = 10**6
data = kt.draw(problem, "partial", n=n, seed=1)
weighted, counted = kt.fit(data, "CE_ptl")[0], kt.fit(data, "CE_sgl")[0]
kt.lessons.table({"teacher": p, "CE_sgl, counts": counted, "CE_ptl, weights": weighted, "p^2 / sum p^2": limit})
print(f"total variation of the last to the teacher: {bias:.4f}")
# The standard error of a frequency is at most 0.5 / sqrt(n), that of CE_ptl here below 1 / sqrt(n); four of these.
assert np.abs(counted - p).max() < 4 * 0.5 / np.sqrt(n)
assert np.abs(weighted - limit).max() < 4 / np.sqrt(n)
assert abs(kt.tv_risk([limit], problem) - bias) < 1e-12

# %% [markdown]
# On the right of the picture the expected risks, exactly. With few samples the
# weights do no harm: all three students are off by more than the bias. From
# about ten samples on the curve of `CE_ptl` turns level, while `CE_sgl` goes on
# falling with slope -1/2, and `SEL_ptl`, which copies what it is told, has soon
# seen all three labels. More data does not help a loss that aims elsewhere.

# %%
grid = np.unique(np.geomspace(1, 3000, 25).round().astype(int)).tolist()
exact = {name: np.array(kt.expected_risk(problem, name, grid)) for name in ("CE_sgl", "CE_ptl", "SEL_ptl")}
curves = [kt.lessons.Line(name, grid, risks) for name, risks in exact.items()]
curves.append(kt.lessons.Line(f"bias {bias:.3f}", None, bias, "k--"))
bars, ticks = {"teacher p": p, "CE_ptl, in the limit": limit}, ["label 1", "label 2", "label 3"]
kt.lessons.draw(
    "04_biased_cross_entropy",
    kt.lessons.Panel("The strong get stronger", y="probability", bars=bars, ticks=ticks),
    kt.lessons.Panel("More data does not help", "n", "expected risk", curves, log="xy", ylim=(5e-4, 1)),
)
assert abs(exact["CE_ptl"][-1] - bias) < 0.001
assert exact["CE_sgl"][-1] < bias / 10

# %% [markdown]
# ## Break it
#
# The theorem assumes that the row is *not flat*. If all labels that can occur
# have the same probability, as in (1/2, 1/2, 0), then $p^2 / \sum_a p_a^2 = p$:
# all weights are equal and cancel. `CE_ptl` is the same student as `CE_sgl`,
# and right in the limit. The paper says that this happens for uniform and for
# sure rows only; this row is neither.
#
# A little off flat, and the bias is back: at $(1/2 + h, 1/2 - h)$ it is about
# h, as the square doubles the distance from flat.

# %%
flat = kt.Problem([1.0], [[0.5, 0.5, 0.0]])
ns = [10, 100, 1000]
with_weights, without = (np.array(kt.expected_risk(flat, name, ns)) for name in ("CE_ptl", "CE_sgl"))
kt.lessons.table({"n": ns, "CE_ptl": with_weights, "CE_sgl": without})
assert kt.bias_limit(flat, "CE_ptl") == 0  # broken: no bias
assert np.allclose(with_weights, without, rtol=1e-9)
tilted = kt.Problem([1.0], [[0.51, 0.49, 0.0]])
print(f"a little off flat, (0.51, 0.49, 0): bias {kt.bias_limit(tilted, 'CE_ptl'):.4f}")
assert kt.bias_limit(tilted, "CE_ptl") > 0.009  # and back again

# %% [markdown]
# ## Question 1
#
# The teacher says (0.6, 0.4). What does `CE_ptl` say of the first label after
# very many samples?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.36 / (0.36 + 0.16)`: the squares of 0.6 and 0.4, scaled to one.
#
# </details>

# %%
answer_1 = ...
pair = kt.Problem([1.0], [[0.6, 0.4]])
truth_1 = 0.6 + kt.bias_limit(pair, "CE_ptl")  # with two labels, the total variation is the shift of the first
kt.lessons.check(answer_1, truth_1, 0.6, "that is the teacher's own probability, which only a consistent student finds")

# %% [markdown]
# ## Question 2
#
# Somebody weighs each sample by $1/p$ instead, to help the rare labels. The
# teacher says (0.6, 0.4). What does this student say of the first label after
# very many samples?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 0.5`: a weight $p^k$ finds $p^{k+1}$, scaled to one. With k = -1
# that is $p^0$: every label the same.
#
# </details>

# %%
answer_2 = ...


def weighed_by_inverse(counts, revealed, init):
    """Counts divided by the revealed probabilities, normalised."""
    weights = np.where(counts > 0, counts / np.where(counts > 0, revealed, 1), 0)
    return weights / weights.sum(axis=1, keepdims=True)


inverse = kt.Learner("1/p", "partial", weighed_by_inverse)
truth_2 = kt.fit(kt.draw(pair, "partial", n=10**6, seed=2), inverse)[0, 0]
kt.lessons.check(answer_2, truth_2, 0.6, "only the weight 1 finds p, since the weight p^k finds p^(k+1), normalised")
