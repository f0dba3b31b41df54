"""Trainings work on a shared disk with a latency of half a minute between nodes and Snakemake."""

import contextlib
import re
import subprocess
import sys
import time

import psutil
import pytest
from cluster.slow_disk import SECONDS, Machine, missing
from cluster.slurm import seen
from cluster.trainings import assert_same_result, in_the_middle, outcome, trainings
from faults.injector import MODEL, epochs_kept
from projects import ROOT

pytestmark = pytest.mark.slow

NODES = ("cpu1", "gpu1", "gpu2")
# Looks up files repeatedly, as the command `watch` does.
LOOK = "while sleep 1; do stat {}; done >/dev/null 2>&1"
# Prints the epochs in the state of the present training repeatedly.
READ = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[1])
from projects import Project
from faults.injector import epochs_kept
while True:
    print(epochs_kept(Project(pathlib.Path(sys.argv[2]))), flush=True)
    time.sleep(0.2)
"""
HOLD = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from vame_core.interruption import only_one
with only_one(pathlib.Path(sys.argv[2])):
    print("it is free")
"""


@pytest.fixture
def disk(slurm, copy_of):
    """Return a project on a disk of which all nodes, and a login node, have their own views."""
    if reason := missing():
        pytest.skip(reason)
    project, machines = copy_of("disk"), {}
    with contextlib.ExitStack() as stack:
        for name in (*NODES, "login"):
            machines[name] = Machine(project.folder.parent)
            stack.callback(machines[name].end)
        for name in NODES:
            slurm.verb("slurmd-kill", name)
            stack.callback(slurm.verb, "node-start", name)
            slurm.verb("node-start", name, machine=machines[name])
            stack.callback(slurm.verb, "slurmd-kill", name)
        yield project, machines


def test_a_machine_sees_files_of_another_one_late(disk):
    """The disk is as slow as these tests need it."""
    project, machines = disk
    file = project / "new.txt"
    assert not machines["gpu1"].sees(file)
    start_time = time.monotonic()
    machines["cpu1"].run("touch", str(file))
    assert machines["cpu1"].sees(file)
    assert machines["gpu2"].sees(file)  # it has not looked it up before
    assert not machines["gpu1"].sees(file)
    while not machines["gpu1"].sees(file):
        time.sleep(0.5)
    assert SECONDS - 5 < time.monotonic() - start_time < SECONDS + 15


def test_a_training_continues_on_another_node(slurm, disk, start, undisturbed, survived):
    """Its node is lost; the other node and Snakemake have looked up its files before."""
    project, machines = disk
    folder, lock = project / MODEL, project / MODEL / ".lock"
    outputs = " ".join(str(folder / name) for name in ("model.pt", "last.pt", "history.csv"))
    looks = {"login": outputs, "gpu1": f"{folder}/*", "gpu2": f"{folder}/*"}
    started = [
        subprocess.Popen(machines[name].command("sh", "-c", LOOK.format(files)))
        for name, files in looks.items()
    ]
    epochs = project.folder.with_name("epochs.txt")
    with open(epochs, "w") as output:
        reading = (sys.executable, "-c", READ, str(ROOT / "tests"), str(project.folder))
        started.append(
            subprocess.Popen(machines["login"].command(*reading), stdout=output, stderr=output)
        )
    try:
        run = start("--retries", "0", project=project, machine=machines["login"])
        job = in_the_middle(run)
        node = slurm.ask("squeue", "--noheader", "--job", job, "--format", "%N").strip()
        (other,) = {"gpu1", "gpu2"} - {node}
        script = psutil.Process(seen(project)[-1]["process"])
        script.suspend()  # until the other node also sees the lock
        run.wait_for(lambda: machines[other].sees(lock), 2 * SECONDS)
        held = machines[other].python(HOLD, str(ROOT / "workflow/scripts"), str(lock))
        assert "is being written by another process: process " in held, held
        kept = epochs_kept(project)
        script.resume()
        run.wait_for(lambda: epochs_kept(project) >= kept + 3)
        slurm.verb("node-kill", node)
        try:
            run.finish()
        finally:
            slurm.verb("node-start", node, machine=machines[node])
        assert started[-1].poll() is None, epochs.read_text()
    finally:
        for process in started:
            process.kill()
            process.wait()
    rows = trainings(slurm, run)
    assert [row["State"] for row in rows] == ["NODE_FAIL", "COMPLETED"]
    assert rows[1]["NodeList"] == other
    assert "Waiting at most 60 seconds for missing files" in run.text()
    found = outcome(slurm, run)
    assert int(re.search(r"\d+", found["resumed_after"]).group()) >= kept + 3
    read = [int(line) for line in epochs.read_text().split()]
    assert read == sorted(read)
    assert len(set(read)) > 5
    assert_same_result(project, undisturbed)
    survived(f"node lost, on a disk {SECONDS} seconds late", **found)
