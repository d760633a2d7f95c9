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
# # 12. A list of the most likely labels, and the tail that it lacks
#
# Many interfaces and stored logs hold, for each input, the k most likely labels
# with their probabilities. What is off the list, the *tail*, has the mass t.
# What should a student have there?
#
# **Theorem** (N27 in paper/paper.pdf). *Renormalised*, that is 0 on the tail
# and the list divided by $1 - t$, the student is off by exactly t in total
# variation, and its cross-entropy is infinite, however many samples there are.
# With the list as it is and *equal shares* of t on the other $A - k$ labels it
# is off by
#
# $$ t \cdot \mathrm{TV}(\tau, \text{uniform}) \le t \left(1 - \frac{1}{A-k}\right) , $$
#
# where $\tau$ is the law of the labels within the tail: never more than
# renormalised, for any row.
#
# *Why.* Renormalising moves the mass t from the tail to the list: each side is
# wrong by t, and half of the sum is t. With equal shares the list is right, and
# what is left is the error within the tail, t times that of its law. A law on
# $A - k$ labels is furthest from the uniform one where it is sure of one label.

# %%
import numpy as np

import kt_theory as kt

S, A, k = 5, 40, 5
zipf = 1 / np.arange(1, A + 1)
problem = kt.Problem(np.full(S, 1 / S), np.tile(zipf / zipf.sum(), (S, 1)))

# %% [markdown]
# ## Show it: what a row loses
#
# One row of forty labels whose probabilities fall like 1/rank. The second
# column is the mass off the list; the third is what renormalising costs, which
# is the same number. Equal shares cost less than half of it. `back_off` shares
# the tail in the proportions of another law, here 1/rank to the power 1.2, as a
# smaller model may have it: a guess of the tail that is roughly right is worth
# more than a longer list.

# %%
ks = [1, 2, 5, 10, 20]
costs = [kt.tail_cost(problem.teacher[0], length, back_off=zipf**1.2 / (zipf**1.2).sum()) for length in ks]
ways = {way: [getattr(cost, way).tv for cost in costs] for way in ("renormalised", "equal", "back_off")}
kt.lessons.table({"k": ks, "tail": [cost.mass for cost in costs]} | ways)
assert all(cost.renormalised.tv == cost.mass for cost in costs)
assert all(cost.equal.tv <= cost.mass * (1 - 1 / (A - cost.k)) for cost in costs)
assert all(np.isinf(cost.renormalised.kl) and cost.equal.kl < 0.4 for cost in costs)

# %% [markdown]
# ## Show it: what samples add
#
# Four students. The first is trained on the renormalised list, as the minimum
# of that loss has it. `SEL@top_k_only:5` has the same list and equal shares of
# the tail. Both know after one visit of an input all that they will ever know
# of it: the list does not change. So their risks stop, at the third and the
# fourth column of the row k = 5 above. `SEL@top_k:5` sees, beside the list, a
# sampled label with its probability at each visit, and is exact on it: of the
# tail it learns one label after the other, as in lesson 3, and its risk tends
# to 0. `SEL_ptl` sees the sampled labels without the list, and has to wait for
# the frequent ones, too.

# %%
n = [5, 20, 100, 500, 2000]
renormalised = kt.losses.make("top_k_renormalised", k=k).learner()
learners = [renormalised, "SEL@top_k_only:5", "SEL@top_k:5", "SEL_ptl"]
drawn = kt.simulate(problem, learners, n=n, reps=400, seed=1)
risks = {name: rows["mean"].to_numpy() for name, rows in drawn.groupby("learner", sort=False)}
kt.lessons.table({"n": n} | risks)
scaled, list_only, beside, no_list = risks.values()
at_k = costs[ks.index(k)]
assert np.allclose([scaled[-1], list_only[-1]], [at_k.renormalised.tv, at_k.equal.tv], rtol=1e-9)
assert beside[-1] < 0.001
assert beside[1] < no_list[1] / 2

# %% [markdown]
# In the picture: the list saves the first hundred samples, in which `SEL_ptl`
# is still waiting for labels that the list names at once. From n = 500 on there
# is hardly a difference, since what is left are rare labels, which are on no
# list. A list buys the head of the row; only draws buy the tail.

# %%
lines = [kt.lessons.Line(name, n, risk, "o-") for name, risk in risks.items() if name != "SEL_ptl"]
lines.append(kt.lessons.Line("SEL_ptl", n, no_list))
lines += [kt.lessons.Line("", None, cost, "k:") for cost in (at_k.renormalised.tv, at_k.equal.tv)]
colours = {"renormalised": "#D55E00", "equal": "#009E73", "back_off": "#E69F00"}  # as on the right
shares = [kt.lessons.Line(way, ks, cost, "o-", colours[way]) for way, cost in ways.items()]
kt.lessons.draw(
    "12_lists_of_labels",
    kt.lessons.Panel("What a list alone costs at any n", "k, labels on the list", "total variation", shares, log="xy"),
    kt.lessons.Panel("A list stops, a sampled label goes on", "n", "expected risk", lines, log="xy", ylim=(3e-4, 1)),
)

# %% [markdown]
# ## Break it
#
# "At any n" assumes a *list*: the same k labels at every visit. Store five
# labels that are drawn at random, each with its probability, and draw anew at
# each visit: `SEL@sampled:5`. It holds as many numbers. At first it knows less
# than the list; but a label of probability p is missed by N visits with
# probability $(1 - p)^{5 N}$, so that nothing stays left out.

# %%
drawn = kt.simulate(problem, "SEL@sampled:5", n=n, reps=400, seed=2)["mean"].to_numpy()
kt.lessons.table({"n": n, "the five most likely": list_only, "five draws": drawn})
assert drawn[0] > list_only[0]
assert drawn[-1] < 1e-4 < at_k.equal.tv  # broken: no floor

# %% [markdown]
# ## Question 1
#
# The teacher says (0.5, 0.25, 0.15, 0.1, 0), and the two most likely labels are
# stored. The student is the renormalised list. What is its total variation from
# the teacher?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.15 + 0.1`: that is the tail. The student says (2/3, 1/3, 0, 0,
# 0): the list has 0.25 too much, the tail 0.25 too little.
#
# </details>

# %%
answer_1 = ...
row = [0.5, 0.25, 0.15, 0.1, 0]
truth_1 = kt.tail_cost(row, 2).renormalised.tv
kt.lessons.check(answer_1, truth_1, 0.125, "what the tail loses, the list gains, and half of the sum of both counts")

# %% [markdown]
# ## Question 2
#
# The same row and the same list, but equal shares of the missing mass on the
# other three labels. What is the total variation now?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 0.25 / 3`: each gets 0.25/3 = 0.0833. The first of the three is
# 0.0667 above it, the second 0.0167, and what these two lack the third has too
# much, which is all of its share.
#
# </details>

# %%
answer_2 = ...
truth_2 = kt.tail_cost(row, 2).equal.tv
why_2 = "that is the worst tail of this mass, one sure label; here two of the three share it"
kt.lessons.check(answer_2, truth_2, 0.25 * (1 - 1 / 3), why_2)
