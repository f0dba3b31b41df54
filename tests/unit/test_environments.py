"""Environments, exact versions, pyproject.toml and installed packages agree."""

import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from unit.test_packages import CONDA, environments

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = sorted((ROOT / "envs").glob("*.yaml"))
EXACT = {path.stem.split("-")[1]: path for path in (ROOT / "envs").glob("constraints-*.txt")}
WHEELS = {"pytorch": "torch", "matplotlib-base": "matplotlib", "pytables": "tables"}
# Packages that no script imports: pandas reads h5 with pytables, xarray reads netCDF with netcdf4.
IMPORTED_BY_OTHERS = {
    "poses.yaml": {"netcdf4", "pytables"},
    "report.yaml": {"netcdf4"},
    "training.yaml": {"pyyaml"},  # vame_core.rnn_vae reads the config of a VAME project with it
}

each_python = pytest.mark.parametrize("python", sorted(EXACT))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def entries(file):
    """Return (name, bounds) of all requirements of an environment, also those for pip."""
    listed = yaml.safe_load(file.read_text())["dependencies"]
    listed = [
        *listed,
        *(name for entry in listed if isinstance(entry, dict) for name in entry["pip"]),
    ]
    for entry in listed:
        if isinstance(entry, str):
            name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
            fuzzy = re.fullmatch(r"=([\d.]+)", bounds)  # conda writes ==….* so
            yield name, SpecifierSet(f"=={fuzzy.group(1)}.*" if fuzzy else bounds)


def of_project():
    """Return the bounds of pyproject.toml by package; several if Python's version matters."""
    bounds = {}
    for entry in PROJECT["dependency-groups"]["run"]:
        requirement = Requirement(entry)
        bounds.setdefault(requirement.name, []).append(requirement.specifier)
    return bounds


@each_file
def test_packages_are_only_from_conda_forge(file):
    content = yaml.safe_load(file.read_text())
    assert content.keys() == {"channels", "dependencies"}
    assert content["channels"] == ["conda-forge"]


def test_all_environments_have_the_same_python():
    versions = {dict(entries(file))["python"] for file in FILES}
    (version,) = versions
    assert str(version) == "==3.11.*"
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains("3.11")


@each_file
def test_bounds_are_those_of_pyproject(file):
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds, f"{name}: any version"
            wheel = WHEELS.get(name, name)
            if name not in IMPORTED_BY_OTHERS.get(file.name, ()) or wheel in of_project():
                assert bounds in of_project()[wheel], name


@each_file
def test_installed_versions_are_within_the_bounds(file):
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds.contains(metadata.version(WHEELS.get(name, name))), name


@each_file
def test_an_environment_has_only_packages_that_its_rules_import(file):
    imported = {CONDA.get(name, name) for name in environments()[f"envs/{file.name}"]}
    others = IMPORTED_BY_OTHERS.get(file.name, set())
    listed = yaml.safe_load(file.read_text())["dependencies"]
    pip = {"pip"} if any(isinstance(entry, dict) for entry in listed) else set()
    assert {name for name, _ in entries(file)} == imported | others | pip | {"python"}


def exact(python):
    """Return the exact versions for a Python by package."""
    lines = EXACT[python].read_text().splitlines()
    entries = [Requirement(line) for line in lines if not line.startswith("#")]
    wanted = [entry for entry in entries if applies(entry, python)]
    assert len({entry.name for entry in wanted}) == len(wanted)
    return {canonicalize_name(entry.name): entry.specifier for entry in wanted}


def applies(requirement, python):
    """Return True if the requirement applies to this Python, in its newest release, on Linux."""
    here = {"python_version": python, "python_full_version": f"{python}.99"}
    here |= {"sys_platform": "linux"}
    return requirement.marker is None or requirement.marker.evaluate(here)


def requirements(group):
    """Return the requirements of a group of pyproject.toml, with the groups that it includes."""
    for entry in PROJECT["dependency-groups"][group]:
        if isinstance(entry, dict):
            yield from requirements(entry["include-group"])
        else:
            yield Requirement(entry)


def version_of(specifiers):
    (only,) = specifiers
    assert only.operator == "=="
    return only.version


def test_every_python_has_exact_versions():
    assert sorted(EXACT) == ["3.11", "3.12", "3.13"]
    assert all(python in SpecifierSet(PROJECT["project"]["requires-python"]) for python in EXACT)


@each_python
def test_files_of_exact_versions_have_only_names_and_versions(python):
    """There are no hashes, hosts, paths or builds: pip accepts a CPU build of torch."""
    head, *lines = EXACT[python].read_text().splitlines()
    assert head.startswith(f"# Exact versions for Python {python}")
    entry = re.compile(r"[\w.-]+==[\w.]+(; [\w ().'\"<>=]+)?")
    assert [line for line in lines if not entry.fullmatch(line)] == []


@each_python
@pytest.mark.parametrize("group", ["dev", "docs"])
def test_packages_that_make_installs_have_exact_versions_within_bounds(python, group):
    versions = exact(python)
    for requirement in requirements(group):
        if applies(requirement, python):
            version = version_of(versions[canonicalize_name(requirement.name)])
            assert requirement.specifier.contains(version), requirement


@each_file
def test_exact_versions_are_within_the_bounds_of_environments(file):
    versions = exact("3.11")
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds.contains(version_of(versions[WHEELS.get(name, name)])), name


def test_packages_of_the_model_have_the_same_version_on_every_python():
    for name in ("torch", "snakemake", "safetensors", "onnx"):
        assert len({version_of(exact(python)[name]) for python in EXACT}) == 1, name


def test_project_citation_and_changelog_have_the_same_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.search(r"^## (\S+) \((\S+)\)$", changelog, re.MULTILINE).groups()
    assert version == PROJECT["project"]["version"]
    assert date == citation["date-released"].isoformat()


@pytest.fixture
def interrupted(tmp_path):
    """Return a project whose installation was interrupted."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    return tmp_path


def commands_of_make(project):
    """Return the commands that `make run` would start in this folder."""
    return subprocess.check_output(["make", "-n", "run"], cwd=project, text=True)


def test_make_installs_again_after_an_interrupted_installation(interrupted):
    assert "--group dev" in commands_of_make(interrupted)


def test_make_installs_once_and_after_a_change_of_the_requirements(interrupted):
    complete = interrupted / ".venv/complete"
    complete.touch()
    assert "--group dev" not in commands_of_make(interrupted)
    later = complete.stat().st_mtime + 1
    os.utime(interrupted / "pyproject.toml", (later, later))
    assert "--group dev" in commands_of_make(interrupted)
