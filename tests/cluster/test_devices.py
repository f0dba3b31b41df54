"""A training that two processes share, through Snakemake and torchrun; on the CPU, over gloo."""

import csv
import signal

import pytest
from faults.injector import MODEL, TARGETS, Disturbed, assert_same_result, epochs_kept, result_of

pytestmark = pytest.mark.slow
SHARED = {"models": {"long": {"max_epochs": 12, "steps_per_epoch": 10, "devices": 2}}}


@pytest.fixture(scope="module")
def shared(copy_of):
    """What an undisturbed training by two processes comes to."""
    project = copy_of("shared")
    project.write_config(**SHARED)
    project.snakemake(*TARGETS)
    return project, result_of(project)


def history(project):
    with open(project / MODEL / "history.csv") as file:
        return [float(row["test_reconstruction"]) for row in csv.DictReader(file)]


def test_two_processes_come_to_what_one_comes_to(copy_of, shared):
    alone = copy_of("alone")
    long = SHARED["models"]["long"] | {"devices": 1}
    alone.write_config(models={"long": long})
    alone.snakemake(f"{MODEL}/model.pt")
    assert history(shared[0]) == pytest.approx(history(alone), rel=1e-2)
    log = (shared[0] / "logs/train_model/long/seed0.log").read_text()
    assert log.count("trained for 12 of 12 epochs") == 1  # the first process alone says so


def test_a_signal_ends_both_with_the_state_written(copy_of, shared):
    project = copy_of("shared")
    project.write_config(**SHARED)
    run = Disturbed(project)
    assert run.wait_for(lambda: epochs_kept(project) >= 2, seconds=600)
    job = next(p for p in run.processes() if "torch.distributed.run" in p.cmdline())
    job.send_signal(signal.SIGTERM)
    assert run.end(600) != 0
    assert (
        "SIGTERM: stopped after epoch" in (project / "logs/train_model/long/seed0.log").read_text()
    )
    project.snakemake(*TARGETS)
    assert_same_result(project, shared[1])
