# Quarterdeck: the two commands that matter are `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WHEEL_VENV := build/venv
WHEEL_PIP := $(WHEEL_VENV)/bin/python -m pip --disable-pip-version-check --quiet
DEMO_DIR ?= .demo
ROWS ?= 1000000
DUCKDB_OLDER ?= 1.5.6
DUCKDB_NEWER ?= 2.0.0
SOURCES := console backends widgets playbooks

# Three processes on two cores: some always wait for a disk or for another process.
SUITE := -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# The suite from source asks everything on the newer engine. From the wheel it is asked again what another engine, or a file that was not
# packed, could answer otherwise. Nothing in these folders comes from the engine but through the queries that the others ask:
NO_ENGINE := architecture control coverage screens security serving terminal widgets
# of acting only what is measured, judged or drawn, for who may do what and which key does it is read from the journal and from policies;
ACTING_ASKS := after_a_shift effect_and_facts fleet_curve pictures_of_screens responses_of_rules rollback_triggers
# of analysis only what hands it rows, for the rest is arithmetic, which is not allowed to import an engine;
ANALYSIS_ASKS := profile_sql profile_windows
# and of the demo the build and its story, for what is replayed after it is landed as the build lands and read as the story is read.
DEMO_ASKS := a_demo_of_another_program on_a_busy_machine story
others = $(filter-out $($(2):%=tests/$(1)/test_%.py),$(wildcard tests/$(1)/test_*.py))
LEFT_OUT = $(NO_ENGINE:%=tests/%) $(call others,acting,ACTING_ASKS) $(call others,analysis,ANALYSIS_ASKS) $(call others,demo,DEMO_ASKS)
WHEEL_TESTS ?= tests $(LEFT_OUT:%=--ignore=%)
# What was packed is the same for both engines, so that playbooks, policies and documents are asked on one of them.
WHEEL_TESTS_NEWER ?= tests/store $(ANALYSIS_ASKS:%=tests/analysis/test_%.py) tests/acting/test_pictures_of_screens.py

.PHONY: help demo test test-exhaustive test-all test-wheel wheel-environment test-live check schemas format bench bench-drift picture pictures requirements clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $(PYTHON) is older; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.created requirements/run.txt pyproject.toml
	@echo "Setting up $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m compileall -q $(SOURCES)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "Adding the test tools ..." >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.run ## build the demo workspace from real flights, once, and open the console
	@$(BIN)/quarterdeck demo --dir $(DEMO_DIR)

test: $(VENV)/.dev ## run the test suite
	@$(BIN)/python $(SUITE) -m "not exhaustive and not live" tests

test-exhaustive: $(VENV)/.dev ## run the tests that ask everything of everything: each key, each verb in each kind of trouble
	@$(BIN)/python $(SUITE) -m "exhaustive and not live" tests

test-all: $(VENV)/.dev ## run both at once
	@$(BIN)/python $(SUITE) -m "not live" tests

$(WHEEL_VENV)/.dev: requirements/dev.txt
	@[ -d $(WHEEL_VENV) ] || $(PYTHON) -m venv $(WHEEL_VENV)
	@$(WHEEL_PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

wheel-environment: $(WHEEL_VENV)/.dev

test-wheel: $(VENV)/.dev $(WHEEL_VENV)/.dev ## run the suite against the built wheel: on DuckDB 1.5 all that meets the engine, on 2.0 what reads, stores, computes and draws
	@rm -rf build/wheel && mkdir -p build/wheel
	@$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel . >/dev/null
	@$(WHEEL_PIP) install --no-deps --force-reinstall build/wheel/*.whl
	@rm -rf build/suite && mkdir build/suite && cp -a tests docs pyproject.toml Makefile README.md requirements build/suite/
	@set -e; on() { \
	  line=$$1; shift; echo "The wheel on DuckDB $$line:" >&2; \
	  $(WHEEL_PIP) install --no-deps duckdb==$$line; \
	  (cd build/suite && ../../$(WHEEL_VENV)/bin/python -c "import duckdb; assert duckdb.__version__ == '$$line', duckdb.__version__" && \
	    ../../$(WHEEL_VENV)/bin/python $(SUITE) -m "not source and not exhaustive and not live" "$$@"); \
	}; on $(DUCKDB_OLDER) $(WHEEL_TESTS); on $(DUCKDB_NEWER) $(WHEEL_TESTS_NEWER)

test-live: $(VENV)/.dev ## run the tests that need heavy servers
	@$(BIN)/python -m pytest -m live tests

check: $(VENV)/.dev ## lint, format, types, floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

pictures: $(VENV)/.dev ## keep how every screen looks now, for the tests to hold it to
	@$(BIN)/python -m pytest tests/acting/test_pictures_of_screens.py --snapshot-update

schemas: $(VENV)/.dev ## write the JSON Schemas of what verbs print to docs/schemas
	@$(BIN)/python -m console.cli.schemas --write docs/schemas

format: $(VENV)/.dev ## mend what the formatter and the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/.dev ## measure against the budgets, ratios in one run
	@$(BIN)/python -m tests.benchmarks

bench-drift: $(VENV)/.dev ## measure compare beside the engine's own scan and beside other programs
	@$(BIN)/python -m tests.benchmarks.bench_drift --rows $(ROWS)

picture: $(VENV)/.run ## draw docs/fleet.svg from the console on the demo
	@$(BIN)/quarterdeck demo --dir $(DEMO_DIR) --no-open
	@QUARTERDECK_ACTOR=mara@bastion $(BIN)/python docs/picture.py $(DEMO_DIR) docs/fleet.svg

requirements: $(VENV)/.dev ## pin every dependency again, with hashes
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	@for set in run dev; do \
	  extras="--extra demo --extra serve --extra install"; [ $$set = dev ] && extras="$$extras --extra dev"; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    $$extras pyproject.toml -o requirements/$$set.txt; \
	done

clean: ## remove the environment, the demo and every cache
	@rm -rf $(VENV) $(DEMO_DIR) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .bench
	@find $(SOURCES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
