"""How long a self-audit takes: ``python bench_audit.py``. Prints processor seconds for 1e7 records, without reading.

20,000 inputs of 500 records each, 5,000 labels of Zipf rows: a sparse transfer set of some 4e6 pairs.
"""

from __future__ import annotations

import time

import numpy as np

import kt_theory as kt


def main() -> None:
    """Print the figures."""
    S, A, each = 20_000, 5000, 500
    row = np.arange(1, A + 1.0) ** -1.1
    row /= row.sum()
    labels = np.random.default_rng(0).choice(A, size=S * each, p=row)
    keys, counts = np.unique(np.repeat(np.arange(S), each) * A + labels, return_counts=True)
    drawn = kt.SparseTable.of_keys(keys, counts.astype(np.int64), (S, A), np.zeros(S))
    told = kt.SparseTable.of_keys(keys, row[keys % A], (S, A), np.full(S, np.nan))
    names = (tuple(map(str, range(S))), tuple(map(str, range(A))))
    data = kt.TransferSet(kt.PROTOCOLS["partial"], drawn, told, *names)
    start = time.process_time()
    audit = kt.self_audit(data)
    print(f"self-audit of {audit.n:.0e} records, {keys.size} pairs: {time.process_time() - start:.2f} s; {audit}")


if __name__ == "__main__":
    main()
