"""Which tests are `core`, those that other versions of Python and of libraries might break; and which go together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kt_theory.ledger.statement import EFFORTS

#: Draws, kernels, special functions, file formats, figures, the command line; without the long tables of values.
CORE = (
    *("test_cli_printed", "test_divergences", "test_kernels", "test_learners", "test_packaging", "test_plots"),
    *("test_problem", "test_protocol", "test_protocols", "test_rates", "test_sampling", "test_tables"),
)

#: Tests of other files that are core: exact risks of whole problems, and studies that are stored and read again.
CORE_TESTS = (
    ("test_exact_closed", "whole_problems"),
    ("test_montecarlo", "same_bytes"),
    ("test_statements", "predicate_is_what"),
    ("test_study_folder", "receipts"),
    ("test_study_versions", ""),
)

#: Tests of core files that are not core: long searches and studies of a method, which ask the same of all versions, and
#: whole commands for whose sake many loops would be compiled that no other test of the core needs.
NOT_CORE = (
    *(
        "learner_minimises_its_loss",
        "planted_wrong_learners",
        "standard_errors_are_the_scatter",
        "noise_is_still_covered",
    ),
    *("drift_and_wave", "test_reproduce", "test_minimax", "test_no_encoding_stops", "a_full_output_is_named"),
    *("a_truncated_file", "style_is_left", "learners_of_ones_own_have_a_look", "exchange_is_exact"),
    *("the_same_figure", "no_place_on_a_logarithmic", "legend_has_one_order", "comes_back_to_the_last_bit"),
    *("planted_fits", "relabelling_inputs_and_labels", "tables_fit_a_narrow", "test_study_replay", "test_limit"),
    "simulate_with_controls",
)

#: Files whose tests use the same compiled functions: one worker compiles and loads them, not each.
TOGETHER = ("test_exact_", "test_minimax_", "test_kernels", "test_learners", "test_greedy", "test_own", "test_told")


#: A climb of the ledger has 250 steps at the level quick: a fifth finds the same places for all statements but one.
#: `make test-slow` takes the whole climb.
EFFORTS["quick"]["steps"] //= 5


#: What commands print does not depend on who runs the tests: pytest-xdist tells its workers the width of the terminal.
os.environ.pop("COLUMNS", None)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give what belongs together to one worker, before pytest-xdist looks at it."""
    for start in TOGETHER:
        if item.path.stem.startswith(start):
            item.add_marker(pytest.mark.xdist_group(start))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what has no test that is core, which is most of what takes time to read."""
    if config.option.markexpr != "core and not slow" or collection_path.suffix != ".py":
        return None
    stems = {"conftest", *CORE, *(file for file, _ in CORE_TESTS)}
    return collection_path.parent != Path(__file__).parent or collection_path.stem not in stems or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them."""
    for item in items:
        here = item.path.parent == Path(__file__).parent
        core = item.path.stem in CORE and not any(words in item.name for words in NOT_CORE)
        if here and (core or any(item.path.stem == file and words in item.name for file, words in CORE_TESTS)):
            item.add_marker("core")
