# Needs Python 3.11 or later and make; everything else is set up below .venv on the first call.
#   make run HOST=0.0.0.0 PORT=9000     chooses the address (default 127.0.0.1:8000)
#   make run ATELIER_HOME=/srv/atelier  chooses the data folder (default .atelier)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
ifndef CHECKS_TOGETHER
.NOTPARALLEL:
endif
.PHONY: help run dev test checks lint contracts types templates migrations messages tests unit e2e \
	chromium bench bench-data bench-files chaos lock backup restore rescan coverage

VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
RUN_READY := $(VENV)/.run-ready
TEST_READY := $(VENV)/.test-ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A file is compiled when it is first imported; most of the 20,000 never are.
INSTALL := $(PIP) install --no-compile
unexport PYTHONDONTWRITEBYTECODE
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
WITH_DATABASE = $(BIN)/python -m hub.embedded.with_database
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
# Chromium built without windows first: it opens pages faster.
CHROMIUM := $(or $(ATELIER_CHROMIUM),$(shell command -v chromium-headless-shell \
	|| command -v chromium || command -v chromium-browser || command -v google-chrome))

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY) ## set up what is missing, then run the whole site on this machine
	@exec $(BIN)/python -m hub.embedded --with-parent

dev: $(TEST_READY) ## the same, with the web process restarted on every change
	@exec $(BIN)/python -m hub.embedded --with-parent --reload

backup: $(RUN_READY) ## save everything, while the site runs or not: TO=/mnt/backups, KEEP=7 if you like
	@test -n "$(TO)" || { echo "Say where to: make backup TO=/mnt/backups" >&2; exit 1; }
	@$(WITH_DATABASE) $(BIN)/python manage.py backup "$(abspath $(TO))" $(if $(KEEP),--keep $(KEEP))

restore: $(RUN_READY) ## bring a backup back into an empty data folder: FROM=/mnt/backups/2026-…Z
	@test -n "$(FROM)" || { echo "Say which: make restore FROM=/mnt/backups/2026-…Z" >&2; exit 1; }
	@$(WITH_DATABASE) $(BIN)/python manage.py restore "$(abspath $(FROM))"

rescan: $(RUN_READY) ## judge all model files by the scanner's rules of now: BEFORE=2026-12-01 to go on
	@$(WITH_DATABASE) $(BIN)/python manage.py rescan_files $(if $(BEFORE),--before "$(BEFORE)")

test: chromium checks tests ## everything that CI checks

# Two at a time, the longest first; each one's lines come in one piece. Types and translations are
# among the tests, beside which they cost no wait.
CHECKS := migrations contracts lint templates
checks: $(TEST_READY) ## all checks that are no tests
	@$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) \
		CHECKS_TOGETHER=1 $(CHECKS)

lint: $(TEST_READY) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

contracts: $(TEST_READY) ## import-linter: who may import whom
	$(BIN)/lint-imports

types: $(TEST_READY) ## mypy
	$(BIN)/mypy

# Rules only: the formatter moves white space between inline elements, which shows on the page.
templates: $(TEST_READY) ## djlint: rules of the templates
	$(BIN)/djlint frontend/templates --lint --quiet

# Leaves a migrated database for the tests that follow to copy.
migrations: $(TEST_READY) ## every change of a model has its migration
	$(PYTEST) tests/test_migrations.py -q

messages: $(TEST_READY) ## every sentence is translated
	ATELIER_ENV=testing $(BIN)/python manage.py messages --check

# In one run: neither core waits at the end of the one for the other. One process more than cores, for
# those that wait for a browser or a worker.
tests: $(TEST_READY) chromium ## all tests
	ATELIER_CHROMIUM="$(CHROMIUM)" $(PYTEST) tests -n 3 --dist worksteal

unit: $(TEST_READY) ## all tests but those in a browser
	$(PYTEST) tests --ignore=tests/e2e -n 2 --dist worksteal

