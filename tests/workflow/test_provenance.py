"""Every result can be traced to the pose files, verified, reported and packed as an RO-Crate."""

import hashlib
import json
import os
import zipfile

import pytest
from formats.workflow import describe_workflow
from projects import ROOT

EXPORT = "results/export/vame/seed0/manifest.json"
RULES = {
    *("import_poses", "inspect_poses", "check_poses", "plot_quality"),
    *("align_poses", "split_dataset", "train_model", "evaluate_model"),
    *("export_checkpoint", "plot_losses", "plot_reconstructions"),
    *("segment_motifs", "label_motifs", "map_latents", "tabulate_motifs"),
    *("compare_seeds", "judge_motifs"),
    *("embed_session", "compare_models", "choose_model", "plot_comparison"),
    "write_model_card",
    *("plot_motifs", "plot_ethogram", "film_motifs", "explore_motifs", "write_summary"),
}


def read_json(project, path):
    return json.loads((project / path).read_text())


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_export_is_traced_to_its_pose_files(finished_once):
    """Every input on the way back from the weights is a job's output or a recording."""
    jobs = read_json(finished_once, EXPORT)["jobs"]
    makers = {path: job for job in jobs for path in job["outputs"]}
    recordings, open_ends = set(), ["results/export/vame/seed0/vame.pkl"]
    while open_ends:
        path = open_ends.pop()
        if path not in makers:
            recordings.add(path)
            continue
        for name, checksum in makers[path]["inputs"].items():
            assert checksum == sha256(finished_once / name), name
            assert makers.get(name, {"outputs": {name: checksum}})["outputs"][name] == checksum
            open_ends.append(name)
    assert recordings == {"recordings/mouse1.csv", "recordings/mouse2.h5"}


def test_a_trace_has_the_settings_and_software_of_each_job(finished_once):
    manifest = read_json(finished_once, EXPORT)
    (train,) = (job for job in manifest["jobs"] if job["rule"] == "train_model")
    assert train["wildcards"] == {"model": "vame", "seed": "0"}
    assert train["params"]["settings"]["zdims"] == 3
    assert train["params"]["code"] == manifest["code"]
    assert (train["device"], train["threads"]) == ("cpu", 1)
    assert train["started"] < train["finished"] or train["started"] == train["finished"]
    assert {"torch", "numpy", "python"} <= manifest["software"][train["software"]].keys()
    assert manifest["machines"][train["machine"]]["cpus"] == os.cpu_count()
    assert manifest["workflows"][train["workflow"]] == describe_workflow(ROOT)


def test_the_runs_manifest_holds_every_job_and_every_file(finished_once):
    manifest = read_json(finished_once, "results/manifest.json")
    assert {job["rule"] for job in manifest["jobs"]} == RULES
    named = {path for job in manifest["jobs"] for path in job["outputs"]}
    results = finished_once / "results"
    there = {
        str(path.relative_to(finished_once.folder))
        for path in results.rglob("*")
        if path.is_file()
        and path.relative_to(results).parts[0] not in ("provenance", "benchmarks")
        and path.parent.name != "snapshots"
        and path.name not in (".lock", ".snakemake_timestamp")
        and "tfevents" not in path.name
        and path != results / "manifest.json"
    }
    assert named == there


def test_altered_files_are_named_with_both_checksums(finished):
    assert "all files are unchanged" in finished.snakemake("verify")
    model, table = (finished / path for path in ("results/models/vame/seed0/model.pt",
                                                 "results/comparison.csv"))  # fmt: skip
    before = sha256(model)
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    table.write_text(table.read_text().replace("vame", "fame"))
    printed = finished.snakemake("verify", check=False)
    assert (
        "altered: results/models/vame/seed0/model.pt is not the file that the run wrote" in printed
    )
    assert f"expected sha256 {before}" in printed
    assert f"actual sha256   {sha256(model)}" in printed
    assert "altered: results/comparison.csv" in printed
    assert "2 errors" in printed
    assert "fame" in table.read_text()  # verified, and not written again


def test_an_edit_of_a_manifest_is_named(finished):
    path = finished / EXPORT
    path.write_text(path.read_text().replace('"epoch": ', '"epoch": 1'))
    printed = finished.snakemake("verify", check=False)
    assert f"edited: {EXPORT} has been edited" in printed


def test_a_finished_run_is_packed_as_a_crate(finished):
    finished.snakemake("ro_crate")
    with zipfile.ZipFile(finished / "results/ro-crate.zip") as archive:
        names = set(archive.namelist())
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
        weights = archive.read("results/export/vame/seed0/model.safetensors")
    entities = {entity["@id"]: entity for entity in graph}
    assert {part["@id"] for part in entities["./"]["hasPart"]} == names - {"ro-crate-metadata.json"}
    assert entities["./"]["mainEntity"]["@id"] == "workflow/Snakefile"
    assert {"config/config.yaml", "config/sessions.tsv", "results/manifest.json"} <= names
    assert {"results/export/vame/seed0/README.md", "results/best/README.md"} <= names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "workflow").rglob("*.py")}
    assert {f"workflow/{source}" for source in sources} <= names
    exported = entities["results/export/vame/seed0/model.safetensors"]
    assert exported["sha256"] == hashlib.sha256(weights).hexdigest()
    scripts = {entity["instrument"]["@id"] for entity in graph if entity["@type"] == "CreateAction"}
    assert scripts == {"workflow/Snakefile"} | {
        f"workflow/workflow/scripts/{rule}.py" for rule in RULES
    }


@pytest.mark.parametrize("path", ["results/manifest.json", "results/provenance"])
def test_records_contain_no_absolute_path(run_once, finished_once, path):
    """A folder that was moved to another machine can still be verified."""
    files = [finished_once / path]
    if files[0].is_dir():
        files = list(files[0].rglob("*.json"))
    assert files
    for file in files:
        assert str(run_once) not in file.read_text(), file
