# Two commands on a fresh machine: `make run` and `make test`.
# Needs Python >= 3.11; uv is used where it is installed, else venv and pip.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)
PINS   := --constraint constraints.txt
TORCH  := torch==2.13.0

# Two processes share two cores: with a thread for each core in both of them, they wait
# for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile \
          --no-loadscope-reorder
# Annotations are checked at run time, but not in long trainings: those take eight times
# as long with it.
CHECKED := --jaxtyping-packages=layerwise,beartype.beartype

ifdef UV
NEW_VENV = uv venv --quiet --allow-existing --python ">=3.11" $(VENV)
INSTALL  = uv pip install --quiet --python $(BIN)/python $(PINS)
CPU_ONLY = --torch-backend cpu
else
NEW_VENV = $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
INSTALL  = $(BIN)/python -m pip install --quiet $(PINS)
CPU_ONLY =
endif

.PHONY: run test test-all lint docs course web check build clean help

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.installed  ## set up, then data -> training -> inside -> page, on digits
	$(BIN)/layerwise run

test: $(VENV)/.installed-test  ## set up with torch, then all tests but the slow ones
	$(PYTEST) $(CHECKED) -m "not slow" $(ARGS)

test-all: test  ## the tests, then the slow ones
	$(PYTEST) -m slow $(ARGS)

lint: $(VENV)/.installed-lint  ## style, types, import rules, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(VENV)/.installed-docs  ## the API reference, into build/docs; fails where a docstring lacks a part
	$(BIN)/python docs/make_api.py

course: $(VENV)/.installed-test  ## the course's sheets and notebooks, from its solutions
	$(BIN)/python docs/make_course.py

web:  ## the page's script from web/, tested and built into src/; needs Node.js >= 20.19
	npm --prefix web ci --no-fund --no-audit
	npm --prefix web test
	npm --prefix web run build

check: lint test-all  ## everything that must pass

build: $(VENV)/.installed-lint  ## the wheel and the source archive, into dist/
	rm -rf dist
	$(BIN)/python -m build --installer pip

clean:  ## forget the environment
	rm -rf $(VENV) build dist

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "layerwise needs Python >= 3.11: make PYTHON=python3.12"; exit 2; }
	$(NEW_VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.venv pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once, a minute or two)"
	$(INSTALL) --editable .
	@touch $@

# torch first and by its version: what asks for a range of it is then content.
$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) $(CPU_ONLY) $(TORCH)
	$(INSTALL) --group test
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	$(INSTALL) --group lint
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-test
	$(INSTALL) --group docs
	@touch $@
