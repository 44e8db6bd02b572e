# LTI Bridge: `make` lists what can be done.
.DEFAULT_GOAL := help
.PHONY: help demo test deep fuzz crash bench profile check format messages lock clean

VENV ?= .venv
BIN := $(VENV)/bin
# The newest of these that runs and is new enough; say PYTHON=… for another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# The gate: what is quick and sure, on SQLite, without a server or a browser.
TEST_JOBS ?= 2
GATE = -m 'not postgresql and not redis and not browser' \
	$(addprefix --ignore tests/,browser story crash fuzz benchmarks) \
	$(addprefix --ignore tests/,test_processes.py ops/test_logs.py registrations/test_storm.py)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed  ## run the whole journey on this machine, with a practice LMS
	@$(BIN)/lti-bridge demo

test: $(VENV)/.installed-dev  ## run the tests that are quick and sure
	$(BIN)/python -m pytest -q -n $(TEST_JOBS) --durations 15 $(GATE)

deep: $(VENV)/.installed-dev  ## run every test, also those that need minutes, luck or a server
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder

# SEED=… repeats a run, START=… begins it at a request, MINUTES=… bounds it.
fuzz: $(VENV)/.installed-dev  ## throw 100,000 odd requests at the bridge
	$(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED)) --requests $(or $(REQUESTS),100000) \
	--start $(or $(START),0) --minutes $(or $(MINUTES),45)

# SEED=…, LEARNERS=…, KILLS=… and MODES="sqlite postgresql redis" say how; MINUTES=… bounds a mode.
crash: $(VENV)/.installed-dev  ## kill -9 nodes 100 times while 200 learners learn
	$(BIN)/python -m tests.crash $(if $(SEED),--seed $(SEED)) --learners $(or $(LEARNERS),200) \
	--kills $(or $(KILLS),100) --minutes $(or $(MINUTES),15) $(if $(MODES),--modes $(MODES))

# ONLY=launches (or latency, startup, way-home …) leaves out the rest; ONLY=soak takes an hour.
bench: $(VENV)/.installed-dev  ## measure the bridge beside its peers, as ratios
	$(BIN)/python -m tests.benchmarks.bench $(if $(ONLY),--only $(ONLY))

profile: $(VENV)/.installed-dev  ## show where a launch and a grade spend their time
	$(BIN)/python -m tests.benchmarks.profile

check: $(VENV)/.installed-dev  ## ruff, mypy strict, and the map of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/translations

format: $(VENV)/.installed-dev  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.installed-dev  ## bring the translations up to date with the code
	$(BIN)/python -m tests.translations

lock: $(VENV)/bin/uv  ## refresh constraints.txt from pyproject.toml
	@{ echo "# Exact versions that the tests ran with. Refresh: make lock"; \
	$(BIN)/uv pip compile -q --universal --upgrade --python-version 3.11 pyproject.toml \
	--extra dev --no-emit-index-url --no-annotate --no-header; } > constraints.new
	@mv constraints.new constraints.txt

clean:  ## remove the environment and caches; data/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "LTI Bridge needs Python 3.11 or newer"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/bin/uv: $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what the bridge needs …"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what tests and checks need …"
	@$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed
