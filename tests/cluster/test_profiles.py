"""Profiles agree with each other and with the rules, and give each job its resources."""

import re

import pytest
from cluster.slurm import declared_jobs
from projects import ROOT
from snakemake.profiles import ProfileConfigFileParser

RULES = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
BODIES = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", RULES, re.M | re.S))
RUN_THE_NETWORK = {name for name, body in BODIES.items() if re.search(r"^\s+gpu=", body, re.M)}
CLUSTERS = ("slurm", "cluster-generic")

each_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


def profile(name):
    with open(ROOT / f"profiles/{name}/profile.yaml") as file:
        return ProfileConfigFileParser().parse(file)


def pairs(entries):
    return dict(entry.split("=", 1) for entry in entries)


def jobs(project, cluster, *arguments, **settings):
    """Return rule and resources of each job of a dry run with a profile."""
    project.write_config(**settings)
    where = str(ROOT / f"profiles/{cluster}")
    return declared_jobs(project.quick("--workflow-profile", where, "--dry-run", *arguments))


def test_every_profile_except_the_local_one_is_tested_here():
    assert {path.parent.name for path in ROOT.glob("profiles/*/*.yaml")} == {"default", *CLUSTERS}


@each_cluster
def test_a_profile_repeats_what_it_replaces(cluster):
    """--workflow-profile replaces profiles/default."""
    for key in ("rerun-triggers", "rerun-incomplete", "show-failed-logs"):
        assert profile(cluster)[key] == profile("default")[key]


@each_cluster
def test_profiles_retry_failed_jobs_and_wait_for_files(cluster):
    settings = profile(cluster)
    assert int(settings["retries"]) >= 1
    assert int(settings["latency-wait"]) >= 30
    assert str(settings["keep-going"]) == "True"


def test_no_rule_declares_retries():
    """They would also run within the cluster's job, with the memory of the first attempt."""
    assert not re.search(r"^\s+retries:", RULES, re.M)


@each_cluster
def test_all_rules_in_a_profile_exist(cluster):
    settings = profile(cluster)
    named = {entry.split(":")[0] for entry in settings["set-resources"]}
    named |= pairs(settings["groups"]).keys()
    assert named <= BODIES.keys()


@each_cluster
def test_jobs_of_one_session_or_model_are_grouped_except_long_ones(cluster):
    settings = profile(cluster)
    groups = pairs(settings["groups"])
    logs = {name: re.search(r"log:\n\s+(.*)", body) for name, body in BODIES.items()}
    of_many = {name for name, log in logs.items() if log and "{" in log.group(1)}
    long = {"train_model", "evaluate_model", "segment_motifs", "map_latents"}
    assert of_many - groups.keys() == long
    sizes = pairs(settings["group-components"])
    assert {groups[name] for name in of_many & groups.keys()} == sizes.keys()
    assert all(int(size) >= 10 for size in sizes.values())


def test_all_profiles_have_the_same_groups():
    for key in ("groups", "group-components", "resources", "set-resource-scopes"):
        assert profile("slurm")[key] == profile("cluster-generic")[key]


@each_cluster
def test_names_of_a_lab_are_only_in_the_variables(cluster):
    text = (ROOT / f"profiles/{cluster}/profile.yaml").read_text()
    variables = re.search(r"^__variables__:\n((?:  .*\n)+)", text, re.M).group(1)
    below = text[text.index(variables) + len(variables) :]
    for name, value in re.findall(r"^  (\w+): (\S+)", variables, re.M):
        assert re.search(rf"\?.*\b{name}\b", below), f"{name} is not used"
        assert not re.search(rf": {re.escape(value)}$", below, re.M), f"{value} is there twice"


@pytest.mark.parametrize("cluster", ["slurm", "cluster-generic"])
def test_every_job_has_memory_and_a_walltime(project, cluster):
    found = {job["rule"]: job for job in jobs(project, cluster, device="auto")}
    assert {"import_poses", "split_dataset", "train_model", "write_manifest"} <= found.keys()
    for rule, job in found.items():
        if rule != "all":
            assert int(job["mem_mb"]) >= 500, rule
            assert int(job["runtime"]) >= 5, rule


def test_jobs_that_run_the_network_are_submitted_to_the_gpu_partition(project):
    wide = jobs(project, "slurm", device="auto", hidden_size_layer_1=256)
    found = {job["rule"]: job for job in wide}
    assert {rule for rule, job in found.items() if job.get("gpu") == "1"} == RUN_THE_NETWORK
    in_gpu = {rule for rule, job in found.items() if job.get("slurm_partition") == "gpu"}
    assert in_gpu == RUN_THE_NETWORK
    assert found["train_model"]["threads"] == "2"  # of four, because --cores limits a dry run


def test_a_model_on_the_cpu_requests_no_gpu(project):
    models = {"small": {"device": "cpu"}, "large": {"device": "cuda"}}
    asked = {
        job["wildcards"]: job["gpu"]
        for job in jobs(project, "slurm", models=models)
        if job["rule"] == "train_model"
    }
    assert asked == {"model=small, seed=0": "0", "model=large, seed=0": "1"}


def test_each_attempt_has_more_memory_and_time_up_to_the_limit(project):
    for attempt, memory, minutes in (
        (1, "8000", "720"),
        (2, "16000", "1440"),
        (7, "56000", "4320"),
    ):
        found = jobs(project, "slurm", "--attempt", str(attempt))
        train = next(job for job in found if job["rule"] == "train_model")
        assert (train["mem_mb"], train["runtime"]) == (memory, minutes)
