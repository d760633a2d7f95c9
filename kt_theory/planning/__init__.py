"""How many samples: plans from sizes alone, from a teacher that is known, or from a pilot log.

`promises.py` answers, `worlds.py` draws the teachers that a pilot leaves possible, `searching.py` finds the least n.
"""

from kt_theory.planning.promises import Plan, plan

__all__ = ["Plan", "plan"]
