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
# Many APIs return the log-probability of the token that they sampled. Then a
# label that was seen *once* is known exactly: the student `SEL_ptl` copies it.
# All that is left to guess are labels never seen.
#
# **Theorem.** Let $w_{sa} = \rho_s \, p_{sa}$ be the probability of the pair
# (input s, label a). The expected mass never seen in n samples is
#
# $$ \sum_{s, a} w_{sa} (1 - w_{sa})^n . $$
#
# The risk of `SEL_ptl` is at most the mass that was not seen; and as
# $w (1-w)^n \le 1 / (e n)$, its expected risk is at most $S A / (e n)$: the
# rate is 1/n and no longer $1/\sqrt{n}$.
#
# *Why.* A pair is missed by all of n independent samples with probability
# $(1-w)^n$, and then its mass w is missing. The product is largest at
# $w = 1/(n+1)$, where it is $\frac{1}{n+1} (1 - \frac{1}{n+1})^n \le \frac{1}{e
# n}$; there are S A pairs.

# %%
import math

import numpy as np

import kt_theory as kt

S, A = 4, 20
problem = kt.zipf_problem(S, A, seed=1)  # few frequent labels and many rare ones, as in language

# %% [markdown]
# ## Show it: the formula
#
# Draw data, add up the mass that was not seen, and compare with the sum of
# $w (1-w)^n$. The risk of `SEL_ptl` is smaller: it spreads the missing mass
# evenly over the labels that it has not seen, which is not all wrong.


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
names = ["missing mass, simulated", "missing mass, formula", "expected risk of SEL_ptl", "bound S A / (e n)"]
kt.lessons.table({f"n = {n}": names, "is": [np.mean(masses), formula, float(risk), S * A / math.e / n]})
assert abs(z) <= 4
assert risk + 4 * risk.error < formula < S * A / (math.e * n)

# %% [markdown]
# The bound supposes that all 80 pairs have the worst mass, 1/201; here few
# have, and the formula gives two thirds of it. The bound holds for every
# teacher with these S and A, and needs to know no more of it than that.
#
# ## Show it: the picture
#
# On the left what a pair wastes, times n. It wastes most if it is neither so
# frequent that it is seen nor so rare that it does not matter; the top of each
# curve is close to 1/e. On the right the two worst teachers, the paper's
# instances 1 and 2: one number more for each sample, and the slope is -1
# instead of -1/2.

# %%
x = np.geomspace(1e-4, 1, 400)
wasted = [kt.lessons.Line(f"n = {n}", x, n * x * (1 - x) ** n) for n in (10, 100, 1000)]
wasted.append(kt.lessons.Line("1/e", None, 1 / math.e, "k--"))
grid = [10**2, 10**3, 10**4, 10**5, 10**6]
slopes, risks = {}, []
for k, learner in [(1, "CE_sgl"), (2, "SEL_ptl")]:
    exact = [float(kt.expected_risk(kt.instance(k, 10, 10, n), learner, n)) for n in grid]
    slopes[learner] = kt.fit_rate(grid, exact, window=(1000, 10**6)).slope
    risks.append(kt.lessons.Line(f"{learner}, slope {slopes[learner]:.2f}", grid, exact))
kt.lessons.draw(
    "03_missing_mass",
    kt.lessons.Panel("What a pair wastes", "mass w of a pair", "$n w (1-w)^n$", wasted, log="x", ylim=(0, 0.55)),
    kt.lessons.Panel("One number more, another slope", "number of samples n", "expected risk", risks, log="xy"),
)
assert abs(slopes["CE_sgl"] + 0.5) < 0.01
assert abs(slopes["SEL_ptl"] + 1) < 0.01

# %% [markdown]
# ## Break it
#
# The theorem assumes that the log-probability is *exact*. Suppose the API
# rounds it to one decimal. Then even a student that has seen every label is
# off, and no number of samples mends it. How much off? A rounding to steps of h
# changes a probability by a factor between $e^{-h/2}$ and $e^{h/2}$, and the
# total variation by at most $\tanh(h/4)$ (N13 b in paper/paper.pdf): 2.5
# percent for h = 0.1.

# %%
rounded = np.exp(np.round(np.log(problem.teacher), 1))
student = rounded / rounded.sum(axis=1, keepdims=True)  # what one says after every label was seen
floor = kt.tv_risk(student, problem)
unseen = (problem.w * (1 - problem.w) ** 10**5).sum()
print(f"exact log-probabilities, n = 100,000: risk at most {unseen:.1e}")
print(f"rounded to one decimal, n = infinity: risk {floor:.4f}, and never more than {math.tanh(0.1 / 4):.4f}")
assert unseen < 1e-9
assert floor > 0.002  # broken: it does not tend to 0
assert floor <= math.tanh(0.1 / 4)

# %% [markdown]
# ## Question 1
#
# You will draw n = 9 samples. Which mass w makes a pair waste most, that is,
# makes $w (1-w)^9$ largest?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 1 / 10`: the derivative of $w (1-w)^n$ is
# $(1-w)^{n-1} (1 - (n+1) w)$, which is 0 at $w = 1/(n+1)$.
#
# </details>

# %%
answer_1 = ...
w = np.linspace(0, 1, 100_001)
truth_1 = w[np.argmax(w * (1 - w) ** 9)]
why_1 = "it is close, but a pair of mass 1/n is met once on average, and a slightly rarer one wastes more"
kt.lessons.check(answer_1, truth_1, 1 / 9, why_1)

# %% [markdown]
# ## Question 2
#
# One input, 100 labels, all alike. You draw 300 samples, three for each label
# on average. Which mass do you expect to be unseen?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 0.99**300`: each of the hundred labels is missed with probability
# $0.99^{300}$, about $e^{-3}$, and has the mass 1/100. Five labels of the
# hundred are not seen.
#
# </details>

# %%
answer_2 = ...
truth_2 = 100 * kt.bounds.cell_missing_mass(n=300, p=0.01)
kt.lessons.check(answer_2, truth_2, 0, "three for each on average is not three for each")
