"""Labels of annotators: counters and lists. A label that no annotator chose is absent; "" and "-" are no labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kt_theory import checks
from kt_theory.logs.reply import Counted, LeftOut, found, list_at

#: Fields that name an item, in the order of preference.
ITEMS = ("uid", "item", "item_id", "pairID", "task", "task_id", "id", "doc_id", "text", "input", "question")

#: What stands in the place of a label where there is none.
NO_LABELS = ("", "-")


def item_of(line: Mapping[str, Any]) -> str | None:
    """The name of the item of a line."""
    for field in ITEMS:
        value = line.get(field)
        if isinstance(value, str) or (type(value) is int and abs(value) <= checks.INT64_MAX):
            return str(value)
    return None


class Counters:
    """``label_counter``: label -> how many annotators chose it, as in ChaosNLI."""

    name = "label-counter"
    words = "label counters (label_counter)"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "label_counter"), dict)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Counted]:
        """The counts of an item."""
        counter = found(line, "label_counter")
        if not isinstance(counter, dict):
            raise LeftOut("label_counter is no object")
        labels = [(label, count, None) for label, count in counter.items()]
        if not any(type(count) is int and count > 0 for _, count, _ in labels):
            raise LeftOut("no label")
        yield Counted(line, item_of(line), labels)


class Annotators:
    """``annotator_labels``: a list of labels, one an annotator, as in SNLI."""

    name = "annotator-labels"
    words = "lists of annotators' labels (annotator_labels)"

    def recognises(self, line: Any) -> bool:
        """Whether a line is one of these."""
        return isinstance(found(line, "annotator_labels"), list)

    def replies(self, line: Mapping[str, Any]) -> Iterator[Counted]:
        """The counts of an item."""
        labels = list_at(line, "annotator_labels")
        if not all(label is None or isinstance(label, str) for label in labels):
            raise LeftOut("a label is no text")
        counter = Counter(label for label in labels if label is not None and label not in NO_LABELS)
        if not counter:
            raise LeftOut("no label")
        yield Counted(line, item_of(line), [(label, count, None) for label, count in counter.items()])
