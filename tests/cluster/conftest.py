import re
import shutil
import tempfile
from pathlib import Path

import pytest
from cluster.slurm import PATIENT, SWEEP, Run, Slurm, missing
from faults.conftest import copy_of, undisturbed  # noqa: F401
from faults.injector import LONG, MODEL
from projects import make_project

# As many threads as in the undisturbed run, for identical results.
THREADS = ("--set-threads", "train_model=1", "evaluate_model=1")


@pytest.fixture(scope="session")
def slurm():
    """Start a Slurm, and stop it at the end, also after errors."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path, since sockets are in it
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.clean()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Return a project with a dataset, from whose copies trainings start."""
    project = make_project(tmp_path_factory.mktemp("faults") / "prepared")
    project.write_config(**LONG)
    project.snakemake("results/dataset/dataset.json")
    return project


@pytest.fixture(scope="session")
def locally(tmp_path_factory, slurm):
    """Run a sweep on this machine, with as many threads as Slurm's jobs have."""
    project = make_project(tmp_path_factory.mktemp("locally") / "project")
    project.write_config(**SWEEP)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PATIENT.items():
            patch.setenv(name, value)
        project.snakemake("--cores", "all", "--set-threads", "train_model=4", "evaluate_model=2")
    return project


@pytest.fixture
def start(slurm, copy_of):  # noqa: F811
    """Return a function that starts Snakemake on Slurm; cancel all its jobs at the end."""
    runs = []

    def start(*arguments, project=None, **how):
        run = Run(project or copy_of("faults"), f"{MODEL}/model.pt", *THREADS, *arguments, **how)
        runs.append(run)
        return run

    yield start
    for run in runs:
        run.process.kill()
        if re.search(r"SLURM run ID: (\S+)", run.text()):
            slurm.ask("scancel", "--name", run.name)


@pytest.fixture
def survived(record_property):
    """Return a function that adds a line to the table of failures that a training survived."""
    return lambda fault, **outcome: record_property("fault", {"fault": fault, **outcome})


def pytest_terminal_summary(terminalreporter):
    rows = [
        row
        for report in terminalreporter.getreports("passed")
        for name, row in report.user_properties
        if name == "fault"
    ]
    if rows:
        rows.insert(0, {key: key.replace("_", " ") for key in rows[0]})
        widths = {key: max(len(str(row[key])) for row in rows) for key in rows[0]}
        for row in rows:
            line = "  ".join(str(row[key]).ljust(width) for key, width in widths.items())
            terminalreporter.write_line(line.rstrip())
