# Two commands: `make demo` and `make test`. Both set everything up first and say what they install.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
AUTO ?=
WORKERS ?= 4
MORE ?=
# Hundreds of processes are started: they compile every package anew where the environment forbids to keep the result.
export PYTHONDONTWRITEBYTECODE :=
# One file of tests stays on one worker: its fixtures (a lab, an engine) are made once.
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo bench test test-long test-fast hooks check lint types layers audit coverage messages lock clean

help:  ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: requirements-dev.lock pyproject.toml
	@bash drbot/lab/python.sh $(PYTHON)
	@touch $@

setup: .venv/.ready  ## Virtual environment, Docker engine, images (quick when they are there)
	@$(BIN)/python -m drbot.lab.setup

demo: setup  ## Break a real PostgreSQL and recover it; AUTO=1 plays it by itself
	@$(BIN)/drbot demo $(if $(AUTO),--auto,)

bench: setup  ## The document's scripts and drbot side by side; SIZES="50 500" (MB), LEVEL=3, JSON=FILE
	@$(BIN)/drbot bench $(foreach one,$(SIZES),--megabytes $(one)) $(if $(LEVEL),--level $(LEVEL),) $(if $(JSON),--json $(JSON),)

test: setup  ## The tests (about 25 minutes); MORE=1 adds further cases, as CI does
	@bash tests/packages.sh
	$(PYTEST)$(if $(MORE), -m "not long",)

test-long: setup  ## The long tests
	@bash tests/packages.sh
	$(BIN)/pytest -n 0 -m long

test-fast: .venv/.ready  ## What needs no Docker, while you write (about a minute)
	$(BIN)/pytest -n 2 tests/unit

hooks: .venv/.ready  ## What CI would refuse is refused before the commit
	@$(BIN)/pre-commit install

check: lint types layers audit  ## Lint, types, layers, known weaknesses

lint: .venv/.ready  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.ready  ## mypy --strict
	$(BIN)/mypy

layers: .venv/.ready  ## import-linter
	$(BIN)/lint-imports

audit: .venv/.ready  ## Known weaknesses of the dependencies; says so when no database answers
	@$(BIN)/python -m tests.audit_dependencies

coverage: PYTEST += --cov
coverage: test  ## The same tests, measured: a third slower, with a bound

messages: .venv/.ready  ## Renew the translators' files, drbot/languages/*.po
	@$(BIN)/python -m tests.messages

lock: .venv/.ready  ## Renew the lock files (versions and hashes, no addresses)
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --extra pictures pyproject.toml -o requirements-pictures.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --group dev pyproject.toml -o requirements-dev.lock

clean:  ## Stop the lab's engine and remove what drbot made here
	@if [ -x $(BIN)/drbot ]; then DRBOT_HOME=.drbot $(BIN)/drbot lab reset --all --engine; fi
	rm -rf .venv .drbot .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
