"""Metrics of a trained model on held-out windows, and example reconstructions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from formats.dataset import locate
from jaxtyping import Float
from torch import Tensor

from vame_core.config import ModelConfig, NetworkConfig
from vame_core.model import RNNVAE
from vame_core.steps import evaluate, split_window
from vame_core.windows import EVALUATION_BATCH, Windows

RECONSTRUCTIONS = ("reconstruction", "pca_reconstruction")
FUTURES = ("future", "hold_last_frame", "pca_future")
BASELINE_WINDOWS = 20_000
"""Training windows that the linear baseline is fitted on: enough, and a matter of seconds."""


class LinearBaseline(NamedTuple):
    """PCA of a window, and a least-squares prediction of the future from the scores.

    The best possible reconstruction from as many linear latents (Eckart & Young 1936).
    """

    mean: Float[Tensor, " all"]  # of the elements of the window, then of the future
    components: Float[Tensor, "component window"]  # orthonormal
    continuation: Float[Tensor, "component rest"]  # the future predicted from a score of 1

    def __call__(
        self, target: Float[Tensor, "batch time feature"], future_steps: int
    ) -> tuple[Float[Tensor, "batch time feature"], Float[Tensor, "batch future feature"]]:
        """Reconstruct the windows from their scores, and predict the future from them."""
        mean = self.mean.split([self.components.shape[1], self.continuation.shape[1]])
        scores = (target.flatten(1) - mean[0]) @ self.components.T
        batch, _, n_features = target.shape
        return (
            (mean[0] + scores @ self.components).view(target.shape),
            (mean[1] + scores @ self.continuation).view(batch, future_steps, n_features),
        )


def fit_linear_baseline(train: Windows, network: NetworkConfig) -> LinearBaseline:
    """Fit the baseline with `zdims` components to training windows, evenly spaced over all.

    Sums are in float64 on the CPU, batch by batch: memory grows with the square of a window's
    elements, not with the recordings.
    """
    count, total, products = 0, 0.0, 0.0
    for windows in train.batches(train.spread(BASELINE_WINDOWS), EVALUATION_BATCH):
        rows = windows[:, : network.frames_used].flatten(1).cpu().double()
        count, total = count + len(rows), total + rows.sum(dim=0)
        products = products + rows.T @ rows
    mean = total / count
    covariance = products / count - torch.outer(mean, mean)
    encoded = network.time_window * train.frames.shape[1]
    variances, vectors = torch.linalg.eigh(covariance[:encoded, :encoded])
    variances, components = variances.flip(0)[: network.zdims], vectors.T.flip(0)[: network.zdims]
    # A component without variance has scores of rounding errors, which must not predict anything.
    gain = torch.where(variances > 1e-10 * variances[0], 1 / variances, 0.0)
    continuation = gain.unsqueeze(1) * (components @ covariance[:encoded, encoded:])
    device = train.device
    return LinearBaseline(*(x.float().to(device) for x in (mean, components, continuation)))


@torch.inference_mode()
def errors_of_windows(
    model: RNNVAE, batches: Iterable[Tensor], baseline: LinearBaseline, network: NetworkConfig
) -> dict[str, Float[Tensor, " windows"]]:
    """Compute each window's mean squared error, per element, for the model and the baselines.

    Without a future decoder, there are no errors of the future.
    """
    errors = defaultdict(list)
    for windows in batches:
        target, future = split_window(windows, network.time_window)
        outputs = model(target)
        linear, continued = baseline(target, network.future_steps)
        guesses = {"reconstruction": outputs.reconstruction, "pca_reconstruction": linear}
        for name, guess in guesses.items():
            errors[name].append((guess - target).square().mean(dim=(1, 2)))
        if outputs.future is not None:
            guesses = {
                "future": outputs.future,
                "hold_last_frame": target[:, -1:].expand_as(future),
                "pca_future": continued,
            }
            for name, guess in guesses.items():
                errors[name].append((guess - future).square().mean(dim=(1, 2)))
    return {name: torch.cat(parts).cpu() for name, parts in errors.items()}


def held_out_metrics(
    model: RNNVAE,
    train: Windows,
    held_out: Windows,
    description: dict[str, Any],
    config: ModelConfig,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compute errors (mean squared, per element, scaled units), overall and per held-out session.

    R² is 1 - error / variance of the same held-out frames. Baselines: `pca_*` are linear, with as
    many numbers per window as the model has latents (`LinearBaseline`); `hold_last_frame` predicts
    that the last frame stays. Without a future decoder, metrics of the future are None.
    """
    network = config.network
    numbers = held_out.spread(config.training.held_out_windows)
    batches = [
        windows[:, : network.frames_used] for windows in held_out.batches(numbers, EVALUATION_BATCH)
    ]
    evaluation = evaluate(
        model, batches, time_window=network.time_window, kmeans_loss=config.loss.kmeans_loss
    )
    errors = errors_of_windows(model, batches, fit_linear_baseline(train, network), network)
    rows = held_out.rows(numbers).tolist()
    sessions = np.array([locate(row, description, "test")[0] for row in rows])
    sides = zip(*(split_window(batch, network.time_window) for batch in batches), strict=True)
    target, future = (torch.cat(side) for side in sides)
    metrics: dict[str, Any] = {
        "time_window": network.time_window,
        "prediction_steps": network.future_steps or None,
        "zdims": network.zdims,
        "held_out_windows": len(numbers),
        "held_out_sessions": len(np.unique(sessions)),
    }
    for names, truth in ((RECONSTRUCTIONS, target), (FUTURES, future)):
        for name in names:
            error = float(errors[name].double().mean()) if name in errors else None
            metrics[name] = error
            metrics[f"r2_{name}"] = None if error is None else 1 - error / _variance(truth)
    metrics |= {
        "kl_nats_per_window": evaluation.terms.kl,
        "cluster": evaluation.terms.cluster,
        "active_latents": evaluation.active_latents,
        "posterior_variance": evaluation.posterior_variance,
    }
    table = []
    for session in dict.fromkeys(sessions.tolist()):
        own = torch.from_numpy(sessions == session)
        means = {
            name: float(errors[name][own].double().mean()) if name in errors else None
            for name in (*RECONSTRUCTIONS, *FUTURES)
        }
        table.append({"session": session, "windows": int(own.sum()), **means})
    return metrics, table


