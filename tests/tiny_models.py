"""Models small enough to train in a test, and frames for them.

All functions take only keywords: a test names the values that matter to it.
"""

from pathlib import Path

import torch
import yaml
from vame_core.config import ModelConfig, NetworkConfig
from vame_core.model import RNNVAE
from vame_core.windows import Windows

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["properties"]
DEFAULTS = {k: v["default"] for k, v in SCHEMA.items() if "train_model" in v.get("used_by", [])}
SETTINGS = DEFAULTS | {
    "time_window": 8,
    "zdims": 3,
    "prediction_steps": 4,
    "hidden_size_layer_1": 7,
    "hidden_size_rec": 6,
    "hidden_size_pred": 5,
    "kmeans_loss": 2,
    "mse_prediction_reduction": "sum",
    "kl_start": 0,
    "annealtime": 0,
    "batch_size": 8,
    "max_epochs": 3,
    "steps_per_epoch": 2,
    "learning_rate": 0.01,
    "scheduler": "constant",
    "scheduler_step_size": 2,
    "scheduler_gamma": 0.5,
    "held_out_windows": 16,
    "device": "cpu",
}


def make_config(**changes) -> ModelConfig:
    return ModelConfig.from_settings(SETTINGS | changes)


def make_network(**changes) -> NetworkConfig:
    return make_config(**changes).network


def make_model(*, n_features=3, seed=0, **changes) -> RNNVAE:
    """Return a model whose random weights depend only on ``seed``; keep torch's global state."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return RNNVAE(make_network(**changes), n_features)


def make_frames(*, frames=200, n_features=3, seed=0) -> torch.Tensor:
    """Return sine waves of one frequency and random phases, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    phase = 2 * torch.pi * torch.rand(n_features, generator=generator)
    waves = (torch.arange(frames).unsqueeze(1) * 0.6 + phase).sin()
    return waves + 0.1 * torch.randn(frames, n_features, generator=generator)


def make_windows(*, frames=200, length=12, n_features=3, seed=0) -> Windows:
    return Windows(
        make_frames(frames=frames, n_features=n_features, seed=seed), [(0, frames)], length
    )


def make_batch(*, batch=6, time=8, n_features=3, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, time, n_features, generator=generator)
