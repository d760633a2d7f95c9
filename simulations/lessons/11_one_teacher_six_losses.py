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
# Papers offer a new loss every month. For a student that is a table, what each of them does can be computed: the law
# that its minimum tends to as the number of samples grows, its *limit*.
#
# **Theorem.** A loss on hard labels is a map of the simplex. Let phi(p) be its limit for a teacher p. Then the student
# on samples whose labels have the frequencies e is phi(e), at every n. Hence all losses whose limit is the teacher,
# whatever the teacher, have one student: the frequencies.
#
# The reason in one line: the sum of the loss over n samples is n times its mean under a teacher e.

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
# ## Show it: six limits
#
# One teacher of three labels. Cross-entropy tends to it. The others tend elsewhere, on purpose or not: focal loss and
# label smoothing towards the uniform law, a generalised cross-entropy and the weighting by the teacher's probability
# towards the mode, and a list of one label whose missing mass goes to the sampled label further still.

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


def tv(q, r):
    """Total variation."""
    return 0.5 * np.abs(q - r).sum(axis=-1)


print("loss                                  a sample shows   student                  total variation")
limits = {}
for loss in losses:
    student = limits[loss.name] = loss.limit(p).student
    shown = " ".join(f"{q:.4f}" for q in student)
    print(f"{loss.name:36}  {loss.protocol.name:15}  {shown}   {tv(student, p):.4f}")
assert tv(limits["cross_entropy"], p) == 0
assert all(tv(q, p) > 0.04 for name, q in limits.items() if name != "cross_entropy")

# %% [markdown]
# ## Show it: the student on counts is the limit at the frequencies
#
# Thirty labels, five losses. Each student is the limit of its loss for a teacher that has these frequencies; and the
# three losses whose limit is the teacher have one student.

# %%
problem = kt.Problem([1.0], [p])
data = kt.draw(problem, "hard", 30, seed=4)
e = data.counts[0] / 30
print("frequencies              ", e.round(4).tolist())
for name in ("brier", "stablemax_cross_entropy", "cross_entropy", "focal", "label_smoothing"):
    loss = kt.losses.make(name)
    student = kt.fit(data, loss.learner())[0]
    print(f"{name:25}", student.round(4).tolist())
    assert tv(student, loss.limit(e).student) < 1e-12
    assert (tv(student, e) < 1e-12) == (loss.consistent == "yes")

# %% [markdown]
# ## Show it: when a bias is felt
#
# With few samples a pull to the uniform law helps, as shrinking does. Each student's error then falls to its limit's
# and stays there; that of cross-entropy goes on falling.

# %%
n = [10, 100, 1000, 10_000]
three = losses[:3]
frame = kt.simulate(problem, [loss.learner() for loss in three], n=n, reps=400, seed=1)
risks = frame.pivot(index="n", columns="learner", values="mean")[[loss.name for loss in three]]
print(risks.round(4).to_string())
assert (risks.loc[10].iloc[1:] < risks.loc[10].iloc[0]).all()
for loss in three[1:]:
    assert abs(risks.loc[10_000, loss.name] - tv(limits[loss.name], p)) < 0.002

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
colours = ["black", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00"]
corners = np.array([[0, 0], [1, 0], [0.5, math.sqrt(0.75)]])
left.plot(*np.vstack([corners, corners[:1]]).T, color="#555555", linewidth=0.8)
for loss, colour in zip(losses, colours, strict=True):
    left.plot(*(limits[loss.name] @ corners), "o", color=colour, markersize=6, label=loss.id)
left.plot(*(p @ corners), "*", color="black", markersize=12, label="teacher")
left.set_aspect("equal")
left.axis("off")
left.set_title("One teacher, six students")
left.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(-0.35, 1.0))

for loss, colour in zip(three, colours, strict=False):
    right.loglog(n, risks[loss.name], "o-", color=colour, markersize=4, label=loss.name)
    if tv(limits[loss.name], p) > 0:
        right.axhline(tv(limits[loss.name], p), color=colour, linestyle=":", linewidth=1)
