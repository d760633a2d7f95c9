"""Teachers, transfer records and students as tables: CSV files, Parquet files, DataFrames.

A teacher is a table in one of two shapes:

long   columns ``state``, ``action`` and either ``probability`` or ``count``; optionally ``rho``, the law of the inputs,
       repeated on every row of its state. A pair that is not listed has probability 0.
wide   first column ``state``, optionally ``rho``; every other column is a label and holds its probabilities.

States and labels come in the order of their first appearance. Short column names (``s``, ``a``, ``p``) are understood
as in `kt_theory.TransferSet.from_records`; columns beyond these are left alone in a long table.

Names are text whatever they look like ("007", "nan"), and numbers are read and written to the last bit. A CSV file is
UTF-8 text with commas, double quotes and one header line. Errors count lines from 1, the first below the header.
"""

from __future__ import annotations

from kt_theory.tables.names import read_names
from kt_theory.tables.reading import read_table
from kt_theory.tables.records import read_records
from kt_theory.tables.sources import SUFFIXES
from kt_theory.tables.students import write_students
from kt_theory.tables.teachers import TEACHER_COLUMNS, bundled_teacher, read_teacher, teacher_from_frame, write_teacher
from kt_theory.tables.writing import write_table

__all__ = [
    "SUFFIXES",
    "TEACHER_COLUMNS",
    "bundled_teacher",
    "read_names",
    "read_records",
    "read_table",
    "read_teacher",
    "teacher_from_frame",
    "write_students",
    "write_table",
    "write_teacher",
]
