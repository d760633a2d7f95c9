r"""Every lower and upper bound of Zhao and Zhu, each with the constants that its proof gives; and sharper ones.

Setting (`kt_theory.problem`): n samples, S inputs, A labels; R is the total variation between student and teacher,
averaged under rho. A lower bound holds for every student, at the worst problem; an upper bound holds for the named
learner on every problem, for every initial table (`init`). "mean" bounds E R over the
sample; "whp" bounds R itself with probability at least 1 - delta. A' is the number of labels that a construction uses.

==================  ==================================================================================================
statement           functions
==================  ==================================================================================================
Thm 3.1, hard       `hard_lower_mean_at`, `hard_lower_mean`
Thm 4.1, partial    `partial_lower_mean`, `partial_lower_mean_simple`
Thm 5.1, soft       `soft_lower_mean_at`, `soft_lower_mean`, `soft_lower_mean_simple`
Thm 3.2, CE_sgl     `hard_upper_mean`, `hard_upper_whp`, `hard_upper_mean_instance` with `xi`
Thm 4.4, SEL_ptl    `partial_upper_mean`, `partial_upper_whp`
Thm 5.2, CE_ful     `soft_upper_mean_at`, `soft_upper_mean`, `soft_upper_whp`
Remark 6.1          `partial_upper_mean_floor`, `soft_upper_mean_floor`
Lemma E.2           `bretagnolle_huber_upper`
Lemmas E.3, E.4     `empirical_tv_upper_mean`, `empirical_tv_upper_whp`
Lemma E.5           `cell_missing_mass`, `cell_missing_upper`, `cell_missing_upper_simple`
Lemmas E.6, E.7     `missing_mass_excess_upper_whp`, `missing_mass_upper_whp`
Lemmas E.8 to E.10  `inverse_visits_mean`, `inverse_visits_upper_mean`, `low_visits_upper`, `inverse_visits_upper_whp`
Lemma H.2           `log_linear_tv_upper`
==================  ==================================================================================================

Beside the paper's are ours, each proved in the report, `paper/` (N1 to N16), or marked conjectured. The line Statement
of each names its source and its id in `kt_theory.statements`, the line Status says how far it is proved: published,
proved (for every S, A, n of the regime) or conjectured; nothing uses what is conjectured.
"uniform" bounds the learner with the uniform initial table that, SEL_ptl, spreads the missing mass uniformly over the
unseen labels; the other upper bounds hold for every `init`.
`best_upper` and `best_lower` give the best proved bounds on the minimax risk of a protocol, and say which they are.

==================  ==================================================================================================
what                functions
==================  ==================================================================================================
missing mass        `cell_missing_upper_e`, `missing_mass_upper_mean`, `missing_mass_upper_whp_sqrt`
CE_sgl              `hard_upper_mean_joint`, `hard_upper_mean_uniform`, `hard_upper_mean_one_input`,
                    `hard_upper_whp_joint`
SEL_ptl             `partial_upper_mean_at`, `partial_upper_mean_missing`, `partial_upper_mean_uniform`,
                    `partial_upper_mean_uniform_simple`, `partial_upper_mean_sharp`, `partial_upper_mean_finite`,
                    `partial_upper_mean_curve`, `partial_upper_mean_chain`, `partial_upper_whp_missing`,
                    `partial_upper_whp_sqrt`, `partial_upper_whp_sharp`, `partial_upper_kl_mean`
CE_ful              `soft_upper_mean_missing`, `soft_upper_mean_uniform`, `soft_upper_kl_mean`
all three           `uniform_upper_mean`
every student       `hard_lower_mean_assouad`, `partial_lower_mean_at`, `partial_lower_mean_light`,
                    `soft_lower_mean_dirac`
conjectured         `hard_upper_mean_conjecture`
==================  ==================================================================================================

Lemma E.1 (frequencies converge), Lemma 4.2 and Theorem 4.3 (where CE_ptl converges to) bound nothing at finite n.

Outside its regime a bound is NaN, never a trivial 1; inside it is not clipped, and may exceed 1. Malformed arguments
raise. Grades: exact (an equality), tight (one-sided, and attained), upper, lower, conjecture.

Rounding. Upper bounds are rounded up and lower bounds down, so that the float is never on the wrong side of the real
number it stands for. The formulas are products, quotients, roots and sums of positive terms, a dozen roundings of
eps/2 each, for which 16 eps is ample; a power or exponential e^x multiplies the few roundings of x by abs(x), at most
8 eps/2, for which 4 abs(x) eps is added. Since e^x underflows at -745, a bound is within 1e-12 of the truth, relative,
and within 1e-14 where no large exponent is in play; below 1e-300 only the side is promised. Exact values are not
rounded to a side.

Source: Zhao and Zhu, "Towards the Fundamental Limits of Knowledge Transfer over Finite Domains", ICLR 2024,
arXiv 2310.07838 (Z&Z). Where a printed constant is a slip, the one that the proof gives is used and the Notes say so.
"""

