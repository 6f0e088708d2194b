# Needs python3.11 (or newer) with venv, make and git; everything else is installed into .venv.
# Every path is relative, so that the repository may lie in a folder with spaces in its name.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WORKERS ?= auto

.PHONY: run test test-slow bench lint format openapi frontend clean-data help
.DEFAULT_GOAL := help

help:
	@echo "make run         start Fidelio with its own PostgreSQL and Valkey (PORT=8000, DEMO=0 for an empty one)"
	@echo "make test        the tests, on servers of their own"
	@echo "make test-slow   the tests that take over ten seconds or kill processes"
	@echo "make bench       the benchmarks"
	@echo "make lint        ruff and the import rules"
	@echo "make format      let ruff put the code in order"
	@echo "make openapi     write docs/openapi.yaml anew"
	@echo "make frontend    build the console's script from frontend/ (needs Node 20; its result is committed)"
	@echo "make clean-data  forget the data folder of make run"

run: .venv/runtime.stamp
	@exec $(BIN)/python -m loyalty_site.devserver

test: .venv/development.stamp
	@$(BIN)/python -m pytest -n $(WORKERS)

test-slow: .venv/development.stamp
	@$(BIN)/python -m pytest -m slow

bench: .venv/development.stamp
	@$(BIN)/python -m benchmarks

lint: .venv/development.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: .venv/development.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Reads the code only; nothing answers at these addresses.
openapi: .venv/development.stamp
	@SECRET_KEY=none DATABASE_URL=postgres://none@127.0.0.1:9/none $(BIN)/python manage.py spectacular \
		--validate --fail-on-warn --file docs/openapi.yaml

# Only after a change in frontend/: what it writes into static/ is part of the repository.
frontend:
	@cd frontend && npm ci --no-audit --no-fund && npm run --silent build

clean-data: .venv/runtime.stamp
	@$(BIN)/python -m loyalty_site.devserver.removal

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Fidelio needs Python 3.11 or newer.")'
	@echo "Making the virtual environment ..."
	@$(PYTHON) -m venv .venv

.venv/uv.stamp: | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

.venv/runtime.stamp: requirements.txt | .venv/uv.stamp
	@echo "Installing the packages ..."
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@touch $@

.venv/development.stamp: requirements.txt requirements-dev.txt | .venv/uv.stamp
	@echo "Installing the packages for development ..."
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@touch $@
