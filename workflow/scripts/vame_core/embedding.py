"""Latents of whole recordings, from an exported model and aligned poses."""

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
"""What embedding needs to know of a model beside its weights."""

IN_CACHE = 128
"""Windows whose states stay in the cache of a processor's core."""


def load_exported(path: Path, device: torch.device) -> tuple[RNNVAE, dict[str, Any]]:
    """Return the model of a `model.safetensors` in evaluation mode, and the file's header.

    Raises
    ------
    ValueError
        If the file is not one that `export_safetensors` wrote.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            missing = [key for key in HEADER if key not in header]
            if missing:
                raise ValueError(f"its header lacks {', '.join(missing)}")
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
    """Yield latents (mu) of the window that begins at each frame, `batch` windows at a time.

    Nearly all of the time is the recurrent layers' products of states, which no two windows have in
    common: those of the input, which are a hundredth, are all that overlapping windows could share.

    Parameters
    ----------
    poses
        (frame, feature) in the recording's units; of a memory map, a part at a time is read.
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
    """Number of windows in a recording, usable or not; 0 if it is shorter than one."""
    return max(0, len(poses) - model.network.time_window + 1)


def poses_as_trained(aligned: AlignedPoses, header: dict[str, Any], path: str | Path) -> np.ndarray:
    """Return the poses with the features in the order of the model.

    They stay memory-mapped if that is their order.

    Raises
    ------
    ValueError
        Naming the features that the recording lacks or adds, or its frame rate, if they are not
        those that the model was trained on.
    """
    own, features, fps = aligned.features, header["features"], header["fps"]
    differing = {
        "lacks": [name for name in features if name not in own],
        "adds": [name for name in own if name not in features],
    }
    if any(differing.values()):
        listed = "; ".join(
            f"it {verb} {', '.join(names)}" for verb, names in differing.items() if names
        )
        raise ValueError(
            f"{path}: its features are not those of the model: {listed}. Set keypoints and "
            "extra_features to those of the model, and use its names"
        )
    if aligned.fps not in fps:
        trained = " and ".join(f"{known:g}" for known in fps)
        raise ValueError(
            f"{path}: {aligned.fps:g} frames per second, while the model was trained at {trained}: "
            f"its windows would last another time; set resample_fps to {fps[0]:g}"
        )
    if own == features:
        return aligned.poses
    return aligned.poses[:, [own.index(name) for name in features]]
