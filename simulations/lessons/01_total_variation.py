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
# # 1. Total variation, and how often a draft model is right
#
# Two laws over the same labels: how different are they? **Total variation** (TV) is half the sum of the absolute
# differences. It is 0 if the laws are equal and 1 if they have no label in common.
#
# **Theorem.** In speculative sampling a small draft model `q` proposes a token, and a large target model `p` accepts it
# with probability `min(1, p/q)`. If it refuses, a token is drawn from what is left over, the positive part of `p - q`.
# Then a proposal is accepted with probability exactly `1 - TV(p, q)`, and what comes out has exactly the law `p`.

# %%
import itertools
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


words = ["the", "a", "my", "this", "no"]
p = np.array([0.50, 0.20, 0.15, 0.10, 0.05])  # the target, a teacher with one input
q = np.array([0.35, 0.30, 0.05, 0.10, 0.20])  # the draft, a student

# %% [markdown]
# ## Show it
#
# Three ways to say TV: half the differences; 1 minus the overlap; and the largest gap that any bet (any set of labels)
# can find between the two. They are one number, and `kt.tv_risk` is the same number, averaged over inputs.

# %%
half_of_differences = 0.5 * np.abs(p - q).sum()
one_minus_overlap = 1 - np.minimum(p, q).sum()
bets = [list(bet) for size in range(6) for bet in itertools.combinations(range(5), size)]
largest_gap = max(p[bet].sum() - q[bet].sum() for bet in bets)
risk = kt.tv_risk([q], kt.Problem([1.0], [p]))
print(f"half the differences  {half_of_differences:.4f}")
print(f"1 - overlap           {one_minus_overlap:.4f}")
print(f"best of {len(bets)} bets       {largest_gap:.4f}")
print(f"kt.tv_risk            {risk:.4f}")
assert np.allclose([half_of_differences, one_minus_overlap, largest_gap], risk, rtol=1e-12)

# %%
places = np.arange(5)
figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
axes.bar(places - 0.2, p, 0.4, color="#0072B2", label="target p")
axes.bar(places + 0.2, q, 0.4, color="#E69F00", label="draft q")
for place, low in zip(places, np.minimum(p, q), strict=True):
    axes.plot([place - 0.4, place + 0.4], [low, low], color="black", label="overlap" if place == 0 else None)
axes.set_xticks(places, words)
axes.set_ylabel("probability")
axes.set_title(f"The lines add up to {1 - risk:.2f}: how often the draft is accepted")
axes.legend(frameon=False)
axes.margins(y=0.1)


# %% [markdown]
# Now the game itself. A simulated frequency is never exact; `z` says how many standard errors it is off. We ask for at
# most 4.


# %%
def speculate(rounds, rng, left_over):
    """Propose from q, accept or refuse, replace the refused: what came out, and what was accepted."""
    proposed = rng.choice(5, size=rounds, p=q)
    accepted = rng.random(rounds) < np.minimum(1, p / q)[proposed]
    replaced = rng.choice(5, size=rounds, p=left_over)
    return np.where(accepted, proposed, replaced), accepted


def z_scores(frequencies, probabilities, rounds):
    """Differences in standard errors."""
    return (frequencies - probabilities) / np.sqrt(probabilities * (1 - probabilities) / rounds)


rounds = 200_000
positive_part = np.maximum(p - q, 0) / np.maximum(p - q, 0).sum()
out, accepted = speculate(rounds, np.random.default_rng(1), positive_part)
came_out = np.bincount(out, minlength=5) / rounds
z_accepted = z_scores(accepted.mean(), 1 - risk, rounds)
print(f"accepted {accepted.mean():.4f}, theory 1 - TV = {1 - risk:.4f}, z = {z_accepted:+.1f}")
for word, frequency, target, z in zip(words, came_out, p, z_scores(came_out, p, rounds), strict=True):
    print(f"{word:5} came out {frequency:.4f}, target {target:.4f}, z = {z:+.1f}")
assert abs(z_accepted) <= 4
assert np.all(np.abs(z_scores(came_out, p, rounds)) <= 4)

# %% [markdown]
# ## Break it
#
# The theorem assumes that refused tokens are replaced by draws from *what is left over*. It is tempting to replace them
# by draws from the target `p` itself. The draft is accepted as often as before, but the law that comes out is wrong:
# words that the draft likes already have their share, and get more.

# %%
out, accepted = speculate(rounds, np.random.default_rng(2), p)
came_out = np.bincount(out, minlength=5) / rounds
wrong_law = np.minimum(p, q) + risk * p  # the overlap is kept, the rest, of mass TV, is drawn from p
print("came out     ", came_out.round(3))
print("theory       ", wrong_law.round(3))
print("target       ", p)
print(f"TV between what comes out and the target: {kt.tv_risk([wrong_law], kt.Problem([1.0], [p])):.3f}")
assert np.all(np.abs(z_scores(came_out, wrong_law, rounds)) <= 4)
assert np.abs(z_scores(came_out, p, rounds)).max() > 20  # broken: nowhere near the target
assert kt.tv_risk([wrong_law], kt.Problem([1.0], [p])) > 0.05

# %% [markdown]
# ## Question 1
#
# A teacher says (0.5, 0.5), a student says (0.9, 0.1). What is the total variation between them?
#
# (The next cell holds a solution. Put your own number, or a formula for it, behind `answer_1 =`: the cell after it
# says what is wrong if it is not right.)

# %% tags=["solution"]
answer_1 = 0.4

# %%
truth_1 = kt.tv_risk([[0.9, 0.1]], kt.Problem([1.0], [[0.5, 0.5]]))
check(
    answer_1,
    truth_1,
    0.8,
    "that is the sum of the differences, which counts every unit of mass twice: where it leaves and where it arrives",
)
print(f"Right: {truth_1:.3f}")

# %% [markdown]
# ## Question 2
#
# Our draft proposes three tokens at once, each with the laws above. With what probability are all three accepted?

# %% tags=["solution"]
answer_2 = 0.75**3

# %%
truth_2 = (1 - risk) ** 3
thrice = speculate(rounds, np.random.default_rng(3), positive_part)[1][: rounds // 3 * 3].reshape(-1, 3)
assert abs(z_scores(thrice.all(axis=1).mean(), truth_2, len(thrice))) <= 4
check(
    answer_2,
    truth_2,
    1 - 3 * 0.25,
    "that adds up chances that overlap, since more than one of the three may be refused",
)
print(f"Right: {truth_2:.4f}")
