# Everything happens in .venv, made once; a second run is quick. Needs Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow bare lint types bench vectors clean

demo: $(READY) ## plays the main job with the real command; leaves its files in build/demo
	$(BIN)/python demo/run.py build/demo

test: $(READY) ## all tests that take no more than minutes
	$(BIN)/pytest -n auto -m "not slow"

slow: $(READY) ## the proofs that take longer
	$(BIN)/pytest -n auto -m slow

bare: $(READY) ## a device without extras: installs, syncs over HTTP, verifies
	$(BIN)/python tests/bare_device.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

bench: $(READY) ## sizes beside other formats
	$(BIN)/python bench/qr_sizes.py

vectors: $(READY) ## writes tests/vectors/*.json anew
	$(BIN)/python tests/make_vectors.py

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
