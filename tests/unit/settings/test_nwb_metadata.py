"""The sessions table must have certain columns before a session can be an NWB file."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from projects import ROOT
from settings.files import Access
from settings.run import read_run
from settings.schema import SettingsError, read_schema, schema_errors

SCHEMAS = [ROOT / f"workflow/schemas/{name}.schema.yaml" for name in ("config", "sessions")]
SCHEMA = read_schema(SCHEMAS[1])
NEEDED = {
    "session_start_time": "2024-03-14T10:30:00+01:00",
    "species": "Mus musculus",
    "sex": "F",
    "age": "P90D",
}
ROW = {"session": "m1", "poses": "m1.csv", "fps": 30.0} | NEEDED


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(*rows, **settings):
        columns = ["session", "poses", "fps", *NEEDED]
        rows = [
            {"session": f"m{n}", "poses": f"results/demo/m{n}.csv", "fps": "30"} | NEEDED | row
            for n, row in enumerate(rows)
        ]
        lines = [columns, *([row[name] for name in columns] for row in rows)]
        Path("sessions.tsv").write_text("\n".join(map("\t".join, lines)))
        config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"} | settings
        return read_run(config, *SCHEMAS, Access(True, lambda url: False), None)

    return read


def refusal(found, session):
    with pytest.raises(SettingsError) as refused:
        found.check_metadata(wildcards(session=session))
    return str(refused.value).splitlines()


def test_a_complete_table_is_accepted(run):
    assert run({}, {}).check_metadata(wildcards(session="m1")) == []


def test_all_missing_cells_are_named_at_once_by_column_for_all_sessions(run):
    nothing = dict.fromkeys(NEEDED, "")
    lines = refusal(run({"sex": ""}, nothing, {}, nothing), "m1")
    assert lines[0] == "sessions.tsv has 4 errors:"
    assert [line.partition(", and NWB files need it: ")[0] for line in lines[1:]] == [
        "  - column session_start_time is missing or empty for m1, m3",
        "  - column species is missing or empty for m1, m3",
        "  - column sex is missing or empty for m0, m1, m3",
        "  - column age is missing or empty for m1, m3",
    ]
    assert "such as Mus musculus" in lines[2]


def test_a_complete_session_is_exported_if_another_one_is_incomplete(run):
    found = run({}, {"age": ""})
    assert found.check_metadata(wildcards(session="m0")) == []
    assert "age is missing or empty for m1," in refusal(found, "m1")[1]


def test_an_impossible_start_time_is_refused(run):
    found = run({"session_start_time": "2024-02-30T10:30:00Z"})
    sentence = "session_start_time of m0: 2024-02-30T10:30:00Z is not a valid time"
    assert sentence in refusal(found, "m0")[1]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    assert "is in the future" in refusal(run({"session_start_time": tomorrow}), "m0")[1]


@pytest.mark.parametrize(
    ("column", "taken", "refused"),
    [
        (
            "session_start_time",
            ["2024-03-14T10:30:00Z", "2024-03-14 10:30+01:00", "2024-03-14T10:30:00.25-05:00"],
            ["2024-03-14", "2024-03-14T10:30:00", "14.03.2024 10:30+01:00"],
        ),
        (
            "species",
            ["Mus musculus", "http://purl.obolibrary.org/obo/NCBITaxon_10090"],
            ["mouse", "mus musculus", "Mus"],
        ),
        ("sex", ["F", "U", "XO"], ["female", "f"]),
        (
            "age",
            ["P90D", "P1Y6M", "P10W/P12W", "P8W/", "P2.5D", "PT5H"],
            ["90", "P", "PD", "10 weeks", "P10W/12", "P90D "],
        ),
    ],
)
def test_cells_must_have_the_format_of_nwb(column, taken, refused):
    for value in taken:
        assert schema_errors(ROW | {column: value}, SCHEMA) == [], value
    for value in refused:
        (error,) = schema_errors(ROW | {column: value}, SCHEMA, "line 2, ")
        assert error.startswith(f"line 2, {column}: "), value
        assert SCHEMA["properties"][column]["description"] in error


def wildcards(**names):
    return type("Wildcards", (), {"model": "vame", "segmentation": "kmeans-15"} | names)


def test_the_settings_behind_motifs_are_those_of_the_model(run):
    found = run({}, models={"vame": {"zdims": 7}}, kmeans_loss=5, figure_dpi=77)
    settings = found.settings_to_motifs(wildcards())
    assert settings["zdims"] == 7
    assert {"pose_confidence", "test_fraction", "pooling_seconds", "time_window"} <= settings.keys()
    assert not {"figure_dpi", "permutations", "skeleton"} & settings.keys()
    assert list(settings) == sorted(settings)


def test_the_settings_of_a_frozen_model_are_those_of_its_training(run):
    trained = {"settings": {"zdims": 3, "time_window": 9}}
    found = replace(run({}, zdims=7), frozen=trained, segmenters={"kmeans-15": "a.npz"})
    settings = found.settings_to_motifs(wildcards())
    assert (settings["zdims"], settings["time_window"]) == (3, 9)
    assert "pose_confidence" in settings
    assert (
        not {"test_fraction", "pooling_seconds"} & settings.keys()
    )  # these depend on the training's recordings
    assert "pooling_seconds" in found.settings_to_motifs(wildcards(segmentation="kmeans-4"))


def test_the_metadata_of_a_session_are_its_cells(run):
    told = run({"age": "P12W"}).session_to_export(wildcards(session="m0"))
    assert told["age"] == "P12W"
    assert {told[name] for name in ("lab", "strain", "animal", "video")} == {""}
    assert "poses" not in told
