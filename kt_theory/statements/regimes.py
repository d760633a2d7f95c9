"""Regimes that several statements share, as predicates: plain numbers or arrays in, bool or an array of bool out.

Thresholds of n are whole numbers, rounded up, so that no product with n can overflow.
"""

from __future__ import annotations

from typing import Any


def always() -> bool:
    return True


def any_n(n: Any) -> Any:
    return n >= 0


def some(n: Any) -> Any:
    return n >= 1


def with_delta(n: Any, delta: float) -> Any:
    return (n >= 1) & (0 < delta < 1)


def seldom(n: Any, delta: float) -> Any:
    """Whether delta <= 1/10; as a float 0.1 exceeds it by 6e-18, which the rounding up of a bound covers."""
    return (n >= 1) & (0 < delta <= 0.1)


def even_labels(S: int, A: int, n: Any) -> Any:
    """Whether n >= S A' / 4, A' the even one of A and A - 1."""
    return (A >= 2) & (n >= -(-S * (A - A % 2) // 4))


def odd_labels(S: int, A: int, n: Any) -> Any:
    """Whether n >= S (A' - 1) / 2 - 1, A' the odd one of A and A - 1."""
    return (A >= 3) & (n >= S * ((A - 1) // 2) - 1)


def as_many_as_inputs(S: int, A: int, n: Any) -> Any:
    return (S >= 2) & (A >= 2) & (n >= S)


def visits(n: Any, p: float) -> Any:
    return (n >= 0) & (0 < p <= 1)
