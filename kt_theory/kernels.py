"""The numba twins: the loops that Monte Carlo spends its time in. The only module that imports numba.

A kernel takes arrays, with what it fills last; it validates nothing and draws nothing. Floating-point sums run in the
order of the labels (no ``fastmath``), so that a result does not depend on the processor's vector width. All of them
release the interpreter lock: threads over blocks of repeats scale.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numba as nb
import numpy as np

#: Columns of the risks that `risks` fills, in this order.
COLUMNS = ("CE_sgl", "CE_ptl", "SEL_ptl", "CE_ful", "ADD_sgl")


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use, and keep the result on disk where there is a place for it."""
    try:
        compiled = nb.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:
        # A read-only installation whose user has no home: compile anew in every process.
        return nb.njit(nogil=True, error_model="numpy")(function)
    # With NUMBA_DISABLE_JIT the function comes back as it is.
    if hasattr(compiled, "_cache"):
        compiled._cache = _Kept(compiled._cache)
    return compiled


class _Kept:
    """A dispatcher's files, none of which is needed: one that is damaged or cannot be written costs time only."""

    def __init__(self, files: Any) -> None:
        self._files = files

    def load_overload(self, *signature_and_context: Any) -> Any:
        try:
            return self._files.load_overload(*signature_and_context)
        except Exception:  # what unpickling a truncated file raises may be of any kind
            with contextlib.suppress(OSError):
                self._files.flush()  # empties the index, so that the function is compiled and kept anew
            return None

    def save_overload(self, *signature_and_result: Any) -> None:
        with contextlib.suppress(OSError):  # no space left, a folder that may not be written
            self._files.save_overload(*signature_and_result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


@jit
def tally(uniforms: np.ndarray, keep: np.ndarray, own: np.ndarray, other: np.ndarray, counts: np.ndarray) -> None:
    """Add to `counts` one draw per uniform, by Walker's alias method.

    Parameters
    ----------
    uniforms : float64, shape (R, m)
        Numbers in [0, 1): row r belongs to repeat r.
    keep : float64, shape (K,)
        Share of slot k that stays with its own cell.
    own, other : int64, shape (K,)
        The two cells that share slot k.
    counts : int64, shape (R, cells)
        Added to in place.
    """
    slots = keep.size
    for r in range(uniforms.shape[0]):
        for i in range(uniforms.shape[1]):
            x = uniforms[r, i] * slots
            k = int(x)
            cell = own[k] if x - k < keep[k] else other[k]
            counts[r, cell] += 1


@jit
def risks(
    counts: np.ndarray,
    rho: np.ndarray,
    teacher: np.ndarray,
    init: np.ndarray,
    unvisited: np.ndarray,
    out: np.ndarray,
) -> None:
    """Total-variation risks of all learners, all from the same counts.

    Twin of the definitions in `kt_theory.learners` followed by `kt_theory.tv_risk`, without the detour through what a
    student can know: the missing mass is summed over the unseen labels, so it is exactly 0 once every label of
    positive probability was seen, where one minus the seen mass would leave a rounding of 1e-17.

    Parameters
    ----------
    counts : int64, shape (R, S, A)
        Count tables of R repeats.
    rho : float64, shape (S,)
    teacher, init : float64, shape (S, A)
    unvisited : float64, shape (S,)
        TV(init(.|s), teacher(.|s)): what an input costs as long as it was never visited.
    out : float64, shape (R, 5)
        Filled with the risks, columns as in `COLUMNS`.
    """
    S, A = teacher.shape
    for r in range(counts.shape[0]):
        sgl = ptl = sel = ful = add = 0.0
        for s in range(S):
            visits = 0
            weight = 0.0
            missing = 0.0
            heard_of = 0.0
            unseen = 0
            for a in range(A):
                c = counts[r, s, a]
                p = teacher[s, a]
                visits += c
                weight += c * p
                missing += p if c == 0 else 0.0
                heard_of += init[s, a] if c == 0 else 0.0
                unseen += 1 if c == 0 else 0
            if visits == 0:
                cost = rho[s] * unvisited[s]
                sgl += cost
                ptl += cost
                sel += cost
                ful += cost
                add += cost
                continue
            row_sgl = row_ptl = row_sel = row_add = 0.0
            c_add = 0.4 * np.sqrt(visits / (A - 1)) if A > 1 else 0.0
            total = visits + A * c_add
            flat = heard_of == 0.0
            even = missing / max(unseen, 1)
            for a in range(A):
                c = counts[r, s, a]
                p = teacher[s, a]
                row_sgl += abs(c / visits - p)
                row_add += abs((c + c_add) / total - p)
                row_ptl += abs(c * p / weight - p)
                # The share first: missing / heard_of would overflow where the init is as small as 1e-310.
                guess = even if flat else missing * (init[s, a] / heard_of)
                row_sel += abs(guess - p) if c == 0 else 0.0
            sgl += rho[s] * 0.5 * row_sgl
            ptl += rho[s] * 0.5 * row_ptl
            sel += rho[s] * 0.5 * row_sel
            add += rho[s] * 0.5 * row_add
        out[r, 0] = sgl
        out[r, 1] = ptl
        out[r, 2] = sel
        out[r, 3] = ful
        out[r, 4] = add


@jit
def moments(values: np.ndarray, mean: np.ndarray, squares: np.ndarray, nonzero: np.ndarray) -> None:
    """Mean, sum of squared deviations and number of non-zero entries of each column of `values`, shape (R, L).

    Two passes: a variance from a difference of sums would lose all its digits when the risk hardly varies. Both start
    from the first value, so that a risk that does not vary has that mean and no deviations, exactly.
    """
    R, L = values.shape
    for j in range(L):
        first = values[0, j]
        total = 0.0
        hits = 0
        for r in range(R):
            total += values[r, j] - first
            hits += 1 if values[r, j] != 0.0 else 0
        centre = first + total / R
        deviations = 0.0
        for r in range(R):
            deviations += (values[r, j] - centre) ** 2
        mean[j] = centre
        squares[j] = deviations
        nonzero[j] = hits
