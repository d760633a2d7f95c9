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
# # 11. One teacher, six losses, six students
#
# Papers offer a new loss every month. For a student that is a table, what each
# of them does can be computed: the law that its minimum tends to as the number
# of samples grows, its *limit*.
#
# **Theorem.** A loss on hard labels is a map $\phi$ of the simplex. Let
# $\phi(p)$ be its limit for a teacher p. Then the student on samples whose
# labels have the frequencies e is $\phi(e)$, at every n. Hence all losses whose
# limit is the teacher, whatever the teacher, have one student: the frequencies.
#
# *Why.* Let $\ell(q, a)$ be the loss of the student q at the label a. Over n
# samples it adds up to
#
# $$ \sum_{i=1}^n \ell(q, a_i) = n \sum_a e_a \, \ell(q, a) , $$
#
# which is n times its mean under a teacher e. So the student that is best on
# the samples is the one that is best for the teacher e, which is $\phi(e)$. And
# if $\phi(p) = p$ for all p, it is e.

# %%
import math

import numpy as np

import kt_theory as kt


def tv(q, r):
    """Total variation."""
    return 0.5 * np.abs(np.subtract(q, r)).sum(axis=-1)


# %% [markdown]
# ## Show it: six limits
#
# One teacher of three labels. Cross-entropy tends to it. The others tend
# elsewhere, on purpose or not: focal loss and label smoothing towards the
# uniform law, a generalised cross-entropy and the weighting by the teacher's
# probability towards the mode, and so does a list of one label whose missing
# mass goes to the sampled label.
#
# `from` is what the loss needs to be told of each sample: the label (hard), its
# probability as well (partial), or a list of one label beside the sampled one.
# "off by" is the total variation of the limit from the teacher.

# %%
p = np.array([0.5, 0.3, 0.2])
losses = [
    kt.losses.make("cross_entropy"),
    kt.losses.make("focal", gamma=5),
    kt.losses.make("label_smoothing", epsilon=0.3),
    kt.losses.make("generalized_cross_entropy", gamma=0.7),
    kt.losses.make("naive_partial"),
    kt.losses.make("top_k_missing_to_label", k=1),
]
limits = {loss.name: loss.limit(p).student for loss in losses}
off = [tv(limit, p) for limit in limits.values()]
laws = [" ".join(f"{q:.4f}" for q in limit) for limit in limits.values()]
kt.lessons.table({"loss": limits, "from": [loss.protocol.name for loss in losses], "limit": laws, "off by": off})
assert off[0] == 0 < 0.04 < min(off[1:])

# %% [markdown]
# ## Show it: the student on counts is the limit at the frequencies
#
# Thirty labels, five losses. Each student is the limit of its loss for a
# teacher that has these frequencies; and the three losses whose limit is the
# teacher, the Brier score among them, have one student.

# %%
problem = kt.Problem([1.0], [p])
data = kt.draw(problem, "hard", 30, seed=4)
e = data.counts[0] / 30
names = ("brier", "stablemax_cross_entropy", "cross_entropy", "focal", "label_smoothing")
on_labels = [kt.losses.make(name) for name in names]
students = {loss.name: kt.fit(data, loss.learner())[0] for loss in on_labels}
kt.lessons.table({"frequencies": e} | students)
for loss in on_labels:
    assert tv(students[loss.name], loss.limit(e).student) < 1e-12
    assert (tv(students[loss.name], e) < 1e-12) == (loss.consistent == "yes")

# %% [markdown]
# ## Show it: when a bias is felt
#
# With few samples a pull to the uniform law helps, as shrinking does. Each
# student's error then falls to its limit's and stays there; that of
# cross-entropy goes on falling, like $1/\sqrt{n}$. Whether a loss is worth its
# bias is therefore a question of n: the curves cross where the error of
# counting is about the bias.

# %%
n = [10, 100, 1000, 10_000]
frame = kt.simulate(problem, [loss.learner() for loss in losses[:3]], n=n, reps=400, seed=1)
risks = {loss.name: frame.loc[frame["learner"] == loss.name, "mean"].to_numpy() for loss in losses[:3]}
kt.lessons.table({"n": n} | risks)
plain, *pulled = risks.values()
assert all(risk[0] < plain[0] for risk in pulled)
assert np.allclose([risk[-1] for risk in pulled], off[1:3], rtol=0, atol=0.002)

# %% [markdown]
# On the left the triangle of all laws on three labels: a corner is a sure
# label, the middle the uniform law. Two students lie towards the middle, three
# towards the corner of the first label, and one is the teacher. On the right
# the three errors against n; dotted, what the limits are off by. At ten labels
# the two biased students are better. At a hundred label smoothing has just lost
# its lead, and at ten thousand it is ten times worse.

