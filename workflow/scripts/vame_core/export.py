"""Export of a trained model to files that other programs read."""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from formats.files import sha256
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from vame_core.checkpoint import versions
from vame_core.model import RNNVAE


class InRecordingUnits(nn.Module):
    """The model including its scaling: aligned poses in, latents and aligned poses out.

    The units are those of the recording after alignment (pixels). With the scaling in the graph,
    scaled and unscaled data cannot be mixed up.
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


def export_state_dict(model: RNNVAE, path: str | Path) -> None:
    """Write a bare state dict, which VAME's `RNN_VAE` loads with strict=True."""
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, path)


def export_safetensors(
    model: RNNVAE,
    path: str | Path,
    name: str,
    checkpoint: dict[str, Any],
    description: dict[str, Any],
    about: dict[str, Any],
) -> None:
    """Write the weights as safetensors; the header has all that embedding of new recordings needs.

    Each value of the header is JSON.

    Parameters
    ----------
    about
        alignment (settings), and reconstruction_error (from `familiarity.measure_training`)
    """
    header = _about(checkpoint) | {
        **about,
        "outlier_limits": description["outlier_limits"],
        "scalars": description["scalars"],
        "fps": sorted(set(description["fps"].values())),
        "model": name,
    }
    write_safetensors(model, path, header)


def write_safetensors(model: RNNVAE, path: str | Path, header: dict[str, Any]) -> None:
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, path, {key: json.dumps(value) for key, value in header.items()})


def export_onnx(model: RNNVAE, scaling: dict[str, list[float]], path: str | Path) -> float:
    """Write the model in recording units as ONNX, for any batch size.

    Returns the largest absolute difference between torch's and onnxruntime's outputs for random
    windows, in scaled units (for latents: unscaled).
    """
    module = InRecordingUnits(model, scaling).cpu().eval()
    n_features = len(scaling["mean"])
    outputs = ["mu", "logvar", "reconstruction"] + ["future"] * model.network.prediction_decoder
    example = torch.zeros(2, model.network.time_window, n_features)
    with warnings.catch_warnings():
        # The tracing exporter keeps each GRU as one node; the newer one unrolls it over time into
        # a graph that is many times larger and takes minutes. It warns about sizes that it takes
        # from the example; the check below uses another batch size.
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
    difference = max(
        float(np.abs((a - b) / unit).max())
        for a, b, unit in zip(expected, measured, units, strict=True)
    )
    print(f"largest difference between onnxruntime and torch: {difference:.2g}")
    return difference


def describe_export(
    name: str,
    checkpoint: dict[str, Any],
    description: dict[str, Any],
    difference: float,
    inputs: Any,
    outputs: Mapping[str, Path],
) -> dict[str, Any]:
    """Describe a model for the manifest of its export, with the records of its jobs.

    Parameters
    ----------
    difference
        The result of `export_onnx`.
    inputs
        Paths; the checkpoint is `model` and `dataset.json` is `description`.
    outputs
        Files, by their final names.
    """
    exporters = {package: version(package) for package in ("safetensors", "onnx", "onnxruntime")}
    return {
        "model": name,
        **_about(checkpoint),
        "exported_with": versions() | exporters,
        "machine": platform.platform(),
        "onnx_largest_difference": difference,
        "inputs": {
            "model.pt": sha256(inputs.model),
            "dataset.json": sha256(inputs.description),
            **description["sha256"],
        },
        "outputs": {name: sha256(path) for name, path in outputs.items()},
    }


def _about(checkpoint: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in checkpoint.items() if key != "weights"}