from __future__ import annotations

from kt_theory.bounds.best import Best, best_lower, best_upper
from kt_theory.bounds.every import (
    uniform_upper_mean,
)
from kt_theory.bounds.hard import (
    hard_lower_mean,
    hard_lower_mean_assouad,
    hard_lower_mean_at,
    hard_upper_mean,
    hard_upper_mean_conjecture,
    hard_upper_mean_instance,
    hard_upper_mean_joint,
    hard_upper_mean_one_input,
    hard_upper_mean_uniform,
    hard_upper_whp,
    hard_upper_whp_joint,
    xi,
)
from kt_theory.bounds.lemmas import (
    bretagnolle_huber_upper,
    empirical_tv_upper_mean,
    empirical_tv_upper_whp,
    inverse_visits_mean,
    inverse_visits_upper_mean,
    inverse_visits_upper_whp,
    log_linear_tv_upper,
    low_visits_upper,
)
from kt_theory.bounds.missing_mass import (
    cell_missing_mass,
    cell_missing_upper,
    cell_missing_upper_e,
    cell_missing_upper_simple,
    missing_mass_excess_upper_whp,
    missing_mass_upper_mean,
    missing_mass_upper_whp,
    missing_mass_upper_whp_sqrt,
)
from kt_theory.bounds.partial import (
    partial_lower_mean,
    partial_lower_mean_at,
    partial_lower_mean_light,
    partial_lower_mean_simple,
    partial_upper_kl_mean,
    partial_upper_mean,
    partial_upper_mean_at,
    partial_upper_mean_chain,
    partial_upper_mean_curve,
    partial_upper_mean_finite,
    partial_upper_mean_floor,
    partial_upper_mean_missing,
    partial_upper_mean_sharp,
    partial_upper_mean_uniform,
    partial_upper_mean_uniform_simple,
    partial_upper_whp,
    partial_upper_whp_missing,
    partial_upper_whp_sharp,
    partial_upper_whp_sqrt,
)
from kt_theory.bounds.soft import (
    soft_lower_mean,
    soft_lower_mean_at,
    soft_lower_mean_dirac,
    soft_lower_mean_simple,
    soft_upper_kl_mean,
    soft_upper_mean,
    soft_upper_mean_at,
    soft_upper_mean_floor,
    soft_upper_mean_missing,
    soft_upper_mean_uniform,
    soft_upper_whp,
)

__all__ = [
    "Best",
    "best_lower",
    "best_upper",
    "bretagnolle_huber_upper",
    "cell_missing_mass",
    "cell_missing_upper",
    "cell_missing_upper_e",
    "cell_missing_upper_simple",
    "empirical_tv_upper_mean",
    "empirical_tv_upper_whp",
    "hard_lower_mean",
    "hard_lower_mean_assouad",
    "hard_lower_mean_at",
    "hard_upper_mean",
    "hard_upper_mean_conjecture",
    "hard_upper_mean_instance",
    "hard_upper_mean_joint",
    "hard_upper_mean_one_input",
    "hard_upper_mean_uniform",
    "hard_upper_whp",
    "hard_upper_whp_joint",
    "inverse_visits_mean",
    "inverse_visits_upper_mean",
    "inverse_visits_upper_whp",
    "log_linear_tv_upper",
    "low_visits_upper",
    "missing_mass_excess_upper_whp",
    "missing_mass_upper_mean",
    "missing_mass_upper_whp",
    "missing_mass_upper_whp_sqrt",
    "partial_lower_mean",
    "partial_lower_mean_at",
    "partial_lower_mean_light",
    "partial_lower_mean_simple",
    "partial_upper_kl_mean",
    "partial_upper_mean",
    "partial_upper_mean_at",
    "partial_upper_mean_chain",
    "partial_upper_mean_curve",
    "partial_upper_mean_finite",
    "partial_upper_mean_floor",
    "partial_upper_mean_missing",
    "partial_upper_mean_sharp",
    "partial_upper_mean_uniform",
    "partial_upper_mean_uniform_simple",
    "partial_upper_whp",
    "partial_upper_whp_missing",
    "partial_upper_whp_sharp",
    "partial_upper_whp_sqrt",
    "soft_lower_mean",
    "soft_lower_mean_at",
    "soft_lower_mean_dirac",
    "soft_lower_mean_simple",
    "soft_upper_kl_mean",
    "soft_upper_mean",
    "soft_upper_mean_at",
    "soft_upper_mean_floor",
    "soft_upper_mean_missing",
    "soft_upper_mean_uniform",
    "soft_upper_whp",
    "uniform_upper_mean",
    "xi",
]
