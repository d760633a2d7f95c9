"""Open questions, and statements about models that the package lacks: nothing is tried, what is known is noted."""

from __future__ import annotations

from kt_theory.ledger.statement import Statement


def open_question(id: str, source: str, words: str, formula: str, regime: str, note: str) -> Statement:
    """A statement about a model that the package lacks."""
    return Statement(id, source, words, formula, regime, grade="open", status="open", note=note)


STATEMENTS = (
    open_question(
        "level-topk-minimax",
        "ours",
        "Exact on the sampled label and the k largest probabilities, uniform on the rest, is minimax where "
        "these are revealed (the proof is that of N5a; not tried).",
        "S = 1: lim n minimax = gamma_(A - k) for k >= 1, gamma as in N7; for S inputs at least S gamma_(A - k)",
        "ties among the k largest broken at random",
        "Minimax by the proof of N5a: the chance of each way to break a tie is the same for all arrangements "
        "of a row. The limit has a proof for one input. The package has no protocol that reveals the k "
        "largest, so neither the student nor its risk can be tried.",
    ),
    open_question(
        "level-quantised-clipped",
        "ours",
        "If log-probabilities are rounded, the frequencies clipped into the cells learn where the middles of "
        "the cells do not.",
        "minimax of order min(delta, sqrt(SA/n)) + SA/n",
        "cells of width delta in log-probability, the sampled label's cell revealed",
        "Upper bound: the lesser of tanh(delta/4) + SA/(e n) and the hard-label bound. Lower bound: two-point tests "
        "with gaps at most tanh(delta/2). The constants are not sharp. The package has no rounded protocol and no such "
        "learner.",
    ),
    open_question(
        "level-noisy",
        "ours",
        "If log-probabilities have independent Gaussian noise of variance sigma^2, each is worth 1/sigma^2 "
        "hard labels more.",
        "lim sqrt(n) minimax = sqrt(sigma^2 / (1 + sigma^2)) sqrt(S (A - 1) / (2 pi))",
        "noise of variance sigma^2, independent for each sample",
        "A sketch by Fisher information, and simulations within 1 per cent of it for sigma from 0.1 to 2; no proof at "
        "finite n. The package has no noisy protocol.",
    ),
    open_question(
        "level-hidden",
        "ours",
        "If probabilities below tau are hidden, their labels are learnt at the rate of hard labels.",
        "lim sqrt(n) minimax = sqrt(S A min(1, A tau) / (2 pi)), to leading order",
        "n tau >= 1; before that the rate is SA/n",
        "The limit has a proof to leading order, simulations give 0.97 to 1.00 of it. The package has no protocol that "
        "hides small probabilities.",
    ),
    open_question(
        "level-tempered-inputs",
        "ours",
        "If the inputs are random, choosing the labels that are scored keeps the rate SA/n.",
        "inf sup E R >= (S - 1) A / (4 n) (1 - o(1))",
        "S >= 2, inputs drawn from rho, the student chooses the label that is scored",
        "Proved with inputs of mass A/(2 n); worse than 0.154 SA/n by sampling. The package draws labels from the "
        "teacher only.",
    ),
    open_question(
        "level-designed-inputs",
        "ours",
        "If the student chooses the inputs, soft labels have the minimax risk (1 - 1/A)(1 - n/S)_+ (proved, "
        "not tried).",
        "soft: (1 - 1/A) (1 - n/S)_+; scored labels, S | n: (1 - (n/S + 1)/A)_+; partial: S gamma_(A-1) / n; hard: "
        "sqrt(S (A - 1) / (2 pi n))",
        "rho unknown; partial and hard in the limit",
        "The first two are exact with proofs, the others limits. The package draws inputs from rho only.",
    ),
    open_question(
        "conj-Q2",
        "Z&Z Appendix H.2 (conjecture)",
        "Log-linear teachers: the error of the parameter from hard and from partial labels.",
        "|theta^ - theta*| at least of order sqrt(d/n) from hard labels, d/n from partial soft labels",
        "pi* proportional to exp(<phi, theta>), |phi| <= M, dimension d",
        "Neither order seems right for the parameter: Fisher information gives d/(M sqrt n) for hard labels, and "
        "partial labels without noise identify theta once their features span. d/n is right for the risk with a known "
        "normaliser: E R <= d_eff/(n + 1), d_eff the rank of the features with the indicators of inputs. Open for "
        "many inputs and an unknown normaliser. The package has tables only, and of log-linear teachers nothing but "
        "Proposition H.2.",
    ),
    open_question(
        "open-Q3",
        "Z&Z Remark D.1",
        "Squared error of logarithms for students that are not laws.",
        "argmin over unnormalised tables of sum_i (log pi(a_i|s_i) - log pi*(a_i|s_i))^2 / 2",
        "partial soft labels",
        "Without normalisation seen labels are exact and unseen ones free. What scaling to one afterwards costs is not "
        "known. The package's students are laws.",
    ),
    open_question(
        "open-Q4",
        "Z&Z Remark D.1",
        "Forward or reverse relative entropy as the loss, with soft labels.",
        "argmin sum_i KL(pi*, pi) against argmin sum_i KL(pi, pi*)",
        "soft labels",
        "On tables both losses have the teacher's row as their only minimiser, so that the students agree. They may "
        "differ for a restricted class of students, of which the package has none.",
    ),
    open_question(
        "open-Q5",
        "Z&Z, conclusion",
        "How much a student gains by an initial table near the teacher.",
        "soft labels, TV(init, pi*) <= eps in each row: minimax = eps max_rho sum rho (1 - rho)^n",
        "init can be split into two sets of mass eps at least",
        "For soft labels a proof; hard labels gain until n is of order SA/eps^2, partial ones not in the limit: rates "
        "min(eps, sqrt(SA/n)) and min(eps, SA/n). The package takes any initialisation but has no minimax risk over "
        "teachers near one.",
    ),
    open_question(
        "open-Q6",
        "Z&Z Appendix G",
        "The risk with dependent samples: sequences of tokens as a decision process.",
        "E R(CE_ful) = sum_s mu(s) P(tau_s > n) TV(init, pi*); <= (1 - 1/A) S phi(n - 1) / gap",
        "one trajectory of a stationary chain of inputs; reversible and lazy for the bound",
        "The formula is exact, and the factor 1/gap is sharp for sticky chains; bounds for independent samples, with "
        "the occupancy measure for rho, fail on one trajectory. The package draws samples independently.",
    ),
)
