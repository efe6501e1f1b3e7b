# Two commands do all set-up: `make run` and `make test`. They need Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
ARGS ?=
SEED ?= 1
MINUTES ?= 60
WHEELS ?=

.PHONY: run test check bench chaos gpu mutants format screenshots clean help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/.run  ## set up and run the quick campaign (ARGS="campaigns/deep.toml --no-ui" for another)
	$(BIN)/cqltui $(or $(ARGS),campaigns/quick.toml)

test: export PYTHONDONTWRITEBYTECODE :=  # else hundreds of processes compile the same files anew
test: $(VENV)/.dev  ## set up and run the whole test suite (ARGS="-k name" for a part)
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench  ## speed beside a plain loop, d3rlpy and JAX, and of the queue, some ten minutes (ARGS="--rows ten wide")
	$(BIN)/python -m pytest -q -n 0 tests/benchmarks/same_training.py
	$(BIN)/python -m tests.benchmarks.run $(ARGS)
	$(BIN)/python -m tests.benchmarks.overhead
	$(BIN)/python -m tests.benchmarks.queue

chaos: $(VENV)/.dev  ## real campaigns under random faults, an hour: was anything lost? (SEED=1 MINUTES=60)
	$(BIN)/python -m tests.chaos.run --seed $(SEED) --minutes $(MINUTES) $(ARGS)

mutants: $(VENV)/.dev  ## which wrong code would pass? Some 15 minutes (ARGS="--room data --seed 3 --sample 40")
	$(BIN)/python -m tests.mutants.run $(ARGS)

gpu:  ## is training right and fast on this machine's GPU? eight minutes at most, no installation (PYTHON=python3 WHEELS=folder)
	$(PYTHON) -m tests.gpu.run $(if $(WHEELS),--wheels $(WHEELS)) $(ARGS)

format: $(VENV)/.dev  ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/.dev  ## draw the pictures that the screen tests compare with anew
	UPDATE_SCREENSHOTS=1 $(BIN)/python -m pytest tests/ui

clean:  ## remove the environment and the caches; runs/ stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "cqltui needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing the pinned dependencies into $(VENV) (PyTorch is large; this happens once)"
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) -e '.[bench]'
	@touch $@
