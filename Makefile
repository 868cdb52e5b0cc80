# What there is to do here; `make` alone lists it. Needs Python 3.11 or later, make and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
DATA_DIR ?= .stagebook
BENCH ?= all
SECONDS_EACH ?= 60
STORIES ?= 40x80
MINUTES ?= 10
TESTS ?= tests
PG15_BIN ?= /usr/lib/postgresql/15/bin

BIN := .venv/bin
RUNS := .venv/.runs
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile pyproject.toml --quiet --build-deps-for editable --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(READY) ## Everything that is needed, in .venv, exactly as locked

# Made again when the locks change. Running the program takes half of what working on it takes.
$(RUNS): requirements.lock
	$(PYTHON) -m venv --clear .venv
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $(RUNS)

$(READY): requirements-dev.lock $(RUNS)
	$(PIP) --require-hashes -r requirements-dev.lock
	touch $(READY)

.PHONY: run
run: $(RUNS) ## Start everything, with example data at the first start: PORT=8080 DATA_DIR=.stagebook
	exec $(BIN)/stagebook up --data-dir $(DATA_DIR) --port $(PORT) --demo

.PHONY: test
test: $(READY) ## All tests that take minutes at most, the quick ones first: TESTS=tests/unit
	$(BIN)/python -m pytest $(TESTS)

.PHONY: test-pg15
test-pg15: $(READY) ## The tests that need a database, on PostgreSQL 15: PG15_BIN=/usr/lib/postgresql/15/bin
	PG15_BIN=$(PG15_BIN) tests/support/on-postgres15 $(BIN)/python -m pytest tests/integration

.PHONY: check
check: $(READY) ## Style, types, layers, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/stagebook catalog --check

.PHONY: bench
bench: $(READY) ## Measure: BENCH=<name>
	$(BIN)/stagebook bench $(BENCH)

.PHONY: chaos
chaos: $(READY) ## Kill things under load and see that nothing is lost or counted twice: SECONDS_EACH=60 STORIES=40x80
	STAGEBOOK_CHAOS_SECONDS=$(SECONDS_EACH) STAGEBOOK_STATE_MACHINE=$(STORIES) $(BIN)/python -m pytest tests/chaos tests/property/test_state_machine.py

.PHONY: fuzz
fuzz: $(READY) ## Send what can be made up from the API's description, and follow its links: MINUTES=10
	STAGEBOOK_FUZZ_MINUTES=$(MINUTES) $(BIN)/python -m pytest tests/api/fuzz

.PHONY: lock
lock: $(READY) ## Lock the versions of pyproject.toml and of all below them, with hashes and without the place they came from
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --output-file requirements-dev.lock --extra dev
	sed -i '/^[#-]/d; /^$$/d' requirements.lock requirements-dev.lock

.PHONY: clean
clean: ## Remove what was built; data stays
	rm -rf .venv build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
