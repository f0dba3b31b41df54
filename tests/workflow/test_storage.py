"""Recordings that lie elsewhere: the sheet names their address, a storage plugin fetches them."""

import functools
import http.server
import threading

import numpy as np
import pytest
from projects import SHEET


@pytest.fixture
def address(project):
    """Where a server on this machine has the recordings, which are gone from the project."""
    folder = project.folder.with_name("elsewhere")
    (project / "recordings").rename(folder)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_recording_on_a_web_server_is_fetched(project, finished_once, address):
    project.write_sheet(SHEET.replace("recordings/", f"{address}/"))
    project.snakemake("results/aligned/mouse1.npz")
    aligned, expected = (
        np.load(where / "results/aligned/mouse1.npz") for where in (project, finished_once)
    )
    for name in expected.files:
        np.testing.assert_array_equal(aligned[name], expected[name])
    assert project.stale_jobs("results/aligned/mouse1.npz") == set()


def test_a_recording_that_is_not_there_is_named(project, address):
    project.write_sheet(SHEET.replace("recordings/", f"{address}/").replace("mouse1.", "mouse7."))
    printed = project.snakemake("results/aligned/mouse1.npz", check=False)
    assert f"{address}/mouse7.csv" in printed


def test_an_address_that_no_plugin_takes_is_refused_with_the_plugin_to_install(project):
    project.write_sheet(SHEET.replace("recordings/mouse1", "rsync9://lab/mouse1"))
    printed = project.quick("--dry-run", check=False)
    assert "line 2, poses: rsync9://lab/mouse1.csv cannot be fetched; install" in printed
    assert "snakemake-storage-plugin-rsync9" in printed


def test_animals_of_a_file_elsewhere_have_rows_of_their_own(project):
    sheet = "session\tposes\tfps\tindividual\ncage\thttps://lab.org/cage.csv\t30\tall\n"
    project.write_sheet(sheet)
    printed = project.quick("--dry-run", check=False)
    assert "individual: all needs https://lab.org/cage.csv to be there already" in printed