e2e: $(TEST_READY) chromium ## the journeys in a real browser
	ATELIER_CHROMIUM="$(CHROMIUM)" $(PYTEST) tests/e2e -n 2 --dist loadfile

# Outside of `test`: tracing makes the tests half as long again.
coverage: $(TEST_READY) ## how much of the code the tests reach; fails below the floor of 90 percent
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest tests --ignore=tests/e2e \
		--ignore=tests/chaos
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

chromium:
	@test -n "$(CHROMIUM)" || { echo "The browser tests need Chromium, and none was found." \
		"Install it (Debian: apt-get install chromium-headless-shell fonts-noto-cjk), or name one with" \
		"ATELIER_CHROMIUM=/path/to/chromium." >&2; exit 1; }

# ROWS=lora,warm and GEOMETRY=micro|sd15|all choose; ROUNDS=3 pairs of each. Rows against peers need
# PEERS_HOME, the folder that holds sd-scripts and diffusers (docs/engine/speed.md).
bench: $(TEST_READY) ## speed against the peers' scripts, and what each method learns; see docs/engine/speed.md
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench --geometry $(or $(GEOMETRY),micro) \
		--rounds $(or $(ROUNDS),3) $(if $(ROWS),--rows $(ROWS))

bench-data: $(TEST_READY) ## how a hub of 100,000 models and 1,000,000 images answers; SCALE=0.1 for less
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.load --scale $(or $(SCALE),1)

bench-files: $(TEST_READY) ## hashing, upload and download of a large file, against plain copies; MIB=512 for less
	$(BIN)/python -m tests.load.files --mib $(or $(MIB),2048)

chaos: $(TEST_READY) ## kill every process of a running machine, for more seeds and with times; SEEDS=1,2
	ATELIER_CHAOS_SEEDS="$(or $(SEEDS),1,2,3,4,5)" $(PYTEST) tests/chaos/test_whole_machine.py \
		-o log_cli=true -o log_cli_level=INFO

# requirements/*.txt are compiled from pyproject.toml. What is pinned stays; `make lock UPGRADE=1`
# takes newer versions. The CUDA libraries that one build of torch names are left to pip: with the
# line `torch==`, it follows its own configuration to the CPU or the CUDA build.
UV_COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 $(if $(UPGRADE),--upgrade)
NOT_TORCHS = awk '/^[^ ]/ { keep = !/^(nvidia-|cuda-|triton==|setuptools==)/ } keep'

lock: $(TEST_READY) ## compile the requirements again
	$(UV_COMPILE) pyproject.toml --group pyproject.toml:server -o requirements/base.txt
	$(UV_COMPILE) pyproject.toml -c requirements/base.txt -o requirements/cli.txt
	$(UV_COMPILE) --group pyproject.toml:train -c requirements/base.txt -o requirements/train.txt
	$(NOT_TORCHS) requirements/train.txt > requirements/train.new
	mv requirements/train.new requirements/train.txt
	$(UV_COMPILE) --group pyproject.toml:dev -c requirements/base.txt -c requirements/train.txt \
		-o requirements/dev.txt
	$(UV_COMPILE) --group pyproject.toml:services --no-deps --generate-hashes \
		-o requirements/services.txt

$(CREATED):
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		for name in $(PYTHONS); do \
			if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
				2>/dev/null; then found=$$name; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11 or later with its venv module is needed, and none was found." \
				"Debian: apt-get install python3 python3-venv" >&2; exit 1; \
		fi; \
		echo "Creating $(VENV) with $$found"; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@touch $@

$(RUN_READY): $(CREATED) requirements/services.txt requirements/base.txt requirements/train.txt
	@echo "Installing the requirements; the first time takes some minutes."
	@$(INSTALL) --require-hashes --no-deps -r requirements/services.txt
	@$(INSTALL) -r requirements/base.txt -r requirements/train.txt
	@touch $@

$(TEST_READY): $(RUN_READY) requirements/dev.txt
	@$(INSTALL) -r requirements/dev.txt
	@touch $@
