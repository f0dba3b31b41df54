import hashlib
import json
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_models import make_batch, make_model
from vame_core.export import (
    InRecordingUnits,
    describe_export,
    export_onnx,
    export_safetensors,
    export_state_dict,
    write_safetensors,
)

SCALING = {"mean": [100.0, -20.0, 3.0], "std": [10.0, 0.5, 2.0]}
NETWORKS = {
    "default": {},
    "no future": {"prediction_decoder": False},
    "mixed": {"vame_quirks": ["mixed_decoder_start"]},
    "softplus": {"softplus": True},
}


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request, tmp_path_factory):
    """Return a model, its ONNX file and the difference that the export measured."""
    model = make_model(**NETWORKS[request.param]).eval()
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return model, path, export_onnx(model, SCALING, path)


def in_pixels(windows):
    return windows * torch.tensor(SCALING["std"]) + torch.tensor(SCALING["mean"])


def test_inputs_and_outputs_are_in_units_of_the_recording():
    model, windows = make_model().eval(), make_batch()
    inside = model(windows)
    mu, logvar, reconstruction, future = InRecordingUnits(model, SCALING)(in_pixels(windows))
    for value, expected in (
        (mu, inside.mu),
        (logvar, inside.logvar),
        (reconstruction, in_pixels(inside.reconstruction)),
        (future, in_pixels(inside.future)),
    ):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-4)


def test_without_future_decoder_there_are_three_outputs():
    model = make_model(prediction_decoder=False).eval()
    assert len(InRecordingUnits(model, SCALING)(in_pixels(make_batch()))) == 3


def test_onnx_gives_the_outputs_of_the_model(exported):
    _, _, difference = exported
    assert 0 <= difference < 1e-4


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_onnx_accepts_any_batch_size(exported, batch):
    model, path, _ = exported
    poses = in_pixels(make_batch(batch=batch, seed=batch))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    measured = session.run(None, {"poses": poses.numpy()})
    expected = InRecordingUnits(model, SCALING)(poses)
    names = [output.name for output in session.get_outputs()]
    assert names == ["mu", "logvar", "reconstruction", "future"][: len(expected)]
    for name, value, wanted in zip(names, measured, expected, strict=True):
        unit = np.ones(1) if name in ("mu", "logvar") else np.array(SCALING["std"])
        np.testing.assert_allclose(value / unit, wanted.detach().numpy() / unit, atol=1e-4)


def test_onnx_is_a_single_file(exported):
    _, path, _ = exported
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_export_does_not_change_the_model(tmp_path):
    model, windows = make_model().eval(), make_batch()
    expected = model(windows).reconstruction
    export_onnx(model, SCALING, tmp_path / "model.onnx")
    assert not model.training
    assert torch.equal(model(windows).reconstruction, expected)


def test_safetensors_have_the_weights_and_their_description(tmp_path):
    model, path = make_model(), tmp_path / "model.safetensors"
    metadata = {"features": ["nose_x", "nose_y", "paw_x"], "scaling": SCALING, "seed": 3}
    write_safetensors(model, path, metadata)
    weights = load_file(path)
    assert weights.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(weights[name], value), name
    with safe_open(path, "pt") as file:
        header = {name: json.loads(value) for name, value in file.metadata().items()}
    assert header == metadata


def test_the_state_dict_has_only_weights(tmp_path):
    model, path = make_model(), tmp_path / "vame.pkl"
    export_state_dict(model, path)
    weights = torch.load(path, weights_only=True)
    make_model(seed=1).load_state_dict(weights, strict=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    for name, value in model.state_dict().items():
        assert torch.equal(weights[name], value), name


CHECKPOINT = {
    "weights": {},
    "settings": {"zdims": 3},
    "features": ["nose_x", "nose_y", "paw_x"],
    "scaling": SCALING,
    "seed": 3,
}
DESCRIPTION = {
    "outlier_limits": {"a": {"nose_x": [-1.0, 2.0]}},
    "scalars": ["light"],
    "fps": {"a": 30.0, "b": 25.0, "c": 30.0},
    "sha256": {"train.npy": "1" * 64},
}


def test_the_header_is_enough_to_embed_new_recordings(tmp_path):
    path = tmp_path / "model.safetensors"
    about = {"alignment": {"center": "tail"}, "reconstruction_error": {"limit": 0.5}}
    export_safetensors(make_model(), path, "vame", CHECKPOINT, DESCRIPTION, about)
    with safe_open(path, "pt") as file:
        header = {name: json.loads(value) for name, value in file.metadata().items()}
    assert header == {
        **{key: value for key, value in CHECKPOINT.items() if key != "weights"},
        **about,
        "outlier_limits": DESCRIPTION["outlier_limits"],
        "scalars": ["light"],
        "fps": [25.0, 30.0],
        "model": "vame",
    }


def test_the_manifest_has_checksums_by_final_names_of_files(tmp_path):
    for name in ("model.pt", "dataset.json", ".vame.part.pkl"):
        (tmp_path / name).touch()
    inputs = SimpleNamespace(model=tmp_path / "model.pt", description=tmp_path / "dataset.json")
    outputs = {"vame.pkl": tmp_path / ".vame.part.pkl"}
    manifest = describe_export("vame", CHECKPOINT, DESCRIPTION, 1e-7, inputs, outputs)
    empty = hashlib.sha256().hexdigest()
    assert manifest["inputs"] == {"model.pt": empty, "dataset.json": empty, "train.npy": "1" * 64}
    assert manifest["outputs"] == {"vame.pkl": empty}
    assert (manifest["model"], manifest["seed"], manifest["scaling"]) == ("vame", 3, SCALING)
    assert "weights" not in manifest
    assert manifest["onnx_largest_difference"] == 1e-7
    assert {"python", "torch", "onnx", "safetensors"} <= manifest["exported_with"].keys()
