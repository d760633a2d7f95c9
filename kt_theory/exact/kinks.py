r"""Mean deviations over many visits: integrals between kinks, and what a sum differs from an integral at each kink.

For CE_sgl and ADD_sgl a label of probability p costs, after m visits, half of

.. math:: g(m) = \frac{\mathrm{E}|X - t|}{T}, \quad X \sim \mathrm{Bin}(m, p),\; t = mp - e\sqrt m,\; T = m + s\sqrt m

(CE_sgl: e = s = 0). With b_v(m) = P(X = v), F_k = P(X <= k), v = floor(t) + 1 and q = 1 - p it is

    E|X - t| = e sqrt(m) (1 - 2 F_{v-1}) + 2 v q b_v(m),

analytic in m for fixed v, gamma functions in place of factorials. At t = v the formula of v gives way to that of v + 1,
which exceeds it by 2 b_v (t - v): g is continuous, and its slope jumps by 2 b_v t'/T, some 1/m of g. Hence for W =
P(Bin(n, rho) = m), of standard deviation sd, the sum over m is cheap where the window has few kinks, that is, p is
small. By the formula of Euler and Maclaurin on each side of each kink, with u the fraction of the kink's place, B_2 =
u^2 - u + 1/6, B_3 = u (u - 1/2)(u - 1) and D the jump of the derivative of Wg,

    sum Wg = integral Wg - sum over kinks (D_1 B_2 / 2 - D_2 B_3 / 6) + remainder.

**Used where** sd >= 300 and n rho >= 1e5. A jump D_j is about p / n rho of what is summed, over all kinks, times
(1/sd)^(j-1); the remainder, D_3 B_4 / 24 at most in absolute values, is below 0.004 p / (n rho sd^2) < 1e-12 p.

**The integral** is taken by Gauss and Legendre with 16 nodes for each part of four sd, 8 for one of one sd or less, 6
for one of a third of sd where v >= 100. On the ellipse with semi-axes (r +- 1/r)/2 about a part (r = 6; 16; 24) W grows
by e^17 (e^8, e^2) at most, g by less than e^3 (6 nodes: e), and the error is 5 r^(-2 nodes) times that: below 4e-15 of
the whole.

**F** (for e != 0) is known at the first m, grows by b_v at each kink, and between obeys F_k(m+1) = F_k(m) - p b_k(m):
the sum of b_k over such steps is again an integral, of the polynomial through the nodes, with the end terms of Euler
and Maclaurin up to the slope.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre

#: The least standard deviation and mean of the visits.
LEAST_SD, LEAST_MEAN = 300.0, 1e5


def rule(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss and Legendre on [-1, 1]; a matrix from values there to integrals from -1 to each."""
    x, w = legendre.leggauss(nodes)
    integrals = np.array([legendre.legval(x, legendre.legint(one, lbnd=-1)) for one in np.eye(nodes)]).T
    return x, w, np.ascontiguousarray(integrals @ np.linalg.inv(legendre.legvander(x, nodes - 1)))
