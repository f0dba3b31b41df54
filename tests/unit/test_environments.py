"""The files of envs/ agree with each other, with pyproject.toml and with what tests run on."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from unit.test_packages import CONDA, environments

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = sorted((ROOT / "envs").glob("*.yaml"))
WHEELS = {"pytorch": "torch", "matplotlib-base": "matplotlib", "pytables": "tables"}
# What no script imports by name: pandas reads h5 files with pytables, xarray netCDF with netcdf4.
IMPORTED_BY_OTHERS = {
    "poses.yaml": {"netcdf4", "pytables"},
    "report.yaml": {"netcdf4"},
    "training.yaml": {"pyyaml"},  # vame_core.rnn_vae reads the config of a VAME project with it
}

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
