"""Results in a bucket, from recordings in a bucket, equal those on a disk.

The bucket is an S3 server on this machine.
"""

import os
import shutil
import signal
import subprocess

import psutil
import pytest
from cluster.bucket import NAME, Bucket, make_python
from faults import injector
from faults.injector import LONG, MODEL, TARGETS, epochs_kept
from projects import ROOT, SHEET, Project, make_project
from workflow.test_reproducible import assert_equal, content_of, files_of

pytestmark = pytest.mark.slow

# Files of a training that are not outputs stay on its disk, and a bucket has no folders.
ON_A_DISK = {".lock", "snapshots", "examples"}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    try:
        python = make_python(tmp_path_factory.mktemp("s3") / "python")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"pip cannot fetch the S3 plugin and server: {error.stderr[-300:]}")
    bucket = Bucket(python)
    yield bucket
    bucket.close()


def with_recordings_in(bucket, project):
    """Move the recordings of a project into the bucket, and their addresses into its table."""
    for file in (project / "recordings").iterdir():
        bucket.put(file, f"recordings/{file.name}")
    shutil.rmtree(project / "recordings")
    project.write_sheet(SHEET.replace("recordings/", f"s3://{NAME}/recordings/"))
    return project


def assert_same_numbers(project, expected, files):
    compared = 0
    for file in files:
        content = content_of(expected / "results" / file)
        if content is not None:
            assert_equal(content_of(project / "results" / file), content)
            compared += 1
    return compared


@pytest.fixture(scope="module")
def project(bucket, tmp_path_factory):
    """Run a project with recordings and results in the bucket."""
    project = with_recordings_in(bucket, make_project(tmp_path_factory.mktemp("s3") / "project"))
    bucket.run(bucket.command(project, "whole"))
    return project


@pytest.fixture(scope="module")
def fetched(bucket, project, tmp_path_factory):
    """Download the project's folder of the bucket, and add its config."""
    fetched = bucket.fetch("whole", tmp_path_factory.mktemp("s3") / "fetched")
    shutil.copytree(project / "config", fetched / "config")
    return fetched


def test_results_equal_those_on_a_disk(fetched, finished_once):
    expected = {file for file in files_of(finished_once) if not ON_A_DISK & set(file.parts)}
    assert files_of(fetched) == expected
    assert assert_same_numbers(fetched, finished_once, expected) > 40


def test_results_are_only_in_the_bucket(project):
    assert not (project / "results").exists()


def test_results_in_the_bucket_are_not_computed_again(bucket, project):
    printed = bucket.run(bucket.command(project, "whole", "--dry-run"))
    assert "Nothing to be done" in printed


def test_downloaded_results_can_be_verified(bucket, fetched):
    command = [str(bucket.python), *fetched.command("verify")[1:]]
    printed = bucket.run(command)
    assert "all files are unchanged" in printed
    assert f"not here: s3://{NAME}/recordings/mouse1.csv" in printed
    damaged = fetched / "results/dataset/train.npy"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    assert "altered: results/dataset/train.npy" in bucket.run(command, check=False)
    damaged.write_bytes(whole)


def test_the_report_can_be_written_from_the_bucket(bucket, project):
    bucket.run(bucket.command(project, "whole", "--report", "report.html"))
    assert (project / "report.html").stat().st_size > 2**20


def test_a_killed_training_continues_where_it_ran(bucket, tmp_path_factory, undisturbed):
    """Its state stays on that disk, and the next job finds it there."""
    folder = tmp_path_factory.mktemp("s3")
    project = with_recordings_in(bucket, make_project(folder / "project"))
    project.write_config(**LONG)
    here = Project(project / f".snakemake/storage/s3/{NAME}/killed")
    command = bucket.command(project, "killed", *TARGETS)
    first = subprocess.Popen(command, cwd=ROOT, env=os.environ | bucket.environment)
    while first.poll() is None and epochs_kept(here) < 3:
        pass
    for process in psutil.Process(first.pid).children(recursive=True):
        if process.cmdline()[-1].endswith(".train_model.py"):
            process.send_signal(signal.SIGKILL)
    assert first.wait(600) != 0
    bucket.run(command)
    fetched = bucket.fetch("killed", folder / "fetched")
    log = (fetched / "logs/train_model/long/seed0.log").read_text()
    assert f"resuming from {(here / MODEL).relative_to(project.folder)}/state-" in log
    injector.assert_same_result(fetched, undisturbed)
    assert injector.leftovers(here) == []
