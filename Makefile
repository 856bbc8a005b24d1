# `make demo` and `make test` are all that a newcomer needs. Both set up what they use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
RAY := $(CURDIR)/$(VENV)/ray/bin/python
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -q -n $(or $(JOBS),4) --dist loadgroup

.PHONY: demo test tests long costs again check types lint imports faults ray worlds bench coverage-table pictures screenshots lock clean help

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: $(VENV)/.run   ## train Chainer on MNIST on an elastic cluster, register the model
	@$(BIN)/python examples/demo.py

test: $(VENV)/.dev   ## checks and tests
	@[ "$$(uname)" != Linux ] || [ -r /proc/self/stat ] || { echo "The tests need /proc, which is not mounted here: mount -t proc proc /proc"; exit 1; }
	@$(MAKE) --no-print-directory --jobs=2 lint imports
	@# Types take one core for as long as the tests are compiled, and longer where nothing is known of them.
	@$(MAKE) --no-print-directory --jobs=2 types tests

# Once by one process what four would do at once: tests and packages are compiled when they are imported first.
$(VENV)/.compiled: | $(VENV)/.dev
	@$(BIN)/pytest -q --collect-only > /dev/null || true
	@touch $@

tests: $(VENV)/.dev | $(VENV)/.compiled  ## the tests alone
	$(PYTEST)

long: $(VENV)/.dev | $(VENV)/.compiled   ## the long forms of some tests, which a change must pass, too
	$(PYTEST) -m "long and not campaign"

costs: $(VENV)/.dev  ## the tests, with what CPU each costs: needs root
	$(subst bin/pytest,bin/python -m pytest,$(PYTEST)) -p tests.costs

again: check         ## the tests that failed last, alone: one that passes now has a race, and is named
	@$(BIN)/python -m tests.again

check: types lint imports  ## lint, types, import directions

types: $(VENV)/.dev
	$(BIN)/mypy --no-error-summary

lint: $(VENV)/.dev
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet src faena-azureml tests benchmarks examples

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

faults: $(VENV)/.dev ## the whole kill campaign: takes a while
	$(BIN)/pytest -q -m campaign
	$(BIN)/python -m tests.any_input --minutes 10
	EXAMPLES_TIMES=20 $(BIN)/pytest -q -m hypothesis
	$(BIN)/python -m tests.faults
	$(BIN)/python -m tests.team
	$(BIN)/python -m tests.hosts

ray: $(VENV)/.dev $(VENV)/ray/.made  ## a true Ray cluster, from zero nodes: installs Ray beside, needs root
	RAY_PYTHON=$(RAY) $(BIN)/pytest -q -m campaign tests/on_ray
	RAY_PYTHON=$(RAY) $(BIN)/python -m tests.on_ray --most $(or $(KILLS),6)

worlds: $(VENV)/.dev ## packages of 2018 to 2020 as of their date, each trained a little: gigabytes, and Python 3.6 and 3.7
	$(BIN)/python -m tests.worlds

$(VENV)/ray/.made: $(UV)
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)/ray
	@$(UV) pip install --quiet --python $(RAY) "ray[default]>=2.40"
	@touch $@

bench: $(VENV)/.bench $(VENV)/ray/.made ## every benchmark, rivals beside it
	RIVAL_PYTHON=$(VENV)/rival/bin/python SERVING_RIVALS_PYTHON=$(VENV)/serving/bin/python RAY_PYTHON=$(RAY) $(BIN)/python -m benchmarks.all

coverage-table: $(VENV)/.run ## which names of the v1 SDK are covered: writes docs/coverage.md
	@$(BIN)/python -m faena_azureml.coverage docs/coverage.md

pictures: $(VENV)/.dev ## draw README's picture of a view in a notebook anew
	@$(BIN)/python -m tests.notebook.picture

screenshots: $(VENV)/.dev ## every page in Chromium, light and dark, empty and full, into screenshots/: to be looked at
	@$(BIN)/python -m tests.pages.pictures screenshots

lock: $(UV)      ## compile the requirement files anew
	@for name in uv:requirements/uv.in build:requirements/build.in serving:requirements/serving.in run:pyproject.toml \
	  "server:pyproject.toml --extra postgresql --extra bucket" \
	  "dev:pyproject.toml --group dev" "bench:pyproject.toml --group dev --group bench"; do \
	  $(UV) pip compile $${name#*:} -o requirements/$${name%%:*}.txt --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --quiet; done
	@$(UV) pip compile requirements/front.in -o src/faena/scoring/packaged/requirements.txt -c requirements/run.txt \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Faena needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make demo PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $(UV)

$(VENV)/.run: $(UV) requirements/run.txt pyproject.toml faena-azureml/pyproject.toml
	@echo "Setting up Faena in $(VENV) …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraint requirements/build.txt -e . -e ./faena-azureml
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "Setting up what the tests need …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt requirements/serving.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)/rival
	@$(UV) pip install --quiet --python $(VENV)/rival/bin/python --require-hashes -r requirements/bench.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)/serving
	@$(UV) pip install --quiet --python $(VENV)/serving/bin/python --require-hashes -r requirements/serving.txt
	@touch $@

clean:           ## remove what the targets above made
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
