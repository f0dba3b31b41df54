PYTHON ?= python3
CORES ?= all
BIN = .venv/bin

.PHONY: run test test-faults lint format bench-fidelity clean

# The workflow, with whatever config/config.yaml says; as shipped, the demo recordings.
run: .venv
	$(BIN)/snakemake --cores $(CORES)

test: .venv
	$(BIN)/python -m pytest

# Kills, signals, full disks: half an hour.
test-faults: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/faults

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: .venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# What each correction of VAME's behaviour does, into docs/fidelity.md. RECORDINGS=folder names the
# folder with the two benchmark recordings of B-SOID; without it, the demo recordings alone.
bench-fidelity: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/fidelity.py $(RECORDINGS:%=--recordings %)

# Everything that the other targets need, made anew when pyproject.toml has changed.
.venv: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group dev
	touch .venv

clean:
	rm -rf .venv .snakemake results logs
