# make run   a first run: the sample measures over the sample patients
# make test  everything that is checked before a change counts: style, types, tests, conformance

# The first interpreter that is new enough, unless one is named (make PYTHON=…).
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Where published measure content is, for the tests and decks that need it; they are skipped without it.
export ECQM_CONTENT ?= $(CURDIR)/.content
AU2025 := $(ECQM_CONTENT)/ecqm-content-qicore-2025

.PHONY: run test lint style types unit decks deck-au2025 peers clean

run: $(STAMP)
	$(BIN)/ecqm test measure_bundles/sample

test: lint decks unit

lint: style types

style: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/pytest -n 2

decks: $(STAMP)
	$(BIN)/ecqm test measure_bundles/sample
	@if [ -d "$(AU2025)" ]; then $(MAKE) --no-print-directory deck-au2025; \
	else echo "no published content at $(ECQM_CONTENT): its deck is not run"; fi

deck-au2025: $(STAMP)
	$(BIN)/ecqm test "$(AU2025)" --libraries "$(ECQM_CONTENT)/libraries-2025" \
	  --valuesets "$(ECQM_CONTENT)/valuesets-2025" $(addprefix --defects ,$(wildcard conformance/deck_defects.toml))

# Figures beside other engines: needs published content, Node.js with npm, and most of an hour.
peers: $(STAMP)
	$(BIN)/python conformance/peers/install.py
	$(BIN)/python conformance/peers/compare.py "$(AU2025)" --libraries "$(ECQM_CONTENT)/libraries-2025" \
	  --valuesets "$(ECQM_CONTENT)/valuesets-2025"

$(STAMP): pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed (make PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
