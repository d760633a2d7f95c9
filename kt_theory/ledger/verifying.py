"""`verify`: which statements, how hard, and the table of what was found."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Sequence
from typing import Any

import pandas as pd

from kt_theory import checks
from kt_theory.files import check_writable
from kt_theory.ledger.entries.registry import STATEMENTS
from kt_theory.ledger.report.page import write_report
from kt_theory.ledger.statement import EFFORTS, KINDS, Level, Statement, effort
from kt_theory.ledger.verdicts import Verdict, Watcher, try_all


def verify(
    level: Level = "quick",
    statements: str | Statement | Sequence[str | Statement] | None = None,
    *,
    seed: int = 1,
    planted: bool = True,
    report: str | os.PathLike[str] | None = None,
    progress: bool | Watcher = False,
) -> pd.DataFrame:
    """Attack the statements of the theory, and say what stands.

    Parameters
    ----------
    level : {"quick", "full"}
        A minute, or up to twenty.
    statements : str, Statement, or a sequence of them, optional
        Ids of the ledger, their beginnings ("zz-3.2" is all parts of that theorem), or statements of one's own
        (`kt_theory.ledger.upper_bound`); all of the ledger if not given.
    seed : int
        Of random problems, hill climbing and simulation: one seed gives the same verdicts and ratios.
    planted : bool
        Whether planted errors are tried as well: each must be found.
    report : path, optional
        Where to write one self-contained HTML page.
    progress : bool or callable
        True shows how far it is: a bar on a terminal, a line every ten seconds elsewhere. A callable is called after
        each statement as ``progress(done, total, verdict)``.

    Returns
    -------
    DataFrame
        A row per statement: id, source, words, grade, status; verdict ("proved at points", "holds", "refuted",
        "vacuous", "does not imply", "open", "not applicable"); as_expected (a slip of the paper is expected to fail);
        ratio (the largest lhs / rhs met, 1 where the statement is attained) and where it was met; the number of trials
        of each kind: exact, certified, search, simulation, algebra; silent (trials outside the regime); planted errors
        and how many were caught; survivors; alarm (probability that a true statement is refuted by bad luck); seconds.

    Raises
    ------
    ValueError
        For an unknown level, unknown statements (with ids that are alike), a report that cannot be written, or two
        different statements of one id.

    Examples
    --------
    >>> board = verify(statements="zz-E.5")
    >>> board[["id", "verdict", "ratio"]].round(3).values.tolist()[0]
    ['zz-E.5', 'holds', 1.0]
    """
    tried = effort(checks.one_of("level", level, tuple(EFFORTS)), checks.whole_number("seed", seed))
    wanted = chosen(statements)
    if report is not None:
        check_writable(report, ".html")
    planted = checks.flag("planted", planted)
    if not callable(progress):
        progress = checks.flag("progress", progress)
    verdicts = list(try_all(wanted, tried, planted=planted, progress=progress))
    if report is not None:
        write_report(verdicts, tried, report)
    return as_frame(verdicts)


def chosen(statements: str | Statement | Sequence[str | Statement] | None) -> list[Statement]:
    """The statements meant by ids, beginnings of ids, or statements themselves."""
    if statements is None:
        return list(STATEMENTS.values())
    one_alone = isinstance(statements, (str, Statement))
    wanted = [statements] if one_alone else checks.entries("statements", statements, "ids or statements")
    found: dict[str, Statement] = {}
    unknown = []
    for one in wanted:
        if isinstance(one, Statement):
            if found.setdefault(one.id, one) is not one:
                raise ValueError(f"two statements have the id {one.id!r}: ids must differ")
            continue
        under = {id: s for id, s in STATEMENTS.items() if isinstance(one, str) and one and id.startswith(one)}
        under = {one: under[one]} if isinstance(one, str) and one in under else under
        found.update(under)
        if not under:
            unknown.append(one)
    if unknown:
        told = [f"statement {checks.shown(one)} is not in the ledger; {_alike(one)}" for one in unknown]
        raise ValueError("; ".join(told))
    return list(found.values())


def _alike(one: object) -> str:
    """Ids that look like what was asked for; if none do, how ids begin."""
    asked = one.casefold()[:60] if isinstance(one, str) else ""
    ids = {id.casefold(): id for id in STATEMENTS}
    near = difflib.get_close_matches(asked, ids, n=3, cutoff=0.6)
    near += [id for id in ids if asked and asked in id and id not in near][: 3 - len(near)]
    if near:
        return f"ids like it are {', '.join(ids[id] for id in near)}"
    beginnings = dict.fromkeys(id.partition("-")[0] + "-" for id in STATEMENTS)
    return f"ids begin with {', '.join(beginnings)}"


def as_frame(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Verdicts as a DataFrame, a row each."""
    rows: list[dict[str, Any]] = []
    for verdict in verdicts:
        statement = verdict.statement
        rows.append(
            {
                "id": statement.id,
                "source": statement.source,
                "words": statement.words,
                "grade": statement.grade,
                "status": statement.status,
                "verdict": str(verdict.verdict),
                "as_expected": verdict.as_expected,
                "ratio": math.nan if verdict.worst is None else verdict.worst.ratio,
                "where": "" if verdict.worst is None else verdict.worst.where,
                **{kind: verdict.counts[kind] for kind in KINDS},
                "silent": verdict.silent,
                "mended": verdict.mended,
                "planted": verdict.planted,
                "caught": verdict.caught,
                "survivors": "; ".join(verdict.survivors),
                "alarm": verdict.alarm,
                "seconds": verdict.seconds,
            }
        )
    return pd.DataFrame(rows)
