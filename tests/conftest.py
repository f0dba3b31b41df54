"""Projects in temporary folders, one that has run once for all tests."""

import shutil
from pathlib import Path

import pytest
import torch
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
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    project.snakemake()
    return project


@pytest.fixture
def finished(finished_once: Project, tmp_path: Path) -> Project:
    """A copy of a finished run, to edit."""
    folder = tmp_path / "project"
    shutil.copytree(finished_once.folder, folder, symlinks=True)
    return Project(folder)
