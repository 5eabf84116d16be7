# The entry to everything. Works on bare Debian with Python 3.11, pip and make; see CONTRIBUTING.md.
# ARGS passes options on: make demo ARGS=--check · make test ARGS="--suite edge -k purge"

PYTHON_FILES := devstack edge origin fragments dbrouting migrations_policy benchmarks examples scripts tests
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-full browser lint fmt bench sabotage fuzz lock build clean distclean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## the environment in .venv (again only when the lock changed)
	@scripts/bootstrap

demo: venv ## the shop on http://127.0.0.1:8080 behind the edge; ARGS=--check tries it and ends
	@$(RUN) -m examples.storefront.demo $(ARGS)

test: lint browser ## checks and tests with real PostgreSQL, Redis and Chromium (up to 10 minutes)
	@scripts/test $(ARGS)

test-full: lint browser ## the long tests too: faults under load, all drivers and versions (up to 60 minutes)
	@scripts/test --full $(ARGS)

browser: venv ## the Chromium for tests, installed or unpacked where it is missing
	@$(RUN) -m devstack browser

lint: venv ## ruff, format, mypy strict, import contracts
	@echo "ruff check"; .venv/bin/ruff check $(PYTHON_FILES)
	@echo "ruff format --check"; .venv/bin/ruff format --check --quiet $(PYTHON_FILES)
	@echo "mypy"; .venv/bin/mypy
	@echo "lint-imports"; .venv/bin/lint-imports

fmt: venv ## format the code and mend what ruff can
	@.venv/bin/ruff check --fix $(PYTHON_FILES)
	@.venv/bin/ruff format $(PYTHON_FILES)

bench: venv ## the benchmark report (ARGS: see python -m benchmarks --help)
	@$(RUN) -m benchmarks report $(ARGS)

sabotage: venv ## break what the tests guard, one thing at a time, and see them go red
	@$(RUN) -m tests.sabotage $(ARGS)

fuzz: venv ## the fuzzers for a minute each, the property tests with many more examples
	@for fuzzer in tests/fuzz/fuzz_*.py; do \
		$(RUN) -m tests.fuzz.$$(basename $$fuzzer .py) $(ARGS) || exit 1; done
	@scripts/test -- -m hypothesis --hypothesis-profile=fuzz

lock: venv ## the lock files from pyproject.toml; ARGS=--upgrade takes newer versions
	@scripts/lock $(ARGS)

build: venv ## sdist and wheel in dist/
	@rm -rf dist
	@$(RUN) -m build --no-isolation --outdir dist .

clean: ## what tests, checks and builds left
	@rm -rf dist build var/test .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## the same, and the environment and the downloaded Chromium
	@rm -rf .venv var
