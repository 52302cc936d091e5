PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= demo
STAMP := $(VENV)/.dexome-setup
# In two processes, of which one takes from the other's when it has done its own; but for those with daemons or deadlines.
TWO := --numprocesses 2 --dist worksteal

.PHONY: setup demo test test-slow test-exhaustive lint format bench bench-dea bench-curation bench-go bench-train bench-cluster clean

setup: $(STAMP)

# Made again only when what it is made from has changed. The recipe leaves no stamp when it is cut short.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip --clear $(VENV)
	$(PYTHON) -m pip --python $(VENV) install --quiet --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/dexome demo $(DIR)

test: setup
	$(BIN)/pytest $(TWO) -m 'not slow'

test-slow: setup
	$(BIN)/pytest $(TWO) -m 'slow and not alone and not exhaustive'
	$(BIN)/pytest -m 'slow and alone'

# Half an hour for what `test-slow` does a third of: jobs are killed at each of their steps.
test-exhaustive: setup
	$(BIN)/pytest -m exhaustive

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.sources

# Side by side with R, which it needs.
bench-dea: setup
	$(BIN)/python -m benchmarks.dea

bench-curation: setup
	$(BIN)/python -m benchmarks.curation --order 2000
	$(BIN)/python -m benchmarks.curation_real

# Beside goatools and gseapy where the extra `bench` is installed.
bench-go: setup
	$(BIN)/python -m benchmarks.go
	$(BIN)/python -m benchmarks.enrich

# The size can be lowered: make bench-train ARGS='--contrasts 1024'. Beside Keras and PyTorch where they are installed, on a GPU
# where there is one.
bench-train: setup
	$(BIN)/python -m benchmarks.train $(ARGS)
	$(BIN)/python -m benchmarks.train_step
	$(BIN)/python -m benchmarks.truth
	$(BIN)/python -m benchmarks.gpu

# Wants an idle machine.
bench-cluster: setup
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.cluster
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.object_storage

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache
