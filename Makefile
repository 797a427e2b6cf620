# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
# Works with Python 3.11+, make and a network; `make lock` alone needs uv.

.DEFAULT_GOAL := help
.PHONY: help setup demo test services check fmt unit sim it e2e meta golden mutate bench crash docs lock clean

BIN := .venv/bin
export PYTHON

help: ## lists the commands
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed ## installs into .venv, nothing else; quick the second time
	@$(BIN)/python hatch_build.py # the console's page, if its sources have changed

.venv/.installed: requirements.lock requirements-build.lock pyproject.toml scripts/setup
	@sh scripts/setup
	@touch $@

demo: setup ## the whole service with a simulated community, at http://127.0.0.1:8080
	@exec $(BIN)/doorstep up --demo

test: setup services ## every layer of tests against real services, with counts and times
	@$(BIN)/python scripts/layers.py

services: setup ## installs the PostgreSQL, TimescaleDB and brokers that the tests need
	@scripts/test-services

check: setup ## format, lint, types, imports, tidiness: under 45 s
	@$(BIN)/ruff format --check --quiet . || { echo "make fmt formats these"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/.imports || { cat .venv/.imports; exit 1; }
	@$(BIN)/pytest -q --no-header -p no:randomly tests/meta/test_tidy.py
	@echo "check: all good"

fmt: setup ## formats, and mends what can be mended by itself
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

unit golden sim it e2e meta: setup
	@$(BIN)/python scripts/layers.py $@
unit: ## the mirror of the source, no services
golden: ## the tables that clinicians read
sim: ## seeded worlds with faults, simulated time; SEED=7 runs one and prints its trace
it: ## shells against real services
e2e: ## the whole service from outside
meta: ## what the project demands of itself

bench: setup services ## one table of figures measured side by side, kept in bench/history.csv
	@$(BIN)/python -m bench.run $(BENCH)

mutate: setup ## changes the rules in small ways and asks whether a test notices; MUTATE='run pulse'
	@$(BIN)/python scripts/mutate.py $(MUTATE)

crash: setup services ## kills everything at random moments, a minute a broker, serve 20 times; or CRASH=--long
	@$(BIN)/python -m tests.crash $(CRASH)

docs: setup ## draws the parts of docs/ that follow from the code
	@$(BIN)/python -m tests.meta.lifecycle_diagram
	@$(BIN)/python -m tests.meta.verdict_table

lock: ## writes the lock files anew from pyproject.toml
	@scripts/lock

clean: ## removes what can be made again; keeps data folders
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@rm -rf console/static console/node_modules
	@find . -path ./.cache -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
