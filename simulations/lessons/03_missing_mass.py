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
# # 3. Missing mass: why one log-probability changes the rate
#
# Many APIs return the log-probability of the token that they sampled. Then a label that was seen *once* is known
# exactly: the student `SEL_ptl` copies it. All that is left to guess are labels never seen.
#
# **Theorem.** The expected mass never seen in n samples is the sum of `w (1-w)^n` over all pairs (input, label), w
# being the probability of the pair. `SEL_ptl` never pays more than the mass that was not seen; and as `w (1-w)^n` is at
# most `1 / (e n)`, its expected risk is at most `S A / (e n)`: the rate is 1/n and no longer 1/sqrt(n).

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


S, A = 4, 20
problem = kt.zipf_problem(S, A, seed=1)  # few frequent labels and many rare ones, as in language

# %% [markdown]
# ## Show it
#
# First the formula: draw data, add up the mass that was not seen, and compare with the sum of `w (1-w)^n`.


# %%
def missing_mass(n, seed):
    """The mass of all pairs that are not among n samples."""
    counts = kt.draw(problem, "partial", n=n, seed=seed).counts
    return problem.w[counts == 0].sum()


n, repeats = 200, 1000
masses = [missing_mass(n, seed) for seed in range(repeats)]
formula = (problem.w * (1 - problem.w) ** n).sum()
z = (np.mean(masses) - formula) / (np.std(masses) / math.sqrt(repeats))
risk = kt.expected_risk(problem, "SEL_ptl", n, method="montecarlo")
print(f"missing mass, simulated {np.mean(masses):.4f}, formula {formula:.4f}, z = {z:+.1f}")
print(f"expected risk of SEL_ptl {risk:.4f}: it spreads the missing mass evenly, which is not all wrong")
print(f"bound S A / (e n)        {S * A / math.e / n:.4f}")
assert abs(z) <= 4
assert risk + 4 * risk.error < formula < S * A / (math.e * n)

# %% [markdown]
# Then the picture. A label wastes most if it is neither so frequent that it is seen nor so rare that it does not
# matter: the worst mass is 1/(n+1). On the right the two worst teachers: one number more, and the slope is -1 instead
# of -1/2.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
x = np.geomspace(1e-4, 1, 400)
for n, style in [(10, "-"), (100, "--"), (1000, ":")]:
    left.semilogx(x, n * x * (1 - x) ** n, style, color="#0072B2", label=f"n = {n}")
left.axhline(1 / math.e, color="black", linewidth=0.8)
left.text(1.2e-4, 1 / math.e + 0.008, "1/e", fontsize=9)
left.set_xlabel("mass w of a pair")
left.set_ylabel("n w (1-w)^n")
left.set_title("What a pair wastes")
left.set_ylim(0, 0.45)
left.legend(frameon=False, fontsize=8, ncols=3, loc="upper right")

grid = [10**2, 10**3, 10**4, 10**5, 10**6]
slopes = {}
for k, learner in [(1, "CE_sgl"), (2, "SEL_ptl")]:
    risks = [float(kt.expected_risk(kt.instance(k, 10, 10, n), learner, n)) for n in grid]
    slopes[learner] = kt.fit_rate(grid, risks, window=(1000, 10**6)).slope
    colour, marker = kt.plots.LOOK[learner]
    right.loglog(grid, risks, marker=marker, color=colour, label=f"{learner}, slope {slopes[learner]:.2f}")
right.set_xlabel("number of samples n")
right.set_ylabel("expected risk")
right.set_title("Each on its worst kind of teacher")
right.legend(frameon=False)
right.grid(alpha=0.3)
assert abs(slopes["CE_sgl"] + 0.5) < 0.01
assert abs(slopes["SEL_ptl"] + 1) < 0.01

# %% [markdown]
# ## Break it
#
# The theorem assumes that the log-probability is *exact*. Suppose the API rounds it to one decimal. Then even a student
# that has seen every label is off, and no number of samples mends it. How much off? At most `tanh(0.1 / 4)` (N13 b in
# paper/paper.pdf), which is 2.5 percent.

# %%
rounded = np.exp(np.round(np.log(problem.teacher), 1))
student = rounded / rounded.sum(axis=1, keepdims=True)  # what one says after every label was seen
floor = kt.tv_risk(student, problem)
unseen = (problem.w * (1 - problem.w) ** 10**5).sum()
print(f"exact log-probabilities, n = 100000: risk at most {unseen:.1e}")
print(f"rounded to one decimal, n = infinity: risk {floor:.4f}, and never more than {math.tanh(0.1 / 4):.4f}")
assert unseen < 1e-9
assert floor > 0.002  # broken: it does not tend to 0
assert floor <= math.tanh(0.1 / 4)

# %% [markdown]
# ## Question 1
#
# You will draw n = 9 samples. Which mass w makes a pair waste most, that is, makes `w (1-w)^9` largest?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 1 / 10

# %%
w = np.linspace(0, 1, 100_001)
truth_1 = w[np.argmax(w * (1 - w) ** 9)]
check(
    answer_1,
    truth_1,
    1 / 9,
    "it is close, but a pair of mass 1/n is met once on average, and a slightly rarer one wastes more",
)
print(f"Right: {truth_1:.3f}, which is 1/(n+1)")

# %% [markdown]
# ## Question 2
#
# One input, 100 labels, all alike. You draw 300 samples, three for each label on average. Which mass do you expect to
# be unseen?

# %% tags=["solution"]
answer_2 = 0.99**300

# %%
truth_2 = 100 * kt.bounds.cell_missing_mass(n=300, p=0.01)
check(answer_2, truth_2, 0, "three for each on average is not three for each")
print(f"Right: {truth_2:.4f}, about exp(-3): five labels of the hundred")
