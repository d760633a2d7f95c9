# Two commands: `make reproduce` draws the rate plots, `make test` passes the tests. Each makes the virtual
# environment first if need be. On a fresh machine they need git, make and python3 with venv, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRA ?= dev
JOBS ?= auto
TORCH ?= torch

# Python compiles what it imports and keeps it: not to compile all that is installed halves the time of an installation.
# Where the environment says that nothing is kept, every process that the tests start compiles NumPy, SciPy, pandas and
# numba anew, which doubles their time.
export PYTHONDONTWRITEBYTECODE :=
PIP := --quiet --disable-pip-version-check --no-compile

.PHONY: help reproduce reproduce-full test test-core test-floors test-slow test-torch bench lessons docs paper paper-results wheel check clean

help:
	@echo "make reproduce       all figures at quick size, and the table of slopes and bounds (two minutes of CPU time)"
	@echo "make reproduce-full  the same at full size: 64,000 repeats a point in figure 2 (a few minutes)"
	@echo "make test            the test suite, the documentation's examples, the linters"
	@echo "make check           the linters alone"
	@echo "make test-core       the tests that other versions of Python and of the libraries might break (two minutes)"
	@echo "make test-floors     the same at the lowest versions that pyproject.toml allows, in .venv-floors"
	@echo "make test-slow       the studies behind the marker 'slow'"
	@echo "make test-torch      the losses for PyTorch, and the examples of docs/training.md, in .venv-torch (a minute)"
	@echo "make bench           speed, as ratios against plain NumPy, SciPy and json"
	@echo "make lessons         the notebooks of the lessons, executed, into docs/lessons"
	@echo "make docs            the documentation as a site, into build/site: no warning, no broken link (a few minutes)"
	@echo "make wheel           the package as one file, into dist/"
	@echo "make paper           the report, paper/paper.pdf, from the committed results"
	@echo "make paper-results   the results that only the report reads, anew: its numbers, the ledger and its page (four minutes)"

# The stamp is as new as the newest file that decides what is installed.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP) --editable '.[$(EXTRA)]' --constraint constraints.txt
	touch $@

reproduce: $(VENV)/.installed
	$(BIN)/kt-theory reproduce all --simulate --quick

reproduce-full: $(VENV)/.installed
	$(BIN)/kt-theory reproduce all --simulate

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow"

# A worker for a file: what its tests compile is compiled once. What numba keeps is kept in the environment, since another
# version of numba takes no notice of it, and would write over it.
test-core: $(VENV)/.installed
	NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)/compiled $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "core and not slow"

.venv-floors/.installed: pyproject.toml .ci/floors.py
	$(PYTHON) -m venv .venv-floors
	$(PYTHON) .ci/floors.py > .venv-floors/constraints.txt
	.venv-floors/bin/python -m pip install $(PIP) --editable '.[core]' --constraint .venv-floors/constraints.txt
	touch $@

test-floors: .venv-floors/.installed
	NUMBA_CACHE_DIR=$(CURDIR)/.venv-floors/compiled .venv-floors/bin/python -m pytest -n $(JOBS) --dist loadfile -m "core and not slow"

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(JOBS) -m slow

# The extra has an environment of its own, at the versions that pip finds: what torch needs does not go with all of
# constraints.txt. TORCH=torch==2.13.0 asks for one version; PIP_EXTRA_INDEX_URL may name an index of builds without CUDA.
.venv-torch/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install $(PIP) --editable '.[torch]' \
	  $(TORCH) pytest pytest-xdist scikit-learn transformers accelerate trl
	touch $@

test-torch: .venv-torch/.installed
	.venv-torch/bin/python -m pytest -k 'training or losses_torch' tests/test_training.py tests/test_losses_torch.py \
	  tests/test_docs.py kt_theory/training

check: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python tests/benchmarks/bench_simulate.py
	$(BIN)/python tests/benchmarks/bench_sparse.py
	$(BIN)/python tests/benchmarks/bench_exact.py
	$(BIN)/python tests/benchmarks/bench_study.py
	$(BIN)/python tests/benchmarks/bench_audit.py
	$(BIN)/python tests/benchmarks/bench_losses.py
	$(BIN)/python tests/benchmarks/bench_logs.py

lessons: $(VENV)/.installed
	$(BIN)/python simulations/lessons/build.py

# Sphinx has an environment of its own: nothing else needs it.
.venv-docs/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install $(PIP) --editable '.[docs]' --constraint constraints.txt
	touch $@

docs: .venv-docs/.installed
	.venv-docs/bin/python docs/site/build.py

wheel: $(VENV)/.installed
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

paper: $(VENV)/.installed
	$(BIN)/python paper/build.py

paper-results: $(VENV)/.installed
	$(BIN)/python simulations/paper_numbers.py
	$(BIN)/kt-theory verify --out figures/ledger.csv --report docs/ledger.html
	$(BIN)/python simulations/timings.py

clean:
	rm -rf $(VENV) .venv-floors .venv-torch .venv-docs build .pytest_cache .mypy_cache .ruff_cache .hypothesis figures/quick figures/exact
