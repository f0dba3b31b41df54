"""snakedeploy can deploy this workflow, and the RO-Crate of a run is valid.

Each tool has its own Python, since it needs other versions of packages than the workflow.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib.resources import files

import pytest
import yaml
from projects import ROOT, Project, make_project

pytestmark = pytest.mark.slow

REPOSITORY = "https://github.com/lab/vame-pipeline"
TAG = "v1.0"
# RECOMMENDED checks of addresses; this workflow and the institution in a config have none.
WITHOUT_ADDRESS = {
    "process-run-crate-0.5_3.2",  # the url of an application
    "process-run-crate-0.5_5.1",  # an application's identifier as an absolute URI
    "workflow-ro-crate-1.0_8.1",  # Bioschemas' profile, which asks for a url
    "ro-crate-1.1_31.2",  # the url of an organization
}
AUTHOR = {"name": "Mary Anning", "orcid": "0000-0002-1825-0097", "affiliation": "Lyme Regis"}


def run(*command, **how):
    result = subprocess.run(command, check=False, capture_output=True, text=True, **how)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def make_python(folder, group):
    """Install a group of pyproject.toml into a new Python; return the folder of its programs."""
    venv.create(folder, with_pip=True)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    install = [folder / "bin/python", "-m", "pip", "install", "--quiet", *groups[group]]
    result = subprocess.run(install, check=False, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"pip cannot fetch {', '.join(groups[group])}: {result.stderr[-300:]}")
    return folder / "bin"


@pytest.fixture
def on_github(tmp_path):
    """Return environment variables with which git reads a local repository in place of GitHub."""
    repository = tmp_path / "repository"
    run("git", "clone", "--quiet", "--no-local", ROOT, repository)
    for file in run("git", "-C", ROOT, "ls-files", "--modified").splitlines():  # as they are now
        shutil.copy(ROOT / file, repository / file)
    identity = ("-c", "user.name=lab", "-c", "user.email=lab@example.org")
    run(
        "git", "-C", repository, *identity, "commit", "--quiet", "--all", "--allow-empty", "-m", "1"
    )
    run("git", "-C", repository, "tag", TAG)
    return os.environ | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def test_a_deployed_workflow_runs(tmp_path, on_github):
    """Run `snakedeploy deploy-workflow`, add config and recordings, and run `snakemake`."""
    tools, deployed = make_python(tmp_path / "tools", "snakedeploy"), tmp_path / "deployed"
    deploy = (tools / "snakedeploy", "deploy-workflow", REPOSITORY, deployed, "--tag", TAG)
    run(*deploy, env=on_github)
    assert f'tag="{TAG}"' in (deployed / "workflow/Snakefile").read_text()
    shutil.copytree(make_project(tmp_path / "own").folder, deployed, dirs_exist_ok=True)
    snakemake = (sys.executable, "-m", "snakemake", "--cores", "2", "--quiet")
    run(*snakemake, env=on_github, cwd=deployed)
    manifest = json.loads((deployed / "results/manifest.json").read_text())
    version = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    assert [*manifest["workflows"].values()] == [
        {"version": version, "source": "github.com/lab/vame-pipeline", "ref": TAG, "commit": None}
    ]


@pytest.fixture(scope="module")
def issues(tmp_path_factory, run_once):
    """Validate the crate of a run whose config names an author and a licence."""
    folder = tmp_path_factory.mktemp("crate")
    python = make_python(folder / "validator", "roc-validator") / "python"
    project = Project(shutil.copytree(run_once, folder / "project", symlinks=True))
    project.write_config(publication={"authors": [AUTHOR], "license": "CC-BY-4.0"})
    project.snakemake("ro_crate")
    program = ROOT / "tests/standards/validate_crate.py"
    context = files("rocrate") / "data/ro-crate.jsonld"
    crate = project / "results/ro-crate.zip"
    result = subprocess.run(
        [python, program, crate, context], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_crate_meets_all_requirements(issues):
    assert [issue for issue in issues if issue["severity"] == "REQUIRED"] == []


def test_a_crate_meets_all_recommendations_except_addresses(issues):
    assert [issue for issue in issues if issue["check"] not in WITHOUT_ADDRESS] == []


def test_the_validator_checks_every_script(issues):
    """Each script is an application that lacks only an address."""
    without = {each["entity"] for each in issues if each["check"] == "process-run-crate-0.5_3.2"}
    assert "./workflow/workflow/scripts/train_model.py" in without
