# Everything starts here: `make` alone shows what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check format lint types imports templates seed bench shots torture vendor stop clean

BIN := .venv/bin
# The first that runs and is new enough, the one it is tested on before others; or name one: make run PYTHON=/path/to/python3
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$name; break; }; done)
CUSTOMERS ?= 2000
MONTHS ?= 12
SEED ?= 7
FILES := app jobs tests migrations wsgi.py

help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run  ## Start everything on this machine: database, sandbox, web server, jobs (PORT=4242, SANDBOX_PORT=12111)
	@exec $(BIN)/python -m app.launch

test: .venv/.dev  ## Run all tests (needs Chromium; installs it where it can). Some only: make test ONLY=tests/refunds
	@.ci/chromium
	$(BIN)/python -m pytest -m "not torture" -n auto --dist worksteal $(ONLY)

check: .venv/.dev  ## What must be true before a push: format, lint, types, imports, templates, tests without a browser
	$(BIN)/ruff format --check $(FILES)
	@$(MAKE) --no-print-directory lint types imports templates
	$(BIN)/python -m pytest -m "not torture and not browser" -n auto --dist worksteal

format: .venv/.dev  ## Put the code into the one format
	$(BIN)/ruff format $(FILES)
	$(BIN)/ruff check --fix-only $(FILES)

lint: .venv/.dev  ## Look for mistakes ruff can see
	$(BIN)/ruff check $(FILES)

types: .venv/.dev  ## Check the types
	$(BIN)/mypy

imports: .venv/.dev  ## Check who may import whom
	$(BIN)/lint-imports

templates: .venv/.dev  ## Lint the templates
	$(BIN)/djlint templates --lint --quiet

seed: .venv/.run  ## Fill the running sandbox with a shop (CUSTOMERS=2000 MONTHS=12 SEED=7)
	$(BIN)/flask sandbox seed --customers $(CUSTOMERS) --months $(MONTHS) --seed $(SEED)

bench: .venv/.dev  ## Measure backfill, webhooks and lists, some five minutes; figures belong into docs/performance.md
	$(BIN)/python -m tests.bench

shots: .venv/.dev  ## Pictures of every page, desk and phone, light and dark, into shots/ (ONLY=disputes: some)
	@.ci/chromium
	$(BIN)/python -m tests.shots $(ONLY)

torture: .venv/.dev  ## The long randomised runs
	$(BIN)/python -m pytest -m torture --timeout 1800

vendor: ## Fetch the browser libraries and the fonts again (needs npm); the result is committed
	.ci/vendor.sh
	.ci/fonts.sh

stop: .venv/.run  ## End the embedded databases of this folder
	@$(BIN)/python -m app.embedded stop instance/pg instance/pg-test

clean:  ## Remove what was built: the virtual environment and caches. Your data under instance/ stay
	@test ! -x $(BIN)/python || $(BIN)/python -m app.embedded stop instance/pg-test || true
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find $(FILES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. On Debian: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python cannot make virtual environments here. On Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.run: requirements.txt | $(BIN)/python
	@echo "Installing what Counterfoil needs …"
	@$(BIN)/python -m pip install --disable-pip-version-check -qq -r requirements.txt
	@touch $@

.venv/.dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what its tests need …"
	@$(BIN)/python -m pip install --disable-pip-version-check -qq -r requirements-dev.txt
	@touch $@ .venv/.run
