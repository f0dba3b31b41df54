"""Bad input is refused before any job, all at once, with key or row and cure."""

import pytest
import yaml
from projects import ROOT

BRIEF = {"annealtime": 100}


def refused(project):
    printed = project.quick(check=False)
    assert not (project / "results").exists()
    assert "Traceback" not in printed
    return printed


def test_all_faults_of_a_config_are_named_at_once(project):
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
    assert "5 fault(s)" in printed


def test_settings_that_do_not_go_together_are_refused(project):
    project.write_config(
        savgol_length=4,
        split_gap=11,
        models={
            "far": {"prediction_steps": 9},
            "bound": {"pretrained_weights": True, "pretrained_model": "gone.pt"},
        },
    )
    printed = refused(project)
    assert "savgol_length: 4 is even" in printed
    assert "prediction_steps: model far predicts 9 frames from 8" in printed
    assert "split_gap: 11 frames are fewer than the window of model bound" in printed
    assert "pretrained_model: gone.pt of model bound does not exist" in printed


def test_there_is_something_to_choose_by(project):
    project.write_config(choose_by="future", models={"bare": {"prediction_decoder": False}})
    assert "choose_by: no model predicts a future; choose by reconstruction" in refused(project)


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
        ({}, {}, "models: names no model, and there is no grid"),
        ({"zdims-2": {}}, {"zdims": [2]}, "models.zdims-2: the grid has this model, too"),
        ({}, {"pretrained_model": ["a/b"]}, "'pretrained_model-a/b' cannot be a model's name"),
    ],
)
def test_models_have_names_of_their_own(project, models, grid, sentence):
    project.write_config(models=models, grid=grid)
    assert sentence in refused(project)


def test_a_missing_required_key_is_named(project):
    (project / "config/config.yaml").write_text("device: cpu\n")
    printed = refused(project)
    assert "center: is missing; set it: Keypoint at the origin" in printed
    assert "orient: is missing" in printed


def test_all_faults_of_a_sheet_are_named_at_once(project):
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
    assert "6 fault(s)" in printed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column session is missing"),
        ("session,poses,software,fps\na,b,c,30\n", "columns are separated by tabs"),
        ("session\tposes\tsoftware\tfps\n", "it lists no recording"),
    ],
)
def test_a_sheet_without_rows_or_columns_is_refused(project, text, sentence):
    project.write_sheet(text)
    assert sentence in refused(project)


def test_a_missing_sheet_is_named(project):
    project.write_config(sessions="elsewhere.tsv")
    assert "sessions: elsewhere.tsv does not exist" in refused(project)


def test_a_keypoint_that_a_recording_lacks_is_refused_before_any_job(project):
    project.write_config(center="tail_base", keypoints=["nose", "tail_base", "ear"])
    printed = refused(project)
    assert "recordings/mouse1.csv has no keypoint 'tail_base' (center in the config)" in printed
    assert "recordings/mouse1.csv has no keypoint 'ear' (keypoints in the config)" in printed
    assert "recordings/mouse2.h5 has no keypoint 'ear'" in printed
    assert "it has: nose, left_paw, right_paw, tail" in printed


def test_sessions_to_hold_out_must_be_there(project):
    project.write_config(test_sessions=["mouse9"], test_groups=["placebo"])
    printed = refused(project)
    assert "test_sessions in the config: no recording of this sheet is 'mouse9'" in printed
    assert "test_groups in the config: no recording of this sheet is 'placebo'" in printed


def test_sessions_to_train_on_must_be_there_and_hold_the_test_sessions(project):
    project.write_config(train_on=["mouse2", "mouse9"], test_sessions=["mouse1"])
    printed = refused(project)
    assert "train_on in the config: no recording of this sheet is 'mouse9'" in printed
    assert "test_sessions in the config: no recording of this sheet that train_on lists" in printed


def test_a_vame_config_can_be_brought_along(project):
    """VAME's dead keys are taken with one warning; its 0 and 1 are read as it means them."""
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
    warning = "these keys of VAME's config do nothing here: "
    assert printed.count(warning) == 1
    assert (
        warning + "beta_norm, dropout_pred, dropout_rec, hidden_size_layer_2, transition_function"
        in printed
    )


def test_what_does_not_do_what_one_may_expect_is_warned_about(project):
    project.write_config(
        models={"vame": {}, "wide": {"kmeans_loss": 5}, "blunt": {"softplus": 1}, "brief": BRIEF}
    )
    printed = project.snakemake("--dry-run")
    warnings = {line for line in printed.splitlines() if "WARNING" in line}
    for sentence in (
        "kmeans_loss: model wide has only 3 singular values (zdims); 5 counts as that",
        "softplus: model blunt cannot have a posterior narrower than the prior",
        "max_epochs: model brief ends after 4 epochs, before the KL weight has risen (epoch 101); "
        "its last epoch will be its model",
    ):
        assert any(sentence in warning for warning in warnings), sentence
    assert not any("model vame" in warning for warning in warnings)


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("auto", 1), ("cuda", 1)])
def test_what_runs_the_network_asks_for_a_gpu_unless_told_not_to(project, device, gpus):
    project.write_config(device=device)
    jobs = project.quick("--dry-run").split("\nrule ")
    asking = {job.split(":")[0] for job in jobs if f"gpu={gpus}" in job}
    assert asking == {"train_model", "evaluate_model", "embed_session"}
    assert "gpu=" not in "".join(job for job in jobs if job.split(":")[0] not in asking)


def test_the_vame_preset_changes_what_vame_does_otherwise(project):
    """Over a config of one's own, the preset sets every key of the models but the device."""
    preset = yaml.safe_load((ROOT / "config/presets/vame.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    entries = schema["properties"].items()
    trained = {key for key, entry in entries if "train_model" in entry.get("used_by", [])}
    fixed = {"device", "held_out_windows", "pretrained_weights", "pretrained_model"}
    assert trained - fixed <= preset.keys()
    printed = project.quick("--dry-run", "--configfile", str(ROOT / "config/presets/vame.yaml"))
    assert "train_model" in printed
