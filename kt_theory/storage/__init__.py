"""Which k numbers of a teacher's row to store.

``tails.py`` says what the labels cost that a list leaves out; ``choosing.py`` compares lists, draws and both on a
teacher; ``logged.py`` makes a teacher of a log.
"""

from kt_theory.storage.choosing import STORAGES, best_storage
from kt_theory.storage.logged import PlugIn, plug_in
from kt_theory.storage.tails import Cost, TailCost, tail_cost

__all__ = ["STORAGES", "Cost", "PlugIn", "TailCost", "best_storage", "plug_in", "tail_cost"]
