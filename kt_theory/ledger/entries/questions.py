"""Open questions, and statements about models that the package lacks: nothing is tried, what is known is noted."""

from __future__ import annotations

from kt_theory.ledger.statement import stated

STATEMENTS = (
    stated(
        "level-quantised-clipped",
        note="Upper bound: the lesser of tanh(delta/4) + SA/(e n) and the hard-label bound. Lower bound: two-point "
        "tests with gaps at most tanh(delta/2). The constants are not sharp. The package has no rounded protocol "
        "and no such learner.",
    ),
    stated(
        "level-noisy",
        note="A sketch by Fisher information, and simulations within 1 per cent of it for sigma from 0.1 to 2; no "
        "proof at finite n. The package has no noisy protocol.",
    ),
    stated(
        "level-hidden",
        note="The limit has a proof to leading order, simulations give 0.97 to 1.00 of it. The package has no "
        "protocol that hides small probabilities.",
    ),
    stated(
        "level-tempered-inputs",
        note="Proved with inputs of mass A/(2 n); worse than 0.154 SA/n by sampling. The package draws labels from "
        "the teacher only.",
    ),
    stated(
        "level-designed-inputs",
        note="The first two are exact with proofs, the others limits. The package draws inputs from rho only.",
    ),
    stated(
        "conj-Q2",
        note="Neither order seems right for the parameter: Fisher information gives d/(M sqrt n) for hard labels, and "
        "partial labels without noise identify theta once their features span. d/n is right for the risk with a "
        "known normaliser: E R <= d_eff/(n + 1), d_eff the rank of the features with the indicators of inputs. "
        "Open for many inputs and an unknown normaliser. The package has tables only, and of log-linear teachers "
        "nothing but Proposition H.2.",
    ),
    stated(
        "open-Q3",
        note="Without normalisation seen labels are exact and unseen ones free. What scaling to one afterwards costs "
        "is not known. The package's students are laws.",
    ),
    stated(
        "open-Q4",
        note="On tables both losses have the teacher's row as their only minimiser, so that the students agree. They "
        "may differ for a restricted class of students, of which the package has none.",
    ),
    stated(
        "open-Q5",
        note="For soft labels a proof; hard labels gain until n is of order SA/eps^2, partial ones not in the limit: "
        "rates min(eps, sqrt(SA/n)) and min(eps, SA/n). The package takes any initialisation but has no minimax "
        "risk over teachers near one.",
    ),
    stated(
        "open-Q6",
        note="The formula is exact, and the factor 1/gap is sharp for sticky chains; bounds for independent samples, "
        "with the occupancy measure for rho, fail on one trajectory. The package draws samples independently.",
    ),
)
