"""A record says what a job read, wrote and ran with; a chain of them says it once."""

import hashlib
import json
from datetime import datetime
from types import SimpleNamespace

import pytest
from job_record import (
    chain,
    describe_job,
    digest_of,
    imported_versions,
    name_in_record,
    record_job,
    sha256,
    write_manifest,
)
from snakemake.iocontainers import Namedlist


@pytest.fixture
def job(tmp_path, monkeypatch):
    """What a script is given, in a folder with its files: one input, one output, one record."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poses.csv").write_bytes(b"poses")
    (tmp_path / "before.json").write_text("{}")
    (tmp_path / "aligned.npz").write_bytes(b"aligned")
    named = {
        "input": {"poses": "poses.csv", "records": ["before.json"]},
        "output": {"aligned": "aligned.npz", "record": "record.json", "manifest": "later.json"},
        "params": {"settings": {"robust": True}, "code": "abc"},
        "wildcards": {"session": "mouse1"},
    }
    return SimpleNamespace(
        rule="align_poses", threads=2, **{key: namedlist(value) for key, value in named.items()}
    )


def namedlist(items):
    made = Namedlist()
    for name, value in items.items():
        start = len(made)
        made.extend(value if isinstance(value, list) else [value])
        made._set_name(name, start, end=len(made) if isinstance(value, list) else None)
    return made


def make_job(*, rule="align_poses", started="2030-01-01T00:00:00+00:00", host="here", **changes):
    return {
        "rule": rule,
        "wildcards": {},
        "started": started,
        "finished": started,
        "machine": {"host": host},
        "software": {"python": "3.11"},
    } | changes


def test_checksums_are_sha256_of_the_files(job):
    record = describe_job(job)
    assert record["inputs"] == {"poses.csv": hashlib.sha256(b"poses").hexdigest()}
    assert record["outputs"] == {"aligned.npz": hashlib.sha256(b"aligned").hexdigest()}


def test_sha256_of_nothing_is_the_known_one(tmp_path):
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_records_are_no_part_of_a_record_nor_is_what_is_not_written_yet(job, tmp_path):
    assert describe_job(job)["inputs"].keys() == {"poses.csv"}
    (tmp_path / "later.json").write_text("{}")
    assert describe_job(job)["outputs"].keys() == {"aligned.npz", "later.json"}


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
def test_a_fetched_file_has_the_name_that_it_has_where_it_lies(path, record, name):
    assert name_in_record(path, record) == name


def test_a_record_says_what_ran_and_on_what(job):
    record = describe_job(job, device="cuda")
    assert record["rule"] == "align_poses"
    assert record["wildcards"] == {"session": "mouse1"}
    assert record["params"] == {"settings": {"robust": True}, "code": "abc"}
    assert (record["threads"], record["device"]) == (2, "cuda")
    assert datetime.fromisoformat(record["started"]) <= datetime.fromisoformat(record["finished"])
    assert record["machine"].keys() == {"host", "platform", "processor", "cpus"}
    assert record["software"]["python"].count(".") == 2


def test_a_record_is_written_where_the_rule_says(job, tmp_path):
    record_job(job)
    assert json.loads((tmp_path / "record.json").read_text())["rule"] == "align_poses"


def test_versions_are_of_what_was_imported():
    import numpy as np

    versions = imported_versions()
    assert versions["numpy"] == np.__version__
    assert not {"json", "hashlib", "numpy.random"} & versions.keys()


def test_a_chain_is_in_the_order_in_which_jobs_ran(tmp_path):
    paths = []
    for name, hour in (("split", 2), ("align", 1)):
        paths.append(tmp_path / name)
        started = f"2030-01-01T0{hour}:00:00+00:00"
        paths[-1].write_text(json.dumps(make_job(rule=name, started=started)))
    jobs = chain(map(str, paths), make_job(rule="train", started="2030-01-01T03:00:00+00:00"))[
        "jobs"
    ]
    assert [job["rule"] for job in jobs] == ["align", "split", "train"]


def test_a_machine_stands_once_and_jobs_name_it():
    made = chain([], make_job(), make_job(rule="b"), make_job(rule="c", host="there"))
    assert sorted(machine["host"] for machine in made["machines"].values()) == ["here", "there"]
    assert [made["machines"][job["machine"]]["host"] for job in made["jobs"]] == [
        *("here", "here", "there")
    ]
    assert len(made["software"]) == 1


def test_a_digest_does_not_depend_on_the_layout():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": (1, 2), "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_a_manifest_carries_the_digest_of_the_rest(tmp_path):
    write_manifest(tmp_path / "manifest.json", {"jobs": [], "seed": 3})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest.pop("digest") == digest_of(manifest)
    assert manifest == {"jobs": [], "seed": 3}


def test_a_chain_of_a_chain_is_that_of_its_records(tmp_path):
    records = {"import": make_job(rule="import"), "align": make_job(rule="align", host="there")}
    for name, content in records.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    paths = [str(tmp_path / f"{name}.json") for name in records]
    (tmp_path / "jobs.json").write_text(json.dumps(chain(paths)))
    train = make_job(rule="train", started="2030-01-01T03:00:00+00:00")
    assert chain([str(tmp_path / "jobs.json")], dict(train)) == chain(paths, dict(train))
