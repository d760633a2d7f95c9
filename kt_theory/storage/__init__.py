"""Which k numbers of a teacher's row to store: ``tails.py`` says what the labels that are left out cost."""

from kt_theory.storage.tails import Cost, TailCost, tail_cost

__all__ = ["Cost", "TailCost", "tail_cost"]
