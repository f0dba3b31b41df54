"""A training that is killed and started again ends with the weights of one that is not killed."""

import random
import signal
import time

import pytest
from faults.injector import MODEL, Disturbed, assert_same_result, epochs_kept


def disturb(project, *, kills, seed):
    """Kill a run several times at random moments; return the number of kills."""
    rng = random.Random(seed)
    done = kept = 0
    while done < kills:
        run = Disturbed(project)
        kill = rng.choice([run.kill_job, run.kill_all])
        # Random moments count from the start of training; after its end, the export is killed.
        run.wait_for(lambda run=run: run.job("train_model"))
        wait_until = time.monotonic() + rng.uniform(0, 12)
        run.wait_for(lambda until=wait_until: time.monotonic() > until)
        killed = kill()
        code = run.end()
        if not killed:
            assert code == 0, (project / "printed.txt").read_text()[-3000:]
            break
        done += 1
        if kill == run.kill_all:
            project.snakemake("--unlock")  # as Snakemake requests after a power cut
        if (project / MODEL / "model.pt").exists():
            break  # the kill came after training
        assert epochs_kept(project) >= kept
        kept = epochs_kept(project)
    return done


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_training_killed_at_a_random_moment_has_the_same_result(copy_of, undisturbed, kills):
    project = copy_of("killed")
    disturb(project, kills=kills, seed=0)
    project.snakemake("results/export/long/seed0/manifest.json")
    assert_same_result(project, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_a_training_killed_often_has_the_same_result(copy_of, undisturbed, seed, record_property):
    project = copy_of("killed")
    record_property("kills", disturb(project, kills=4, seed=seed))
    project.snakemake("results/export/long/seed0/manifest.json")
    assert_same_result(project, undisturbed)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_job_after_its_state_is_written(copy_of, undisturbed, number):
    project = copy_of("signalled")
    run = Disturbed(project)
    assert run.wait_for(lambda: epochs_kept(project) >= 3)
    job = run.job("train_model")
    job.send_signal(number)
    sent = time.monotonic()
    job.wait(10)
    assert time.monotonic() - sent < 10
    assert run.end() != 0
    log = (project / "logs/train_model/long/seed0.log").read_text()
    assert f"{number.name}: stopped after epoch" in log
    assert 3 <= epochs_kept(project) < 30
    project.snakemake("results/export/long/seed0/manifest.json")
    log = (project / "logs/train_model/long/seed0.log").read_text()
    assert f"resuming from {MODEL}/state-" in log
    assert_same_result(project, undisturbed)


@pytest.mark.slow
def test_ctrl_c_loses_no_finished_epoch(copy_of, undisturbed):
    project = copy_of("interrupted")
    run = Disturbed(project)
    assert run.wait_for(lambda: epochs_kept(project) >= 3)
    run.press_ctrl_c()
    assert run.end() != 0
    assert epochs_kept(project) >= 3
    project.snakemake("results/export/long/seed0/manifest.json")
    log = (project / "logs/train_model/long/seed0.log").read_text()
    assert f"resuming from {MODEL}/state-" in log
    assert_same_result(project, undisturbed)
