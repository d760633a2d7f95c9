"""The uniforms of NumPy's PCG64 in a compiled loop: the same numbers in the same order, in less time.

A step of PCG64 multiplies two numbers of 128 bits, x -> M x + c, and each step waits for the one before. Eight steps
together are a step of the same kind, x -> M^8 x + c (M^7 + ... + M + 1). Eight copies of that generator, each begun one
step later than the one before, take turns, and none of them waits for another.
"""

from __future__ import annotations

import numpy as np

from kt_theory.compiled import jit

#: Copies that take turns.
COPIES = 8

#: M, its power M^8, and M^7 + ... + M + 1, modulo 2**128.
WORD = 2**64
M = 0x2360ED051FC65DA44385DF649FCCF645
LEAP = pow(M, COPIES, WORD**2)
SUM = sum(pow(M, j, WORD**2) for j in range(COPIES)) % WORD**2

# Unsigned: numba makes a float of a sum of a signed and an unsigned number.
ONE, ZERO, HALF, HALF_BITS, ROTATE, ALL, LAST, DROPPED = (np.uint64(x) for x in (1, 0, 2**32 - 1, 32, 58, 64, 63, 11))


@jit
def fill(copies: np.ndarray, out: np.ndarray) -> None:
    """Fill `out`, whose size must be a multiple of 8, with the next uniforms of `copies_of` a generator."""
    high, low = copies[0], copies[1]
    c_high, c_low, m_high, m_low = copies[2, 0], copies[2, 1], copies[2, 2], copies[2, 3]
    c, d = m_low & HALF, m_low >> HALF_BITS
    for i in range(0, out.size, COPIES):
        for j in range(COPIES):
            x, y = high[j], low[j]
            # 53 bits of both words, combined and rotated. Signed: processors make floats of such numbers.
            mixed, by = x ^ y, x >> ROTATE
            mixed = (mixed >> by) | (mixed << ((ALL - by) & LAST))
            out[i + j] = np.int64(mixed >> DROPPED) * 2.0**-53
            # The product of the lower words has 128 bits: compilers know how to put it together from these four.
            a, b = y & HALF, y >> HALF_BITS
            ac, ad, bc = a * c, a * d, b * c
            middle = (ac >> HALF_BITS) + (ad & HALF) + (bc & HALF)
            upper = b * d + (ad >> HALF_BITS) + (bc >> HALF_BITS) + (middle >> HALF_BITS)
            product = y * m_low
            total = product + c_low
            high[j] = upper + x * m_low + y * m_high + c_high + (ONE if total < product else ZERO)
            low[j] = total


def copies_of(rng: np.random.Generator) -> np.ndarray:
    """Eight copies of a generator, each one step further, for `fill`: uint64, shape (3, 8).

    Their upper and lower words; in the last row, c and M of eight steps, upper and lower words. M is no constant of the
    compiled loop: with one, the four products were not put together.
    """
    stream = rng.bit_generator.state
    assert stream["bit_generator"] == "PCG64"
    x, c = stream["state"]["state"], stream["state"]["inc"]
    states = []
    for _ in range(COPIES):
        x = (M * x + c) % WORD**2
        states.append(x)
    step = c * SUM % WORD**2
    last = [step // WORD, step % WORD, LEAP // WORD, LEAP % WORD] + [0] * (COPIES - 4)
    return np.array([[x // WORD for x in states], [x % WORD for x in states], last], dtype=np.uint64)
