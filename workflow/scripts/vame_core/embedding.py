"""Latents of whole recordings, from an exported model and aligned poses."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from vame_core.checkpoint import write_atomically
from vame_core.config import ModelConfig
from vame_core.model import RNNVAE
from vame_core.training import EVALUATION_BATCH

HEADER = ("settings", "features", "scaling", "fps")
"""What embedding needs to know of a model beside its weights."""


def load_exported(path: Path, device: torch.device) -> tuple[RNNVAE, dict[str, Any]]:
    """The model of a `model.safetensors` in evaluation mode, and what its header says of it.

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
    batch: int = EVALUATION_BATCH,
) -> Iterator[np.ndarray]:
    """Latents (mu) of the window that begins at each frame, `batch` windows at a time.

    Parameters
    ----------
    poses
        (frame, feature) in the recording's units, such as a memory map: only the part that is
        at work is read.
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
    """Windows that begin in a recording, usable or not: none where it is shorter than one."""
    return max(0, len(poses) - model.network.time_window + 1)


def write_latents(path: Path, latents: Iterator[np.ndarray], shape: tuple[int, int]) -> None:
    """Write blocks of latents as one npy of this shape, whole or not at all."""

    def write(file) -> None:
        description = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, description)
        for block in latents:
            file.write(block.astype("<f4").tobytes())

    write_atomically(path, write)


def open_aligned(
    path: Path, features: list[str], fps: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Poses and usable frames of an aligned recording, as a model needs them.

    The poses are memory-mapped, unless their features have to be put into the model's order.

    Raises
    ------
    ValueError
        Naming the features that the recording lacks or adds, or its frame rate, if they are not
        those that the model was trained on.
    """
    with np.load(path) as arrays:
        own, rate, usable = arrays["features"].tolist(), float(arrays["fps"]), arrays["usable"]
    faults = [
        f"it {verb} {', '.join(names)}"
        for verb, names in {
            "lacks": [name for name in features if name not in own],
            "adds": [name for name in own if name not in features],
        }.items()
        if names
    ]
    if faults:
        raise ValueError(
            f"{path}: its features are not those of the model: {'; '.join(faults)}. Set keypoints "
            "and extra_features to those of the model, and name them as there."
        )
    if rate not in fps:
        trained = " and ".join(f"{known:g}" for known in fps)
        raise ValueError(
            f"{path}: {rate:g} frames per second, while the model was trained at {trained}: its "
            f"windows would last another time; set resample_fps to {fps[0]:g}"
        )
    poses = map_array(path, "poses")
    order = [own.index(name) for name in features]
    return (poses if own == features else poses[:, order]), usable


def map_array(path: Path, name: str) -> np.ndarray:
    """An array of an npz that `np.savez` wrote, memory-mapped: it lies there as in an npy."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        assert member.compress_type == zipfile.ZIP_STORED, path
        with archive.open(member) as file:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            inside = file.tell()
    with open(path, "rb") as file:  # the local header: 30 bytes, a name, and extra fields
        file.seek(member.header_offset + 26)
        name_and_extra = sum(struct.unpack("<HH", file.read(4)))
    start = member.header_offset + 30 + name_and_extra + inside
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")
