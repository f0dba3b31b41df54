import json
import tracemalloc

import numpy as np
import pytest
import torch
from formats.aligned import AlignedPoses, map_array, open_aligned, save_aligned
from formats.latents import write_latents
from tiny_models import make_config, make_frames, make_model
from vame_core.embedding import embed, load_exported, poses_as_trained, windows_of
from vame_core.export import write_safetensors

SCALING = {"mean": [100.0, -20.0, 3.0], "std": [10.0, 0.5, 2.0]}
FEATURES = ["nose_x", "paw_x", "paw_y"]


def make_recording(*, frames=60, lost=()):
    """Return aligned poses in pixels and the usable frames; lost frames are NaN."""
    poses = make_frames(frames=frames).numpy() * SCALING["std"] + SCALING["mean"]
    usable = np.ones(frames, dtype=bool)
    usable[list(lost)] = False
    poses[~usable] = np.nan
    return poses.astype(np.float32), usable


def make_header(**changes):
    settings = make_config(**changes).as_settings()
    return {"settings": settings, "features": FEATURES, "scaling": SCALING, "fps": [30.0]}


def embedded(model, poses, usable, batch=1024):
    return np.concatenate(list(embed(model, poses, usable, SCALING, batch)))


def make_aligned(*, features=FEATURES, fps=30.0, **recording):
    return AlignedPoses(*make_recording(**recording), features, fps)


def test_row_i_is_the_mean_of_the_window_that_starts_at_frame_i():
    model, (poses, usable) = make_model().eval(), make_recording()
    latents = embedded(model, poses, usable)
    assert latents.shape == (60 - 8 + 1, 3)
    assert latents.dtype == np.float32
    scaled = (torch.from_numpy(poses) - torch.tensor(SCALING["mean"])) / torch.tensor(
        SCALING["std"]
    )
    with torch.inference_mode():
        for first in (0, 17, 52):
            mu, _ = model.encode(scaled[None, first : first + 8])
            np.testing.assert_allclose(latents[first], mu[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 53, 1000])
def test_the_batch_size_has_no_effect(batch):
    model, (poses, usable) = make_model().eval(), make_recording(lost=[20, 21, 40])
    np.testing.assert_allclose(
        embedded(model, poses, usable, batch), embedded(model, poses, usable), atol=1e-5
    )


def test_only_windows_with_an_unusable_frame_are_nan():
    model, (poses, usable) = make_model().eval(), make_recording(lost=[20, 21, 59])
    latents = embedded(model, poses, usable)
    nan = np.isnan(latents)
    assert (nan.any(axis=1) == nan.all(axis=1)).all()
    assert np.flatnonzero(nan[:, 0]).tolist() == [*range(13, 22), 52]


def test_windows_within_a_part_of_a_recording_have_the_same_latents():
    model, (poses, usable) = make_model().eval(), make_recording(lost=[10, 33])
    whole = embedded(model, poses, usable)
    for part in (slice(0, 30), slice(30, 60)):
        latents = embedded(model, poses[part], usable[part])
        rows = slice(part.start, part.start + len(latents))
        np.testing.assert_allclose(latents, whole[rows], atol=1e-6)


@pytest.mark.parametrize("frames", [0, 1, 7, 8])
def test_a_recording_shorter_than_a_window_has_no_latents(tmp_path, frames):
    model, (poses, usable) = make_model().eval(), make_recording(frames=frames)
    shape = windows_of(poses, model), 3
    write_latents(tmp_path / "latents.npy", embed(model, poses, usable, SCALING), shape)
    assert np.load(tmp_path / "latents.npy").shape == (frames == 8, 3)


def test_written_latents_are_those_that_were_computed(tmp_path):
    model, (poses, usable) = make_model().eval(), make_recording(lost=[20])
    path = tmp_path / "latents.npy"
    shape = windows_of(poses, model), 3
    write_latents(path, embed(model, poses, usable, SCALING, batch=7), shape)
    np.testing.assert_array_equal(np.load(path), embedded(model, poses, usable, 7))
    assert [file.name for file in tmp_path.iterdir()] == ["latents.npy"]


def test_memory_does_not_grow_with_the_recording(tmp_path):
    def peak(frames):
        path = tmp_path / f"{frames}.npz"
        np.savez(path, poses=np.zeros((frames, 3), np.float32), usable=np.zeros(frames, bool))
        with np.load(path) as arrays:
            usable = arrays["usable"]
        poses, model = map_array(path, "poses"), make_model()
        tracemalloc.start()
        shape = windows_of(poses, model), 3
        write_latents(tmp_path / "latents.npy", embed(model, poses, usable, SCALING), shape)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(3000)
    assert peak(200_000) < peak(3000) + 100_000


def test_an_exported_model_gives_the_same_latents(tmp_path):
    model, poses = make_model().eval(), make_recording()
    path = tmp_path / "model.safetensors"
    write_safetensors(model, path, make_header())
    loaded, header = load_exported(path, torch.device("cpu"))
    assert not loaded.training
    assert header == make_header()
    np.testing.assert_array_equal(embedded(loaded, *poses), embedded(model, *poses))


@pytest.mark.parametrize("damage", ["text", "no header", "an older one", "other network"])
def test_other_files_are_refused_as_exported_models(tmp_path, damage):
    path, model = tmp_path / "model.safetensors", make_model()
    if damage == "text":
        path.write_text("nothing of the kind")
    elif damage == "no header":
        write_safetensors(model, path, {})
    elif damage == "an older one":
        write_safetensors(model, path, {k: v for k, v in make_header().items() if k != "fps"})
    else:
        write_safetensors(model, path, make_header(zdims=2))
    with pytest.raises(ValueError, match="not a model that this workflow exported"):
        load_exported(path, torch.device("cpu"))


@pytest.mark.parametrize(
    ("recording", "complaint"),
    [
        (
            {"features": ["nose_x", "paw_x", "ear_y"]},
            "recording lacks paw_y; the recording adds ear_y",
        ),
        ({"fps": 60.0}, "60 frames per second, .* trained at 25 and 30.* set resample_fps to"),
    ],
)
def test_recordings_unlike_those_of_the_training_are_refused(recording, complaint):
    aligned, header = make_aligned(**recording), make_header() | {"fps": [25.0, 30.0]}
    with pytest.raises(ValueError, match=complaint) as error:
        poses_as_trained(aligned, header, "mouse1.npz")
    assert str(error.value).startswith("mouse1.npz: ")


def test_poses_remain_mapped_if_features_are_in_the_order_of_the_model(tmp_path):
    save_aligned(make_aligned(lost=[3]), tmp_path / "a.npz")
    poses = poses_as_trained(open_aligned(tmp_path / "a.npz"), make_header(), "a.npz")
    assert isinstance(poses, np.memmap)
    np.testing.assert_array_equal(poses, make_recording(lost=[3])[0])


def test_features_are_sorted_into_the_order_of_the_model():
    aligned = make_aligned(features=["paw_x", "nose_x", "paw_y"])
    assert FEATURES == ["nose_x", "paw_x", "paw_y"]
    poses = poses_as_trained(aligned, make_header(), "a.npz")
    np.testing.assert_array_equal(poses, aligned.poses[:, [1, 0, 2]])


def test_the_header_is_plain_json(tmp_path):
    """Other programs read it without safetensors, and so does the workflow before any job."""
    path = tmp_path / "model.safetensors"
    write_safetensors(make_model(), path, {"features": FEATURES})
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert json.loads(header["__metadata__"]["features"]) == FEATURES
