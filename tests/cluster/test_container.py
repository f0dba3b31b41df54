"""The Dockerfile keeps step with the rest; no container engine builds it here."""

import json
import re
import tomllib

import yaml
from packaging.requirements import Requirement
from projects import JOB, ROOT
from unit.test_packages import rules

TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
PINNED = dict(re.findall(r'"([\w-]+)(?:\[\w+\])?==([\w.]+)"', TEXT))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_versions_are_those_of_pyproject():
    groups = PROJECT["dependency-groups"]
    entries = [entry for group in groups.values() for entry in group if isinstance(entry, str)]
    versions = {Requirement(entry).name: str(Requirement(entry).specifier) for entry in entries}
    assert {"snakemake", "snakemake-executor-plugin-kubernetes"} <= PINNED.keys()
    for name, version in PINNED.items():
        assert versions[name] == f"=={version}", name


def test_its_targets_use_every_environment(project):
    """So that all of them are made when the image is built."""
    targets = re.search(r"--conda-create-envs-only (.*?) *&&", TEXT).group(1).split()
    ran = {rule for rule, _ in JOB.findall(project.quick("--dry-run", *targets))}
    used = {environment for rule, environment, _ in rules() if rule in ran}
    assert used == {f"envs/{path.name}" for path in (ROOT / "envs").glob("*.yaml")}


def test_it_holds_all_that_the_workflow_reads():
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", TEXT, re.M) for name in line.split()}
    assert copied == {
        *("Snakefile", "CITATION.cff", "LICENSE"),
        *("config", "envs", "profiles", "workflow"),
    }
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_its_environments_are_where_runs_look_for_them():
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", TEXT, re.M).group(1))
    made = re.search(r"--conda-prefix (\S+)", TEXT).group(1)
    assert entry[entry.index("--conda-prefix") + 1] == made
    profile = (ROOT / "profiles/kubernetes/profile.yaml").read_text()
    assert yaml.safe_load(profile)["conda-prefix"] == made


def test_its_python_is_that_of_the_environments():
    pythons = {path: re.findall(r"python=[\d.]+", path.read_text()) for path in ROOT.glob("envs/*")}
    assert {version for found in pythons.values() for version in found} == {
        re.search(r"python=[\d.]+", TEXT).group(0)
    }
