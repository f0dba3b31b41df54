"""Latents of whole recordings, computed with an exported model from aligned poses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from formats.aligned import AlignedPoses
from safetensors import SafetensorError, safe_open

from vame_core.config import ModelConfig
from vame_core.model import RNNVAE
from vame_core.windows import EVALUATION_BATCH

HEADER = ("settings", "features", "scaling", "fps")
"""What embedding needs to know about a model besides its weights."""

IN_CACHE = 128
"""Windows whose states fit in a processor core's cache."""


def load_exported(path: Path, device: torch.device) -> tuple[RNNVAE, dict[str, Any]]:
    """Load the model of a `model.safetensors` in evaluation mode, and the file's header.

    Raises
    ------
    ValueError
        If `export_safetensors` did not write the file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            missing = [key for key in HEADER if key not in header]
            if missing:
                raise ValueError(f"the header lacks {', '.join(missing)}")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = ModelConfig.from_settings(header["settings"])
        model = RNNVAE(config.network, len(header["features"]))
        model.load_state_dict(weights)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: not a model that this workflow exported ({error})") from error
    return model.to(device).eval(), header


def embed(
    model: RNNVAE,
    poses: np.ndarray,
    usable: np.ndarray,
    scaling: dict[str, list[float]],
    batch: int | None = None,
) -> Iterator[np.ndarray]:
    """Yield latents (mu) of the window that starts at each frame, `batch` windows at a time.

    Nearly all of the time is spent on products of the recurrent states, which differ between
    windows; overlapping windows could share only those of the input, a hundredth of the work.

    Parameters
    ----------
    poses
        (frame, feature) in the recording's units; a memory map is read in parts.
    usable
        (frame,) bool
    scaling
        Mean and standard deviation of each feature, as the checkpoint has them.

    Yields
    ------
    (window, latent) float32, NaN where a frame of the window is not usable.
    """
    time_window = model.network.time_window
    device = next(model.parameters()).device
    batch = batch or (IN_CACHE if device.type == "cpu" else EVALUATION_BATCH)
    mean, std = (np.array(scaling[key]) for key in ("mean", "std"))
    for start in range(0, windows_of(poses, model), batch):
        part = slice(start, start + batch + time_window - 1)
        scaled = ((poses[part] - mean) / std).astype(np.float32)
        inside = torch.from_numpy(usable[part]).unfold(0, time_window, 1).all(dim=1)
        latents = torch.full((len(inside), model.network.zdims), torch.nan)
        if inside.any():
            windows = torch.from_numpy(scaled).unfold(0, time_window, 1).transpose(1, 2)
            with torch.inference_mode():
                latents[inside] = model.encode(windows[inside].to(device))[0].cpu()
        yield latents.numpy()


def windows_of(poses: np.ndarray, model: RNNVAE) -> int:
    """Return the number of windows in a recording, usable or not; 0 if it is shorter than one."""
    return max(0, len(poses) - model.network.time_window + 1)


def poses_as_trained(aligned: AlignedPoses, header: dict[str, Any], path: str | Path) -> np.ndarray:
    """Return the poses with the features in the model's order.

    They stay memory-mapped if the order is already the same.

    Raises
    ------
    ValueError
        If the recording lacks or adds features, or if its frame rate is none that the model
        was trained at; the message names them.
    """
    own, features, fps = aligned.features, header["features"], header["fps"]
    differing = {
        "lacks": [name for name in features if name not in own],
        "adds": [name for name in own if name not in features],
    }
    if any(differing.values()):
        listed = "; ".join(
            f"the recording {verb} {', '.join(names)}" for verb, names in differing.items() if names
        )
        raise ValueError(
            f"{path}: features differ from those of the model: {listed}. Set keypoints and "
            "extra_features to those of the model, and use its names"
        )
    if aligned.fps not in fps:
        trained = " and ".join(f"{known:g}" for known in fps)
        raise ValueError(
            f"{path}: the recording has {aligned.fps:g} frames per second, but the model was "
            f"trained at {trained}: its windows would have another duration; set resample_fps to "
            f"{fps[0]:g}"
        )
    if own == features:
        return aligned.poses
    return aligned.poses[:, [own.index(name) for name in features]]
