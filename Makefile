# LTI Bridge: `make` lists what can be done.
.DEFAULT_GOAL := help
.PHONY: help demo test deep rest interleavings browser packages second-library fuzz crash bench profile \
	check format messages lock clean

VENV ?= .venv
BIN := $(VENV)/bin
# The newest of these that runs and is new enough; say PYTHON=… for another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST = $(BIN)/python -m pytest -q --durations 15
REPORTS := build/reports
NEXT := .venv-next

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed  ## run the whole journey on this machine, with a practice LMS
	@$(BIN)/lti-bridge demo

# PostgreSQL (LTI_BRIDGE_TEST_POSTGRESQL) and Chromium are used where they are found; with
# LTI_BRIDGE_TEST_REQUIRE=1 they must be. Browsers come last, one at a time, and may fail once.
test: $(VENV)/.installed-dev  ## run the tests that are quick and sure
	$(PYTEST) -n 2 -m 'not deep and not browser' --junitxml $(REPORTS)/tests.xml
	$(PYTEST) --reruns 1 -m 'browser and not deep' --junitxml $(REPORTS)/browser.xml
	@$(BIN)/python -m tests.kinds $(if $(LTI_BRIDGE_TEST_REQUIRE),--complete) \
	$(REPORTS)/tests.xml $(REPORTS)/browser.xml

# PARTS="fuzz crash" leaves out the others. Servers that are installed are started by themselves.
deep: $(VENV)/.installed-dev  ## run what needs minutes, luck or load, and print one table
	@.ci/with-servers $(BIN)/python -m tests.deep $(PARTS)

rest: $(VENV)/.installed-dev  ## of the depth, what has no target of its own
	$(PYTEST) -n 2 --dist loadfile --timeout 300 -m 'deep and not browser'

# STORIES=… says how many each database and LMS plays.
interleavings: $(VENV)/.installed-dev  ## play stories in which anything happens in any order
	LTI_BRIDGE_TEST_INTERLEAVINGS=$(or $(STORIES),100) $(PYTEST) -n 2 --timeout 1800 \
	tests/story/test_interleavings.py

browser: $(VENV)/.installed-dev  ## open every page, in each size and theme, in Chromium
	$(PYTEST) --timeout 300 -m browser --ignore tests/browser/test_packages.py

# LTI_BRIDGE_TEST_PACKAGES names a folder of zips; those that the tests build are always played.
packages: $(VENV)/.installed-dev  ## play packages to their exit, and print result and grade
	$(PYTEST) -s --timeout 300 tests/browser/test_packages.py

# PyLTI1p3 has a successor under another name; our adapter must fit both.
second-library: $(VENV)/.installed-dev  ## pass the tests of the LTI door with pylti1p3next
	$(MAKE) VENV=$(NEXT) $(NEXT)/.installed-dev
	$(NEXT)/bin/python -m pip uninstall -q -y PyLTI1p3
	$(NEXT)/bin/python -m pip install -q --disable-pip-version-check pylti1p3next
	$(NEXT)/bin/python -m pytest -q tests/lti tests/certification

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
	rm -rf $(VENV) $(NEXT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

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
