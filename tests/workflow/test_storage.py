"""Recordings and results can be in remote storage, read and written by Snakemake's plugins.

Recordings come from a web server on this machine, and results go to another folder, which the
plugin `fs` handles like a bucket. tests/cluster has whole runs in a bucket.
"""

import functools
import http.server
import json
import re
import shutil
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from projects import SHEET

ALIGNED = "results/aligned/mouse1.npz"
# Jobs that have no access to the disks of this machine; a dry run submits none.
NO_SHARED_DISK = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "false")
NO_SHARED_DISK += (
    "--cluster-generic-status-cmd",
    "false",
    "--shared-fs-usage",
    "none",
    "--jobs",
    "1",
)


def assert_same_arrays(path, other):
    arrays, expected = np.load(path), np.load(other)
    for name in expected.files:
        np.testing.assert_array_equal(arrays[name], expected[name])


@pytest.fixture
def elsewhere(tmp_path):
    """Return a folder for results, and the options that make Snakemake use it."""
    if not shutil.which("rsync"):
        pytest.skip("Snakemake's plugin fs copies by rsync, which is not here")
    folder = tmp_path / "elsewhere"
    options = ("--default-storage-provider", "fs", "--default-storage-prefix", str(folder))
    return folder, options


@contextmanager
def served(folder):
    """Serve the files of a folder on this machine, and return their address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def address(project):
    """Move the recordings out of the project to a server on this machine; return their address."""
    folder = project.folder.with_name("elsewhere")
    (project / "recordings").rename(folder)
    with served(folder) as address:
        yield address


def test_a_recording_on_a_web_server_is_fetched(project, finished_once, address):
    project.write_sheet(SHEET.replace("recordings/", f"{address}/"))
    project.snakemake(ALIGNED)
    assert_same_arrays(project / ALIGNED, finished_once / ALIGNED)
    assert project.stale_jobs(ALIGNED) == set()
    record = json.loads((project / "results/provenance/import_poses/mouse1.json").read_text())
    assert record["inputs"].keys() == {f"{address}/mouse1.csv"}


def test_a_missing_recording_is_named(project, address):
    project.write_sheet(SHEET.replace("recordings/", f"{address}/").replace("mouse1.", "mouse7."))
    printed = project.snakemake("results/aligned/mouse1.npz", check=False)
    assert f"{address}/mouse7.csv" in printed


def test_a_model_to_start_from_is_fetched(finished, finished_once):
    with served(finished_once / "results/models/vame/seed0") as address:
        own = {"pretrained_weights": True, "pretrained_model": f"{address}/model.pt"}
        finished.write_config(models={"vame": own})
        finished.snakemake("results/models/vame/seed0/model.pt")
    log = (finished / "logs/train_model/vame/seed0.log").read_text()
    assert "initial weights from .snakemake/storage/http/" in log


def test_an_address_without_a_plugin_is_refused_with_the_plugin_to_install(project):
    project.write_sheet(SHEET.replace("recordings/mouse1", "rsync9://lab/mouse1"))
    printed = project.quick("--dry-run", check=False)
    assert "line 2, poses: rsync9://lab/mouse1.csv cannot be fetched; install" in printed
    assert "snakemake-storage-plugin-rsync9" in printed


def test_animals_of_a_file_elsewhere_have_rows_of_their_own(project):
    sheet = "session\tposes\tfps\tindividual\ncage\thttps://lab.org/cage.csv\t30\tall\n"
    project.write_sheet(sheet)
    printed = project.quick("--dry-run", check=False)
    assert "individual: all requires that https://lab.org/cage.csv already exists" in printed


def test_results_can_be_written_elsewhere(project, finished_once, elsewhere):
    folder, options = elsewhere
    project.snakemake(*options, ALIGNED)
    assert_same_arrays(folder / ALIGNED, finished_once / ALIGNED)
    assert not (project / "results").exists()
    assert project.stale_jobs(*options, ALIGNED) == set()
    (record,) = project.folder.glob(".snakemake/storage/**/provenance/align_poses/mouse1.json")
    record = json.loads(record.read_text())
    assert record["inputs"].keys() == {"results/poses/mouse1.nc"}
    assert record["outputs"].keys() == {ALIGNED}


@pytest.mark.parametrize("rule", ["verify", "ro_crate", "list_orphans", "clean_orphans"])
def test_rules_that_read_local_results_report_that_they_are_elsewhere(project, elsewhere, rule):
    folder, options = elsewhere
    printed = project.quick(*options, rule, "--dry-run", check=False)
    assert f"results are in {folder}. Fetch that folder" in printed


def test_folders_are_outputs_only_on_a_local_disk(project, elsewhere):
    page = "results/figures/vame/seed0/kmeans-4/examples.html"
    folder = re.compile(r"kmeans-4/examples(?![.\w])")
    assert folder.search(project.quick(page, "--dry-run"))
    assert not folder.search(project.quick(*elsewhere[1], page, "--dry-run"))


def test_local_files_that_jobs_cannot_read_are_refused(project, elsewhere):
    own = {"pretrained_weights": True, "pretrained_model": "recordings/mouse1.csv"}
    project.write_config(models={"vame": own})
    options = (*NO_SHARED_DISK, *elsewhere[1], "--dry-run")
    printed = project.quick(*options, check=False)
    assert "pretrained_model: recordings/mouse1.csv is on this machine" in printed
    project.write_config()
    printed = project.quick(*options, check=False)
    assert "line 2, poses: recordings/mouse1.csv is on this machine" in printed
    assert "use its address" in printed
    project.write_sheet("session\tposes\tfps\ndemo\tresults/demo/demo.csv\t30\n")
    assert "simulate_demo" in project.quick(*options, ALIGNED.replace("mouse1", "demo"))


def test_a_frozen_model_must_be_on_a_local_disk(project):
    project.write_config(use_model="s3://lab/export/vame/seed0")
    printed = project.quick("--dry-run", check=False)
    assert "use_model: s3://lab/export/vame/seed0 is read before the first job" in printed
