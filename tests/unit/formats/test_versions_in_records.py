"""A record has the version of the workflow that ran the job, found in the folder of its code."""

import subprocess

import pytest
from formats.workflow import describe_workflow, version_of
from projects import ROOT

IDENTITY = ("-c", "user.name=lab", "-c", "user.email=lab@example.org")


def run_git(folder, *arguments):
    command = ["git", "-C", folder, *IDENTITY, *arguments]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """Create a repository with the files of a workflow."""
    folder = tmp_path / "vame"
    for name in ("workflow/scripts/job.py", "Snakefile", "envs/poses.yaml", "config/config.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1\n")
    (folder / "CITATION.cff").write_text('cff-version: 1.2.0\nversion: "3.1.4"\n')
    run_git(folder, "init", "--quiet")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "--quiet", "-m", "all")
    return folder


def test_a_checkout_has_its_commit(checkout):
    commit = run_git(checkout, "rev-parse", "HEAD")
    assert describe_workflow(checkout) == {"version": "3.1.4", "commit": commit, "clean": True}


@pytest.mark.parametrize(
    ("file", "clean"),
    [
        ("workflow/scripts/job.py", False),
        ("workflow/scripts/new.py", False),
        ("envs/poses.yaml", False),
        ("config/config.yaml", True),
        ("results/summary.html", True),
    ],
)
def test_a_checkout_is_clean_if_its_code_is_as_committed(checkout, file, clean):
    (checkout / file).parent.mkdir(exist_ok=True)
    (checkout / file).write_text("2\n")
    assert describe_workflow(checkout)["clean"] is clean


def test_without_git_there_is_only_a_version(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert describe_workflow(checkout) == {"version": "3.1.4", "commit": None, "clean": None}


def test_a_copy_in_another_repository_does_not_have_its_commit(checkout):
    """An example is a lab's own repository in which this workflow was unpacked."""
    inner = checkout / "vame"
    inner.mkdir()
    assert describe_workflow(inner) == {"version": None, "commit": None, "clean": None}


@pytest.mark.parametrize(("ref", "commit"), [("v1", None), ("0123456789" * 4, "0123456789" * 4)])
def test_a_downloaded_workflow_has_the_address_of_its_source(tmp_path, ref, commit):
    root = tmp_path / "source-cache/hosted-git/githubfile/github.com/lab/vame" / ref
    root.mkdir(parents=True)
    (root / "CITATION.cff").write_text("version: 2.0.0\n")
    assert describe_workflow(root) == {
        "version": "2.0.0",
        "source": "github.com/lab/vame",
        "ref": ref,
        "commit": commit,
    }


def test_this_workflow_has_a_version():
    assert version_of(ROOT)
