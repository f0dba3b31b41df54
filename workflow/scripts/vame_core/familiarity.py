"""Reconstruction errors of new recordings, compared with those of the training.

A window that is unlike those of the training is reconstructed poorly. How poorly depends on model
and data, so errors are compared with a percentile of the training windows' errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from formats.aligned import AlignedPoses
from formats.runs import find_runs
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vame_core.config import ModelConfig
from vame_core.embedding import IN_CACHE
from vame_core.model import RNNVAE
from vame_core.windows import open_splits

PERCENTILE = 99
TRAINING_SAMPLE = 4_000
"""Windows of either split: 40 of them lie beyond the percentile, and 1 % is 0.8 to 1.2 %."""
SESSION_SAMPLE = 2_000
"""Windows of a recording, so that measuring takes a fraction of the time of embedding."""


@torch.inference_mode()
def reconstruction_errors(
    model: RNNVAE, batches: Iterable[Float[Tensor, "batch time feature"]]
) -> Float[np.ndarray, " windows"]:
    """Compute the mean squared error per element of each window, at z = mu, in scaled units."""
    length, device = model.network.time_window, next(model.parameters()).device
    errors = [torch.empty(0)]
    for windows in batches:
        target = windows[:, :length].to(device)
        guess = model.decoder(model.encode(target)[0])
        errors.append((guess - target).square().mean(dim=(1, 2)).cpu())
    return torch.cat(errors).numpy()


def measure_training(
    model: RNNVAE,
    config: ModelConfig,
    train: str | Path,
    test: str | Path,
    description: dict[str, Any],
) -> dict[str, Any]:
    """Measure the errors of the training that an export keeps: `limit` is their percentile.

    `held_out_share` is the share of held-out windows beyond it: what to expect of recordings like
    those of the training. Windows are those of the dataset that `description` is of, on the CPU.
    """
    splits = open_splits(train, test, description, config, torch.device("cpu"))
    errors, others = (
        reconstruction_errors(model, windows.batches(windows.spread(TRAINING_SAMPLE), IN_CACHE))
        for windows in splits
    )
    limit = float(np.percentile(errors, PERCENTILE))
    return {
        "percentile": PERCENTILE,
        "limit": limit,
        "windows": len(errors),
        "held_out_share": float((others > limit).mean()),
        "held_out_windows": len(others),
    }


def measure_session(
    model: RNNVAE,
    poses: Float[np.ndarray, "frame feature"],
    aligned: AlignedPoses,
    header: dict[str, Any],
) -> dict[str, Any]:
    """Measure the share of a recording's windows whose error is beyond the limit of the training.

    Of at most `SESSION_SAMPLE` usable windows, evenly spread. `share_beyond` is None where there is
    no usable window, or no limit because the export is of an earlier version.

    Parameters
    ----------
    poses
        As `embedding.poses_as_trained` returns them.
    header
        Of the exported model.
    """
    known = header.get("reconstruction_error", {})
    starts = usable_windows(aligned.usable, model.network.time_window)
    n = min(SESSION_SAMPLE, len(starts)) if known else 0
    errors = reconstruction_errors(model, _scaled(model, poses, header, _spread(starts, n)))
    return {
        "windows": n,
        "share_beyond": float((errors > known["limit"]).mean()) if n else None,
        "percentile": known.get("percentile"),
        "held_out_share": known.get("held_out_share"),
    }


def usable_windows(usable: Bool[np.ndarray, " frame"], length: int) -> Int[np.ndarray, " window"]:
    """Return the first frames of all windows of `length` frames that are all usable."""
    runs = [np.arange(start, stop - length + 1) for start, stop in find_runs(usable)]
    return np.concatenate([np.empty(0, dtype=int), *runs])


def _spread(starts: Int[np.ndarray, " window"], n: int) -> Int[np.ndarray, " sample"]:
    return starts[np.arange(n) * len(starts) // max(n, 1)]


def _scaled(model, poses, header, starts) -> Iterator[Float[Tensor, "batch time feature"]]:
    """Yield the windows that start at these frames, scaled as in the training."""
    mean, std = (np.array(header["scaling"][key]) for key in ("mean", "std"))
    frames = starts[:, None] + np.arange(model.network.time_window)
    for part in range(0, len(starts), IN_CACHE):
        scaled = (poses[frames[part : part + IN_CACHE]] - mean) / std
        yield torch.from_numpy(scaled.astype(np.float32))
