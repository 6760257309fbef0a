# Two commands matter: `make demo` runs the main job, `make test` passes the tests.
# Both set up all they need in .venv; `make help` lists the rest.

VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test fast lint types format bench clean

help: ## what can be made here
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## the virtual environment with all Python packages

$(STAMP): setup.cfg pyproject.toml
	@sh tools/venv.sh $(PYTHON) $(VENV)
	@touch $@

fast: $(STAMP) ## unit tests only, a few seconds
	$(BIN)/python -m pytest tests/unit -q

lint: $(STAMP) ## ruff, import-linter, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(STAMP) ## put the code into ruff's shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
