import shutil

import pytest
from faults.injector import LONG, TARGETS, result_of
from projects import Project


@pytest.fixture(scope="session")
def prepared(finished_once, tmp_path_factory):
    """Return a finished project with another model, which trains longer and has not run yet."""
    folder = tmp_path_factory.mktemp("faults") / "prepared"
    shutil.copytree(finished_once.folder, folder, symlinks=True)
    project = Project(folder)
    project.write_config(**LONG)
    return project


@pytest.fixture(scope="session")
def copy_of(prepared, tmp_path_factory):
    def copy(name="copy"):
        folder = tmp_path_factory.mktemp(name) / "project"
        shutil.copytree(prepared.folder, folder, symlinks=True)
        return Project(folder)

    return copy


@pytest.fixture(scope="session")
def undisturbed(copy_of):
    """Return the result of an undisturbed training."""
    project = copy_of("undisturbed")
    project.snakemake(*TARGETS)
    return result_of(project)


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.getreports("passed")
    kills = [n for report in passed for name, n in report.user_properties if name == "kills"]
    if kills:
        terminalreporter.write_line(f"{sum(kills)} kills in {len(kills)} runs survived")
