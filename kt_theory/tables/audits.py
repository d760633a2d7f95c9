"""Audits of students from files of samples."""

from __future__ import annotations

import os

from kt_theory.auditing.certificate import PROBABILITIES, Source, StudentAudit, audit_columns
from kt_theory.records.columns import COLUMNS
from kt_theory.tables.reading import read_columns
from kt_theory.tables.sources import checked_path, name_of_source, speaking_of

#: Columns that are read where they are the only one, for the sentence that says what else an audit needs.
_ALONE = frozenset(name for role in PROBABILITIES for name in COLUMNS[role])


def audit_file(
    path: str | os.PathLike[str], *, sampled: Source = "teacher", delta: float = 0.05, seed: int = 0
) -> StudentAudit:
    r"""`kt_theory.audit_student` on a text or Parquet file of samples.

    Parameters
    ----------
    path : path_like
        A file that `read_table` reads, or "-" for standard input, with the columns of `kt_theory.audit_student`.
    sampled, delta, seed
        As in `kt_theory.audit_student`.

    Returns
    -------
    StudentAudit

    Raises
    ------
    ValueError
        Whatever `read_table` and `kt_theory.audit_student` refuse; the message names the file and, if it is text, its
        lines, the header counted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "samples.csv"
    ...     _ = path.write_text("p,q\n0.5,0.25\n0.25,0.5\n")
    ...     audit = audit_file(path)
    >>> audit.tv
    0.25
    """
    with speaking_of(checked_path(path)):
        table = read_columns(path, alone=_ALONE)
        audit = audit_columns(table, sampled=sampled, delta=delta, seed=seed)
    table.tell(name_of_source(path))
    return audit
