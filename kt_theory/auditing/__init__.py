"""How good a student is, from samples: with fresh ones that a teacher scores, or from its own training records.

``certificate.py`` audits any student, a table or not, by samples with both probabilities; ``training.py`` estimates and
bounds the risk of the package's students from what they were fitted on. Hard labels allow neither.
"""

from kt_theory.auditing.certificate import StudentAudit, audit_columns, audit_student
from kt_theory.auditing.training import FreeBound, SelfAudit, free_bound, self_audit

__all__ = [
    "FreeBound",
    "SelfAudit",
    "StudentAudit",
    "audit_columns",
    "audit_student",
    "free_bound",
    "self_audit",
]
