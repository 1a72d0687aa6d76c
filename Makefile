# Two commands are all a newcomer needs: make demo, make test. Each does all of its own set-up and may be repeated.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test setup run work check fix bench browser

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

$(VENV)/ready: requirements.txt
	$(PYTHON) -c 'import sys; assert sys.version_info[:2] == (3, 11), "Concord needs Python 3.11; this is " + sys.version.split()[0]'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install torch==2.13.0
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/tested: requirements-test.txt $(VENV)/ready
	$(PIP) install -r requirements-test.txt
	@touch $@

setup: $(VENV)/ready ## virtual environment, requirements, database
	$(BIN)/python manage.py migrate --verbosity 0

demo: setup ## a project in full swing, with three sign-ins, on 127.0.0.1
	$(BIN)/python manage.py demo

run: setup ## web server, worker and sweep together
	$(BIN)/python manage.py run

work: setup ## one more worker, on this or another machine
	$(BIN)/python manage.py db_worker --interval 0.2

# Compiled tests are kept, whatever the shell says: rewriting their assertions takes seconds.
test: $(VENV)/tested ## the default suite: no network, no GPU, about a minute
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
