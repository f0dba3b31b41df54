PYTHON ?= python3
CORES ?= all
BIN = .venv/bin
# Exact versions for the Python of .venv, if envs/ has them; otherwise pip chooses.
VERSION = $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
EXACT = $$(ls envs/constraints-$(VERSION).txt 2>/dev/null | sed 's/^/--constraint /')
INSTALL = $(BIN)/python -m pip install --quiet $(EXACT)

.PHONY: .venv run check report docs lock test test-faults test-benchmarks test-cluster test-conda test-standards test-compile fuzz bench bench-gpu bench-poses bench-motifs bench-fidelity bench-behaviour bench-budget bench-rivals lint format clean

# Run the workflow with config/config.yaml, which uses the demo recordings until you edit it.
run: .venv
	$(BIN)/snakemake --cores $(CORES)

# Check every recording before training, into results/quality. A recording that cannot be read does
# not stop the others.
check: .venv
	$(BIN)/snakemake --cores $(CORES) --keep-going check

# Write the report: a summary and all figures with captions, in one file that works offline.
report: run
	$(BIN)/snakemake --cores 1 --report results/report.html

# Build the documentation site into docs/_build/index.html.
docs: .venv
	$(INSTALL) --group docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build

# Renew the exact versions in envs/constraints-*.txt for each Python: the newest that pyproject.toml
# allows. Run the tests before you commit them.
lock: .venv
	$(INSTALL) --group lock
	$(BIN)/python tools/lock.py

# Run the tests: five to ten minutes on two cores. All tests of a file run in one process; more than
# four processes would slow each other down.
test: .venv
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Test kills, signals and full disks: half an hour.
test-faults: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/faults

# Test the scripts of the benchmarks.
test-benchmarks: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/benchmarks

# Test the profile for Slurm on a real Slurm, which is started and stopped on this machine, with failures
# and a slow shared disk, and results in a bucket of a local S3 server: 45 minutes, as root.
# SLURM_ON_ONE_MACHINE is the folder of its start-slurm.sh.
test-cluster: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/cluster

# Test every rule in its own environment, with a program that replaces conda: ten minutes.
# OFFLINE_CONDA is its folder.
test-conda: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/conda

# Test deployment with snakedeploy, and validate the RO-Crate of a run: some minutes.
test-standards: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/standards

# Test training with torch.compile: a minute of compilation.
test-compile: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/unit/vame_core/test_training.py

# Test random configs and sessions tables, and more than a thousand damaged pose files: some minutes.
fuzz: .venv
	FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest tests/unit/settings/test_door.py tests/unit/settings/test_fuzz_names.py
	FUZZ_EXAMPLES=150 $(BIN)/python -m pytest tests/unit/pose_prep/test_fuzz*.py

# Measure how long an hour of recording takes to read, clean and align.
bench-poses: .venv
	$(BIN)/python benchmarks/poses.py

# Measure memory and time of motifs for ten million frames.
bench-motifs: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/motifs.py

lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: .venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# Compare speed with VAME, into benchmarks/results.json and docs/speed.png: twenty minutes.
bench: .venv
	PYTHONPATH=workflow/scripts:tests $(BIN)/python benchmarks/speed.py $(RECORDINGS:%=--recordings %)

# Compare speed on a machine with an NVIDIA GPU, into benchmarks/results-gpu.json and docs/gpu.md:
# eight minutes.
bench-gpu: .venv
	PYTHONPATH=workflow/scripts:tests $(BIN)/python benchmarks/gpu.py $(RECORDINGS:%=--recordings %)

# Measure the effect of each correction of VAME's behaviour, into docs/fidelity.md. RECORDINGS is the
# folder with the two benchmark recordings of B-SOID; without it, only simulated ones are used.
bench-fidelity: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/fidelity.py $(RECORDINGS:%=--recordings %)

# Compare motifs with labelled behaviours, into docs/behaviour.md: an hour. RECORDINGS is the folder
# with labelled/sessions.tsv and demo2_tracking.csv; without it, only the demo is used.
bench-behaviour: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/behaviour.py $(RECORDINGS:%=--recordings %)

# Compare with CEBRA and keypoint-MoSeq on the mice of that folder, into the same page: an hour. Each
# is installed into its own environment in benchmarks/.rivals: 3 GB.
bench-rivals: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/rivals.py $(RECORDINGS:%=--recordings %)

# Measure how motifs and errors depend on the number of training steps, into docs/behaviour.md: some
# hours.
bench-budget: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/budget.py $(RECORDINGS:%=--recordings %)

# Install everything that the other targets need, again if pyproject.toml or exact versions change, or if
# an earlier installation was interrupted. The first import of umap compiles for ten seconds and keeps the
# result, so that the first run need not wait for it.
.venv: .venv/complete

.venv/complete: pyproject.toml $(wildcard envs/constraints-*.txt)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(INSTALL) --group dev
	$(BIN)/python -c 'import umap'
	touch $@

clean:
	rm -rf .venv .snakemake results logs
