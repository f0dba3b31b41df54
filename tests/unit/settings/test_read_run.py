"""Rules query sessions, models and segmentations of a run in a defined order."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from projects import ROOT
from settings.files import Access
from settings.run import read_run
from settings.schema import SettingsError

SCHEMAS = [ROOT / f"workflow/schemas/{name}.schema.yaml" for name in ("config", "sessions")]
HERE = Access(shared_disk=True, can_fetch=lambda url: False)
ROWS = {
    "m1": "m1 results/demo/m1.csv 30 a cage7",
    "m2": "m2 results/demo/m2.csv 25 b ",
    "m10": "m10 results/demo/m10.csv 30 a ",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(order=("m1", "m2", "m10"), warn=None, **settings):
        lines = ["session poses fps group animal", *(ROWS[name] for name in order)]
        Path("sessions.tsv").write_text("\n".join("\t".join(line.split(" ")) for line in lines))
        config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"} | settings
        return read_run(config, *SCHEMAS, HERE, warn)

    return read


def test_the_order_of_lines_in_the_table_has_no_effect(run):
    assert list(run().sessions) == list(run(("m10", "m2", "m1")).sessions) == ["m1", "m10", "m2"]


def test_sessions_of_the_training_are_all_or_those_listed(run):
    assert run().trained_on == ["m1", "m10", "m2"]
    assert run(train_on=["m2"]).trained_on == ["m2"]


def test_models_of_a_grid_are_listed_with_the_others(run):
    models = run(models={"vame": {"beta": 2}}, grid={"zdims": [5, 10]}, kmeans_loss=5).models
    assert list(models) == ["vame", "zdims-5", "zdims-10"]
    assert [model["zdims"] for model in models.values()] == [30, 5, 10]
    assert [model["beta"] for model in models.values()] == [2.0, 1.0, 1.0]


def test_models_to_embed_are_all_or_those_listed(run):
    models = {"b": {}, "a": {}}
    assert run(models=models).embedded == ["a", "b"]
    assert run(models=models, embed_models=["b"]).embedded == ["b"]
    assert run(models=models, embed_models=[]).embedded == []
    assert run(models=models).trained == ["b", "a"]


def test_segmentations_are_all_combinations_of_kind_and_number(run):
    found = run(motifs=["kmeans", "hmm"], n_motifs=[8, 4], seeds=[1, 0])
    assert found.segmentations == ["hmm-4", "hmm-8", "kmeans-4", "kmeans-8"]
    assert len(found.segmented()) == 8
    assert found.segmented()[0] == {"model": "vame", "seed": "0", "segmentation": "hmm-4"}


def test_auto_tries_a_dozen_numbers_of_motifs(run):
    found = run(n_motifs=["auto", "15"])
    assert found.segmentations == ["kmeans-15", "kmeans-auto"]
    of_name = lambda name: found.numbers_of_motifs(SimpleNamespace(segmentation=name))  # noqa: E731
    assert of_name("kmeans-15") == [15]
    assert of_name("kmeans-auto") == [4, 5, 6, 7, 9, 11, 14, 17, 21, 26, 32, 40]
    found = run(n_motifs="auto", n_motifs_range=[6, 2])
    assert found.segmentations == ["kmeans-auto"]
    assert of_name("kmeans-auto") == [2, 3, 4, 5, 6]


def test_names_of_motifs_are_those_of_the_config_or_stored_with_the_segmenter(run):
    Path("model").mkdir()
    frozen = replace(run(), segmenters={"kmeans-4": "model/segmenters/kmeans-4.npz"})
    frozen.config["use_model"] = "model"
    assert frozen.names_of_motifs("kmeans-4") is None
    Path("model/motif_names.tsv").touch()
    assert frozen.names_of_motifs("kmeans-4") == "model/motif_names.tsv"
    assert frozen.names_of_motifs("kmeans-5") is None  # it is fitted here and has other motifs
    frozen.config["motif_names"] = "own.tsv"
    assert frozen.names_of_motifs("kmeans-4") == frozen.names_of_motifs("kmeans-5") == "own.tsv"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_motifs": "some"}, "n_motifs: 'some' is not of type 'array'"),
        ({"n_motifs": ["some"]}, r"n_motifs.0: 'some' does not match '\^auto\$'"),
        ({"n_motifs_range": [1, 8]}, "n_motifs_range.0: 1 is less than the minimum of 2"),
        ({"n_motifs_range": [8]}, r"n_motifs_range: \[8\] is too short"),
        ({"n_motifs_range": [8, 8]}, r"n_motifs_range: \[8, 8\] has non-unique"),
    ],
    ids=str,
)
def test_other_numbers_of_motifs_are_refused(run, settings, sentence):
    with pytest.raises(SettingsError, match=sentence):
        run(**settings)


def test_groups_are_used_for_the_split_if_they_are_held_out(run):
    assert run(train_on=["m1", "m2"]).groups_to_hold_out() == {"m1": "", "m2": ""}
    held_out = run(train_on=["m1", "m2"], test_groups=["b"]).groups_to_hold_out()
    assert held_out == {"m1": "a", "m2": "b"}


def test_a_session_without_an_animal_is_a_separate_animal(run):
    assert run().animals() == [
        {"session": "m1", "animal": "cage7", "group": "a"},
        {"session": "m10", "animal": "m10", "group": "a"},
        {"session": "m2", "animal": "m2", "group": "b"},
    ]


def test_a_job_gets_certain_cells_of_its_row(run):
    recording = run().recording_of_session(SimpleNamespace(session="m2"))
    assert recording == {"body_length": None, "fps": 25.0, "individual": "", "software": ""}
    labelled = {"session": "m2", "animal": "m2", "group": "b", "fps": 25.0, "labelled": False}
    assert run().labelled()[-1] == labelled
    assert run().shown()[-1] == labelled | {"video": ""}
    assert run().described()[-1] == run().animals()[-1] | {"species": ""}


def test_windows_have_the_most_frequent_frame_rate_or_that_of_resampling(run):
    of_model = SimpleNamespace(model="vame")
    assert run(time_window=20).windows_of_model(of_model) == {"time_window": 20, "fps": 30.0}
    assert run(resample_fps=15).windows_of_model(of_model)["fps"] == 15


def test_a_window_may_be_given_in_seconds(run):
    settings = {"time_window": "1 s", "prediction_steps": "0.5 s", "split_gap": "2 s"}
    model = run(("m1", "m10"), **settings).models["vame"]
    assert [model[key] for key in settings] == [30, 15, 60]
    with pytest.raises(SettingsError, match="time_window: '1 s' is not of type 'integer'"):
        run(**settings)  # recordings have 25 and 30 frames per second


def test_a_demo_recording_depends_on_its_name_and_not_on_its_path(run):
    session = SimpleNamespace(session="m2")
    first, second = run().demo_recording(session), run(("m2", "m1")).demo_recording(session)
    assert first == second
    assert first["seed"] == [1, 1499289237]  # the CRC-32 of the name
    assert run().demo_recording(SimpleNamespace(session="m1"))["seed"] != first["seed"]


def test_only_the_main_process_prints_warnings(run):
    sentences = []
    run(warn=sentences.append, softplus=True)
    assert len(sentences) == 1
    run(softplus=True)  # a job prints nothing


def test_usage_over_time_is_computed_if_recordings_are_divided(run):
    assert run().over_time == []
    assert run(time_bins="5 min").config["time_bins"] == 300
    assert run(time_bins="5 min", n_motifs=[4, 8]).over_time == ["kmeans-4", "kmeans-8"]
    with pytest.raises(SettingsError, match="time_bins: 'long' is not of type 'number', 'null'"):
        run(time_bins="long")


def test_intervals_are_checked_before_any_job(run):
    Path("own.csv").write_text("session,start,stop,condition\nm1,0,9,a\nm7,0,9,b\nm2,9,2,b\n")
    sentences = []
    with pytest.raises(SettingsError) as error:
        run(warn=sentences.append, intervals="own.csv")
    assert str(error.value).splitlines() == [
        "own.csv has 2 errors:",
        "  - line 3: the sessions table has no session m7; there are: m1, m2, m10",
        "  - line 4: the interval of b stops at 2 but starts at 9; it must stop after it starts",
    ]
    with pytest.raises(SettingsError, match=r"intervals: none.csv does not exist"):
        run(intervals="none.csv")
    Path("own.csv").write_text("session,start,stop,condition\nm1,0,9,a\n")
    assert run(warn=sentences.append, intervals="own.csv").over_time == ["kmeans-15"]


def test_sessions_to_compare_have_frame_rate_and_factors(run):
    assert run().compared()[0] == {
        "session": "m1", "animal": "cage7", "group": "a", "fps": 30.0, "factors": {}
    }  # fmt: skip
