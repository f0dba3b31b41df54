"""A run with profiles/slurm on a real Slurm has the same results, and runs every job once."""

import re
from collections import Counter

import pytest
from cluster.slurm import SWEEP, Run, declared_jobs, seen
from projects import make_project
from workflow.test_reproducible import assert_equal, content_of, files_of

pytestmark = pytest.mark.slow

RUN_THE_NETWORK = {"train_model", "evaluate_model", "embed_session"}
OF_SESSION = {"import_poses", "align_poses", "inspect_poses", "plot_quality"}
LOCAL = {"write_manifest"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("on_slurm") / "project")
    project.write_config(**SWEEP)
    return project


@pytest.fixture(scope="module")
def declared(slurm, project):
    """Return rule, wildcards, threads and resources of the jobs of a dry run with the profile."""
    run = Run(
        project, "--dry-run", "--cores", "8"
    )  # otherwise it plans for the cores of this machine
    run.finish()
    return [job for job in declared_jobs(run.text()) if job["rule"] != "all"]


@pytest.fixture(scope="module")
def run(project, declared):
    run = Run(project)
    run.finish()
    return run


@pytest.fixture(scope="module")
def accounted(slurm, run):
    return slurm.accounted(run.name)


def rules_of(row, declared):
    """Return the rules that a Slurm job ran, from the comment that the plugin sets."""
    text = row["Comment"].removeprefix("rule_").split("_wildcards_")[0]
    return {job["rule"] for job in declared if job["rule"] in text}


def test_results_equal_those_of_a_run_on_this_machine(run, locally):
    assert files_of(run.project) == files_of(locally)
    compared = 0
    for file in files_of(locally):
        expected = content_of(locally / "results" / file)
        if expected is not None:
            assert_equal(content_of(run.project / "results" / file), expected)
            compared += 1
    assert compared > 40


def test_results_from_slurm_are_current_on_this_machine(run):
    assert "Nothing to be done" in run.project.snakemake("--dry-run")


def test_every_script_ran_once(run, declared):
    lines = seen(run.project)
    expected = Counter(job["rule"] for job in declared)
    for event in ("start", "end"):
        assert Counter(line["rule"] for line in lines if line["event"] == event) == expected
    inside = {line["rule"] for line in lines if line["job"]}
    assert inside == expected.keys() - LOCAL


def test_only_jobs_that_run_the_network_have_a_gpu(accounted, declared):
    held = {True: set(), False: set()}
    for row in accounted:
        held["gres/gpu=" in row["AllocTRES"]] |= rules_of(row, declared)
    assert held[True] == RUN_THE_NETWORK
    assert held[False] >= OF_SESSION | {"split_dataset", "export_checkpoint", "plot_losses"}
    assert not held[True] & held[False]


@pytest.mark.parametrize("rule", ["train_model", "evaluate_model", "split_dataset", "check_poses"])
def test_a_job_has_the_resources_that_its_rule_declares(accounted, declared, rule):
    rows = [row for row in accounted if rules_of(row, declared) == {rule}]
    jobs = [job for job in declared if job["rule"] == rule]
    assert len(rows) == len(jobs) > 0
    for row in rows:
        allocated = dict(pair.split("=") for pair in row["AllocTRES"].split(","))
        assert allocated["cpu"] == jobs[0]["threads"]
        assert allocated["mem"] == f"{jobs[0]['mem_mb']}M"
        assert row["TimelimitRaw"] == jobs[0]["runtime"]
        assert row["Partition"] == jobs[0]["slurm_partition"]
        assert allocated.get("gres/gpu", "0") == jobs[0].get("gpu", "0")
        assert row["State"] == "COMPLETED"


def test_small_jobs_of_sessions_share_a_slurm_job(accounted, declared):
    of_sessions = [job for job in declared if job["rule"] in OF_SESSION]
    assert len(of_sessions) == 8
    assert sum(bool(rules_of(row, declared) & OF_SESSION) for row in accounted) == 1
    assert len(accounted) < len(declared) / 2


def test_models_train_in_parallel_and_never_two_on_one_gpu(run):
    trainings = {}
    for line in seen(run.project):
        if line["rule"] == "train_model":
            trainings.setdefault(line["process"], {})[line["event"]] = line
    spans = [(each["start"], each["end"]["time"]) for each in trainings.values()]
    assert len(spans) == 6
    for start, end in spans:
        gpu = (start["node"], start["gpus"])
        assert re.fullmatch("gpu[12]", gpu[0])
        assert re.fullmatch("[01]", gpu[1])
        others = [s for s, e in spans if s["time"] < end and e > start["time"] and s is not start]
        assert gpu not in [(other["node"], other["gpus"]) for other in others]
    at_once = [sum(s["time"] <= start["time"] < e for s, e in spans) for start, _ in spans]
    assert 2 <= max(at_once) <= 4
