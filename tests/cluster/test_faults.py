"""A training job that fails on Slurm is repeated, with the weights of an undisturbed training."""

import signal
import time

import pytest
from cluster.trainings import assert_same_result, in_the_middle, outcome, times_started, trainings

pytestmark = pytest.mark.slow


def test_a_cancelled_training_is_repeated(slurm, start, undisturbed, survived):
    """It is submitted again."""
    run = start()
    first = in_the_middle(run)
    slurm.ask("scancel", first)
    run.finish()
    assert run.job() != first
    assert [row["State"].split(" ")[0] for row in trainings(slurm, run)] == [
        "CANCELLED",
        "COMPLETED",
    ]
    assert_same_result(run.project, undisturbed)
    survived("cancelled", **outcome(slurm, run))


def test_a_training_killed_for_its_memory_is_repeated(slurm, start, undisturbed, survived):
    """The second attempt has enough memory."""
    run = start("--set-resources", "train_model:mem_mb=1500 * attempt", hog=1200)
    in_the_middle(run)
    (run.project / "hog.now").touch()
    run.finish()
    rows = trainings(slurm, run)
    assert [row["ReqMem"] for row in rows] == ["1500M", "3000M"]
    assert [row["State"] for row in rows][1:] == ["COMPLETED"]
    assert rows[0]["State"] in ("FAILED", "OUT_OF_MEMORY", "CANCELLED")
    logs = (run.project / ".snakemake/slurm_logs/rule_train_model").rglob("*.log")
    assert "exceeded memory limit" in "".join(path.read_text() for path in logs)
    assert_same_result(run.project, undisturbed)
    survived("killed for memory", **outcome(slurm, run))


def test_a_training_out_of_walltime_is_continued(slurm, start, undisturbed, survived):
    """The state is written on the signal; the next attempt has more time."""
    run = start()
    job = in_the_middle(run)
    # The job is stopped until Slurm, which checks times twice a minute, sends the signal.
    run.script().send_signal(signal.SIGSTOP)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 1))
    slurm.ask("scontrol", "update", f"JobId={job}", f"EndTime={now}")
    run.finish()
    rows = trainings(slurm, run)
    assert [row["State"] for row in rows] == ["TIMEOUT", "COMPLETED"]
    assert rows[1]["TimelimitRaw"] == "1440"
    assert "SIGTERM: stopped after epoch" in run.text()  # in the log of the first attempt
    assert_same_result(run.project, undisturbed)
    survived("out of walltime", **outcome(slurm, run))


def test_a_preempted_training_is_continued(slurm, start, undisturbed, survived):
    """Slurm requeues it as the same job, which does not count as a retry."""
    run = start("--set-resources", "train_model:slurm_partition=scavenge", "--retries", "0")
    job = in_the_middle(run)
    node = slurm.ask("squeue", "--noheader", "--job", job, "--format", "%N").strip()
    slurm.ask(
        *("sbatch", "--partition", "main", "--nodelist", node, "--exclusive"),
        *("--output", "/dev/null", "--wrap", "sleep 3"),
    )
    run.finish()
    rows = trainings(slurm, run)
    assert [row["State"] for row in rows] == ["PREEMPTED", "COMPLETED"]
    assert {row["JobID"] for row in rows} == {job}
    assert_same_result(run.project, undisturbed)
    survived("preempted", **outcome(slurm, run))


def test_a_training_on_a_lost_node_is_continued(slurm, start, undisturbed, survived):
    """Slurm requeues it on another node."""
    run = start("--retries", "0")
    job = in_the_middle(run)
    node = slurm.ask("squeue", "--noheader", "--job", job, "--format", "%N").strip()
    slurm.verb("node-kill", node)
    try:
        run.finish()
    finally:
        slurm.verb("node-start", node)
    rows = trainings(slurm, run)
    assert [row["State"] for row in rows] == ["NODE_FAIL", "COMPLETED"]
    assert rows[1]["NodeList"] != node
    assert_same_result(run.project, undisturbed)
    survived("node lost", **outcome(slurm, run))


def test_a_training_survives_a_kill_and_restart_of_snakemake(slurm, start, undisturbed, survived):
    """Its training job continues, and until it ends, a new one must not write the model."""
    run = start()
    first = in_the_middle(run)
    run.kill()
    run.project.snakemake("--unlock")
    again = start(project=run.project)
    while again.end() != 0:
        assert "is being written by another process" in again.text()
        again.project.snakemake("--unlock", check=False)
        again = start(project=run.project)
    rows = [*trainings(slurm, run), *trainings(slurm, again)]
    assert (rows[0]["JobID"], rows[0]["State"]) == (first, "COMPLETED")
    assert_same_result(run.project, undisturbed)
    survived(
        "Snakemake killed, started again at once",
        Slurm_says=", ".join(row["State"].split(" ")[0] for row in rows),
        Slurm_jobs=len({row["JobID"] for row in rows}),
        resumed_after="the first job went on",
        starts=times_started(run.project),
    )
