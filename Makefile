# make demo     builds a private environment in .venv and shows the whole thing in a minute
# make test     builds it and passes every check and test
# make quick    the checks and the fast tests, for while you work
# make fuzz     looks for input that breaks a reader; FUZZ_SECONDS=3600 for an hour (Linux)
# make kills    kills and fails every command everywhere, for hours; KILLS_EVERY=20 for a twentieth
# make soak     simulates networks in trouble for an hour; SOAK_MINUTES=5 for less
# make bench    measures everything against its alternatives, half an hour; docs/performance.md says what
# make test-lake    registers a lake with Apache Iceberg and asks Spark, in an environment of its own (Java 17)
# make test-shares  twenty desks over a folder, then six over a real SMB server and over SFTP (Linux, FUSE)
# make clean    removes environments and caches

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.satchel-ready
PIP := python -m pip --disable-pip-version-check install -qq -c constraints.txt

# The oldest DuckDB that pyproject.toml allows; the environment of the tests has the newest.
OLD_DUCKDB := 1.5.0
OLD_VENV := .venv-duckdb15
FUZZ_SECONDS ?= 600
KILLS_EVERY ?= 1
KILLS_WORKERS ?= 2
SOAK_MINUTES ?= 60
SOAK_FROM ?= 1000
# What satchel is measured against has an environment of its own: satchel's start-up must not find numpy there.
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.satchel-ready
POUCH_READY := $(BENCH_VENV)/node/.satchel-ready
POUCHDB := pouchdb@9.0.0
BENCH_RESULTS := build/bench.json
LAKE_VENV := .venv-lake
LAKE_READY := $(LAKE_VENV)/.satchel-ready
OLD_READY := $(OLD_VENV)/.satchel-ready-$(OLD_DUCKDB)

.DEFAULT_GOAL := help
.PHONY: help test-shares demo test quick check test-duckdb-1.5 test-lake fuzz kills soak bench clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(READY)
	@$(BIN)/satchel demo .

# pytest comes last, so that its closing line is the last one printed.
test: check test-duckdb-1.5 $(BENCH_READY)
	@$(BIN)/python -m pytest -n auto -q

quick: check
	@$(BIN)/python -m pytest -n auto -q -m "not slow"

check: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@echo "ruff, mypy and the import rules: passed"

test-duckdb-1.5: $(READY) $(OLD_READY)
	@echo "audit with DuckDB $(OLD_DUCKDB):"
	@$(OLD_VENV)/bin/python -m pytest -q -m audit -p no:cacheprovider

# Apart from the other tests: Spark alone is larger than all that satchel needs.
test-lake: $(LAKE_READY)
	@java -version >/dev/null 2>&1 || { echo "Spark needs Java 17 or newer: install a JRE" >&2; exit 1; }
	@$(LAKE_VENV)/bin/python -m pytest -q -p no:cacheprovider tests/engines

$(LAKE_READY): pyproject.toml constraints.txt
	@$(call make_venv,$(LAKE_VENV))
	@$(LAKE_VENV)/bin/$(PIP) hatchling
	@$(LAKE_VENV)/bin/$(PIP) --no-build-isolation -e '.[lake]' pytest hypothesis
	@touch $@

$(READY): pyproject.toml constraints.txt
	@$(call make_venv,$(VENV))
	@$(BIN)/$(PIP) hatchling
	@$(BIN)/$(PIP) --no-build-isolation -e '.[dev]'
	@touch $@

# What it found so far stays in .fuzz, and the next run goes on from there.
fuzz: $(READY)
	@$(BIN)/python -m tests.fuzz.target --seconds $(FUZZ_SECONDS) --keep .fuzz

# System calls are stopped by strace where it may trace; else only the steps that satchel announces are.
kills: $(READY)
	@$(BIN)/python -m tests.kills.whole $(KILLS_EVERY) $(KILLS_WORKERS)

# What the second needs of the machine, it names (Debian: samba smbnetfs sshfs openssh-server fuse3).
test-shares: $(READY)
	@$(BIN)/python -m tests.daemon.crowd --nodes 20 --minutes 3
	@$(BIN)/python -m tests.shares --nodes 6 --minutes 1

soak: $(READY)
	@$(BIN)/python -m tests.simulation --minutes $(SOAK_MINUTES) --from $(SOAK_FROM)

bench: $(READY) $(BENCH_READY) $(POUCH_READY)
	@$(BIN)/python -m benchmarks --json $(BENCH_RESULTS)

# One that has no build for this system is left out, and its measures say so.
$(BENCH_READY): pyproject.toml constraints.txt $(READY)
	@$(call make_venv,$(BENCH_VENV))
	@$(BIN)/python -m benchmarks.alternatives | while read -r library; do \
	  $(BENCH_VENV)/bin/$(PIP) "$$library" </dev/null || echo "benchmarks go without $$library"; \
	done
	@touch $@

$(POUCH_READY): $(BENCH_READY)
	@mkdir -p $(@D)
	@npm install --silent --no-audit --no-fund --prefix $(@D) $(POUCHDB) || echo "benchmarks go without PouchDB"
	@touch $@

# Only the audit differs between versions of DuckDB, so this environment has no more than its tests need.
$(OLD_READY): pyproject.toml constraints.txt
	@$(call make_venv,$(OLD_VENV))
	@sed 's/^duckdb==.*/duckdb==$(OLD_DUCKDB)/' constraints.txt > $(OLD_VENV)/constraints.txt
	@$(OLD_VENV)/bin/$(PIP) hatchling
	@$(OLD_VENV)/bin/$(subst constraints.txt,$(OLD_VENV)/constraints.txt,$(PIP)) --no-build-isolation -e . pytest hypothesis
	@touch $@

# $(1): where. An environment that works is kept. Says in one line what is missing on a machine that cannot make one.
define make_venv
if ! $(1)/bin/python -m pip --version >/dev/null 2>&1; then \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "Satchel needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 1; }; \
  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
    || { echo "this Python cannot make an environment: install python3-venv, or name another one: make PYTHON=python3.11" >&2; exit 1; }; \
  echo "making $(1) (once)"; \
  $(PYTHON) -m venv --clear $(1); \
fi
endef

clean:
	rm -rf $(VENV) $(OLD_VENV) $(LAKE_VENV) $(BENCH_VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
