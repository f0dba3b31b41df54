"""Bad input is refused before any job: all errors at once, each with its key or row and a cure."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from projects import ROOT
from recordings import (
    BODY,
    make_dataset,
    make_lively_tracks,
    write_deeplabcut,
    write_nwb,
    write_sleap_analysis,
    write_sleap_labels,
)

BRIEF = {"annealtime": 100}


def refused(project):
    printed = project.quick(check=False)
    assert not (project / "results").exists()
    assert "Traceback" not in printed
    return printed


def test_all_errors_of_a_config_are_named_at_once(project):
    project.write_config(
        kl_strt=3,
        zdims="many",
        test_fraction=1.5,
        savgol_length=4,
        models={"wide": {"hidden_size_layer1": 8, "batch_size": 0}},
    )
    printed = refused(project)
    assert "kl_strt: there is no such setting; did you mean kl_start?" in printed
    assert "zdims: 'many' is not of type 'integer'; it means: Number of latents." in printed
    assert "test_fraction: 1.5 is greater than or equal to the maximum of 1" in printed
    assert "models.wide.hidden_size_layer1: there is no such setting; did you mean" in printed
    assert "models.wide.batch_size: 0 is less than the minimum of 1" in printed
    assert "5 errors:" in printed


def test_settings_that_do_not_go_together_are_refused(project):
    project.write_config(
        savgol_length=4,
        split_gap=11,
        exclude_keypoints=["tail"],
        models={
            "far": {"prediction_steps": 9},
            "bound": {"pretrained_weights": True, "pretrained_model": "gone.pt"},
            "skipped": {"vame_quirks": ["skip_last_epoch"], "max_epochs": 1},
        },
    )
    printed = refused(project)
    assert "savgol_length: 4 is even" in printed
    assert "center: 'tail' is excluded by exclude_keypoints" in printed
    assert "prediction_steps: model far predicts 9 frames from 8" in printed
    assert "split_gap: 11 frames are fewer than a window of model bound" in printed
    assert "pretrained_model: gone.pt of model bound does not exist" in printed
    assert "vame_quirks: model skipped has one epoch and would skip it" in printed


def test_embed_models_must_name_models_of_the_config(project):
    project.write_config(models={"a": {}}, embed_models=["a", "b"])
    assert "embed_models: no model is 'b'; the models are: a" in refused(project)


def test_choosing_by_prediction_needs_a_model_that_predicts(project):
    project.write_config(choose_by="future", models={"bare": {"prediction_decoder": False}})
    assert "choose_by: no model predicts the future; choose by reconstruction" in refused(project)


def test_a_grid_is_checked_like_a_model(project):
    project.write_config(grid={"zdimz": [3], "beta": [-1, 2], "batch_size": 8, "noise": [0, False]})
    printed = refused(project)
    assert "grid.zdimz: there is no such setting; did you mean zdims?" in printed
    assert "grid.beta: -1.0 is less than the minimum of 0" in printed
    assert "grid.batch_size: 8 is not of type 'array'" in printed
    assert "grid.noise: [False, False] has non-unique elements" in printed


@pytest.mark.parametrize(
    ("models", "grid", "sentence"),
    [
        ({}, {}, "models: there is no model and no grid"),
        ({"zdims-2": {}}, {"zdims": [2]}, "models.zdims-2: the grid also has a model of this name"),
        (
            {},
            {"pretrained_model": ["a/b"]},
            "'pretrained_model-a/b' cannot be part of a model's name",
        ),
    ],
)
def test_names_of_models_must_be_unique_and_valid(project, models, grid, sentence):
    project.write_config(models=models, grid=grid)
    assert sentence in refused(project)


def test_a_missing_required_key_is_named(project):
    (project / "config/config.yaml").write_text("device: cpu\n")
    printed = refused(project)
    assert "center: is missing; set it: The keypoint at the origin" in printed
    assert "orient: is missing" in printed


def test_all_errors_of_a_sessions_table_are_named_at_once(project):
    project.write_sheet(
        "session\tposes\tsoftware\tfps\tcolour\n"
        "mouse1\trecordings/mouse1.csv\tDeepLabCut\t30\t\n"
        "mouse1\trecordings/mouse2.h5\tDeepLabCut\t30\t\n"
        "mouse3\trecordings/gone.csv\tDeepLabCut\t30\t\n"
        "../mouse4\trecordings/mouse1.csv\tDeepLabcut\tfast\tred\n"
    )
    printed = refused(project)
    assert "line 3, session: mouse1 is also in line 2" in printed
    assert "line 4, poses: recordings/gone.csv does not exist" in printed
    assert "line 5, colour: there is no such" in printed
    assert "line 5, session: '../mouse4' does not match" in printed
    assert "line 5, software: 'DeepLabcut' is not one of" in printed
    assert "line 5, fps: 'fast' is not of type 'number'" in printed
    assert "6 errors:" in printed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column session is missing"),
        ("session,poses,software,fps\na,b,c,30\n", "columns are separated by tabs"),
        ("session\tposes\tsoftware\tfps\n", "it has no rows"),
    ],
)
def test_a_sessions_table_without_rows_or_columns_is_refused(project, text, sentence):
    project.write_sheet(text)
    assert sentence in refused(project)


def test_a_missing_sessions_table_is_named(project):
    project.write_config(sessions="elsewhere.tsv")
    assert "sessions: elsewhere.tsv does not exist" in refused(project)


def test_a_keypoint_that_a_recording_lacks_is_refused_before_any_job(project):
    project.write_config(center="tail_base", keypoints=["nose", "tail_base", "ear"])
    printed = refused(project)
    assert "recordings/mouse1.csv has no keypoint 'tail_base' (center in the config)" in printed
    assert "recordings/mouse1.csv has no keypoint 'ear' (keypoints in the config)" in printed
    assert "recordings/mouse2.h5 has no keypoint 'ear'" in printed
    assert "(center in the config); it has: nose, left_paw" in printed
    assert "right_paw, tail; did you mean tail?" in printed


def two_mice(project, suffix="csv", names=("black", "white")):
    tracks = np.stack([make_lively_tracks(frames=400, seed=seed) for seed in (1, 2)], axis=1)
    write_deeplabcut(path=project / f"recordings/cage.{suffix}", tracks=tracks, individuals=names)


def sheet(*rows):
    return "\n".join(["session\tposes\tfps\tindividual\tlabels", *map("\t".join, rows)])


def test_individual_all_makes_a_session_of_each_animal(project):
    """Names are read at parse time, from the header of a pose file in any format."""
    names, folder = ("black", "white 2"), project / "recordings"
    two_mice(project, "csv", names)
    two_mice(project, "h5", names)
    tracks = np.stack([make_lively_tracks(frames=9, seed=seed) for seed in (1, 2)], axis=1)
    write_sleap_labels(path=folder / "cage.slp", tracks=tracks, names=names)
    write_sleap_analysis(path=folder / "analysis.h5", tracks=tracks, names=names)
    write_nwb(path=folder / "cage.nwb", tracks=tracks.swapaxes(0, 1), containers=names)
    mice = [make_dataset(tracks=tracks[:, n]).isel(individuals=0, drop=True) for n in (0, 1)]
    xr.concat(mice, pd.Index(names, name="individuals")).to_netcdf(folder / "cage.nc")
    files = ("cage.csv", "cage.h5", "cage.slp", "analysis.h5", "cage.nwb", "cage.nc")
    project.write_sheet(
        sheet(*((f"s{n}", f"recordings/{file}", "30", "all") for n, file in enumerate(files)))
    )
    project.write_config(test_sessions=["s0_white-2"])
    printed = project.quick("--dry-run")
    for n in range(len(files)):
        for name in ("black", "white-2"):
            assert f"output: results/poses/s{n}_{name}.nc" in printed


def test_one_row_per_animal_is_requested_if_names_cannot_be_read(project, monkeypatch):
    """If Snakemake's environment has neither h5py nor pandas, the table needs a row per animal."""
    two_mice(project, "h5")
    bare = project / "bare"
    for name in ("h5py", "pandas"):
        (bare / name).mkdir(parents=True)
        (bare / name / "__init__.py").write_text("raise ImportError")
    if importlib.util.find_spec("snakemake_executor_plugin_slurm"):  # which needs pandas
        (bare / "snakemake_executor_plugin_slurm.py").write_text(
            "from snakemake_executor_plugin_cluster_generic import *"
        )
    monkeypatch.setenv("PYTHONPATH", str(bare))
    project.write_sheet(sheet(("cage", "recordings/cage.h5", "30", "all")))
    printed = project.run("--dry-run", check=False)
    assert "line 2, individual: all requires the animals' names" in printed
    assert "write one row per animal, with its name in this column" in printed
    project.write_sheet(sheet(("cage", "recordings/cage.h5", "30", "black")))
    assert "output: results/poses/cage.nc" in project.run("--dry-run")


