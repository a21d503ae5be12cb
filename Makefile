# make demo    train, predict and plot on data/air_passengers.csv, into demo/
# make test    the tests
# make lint    ruff and mypy
# make docs    the documentation as a site, in site/; make docs-update rewrites the outputs shown in it and in the README
# make clean   remove what the other targets created, except the environment
#
# PYTHON=...   interpreter for the environment (default: the first of the list below that is 3.11 to 3.13)
# VENV=...     folder of the environment (default: .venv)

VENV ?= .venv
PYTHON ?= python3.13 python3.12 python3.11 python3

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --editable
MODELS := demo/models

.PHONY: demo test lint docs docs-update clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@mkdir -p demo
	$(BIN)/lstmcast train data/air_passengers.csv --model-dir $(MODELS)
	$(BIN)/lstmcast predict --model air_passengers --model-dir $(MODELS) --output demo/forecast.csv
	$(BIN)/lstmcast plot --model air_passengers --model-dir $(MODELS) --output demo/forecast.png
	@printf '\nforecast  demo/forecast.csv\nfigure    demo/forecast.png\nmodel     $(MODELS)/air_passengers\n'

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-update: $(VENV)/.dev
	$(BIN)/python tests/docs/test_examples.py $(PAGES)

clean:
	rm -rf demo build dist site .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Empty files in the environment mark installed extras; a newer pyproject.toml triggers a new installation.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(INSTALL) .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(INSTALL) '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(INSTALL) '.[docs]'
	@touch $(VENV)/.installed $@

# Run each candidate: a name on the PATH can be a launcher without Python, or a Python without ensurepip.
$(BIN)/python:
	@for python in $(PYTHON); do \
	    if "$$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	    then echo "environment in $(VENV), by $$python"; exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo 'no Python 3.11, 3.12 or 3.13 among: $(PYTHON). Name one: make PYTHON=/path/to/python3.12' >&2; exit 1
