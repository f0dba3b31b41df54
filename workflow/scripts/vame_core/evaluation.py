"""How good a trained model is on held-out windows, and examples to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vame_core.config import ModelConfig
from vame_core.losses import squared_error
from vame_core.model import RNNVAE
from vame_core.training import EVALUATION_BATCH, evaluate, split_window
from vame_core.windows import Windows


def held_out_metrics(model: RNNVAE, held_out: Windows, config: ModelConfig) -> dict[str, Any]:
    """Errors (mean squared, per element, scaled units) and shares of explained variance.

    R² is 1 - error / variance of the same held-out frames; `hold_last_frame` is the baseline
    that predicts the future to be the last frame seen.
    """
    numbers = held_out.spread(config.training.held_out_windows)
    batches = [
        windows[:, : config.network.frames_used]
        for windows in held_out.batches(numbers, EVALUATION_BATCH)
    ]
    evaluation = evaluate(
        model,
        batches,
        time_window=config.network.time_window,
        kmeans_loss=config.loss.kmeans_loss,
    )
    windows, futures, held = [], [], []
    for batch in batches:
        target, future = split_window(batch, config.network.time_window)
        windows.append(target)
        futures.append(future)
        held.append(target[:, -1:].expand_as(future))
    variance = _variance(torch.cat(windows))
    metrics = {
        "held_out_windows": len(numbers),
        "reconstruction": evaluation.terms.reconstruction,
        "r2_reconstruction": 1 - evaluation.terms.reconstruction / variance,
        "future": None,
        "r2_future": None,
        "hold_last_frame": None,
        "r2_hold_last_frame": None,
        "kl_nats_per_window": evaluation.terms.kl,
        "cluster": evaluation.terms.cluster,
        "active_latents": evaluation.active_latents,
        "posterior_variance": evaluation.posterior_variance,
    }
    if config.network.prediction_decoder:
        future, baseline = torch.cat(futures), torch.cat(held)
        error, variance = float(squared_error(future, baseline)), _variance(future)
        metrics |= {
            "future": evaluation.terms.future,
            "r2_future": 1 - evaluation.terms.future / variance,
            "hold_last_frame": error,
            "r2_hold_last_frame": 1 - error / variance,
        }
    return metrics


@torch.inference_mode()
def example_reconstructions(
    model: RNNVAE, held_out: Windows, description: dict[str, Any], n: int
) -> dict[str, np.ndarray]:
    """`n` held-out windows, evenly spread, beside what the model makes of them.

    Values are in the recording's units after alignment; `first_frame` is the recording's frame
    at which the window begins.
    """
    numbers = held_out.spread(n)
    windows = held_out.take(numbers)[:, : model.network.frames_used]
    outputs = model(windows[:, : model.network.time_window])
    scale = torch.tensor(description["scaling"]["std"], device=windows.device)
    shift = torch.tensor(description["scaling"]["mean"], device=windows.device)
    empty = windows[:, :0]
    places = [locate(row, description, "test") for row in held_out.rows(numbers).tolist()]
    sessions, first_frames = zip(*places, strict=True)
    values = {
        "truth": windows,
        "reconstruction": outputs.reconstruction,
        "future": empty if outputs.future is None else outputs.future,
    }
    return {name: (value * scale + shift).cpu().numpy() for name, value in values.items()} | {
        "session": np.array(sessions),
        "first_frame": np.array(first_frames),
        "features": np.array(description["features"]),
        "fps": np.array([description["fps"][session] for session in sessions], dtype=float),
    }


def locate(row: int, description: dict[str, Any], side: str) -> tuple[str, int]:
    """Session and recording's frame of a row of one side's array."""
    segment = next(
        s for s in description["segments"] if s["side"] == side and s["start"] <= row < s["stop"]
    )
    return segment["session"], segment["first_frame"] + row - segment["start"]


def _variance(windows: torch.Tensor) -> float:
    """Mean over features of the variance over windows and frames."""
    return float(windows.flatten(0, 1).var(dim=0, correction=0).mean())