def test_animals_without_a_row_are_reported(project):
    two_mice(project)
    project.write_sheet(sheet(("cage", "recordings/cage.csv", "30", "white")))
    printed = project.quick("--dry-run")
    assert "recordings/cage.csv also contains black: animals that are not in" in printed


def test_errors_of_animals_are_named_before_any_job(project):
    two_mice(project)
    (project / "labels.csv").write_text("frame,label\n")
    project.write_sheet(
        sheet(
            ("a", "recordings/cage.csv", "30", ""),
            ("b", "recordings/cage.csv", "30", "red"),
            ("c", "recordings/mouse1.csv", "30", "all"),
            ("d", "recordings/cage.csv", "30", "all", "labels.csv"),
            ("e", "recordings/cage.csv", "30", "all"),
            ("e_white", "recordings/cage.csv", "30", "white"),
        )
    )
    printed = refused(project)
    assert (
        "line 2, individual: recordings/cage.csv has 2 animals, black, white; choose one" in printed
    )
    assert "line 3, individual: recordings/cage.csv has 2 animals, black, white; 'red'" in printed
    assert "line 4, individual: all requires the animals' names" in printed
    assert "line 5, labels: labels.csv cannot label 2 animals" in printed
    assert "session: e_white is also a name from individual: all" in printed
    assert "5 errors:" in printed