@torch.inference_mode()
def example_reconstructions(
    model: RNNVAE, held_out: Windows, description: dict[str, Any], n: int
) -> dict[str, np.ndarray]:
    """Return `n` held-out windows, evenly spaced, with their reconstructions.

    Coordinates are in the recording's own unit; `first_frame` is the recording's frame
    at which the window starts.
    """
    numbers = held_out.spread(n)
    windows = held_out.take(numbers)[:, : model.network.frames_used]
    outputs = model(windows[:, : model.network.time_window])
    empty = windows[:, :0]
    places = [locate(row, description, "test") for row in held_out.rows(numbers).tolist()]
    sessions, first_frames = zip(*places, strict=True)
    std, mean = (torch.tensor(description["scaling"][key]) for key in ("std", "mean"))
    scalar = torch.tensor([name in description["scalars"] for name in description["features"]])
    units = torch.tensor([description["units"][session] for session in sessions])[:, None, None]
    units = torch.where(scalar, 1.0, units)
    values = {
        "truth": windows,
        "reconstruction": outputs.reconstruction,
        "future": empty if outputs.future is None else outputs.future,
    }
    arrays = {name: (value.cpu() * std + mean) * units for name, value in values.items()}
    return {name: array.numpy() for name, array in arrays.items()} | {
        "session": np.array(sessions),
        "first_frame": np.array(first_frames),
        "features": np.array(description["features"]),
        "fps": np.array([description["fps"][session] for session in sessions], dtype=float),
    }


def _variance(windows: torch.Tensor) -> float:
    """Return the variance over windows and frames, averaged over features."""
    return float(windows.flatten(0, 1).var(dim=0, correction=0).mean())
