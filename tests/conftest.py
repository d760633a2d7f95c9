"""Which tests are `core`: those that other versions of Python and of the libraries might break."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Draws, kernels, special functions, file formats, figures, the command line; without the long tables of values.
CORE = (
    *("test_architecture", "test_cli", "test_docs", "test_kernels", "test_learners", "test_montecarlo"),
    *("test_packaging", "test_plots", "test_problem", "test_protocol", "test_public", "test_rates", "test_sampling"),
    *("test_study_folder", "test_tables"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them."""
    for item in items:
        whole_problems = item.path.stem == "test_exact_closed" and "whole_problems" in item.name
        if item.path.parent == Path(__file__).parent and (item.path.stem in CORE or whole_problems):
            item.add_marker("core")
