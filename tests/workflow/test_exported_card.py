"""The code in the model card of a finished run works, and only the card's rule writes the card."""

import json
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest
import torch
import yaml
from tiny_models import make_model

EXPORT = "results/export/{model}/seed0"


def blocks(card, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", card, re.M | re.S)


def read_card(project, model):
    return (project / EXPORT.format(model=model) / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def documented_vame(monkeypatch):
    """Replace VAME's package, as far as the card needs it: its RNN_VAE builds our network.

    tests/parity loads exports of the same networks into the published RNN_VAE.
    """

    def rnn_vae(**given):
        network = {
            "time_window": given.pop("TEMPORAL_WINDOW") // 2,
            "zdims": given.pop("ZDIMS"),
            "prediction_decoder": given.pop("FUTURE_DECODER"),
            "prediction_steps": given.pop("FUTURE_STEPS"),
        }
        own = ("hidden_size_layer_1", "hidden_size_rec", "hidden_size_pred")
        network |= {name: given.pop(name) for name in (*own, "dropout_encoder", "softplus")}
        n_features = given.pop("NUM_FEATURES")
        assert given.keys() == {"hidden_size_layer_2", "dropout_rec", "dropout_pred"}
        return make_model(n_features=n_features, **network)

    for name in ("vame", "vame.model", "vame.model.rnn_model"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["vame.model.rnn_model"].RNN_VAE = rnn_vae


@pytest.mark.parametrize("model", ["vame", "bare"])
def test_the_python_code_in_the_card_works(finished_once, model, documented_vame, monkeypatch):
    monkeypatch.chdir(finished_once / EXPORT.format(model=model))
    onnx, safetensors, vame = blocks(read_card(finished_once, model), "python")
    in_onnx, in_safetensors, in_vame = {}, {}, {}
    exec(onnx, in_onnx)
    assert in_onnx["mu"].shape == (1, 3)
    assert in_onnx["reconstruction"].shape == in_onnx["poses"].shape == (1, 8, 8)
    assert ("future" in in_onnx) == (model == "vame")
    exec(safetensors, in_safetensors)
    assert in_safetensors["features"][0] == "nose_x"
    assert in_safetensors["fps"] == [30.0]
    exec(vame, in_vame)
    weights = in_vame["model"].state_dict()
    assert weights.keys() == in_safetensors["weights"].keys()
    for name, value in in_safetensors["weights"].items():
        assert torch.equal(weights[name], value), name


def test_the_onnx_code_needs_nothing_of_this_workflow(finished_once):
    onnx = blocks(read_card(finished_once, "vame"), "python")[0]
    folder = finished_once / EXPORT.format(model="vame")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", onnx]
    subprocess.run(command, check=True, cwd=folder, env=environment)


def test_the_config_in_the_card_embeds_new_recordings(finished_once):
    (config,) = blocks(read_card(finished_once, "vame"), "yaml")
    assert yaml.safe_load(config).keys() == {"use_model"}  # test_use_model.py runs it


def test_the_card_has_the_numbers_of_this_run(finished_once):
    card = read_card(finished_once, "vame")
    metrics = json.loads((finished_once / "results/models/vame/seed0/metrics.json").read_text())
    assert f"| R² of the reconstruction | {metrics['r2_reconstruction']:.3f} |" in card
    manifest = finished_once / EXPORT.format(model="vame") / "manifest.json"
    error = json.loads(manifest.read_text())["reconstruction_error"]
    assert error["percentile"] == 99
    assert f"percentile | {error['held_out_share']:.1%} |  | training: 1% |" in card
    assert "2 recordings of 2 animals (`treated` and `control`)" in card
    assert "DeepLabCut" in card


def test_a_new_evaluation_rewrites_the_card_and_does_not_export_again(finished):
    with open(finished / "results/models/vame/seed0/metrics.json", "a") as file:
        file.write("\n")
    stale = finished.stale_jobs()
    assert {"write_model_card vame 0", "choose_model", "write_manifest"} <= stale
    assert not {job for job in stale if job.startswith(("export_checkpoint", "embed_session"))}
    assert "write_model_card bare 0" not in stale
