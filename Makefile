# Two commands matter: `make demo` runs the main job, `make test` passes the tests.
# Both set up all they need in .venv; `make help` lists the rest.

VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
NODE   := $(addsuffix /node_modules/.package-lock.json,editors/vscode tests/page)

.DEFAULT_GOAL := help
.PHONY: help setup packages demo test trial peers-vrrp peers-others fast lint types format keywords commands docs docs-serve man hooks bench chaos soak fuzz clean

help: ## what can be made here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## the virtual environment with all Python packages
	@:

$(STAMP): setup.cfg pyproject.toml
	@sh tools/venv.sh $(PYTHON) $(VENV)
	@touch $@

packages: ## as root on Debian: servers, kernel and tools that the tests compare with
	@sh tools/debian.sh

# After `packages`, which may bring npm.
$(NODE): %/node_modules/.package-lock.json: %/package-lock.json | packages
	@sh tools/node.sh $*

demo: $(STAMP) ## the main job, live, in a minute (ARGS=--help for choices)
	@$(BIN)/python -m demo $(ARGS)

test: $(STAMP) packages $(NODE) ## all of it: lint, types, every test under pytest, unit tests under trial too
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint trial
	$(BIN)/python -m pytest --ignore=tests/network --ignore=tests/kernel
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target peers-vrrp peers-others

# Tests with real peers wait most of their time, in namespaces of their own: so two processes of them at once.
peers-vrrp: $(STAMP)
	$(BIN)/python -m pytest -p no:cacheprovider $(wildcard tests/network/test_vrrp_*.py)

peers-others: $(STAMP)
	$(BIN)/python -m pytest -p no:cacheprovider $(filter-out $(wildcard tests/network/test_vrrp_*.py),$(wildcard tests/network/test_*.py)) tests/kernel

trial: $(STAMP) ## unit tests under Twisted's own runner
	$(BIN)/python -m twisted.trial --reporter=text tests.unit

fast: $(STAMP) ## unit tests only, a few seconds
	$(BIN)/python -m pytest tests/unit -q

lint: $(STAMP) ## ruff, import-linter, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: $(STAMP) ## put the code into ruff's shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

keywords: $(STAMP) ## docs/keywords.md and the editors' files, after a change of the keyword tables
	$(BIN)/python -m tools.keywords

commands: $(STAMP) ## docs/commands.md, after a change of a command's options
	@$(BIN)/python -m tools.commands

docs: $(STAMP) ## the documentation as a site, in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

docs-serve: $(STAMP) ## the same on http://127.0.0.1:8000, made anew while you write
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --strict

man: ## the manual pages, in build/man
	@sh tools/man.sh build/man
	@ls build/man/*

hooks: $(STAMP) ## lint before every commit
	$(BIN)/pre-commit install

bench: $(STAMP) ## speed of checks, start, reload, the userspace plane and failover; what VRRP notices of checkers
	@for bench in $(filter-out bench/chaos.py bench/soak.py,$(wildcard bench/*.py)) bench/failover; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

chaos: $(STAMP) ## two minutes of kills, reloads and cut links (ARGS="--seed N --runs N")
	$(BIN)/python bench/chaos.py $(ARGS)

soak: $(STAMP) ## ten minutes of work, with memory and descriptors watched
	$(BIN)/python bench/soak.py $(ARGS)

fuzz: $(STAMP) ## two minutes of texts and packets that nobody has ever seen (ARGS="--seconds N --keep DIR")
	$(BIN)/python tests/fuzz/fuzz_config.py $(ARGS)

clean: ## remove what was made here, the virtual environment too
	rm -rf $(VENV) editors/vscode/node_modules tests/page/node_modules build dist *.egg-info _trial_temp* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
