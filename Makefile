# Two commands do all set-up: `make run` and `make test`. They need Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# What is installed is in locks/, file by file with its SHA-256. PyTorch's builds differ by platform: it goes by version.
LOCKED := $(PIP) --require-hashes --no-deps -r
TOOLS := build/tools
ARGS ?=
SEED ?= 1
MINUTES ?= 60
WHEELS ?=
RUN ?= runs/quick

.PHONY: run test check bench scale chaos cluster gpu science mutants audit lock format docs screenshots demo clean help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/.run  ## set up and run the quick campaign (ARGS="campaigns/deep.toml --no-ui" for another)
	$(BIN)/cqltui $(or $(ARGS),campaigns/quick.toml)

test: export PYTHONDONTWRITEBYTECODE :=  # else hundreds of processes compile the same files anew
test: export OPENBLAS_NUM_THREADS := 1  # else each process starts a thread that waits busily for work
test: $(VENV)/.dev  ## set up and run the whole test suite (ARGS="-k name" for a part)
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench  ## speed beside a plain loop, d3rlpy and JAX, of the queue, of judging and of the ETA, some ten minutes (ARGS="--rows ten wide")
	$(BIN)/python -m pytest -q -n 0 tests/benchmarks/same_training.py
	$(BIN)/python -m tests.benchmarks.run $(ARGS)
	$(BIN)/python -m tests.benchmarks.overhead
	$(BIN)/python -m tests.benchmarks.queue
	$(BIN)/python -m tests.benchmarks.judging
	$(BIN)/python -m tests.benchmarks.screen
	$(BIN)/python -m tests.benchmarks.eta $(wildcard runs/*)

scale: $(VENV)/.dev  ## a thousand simulated workers and a hundred thousand tasks, some ten minutes (ARGS="--million --parts tasks")
	$(BIN)/python -m tests.scale.run $(ARGS)

chaos: $(VENV)/.dev  ## real campaigns under random faults, an hour: was anything lost? (SEED=1 MINUTES=60)
	$(BIN)/python -m tests.chaos.run --seed $(SEED) --minutes $(MINUTES) $(ARGS)

science: $(VENV)/.dev  ## is the evaluation's statistics right? Coverage, size, power, bias; some ten minutes (ARGS="--topic leaks", "--page FILE")
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.science.run $(ARGS)

mutants: $(VENV)/.dev  ## which wrong code would pass? Some 15 minutes (ARGS="--room data --seed 3 --sample 40")
	$(BIN)/python -m tests.mutants.run $(ARGS)

cluster: $(VENV)/.dev  ## campaigns on a real Slurm and a real Ray, each of two nodes, and over a real sshd, on this machine, some minutes; installs them where it may
	@sh tests/cluster/install.sh
	@$(MAKE) --no-print-directory build/cluster/.done || echo "tests of Ray and Kubernetes will skip: see above" >&2
	CQLTUI_CLUSTER=1 $(BIN)/python -m pytest -n 0 --timeout 600 tests/cluster $(ARGS)

gpu:  ## is training right and fast on this machine's GPU? eight minutes at most, no installation (PYTHON=python3 WHEELS=folder)
	$(PYTHON) -m tests.gpu.run $(if $(WHEELS),--wheels $(WHEELS)) $(ARGS)

audit: $(VENV)/.dev $(TOOLS)/.done  ## is what is installed what was locked, and has it known vulnerabilities? (asks a network)
	$(BIN)/python -m locks.audit --pip-audit $(TOOLS)/bin/pip-audit

lock: $(TOOLS)/.done  ## renew locks/ by the versions in constraints.txt (asks the package index)
	$(BIN)/python -m locks.renew --uv $(TOOLS)/bin/uv

format: $(VENV)/.dev  ## lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev  ## make the pages of docs/ that are made from the code anew
	$(BIN)/cqltui schema > docs/campaign.schema.json
	$(BIN)/cqltui schema --markdown > docs/campaign-file.md

screenshots: $(VENV)/.dev  ## draw the pictures that the screen tests compare with anew
	UPDATE_SCREENSHOTS=1 $(BIN)/python -m pytest tests/ui

demo: $(VENV)/.dev  ## draw the README's demo from a replay: an animated SVG and an asciicast (RUN=runs/quick, which is run if it is not there)
	test -f $(RUN)/journal.jsonl || $(BIN)/cqltui campaigns/quick.toml --run-dir $(RUN) --no-ui
	$(BIN)/python -m tests.demo $(RUN)

clean:  ## remove the environment and the caches; runs/ stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "cqltui needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.pip: $(VENV)/bin/python locks/pip.lock
	$(LOCKED) locks/pip.lock
	@touch $@

$(VENV)/.run: $(VENV)/.pip pyproject.toml constraints.txt locks/run.lock
	@echo "installing the pinned dependencies into $(VENV) (PyTorch is large; this happens once)"
	$(LOCKED) locks/run.lock
	$(PIP) -c constraints.txt torch
	$(PIP) --no-deps --no-build-isolation -e .
	@echo "compiling the kernels (this happens once)"
	$(BIN)/python -m trainer.warm
	$(BIN)/python -m compileall -q cqltui trainer
	@touch $@

$(VENV)/.dev: $(VENV)/.run locks/dev.lock
	$(LOCKED) locks/dev.lock
	@# Once here: else each of the processes that run the tests rewrites the assertions of all of them.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n 0 --collect-only >/dev/null || true
	@touch $@

$(VENV)/.bench: $(VENV)/.dev locks/bench.lock
	$(LOCKED) locks/bench.lock
	@touch $@

$(TOOLS)/.done: $(VENV)/.pip locks/tools.lock
	$(VENV)/bin/python -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r locks/tools.lock
	@touch $@

build/cluster/.done: $(VENV)/.pip locks/cluster.lock
	$(VENV)/bin/python -m venv build/cluster
	build/cluster/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r locks/cluster.lock
	@touch $@
