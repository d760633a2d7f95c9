"""What was found in a log: samples, lines left out and why, settings, and how well its values agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How many lines of each reason are kept by number.
LINES_KEPT = 1000

#: Reasons that depend on what the reply would have been.
FILTERS = ("content_filter", "refusal")

#: How many pairs are kept.
PAIRS_KEPT = 10**6

#: Settings of a sampler that are collected where a log states them.
SETTINGS = ("temperature", "top_p", "top_k", "min_p", "logprobs_mode")


@dataclass
class Report:
    """The account of a log; `as_dict` gives it as JSON does.

    Attributes
    ----------
    files, formats : list of str
        What was read, and as what.
    lines, replies, samples : int
        Lines with something on them, replies in these, and samples: records of a count above 0, with multiplicity.
    with_logprob : int
        Samples whose own log-probability is told.
    told_besides : int
        Pairs that were told without being drawn there, each value once.
    left_out : dict of str to Counter
        Reason -> how many lines or replies; `left_lines` has their places, the first thousand of each reason.
    fingerprints : Counter
        How many replies of each fingerprint of the model.
    largest_disagreement : float
        Of two log-probabilities of one pair, the largest difference, over the first million pairs.
    list_mass : [float, float, float]
        Least, mean and largest mass of the lists of most likely labels, where there are lists.
    notes : Counter
        Notes, and the number of replies of each.
    """

    files: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    lines: int = 0
    replies: int = 0
    samples: int = 0
    with_logprob: int = 0
    told_besides: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    left_lines: dict[str, list[str]] = field(default_factory=dict)
    fingerprints: Counter[str] = field(default_factory=Counter)
    largest_disagreement: float = 0.0
    list_mass: list[float] | None = None
    notes: Counter[str] = field(default_factory=Counter)
    _lists: int = 0
    _stated: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def leave_out(self, reason: str, place: str) -> None:
        """Count a line or reply that holds no sample."""
        self.left_out[reason] += 1
        if reason in FILTERS:
            self.notes["a reply was filtered or refused: what remains is not drawn from the teacher alone"] += 1
        places = self.left_lines.setdefault(reason, [])
        if len(places) < LINES_KEPT:
            places.append(place)

    def add_settings(self, settings: Mapping[str, Any]) -> None:
        """Count the settings of a reply's sampler."""
        values = tuple(map(settings.get, SETTINGS))
        try:
            self._stated[values] += 1
        except TypeError:  # a value is a list or an object: no setting
            return

    @property
    def settings(self) -> dict[str, Counter[str]]:
        """Stated temperature, top_p, top_k, ..., and how many replies state each value."""
        found: dict[str, Counter[str]] = {}
        for values, number in self._stated.items():
            for name, value in zip(SETTINGS, values, strict=True):
                if value is not None:
                    key = repr(float(value)) if type(value) in (int, float) else str(value)
                    found.setdefault(name, Counter())[key] += number
        return found

    def add_list(self, mass: float) -> None:
        """Count a list of most likely labels by its mass."""
        if self.list_mass is None:
            self.list_mass = [mass, 0.0, mass]
        found = self.list_mass
        self._lists += 1
        if mass < found[0]:
            found[0] = mass
        found[1] += (mass - found[1]) / self._lists
        if mass > found[2]:
            found[2] = mass

    @property
    def values(self) -> str:
        """Whether log-probabilities are those that labels were drawn with.

        "stated": by the log-probability mode of the server; "inferred": the sampler that every reply states changes
        nothing (temperature 1, no truncation); else "unknown".
        """
        stated = {name: set(values) for name, values in self.settings.items()}
        if "logprobs_mode" in stated:
            return "stated: " + ", ".join(sorted(stated["logprobs_mode"]))
        plain = {"temperature": {"1.0"}, "top_p": {"1.0"}, "top_k": {"0.0", "-1.0"}, "min_p": {"0.0"}}
        by_all = sum(self.settings.get("temperature", {}).values()) == self.replies
        if by_all and stated.get("temperature") == {"1.0"} and all(stated[name] <= plain[name] for name in stated):
            return "inferred: at temperature 1 without truncation, raw and processed values agree"
        return "unknown"

    def sentences(self) -> list[str]:
        """What was left out and why, and what is to be said, with how many lines or replies each is about."""
        said = []
        for reason, number in self.left_out.most_common():
            some = ", ".join(self.left_lines[reason][:3]) + (", ..." if number > 3 else "")
            said.append(f"left out, {reason}: {number} ({some})")
        return [*said, *(f"{note}: {number}" for note, number in self.notes.items())]

    def as_dict(self) -> dict[str, Any]:
        """The account as plain data."""
        settings = self.settings
        return {
            "files": self.files,
            "formats": self.formats,
            "lines": self.lines,
            "replies": self.replies,
            "samples": self.samples,
            "share of samples with a log-probability": self.with_logprob / self.samples if self.samples else None,
            "told without being drawn": self.told_besides,
            "left out": {
                reason: {"number": number, "lines": self.left_lines[reason]}
                for reason, number in self.left_out.most_common()
            },
            **{name: dict(settings[name]) for name in SETTINGS if name in settings},
            "values": self.values,
            "fingerprints": dict(self.fingerprints),
            "largest disagreement of two log-probabilities of a pair": self.largest_disagreement,
            "mass of the lists (least, mean, largest)": self.list_mass,
            "notes": dict(self.notes),
        }
