# make run   a first run: the sample measures on the sample patients
# make test  all checks for a change: style, types, decks, suites, tests

# The first interpreter that is new enough; another one with make PYTHON=...
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
# ecqm alone is installed for a first run; what checks need as well (Spark among it) is large.
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.developing

# The folder of published measure content. Decks, suites and tests that need it are skipped without it.
export ECQM_CONTENT ?= $(CURDIR)/.content
C := $(ECQM_CONTENT)
AU2025 := "$(C)/ecqm-content-qicore-2025" --libraries "$(C)/libraries-2025" --valuesets "$(C)/valuesets-2025"

# $(call with,FOLDER,COMMAND) runs a command if the content has that folder.
with = @if [ -d "$(C)/$(1)" ]; then echo '$(2)'; $(2); else echo "$@: skipped, $(C)/$(1) not found"; fi

.PHONY: run test style types decks deck-sample deck-au2025 deck-qdm suites suite-cql suite-elm unit peers clean

run: deck-sample
	$(BIN)/ecqm run measure_bundles/sample --measure all --data measure_bundles/sample/input/tests/measure --output out

test: style types decks suites unit

style: $(DEV)
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

decks: deck-sample deck-au2025 deck-qdm

deck-sample: $(STAMP)
	$(BIN)/ecqm test measure_bundles/sample

deck-au2025: $(STAMP)
	$(call with,ecqm-content-qicore-2025,$(BIN)/ecqm test $(AU2025) --defects conformance/deck_defects.toml)

deck-qdm: $(STAMP)
	$(call with,qdm,$(BIN)/ecqm test "$(C)/qdm/cqm-execution" --defects conformance/qdm_defects.toml)
	$(call with,qdm,$(BIN)/ecqm test "$(C)/qdm/bonnie-js" --defects conformance/qdm_defects.toml)

suites: suite-cql suite-elm

suite-cql: $(STAMP)
	$(call with,cql-tests,$(BIN)/ecqm conformance "$(C)/cql-tests")

suite-elm: $(STAMP)
	$(call with,ecqm-content-qicore-2025,$(BIN)/python conformance/elm_equality.py "$(C)")

unit: $(DEV)
	$(BIN)/pytest -n 2

# Comparison with other engines: needs published content, Node.js with npm, and most of an hour.
peers: $(DEV)
	$(BIN)/python conformance/peers/install.py
	$(BIN)/python conformance/peers/compare.py $(AU2025)

$(STAMP): pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed (make PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $(STAMP)

$(DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(DEV)

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
