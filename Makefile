# Every target does its own set-up from a clean clone; needed: make and python3 >= 3.11.
# `make` alone prints this list.

PROMPT ?= a fox crosses a snowy field
OUT ?= outputs/video.mp4
DATA ?= studio-data
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One process a core; a file stays in one, for its fixtures. The order is kept, so that the longest begins early.
SUITE := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# The prompt reaches the shell as a variable, so that quotes and dollar signs in it stay text.
export PROMPT

.DEFAULT_GOAL := help
.PHONY: help video studio space space-bundle browsers test check audit bench train-mini clean
# A set-up that stopped half-way must not leave a stamp behind.
.DELETE_ON_ERROR:

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
		while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

video: $(VENV)/.installed ## Make a clip (PROMPT="..." OUT=outputs/video.mp4)
	@mkdir -p "$(dir $(OUT))"
	@$(BIN)/unstrung generate "$$PROMPT" --out "$(OUT)"
	@echo "Your clip: $(OUT)"

studio: $(VENV)/.installed ## Run the whole service: API, worker and database (DATA=studio-data)
	@$(BIN)/unstrung serve --data "$(DATA)"

space: $(VENV)/.installed $(VENV)/.space-installed ## Run the Hugging Face Space here (UNSTRUNG_API=address asks a studio)
	@cd space && PYTHONPATH="../$(VENV)/sdks/space" ../$(BIN)/python app.py

space-bundle: $(VENV)/.installed ## Put this repository's wheel into space/, which can then be pushed to a Space
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir space/wheels .

browsers: $(VENV)/.installed ## Install what the tests of pages look with: Debian's Chromium, axe-core (needs apt and npm)
	@test -x /usr/bin/chromium || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	npm install --silent --no-audit --no-fund --prefix $(VENV)/sdks/axe axe-core@4

test: $(VENV)/.installed $(VENV)/.sdks-installed $(VENV)/.space-installed ## Run the tests (no network, no downloads)
	@$(SUITE)

check: $(VENV)/.installed $(VENV)/.sdks-installed $(VENV)/.space-installed ## Format, lint, types and tests: the whole truth
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(SUITE)

audit: $(VENV)/.installed $(VENV)/.audit-installed ## Ask the public databases for known holes in what is installed (network)
	@$(BIN)/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' > $(VENV)/audited.txt
	@$(VENV)/audit/bin/pip-audit --requirement $(VENV)/audited.txt --no-deps --disable-pip --strict

bench: $(VENV)/.bench-installed ## Time us against Diffusers' LTX and this machine's largest bf16 product
	@$(BIN)/python runs/bench.py

train-mini: $(VENV)/.installed ## Repeat the recorded training of the shipped model (hours; fetches art)
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash runs/mini.sh

clean: ## Remove what set-up and tools made (clips and training state stay)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch is installed first and alone, at its exact pin: with a range, pip may pick the newest release, whose
# wheel brings gigabytes of CUDA libraries. Where only a CUDA wheel of the pin exists, that one works as well.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "unstrung needs Python >= 3.11, and $(PYTHON) is older; try make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -e '.[dev,train,studio]'
	@touch $@

# The official clients that the studio is tested with, unmodified: an older Python line beside the newest one of
# the [dev] extra, and the Node lines where npm is there (line 7 with the node that it needs). They are never used
# at run time.
$(VENV)/.sdks-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --upgrade --target $(VENV)/sdks/python-2 'openai==2.24.*'
	@if command -v npm >/dev/null && command -v node >/dev/null; then \
		mkdir -p $(VENV)/sdks/node-6 $(VENV)/sdks/node-7 && \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/sdks/node-6 openai@6 && \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/sdks/node-7 openai@7 node@22; \
	else \
		echo "npm is missing: the tests of the Node SDK will be skipped." >&2; \
	fi
	@touch $@

# Beside our own environment, not in it: Gradio holds back releases that the studio does not.
$(VENV)/.space-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --upgrade --target $(VENV)/sdks/space 'gradio>=6.30,<7'
	@touch $@

# A place of its own, so that what looks for holes adds none. `--strict` fails where a package could not be looked
# up: silence must not look like health.
$(VENV)/.audit-installed: $(VENV)/.installed
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet 'pip-audit>=2.10,<3'
	@touch $@

$(VENV)/.bench-installed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	@touch $@
