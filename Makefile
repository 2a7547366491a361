# The two commands of the README: `make evaluate` runs the main job, `make test` passes the tests. Each sets up
# everything it needs, in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: evaluate test lint types doctest tables bench

evaluate: .venv/ready
	$(BIN)/ssl-irmae evaluate --labels 100 --seeds 10

test: lint types doctest tables
	$(BIN)/pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# what a user gets is checked: the package as installed, with cli/ and protocols/ inside it
types: .venv/ready
	rm -rf build  # what was deleted would still be copied from there
	$(BIN)/pip install --quiet --no-deps --target build/types .
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml

doctest: .venv/ready
	$(BIN)/python -W error -m tests.run_doctests

# the numbers of README.md and docs/performance.md are the stored ones
tables: .venv/ready
	$(BIN)/python docs/tables.py --check

# beside the public reference loop and script; nothing else should run meanwhile
bench: .venv/ready
	$(BIN)/python -m benchmarks --out docs/results/performance/bench.json

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	# graphlearning has no wheel: without a C compiler and Python's headers go on without it; its readouts say so
	$(BIN)/pip install --quiet --editable '.[dev,graph]' || $(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
