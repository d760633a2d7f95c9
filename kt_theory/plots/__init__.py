"""Every matplotlib figure of the package: receipts in, pictures out. Theory is computed by `bounds`."""

from kt_theory.plots.curves import (
    LABEL,
    LOOK,
    OTHERS,
    draw_band,
    draw_curves,
    draw_exchange,
    draw_receipts,
    draw_teacher,
    draw_triangle,
    drawing,
    note,
)
from kt_theory.plots.others import ON_SIMPLEX, draw_gap, draw_laws, draw_plan, draw_shares, draw_simplex

__all__ = [
    "LABEL",
    "LOOK",
    "ON_SIMPLEX",
    "OTHERS",
    "draw_band",
    "draw_curves",
    "draw_exchange",
    "draw_gap",
    "draw_laws",
    "draw_plan",
    "draw_receipts",
    "draw_shares",
    "draw_simplex",
    "draw_teacher",
    "draw_triangle",
    "drawing",
    "note",
]
