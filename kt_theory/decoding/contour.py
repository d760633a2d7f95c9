r"""From independent Poisson counts to a fixed number of samples, exactly: Cauchy's integral over a circle.

If H(z) = e^{-z} sum_m G(m) z^m / m! is the mean of something when the number of samples is Poisson of mean z, its mean
after n samples is

.. math::

    G(n) = \frac{n!\, e^n}{n^n} \frac1{2\pi} \int e^{-in\theta}\, e^{n (e^{i\theta} - 1)} H(n e^{i\theta})\, d\theta .

The trapezoidal rule with K points gives G(n) + sum over l != 0 of G(n + lK) n! n^{lK} / (n + lK)!: for 0 <= G <= 1 the
error is a tail of a Poisson law, exp(-K^2 / 2n) or so. Under the integral, a label of mean lambda whose count is j has
the factor P(Poisson = j) e^{ij theta}, and labels that nothing depends on exp(lambda (e^{i theta} - 1)). No factor
exceeds 1, so that nothing cancels but what the sum itself cancels.
"""

from __future__ import annotations

import math

import numpy as np

from kt_theory.numerics.binomials import stirling


def points(n: int, elsewhere: float) -> tuple[np.ndarray, int, np.ndarray]:
    """The points k of the circle that count, theta = 2 pi k / K, with their weights.

    Parameters
    ----------
    n : int
        At least 1.
    elsewhere : float
        Mean number of samples that nothing depends on.

    Returns
    -------
    k : ndarray of int64, shape (M,)
        From 0 to K / 2; the others are their mirror images, of complex conjugate value.
    K : int
    weights : ndarray of complex128, shape (M,)
        n! e^n n^-n e^{-in theta} exp(elsewhere (e^{i theta} - 1)) / K, twice but for the points that mirror themselves.
    """
    K = 2 * math.ceil(0.5 * (9 * math.sqrt(n) + 30))
    k = np.arange(K // 2 + 1)
    # |exp(elsewhere (e^{i theta} - 1))| falls with theta.
    k = k[2 * elsewhere * np.sin(math.pi * k / K) ** 2 < 46]
    scale = math.sqrt(2 * math.pi * n) * math.exp(float(stirling(np.array([float(n)]))[0])) / K
    weights = scale * unit(-n * k, K) * poisson_factor(elsewhere, k, K)
    return k, K, np.where((k == 0) | (2 * k == K), weights, 2 * weights)


def unit(steps: np.ndarray, K: int) -> np.ndarray:
    """exp(2 pi i steps / K) of whole steps, whose multiples of K are dropped exactly."""
    angle = 2 * math.pi * (np.asarray(steps) % K) / K
    return np.cos(angle) + 1j * np.sin(angle)


def poisson_factor(mean: float, k: np.ndarray, K: int) -> np.ndarray:
    """exp(mean (e^{i theta} - 1)) at theta = 2 pi k / K, its angle to the last digits for large means, too."""
    theta = 2 * math.pi * k / K
    whole = round(mean)
    square = theta * theta
    series = -theta * square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    bend = np.where(theta < 0.05, series, np.sin(theta) - theta)
    angle = mean * bend + (mean - whole) * theta
    return np.exp(-2 * mean * np.sin(theta / 2) ** 2) * unit(whole * k, K) * (np.cos(angle) + 1j * np.sin(angle))
