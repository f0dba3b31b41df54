"""Fixtures of projects in temporary folders, one of which runs once for all tests."""

import shutil
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from projects import Project, make_project


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Use one thread: it is faster for tiny networks, and other tests may run at the same time."""
    torch.set_num_threads(1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Write a project that has not run yet."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Return the folder of a finished run for all processes of pytest; it is copied, not edited."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # pytest-xdist: processes have their own folders
        shared = shared.parent
    folder, done = shared / "run_once" / "project", shared / "run_once" / "done"
    with FileLock(shared / "run_once.lock"):
        if not done.exists():
            # A run that failed in another process may have left one.
            shutil.rmtree(folder, ignore_errors=True)
            make_project(folder).run()
            done.touch()
    return folder


@pytest.fixture(scope="session")
def finished_once(run_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a finished run for this process; a test that edits it undoes the edit."""
    return copy_of_run(run_once, tmp_path_factory.mktemp("finished") / "project")


@pytest.fixture
def finished(run_once: Path, tmp_path: Path) -> Project:
    """Return a copy of a finished run that may be edited."""
    return copy_of_run(run_once, tmp_path / "project")


def copy_of_run(run: Path, folder: Path) -> Project:
    shutil.copytree(run, folder, symlinks=True)
    return Project(folder)
