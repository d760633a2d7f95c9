r"""Certificates: a bound and what it bounds, both enclosed rigorously, and the comparison only if it is certain.

`certify` asks whether one statement holds at one place; `certify_minimax` encloses the best worst-case risk. All
numbers are balls (`kt_theory.exact.balls`), and where balls cannot tell two equal numbers apart, exact fractions if
these are not too long. The bounds are typed here a second time, from rationals: `kt_theory.bounds` is not imported, so
that a slip in either shows as a difference.

An upper bound is about its learner at every problem, so its certificate needs a problem: the learner's exact
expected risk is compared with the bound. A lower bound is about the minimax risk, over all students and all
problems, so it is compared with proved lower bounds of another make (``holds`` is True if one of these is larger) and
with proved upper bounds (False if one of these is smaller). Between students that see more and students that see less,
soft <= partial <= hard, and for each protocol:

soft
    The minimax risk is (1 - 1/A) max_rho sum_s rho(s) (1 - rho(s))^n: a Dirac at a random label costs 1 - 1/A on
    average wherever s was not visited, and Uniform(A) costs no more on any row. For g(x) = x (1 - x)^n, concave up to
    2/(n+1) and convex beyond, some maximiser has S - 1 equal coordinates x and one y = 1 - (S-1) x. That leaves
    f(x) = (S-1) g(x) + g(y) on [0, 1/(S-1)], which branch-and-bound encloses: g is largest at 1/(n+1) and g' is
    monotone on either side of 2/(n+1), so that both have exact ranges over a box; a box on which f' has one sign is
    its better end, and any other has f <= f(middle) + max abs(f') times half its width.
partial
    Lower: the exact risk of SEL_ptl with uniform init at any problem. No student beats it on average over all
    relabellings of the labels of that problem, even if told rho and the rows up to relabelling. Upper: SEL_ptl costs at
    most 1 - 1/A of the mass of an unvisited input and 1 - 1/(A-1) of the missing mass of a visited one; and K letters
    have a missing mass of at most M(K) on average, K times the least concave function above g, taken at 1/K. That
    function is g up to 1/n and then the tangent through (1, 0), whose slope is -phi(n-1) with phi(n) = max g: so M(K)
    is (1 - 1/K)^n for n <= K, and (K - 1) phi(n-1) beyond.
hard
    Lower: (a) pairs of labels (1 +- D)/A', fair signs, uniform rho, each pair read off its own counts: D times the
    chance that the majority among Bin(n, 2/(S A')) tosses of a coin of bias D/2 errs, ties counted half, where
    err(2k) = err(2k-1) and err(2k+1) = err(2k-1) - D C(2k-1, k) ((1-D^2)/4)^k. Where there are many tosses, there are
    at most 2r - 1 but for a Bernstein tail, and the error is at least err(2r-1) = 1/2 - int_0^(D/2) (1/4 - u^2)^(r-1)
    du / B(r, r), with 1/4 - u^2 <= exp(-4 u^2) / 4. (b) rho uniform, rows from a symmetric Dirichlet law, the simplex
    constraint dropped: A/2 times the mean of E|p - median| under the Beta posteriors of one label. The median need not
    be known: with F the distribution function, E|p - median| >= E|p - c| - |2 F(c) - 1| for any c, by convexity, and
    E|p - c| is a matter of two incomplete betas. Upper: CE_sgl, R <= TV(rho, visits) + TV(joint law, its frequencies);
    or, with uniform init, at most sqrt((A-1)/(2 (m+1))) for an input visited m times, averaged by the mean of 1/(m+1).

Inside its regime every entry of `CERTIFIED` should hold; outside, `certify` refuses.
"""

from __future__ import annotations

from kt_theory.certificates.certified import (
    CERTIFIED,
    CertifiedBound,
    c_inf,
    exponential,
    majorant,
    phi,
    root,
    unseen_cells,
    unvisited,
    xi,
)
from kt_theory.certificates.comparing import Certificate, Enclosure, certify
from kt_theory.certificates.minimax import certify_minimax, soft_maximum

__all__ = [
    "CERTIFIED",
    "Certificate",
    "CertifiedBound",
    "Enclosure",
    "c_inf",
    "certify",
    "certify_minimax",
    "exponential",
    "majorant",
    "phi",
    "root",
    "soft_maximum",
    "unseen_cells",
    "unvisited",
    "xi",
]
