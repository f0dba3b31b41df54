"""Environments, exact versions and pyproject.toml agree, also with what tests run on."""

import re
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
# What no script imports by name: pandas reads h5 files with pytables, xarray netCDF with netcdf4.
IMPORTED_BY_OTHERS = {
    "poses.yaml": {"netcdf4", "pytables"},
    "report.yaml": {"netcdf4"},
    "training.yaml": {"pyyaml"},  # vame_core.rnn_vae reads the config of a VAME project with it
}

each_python = pytest.mark.parametrize("python", sorted(EXACT))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def entries(file):
    """(name, bounds) of all that an environment asks for, of pip too."""
    listed = yaml.safe_load(file.read_text())["dependencies"]
    listed = [
        *listed,
        *(name for entry in listed if isinstance(entry, dict) for name in entry["pip"]),
    ]
    for entry in listed:
        if isinstance(entry, str):
            name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
            fuzzy = re.fullmatch(r"=([\d.]+)", bounds)  # conda's way to write ==….*
            yield name, SpecifierSet(f"=={fuzzy.group(1)}.*" if fuzzy else bounds)


def of_project():
    """Bounds of pyproject.toml, by package; several where they depend on Python's version."""
    bounds = {}
    for entry in PROJECT["dependency-groups"]["run"]:
        requirement = Requirement(entry)
        bounds.setdefault(requirement.name, []).append(requirement.specifier)
    return bounds


@each_file
def test_packages_come_from_conda_forge_alone(file):
    content = yaml.safe_load(file.read_text())
    assert content.keys() == {"channels", "dependencies"}
    assert content["channels"] == ["conda-forge"]


def test_there_is_one_python():
    versions = {dict(entries(file))["python"] for file in FILES}
    (version,) = versions
    assert str(version) == "==3.11.*"
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains("3.11")


@each_file
def test_versions_are_those_of_pyproject(file):
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds, f"{name}: any version"
            wheel = WHEELS.get(name, name)
            if name not in IMPORTED_BY_OTHERS.get(file.name, ()) or wheel in of_project():
                assert bounds in of_project()[wheel], name


@each_file
def test_what_is_installed_here_is_a_version_that_it_allows(file):
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds.contains(metadata.version(WHEELS.get(name, name))), name


@each_file
def test_it_has_nothing_that_its_rules_do_not_import(file):
    imported = {CONDA.get(name, name) for name in environments()[f"envs/{file.name}"]}
    others = IMPORTED_BY_OTHERS.get(file.name, set())
    listed = yaml.safe_load(file.read_text())["dependencies"]
    pip = {"pip"} if any(isinstance(entry, dict) for entry in listed) else set()
    assert {name for name, _ in entries(file)} == imported | others | pip | {"python"}


def exact(python):
    """The exact versions for a Python, by package."""
    lines = EXACT[python].read_text().splitlines()
    entries = [Requirement(line) for line in lines if not line.startswith("#")]
    wanted = [entry for entry in entries if applies(entry, python)]
    assert len({entry.name for entry in wanted}) == len(wanted)
    return {canonicalize_name(entry.name): entry.specifier for entry in wanted}


def applies(requirement, python):
    """True if this Python, in its newest release and on Linux, has a use for it."""
    here = {"python_version": python, "python_full_version": f"{python}.99"}
    here |= {"sys_platform": "linux"}
    return requirement.marker is None or requirement.marker.evaluate(here)


def requirements(group):
    """What a group of pyproject.toml asks for, with the groups that it includes."""
    for entry in PROJECT["dependency-groups"][group]:
        if isinstance(entry, dict):
            yield from requirements(entry["include-group"])
        else:
            yield Requirement(entry)


def version_of(specifiers):
    (only,) = specifiers
    assert only.operator == "=="
    return only.version


def test_every_python_has_its_exact_versions():
    assert sorted(EXACT) == ["3.11", "3.12", "3.13"]
    assert all(python in SpecifierSet(PROJECT["project"]["requires-python"]) for python in EXACT)


@each_python
def test_exact_versions_are_names_and_versions_alone(python):
    """No hashes, hosts or paths, and no builds: pip takes a CPU build of torch for its version."""
    head, *lines = EXACT[python].read_text().splitlines()
    assert head.startswith(f"# Exact versions for Python {python}")
    entry = re.compile(r"[\w.-]+==[\w.]+(; [\w ().'\"<>=]+)?")
    assert [line for line in lines if not entry.fullmatch(line)] == []


@each_python
@pytest.mark.parametrize("group", ["dev", "docs"])
def test_what_make_installs_has_an_exact_version_within_its_bounds(python, group):
    versions = exact(python)
    for requirement in requirements(group):
        if applies(requirement, python):
            version = version_of(versions[canonicalize_name(requirement.name)])
            assert requirement.specifier.contains(version), requirement


@each_file
def test_exact_versions_are_some_that_an_environment_allows(file):
    versions = exact("3.11")
    for name, bounds in entries(file):
        if name not in ("python", "pip"):
            assert bounds.contains(version_of(versions[WHEELS.get(name, name)])), name


def test_a_package_of_the_model_has_one_version_on_every_python():
    for name in ("torch", "snakemake", "safetensors", "onnx"):
        assert len({version_of(exact(python)[name]) for python in EXACT}) == 1, name


def test_the_version_is_that_of_the_citation_and_the_changelog():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version, date = re.search(r"^## (\S+) \((\S+)\)$", changelog, re.MULTILINE).groups()
    assert version == PROJECT["project"]["version"]
    assert date == citation["date-released"].isoformat()
