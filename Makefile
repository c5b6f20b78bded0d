# What continuous integration runs is `check`, in this order (.ci/run installs first). PYTHON is the interpreter of an
# environment in which `pip install -c constraints.txt -e ".[dev]"` has run.
PYTHON ?= python

.PHONY: check lint test long benchmarks docs format

check: lint test

lint:
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2

long:
	$(PYTHON) -m pytest -n 2 -m long --hypothesis-profile search

# Each benchmark is a script that prints ratios measured in one run, and fails when the claim of its docstring does. Some
# minutes; what needs an extra that is not installed says so and is skipped.
benchmarks:
	@failed=0; for script in $$(grep -l '^"""Claim' experiments/benchmarks/*.py); do \
		echo "== $$script"; $(PYTHON) "$$script" || failed=4; \
	done; exit $$failed

# Needs the extra: pip install -c constraints.txt -e ".[docs,report]". Offline; a warning is an error.
docs:
	$(PYTHON) -m sphinx -E -W --keep-going -q -b html docs docs/_build/html

format:
	$(PYTHON) -m ruff format
	$(PYTHON) -m ruff check --fix
