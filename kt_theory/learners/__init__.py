"""The learners: a count table and what the teacher revealed go in, a student table comes out.

Each learner is the minimiser of an empirical loss over row-stochastic tables, in closed form, plus a rule for
what the data leave free: ``init``, the student before any data.

===========  ==========================================================  =============  =====================
learner      loss minimised                                              protocol       on a visited input
===========  ==========================================================  =============  =====================
CE_sgl       - sum_i log pi(a_i|s_i)                                     hard           n_sa / n_s
CE_ptl       - sum_i pi*(a_i|s_i) log pi(a_i|s_i)                        partial        n_sa pi*(a|s), scaled
SEL_ptl      sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2            partial        pi* on seen labels
CE_ful       sum_i KL(pi*(.|s_i), pi(.|s_i))                             soft           pi*(.|s)
ADD_sgl      - sum_i log pi(a_i|s_i) - c sum_{a, visited s} log pi(a|s)  hard           (n_sa + c)/(n_s + Ac)
SEL@top_k:K  sum over told labels of (log pi(a|s) - log pi*(a|s))^2 / 2  top_k:K        pi* on told labels
RENORM@...   - sum over a list of its probabilities times log pi(a|s)    top_k_only:K   the list, scaled to 1
CLIP@...     - sum_i log pi(a_i|s_i), pi within what rounding leaves     rounded:D      n_sa / n_s, clipped
CE@...       - sum_i log pi(a_i|s_i), pi exact on the list               top_k_label:K  the list; n_sa, scaled
===========  ==========================================================  =============  =====================

The first four are the paper's. ADD_sgl, with c = 0.4 sqrt(n_s / (A - 1)), is ours: hard labels, nearly minimax over
all teachers. That is a statement about the worst teacher only: on the rows of a language model (64 prompts, 19,538
labels) its risk is 0.307 at n = 10^6, where counting, CE_sgl, has 0.037. ``SEL@`` and a protocol is the natural learner
of what that protocol tells; ``RENORM@`` is what practice often does with a list of the most likely labels: its bias,
the mass that the list lacks, does not fall with n. ``CE@top_k_label:K`` counts the labels that a list lacks.
``SEL@rounded:D`` keeps rounded values, which leaves an error at every n; ``CLIP@rounded:D`` counts within their cells.
``SEL@tempered:T`` takes what is told at temperature T back.

On an input that was never visited every learner answers ``init``. On a visited input only SEL_ptl is left free: the
mass that the seen labels leave over goes to the unseen labels in proportion to ``init``, uniformly where ``init`` is 0
on all of them. Labels of zero probability are never drawn, stay unseen, and receive their share too.

The functions here are the definitions; `kt_theory.fit` checks their arguments. What the protocol hides of the teacher
is NaN, so that a learner that reads it answers NaN.
Source of the paper's four: Z&Z, section 3.1, equations (3.3), (4.3), (4.7) and (5.2).
"""

from kt_theory.learners.hard import add_sgl, added, ce_sgl
from kt_theory.learners.inexact import clipped_at, sel_rounded
from kt_theory.learners.learner import Learner
from kt_theory.learners.listed import list_ce, list_ce_at
from kt_theory.learners.partial import ce_ptl, renormalised, renormalised_at, sel_at, sel_ptl, sel_told
from kt_theory.learners.registry import LEARNERS, PAPER_LEARNERS, resolve_learner, resolve_learners, told_at
from kt_theory.learners.soft import ce_ful

__all__ = [
    "LEARNERS",
    "PAPER_LEARNERS",
    "Learner",
    "add_sgl",
    "added",
    "ce_ful",
    "ce_ptl",
    "ce_sgl",
    "clipped_at",
    "list_ce",
    "list_ce_at",
    "renormalised",
    "renormalised_at",
    "resolve_learner",
    "resolve_learners",
    "sel_at",
    "sel_ptl",
    "sel_rounded",
    "sel_told",
    "told_at",
]
