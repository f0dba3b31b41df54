"""The benchmark for docs/fidelity.md: variants, units, scores and table."""

from pathlib import Path

import fidelity
import numpy as np
import pandas as pd
import pytest
import torch
from fidelity import (
    CORRECTIONS,
    DEFAULTS,
    PRESET,
    PRESET_ALONE,
    REFERENCE,
    Reference,
    as_table,
    common_units,
    evaluate_model,
    hold_last_frame,
    motif_score,
    replace_between,
    run_components,
    settings_of,
    train_chosen,
    usable_windows,
)
from formats.aligned import AlignedPoses
from tiny_models import SETTINGS, make_frames, make_model, make_windows
from vame_core.config import QUIRKS

pytestmark = pytest.mark.slow
SCALING = {"mean": [100.0, -20.0, 3.0], "std": [10.0, 0.5, 2.0]}
STD = np.array([5.0, 1.0, 4.0])


def in_pixels(scaled):
    return scaled * torch.tensor(SCALING["std"]) + torch.tensor(SCALING["mean"])


def make_reference(*, length=12, time_window=8, labels=None):
    frames = in_pixels(make_frames())
    return Reference(
        make_windows_of(frames, length), make_windows_of(frames, time_window), labels, STD
    )


def make_windows_of(frames, length):
    windows = make_windows(frames=len(frames), length=length)
    windows.frames = frames
    return windows


# --- variants -------------------------------------------------------------------------------------


def test_the_corrections_are_all_differences_of_the_preset_each_once():
    corrected = [name for names in CORRECTIONS.values() for name in names]
    assert len(corrected) == len(set(corrected))
    assert set(PRESET["vame_quirks"]) == QUIRKS
    differing = {key for key in PRESET if PRESET[key] != DEFAULTS[key]} - {"vame_quirks"}
    differing -= fidelity.ELSEWHERE
    assert (differing | QUIRKS) - {"max_epochs", "skip_last_epoch"} == set(corrected)


def test_a_correction_changes_only_the_settings_that_it_names():
    preset = settings_of(PRESET_ALONE)
    for name, names in CORRECTIONS.items():
        settings = settings_of(f"+ {name}")
        changed = {key for key in settings if settings[key] != preset[key]} - {"vame_quirks"}
        left_out = set(preset["vame_quirks"]) - set(settings["vame_quirks"])
        assert changed | left_out == set(names)
        assert set(settings["vame_quirks"]) <= set(preset["vame_quirks"])


def test_all_variants_train_for_the_same_number_of_steps():
    for variant in fidelity.VARIANTS:
        settings = settings_of(variant)
        skipped = "skip_last_epoch" in settings["vame_quirks"]
        assert settings["max_epochs"] - skipped == fidelity.EPOCHS
        assert settings["steps_per_epoch"] == fidelity.BUDGET["steps_per_epoch"]


def test_the_defaults_are_those_of_the_schema_except_size_and_budget():
    settings = settings_of(REFERENCE)
    changed = {key for key in DEFAULTS if settings[key] != DEFAULTS[key]}
    assert changed == {*fidelity.BUDGET, *fidelity.ELSEWHERE, "learning_rate", "max_epochs"}


# --- windows and units ----------------------------------------------------------------------------


def test_windows_have_usable_frames_of_one_part_and_the_label_of_their_centre():
    poses = np.arange(14, dtype=np.float32)[:, None]
    usable = np.ones(8, bool)
    usable[3] = False
    parts = [
        AlignedPoses(poses[:8], usable, ["x"], 30.0),
        AlignedPoses(poses[8:], np.ones(6, bool), ["x"], 30.0),
    ]
    labels = np.array(list("abcdefghijklmn"))
    windows, centres = usable_windows(parts, 4, [labels[:8], labels[8:]])
    first = windows.take(torch.arange(len(windows)))[:, 0, 0].tolist()
    assert first == [4, 8, 9, 10]  # 0 to 2 is too short, and no window crosses 7 to 8
    assert centres.tolist() == ["g", "k", "l", "m"]


def test_errors_are_in_units_of_the_reference_with_any_scaling():
    target = in_pixels(torch.zeros(4, 5, 3))
    # The output is wrong by one standard deviation of the reference in every feature.
    output = torch.tensor(STD / SCALING["std"], dtype=torch.float32).expand(4, 5, 3)
    assert common_units(target, output, SCALING, STD) == pytest.approx(1, rel=1e-5)
    assert common_units(target, 3 * output, SCALING, STD) == pytest.approx(9, rel=1e-5)


def test_the_error_of_predicting_the_mean_is_the_variance():
    frames = in_pixels(make_frames(frames=5000))
    std = frames.std(dim=0, correction=0).numpy()
    scaling = {"mean": frames.mean(dim=0).tolist(), "std": [1.0, 1.0, 1.0]}
    error = common_units(frames, torch.zeros_like(frames), scaling, std)
    assert error == pytest.approx(1, rel=1e-4)


