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
# The risk of the other lessons is known to whoever has the teacher's whole table. You do not. What you can have are
# samples, each with two probabilities of its label: p, the teacher's, and q, the student's.
#
# **Theorem.** Draw labels from the teacher. The mean of `(1 - q/p)_+` is the total variation between student and
# teacher, exactly, for every student: a table, a network, any function. Each term lies in [0, 1]; from m of them the
# best guaranteed error is `1 / (2 (1 + sqrt(m)))`, and whole rows guarantee no better.
#
# The reason in one line: `sum_a p (1 - q/p)_+ = sum_a (p - q)_+`, and that is total variation.

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
# ## Show it: a student that is no table
#
# The inputs are real numbers between 0 and 1, so none of them recurs. The teacher says yes with a probability that is a
# smooth function of the input, and the student is another function. Both can be integrated, so the truth is known.
# The last column is what the estimate `minimax`, the mean drawn towards 1/2, guarantees for every student whatever; for
# this one the plain mean does far better.


# %%
def teacher(x):
    """The probability of yes."""
    return 1 / (1 + np.exp(-4 * (x - 0.4)))


def student(x):
    """What a student says about it: not steep enough."""
    return 1 / (1 + np.exp(-2 * (x - 0.5)))


def audited(m, seed, says=student):
    """An audit of a student by m samples of the teacher, on fresh inputs."""
    rng = np.random.default_rng([m, seed])
    x = rng.random(m)
    yes = rng.random(m) < teacher(x)
    p = np.where(yes, teacher(x), 1 - teacher(x))
    q = np.where(yes, says(x), 1 - says(x))
    return kt.audit_student({"p": p, "q": q}, seed=seed)


middles = (np.arange(100_000) + 0.5) / 100_000
truth = np.mean(np.abs(teacher(middles) - student(middles)))
print("     m   estimate   95 % interval      error, 100 audits   guaranteed")
sizes, errors = [100, 400, 1600, 6400], []
for m in sizes:
    audits = [audited(m, seed) for seed in range(100)]
    off = np.array([audit.tv - truth for audit in audits])
    errors.append(math.sqrt(np.mean(off**2)))
    first = audits[0]
    low, high = first.clopper_pearson
    held = np.mean([audit.clopper_pearson[0] <= truth <= audit.clopper_pearson[1] for audit in audits])
    print(f"{m:6}   {first.tv:.4f}     [{low:.4f}, {high:.4f}]   {errors[-1]:.4f}              {first.rmse:.4f}")
    assert abs(off.mean()) <= 4 * off.std(ddof=1) / math.sqrt(100)  # no bias
    assert held > 0.86  # 95 % or more, less 4 standard errors of such a share
    assert errors[-1] < first.rmse
print(f"truth:   {truth:.4f}")

# %% [markdown]
# ## Show it: the training log audits its own student
#
# Leave one record out: to the student of the others it is a fresh sample. For `SEL_ptl`, which is exact on labels that
# it saw, only labels seen once count, and one pass over the log is enough. On average it says the risk from n - 1
# records, exactly. No question is asked of the teacher, and no record is spared.

# %%
row = 1 / np.arange(1, 17)
problem = kt.Problem(np.full(40, 1 / 40), np.tile(row / row.sum(), (40, 1)))
grid = [200, 500, 1000, 2000]
said, true = [], []
print("     n   log says   in truth   exact, n - 1 records")
for n in grid:
    logs = [kt.draw(problem, "partial", n, seed=seed) for seed in range(50)]
    own = np.array([kt.self_audit(log).risk for log in logs])
    risks = np.array([kt.tv_risk(kt.fit(log, "SEL_ptl"), problem) for log in logs])
    expected = float(kt.expected_risk(problem, "SEL_ptl", n - 1))
    said.append(own)
    true.append(risks)
    print(f"{n:6}   {own.mean():.5f}    {risks.mean():.5f}    {expected:.5f}")
    assert abs(own.mean() - expected) <= 4 * own.std(ddof=1) / math.sqrt(own.size)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
m = np.geomspace(sizes[0], sizes[-1], 50)
left.loglog(m, 1 / (2 * (1 + np.sqrt(m))), "--", color="black", label="1 / (2 (1 + sqrt m))")
left.loglog(sizes, errors, "o-", color="#0072B2", label="error of 100 audits")
left.set_xlabel("m, audit samples")
left.set_ylabel("root mean square error")
left.set_title("An audit needs no table")
left.legend(frameon=False, fontsize=8)
left.grid(alpha=0.3)

for n, own, risks, colour in zip(grid, said, true, ["#CC79A7", "#D55E00", "#0072B2", "#009E73"], strict=True):
    right.plot(risks, own, ".", color=colour, markersize=4, label=f"n = {n}")
right.axline((0, 0), slope=1, color="black", linewidth=0.8)
right.set_xlabel("risk of SEL_ptl in truth")
right.set_ylabel("what its own log says")
right.set_title("A log audits its own student")
right.legend(frameon=False, fontsize=8)
right.grid(alpha=0.3)

# %% [markdown]
# ## Break it
#
# The theorem assumes samples that the student *was not fitted on*. Audit `SEL_ptl` with its own training records as if
# they were fresh: it is exact on every label it saw, so every term is 0, the interval is short, and the student is far
# off.

# %%
log = kt.draw(problem, "partial", 300, seed=7)
fitted = kt.fit(log, "SEL_ptl")
seen = log.counts > 0
reused = kt.audit_student({"p": problem.teacher[seen], "q": fitted[seen], "count": log.counts[seen]})
far = kt.tv_risk(fitted, problem)
fresh = kt.draw(problem, "hard", 300, seed=8).counts
drawn = fresh > 0
honest = kt.audit_student({"p": problem.teacher[drawn], "q": fitted[drawn], "count": fresh[drawn]})
print(f"in truth {far:.3f}")
print(f"300 fresh samples:   {honest.tv:.3f}, interval up to {honest.clopper_pearson[1]:.3f}")
print(f"the training log:    {reused.tv:.3f}, interval up to {reused.clopper_pearson[1]:.3f}")
print(f"left out one by one: {kt.self_audit(log).risk:.3f}")
assert honest.clopper_pearson[0] <= far <= honest.clopper_pearson[1]
assert reused.clopper_pearson[1] < far / 2  # broken: an interval that is sure of itself and wrong

# %% [markdown]
# ## Question 1
#
# The teacher says (0.5, 0.5) at every input and the student (0.8, 0.2). What is the mean of `(1 - q/p)_+` over labels
# drawn from the teacher?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.5 * (1 - 0.2 / 0.5)

# %%
truth_1 = kt.audit_student({"p": [0.5, 0.5], "q": [0.8, 0.2]}).tv
assert abs(truth_1 - kt.tv_risk([[0.8, 0.2]], kt.Problem([1.0], [[0.5, 0.5]]))) < 1e-12
check(answer_1, truth_1, 0, "the negative part is cut off before the mean is taken, not after")
print(f"Right: {truth_1:.2f}")

# %% [markdown]
# ## Question 2
#
# You want total variation to within 0.01, a root mean square error that holds for every student. How many samples does
# the best estimate take?

# %% tags=["solution"]
answer_2 = (1 / (2 * 0.01) - 1) ** 2

# %%
enough = [m for m in range(1, 3000) if 1 / (2 * (1 + math.sqrt(m))) <= 0.01]
truth_2 = enough[0]
assert kt.audit_student({"p": [0.5], "q": [0.5], "count": [truth_2]}).rmse <= 0.01
check(answer_2, truth_2, 100, "errors fall with the square root of the number of samples")
print(f"Right: {truth_2}")
