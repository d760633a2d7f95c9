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
# Two laws p and q over the same labels: how different are they?
# **Total variation** is half the sum of the absolute differences,
#
# $$ \mathrm{TV}(p, q) = \frac{1}{2} \sum_a |p_a - q_a| . $$
#
# It is 0 if the laws are equal and 1 if they have no label in common.
#
# **Theorem.** In speculative sampling a small draft model q proposes a token,
# and a large target model p accepts it with probability $\min(1, p/q)$. If it
# refuses, a token is drawn from what is left over, the positive part of $p - q$
# scaled to one. Then a proposal is accepted with probability exactly
# $1 - \mathrm{TV}(p, q)$, and what comes out has exactly the law p.
#
# *Why.* Token a is proposed and accepted with probability
# $q_a \min(1, p_a/q_a) = \min(p_a, q_a)$. These overlaps add up to
#
# $$ \sum_a \min(p_a, q_a) = \sum_a \frac{p_a + q_a - |p_a - q_a|}{2} = 1 - \mathrm{TV}(p, q) . $$
#
# What token a still lacks is $p_a - \min(p_a, q_a)$, the positive part of
# $p_a - q_a$. The refusals, of probability TV, bring exactly this if they are
# replaced by draws from it.
#
# So a student that is close to its teacher in total variation is a good draft,
# and how often its proposals are accepted is a measurement of this distance.

# %%
import itertools

import numpy as np

import kt_theory as kt

words = ["the", "a", "my", "this", "no"]
p = np.array([0.50, 0.20, 0.15, 0.10, 0.05])  # the target, a teacher with one input
q = np.array([0.35, 0.30, 0.05, 0.10, 0.20])  # the draft, a student

# %% [markdown]
# ## Show it: three ways to say it
#
# Half the differences; 1 minus the overlap; and the largest gap that any bet
# (any set of labels) can find between the two. They are one number, and
# `kt.tv_risk` is the same number, averaged over inputs. The third way says what
# the number is good for: no event whatever differs by more in probability
# between p and q.

# %%
bets = [list(bet) for size in range(6) for bet in itertools.combinations(range(5), size)]
said = {
    "half the differences": 0.5 * np.abs(p - q).sum(),
    "1 - overlap": 1 - np.minimum(p, q).sum(),
    f"best of {len(bets)} bets": max(p[bet].sum() - q[bet].sum() for bet in bets),
    "kt.tv_risk": kt.tv_risk([q], kt.Problem([1.0], [p])),
}
kt.lessons.table({"total variation": said.keys(), "is": said.values()})
risk = said["kt.tv_risk"]
assert np.allclose(list(said.values()), risk, rtol=1e-12)

# %%
title = f"The overlap adds up to {1 - risk:.2f}: so often is the draft accepted"
bars = {"target p": p, "draft q": q, "overlap": np.minimum(p, q)}
kt.lessons.draw("01_total_variation", kt.lessons.Panel(title, y="probability", bars=bars, ticks=words))

# %% [markdown]
# ## Show it: the game itself
#
# Propose, accept or refuse, replace: 200,000 times. A simulated frequency is
# never exact; z says how many standard errors it is off, and a standard error
# is $\sqrt{P (1 - P) / m}$ for a frequency of m rounds and a probability P. We
# ask for at most 4, which a sound program exceeds once in some ten thousand
# tries.


# %%
def speculate(rounds, rng, left_over):
    """Propose from q, accept or refuse, replace the refused: what came out, and what was accepted."""
    proposed = rng.choice(5, size=rounds, p=q)
    accepted = rng.random(rounds) < np.minimum(1, p / q)[proposed]
    replaced = rng.choice(5, size=rounds, p=left_over)
    return np.where(accepted, proposed, replaced), accepted


def z_scores(frequencies, probabilities):
    """Differences in standard errors."""
    return (frequencies - probabilities) / np.sqrt(probabilities * (1 - probabilities) / rounds)


rounds = 200_000
positive_part = np.maximum(p - q, 0) / np.maximum(p - q, 0).sum()
out, accepted = speculate(rounds, np.random.default_rng(1), positive_part)
frequency = np.append(np.bincount(out, minlength=5) / rounds, accepted.mean())
theory = np.append(p, 1 - risk)
z = z_scores(frequency, theory)
kt.lessons.table({"": [*words, "accepted"], "came out": frequency, "theory": theory, "z": z.round(1)})
assert np.all(np.abs(z) <= 4)

# %% [markdown]
# ## Break it
#
# The theorem assumes that refused tokens are replaced by draws from *what is
# left over*. It is tempting to replace them by draws from the target p itself.
# The draft is accepted as often as before, but the law that comes out is wrong:
#
# $$ \min(p_a, q_a) + \mathrm{TV}(p, q) \cdot p_a \ne p_a . $$
#
# Words that the draft likes already have their share, and get more.

# %%
out, accepted = speculate(rounds, np.random.default_rng(2), p)
came_out = np.bincount(out, minlength=5) / rounds
wrong_law = np.minimum(p, q) + risk * p
kt.lessons.table({"": words, "came out": came_out, "wrong law": wrong_law, "target": p})
off = kt.tv_risk([wrong_law], kt.Problem([1.0], [p]))
print(f"total variation of what comes out and the target: {off:.4f}")
assert np.all(np.abs(z_scores(came_out, wrong_law)) <= 4)
assert np.abs(z_scores(came_out, p)).max() > 20  # broken: nowhere near the target

# %% [markdown]
# ## Question 1
#
# A teacher says (0.5, 0.5), a student says (0.9, 0.1). What is the total
# variation between them?
#
# Write a number, or a formula for it, in the place of the three dots, and run
# the cell: it says what is wrong if the number is not right.
#
# <details><summary>Solution</summary>
#
# `answer_1 = 0.4`: the differences are 0.4 and 0.4, and half of their sum is
# 0.4. A mass of 0.4 has to move from the first label to the second.
#
# </details>

# %%
answer_1 = ...
truth_1 = kt.tv_risk([[0.9, 0.1]], kt.Problem([1.0], [[0.5, 0.5]]))
why_1 = "that is the sum of the differences, which counts the mass twice: where it leaves and where it arrives"
kt.lessons.check(answer_1, truth_1, 0.8, why_1)

# %% [markdown]
# ## Question 2
#
# Our draft proposes three tokens at once, each with the laws above. With what
# probability are all three accepted?
#
# <details><summary>Solution</summary>
#
# `answer_2 = 0.75**3`: each is accepted with probability
# $1 - \mathrm{TV} = 0.75$, whatever became of the others.
#
# </details>

# %%
answer_2 = ...
truth_2 = (1 - risk) ** 3
kt.lessons.check(answer_2, truth_2, 1 - 3 * 0.25, "that adds up chances that overlap: more than one may be refused")
