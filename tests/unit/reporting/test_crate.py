"""The metadata of the RO-Crate are consistent, and its files are those that it lists."""

import hashlib
import json

import pytest
from reporting.crate import PROFILES, build_crate

CITATION = {
    "title": "VAME pipeline",
    "version": "1.0",
    "license": "GPL-3.0-or-later",
    "authors": [{"name": "A laboratory"}, {"given-names": "Ada", "family-names": "Lovelace"}],
    "references": [{"title": "VAME", "doi": "10.1038/s42003-022-04080-7"}],
}

PUBLICATION = {
    "authors": [
        {"name": "Mary Anning", "orcid": "0000-0002-1825-0097", "affiliation": "Lyme Regis"},
        {"name": "Barbara McClintock"},
    ],
    "license": "CC-BY-4.0",
}
VERSION = {"version": "1.0", "commit": "c0ffee", "clean": False}


def make_job(rule, inputs, outputs, second):
    return {
        "rule": rule,
        "wildcards": {"session": "m1"},
        "inputs": {name: hashlib.sha256(name.encode()).hexdigest() for name in inputs},
        "outputs": {name: hashlib.sha256(name.encode()).hexdigest() for name in outputs},
        "started": f"2030-01-01T00:00:{second:02}+00:00",
        "finished": f"2030-01-01T00:00:{second + 5:02}+00:00",
        "workflow": "a1",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Extract the crate of a run with a recording outside of its folder."""
    root = tmp_path_factory.mktemp("run")
    recording = str(tmp_path_factory.mktemp("secret patient") / "mouse 1.csv")
    manifest = {
        "jobs": [
            make_job("import_poses", [recording], ["results/poses/m1.nc"], 10),
            make_job("train_model", ["results/poses/m1.nc"], ["results/a b.pt"], 20),
        ],
        "workflows": {"a1": VERSION},
    }
    files = ["results/manifest.json", "results/a b.pt", "results/poses/m1.nc", "config.yaml"]
    sources = ["Snakefile", "LICENSE", "workflow/scripts/train_model.py"]
    for name in (*files, *sources):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    crate = build_crate(
        manifest,
        root,
        manifest_path="results/manifest.json",
        settings=["config.yaml"],
        sources={name: root / name for name in sources},
        citation=CITATION,
        publication=PUBLICATION,
        snakemake_version="9.27.1",
    )
    crate.write(root / "crate")
    return root / "crate"


@pytest.fixture(scope="module")
def entities(folder):
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def ids(value):
    """Return the identifiers in a property with one or several entities."""
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def test_the_root_has_all_properties_of_the_specification(entities):
    root = entities["./"]
    for key in ("name", "description", "datePublished", "license", "hasPart", "mainEntity"):
        assert root[key], key
    assert ids(root["conformsTo"]) == list(PROFILES)


def test_named_files_are_exactly_the_files_in_the_crate(folder, entities):
    named = {one.replace("%20", " ") for one in ids(entities["./"]["hasPart"])} | {
        "ro-crate-metadata.json"
    }
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert named == there


def test_every_reference_leads_to_an_entity(entities):
    elsewhere = ("http://schema.org/", "https://bioschemas.org/", "https://w3id.org/ro/crate/")
    for entity in entities.values():
        for key, value in entity.items():
            values = value if isinstance(value, list) else [value]
            for one in values:
                if isinstance(one, dict) and not one["@id"].startswith(elsewhere):
                    known = one["@id"] in entities or one["@id"].startswith("https://")
                    assert known, (entity["@id"], key, one)


def test_the_workflow_is_the_main_entity_with_authors_and_licence(entities):
    (main,) = ids(entities["./"]["mainEntity"])
    workflow = entities[main]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert entities[workflow["license"]["@id"]]["name"] == "GPL-3.0-or-later"
    authors = [entities[one] for one in ids(workflow["creator"])]
    assert [(author["@type"], author["name"]) for author in authors] == [
        ("Organization", "A laboratory"),
        ("Person", "Ada Lovelace"),
    ]
    language = entities[workflow["programmingLanguage"]["@id"]]
    assert (language["name"], language["version"]) == ("Snakemake", "9.27.1")
    assert ids(workflow["hasPart"]) == ["workflow/workflow/scripts/train_model.py"]


def test_the_run_is_an_action_of_the_workflow_from_settings_to_results(entities):
    run = entities["#run"]
    assert run["@type"] == "CreateAction"
    assert ids(run["instrument"]) == ids(entities["./"]["mainEntity"])
    assert (run["startTime"][17:19], run["endTime"][17:19]) == ("10", "25")
    assert {"config.yaml"} < set(ids(run["object"]))
    assert {"results/manifest.json", "results/a%20b.pt"} < set(ids(run["result"]))
    assert ids(entities["./"]["mentions"])[0] == "#run"


def test_every_job_is_an_action_of_its_script(entities):
    train = entities["#job/train_model/m1"]
    assert train["instrument"]["@id"] == "workflow/workflow/scripts/train_model.py"
    assert ids(train["object"]) == ["#results/poses/m1.nc"]
    assert ids(train["result"]) == ["results/a%20b.pt"]
    assert len(ids(entities["./"]["mentions"])) == 3


def test_a_result_has_its_checksum(entities):
    expected = hashlib.sha256(b"results/a b.pt").hexdigest()
    assert entities["results/a%20b.pt"]["sha256"] == expected


def test_recordings_are_not_included_and_their_folders_not_revealed(folder, entities):
    text = (folder / "ro-crate-metadata.json").read_text()
    assert "secret" not in text
    (recording,) = (one for one in entities.values() if one.get("name") == "mouse 1.csv")
    assert recording["@type"] == "CreativeWork"
    assert len(recording["sha256"]) == 64
    assert not list(folder.rglob("mouse*"))


def test_arrays_of_poses_are_mentioned_and_not_copied(folder, entities):
    assert "sha256" in entities["#results/poses/m1.nc"]
    assert not list(folder.rglob("*.nc"))


def test_the_config_names_authors_and_licence_of_the_results(entities):
    root = entities["./"]
    first, second = (entities[one] for one in ids(root["author"]))
    assert (first["@id"], first["name"]) == ("https://orcid.org/0000-0002-1825-0097", "Mary Anning")
    assert (first["@type"], second["name"]) == ("Person", "Barbara McClintock")
    assert entities[first["affiliation"]["@id"]]["name"] == "Lyme Regis"
    assert root["publisher"] == first["affiliation"]
    assert root["license"]["@id"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert entities["#run"]["agent"]["@id"] == first["@id"]


def test_without_authors_and_licence_the_crate_explains_how_to_set_them(tmp_path):
    for name in ("results/manifest.json", "Snakefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    crate = build_crate(
        {"jobs": [make_job("check_poses", [], [], 1)], "workflows": {"a1": VERSION}},
        tmp_path,
        manifest_path="results/manifest.json",
        settings=[],
        sources={"Snakefile": tmp_path / "Snakefile"},
        citation=CITATION,
        publication={"authors": [], "license": None},
        snakemake_version="9.27.1",
    )
    assert crate.root_dataset.get("author") is None
    assert "publication in config.yaml" in crate.license["description"]


def test_an_action_has_the_version_of_its_code(entities):
    description = "Run by the workflow in version 1.0, commit c0ffee, code edited since."
    assert entities["#run"]["description"] == description
    assert entities["#job/train_model/m1"]["description"] == description


def test_every_file_has_a_format_and_a_name(entities):
    files = [one for one in entities.values() if "File" in one["@type"]]
    assert len(files) > 5
    assert [one["@id"] for one in files if "encodingFormat" not in one or "name" not in one] == []


def test_the_crate_has_a_readme(folder, entities):
    assert "results/summary.html" in (folder / "README.md").read_text()
    assert entities["README.md"]["about"] == {"@id": "./"}


def test_a_list_with_one_value_is_written_as_the_value(entities):
    lists = [value for one in entities.values() for value in one.values() if type(value) is list]
    assert min(map(len, lists)) > 1
