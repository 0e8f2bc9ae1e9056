# make help   says what there is

PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test conformance lint format bench translations doctor clean
# Nothing here gains from running side by side, and make's own chatter hides what matters.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

help: ## This list
	@echo "make <goal>, where <goal> is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

run: $(VENV)/.installed ## Set up whatever is missing, and serve: make run [PORT=8000]
	@exec $(BIN)/python -m mapservice serve --port $(PORT)

test: $(VENV)/.installed-dev ## Everything, with a real database and a real browser
	@$(BIN)/python -m mapservice packages --tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

conformance: $(VENV)/.installed-dev ## The suites of others, and slow clients; writes docs/conformance.md
	@$(BIN)/python -m mapservice packages --tests
	@$(BIN)/python -m pytest -m conformance

lint: $(VENV)/.installed-dev ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## Put style right where a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed ## How fast the service answers, beside others: make bench [OPTIONS=--quick]
	@$(BIN)/python -m benchmarks $(OPTIONS)

translations: $(VENV)/.installed ## Bring messages.pot and every language's catalogue up to the code
	@$(BIN)/python -m mapservice.web.translating

doctor: $(VENV)/.installed ## What is installed, what is missing, which settings are in force
	@$(BIN)/python -m mapservice doctor

clean: ## Remove what was installed and built; the database in var/ stays
	rm -rf $(VENV) build *.egg-info mapservice/web/static/dist mapservice/web/frontend/node_modules
	rm -rf tests/clients/maplibre/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find mapservice tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# When the system's Python moves on, the one in the virtual environment is a link to nowhere: begin again.
ifneq ($(shell test -e $(VENV)/.made && $(BIN)/python -c 'print("works")' 2>/dev/null),works)
$(shell rm -f $(VENV)/.made $(VENV)/.installed $(VENV)/.installed-dev)
endif

# The stamps stand for "installed as these files say"; a second start finds them newer and goes on at once.

$(VENV)/.made:
	@./.ci/make-venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt pyproject.toml
	@echo "Installing the Python packages (once, and after changes)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing the Python packages for tests (once, and after changes)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
