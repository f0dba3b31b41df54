PYTHON ?= python3
CORES ?= all
BIN = .venv/bin
# Exact versions for the Python of .venv, if envs/ has them; otherwise pip chooses.
VERSION = $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
EXACT = $$(ls envs/constraints-$(VERSION).txt 2>/dev/null | sed 's/^/--constraint /')
INSTALL = $(BIN)/python -m pip install --quiet $(EXACT)

.PHONY: run check report docs lock test test-faults test-benchmarks test-cluster test-conda test-standards test-compile fuzz bench bench-gpu bench-poses bench-motifs bench-fidelity bench-behaviour bench-budget bench-rivals lint format clean

# The workflow, with whatever config/config.yaml says; as shipped, the demo recordings.
run: .venv
	$(BIN)/snakemake --cores $(CORES)

# Every recording before an hour of training is spent: results/quality. One that cannot be read
# does not stop the others.
check: .venv
	$(BIN)/snakemake --cores $(CORES) --keep-going check

# All figures with captions behind a start page that says what they show, in one file that works
# offline.
report: run
	$(BIN)/snakemake --cores 1 --report results/report.html

# The documentation site, into docs/_build/index.html.
docs: .venv
	$(INSTALL) --group docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build

# The exact versions of envs/constraints-*.txt anew, for each Python: the newest that pyproject.toml
# allows. Run the tests before you commit them.
lock: .venv
	$(INSTALL) --group lock
	$(BIN)/python tools/lock.py

# Some eight minutes on two cores. A file of tests is one process's; more than four would be in each
# other's way.
test: .venv
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Kills, signals, full disks: half an hour.
test-faults: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/faults

# What the benchmarks measure and print.
test-benchmarks: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/benchmarks

# The profile for Slurm on a real one, which is started and stopped on this machine, faults and a slow
# shared disk included, and results in a bucket of a local S3 server: three quarters of an hour, as
# root. SLURM_ON_ONE_MACHINE names the folder of its start-slurm.sh.
test-cluster: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/cluster

# Every rule in its own environment, through a stand-in for conda: ten minutes. OFFLINE_CONDA names
# its folder.
test-conda: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/conda

# Deploying with snakedeploy, and the crate of a run by its validator: some minutes.
test-standards: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/standards

# Training compiled by torch.compile, which takes a minute of compiling.
test-compile: .venv
	$(BIN)/python -m pytest -m "slow or not slow" tests/unit/vame_core/test_training.py

# Random configs and sheets, and more than a thousand damaged pose files: some minutes.
fuzz: .venv
	FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest tests/unit/settings/test_door.py tests/unit/settings/test_fuzz_names.py
	FUZZ_EXAMPLES=150 $(BIN)/python -m pytest tests/unit/pose_prep/test_fuzz*.py

# How long an hour of recording takes to read, clean and align.
bench-poses: .venv
	$(BIN)/python benchmarks/poses.py

# Memory and time that motifs of ten million frames take.
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

# How fast this is beside VAME, into benchmarks/results.json and docs/speed.png: twenty minutes.
bench: .venv
	PYTHONPATH=workflow/scripts:tests $(BIN)/python benchmarks/speed.py $(RECORDINGS:%=--recordings %)

# The same on a machine with an NVIDIA GPU, into benchmarks/results-gpu.json and docs/gpu.md: eight
# minutes.
bench-gpu: .venv
	PYTHONPATH=workflow/scripts:tests $(BIN)/python benchmarks/gpu.py $(RECORDINGS:%=--recordings %)

# What each correction of VAME's behaviour does, into docs/fidelity.md. RECORDINGS=folder names the
# folder with the two benchmark recordings of B-SOID; without it, simulated ones alone.
bench-fidelity: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/fidelity.py $(RECORDINGS:%=--recordings %)

# How much motifs tell of labelled behaviours, into docs/behaviour.md: an hour. RECORDINGS=folder names
# the folder with labelled/sessions.tsv and demo2_tracking.csv; without it, the demo alone.
bench-behaviour: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/behaviour.py $(RECORDINGS:%=--recordings %)

# CEBRA and keypoint-MoSeq beside it on the mice of that folder, into the same page: an hour. Each is
# installed into an environment of its own, benchmarks/.rivals: 3 GB.
bench-rivals: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/rivals.py $(RECORDINGS:%=--recordings %)

# How motifs and errors depend on the number of training steps, into docs/behaviour.md: some hours.
bench-budget: .venv
	PYTHONPATH=workflow/scripts $(BIN)/python benchmarks/budget.py $(RECORDINGS:%=--recordings %)

# Everything that the other targets need, made anew when pyproject.toml or exact versions have changed.
.venv: pyproject.toml $(wildcard envs/constraints-*.txt)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(INSTALL) --group dev
	touch .venv

clean:
	rm -rf .venv .snakemake results logs