# %%
corners = np.array([[0, 0], [1, 0], [0.5, math.sqrt(0.75)]])
triangle = [kt.lessons.Line("", *corners[[0, 1, 2, 0]].T, "-", "#999999")]
triangle += [kt.lessons.Line(loss.id, *(limits[loss.name] @ corners), "o") for loss in losses]
triangle.append(kt.lessons.Line("teacher", *(p @ corners), "k*"))
falling = [kt.lessons.Line(name, n, risk, "o-") for name, risk in risks.items()]
falling += [kt.lessons.Line("", None, distance, "k:") for distance in off[1:3]]
kt.lessons.draw(
    "11_one_teacher_six_losses",
    kt.lessons.Panel("One teacher, six students", lines=triangle, bare=True),
    kt.lessons.Panel("A bias is felt from some n on", "n", "expected total variation", falling, log="xy"),
)

# %% [markdown]
# ## Show it: a bias that the read-out mends
#
# A limit that is not the teacher need not have lost it. At the minimum the mean
# gradient vanishes; that is linear in the law of the labels, which the
# student's logits then determine. Read out so, focal loss has the student of
# cross-entropy. Where the student has run to a corner, as under the mean
# absolute error, nothing is left to read: all teachers whose first label is
# likeliest have the same limit.

# %%
focal = kt.losses.make("focal", gamma=5)
mended = focal.with_readout("labels")
shown = {"focal": focal, "focal, read out": mended, "mean absolute error": kt.losses.make("mae")}
kt.lessons.table({"teacher": p} | {name: loss.limit(p).student for name, loss in shown.items()})
assert tv(mended.limit(p).student, p) < 1e-9
assert tv(kt.fit(data, mended.learner())[0], e) < 1e-7

# %% [markdown]
# ## Break it
#
# The theorem assumes a *sum over samples* of one function of student and label.
# Weights by class depend on how often each label occurred, so the loss is
# another one at every n: the same frequencies make two students, and neither is
# a map of them. Label smoothing, a sum, gives the same student for the same
# frequencies.

# %%
balanced, smoothing = (kt.losses.make(name).learner() for name in ("class_balanced", "label_smoothing"))
sets = [kt.TransferSet.from_counts(counts) for counts in ([[5, 3, 2]], [[50_000, 30_000, 20_000]])]
few, many = (kt.fit(counted, balanced)[0] for counted in sets)
kt.lessons.table({"label": [1, 2, 3], "of 5, 3, 2 labels": few, "of 10,000 times as many": many})
assert tv(*(kt.fit(counted, smoothing)[0] for counted in sets)) < 1e-12
assert tv(few, many) > 0.1  # broken: one law of the labels, two students

# %% [markdown]
# ## Question 1
#
# The teacher is (0.5, 0.3, 0.2). Label smoothing with epsilon = 0.3 trains on
# 0.7 times the sampled label plus 0.3 times the uniform law. What is the total
# variation of its limit from the teacher?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.3 * (0.5 - 1 / 3)`: the limit is $0.7 p + 0.3 u$ with u the
# uniform law, so it is 0.3 times as far from p as u is; and u is 1/6 away,
# since the first label alone has more than 1/3.
#
# </details>

# %%
answer_1 = ...
truth_1 = float(tv(kt.losses.make("label_smoothing", epsilon=0.3).limit(p).student, p))
why_1 = "0.3 of the mass is moved, and the uniform law hands most of it back to where it was"
kt.lessons.check(answer_1, truth_1, 0.3, why_1)

# %% [markdown]
# ## Question 2
#
# A student is trained on 0.1 times the cross-entropy of sampled labels plus 0.9
# times the divergence from the teacher's whole row. From 1,000 labels it has
# some expected error. How many labels does counting alone need for as small a
# one?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 1000 / 0.1**2`: the student is $0.1 e + 0.9 p$, with e the
# frequencies, so its error is a tenth of that of counting. That falls like
# $1/\sqrt{n}$, and a tenth takes a hundred times the labels.
#
# </details>

# %%
answer_2 = ...
mixed = kt.draw(problem, "soft", 1000, seed=2)
student = kt.fit(mixed, kt.losses.make("kd_mix", alpha=0.1, T=1).learner())[0]
assert tv(student, 0.1 * mixed.counts[0] / 1000 + 0.9 * p) < 1e-12
grid = [50_000, 80_000, 125_000, 200_000]
exact = [float(kt.expected_risk(problem, "CE_sgl", m)) for m in grid]
wanted = 0.1 * float(kt.expected_risk(problem, "CE_sgl", 1000))
truth_2 = math.exp(np.interp(-math.log(wanted), -np.log(exact), np.log(grid)))
kt.lessons.check(answer_2, truth_2, 10_000, "errors fall with the square root of the number of labels")
