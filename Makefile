# make run: the product on this machine.  make test: every check and test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench bench-retrieval clean

run: $(VENV)/run.stamp
	@$(BIN)/python -m chatbot_saas.run

test: $(VENV)/dev.stamp
	@PYTHON=$(BIN)/python sh tests/run.sh

check: $(VENV)/dev.stamp
	@PYTHON=$(BIN)/python sh tests/check.sh

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.measure

# SETS="xquad_en stackfaq" chooses; RETRIEVAL_SETS names the folder in which they lie.
bench-retrieval: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.measure.quality $(SETS)

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp
