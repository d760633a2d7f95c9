"""What a check found: a verdict on one question, its evidence, and how many records would settle it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The questions, in the order in which they are answered.
QUESTIONS = {
    "sampled": "sampled from the stated probabilities?",
    "greedy": "greedy?",
    "truncated": "truncated (top-p, top-k)?",
    "temperature": "raw or processed, at which temperature?",
    "sums": "one input summing above 1?",
    "values": "one pair with two values?",
    "repeats": "repeated lines?",
    "names": "names that stand for several labels?",
    "annotators": "annotators agree more than independent draws?",
}


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes
    ----------
    question : str
        A key of `QUESTIONS`.
    verdict : str
        A few words; "cannot tell" where the log holds too little.
    evidence : str
        What the verdict rests on.
    alarm : bool
        Whether the log should not be used as it is.
    needed : int or None
        How many records like these would settle it; None where it is settled, or where no number would.
    numbers : mapping
        The numbers in the words of the evidence.
    """

    question: str
    verdict: str
    evidence: str
    alarm: bool = False
    needed: int | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        need = f"; about {self.needed} records like these would settle it" if self.needed is not None else ""
        return f"{QUESTIONS[self.question]}  {self.verdict}: {self.evidence}{need}"


@dataclass(frozen=True)
class LogCheck:
    """The findings on a log, in the order of the questions; `str` gives a line for each.

    Attributes
    ----------
    findings : tuple of Finding
    """

    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, question: str) -> Finding:
        return next(finding for finding in self.findings if finding.question == question)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are an alarm: the log should not be used as it is."""
        return tuple(finding for finding in self.findings if finding.alarm)

    def to_json(self) -> str:
        """The findings as JSON; what is not finite is null."""
        return json.dumps(
            [
                {
                    "question": finding.question,
                    "asks": QUESTIONS[finding.question],
                    "verdict": finding.verdict,
                    "alarm": finding.alarm,
                    "evidence": finding.evidence,
                    "records_needed": finding.needed,
                    "numbers": {name: _plain(value) for name, value in finding.numbers.items()},
                }
                for finding in self.findings
            ],
            indent=2,
        )


def _plain(value: Any) -> Any:
    """A finite number, or None: JSON has no other."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
