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
# # 10. Auditing a student: how far is it from its teacher?
#
# The risk of the other lessons is known to whoever has the teacher's whole
# table. You do not. What you can have are samples, each with two probabilities
# of its label: p, the teacher's, and q, the student's.
#
# **Theorem.** Draw labels from the teacher. The mean of $(1 - q/p)_+$ is the
# total variation between student and teacher, exactly, for every student: a
# table, a network, any function. Each term lies in [0, 1]; from m of them the
# best guaranteed error is
#
# $$ \frac{1}{2 (1 + \sqrt{m})} , $$
#
# and whole rows guarantee no better.
#
# *Why.* A label comes up with probability p, so the mean is
#
# $$ \sum_a p_a \left(1 - \frac{q_a}{p_a}\right)_+ = \sum_a (p_a - q_a)_+ = \mathrm{TV}(p, q) . $$
#
# Labels that the teacher never draws have no part in it: what q has there is
# missing elsewhere. And a mean of m numbers in [0, 1] is known to within
# $1/(2 \sqrt{m})$; drawing it a little towards 1/2 gives the best guarantee.

# %%
import math

import numpy as np

import kt_theory as kt

# %% [markdown]
# ## Show it: a student that is no table
#
# The inputs are real numbers between 0 and 1, so none of them recurs. The
# teacher says yes with a probability that is a smooth function of the input,
# and the student is another function. Both can be integrated, so the truth is
# known. The last column is what the estimate `minimax`, the mean drawn towards
# 1/2, guarantees for every student whatever; for this one the plain mean does
# far better, since its terms are mostly small.
#
# The intervals are Clopper and Pearson's for a coin of the same mean, which
# hold for every law of terms in [0, 1] (N22 to N25 of the report): "interval
# holds" is the share of a hundred audits whose 95 % interval has the truth in
# it. An audit of 1,600 samples tells 0.11 from 0.12, and it needs neither the
# teacher's table nor the student's.


# %%
def teacher(x):
    """The probability of yes."""
    return 1 / (1 + np.exp(-4 * (x - 0.4)))


def student(x):
    """What a student says about it: not steep enough."""
    return 1 / (1 + np.exp(-2 * (x - 0.5)))


def audited(m, seed):
    """An audit of the student by m samples of the teacher, on fresh inputs."""
    rng = np.random.default_rng([m, seed])
    x = rng.random(m)
    yes = rng.random(m) < teacher(x)
    p, q = (np.where(yes, says(x), 1 - says(x)) for says in (teacher, student))
    return kt.audit_student({"p": p, "q": q}, seed=seed)


middles = (np.arange(100_000) + 0.5) / 100_000
truth = np.mean(np.abs(teacher(middles) - student(middles)))
sizes = [100, 400, 1600, 6400]
audits = [[audited(m, seed) for seed in range(100)] for m in sizes]
off = np.array([[audit.tv - truth for audit in row] for row in audits])
held = [np.mean([a.clopper_pearson[0] <= truth <= a.clopper_pearson[1] for a in row]) for row in audits]
errors, promised = np.sqrt((off**2).mean(axis=1)), np.array([row[0].rmse for row in audits])
numbers = {"error, 100 audits": errors, "guaranteed": promised, "interval holds": held}
kt.lessons.table({"m": sizes, "first estimate": [row[0].tv for row in audits], "truth": [truth] * 4} | numbers)
assert np.all(np.abs(off.mean(axis=1)) <= 4 * off.std(axis=1, ddof=1) / 10)  # no bias
assert min(held) > 0.86  # 95 % or more, less 4 standard errors of such a share
assert np.all(errors < promised)

# %% [markdown]
# ## Show it: the training log audits its own student
#
# Leave one record out: to the student of the others it is a fresh sample. For
# `SEL_ptl`, which is exact on labels that it saw, only labels seen once count:
# a label seen twice is still known when one of its records is gone. So one pass
# over the log is enough. On average it says the risk from $n - 1$ records,
# exactly. No question is asked of the teacher, and no record is spared.
#
# The teacher has forty inputs and sixteen labels each, whose probabilities fall
# like 1/rank. The first column is the mean over fifty logs of what a log says,
# the second that of the risks in truth, the third the exact expectation for one
# record less.

