"""Trainings on Slurm that are disturbed: the moment of it, and the outcome."""

import re

from cluster.slurm import seen
from faults import injector
from faults.injector import MODEL, TARGETS, epochs_kept


def in_the_middle(run):
    """Wait until some epochs are finished; return Slurm's number of the training's job."""
    run.wait_for(lambda: epochs_kept(run.project) >= 3)
    return run.job()


def resumed(run):
    """Return epoch and step after which the training was continued, from its log."""
    log = (run.project / "logs/train_model/long/seed0.log").read_text()
    found = re.search(rf"resuming from {MODEL}/state-\w+.pt, after epoch (\d+) and step (\d+)", log)
    assert found, log
    epoch, step = map(int, found.groups())
    assert epoch >= 3
    return f"epoch {epoch}, step {step}"


def assert_same_result(project, expected):
    """Export the model, without training again, and compare it with the undisturbed run's."""
    started = times_started(project)
    project.snakemake(*TARGETS)
    assert times_started(project) == started
    injector.assert_same_result(project, expected)


def trainings(slurm, run):
    """Return accounting's rows of the training, in order of time."""
    return [row for row in slurm.accounted(run.name) if "train_model" in row["Comment"]]


def times_started(project):
    return [line["event"] for line in seen(project) if line["rule"] == "train_model"].count("start")


def outcome(slurm, run):
    rows = trainings(slurm, run)
    return {
        "Slurm_says": ", ".join(row["State"].split(" ")[0] for row in rows),
        "Slurm_jobs": len({row["JobID"] for row in rows}),
        "resumed_after": resumed(run),
        "starts": times_started(run.project),
    }
