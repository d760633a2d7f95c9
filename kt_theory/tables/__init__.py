"""Teachers, transfer records and students as tables: text files, Parquet files, DataFrames.

A teacher is a table in one of two shapes:

long
    columns ``state``, ``action`` and one of ``probability``, ``logprob`` (natural) and ``count``; optionally ``rho``,
    the law of the inputs, repeated on every row of its state. A pair that is not listed has probability 0.
wide
    first column ``state``, optionally ``rho``; every other column is a label and holds its probabilities.

States and labels come in the order of their first appearance. Short column names (``s``, ``a``, ``p``) and capital
letters are understood as in `kt_theory.TransferSet.from_records`, but that one capital letter names a label of a wide
table. Other columns of a long table are left alone, and a warning names them; one that may be a weight is refused.

Files are read from ``.csv``, ``.tsv``, both also with ``.gz``, and ``.parquet``, or, where the path is ``-``, from
standard input; ``.csv`` and ``.parquet`` are written. A text file is UTF-8 with commas or tabs, double quotes and one
header line. Numbers are read and written to the last bit. Names are text in every form ("007", "nan", "<NA>",
""); in a text file a cell that is empty and not in quotes is a missing name, and so is a null of Parquet. Bytes of
Parquet are the text that they spell in UTF-8, or else in escapes.

Errors name the lines of a text file, the header counted, and the rows of a Parquet file or DataFrame, counted from 1;
the bad ones are reported together.

Names are written as they are, so that a file comes back to the last bit. A spreadsheet takes a cell that begins with
``=``, ``+``, ``-`` or ``@`` for a formula: import a file whose names you do not trust as text.
"""

from __future__ import annotations

from kt_theory.tables.audits import audit_file
from kt_theory.tables.names import read_names
from kt_theory.tables.reading import read_table
from kt_theory.tables.records import read_records
from kt_theory.tables.sources import SUFFIXES
from kt_theory.tables.students import read_init, write_students
from kt_theory.tables.teachers import TEACHER_COLUMNS, bundled_teacher, read_teacher, teacher_from_frame, write_teacher
from kt_theory.tables.writing import write_table

__all__ = [
    "SUFFIXES",
    "TEACHER_COLUMNS",
    "audit_file",
    "bundled_teacher",
    "read_init",
    "read_names",
    "read_records",
    "read_table",
    "read_teacher",
    "teacher_from_frame",
    "write_students",
    "write_table",
    "write_teacher",
]
