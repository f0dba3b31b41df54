"""Records are found by the outputs that they list, back to files that no job wrote."""

import json
from pathlib import Path

import numpy as np
import pytest
from formats.records import (
    digest_of,
    imported_versions,
    lineage,
    name_in_record,
    record_of,
    write_manifest,
)

HERE = Path("results/provenance/export_checkpoint/vame/seed0.json")


@pytest.fixture
def write_record(tmp_path, monkeypatch):
    """Return a function that writes the record of a job with these inputs and outputs."""
    monkeypatch.chdir(tmp_path)
    HERE.parents[2].mkdir(parents=True)

    def write(rule, *, inputs, outputs, hour=1, host="here", name="job"):
        path = Path(f"results/provenance/{rule}/{name}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(make_job(rule, inputs, outputs, hour, host)))

    return write


def make_job(rule, inputs, outputs, hour=1, host="here"):
    started = f"2030-01-01T0{hour}:00:00+00:00"
    return {
        "rule": rule,
        "wildcards": {},
        "inputs": dict.fromkeys(inputs, "0"),
        "outputs": dict.fromkeys(outputs, "0"),
        "started": started,
        "finished": started,
        "machine": {"host": host},
        "software": {"python": "3.11"},
    }


def rules_of(content):
    return [job["rule"] for job in content["jobs"]]


@pytest.mark.parametrize(
    ("log", "rule", "record"),
    [
        ("logs/verify/verify.log", "verify", "results/provenance/verify/verify.json"),
        (
            "mine/logs/embed_session/m.1/seed0/a.b.log",
            "embed_session",
            "mine/results/provenance/embed_session/m.1/seed0/a.b.json",
        ),
        (
            "mine/logs/align_poses/mouse1.log",
            "vame_align_poses",
            "mine/results/provenance/align_poses/mouse1.json",
        ),
        (
            "/data/logs/logs/train_model/logs/seed0.log",
            "train_model",
            "/data/logs/results/provenance/train_model/logs/seed0.json",
        ),
    ],
)
def test_a_record_corresponds_to_its_log(log, rule, record):
    assert record_of(log, rule) == Path(record)


FETCHED = ".snakemake/storage/s3/lab/vame/"
RECORD = "results/provenance/align_poses/mouse1.json"


@pytest.mark.parametrize(
    ("path", "record", "name"),
    [
        ("results/poses/mouse1.nc", RECORD, "results/poses/mouse1.nc"),
        ("mine/results/poses/mouse1.nc", f"mine/{RECORD}", "mine/results/poses/mouse1.nc"),
        ("/data/mouse1.csv", RECORD, "/data/mouse1.csv"),
        (f"{FETCHED}results/poses/mouse1.nc", f"{FETCHED}{RECORD}", "results/poses/mouse1.nc"),
        (".snakemake/storage/s3/raw/mouse1.csv", f"{FETCHED}{RECORD}", "s3://raw/mouse1.csv"),
        (".snakemake/storage/http/lab.org/mouse1.csv", RECORD, "http://lab.org/mouse1.csv"),
    ],
)
def test_a_downloaded_file_has_the_name_of_its_address(path, record, name):
    assert name_in_record(path, Path(record)) == name


def test_a_lineage_goes_back_to_the_recordings_in_the_order_in_which_jobs_ran(write_record):
    write_record("train", inputs=["results/dataset"], outputs=["results/model"], hour=3)
    write_record("split", inputs=["results/aligned"], outputs=["results/dataset"], hour=2)
    write_record("align", inputs=["/data/mouse1.csv"], outputs=["results/aligned"], hour=1)
    write_record("plot", inputs=["results/model"], outputs=["results/figure"], hour=4)
    content = lineage(["results/model"], HERE)
    assert rules_of(content) == ["align", "split", "train"]
    assert content["without_record"] == []


def test_only_records_of_the_given_rules_are_read(write_record):
    write_record("train", inputs=["/data/a.csv"], outputs=["results/model"])
    write_record("plot", inputs=[], outputs=["results/model"], hour=9)
    assert rules_of(lineage(["results/model"], HERE, rules=["train"])) == ["train"]
    assert rules_of(lineage(["results/model"], HERE)) == ["plot"]


def test_a_job_behind_two_files_is_listed_once(write_record):
    write_record("align", inputs=["/data/mouse1.csv"], outputs=["results/a", "results/b"])
    assert rules_of(lineage(["results/a", "results/b"], HERE)) == ["align"]


def test_a_file_in_two_records_belongs_to_the_later_job(write_record):
    write_record("old", inputs=[], outputs=["results/a"], hour=1, name="z")
    write_record("new", inputs=[], outputs=["results/a"], hour=2, name="a")
    assert rules_of(lineage(["results/a"], HERE)) == ["new"]


def test_results_without_a_record_are_named_and_recordings_are_not(write_record):
    write_record("train", inputs=["results/dataset", "/data/a.csv"], outputs=["results/model"])
    assert lineage(["results/model"], HERE)["without_record"] == ["results/dataset"]


def test_the_present_job_can_be_the_last_one(write_record):
    write_record("train", inputs=[], outputs=["results/model"])
    own = make_job("export", ["results/model"], ["results/vame.pkl"], hour=5)
    assert rules_of(lineage(["results/model"], HERE, own)) == ["train", "export"]


def test_a_machine_is_listed_once_and_jobs_refer_to_it(write_record):
    for rule, host in (("a", "here"), ("b", "here"), ("c", "there")):
        write_record(rule, inputs=[], outputs=[f"results/{rule}"], host=host)
    made = lineage(["results/a", "results/b", "results/c"], HERE)
    assert sorted(machine["host"] for machine in made["machines"].values()) == ["here", "there"]
    assert {job["rule"]: made["machines"][job["machine"]]["host"] for job in made["jobs"]} == {
        "a": "here",
        "b": "here",
        "c": "there",
    }
    assert len(made["software"]) == 1


def test_versions_are_those_of_imported_packages():
    versions = imported_versions()
    assert versions["numpy"] == np.__version__
    assert not {"json", "hashlib", "numpy.random"} & versions.keys()


def test_a_digest_does_not_depend_on_the_layout():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": (1, 2), "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_a_manifest_contains_the_digest_of_its_content(tmp_path):
    write_manifest(tmp_path / "manifest.json", {"jobs": [], "seed": 3})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest.pop("digest") == digest_of(manifest)
    assert manifest == {"jobs": [], "seed": 3}
