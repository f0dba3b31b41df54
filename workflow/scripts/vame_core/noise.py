"""Gaussian noise on the encoder's input."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

NOISE_LEVEL = 0.8  # VAME's


def add_noise(
    windows: Float[Tensor, "batch time feature"],
    generator: torch.Generator | None,
    level: float = NOISE_LEVEL,
) -> Float[Tensor, "batch time feature"]:
    """Add white noise of `level` standard deviations of each feature within its window."""
    spread = level * windows.std(dim=1, keepdim=True)
    noise = torch.randn(
        windows.shape, generator=generator, device=windows.device, dtype=windows.dtype
    )
    return windows + noise * spread
