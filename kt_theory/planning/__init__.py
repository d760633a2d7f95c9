"""How many samples: plans from sizes alone, from a teacher that is known, or from a pilot log.

`promises.py` makes plans, `worlds.py` draws the teachers that a pilot leaves possible, `searching.py` finds the least
n. `annotations.py` plans further annotations of the items of a pilot.
"""

from kt_theory.planning.annotations import AnnotationPlan, plan_annotations
from kt_theory.planning.promises import Plan, plan

__all__ = ["AnnotationPlan", "Plan", "plan", "plan_annotations"]
