# make demo | test | bench | setup: each does its own set-up; nothing but Python >= 3.11, git and make is needed.
# VENV names the environment (CI gives a fresh one), PYTHON a particular interpreter.
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt tools/setup
export VENV PYTHON

.PHONY: help setup demo test lint bench sample clean

help:
	@echo "make demo    replay the bundled sample: receipts, reasons, sales"
	@echo "make test    tests, lint, types, import contracts, and the wheel in an empty environment"
	@echo "make bench   measure; writes benchmarks/RESULTS.md"
	@echo "make setup   the development environment in $(VENV)"

$(VENV)/.core: $(SOURCES)
	@sh tools/setup core

$(VENV)/.dev: $(SOURCES)
	@sh tools/setup dev

setup: $(VENV)/.dev

demo: $(VENV)/.core
	@$(BIN)/jwo demo

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev lint
	@sh tools/smoke
	$(BIN)/python -m pytest -n 2 -q

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf build dist *.egg-info .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
