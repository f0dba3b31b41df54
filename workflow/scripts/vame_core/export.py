"""A trained model as files that other programs read."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from vame_core.model import RNNVAE


class InRecordingUnits(nn.Module):
    """The model with its scaling inside: aligned poses in, latents and aligned poses out.

    The units are those of the recording after alignment (pixels). With the scaling in the graph
    nobody can train on scaled and embed unscaled data.
    """

    def __init__(self, model: RNNVAE, scaling: dict[str, list[float]]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(scaling["mean"]))
        self.register_buffer("std", torch.tensor(scaling["std"]))

    def forward(self, poses: Float[Tensor, "batch time feature"]) -> tuple[Tensor, ...]:
        outputs = self.model((poses - self.mean) / self.std)
        decoded = [outputs.reconstruction] + ([] if outputs.future is None else [outputs.future])
        return (
            outputs.mu,
            outputs.logvar,
            *(value * self.std + self.mean for value in decoded),
        )


def export_state_dict(model: RNNVAE, path: Path) -> None:
    """A bare state dict, as VAME saves its models: its `RNN_VAE` loads it with strict=True."""
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, path)


def export_safetensors(model: RNNVAE, path: Path, metadata: dict[str, Any]) -> None:
    """The weights as safetensors; `metadata` stands in the header, each value as JSON."""
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, path, {key: json.dumps(value) for key, value in metadata.items()})


def export_onnx(model: RNNVAE, scaling: dict[str, list[float]], path: Path) -> float:
    """The model in recording units as ONNX, for any batch size.

    Returns the largest absolute difference between torch's and onnxruntime's outputs on random
    windows, in standard deviations of the feature it belongs to (latents: as they are).
    """
    module = InRecordingUnits(model, scaling).cpu().eval()
    n_features = len(scaling["mean"])
    outputs = ["mu", "logvar", "reconstruction"] + ["future"] * model.network.prediction_decoder
    example = torch.zeros(2, model.network.time_window, n_features)
    with warnings.catch_warnings():
        # The tracing exporter keeps each GRU one node; the newer one unrolls it over time into
        # a graph that is many times larger and takes minutes. Its warnings are about sizes
        # that it takes from the example; the check below runs another batch size.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            str(path),
            input_names=["poses"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ["poses", *outputs]},
            dynamo=False,
        )
    onnx.checker.check_model(str(path), full_check=True)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(5, model.network.time_window, n_features, generator=generator)
    poses = noise * module.std + module.mean
    with torch.inference_mode():
        expected = [value.numpy() for value in module(poses)]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    measured = session.run(None, {"poses": poses.numpy()})
    units = [1.0, 1.0] + [module.std.numpy()] * (len(outputs) - 2)
    return max(
        float(np.abs((a - b) / unit).max())
        for a, b, unit in zip(expected, measured, units, strict=True)
    )
