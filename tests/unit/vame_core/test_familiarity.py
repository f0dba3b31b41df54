"""Recordings unlike those of the training have windows beyond the limit of training windows."""

import numpy as np
import pytest
import torch
from formats.aligned import AlignedPoses
from tiny_models import make_config, make_frames, make_model
from torch import nn
from vame_core import familiarity
from vame_core.familiarity import (
    measure_session,
    measure_training,
    reconstruction_errors,
    usable_windows,
)

FEATURES = ["nose_x", "paw_x", "paw_y"]
SCALING = {"mean": [100.0, -20.0, 3.0], "std": [10.0, 0.5, 2.0]}
DESCRIPTION = {
    "segments": [
        {"side": "train", "start": 0, "stop": 1200},
        {"side": "train", "start": 1200, "stop": 1400},
        {"side": "test", "start": 0, "stop": 500},
    ]
}


class Zero(nn.Module):
    """A decoder that reconstructs 0, so that the error of a window is its mean square."""

    def forward(self, z):
        return torch.zeros(len(z), 8, 3)


@pytest.fixture
def zero():
    model = make_model().eval()
    model.decoder = Zero()
    return model


@pytest.fixture(scope="module")
def trained():
    """Train a model on windows of 8 frames of sine waves with one frequency."""
    model = make_model(hidden_size_layer_1=16, hidden_size_rec=16, zdims=6)
    frames = make_frames(frames=1400)
    windows = frames.unfold(0, 8, 1).transpose(1, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        batch = windows[torch.randint(len(windows), (64,), generator=generator)]
        loss = (model.decoder(model.encode(batch)[0]) - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def write_splits(folder, train, test):
    paths = folder / "train.npy", folder / "test.npy"
    for path, frames in zip(paths, (train, test), strict=True):
        np.save(path, np.asarray(frames, dtype=np.float32))
    return paths


def recording(frames, lost=()):
    """Return a recording in its own unit with these scaled frames."""
    poses = np.asarray(frames) * SCALING["std"] + SCALING["mean"]
    usable = np.ones(len(poses), dtype=bool)
    usable[list(lost)] = False
    poses[~usable] = np.nan
    return AlignedPoses(poses.astype(np.float32), usable, FEATURES, 30.0)


def header(known):
    return {"scaling": SCALING, "reconstruction_error": known}


def measured(model, aligned, known):
    return measure_session(model, aligned.poses, aligned, header(known))


def test_an_error_is_the_mean_square_per_element_of_the_encoded_window(zero):
    windows = torch.full((2, 12, 3), 2.0)  # 8 frames, and 4 to predict, which are not used
    windows[:, 8:] = 100
    windows[1, :8, 0] = 5
    errors = reconstruction_errors(zero, [windows[:1], windows[1:]])
    assert errors == pytest.approx([4.0, (25 + 4 + 4) / 3])


def test_the_limit_is_the_99th_percentile_of_training_windows(zero, tmp_path):
    """Frame n is n in all features, so the error of a window is the mean square of 8 numbers."""
    frames = np.arange(1400)[:, None].repeat(3, axis=1)
    paths = write_splits(tmp_path, frames, frames[900:])
    known = measure_training(zero, make_config(), *paths, DESCRIPTION)
    starts = np.array([*range(1200 - 12 + 1), *range(1200, 1400 - 12 + 1)])
    errors = ((starts[:, None] + np.arange(8)) ** 2).mean(axis=1)
    assert known["windows"] == len(errors)
    assert known["limit"] == pytest.approx(np.percentile(errors, 99), rel=1e-6)
    assert (known["percentile"], known["held_out_windows"]) == (99, 489)
    # Held-out windows start at frames 900 to 1388.
    limit_start = np.searchsorted(errors, known["limit"])
    expected = np.mean(np.arange(900, 1389) >= starts[limit_start])
    assert known["held_out_share"] == pytest.approx(expected)


def test_an_even_sample_of_many_windows_is_measured(zero, tmp_path, monkeypatch):
    monkeypatch.setattr(familiarity, "TRAINING_SAMPLE", 100)
    paths = write_splits(tmp_path, make_frames(frames=1400), make_frames(frames=500))
    known = measure_training(zero, make_config(), *paths, DESCRIPTION)
    assert (known["windows"], known["held_out_windows"]) == (100, 100)


def test_windows_have_only_usable_frames():
    usable = np.ones(30, dtype=bool)
    usable[[10, 29]] = False
    assert usable_windows(usable, 8).tolist() == [0, 1, 2, *range(11, 22)]
    assert usable_windows(usable[:7], 8).tolist() == []
    assert usable_windows(np.zeros(30, dtype=bool), 8).tolist() == []


def test_the_share_counts_usable_windows_in_units_of_the_training(zero):
    frames = np.zeros((100, 3))
    frames[60:] = 2
    own = measured(zero, recording(frames, lost=[20]), {"limit": 3.9, "percentile": 99})
    windows = 100 - 8 + 1 - 8
    assert own["windows"] == windows
    assert own["share_beyond"] == pytest.approx((100 - 60 - 8 + 1) / windows)


def test_an_even_sample_of_a_long_recording_is_measured(zero, monkeypatch):
    monkeypatch.setattr(familiarity, "SESSION_SAMPLE", 50)
    frames = np.zeros((10_007, 3))
    frames[5000:] = 2
    own = measured(zero, recording(frames), {"limit": 1.0, "percentile": 99})
    assert own["windows"] == 50
    assert own["share_beyond"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("frames", [0, 7, 40])
def test_without_a_usable_window_the_share_is_unknown(zero, frames):
    aligned = recording(np.zeros((frames, 3)), lost=range(0, frames, 5))
    known = {"limit": 1.0, "percentile": 99, "held_out_share": 0.01}
    assert measured(zero, aligned, known) == {
        "windows": 0,
        "share_beyond": None,
        "percentile": 99,
        "held_out_share": 0.01,
    }


def test_the_share_is_unknown_without_errors_of_the_training(zero):
    aligned = recording(np.zeros((100, 3)))
    own = measure_session(zero, aligned.poses, aligned, {"scaling": SCALING})
    assert own == dict.fromkeys(("share_beyond", "percentile", "held_out_share")) | {"windows": 0}


def test_only_recordings_like_the_training_are_within_the_limit(trained, tmp_path):
    """The same waves are known; noise, waves of another frequency and swapped features are not."""
    same = make_frames(frames=1900)
    paths = write_splits(tmp_path, same[:1400], same[1400:])
    known = measure_training(trained, make_config(), *paths, DESCRIPTION)
    assert known["held_out_share"] < 0.03
    again = make_frames(frames=4000)[2000:]
    assert measured(trained, recording(again), known)["share_beyond"] < 0.03
    generator = torch.Generator().manual_seed(1)
    others = {
        "noise": torch.randn(2000, 3, generator=generator),
        "faster": again[::3],
        "swapped": again.flip(1),
    }
    for name, frames in others.items():
        assert measured(trained, recording(frames), known)["share_beyond"] > 0.3, name
