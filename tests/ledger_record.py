"""What a run of the ledger tries, in a few numbers per statement: the places, both sides, and what is planted.

The record is no evidence that a statement holds: it says that an attack goes where it went, and that a planted error is
the one that it was. `python tests/ledger_record.py` writes it anew, in a minute or two; a change of it is to be wanted.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kt_theory.ledger.statement import Claim, Effort, Statement, Trial, effort
from kt_theory.ledger.verdicts import try_all
from kt_theory.ledger.verifying import chosen

#: The record, and the calls of a claim at most that its planted errors are asked for as well.
RECORD, CALLS = Path(__file__).parent / "data" / "ledger_record.csv", 24


class Recorder:
    """Statements that behave as before, and what was tried of them."""

    def __init__(self) -> None:
        self.trials: dict[str, list[Trial]] = {}
        self.calls: dict[str, list[dict[str, Any]]] = {}
        self.statements: dict[str, Statement] = {}

    def listening(self, statement: Statement) -> Statement:
        """The statement, whose trials and calls are kept while its own claim is tried."""
        self.statements[statement.id] = statement
        right, check = statement.claim, statement.check
        if check is None or not callable(right):
            return statement
        heard = self.calls[statement.id] = []
        number = 0

        @functools.wraps(right)
        def claim(**place: Any) -> Any:
            nonlocal number
            number += 1
            # The first ones, and later ones ever further apart.
            if len(heard) < CALLS and (number <= 8 or number >= 1.3 ** len(heard)):
                heard.append(place)
            return right(**place)

        def listened(tried_claim: Claim, tried: Effort) -> Iterator[Trial]:
            if tried_claim is not claim:
                yield from check(tried_claim, tried)
                return
            kept = self.trials[statement.id] = []
            for trial in check(tried_claim, tried):
                kept.append(trial)
                yield trial

        return dataclasses.replace(statement, claim=claim, check=listened)

    def table(self) -> pd.DataFrame:
        """A row for each statement and each planted error."""
        rows = []
        for id, statement in self.statements.items():
            if id not in self.trials:
                continue
            rows.append({"id": id, "what": "trials", **sides(self.trials[id])})
            for error in [*statement.planted, *([statement.mended] if statement.mended else [])]:
                claim, words = (error.claim, error.words) if hasattr(error, "words") else (error, "the mended form")
                rows.append({"id": id, "what": words, **answers(claim, self.calls[id])})
        return pd.DataFrame(rows)


def sides(trials: list[Trial]) -> dict[str, float]:
    """Of places that are not searched for: number, names and n as a checksum, and means of both sides.

    What a search finds depends on the last bits, so that its places have names and no sides. Means of logarithms weigh
    all sizes alike; of the left sides those below what the trial allows for are rounding.
    """
    # A quantile that a search found jumps where it jumps.
    names = {re.sub(r"delta=.*", "", t.where) if t.kind == "search" else f"{t.where} {t.n:g} {t.asks}" for t in trials}
    fixed = [t for t in trials if t.kind != "search"]
    large = [t.lhs for t in fixed if t.kind != "algebra" and math.isfinite(t.lhs) and t.lhs > 1e6 * t.error + 1e-9]
    return {
        "count": len(fixed),
        "names": zlib.crc32("\n".join(sorted(names)).encode()),
        "left": math.fsum(t.lhs for t in fixed if math.isfinite(t.lhs) and abs(t.lhs) < 1e6) / max(len(fixed), 1),
        "logs": mean_log(large),
        "right": mean_log(t.rhs for t in fixed),
        "errors": mean_log(t.error for t in fixed),
    }


def answers(claim: Claim, calls: list[dict[str, Any]]) -> dict[str, float]:
    """Of what a claim answers where the right one was called: how many numbers, and mean logarithms of either sign."""
    found: list[float] = []
    for place in calls:
        try:
            found += numbers(claim(**place))
        except (ArithmeticError, ValueError, TypeError):  # the check does not go there
            found.append(math.nan)
    return {"count": len(found), "right": mean_log(found), "left": mean_log(-x for x in found)}


def numbers(value: Any) -> list[float]:
    """All numbers in an answer."""
    if isinstance(value, (list, tuple)):
        return [x for part in value for x in numbers(part)]
    if isinstance(value, np.ndarray):
        return value.astype(float).ravel().tolist()
    return [float(value)] if hasattr(value, "__float__") else []


def mean_log(values: Iterable[float]) -> float:
    """The mean logarithm of the positive finite ones plus how many they are, to tell apart sets of other sizes."""
    kept = [math.log(x) for x in values if 1e-300 < x < math.inf]
    return math.fsum(kept) / max(len(kept), 1) + len(kept)


if __name__ == "__main__":
    recorder, quick = Recorder(), effort()
    # As in conftest.py.
    for _ in try_all(
        [recorder.listening(one) for one in chosen(None)],
        dataclasses.replace(quick, steps=quick.steps // 5),
        planted=False,
    ):
        pass
    recorder.table().to_csv(RECORD, index=False, float_format="%.12g", lineterminator="\n")
