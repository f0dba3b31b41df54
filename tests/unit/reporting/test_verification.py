"""Altered files are named with both checksums; an unchanged folder passes."""

import hashlib
import json

import pytest
from formats.records import gather, write_manifest
from reporting.verification import verify


def digest(content):
    return hashlib.sha256(content.encode()).hexdigest()


def make_job(rule, *, inputs, outputs, **wildcards):
    """Return the record of a job whose files have this content."""
    return {
        "rule": rule,
        "wildcards": wildcards,
        "inputs": {name: digest(content) for name, content in inputs.items()},
        "outputs": {name: digest(content) for name, content in outputs.items()},
        "started": f"2030-01-01T00:00:0{len(rule) % 10}+00:00",
        "finished": "2030-01-01T00:01:00+00:00",
        "machine": {},
        "software": {},
    }


ALIGNED, MODEL, EXPORT = "results/aligned.npz", "results/model.pt", "results/export/a/vame.pkl"


def jobs_of(aligned="aligned", model="model"):
    return [
        make_job("align", inputs={"mouse.csv": "poses"}, outputs={ALIGNED: aligned}, session="m1"),
        make_job("train", inputs={ALIGNED: aligned}, outputs={MODEL: model}),
        make_job("export", inputs={MODEL: model}, outputs={EXPORT: "weights"}),
    ]


@pytest.fixture
def folder(tmp_path):
    """Write a finished run: recordings, results, and manifests of an export and of the run."""
    files = {"mouse.csv": "poses", ALIGNED: "aligned", MODEL: "model", EXPORT: "weights"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    write_manifest(
        tmp_path / "results/export/a/manifest.json",
        {"outputs": {"vame.pkl": digest("weights")}, **gather(jobs_of())},
    )
    write_manifest(tmp_path / "results/manifest.json", gather(jobs_of()))
    return tmp_path


def verified(folder):
    return verify(folder / "results", root=folder)


def kinds(findings):
    return [(finding.kind, finding.path) for finding in findings]


def test_an_unchanged_folder_passes(folder):
    report = verified(folder)
    assert (report.errors, report.notes) == ([], [])
    assert (report.manifests, report.files) == (2, 4)


@pytest.mark.parametrize("name", ["mouse.csv", ALIGNED, MODEL, EXPORT])
def test_an_altered_file_is_named_with_both_checksums(folder, name):
    before = digest((folder / name).read_text())
    (folder / name).write_text("something else")
    (fault,) = verified(folder).errors
    assert (fault.kind, fault.path) == ("altered", name)
    assert (fault.expected, fault.actual) == (before, digest("something else"))
    assert f"altered: {name} is not the file that the run wrote" in str(fault)
    assert fault.expected in str(fault)
    assert fault.actual in str(fault)


def test_all_altered_files_are_named(folder):
    for name in (ALIGNED, MODEL):
        (folder / name).write_text("something else")
    assert kinds(verified(folder).errors) == [("altered", ALIGNED), ("altered", MODEL)]


def test_a_missing_result_is_an_error(folder):
    (folder / MODEL).unlink()
    (fault,) = verified(folder).errors
    assert (fault.kind, fault.path, fault.actual) == ("missing", MODEL, "")


def test_a_recording_that_is_elsewhere_is_a_note(folder):
    (folder / "mouse.csv").unlink()
    report = verified(folder)
    assert report.errors == []
    assert kinds(report.notes) == [("not here", "mouse.csv")]


def test_a_result_without_a_record_is_a_note(folder):
    content = gather(jobs_of()) | {"without_record": ["results/a.csv"]}
    write_manifest(folder / "results/manifest.json", content)
    report = verified(folder)
    assert report.errors == []
    assert kinds(report.notes) == [("no record", "results/a.csv")]


def test_an_edit_of_a_manifest_is_an_error(folder):
    path = folder / "results/export/a/manifest.json"
    path.write_text(path.read_text().replace('"m1"', '"m2"'))
    (fault,) = verified(folder).errors
    assert (fault.kind, fault.path) == ("edited", str(path))


def test_another_layout_of_a_manifest_is_not_an_edit(folder):
    path = folder / "results/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert verified(folder).errors == []


def test_a_file_that_changed_between_two_jobs_is_an_error(folder):
    align, train, export = jobs_of()
    train["inputs"][ALIGNED] = digest("an earlier one")
    write_manifest(folder / "results/manifest.json", gather([align, train, export]))
    (fault,) = verified(folder).errors
    assert (fault.kind, fault.path) == ("broken chain", ALIGNED)
    assert (fault.expected, fault.actual) == (digest("aligned"), digest("an earlier one"))


def test_a_file_that_a_later_run_replaced_is_outdated_and_not_altered(folder):
    """Model a is no longer in the config, and its dataset was written again since."""
    (folder / ALIGNED).write_text("aligned anew")
    (folder / MODEL).write_text("model anew")
    write_manifest(
        folder / "results/manifest.json", gather(jobs_of("aligned anew", "model anew")[:2])
    )
    report = verified(folder)
    assert report.errors == []
    assert kinds(report.notes) == [("outdated", ALIGNED), ("outdated", MODEL)]


def test_a_copy_of_an_export_can_be_verified(folder):
    copy = folder / "results/best"
    (folder / "results/export/a").rename(copy)
    (copy / "vame.pkl").write_text("other weights")
    found = kinds(verified(folder).errors)
    assert ("altered", "results/best/vame.pkl") in found


def test_a_missing_manifest_is_an_error_with_a_cure(tmp_path):
    with pytest.raises(ValueError, match=r"it contains no manifest\.json; run the workflow first"):
        verify(tmp_path, root=tmp_path)


@pytest.mark.parametrize("content", ["not json", "[]", '{"jobs": []}'])
def test_a_file_that_is_not_a_manifest_is_named(folder, content):
    (folder / "results/manifest.json").write_text(content)
    with pytest.raises(ValueError, match="not a manifest of this workflow"):
        verified(folder)
