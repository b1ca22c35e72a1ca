# Everything a person or CI runs. Each target does its own set-up on a bare Debian or Ubuntu with python3 and make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup packages demo test lint bench docs clean

help: ## show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(STAMP) ## make the virtual environment in .venv

$(STAMP): pyproject.toml constraints.txt requirements-dev.txt Makefile
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then $(PYTHON) tools/system_packages.py --need python3-venv; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing edgewright and its development tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement requirements-dev.txt --editable '.[fleet]'
	@touch $@

packages: ## install the Debian packages that builds and the lab use (root only; printed first)
	@$(PYTHON) tools/system_packages.py

demo: $(STAMP) packages ## compile both examples, roll out, break a release, watch it revert
	@$(BIN)/edgewright demo

test: $(STAMP) packages ## every test, the lab included when root
	@$(BIN)/python -m pytest

lint: $(STAMP) ## ruff, mypy, import-linter, and the judges of pipelines
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/lint_pipelines.py

bench: $(STAMP) packages ## each benchmark runs peer and edgewright in turn and prints their ratio
	@$(BIN)/python -m benchmarks

docs: $(STAMP) ## the documentation as web pages, in docs/_build
	@$(BIN)/python -m sphinx -q -W -b html docs docs/_build
	@echo "docs/_build/README.html"

clean: ## remove what make made here (caches under the home folder stay)
	rm -rf $(VENV) docs/_build dist .edgewright .demo