def test_a_model_is_evaluated_on_scaled_windows():
    model, reference = make_model().eval(), make_reference()
    evaluated = evaluate_model(model, 50, SCALING, reference)
    windows = make_windows(length=12)
    windows = windows.take(torch.arange(len(windows)))
    outputs = model(windows[:, :8])
    ratio = torch.tensor(SCALING["std"]) / torch.tensor(STD)
    for name, target in (("reconstruction", windows[:, :8]), ("future", windows[:, 8:])):
        error = ((getattr(outputs, name) - target) * ratio).square().mean().item()
        assert evaluated[name] == pytest.approx(error, rel=1e-4)
    assert evaluated["reconstruction_alone"] == pytest.approx(evaluated["reconstruction"], rel=1e-5)


def test_decoders_with_mixed_states_are_evaluated_in_batches_and_alone():
    mixed = make_model(vame_quirks=["mixed_decoder_start"]).eval()
    per_sample = evaluate_model(make_model().eval(), 50, SCALING, make_reference())
    together, single = (evaluate_model(mixed, size, SCALING, make_reference()) for size in (50, 1))
    assert together["reconstruction"] != pytest.approx(per_sample["reconstruction"], rel=1e-5)
    for evaluated in (together, single):
        assert evaluated["reconstruction_alone"] == pytest.approx(
            per_sample["reconstruction"], rel=1e-5
        )
    assert single["reconstruction"] == pytest.approx(single["reconstruction_alone"], rel=1e-5)


def test_the_error_of_repeating_the_last_frame_of_a_ramp():
    # One standard deviation per frame: the four next frames are 1, 2, 3 and 4 from the last.
    frames = torch.arange(60.0).unsqueeze(1) * torch.tensor(STD, dtype=torch.float32)
    reference = Reference(make_windows_of(frames, 12), make_windows_of(frames, 8), None, STD)
    assert hold_last_frame(reference)["future"] == pytest.approx((1 + 4 + 9 + 16) / 4)


def test_all_components_reconstruct_windows_exactly():
    train = make_windows(length=8)
    row = run_components(train, SCALING, make_reference(), n_components=24, seed=0)
    assert row["reconstruction"] == pytest.approx(0, abs=1e-6)


# --- the chosen model -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        ({"annealtime": 100}, 3),
        (
            {
                "annealtime": 100,
                "vame_quirks": ["patience_from_start"],
                "model_convergence": 1,
            },
            2,
        ),
    ],
)
def test_the_last_epoch_is_the_model_if_no_epoch_is_annealed(tmp_path, changes, epoch):
    for side in ("train", "test"):
        np.save(tmp_path / f"{side}.npy", make_frames(frames=60).numpy())
    description = {
        "segments": [{"side": side, "start": 0, "stop": 60} for side in ("train", "test")]
    }
    model, _, chosen = train_chosen(SETTINGS | changes, tmp_path, description, seed=0)
    assert chosen.epoch == epoch
    assert not model.training


# --- motifs and the table -------------------------------------------------------------------------


def make_clusters(labels, *, spread):
    rng = np.random.default_rng(0)
    return 10.0 * np.eye(fidelity.MOTIFS)[labels] + spread * rng.normal(size=(len(labels), 11))


def test_motifs_equal_to_the_labels_score_one_and_random_ones_about_zero():
    labels = np.arange(1100) % fidelity.MOTIFS
    points = make_clusters(labels, spread=0.1)
    assert motif_score(points, labels, seed=0) == pytest.approx(1)
    shuffled = np.random.default_rng(1).permutation(labels)
    assert motif_score(points, shuffled, seed=0) < 0.05


def test_the_table_has_mean_and_half_the_range_of_each_variant():
    rows = pd.DataFrame(
        [
            {"variant": "b", "seed": 0, "reconstruction": 0.1, "active": 16},
            {"variant": "a", "seed": 0, "reconstruction": 0.2},
            {"variant": "b", "seed": 1, "reconstruction": 0.3, "active": 15},
        ]
    )
    assert as_table(rows).splitlines() == [
        "|  | Reconstruction | Active latents |",
        "| --- | ---: | ---: |",
        "| b | 0.200 ± 0.100 | 15.5 ± 0.5 |",
        "| a | 0.200 | – |",
    ]


def test_the_prose_of_the_page_is_kept():
    page = (Path(fidelity.ROOT) / "docs/fidelity.md").read_text()
    once = replace_between(page, "| a table |")
    assert "| a table |" in once
    assert replace_between(once, "") == replace_between(page, "")
    assert once.startswith(page[: page.index(fidelity.BEGIN)])
    with pytest.raises(ValueError, match="lacks the marks"):
        replace_between("prose alone", "| a table |")