right.set_xlabel("n")
right.set_ylabel("expected total variation")
right.set_title("A bias is felt from some n on")
right.legend(frameon=False, fontsize=8)
right.grid(alpha=0.3)

# %% [markdown]
# ## Show it: a bias that the read-out mends
#
# A limit that is not the teacher need not have lost it. At the minimum the mean gradient vanishes; that is linear in
# the law of the labels, which the student's logits then determine. Read out so, focal loss has the student of
# cross-entropy. Where the student has run to a corner, as under the mean absolute error, nothing is left to read.

# %%
focal = kt.losses.make("focal", gamma=5)
mended = focal.with_readout("labels")
print("focal                    ", focal.limit(p).student.round(4).tolist())
print("focal, read out          ", mended.limit(p).student.round(9).tolist())
print("mean absolute error      ", kt.losses.make("mae").limit(p).student.tolist())
assert tv(mended.limit(p).student, p) < 1e-9
assert tv(kt.fit(data, mended.learner())[0], e) < 1e-7

# %% [markdown]
# ## Break it
#
# The theorem assumes a *sum over samples* of one function of student and label. Weights by class depend on how often
# each label occurred, so the loss is another one at every n: the same frequencies make two students, and neither is a
# map of them.

# %%
balanced = kt.losses.make("class_balanced").learner()
few = kt.fit(kt.TransferSet.from_counts([[5, 3, 2]]), balanced)[0]
many = kt.fit(kt.TransferSet.from_counts([[50_000, 30_000, 20_000]]), balanced)[0]
print("5, 3, 2 labels                ", few.round(4).tolist())
print("10,000 times as many of each  ", many.round(4).tolist())
smoothing = kt.losses.make("label_smoothing").learner()
alike = [kt.fit(kt.TransferSet.from_counts([counts]), smoothing)[0] for counts in ([5, 3, 2], [50, 30, 20])]
assert tv(*alike) < 1e-12
assert tv(few, many) > 0.1  # broken: one law of the labels, two students

# %% [markdown]
# ## Question 1
#
# The teacher is (0.5, 0.3, 0.2). Label smoothing with epsilon = 0.3 trains on 0.7 times the sampled label plus 0.3
# times the uniform law. What is the total variation of its limit from the teacher?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.3 * (0.5 - 1 / 3)

# %%
truth_1 = float(tv(kt.losses.make("label_smoothing", epsilon=0.3).limit(p).student, p))
check(answer_1, truth_1, 0.3, "0.3 of the mass is moved, and the uniform law hands most of it back to where it was")
print(f"Right: {truth_1:.4f}")

# %% [markdown]
# ## Question 2
#
# A student is trained on 0.1 times the cross-entropy of sampled labels plus 0.9 times the divergence from the teacher's
# whole row. From 1,000 labels it has some expected error. How many labels does counting alone need for as small a one?
# (The student is 0.1 e + 0.9 p, with e the frequencies.)

# %% tags=["solution"]
answer_2 = 1000 / 0.1**2

# %%
mixed = kt.draw(problem, "soft", 1000, seed=2)
student = kt.fit(mixed, kt.losses.make("kd_mix", alpha=0.1, T=1).learner())[0]
assert tv(student, 0.1 * mixed.counts[0] / 1000 + 0.9 * p) < 1e-12
grid = [50_000, 80_000, 125_000, 200_000]
exact = [float(kt.expected_risk(problem, "CE_sgl", m)) for m in grid]
wanted = 0.1 * float(kt.expected_risk(problem, "CE_sgl", 1000))
truth_2 = math.exp(np.interp(-math.log(wanted), -np.log(exact), np.log(grid)))
check(answer_2, truth_2, 10_000, "errors fall with the square root of the number of labels")
print(f"Right: {truth_2:,.0f}")