# %%
row = 1 / np.arange(1, 17)
problem = kt.Problem(np.full(40, 1 / 40), np.tile(row / row.sum(), (40, 1)))
grid = [200, 500, 1000, 2000]
logs = [[kt.draw(problem, "partial", n, seed=seed) for seed in range(50)] for n in grid]
said = np.array([[kt.self_audit(log).risk for log in row] for row in logs])
true = np.array([[kt.tv_risk(kt.fit(log, "SEL_ptl"), problem) for log in row] for row in logs])
exact = np.array([float(kt.expected_risk(problem, "SEL_ptl", n - 1)) for n in grid])
kt.lessons.table({"n": grid, "log says": said.mean(axis=1), "in truth": true.mean(axis=1), "exact, n - 1": exact})
assert np.all(np.abs(said.mean(axis=1) - exact) <= 4 * said.std(axis=1, ddof=1) / math.sqrt(50))

# %% [markdown]
# On the right each dot is one log: what it says of its student against the
# truth. The clouds lie on the diagonal, which is the # mean; their height is
# what chance does to a single log, and shrinks as the log grows. A short log
# says little of its student: of 200 records the fifty logs say between 0.12 and
# 0.21, while the truth is about 0.17 for all of them. But it is the log that
# one has, and it is asked at no cost.

# %%
m = np.array([sizes[0], sizes[-1]])
falling = [kt.lessons.Line(r"$1 / (2 (1 + \sqrt{m}))$", m, 1 / (2 * (1 + np.sqrt(m))), "k--")]
falling.append(kt.lessons.Line("error of 100 audits", sizes, errors, "o-"))
clouds = [kt.lessons.Line(f"n = {n:,}", x, y, ".") for n, x, y in zip(grid, true, said, strict=True)]
clouds.append(kt.lessons.Line("", [0, 0.35], [0, 0.35], "k-"))
kt.lessons.draw(
    "10_auditing_a_student",
    kt.lessons.Panel("An audit needs no table", "m, audit samples", "root mean square error", falling, log="xy"),
    kt.lessons.Panel("A log audits its own student", "risk of SEL_ptl in truth", "what its log says", clouds),
)

# %% [markdown]
# ## Break it
#
# The theorem assumes samples that the student *was not fitted on*. Audit
# `SEL_ptl` with its own training records as if they were fresh: it is exact on
# every label it saw, $q = p$, so every term is 0, the interval is short, and
# the student is far off. Three audits of one student: by fresh samples, by its
# log as if that were fresh, and by its log with each record left out in its
# turn.

# %%
log = kt.draw(problem, "partial", 300, seed=7)
fitted = kt.fit(log, "SEL_ptl")
far = kt.tv_risk(fitted, problem)


def by(counts):
    """The audit of the student by some labels."""
    seen = counts > 0
    return kt.audit_student({"p": problem.teacher[seen], "q": fitted[seen], "count": counts[seen]})


honest, reused = by(kt.draw(problem, "hard", 300, seed=8).counts), by(log.counts)
print(f"in truth {far:.3f}; left out one by one {kt.self_audit(log).risk:.3f}")
tops = [audit.clopper_pearson[1] for audit in (honest, reused)]
kt.lessons.table({"audit by": ["fresh samples", "its own log"], "says": [honest.tv, reused.tv], "at most": tops})
assert honest.clopper_pearson[0] <= far <= honest.clopper_pearson[1]
assert reused.clopper_pearson[1] < far / 2  # broken: an interval that is sure of itself and wrong

# %% [markdown]
# ## Question 1
#
# The teacher says (0.5, 0.5) at every input and the student (0.8, 0.2). What is
# the mean of $(1 - q/p)_+$ over labels drawn from the teacher?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.5 * (1 - 0.2 / 0.5)`: the first label gives $1 - 1.6 < 0$, cut
# off at 0, the second one 0.6, and each comes up half of the time.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.audit_student({"p": [0.5, 0.5], "q": [0.8, 0.2]}).tv
kt.lessons.check(answer_1, truth_1, 0, "the negative part is cut off before the mean is taken, not after")

# %% [markdown]
# ## Question 2
#
# You want total variation to within 0.01, a root mean square error that holds
# for every student. How many samples does the best estimate take?
#
# <details><summary>Solution</summary>
#
# `answer_2 = (1 / (2 * 0.01) - 1) ** 2`: solve $1 / (2 (1 + \sqrt{m})) = 0.01$
# for m. That is 2401.
#
# </details>

# %%
answer_2 = ...
truth_2 = next(m for m in range(1, 3000) if 1 / (2 * (1 + math.sqrt(m))) <= 0.01)
kt.lessons.check(answer_2, truth_2, 100, "errors fall with the square root of the number of samples")