def test_prefixes_of_keypoints_identify_animals(project):
    names = [f"{mouse}_{name}" for mouse in "BW" for name in BODY]
    tracks = np.concatenate([make_lively_tracks(seed=1), make_lively_tracks(seed=2)], axis=1)
    write_deeplabcut(path=project / "recordings/cage.csv", tracks=tracks, keypoints=names)
    project.write_sheet(sheet(("cage", "recordings/cage.csv", "30", "all")))
    project.write_config(individual_prefixes=["B_", "W_"])
    printed = project.quick("--dry-run")
    assert "output: results/poses/cage_B.nc" in printed
    assert "output: results/poses/cage_W.nc" in printed


def test_an_excluded_keypoint_must_be_in_some_recording(project):
    project.write_config(exclude_keypoints=["left_paw", "rigth_paw"])
    printed = refused(project)
    assert "exclude_keypoints in the config: no recording has a keypoint 'rigth_paw'" in printed
    assert "did you mean right_paw" in printed
    assert "1 error:" in printed


def test_held_out_sessions_and_groups_must_exist(project):
    project.write_config(test_sessions=["mouse9"], test_groups=["placebo"])
    printed = refused(project)
    assert "test_sessions in the config: no recording of this table is 'mouse9'" in printed
    assert "test_groups in the config: no recording of this table is 'placebo'" in printed


def test_train_on_must_list_existing_sessions_and_all_test_sessions(project):
    project.write_config(train_on=["mouse2", "mouse9"], test_sessions=["mouse1"])
    printed = refused(project)
    assert "train_on in the config: no recording of this table is 'mouse9'" in printed
    assert "test_sessions in the config: no recording of this table that train_on lists" in printed


def test_a_vame_config_can_be_used(project):
    """VAME's unused keys give one warning; where VAME writes 0 and 1, they are read as booleans."""
    project.write_config(
        hidden_size_layer_2=256,
        dropout_rec=0.1,
        dropout_pred=0.1,
        transition_function="GRU",
        beta_norm=False,
        scheduler=1,
        prediction_decoder=1,
        softplus=0,
    )
    printed = project.quick("--dry-run")
    warning = "these keys of VAME's config have no effect here: "
    assert printed.count(warning) == 1
    assert (
        warning + "beta_norm, dropout_pred, dropout_rec, hidden_size_layer_2, transition_function"
        in printed
    )


def test_settings_with_unexpected_effects_give_warnings(project):
    project.write_config(
        models={"vame": {}, "wide": {"kmeans_loss": 5}, "blunt": {"softplus": 1}, "brief": BRIEF}
    )
    printed = project.quick("--dry-run")
    warnings = {line for line in printed.splitlines() if "WARNING" in line}
    for sentence in (
        "kmeans_loss: model wide has only 3 singular values (zdims), so 5 has the effect of 3",
        "softplus: model blunt cannot have a posterior that is narrower than the prior",
        "max_epochs: model brief ends after 4 epochs, before the KL weight is fully annealed "
        "(epoch 101); the model will be that of its last epoch",
    ):
        assert any(sentence in warning for warning in warnings), sentence
    assert not any("model vame" in warning for warning in warnings)


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("auto", 1), ("cuda", 1)])
def test_jobs_that_run_the_network_request_a_gpu_unless_device_is_cpu(project, device, gpus):
    project.write_config(device=device)
    jobs = project.quick("--dry-run").split("\nrule ")
    asking = {job.split(":")[0] for job in jobs if f"gpu={gpus}" in job}
    assert asking == {"train_model", "evaluate_model", "embed_session"}
    assert "gpu=" not in "".join(job for job in jobs if job.split(":")[0] not in asking)


def test_the_vame_preset_sets_every_key_that_changes_results(project):
    """The preset sets every key of a training except those that do not change its results."""
    preset = yaml.safe_load((ROOT / "config/presets/vame.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    entries = schema["properties"].items()
    trained = {key for key, entry in entries if "train_model" in entry.get("used_by", [])}
    fixed = {"device", "held_out_windows", "pretrained_weights", "pretrained_model"}
    fixed |= {"precision", "fused_optimizer", "compile"}  # change how, not what, it computes
    fixed |= {"warmup_steps"}  # for one_cycle
    assert trained - fixed <= preset.keys()
    printed = project.quick("--dry-run", "--configfile", str(ROOT / "config/presets/vame.yaml"))
    assert "train_model" in printed
