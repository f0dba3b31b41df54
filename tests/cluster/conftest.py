import re
import shutil
import tempfile
from pathlib import Path

import pytest
from cluster.slurm import PATIENT, SWEEP, Run, Slurm, missing
from faults.conftest import copy_of, undisturbed  # noqa: F401
from faults.injector import LONG, MODEL
from projects import make_project

# As many threads as the undisturbed run has, for the same bits.
THREADS = ("--set-threads", "train_model=1", "evaluate_model=1")


@pytest.fixture(scope="session")
def slurm():
    """A Slurm that is stopped again, whatever happens in between."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path: there are sockets in it
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.clean()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A project whose dataset is there; undisturbed and disturbed trainings begin with copies."""
    project = make_project(tmp_path_factory.mktemp("faults") / "prepared")
    project.write_config(**LONG)
    project.snakemake("results/dataset/dataset.json")
    return project


@pytest.fixture(scope="session")
def locally(tmp_path_factory, slurm):
    """A sweep that ran on this machine, with as many threads as Slurm's jobs find here."""
    project = make_project(tmp_path_factory.mktemp("locally") / "project")
    project.write_config(**SWEEP)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PATIENT.items():
            patch.setenv(name, value)
        project.snakemake("--cores", "all", "--set-threads", "train_model=4", "evaluate_model=2")
    return project


@pytest.fixture
def start(slurm, copy_of):  # noqa: F811
    """Starts Snakemake on Slurm for a project whose dataset is there; leaves none of its jobs."""
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
    """Notes a line of the table of faults, once a test has found that all is well."""
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
