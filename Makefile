# The two commands of the README: `make evaluate` runs the main job, `make test` runs every check. Each sets up what it
# needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest

.PHONY: evaluate test lint types doctest tables site bench soak audit test-oldest

evaluate: .venv/ready
	$(BIN)/ssl-irmae evaluate --labels 100 --seeds 10

# one process per core, with one thread each: threads of several processes on the same cores wait for each other
test: lint types doctest tables site
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy checks the package as users install it, with cli/ and protocols/ inside; the rest is checked against that
types: .venv/ready
	rm -rf build  # setuptools would copy deleted files from there
	$(BIN)/pip install --quiet --no-deps --target build/types .
	ln -s ../../benchmarks ../../docs ../../soak ../../tests build/types
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml

doctest: .venv/ready
	$(BIN)/python -W error -m tests.run_doctests

# the generated tables in the documents match the stored results
tables: .venv/ready
	$(BIN)/python -m docs.tables --check

# build/site/index.html; a warning, a link or a reference that leads nowhere, or a file from elsewhere is an error
site: .venv/ready
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going --conf-dir docs . build/site
	cp build/site/README.html build/site/index.html
	! grep -rlE '<(script|link|img)[^>]*(src|href)="(https?:)?//' build/site --include='*.html'

# runs ours beside the public training loop and script; nothing else should run meanwhile
bench: .venv/ready
	$(BIN)/python -m benchmarks --out docs/results/performance/bench.json

# kills commands, fills disks, damages files: about an hour; what is in the CSV already is not injected again
soak: .venv/ready
	$(BIN)/python -m soak --out docs/results/reliability/faults.csv

# known vulnerabilities of what is installed; it asks PyPI
audit: .venv/ready
	$(BIN)/pip install --quiet 'pip-audit>=2.9'
	$(BIN)/pip-audit --skip-editable

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	@# an independent check of Poisson learning; it has no wheel, so it needs a C compiler and Python's headers
	@$(BIN)/pip install --quiet 'graphlearning>=1.7.5' >.venv/graphlearning.log 2>&1 || \
		echo "graphlearning could not be built (see .venv/graphlearning.log): tests that compare with it are skipped" >&2
	touch $@

# the tests with the oldest versions that pyproject.toml allows; not part of CI
test-oldest: $(OLDEST)/ready
	$(OLDEST)/bin/pytest

$(OLDEST)/ready: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet uv
	$(OLDEST)/bin/uv pip compile --quiet --python $(OLDEST)/bin/python --resolution lowest-direct \
		--extra dask --extra dimension --extra export --extra pandas --extra tensorboard \
		--output-file $(OLDEST)/lowest.txt pyproject.toml
	$(OLDEST)/bin/pip install --quiet --constraint $(OLDEST)/lowest.txt --editable '.[dev]'
	touch $@
