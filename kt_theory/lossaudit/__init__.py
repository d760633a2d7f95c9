"""What a student becomes under a loss, with the evidence: `audit` of a loss of the atlas or of a pasted function."""

from kt_theory.lossaudit.report import Audit, audit

__all__ = ["Audit", "audit"]
