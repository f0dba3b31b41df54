"""Projects in temporary folders, one that has run once for all tests."""

import shutil
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from projects import Project, make_project


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tiny networks are faster on one thread, and other tests may be running beside these."""
    torch.set_num_threads(1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that has not run yet."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder of a finished run, which all processes of pytest share; copied, never edited."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # of pytest-xdist, whose processes have their own
        shared = shared.parent
    folder, done = shared / "run_once" / "project", shared / "run_once" / "done"
    with FileLock(shared / "run_once.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a run that failed in another process
            make_project(folder).run()
            done.touch()
    return folder


@pytest.fixture(scope="session")
def finished_once(run_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished run for this process alone; whoever edits it takes the edit back."""
    return copy_of_run(run_once, tmp_path_factory.mktemp("finished") / "project")


@pytest.fixture
def finished(run_once: Path, tmp_path: Path) -> Project:
    """A copy of a finished run, to edit."""
    return copy_of_run(run_once, tmp_path / "project")


def copy_of_run(run: Path, folder: Path) -> Project:
    shutil.copytree(run, folder, symlinks=True)
    return Project(folder)
